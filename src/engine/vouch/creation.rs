//! Verifies that the steps which create an object write all of it.
//!
//! A creation is shown by the object's name alone, so it may leave nothing out: a policy without its
//! `conditions.applications` is another policy.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Known, is_nothing};
use crate::engine::normalize::writable;
use crate::engine::refs::rewrite_body;
use crate::model::{Action, Address, Object, Plan};

/// Returns one sentence for each object that the plan creates without a part that both the commit and the last snapshot have,
/// or the one of them that has the object.
///
/// A plan keeps what others changed besides an edit, so a part that either of the two lacks may be absent.
pub(super) fn incomplete(plan: &Plan, known: &Known<'_>) -> BTreeMap<Address, String> {
    let mut written: BTreeMap<&Address, Map<String, Value>> = BTreeMap::new();
    for step in &plan.steps {
        if let Action::Create { .. } = step.action {
            written.entry(&step.address).or_default();
        }
    }
    for step in &plan.steps {
        let Some(whole) = written.get_mut(&step.address) else { continue };
        match &step.action {
            Action::Create { body } | Action::Update { body, .. } => add(whole, body),
            Action::Call { property, value } => drop(whole.insert((*property).to_owned(), value.clone())),
            Action::Restore | Action::Link { .. } | Action::Relink { .. } | Action::Unlink { .. } | Action::Delete => {}
        }
    }
    let fault = |(address, whole): (&Address, Map<String, Value>)| {
        let missing = missing(address, whole, known)?;
        Some((address.clone(), format!("{missing} is left out")))
    };
    written.into_iter().filter_map(fault).collect()
}

/// Returns the path of the first part that the created object lacks.
fn missing(address: &Address, whole: Map<String, Value>, known: &Known<'_>) -> Option<String> {
    let kind = address.kind;
    let today = Address::new(kind, known.ids.current(&address.id));
    let sources = [known.wanted.get(&today), known.base.get(&today)];
    let meant = |object: &Object| Value::Object(writable(kind, object, true));
    let meant: Vec<Value> = sources.into_iter().flatten().map(meant).collect();
    let whole = Value::Object(rewrite_body(kind, &whole, known.ids));
    let mut path = Vec::new();
    lacks(&mut path, Some(&whole), &meant.iter().collect::<Vec<_>>()).then(|| path.join("."))
}

/// Returns true if `written` lacks a part that each of `meant` has, and leaves the way to it in `path`.
fn lacks<'a>(path: &mut Vec<&'a str>, written: Option<&Value>, meant: &[&'a Value]) -> bool {
    if meant.is_empty() || meant.iter().any(|value| is_nothing(value)) {
        return false;
    }
    let Some(written) = written.filter(|value| !value.is_null()) else { return true };
    let maps: Vec<&'a Map<String, Value>> = meant.iter().filter_map(|value| value.as_object()).collect();
    if maps.len() < meant.len() {
        return false;
    }
    for name in maps[0].keys() {
        let Some(parts) = maps.iter().map(|map| map.get(name)).collect::<Option<Vec<&Value>>>() else { continue };
        path.push(name);
        if lacks(path, written.get(name), &parts) {
            return true;
        }
        path.pop();
    }
    false
}

/// Adds the values of a later write; nested objects are merged.
fn add(whole: &mut Map<String, Value>, body: &Map<String, Value>) {
    for (name, value) in body {
        match (whole.get_mut(name), value) {
            (Some(Value::Object(whole)), Value::Object(value)) => add(whole, value),
            _ => drop(whole.insert(name.clone(), value.clone())),
        }
    }
}
