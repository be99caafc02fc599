//! Compares two objects into [`FieldChange`]s. For snapshots see [`super::compare`].

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::normalize::child_key;
use super::schema::{self, Rule, Shape};
use crate::model::kind::LinkShape;
use crate::model::{FieldChange, Kind, Object};

/// Returns the differences between two objects of a kind, in document order. `diff(a, b)` mirrors `diff(b, a)`.
pub fn objects(kind: &'static Kind, before: &Object, after: &Object) -> Vec<FieldChange> {
    let schema = schema::of(kind);
    let mut changes = Vec::new();
    // For an object that was added or removed every value is listed, also a default one.
    let defaults = !before.0.is_empty() && !after.0.is_empty();
    for name in keys(&before.0, &after.0) {
        let (a, b) = (before.0.get(name), after.0.get(name));
        if a == b {
            continue;
        }
        let key = match kind.link(name).map(|link| link.shape) {
            Some(LinkShape::Children(children)) if !children.single => Some(children),
            Some(LinkShape::Children(_) | LinkShape::References | LinkShape::Reference) | None => None,
        };
        match (key, a, b) {
            (Some(children), a, b) => {
                let rule = schema.property(name).cloned().unwrap_or_default();
                let key_of = |child: &Value| child_key(child, &children).join(" ");
                keyed(name, &rule, elements(a), elements(b), &key_of, &mut changes);
            }
            (None, a, b) if defaults && is_default(schema.property(name), a, b) => {}
            (None, a, b) => values(name, schema.property(name), a, b, &mut changes),
        }
    }
    changes
}

fn values(path: &str, rule: Option<&Rule>, a: Option<&Value>, b: Option<&Value>, changes: &mut Vec<FieldChange>) {
    if a == b {
        return;
    }
    match (a, b) {
        (Some(Value::Object(x)), Some(Value::Object(y))) => {
            for name in keys(x, y) {
                let inner = rule.and_then(|rule| rule.property(name));
                if !is_default(inner, x.get(name), y.get(name)) {
                    values(&format!("{path}.{name}"), inner, x.get(name), y.get(name), changes);
                }
            }
        }
        (None, Some(Value::Object(y))) if rule.is_some_and(is_object) => {
            for (name, value) in y {
                let inner = rule.and_then(|rule| rule.property(name));
                values(&format!("{path}.{name}"), inner, None, Some(value), changes);
            }
        }
        (Some(Value::Object(x)), None) if rule.is_some_and(is_object) => {
            for (name, value) in x {
                let inner = rule.and_then(|rule| rule.property(name));
                values(&format!("{path}.{name}"), inner, Some(value), None, changes);
            }
        }
        (a, b) if rule.is_some_and(|rule| rule.set) && is_list(a) && is_list(b) => {
            let (x, y) = (elements(a), elements(b));
            match shared_key(x, y) {
                Some(property) => {
                    let key_of =
                        |element: &Value| element.get(property).and_then(Value::as_str).unwrap_or_default().to_owned();
                    keyed(path, rule.unwrap_or(&Rule::default()), x, y, &key_of, changes);
                }
                None => plain_set(path, x, y, changes),
            }
        }
        (a, b) => changes.push(FieldChange::Value { path: path.to_owned(), before: a.cloned(), after: b.cloned() }),
    }
}

/// Returns true if one side has no value and the other has the default that Graph uses then.
fn is_default(rule: Option<&Rule>, a: Option<&Value>, b: Option<&Value>) -> bool {
    let default = rule.and_then(|rule| rule.default.as_ref());
    default.is_some() && a.or(default) == b.or(default)
}

pub(super) fn is_object(rule: &Rule) -> bool {
    matches!(rule.shape, Shape::Object(..))
}

fn is_list(value: Option<&Value>) -> bool {
    value.is_none_or(Value::is_array)
}

fn elements(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Returns the property that identifies the elements of both lists, if there is one: such lists are compared element by
/// element.
pub(super) fn shared_key(a: &[Value], b: &[Value]) -> Option<&'static str> {
    ["id", "keyId", "resourceAppId", "name"].into_iter().find(|property| {
        let mut seen = BTreeSet::new();
        let distinct = |side: &[Value], seen: &mut BTreeSet<String>| {
            seen.clear();
            side.iter().all(|element| {
                element.get(property).and_then(Value::as_str).is_some_and(|key| seen.insert(key.to_owned()))
            })
        };
        distinct(a, &mut seen) && distinct(b, &mut seen)
    })
}

fn keyed(
    path: &str,
    rule: &Rule,
    a: &[Value],
    b: &[Value],
    key_of: &dyn Fn(&Value) -> String,
    changes: &mut Vec<FieldChange>,
) {
    let left: BTreeMap<String, &Value> = a.iter().map(|element| (key_of(element), element)).collect();
    let right: BTreeMap<String, &Value> = b.iter().map(|element| (key_of(element), element)).collect();
    for key in left.keys().chain(right.keys().filter(|key| !left.contains_key(*key))) {
        match (left.get(key), right.get(key)) {
            (Some(x), Some(y)) => {
                let items = match &rule.shape {
                    Shape::List(items) => Some(items.as_ref()),
                    Shape::Object(..) | Shape::Scalar => None,
                };
                values(&format!("{path}[{key}]"), items, Some(x), Some(y), changes);
            }
            (Some(x), None) => {
                changes.push(FieldChange::Lost { path: path.to_owned(), element: (*x).clone() });
            }
            (None, Some(y)) => {
                changes.push(FieldChange::Gained { path: path.to_owned(), element: (*y).clone() });
            }
            (None, None) => {}
        }
    }
}

fn plain_set(path: &str, a: &[Value], b: &[Value], changes: &mut Vec<FieldChange>) {
    let text = |value: &Value| value.to_string();
    let left: BTreeMap<String, &Value> = a.iter().map(|element| (text(element), element)).collect();
    let right: BTreeMap<String, &Value> = b.iter().map(|element| (text(element), element)).collect();
    for (key, element) in &left {
        if !right.contains_key(key) {
            changes.push(FieldChange::Lost { path: path.to_owned(), element: (*element).clone() });
        }
    }
    for (key, element) in &right {
        if !left.contains_key(key) {
            changes.push(FieldChange::Gained { path: path.to_owned(), element: (*element).clone() });
        }
    }
}

fn keys<'a>(a: &'a Map<String, Value>, b: &'a Map<String, Value>) -> Vec<&'a str> {
    let mut names: Vec<&str> = a.keys().chain(b.keys()).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Returns the first part of a path: `members` for `members`, `conditions` for `conditions.users.includeGroups`.
pub fn top(path: &str) -> &str {
    path.split(['.', '[']).next().unwrap_or(path)
}

/// Returns the name of an object's type: its variant's name where it has one, else the kind's.
pub fn called(kind: &'static Kind, object: &Object) -> &'static str {
    kind.variants.iter().find(|variant| variant.when.holds(&object.0)).map_or(kind.name, |variant| variant.name)
}
