//! Plans updates that need two writes, because one part of an object names another part that must be stored before.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Planner;
use crate::engine::diff::top;
use crate::engine::normalize::writable_value;
use crate::engine::order::{Phase, Stage};
use crate::engine::refs::mentions;
use crate::engine::schema::{self, Shape};
use crate::model::{Action, Address, FieldChange, Kind, Object};

/// Holds the parts that are written in a separate step, by the property that contains them.
pub(super) type Apart = BTreeMap<String, Map<String, Value>>;

impl Planner<'_> {
    /// Adds the step that writes `body`, and another one for the parts that are written separately. That step comes before
    /// the other if the tenant's object already contains everything that the parts name (what they no longer name may be
    /// removed then), else after it.
    pub(super) fn push_update(
        &mut self,
        kind: &'static Kind,
        address: &Address,
        object: &Object,
        mut body: Map<String, Value>,
        changes: Vec<FieldChange>,
    ) {
        let whole = body.clone();
        let apart = take_apart(kind, &mut body);
        let own = |path: &str| apart.iter().any(|(name, parts)| parts.keys().any(|part| within(path, name, part)));
        let (changes_apart, changes): (Vec<_>, Vec<_>) = changes.into_iter().partition(|change| own(change.path()));
        let live = self.inputs.live.objects.get(address);
        let before = live.filter(|live| names_only_what_is_in(&apart, live));
        for (name, parts) in &apart {
            // Every write sends the whole value, whether Graph merges it or replaces it. If the separate step comes first,
            // it runs once other parts are disabled.
            let (value, stage) = match before {
                Some(live) => (with_parts(kind, live, name, parts), Stage::Make),
                None => (whole[name].clone(), Stage::Call),
            };
            let needs = self.awaited_in(&value);
            let body = Map::from_iter([(name.clone(), value)]);
            let action = Action::Update { body, changes: changes_apart.clone() };
            self.push(kind, address, object, Phase::Write, stage, action, &needs);
        }
        if before.is_some() {
            body = whole;
        }
        // A property that differs only in the separately written part is not written twice.
        body.retain(|name, _| {
            let changed = changes.iter().any(|change| top(change.path()) == name);
            changed || !apart.contains_key(name) || changes_apart.is_empty()
        });
        if body.keys().all(|name| name.starts_with('@')) && !apart.is_empty() {
            return;
        }
        let needs = self.awaited_in(&Value::Object(body.clone()));
        let action = Action::Update { body, changes };
        self.push(kind, address, object, Phase::Write, Stage::Update, action, &needs);
    }
}

/// Takes the separately written parts out of `body`, and returns them by the property that contains them.
pub(super) fn take_apart(kind: &'static Kind, body: &mut Map<String, Value>) -> Apart {
    let mut apart = Apart::new();
    for (name, value) in &mut *body {
        let Some(Shape::Object(rules, _)) = schema::of(kind).property(name).map(|rule| &rule.shape) else { continue };
        let Value::Object(value) = value else { continue };
        let names: Vec<String> =
            value.keys().filter(|part| rules.get(*part).is_some_and(|rule| rule.write_apart)).cloned().collect();
        let parts: Map<String, Value> = names.into_iter().filter_map(|part| value.remove_entry(&part)).collect();
        if !parts.is_empty() {
            apart.insert(name.clone(), parts);
        }
    }
    body.retain(|name, value| !apart.contains_key(name) || value.as_object().is_none_or(|rest| !rest.is_empty()));
    apart
}

/// Returns a property of the live object with these parts replaced.
fn with_parts(kind: &'static Kind, live: &Object, name: &str, parts: &Map<String, Value>) -> Value {
    let rule = schema::of(kind).property(name);
    let value = rule.zip(live.get(name)).and_then(|(rule, value)| writable_value(rule, value, false));
    let mut value = match value {
        Some(Value::Object(value)) => value,
        _ => Map::new(),
    };
    value.extend(parts.clone());
    Value::Object(value)
}

/// Returns true if a path is that of a part, or of something within it.
fn within(path: &str, name: &str, part: &str) -> bool {
    let rest = path.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')).and_then(|rest| rest.strip_prefix(part));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn names_only_what_is_in(apart: &Apart, live: &Object) -> bool {
    let text = Value::Object(live.0.clone()).to_string();
    let mut all = true;
    for parts in apart.values() {
        mentions(&Value::Object(parts.clone()), &mut |id| all &= text.contains(id));
    }
    all
}
