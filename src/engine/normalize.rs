//! Converts raw Graph JSON to an [`Object`], and an [`Object`] to a request body.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use super::canonical::Form;
use super::schema::{self, Rule, Shape};
use super::secrets::{holds_credentials, mask_url, sounds_secret};
use crate::model::kind::{Children, LinkShape};
use crate::model::{Kind, Object};

/// Holds a normalized object and its unknown properties.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Normalized {
    /// The object.
    pub object: Object,
    /// Paths of properties that the schema does not know: kept verbatim, never written back.
    pub unknown: Vec<String>,
}

/// Converts Graph's JSON to an [`Object`].
///
/// It drops server-owned, secret and left-out properties, annotations, nulls and empty values, masks secrets in URLs, sorts
/// sets, and turns links into ids or children. `@odata.type` stays where the schema lists it. Normalizing twice changes
/// nothing.
pub fn normalize(kind: &'static Kind, mut raw: Map<String, Value>) -> Normalized {
    let schema = schema::of(kind);
    let mut unknown = Vec::new();
    raw.retain(|name, value| {
        let at = Place { name, within: None };
        let Some(rule) = schema.property(name) else { return keep_unknown(value, &at, &mut unknown) };
        // Some replies name the kind's own type in every object, which others name for derived types only: it is no
        // information.
        if name == "@odata.type" && rule.read_only && is_own_type(kind, value) {
            return false;
        }
        match kind.link(name).map(|link| link.shape) {
            Some(LinkShape::References) => references(value),
            Some(LinkShape::Reference) => reference(value),
            Some(LinkShape::Children(children)) if children.single => clean(rule, value, &at, &mut unknown),
            Some(LinkShape::Children(children)) => {
                let kept = list(rule, value, &at, &mut unknown);
                sort_children(value, &children);
                kept
            }
            None => clean(rule, value, &at, &mut unknown),
        }
    });
    for link in kind.links {
        if link.absent.is_some_and(|condition| condition.holds(&raw)) {
            raw.remove(link.name);
        }
    }
    unknown.sort();
    unknown.dedup();
    Normalized { object: Object(raw), unknown }
}

/// Represents the location of a value, as a path such as `info.logoUrl`.
struct Place<'a> {
    name: &'a str,
    within: Option<&'a Place<'a>>,
}

impl Place<'_> {
    fn is_below_credentials(&self) -> bool {
        std::iter::successors(self.within, |at| at.within).any(|at| holds_credentials(at.name))
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(within) = self.within {
            write!(f, "{within}.")?;
        }
        f.write_str(self.name)
    }
}

fn is_own_type(kind: &Kind, value: &Value) -> bool {
    value.as_str().and_then(|name| name.strip_prefix("#microsoft.graph.")) == Some(kind.entity)
}

/// Returns the properties of `object` that may be written: without links, without those that Graph owns, without those that
/// the schema does not know; when not `creating`, without those that are fixed at creation.
pub fn writable(kind: &'static Kind, object: &Object, creating: bool) -> Map<String, Value> {
    let schema = schema::of(kind);
    let mut body = Map::new();
    for (name, value) in &object.0 {
        let Some(rule) = schema.property(name) else { continue };
        if rule.link || name == "id" {
            continue;
        }
        if let Some(value) = writable_value(rule, value, creating) {
            body.insert(name.clone(), value);
        }
    }
    body
}

/// Returns the part of `value` that may be written, by the property's rule. An object of which nothing may be written is not
/// written as an empty one.
pub fn writable_value(rule: &Rule, value: &Value, creating: bool) -> Option<Value> {
    if !rule.writable(creating) {
        return None;
    }
    Some(match (&rule.shape, value) {
        (Shape::Object(rules, open), Value::Object(map)) => {
            let written: Map<String, Value> = map
                .iter()
                .filter_map(|(name, value)| match rules.get(name) {
                    // A property that is fixed at creation is fixed for the object, not for the parts of a value that is
                    // replaced.
                    Some(rule) => Some((name.clone(), writable_value(rule, value, true)?)),
                    None if *open => Some((name.clone(), value.clone())),
                    None => None,
                })
                .collect();
            if written.is_empty() && !map.is_empty() {
                return None;
            }
            Value::Object(with_places(rules, written))
        }
        (Shape::List(items), Value::Array(elements)) => {
            Value::Array(elements.iter().filter_map(|element| writable_value(items, element, true)).collect())
        }
        _ => value.clone(),
    })
}

