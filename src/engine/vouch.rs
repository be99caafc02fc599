//! Verifies a plan file, which is untrusted data: each step may do only what the commit says, and the file's own description
//! of a step is replaced by what will be written.
//!
//! A value may come from the commit, or from the last snapshot, since a plan keeps what others changed besides an edit. The
//! effect of a write is computed on the object itself: the object is compared before and after, and every difference must be
//! one between the tenant and one of the two.

pub mod adoption;
mod creation;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::access::merge;
use super::body::before_delete;
use super::diff::{self, called};
use super::normalize::{entry_key, normalize};
use super::plan::moving_identities;
use super::refs::{mentions, rewrite, rewrite_body, rewrite_value};
use super::risk;
use super::schema::{self, Rule, Shape};
use crate::model::kind::Updates;
use crate::model::{Action, Address, FieldChange, IdMap, Kind, Object, Plan, Step};

/// Holds the objects that the steps are judged by, by their current addresses.
pub struct Known<'a> {
    /// Objects of the commit that the plan touches.
    pub wanted: &'a BTreeMap<Address, Object>,
    /// Objects of the last snapshot that the plan touches.
    pub base: &'a BTreeMap<Address, Object>,
    /// Objects of the tenant or its recycle bin that the plan touches, as far as they were read.
    pub live: &'a BTreeMap<Address, Object>,
    /// The id map: old id → new id.
    pub ids: &'a IdMap,
    /// True if objects that no snapshot had are deleted too.
    pub prune: bool,
    /// Objects whose steps cannot be judged before the tenant is read.
    pub postponed: &'a BTreeSet<Address>,
}

/// Verifies every step of `plan`, and corrects the file's description of it. Returns one sentence for each step that does
/// anything else than the commit says.
///
/// An update is verified if `live` has the object; without it, the changes are described as compared with the last snapshot.
pub fn verify_steps(plan: &mut Plan, known: &Known<'_>) -> Vec<String> {
    let made: BTreeSet<Address> = addresses(plan, |action| matches!(action, Action::Create { .. }));
    let moving = changing_identities(&made, known);
    let back: BTreeSet<Address> = addresses(plan, |action| *action == Action::Restore);
    let gone: BTreeSet<Address> = addresses(plan, |action| *action == Action::Delete);
    let seen: BTreeSet<Address> = plan.seen.keys().cloned().collect();
    let mut incomplete = creation::incomplete(plan, known);
    let mut said = Vec::new();
    let mut earlier: BTreeMap<Address, Vec<Action>> = BTreeMap::new();
    for (number, step) in plan.steps.iter_mut().enumerate() {
        let judge = Judge { known, made: &made, moving: &moving, back: &back, gone: &gone, seen: &seen };
        let mut fault = judge.step_fault(step);
        let before = earlier.entry(step.address.clone()).or_default();
        // Writing the same values twice changes nothing.
        let repeats = !matches!(step.action, Action::Update { .. });
        if fault.is_none() && repeats && before.contains(&step.action) {
            fault = Some("it is there twice".to_owned());
        }
        if fault.is_none() && matches!(step.action, Action::Create { .. }) {
            fault = incomplete.remove(&step.address);
        }
        before.push(step.action.clone());
        if let Some(fault) = fault.filter(|_| !known.postponed.contains(&step.address)) {
            let Step { address, action, name, .. } = step;
            let (name, id) = (super::render::safe(name), super::render::safe(&address.id));
            said.push(format!(
                "step {}, {} {} \"{name}\" ({id}): {fault}",
                number + 1,
                action.as_str(),
                address.kind.name
            ));
        }
    }
    said
}

/// Returns the addresses of the steps whose action is one that `is` accepts.
fn addresses(plan: &Plan, is: impl Fn(&Action) -> bool) -> BTreeSet<Address> {
    plan.steps.iter().filter(|step| is(&step.action)).map(|step| step.address.clone()).collect()
}

