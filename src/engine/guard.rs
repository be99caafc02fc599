//! Guards: named rules over a plan. A refusal stands until a person lifts it by name.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::model::{Action, FieldChange, Plan, Verdict};

/// What the guards go by.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rules {
    /// Object ids of the accounts that must always get in.
    pub break_glass: BTreeSet<String>,
    /// Deletions that pass without a question.
    pub max_deletes: usize,
    /// Deletions that pass, in per cent of the objects known; the larger of the two limits counts.
    pub max_deletes_percent: usize,
    /// How many objects are known.
    pub known: usize,
}

/// Every guard's verdict that has something to say.
pub fn verdicts(plan: &Plan, rules: &Rules) -> Vec<Verdict> {
    [mass_delete(plan, rules), break_glass(plan, rules), redacted(plan)].into_iter().flatten().collect()
}

fn mass_delete(plan: &Plan, rules: &Rules) -> Option<Verdict> {
    let deletes = plan.steps.iter().filter(|step| step.action == Action::Delete).count();
    let limit = rules.max_deletes.max(rules.known * rules.max_deletes_percent / 100);
    (deletes > limit).then(|| Verdict {
        guard: "mass-delete",
        refused: true,
        message: format!("the plan deletes {deletes} objects; {limit} pass without a question"),
    })
}

fn break_glass(plan: &Plan, rules: &Rules) -> Option<Verdict> {
    let is_one = |value: &Value| value.as_str().is_some_and(|id| rules.break_glass.contains(id));
    let steps: Vec<String> = plan
        .steps
        .iter()
        .filter(|step| {
            let own = rules.break_glass.contains(&step.address.id);
            match &step.action {
                // What is about the account goes with it: a role that it holds.
                Action::Delete => own || step.about.iter().any(|id| rules.break_glass.contains(id)),
                Action::Unlink { value, .. } => is_one(value),
                Action::Update { body, changes } => {
                    (own && body.get("accountEnabled") == Some(&Value::Bool(false)))
                        || changes.iter().any(|change| match change {
                            FieldChange::Lost { path, element } => path.contains("exclude") && is_one(element),
                            FieldChange::Value { .. } | FieldChange::Gained { .. } => false,
                        })
                }
                Action::Create { .. }
                | Action::Restore
                | Action::Call { .. }
                | Action::Link { .. }
                | Action::Relink { .. } => false,
            }
        })
        .map(|step| format!("{} {} \"{}\"", step.action.word(), step.called, step.name))
        .collect();
    (!steps.is_empty()).then(|| Verdict {
        guard: "break-glass",
        refused: true,
        message: format!("the plan takes something from a break-glass account: {}", steps.join("; ")),
    })
}

fn redacted(plan: &Plan) -> Option<Verdict> {
    fn masked(value: &Value) -> bool {
        match value {
            Value::String(text) => text.len() >= 4 && text.bytes().all(|byte| byte == b'*'),
            Value::Array(elements) => elements.iter().any(masked),
            Value::Object(map) => map.iter().any(|(name, value)| name != "displayName" && masked(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
    let found = plan.steps.iter().find(|step| match &step.action {
        Action::Create { body } | Action::Update { body, .. } => {
            body.iter().any(|(name, value)| name != "displayName" && name != "description" && masked(value))
        }
        Action::Call { value, .. } | Action::Link { value, .. } | Action::Relink { value, .. } => masked(value),
        Action::Unlink { .. } | Action::Restore | Action::Delete => false,
    });
    found.map(|step| Verdict {
        guard: "redacted",
        refused: true,
        message: format!("{} \"{}\" would be given asterisks for a secret", step.called, step.name),
    })
}
