//! Guards against mass deletion. Disabling counts like deleting, and so do deletions by earlier plans of the day.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Rules, refusal};
use crate::model::words::counted;
use crate::model::{Action, FieldChange, Plan, Step, Verdict};

/// Holds the ids of one kind that a plan deletes or disables.
#[derive(Default)]
struct Taken<'a> {
    deleted: BTreeSet<&'a str>,
    disabled: BTreeSet<&'a str>,
}

impl Taken<'_> {
    fn count(&self) -> usize {
        self.deleted.union(&self.disabled).count()
    }

    fn verb(&self) -> &'static str {
        match (self.deleted.is_empty(), self.disabled.is_empty()) {
            (false, true) => "deletes",
            (true, _) => "disables",
            (false, false) => "deletes or disables",
        }
    }
}

/// Refuses a plan that deletes or disables many objects. Each kind is counted by itself: many users do not make it harmless
/// to lose every policy.
pub(super) fn mass_delete(plan: &Plan, rules: &Rules) -> Option<Verdict> {
    let mut taken: BTreeMap<&'static str, Taken<'_>> = BTreeMap::new();
    for step in &plan.steps {
        if step.action == Action::Delete {
            taken.entry(step.address.kind.name).or_default().deleted.insert(&step.address.id);
        } else if disables(step) {
            taken.entry(step.address.kind.name).or_default().disabled.insert(&step.address.id);
        }
    }
    let share = |known: usize| known * rules.max_deletes_percent / 100;
    let recent = |kind: &str| rules.deleted_today.get(kind).copied().unwrap_or_default();
    let mut said = Vec::new();
    for (kind, taken) in &taken {
        let known = rules.known.get(kind).copied().unwrap_or_default();
        let (count, recent, verb) = (taken.count(), recent(kind), taken.verb());
        let limit = rules.max_deletes.max(share(known + recent));
        let earlier = match recent {
            0 => String::new(),
            many => format!(", after {many} that were deleted by plans of the last 24 hours"),
        };
        if count + recent > limit {
            said.push(format!(
                "the plan {verb} {count} of {known} objects of kind {kind}{earlier}; {limit} pass without a question"
            ));
        } else if known + recent >= 3 && (count + recent) * 2 > known + recent {
            said.push(format!(
                "the plan {verb} {count} of {known} objects of kind {kind}, more than half of them{earlier}"
            ));
        }
    }
    let (all, known) = (taken.values().map(Taken::count).sum::<usize>(), rules.known.values().sum());
    let limit = rules.max_deletes.max(share(known));
    if all > limit && said.is_empty() {
        let disabled = taken.values().any(|taken| !taken.disabled.is_empty());
        let verb = if disabled { "deletes or disables" } else { "deletes" };
        said.push(format!("the plan {verb} {}; {limit} pass without a question", counted(all, "object")));
    }
    let mut objects: Vec<String> = taken.keys().map(|kind| (*kind).to_owned()).collect();
    if let Some((emptied, what)) = emptied(&taken, rules).filter(|_| said.is_empty()) {
        said.push(what);
        objects = emptied;
    }
    refusal("mass-delete", said, objects)
}

/// Returns the small kinds (fewer than three objects) of which nothing would be left, if that is at least two objects in
/// all. Such kinds are too small for the rule of more than half.
fn emptied(taken: &BTreeMap<&'static str, Taken<'_>>, rules: &Rules) -> Option<(Vec<String>, String)> {
    let base = rules.base.as_ref()?;
    let in_base = |kind: &str| base.iter().filter(|address| address.kind.name == kind).count();
    let small = taken.iter().filter(|(kind, taken)| {
        let of_base =
            base.iter().filter(|address| address.kind.name == **kind && taken.deleted.contains(address.id.as_str()));
        (1..3).contains(&in_base(kind)) && of_base.count() == in_base(kind)
    });
    let small: Vec<(&&'static str, &Taken<'_>)> = small.collect();
    let count: usize = small.iter().map(|(kind, _)| in_base(kind)).sum();
    let kinds: Vec<String> = small.iter().map(|(kind, _)| (**kind).to_owned()).collect();
    let what = format!("the plan deletes all that there is of {}: {}", kinds.join(", "), counted(count, "object"));
    (count >= 2).then_some((kinds, what))
}

/// Returns true if a step disables an object without deleting it: a policy, an account, an application.
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
            // A policy that includes nobody is disabled.
            // <https://learn.microsoft.com/graph/api/resources/conditionalaccessusers>
            FieldChange::Gained { path, element } => path == "conditions.users.includeUsers" && element == "None",
            FieldChange::Lost { .. } => false,
        }),
        Action::Call { property, value } => *property == "accountEnabled" && *value == Value::Bool(false),
        _ => false,
    }
}
