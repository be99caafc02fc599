//! Tests which requests the writes become.

use super::*;
use crate::kinds;

fn kind(name: &str) -> &'static Kind {
    kinds::by_name(name).unwrap()
}

fn show(write: &Write) -> String {
    show_known(write, &Known::default())
}

fn show_known(write: &Write, known: &Known) -> String {
    match request_of(write, "https://graph.microsoft.com", known) {
        Ok(call) => {
            let body = call.body.map(|body| format!("\n{}", Value::Object(body))).unwrap_or_default();
            format!("{} {}{body}\n{:?} {}", call.method, call.path, call.repeat, call.permissions.join(" "))
        }
        Err(error) => error.to_string(),
    }
}

fn map(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[test]
fn objects() {
    let (group, id) = (kind("group"), "g1".to_owned());
    insta::assert_snapshot!(show(&Write::Create { kind: group, body: map(json!({"displayName": "A"})) }), @r#"
    POST /v1.0/groups
    {"displayName":"A"}
    Once Group.ReadWrite.All
    "#);
    insta::assert_snapshot!(show(&Write::Restore { kind: group, id: id.clone() }), @"
    POST /v1.0/directory/deletedItems/g1/restore
    {}
    Idempotent Group.ReadWrite.All
    ");
    insta::assert_snapshot!(show(&Write::Restore { kind: kind("conditionalAccessPolicy"), id: id.clone() }), @"
    POST /beta/identity/conditionalAccess/deletedItems/policies/g1/restore
    {}
    Idempotent Policy.ReadWrite.ConditionalAccess
    ");
    insta::assert_snapshot!(show(&Write::Update { kind: group, id: "a/../b?c".into(), body: map(json!({"displayName": null})) }), @r#"
    PATCH /v1.0/groups/a%2F..%2Fb%3Fc
    {"displayName":null}
    Idempotent Group.ReadWrite.All
    "#);
    insta::assert_snapshot!(show(&Write::Delete { kind: group, id }), @"
    DELETE /v1.0/groups/g1
    Idempotent Group.ReadWrite.All
    ");
}

#[test]
fn singletons_and_actions() {
    let policy = kind("authorizationPolicy");
    insta::assert_snapshot!(show(&Write::Update { kind: policy, id: "authorizationPolicy".into(), body: map(json!({"a": 1})) }), @r#"
    PATCH /v1.0/policies/authorizationPolicy
    {"a":1}
    Idempotent Policy.ReadWrite.Authorization
    "#);
    insta::assert_snapshot!(show(&Write::Delete { kind: policy, id: "x".into() }), @"nothing was sent: refused (400 not-possible): authorizationPolicy: it cannot be deleted");
    insta::assert_snapshot!(show(&Write::Create { kind: policy, body: Map::new() }), @"nothing was sent: refused (400 not-possible): authorizationPolicy: every tenant has one");
    insta::assert_snapshot!(show(&Write::Call { kind: kind("authenticationStrengthPolicy"), id: "s".into(), property: "allowedCombinations", value: json!(["fido2"]) }), @r#"
    POST /v1.0/policies/authenticationStrengthPolicies/s/updateAllowedCombinations
    {"allowedCombinations":["fido2"]}
    Idempotent Policy.ReadWrite.ConditionalAccess
    "#);
    insta::assert_snapshot!(show(&Write::Relink { kind: kind("authenticationMethodsPolicy"), id: "authenticationMethodsPolicy".into(), link: "authenticationMethodConfigurations", child: "Fido2".into(), value: map(json!({"state": "enabled"})) }), @r#"
    PATCH /beta/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/Fido2
    {"state":"enabled"}
    Idempotent Policy.ReadWrite.AuthenticationMethod
    "#);
}

#[test]
fn references() {
    insta::assert_snapshot!(show(&Write::Link { kind: kind("group"), id: "g".into(), link: "members", value: json!("u") }), @r#"
    POST /v1.0/groups/g/members/$ref
    {"@odata.id":"https://graph.microsoft.com/v1.0/directoryObjects/u"}
    Idempotent GroupMember.ReadWrite.All
    "#);
    insta::assert_snapshot!(show(&Write::Unlink { kind: kind("group"), id: "g".into(), link: "members", child: "u".into() }), @"
    DELETE /v1.0/groups/g/members/u/$ref
    Idempotent GroupMember.ReadWrite.All
    ");
    insta::assert_snapshot!(show(&Write::Link { kind: kind("user"), id: "u".into(), link: "manager", value: json!("m") }), @r#"
    PUT /v1.0/users/u/manager/$ref
    {"@odata.id":"https://graph.microsoft.com/v1.0/directoryObjects/m"}
    Idempotent User.ReadWrite.All
    "#);
    insta::assert_snapshot!(show(&Write::Unlink { kind: kind("user"), id: "u".into(), link: "manager", child: "m".into() }), @"
    DELETE /v1.0/users/u/manager/$ref
    Idempotent User.ReadWrite.All
    ");
    insta::assert_snapshot!(show(&Write::Link { kind: kind("group"), id: "g".into(), link: "nothing", value: json!("u") }), @"nothing was sent: refused (400 not-possible): group: it has no such link");
    insta::assert_snapshot!(show(&Write::Delete { kind: kind("group"), id: "..".into() }), @r#"nothing was sent: refused (400 invalid-id): ".." cannot be an object's id"#);
}

#[test]
fn children() {
    let principal = kind("servicePrincipal");
    insta::assert_snapshot!(show(&Write::Link { kind: principal, id: "s".into(), link: "appRoleAssignedTo", value: json!({"principalId": "u", "appRoleId": "r"}) }), @r#"
    POST /v1.0/servicePrincipals/s/appRoleAssignedTo
    {"appRoleId":"r","principalId":"u","resourceId":"s"}
    Once AppRoleAssignment.ReadWrite.All
    "#);
    insta::assert_snapshot!(show(&Write::Unlink { kind: principal, id: "s".into(), link: "appRoleAssignedTo", child: "a".into() }), @"
    DELETE /v1.0/servicePrincipals/s/appRoleAssignedTo/a
    Idempotent AppRoleAssignment.ReadWrite.All
    ");
    insta::assert_snapshot!(show(&Write::Link { kind: principal, id: "s".into(), link: "oauth2PermissionGrants", value: json!({"scope": "User.Read"}) }), @r#"
    POST /v1.0/oauth2PermissionGrants
    {"clientId":"s","scope":"User.Read"}
    Once DelegatedPermissionGrant.ReadWrite.All
    "#);
    insta::assert_snapshot!(show(&Write::Relink { kind: principal, id: "s".into(), link: "oauth2PermissionGrants", child: "p".into(), value: map(json!({"scope": "x"})) }), @r#"
    PATCH /v1.0/oauth2PermissionGrants/p
    {"scope":"x"}
    Idempotent DelegatedPermissionGrant.ReadWrite.All
    "#);
    // Graph puts the application's id before the name that it is given.
    let extension = json!({"name": "extension_7b7d0f91b50a4faabc76b3224205ff04_cost_centre", "dataType": "String"});
    insta::assert_snapshot!(show(&Write::Link { kind: kind("application"), id: "a".into(), link: "extensionProperties", value: extension }), @r#"
    POST /v1.0/applications/a/extensionProperties
    {"dataType":"String","name":"cost_centre"}
    Once Application.ReadWrite.All
    "#);
}

/// Checks that objects with requests of their own are requested only once: a second request would be another one.
#[test]
fn requests() {
    let schedule = kind("roleEligibilitySchedule");
    let body = map(json!({"principalId": "u", "roleDefinitionId": "r", "directoryScopeId": "/",
        "scheduleInfo": {"startDateTime": "2026-01-01T00:00:00Z", "expiration": {"type": "noExpiration"}}}));
    insta::assert_snapshot!(show(&Write::Create { kind: schedule, body: body.clone() }), @r#"
    POST /v1.0/roleManagement/directory/roleEligibilityScheduleRequests
    {"action":"adminAssign","directoryScopeId":"/","justification":"entragit apply","principalId":"u","roleDefinitionId":"r","scheduleInfo":{"expiration":{"type":"noExpiration"},"startDateTime":"2026-01-01T00:00:00Z"}}
    Once RoleEligibilitySchedule.ReadWrite.Directory
    "#);
    let known = Known { live: body, ..Known::default() };
    let changed = map(json!({"scheduleInfo": {"expiration": {"type": "afterDuration", "duration": "P90D"}}}));
    insta::assert_snapshot!(show_known(&Write::Update { kind: schedule, id: "s".into(), body: changed }, &known), @r#"
    POST /v1.0/roleManagement/directory/roleEligibilityScheduleRequests
    {"action":"adminUpdate","directoryScopeId":"/","justification":"entragit apply","principalId":"u","roleDefinitionId":"r","scheduleInfo":{"expiration":{"duration":"P90D","type":"afterDuration"}},"targetScheduleId":"s"}
    Once RoleEligibilitySchedule.ReadWrite.Directory
    "#);
    insta::assert_snapshot!(show_known(&Write::Delete { kind: schedule, id: "s".into() }, &known), @r#"
    POST /v1.0/roleManagement/directory/roleEligibilityScheduleRequests
    {"action":"adminRemove","directoryScopeId":"/","justification":"entragit apply","principalId":"u","roleDefinitionId":"r","scheduleInfo":{"expiration":{"type":"noExpiration"},"startDateTime":"2026-01-01T00:00:00Z"},"targetScheduleId":"s"}
    Once RoleEligibilitySchedule.ReadWrite.Directory
    "#);
}

/// Checks that some children are added and removed by requests, and that some name a part by the id that was found for it.
#[test]
fn children_by_request() {
    let (catalog, link) = (kind("accessPackageCatalog"), "resources");
    let value = json!({"originId": "g", "originSystem": "AadGroup"});
    insta::assert_snapshot!(show(&Write::Link { kind: catalog, id: "c".into(), link, value }), @r#"
    POST /v1.0/identityGovernance/entitlementManagement/resourceRequests
    {"catalog":{"id":"c"},"requestType":"adminAdd","resource":{"originId":"g","originSystem":"AadGroup"}}
    Once EntitlementManagement.ReadWrite.All
    "#);
    insta::assert_snapshot!(show(&Write::Unlink { kind: catalog, id: "c".into(), link, child: "r".into() }), @r#"
    POST /v1.0/identityGovernance/entitlementManagement/resourceRequests
    {"catalog":{"id":"c"},"requestType":"adminRemove","resource":{"id":"r"}}
    Once EntitlementManagement.ReadWrite.All
    "#);
    let value = json!({"role": {"originId": "Member_g", "resource": {"originId": "g"}}, "scope": {"originId": "g"}});
    let known = Known { found: Some("r2".into()), ..Known::default() };
    let write = Write::Link { kind: kind("accessPackage"), id: "p".into(), link: "resourceRoleScopes", value };
    insta::assert_snapshot!(show_known(&write, &known), @r#"
    POST /v1.0/identityGovernance/entitlementManagement/accessPackages/p/resourceRoleScopes
    {"role":{"originId":"Member_g","resource":{"id":"r2","originId":"g"}},"scope":{"originId":"g"}}
    Once EntitlementManagement.ReadWrite.All
    "#);
}

#[test]
fn chosen_ids_and_wholes() {
    insta::assert_snapshot!(show(&Write::Create { kind: kind("authenticationContextClassReference"), body: map(json!({"id": "c7", "displayName": "A"})) }), @r#"
    PATCH /v1.0/identity/conditionalAccess/authenticationContextClassReferences/c7
    {"displayName":"A"}
    Idempotent AuthenticationContext.ReadWrite.All
    "#);
    insta::assert_snapshot!(show(&Write::Update { kind: kind("deviceRegistrationPolicy"), id: "deviceRegistrationPolicy".into(), body: map(json!({"userDeviceQuota": 5})) }), @r#"
    PUT /v1.0/policies/deviceRegistrationPolicy
    {"userDeviceQuota":5}
    Idempotent Policy.ReadWrite.DeviceConfiguration
    "#);
}

/// Checks that policies are assigned at the objects to which they apply.
#[test]
fn links_written_at_their_other_end() {
    let known = Known { target: Some("servicePrincipal"), ..Known::default() };
    let link = Write::Link { kind: kind("claimsMappingPolicy"), id: "p".into(), link: "appliesTo", value: json!("s") };
    insta::assert_snapshot!(show_known(&link, &known), @r#"
    POST /v1.0/servicePrincipals/s/claimsMappingPolicies/$ref
    {"@odata.id":"https://graph.microsoft.com/v1.0/policies/claimsMappingPolicies/p"}
    Idempotent Policy.ReadWrite.ApplicationConfiguration
    "#);
    let unlink =
        Write::Unlink { kind: kind("claimsMappingPolicy"), id: "p".into(), link: "appliesTo", child: "s".into() };
    insta::assert_snapshot!(show_known(&unlink, &known), @r#"
    DELETE /v1.0/servicePrincipals/s/claimsMappingPolicies/p/$ref
    Idempotent Policy.ReadWrite.ApplicationConfiguration
    "#);
}
