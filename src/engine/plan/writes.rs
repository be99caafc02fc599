//! Adds the steps for the wanted objects, among them those that create an object.

use serde_json::{Map, Value};

use super::updates::take_apart;
use super::{Decision, Planner, named_in, owned_elsewhere, tier, tier_of};
use crate::engine::body::with_type;
use crate::engine::normalize::writable;
use crate::engine::order::{Phase, Stage};
use crate::engine::{diff, digest, losses, schema};
use crate::model::kind::{Accepts, CallForm, Creation, Updates};
use crate::model::plan::{Loss, LossKind};
use crate::model::{Action, Address, FieldChange, Kind, Object};

/// Returns an object of the recycle bin as its restore leaves it. A deleted user's sign-in name begins with the digits of its id, so
/// that somebody else can have the name, and loses them with the restore. No page says so; tenants show it.
pub(super) fn as_restored(bin: &Object) -> Object {
    let mut restored = bin.clone();
    restored.0.remove("deletedDateTime");
    let prefix = bin.id().replace('-', "");
    let name = bin.get("userPrincipalName").and_then(Value::as_str);
    if let Some(name) = name.and_then(|name| name.strip_prefix(&prefix)).filter(|_| !prefix.is_empty()) {
        restored.0.insert("userPrincipalName".to_owned(), name.into());
    }
    restored
}

