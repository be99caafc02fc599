//! Selects the part of a second plan that may be carried out without asking again.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde_json::{Map, Value};

use super::Verification;
use crate::engine::diff::top;
use crate::engine::normalize::entry_key;
use crate::engine::planfile::Binding;
use crate::engine::refs::rewrite_value;
use crate::engine::schema;
use crate::model::kind::Link;
use crate::model::{Action, Address, FieldChange, IdMap, Plan, Step, StepId, Verdict};
use crate::ops::apply::execute::Outcome;
use crate::ops::{Context, guards};

/// Holds what the first plan wrote, with today's ids.
#[derive(Default)]
struct Wrote {
    /// Objects that the plan created. Whatever they hold besides came from Graph, not from anybody else.
    made: BTreeSet<Address>,
    properties: BTreeSet<(Address, String)>,
    /// Changes of single values and elements: those that somebody else added meanwhile must not be taken away.
    changes: BTreeMap<Address, Vec<FieldChange>>,
    /// Single members and children, never a link as a whole: others may have been added meanwhile.
    links: BTreeSet<(Address, &'static str, Vec<String>)>,
    /// Links that a rule computed until this run: Graph keeps what the rule found, and the plan could not name it.
    computed: BTreeSet<(Address, &'static str)>,
}

/// Returns the steps of `again` that put right what the run itself wrote and Graph changed: for objects that the run created,
/// anything but their deletion; for others, only the properties and the single links that the approved plan wrote, and what a
/// rule that the plan ended had put into a link.
pub(super) fn correction(again: &Plan, first: &Plan, outcome: &Outcome, verification: &Verification) -> Plan {
    let wrote = Wrote::of(first, &outcome.learned);
    let mut number: BTreeMap<StepId, StepId> = BTreeMap::new();
    let mut correction = Plan { seen: again.seen.clone(), ..Plan::default() };
    for wave in &again.waves {
        let mut kept = Vec::new();
        for id in wave {
            // An object that merely reads as before the write needs no correction.
            let pending = |step: &&Step| verification.pending.iter().any(|object| object.address == step.address);
            let step = again.steps.get(*id).filter(|step| !pending(step));
            let Some(mut step) = step.and_then(|step| wrote.allows(step)) else { continue };
            step.needs = step.needs.iter().filter_map(|need| number.get(need).copied()).collect();
            number.insert(*id, correction.steps.len());
            kept.push(correction.steps.len());
            correction.steps.push(step);
        }
        if !kept.is_empty() {
            correction.waves.push(kept);
        }
    }
    correction
}

/// Returns the guards' verdicts on a correction. The `mass-change` guard counts only objects that were there before the run: what
/// Graph adds to each of a thousand objects that were just created is no mass change.
///
/// # Errors
/// If the repository cannot be read.
pub(super) fn verdicts(
    context: &Context,
    correction: &Plan,
    first: &Plan,
    binding: &Binding,
    ids: &IdMap,
) -> Result<Vec<Verdict>> {
    let amount = |verdict: &Verdict| verdict.guard == "mass-change";
    let all = guards::verdicts_of_file(context, correction, binding, &BTreeSet::new())?;
    if !all.iter().any(amount) {
        return Ok(all);
    }
    let made = Wrote::of(first, ids).made;
    let steps = correction.steps.iter().filter(|step| !made.contains(&step.address)).cloned().collect();
    let others = Plan { steps, ..Plan::default() };
    let of_others = guards::verdicts_of_file(context, &others, binding, &BTreeSet::new())?;
    Ok(all.into_iter().filter(|verdict| !amount(verdict)).chain(of_others.into_iter().filter(amount)).collect())
}

/// Returns a change with today's ids in it.
fn today(change: &FieldChange, ids: &IdMap) -> FieldChange {
    fn current(value: &Value, ids: &IdMap) -> Value {
        match value {
            Value::String(text) => ids.current(text).into(),
            Value::Array(all) => all.iter().map(|value| current(value, ids)).collect(),
            Value::Object(map) => {
                Value::Object(map.iter().map(|(name, value)| (name.clone(), current(value, ids))).collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }
    match change {
        FieldChange::Value { path, before, after } => FieldChange::Value {
            path: path.clone(),
            before: before.clone(),
            after: after.as_ref().map(|after| current(after, ids)),
        },
        FieldChange::Gained { path, element } => {
            FieldChange::Gained { path: path.clone(), element: current(element, ids) }
        }
        FieldChange::Lost { path, element } => FieldChange::Lost { path: path.clone(), element: element.clone() },
    }
}

/// Returns true if these changes end the condition under which an object has no such link of its own: a group that a rule filled
/// is assigned again.
fn ends_rule(link: &Link, changes: &[FieldChange]) -> bool {
    let Some(absent) = link.absent else { return false };
    let (mut before, mut after) = (Map::new(), Map::new());
    for change in changes {
        match change {
            FieldChange::Value { path, before: old, after: new } => {
                before.extend(old.clone().map(|old| (path.clone(), old)));
                after.extend(new.clone().map(|new| (path.clone(), new)));
            }
            FieldChange::Gained { path, element } => add_element(&mut after, path, element),
            FieldChange::Lost { path, element } => add_element(&mut before, path, element),
        }
    }
    absent.holds(&before) && !absent.holds(&after)
}

fn add_element(properties: &mut Map<String, Value>, path: &str, element: &Value) {
    if let Value::Array(list) = properties.entry(path).or_insert_with(|| Value::Array(Vec::new())) {
        list.push(element.clone());
    }
}

impl Wrote {
    fn of(plan: &Plan, ids: &IdMap) -> Wrote {
        let mut wrote = Wrote::default();
        for step in &plan.steps {
            let kind = step.address.kind;
            let address = Address::new(kind, ids.current(&step.address.id));
            match &step.action {
                Action::Create { .. } | Action::Restore => drop(wrote.made.insert(address)),
                Action::Update { body, changes } => {
                    let ended = kind.links.iter().filter(|link| ends_rule(link, changes));
                    wrote.computed.extend(ended.map(|link| (address.clone(), link.name)));
                    wrote
                        .changes
                        .entry(address.clone())
                        .or_default()
                        .extend(changes.iter().map(|change| today(change, ids)));
                    wrote.properties.extend(body.keys().map(|name| (address.clone(), name.clone())));
                }
                Action::Call { property, .. } => {
                    wrote.properties.insert((address, (*property).to_owned()));
                }
                Action::Unlink { link, value } => {
                    wrote.links.insert((address, link, entry_key(kind, link, value)));
                }
                Action::Link { link, value } | Action::Relink { link, value } => {
                    let rule = schema::of(kind).property(link).cloned().unwrap_or_default();
                    wrote.links.insert((address, link, entry_key(kind, link, &rewrite_value(&rule, value, ids))));
                }
                Action::Delete => {}
            }
        }
        wrote
    }

    /// Returns true if the approved plan wrote this very value, or added or removed this very element. For a property without
    /// changes of its own, which only followed a new id, every change is meant.
    fn meant(&self, address: &Address, change: &FieldChange) -> bool {
        let name = top(change.path());
        let mut own = self.changes.get(address).into_iter().flatten().filter(|own| top(own.path()) == name).peekable();
        own.peek().is_none()
            || own.any(|own| match (own, change) {
                (FieldChange::Value { path: a, after: x, .. }, FieldChange::Value { path: b, after: y, .. }) => {
                    a == b && x == y
                }
                (FieldChange::Gained { path: a, element: x }, FieldChange::Gained { path: b, element: y })
                | (FieldChange::Lost { path: a, element: x }, FieldChange::Lost { path: b, element: y }) => {
                    a == b && x == y
                }
                _ => false,
            })
    }

    /// Returns the step, reduced to the part that may be carried out, or none.
    fn allows(&self, step: &Step) -> Option<Step> {
        let kind = step.address.kind;
        // An object that Graph makes together with a created one counts as created too: a new role has settings.
        let of_made = |id: &String| self.made.iter().any(|made| made.id == *id);
        let made = self.made.contains(&step.address) || step.about.iter().any(of_made);
        let wrote = |property: &str| made || self.properties.contains(&(step.address.clone(), property.to_owned()));
        let mut step = step.clone();
        let allowed = match &mut step.action {
            Action::Create { .. } | Action::Restore | Action::Delete => false,
            Action::Update { body, changes } => {
                let others: BTreeSet<String> = changes
                    .iter()
                    .filter(|change| !made && !self.meant(&step.address, change))
                    .map(|change| top(change.path()).to_owned())
                    .collect();
                let wrote = |name: &str| wrote(name) && !others.contains(name);
                body.retain(|name, _| wrote(name) || name.starts_with('@'));
                changes.retain(|change| wrote(top(change.path())));
                body.keys().any(|name| !name.starts_with('@'))
            }
            Action::Call { property, .. } => wrote(property),
            Action::Unlink { link, .. } if self.computed.contains(&(step.address.clone(), *link)) => true,
            Action::Link { link, value } | Action::Relink { link, value } | Action::Unlink { link, value } => {
                made || self.links.contains(&(step.address.clone(), *link, entry_key(kind, link, value)))
            }
        };
        allowed.then_some(step)
    }
}
