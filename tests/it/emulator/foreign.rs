//! The embedded tenant as programs that nobody here wrote use it: each test is one thing that such a program expects of Graph.

mod described;

use entragit::emulator::{Options, Seed};
use serde_json::{Value, json};

use crate::support::graph::*;

const FULL: &[(&str, &str)] = &[("Accept", "application/json;odata.metadata=full")];
const TENANT: &str = "84841066-274d-4ec0-a5c1-276be684bdd3";

async fn empty() -> Graph {
    Graph::with(Options { seed: Seed::Empty, ..Options::default() }).await
}

async fn application(graph: &Graph, more: Value) -> Value {
    let mut body = json!({"displayName": "App"});
    body.as_object_mut().expect("object").extend(more.as_object().cloned().expect("object"));
    graph.made("/v1.0/applications", body).await
}

#[tokio::test]
async fn full_metadata_shows_types_and_ids() {
    let graph = empty().await;
    let user = graph.user("ada").await;
    let ((_, shown), headers) = graph.send("GET", &format!("/v1.0/users/{user}"), None, FULL).await;
    let id = text(&shown["@odata.id"]);
    assert!(id.contains("/v2/") && id.ends_with(&format!("/directoryObjects/{user}/Microsoft.DirectoryServices.User")));
    assert_eq!(shown["@odata.type"], "#microsoft.graph.user");
    assert_eq!(shown["businessPhones@odata.type"], "#Collection(String)");
    assert!(headers["content-type"].to_str().expect("text").contains("odata.metadata=full"));
    let (_, list) = graph.send("GET", "/v1.0/users", None, FULL).await.0;
    assert!(list["value"].as_array().expect("list").iter().all(|user| user["@odata.id"].is_string()), "{list}");
    let (_, made) = graph.send("POST", "/v1.0/groups", Some(security("Team")), FULL).await.0;
    assert!(text(&made["@odata.id"]).ends_with("Microsoft.DirectoryServices.Group"), "{made}");
    assert_eq!(graph.ok(&format!("/v1.0/users/{user}")).await.get("@odata.id"), None);
}

#[tokio::test]
async fn reference_urls_as_graph_returns_them_are_accepted() {
    let graph = empty().await;
    let (user, group) = (graph.user("ada").await, graph.group("Team").await);
    let members = format!("/v1.0/groups/{group}/members");
    let typed = format!("directoryObjects/{user}/Microsoft.DirectoryServices.User");
    let own = text(&graph.send("GET", &format!("/v1.0/users/{user}"), None, FULL).await.0.1["@odata.id"]);
    for url in [
        format!("https://graph.microsoft.com/v1.0/{TENANT}/directoryObjects/{user}"),
        format!("https://graph.microsoft.com/v2/{TENANT}/{typed}"),
        format!("https://graph.microsoft.com/v1.0/{typed}"),
        own,
    ] {
        let answer = graph.post(&format!("{members}/$ref"), json!({"@odata.id": url})).await;
        assert_eq!(answer.0, 204, "{url}: {answer:?}");
        assert_eq!(graph.delete(&format!("{members}/{user}/$ref")).await.0, 204);
        let bind = json!({"members@odata.bind": [url]});
        assert_eq!(graph.patch(&format!("/v1.0/groups/{group}"), bind).await.0, 204, "{url}");
        assert_eq!(graph.delete(&format!("{members}/{user}/$ref")).await.0, 204);
    }
    let wrong = json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{user}/owners")});
    assert_eq!(graph.post(&format!("{members}/$ref"), wrong).await.0, 400);
}

#[tokio::test]
async fn policy_is_assigned_by_its_reference_as_directory_object() {
    let graph = empty().await;
    let app = application(&graph, json!({})).await;
    let principal = text(&graph.made("/v1.0/servicePrincipals", json!({"appId": app["appId"]})).await["id"]);
    let definition = r#"{"ClaimsMappingPolicy":{"Version":1,"IncludeBasicClaimSet":"true"}}"#;
    let body = json!({"displayName": "Claims", "definition": [definition]});
    let policy = text(&graph.made("/v1.0/policies/claimsMappingPolicies", body).await["id"]);
    let path = format!("/v1.0/servicePrincipals/{principal}/claimsMappingPolicies");
    assert_eq!(graph.post(&format!("{path}/$ref"), reference(&policy)).await.0, 204);
    assert_eq!(ids(&graph.pages(&path).await), [policy].into());
}

#[tokio::test]
async fn secret_of_a_new_application_is_shown_once() {
    let graph = empty().await;
    let made = application(&graph, json!({"passwordCredentials": [{"displayName": "ci"}]})).await;
    let made_secret = &made["passwordCredentials"][0];
    assert!(made_secret["secretText"].is_string() && made_secret["keyId"].is_string(), "{made}");
    let path = format!("/v1.0/applications/{}", text(&made["id"]));
    let kept = graph.ok(&path).await["passwordCredentials"][0].clone();
    assert_eq!((&kept["displayName"], &kept["keyId"]), (&json!("ci"), &made_secret["keyId"]));
    assert!(kept["secretText"].is_null(), "{kept}");
}