/// Returns the ids and other identities that change because their objects are created again.
fn changing_identities(made: &BTreeSet<Address>, known: &Known<'_>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for address in made {
        let today = known.ids.current(&address.id);
        found.extend([address.id.to_lowercase(), today.to_lowercase()]);
        let kind = address.kind;
        let today = Address::new(kind, today);
        for object in [known.wanted.get(&today), known.base.get(&today)].into_iter().flatten() {
            found.extend(moving_identities(kind, object).into_values().map(|id| id.to_lowercase()));
        }
    }
    found
}

/// Judges the steps of one plan.
struct Judge<'a> {
    known: &'a Known<'a>,
    /// Objects that the plan creates.
    made: &'a BTreeSet<Address>,
    /// Ids and other identities of objects that the plan creates.
    moving: &'a BTreeSet<String>,
    /// Objects that the plan restores.
    back: &'a BTreeSet<Address>,
    /// Objects that the plan deletes.
    gone: &'a BTreeSet<Address>,
    /// Objects of which the file says what was seen in the tenant.
    seen: &'a BTreeSet<Address>,
}

impl Judge<'_> {
    /// Returns the fault of a step, if any, and sets the step's description for people.
    fn step_fault(&self, step: &mut Step) -> Option<String> {
        let kind = step.address.kind;
        let address = step.address.clone();
        if !is_plain_id(&address.id) {
            return Some("this is no id of an object".to_owned());
        }
        let (made, back) = (self.made.contains(&address), self.back.contains(&address));
        let comes = matches!(step.action, Action::Create { .. } | Action::Restore);
        let is_new = (made || back) && step.action != Action::Delete;
        if !comes && !is_new && !self.seen.contains(&address) {
            return Some("the file does not say what was seen of the object".to_owned());
        }
        // An object that an apply created since has another id in the snapshots.
        let today = Address::new(kind, self.known.ids.current(&address.id));
        let sources: Vec<&Object> =
            [self.known.wanted.get(&today), self.known.base.get(&today)].into_iter().flatten().collect();
        let live = self.known.live.get(&address);
        if let Some(shown) = sources.first().copied().or(live) {
            describe(kind, step, shown);
        }
        if !matches!(step.action, Action::Create { .. }) {
            step.identities.clear();
        }
        let before = live.or(sources.last().copied()).filter(|_| !is_new);
        let shown = sources.first().copied();
        let fault = self.action_fault(kind, step, &sources, live);
        step.risks = risk::of_step(kind, step, before, shown);
        fault
    }

    /// Returns the fault in what a step writes, if any, and sets the step's changes.
    fn action_fault(
        &self,
        kind: &'static Kind,
        step: &mut Step,
        sources: &[&Object],
        live: Option<&Object>,
    ) -> Option<String> {
        let address = step.address.clone();
        let today = Address::new(kind, self.known.ids.current(&address.id));
        let made = self.made.contains(&address);
        let adds = matches!(step.action, Action::Link { .. });
        match &mut step.action {
            Action::Create { body } => match sources.first() {
                None => Some("neither the commit nor the last snapshot has such an object".to_owned()),
                Some(shown) => {
                    step.identities = moving_identities(kind, shown);
                    self.creation_fault(kind, &address, body, sources)
                }
            },
            Action::Restore => {
                sources.is_empty().then(|| "neither the commit nor the last snapshot has such an object".to_owned())
            }
            // An object that cannot be changed in place is created again, and the old one is deleted.
            Action::Delete if made && kind.update == Updates::Nothing => None,
            Action::Delete => self.deletion_fault(&today),
            Action::Update { body, changes } => {
                let before = match made {
                    true => Some(Object::default()),
                    false => live.or(sources.last().copied()).cloned(),
                };
                let before = before?;
                let after = apply_body(kind, &before, body, self.known.ids);
                let real = diff::objects(kind, &before, &after);
                let fault =
                    (made || live.is_some()).then(|| self.change_fault(kind, &before, &real, sources)).flatten();
                let lost = || self.omission_fault(kind, &before, body, &real, sources);
                let fault = fault.or_else(|| live.and_then(|_| lost()));
                let mut misfit = None;
                match live.is_none() && !made {
                    true => misfit = complete_changes(changes, real, &after, body),
                    false => *changes = real,
                }
                let fault = fault.or(misfit);
                let ends = self.gone.contains(&address) && prepares_deletion(kind, &before, body);
                fault.filter(|_| !ends)
            }
            Action::Call { property, value } => {
                let rule = schema::of(kind).property(property).cloned().unwrap_or_default();
                let value = rewrite_value(&rule, value, self.known.ids);
                let has = |object: &&Object| match object.get(property) {
                    Some(own) => *own == value,
                    None => is_nothing(&value),
                };
                (!sources.iter().any(has)).then(|| format!("{property} is not as the commit says"))
            }
            Action::Link { link, value } | Action::Relink { link, value } => {
                let value = self.with_current_ids(kind, link, value);
                let is_there = |live: &Object| entries(live, link).any(|own| *own == value);
                if adds && !made && !self.names_created_object(&value) && live.is_some_and(is_there) {
                    return Some(format!("{link} has that entry already"));
                }
                let has = |object: &&Object| entries(object, link).any(|own| is_part(&value, own));
                (!sources.iter().any(has)).then(|| format!("{link} is not as the commit says"))
            }
            // A removed entry is named as the tenant has it.
            Action::Unlink { link, value } => {
                let value = value.clone();
                let lacks = |object: &&Object| !entries(object, link).any(|own| is_same_entry(kind, link, own, &value));
                let unwanted = sources.iter().any(lacks) || (sources.is_empty() && self.gone.contains(&address));
                let is_there = |live: &Object| entries(live, link).any(|own| is_same_entry(kind, link, own, &value));
                if live.is_some_and(|live| !made && !is_there(live)) {
                    return Some(format!("there is no such entry of {link}"));
                }
                (!unwanted && !self.names_created_object(&value))
                    .then(|| format!("the commit keeps that entry of {link}"))
            }
        }
    }

    /// Returns true if a value names an object that this plan creates: its entry is removed, and added with the new id.
    fn names_created_object(&self, value: &Value) -> bool {
        let mut found = false;
        mentions(value, &mut |id| found |= self.moving.contains(&id.to_lowercase()));
        found
    }

    /// Returns a value of a link with its references by their current ids.
    fn with_current_ids(&self, kind: &'static Kind, link: &str, value: &Value) -> Value {
        schema::of(kind).property(link).map_or_else(|| value.clone(), |rule| rewrite_value(rule, value, self.known.ids))
    }

    /// Returns the fault of deleting an object: the commit has it, or no snapshot has it and the plan does not prune.
    fn deletion_fault(&self, address: &Address) -> Option<String> {
        let (wanted, base) = (self.known.wanted.get(address), self.known.base.get(address));
        match (wanted, base) {
            (Some(_), _) => Some("the commit has this object".to_owned()),
            (None, None) if !self.known.prune => {
                Some("no snapshot has this object, and nobody asked to prune".to_owned())
            }
            _ => None,
        }
    }

    /// Returns the fault of creating an object with `body`: a value that is neither the commit's nor the last snapshot's.
    fn creation_fault(
        &self,
        kind: &'static Kind,
        address: &Address,
        body: &Map<String, Value>,
        sources: &[&Object],
    ) -> Option<String> {
        // An empty value leaves no trace in a comparison with an object that does not exist yet.
        let has = |name: &String| sources.iter().any(|wanted| wanted.get(name).is_none_or(is_nothing));
        if let Some((emptied, _)) = body.iter().find(|(name, value)| is_nothing(value) && !has(name)) {
            return Some(format!("{emptied} is not as the commit says"));
        }
        let mut whole = body.clone();
        whole.insert(kind.key.to_owned(), Value::from(address.id.as_str()));
        whole.insert("id".to_owned(), Value::from(address.id.as_str()));
        let made = apply_body(kind, &Object::default(), &whole, self.known.ids);
        self.change_fault(kind, &Object::default(), &diff::objects(kind, &Object::default(), &made), sources)
    }

    /// Returns the fault of the first change that leads neither to the commit nor to the last snapshot, if there is one.
    fn change_fault(
        &self,
        kind: &'static Kind,
        before: &Object,
        real: &[FieldChange],
        sources: &[&Object],
    ) -> Option<String> {
        let meant: Vec<Vec<FieldChange>> = sources.iter().map(|wanted| diff::objects(kind, before, wanted)).collect();
        let fault = real.iter().find(|change| {
            let own = ["id", kind.key].contains(&diff::top(change.path())) || diff::top(change.path()).starts_with('@');
            let is_meant = meant.iter().any(|meant| meant.contains(change))
                || sources.iter().any(|wanted| leads_to(change, wanted))
                || disables_what_goes(change, &meant);
            !own && !is_meant
        })?;
        Some(format!("{} is not as the commit says", fault.path()))
    }

    /// Returns the fault of a replacing write that would lose a value which the commit has, if it would.
    fn omission_fault(
        &self,
        kind: &'static Kind,
        before: &Object,
        body: &Map<String, Value>,
        real: &[FieldChange],
        sources: &[&Object],
    ) -> Option<String> {
        let disables = |change: &FieldChange| change.path().ends_with("isEnabled");
        if !real.is_empty() && real.iter().all(disables) {
            return None;
        }
        let mut whole = before.clone();
        for (name, value) in rewrite_body(kind, body, self.known.ids) {
            let rule = schema::of(kind).property(&name);
            let value = match (rule, before.get(&name)) {
                (Some(rule), Some(before)) => replace_writable_parts(rule, before, &value),
                _ => value,
            };
            whole.0.insert(name, value);
        }
        whole.0.retain(|_, value| !value.is_null());
        let whole = normalize(kind, whole.0).object;
        self.change_fault(kind, before, &diff::objects(kind, before, &whole), sources)
    }
}