/// Completes lists of positions: Graph takes them whole, with a null for an element without a position.
/// <https://learn.microsoft.com/graph/api/resources/redirecturisettings>
fn with_places(rules: &BTreeMap<String, Rule>, mut written: Map<String, Value>) -> Map<String, Value> {
    for (name, rule) in rules {
        let Some(list) = &rule.index_of else { continue };
        let all = written.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
        let Some(Value::Array(places)) = written.get_mut(name).filter(|places| !places.is_null()) else { continue };
        for uri in all {
            if !places.iter().any(|place| place["uri"] == uri) {
                places.push(serde_json::json!({"uri": uri, "index": null}));
            }
        }
    }
    written
}

/// Adds to `body` the nested properties of `live` that the schema does not know: where Graph replaces a complex value, a
/// PATCH without them would remove them.
pub fn carry_unknown(rule: &Rule, body: &mut Value, live: Option<&Value>) {
    let (Shape::Object(rules, open), Value::Object(body), Some(Value::Object(live))) = (&rule.shape, body, live) else {
        return;
    };
    for (name, have) in live {
        match (rules.get(name), body.get_mut(name)) {
            (Some(rule), Some(value)) => carry_unknown(rule, value, Some(have)),
            (None, None) if !open => drop(body.insert(name.clone(), have.clone())),
            _ => {}
        }
    }
}

/// Removes from `value` what the property's rule does not keep. Returns true if anything is left.
fn clean(rule: &Rule, value: &mut Value, at: &Place<'_>, unknown: &mut Vec<String>) -> bool {
    if !rule.exported() {
        return false;
    }
    match (&rule.shape, value) {
        (Shape::Object(rules, open), Value::Object(map)) => {
            map.retain(|name, value| {
                let within = Place { name, within: Some(at) };
                match rules.get(name) {
                    Some(rule) => clean(rule, value, &within, unknown),
                    None if *open => {
                        without_secrets(value);
                        let kept = value.is_boolean() || !(sounds_secret(name) || within.is_below_credentials());
                        kept && !is_control_information(name) && plain(value)
                    }
                    None => keep_unknown(value, &within, unknown),
                }
            });
            !map.is_empty()
        }
        (Shape::List(_), value @ Value::Array(_)) => list(rule, value, at, unknown),
        (_, value) => {
            if let Value::String(text) = value {
                let form = match (&rule.form, rule.refs.is_empty()) {
                    // Graph compares ids without regard to case.
                    (Form::Verbatim, false) => &Form::Guid,
                    (form, _) => form,
                };
                if let Some(written) = form.canonical(text) {
                    *text = written;
                }
            }
            without_secrets(value);
            plain(value)
        }
    }
}

fn list(rule: &Rule, value: &mut Value, at: &Place<'_>, unknown: &mut Vec<String>) -> bool {
    let Shape::List(items) = &rule.shape else { return plain(value) };
    let Value::Array(elements) = value else { return false };
    elements.retain_mut(|element| clean(items, element, at, unknown));
    if rule.index_of.is_some() {
        elements.retain(|element| element.get("index").is_some());
    }
    if rule.set {
        sort_set(elements);
    }
    !elements.is_empty()
}

/// Removes nulls, empty values, annotations and secrets in URLs from a value. Returns true if anything is left.
fn plain(value: &mut Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => {
            if let Some(masked) = mask_url(text) {
                *text = masked;
            }
            !text.is_empty()
        }
        Value::Bool(_) | Value::Number(_) => true,
        Value::Array(elements) => {
            elements.retain_mut(plain);
            !elements.is_empty()
        }
        Value::Object(map) => {
            map.retain(|name, value| !is_control_information(name) && plain(value));
            !map.is_empty()
        }
    }
}

