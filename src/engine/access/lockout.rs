//! Guards against lockouts: compares every state that a plan passes through with the state before the plan.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::dependence::Dependence;
use super::policy::{PolicyEffect, evaluate};
use super::sign_in::{Certainty, Lost, Policies, lost_applications};
use super::subject::Subject;
use super::{GLOBAL_ADMINISTRATOR, KINDS, Tenant};
use crate::model::Plan;

/// Describes one deterioration of access that the plan would cause.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LockOut {
    /// Account concerned: `user/<id>`, `servicePrincipal/<id>`, or `tenant`.
    pub object: String,
    /// Description of what happens and when, in one sentence.
    pub message: String,
    /// True if the account itself is deleted or disabled, so that other guards report it, too.
    pub direct: bool,
}

/// Something that got worse, without the wave in which it did.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct LockoutFinding {
    /// `user/ID`, `servicePrincipal/ID` or `tenant`.
    object: String,
    /// Description of what got worse: a sentence without its period.
    message: String,
    /// True if the account itself is deleted or disabled.
    direct: bool,
}

impl LockoutFinding {
    /// Returns a finding about the access of an account that stays enabled.
    fn of_access(object: String, message: String) -> LockoutFinding {
        LockoutFinding { object, message, direct: false }
    }

    /// Returns a finding about an account that is itself deleted or disabled.
    fn of_account(object: String, message: String) -> LockoutFinding {
        LockoutFinding { object, message, direct: true }
    }
}

/// Lists the accounts whose access must not get worse.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Accounts {
    /// Object ids of the emergency accounts.
    pub break_glass: BTreeSet<String>,
    /// Ids of the account that is signed in: object ids and application ids.
    pub own: BTreeSet<String>,
}

/// Holds the access of an account at one time.
#[derive(Debug, Clone, Default, PartialEq)]
struct Standing {
    exists: bool,
    enabled: bool,
    roles: BTreeSet<String>,
    grants: BTreeSet<(String, String, String)>,
    federated_credentials: BTreeSet<String>,
    policy_effects: BTreeMap<String, PolicyEffect>,
    dependence: Dependence,
}

/// Returns everything that the plan makes worse, once each, with the first wave after which it is worse.
///
/// Only deteriorations are reported: an account that was locked out before is not locked out by the plan.
pub fn lock_outs(before: &Tenant, plan: &Plan, accounts: &Accounts) -> Vec<LockOut> {
    let touches = |kind: &str| KINDS.contains(&kind);
    if before.is_empty() || !plan.steps.iter().any(|step| touches(step.address.kind.name)) {
        return Vec::new();
    }
    let subjects = subjects(before, accounts);
    let first: Vec<(&Subject, bool, Standing)> = subjects
        .iter()
        .map(|(subject, emergency)| (subject, *emergency, standing(before, subject, *emergency)))
        .collect();
    let policies = Policies::of(before);
    let had_administrator = before.has_usable_administrator(&policies);
    let mut now = before.clone();
    // Each finding, with the first and the last wave after which it holds.
    let mut found: BTreeMap<LockoutFinding, (usize, usize)> = BTreeMap::new();
    for (wave, steps) in plan.waves.iter().enumerate() {
        let mut changed = false;
        for step in steps.iter().filter_map(|id| plan.steps.get(*id)).filter(|step| touches(step.address.kind.name)) {
            now.carry_out(step);
            changed = true;
        }
        let said = match changed {
            true => worse_off(&Baseline { before, policies: &policies, first: &first, had_administrator }, &now),
            // A wave without a relevant step leaves the findings as they were after the wave before.
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
        .map(|(finding, (first, last))| {
            let LockoutFinding { object, message, direct } = finding;
            let message = format!("{}: {message}", when(first, last));
            LockOut { object, message, direct }
        })
        .collect()
}

/// Holds the tenant and the access of all accounts before the plan, to compare each later state with.
struct Baseline<'a> {
    before: &'a Tenant,
    policies: &'a Policies<'a>,
    first: &'a [(&'a Subject, bool, Standing)],
    had_administrator: bool,
}

