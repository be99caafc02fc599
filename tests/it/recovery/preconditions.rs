//! Steps that Graph would refuse are said before anybody approves, and not tried.

use std::collections::{BTreeMap, BTreeSet};

use entragit::emulator::{Options, Seed, contoso::names};
use entragit::engine::plan::Inputs;
use entragit::engine::scope::Scope;
use entragit::engine::validate::{self, File};
use entragit::model::finding::Position;
use entragit::model::{Coverage, CoverageMap, IdMap, Object, Plan, Snapshot};
use entragit::ops::plan::plan;
use serde_json::{Value, json};

use crate::support::graph::{reference, text};
use crate::support::in_process::{World, snapshot};

async fn world(kinds: &[&'static str]) -> World {
    World::of(Options { seed: Seed::Contoso, ..Options::default() }, kinds).await
}

async fn planned(world: &World) -> Plan {
    plan(&world.context, &world.tenant, &world.aim()).await.unwrap().plan
}

fn losses(plan: &Plan) -> Vec<String> {
    plan.losses.iter().map(|loss| format!("{}: {}", loss.name, loss.what())).collect()
}

/// Graph does not remove the last owner who is a user: <https://learn.microsoft.com/graph/api/group-delete-owners>
#[tokio::test(start_paused = true)]
async fn last_owner_of_a_group_stays_and_is_said() {
    let world = World::empty(Options { seed: Seed::Contoso, ..Options::default() }).await;
    let mut world = world;
    world.context.settings.scope.kinds = vec!["user", "group"];
    let group = world.graph.group("Forklift keys").await;
    let owners = format!("/v1.0/groups/{group}/owners/$ref");
    snapshot(&world).await;
    for who in [names::ADMINISTRATOR_ID, names::EMERGENCY_1] {
        assert_eq!(world.graph.post(&owners, reference(who)).await.0, 204);
    }
    let found = planned(&world).await;
    let stays = [names::ADMINISTRATOR_ID, names::EMERGENCY_1].into_iter().max().unwrap();
    assert_eq!(found.steps.len(), 1, "{:#?}", found.steps);
    assert!(losses(&found)[0].starts_with("Forklift keys: owners keeps "), "{:?}", losses(&found));
    let applied = world.apply().await.unwrap();
    assert!(applied.outcome.failed.is_empty() && !applied.verified, "{:?}", applied.outcome);
    let left = world.graph.get(&format!("/v1.0/groups/{group}/owners")).await.1;
    assert_eq!(left["value"][0]["id"], stays, "{left}");
}

/// An account of a guest that was purged cannot be created like a person's: it would be a local one with a password.
#[tokio::test(start_paused = true)]
async fn purged_guest_is_not_created_as_a_person() {
    let world = world(&["user"]).await;
    let users = world.list("user").await;
    let name = |user: &entragit::tenant::RawObject| user.value["userPrincipalName"].as_str().unwrap().to_owned();
    let guest = users.iter().find(|user| name(user).contains("#EXT#")).unwrap();
    let id = guest.value["id"].as_str().unwrap();
    assert_eq!(world.graph.delete(&format!("/v1.0/users/{id}")).await.0, 204);
    assert_eq!(world.graph.delete(&format!("/v1.0/directory/deletedItems/{id}")).await.0, 204);
    let found = planned(&world).await;
    assert!(found.steps.is_empty(), "{:#?}", found.steps);
    let said = losses(&found);
    assert!(said.len() == 1 && said[0].contains("cannot be created again: a guest is invited anew"), "{said:?}");
}

/// A guest who was invited since is deleted like any account, although nobody could create one.
#[tokio::test(start_paused = true)]
async fn invited_guest_is_deleted() {
    let world = world(&["user"]).await;
    let before = world.git(&["rev-parse", "snapshots"]).trim().to_owned();
    let name = "eve_fabrikam.com#EXT#@contoso.onmicrosoft.com";
    let users = world.list("user").await;
    let guests = users.iter().filter_map(|user| user.value["userPrincipalName"].as_str());
    let guest = guests.into_iter().find(|name| name.contains("#EXT#")).unwrap();
    let domain = guest.rsplit('@').next().unwrap();
    let guest = json!({"displayName": "Eve", "userPrincipalName": name.replace("contoso.onmicrosoft.com", domain),
        "mailNickname": "eve_fabrikam.com#EXT#", "accountEnabled": true, "userType": "Guest",
        "passwordProfile": {"password": "Long-enough-1", "forceChangePasswordNextSignIn": false}});
    world.graph.made("/v1.0/users", guest).await;
    snapshot(&world).await;
    let aim = entragit::ops::plan::Aim { to: before, ..world.aim() };
    let found = plan(&world.context, &world.tenant, &aim).await.unwrap().plan;
    let steps: Vec<&str> = found.steps.iter().map(|step| step.action.as_str()).collect();
    assert_eq!(steps, ["delete"], "{:#?}", found.left);
}

/// Makes a policy, off, that applies to these people.
async fn policy(world: &World, name: &str, users: Value) -> String {
    let body = json!({"displayName": name, "state": "disabled", "grantControls": {"operator": "OR", "builtInControls": ["mfa"]},
        "conditions": {"clientAppTypes": ["all"], "applications": {"includeApplications": ["All"]}, "users": users}});
    text(&world.graph.made(POLICIES, body).await["id"])
}

async fn purge(world: &World, path: &str, bin: &str, id: &str) {
    assert_eq!(world.graph.delete(&format!("{path}/{id}")).await.0, 204);
    assert_eq!(world.graph.delete(&format!("{bin}/{id}")).await.0, 204);
}

const POLICIES: &str = "/beta/identity/conditionalAccess/policies";

/// A world without a snapshot that looks after these kinds, with a policy that excludes a person, another that is for that
/// person only, and the person gone for good.
async fn world_of_gone_person(kinds: &[&'static str]) -> (World, String, [String; 2]) {
    let mut world = World::empty(Options { seed: Seed::Contoso, ..Options::default() }).await;
    world.context.settings.scope.kinds = kinds.to_vec();
    let person = world.graph.user("long.gone").await;
    let excluding = json!({"includeUsers": ["All"], "excludeUsers": [person, names::EMERGENCY_1]});
    let excluding = policy(&world, "All but one", excluding).await;
    let only = policy(&world, "Only one", json!({"includeUsers": [person]})).await;
    purge(&world, "/v1.0/users", "/v1.0/directory/deletedItems", &person).await;
    (world, person, [excluding, only])
}

async fn purge_policies(world: &World, policies: &[String]) {
    for id in policies {
        purge(world, POLICIES, "/v1.0/identity/conditionalAccess/deletedItems/policies", id).await;
    }
}

/// Graph refuses a policy that names somebody who is gone: an exclusion is left out, and a policy for nobody else is not made.
#[tokio::test(start_paused = true)]
async fn purged_policy_comes_back_without_whom_nobody_knows() {
    let (world, person, policies) = world_of_gone_person(&["user", "conditionalAccessPolicy"]).await;
    snapshot(&world).await;
    assert_eq!(planned(&world).await.steps, []);
    purge_policies(&world, &policies).await;
    let found = planned(&world).await;
    let made: Vec<&str> = found.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(made, ["All but one"]);
    let mut said = losses(&found);
    // The objects' ids are chance, and the order with them.
    said.sort();
    insta::assert_snapshot!(said.join("\n").replace(&person, "PERSON"), @r"
    All but one: conditions.users.excludeUsers loses PERSON, which is gone
    All but one: gets a new id
    Only one: is left alone: conditions.users.includeUsers names what is gone, PERSON; correct it first
    ");
    assert_eq!(found.left.len(), 2, "{:#?}", found.left);
    let applied = world.apply().await.unwrap();
    assert!(applied.outcome.failed.is_empty() && applied.converged && !applied.verified, "{:?}", applied.outcome);
    let list = world.graph.get(POLICIES).await.1.to_string();
    assert!(list.contains("All but one") && !list.contains("Only one") && !list.contains(&person), "{list}");
}

/// Where the people were not read, nobody is known to be gone.
#[tokio::test(start_paused = true)]
async fn purged_policy_keeps_whom_nobody_looked_for() {
    let (world, person, policies) = world_of_gone_person(&["conditionalAccessPolicy"]).await;
    snapshot(&world).await;
    purge_policies(&world, &policies).await;
    let found = planned(&world).await;
    assert_eq!(found.steps.len(), 2);
    let written = |step: &entragit::model::Step| format!("{:?}", step.action).contains(&person);
    assert!(found.steps.iter().all(written), "{:#?}", found.steps);
}

/// A policy whose terms of use are gone would demand less without them: it gets no step, unless nobody could read the terms.
#[test]
fn policy_waits_for_terms_of_use_that_are_gone() {
    let kind = entragit::kinds::by_name("conditionalAccessPolicy").unwrap();
    let policy = json!({"id": "0a3b6d1e-6d54-4e0c-9d1b-5f6f3f1f0001", "displayName": "Terms", "state": "enabled",
        "conditions": {"users": {"includeUsers": ["All"]}, "applications": {"includeApplications": ["All"]}},
        "grantControls": {"operator": "OR", "termsOfUse": ["0a3b6d1e-6d54-4e0c-9d1b-5f6f3f1f0002"]}});
    let policy = Object(policy.as_object().unwrap().clone());
    let plan_with = |agreements: Coverage| {
        let coverage =
            CoverageMap([(kind.name.to_owned(), Coverage::Complete), ("agreement".to_owned(), agreements)].into());
        let live = Snapshot { coverage: coverage.clone(), ..Snapshot::default() };
        let objects = [(kind.address(policy.id()), policy.clone())].into();
        let wanted = Snapshot { objects, coverage, ..Snapshot::default() };
        entragit::engine::plan::plan(&Inputs {
            wanted: &wanted,
            live: &live,
            base: &BTreeSet::new(),
            deleted: &BTreeMap::new(),
            ids: &IdMap::default(),
            scope: &Scope::default(),
            prune: false,
        })
    };
    assert_eq!(plan_with(Coverage::Skipped).steps.len(), 1);
    let stopped = plan_with(Coverage::Complete);
    assert_eq!((stopped.steps.len(), stopped.left.len()), (0, 1));
    insta::assert_snapshot!(losses(&stopped).join("\n"), @"Terms: is left alone: grantControls.termsOfUse names what is gone, 0a3b6d1e-6d54-4e0c-9d1b-5f6f3f1f0002; correct it first");
}

/// Graph keeps the members that a rule found when the group is assigned again; the commit has fewer.
#[tokio::test(start_paused = true)]
async fn members_that_a_rule_found_go_in_the_same_run() {
    let mut world = World::empty(Options { seed: Seed::Contoso, ..Options::default() }).await;
    world.context.settings.scope.kinds = vec!["user", "group"];
    let group = world.graph.group("Forklift keys").await;
    let members = format!("/v1.0/groups/{group}/members");
    assert_eq!(world.graph.post(&format!("{members}/$ref"), reference(names::EMERGENCY_1)).await.0, 204);
    snapshot(&world).await;
    // The rule finds two people.
    assert_eq!(world.graph.post(&format!("{members}/$ref"), reference(names::ADMINISTRATOR_ID)).await.0, 204);
    let rule = json!({"groupTypes": ["DynamicMembership"], "membershipRule": "user.accountEnabled -eq true",
        "membershipRuleProcessingState": "On"});
    assert_eq!(world.graph.patch(&format!("/v1.0/groups/{group}"), rule).await.0, 204);
    let found = planned(&world).await;
    assert_eq!(found.steps.len(), 2, "{:#?}", found.steps);
    insta::assert_snapshot!(losses(&found).join("\n"), @"Forklift keys: members that its rule computed stay at first; those that the commit does not have are taken away at the end");
    let applied = world.apply().await.unwrap();
    assert!(applied.verified && applied.corrected == 1, "{:?} {:?}", applied.outcome, applied.unmet);
    let left = world.graph.get(&members).await.1;
    assert_eq!(left["value"].as_array().unwrap().len(), 1, "{left}");
    assert_eq!(left["value"][0]["id"], names::EMERGENCY_1, "{left}");
}

/// Graph refuses a PATCH that names a certificate which the service principal does not have; mode and addresses are in the same.
#[tokio::test(start_paused = true)]
async fn recreated_service_principal_does_not_name_its_dead_certificate() {
    let mut world = World::empty(Options { seed: Seed::Contoso, ..Options::default() }).await;
    world.context.settings.scope.kinds = vec!["application", "servicePrincipal"];
    let application = world.graph.made("/v1.0/applications", json!({"displayName": "Payroll"})).await;
    let principal = json!({"appId": application["appId"]});
    let principal = text(&world.graph.made("/v1.0/servicePrincipals", principal).await["id"]);
    let saml = json!({"preferredSingleSignOnMode": "saml", "loginUrl": "https://payroll.example/login",
        "preferredTokenSigningKeyThumbprint": "5A126608ED1A1366F714A4A62B7015F3262840F1"});
    assert_eq!(world.graph.patch(&format!("/v1.0/servicePrincipals/{principal}"), saml).await.0, 204);
    snapshot(&world).await;
    purge(&world, "/v1.0/servicePrincipals", "/v1.0/directory/deletedItems", &principal).await;
    let found = planned(&world).await;
    let said = losses(&found).join("\n");
    assert!(said.contains("Payroll: loses preferredTokenSigningKeyThumbprint, which names a certificate"), "{said}");
    assert!(!format!("{:?}", found.steps).contains("5A126608"), "{:#?}", found.steps);
    let applied = world.apply().await.unwrap();
    assert!(applied.outcome.failed.is_empty() && applied.converged && !applied.verified, "{:?}", applied.outcome);
    let filter = format!("appId%20eq%20'{}'", text(&application["appId"]));
    let back = world.graph.get(&format!("/v1.0/servicePrincipals?$filter={filter}")).await.1["value"][0].clone();
    assert_eq!(back["loginUrl"], "https://payroll.example/login", "{back}");
    assert_eq!(back["preferredSingleSignOnMode"], "saml", "{back}");
}

/// The findings in a file that a person wrote, as "check: message".
fn findings(kind: &str, value: Value) -> String {
    let kind = entragit::kinds::by_name(kind).unwrap();
    let position_of = |_: &str| Position { line: 1, column: 1 };
    let value = value.as_object().unwrap();
    let file = File { path: "x.yaml", kind, path_id: None, value, position_of: &position_of };
    let context = validate::Context {
        addresses: &BTreeSet::new(),
        coverage: &CoverageMap::default(),
        unknown: &BTreeMap::new(),
        had: &|_, _| false,
        written: &|_| false,
        before: &|_| Vec::new(),
        id_of: &|_, _| None,
        ids: &IdMap::default(),
        taken: &BTreeMap::new(),
    };
    let found = validate::validate(&[file], &context);
    found
        .iter()
        .map(|found| format!("{:?} {}: {}", found.severity, found.check, found.message))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Values that Graph would refuse are found in the file.
#[test]
fn validate_finds_values_that_graph_does_not_take() {
    let policy = json!({"id": "new:p", "displayName": "P", "state": "enabled", "conditions": {"clientAppTypes": ["all", "of the future"],
        "applications": {"includeApplications": ["All"]}, "users": {"includeUsers": ["All"]}}, "grantControls": {"operator": "OR", "builtInControls": ["blocked", "mfa"]},
        "sessionControls": {"signInFrequency": {"isEnabled": true, "type": "hours", "value": 4_000_000_000_u32}}});
    insta::assert_snapshot!(findings("conditionalAccessPolicy", policy), @r"
    Error schema: `sessionControls.signInFrequency.value`: at most 2147483647 is allowed
    Error unknown-value: `grantControls.builtInControls`: `blocked` is no value of it; did you mean `block`?
    Warning unknown-value: `conditions.clientAppTypes`: this version does not know `of the future`; known are all, browser, mobileAppsAndDesktopClients, exchangeActiveSync, easSupported, other
    ");
    let review = json!({"id": "new:r", "displayName": "R", "settings": {"recommendationInsightSettings": [
        {"@odata.type": "#microsoft.graph.userLastSignInRecommendationInsightSetting", "recommendationLookBackDuration": "4 hours"}]}});
    insta::assert_snapshot!(findings("accessReview", review), @r#"Error wrong-format: `settings.recommendationInsightSettings.recommendationLookBackDuration`: this is no duration such as `PT8H` or `P14D`"#);
    insta::assert_snapshot!(findings("group", json!({"id": "new:g", "displayName": "G"})), @r#"
    Error missing-property: group: `mailEnabled` is missing, and Graph needs it
    Error missing-property: group: `mailNickname` is missing, and Graph needs it
    Error missing-property: group: `securityEnabled` is missing, and Graph needs it
    "#);
    let known = json!({"id": "0a3b6d1e-6d54-4e0c-9d1b-5f6f3f1f0001", "displayName": "G"});
    assert_eq!(findings("group", known), "");
}

/// The commit's application was purged, and another with the same URI is in the recycle bin.
#[tokio::test(start_paused = true)]
async fn plan_names_whom_the_recycle_bin_keeps_a_uri_for() {
    let mut world = World::empty(Options { seed: Seed::Contoso, ..Options::default() }).await;
    world.context.settings.scope.kinds = vec!["application"];
    let payroll = |name: &str| json!({"displayName": name, "uniqueName": "payroll"});
    let first = text(&world.graph.made("/v1.0/applications", payroll("Payroll")).await["id"]);
    snapshot(&world).await;
    purge(&world, "/v1.0/applications", BIN, &first).await;
    let second = text(&world.graph.made("/v1.0/applications", payroll("Payroll (new)")).await["id"]);
    assert_eq!(world.graph.delete(&format!("/v1.0/applications/{second}")).await.0, 204);
    let said = losses(&planned(&world).await).join("\n").replace(&second, "SECOND");
    let what = "Payroll: may be refused: \"Payroll (new)\" (SECOND) in the recycle bin has the same uniqueName, payroll; restore or \
                purge it first";
    assert!(said.contains(what), "{said}");
    assert_eq!(world.graph.delete(&format!("{BIN}/{second}")).await.0, 204);
    let said = losses(&planned(&world).await).join("\n");
    assert!(!said.contains("may be refused"), "{said}");
}

/// The service principal of an application of Microsoft is made from the application's id alone.
#[tokio::test(start_paused = true)]
async fn service_principal_of_microsofts_application_comes_back() {
    /// Microsoft Azure Management.
    const APP: &str = "797f4846-ba00-4fd7-ba43-dac1f8f63013";
    let mut world = World::empty(Options { seed: Seed::Contoso, ..Options::default() }).await;
    world.context.settings.scope.kinds = vec!["application", "servicePrincipal"];
    let list = format!("/v1.0/servicePrincipals?$filter=appId%20eq%20'{APP}'");
    let found = world.graph.get(&list).await.1["value"][0].clone();
    let principal = match found["id"].as_str() {
        Some(id) => id.to_owned(),
        None => text(&world.graph.made("/v1.0/servicePrincipals", json!({"appId": APP})).await["id"]),
    };
    snapshot(&world).await;
    purge(&world, "/v1.0/servicePrincipals", "/v1.0/directory/deletedItems", &principal).await;
    let applied = world.apply().await.unwrap();
    assert!(applied.outcome.failed.is_empty() && applied.converged, "{:?} {:?}", applied.outcome, applied.unmet);
    assert_eq!(world.graph.get(&list).await.1["value"].as_array().map(Vec::len), Some(1));
}

/// Graph describes a new Microsoft 365 group by its name, after it has answered:
/// <https://github.com/microsoftgraph/msgraph-metadata/issues/331>
#[tokio::test(start_paused = true)]
async fn description_that_graph_adds_to_a_new_group_is_no_difference() {
    let mut world = World::empty(Options { seed: Seed::Contoso, ..Options::default() }).await;
    world.context.settings.scope.kinds = vec!["group"];
    let team = json!({"displayName": "Forklifts", "mailNickname": "forklifts", "groupTypes": ["Unified"], "mailEnabled": true,
        "securityEnabled": false});
    let made = world.graph.made("/v1.0/groups", team).await;
    let path = format!("/v1.0/groups/{}", text(&made["id"]));
    assert!(made["description"].is_null(), "{made}");
    assert_eq!(world.graph.get(&path).await.1["description"], "Forklifts");
    assert_eq!(world.graph.patch(&path, json!({"description": null})).await.0, 204);
    snapshot(&world).await;
    purge(&world, "/v1.0/groups", "/v1.0/directory/deletedItems", &text(&made["id"])).await;
    let applied = world.apply().await.unwrap();
    assert!(applied.verified, "{:?} {:?}", applied.outcome, applied.unmet);
    assert_eq!(planned(&world).await.steps, []);
}

const BIN: &str = "/v1.0/directory/deletedItems";

/// The name of a deleted account is free for another one, which then stands in the way of the restore.
#[tokio::test(start_paused = true)]
async fn plan_names_whoever_took_the_name_of_a_deleted_account() {
    let mut world = World::empty(Options { seed: Seed::Contoso, ..Options::default() }).await;
    world.context.settings.scope.kinds = vec!["user"];
    let first = world.graph.user("ada").await;
    snapshot(&world).await;
    assert_eq!(world.graph.delete(&format!("/v1.0/users/{first}")).await.0, 204);
    let second = world.graph.user("ada").await;
    let said = losses(&planned(&world).await).join("\n").replace(&second, "SECOND");
    let what =
        "\"ada\" (SECOND) has the same userPrincipalName, ada@contoso.onmicrosoft.com; rename or delete that one first";
    assert!(said.contains(&format!("ada: may be refused: user {what}")), "{said}");
    let applied = world.apply().await.unwrap();
    let failed =
        applied.outcome.failed.iter().map(|(_, why)| why.replace(&second, "SECOND")).collect::<Vec<_>>().join("\n");
    assert!(failed.contains("/restore") && failed.contains(what), "{failed}");
    // What the plan did not know is named by the error as far as it goes.
    assert_eq!(world.graph.delete(&format!("/v1.0/users/{second}")).await.0, 204);
    assert_eq!(losses(&planned(&world).await), Vec::<String>::new());
}

/// A restore of an application in the portal makes a new service principal and leaves the old one in the recycle bin:
/// <https://github.com/MicrosoftDocs/azure-docs/issues/99117>
#[tokio::test(start_paused = true)]
async fn plan_names_the_service_principal_that_a_restore_in_the_portal_made() {
    let mut world = World::empty(Options { seed: Seed::Contoso, ..Options::default() }).await;
    world.context.settings.scope.kinds = vec!["application", "servicePrincipal"];
    let application = world.graph.made("/v1.0/applications", json!({"displayName": "Payroll"})).await;
    let principal = json!({"appId": application["appId"]});
    let old = text(&world.graph.made("/v1.0/servicePrincipals", principal.clone()).await["id"]);
    snapshot(&world).await;
    assert_eq!(world.graph.delete(&format!("/v1.0/servicePrincipals/{old}")).await.0, 204);
    let new = text(&world.graph.made("/v1.0/servicePrincipals", principal).await["id"]);
    let said = losses(&planned(&world).await).join("\n").replace(&new, "NEW");
    assert!(
        said.contains("Payroll: may be refused: servicePrincipal \"Payroll\" (NEW) has the same appId, "),
        "{said}"
    );
    // Without the new one, the old one comes back under its id.
    assert_eq!(world.graph.delete(&format!("/v1.0/servicePrincipals/{new}")).await.0, 204);
    let applied = world.apply().await.unwrap();
    assert!(applied.verified, "{:?} {:?}", applied.outcome, applied.unmet);
    assert_eq!(world.graph.get(&format!("/v1.0/servicePrincipals/{old}")).await.0, 200);
}
