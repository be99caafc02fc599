//! "As it should be", "no drift" and "verified" are said only where nothing at all differs; whatever no step covers is listed
//! before anybody approves.

use entragit::emulator::contoso::names;
use serde_json::{Value, json};

use crate::support::command_line::{Ran, World};
use crate::support::graph::text;

const APPLICATION: &str = names::ORDERING_APPLICATION;
const PRINCIPAL: &str = names::ORDERING_PRINCIPAL;
/// <https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference#global-administrator>
const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";

/// What an intruder gives to one application to come back by.
async fn footholds(world: &World) -> usize {
    let graph = &world.graph;
    let application = format!("/v1.0/applications/{APPLICATION}");
    let secret = json!({"passwordCredential": {"displayName": "backdoor"}});
    assert_eq!(graph.post(&format!("{application}/addPassword"), secret).await.0, 200);
    let keys = graph.get(&format!("{application}?$select=keyCredentials")).await.1["keyCredentials"].clone();
    let mut keys = keys.as_array().cloned().unwrap_or_default();
    keys.push(
        json!({"type": "AsymmetricX509Cert", "usage": "Verify", "key": "bm90IGEga2V5", "displayName": "CN=backdoor"}),
    );
    assert_eq!(graph.patch(&application, json!({"keyCredentials": keys})).await.0, 204);
    let federated = json!({"name": "backdoor", "issuer": "https://token.example.net", "subject": "repo:intruder",
        "audiences": ["api://AzureADTokenExchange"]});
    assert_eq!(graph.post(&format!("{application}/federatedIdentityCredentials"), federated).await.0, 201);
    let owner =
        json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{}", names::EMERGENCY_2)});
    assert_eq!(graph.post(&format!("{application}/owners/$ref"), owner).await.0, 204);
    let filter = "appId%20eq%20'00000003-0000-0000-c000-000000000000'";
    let resource = graph.get(&format!("/v1.0/servicePrincipals?$filter={filter}")).await.1["value"][0]["id"].clone();
    let path = format!("/v1.0/servicePrincipals/{PRINCIPAL}/appRoleAssignments");
    let held = graph.ok(&path).await.to_string();
    let roles = graph.ok(&format!("/v1.0/servicePrincipals/{}", text(&resource))).await["appRoles"].clone();
    let role = roles.as_array().unwrap().iter().find(|role| !held.contains(&text(&role["id"]))).unwrap();
    graph.made(&path, json!({"principalId": PRINCIPAL, "resourceId": resource, "appRoleId": role["id"]})).await;
    let role = json!({"principalId": PRINCIPAL, "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/"});
    graph.made("/v1.0/roleManagement/directory/roleAssignments", role).await;
    let grant = json!({"clientId": PRINCIPAL, "consentType": "Principal", "principalId": names::EMERGENCY_2,
        "resourceId": resource, "scope": "Directory.AccessAsUser.All"});
    graph.made("/v1.0/oauth2PermissionGrants", grant).await;
    held.matches("appRoleId").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_takes_away_every_foothold_of_an_intruder() {
    let world = World::exported().await;
    let first = world.git(&["rev-parse", "HEAD"]);
    let roles_before = footholds(&world).await;
    world.run(&["export"]).ok();
    let plan = world.run(&["plan", "--to", &first]).ends(2);
    assert!(plan.out.contains("remove client secret \"backdoor\" (ends "), "{}", plan.out);
    assert!(plan.out.contains("remove certificate \"CN=backdoor\""), "{}", plan.out);
    assert!(plan.out.contains("made by: Update application – Certificates and secrets management by "), "{}", plan.out);
    let applied = world.run(&["apply", "--to", &first, "--yes"]).ok();
    assert!(applied.err.contains("verified: "), "{}", applied.err);
    let graph = &world.graph;
    let application = graph.get(&format!("/v1.0/applications/{APPLICATION}?$expand=owners")).await.1;
    let text = application.to_string();
    assert!(!text.contains("backdoor") && !text.contains(names::EMERGENCY_2), "{text}");
    let federated = graph.get(&format!("/v1.0/applications/{APPLICATION}/federatedIdentityCredentials")).await.1;
    assert!(!federated.to_string().contains("backdoor"), "{federated}");
    let roles = graph.ok(&format!("/v1.0/servicePrincipals/{PRINCIPAL}/appRoleAssignments")).await;
    assert_eq!(roles.to_string().matches("appRoleId").count(), roles_before, "{roles}");
    let roles = graph.ok("/v1.0/roleManagement/directory/roleAssignments").await;
    assert!(!roles.to_string().contains(PRINCIPAL), "{roles}");
    let grants = graph.get(&format!("/v1.0/servicePrincipals/{PRINCIPAL}/oauth2PermissionGrants")).await.1;
    assert!(!grants.to_string().contains(names::EMERGENCY_2), "{grants}");
    let again = world.run(&["plan", "--to", &first]).ok();
    assert!(again.out.contains("the tenant is as it should be"), "{}", again.out);
}

/// The commit wants a secret that is gone: nothing can bring it back, and that is said.
#[tokio::test(flavor = "multi_thread")]
async fn plan_lists_a_secret_that_is_gone() {
    let world = World::new().await;
    let path = format!("/v1.0/applications/{APPLICATION}");
    let made =
        world.graph.post(&format!("{path}/addPassword"), json!({"passwordCredential": {"displayName": "ci"}})).await.1;
    world.run(&["export"]).ok();
    assert_eq!(world.graph.post(&format!("{path}/removePassword"), json!({"keyId": made["keyId"]})).await.0, 204);
    let plan = world.run(&["plan", "--to", "HEAD"]).ends(4);
    assert!(plan.out.contains("Nothing can be done: 1 object differs"), "{}", plan.out);
    assert!(plan.out.contains("its secret cannot be read back"), "{}", plan.out);
    assert!(plan.out.contains("by Update application"), "{}", plan.out);
    let markdown = world.run(&["plan", "--to", "HEAD", "--format", "markdown"]).ends(4).out;
    assert!(markdown.contains("nothing can be done") && markdown.contains("cannot be read back"), "{markdown}");
    let json: Value = world.run(&["plan", "--to", "HEAD", "--json"]).ends(4).json();
    assert_eq!(json["left"][0]["obstacle"], "credentialGone", "{json}");
    let applied = world.run(&["apply", "--to", "HEAD", "--yes"]).ends(4);
    assert!(!applied.err.contains("verified: "), "{}", applied.err);
}

/// A part of a commit cannot be applied, and the commit is reverted: what the part did stays, and is told.
#[tokio::test(flavor = "multi_thread")]
async fn plan_of_a_reverted_commit_says_how_far_the_tenant_is() {
    let world = World::exported().await;
    let mut cloud = None;
    let mut synchronized = None;
    for user in world.graph.pages("/v1.0/users?$select=id,onPremisesSyncEnabled,accountEnabled,displayName").await {
        let id = user["id"].as_str().unwrap().to_owned();
        match user["onPremisesSyncEnabled"] == true {
            true => synchronized = Some(id),
            false => cloud = Some(id),
        }
    }
    for id in [cloud.unwrap(), synchronized.unwrap()] {
        let path = world.git(&["ls-files", &format!("users/*{id}.yaml")]);
        let text = std::fs::read_to_string(world.path().join(&path)).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("officeLocation:")).collect();
        let (head, rest) = lines.split_at(2);
        let text = [head, &["officeLocation: Basement"], rest].concat().join("\n") + "\n";
        world.write(&path, &text);
    }
    world.commit("Move two people");
    let applied = world.run(&["apply", "--changes", "--yes"]).ends(4);
    assert!(applied.err.contains("is left alone"), "{}", applied.err);
    world.git(&["revert", "--no-edit", "HEAD"]);
    for arguments in [["plan", "--to", "HEAD"].as_slice(), &["plan", "--changes"], &["apply", "--changes", "--yes"]] {
        let ran = world.run(arguments).ends(2);
        let said = format!("{}{}", ran.out, ran.err);
        assert!(!said.contains("as it should be"), "{said}");
        assert!(said.contains("differs from it in 1 object"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_nothing_has_is_an_error() {
    let world = World::exported().await;
    for arguments in [
        ["drift", "--name", "Zzz*"].as_slice(),
        &["plan", "--to", "HEAD", "--name", "Zzz*"],
        &["diff", "HEAD", "live", "--name", "Zzz*"],
    ] {
        let ran = world.run(arguments).ends(1);
        assert!(ran.err.contains("no object is called Zzz*"), "{}", ran.err);
    }
    let near = world.run(&["plan", "--to", "HEAD", "--name", "Ordr Desk"]).ends(1);
    assert!(near.err.contains("\"Order Desk\""), "{}", near.err);
    world.run(&["plan", "--to", "HEAD", "--name", "Order*"]).ok();
}

/// An edit that nothing can carry out, and an object that no snapshot knows, are differences, and are told as such.
#[tokio::test(flavor = "multi_thread")]
async fn plan_lists_what_no_step_covers() {
    let world = World::exported().await;
    let path = world.git(&["ls-files", &format!("applications/*{APPLICATION}.yaml")]);
    let text = std::fs::read_to_string(world.path().join(&path)).unwrap();
    world.write(&path, &text.replace("publisherDomain: contoso.com", "publisherDomain: elsewhere.example"));
    world.commit("Change what Graph sets");
    let group =
        json!({"displayName": "New here", "mailEnabled": false, "mailNickname": "newhere", "securityEnabled": true});
    assert_eq!(world.graph.post("/v1.0/groups", group).await.0, 201);
    let plan = world.run(&["plan", "--to", "HEAD"]).ends(4);
    assert!(plan.out.contains("publisherDomain: elsewhere.example → contoso.com"), "{}", plan.out);
    assert!(plan.out.contains("Graph sets it by itself and lets nobody write it"), "{}", plan.out);
    assert!(plan.out.contains("group \"New here\", only in the tenant"), "{}", plan.out);
    assert!(plan.out.contains("--prune deletes it"), "{}", plan.out);
}

/// A container image without certificate authorities: nothing on loopback needs them, and https says what it lacks.
#[tokio::test(flavor = "multi_thread")]
async fn loopback_needs_no_certificate_authorities() {
    let world = World::new().await;
    let url = world.graph.tenant.url();
    let run = |url: &str, arguments: &[&str]| {
        let mut command = world.command(url, arguments);
        Ran::of(&command.env("SSL_CERT_FILE", "/nonexistent").env("SSL_CERT_DIR", "/nonexistent").output().unwrap())
    };
    run(&url, &["export"]).ok();
    let ran = run("https://graph.example.net", &["export"]).ends(1);
    assert!(ran.err.contains("ca-certificates") && ran.err.contains("SSL_CERT_FILE"), "{}", ran.err);
}

/// The same words in another order, and a duration in other units, are the same.
#[tokio::test(flavor = "multi_thread")]
async fn another_spelling_of_a_value_is_no_difference() {
    let world = World::new().await;
    let graph = &world.graph;
    let grant = graph.pages("/v1.0/oauth2PermissionGrants").await.remove(0);
    let path = format!("/v1.0/oauth2PermissionGrants/{}", text(&grant["id"]));
    assert_eq!(graph.patch(&path, json!({"scope": "User.Read Mail.Read offline_access"})).await.0, 204);
    let guests = |types: &str| {
        json!({"conditions": {"users": {"includeUsers": [], "includeGuestsOrExternalUsers": {"guestOrExternalUserTypes": types,
            "externalTenants": {"@odata.type": "#microsoft.graph.conditionalAccessAllExternalTenants", "membershipKind": "all"}}}}})
    };
    let policy = format!("/beta/identity/conditionalAccess/policies/{}", names::ORDERING_POLICY);
    assert_eq!(graph.patch(&policy, guests("internalGuest,b2bCollaborationGuest")).await.0, 204);
    world.run(&["export"]).ok();
    assert_eq!(graph.patch(&path, json!({"scope": " offline_access Mail.Read User.Read"})).await.0, 204);
    assert_eq!(graph.patch(&policy, guests("b2bCollaborationGuest,internalGuest")).await.0, 204);
    let plan = world.run(&["plan", "--to", "HEAD"]).ok();
    assert!(plan.out.contains("the tenant is as it should be"), "{}", plan.out);
    assert!(world.run(&["diff", "HEAD", "live"]).ok().out.contains("No differences"));
}

/// An application with everything that takes more than one write comes back whole, but for what is said.
#[tokio::test(flavor = "multi_thread")]
async fn application_comes_back_with_places_scopes_and_clients() {
    let world = World::new().await;
    let graph = &world.graph;
    let path = format!("/v1.0/applications/{APPLICATION}");
    let scopes: Vec<Value> = ["a", "b"]
        .iter()
        .map(|name| {
            let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()).to_string();
            json!({"id": id, "value": name, "type": "User", "isEnabled": true, "adminConsentDisplayName": name,
                "adminConsentDescription": name})
        })
        .collect();
    let old = graph.ok(&path).await["api"]["oauth2PermissionScopes"].clone();
    let all: Vec<Value> = old.as_array().unwrap().iter().chain(&scopes).cloned().collect();
    assert_eq!(graph.patch(&path, json!({"api": {"oauth2PermissionScopes": all}})).await.0, 204);
    let ids: Vec<&Value> = scopes.iter().map(|scope| &scope["id"]).collect();
    let clients = json!([{"appId": names::ORDERING_APP_ID, "delegatedPermissionIds": ids}]);
    assert_eq!(graph.patch(&path, json!({"api": {"preAuthorizedApplications": clients}})).await.0, 204);
    let web = json!({"redirectUris": ["https://orders.contoso.com/z", "https://orders.contoso.com/a"], "redirectUriSettings": [
        {"uri": "https://orders.contoso.com/z", "index": 1}, {"uri": "https://orders.contoso.com/a", "index": 2}]});
    assert_eq!(graph.patch(&path, json!({"web": web})).await.0, 204);
    let flexible = json!({"name": "flexible", "issuer": "https://token.actions.githubusercontent.com",
        "audiences": ["api://AzureADTokenExchange"],
        "claimsMatchingExpression": {"languageVersion": 1, "value": "claims['sub'] matches 'repo:contoso/*'"}});
    graph.made(&format!("/beta/applications/{APPLICATION}/federatedIdentityCredentials"), flexible).await;
    world.run(&["export"]).ok();

    let swapped = json!({"web": {"redirectUriSettings": [
        {"uri": "https://orders.contoso.com/z", "index": 2}, {"uri": "https://orders.contoso.com/a", "index": 1}]}});
    assert_eq!(graph.patch(&path, swapped).await.0, 204);
    let plan = world.run(&["plan", "--to", "HEAD"]).ends(2);
    assert!(plan.out.contains("web.redirectUriSettings"), "{}", plan.out);

    assert_eq!(graph.delete(&path).await.0, 204);
    graph.delete(&format!("/v1.0/directory/deletedItems/{APPLICATION}")).await;
    for principal in graph.pages("/v1.0/directory/deletedItems/microsoft.graph.servicePrincipal").await {
        graph.delete(&format!("/v1.0/directory/deletedItems/{}", text(&principal["id"]))).await;
    }
    let accept = ["--accept", "escalation", "--accept", "mass-change", "--accept", "lock-out"];
    let applied = world.run(&[&["apply", "--to", "HEAD", "--yes"], accept.as_slice()].concat());
    assert!(applied.err.contains(" 0 failed"), "{}{}", applied.out, applied.err);
    let filter = "displayName%20eq%20'Order%20Desk'";
    let back = graph.ok(&format!("/beta/applications?$filter={filter}")).await["value"][0].clone();
    let places = back["web"]["redirectUriSettings"].to_string();
    assert!(places.contains(r#""index":1,"uri":"https://orders.contoso.com/z""#), "{places}");
    assert_eq!(back["api"]["preAuthorizedApplications"][0]["delegatedPermissionIds"].as_array().unwrap().len(), 2);
    let credentials = format!("/beta/applications/{}/federatedIdentityCredentials", text(&back["id"]));
    assert!(graph.ok(&credentials).await.to_string().contains("claims['sub'] matches"));
    let again = world.run(&["plan", "--to", "HEAD"]);
    assert!(again.out.starts_with("Noth"), "{}", again.out);
}

/// Graph lets the property go from true to false only: the way back is no step, and that is said before approval.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_graph_takes_in_one_direction_only_is_said() {
    let world = World::new().await;
    let path = "/v1.0/directory/customSecurityAttributeDefinitions";
    let all = world.graph.pages(path).await;
    let one = all.iter().find(|definition| definition["usePreDefinedValuesOnly"] == true).unwrap();
    world.run(&["export"]).ok();
    let path = format!("{path}/{}", text(&one["id"]));
    assert_eq!(world.graph.patch(&path, json!({"usePreDefinedValuesOnly": false})).await.0, 204);
    let plan = world.run(&["plan", "--to", "HEAD"]).ends(4);
    assert!(plan.out.contains("Graph changes it in the other direction only"), "{}", plan.out);
}

/// Graph demands a value: without one the commit wants nothing, and the tenant keeps what it has.
#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_graph_demands_and_the_commit_lacks_is_said() {
    let world = World::exported().await;
    let path = "policies/authorization-policy.yaml";
    let text = std::fs::read_to_string(world.path().join(path)).unwrap();
    let kept: Vec<&str> =
        text.lines().filter(|line| !line.starts_with("allowEmailVerifiedUsersToJoinOrganization")).collect();
    assert_ne!(kept.len(), text.lines().count());
    world.write(path, &(kept.join("\n") + "\n"));
    let said = world.run(&["validate"]).ok();
    assert!(said.out.contains("`allowEmailVerifiedUsersToJoinOrganization` cannot be empty in Graph"), "{}", said.out);
    world.commit("Remove a line");
    let plan = world.run(&["plan", "--to", "HEAD"]).ends(4);
    assert!(plan.out.contains("Graph demands a value"), "{}", plan.out);
}

/// Puts the whole object with the scope that the tenant has, since that is fixed, and the rest as the commit says.
#[tokio::test(flavor = "multi_thread")]
async fn review_keeps_its_scope_and_that_is_said() {
    let world = World::new().await;
    let list = "/v1.0/identityGovernance/accessReviews/definitions";
    let query = format!("/groups/{}/transitiveMembers", names::REMOTE_WORKERS);
    let scope = json!({"@odata.type": "#microsoft.graph.accessReviewQueryScope", "queryType": "MicrosoftGraph", "query": query});
    let settings = json!({"mailNotificationsEnabled": true, "instanceDurationInDays": 3, "defaultDecision": "None",
        "autoApplyDecisionsEnabled": false, "defaultDecisionEnabled": false, "justificationRequiredOnApproval": true,
        "recommendationsEnabled": true, "reminderNotificationsEnabled": true});
    let review =
        json!({"displayName": "Remote workers", "scope": scope.clone(), "reviewers": [], "settings": settings});
    let (code, made) = world.graph.post(list, review).await;
    assert_eq!(code, 201, "{made}");
    world.run(&["export"]).ok();
    let path = world.git(&["ls-files", &format!("governance/access-reviews/*{}.yaml", text(&made["id"]))]);
    let file = std::fs::read_to_string(world.path().join(&path)).unwrap();
    let other = file.replace(names::REMOTE_WORKERS, names::ORDER_APPROVERS).replace("InDays: 3", "InDays: 5");
    world.write(&path, &other);
    world.commit("Review another group, for longer");
    let plan = world.run(&["plan", "--to", "HEAD"]).ends(4);
    assert!(plan.out.contains("fixed when the object is created"), "{}", plan.out);
    let applied = world.run(&["apply", "--to", "HEAD", "--yes"]).ends(4);
    assert!(applied.err.contains("scope"), "{}", applied.err);
    let now = world.graph.ok(&format!("{list}/{}", text(&made["id"]))).await;
    assert_eq!((&now["settings"]["instanceDurationInDays"], &now["scope"]), (&json!(5), &made["scope"]), "{now}");
}
