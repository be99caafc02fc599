//! Implements the settings of Privileged Identity Management, for roles and for groups.

use serde_json::{Value, json};

use crate::emulator::child_keys::child_key;
use crate::emulator::error::Fault;
use crate::emulator::filter::{Expr, Literal};
use crate::emulator::store::{Key, Properties, Row, strings, text};
use crate::emulator::tenant::Tenant;
use crate::kinds;
use crate::model::Kind;

/// Scope type of the settings of roles.
const DIRECTORY: &str = "Directory";

/// Makes a filter with the documented scope type `DirectoryRole` match the rows, which say `Directory`.
pub fn rename_scope_type(filter: &mut Expr) {
    match filter {
        Expr::And(a, b) | Expr::Or(a, b) => [a, b].into_iter().for_each(|part| rename_scope_type(part)),
        Expr::Not(inner) => rename_scope_type(inner),
        Expr::Compare(path, _, Literal::Text(text)) if path == &["scopeType"] && text == "DirectoryRole" => {
            *text = DIRECTORY.to_owned();
        }
        _ => {}
    }
}

/// Gives every role its settings, and every group that can hold roles the settings of its members and of its owners.
pub fn settle_all(tenant: &mut Tenant) {
    for kind in ["roleDefinition", "group"].into_iter().filter_map(kinds::by_name) {
        let rows: Vec<Properties> = tenant.store.table(kind).live.values().map(Row::unpack).collect();
        rows.iter().for_each(|object| settle(tenant, kind, object));
    }
}

/// Gives a role or a group that can hold roles its settings, as Privileged Identity Management does when it first sees it. Those
/// of other groups are stored when somebody addresses them: a large company has many groups, and changes the settings of few.
/// <https://learn.microsoft.com/graph/api/policyroot-list-rolemanagementpolicies>
pub fn settle(tenant: &mut Tenant, kind: &Kind, object: &Properties) {
    let id = text(object, "id");
    match kind.name {
        "roleDefinition" => store(tenant, "roleManagementPolicy", policy(&tenant.id, "/", id)),
        "group" if object.get("isAssignableToRole") == Some(&Value::Bool(true)) => store_of_group(tenant, id),
        _ => {}
    }
}

/// Stores the settings of a group, unless they are stored.
pub(super) fn store_of_group(tenant: &mut Tenant, group: &str) {
    for policy in policies_of_group(tenant, group) {
        store(tenant, "groupRoleSettings", policy);
    }
}

/// Returns the settings of a group for its members and for its owners, as they are before any change.
pub(super) fn policies_of_group(tenant: &Tenant, group: &str) -> [Properties; 2] {
    ["member", "owner"].map(|subject| policy(&tenant.id, group, subject))
}

/// Returns the settings of a role, or of the members or owners of the group `scope`, as they are before any change.
fn policy(tenant: &str, scope: &str, subject: &str) -> Properties {
    // Policies of roles say `Directory`, although they are asked for with `DirectoryRole`.
    let (sort, home, name) = match scope {
        "/" => (DIRECTORY, tenant, "DirectoryRole"),
        group => ("Group", group, "Group"),
    };
    let own = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, format!("{home}/{subject}").as_bytes());
    let policy = json!({
        "id": format!("{sort}_{home}_{own}"), "displayName": name, "description": name, "isOrganizationDefault": false,
        "scopeId": scope, "scopeType": sort, "lastModifiedBy": {"displayName": null, "id": null},
        // The service keeps this property in the list of assignments.
        "roleDefinitionId": subject,
    });
    policy.as_object().cloned().unwrap_or_default()
}

fn store(tenant: &mut Tenant, policies: &str, policy: Properties) {
    let Some(policies) = kinds::by_name(policies) else { return };
    if tenant.store.table(policies).get(text(&policy, "id")).is_some() {
        return;
    }
    let key = tenant.store.table_mut(policies).put(policies, &policy);
    for rule in rules() {
        if let Value::Object(rule) = rule {
            tenant.adopt(&key, "rules", rule);
        }
    }
}

/// Records that a rule of the settings was changed. "Group policies get a new id whenever they are modified".
/// <https://github.com/manicminer/hamilton>
pub fn touch(tenant: &mut Tenant, kind: &'static Kind, policy: &Properties) {
    let key = Key::of(text(policy, "id"));
    let mut policy = policy.clone();
    policy.insert("lastModifiedDateTime".to_owned(), tenant.clock.ticks().into());
    if kind.id_of.is_empty() {
        tenant.store.table_mut(kind).put(kind, &policy);
        return;
    }
    let fresh = format!("Group_{}_{}", text(&policy, "scopeId"), uuid::Uuid::new_v4());
    policy.insert("id".to_owned(), fresh.into());
    let old: Vec<Key> = tenant.links.targets(&key, "rules").into_iter().flatten().cloned().collect();
    let rows = tenant.store.children_mut("rules");
    let rules: Vec<Properties> = old.iter().filter_map(|rule| rows.live.remove(rule)).map(|row| row.unpack()).collect();
    tenant.links.forget(&key);
    tenant.store.table_mut(kind).take(kind, &key);
    let key = tenant.store.table_mut(kind).put(kind, &policy);
    for rule in rules {
        tenant.adopt(&key, "rules", rule);
    }
}