#[tokio::test]
async fn service_principal_starts_with_the_addresses_of_its_application() {
    let graph = empty().await;
    let web = json!({"homePageUrl": "https://contoso.com/app", "logoutUrl": "https://contoso.com/out"});
    let app = application(&graph, json!({"web": web})).await;
    let made = graph.made("/v1.0/servicePrincipals", json!({"appId": app["appId"]})).await;
    assert_eq!((&made["homepage"], &made["logoutUrl"]), (&web["homePageUrl"], &web["logoutUrl"]));
}

#[tokio::test]
async fn request_for_a_group_names_its_schedule_after_the_group() {
    let graph = empty().await;
    let (user, group) = (graph.user("ada").await, graph.group("Team").await);
    let base = "/v1.0/identityGovernance/privilegedAccess/group";
    for (requests, schedules) in
        [("eligibilityScheduleRequests", "eligibilitySchedules"), ("assignmentScheduleRequests", "assignmentSchedules")]
    {
        let info = json!({"startDateTime": "2026-11-29T22:00:00Z", "expiration": {"type": "afterDuration", "duration": "P30D"}});
        let body = json!({"accessId": "member", "principalId": user, "groupId": group, "action": "adminAssign",
            "justification": "because", "scheduleInfo": info});
        let made = graph.made(&format!("{base}/{requests}"), body).await;
        let schedule = text(&made["targetScheduleId"]);
        assert_eq!(schedule, format!("{group}_member_{}", text(&made["id"])));
        assert!(made["completedDateTime"].is_string() && made["createdBy"]["application"]["id"].is_string(), "{made}");
        let listed = graph.ok(&format!("{base}/{schedules}?$filter=groupId eq '{group}'")).await;
        assert_eq!((&listed["value"][0]["id"], &listed["value"][0]["createdUsing"]), (&json!(schedule), &made["id"]));
        assert_eq!(graph.get(&format!("{base}/{schedules}/{schedule}")).await.0, 200);
    }
}

#[tokio::test]
async fn federated_credential_with_an_expression_needs_no_subject() {
    let graph = empty().await;
    let app = text(&application(&graph, json!({})).await["id"]);
    let body = json!({"name": "flex", "issuer": "https://token.actions.githubusercontent.com",
        "audiences": ["api://AzureADTokenExchange"],
        "claimsMatchingExpression": {"languageVersion": 1, "value": "claims['sub'] matches 'repo:contoso/*'"}});
    graph.made(&format!("/beta/applications/{app}/federatedIdentityCredentials"), body).await;
}

#[tokio::test]
async fn federated_credential_is_picked_by_its_name() {
    let graph = empty().await;
    let app = text(&application(&graph, json!({})).await["id"]);
    let path = format!("/v1.0/applications/{app}/federatedIdentityCredentials");
    let body = json!({"name": "ci", "issuer": "https://token.actions.githubusercontent.com", "subject": "repo:a/b",
        "audiences": ["api://AzureADTokenExchange"]});
    let made = graph.made(&path, body).await;
    assert_eq!(graph.ok(&format!("{path}/ci")).await["id"], made["id"]);
    assert_eq!(graph.get(&format!("{path}/other")).await.0, 404);
    assert_eq!(graph.delete(&format!("{path}/ci")).await.0, 204);
}

#[tokio::test]
async fn group_in_beta_has_its_writeback() {
    let graph = empty().await;
    let path = format!("/beta/groups/{}", graph.group("Team").await);
    let unset = json!({"isEnabled": null, "onPremisesGroupType": null});
    assert_eq!(graph.ok(&path).await["writebackConfiguration"], unset);
    let set = json!({"isEnabled": true, "onPremisesGroupType": "universalSecurityGroup"});
    assert_eq!(graph.patch(&path, json!({"writebackConfiguration": set})).await.0, 204);
    assert_eq!(graph.ok(&path).await["writebackConfiguration"], set);
}

#[tokio::test]
async fn entitlement_objects_are_dated() {
    let graph = empty().await;
    let base = "/v1.0/identityGovernance/entitlementManagement";
    let organization =
        json!({"displayName": "Fabrikam", "description": "d", "state": "configured", "identitySources": []});
    for (list, body) in
        [("catalogs", json!({"displayName": "Sales", "description": "d"})), ("connectedOrganizations", organization)]
    {
        let made = graph.made(&format!("{base}/{list}"), body).await;
        assert!(made["createdDateTime"].is_string() && made["modifiedDateTime"].is_string(), "{list}: {made}");
        let path = format!("{base}/{list}/{}", text(&made["id"]));
        assert!(graph.patch(&path, json!({"description": "other"})).await.0 < 300);
        let now = graph.ok(&path).await;
        assert_eq!(now["createdDateTime"], made["createdDateTime"]);
        assert_ne!(now["modifiedDateTime"], made["modifiedDateTime"]);
    }
}

