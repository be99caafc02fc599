//! Judges home realm policies, which send people to an identity provider: users of another domain cannot sign in there.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::holders::{list, text};
use super::token_apps::gives_tokens;
use super::{Tenant, words};

/// Returns one clause for each policy that sends the user `id` to the identity provider of another domain, before the user can
/// enter a name.
/// <https://learn.microsoft.com/entra/identity/enterprise-apps/configure-authentication-for-federated-users-portal>: a user
/// of another domain "can't sign in" to an application that accelerates.
pub(super) fn sent_elsewhere(tenant: &Tenant, id: &str) -> Vec<String> {
    let Some(user) = tenant.users.get(id) else { return Vec::new() };
    let name = text(user, "userPrincipalName");
    let own_domain = name.rsplit('@').next().unwrap_or_default();
    let policies = tenant.rules_of("homeRealmDiscoveryPolicy").filter_map(|(_, policy)| {
        let domain = list(policy, "definition").filter_map(accelerated_domain).find(|domain| *domain != own_domain)?;
        let application = affected_application(tenant, policy)?;
        let name = policy.get("displayName").and_then(Value::as_str).unwrap_or_default();
        let to = if domain.is_empty() { "another identity provider".to_owned() } else { domain };
        Some(format!("the policy \"{name}\" sends it to {to} to sign in to {application}"))
    });
    policies.collect()
}

/// Returns the domain, in lower case, whose identity provider everybody is sent to without being asked for a name ("sign-in
/// acceleration"). It is empty if the definition names no domain; `None` if the definition does not accelerate sign-ins.
/// <https://learn.microsoft.com/graph/api/resources/homerealmdiscoverypolicy>
fn accelerated_domain(definition: &Value) -> Option<String> {
    let document: Value = serde_json::from_str(definition.as_str()?).ok()?;
    let policy = document.get("HomeRealmDiscoveryPolicy")?;
    let flag = |name: &str| policy.get(name) == Some(&Value::Bool(true));
    let domain = policy.get("PreferredDomain").and_then(Value::as_str).unwrap_or_default();
    flag("AccelerateToFederatedDomain").then(|| domain.to_lowercase())
}

/// Returns the name of an application that the policy applies to and that people need for administration, or `every application`
/// for the tenant's default policy; `None` if it applies to no such application.
fn affected_application(tenant: &Tenant, policy: &Map<String, Value>) -> Option<String> {
    if policy.get("isOrganizationDefault") == Some(&Value::Bool(true)) {
        return Some("every application".to_owned());
    }
    let assigned: BTreeSet<String> = words(policy.get("appliesTo")).collect();
    let found = tenant.principals.iter().filter(|(id, _)| assigned.contains(*id));
    found.filter_map(|(_, principal)| gives_tokens(&text(principal, "appId"))).next().map(str::to_owned)
}
