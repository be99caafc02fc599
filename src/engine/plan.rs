//! Wanted × live → [`Plan`]. Nothing here can write, wait or ask.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::body::{before_delete, complete, differing, differing_part, disabled, list, with_type};
use super::normalize::{child_key, writable, writable_value};
use super::order::{Draft, Order, Phase, Stage};
use super::refs::{mentions, rewrite};
use super::schema::{self, Shape};
use super::scope::Scope;
use super::{diff, digest, losses};
use crate::kinds;
use crate::model::kind::{Accepts, Children, Creation, Deletion, LinkShape, Updates};
use crate::model::plan::Loss;
use crate::model::{Action, Address, IdMap, Kind, Object, Plan, Snapshot, Step};

/// Everything a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// What should be.
    pub wanted: &'a Snapshot,
    /// What is.
    pub live: &'a Snapshot,
    /// Addresses in the last snapshot: what the tenant is known to have had, so that its absence from `wanted` is meant.
    pub base: &'a BTreeSet<Address>,
    /// The recycle bin, without links.
    pub deleted: &'a BTreeMap<Address, Object>,
    /// Old id → new id.
    pub ids: &'a IdMap,
    /// What to look at.
    pub scope: &'a Scope,
    /// Whether objects that nobody knew are deleted too.
    pub prune: bool,
}

/// The writes that take the tenant from `live` to `wanted`, within the scope.
///
/// Matching is by address, then by the id map. Both sides and unequal: Update. Wanted only: Restore from the recycle bin,
/// else Create. Live only: Delete if the last snapshot had it or pruning was asked for, else it is unmanaged. A kind that
/// either side does not know completely is left alone.
pub fn plan(inputs: &Inputs<'_>) -> Plan {
    let mut planner = Planner::new(inputs);
    planner.classify();
    planner.write_all();
    planner.delete_all();
    planner.finish()
}