#[tokio::test]
async fn graph_is_found_by_its_address() {
    for seed in [Seed::Contoso, Seed::Random(250)] {
        let graph = Graph::with(Options { seed, ..Options::default() }).await;
        let graph_itself = graph.ok("/v1.0/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')").await;
        let names = graph_itself["servicePrincipalNames"].as_array().expect("list");
        assert!(names.contains(&json!("https://graph.microsoft.com")), "{names:?}");
    }
}

#[tokio::test]
async fn caller_is_a_principal_that_can_be_read_and_named() {
    let mut graph = empty().await;
    let form =
        "grant_type=client_credentials&client_id=11111111-1111-4111-8111-111111111111&client_secret=s&scope=x/.default";
    graph.token = graph.sign_in(form).await;
    let payload = graph.token.split('.').nth(1).expect("payload");
    let payload = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, payload).expect("base64");
    let claims: Value = serde_json::from_slice(&payload).expect("claims");
    let caller = text(&claims["oid"]);
    assert_eq!(
        graph.ok(&format!("/v1.0/directoryObjects/{caller}")).await["@odata.type"],
        "#microsoft.graph.servicePrincipal"
    );
    let owners = format!("/v1.0/groups/{}/owners/$ref", graph.group("Team").await);
    assert_eq!(graph.post(&owners, reference(&caller)).await.0, 204);
}

#[tokio::test]
async fn empty_object_clears_claims_and_sign_on_settings() {
    let graph = empty().await;
    let app = application(&graph, json!({"optionalClaims": {"idToken": [{"name": "auth_time"}]}})).await;
    let path = format!("/v1.0/applications/{}", text(&app["id"]));
    assert_eq!(graph.patch(&path, json!({"optionalClaims": {}})).await.0, 204);
    assert_eq!(graph.ok(&path).await["optionalClaims"]["idToken"], json!([]));
    let body = json!({"appId": app["appId"], "samlSingleSignOnSettings": {"relayState": "/start"}});
    let path = format!("/v1.0/servicePrincipals/{}", text(&graph.made("/v1.0/servicePrincipals", body).await["id"]));
    assert_eq!(graph.patch(&path, json!({"samlSingleSignOnSettings": {}})).await.0, 204);
    assert_eq!(graph.ok(&path).await["samlSingleSignOnSettings"]["relayState"], Value::Null);
}

#[tokio::test]
async fn platform_linux_is_shown_to_every_client() {
    let graph = empty().await;
    let mut body = policy("Linux");
    body["conditions"]["platforms"] = json!({"includePlatforms": ["linux"]});
    let id = text(&graph.made(POLICIES, body).await["id"]);
    let shown = graph.ok(&format!("{POLICIES}/{id}")).await;
    assert_eq!(shown["conditions"]["platforms"]["includePlatforms"], json!(["linux"]));
}

#[tokio::test]
async fn graph_comes_back_with_its_permissions() {
    let graph = Graph::with(Options { seed: Seed::Contoso, ..Options::default() }).await;
    let app_id = "00000003-0000-0000-c000-000000000000";
    let path = format!("/v1.0/servicePrincipals(appId='{app_id}')");
    let before = graph.ok(&path).await;
    assert_eq!(graph.delete(&format!("/v1.0/servicePrincipals/{}", text(&before["id"]))).await.0, 204);
    let made = graph.made("/v1.0/servicePrincipals", json!({"appId": app_id})).await;
    assert_ne!(made["id"], before["id"]);
    for list in ["appRoles", "oauth2PermissionScopes", "servicePrincipalNames"] {
        assert!(before[list] != json!([]) && made[list] == before[list], "{list}: {made}");
    }
}

#[tokio::test]
async fn weak_password_is_refused() {
    let graph = empty().await;
    let mut body = person("ada");
    body["passwordProfile"] = json!({"password": "B"});
    let refused = graph.post("/v1.0/users", body).await;
    assert!(refused.0 == 400 && text(&refused.1["error"]["message"]).contains("complexity"), "{refused:?}");
    let path = format!("/v1.0/users/{}", graph.user("ada").await);
    for (password, status) in [("B", 400), ("onlyletters", 400), ("Three-sorts", 204), ("Pa55word", 204)] {
        let patch = json!({"passwordProfile": {"password": password}});
        assert_eq!(graph.patch(&path, patch).await.0, status, "{password}");
    }
}
