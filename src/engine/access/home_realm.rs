//! Judges home realm policies, which send people to an identity provider: users of another domain cannot sign in there.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::holders::{list, text};
use super::token_apps::gives_tokens;
use super::{Tenant, words};

/// Returns the policies that send `id` to another domain's identity provider before it can name itself, as clauses.
/// <https://learn.microsoft.com/entra/identity/enterprise-apps/configure-authentication-for-federated-users-portal>: a user
/// of another domain "can't sign in" to an application that accelerates.
pub(super) fn sent_elsewhere(tenant: &Tenant, id: &str) -> Vec<String> {
    let Some(user) = tenant.users.get(id) else { return Vec::new() };
    let name = text(user, "userPrincipalName");
    let own = name.rsplit('@').next().unwrap_or_default();
    let policies = tenant.rules_of("homeRealmDiscoveryPolicy").filter_map(|(_, policy)| {
        let domain = list(policy, "definition").filter_map(accelerated).find(|domain| *domain != own)?;
        let reach = reach(tenant, policy)?;
        let name = policy.get("displayName").and_then(Value::as_str).unwrap_or_default();
        let to = if domain.is_empty() { "another identity provider".to_owned() } else { domain };
        Some(format!("the policy \"{name}\" sends it to {to} to sign in to {reach}"))
    });
    policies.collect()
}

/// Returns the domain that a definition sends everybody to, in lower case; empty if it names none, `None` if it does not
/// accelerate.
/// <https://learn.microsoft.com/graph/api/resources/homerealmdiscoverypolicy>
fn accelerated(definition: &Value) -> Option<String> {
    let document: Value = serde_json::from_str(definition.as_str()?).ok()?;
    let policy = document.get("HomeRealmDiscoveryPolicy")?;
    let flag = |name: &str| policy.get(name) == Some(&Value::Bool(true));
    let domain = policy.get("PreferredDomain").and_then(Value::as_str).unwrap_or_default();
    flag("AccelerateToFederatedDomain").then(|| domain.to_lowercase())
}

/// Returns an application needed for administration that a policy applies to, or `every application`; `None` if there is none.
fn reach(tenant: &Tenant, policy: &Map<String, Value>) -> Option<String> {
    if policy.get("isOrganizationDefault") == Some(&Value::Bool(true)) {
        return Some("every application".to_owned());
    }
    let assigned: BTreeSet<String> = words(policy.get("appliesTo")).collect();
    let found = tenant.principals.iter().filter(|(id, _)| assigned.contains(*id));
    found.filter_map(|(_, own)| gives_tokens(&text(own, "appId"))).next().map(str::to_owned)
}