struct Planner<'a> {
    inputs: &'a Inputs<'a>,
    plan: Plan,
    order: Order,
    /// Wanted objects with today's ids, and what becomes of them.
    fates: BTreeMap<Address, (Object, Fate)>,
    /// Ids (and other identities) that will change because their object is created again.
    moving: BTreeMap<String, Address>,
    /// Ids (and other identities) of what comes back from the recycle bin: they stay, but cannot be named before.
    returning: BTreeMap<String, Address>,
    /// Ids of what is wanted, is not there and cannot be created: no link can lead to it.
    lost: BTreeMap<String, Address>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
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
            fates: BTreeMap::new(),
            moving: BTreeMap::new(),
            returning: BTreeMap::new(),
            lost: BTreeMap::new(),
        }
    }

    /// Whether both sides know the kind completely; if not, says so once.
    fn known(&self, kind: &Kind) -> bool {
        self.inputs.wanted.coverage.kind(kind.name).is_complete()
            && self.inputs.live.coverage.kind(kind.name).is_complete()
    }

    fn link_known(&self, kind: &Kind, link: &str) -> bool {
        self.inputs.wanted.coverage.link(kind.name, link).is_complete()
            && self.inputs.live.coverage.link(kind.name, link).is_complete()
    }

    fn classify(&mut self) {
        for kind in kinds::ALL.iter().filter(|kind| self.inputs.scope.takes_kind(kind)) {
            let sides = (self.inputs.wanted.coverage.kind(kind.name), self.inputs.live.coverage.kind(kind.name));
            if !self.known(kind) && sides.0 != crate::model::Coverage::Skipped {
                let worse = if sides.1.is_complete() { sides.0 } else { sides.1 };
                self.plan.unknown.push((kind.name.to_owned(), worse));
            }
            for link in kind.links {
                if !self.known(kind) || self.link_known(kind, link.name) {
                    continue;
                }
                let live = self.inputs.live.coverage.link(kind.name, link.name);
                self.plan.unknown.push((format!("{}.{}", kind.name, link.name), live));
            }
        }
        for (address, object) in &self.inputs.wanted.objects {
            let Some(kind) = kinds::by_name(address.kind) else { continue };
            if !self.known(kind) || !self.inputs.scope.takes(address, object.name()) {
                continue;
            }
            let mut object = rewrite(kind, object, self.inputs.ids);
            let mut address = Address::new(kind.name, self.inputs.ids.current(&address.id));
            if let Some(stand_in) = self.stand_in(kind, &address, &object) {
                object.0.insert("id".to_owned(), stand_in.id.clone().into());
                address = stand_in;
            }
            if self.inputs.live.unchanged.contains(&address) {
                continue;
            }
            let fate = if self.inputs.live.objects.contains_key(&address) {
                Fate::Update
            } else if self.inputs.deleted.contains_key(&address) {
                Fate::Restore
            } else {
                Fate::Create
            };
            if fate != Fate::Update && !self.inputs.scope.properties.is_empty() {
                continue;
            }
            if fate == Fate::Create {
                if let Some(reason) = not_creatable(kind, &object) {
                    for id in identities(kind, &object) {
                        self.lost.insert(id, address.clone());
                    }
                    let follows = kind.about(&object.0).iter().any(|id| self.moving.contains_key(id));
                    let what = match follows {
                        true => "gets a new id, and is put right once what it is about is there".to_owned(),
                        false => format!("cannot be created again: {reason}"),
                    };
                    self.plan.losses.push(Loss { name: object.name().to_owned(), what, address });
                    continue;
                }
                for id in identities(kind, &object) {
                    self.moving.insert(id, address.clone());
                }
            }
            if fate == Fate::Restore {
                for id in identities(kind, &object) {
                    self.returning.insert(id, address.clone());
                }
            }
            self.fates.insert(address, (object, fate));
        }
    }

    /// The live object that has taken the place of one that nobody can create: it came by itself with what it is about.
    fn stand_in(&self, kind: &Kind, address: &Address, object: &Object) -> Option<Address> {
        let live = &self.inputs.live;
        let comes = matches!(kind.creation, Creation::Never { .. }) && !kind.about.is_empty();
        if !comes || live.objects.contains_key(address) || live.unchanged.contains(address) {
            return None;
        }
        let about = kind.about(&object.0);
        let mut alike = live.objects.iter().filter(|(other, _)| other.kind == kind.name);
        alike
            .find(|(other, found)| kind.about(&found.0) == about && !self.inputs.wanted.objects.contains_key(*other))
            .map(|(other, _)| other.clone())
    }

    fn write_all(&mut self) {
        let fates = std::mem::take(&mut self.fates);
        for (address, (object, fate)) in &fates {
            let Some(kind) = kinds::by_name(address.kind) else { continue };
            match fate {
                Fate::Create => self.create(kind, address, object),
                Fate::Restore => {
                    self.push(kind, address, object, Phase::Write, Stage::Make, Action::Restore, &[]);
                    let bin = &self.inputs.deleted[address];
                    self.update(kind, address, object, bin);
                    self.links(kind, address, object, None);
                }
                Fate::Update => {
                    let live = &self.inputs.live.objects[address];
                    if let Some(reason) = owned_elsewhere(kind, live) {
                        let unknown = |name: &str| {
                            let sides = [self.inputs.wanted, self.inputs.live];
                            sides.iter().any(|side| side.coverage.withholds(kind.name, name))
                        };
                        let changes = diff::objects(kind, live, object);
                        if changes.iter().any(|change| !unknown(diff::top(change.path()))) {
                            self.plan.losses.push(Loss {
                                address: address.clone(),
                                name: object.name().to_owned(),
                                what: format!("differs and is left alone: {reason}"),
                            });
                        }
                        continue;
                    }
                    self.update(kind, address, object, live);
                    self.links(kind, address, object, Some(live));
                    if self.order.touches(address) {
                        self.plan.seen.insert(address.clone(), digest::seen(kind, live));
                    }
                }
            }
        }
        self.fates = fates;
    }

    fn create(&mut self, kind: &'static Kind, address: &Address, object: &Object) {
        let Creation::Post { accepts, .. } = kind.creation else { return };
        let mut body = writable(kind, object, true);
        // What cannot be changed cannot go without what it is about.
        let gone = named_in(&Value::Object(body.clone()), &[&self.lost]).into_iter().next();
        if let Some(target) = gone.filter(|_| kind.update == Updates::Nothing) {
            let name = self.inputs.wanted.objects.get(&target).map_or(target.id.as_str(), Object::name);
            self.plan.losses.push(Loss {
                address: address.clone(),
                name: object.name().to_owned(),
                what: format!("cannot be created again without \"{name}\""),
            });
            return;
        }
        let mut later = Map::new();
        let own = tier(kind);
        for name in body.keys().cloned().collect::<Vec<_>>() {
            let accepted = match accepts {
                Accepts::All => true,
                Accepts::Only(names) => names.contains(&name.as_str()),
            };
            // What names an object of the same or a later tier is written once that object exists.
            let early =
                self.awaited_in(&body[&name]).iter().any(|target| tier_of(target) >= own && !self.fixed(kind, &name));
            if (!accepted || early)
                && let Some(value) = body.remove(&name)
            {
                later.insert(name, value);
            }
        }
        let needs = self.awaited_in(&Value::Object(body.clone()));
        self.push(kind, address, object, Phase::Write, Stage::Make, Action::Create { body }, &needs);
        self.plan.losses.extend(losses::of_creation(kind, address, object));
        if !later.is_empty() {
            let changes = later
                .iter()
                .map(|(name, value)| crate::model::FieldChange::Value {
                    path: name.clone(),
                    before: None,
                    after: Some(value.clone()),
                })
                .collect();
            self.push_update(kind, address, object, later, changes);
        }
        self.links(kind, address, object, None);
    }

    fn fixed(&self, kind: &'static Kind, property: &str) -> bool {
        schema::of(kind).property(property).is_some_and(|rule| rule.create_only)
    }

    fn update(&mut self, kind: &'static Kind, address: &Address, wanted: &Object, live: &Object) {
        let schema = schema::of(kind);
        let mut body = Map::new();
        let mut first = Map::new();
        let mut fixed = Vec::new();
        let mut names: Vec<&String> = wanted.0.keys().chain(live.0.keys()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let Some(rule) = schema.property(name) else { continue };
            if rule.link || name == "id" || !self.inputs.scope.takes_property(name) {
                continue;
            }
            let unknown = |side: &Snapshot| side.coverage.withholds(kind.name, name);
            if unknown(self.inputs.wanted) || unknown(self.inputs.live) {
                continue;
            }
            let (want, have) = (wanted.get(name), live.get(name));
            let moved = want.is_some_and(|value| !self.moving_in(value).is_empty());
            if want == have && !moved {
                continue;
            }
            if rule.create_only && !rule.read_only {
                fixed.push(name.clone());
                continue;
            }
            if let Some(value) = writable_value(rule, &complete(rule, want, have), false) {
                body.insert(name.clone(), value);
            }
            if let Some(value) = have.and_then(|have| disabled(rule, want, have))
                && let Some(value) = writable_value(rule, &value, false)
            {
                first.insert(name.clone(), value);
            }
        }
        let replaces = kind.update == Updates::Nothing && matches!(kind.creation, Creation::Post { .. });
        if !fixed.is_empty() && replaces && self.inputs.scope.properties.is_empty() {
            self.create(kind, address, wanted);
            // The old one goes last: nobody is without the new one meanwhile.
            self.push(kind, address, live, Phase::Delete, Stage::Make, Action::Delete, &[]);
            return;
        }
        for name in fixed {
            self.plan.losses.push(Loss {
                address: address.clone(),
                name: wanted.name().to_owned(),
                what: format!("{name} is fixed when the object is created and stays as it is"),
            });
        }
        for call in kind.calls {
            if let Some(value) = body.remove(call.property) {
                let needs = self.awaited_in(&value);
                let action = Action::Call { property: call.property, value };
                self.push(kind, address, wanted, Phase::Write, Stage::Call, action, &needs);
            }
        }
        if body.is_empty() {
            return;
        }
        let changes: Vec<_> = diff::objects(kind, live, wanted)
            .into_iter()
            .filter(|change| body.contains_key(diff::top(change.path())))
            .collect();
        if !first.is_empty() {
            let mut prepared = live.clone();
            prepared.0.extend(first.clone());
            let changes = diff::objects(kind, live, &prepared);
            // Only what is disabled is sent: the rest may name what is gone.
            let body = first.into_iter().map(|(name, value)| (name.clone(), differing_part(value, live.get(&name))));
            let action = Action::Update { body: with_type(kind, wanted, body.collect()), changes };
            self.push(kind, address, wanted, Phase::Write, Stage::Prepare, action, &[]);
        }
        self.push_update(kind, address, wanted, with_type(kind, wanted, body), changes);
    }

    fn push_update(
        &mut self,
        kind: &'static Kind,
        address: &Address,
        object: &Object,
        body: Map<String, Value>,
        changes: Vec<crate::model::FieldChange>,
    ) {
        let needs = self.awaited_in(&Value::Object(body.clone()));
        let action = Action::Update { body, changes };
        self.push(kind, address, object, Phase::Write, Stage::Update, action, &needs);
    }

    /// Steps for every link. `live` is `None` for objects that are made or restored: whatever they turn out to have
    /// already is skipped when the step runs.
    fn links(&mut self, kind: &'static Kind, address: &Address, wanted: &Object, live: Option<&Object>) {
        for link in kind.links {
            let name = link.name;
            if !self.inputs.scope.takes_property(name) || !self.link_known(kind, name) {
                continue;
            }
            let want = wanted.get(name);
            let have = live.and_then(|live| live.get(name));
            match link.shape {
                LinkShape::References => {
                    let (want, have) = (list(want), list(have));
                    let present: BTreeSet<&str> = have.iter().filter_map(Value::as_str).collect();
                    let kept: BTreeSet<&str> = want.iter().filter_map(Value::as_str).collect();
                    for id in want {
                        if !present.contains(id.as_str().unwrap_or_default()) || !self.moving_in(id).is_empty() {
                            self.push_link(kind, address, wanted, Action::Link { link: name, value: id.clone() });
                        }
                    }
                    for id in have.iter().filter(|id| !kept.contains(id.as_str().unwrap_or_default())) {
                        self.push_link(kind, address, wanted, Action::Unlink { link: name, value: id.clone() });
                    }
                }
                LinkShape::Reference => match (want, have) {
                    (Some(id), have) if Some(id) != have || !self.moving_in(id).is_empty() => {
                        self.push_link(kind, address, wanted, Action::Link { link: name, value: id.clone() });
                    }
                    (None, Some(id)) => {
                        self.push_link(kind, address, wanted, Action::Unlink { link: name, value: id.clone() });
                    }
                    _ => {}
                },
                LinkShape::Children(children) => {
                    self.children(kind, address, wanted, name, &children, (list(want), list(have)));
                }
            }
        }
    }

    fn children(
        &mut self,
        kind: &'static Kind,
        address: &Address,
        object: &Object,
        link: &'static str,
        children: &Children,
        (want, have): (&[Value], &[Value]),
    ) {
        let Some(rule) = schema::of(kind).property(link) else { return };
        let Shape::List(items) = &rule.shape else { return };
        let present: BTreeMap<Vec<String>, &Value> =
            have.iter().map(|child| (child_key(child, children), child)).collect();
        let mut kept = BTreeSet::new();
        for child in want {
            let key = child_key(child, children);
            let moved = !self.moving_in(child).is_empty();
            match present.get(&key) {
                Some(same) if **same == *child && !moved => {}
                Some(other) => {
                    let value = complete(items, Some(child), Some(other));
                    let differing = differing(items, child, other);
                    let patchable = match children.update {
                        Updates::Nothing => false,
                        Updates::Only(names) => differing.iter().all(|name| names.contains(&name.as_str())),
                        Updates::All => true,
                    };
                    if patchable {
                        self.push_link(kind, address, object, Action::Relink { link, value });
                    } else {
                        let old = (*other).clone();
                        self.push_link(kind, address, object, Action::Unlink { link, value: old });
                        self.push_link(kind, address, object, Action::Link { link, value: child.clone() });
                    }
                }
                None if children.create.is_some() => {
                    self.push_link(kind, address, object, Action::Link { link, value: child.clone() });
                }
                None => self.plan.losses.push(Loss {
                    address: address.clone(),
                    name: object.name().to_owned(),
                    what: format!("{link} {} cannot be created", key.join(" ")),
                }),
            }
            kept.insert(key);
        }
        if children.delete {
            for child in have.iter().filter(|child| !kept.contains(&child_key(child, children))) {
                self.push_link(kind, address, object, Action::Unlink { link, value: child.clone() });
            }
        }
    }

    fn push_link(&mut self, kind: &'static Kind, address: &Address, object: &Object, action: Action) {
        if let Action::Link { link, value } = &action
            && let Some(target) = named_in(value, &[&self.lost]).first()
        {
            let name = self.inputs.wanted.objects.get(target).map_or(target.id.as_str(), Object::name);
            self.plan.losses.push(Loss {
                address: address.clone(),
                name: object.name().to_owned(),
                what: format!("{link} loses \"{name}\", which cannot be created again"),
            });
            return;
        }
        let (stage, needs) = match &action {
            Action::Unlink { .. } => (Stage::Unlink, Vec::new()),
            Action::Link { value, .. } | Action::Relink { value, .. } => (Stage::Link, self.awaited_in(value)),
            _ => (Stage::Link, Vec::new()),
        };
        self.push(kind, address, object, Phase::Write, stage, action, &needs);
    }

    fn delete_all(&mut self) {
        let wanted: BTreeSet<Address> = (self.inputs.wanted.objects.keys())
            .chain(&self.inputs.wanted.unchanged)
            .map(|old| Address::new(old.kind, self.inputs.ids.current(&old.id)))
            .chain(self.fates.keys().cloned())
            .collect();
        for (address, object) in &self.inputs.live.objects {
            let Some(kind) = kinds::by_name(address.kind) else { continue };
            if wanted.contains(address)
                || !self.known(kind)
                || !self.inputs.scope.takes(address, object.name())
                || !self.inputs.scope.properties.is_empty()
            {
                continue;
            }
            let meant = self.inputs.base.contains(address) || self.inputs.prune;
            let own = not_creatable(kind, object).is_none()
                && owned_elsewhere(kind, object).is_none()
                && kind.deletion != Deletion::Never;
            if !meant || !own {
                self.plan.unmanaged.push(address.clone());
                continue;
            }
            self.plan.seen.insert(address.clone(), digest::seen(kind, object));
            let first = before_delete(kind, object);
            if !first.is_empty() {
                let changes = first
                    .iter()
                    .map(|(name, value)| crate::model::FieldChange::Value {
                        path: name.clone(),
                        before: object.get(name).cloned(),
                        after: Some(value.clone()),
                    })
                    .collect();
                let action = Action::Update { body: with_type(kind, object, first), changes };
                self.push(kind, address, object, Phase::Delete, Stage::Prepare, action, &[]);
            }
            self.push(kind, address, object, Phase::Delete, Stage::Make, Action::Delete, &[]);
        }
    }

    /// Objects that get a new id and that `value` names.
    fn moving_in(&self, value: &Value) -> Vec<Address> {
        named_in(value, &[&self.moving])
    }

    /// Objects that `value` names and that are not there yet: they are created or restored by the same plan.
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
            },
        });
    }

    fn finish(mut self) -> Plan {
        let (steps, waves) = self.order.finish();
        self.plan.steps = steps;
        self.plan.waves = waves;
        self.plan
    }
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
    schema::tiers().get(address.kind).copied().unwrap_or_default()
}

