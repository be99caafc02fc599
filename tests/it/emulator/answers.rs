//! The embedded tenant over HTTP, by a client that knows nothing of ours: what it answers is what Graph's pages say.

use crate::support::graph::*;
use entragit::emulator::{Options, Seed};
use serde_json::{Value, json};

#[tokio::test]
async fn tokens_are_asked_for() {
    let mut graph =
        Graph::with(Options { seed: Seed::Empty, roles: Some(vec!["User.Read.All".into()]), ..Options::default() })
            .await;
    assert_eq!(code(&graph.post("/v1.0/users", person("a")).await), (403, "Authorization_RequestDenied".into()));
    assert_eq!(graph.get("/v1.0/users").await.0, 200);
    assert_eq!(code(&graph.get("/v1.0/groups").await), (403, "Authorization_RequestDenied".into()));
    graph.token = "x.y.z".into();
    assert_eq!(code(&graph.get("/v1.0/users").await), (401, "InvalidAuthenticationToken".into()));
    let (status, body) = graph.form("grant_type=client_credentials&client_id=c&scope=x/.default").await;
    assert_eq!((status, body["error"].as_str()), (401, Some("invalid_client")));
    assert!(text(&body["error_description"]).starts_with("AADSTS7000216"));
    let (status, body) =
        graph.form("grant_type=password&client_id=c&scope=x/.default&username=nobody@x&password=p").await;
    assert_eq!((status, body["error"].as_str()), (400, Some("invalid_grant")));
    graph.tenant.stop().await.expect("stopped");
}

#[tokio::test]
async fn lists_are_paged_and_stay_whole_while_they_change() {
    let graph = Graph::new().await;
    let (first, headers) = graph.send("GET", "/v1.0/users", None, &[]).await;
    assert!(headers["content-type"].to_str().expect("text").starts_with("application/json;odata.metadata=minimal;"));
    assert!(
        headers.contains_key("request-id") && headers.contains_key("client-request-id") && headers.contains_key("date")
    );
    assert_eq!(headers["x-ms-resource-unit"], "2");
    assert_eq!(first.1["value"].as_array().map(Vec::len), Some(100));
    assert!(text(&first.1["@odata.context"]).ends_with("/v1.0/$metadata#users"));
    assert!(
        first.1["value"]
            .as_array()
            .expect("value")
            .iter()
            .all(|user| user.as_object().map(serde_json::Map::len) == Some(11))
    );
    let all = ids(&graph.pages("/v1.0/users?$select=id&$top=999").await);
    // Between two pages somebody comes and somebody goes; everyone who stays is seen once.
    let mut seen = ids(first.1["value"].as_array().expect("value"));
    graph.user("newcomer").await;
    let gone = seen.iter().next().cloned().expect("one");
    assert_eq!(graph.delete(&format!("/v1.0/users/{gone}")).await.0, 204);
    let rest = graph.pages(first.1["@odata.nextLink"].as_str().expect("link")).await;
    assert!(rest.iter().all(|user| seen.insert(text(&user["id"]))), "nobody twice");
    assert!(all.is_subset(&seen));
    assert_eq!(code(&graph.get("/v1.0/users?$top=1000").await), (400, "Request_BadRequest".into()));
    assert_eq!(code(&graph.get("/v1.0/users?$skiptoken=nonsense").await), (400, "Directory_ExpiredPageToken".into()));
    assert_eq!(code(&graph.get("/v1.0/users?$select=nope").await), (400, "BadRequest".into()));
    assert_eq!(graph.get("/v1.0/users?$select=aboutMe").await.0, 501);
    assert_eq!(code(&graph.get("/v1.0/nowhere").await).0, 400);
}