/// Completes the file's list of an update's changes with the differences from the last snapshot. The live object is not
/// known: the file's changes stay, as far as they fit `after`. Returns the fault if one does not fit.
fn complete_changes(
    changes: &mut Vec<FieldChange>,
    real: Vec<FieldChange>,
    after: &Object,
    body: &Map<String, Value>,
) -> Option<String> {
    let is_written = |change: &FieldChange| body.contains_key(diff::top(change.path()));
    // Changes of entries with a key are taken from the objects alone.
    let by_key = |change: &FieldChange| change.path().contains('[');
    if changes.iter().any(|change| !is_written(change) || !by_key(change) && !leads_to(change, after)) {
        return Some("what the file says of its changes is not what it writes".to_owned());
    }
    changes.retain(|change| !by_key(change) || !real.iter().any(|real| real.path() == change.path()));
    let more = real.into_iter().filter(|real| by_key(real) || !changes.iter().any(|known| known.path() == real.path()));
    let more: Vec<FieldChange> = more.collect();
    changes.extend(more);
    None
}

/// Sets the description of a step for people and guards from the object itself.
fn describe(kind: &'static Kind, step: &mut Step, object: &Object) {
    step.called = called(kind, object);
    if !object.name().is_empty() {
        step.name = object.name().to_owned();
        return;
    }
    // An object without a name is described by the objects that it mentions.
    let mut about: BTreeSet<String> = step.about.iter().cloned().collect();
    object.0.iter().filter(|(name, _)| *name != "id").for_each(|(_, value)| {
        mentions(value, &mut |id| {
            about.insert(id.to_lowercase());
        });
    });
    if step.about.iter().map(|id| id.to_lowercase()).collect::<BTreeSet<_>>() != about {
        step.about = about.into_iter().collect();
    }
}