impl Planner<'_> {
    /// Adds the steps of every decision.
    pub(super) fn write_all(&mut self) {
        let decisions = std::mem::take(&mut self.decisions);
        for (address, (object, decision)) in &decisions {
            let kind = address.kind;
            match decision {
                Decision::Create => {
                    self.create(kind, address, object);
                }
                Decision::Restore => {
                    self.push(kind, address, object, Phase::Write, Stage::Make, Action::Restore, &[]);
                    let restored = as_restored(&self.inputs.deleted[address]);
                    // Its owner changes it once it is back. Its links, which the bin does not show, come back with it.
                    if let Some(reason) = owned_elsewhere(kind, &restored) {
                        let mut back = restored;
                        back.0.retain(|name, _| kind.link(name).is_none());
                        let links = object.0.iter().filter(|(name, _)| kind.link(name).is_some());
                        back.0.extend(links.map(|(name, value)| (name.clone(), value.clone())));
                        self.note_owned_elsewhere(address, object, &back, reason);
                        continue;
                    }
                    self.update(kind, address, object, &restored);
                    self.links(kind, address, object, None);
                }
                Decision::Update => {
                    let live = &self.inputs.live.objects[address];
                    if let Some(reason) = owned_elsewhere(kind, live) {
                        self.note_owned_elsewhere(address, object, live, reason);
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
        self.decisions = decisions;
    }

    /// Notes that an object differs but is not written, because another system owns it.
    fn note_owned_elsewhere(&mut self, address: &Address, wanted: &Object, live: &Object, reason: &str) {
        let kind = address.kind;
        let unknown = |name: &str| {
            let sides = [self.inputs.wanted, self.inputs.live];
            sides.iter().any(|side| side.coverage.withholds(kind.name, name))
        };
        let changes = diff::objects(kind, live, wanted);
        if changes.iter().any(|change| !unknown(diff::top(change.path()))) {
            let what = format!("differs and is left alone: {reason}");
            self.plan.losses.push(Loss::new(address, wanted.name(), LossKind::Other(what)));
        }
    }

    /// Adds the steps that create an object. Returns false and records a loss if it cannot exist without an object that is
    /// lost.
    pub(super) fn create(&mut self, kind: &'static Kind, address: &Address, object: &Object) -> bool {
        if matches!(kind.creation, Creation::Never { .. }) {
            return false;
        }
        let mut body = writable(kind, object, true);
        if losses::chooses_id(kind) && kind.key == "id" && !address.id.starts_with("new:") {
            body.insert("id".to_owned(), address.id.clone().into());
        }
        self.note_holders(kind, address, object);
        self.leave_out_thumbprints(kind, address, object, &mut body);
        let calls = kind.calls.iter().filter(|call| matches!(call.form, CallForm::AddRemove { .. }));
        let calls: Vec<_> = calls.filter_map(|call| Some((call.property, body.remove(call.property)?))).collect();
        // An object that cannot be changed later cannot be created without the objects that it names.
        let gone = named_in(&Value::Object(body.clone()), &[&self.lost]).into_iter().next();
        if let Some(target) = gone.filter(|_| kind.update == Updates::Nothing) {
            let name = self.inputs.wanted.objects.get(&target).map_or(target.id.as_str(), Object::name);
            let without = LossKind::NotCreatableWithout(name.to_owned());
            self.plan.losses.push(Loss::new(address, object.name(), without));
            return false;
        }
        let later = self.take_later(kind, &mut body);
        self.push_creation(kind, address, object, body);
        self.plan.losses.extend(losses::of_creation(kind, address, object));
        self.plan.losses.extend(losses::set_by_graph(kind, address, object));
        if !later.is_empty() {
            self.push_later(kind, address, object, later);
        }
        for (property, value) in calls {
            let needs = self.awaited_in(&value);
            self.push(kind, address, object, Phase::Write, Stage::Call, Action::Call { property, value }, &needs);
        }
        self.links(kind, address, object, None);
        true
    }

    /// Takes out of a creation's body the properties that are written once the object exists: those that a creation does not
    /// accept, and those that name an object of the same or a later tier.
    fn take_later(&self, kind: &'static Kind, body: &mut Map<String, Value>) -> Map<String, Value> {
        let mut later = Map::new();
        let own = tier(kind);
        for name in body.keys().cloned().collect::<Vec<_>>() {
            let accepted = match kind.creation {
                Creation::Post { accepts: Accepts::Only(names), .. } => names.contains(&name.as_str()),
                Creation::Post { accepts: Accepts::All, .. } | Creation::AtId(_) | Creation::Never { .. } => true,
            };
            let early =
                self.awaited_in(&body[&name]).iter().any(|target| tier_of(target) >= own && !self.fixed(kind, &name));
            if (!accepted || early)
                && let Some(value) = body.remove(&name)
            {
                later.insert(name, value);
            }
        }
        later
    }

    /// Adds the step that creates an object, and those that write the parts of it that are written separately.
    fn push_creation(&mut self, kind: &'static Kind, address: &Address, object: &Object, mut body: Map<String, Value>) {
        let whole = body.clone();
        let apart = take_apart(kind, &mut body);
        let needs = self.awaited_in(&Value::Object(body.clone()));
        self.push(kind, address, object, Phase::Write, Stage::Make, Action::Create { body }, &needs);
        for name in apart.into_keys() {
            // Every write sends the whole value, whether Graph merges it or replaces it.
            let value = whole[&name].clone();
            let needs = self.awaited_in(&value);
            let change = FieldChange::Value { path: name.clone(), before: None, after: Some(value.clone()) };
            let action = Action::Update { body: Map::from_iter([(name, value)]), changes: vec![change] };
            self.push(kind, address, object, Phase::Write, Stage::Call, action, &needs);
        }
    }

    /// Adds the update that writes to a new object what its creation left out.
    fn push_later(&mut self, kind: &'static Kind, address: &Address, object: &Object, later: Map<String, Value>) {
        let changes = later
            .iter()
            .map(|(name, value)| FieldChange::Value { path: name.clone(), before: None, after: Some(value.clone()) })
            .collect();
        // PUT removes properties that it does not name.
        let body = match kind.update {
            Updates::Replace => {
                let mut whole = writable(kind, object, true);
                whole.retain(|name, _| kind.call(name).is_none());
                with_type(kind, object, whole)
            }
            _ => later,
        };
        self.push_update(kind, address, object, body, changes);
    }

    /// Returns true if a property is fixed when the object is created.
    pub(super) fn fixed(&self, kind: &'static Kind, property: &str) -> bool {
        schema::of(kind).property(property).is_some_and(|rule| rule.create_only)
    }
}