/// Returns what is worse in `now` for the accounts and the tenant.
fn worse_off(baseline: &Baseline<'_>, now: &Tenant) -> Vec<LockoutFinding> {
    let mut said = Vec::new();
    let left = Policies::of(now);
    for (subject, emergency, old) in baseline.first {
        let new = standing(now, subject, *emergency);
        said.extend(compare(baseline.before, subject, *emergency, old, &new));
        let gone = old.exists && !new.exists;
        if !gone {
            let name = name_of(baseline.before, subject, *emergency);
            let blocked = policy_deteriorations(&left, subject, &name, old, &new).into_iter();
            said.extend(blocked.map(|what| LockoutFinding::of_access(object_of(subject), what)));
            let lost = lost_applications(baseline.policies, &left, subject, &new.newly_closed(old)).into_iter();
            said.extend(lost.map(|lost| LockoutFinding::of_access(object_of(subject), describe(now, &name, &lost))));
        }
    }
    if baseline.had_administrator && !now.has_usable_administrator(&left) {
        let what = "no Global Administrator is left that is enabled and that no policy keeps out";
        said.push(LockoutFinding::of_access("tenant".to_owned(), what.to_owned()));
    }
    said
}

/// Returns the account of a subject as [`LockOut::object`] has it.
fn object_of(subject: &Subject) -> String {
    match subject {
        Subject::User(id) => format!("user/{id}"),
        Subject::Principal(id) => format!("servicePrincipal/{id}"),
    }
}

/// Returns a noun phrase for a subject, to begin a sentence with.
fn name_of(tenant: &Tenant, subject: &Subject, emergency: bool) -> String {
    let name = tenant.name(subject.id());
    match emergency {
        true => format!("the break-glass account \"{name}\""),
        false => format!("whoever is signed in, \"{name}\","),
    }
}

/// Describes the applications without a sign-in left, and the policies that cause it.
fn describe(now: &Tenant, name: &str, lost: &Lost) -> String {
    let policies: Vec<String> = lost.policies.iter().map(|id| format!("\"{}\"", now.name(id))).collect();
    let alone = policies.len() == 1;
    let block = match (lost.certainty, alone) {
        (Certainty::Blocks, true) => "blocks every one",
        (Certainty::Blocks, false) => "together block every one",
        (Certainty::Demands, true) => "asks for what nobody knows it to have",
        (Certainty::Demands, false) => "together block every one, or ask for what nobody knows it to have",
        (Certainty::Doubtful, true) => "keeps out every one, if its rule takes the account in",
        (Certainty::Doubtful, false) => "together keep out every one, if their rules take the account in",
    };
    let policies = format!("the {} {} {block}", if alone { "policy" } else { "policies" }, in_words(&policies));
    let (name, applications) = (name.trim_end_matches(','), in_words(&lost.applications));
    format!("no sign-in to {applications} is left for {name}: {policies}; one that worked before is {}", lost.before)
}

/// Joins a list as in a sentence: "a, b and c".
fn in_words<T: AsRef<str>>(list: &[T]) -> String {
    let list: Vec<&str> = list.iter().map(AsRef::as_ref).collect();
    match list.as_slice() {
        [most @ .., last] if !most.is_empty() => format!("{} and {last}", most.join(", ")),
        few => few.concat(),
    }
}

/// Describes what became worse of the things that an account's access depends on: its emergency name, tokens, ends of its roles
/// and memberships, authentication methods, and reviews and workflows that remove it.
fn dependence_lost(old: &Dependence, new: &Dependence, who: &str) -> Vec<String> {
    let who = who.trim_end_matches(',');
    let mut said = Vec::new();
    if !old.name.is_empty() && old.name != new.name {
        let (before, now) = (&old.name, &new.name);
        said.push(format!(
            "{who} signs in as {now}, and no longer as {before}, which is the name that people keep for an emergency"
        ));
    }
    said.extend(new.no_tokens.difference(&old.no_tokens).map(|what| format!("{who} gets no further: {what}")));
    said.extend(old.ends_sooner(new).into_iter().map(|what| format!("{what} of {who} ends sooner than it did")));
    let proofs = old.proofs.as_ref().zip(new.proofs.as_ref()).and_then(|(old, new)| old.loss_of_second_factor(new));
    said.extend(proofs.map(|what| format!("{who} can no longer prove who it is: {what}")));
    said.extend(new.taken_away.difference(&old.taken_away).map(|what| format!("{who} is in danger: {what}")));
    said
}

impl Standing {
    /// Returns the applications that a single policy now keeps the account out of, and did not before.
    fn newly_closed(&self, old: &Standing) -> BTreeSet<&'static str> {
        let mut closed = BTreeSet::new();
        for (policy, effect) in &self.policy_effects {
            let was = old.policy_effects.get(policy).and_then(|effect| effect.block.as_ref());
            closed.extend(effect.block.iter().filter(|block| block.is_worse_than(was)).flat_map(|block| &block.from));
        }
        closed
    }
}

/// Returns the accounts to judge, each with true if it is an emergency account.
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

