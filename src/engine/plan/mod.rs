//! Computes a [`Plan`] from the wanted and the live snapshot. Nothing here can write, wait or ask.

mod bin;
mod counterparts;
mod decisions;
mod deletes;
mod gone;
mod left;
mod links;
mod role_rules;
mod strictness;
mod update;
mod updates;
mod writes;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::diff;
use super::order::{Draft, Order, Phase, Stage};
use super::refs::mentions;
use super::risk;
use super::schema;
use super::scope::Scope;
use crate::model::kind::{Creation, Deletion};
use crate::model::{Action, Address, FieldChange, IdMap, Kind, Object, Plan, Snapshot, Step};

/// Holds everything that a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The wanted snapshot.
    pub wanted: &'a Snapshot,
    /// The live tenant.
    pub live: &'a Snapshot,
    /// Addresses in the last snapshot: objects that the tenant is known to have had, so that their absence from `wanted` is
    /// intended.
    pub base: &'a BTreeSet<Address>,
    /// Objects in the recycle bin, without links.
    pub deleted: &'a BTreeMap<Address, Object>,
    /// The id map: old id → new id.
    pub ids: &'a IdMap,
    /// The scope of the plan.
    pub scope: &'a Scope,
    /// True if objects that no snapshot had are deleted too.
    pub prune: bool,
}

/// Returns the writes that take the tenant from `live` to `wanted`, within the scope.
///
/// Objects are matched by address, then by the id map. An object on both sides that differs gets an Update. One that is only
/// wanted gets a Restore from the recycle bin, else a Create. One that is only live gets a Delete if the last snapshot had
/// it or pruning was requested, else it is unmanaged. A kind that either side does not know completely is left alone.
pub fn plan(inputs: &Inputs<'_>) -> Plan {
    let mut planner = Planner::new(inputs);
    planner.classify();
    planner.leave_out_gone();
    planner.note_takers();
    planner.write_all();
    planner.delete_all();
    planner.finish()
}

struct Planner<'a> {
    inputs: &'a Inputs<'a>,
    plan: Plan,
    order: Order,
    /// Wanted objects with their current ids, and the decision on each.
    decisions: BTreeMap<Address, (Object, Decision)>,
    /// Wanted objects in scope that get no step of their own, with their current ids.
    without_steps: BTreeMap<Address, Object>,
    /// Wanted objects that Graph creates along with objects that the plan creates.
    along: BTreeSet<Address>,
    /// Wanted objects that ended by themselves.
    ended: BTreeSet<Address>,
    /// Ids (and other identities) that will change because their object is created again.
    moving: BTreeMap<String, Address>,
    /// Ids (and other identities) of objects that are restored from the recycle bin: they stay, but cannot be named before.
    returning: BTreeMap<String, Address>,
    /// Ids of wanted objects that do not exist and cannot be created: no link can lead to them.
    lost: BTreeMap<String, Address>,
    /// Ids of wanted objects that do not exist and are not in scope: nothing can be linked to them.
    left_out: BTreeMap<String, Address>,
    /// Ids that a wanted object names and that are left out of what is written: no object has them, or will have.
    gone: BTreeMap<String, Address>,
    /// Wanted objects of whose references some are left out: as the commit has them, and the fields that are left out.
    whole: BTreeMap<Address, (Object, Vec<FieldChange>)>,
    /// Ids of live objects that no snapshot had: they stay in the tenant, with the entries that name them.
    unmanaged_ids: BTreeMap<String, Address>,
    /// Groups that changed policies include and none of these excludes: their members can be removed early.
    included: BTreeSet<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Decision {
    Update,
    Restore,
    Create,
}

impl<'a> Planner<'a> {
    fn new(inputs: &'a Inputs<'a>) -> Self {
        Planner {
            inputs,
            plan: Plan::default(),
            order: Order::default(),
            decisions: BTreeMap::new(),
            without_steps: BTreeMap::new(),
            along: BTreeSet::new(),
            ended: BTreeSet::new(),
            moving: BTreeMap::new(),
            returning: BTreeMap::new(),
            lost: BTreeMap::new(),
            left_out: BTreeMap::new(),
            gone: BTreeMap::new(),
            whole: BTreeMap::new(),
            unmanaged_ids: unmanaged_ids(inputs),
            included: strictness::only_included(inputs),
        }
    }

    /// Returns true if both sides know the kind completely.
    fn known(&self, kind: &Kind) -> bool {
        self.inputs.wanted.coverage.kind(kind.name).is_complete()
            && self.inputs.live.coverage.kind(kind.name).is_complete()
    }

    fn link_known(&self, kind: &Kind, link: &str) -> bool {
        self.inputs.wanted.coverage.link(kind.name, link).is_complete()
            && self.inputs.live.coverage.link(kind.name, link).is_complete()
    }
    /// Returns the objects that `value` names and that get a new id.
    fn moving_in(&self, value: &Value) -> Vec<Address> {
        named_in(value, &[&self.moving])
    }

    /// Returns the objects that `value` names and that do not exist yet: the same plan creates or restores them.
    fn awaited_in(&self, value: &Value) -> Vec<Address> {
        named_in(value, &[&self.moving, &self.returning])
    }