#[tokio::test]
async fn filters_follow_the_rules_of_the_directory() {
    let graph = Graph::new().await;
    let adele = graph.user("adele").await;
    assert_eq!(ids(&graph.pages("/v1.0/users?$filter=startswith(displayName,'ADELE')").await), [adele.clone()].into());
    assert_eq!(ids(&graph.pages(&format!("/v1.0/users?$filter=id in ('{adele}','x')")).await), [adele.clone()].into());
    let ne = "/v1.0/users?$filter=displayName ne 'x'&$count=true&$top=5";
    assert_eq!(code(&graph.get(ne).await), (400, "Request_UnsupportedQuery".into()));
    let (status, page) = graph.advanced(ne).await;
    assert_eq!(
        (status, page["@odata.count"].as_u64()),
        (200, Some(graph.pages("/v1.0/users?$top=999").await.len() as u64))
    );
    // Headers are not carried over: the next page needs them again.
    let next = text(&page["@odata.nextLink"]);
    assert_eq!(graph.get(&next).await.0, 400);
    assert!(graph.advanced(&next).await.1["@odata.count"].is_null());
    assert_eq!(graph.ok("/v1.0/users?$count=true").await["@odata.count"], Value::Null);
    assert_eq!(
        code(&graph.get("/v1.0/users?$filter=contains(displayName,'x')").await),
        (400, "Request_UnsupportedQuery".into())
    );
    assert_eq!(code(&graph.get("/v1.0/users?$filter=nope eq 'x'").await), (400, "BadRequest".into()));
    assert_eq!(graph.advanced("/v1.0/users/$count").await.1, json!(graph.pages("/v1.0/users?$top=999").await.len()));
    assert_eq!(graph.advanced("/v1.0/users?$search=\"displayName:adel\"").await.1["value"][0]["id"], adele.as_str());
    let ordered = graph.pages("/v1.0/users?$orderby=displayName&$top=50").await;
    assert!(
        ordered
            .windows(2)
            .all(|two| text(&two[0]["displayName"]).to_lowercase() <= text(&two[1]["displayName"]).to_lowercase())
    );
    let dynamic = json!({"displayName": "All", "mailEnabled": false, "mailNickname": "all", "securityEnabled": true,
        "groupTypes": ["DynamicMembership"], "membershipRule": "user.department -eq \"x\"", "membershipRuleProcessingState": "On"});
    let dynamic = text(&graph.made("/v1.0/groups", dynamic).await["id"]);
    let listed = graph.pages("/v1.0/groups?$filter=groupTypes/any(c:c eq 'DynamicMembership')").await;
    assert!(
        ids(&listed).contains(&dynamic) && listed.iter().all(|group| group["groupTypes"][0] == "DynamicMembership")
    );
}

#[tokio::test]
async fn deleted_objects_wait_in_the_recycle_bin() {
    let graph = Graph::new().await;
    let (user, group) = (graph.user("leaver").await, graph.group("team").await);
    let members = format!("/v1.0/groups/{group}/members");
    assert_eq!(graph.post(&format!("{members}/$ref"), reference(&user)).await.0, 204);
    assert_eq!(graph.delete(&format!("/v1.0/users/{user}")).await.0, 204);
    assert_eq!(code(&graph.get(&format!("/v1.0/users/{user}")).await), (404, "Request_ResourceNotFound".into()));
    assert!(graph.pages(&members).await.is_empty());
    let bin = graph.pages("/v1.0/directory/deletedItems/microsoft.graph.user?$select=id,deletedDateTime").await;
    assert!(bin.iter().any(|item| item["id"] == user.as_str() && item["deletedDateTime"].is_string()));
    assert_eq!(graph.ok(&format!("/v1.0/directory/deletedItems/{user}")).await["@odata.type"], "#microsoft.graph.user");
    let (status, back) = graph.send("POST", &format!("/v1.0/directory/deletedItems/{user}/restore"), None, &[]).await.0;
    assert_eq!((status, back["id"].as_str()), (200, Some(user.as_str())));
    assert_eq!(ids(&graph.pages(&members).await), [user.clone()].into());
    graph.delete(&format!("/v1.0/users/{user}")).await;
    assert_eq!(graph.delete(&format!("/v1.0/directory/deletedItems/{user}")).await.0, 204);
    assert_eq!(graph.delete(&format!("/v1.0/directory/deletedItems/{user}")).await.0, 404);
    // An application takes its service principal along, and comes back without it.
    let app = graph.made("/v1.0/applications", json!({"displayName": "App"})).await;
    let principal = graph.made("/v1.0/servicePrincipals", json!({"appId": app["appId"]})).await;
    let (app, principal) = (text(&app["id"]), text(&principal["id"]));
    assert_eq!(graph.delete(&format!("/v1.0/applications/{app}")).await.0, 204);
    assert_eq!(graph.get(&format!("/v1.0/servicePrincipals/{principal}")).await.0, 404);
    graph.send("POST", &format!("/v1.0/directory/deletedItems/{app}/restore"), None, &[]).await;
    assert_eq!(graph.get(&format!("/v1.0/servicePrincipals/{principal}")).await.0, 404);
    assert_eq!(graph.get(&format!("/v1.0/applications/{app}")).await.0, 200);
}

