//! Evaluates one Conditional Access policy for one account.
//!
//! "All the assignments must be satisfied", "the exclude action overrides the include action", and of several policies every
//! one that applies must be satisfied:
//! <https://learn.microsoft.com/entra/identity/conditional-access/concept-conditional-access-policies>,
//! <https://learn.microsoft.com/entra/identity/conditional-access/concept-conditional-access-users-groups>.
//! Only `enabled` is enforced: <https://learn.microsoft.com/graph/api/resources/conditionalaccesspolicy>.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::methods::{Demand, demand};
use super::places::ways_round;
use super::subject::Subject;
use super::{Tenant, words};

/// Holds the effect of a policy on an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyEffect {
    /// True if the policy excludes the account by name, group or role, whatever the policy's state.
    pub exempt: bool,
    /// True if the policy is enforced on the account.
    pub applies: bool,
    /// Details, if the policy keeps the account out.
    pub block: Option<Block>,
}

/// Describes how a policy keeps an account out of applications that administrators need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Demand of the policy, in one clause.
    pub demand: String,
    /// Applications that administrators need and that the policy keeps the account from.
    pub from: BTreeSet<&'static str>,
    /// Conditions under which the account can still sign in, as clauses.
    pub ways: BTreeSet<String>,
    /// True if the policy blocks all needed applications, and no condition would let the account in.
    pub outright: bool,
}

impl Block {
    /// Returns true if this keeps the account out of something that `before` did not keep it out of.
    pub fn is_worse_than(&self, before: Option<&Block>) -> bool {
        before.is_none_or(|before| !self.from.is_subset(&before.from) || !before.ways.is_subset(&self.ways))
    }
}

/// Lists the applications that are needed to administer: the word that stands for the portals, and the appIds of Microsoft
/// Graph and of the Windows Azure Service Management API.
/// <https://learn.microsoft.com/entra/identity/conditional-access/concept-conditional-access-cloud-apps>
pub(super) const NEEDED: [(&str, &str); 3] = [
    ("microsoftadminportals", "the administration portals"),
    ("00000003-0000-0000-c000-000000000000", "Microsoft Graph"),
    ("797f4846-ba00-4fd7-ba43-dac1f8f63013", "the Azure service management API"),
];

/// Returns the effect of the policy with this `id` on `subject`; the default if there is no such policy.
pub fn evaluate(tenant: &Tenant, id: &str, subject: &Subject) -> PolicyEffect {
    let Some(policy) = tenant.policies.get(id) else { return PolicyEffect::default() };
    let empty = Map::new();
    let conditions = policy.get("conditions").and_then(Value::as_object).unwrap_or(&empty);
    let enforced = policy.get("state").and_then(Value::as_str) == Some("enabled");
    let Some(target) = target(tenant, conditions, subject) else {
        return PolicyEffect { exempt: exempt(tenant, conditions, subject), ..PolicyEffect::default() };
    };
    if exempt(tenant, conditions, subject) {
        return PolicyEffect { exempt: true, ..PolicyEffect::default() };
    }
    if !enforced {
        return PolicyEffect::default();
    }
    let mut effect = PolicyEffect { applies: true, ..PolicyEffect::default() };
    let from = applications(conditions);
    let demanded = match (demand(tenant, policy, subject), subject) {
        (Demand::Block, _) => Some(("blocks".to_owned(), true)),
        // "Block" is the only control for workload identities:
        // <https://learn.microsoft.com/entra/identity/conditional-access/workload-identity>
        (_, Subject::Principal(_)) | (Demand::Met, _) => None,
        (Demand::Unmet(what), _) => {
            Some((format!("asks for {}, which nobody knows it to have, of", what.join(", ")), false))
        }
    };
    if let Some((demand, outright)) = demanded
        && !from.is_empty()
        && let Some(mut ways) = ways_round(tenant, conditions)
    {
        ways.extend(target);
        let outright = outright && ways.is_empty() && from.len() == NEEDED.len();
        effect.block = Some(Block { demand, from, ways, outright });
    }
    effect
}

