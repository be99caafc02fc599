//! Warns of steps on objects that ask for more than the permission for their kind: Graph refuses them to a sign-in that lacks the
//! directory role or the permission which is named here.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Rules, objects_of};
use crate::engine::access::Tenant;
use crate::kinds::power::{ACCOUNT_ADMINISTRATORS, LESSER_ROLES, SENSITIVE, USER_ADMINISTRATOR};
use crate::model::{Action, Plan, Step, Verdict};

/// Name of the guard.
const NAME: &str = "unwritable";

/// Number of objects that a message names.
const NAMED: usize = 5;

/// Warns of the steps that need more than a permission, in one verdict for each thing that is needed.
pub(super) fn verdicts(plan: &Plan, rules: &Rules) -> Vec<Verdict> {
    let mut found: BTreeMap<String, (Vec<&Step>, Vec<String>)> = BTreeMap::new();
    for step in &plan.steps {
        for (need, why) in needs(step, &rules.access) {
            let (steps, said) = found.entry(need).or_default();
            steps.push(step);
            let one = format!("{} \"{}\"{why}", step.called, step.name);
            if !said.contains(&one) {
                said.push(one);
            }
        }
    }
    let verdict = |(need, (steps, mut said)): (String, (Vec<&Step>, Vec<String>))| {
        let more = said.len().saturating_sub(NAMED);
        said.truncate(NAMED);
        if more > 0 {
            said.push(format!("{more} more"));
        }
        let message = format!("{need}: {}", said.join(", "));
        Verdict { guard: NAME, refused: false, message, objects: objects_of(&steps) }
    };
    found.into_iter().map(verdict).collect()
}

/// Returns what the guards said that a step needs beside the permission for its kind, to explain a refusal.
pub fn needed(verdicts: &[Verdict], step: &Step) -> Option<String> {
    let object = format!("{}/{}", step.address.kind.name, step.address.id);
    let about = verdicts.iter().filter(|verdict| verdict.guard == NAME && verdict.objects.contains(&object));
    let said: Vec<&str> = about.map(|verdict| verdict.message.as_str()).collect();
    (!said.is_empty()).then(|| said.join("; "))
}

/// Returns what a step needs, and why, as the end of a clause about its object.
fn needs(step: &Step, access: &Tenant) -> Vec<(String, String)> {
    let mut found = Vec::new();
    match step.address.kind.name {
        "user" if is_sensitive(&step.action) => found.extend(need_of_account(access, &step.address.id)),
        "group" if is_assignable(step, access) => found.push((
            "groups that can hold directory roles are written only with the permission RoleManagement.ReadWrite.Directory"
                .to_owned(),
            String::new(),
        )),
        _ => {}
    }
    let changes = !matches!(step.action, Action::Create { .. } | Action::Restore);
    if changes && matches!(step.address.kind.name, "user" | "group" | "device") {
        let units = access.restricted_units(&step.address.id);
        found.extend(units.map(|unit| {
            let need = "members of a restricted management administrative unit are written only with a directory role whose \
                        scope is that unit, and with no permission alone";
            (need.to_owned(), format!(" in \"{unit}\""))
        }));
    }
    found
}

/// Returns true for what Microsoft calls a sensitive action on an account.
pub fn is_sensitive(action: &Action) -> bool {
    match action {
        Action::Delete | Action::Restore => true,
        Action::Update { body, .. } => body.keys().any(|name| SENSITIVE.contains(&name.as_str())),
        _ => false,
    }
}

/// Returns the role that a sensitive action needs, if the account is an administrator's, and the role that makes it one.
fn need_of_account(access: &Tenant, account: &str) -> Option<(String, String)> {
    let held = access.roles_held(account);
    let is_lesser = |role: &&str| LESSER_ROLES.iter().any(|(id, _)| id.eq_ignore_ascii_case(role));
    let first = held.iter().find(|role| !is_lesser(role));
    let (who, why) = match (first.or(held.first()), access.assignable_group_of(account)) {
        (Some(role), group) if first.is_some() || group.is_none() => {
            let name = access.role_name(role);
            let who = match first {
                Some(_) => ACCOUNT_ADMINISTRATORS.to_owned(),
                None => format!("{USER_ADMINISTRATOR}, {ACCOUNT_ADMINISTRATORS}"),
            };
            (who, format!(" ({name})"))
        }
        (_, Some(group)) => (ACCOUNT_ADMINISTRATORS.to_owned(), format!(" (in \"{group}\", which can hold roles)")),
        (_, None) => return None,
    };
    Some((
        format!(
            "sensitive actions on an administrator's account (delete, restore, enable, name, telephone) need the directory role {who}"
        ),
        why,
    ))
}

/// Returns true if the group of a step can hold directory roles.
fn is_assignable(step: &Step, access: &Tenant) -> bool {
    match &step.action {
        Action::Create { body } => body.get("isAssignableToRole") == Some(&Value::Bool(true)),
        _ => access.is_assignable(&step.address),
    }
}
