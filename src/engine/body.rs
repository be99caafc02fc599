//! Builds the bodies of writes from the wanted and the live object.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::schema::{self, Rule, Shape};
use crate::model::{Kind, Object};

/// Returns `wanted`, with an explicit null, empty list or default for everything that only `live` has, so that a PATCH
/// removes it whether Graph merges or replaces. A property that must have a value keeps its live value.
pub(super) fn complete(rule: &Rule, wanted: Option<&Value>, live: Option<&Value>) -> Value {
    match (wanted, live) {
        (None, Some(live)) if rule.must_have_a_value() => live.clone(),
        (None, _) => match (&rule.default, &rule.shape) {
            (Some(default), _) => default.clone(),
            (None, Shape::List(_)) => Value::Array(Vec::new()),
            (None, Shape::Object(..) | Shape::Scalar) => Value::Null,
        },
        (Some(Value::Object(want)), Some(Value::Object(have))) => {
            let mut whole = Map::new();
            for (name, value) in want {
                let value = match rule.property(name) {
                    Some(rule) => complete(rule, Some(value), have.get(name)),
                    None => value.clone(),
                };
                whole.insert(name.clone(), value);
            }
            for name in have.keys().filter(|name| !want.contains_key(*name)) {
                if let Some(rule) = rule.property(name) {
                    whole.insert(name.clone(), complete(rule, None, have.get(name)));
                }
            }
            Value::Object(whole)
        }
        (Some(want), _) => want.clone(),
    }
}

/// Returns the writable properties of a child that differ.
pub(super) fn differing(rule: &Rule, want: &Value, have: &Value) -> Vec<String> {
    let empty = Map::new();
    let (want, have) = (want.as_object().unwrap_or(&empty), have.as_object().unwrap_or(&empty));
    let mut names: Vec<&String> = want.keys().chain(have.keys()).collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .filter(|name| want.get(*name) != have.get(*name))
        .filter(|name| rule.property(name).is_some_and(|rule| rule.writable(true)))
        .cloned()
        .collect()
}

/// Returns the live value with every enabled element disabled that `want` lacks or has otherwise, where the schema demands that
/// before such a write. `None` if there is none.
pub(super) fn disabled(rule: &Rule, want: Option<&Value>, have: &Value) -> Option<Value> {
    match (&rule.shape, have) {
        (Shape::List(inner), Value::Array(elements)) if rule.disable_first => {
            let wanted: BTreeMap<&str, &Value> = list(want)
                .iter()
                .filter_map(|element| Some((element.get("id").and_then(Value::as_str)?, element)))
                .collect();
            let mut changed = false;
            let mut elements = elements.clone();
            for element in &mut elements {
                let id = element.get("id").and_then(Value::as_str).unwrap_or_default();
                let stays = wanted.get(id).is_some_and(|want| {
                    // Disabling needs no write of its own, and enabling starts from a disabled one.
                    differing(inner, want, element).iter().all(|name| name == "isEnabled")
                });
                if !stays && element.get("isEnabled") != Some(&Value::Bool(false)) {
                    element["isEnabled"] = Value::Bool(false);
                    changed = true;
                }
            }
            changed.then_some(Value::Array(elements))
        }
        (Shape::Object(rules, _), Value::Object(map)) => {
            let mut whole = map.clone();
            let mut changed = false;
            for (name, value) in map {
                let want = want.and_then(|want| want.get(name));
                if let Some(value) = rules.get(name).and_then(|rule| disabled(rule, want, value)) {
                    whole.insert(name.clone(), value);
                    changed = true;
                }
            }
            changed.then_some(Value::Object(whole))
        }
        _ => None,
    }
}

/// Returns the part of `value` that differs from `have`, property by property; lists are kept whole.
pub(super) fn differing_part(value: Value, have: Option<&Value>) -> Value {
    match (value, have) {
        (Value::Object(map), Some(Value::Object(have))) => Value::Object(
            map.into_iter()
                .filter(|(name, value)| have.get(name) != Some(value))
                .map(|(name, value)| {
                    let value = differing_part(value, have.get(&name));
                    (name, value)
                })
                .collect(),
        ),
        (value, _) => value,
    }
}

/// Fills properties missing from a hand-written object with their live values, so that Graph's defaults are not planned as
/// changes. Links are left as they are, since a person lists them completely.
pub(super) fn leave_unsaid(kind: &'static Kind, wanted: &mut Object, live: &Object) {
    fn fill(wanted: &mut Map<String, Value>, live: &Map<String, Value>) {
        for (name, have) in live {
            match (wanted.get_mut(name), have) {
                (None, _) => drop(wanted.insert(name.clone(), have.clone())),
                (Some(Value::Object(wanted)), Value::Object(have)) => fill(wanted, have),
                (Some(_), _) => {}
            }
        }
    }
    let mut own = live.0.clone();
    own.retain(|name, _| kind.link(name).is_none());
    fill(&mut wanted.0, &own);
}

/// Returns the properties that must be written before the object can be deleted.
pub(super) fn before_delete(kind: &'static Kind, object: &Object) -> Map<String, Value> {
    let schema = schema::of(kind);
    object
        .0
        .iter()
        .filter_map(|(name, value)| {
            let first = schema.property(name)?.before_delete.as_ref()?;
            (first != value).then(|| (name.clone(), first.clone()))
        })
        .collect()
}

/// Adds the type to the PATCH body of a polymorphic object, which Graph requires.
pub(super) fn with_type(kind: &'static Kind, object: &Object, mut body: Map<String, Value>) -> Map<String, Value> {
    if schema::of(kind).property("@odata.type").is_some_and(|rule| rule.writable(true))
        && let Some(value) = object.get("@odata.type")
    {
        body.insert("@odata.type".to_owned(), value.clone());
    }
    body
}

/// Returns the elements of a list, or the one child; an empty slice for anything else.
pub(super) fn list(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(elements)) => elements,
        Some(child @ Value::Object(_)) => std::slice::from_ref(child),
        _ => &[],
    }
}
