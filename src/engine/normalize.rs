//! Raw Graph JSON → [`Object`], and [`Object`] → request body.

use serde_json::{Map, Value};

use super::schema::{self, Rule, Shape};
use crate::model::kind::{Children, LinkShape};
use crate::model::{Kind, Object};

/// A normalized object and what was unusual about it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Normalized {
    /// The object.
    pub object: Object,
    /// Paths of properties that no schema knows: kept verbatim, never written back.
    pub unknown: Vec<String>,
}

/// Makes an [`Object`] of what Graph returned.
///
/// Server-owned, secret and left-out properties, annotations, nulls and empty values go; sets are sorted; links become ids
/// or children. `@odata.type` stays where the schema lists it. Normalizing twice changes nothing.
pub fn normalize(kind: &'static Kind, raw: &Map<String, Value>) -> Normalized {
    let schema = schema::of(kind);
    let mut unknown = Vec::new();
    let mut properties = Map::new();
    for (name, value) in raw {
        let Some(rule) = schema.property(name) else {
            keep_unknown(name, name, value, &mut properties, &mut unknown);
            continue;
        };
        // Some replies say of every object what others say only of its heirs: the kind's own type tells nothing.
        if name == "@odata.type" && rule.read_only && is_own_type(kind, value) {
            continue;
        }
        let value = match kind.link(name).map(|link| link.shape) {
            Some(LinkShape::References) => references(value),
            Some(LinkShape::Reference) => reference(value),
            Some(LinkShape::Children(children)) if children.single => clean(rule, value, name, &mut unknown),
            Some(LinkShape::Children(children)) => {
                list(rule, value, name, &mut unknown).map(|value| sort_children(value, &children))
            }
            None => clean(rule, value, name, &mut unknown),
        };
        if let Some(value) = value {
            properties.insert(name.clone(), value);
        }
    }
    for link in kind.links {
        if link.absent.is_some_and(|condition| condition.holds(&properties)) {
            properties.remove(link.name);
        }
    }
    unknown.sort();
    unknown.dedup();
    Normalized { object: Object(properties), unknown }
}

fn is_own_type(kind: &Kind, value: &Value) -> bool {
    value.as_str().and_then(|name| name.strip_prefix("#microsoft.graph.")) == Some(kind.entity)
}

/// The properties of `object` that may be written: without links, without what Graph owns, without what no schema knows;
/// when not `creating`, without what is fixed at creation.
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

/// The part of `value` that may be written, by the property's rule.
pub fn writable_value(rule: &Rule, value: &Value, creating: bool) -> Option<Value> {
    if !rule.writable(creating) {
        return None;
    }
    Some(match (&rule.shape, value) {
        (Shape::Object(rules, open), Value::Object(map)) => Value::Object(
            map.iter()
                .filter_map(|(name, value)| match rules.get(name) {
                    // What is fixed at creation is fixed for the object, not for the parts of a value that is replaced.
                    Some(rule) => Some((name.clone(), writable_value(rule, value, true)?)),
                    None if *open => Some((name.clone(), value.clone())),
                    None => None,
                })
                .collect(),
        ),
        (Shape::List(items), Value::Array(elements)) => {
            Value::Array(elements.iter().filter_map(|element| writable_value(items, element, true)).collect())
        }
        _ => value.clone(),
    })
}

fn clean(rule: &Rule, value: &Value, path: &str, unknown: &mut Vec<String>) -> Option<Value> {
    if !rule.exported() {
        return None;
    }
    match (&rule.shape, value) {
        (Shape::Object(rules, open), Value::Object(map)) => {
            let mut kept = Map::new();
            for (name, value) in map {
                match rules.get(name) {
                    Some(rule) => {
                        if let Some(value) = clean(rule, value, &format!("{path}.{name}"), unknown) {
                            kept.insert(name.clone(), value);
                        }
                    }
                    None if *open => {
                        if let Some(value) = plain(value).filter(|_| !name.contains('@')) {
                            kept.insert(name.clone(), value);
                        }
                    }
                    None => keep_unknown(name, &format!("{path}.{name}"), value, &mut kept, unknown),
                }
            }
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        (Shape::List(_), Value::Array(_)) => list(rule, value, path, unknown),
        _ => plain(value),
    }
}

fn list(rule: &Rule, value: &Value, path: &str, unknown: &mut Vec<String>) -> Option<Value> {
    let Shape::List(items) = &rule.shape else { return plain(value) };
    let elements = value.as_array()?;
    let mut kept: Vec<Value> = elements.iter().filter_map(|element| clean(items, element, path, unknown)).collect();
    if rule.set {
        sort_set(&mut kept);
    }
    (!kept.is_empty()).then_some(Value::Array(kept))
}

/// A value without nulls, empties and annotations.
fn plain(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::String(text) => (!text.is_empty()).then(|| value.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.clone()),
        Value::Array(elements) => {
            let kept: Vec<Value> = elements.iter().filter_map(plain).collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        Value::Object(map) => {
            let kept: Map<String, Value> = map
                .iter()
                .filter(|(name, _)| !name.contains('@'))
                .filter_map(|(name, value)| Some((name.clone(), plain(value)?)))
                .collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
    }
}

fn keep_unknown(name: &str, path: &str, value: &Value, into: &mut Map<String, Value>, unknown: &mut Vec<String>) {
    // Annotations describe the reply, not the object. What sounds like a secret is not kept on a guess.
    if name.contains('@') || sounds_secret(name) {
        return;
    }
    if let Some(value) = plain(&without_secrets(value)) {
        into.insert(name.to_owned(), value);
        unknown.push(path.to_owned());
    }
}

fn without_secrets(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter()
                .filter(|(name, _)| !sounds_secret(name))
                .map(|(name, value)| (name.clone(), without_secrets(value)))
                .collect(),
        ),
        Value::Array(elements) => Value::Array(elements.iter().map(without_secrets).collect()),
        _ => value.clone(),
    }
}

fn sounds_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "secret", "privatekey", "accesstoken", "refreshtoken"].iter().any(|word| name.contains(word))
}

fn id_of(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("id").and_then(Value::as_str)).filter(|id| !id.is_empty())
}

fn references(value: &Value) -> Option<Value> {
    let mut ids: Vec<&str> = value.as_array()?.iter().filter_map(id_of).collect();
    ids.sort_unstable();
    ids.dedup();
    (!ids.is_empty()).then(|| Value::Array(ids.into_iter().map(Value::from).collect()))
}

fn reference(value: &Value) -> Option<Value> {
    id_of(value).map(Value::from)
}

/// What makes a child: all but what is kept of it for information.
pub fn made_child(kind: &'static Kind, link: &str, value: Value) -> Value {
    match (value, schema::of(kind).property(link)) {
        (Value::Object(mut child), Some(rule)) => {
            child.retain(|name, _| name == "id" || rule.property(name).is_none_or(|rule| !rule.read_only));
            Value::Object(child)
        }
        (value, _) => value,
    }
}

fn sort_children(value: Value, children: &Children) -> Value {
    let Value::Array(mut elements) = value else { return value };
    elements.sort_by_cached_key(|child| (child_key(child, children), child.to_string()));
    Value::Array(elements)
}

/// The values of a child's key; absent ones are empty.
pub fn child_key(child: &Value, children: &Children) -> Vec<String> {
    children.key_of(|path| child.pointer(path))
}

/// Sorts a set and drops what is there twice.
pub fn sort_set(elements: &mut Vec<Value>) {
    if elements.iter().all(Value::is_string) {
        elements.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    } else {
        elements.sort_by_cached_key(Value::to_string);
    }
    elements.dedup();
}
