//! Decides on every wanted object (update, restore or create), and adds the steps for it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::counterparts::{CounterpartState, Counterparts};
use super::gone::thumbprint_lost;
use super::updates::take_apart;
use super::{Decision, Planner, identities, named_in, not_creatable, owned_elsewhere, tier, tier_of};
use crate::engine::body::{complete, differing_part, disabled, leave_unsaid, list, with_type};
use crate::engine::normalize::{carry_unknown, entry_key, writable, writable_value};
use crate::engine::order::{Phase, Stage};
use crate::engine::refs::rewrite;
use crate::engine::schema::{Rule, Shape};
use crate::engine::{diff, digest, losses, schema};
use crate::kinds;
use crate::model::kind::{Accepts, CallForm, Creation, Updates};
use crate::model::plan::{Loss, LossKind};
use crate::model::{Action, Address, FieldChange, Kind, Object, Snapshot};

impl Planner<'_> {
    pub(super) fn classify(&mut self) {
        for kind in kinds::ALL.iter().filter(|kind| self.inputs.scope.takes_kind(kind)) {
            let sides = (self.inputs.wanted.coverage.kind(kind.name), self.inputs.live.coverage.kind(kind.name));
            if !self.known(kind) && sides.0 != crate::model::Coverage::Skipped {
                let worse = if sides.1.is_complete() { sides.0 } else { sides.1 };
                self.plan.unknown.push((kind.name.to_owned(), worse));
                if sides.0.is_complete() {
                    self.plan.unproven.push(kind.name.to_owned());
                }
            }
            for link in kind.links {
                if !self.known(kind) || self.link_known(kind, link.name) {
                    continue;
                }
                let name = format!("{}.{}", kind.name, link.name);
                if self.inputs.wanted.coverage.link(kind.name, link.name).is_complete() {
                    self.plan.unproven.push(name.clone());
                }
                self.plan.unknown.push((name, self.inputs.live.coverage.link(kind.name, link.name)));
            }
            for (name, coverage) in
                self.inputs.wanted.coverage.unread(kind).chain(self.inputs.live.coverage.unread(kind))
            {
                let name = format!("{}.{name}", kind.name);
                if self.plan.unknown.iter().all(|(known, _)| *known != name) {
                    self.plan.unproven.push(name.clone());
                    self.plan.unknown.push((name, coverage));
                }
            }
        }
        let twice = self.wanted_twice();
        let counterparts = Counterparts::gone(self.inputs);
        for (address, object) in &self.inputs.wanted.objects {
            let kind = address.kind;
            let today = Address::new(kind, self.inputs.ids.current(&address.id));
            if !self.known(kind) {
                continue;
            }
            if !self.inputs.scope.takes_by(address, &today, object.name()) {
                let live = self.inputs.live;
                if !live.objects.contains_key(&today) && !live.unchanged.contains(&today) {
                    let object = rewrite(kind, object, self.inputs.ids);
                    self.left_out.extend(identities(kind, &object).into_iter().map(|id| (id, address.clone())));
                }
                continue;
            }
            if twice.contains(&today) {
                self.plan.losses.push(Loss {
                    address: address.clone(),
                    name: object.name().to_owned(),
                    parts: vec![LossKind::Other(
                        "is left alone: two files of the commit stand for the same object".to_owned(),
                    )],
                });
                self.without_steps.insert(today, rewrite(kind, object, self.inputs.ids));
                continue;
            }
            let is_authored = address.id.starts_with("new:");
            let mut object = rewrite(kind, object, self.inputs.ids);
            let mut address = today;
            if let Some(stand_in) = self.stand_in(kind, &address, &object) {
                object.0.insert("id".to_owned(), stand_in.id.clone().into());
                address = stand_in;
            }
            if self.inputs.live.unchanged.contains(&address) {
                continue;
            }
            if let Some(live) = self.inputs.live.objects.get(&address).filter(|_| is_authored) {
                leave_unsaid(kind, &mut object, live);
            }
            let decision = if self.inputs.live.objects.contains_key(&address) {
                Decision::Update
            } else if self.inputs.deleted.contains_key(&address) && !self.is_bound_to_moving(kind, &object) {
                Decision::Restore
            } else {
                Decision::Create
            };
            if decision != Decision::Update && !self.inputs.scope.properties.is_empty() {
                continue;
            }
            if decision == Decision::Create {
                match counterparts.of(kind, &object) {
                    // The object has ended by itself, as it should.
                    come if come == Some(CounterpartState::Ended)
                        || kind.passing.is_some_and(|passing| passing.holds(&object.0)) =>
                    {
                        self.ended.insert(address.clone());
                        self.without_steps.insert(address, object);
                        continue;
                    }
                    Some(CounterpartState::Along) => {
                        self.along.insert(address.clone());
                        self.without_steps.insert(address, object);
                        continue;
                    }
                    Some(CounterpartState::Not | CounterpartState::Ended) => {
                        let what = "comes with its schedule, which is not in scope".to_owned();
                        self.plan.losses.push(Loss::new(&address, object.name(), LossKind::Other(what)));
                        self.without_steps.insert(address, object);
                        continue;
                    }
                    None if kind.twin.is_some_and(|twin| !self.is_wanted_whole(twin.kind)) => {
                        let what = "is made for good: whether it had an end is not known".to_owned();
                        self.plan.losses.push(Loss::new(&address, object.name(), LossKind::Other(what)));
                    }
                    None => {}
                }
            }
            if decision == Decision::Create {
                if let Some(reason) = not_creatable(kind, &object) {
                    for id in identities(kind, &object) {
                        self.lost.insert(id, address.clone());
                    }
                    let about = kind.about(&object.0);
                    let comes = |id: &String| self.moving.contains_key(id) || self.returning.contains_key(id);
                    let parts = match about.iter().any(comes) {
                        true => {
                            self.along.insert(address.clone());
                            let then = "and is put right once what it is about is there";
                            vec![LossKind::NewId, LossKind::Other(then.to_owned())]
                        }
                        false => vec![LossKind::NotCreatable(reason.to_owned())],
                    };
                    let name = object.name().to_owned();
                    self.plan.losses.push(Loss { address: address.clone(), name, parts });
                    self.without_steps.insert(address, object);
                    continue;
                }
                for id in identities(kind, &object) {
                    self.moving.insert(id, address.clone());
                }
            }
            if decision == Decision::Restore {
                for id in identities(kind, &object) {
                    self.returning.insert(id, address.clone());
                }
            }
            self.decisions.insert(address, (object, decision));
        }
    }

    fn is_wanted_whole(&self, kind: &str) -> bool {
        self.inputs.wanted.coverage.kind(kind).is_complete()
    }

    /// Returns true if a property that is fixed at creation names an object that gets a new id: restored, the object would
    /// belong to nothing, as a service principal whose application was purged.
    fn is_bound_to_moving(&self, kind: &'static Kind, object: &Object) -> bool {
        let bound = |rule: &schema::Rule| rule.create_only && !rule.refs.is_empty();
        let schema = schema::of(kind);
        object
            .0
            .iter()
            .any(|(name, value)| schema.property(name).is_some_and(bound) && !self.moving_in(value).is_empty())
    }

    /// Returns the objects, by their current ids, that are wanted more than once. Neither may be chosen silently.
    fn wanted_twice(&self) -> BTreeSet<Address> {
        let (mut once, mut twice) = (BTreeSet::new(), BTreeSet::new());
        for old in self.inputs.wanted.objects.keys().chain(&self.inputs.wanted.unchanged) {
            let today = Address::new(old.kind, self.inputs.ids.current(&old.id));
            if !once.insert(today.clone()) {
                twice.insert(today);
            }
        }
        twice
    }

    /// Returns the live object that replaces one that nobody can create: Graph created it along with the object that it
    /// refers to.
    fn stand_in(&self, kind: &Kind, address: &Address, object: &Object) -> Option<Address> {
        let live = &self.inputs.live;
        let comes = matches!(kind.creation, Creation::Never { .. }) && !kind.about.is_empty() || kind.twin.is_some();
        if !comes || live.objects.contains_key(address) || live.unchanged.contains(address) {
            return None;
        }
        // The properties have to agree, too: a group has settings for its members and others for its owners.
        let same = |found: &Object| {
            kind.natural.iter().chain(kind.about).all(|name| found.0.get(*name) == object.0.get(*name))
        };
        let mut alike = live.objects.iter().filter(|(other, _)| other.kind.name == kind.name);
        alike
            .find(|(other, found)| same(found) && !self.inputs.wanted.objects.contains_key(*other))
            .map(|(other, _)| other.clone())
    }

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
                    let bin = &self.inputs.deleted[address];
                    self.update(kind, address, object, bin);
                    self.links(kind, address, object, None);
                }
                Decision::Update => {
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
                                parts: vec![LossKind::Other(format!("differs and is left alone: {reason}"))],
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
        self.decisions = decisions;
    }

    /// Adds the steps that create an object. Returns false and records a loss if it cannot exist without an object that is
    /// lost.
    fn create(&mut self, kind: &'static Kind, address: &Address, object: &Object) -> bool {
        let accepts = match kind.creation {
            Creation::Post { accepts, .. } => accepts,
            Creation::AtId(_) => Accepts::All,
            Creation::Never { .. } => return false,
        };
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
            self.plan.losses.push(Loss {
                address: address.clone(),
                name: object.name().to_owned(),
                parts: vec![LossKind::NotCreatableWithout(name.to_owned())],
            });
            return false;
        }
        let mut later = Map::new();
        let own = tier(kind);
        for name in body.keys().cloned().collect::<Vec<_>>() {
            let accepted = match accepts {
                Accepts::All => true,
                Accepts::Only(names) => names.contains(&name.as_str()),
            };
            // A property that names an object of the same or a later tier is written once that object exists.
            let early =
                self.awaited_in(&body[&name]).iter().any(|target| tier_of(target) >= own && !self.fixed(kind, &name));
            if (!accepted || early)
                && let Some(value) = body.remove(&name)
            {
                later.insert(name, value);
            }
        }
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
        self.plan.losses.extend(losses::of_creation(kind, address, object));
        self.plan.losses.extend(losses::set_by_graph(kind, address, object));
        if !later.is_empty() {
            let changes = later
                .iter()
                .map(|(name, value)| FieldChange::Value {
                    path: name.clone(),
                    before: None,
                    after: Some(value.clone()),
                })
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
        for (property, value) in calls {
            let needs = self.awaited_in(&value);
            self.push(kind, address, object, Phase::Write, Stage::Call, Action::Call { property, value }, &needs);
        }
        self.links(kind, address, object, None);
        true
    }

    fn fixed(&self, kind: &'static Kind, property: &str) -> bool {
        schema::of(kind).property(property).is_some_and(|rule| rule.create_only)
    }

    /// Removes live credentials that the wanted commit lacks, before anything is given back to whoever may hold them.
    fn revoke(&mut self, kind: &'static Kind, address: &Address, wanted: &Object, live: &Object) {
        for credential in kind.credentials {
            let name = credential.property;
            let unknown = |side: &Snapshot| side.coverage.withholds(kind.name, name);
            if unknown(self.inputs.wanted)
                || unknown(self.inputs.live)
                || !self.inputs.scope.takes_property(kind.name, name)
            {
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

    fn update(&mut self, kind: &'static Kind, address: &Address, wanted: &Object, live: &Object) {
        self.revoke(kind, address, wanted, live);
        let schema = schema::of(kind);
        let mut body = Map::new();
        let mut first = Map::new();
        let mut fixed = Vec::new();
        let mut names: Vec<&String> = wanted.0.keys().chain(live.0.keys()).collect();
        names.sort_unstable();
        names.dedup();
        let changes = diff::objects(kind, live, wanted);
        let differing: BTreeSet<&str> = changes.iter().map(|change| diff::top(change.path())).collect();
        for name in names {
            let Some(rule) = schema.property(name) else { continue };
            if rule.link || name == "id" || !self.inputs.scope.takes_property(kind.name, name) {
                continue;
            }
            let unknown = |side: &Snapshot| side.coverage.withholds(kind.name, name);
            if unknown(self.inputs.wanted) || unknown(self.inputs.live) {
                continue;
            }
            let (want, have) = (wanted.get(name), live.get(name));
            let moved = want.is_some_and(|value| !self.moving_in(value).is_empty());
            let stays = want.is_none() && rule.must_have_a_value() || !rule.may_become(want);
            if (!differing.contains(name.as_str()) || stays) && !moved {
                continue;
            }
            if want.is_some() && self.lacks_certificate(kind, rule, Some(live)) {
                self.plan.losses.push(Loss::new(address, wanted.name(), thumbprint_lost(name)));
                continue;
            }
            if rule.create_only && !rule.read_only {
                fixed.push(name.clone());
                continue;
            }
            if let Updates::Only(names) = kind.update
                && !rule.read_only
                && kind.call(name).is_none()
                && !names.contains(&name.as_str())
            {
                fixed.push(name.clone());
                continue;
            }
            if let Some(mut value) = writable_value(rule, &complete(rule, want, have), false) {
                if !moved && is_written_so(rule, &value, have) {
                    self.plan.losses.push(Loss {
                        address: address.clone(),
                        name: wanted.name().to_owned(),
                        parts: vec![LossKind::Other(format!(
                            "{name} differs only in what no schema knows and stays as it is"
                        ))],
                    });
                    continue;
                }
                carry_unknown(rule, &mut value, have);
                body.insert(name.clone(), value);
            }
            if let Some(value) = have.and_then(|have| disabled(rule, want, have))
                && let Some(value) = writable_value(rule, &value, false)
            {
                first.insert(name.clone(), value);
            }
        }
        let replaces = kind.update == Updates::Nothing && matches!(kind.creation, Creation::Post { .. });
        if kind.update == Updates::Nothing && !replaces && !body.is_empty() {
            let names: Vec<&str> = body.keys().map(String::as_str).filter(|name| !name.starts_with('@')).collect();
            self.plan.losses.push(Loss {
                address: address.clone(),
                name: wanted.name().to_owned(),
                parts: vec![LossKind::Other(format!(
                    "{} cannot be changed through Graph and stays as it is",
                    names.join(", ")
                ))],
            });
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
            self.plan.losses.push(Loss {
                address: address.clone(),
                name: wanted.name().to_owned(),
                parts: vec![LossKind::Other(format!("{name} is fixed when the object is created and stays as it is"))],
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
        let changes: Vec<_> =
            changes.into_iter().filter(|change| body.contains_key(diff::top(change.path()))).collect();
        if !first.is_empty() {
            let mut prepared = live.clone();
            prepared.0.extend(first.clone());
            let changes = diff::objects(kind, live, &prepared);
            // Only the disabled parts are sent: the rest may name objects that are gone.
            let body = first.into_iter().map(|(name, value)| (name.clone(), differing_part(value, live.get(&name))));
            let action = Action::Update { body: with_type(kind, wanted, body.collect()), changes };
            self.push(kind, address, wanted, Phase::Write, Stage::Prepare, action, &[]);
        }
        if kind.update == Updates::Replace {
            // PUT removes properties that it does not name, also the fixed ones: they are sent with their live values.
            // So are those that no schema knows.
            let mut whole = writable(kind, live, true);
            whole.retain(|name, _| self.fixed(kind, name));
            let unknown =
                live.0.iter().filter(|(name, value)| schema.property(name).is_none() && !losses::holds_masked(value));
            whole.extend(unknown.map(|(name, value)| (name.clone(), value.clone())));
            whole.extend(writable(kind, wanted, false));
            whole.retain(|name, _| kind.call(name).is_none());
            whole.extend(body);
            body = whole;
        }
        self.push_update(kind, address, wanted, with_type(kind, wanted, body), changes);
    }
}

/// Returns true if writing `value` would change nothing in the tenant: the rest of the difference cannot be written.
fn is_written_so(rule: &Rule, value: &Value, have: Option<&Value>) -> bool {
    matches!(rule.shape, Shape::Object(..))
        && have.and_then(|have| writable_value(rule, have, false)).as_ref() == Some(value)
}