    #[allow(clippy::too_many_arguments)]
    fn push(
        &mut self,
        kind: &'static Kind,
        address: &Address,
        object: &Object,
        phase: Phase,
        stage: Stage,
        action: Action,
        needs: &[Address],
    ) {
        let phase = self.phase_of(kind, address, object, phase, &action, needs);
        let tier = needs.iter().map(tier_of).chain([tier(kind)]).max().unwrap_or_default();
        self.order.push(Draft {
            phase,
            tier,
            stage,
            needs: needs.to_vec(),
            step: Step {
                address: address.clone(),
                called: diff::called(kind, object),
                name: object.name().to_owned(),
                about: kind.about(&object.0),
                identities: match action {
                    Action::Create { .. } => moving_identities(kind, object),
                    _ => BTreeMap::new(),
                },
                action,
                needs: Vec::new(),
                by: Vec::new(),
                risks: Vec::new(),
            },
        });
    }

    fn finish(mut self) -> Plan {
        let (steps, waves) = std::mem::take(&mut self.order).finish();
        let mut plan = std::mem::take(&mut self.plan);
        plan.steps = steps;
        plan.waves = waves;
        self.mark_risks(&mut plan.steps);
        plan.left = self.list_left(&plan);
        plan
    }
}

impl Planner<'_> {
    fn mark_risks(&self, steps: &mut [Step]) {
        for step in steps {
            let kind = step.address.kind;
            let live = self.inputs.live.objects.get(&step.address);
            let wanted = self.decisions.get(&step.address).map(|(object, _)| object);
            step.risks = risk::of_step(kind, step, live, wanted);
        }
    }
}

/// Returns the addresses of the wanted objects, by their current ids.
fn wanted_today(inputs: &Inputs<'_>) -> BTreeSet<Address> {
    (inputs.wanted.objects.keys())
        .chain(&inputs.wanted.unchanged)
        .map(|old| Address::new(old.kind, inputs.ids.current(&old.id)))
        .collect()
}

fn unmanaged_ids(inputs: &Inputs<'_>) -> BTreeMap<String, Address> {
    let mut found = BTreeMap::new();
    if inputs.prune {
        return found;
    }
    let wanted = wanted_today(inputs);
    for (address, object) in &inputs.live.objects {
        let kind = address.kind;
        if !wanted.contains(address) && !inputs.base.contains(address) {
            found.extend(identities(kind, object).into_iter().map(|id| (id, address.clone())));
        }
    }
    found
}

fn named_in(value: &Value, places: &[&BTreeMap<String, Address>]) -> Vec<Address> {
    if places.iter().all(|place| place.is_empty()) {
        return Vec::new();
    }
    let mut found = BTreeSet::new();
    mentions(value, &mut |id| found.extend(places.iter().filter_map(|place| place.get(id)).cloned()));
    found.into_iter().collect()
}

fn tier(kind: &Kind) -> usize {
    schema::tiers().get(kind.name).copied().unwrap_or_default()
}

fn tier_of(address: &Address) -> usize {
    schema::tiers().get(address.kind.name).copied().unwrap_or_default()
}

/// Returns the reason why an object cannot be created through Graph, if there is one.
pub fn not_creatable(kind: &'static Kind, object: &Object) -> Option<&'static str> {
    if let Creation::Never { reason } = kind.creation {
        return Some(reason);
    }
    kind.variants.iter().find(|variant| variant.when.holds(&object.0)).and_then(|variant| variant.not_creatable)
}

/// Returns true if an object of this sort can be deleted: what only Microsoft or another service makes is left alone.
pub fn is_deletable(kind: &'static Kind, object: &Object) -> bool {
    let variant = kind.variants.iter().find(|variant| variant.when.holds(&object.0));
    kind.deletion != Deletion::Never
        && !matches!(kind.creation, Creation::Never { .. })
        && variant.is_none_or(|variant| variant.not_creatable.is_none() || variant.deletable)
}

/// Returns the reason why Graph would refuse changes to an object, if another directory owns it.
pub fn owned_elsewhere(kind: &'static Kind, object: &Object) -> Option<&'static str> {
    kind.owned_elsewhere.filter(|elsewhere| elsewhere.when.holds(&object.0)).map(|elsewhere| elsewhere.reason)
}

/// Returns the ids by which others refer to an object and that change when it is created again.
pub fn identities(kind: &'static Kind, object: &Object) -> Vec<String> {
    moving_identities(kind, object).into_values().chain([object.id().to_owned()]).collect()
}

/// Returns the values other than the id by which others refer to an object and that change when it is created again, by
/// property. A service principal's `appId` belongs to its application and changes with that, so it is not among them.
pub fn moving_identities(kind: &'static Kind, object: &Object) -> BTreeMap<String, String> {
    let schema = schema::of(kind);
    schema
        .identities()
        .iter()
        .filter(|property| schema.property(property).is_none_or(|rule| rule.refs.is_empty()))
        .filter_map(|property| {
            let known = object.text(property).map(str::to_owned);
            // An object that a person adds has no value yet; other objects name it by this placeholder.
            let named = || Some(object.id()).filter(|id| id.starts_with("new:")).map(|id| format!("{id}.{property}"));
            Some((property.clone(), known.or_else(named)?))
        })
        .collect()
}
