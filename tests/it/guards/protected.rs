//! Objects that ask for more than the permission for their kind: the plan says so, and so does the error after a refusal.

use std::collections::BTreeSet;

use entragit::emulator::{Options, Seed, contoso::names};
use entragit::model::Plan;
use entragit::ops::plan::plan;
use entragit::ops::snapshot::export::{Extra, export};
use serde_json::{Value, json};

use crate::support::graph::{Graph, reference, security, text};
use crate::support::in_process::{World, snapshot};

/// Every permission of these kinds, and no directory role.
fn permissions(kinds: &[&'static str]) -> Vec<String> {
    let kinds = kinds.iter().filter_map(|name| entragit::kinds::by_name(name));
    let all = kinds.flat_map(|kind| {
        let links = kind.links.iter().filter_map(|link| link.permissions);
        let all = links.chain([kind.permissions]).flat_map(|all| all.read.iter().chain(all.write));
        let guarded = entragit::engine::schema::of(kind).guarded().iter().map(|(_, permission)| permission.as_str());
        all.copied().chain(guarded).chain(kind.hidden_permissions())
    });
    let more = ["Directory.Read.All", "User.DeleteRestore.All"];
    let all: BTreeSet<String> = all.chain(more).map(str::to_owned).collect();
    all.into_iter().collect()
}

async fn world(kinds: &[&'static str], roles: Option<Vec<String>>) -> World {
    let mut world = World::empty(Options { seed: Seed::Contoso, roles, ..Options::default() }).await;
    world.context.settings.scope.kinds = kinds.to_vec();
    world
}

/// A world whose sign-in has the permissions of these kinds less `without`, and no directory role.
async fn poor_world(kinds: &[&'static str], without: &str) -> World {
    let roles = permissions(kinds).into_iter().filter(|name| name != without).collect();
    world(kinds, Some(roles)).await
}

async fn unwritable(world: &World) -> (Plan, Vec<String>) {
    let found = plan(&world.context, &world.tenant, &world.aim()).await.unwrap();
    let said = found.verdicts.into_iter().filter(|verdict| verdict.guard == "unwritable");
    (found.plan, said.map(|verdict| verdict.message).collect())
}

async fn patch(world: &World, path: &str, body: Value) -> u16 {
    world.graph.patch(path, body).await.0
}

const KINDS: &[&str] = &["user", "group", "administrativeUnit", "roleAssignment", "roleDefinition"];

/// "In app-only scenarios, the User.ReadWrite.All application permission isn't enough":
/// <https://learn.microsoft.com/graph/api/user-delete>
#[tokio::test]
async fn application_without_a_role_may_not_touch_administrators() {
    let poor = poor_world(KINDS, "").await.graph;
    let person = poor.user("ada").await;
    let path = |id: &str| format!("/v1.0/users/{id}");
    for (id, body, status) in [
        (person.as_str(), json!({"accountEnabled": false}), 204),
        (names::ADMINISTRATOR_ID, json!({"jobTitle": "Director"}), 204),
        (names::ADMINISTRATOR_ID, json!({"mobilePhone": "+1 555 0100"}), 403),
        (names::ADMINISTRATOR_ID, json!({"accountEnabled": false}), 403),
    ] {
        assert_eq!(poor.patch(&path(id), body.clone()).await.0, status, "{body}");
    }
    assert_eq!(poor.delete(&path(names::ADMINISTRATOR_ID)).await.0, 403);
    assert_eq!(poor.delete(&path(&person)).await.0, 204);
    // A member of a group that can hold roles is protected, too.
    let mut group = security("Keepers");
    group["isAssignableToRole"] = true.into();
    let group = text(&poor.made("/v1.0/groups", group).await["id"]);
    let member = poor.user("eve").await;
    assert_eq!(poor.post(&format!("/v1.0/groups/{group}/members/$ref"), reference(&member)).await.0, 204);
    assert_eq!(poor.delete(&path(&member)).await.0, 403);
}

#[tokio::test]
async fn role_assignable_group_needs_the_permission_for_roles() {
    let poor = poor_world(&["user", "group"], "RoleManagement.ReadWrite.Directory").await.graph;
    let mut group = security("Keepers");
    group["isAssignableToRole"] = true.into();
    assert_eq!(poor.post("/v1.0/groups", group).await.0, 403);
    let groups = poor.pages("/v1.0/groups").await;
    let group = groups.iter().find(|group| group["isAssignableToRole"] == true).expect("a group");
    let path = format!("/v1.0/groups/{}", text(&group["id"]));
    assert_eq!(poor.patch(&path, json!({"description": "x"})).await.0, 403);
    let member = poor.user("ada").await;
    assert_eq!(poor.post(&format!("{path}/members/$ref"), reference(&member)).await.0, 403);
    assert_eq!(poor.delete(&path).await.0, 403);
}

/// Makes a restricted unit with a member, and returns both with the token of an application that holds a role for the unit.
async fn restricted(graph: &mut Graph) -> (String, String) {
    const CLIENT: &str = "0a3b6d1e-6d54-4e0c-9d1b-5f6f3f1f0009";
    let person = graph.user("ada").await;
    let unit = json!({"displayName": "Executives", "isMemberManagementRestricted": true});
    let unit = text(&graph.made("/v1.0/directory/administrativeUnits", unit).await["id"]);
    let members = format!("/v1.0/directory/administrativeUnits/{unit}/members/$ref");
    assert_eq!(graph.post(&members, reference(&person)).await.0, 204);
    let path = format!("/v1.0/users/{person}");
    assert_eq!(graph.patch(&path, json!({"jobTitle": "Chief"})).await.0, 403);
    assert_eq!(graph.delete(&path).await.0, 403);
    let form = format!("grant_type=client_credentials&client_id={CLIENT}&client_secret=s&scope=x/.default");
    let token = graph.sign_in(&form).await;
    let own = graph.ok(&format!("/v1.0/servicePrincipals?$filter=appId%20eq%20'{CLIENT}'")).await;
    let role = json!({"principalId": own["value"][0]["id"], "roleDefinitionId": "fe930be7-5e62-47db-91af-98c3a49a38b1",
        "directoryScopeId": format!("/administrativeUnits/{unit}")});
    graph.made("/v1.0/roleManagement/directory/roleAssignments", role).await;
    (path, token)
}

/// <https://learn.microsoft.com/entra/identity/role-based-access-control/admin-units-restricted-management>
#[tokio::test(start_paused = true)]
async fn plan_says_that_a_restricted_unit_holds_the_object() {
    let mut world = world(KINDS, None).await;
    let (path, token) = restricted(&mut world.graph).await;
    snapshot(&world).await;
    world.graph.token = token;
    assert_eq!(patch(&world, &path, json!({"jobTitle": "Chief"})).await, 204);
    let (found, said) = unwritable(&world).await;
    assert_eq!(found.steps.len(), 1, "{:#?}", found.steps);
    insta::assert_snapshot!(said.join("\n"), @r#"members of a restricted management administrative unit are written only with a directory role whose scope is that unit, and with no permission alone: user "ada" in "Executives""#);
    let applied = world.apply().await.unwrap();
    let failed = applied.outcome.failed.iter().map(|(_, why)| why.as_str()).collect::<Vec<_>>().join("\n");
    assert!(failed.ends_with("permission alone: user \"ada\" in \"Executives\""), "{failed}");
}

#[tokio::test(start_paused = true)]
async fn plan_says_which_role_an_administrators_account_needs() {
    let world = world(KINDS, None).await;
    snapshot(&world).await;
    let phone = json!({"mobilePhone": "+1 555 0100"});
    assert_eq!(patch(&world, &format!("/v1.0/users/{}", names::ADMINISTRATOR_ID), phone).await, 204);
    let (found, said) = unwritable(&world).await;
    assert_eq!(found.steps.len(), 1, "{:#?}", found.steps);
    insta::assert_snapshot!(said.join("\n"), @r#"sensitive actions on an administrator's account (delete, restore, enable, name, telephone) need the directory role Privileged Authentication Administrator or Global Administrator: user "Priya Raman" (in "Role: Identity Administrators", which can hold roles)"#);
    // A property that is not sensitive needs no role.
    let applied = world.apply().await.unwrap();
    assert!(applied.verified, "{:?}", applied.outcome);
    let title = json!({"jobTitle": "Director"});
    assert_eq!(patch(&world, &format!("/v1.0/users/{}", names::ADMINISTRATOR_ID), title).await, 204);
    assert_eq!(unwritable(&world).await.1, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn refusal_of_an_administrators_account_names_the_role() {
    let mut world = poor_world(KINDS, "RoleManagement.ReadWrite.Directory").await;
    let first = export(&world.context, &world.tenant, &[], &Extra::default()).await.unwrap();
    assert!(first.complete);
    let form = format!("grant_type=password&client_id=cli&username={}&password=x&scope=x", names::ADMINISTRATOR_ID);
    world.graph.token = world.graph.sign_in(&form).await;
    let phone = json!({"mobilePhone": "+1 555 0100"});
    assert_eq!(patch(&world, &format!("/v1.0/users/{}", names::ADMINISTRATOR_ID), phone).await, 204);
    let applied = world.apply().await.unwrap();
    let failed = applied.outcome.failed.iter().map(|(_, why)| why.as_str()).collect::<Vec<_>>().join("\n");
    let role =
        "the directory role Privileged Authentication Administrator or Global Administrator: user \"Priya Raman\"";
    assert!(failed.contains(role) && !failed.contains("User.ReadWrite.All"), "{failed}");
}
