//! Holds the state of the tenant in memory, and applies writes to it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::engine::losses::chooses_id;
use crate::engine::normalize::{carry_unknown, child_key, writable_value};
use crate::engine::schema;
use crate::kinds;
use crate::model::kind::{Accepts, CallForm, Children, Creation, Deletion, Link, LinkShape, Updates};
use crate::model::{Kind, Write};
use crate::tenant::{Changes, Raw, TenantError};

/// Key of an object: name of its kind, and its id.
pub(super) type Key = (&'static str, String);

#[derive(Debug, Clone, Default)]
pub(super) struct State {
    /// Properties, without links.
    pub(super) objects: BTreeMap<Key, Raw>,
    pub(super) bin: BTreeMap<Key, Raw>,
    /// Targets of the references of live and deleted objects alike.
    references: BTreeMap<(Key, &'static str), BTreeSet<String>>,
    children: BTreeMap<(Key, &'static str), Vec<Raw>>,
    ids: u64,
    /// Object of each write, in order; a token is a position in it.
    log: Vec<Key>,
}

impl State {
    /// Records the object of `write`; `made` is the answer to it.
    pub(super) fn note(&mut self, write: &Write, made: Option<&Raw>) {
        let key = match write {
            Write::Create { kind, .. } => (kind.name, made.and_then(child_id).unwrap_or_default().to_owned()),
            Write::Restore { kind, id }
            | Write::Update { kind, id, .. }
            | Write::Call { kind, id, .. }
            | Write::Link { kind, id, .. }
            | Write::Relink { kind, id, .. }
            | Write::Unlink { kind, id, .. }
            | Write::Delete { kind, id } => (kind.name, id.clone()),
        };
        self.log.push(key);
    }

    /// Returns the objects of a kind that were written since `token`.
    pub(super) fn changes(&self, kind: &'static Kind, token: Option<&str>) -> Changes {
        let from = match token {
            None => Some(self.log.len()),
            Some(token) => token.parse::<usize>().ok().filter(|from| *from <= self.log.len()),
        };
        let Some(from) = from else {
            return Changes::StartOver { why: "the token is not one of this tenant".to_owned() };
        };
        let ids = self.log[from..].iter().filter(|(name, _)| *name == kind.name);
        let (changed, removed) = ids.map(|(_, id)| id.clone()).partition(|id| self.key_of(kind, id).is_some());
        Changes::Since { changed, removed, token: self.log.len().to_string() }
    }

    /// Applies one write. Returns the created or restored object, or the added child, where Graph answers with it.
    pub(super) fn carry_out(&mut self, write: &Write) -> Result<Option<Raw>, TenantError> {
        match write {
            Write::Create { kind, body } => self.create(kind, body).map(Some),
            Write::Restore { kind, id } => {
                let key = (kind.name, id.clone());
                let raw = self.bin.remove(&key).ok_or_else(|| not_found("the recycle bin does not hold it"))?;
                self.objects.insert(key, raw.clone());
                Ok(Some(raw))
            }
            Write::Update { kind, .. } if kind.update == Updates::Nothing => {
                Err(refused(405, &format!("{} cannot be changed", kind.name)))
            }
            Write::Update { kind, id, body } => {
                let key = (kind.name, id.clone());
                for (name, value) in body {
                    let there = self.objects.get(&key).and_then(|object| object.get(name));
                    check_property(kind, name, value, there, false)?;
                    if kind.call(name).is_some() {
                        return Err(refused(400, &format!("{name} is set by an action, not by PATCH")));
                    }
                }
                self.set_properties(kind, id, body)
            }
            Write::Call { kind, id, property, value } => {
                kind.call(property).ok_or_else(|| refused(400, &format!("no action sets {property}")))?;
                self.set_properties(kind, id, &Map::from_iter([((*property).to_owned(), value.clone())]))
            }
            Write::Link { kind, id, link, value } => self.link(kind, id, link, value),
            Write::Relink { kind, id, link, child, value } => self.update_child(kind, id, link, child, value),
            Write::Unlink { kind, id, link, child } => self.unlink(kind, id, link, child),
            Write::Delete { kind, id } => self.delete(kind, id),
        }
    }

    /// Creates an object, with ids of this tenant's choice unless the kind lets the caller choose.
    fn create(&mut self, kind: &'static Kind, body: &Raw) -> Result<Raw, TenantError> {
        let accepts = match kind.creation {
            Creation::Post { accepts, .. } => accepts,
            Creation::AtId(_) => Accepts::All,
            Creation::Never { .. } => return Err(refused(400, &format!("{} cannot be created", kind.name))),
        };
        let chosen = chosen_id(kind, body);
        for (name, value) in body {
            if name == "id" && chosen.is_some() {
                continue;
            }
            check_property(kind, name, value, None, true)?;
            let call = kind.call(name).is_some_and(|call| matches!(call.form, CallForm::AddRemove { .. }));
            if call {
                return Err(refused(400, &format!("{name} is set by an action, not by POST")));
            }
            if let Accepts::Only(names) = accepts
                && !names.contains(&name.as_str())
                && !name.starts_with('@')
            {
                return Err(refused(400, &format!("{name} is not taken at creation")));
            }
        }
        let mut raw: Raw = body
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let id = chosen.unwrap_or_else(|| self.new_id());
        raw.insert("id".to_owned(), Value::from(id.as_str()));
        if self.objects.contains_key(&(kind.name, id.clone())) {
            return Err(refused(409, &format!("{} {id} is there already", kind.name)));
        }
        // The tenant and not the caller chooses the other identities by which objects refer to this one: an application's
        // `appId`.
        for name in schema::of(kind).identities() {
            if !raw.contains_key(name) {
                raw.insert(name.clone(), Value::from(self.new_id()));
            }
        }
        self.objects.insert((kind.name, id), raw.clone());
        Ok(raw)
    }

    /// Writes properties of an object; `null` removes a property.
    fn set_properties(&mut self, kind: &'static Kind, id: &str, body: &Raw) -> Result<Option<Raw>, TenantError> {
        let key = self.existing_key(kind, id)?;
        if let Some(raw) = self.objects.get_mut(&key) {
            for (name, value) in body {
                if value.is_null() {
                    raw.remove(name);
                } else {
                    raw.insert(name.clone(), value.clone());
                }
            }
        }
        Ok(None)
    }

    /// Adds an entry to a link: a reference to an object that exists, or a child.
    fn link(&mut self, kind: &'static Kind, id: &str, name: &str, value: &Value) -> Result<Option<Raw>, TenantError> {
        let key = self.existing_key(kind, id)?;
        let link = link_of(kind, name)?;
        if self.objects.get(&key).zip(link.absent).is_some_and(|(raw, condition)| condition.holds(raw)) {
            return Err(refused(400, &format!("{name} is computed for this object")));
        }
        match link.shape {
            LinkShape::References | LinkShape::Reference => {
                let target = value.as_str().ok_or_else(|| refused(400, "a reference is an id"))?;
                if !self.objects.keys().any(|(_, id)| id == target) {
                    return Err(not_found(&format!("{name} would point to {target}, which is not there")));
                }
                let targets = self.references.entry((key, link.name)).or_default();
                if link.shape == LinkShape::Reference {
                    targets.clear();
                }
                // Adding an entry that exists is a success, as the port promises.
                targets.insert(target.to_owned());
                Ok(None)
            }
            LinkShape::Children(children) => {
                if !children.creatable() {
                    return Err(refused(400, &format!("{name}: none can be added")));
                }
                let mut child = value.as_object().ok_or_else(|| refused(400, "a child has properties"))?.clone();
                let wanted = child_key(value, &children);
                let mut all = self.children.get(&(key, link.name)).into_iter().flatten();
                if all.any(|other| child_key(&Value::Object(other.clone()), &children) == wanted) {
                    return Err(refused(409, &format!("{name}: there is one with this key already")));
                }
                self.check_child(kind, link, &child)?;
                if let Some(owner) = children.owner {
                    child.insert(owner.to_owned(), Value::from(id));
                }
                if !children.keeps_id && !children.single {
                    child.insert("id".to_owned(), Value::from(self.new_id()));
                }
                let made = child.clone();
                self.children.entry(((kind.name, id.to_owned()), link.name)).or_default().push(child);
                Ok(Some(made))
            }
        }
    }

    /// Refuses a child that names an object that does not exist.
    fn check_child(&self, kind: &'static Kind, link: &Link, child: &Raw) -> Result<(), TenantError> {
        let Some(rule) = schema::of(kind).property(link.name) else { return Ok(()) };
        for (property, value) in child {
            let (Some(rule), Some(target)) = (rule.property(property), value.as_str()) else { continue };
            let there = |wanted: &schema::Ref| {
                let mut objects = self.objects.iter().filter(|((name, _), _)| *name == wanted.kind);
                objects.any(|(_, raw)| raw.get(&wanted.property).and_then(Value::as_str) == Some(target))
            };
            if !rule.refs.is_empty() && !rule.refs.iter().any(there) {
                let message = format!("{}: {property} would point to {target}, which is not there", link.name);
                return Err(not_found(&message));
            }
        }
        Ok(())
    }

    /// Changes properties of a child in place; `null` removes a property.
    fn update_child(
        &mut self,
        kind: &'static Kind,
        id: &str,
        name: &str,
        child: &str,
        value: &Raw,
    ) -> Result<Option<Raw>, TenantError> {
        let key = self.existing_key(kind, id)?;
        let link = link_of(kind, name)?;
        let LinkShape::Children(children) = link.shape else {
            return Err(refused(400, &format!("{name} holds references, which cannot be changed in place")));
        };
        let refuses = |property: &String| match children.update {
            Updates::Nothing => true,
            Updates::Only(names) => !names.contains(&property.as_str()) && !property.starts_with('@'),
            Updates::All => children.key.contains(&property.as_str()),
            Updates::Replace => false,
        };
        if let Some(property) = value.keys().find(|property| refuses(property)) {
            return Err(refused(400, &format!("{name}: {property} cannot be changed in place")));
        }
        let found = self.children.get_mut(&(key, link.name)).into_iter().flatten();
        let found = found.into_iter().find(|other| children.single || child_id(other) == Some(child));
        let found = found.ok_or_else(|| not_found(&format!("{name}: no child {child}")))?;
        for (property, value) in value {
            if value.is_null() {
                found.remove(property);
            } else {
                found.insert(property.clone(), value.clone());
            }
        }
        Ok(None)
    }

    /// Removes an entry of a link: a reference, or a child by its id. Removes a credential too, by its `keyId`.
    fn unlink(&mut self, kind: &'static Kind, id: &str, name: &str, child: &str) -> Result<Option<Raw>, TenantError> {
        let key = self.existing_key(kind, id)?;
        if kind.credential(name).is_some() {
            let all = self.objects.get_mut(&key).and_then(|raw| raw.get_mut(name)).and_then(Value::as_array_mut);
            let all = all.ok_or_else(|| not_found(&format!("{name}: there is none")))?;
            let before = all.len();
            all.retain(|one| one["keyId"] != child);
            return match all.len() == before {
                true => Err(not_found(&format!("{name}: no credential {child}"))),
                false => Ok(None),
            };
        }
        let link = link_of(kind, name)?;
        match link.shape {
            LinkShape::References | LinkShape::Reference => {
                let known = self.references.get_mut(&(key, link.name)).is_some_and(|targets| targets.remove(child));
                // Removing a reference that was deleted with its target is a success, as the port promises; any other
                // missing entry is a mistake.
                if !known && self.objects.keys().any(|(_, id)| id == child) {
                    return Err(not_found(&format!("{name} does not hold {child}")));
                }
            }
            LinkShape::Children(Children { delete: false, .. }) => {
                return Err(refused(400, &format!("{name}: none can be taken away")));
            }
            LinkShape::Children(children) => {
                let all = self.children.entry((key, link.name)).or_default();
                let before = all.len();
                all.retain(|other| !children.single && child_id(other) != Some(child));
                if all.len() == before {
                    return Err(not_found(&format!("{name}: no child {child}")));
                }
            }
        }
        Ok(None)
    }

    /// Deletes an object: into the recycle bin, or for good with its children and all references to it.
    fn delete(&mut self, kind: &'static Kind, id: &str) -> Result<Option<Raw>, TenantError> {
        let key = self.existing_key(kind, id)?;
        match kind.deletion {
            _ if kind.is_singleton() => Err(refused(400, &format!("{} cannot be deleted", kind.name))),
            Deletion::Never => Err(refused(400, &format!("{} cannot be deleted", kind.name))),
            Deletion::Soft { .. } => {
                if let Some(raw) = self.objects.remove(&key) {
                    self.bin.insert(key, raw);
                }
                Ok(None)
            }
            Deletion::Hard => {
                self.objects.remove(&key);
                self.references.retain(|(from, _), targets| {
                    targets.remove(id);
                    *from != key
                });
                self.children.retain(|(parent, _), _| *parent != key);
                Ok(None)
            }
        }
    }

    /// Loads the value of a link of an object as a read shows it, without the checks of a write.
    pub(super) fn load_link(&mut self, kind: &'static Kind, link: &'static Link, id: &str, value: Value) {
        let place = ((kind.name, id.to_owned()), link.name);
        let id_of = |value: &Value| value.as_str().or_else(|| value.get("id")?.as_str()).map(str::to_owned);
        match (link.shape, value) {
            (LinkShape::References, Value::Array(items)) => {
                self.references.entry(place).or_default().extend(items.iter().filter_map(id_of));
            }
            (LinkShape::Reference, value) => self.references.entry(place).or_default().extend(id_of(&value)),
            (LinkShape::Children(children), value @ (Value::Array(_) | Value::Object(_))) => {
                let items = match value {
                    Value::Array(items) => items,
                    one => vec![one],
                };
                for item in items {
                    let Value::Object(mut child) = item else { continue };
                    if child_id(&child).is_none() && !children.single {
                        child.insert("id".to_owned(), Value::from(self.new_id()));
                    }
                    if let (Some(owner), false) = (children.owner, kind.is_singleton()) {
                        child.insert(owner.to_owned(), Value::from(id));
                    }
                    self.children.entry(place.clone()).or_default().push(child);
                }
            }
            _ => {}
        }
    }

    /// Returns the objects of one kind, with their ids.
    pub(super) fn objects_of(&self, kind: &'static Kind) -> impl Iterator<Item = (&str, &Raw)> {
        let from = (kind.name, String::new());
        let all = self.objects.range(from..).take_while(|((name, _), _)| *name == kind.name);
        all.map(|((_, id), raw)| (id.as_str(), raw))
    }

    /// Returns `raw` with its links; references to objects in the recycle bin are left out.
    pub(super) fn with_links(&self, kind: &'static Kind, id: &str, raw: &Raw) -> Raw {
        let mut whole = raw.clone();
        let deleted: BTreeSet<&str> = self.bin.keys().map(|(_, id)| id.as_str()).collect();
        for link in kind.links {
            if link.absent.is_some_and(|condition| condition.holds(raw)) {
                continue;
            }
            let place = ((kind.name, id.to_owned()), link.name);
            let targets = self.references.get(&place).into_iter().flatten();
            let mut targets = targets.filter(|id| !deleted.contains(id.as_str())).map(|id| reference(id));
            let value = match link.shape {
                LinkShape::References => Some(Value::Array(targets.collect())),
                LinkShape::Reference => targets.next(),
                LinkShape::Children(children) => {
                    let all = self.children.get(&place).into_iter().flatten();
                    let live = all.filter(|child| {
                        !child.values().any(|value| value.as_str().is_some_and(|text| deleted.contains(text)))
                    });
                    let mut live = live.cloned().map(Value::Object);
                    if children.single { live.next() } else { Some(Value::Array(live.collect())) }
                }
            };
            whole.extend(value.map(|value| (link.name.to_owned(), value)));
        }
        whole
    }

    /// Returns the key of a live object, if there is one. A singleton has one key, whatever `id` is.
    pub(super) fn key_of(&self, kind: &'static Kind, id: &str) -> Option<Key> {
        if kind.is_singleton() {
            return self.objects.keys().find(|(name, _)| *name == kind.name).cloned();
        }
        let key = (kind.name, id.to_owned());
        self.objects.contains_key(&key).then_some(key)
    }

    /// Returns the key of a live object, or the error with which a write to it fails.
    fn existing_key(&self, kind: &'static Kind, id: &str) -> Result<Key, TenantError> {
        if !kinds::ALL.contains(&kind) {
            return Err(refused(400, &format!("there is no kind {}", kind.name)));
        }
        self.key_of(kind, id).ok_or_else(|| not_found(&format!("{} {id} is not there", kind.name)))
    }

    /// Returns an id that no live or deleted object has.
    fn new_id(&mut self) -> String {
        loop {
            self.ids += 1;
            let id = guid(self.ids);
            if !self.objects.keys().chain(self.bin.keys()).any(|(_, other)| *other == id) {
                return id;
            }
        }
    }
}

/// Refuses values of properties that the kind's schema does not let be written; parts that it does not know may be sent unchanged (as in
/// `there`). A schema that names no property accepts everything.
fn check_property(
    kind: &'static Kind,
    name: &str,
    value: &Value,
    there: Option<&Value>,
    creating: bool,
) -> Result<(), TenantError> {
    if kind.link(name).is_some() || name == "id" {
        return Err(refused(400, &format!("{name} is not written with the object's properties")));
    }
    let schema = schema::of(kind);
    if schema.selected().is_empty() || name.starts_with('@') {
        return Ok(());
    }
    let rule = schema.property(name).ok_or_else(|| refused(400, &format!("{} has no property {name}", kind.name)))?;
    match writable_value(rule, value, creating) {
        Some(mut allowed) => {
            if allowed == *value {
                return Ok(());
            }
            carry_unknown(rule, &mut allowed, there);
            if allowed == *value {
                return Ok(());
            }
            Err(refused(400, &format!("a part of {name} cannot be written")))
        }
        None => Err(refused(400, &format!("{name} cannot be written{}", if creating { "" } else { " any more" }))),
    }
}

/// Returns the link called `name`, or the error that the kind has none.
fn link_of(kind: &'static Kind, name: &str) -> Result<&'static Link, TenantError> {
    kind.link(name).ok_or_else(|| refused(400, &format!("{} has no link {name}", kind.name)))
}

/// Returns the id that the caller chose for a new object.
fn chosen_id(kind: &'static Kind, body: &Raw) -> Option<String> {
    let chosen = chooses_id(kind).then(|| body.get(kind.key).and_then(Value::as_str)).flatten();
    chosen.map(str::to_owned)
}

fn child_id(child: &Raw) -> Option<&str> {
    child.get("id").and_then(Value::as_str)
}

/// Returns a reference as a read shows it: an object with an `id` alone.
fn reference(id: &str) -> Value {
    Value::Object(Map::from_iter([("id".to_owned(), Value::from(id))]))
}

/// Returns the number as a GUID that nobody else makes.
pub(super) fn guid(number: u64) -> String {
    format!("00000000-0000-4000-a000-{number:012x}")
}

/// Returns the error for a write that Graph would refuse.
pub(super) fn refused(status: u16, message: &str) -> TenantError {
    let (request, code) = ("memory".to_owned(), "Request_BadRequest".to_owned());
    TenantError::Refused { request, status, code, message: message.to_owned() }
}

/// Returns the error for an object or entry that does not exist.
fn not_found(message: &str) -> TenantError {
    TenantError::NotFound { request: "memory".to_owned(), message: message.to_owned() }
}
