//! Requests and replies as Microsoft's description of Graph has them, which a mirror of the client would not know.

use entragit::emulator::{Options, Seed};
use serde_json::{Value, json};

use super::*;

#[tokio::test]
async fn application_is_deactivated() {
    let graph = empty().await;
    let path = format!("/v1.0/applications/{}", text(&application(&graph, json!({})).await["id"]));
    assert_eq!(graph.patch(&path, json!({"isDisabled": true})).await.0, 204);
    assert_eq!(graph.ok(&path).await["isDisabled"], true);
}

#[tokio::test]
async fn duration_in_plain_words_is_refused() {
    let graph = empty().await;
    let base = "/v1.0/identityGovernance/privilegedAccess/group";
    let (user, group) = (graph.user("ada").await, graph.group("Team").await);
    for (duration, status) in [("2 hours", 400), ("P1W", 400), ("PT2H", 201)] {
        let info = json!({"startDateTime": "2026-11-29T22:00:00Z", "expiration": {"type": "afterDuration", "duration": duration}});
        let body = json!({"accessId": "member", "principalId": user, "groupId": group, "action": "adminAssign",
            "justification": "because", "scheduleInfo": info});
        let answer = graph.post(&format!("{base}/assignmentScheduleRequests"), body).await;
        assert_eq!(answer.0, status, "{duration}: {answer:?}");
    }
}

/// <https://learn.microsoft.com/graph/api/conditionalaccessroot-list-namedlocations>
#[tokio::test]
async fn filter_by_type_finds_the_locations_of_that_type() {
    let graph = empty().await;
    let path = "/v1.0/identity/conditionalAccess/namedLocations";
    let office = json!({"@odata.type": "#microsoft.graph.ipNamedLocation", "displayName": "Office", "isTrusted": false,
        "ipRanges": [{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "12.34.221.11/22"}]});
    let home = json!({"@odata.type": "#microsoft.graph.countryNamedLocation", "displayName": "Home", "countriesAndRegions": ["DE"],
        "includeUnknownCountriesAndRegions": false});
    let office = text(&graph.made(path, office).await["id"]);
    let home = text(&graph.made(path, home).await["id"]);
    let found = |filter: &str| format!("{path}?$filter={filter}");
    let addresses = graph.pages(&found("isof('microsoft.graph.ipNamedLocation')")).await;
    assert_eq!(ids(&addresses), [office].into());
    let both = found("isof('microsoft.graph.countryNamedLocation') and displayName eq 'Home'");
    assert_eq!(ids(&graph.pages(&both).await), [home].into());
    assert_eq!(graph.get(&found("isof('microsoft.graph.user')")).await.0, 400);
}

#[tokio::test]
async fn values_that_are_never_null_are_set() {
    let graph = empty().await;
    let base = "/v1.0/directory/publicKeyInfrastructure/certificateBasedAuthConfigurations";
    let store = graph.made(base, json!({"displayName": "Cards"})).await;
    assert!(store["lastModifiedDateTime"].is_string(), "{store}");
    let body = json!({"@odata.type": "#microsoft.graph.certificateAuthorityDetail", "displayName": "Root", "certificateAuthorityType": "root",
        "certificate": "MIIBdzCCAR2gAwIBAgIUQ29udG9zbyBSb290IENBIDE="});
    let authority = graph.made(&format!("{base}/{}/certificateAuthorities", text(&store["id"])), body).await;
    for name in ["thumbprint", "expirationDateTime", "issuer", "issuerSubjectKeyIdentifier"] {
        assert!(authority[name].is_string(), "{name}: {authority}");
    }
    let partners = "/v1.0/policies/crossTenantAccessPolicy/partners";
    graph.made(partners, json!({"tenantId": TENANT})).await;
    let sync = format!("{partners}/{TENANT}/identitySynchronization");
    let body = json!({"displayName": "Fabrikam", "userSyncInbound": {"isSyncAllowed": true}});
    assert!(graph.send("PUT", &sync, Some(body), &[]).await.0.0 < 300);
    assert_eq!(graph.ok(&sync).await["tenantId"], TENANT);
    let settings = graph.ok("/v1.0/identityGovernance/lifecycleWorkflows/settings").await;
    assert!(settings["emailSettings"]["senderDomain"].is_string(), "{settings}");
}