/// Returns the object as a write of `body` leaves it.
fn apply_body(kind: &'static Kind, before: &Object, body: &Map<String, Value>, ids: &IdMap) -> Object {
    let body = rewrite_body(kind, body, ids);
    let mut after = before.0.clone();
    if kind.update == Updates::Replace {
        after.retain(|name, _| {
            let rule = schema::of(kind).property(name);
            rule.is_none_or(|rule| rule.link || !rule.writable(true)) || name == "id" || kind.call(name).is_some()
        });
    }
    merge(&mut after, &body);
    normalize(kind, after).object
}

/// Returns `body` in place of `before`, with the parts that cannot be written, or are written separately, as they were.
fn replace_writable_parts(rule: &Rule, before: &Value, body: &Value) -> Value {
    match (&rule.shape, before, body) {
        (Shape::Object(rules, _), Value::Object(before), Value::Object(body)) => {
            let mut whole = body.clone();
            for (name, value) in before {
                match (rules.get(name), body.get(name)) {
                    (Some(rule), Some(body)) => {
                        drop(whole.insert(name.clone(), replace_writable_parts(rule, value, body)))
                    }
                    (Some(rule), None) if rule.writable(true) && !rule.write_apart => {}
                    (_, None) => drop(whole.insert(name.clone(), value.clone())),
                    (None, Some(_)) => {}
                }
            }
            whole.retain(|_, value| !value.is_null());
            Value::Object(whole)
        }
        _ => body.clone(),
    }
}