#[tokio::test]
async fn policies_have_a_recycle_bin_of_their_own() {
    let graph = Graph::new().await;
    let made = graph.made(POLICIES, policy("Require MFA")).await;
    assert_eq!(made["conditions"]["clientAppTypes"], json!(["all"]));
    assert_eq!(made["conditions"]["users"]["excludeGroups"], json!([]));
    assert!(made["sessionControls"].is_null() && made["grantControls"]["authenticationStrength"].is_null());
    let id = text(&made["id"]);
    assert_eq!(graph.delete(&format!("{POLICIES}/{id}")).await.0, 204);
    let bin = "/v1.0/identity/conditionalAccess/deletedItems/policies";
    assert_eq!(ids(&graph.pages(bin).await), [id.clone()].into());
    assert_eq!(graph.get(&format!("/v1.0/directory/deletedItems/{id}")).await.0, 404);
    assert_eq!(graph.send("POST", &format!("{bin}/{id}/restore"), None, &[]).await.0.0, 200);
    let back = graph.ok(&format!("{POLICIES}/{id}")).await;
    assert_eq!((&back["displayName"], &back["deletedDateTime"]), (&json!("Require MFA"), &Value::Null));
    // Strictness.
    let mut dangling = policy("x");
    dangling["conditions"]["users"] =
        json!({"includeUsers": ["All"], "excludeGroups": ["00000000-0000-4000-8000-0000000000ff"]});
    assert_eq!(graph.post(POLICIES, dangling).await.0, 400);
    let patched = graph
        .patch(
            &format!("{POLICIES}/{id}"),
            json!({"conditions": {"users": {"excludeUsers": ["GuestsOrExternalUsers"]}}}),
        )
        .await;
    assert_eq!(patched.0, 204);
    let merged = graph.ok(&format!("{POLICIES}/{id}")).await;
    assert_eq!(merged["conditions"]["users"]["includeUsers"], json!(["All"]), "complex values are merged");
    let linux = json!({"conditions": {"platforms": {"includePlatforms": ["all"], "excludePlatforms": ["linux"]}}});
    assert_eq!(graph.patch(&format!("{POLICIES}/{id}"), linux).await.0, 204);
    let item = format!("{POLICIES}/{id}");
    assert_eq!(graph.ok(&item).await["conditions"]["platforms"]["excludePlatforms"], json!(["linux"]));
    assert_eq!(graph.patch(&format!("{POLICIES}/{id}"), json!({"state": "on"})).await.0, 400);
    assert_eq!(
        graph.patch(&format!("{POLICIES}/{id}"), json!({"createdDateTime": "2024-01-01T00:00:00Z"})).await.0,
        400
    );
}

