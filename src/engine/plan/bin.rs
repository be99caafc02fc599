//! Names objects in the recycle bin that have what an object to create must have alone, and live ones that have what an object to
//! restore must have alone.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Decision, Planner};
use crate::engine::schema::{self, Rule, Shape};
use crate::model::plan::{Loss, LossKind};
use crate::model::{Address, Kind, Object};

impl Planner<'_> {
    /// Lists the values of an object to create that an object in the recycle bin has, which the plan does not restore: Graph may
    /// refuse the creation, and the other object may be the one that is meant.
    pub(super) fn note_holders(&mut self, kind: &'static Kind, address: &Address, object: &Object) {
        let Shape::Object(rules, _) = &schema::of(kind).root.shape else { return };
        for (name, _) in rules.iter().filter(|(_, rule)| rule.unique) {
            let Some(wanted) = object.get(name) else { continue };
            let others = self.inputs.deleted.iter().filter(|(other, _)| {
                other.kind.name == kind.name && *other != address && !self.returning.contains_key(&other.id)
            });
            for (other, binned) in others {
                let Some(value) = binned.get(name).and_then(|has| shared(wanted, has)) else { continue };
                let what = format!(
                    "\"{}\" ({}) in the recycle bin has the same {name}, {value}; restore or purge it first",
                    binned.name(),
                    other.id
                );
                self.plan.losses.push(Loss::new(address, object.name(), LossKind::Conflict(what)));
            }
        }
    }

    /// Lists the values of the objects to restore that a live object has taken meanwhile: Graph refuses the restore until that one
    /// is renamed or deleted. <https://learn.microsoft.com/graph/api/directory-deleteditems-restore>
    pub(super) fn note_takers(&mut self) {
        let restored = || self.decisions.iter().filter(|(_, (_, decision))| *decision == Decision::Restore);
        if restored().next().is_none() {
            return;
        }
        let mut takers: BTreeMap<(Reach, &str, String), (&Address, &Object)> = BTreeMap::new();
        // What is the same on both sides may not even be parsed; a commit cannot want two objects with one such value.
        let wanted = &self.inputs.wanted.objects;
        let differing = |(address, object): &(&Address, &Object)| wanted.get(*address) != Some(*object);
        for (address, object) in self.inputs.live.objects.iter().filter(differing) {
            for (reach, name, text) in unique_values(address, object) {
                takers.insert((reach, name, text.to_lowercase()), (address, object));
            }
        }
        let mut losses = Vec::new();
        for (address, (object, _)) in restored() {
            for (reach, name, text) in unique_values(address, object) {
                let Some((other, taker)) = takers.get(&(reach, name, text.to_lowercase())) else { continue };
                let what = format!(
                    "{} \"{}\" ({}) has the same {name}, {text}; rename or delete that one first",
                    other.kind.name,
                    taker.name(),
                    other.id
                );
                let part = LossKind::Conflict(what);
                losses.push(Loss::new(address, object.name(), part));
            }
        }
        self.plan.losses.extend(losses);
    }
}

/// Name of the kind within which a value is unique; `None` if it is unique among all kinds.
type Reach = Option<&'static str>;

/// Lists the values that no other live object may have, by property.
fn unique_values<'a>(address: &Address, object: &'a Object) -> Vec<(Reach, &'static str, &'a str)> {
    let kind = address.kind;
    let Shape::Object(rules, _) = &schema::of(kind).root.shape else { return Vec::new() };
    let mut found = Vec::new();
    for (name, rule) in rules.iter().filter(|(_, rule): &(_, &Rule)| rule.unique || rule.unique_live) {
        let reach = if rule.unique_live { None } else { Some(kind.name) };
        let texts = match object.get(name) {
            Some(Value::Array(elements)) => elements.iter().filter_map(Value::as_str).collect(),
            value => value.and_then(Value::as_str).into_iter().collect::<Vec<_>>(),
        };
        found.extend(texts.into_iter().map(|text| (reach, name.as_str(), text)));
    }
    found
}

/// Returns a text that two values, or two lists, have in common.
fn shared<'a>(wanted: &'a Value, has: &Value) -> Option<&'a str> {
    let texts = |value: &'a Value| match value {
        Value::Array(elements) => elements.iter().filter_map(Value::as_str).collect(),
        value => value.as_str().into_iter().collect::<Vec<_>>(),
    };
    let is_in = |text: &str| match has {
        Value::Array(elements) => {
            elements.iter().any(|has| has.as_str().is_some_and(|has| has.eq_ignore_ascii_case(text)))
        }
        has => has.as_str().is_some_and(|has| has.eq_ignore_ascii_case(text)),
    };
    texts(wanted).into_iter().find(|text| is_in(text))
}
