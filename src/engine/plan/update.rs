//! Adds the steps that update an object.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Planner;
use super::gone::thumbprint_lost;
use crate::engine::body::{complete, differing_part, disabled, list, with_type};
use crate::engine::normalize::{carry_unknown, entry_key, writable, writable_value};
use crate::engine::order::{Phase, Stage};
use crate::engine::schema::{Rule, Shape};
use crate::engine::{diff, losses, schema};
use crate::model::kind::{Creation, Updates};
use crate::model::plan::{Loss, LossKind};
use crate::model::{Action, Address, FieldChange, Kind, Object, Snapshot};

/// Represents an object that is updated: as it is wanted, and as the tenant has it.
#[derive(Clone, Copy)]
struct Pair<'o> {
    kind: &'static Kind,
    address: &'o Address,
    wanted: &'o Object,
    live: &'o Object,
}

/// Holds what an update writes.
#[derive(Default)]
struct Edit {
    body: Map<String, Value>,
    /// Parts that are disabled before the rest is written.
    first: Map<String, Value>,
    /// Names of the properties that differ and can only be chosen at creation.
    fixed: Vec<String>,
}

impl Planner<'_> {
    /// Adds the steps that update an object, or replace it where its kind cannot be updated.
    pub(super) fn update(&mut self, kind: &'static Kind, address: &Address, wanted: &Object, live: &Object) {
        let pair = Pair { kind, address, wanted, live };
        self.revoke(pair);
        let changes = diff::objects(kind, live, wanted);
        let Edit { mut body, first, fixed } = self.edit(pair, &changes);
        let replaces = kind.update == Updates::Nothing && matches!(kind.creation, Creation::Post { .. });
        if kind.update == Updates::Nothing && !replaces && !body.is_empty() {
            let names: Vec<&str> = body.keys().map(String::as_str).filter(|name| !name.starts_with('@')).collect();
            self.note_kept(pair, format!("{} cannot be changed through Graph and stays as it is", names.join(", ")));
            return;
        }
        if !fixed.is_empty() && replaces && self.inputs.scope.properties.is_empty() {
            // The old object is deleted last, and only if the new one is created: there is one at any time.
            if self.create(kind, address, wanted) {
                self.push(kind, address, live, Phase::Delete, Stage::Make, Action::Delete, &[]);
            }
            return;
        }
        for name in fixed {
            self.note_kept(pair, format!("{name} is fixed when the object is created and stays as it is"));
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
        let changes: Vec<_> =
            changes.into_iter().filter(|change| body.contains_key(diff::top(change.path()))).collect();
        if !first.is_empty() {
            self.push_preparation(pair, first);
        }
        if kind.update == Updates::Replace {
            body = self.whole_body(pair, body);
        }
        self.push_update(kind, address, wanted, with_type(kind, wanted, body), changes);
    }

    /// Removes live credentials that the wanted commit lacks, before anything is given back to whoever may hold them.
    fn revoke(&mut self, Pair { kind, address, wanted, live }: Pair<'_>) {
        for credential in kind.credentials {
            let name = credential.property;
            if self.is_withheld(kind, name) || !self.inputs.scope.takes_property(kind.name, name) {
                continue;
            }
            let kept: BTreeSet<Vec<String>> =
                list(wanted.get(name)).iter().map(|value| entry_key(kind, name, value)).collect();
            for value in list(live.get(name)).iter().filter(|value| !kept.contains(&entry_key(kind, name, value))) {
                let action = Action::Unlink { link: name, value: value.clone() };
                self.push(kind, address, live, Phase::Write, Stage::Prepare, action, &[]);
            }
        }
    }

    /// Returns true if a side does not show the property.
    fn is_withheld(&self, kind: &'static Kind, name: &str) -> bool {
        let withheld = |side: &Snapshot| side.coverage.withholds(kind.name, name);
        withheld(self.inputs.wanted) || withheld(self.inputs.live)
    }

    /// Returns what is to be written so that the object becomes as it is wanted. `changes` holds its differences.
    fn edit(&mut self, pair: Pair<'_>, changes: &[FieldChange]) -> Edit {
        let Pair { kind, wanted, live, .. } = pair;
        let schema = schema::of(kind);
        let mut edit = Edit::default();
        let mut names: Vec<&String> = wanted.0.keys().chain(live.0.keys()).collect();
        names.sort_unstable();
        names.dedup();
        let differing: BTreeSet<&str> = changes.iter().map(|change| diff::top(change.path())).collect();
        for name in names {
            let Some(rule) = schema.property(name) else { continue };
            if rule.link || name == "id" || !self.inputs.scope.takes_property(kind.name, name) {
                continue;
            }
            if self.is_withheld(kind, name) {
                continue;
            }
            let want = wanted.get(name);
            let moved = want.is_some_and(|value| !self.moving_in(value).is_empty());
            let stays = want.is_none() && rule.must_have_a_value() || !rule.may_become(want);
            if (!differing.contains(name.as_str()) || stays) && !moved {
                continue;
            }
            self.edit_property(pair, name, moved, &mut edit);
        }
        edit
    }

    /// Adds a property to what is written. `moved` is true if it names an object that gets a new id.
    fn edit_property(&mut self, pair: Pair<'_>, name: &str, moved: bool, edit: &mut Edit) {
        let Pair { kind, address, wanted, live } = pair;
        let Some(rule) = schema::of(kind).property(name) else { return };
        let (want, have) = (wanted.get(name), live.get(name));
        if want.is_some() && self.lacks_certificate(kind, rule, Some(live)) {
            self.plan.losses.push(Loss::new(address, wanted.name(), thumbprint_lost(name)));
            return;
        }
        if !is_updatable(kind, rule, name) {
            edit.fixed.push(name.to_owned());
            return;
        }
        if let Some(mut value) = writable_value(rule, &complete(rule, want, have), false) {
            if !moved && is_written_so(rule, &value, have) {
                self.note_kept(pair, format!("{name} differs only in what no schema knows and stays as it is"));
                return;
            }
            carry_unknown(rule, &mut value, have);
            edit.body.insert(name.to_owned(), value);
        }
        if let Some(value) = have.and_then(|have| disabled(rule, want, have))
            && let Some(value) = writable_value(rule, &value, false)
        {
            edit.first.insert(name.to_owned(), value);
        }
    }

    /// Notes what is kept although it differs.
    fn note_kept(&mut self, pair: Pair<'_>, what: String) {
        self.plan.losses.push(Loss::new(pair.address, pair.wanted.name(), LossKind::Other(what)));
    }

    /// Adds the step that disables parts of an object before the rest is written.
    fn push_preparation(&mut self, pair: Pair<'_>, first: Map<String, Value>) {
        let Pair { kind, address, wanted, live } = pair;
        let mut prepared = live.clone();
        prepared.0.extend(first.clone());
        let changes = diff::objects(kind, live, &prepared);
        // Only the disabled parts are sent: the rest may name objects that are gone.
        let body = first.into_iter().map(|(name, value)| (name.clone(), differing_part(value, live.get(&name))));
        let action = Action::Update { body: with_type(kind, wanted, body.collect()), changes };
        self.push(kind, address, wanted, Phase::Write, Stage::Prepare, action, &[]);
    }

    /// Returns the body of a PUT, which removes properties that it does not name, also the fixed ones: they are sent with their
    /// live values. So are those that no schema knows.
    fn whole_body(&self, pair: Pair<'_>, body: Map<String, Value>) -> Map<String, Value> {
        let Pair { kind, wanted, live, .. } = pair;
        let schema = schema::of(kind);
        let mut whole = writable(kind, live, true);
        whole.retain(|name, _| self.fixed(kind, name));
        let unknown =
            live.0.iter().filter(|(name, value)| schema.property(name).is_none() && !losses::holds_masked(value));
        whole.extend(unknown.map(|(name, value)| (name.clone(), value.clone())));
        whole.extend(writable(kind, wanted, false));
        whole.retain(|name, _| kind.call(name).is_none());
        whole.extend(body);
        whole
    }
}

/// Returns true if Graph takes a property after creation, or nobody writes it anyway.
fn is_updatable(kind: &Kind, rule: &Rule, name: &str) -> bool {
    if rule.read_only {
        return true;
    }
    let is_taken = match kind.update {
        Updates::Only(names) => kind.call(name).is_some() || names.contains(&name),
        _ => true,
    };
    !rule.create_only && is_taken
}

/// Returns true if writing `value` would change nothing in the tenant: the rest of the difference cannot be written.
fn is_written_so(rule: &Rule, value: &Value, have: Option<&Value>) -> bool {
    matches!(rule.shape, Shape::Object(..))
        && have.and_then(|have| writable_value(rule, have, false)).as_ref() == Some(value)
}