#[tokio::test]
async fn change_is_answered_with_the_object_where_its_page_says_so() {
    let graph = Graph::with(Options { seed: Seed::Contoso, ..Options::default() }).await;
    let governance = "/v1.0/identityGovernance/entitlementManagement";
    for (list, patch, status) in [
        ("/v1.0/groupLifecyclePolicies".to_owned(), json!({"groupLifetimeInDays": 200}), 200),
        (format!("{governance}/connectedOrganizations"), json!({"description": "other"}), 202),
    ] {
        let id = text(&graph.pages(&list).await[0]["id"]);
        let answer = graph.patch(&format!("{list}/{id}"), patch.clone()).await;
        assert_eq!((answer.0, &answer.1["id"]), (status, &json!(id)), "{list}: {answer:?}");
        let (name, value) = patch.as_object().expect("object").iter().next().expect("one");
        assert_eq!(&answer.1[name], value);
    }
    let policies = format!("{governance}/assignmentPolicies");
    let policy = graph.pages(&policies).await[0].clone();
    let body = json!({"displayName": "Other", "description": policy["description"], "allowedTargetScope": policy["allowedTargetScope"]});
    let answer = graph.send("PUT", &format!("{policies}/{}", text(&policy["id"])), Some(body), &[]).await.0;
    assert_eq!((answer.0, &answer.1["displayName"]), (200, &json!("Other")), "{answer:?}");
}

#[tokio::test]
async fn patch_that_creates_an_authentication_context_answers_nothing() {
    let graph = empty().await;
    let path = "/v1.0/identity/conditionalAccess/authenticationContextClassReferences/c7";
    let body = json!({"displayName": "Contracts", "description": "d", "isAvailable": true});
    assert_eq!(graph.patch(path, body).await, (204, Value::Null));
    assert_eq!(graph.ok(path).await["displayName"], "Contracts");
}

#[tokio::test]
async fn key_that_is_no_text_is_refused() {
    let graph = empty().await;
    for (path, name, body) in [
        ("/v1.0/policies/crossTenantAccessPolicy/partners", "tenantId", json!({})),
        ("/v1.0/tenantRelationships/multiTenantOrganization/tenants", "tenantId", json!({"displayName": "x"})),
        ("/v1.0/policies/permissionGrantPolicies", "id", json!({"displayName": "x", "description": "d"})),
        ("/v1.0/directory/attributeSets", "id", json!({"description": "d", "maxAttributesPerSet": 5})),
    ] {
        for key in [json!(7), Value::Null] {
            let mut body = body.clone();
            body[name] = key;
            assert_eq!(graph.post(path, body.clone()).await.0, 400, "{path}: {body}");
        }
    }
}

#[tokio::test]
async fn read_only_properties_of_networks_and_agents_are_refused() {
    let graph = Graph::with(Options { seed: Seed::Contoso, ..Options::default() }).await;
    let path = "/beta/networkAccess/filteringPolicies";
    let id = text(&graph.pages(path).await[0]["id"]);
    let patch = json!({"lastModifiedDateTime": "2024-01-01T00:00:00Z"});
    assert_eq!(graph.patch(&format!("{path}/{id}"), patch).await.0, 400);
    for (path, kind) in [("/v1.0/applications", "agentIdentityBlueprint"), ("/v1.0/servicePrincipals", "agentIdentity")]
    {
        let body = json!({"@odata.type": format!("#microsoft.graph.{kind}"), "displayName": "Agent", "createdByAppId": TENANT});
        let refused = graph.post(path, body).await;
        assert!(refused.0 == 400 && text(&refused.1["error"]["message"]).contains("read-only"), "{kind}: {refused:?}");
    }
}

/// <https://learn.microsoft.com/graph/api/group-post-members>
#[tokio::test]
async fn device_is_a_member_of_a_group() {
    let graph = Graph::with(Options { seed: Seed::Contoso, ..Options::default() }).await;
    let device = text(&graph.pages("/v1.0/devices").await[0]["id"]);
    let members = format!("/v1.0/groups/{}/members", graph.group("Scanners").await);
    assert_eq!(graph.post(&format!("{members}/$ref"), reference(&device)).await.0, 204);
    assert_eq!(graph.pages(&members).await[0]["@odata.type"], "#microsoft.graph.device");
    assert_eq!(graph.get(&format!("/v1.0/directoryObjects/{device}")).await.0, 200);
    let mut team = security("Everybody");
    team["groupTypes"] = json!(["Unified"]);
    team["mailEnabled"] = json!(true);
    let team = text(&graph.made("/v1.0/groups", team).await["id"]);
    assert_eq!(graph.post(&format!("/v1.0/groups/{team}/members/$ref"), reference(&device)).await.0, 400);
}

