//! Defines the guards: named rules over a plan. A refusal stands until a person accepts it by name.

pub mod accept;
mod accounts;
mod amount;
pub mod escalation;
mod loosened;
pub mod protected;
mod taken;
pub mod weakens;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::engine::access::Tenant;
use crate::engine::access::lockout::{Accounts, lock_outs};
use crate::engine::refs::mentions;
use crate::engine::secrets::{has_masked_secret, is_masked};
use crate::model::{Action, Address, Plan, Step, StepId, Verdict};

/// Lists the names of all guards.
pub const NAMES: &[&str] = &[
    "mass-delete",
    "mass-change",
    "break-glass",
    "self",
    "lock-out",
    "escalation",
    "weakens",
    "incomplete",
    "unwritable",
    "unmanaged",
    "redacted",
    "settings",
];

/// Holds the limits and facts that the guards judge by. Ids are in lower case.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rules {
    /// Object ids of the emergency accounts.
    pub break_glass: BTreeSet<String>,
    /// Object ids of the groups that contain an emergency account, at whatever depth.
    pub shelters: BTreeSet<String>,
    /// Emergency accounts in the settings that match no known user: nothing can be said to be safe for them.
    pub unresolved: Vec<String>,
    /// Ids of the account that is signed in: object ids and application ids.
    pub own: BTreeSet<String>,
    /// Number of deletions that pass without a question.
    pub max_deletes: usize,
    /// Number of deletions that pass, in per cent of the objects known; the larger of the two limits counts.
    pub max_deletes_percent: usize,
    /// Number of deletions that plans of the last 24 hours carried out, per kind, and that nobody was asked about.
    pub deleted_today: BTreeMap<&'static str, usize>,
    /// Number of known objects, per kind.
    pub known: BTreeMap<&'static str, usize>,
    /// Limits for changes in place that pass without a question.
    pub changes: Limits,
    /// State of the tenant before the plan, as far as it decides who can sign in.
    pub access: Tenant,
    /// Steps that grant somebody power that a snapshot already had.
    pub held: BTreeSet<StepId>,
    /// Steps that weaken a defence only as far as a snapshot already had it.
    pub weak_before: BTreeSet<StepId>,
    /// Objects whose defences plans of the last 24 hours weakened, and that nobody was asked about.
    pub weakened_today: BTreeSet<Address>,
    /// Settings that come with the plan and are weaker than these rules, as clauses.
    pub weaker_settings: Vec<String>,
    /// Addresses of the last snapshot; `None` if there is none.
    pub base: Option<BTreeSet<Address>>,
}

/// Holds the numbers of changes that pass without a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Number of changed objects of one kind.
    pub changes: usize,
    /// Limit in per cent of the known objects of the kind, for changes and for removed links; the larger limit counts.
    pub percent: usize,
    /// Number of removed entries of one link.
    pub unlinks: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { changes: 100, percent: 20, unlinks: 100 }
    }
}

/// Returns the verdicts of all guards that found something.
pub fn verdicts(plan: &Plan, rules: &Rules) -> Vec<Verdict> {
    let before = [
        taken::mass_delete(plan, rules),
        amount::mass_change(plan, rules),
        accounts::break_glass(plan, rules),
        accounts::self_lockout(plan, rules),
    ];
    let mut verdicts: Vec<Verdict> = before.into_iter().flatten().collect();
    let locked_out = lock_out(plan, rules, &verdicts);
    verdicts.extend(locked_out);
    verdicts.extend(escalations(plan, rules));
    verdicts.extend(weakens::verdicts(plan, rules));
    let after =
        [amount::incomplete(plan), amount::mail_enabled_groups(plan), amount::unmanaged(plan, rules), redacted(plan)];
    verdicts.extend(after.into_iter().flatten());
    verdicts.extend(protected::verdicts(plan, rules));
    verdicts.extend(weaker_settings(rules));
    verdicts
}

/// Refuses a commit that brings weaker rules for the commits after it.
fn weaker_settings(rules: &Rules) -> Option<Verdict> {
    let said = rules.weaker_settings.join("; ");
    let said = format!("the commit's entragit.yaml makes the guards weaker for every later plan: {said}");
    (!rules.weaker_settings.is_empty()).then(|| Verdict {
        guard: "settings",
        refused: true,
        message: said,
        objects: vec![],
    })
}

