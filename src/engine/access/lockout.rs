//! The guard against lock-outs: every state that a plan passes through, compared with the one before it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::policy::{Grip, Subject, grip};
use super::{GLOBAL_ADMINISTRATOR, KINDS, Tenant};
use crate::model::Plan;

/// One thing that would happen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LockOut {
    /// Whom it is about: `user/<id>`, `servicePrincipal/<id>`, or `tenant`.
    pub object: String,
    /// What happens and when, in one sentence.
    pub message: String,
    /// Whether the account itself is deleted or disabled, so that every guard sees it.
    pub direct: bool,
}

/// Whom it is about, what happens, and whether the account itself is gone.
type Said = (String, String, bool);

/// Whose access must not get worse.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Accounts {
    /// Object ids of the break-glass accounts.
    pub break_glass: BTreeSet<String>,
    /// Ids of whoever is signed in: object ids and application ids.
    pub own: BTreeSet<String>,
}

/// How an account stands.
#[derive(Debug, Clone, Default, PartialEq)]
struct Standing {
    there: bool,
    enabled: bool,
    roles: BTreeSet<String>,
    grants: BTreeSet<(String, String, String)>,
    credentials: BTreeSet<String>,
    grips: BTreeMap<String, Grip>,
}

/// Everything that the plan makes worse, once each, with the first wave after which it is so.
///
/// Only what gets worse is said: who was kept out before is not kept out by the plan.
pub fn lock_outs(before: &Tenant, plan: &Plan, accounts: &Accounts) -> Vec<LockOut> {
    let touches = |kind: &str| KINDS.contains(&kind);
    if before.is_empty() || !plan.steps.iter().any(|step| touches(step.address.kind)) {
        return Vec::new();
    }
    let subjects = subjects(before, accounts);
    let first: Vec<(&Subject, bool, Standing)> =
        subjects.iter().map(|(subject, emergency)| (subject, *emergency, standing(before, subject))).collect();
    let had_administrator = before.someone_administers();
    let mut now = before.clone();
    // What is wrong, and the first and the last wave after which it is.
    let mut found: BTreeMap<Said, (usize, usize)> = BTreeMap::new();
    for (wave, steps) in plan.waves.iter().enumerate() {
        let mut changed = false;
        for step in steps.iter().filter_map(|id| plan.steps.get(*id)).filter(|step| touches(step.address.kind)) {
            now.carry_out(step);
            changed = true;
        }
        let said = match changed {
            true => {
                let mut said = Vec::new();
                for (subject, emergency, old) in &first {
                    said.extend(compare(before, &now, subject, *emergency, old, &standing(&now, subject)));
                }
                if had_administrator && !now.someone_administers() {
                    let what = "no Global Administrator is left that is enabled and that no policy keeps out";
                    said.push(("tenant".to_owned(), what.to_owned(), false));
                }
                said
            }
            // Nothing that matters: as after the wave before.
            false => found.iter().filter(|(_, (_, last))| *last + 1 == wave).map(|(key, _)| key.clone()).collect(),
        };
        for key in said {
            found.entry(key).and_modify(|(_, last)| *last = wave).or_insert((wave, wave));
        }
    }
    let end = plan.waves.len().saturating_sub(1);
    let when = |first: usize, last: usize| match last == end {
        true => format!("after wave {}", first + 1),
        false => format!("after wave {}, until wave {} has ended", first + 1, last + 2),
    };
    found
        .into_iter()
        .map(|((object, what, direct), (first, last))| {
            let message = format!("{}: {what}", when(first, last));
            LockOut { object, message, direct }
        })
        .collect()
}

/// Whom to look at, and whether each is an emergency account.
fn subjects(tenant: &Tenant, accounts: &Accounts) -> Vec<(Subject, bool)> {
    let mut found: Vec<(Subject, bool)> =
        accounts.break_glass.iter().map(|id| (Subject::User(id.clone()), true)).collect();
    for id in accounts.own.difference(&accounts.break_glass) {
        if tenant.principals.contains_key(id) {
            found.push((Subject::Principal(id.clone()), false));
        } else if tenant.users.contains_key(id) {
            found.push((Subject::User(id.clone()), false));
        }
    }
    found
}