/// Returns the access of an account in a state of the tenant.
fn standing(tenant: &Tenant, subject: &Subject, emergency: bool) -> Standing {
    let id = subject.id();
    let own = match subject {
        Subject::User(_) => tenant.users.get(id),
        Subject::Principal(_) => tenant.principals.get(id),
    };
    let app = own.and_then(|own| own.get("appId")).and_then(Value::as_str).unwrap_or_default().to_lowercase();
    let trusted = tenant.applications.values().filter(|(of, _)| matches!(subject, Subject::Principal(_)) && *of == app);
    Standing {
        exists: own.is_some(),
        enabled: own.and_then(|own| own.get("accountEnabled")) != Some(&Value::Bool(false)),
        roles: tenant.roles(id).into_iter().map(str::to_owned).collect(),
        grants: tenant.grants.iter().filter(|(who, ..)| who == id).cloned().collect(),
        federated_credentials: trusted.flat_map(|(_, names)| names.iter().cloned()).collect(),
        dependence: Dependence::of(tenant, subject, emergency),
        policy_effects: tenant
            .policies
            .keys()
            .map(|policy| (policy.clone(), evaluate(tenant, policy, subject)))
            .collect(),
    }
}

/// Returns what is worse for an account than before: its existence, roles, permissions, federated credentials and dependences.
fn compare(before: &Tenant, subject: &Subject, emergency: bool, old: &Standing, new: &Standing) -> Vec<LockoutFinding> {
    let (object, who) = (object_of(subject), name_of(before, subject, emergency));
    let mut said = Vec::new();
    if old.exists && !new.exists {
        return vec![LockoutFinding::of_account(object, format!("{who} is deleted"))];
    }
    if old.enabled && !new.enabled {
        said.push(LockoutFinding::of_account(object.clone(), format!("{who} is disabled")));
    }
    let mut say = |what: String| said.push(LockoutFinding::of_access(object.clone(), what));
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
            if !old.federated_credentials.is_empty() && new.federated_credentials.is_empty() {
                say(format!("{who} loses the last federated credential that is known"));
            }
        }
        true => {}
    }
    said.extend(
        dependence_lost(&old.dependence, &new.dependence, &who)
            .into_iter()
            .map(|what| LockoutFinding::of_access(object.clone(), what)),
    );
    said
}

/// Describes the policies that now keep an account out of more than before, with a sign-in that still works, and those that no
/// longer exempt it.
fn policy_deteriorations(
    left: &Policies<'_>,
    subject: &Subject,
    who: &str,
    old: &Standing,
    new: &Standing,
) -> Vec<String> {
    let none = PolicyEffect::default();
    let who = who.trim_end_matches(',');
    let mut said = Vec::new();
    for (id, effect) in &new.policy_effects {
        let was = old.policy_effects.get(id).unwrap_or(&none);
        let policy = left.name(id);
        if let Some(block) = effect.block.as_ref().filter(|block| block.is_worse_than(was.block.as_ref())) {
            let from: Vec<&str> = block.from.iter().copied().collect();
            let ways: Vec<&str> = block.ways.iter().take(3).map(String::as_str).collect();
            let mut but = match ways.as_slice() {
                [] => String::new(),
                ways => format!(", except {}", ways.join(", or ")),
            };
            let open = left.open_sign_ins(subject);
            if let Some(open) = open.iter().find(|open| !block.from.contains(open.application)) {
                but += &format!("; what still works is to sign in to {} {open}", open.application);
            }
            let demand = &block.demand;
            said.push(format!("the policy \"{policy}\" {demand} {} for {who}{but}", from.join(", ")));
        } else if was.exempt && !effect.exempt && effect.applies {
            said.push(format!("the policy \"{policy}\" no longer leaves out {who}"));
        }
    }
    said
}

impl Tenant {
    /// Returns true if there is a Global Administrator who is a person, is enabled, is not blocked outright by a policy and can
    /// sign in where roles and policies are changed. Everybody is assumed to meet all other demands.
    fn has_usable_administrator(&self, policies: &Policies<'_>) -> bool {
        self.global_administrators().into_iter().any(|id| {
            let enabled = self.users.get(id).is_none_or(|user| user.get("accountEnabled") != Some(&Value::Bool(false)));
            // A service principal cannot repair a tenant interactively, so that only people count.
            let person = !self.principals.contains_key(id);
            let subject = Subject::User(id.to_owned());
            let blocked = |policy: &String| evaluate(self, policy, &subject).block.is_some_and(|block| block.outright);
            enabled && person && !self.policies.keys().any(blocked) && policies.leave_a_way_to_administer(&subject)
        })
    }
}
