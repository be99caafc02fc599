//! Guards against mass deletion. Disabled objects count like deleted ones, and so do deletions by plans of the last 24 hours.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Rules, refusal};
use crate::model::words::counted;
use crate::model::{Action, FieldChange, Plan, Step, Verdict};

/// Holds the ids of the objects of one kind that a plan deletes or disables.
#[derive(Default)]
struct Removals<'a> {
    deleted: BTreeSet<&'a str>,
    disabled: BTreeSet<&'a str>,
}

impl Removals<'_> {
    /// Returns the number of objects; one that is both deleted and disabled counts once.
    fn count(&self) -> usize {
        self.deleted.union(&self.disabled).count()
    }

    /// Returns the verb for messages.
    fn verb(&self) -> &'static str {
        match (self.deleted.is_empty(), self.disabled.is_empty()) {
            (false, true) => "deletes",
            (true, _) => "disables",
            (false, false) => "deletes or disables",
        }
    }
}

/// Refuses a plan that deletes or disables many objects: of one kind, more than the limit or more than half; in all, more than
/// the limit; or every object of small kinds. Each kind has its own limit, as all policies of a tenant are few compared with its
/// users.
pub(super) fn mass_delete(plan: &Plan, rules: &Rules) -> Option<Verdict> {
    let mut removals: BTreeMap<&'static str, Removals<'_>> = BTreeMap::new();
    for step in &plan.steps {
        if step.action == Action::Delete {
            removals.entry(step.address.kind.name).or_default().deleted.insert(&step.address.id);
        } else if disables(step) {
            removals.entry(step.address.kind.name).or_default().disabled.insert(&step.address.id);
        }
    }
    let percentage = |known: usize| known * rules.max_deletes_percent / 100;
    let recent = |kind: &str| rules.deleted_today.get(kind).copied().unwrap_or_default();
    let mut reasons = Vec::new();
    for (kind, removals) in &removals {
        let known = rules.known.get(kind).copied().unwrap_or_default();
        let (count, recent, verb) = (removals.count(), recent(kind), removals.verb());
        let limit = rules.max_deletes.max(percentage(known + recent));
        let earlier = match recent {
            0 => String::new(),
            many => format!(", after {many} that were deleted by plans of the last 24 hours"),
        };
        if count + recent > limit {
            reasons.push(format!(
                "the plan {verb} {count} of {known} objects of kind {kind}{earlier}; {limit} pass without a question"
            ));
        } else if known + recent >= 3 && (count + recent) * 2 > known + recent {
            reasons.push(format!(
                "the plan {verb} {count} of {known} objects of kind {kind}, more than half of them{earlier}"
            ));
        }
    }
    let (all, known) = (removals.values().map(Removals::count).sum::<usize>(), rules.known.values().sum());
    let limit = rules.max_deletes.max(percentage(known));
    if all > limit && reasons.is_empty() {
        let disabled = removals.values().any(|removals| !removals.disabled.is_empty());
        let verb = if disabled { "deletes or disables" } else { "deletes" };
        reasons.push(format!("the plan {verb} {}; {limit} pass without a question", counted(all, "object")));
    }
    let mut objects: Vec<String> = removals.keys().map(|kind| (*kind).to_owned()).collect();
    if let Some((emptied, what)) = emptied_small_kinds(&removals, rules).filter(|_| reasons.is_empty()) {
        reasons.push(what);
        objects = emptied;
    }
    refusal("mass-delete", reasons, objects)
}

/// Returns the small kinds (one or two objects) whose objects are all deleted, and a sentence on them; `None` if that is fewer
/// than two objects in all. The rule of more than half does not apply to kinds this small.
fn emptied_small_kinds(
    removals: &BTreeMap<&'static str, Removals<'_>>,
    rules: &Rules,
) -> Option<(Vec<String>, String)> {
    let base = rules.base.as_ref()?;
    let in_base = |kind: &str| base.iter().filter(|address| address.kind.name == kind).count();
    let small = removals.iter().filter(|(kind, removals)| {
        let of_base =
            base.iter().filter(|address| address.kind.name == **kind && removals.deleted.contains(address.id.as_str()));
        (1..3).contains(&in_base(kind)) && of_base.count() == in_base(kind)
    });
    let small: Vec<(&&'static str, &Removals<'_>)> = small.collect();
    let count: usize = small.iter().map(|(kind, _)| in_base(kind)).sum();
    let kinds: Vec<String> = small.iter().map(|(kind, _)| (**kind).to_owned()).collect();
    let what = format!("the plan deletes all that there is of {}: {}", kinds.join(", "), counted(count, "object"));
    (count >= 2).then_some((kinds, what))
}

/// Returns true if a step disables an object: an account, an application, or a policy.
fn disables(step: &Step) -> bool {
    let off = |value: Option<&Value>| value == Some(&Value::Bool(false));
    match &step.action {
        Action::Update { changes, .. } => changes.iter().any(|change| match change {
            FieldChange::Value { path, before, after } => match path.as_str() {
                "accountEnabled" => off(after.as_ref()) && !off(before.as_ref()),
                "state" => {
                    before.as_ref().and_then(Value::as_str) == Some("enabled")
                        && after.as_ref().and_then(Value::as_str) != Some("enabled")
                }
                _ => false,
            },
            // A policy whose users are `None` applies to nobody, which is as good as disabled.
            // <https://learn.microsoft.com/graph/api/resources/conditionalaccessusers>
            FieldChange::Gained { path, element } => path == "conditions.users.includeUsers" && element == "None",
            FieldChange::Lost { .. } => false,
        }),
        Action::Call { property, value } => *property == "accountEnabled" && *value == Value::Bool(false),
        _ => false,
    }
}