/// Returns the doubts about whether the policy includes `subject`, as clauses; `None` if it certainly does not. Exclusions are
/// not evaluated, but exclusions by a membership rule count as doubts, too.
pub(super) fn target(tenant: &Tenant, conditions: &Map<String, Value>, subject: &Subject) -> Option<BTreeSet<String>> {
    let mut doubts = BTreeSet::new();
    match subject {
        Subject::Principal(id) => {
            let apps = conditions.get("clientApplications")?;
            let mut include = words(apps.get("includeServicePrincipals"));
            let filter = apps.get("servicePrincipalFilter").filter(|filter| !filter.is_null());
            let named = include.any(|word| word == *id || word == "serviceprincipalsinmytenant");
            match filter.map(|filter| (filter, filter.get("mode").and_then(Value::as_str))) {
                Some((filter, mode)) if named || mode == Some("include") => {
                    let rule = filter.get("rule").and_then(Value::as_str).unwrap_or_default();
                    doubts.insert(format!("as the filter {rule} has it"));
                }
                _ if named => {}
                _ => return None,
            }
        }
        Subject::User(id) => {
            let users = conditions.get("users").and_then(Value::as_object)?;
            let guest = is_guest(tenant, id);
            let named = words(users.get("includeUsers"))
                .any(|word| word == "all" || word == *id || (guest && word == "guestsorexternalusers"))
                || words(users.get("includeGroups")).any(|group| tenant.holds(&group, id))
                || (guest && users.get("includeGuestsOrExternalUsers").is_some_and(|value| !value.is_null()))
                || holds_one_of(tenant, id, users.get("includeRoles"));
            if !named {
                let rules: BTreeSet<String> =
                    words(users.get("includeGroups")).flat_map(|group| tenant.rules(&group)).collect();
                if rules.is_empty() {
                    return None;
                }
                doubts.extend(rules.into_iter().map(|rule| format!("if it is not one of those for whom {rule}")));
            }
            for group in words(users.get("excludeGroups")) {
                let rules = tenant.rules(&group).into_iter();
                doubts.extend(rules.map(|rule| format!("if it is one of those for whom {rule}")));
            }
        }
    }
    Some(doubts)
}

pub(super) fn exempt(tenant: &Tenant, conditions: &Map<String, Value>, subject: &Subject) -> bool {
    match subject {
        Subject::Principal(id) => {
            let apps = conditions.get("clientApplications");
            words(apps.and_then(|apps| apps.get("excludeServicePrincipals"))).any(|word| word == *id)
        }
        Subject::User(id) => {
            let Some(users) = conditions.get("users").and_then(Value::as_object) else { return false };
            let guest = is_guest(tenant, id);
            words(users.get("excludeUsers")).any(|word| word == *id || (guest && word == "guestsorexternalusers"))
                || words(users.get("excludeGroups")).any(|group| tenant.holds(&group, id))
                || holds_one_of(tenant, id, users.get("excludeRoles"))
        }
    }
}

fn holds_one_of(tenant: &Tenant, id: &str, roles: Option<&Value>) -> bool {
    let roles: BTreeSet<String> = words(roles).collect();
    !roles.is_empty() && tenant.roles(id).iter().any(|role| roles.contains(*role))
}

/// Returns true if the user is a guest.
/// <https://learn.microsoft.com/entra/external-id/user-properties>
fn is_guest(tenant: &Tenant, id: &str) -> bool {
    let Some(user) = tenant.users.get(id) else { return false };
    let text = |name: &str| user.get(name).and_then(Value::as_str).unwrap_or_default();
    text("userType").eq_ignore_ascii_case("guest") || text("userPrincipalName").to_uppercase().contains("#EXT#")
}

/// Returns the applications of [`NEEDED`] that the policy covers. Microsoft 365 does not count as administration; a user
/// action or an authentication context is no application; an application filter may include any application.
pub(super) fn applications(conditions: &Map<String, Value>) -> BTreeSet<&'static str> {
    let Some(apps) = conditions.get("applications") else { return BTreeSet::new() };
    let include: BTreeSet<String> = words(apps.get("includeApplications")).collect();
    let exclude: BTreeSet<String> = words(apps.get("excludeApplications")).collect();
    let filter = apps.get("applicationFilter").filter(|filter| !filter.is_null());
    let picked = filter.is_some_and(|filter| filter.get("mode").and_then(Value::as_str) == Some("include"));
    let covered = |id: &str| (include.contains("all") || include.contains(id) || picked) && !exclude.contains(id);
    NEEDED.iter().filter(|(id, _)| covered(id)).map(|(_, name)| *name).collect()
}