/// Why an object cannot be created through Graph, if so.
pub fn not_creatable(kind: &'static Kind, object: &Object) -> Option<&'static str> {
    if let Creation::Never { reason } = kind.creation {
        return Some(reason);
    }
    kind.variants.iter().find(|variant| variant.when.holds(&object.0)).and_then(|variant| variant.not_creatable)
}

/// Why Graph would refuse changes to an object, if another directory owns it.
fn owned_elsewhere(kind: &'static Kind, object: &Object) -> Option<&'static str> {
    kind.owned_elsewhere.filter(|elsewhere| elsewhere.when.holds(&object.0)).map(|elsewhere| elsewhere.reason)
}

/// The ids by which others refer to an object and that change when it is created again.
pub fn identities(kind: &'static Kind, object: &Object) -> Vec<String> {
    moving_identities(kind, object).into_values().chain([object.id().to_owned()]).collect()
}

/// Beside the id. A service principal's `appId` is its application's and moves with that, so it is not among them.
fn moving_identities(kind: &'static Kind, object: &Object) -> BTreeMap<String, String> {
    let schema = schema::of(kind);
    schema
        .identities()
        .iter()
        .filter(|property| schema.property(property).is_none_or(|rule| rule.refs.is_empty()))
        .filter_map(|property| Some((property.clone(), object.text(property)?.to_owned())))
        .collect()
}