/// Returns true if a name is not that of a property, but of an annotation (`@`), or of an action or function that can be
/// called on the object (`#`). They describe the reply, which differs with its source, and not the object.
/// <https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html>, sections 4.6 and 16
fn is_control_information(name: &str) -> bool {
    name.contains(['@', '#'])
}

/// Keeps a property that the schema does not know, unless it may be a secret: one below credentials, or one with a name that
/// sounds like a secret. Returns true if it is kept.
fn keep_unknown(value: &mut Value, at: &Place<'_>, unknown: &mut Vec<String>) -> bool {
    // A boolean is no secret, and may be a new setting about secrets.
    let may_be_secret = !value.is_boolean() && (sounds_secret(at.name) || at.is_below_credentials());
    if is_control_information(at.name) || may_be_secret {
        return false;
    }
    without_secrets(value);
    let kept = plain(value);
    if kept {
        unknown.push(at.to_string());
    }
    kept
}

/// Removes properties whose names sound like secrets from a value whose inside the schema does not know.
fn without_secrets(value: &mut Value) {
    match value {
        Value::Object(map) => map.retain(|name, value| {
            without_secrets(value);
            value.is_boolean() || !sounds_secret(name)
        }),
        Value::Array(elements) => elements.iter_mut().for_each(without_secrets),
        _ => {}
    }
}

fn references(value: &mut Value) -> bool {
    let Value::Array(elements) = value else { return false };
    elements.retain_mut(reference);
    elements.sort_unstable_by(|a, b| a.as_str().cmp(&b.as_str()));
    elements.dedup();
    !elements.is_empty()
}

/// Reduces a reference to its id, whether it was given as such or as an object. Returns true if it has an id.
fn reference(value: &mut Value) -> bool {
    if let Value::Object(map) = value {
        *value = map.remove("id").unwrap_or_default();
    }
    value.as_str().is_some_and(|id| !id.is_empty())
}

/// Returns the properties that create a child: all except those kept for information.
pub fn made_child(kind: &'static Kind, link: &str, value: Value) -> Value {
    match (value, schema::of(kind).property(link)) {
        (Value::Object(mut child), Some(rule)) => {
            child.retain(|name, _| name == "id" || rule.property(name).is_none_or(|rule| !rule.read_only));
            Value::Object(child)
        }
        (value, _) => value,
    }
}

fn sort_children(value: &mut Value, children: &Children) {
    if let Value::Array(elements) = value {
        elements.sort_by_cached_key(|child| (child_key(child, children), child.to_string()));
    }
}

/// Returns the values of a child's key; absent ones are empty.
pub fn child_key(child: &Value, children: &Children) -> Vec<String> {
    children.key_of(|path| child.pointer(path))
}

/// Returns the key of one entry of a link or of a list of credentials: a child's key, the id of a reference, the `keyId` of
/// a credential.
pub fn entry_key(kind: &'static Kind, name: &str, value: &Value) -> Vec<String> {
    if kind.credential(name).is_some() {
        return vec![value["keyId"].as_str().unwrap_or_default().to_owned()];
    }
    match kind.link(name).map(|link| link.shape) {
        Some(LinkShape::Children(children)) => child_key(value, &children),
        Some(LinkShape::Reference | LinkShape::References) | None => {
            vec![value.as_str().or_else(|| value["id"].as_str()).unwrap_or_default().to_owned()]
        }
    }
}

/// Sorts a set and drops duplicates.
pub fn sort_set(elements: &mut Vec<Value>) {
    if elements.iter().all(Value::is_string) {
        elements.sort_unstable_by(|a, b| a.as_str().cmp(&b.as_str()));
    } else {
        elements.sort_by_cached_key(Value::to_string);
    }
    elements.dedup();
}