/// W133
#[tokio::test]
async fn deleted_user_has_another_name_until_restored() {
    let graph = empty().await;
    let ada = graph.user("ada").await;
    let old = "ada@contoso.onmicrosoft.com";
    assert_eq!(graph.delete(&format!("/v1.0/users/{ada}")).await.0, 204);
    let bin = "/v1.0/directory/deletedItems";
    let name = text(&graph.ok(&format!("{bin}/{ada}")).await["userPrincipalName"]);
    assert_eq!(name, format!("{}{old}", ada.replace('-', "")));
    let other = graph.user("ada").await;
    let restore = format!("{bin}/{ada}/restore");
    assert_eq!(graph.send("POST", &restore, None, &[]).await.0.0, 400, "the name is taken");
    assert_eq!(graph.delete(&format!("/v1.0/users/{other}")).await.0, 204);
    assert_eq!(graph.send("POST", &restore, None, &[]).await.0.1["userPrincipalName"], old);
}

/// A mail address belongs to one account or group: a restore does not take it from another.
#[tokio::test]
async fn restore_with_a_taken_address_is_refused() {
    let graph = empty().await;
    let (first, second) = (graph.user("ada").await, graph.user("eve").await);
    let mail = json!({"mail": "shop@contoso.onmicrosoft.com"});
    assert_eq!(graph.patch(&format!("/v1.0/users/{first}"), mail.clone()).await.0, 204);
    assert_eq!(graph.delete(&format!("/v1.0/users/{first}")).await.0, 204);
    assert_eq!(graph.patch(&format!("/v1.0/users/{second}"), mail).await.0, 204);
    let restore = format!("/v1.0/directory/deletedItems/{first}/restore");
    let refused = graph.send("POST", &restore, None, &[]).await.0;
    assert!(refused.0 == 400 && text(&refused.1["error"]["message"]).contains("proxyAddresses"), "{refused:?}");
    assert_eq!(graph.delete(&format!("/v1.0/users/{second}")).await.0, 204);
    assert_eq!(graph.send("POST", &restore, None, &[]).await.0.0, 200);
}

/// W242, W245
#[tokio::test]
async fn audit_log_names_principals_and_resources() {
    let graph = empty().await;
    let role = "ef7437e6-4f94-4a0a-a110-a439eb2aa8f7";
    let roles = json!([{"id": role, "displayName": "R", "description": "d", "value": "R", "isEnabled": true,
        "allowedMemberTypes": ["Application"]}]);
    let mut principals = Vec::new();
    for more in [json!({"appRoles": roles}), json!({})] {
        let app = application(&graph, more).await;
        principals.push(text(&graph.made("/v1.0/servicePrincipals", json!({"appId": app["appId"]})).await["id"]));
    }
    let grant = json!({"principalId": principals[1], "resourceId": principals[0], "appRoleId": role});
    graph.made(&format!("/v1.0/servicePrincipals/{}/appRoleAssignedTo", principals[0]), grant).await;
    let entries = graph.pages("/v1.0/auditLogs/directoryAudits").await;
    let granted =
        entries.iter().find(|entry| entry["activityDisplayName"] == "Add app role assignment to service principal");
    let granted = granted.expect("an entry");
    let targets = granted["targetResources"].as_array().expect("targets");
    assert_eq!((targets.len(), &targets[0]["id"]), (1, &json!(principals[0])));
    let app = &granted["initiatedBy"]["app"];
    assert!(app["appId"].is_null() && app["servicePrincipalId"].is_string(), "{app}");
}

/// W52
#[tokio::test]
async fn policy_that_names_no_location_is_refused_by_its_number() {
    let graph = empty().await;
    let mut body = policy("Abroad");
    body["conditions"]["locations"] = json!({"includeLocations": [TENANT]});
    let refused = graph.post(POLICIES, body).await;
    assert!(refused.0 == 400 && text(&refused.1["error"]["message"]).starts_with("1040: NamedLocation"), "{refused:?}");
}