/// Returns true if a change leads to the value that an object has.
fn leads_to(change: &FieldChange, wanted: &Object) -> bool {
    let at = |path: &str| {
        let mut parts = path.split('.');
        let first = wanted.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.get(part))
    };
    let elements = |path: &str| at(path).and_then(Value::as_array).map_or(&[] as &[Value], Vec::as_slice);
    match change {
        FieldChange::Value { path, after, .. } => match (after, at(path)) {
            (Some(after), own) => own == Some(after) || own.is_none() && is_nothing(after),
            (None, own) => own.is_none_or(is_nothing),
        },
        FieldChange::Gained { path, element } => elements(path).contains(element),
        FieldChange::Lost { path, element } => !elements(path).contains(element),
    }
}

/// Returns true if a change disables an entry that is to be removed: Graph demands that first.
fn disables_what_goes(change: &FieldChange, meant: &[Vec<FieldChange>]) -> bool {
    let FieldChange::Value { path, after: Some(Value::Bool(false)), .. } = change else { return false };
    let Some((list, key)) = path.strip_suffix("].isEnabled").and_then(|path| path.split_once('[')) else {
        return false;
    };
    meant.iter().flatten().any(|meant| {
        matches!(meant, FieldChange::Lost { path, element } if path == list && element.get("id") == Some(&key.into()))
    })
}

/// Returns true if a body holds no more than what must be written before an object can be deleted, and what it has already.
fn prepares_deletion(kind: &'static Kind, object: &Object, body: &Map<String, Value>) -> bool {
    let first = before_delete(kind, object);
    let is_so = |name: &str, value: &Value| first.get(name).or_else(|| object.get(name)) == Some(value);
    body.iter().all(|(name, value)| name.starts_with('@') || is_so(name, value))
}

/// Returns true if a value is empty.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(elements) => elements.is_empty(),
        Value::Object(map) => map.values().all(is_nothing),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Returns the entries of a link, whether it holds a list or a single one.
fn entries<'a>(object: &'a Object, link: &str) -> impl Iterator<Item = &'a Value> {
    let list = object.get(link);
    let many = list.and_then(Value::as_array).map_or(&[] as &[Value], Vec::as_slice);
    let one = list.filter(|list| !list.is_array());
    many.iter().chain(one)
}

/// Returns true if `own` has all values of `value`.
fn is_part(value: &Value, own: &Value) -> bool {
    match (value, own) {
        (Value::Object(value), Value::Object(own)) => value.iter().all(|(name, value)| match own.get(name) {
            Some(own) => is_part(value, own),
            None => is_nothing(value) || name.starts_with('@'),
        }),
        _ => value == own,
    }
}

/// Returns true if two entries of a link are one: equal, or credentials with the same key.
fn is_same_entry(kind: &'static Kind, link: &str, own: &Value, value: &Value) -> bool {
    own == value || (kind.credential(link).is_some() && entry_key(kind, link, own) == entry_key(kind, link, value))
}

/// Returns true if an id can be that of an object: no alias that Graph accepts in its place, and no part of a path.
/// <https://learn.microsoft.com/graph/api/user-get>
fn is_plain_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:!~$ ".contains(&byte);
    !id.is_empty() && id.bytes().all(plain) && !id.contains("..")
}

/// Returns objects with current ids, by current address.
pub fn by_current_address(
    objects: impl IntoIterator<Item = (&'static Kind, Object)>,
    ids: &IdMap,
) -> BTreeMap<Address, Object> {
    let today = |(kind, object): (&'static Kind, Object)| {
        let object = rewrite(kind, &object, ids);
        (kind.address(object.id()), object)
    };
    objects.into_iter().map(today).collect()
}
