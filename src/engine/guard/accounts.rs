//! Guards the emergency accounts and the account that carries out the plan against losing something.

use std::cell::LazyCell;

use serde_json::Value;

use super::{Rules, named, objects_of, one_list, refusal};
use crate::engine::access::Tenant;
use crate::engine::access::policy::evaluate;
use crate::engine::access::subject::Subject;
use crate::engine::diff::top;
use crate::model::{Action, FieldChange, Plan, Step, Verdict};

/// Refuses steps that take something from an emergency account.
pub(super) fn break_glass(plan: &Plan, rules: &Rules) -> Option<Verdict> {
    let after = LazyCell::new(|| rules.access.after(plan));
    let steps: Vec<&Step> = plan.steps.iter().filter(|step| takes_from_break_glass(step, rules, &after)).collect();
    let mut objects = objects_of(&steps);
    let mut said: Vec<String> =
        one_list("the plan takes something from a break-glass account", &steps).into_iter().collect();
    if !plan.steps.is_empty() {
        objects.extend(rules.unresolved.iter().map(|account| format!("user/{account}")));
        said.extend(rules.unresolved.iter().map(|account| {
            format!(
                "breakGlass names {account}, and no user that is known here is that; correct it, or give the account's object id"
            )
        }));
    }
    refusal("break-glass", said, objects)
}

fn takes_from_break_glass(step: &Step, rules: &Rules, after: &impl std::ops::Deref<Target = Tenant>) -> bool {
    let account = |id: &str| rules.break_glass.contains(&id.to_ascii_lowercase());
    let held = |id: &str| account(id) || rules.shelters.contains(&id.to_ascii_lowercase());
    let is_held = |value: &Value| value.as_str().is_some_and(held);
    match &step.action {
        // Deleting an object that refers to the account, as a role assignment does, takes something from it.
        Action::Delete => held(&step.address.id) || step.about.iter().any(|id| held(id)),
        Action::Unlink { link, value } => {
            // A group that is removed from a group takes its members along.
            value.as_str().is_some_and(account) || (*link == "members" && is_held(value))
        }
        Action::Update { body, changes } => {
            (account(&step.address.id) && body.get("accountEnabled") == Some(&Value::Bool(false)))
                || (changes.iter().any(|change| ends_exclusion(change, &held)) && !still_left_out(step, rules, after))
        }
        Action::Create { .. } | Action::Restore | Action::Call { .. } | Action::Link { .. } | Action::Relink { .. } => {
            false
        }
    }
}

fn ends_exclusion(change: &FieldChange, held: &impl Fn(&str) -> bool) -> bool {
    match change {
        FieldChange::Lost { path, element } => path.contains("exclude") && element.as_str().is_some_and(held),
        FieldChange::Value { path, before, after } => {
            let (before, after) = (named(before.as_ref()), named(after.as_ref()));
            path.contains("exclude") && before.iter().any(|id| held(id) && !after.contains(id))
        }
        FieldChange::Gained { .. } => false,
    }
}

/// Returns true if a policy excludes every emergency account when the plan is done, in whatever way: a group replaced by its
/// members takes nothing from them.
fn still_left_out(step: &Step, rules: &Rules, after: &impl std::ops::Deref<Target = Tenant>) -> bool {
    let policy = step.address.id.to_lowercase();
    step.address.kind.name == "conditionalAccessPolicy"
        && !rules.break_glass.is_empty()
        && rules.break_glass.iter().all(|account| evaluate(after, &policy, &Subject::User(account.clone())).exempt)
}

/// Properties that are texts for people: the signed-in account can do the same without them. Properties that membership
/// rules of groups usually test, as a department or a location, are not among them.
const HARMLESS: &[&str] =
    &["description", "displayName", "info", "notes", "notificationEmailAddresses", "serviceManagementReference"];

/// Refuses steps that could keep the signed-in account from finishing the plan, or from undoing it.
pub(super) fn self_lockout(plan: &Plan, rules: &Rules) -> Option<Verdict> {
    let is_own = |id: &str| rules.own.contains(&id.to_ascii_lowercase());
    let own = plan.steps.iter().filter(|step| match &step.action {
        Action::Delete => is_own(&step.address.id) || step.about.iter().any(|id| is_own(id)),
        Action::Update { body, changes } => {
            let written = body.keys().map(String::as_str).chain(changes.iter().map(|change| top(change.path())));
            let mut written = written.filter(|name| !name.starts_with('@'));
            is_own(&step.address.id) && !written.all(|name| HARMLESS.contains(&name))
        }
        Action::Unlink { value, .. } => is_own(&step.address.id) || named(Some(value)).iter().any(|id| is_own(id)),
        Action::Create { .. } | Action::Restore | Action::Call { .. } | Action::Link { .. } | Action::Relink { .. } => {
            false
        }
    });
    let steps: Vec<&Step> = own.collect();
    let said = one_list("the plan changes whoever is signed in to carry it out", &steps).into_iter().collect();
    refusal("self", said, objects_of(&steps))
}