/// <https://github.com/microsoft/Microsoft365DSC/issues/7119>
#[tokio::test]
async fn policy_on_authentication_flows_only_blocks() {
    let graph = empty().await;
    let flows = |grant: Value, session: Value| {
        let mut body = policy("Device code");
        body["conditions"]["authenticationFlows"] = json!({"transferMethods": "deviceCodeFlow"});
        body["grantControls"] = grant;
        body["sessionControls"] = session;
        body
    };
    let (block, mfa) = (
        json!({"operator": "OR", "builtInControls": ["block"]}),
        json!({"operator": "OR", "builtInControls": ["mfa"]}),
    );
    let frequency = json!({"signInFrequency": {"isEnabled": true, "type": "hours", "value": 4}});
    assert_eq!(graph.post(POLICIES, flows(block.clone(), Value::Null)).await.0, 201);
    for body in [flows(mfa, Value::Null), flows(block.clone(), json!({})), flows(block, frequency)] {
        let refused = graph.post(POLICIES, body.clone()).await;
        assert!(refused.0 == 400 && text(&refused.1["error"]["message"]).starts_with("1235: "), "{body}: {refused:?}");
    }
}

/// Numbers of refusals are those that were met: 1011 for applications, 1007 for a property that Graph does not know.
#[tokio::test]
async fn policies_are_refused_by_the_numbers_of_graph() {
    let graph = empty().await;
    let app = application(&graph, json!({})).await;
    let about = |apps: Value| {
        let mut body = policy("Apps");
        body["conditions"]["applications"] = apps;
        body
    };
    for apps in [json!({"includeApplications": []}), json!({"includeApplications": [app["appId"]]})] {
        let refused = graph.post(POLICIES, about(apps.clone())).await;
        assert!(refused.0 == 400 && text(&refused.1["error"]["message"]).starts_with("1011: "), "{apps}: {refused:?}");
    }
    graph.made("/v1.0/servicePrincipals", json!({"appId": app["appId"]})).await;
    assert_eq!(graph.post(POLICIES, about(json!({"includeApplications": [app["appId"]]}))).await.0, 201);
    let mut body = policy("Unknown");
    body["conditions"]["moonPhases"] = json!(["full"]);
    let refused = graph.post(POLICIES, body).await;
    assert!(refused.0 == 400 && text(&refused.1["error"]["message"]).starts_with("1007: "), "{refused:?}");
    let mut body = policy("Nobody");
    body["conditions"]["users"] = json!({});
    assert!(text(&graph.post(POLICIES, body).await.1["error"]["message"]).starts_with("Conditional Access policy"));
}

#[tokio::test]
async fn audit_log_names_a_role_by_its_facts() {
    let graph = Graph::with(Options { seed: Seed::Contoso, ..Options::default() }).await;
    let user = graph.user("ada").await;
    let role = "62e90394-69f5-4237-9190-012177145e10";
    let body = json!({"principalId": user, "roleDefinitionId": role, "directoryScopeId": "/"});
    graph.made("/v1.0/roleManagement/directory/roleAssignments", body).await;
    let entries = graph.pages("/v1.0/auditLogs/directoryAudits").await;
    let added = entries.iter().find(|entry| entry["activityDisplayName"] == "Add member to role").expect("an entry");
    let targets = &added["targetResources"];
    assert_eq!((&targets[1]["type"], &targets[1]["displayName"]), (&json!("Role"), &Value::Null));
    let facts = targets[0]["modifiedProperties"].as_array().expect("facts");
    let names: Vec<&str> = facts.iter().filter_map(|fact| fact["displayName"].as_str()).collect();
    assert_eq!(names, ["Role.ObjectID", "Role.DisplayName", "Role.TemplateId", "Role.WellKnownObjectName"]);
    assert_eq!(facts[3]["newValue"], "\"TenantAdmins\"");
}

/// A policy shows a copy of its strength that is not the list's.
#[tokio::test]
async fn strength_in_a_policy_differs_from_the_list() {
    let graph = Graph::with(Options { seed: Seed::Contoso, ..Options::default() }).await;
    let mfa = "00000000-0000-0000-0000-000000000002";
    let mut body = policy("Strong");
    body["grantControls"] = json!({"operator": "AND", "builtInControls": [], "authenticationStrength": {"id": mfa}});
    let made = graph.made(POLICIES, body).await;
    let listed = graph.ok(&format!("/v1.0/policies/authenticationStrengthPolicies/{mfa}")).await;
    let shown = &made["grantControls"]["authenticationStrength"];
    assert_eq!(shown["id"], mfa);
    assert_eq!(listed["createdDateTime"], "2021-12-01T00:00:00Z", "{listed}");
    assert_eq!(shown["createdDateTime"], "2021-12-01T08:00:00Z", "{shown}");
}