/// Removes the settings of roles that are gone.
pub fn unsettle(tenant: &mut Tenant) {
    let (Some(roles), Some(policies)) = (kinds::by_name("roleDefinition"), kinds::by_name("roleManagementPolicy"))
    else {
        return;
    };
    let gone = |properties: &Properties| tenant.store.table(roles).get(text(properties, "roleDefinitionId")).is_none();
    let rows = tenant.store.table(policies).live.iter();
    let gone: Vec<Key> = rows.filter(|(_, row)| gone(&row.unpack())).map(|(key, _)| key.clone()).collect();
    for key in gone {
        for rule in tenant.links.targets(&key, "rules").into_iter().flatten().cloned().collect::<Vec<_>>() {
            tenant.store.children_mut("rules").live.remove(&rule);
        }
        tenant.links.forget(&key);
        tenant.store.table_mut(policies).take(policies, &key);
    }
}

/// Returns the rules that a role or a group has before any change.
/// <https://learn.microsoft.com/graph/api/policyroot-list-rolemanagementpolicies>
pub(super) fn rules() -> Vec<Value> {
    let rule = |sort: &str, id: String, caller: &str, level: &str, more: Value| {
        let mut rule = json!({
            "@odata.type": format!("#microsoft.graph.unifiedRoleManagementPolicy{sort}Rule"), "id": id,
            "target": {"caller": caller, "operations": ["all"], "level": level, "inheritableSettings": [], "enforcedSettings": []},
        });
        if let (Value::Object(rule), Value::Object(more)) = (&mut rule, more) {
            rule.extend(more);
        }
        rule
    };
    let mut all = Vec::new();
    let callers = [
        ("Admin", "Eligibility", false, "P365D", json!([])),
        ("Admin", "Assignment", false, "P180D", json!(["Justification"])),
        ("EndUser", "Assignment", true, "PT8H", json!(["MultiFactorAuthentication", "Justification"])),
    ];
    for (caller, level, ends, longest, enabled) in callers {
        let id = |what: &str| format!("{what}_{caller}_{level}");
        let ends = json!({"isExpirationRequired": ends, "maximumDuration": longest});
        all.push(rule("Expiration", id("Expiration"), caller, level, ends));
        all.push(rule("Enablement", id("Enablement"), caller, level, json!({"enabledRules": enabled})));
        for recipient in ["Admin", "Requestor", "Approver"] {
            let notice = json!({"notificationType": "Email", "recipientType": recipient, "notificationLevel": "All",
                "isDefaultRecipientsEnabled": true, "notificationRecipients": []});
            all.push(rule("Notification", id(&format!("Notification_{recipient}")), caller, level, notice));
        }
    }
    let approval = json!({"setting": {
        "isApprovalRequired": false, "isApprovalRequiredForExtension": false, "isRequestorJustificationRequired": true,
        "approvalMode": "SingleStage", "approvalStages": [{
            "approvalStageTimeOutInDays": 1, "isApproverJustificationRequired": true, "escalationTimeInMinutes": 0,
            "isEscalationEnabled": false, "primaryApprovers": [], "escalationApprovers": [],
        }],
    }});
    all.push(rule("Approval", "Approval_EndUser_Assignment".to_owned(), "EndUser", "Assignment", approval));
    let context = json!({"isEnabled": false, "claimValue": null});
    let id = "AuthenticationContext_EndUser_Assignment".to_owned();
    all.push(rule("AuthenticationContext", id, "EndUser", "Assignment", context));
    all
}

/// Checks a change of a rule. "To update a rule, you must include the @odata.type":
/// <https://learn.microsoft.com/graph/api/unifiedrolemanagementpolicyrule-update>
pub(super) fn update_rule(old: &Properties, patch: &Properties) -> Result<(), Fault> {
    match patch.get("@odata.type") == old.get("@odata.type") {
        true => Ok(()),
        false => Err(Fault::bad("The '@odata.type' property is required and must be the type of the rule.")),
    }
}

/// Refuses rules that contradict each other: an authentication context, and multifactor authentication besides.
pub(super) fn check_rules(tenant: &Tenant, key: &Key, new: &Properties) -> Result<(), Fault> {
    let Some(policy) = tenant.links.sources(key, "rules").into_iter().flatten().next() else { return Ok(()) };
    let rule = |id: &str| if text(new, "id") == id { Some(new.clone()) } else { rule_of(tenant, policy, id) };
    let context = rule("AuthenticationContext_EndUser_Assignment");
    let context = context.is_some_and(|rule| rule.get("isEnabled") == Some(&Value::Bool(true)));
    let enablement = rule("Enablement_EndUser_Assignment");
    let mfa = enablement.is_some_and(|rule| strings(rule.get("enabledRules")).any(|one| one == MFA));
    match context && mfa {
        true => Err(Fault::new(
            400,
            "MfaAndAcrsConflict",
            "Multifactor authentication and an authentication context cannot be required at the same time.",
        )),
        false => Ok(()),
    }
}

const MFA: &str = "MultiFactorAuthentication";

fn rule_of(tenant: &Tenant, policy: &Key, id: &str) -> Option<Properties> {
    let key = child_key("rules", policy, id);
    tenant.store.children("rules")?.live.get(&key).map(Row::unpack)
}