/// Refuses a plan that locks somebody out who was not locked out before, at any moment of the plan. A lockout that another
/// guard already refuses explicitly is not reported twice.
fn lock_out(plan: &Plan, rules: &Rules, said: &[Verdict]) -> Vec<Verdict> {
    let accounts = Accounts { break_glass: rules.break_glass.clone(), own: rules.own.clone() };
    let mut by_object: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for found in lock_outs(&rules.access, plan, &accounts) {
        let twice = said
            .iter()
            .any(|verdict| matches!(verdict.guard, "break-glass" | "self") && verdict.objects.contains(&found.object));
        if !(found.direct && twice) {
            by_object.entry(found.object).or_default().push(found.message);
        }
    }
    by_object.into_iter().filter_map(|(object, said)| refusal("lock-out", said, vec![object])).collect()
}

/// Refuses power that no snapshot has held, in one verdict; power that is given back is only reported.
fn escalations(plan: &Plan, rules: &Rules) -> Vec<Verdict> {
    let (held, new): (Vec<_>, Vec<_>) =
        escalation::grants(plan, &rules.access).into_iter().partition(|(step, _)| rules.held.contains(step));
    let verdict = |grants: Vec<(StepId, String)>, refused, what: &str| {
        let steps: Vec<&Step> = grants.iter().filter_map(|(step, _)| plan.steps.get(*step)).collect();
        let mut said: Vec<&str> = grants.iter().take(10).map(|(_, says)| says.as_str()).collect();
        let more = format!("{} more", grants.len().saturating_sub(10));
        if grants.len() > 10 {
            said.push(&more);
        }
        let message = format!("{what}: {}", said.join("; "));
        (!grants.is_empty()).then(|| Verdict { guard: "escalation", refused, message, objects: objects_of(&steps) })
    };
    let new = verdict(new, true, "the plan gives power that no snapshot of this tenant has held");
    new.into_iter().chain(verdict(held, false, "the plan gives back power that was held before")).collect()
}

fn named(value: Option<&Value>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if let Some(value) = value {
        mentions(value, &mut |id| {
            found.insert(id.to_owned());
        });
    }
    found
}

/// Returns the objects of the steps, once each.
fn objects_of(steps: &[&Step]) -> Vec<String> {
    let objects: BTreeSet<String> =
        steps.iter().map(|step| format!("{}/{}", step.address.kind.name, step.address.id)).collect();
    objects.into_iter().collect()
}

fn one_list(what: &str, steps: &[&Step]) -> Option<String> {
    let steps: Vec<String> =
        steps.iter().map(|step| format!("{} {} \"{}\"", step.action.as_str(), step.called, step.name)).collect();
    (!steps.is_empty()).then(|| format!("{what}: {}", steps.join("; ")))
}

fn refusal(guard: &'static str, said: Vec<String>, objects: Vec<String>) -> Option<Verdict> {
    (!said.is_empty()).then(|| Verdict { guard, refused: true, message: said.join("; "), objects })
}

/// Refuses to write masks: neither those that Graph returns nor those of secrets in URLs are values.
fn redacted(plan: &Plan) -> Option<Verdict> {
    // Names and descriptions are free text and may contain asterisks.
    fn of(name: &str, value: &Value, free: &[&str]) -> bool {
        match value {
            Value::String(text) if free.contains(&name) => has_masked_secret(text),
            value => masked(value),
        }
    }
    fn masked(value: &Value) -> bool {
        match value {
            Value::String(text) => is_masked(text),
            Value::Array(elements) => elements.iter().any(masked),
            Value::Object(map) => map.iter().any(|(name, value)| of(name, value, &["displayName"])),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
    let found = plan.steps.iter().find(|step| match &step.action {
        Action::Create { body } | Action::Update { body, .. } => {
            body.iter().any(|(name, value)| of(name, value, &["displayName", "description"]))
        }
        Action::Call { value, .. } | Action::Link { value, .. } | Action::Relink { value, .. } => masked(value),
        Action::Unlink { .. } | Action::Restore | Action::Delete => false,
    });
    found.map(|step| Verdict {
        guard: "redacted",
        refused: true,
        message: format!("{} \"{}\" would be given asterisks for a secret", step.called, step.name),
        objects: objects_of(&[step]),
    })
}
