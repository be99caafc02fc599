//! Finds the settings of Privileged Identity Management by what they are for: the roles of the tenant, or one group.

use serde_json::json;

use super::role_settings;
use crate::emulator::filter::{Expr, Literal, Op};
use crate::emulator::store::{Key, Properties, Row, text};
use crate::emulator::tenant::Tenant;
use crate::kinds;
use crate::model::Kind;

const OF_ROLES: &str = "roleManagementPolicy";
const OF_GROUPS: &str = "groupRoleSettings";

/// Returns the scope that a filter names: `/`, or the id of a group.
pub fn scope_of(filter: Option<&Expr>) -> Option<&str> {
    match filter? {
        Expr::And(a, b) => scope_of(Some(a)).or_else(|| scope_of(Some(b))),
        Expr::Compare(path, Op::Eq, Literal::Text(scope)) if path == &["scopeId"] => Some(scope),
        _ => None,
    }
}

/// Returns the settings of a scope. Any group that Privileged Identity Management can govern has some, for its members and for its
/// owners, whether anybody changed them or not.
/// <https://learn.microsoft.com/graph/api/policyroot-list-rolemanagementpolicies>
pub fn policies(tenant: &Tenant, scope: &str) -> Vec<Properties> {
    let Some(kind) = kinds::by_name(if scope == "/" { OF_ROLES } else { OF_GROUPS }) else { return Vec::new() };
    let rows = tenant.store.table(kind).live.values();
    let is_of = |row: &&Row| scope == "/" || text(&row.pick(&["scopeId"]), "scopeId").eq_ignore_ascii_case(scope);
    let stored: Vec<Properties> = rows.filter(is_of).map(Row::unpack).collect();
    match stored.is_empty() && is_governable(tenant, scope) {
        true => role_settings::policies_of_group(tenant, scope).to_vec(),
        false => stored,
    }
}

/// Returns true if `id` is a group that Privileged Identity Management can govern.
fn is_governable(tenant: &Tenant, id: &str) -> bool {
    let group = kinds::by_name("group").and_then(|kind| tenant.store.table(kind).get(id));
    let when = kinds::by_name(OF_GROUPS).and_then(|kind| kind.for_each?.when);
    group.zip(when).is_some_and(|(group, when)| when.holds(&group))
}

/// Returns the rules of settings, whether they are stored or as they are before any change.
pub fn rules_of(tenant: &Tenant, policy: &Key) -> Vec<Properties> {
    let rows = tenant.store.children("rules");
    let stored: Vec<Properties> = (tenant.links.targets(policy, "rules").into_iter().flatten())
        .filter_map(|rule| Some(rows?.live.get(rule)?.unpack()))
        .collect();
    match stored.is_empty() {
        true => role_settings::rules().into_iter().filter_map(|rule| rule.as_object().cloned()).collect(),
        false => stored,
    }
}

/// Returns the group whose settings a path names by their id, if they are not stored yet.
pub fn unstored<'a>(tenant: &Tenant, segments: &'a [String]) -> Option<&'a str> {
    let [policies, list, id, ..] = segments else { return None };
    if policies != "policies" || !list.eq_ignore_ascii_case("roleManagementPolicies") {
        return None;
    }
    let group = id.strip_prefix("Group_")?.split('_').next()?;
    let kind = kinds::by_name(OF_GROUPS)?;
    let known = policies_named(tenant, group, id) && tenant.store.table(kind).get(id).is_none();
    known.then_some(group)
}

fn policies_named(tenant: &Tenant, group: &str, id: &str) -> bool {
    policies(tenant, group).iter().any(|policy| text(policy, "id") == id)
}

/// Stores the settings of a group.
pub fn store(tenant: &mut Tenant, group: &str) {
    role_settings::store_of_group(tenant, group);
}

/// Returns the list that names the role, or the members or owners, that settings are for, as the settings themselves do not.
/// <https://learn.microsoft.com/graph/api/policyroot-list-rolemanagementpolicyassignments>
pub fn policy_assignments(tenant: &Tenant, scope: &str) -> Vec<(Key, Properties)> {
    let entry = |policy: Properties| {
        let id = format!("{}_{}", text(&policy, "id"), text(&policy, "roleDefinitionId"));
        let entry = json!({"id": id, "policyId": policy.get("id"), "roleDefinitionId": policy.get("roleDefinitionId"),
            "scopeId": policy.get("scopeId"), "scopeType": policy.get("scopeType")});
        Some((Key::of(&id), entry.as_object()?.clone()))
    };
    policies(tenant, scope).into_iter().filter_map(entry).collect()
}

/// Returns the settings that an assignment is about, with their rules.
pub fn policy_of(tenant: &Tenant, kind: &Kind, assignment: &Properties) -> (Properties, Vec<Properties>) {
    let scope = text(assignment, "scopeId");
    let found = policies(tenant, scope).into_iter().find(|policy| policy.get("id") == assignment.get("policyId"));
    let mut policy = found.unwrap_or_default();
    kind.borrowed.iter().for_each(|borrowed| drop(policy.remove(borrowed.property)));
    let rules = rules_of(tenant, &Key::of(text(&policy, "id")));
    (policy, rules)
}