#[tokio::test]
async fn locations_and_strengths_are_guarded_while_used() {
    let graph = Graph::new().await;
    let body = json!({"@odata.type": "#microsoft.graph.ipNamedLocation", "displayName": "Office", "isTrusted": true,
        "ipRanges": [{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "12.34.221.11/22"}]});
    let location = text(&graph.made(LOCATIONS, body).await["id"]);
    assert_eq!(graph.post(LOCATIONS, json!({"displayName": "no type"})).await.0, 400);
    let item = format!("{LOCATIONS}/{location}");
    assert_eq!(graph.delete(&item).await.0, 400, "trusted");
    assert_eq!(graph.patch(&item, json!({"isTrusted": false})).await.0, 400, "the type is required");
    assert_eq!(
        graph.patch(&item, json!({"@odata.type": "#microsoft.graph.ipNamedLocation", "isTrusted": false})).await.0,
        204
    );
    let strength = graph.made(STRENGTHS, json!({"displayName": "Keys", "allowedCombinations": ["fido2"]})).await;
    assert_eq!((&strength["policyType"], &strength["requirementsSatisfied"]), (&json!("custom"), &json!("mfa")));
    let strength = text(&strength["id"]);
    let mut body = policy("Keys abroad");
    body["conditions"]["locations"] = json!({"includeLocations": ["All"], "excludeLocations": [location]});
    body["grantControls"] =
        json!({"operator": "OR", "builtInControls": [], "authenticationStrength": {"id": strength}});
    let made = graph.made(POLICIES, body).await;
    assert_eq!(made["grantControls"]["authenticationStrength"]["displayName"], "Keys", "written by id, read whole");
    assert_eq!(graph.delete(&item).await.0, 400, "referenced");
    assert_eq!(graph.delete(&format!("{STRENGTHS}/{strength}")).await.0, 400, "referenced");
    assert_eq!(graph.patch(&format!("{STRENGTHS}/{strength}"), json!({"allowedCombinations": ["sms"]})).await.0, 400);
    let action = format!("{STRENGTHS}/{strength}/updateAllowedCombinations");
    let (status, result) =
        graph.post(&action, json!({"allowedCombinations": ["fido2", "windowsHelloForBusiness"]})).await;
    assert_eq!((status, &result["previousCombinations"]), (200, &json!(["fido2"])));
    assert_eq!(graph.ok(&format!("{STRENGTHS}/{strength}/usage")).await["none"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        graph.patch(&format!("{STRENGTHS}/00000000-0000-0000-0000-000000000002"), json!({"displayName": "x"})).await.0,
        400
    );
    graph.delete(&format!("{POLICIES}/{}", text(&made["id"]))).await;
    assert_eq!(graph.delete(&item).await.0, 204);
    assert_eq!(graph.delete(&format!("{STRENGTHS}/{strength}")).await.0, 204);
}

#[tokio::test]
async fn links_are_references() {
    let graph = Graph::new().await;
    let (a, b, group) = (graph.user("a").await, graph.user("b").await, graph.group("team").await);
    let members = format!("/v1.0/groups/{group}/members");
    assert_eq!(graph.post(&format!("{members}/$ref"), reference(&a)).await.0, 204);
    let twice = graph.post(&format!("{members}/$ref"), reference(&a)).await;
    assert!(
        twice.0 == 400
            && text(&twice.1["error"]["message"])
                .contains("already exist for the following modified properties: 'members'")
    );
    assert_eq!(graph.post(&format!("{members}/$ref"), reference("00000000-0000-4000-8000-0000000000ff")).await.0, 404);
    let bind = json!({"members@odata.bind": [format!("https://graph.microsoft.com/v1.0/directoryObjects/{b}")]});
    assert_eq!(graph.patch(&format!("/v1.0/groups/{group}"), bind).await.0, 204);
    let shown = graph.pages(&format!("{members}?$select=id,displayName&$top=1")).await;
    assert_eq!(ids(&shown), [a.clone(), b.clone()].into());
    assert!(
        shown.iter().all(|item| item["@odata.type"] == "#microsoft.graph.user"
            && item.as_object().map(serde_json::Map::len) == Some(3))
    );
    assert_eq!(graph.pages(&format!("{members}/$ref")).await.len(), 2);
    let app = graph.made("/v1.0/applications", json!({"displayName": "App"})).await;
    assert_eq!(
        graph.post(&format!("{members}/$ref"), reference(&text(&app["id"]))).await.0,
        400,
        "an application is no member"
    );
    assert_eq!(graph.delete(&format!("{members}/{a}/$ref")).await.0, 204);
    assert_eq!(graph.delete(&format!("{members}/{a}/$ref")).await.0, 404);
    // The last owner stays.
    let owners = format!("/v1.0/groups/{group}/owners");
    assert_eq!(graph.post(&format!("{owners}/$ref"), reference(&a)).await.0, 204);
    assert_eq!(graph.delete(&format!("{owners}/{a}/$ref")).await.0, 400);
    // One manager.
    let manager = format!("/v1.0/users/{b}/manager");
    assert_eq!(graph.get(&manager).await.0, 404);
    assert_eq!(graph.send("PUT", &format!("{manager}/$ref"), Some(reference(&a)), &[]).await.0.0, 204);
    let expanded = graph.ok(&format!("/v1.0/users?$filter=id eq '{b}'&$select=id&$expand=manager($select=id)")).await;
    assert_eq!(expanded["value"][0]["manager"], json!({"@odata.type": "#microsoft.graph.user", "id": a}));
    assert_eq!(graph.delete(&format!("{manager}/$ref")).await.0, 204);
    assert_eq!(graph.get("/v1.0/groups?$expand=members,owners").await.0, 400);
    let found =
        graph.post("/v1.0/directoryObjects/getByIds", json!({"ids": [a, group, "x"], "types": ["group"]})).await.1;
    assert_eq!(ids(found["value"].as_array().expect("value")), [group].into());
}

#[tokio::test]
async fn grants_and_assignments_live_with_their_parents() {
    let graph = Graph::new().await;
    let role = "ef7437e6-4f94-4a0a-a110-a439eb2aa8f7";
    let roles = json!([{"id": role, "displayName": "Reader", "description": "Reads", "value": "Read", "isEnabled": true, "allowedMemberTypes": ["User"]}]);
    let app = graph.made("/v1.0/applications", json!({"displayName": "App", "appRoles": roles})).await;
    let principal = text(&graph.made("/v1.0/servicePrincipals", json!({"appId": app["appId"]})).await["id"]);
    assert_eq!(
        graph.ok(&format!("/v1.0/servicePrincipals/{principal}")).await["appRoles"][0]["id"],
        role,
        "mirrors the application"
    );
    let user = graph.user("a").await;
    let body = json!({"principalId": user, "resourceId": principal, "appRoleId": role});
    let path = format!("/v1.0/servicePrincipals/{principal}/appRoleAssignedTo");
    let made = graph.made(&path, body.clone()).await;
    assert_eq!((&made["principalType"], &made["principalDisplayName"]), (&json!("User"), &json!("a")));
    assert_eq!(graph.post(&path, body).await.0, 400, "twice");
    let unknown =
        json!({"principalId": user, "resourceId": principal, "appRoleId": "ef7437e6-4f94-4a0a-a110-a439eb2aa8f8"});
    assert_eq!(graph.post(&path, unknown).await.0, 400);
    assert_eq!(graph.pages(&format!("/v1.0/users/{user}/appRoleAssignments")).await.len(), 1);
    assert_eq!(graph.delete(&format!("{path}/{}", text(&made["id"]))).await.0, 204);
    assert!(graph.pages(&path).await.is_empty());
    let intune = text(
        &graph.made("/v1.0/servicePrincipals", json!({"appId": "0000000a-0000-0000-c000-000000000000"})).await["id"],
    );
    let grant =
        json!({"clientId": principal, "consentType": "AllPrincipals", "resourceId": intune, "scope": "User.Read"});
    let grant = text(&graph.made("/v1.0/oauth2PermissionGrants", grant).await["id"]);
    let item = format!("/v1.0/oauth2PermissionGrants/{grant}");
    assert_eq!(graph.patch(&item, json!({"scope": "User.Read Mail.Read"})).await.0, 204);
    assert_eq!(graph.patch(&item, json!({"consentType": "Principal"})).await.0, 400);
    let listed = graph.pages(&format!("/v1.0/oauth2PermissionGrants?$filter=clientId eq '{principal}'")).await;
    assert_eq!(listed[0]["scope"], "User.Read Mail.Read");
    assert_eq!(graph.pages(&format!("/v1.0/servicePrincipals/{principal}/oauth2PermissionGrants")).await.len(), 1);
    assert_eq!(graph.delete(&item).await.0, 204);
    // Roles must be disabled before they can go or change.
    let app = format!("/v1.0/applications/{}", text(&app["id"]));
    let mut roles = graph.ok(&app).await["appRoles"].clone();
    roles[0]["displayName"] = "Renamed".into();
    for refused in [json!([]), roles.clone()] {
        let reply = graph.patch(&app, json!({"appRoles": refused})).await;
        assert_eq!(code(&reply).1, "CannotDeleteOrUpdateEnabledEntitlement");
    }
    let mut disabled = graph.ok(&app).await["appRoles"].clone();
    disabled[0]["isEnabled"] = false.into();
    for taken in [disabled, roles] {
        assert_eq!(graph.patch(&app, json!({"appRoles": taken})).await.0, 204);
    }
    let fic = json!({"name": "ci", "issuer": "https://token.actions.githubusercontent.com", "subject": "repo:a/b", "audiences": ["api://AzureADTokenExchange"]});
    let fics = format!("{app}/federatedIdentityCredentials");
    let made = graph.made(&fics, fic.clone()).await;
    assert_eq!(graph.post(&fics, fic).await.0, 409);
    assert_eq!(graph.patch(&format!("{fics}/{}", text(&made["id"])), json!({"name": "other"})).await.0, 400);
    assert_eq!(graph.patch(&format!("{fics}(name='ci')"), json!({"description": "d"})).await.0, 204);
    let method = "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/fido2";
    assert_eq!(graph.patch(method, json!({"state": "enabled"})).await.0, 400, "the type is required");
    let ty = "#microsoft.graph.fido2AuthenticationMethodConfiguration";
    assert_eq!(graph.patch(method, json!({"@odata.type": ty, "state": "enabled"})).await.0, 204);
    let whole = graph.ok("/v1.0/policies/authenticationMethodsPolicy").await;
    let fido = whole["authenticationMethodConfigurations"]
        .as_array()
        .expect("list")
        .iter()
        .find(|item| item["id"] == "Fido2")
        .expect("Fido2")
        .clone();
    assert_eq!(fido["state"], "enabled");
    assert_eq!(graph.delete(method).await.0, 204);
    assert_eq!(graph.ok(method).await["state"], "disabled", "back to the default");
}

#[tokio::test]
async fn bodies_are_checked() {
    let graph = Graph::new().await;
    let (status, body) = graph.post("/v1.0/users", json!({"displayName": "x"})).await;
    assert!(status == 400 && text(&body["error"]["message"]).contains("password"));
    let mut unknown = person("x");
    unknown["favouriteColour"] = "blue".into();
    let (status, body) = graph.post("/v1.0/users", unknown).await;
    assert!(status == 400 && text(&body["error"]["message"]).contains("favouriteColour"));
    assert!(body["error"]["innerError"]["request-id"].is_string());
    let user = graph.user("x").await;
    let item = format!("/v1.0/users/{user}");
    assert_eq!(graph.post("/v1.0/users", person("x")).await.0, 400, "the name is taken");
    assert_eq!(graph.get("/v1.0/users/x@contoso.onmicrosoft.com").await.0, 200);
    for wrong in [
        json!({"id": "y"}),
        json!({"accountEnabled": "no"}),
        json!({"businessPhones": "1"}),
        json!({"businessPhones": null}),
        json!({"userPrincipalName": "x@elsewhere.example"}),
        json!({"onPremisesSyncEnabled": true}),
    ] {
        assert_eq!(graph.patch(&item, wrong.clone()).await.0, 400, "{wrong}");
    }
    assert_eq!(graph.patch(&item, json!({"department": "Sales", "jobTitle": null})).await, (204, Value::Null));
    assert_eq!(graph.ok(&format!("{item}?$select=department,jobTitle")).await["department"], "Sales");
    let group = graph.group("g").await;
    assert_eq!(graph.patch(&format!("/v1.0/groups/{group}"), json!({"isAssignableToRole": true})).await.0, 400);
    assert_eq!(graph.patch(&format!("/v1.0/groups/{group}"), json!({"groupTypes": ["Unified"]})).await.0, 400);
    // Upsert by an alternate key.
    let path = "/v1.0/applications(uniqueName='payroll')";
    assert_eq!(graph.patch(path, json!({"displayName": "Payroll"})).await.0, 404);
    let prefer = [("Prefer", "create-if-missing")];
    assert_eq!(graph.send("PATCH", path, Some(json!({"displayName": "Payroll"})), &prefer).await.0.0, 201);
    assert_eq!(graph.send("PATCH", path, Some(json!({"displayName": "Payroll 2"})), &prefer).await.0.0, 204);
    assert_eq!(graph.ok(path).await["displayName"], "Payroll 2");
    assert_eq!(graph.send("PUT", &item, Some(json!({})), &[]).await.0.0, 405);
}