fn standing(tenant: &Tenant, subject: &Subject) -> Standing {
    let id = subject.id();
    let own = match subject {
        Subject::User(_) => tenant.users.get(id),
        Subject::Principal(_) => tenant.principals.get(id),
    };
    let app = own.and_then(|own| own.get("appId")).and_then(Value::as_str).unwrap_or_default().to_lowercase();
    let trusted = tenant.applications.values().filter(|(of, _)| matches!(subject, Subject::Principal(_)) && *of == app);
    Standing {
        there: own.is_some(),
        enabled: own.and_then(|own| own.get("accountEnabled")) != Some(&Value::Bool(false)),
        roles: tenant.roles(id).into_iter().map(str::to_owned).collect(),
        grants: tenant.grants.iter().filter(|(who, ..)| who == id).cloned().collect(),
        credentials: trusted.flat_map(|(_, names)| names.iter().cloned()).collect(),
        grips: tenant.policies.keys().map(|policy| (policy.clone(), grip(tenant, policy, subject))).collect(),
    }
}

/// What is worse than before.
fn compare(
    before: &Tenant,
    now: &Tenant,
    subject: &Subject,
    emergency: bool,
    old: &Standing,
    new: &Standing,
) -> Vec<Said> {
    let id = subject.id();
    let name = before.name(id);
    let (kind, who) = match subject {
        Subject::User(_) if emergency => ("user", format!("the break-glass account \"{name}\"")),
        Subject::User(_) => ("user", format!("whoever is signed in, \"{name}\",")),
        Subject::Principal(_) => ("servicePrincipal", format!("whoever is signed in, \"{name}\",")),
    };
    let object = format!("{kind}/{id}");
    let mut said = Vec::new();
    if old.there && !new.there {
        return vec![(object, format!("{who} is deleted"), true)];
    }
    if old.enabled && !new.enabled {
        said.push((object.clone(), format!("{who} is disabled"), true));
    }
    let mut say = |what: String| said.push((object.clone(), what, false));
    match emergency {
        true if old.roles.contains(GLOBAL_ADMINISTRATOR) && !new.roles.contains(GLOBAL_ADMINISTRATOR) => {
            say(format!("{who} is no Global Administrator any more"));
        }
        false => {
            for role in old.roles.difference(&new.roles) {
                say(format!("{who} loses the role {role}"));
            }
            for (_, resource, role) in old.grants.difference(&new.grants) {
                say(format!("{who} loses the permission {role} for {}", before.name(resource)));
            }
            if !old.credentials.is_empty() && new.credentials.is_empty() {
                say(format!("{who} loses the last federated credential that is known"));
            }
        }
        true => {}
    }
    let none = Grip::default();
    for (policy, grip) in &new.grips {
        let was = old.grips.get(policy).unwrap_or(&none);
        let policy = now.name(policy);
        if let Some(block) = grip.block.as_ref().filter(|block| block.is_worse_than(was.block.as_ref())) {
            let from: Vec<&str> = block.from.iter().copied().collect();
            let ways: Vec<&str> = block.ways.iter().take(3).map(String::as_str).collect();
            let but = match ways.as_slice() {
                [] => String::new(),
                ways => format!(", except {}", ways.join(", or ")),
            };
            let demand = &block.demand;
            say(format!("the policy \"{policy}\" {demand} {} for {}{but}", who.trim_end_matches(','), from.join(", ")));
        } else if was.exempt && !grip.exempt && grip.applies {
            say(format!("the policy \"{policy}\" no longer leaves out {}", who.trim_end_matches(',')));
        }
    }
    said
}

impl Tenant {
    /// Whether anybody at all is Global Administrator, enabled, and kept out by no policy whatever they do. What they have
    /// to fulfil for it, others than emergency accounts are taken to be able to.
    fn someone_administers(&self) -> bool {
        self.global_administrators().into_iter().any(|id| {
            let enabled = self.users.get(id).is_none_or(|user| user.get("accountEnabled") != Some(&Value::Bool(false)));
            // Service principals have no hands to put things right with.
            let person = !self.principals.contains_key(id);
            let subject = Subject::User(id.to_owned());
            let blocked = |policy: &String| grip(self, policy, &subject).block.is_some_and(|block| block.outright);
            enabled && person && !self.policies.keys().any(blocked)
        })
    }
}
