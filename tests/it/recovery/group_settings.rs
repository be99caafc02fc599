//! Settings of Privileged Identity Management for any group: read wherever somebody changed them, under a name that stays, and put
//! right although Graph gives them another id with every change.

use entragit::emulator::{Options, Seed};
use entragit::format::path::address_of;
use entragit::ops::apply::{apply, open, prepare};
use entragit::ops::plan::plan;
use serde_json::{Value, json};

use crate::support::in_process::{World, snapshot};

const KINDS: [&str; 2] = ["group", "groupRoleSettings"];
const EXPIRATION: &str = "Expiration_Admin_Eligibility";
const ENABLEMENT: &str = "Enablement_EndUser_Assignment";

/// A world that looks after groups and their settings, with a group that cannot hold roles.
async fn world() -> (World, String) {
    let mut world = World::empty(Options { seed: Seed::Contoso, ..Options::default() }).await;
    world.context.settings.scope.kinds = KINDS.to_vec();
    let group = world.graph.group("Forklift keys").await;
    (world, group)
}

/// The ids of the settings of a group that have a file.
fn files(world: &World, group: &str) -> Vec<String> {
    let all = world.git(&["ls-tree", "-r", "--name-only", "snapshots", "groups-privileged/settings"]);
    let ids = all.lines().map(|path| address_of(path).unwrap().1);
    ids.filter(|id| id.starts_with(group)).collect()
}

/// The id that Graph has for a group's settings at present.
async fn policy(world: &World, group: &str, word: &str) -> String {
    let filter = format!("scopeId eq '{group}' and scopeType eq 'Group' and roleDefinitionId eq '{word}'");
    let list = world.graph.get(&format!("/v1.0/policies/roleManagementPolicyAssignments?$filter={filter}")).await.1;
    list["value"][0]["policyId"].as_str().unwrap_or_else(|| panic!("{list}")).to_owned()
}

async fn change(world: &World, group: &str, sort: &str, rule: &str, mut body: Value) {
    let path = format!("/v1.0/policies/roleManagementPolicies/{}/rules/{rule}", policy(world, group, "member").await);
    body["@odata.type"] = format!("#microsoft.graph.unifiedRoleManagementPolicy{sort}Rule").into();
    let answer = world.graph.patch(&path, body).await;
    assert!(answer.0 < 300, "{answer:?}");
}

/// Makes the settings of the group's members weaker: nothing ends, nothing is demanded.
async fn weaken(world: &World, group: &str) {
    change(world, group, "Expiration", EXPIRATION, json!({"isExpirationRequired": false, "maximumDuration": "P365D"}))
        .await;
    change(world, group, "Enablement", ENABLEMENT, json!({"enabledRules": []})).await;
}

/// The rules of the group's members, by id, as the tenant has them.
async fn rule(world: &World, group: &str, rule: &str) -> Value {
    let path = format!("/v1.0/policies/roleManagementPolicies/{}/rules/{rule}", policy(world, group, "member").await);
    world.graph.get(&path).await.1
}

/// W171, W173: settings are written once somebody changed them, and the file keeps its name whatever id they have.
#[tokio::test(start_paused = true)]
async fn settings_of_an_ordinary_group_are_written_once_they_are_changed() {
    let (world, group) = world().await;
    snapshot(&world).await;
    assert_eq!(files(&world, &group), Vec::<String>::new());
    let first = policy(&world, &group, "member").await;
    weaken(&world, &group).await;
    assert_ne!(policy(&world, &group, "member").await, first);
    snapshot(&world).await;
    let file = vec![format!("{group}_member")];
    assert_eq!(files(&world, &group), file);
    change(&world, &group, "Enablement", ENABLEMENT, json!({"enabledRules": ["Justification"]})).await;
    snapshot(&world).await;
    assert_eq!(files(&world, &group), file);
    let changed = world.git(&["show", "--format=", "--name-status", "snapshots", "--", "groups-privileged"]);
    assert!(changed.starts_with("M\t") && changed.lines().count() == 1, "{changed}");
}

/// Two rules of the same settings are written one after the other, each under another id (W173).
#[tokio::test(start_paused = true)]
async fn settings_come_back_rule_by_rule() {
    let (world, group) = world().await;
    change(&world, &group, "Enablement", ENABLEMENT, json!({"enabledRules": ["Justification"]})).await;
    snapshot(&world).await;
    weaken(&world, &group).await;
    let applied = world.apply().await.unwrap();
    assert!(applied.verified, "{:?} {:?}", applied.unmet, applied.outcome.failed);
    assert_eq!(rule(&world, &group, ENABLEMENT).await["enabledRules"], json!(["Justification"]));
    assert!(plan(&world.context, &world.tenant, &world.aim()).await.unwrap().plan.steps.is_empty());
}

/// A group that is created again gets new settings, which are as Graph made them.
#[tokio::test(start_paused = true)]
async fn settings_of_a_group_that_is_created_again_come_back() {
    let (world, group) = world().await;
    weaken(&world, &group).await;
    snapshot(&world).await;
    assert_eq!(world.graph.delete(&format!("/v1.0/groups/{group}")).await.0, 204);
    assert_eq!(world.graph.delete(&format!("/v1.0/directory/deletedItems/{group}")).await.0, 204);
    let applied = world.apply().await.unwrap();
    assert!(applied.verified, "{:?} {:?}", applied.unmet, applied.outcome.failed);
    let groups = world.list("group").await;
    let again = groups.iter().find(|group| group.value["displayName"] == "Forklift keys").unwrap();
    let again = again.value["id"].as_str().unwrap();
    assert_eq!(rule(&world, again, ENABLEMENT).await["enabledRules"], json!([]));
    assert_eq!(files(&world, again), [format!("{again}_member")]);
}

/// No commit holds the settings of before, and they are put back all the same: as they are for groups that nobody changed.
#[tokio::test(start_paused = true)]
async fn settings_that_were_never_changed_are_wanted_as_graph_made_them() {
    let (world, group) = world().await;
    snapshot(&world).await;
    weaken(&world, &group).await;
    let applied = world.apply().await.unwrap();
    assert!(applied.verified, "{:?} {:?}", applied.unmet, applied.outcome.failed);
    let demanded = rule(&world, &group, ENABLEMENT).await["enabledRules"].as_array().unwrap().len();
    let longest = rule(&world, &group, EXPIRATION).await["maximumDuration"].clone();
    assert_eq!((demanded, longest), (2, json!("P365D")));
}

/// A plan file says the same, and is judged by what the tenant shows of other groups.
#[tokio::test(start_paused = true)]
async fn settings_as_graph_made_them_come_back_by_a_plan_file() {
    let (world, group) = world().await;
    snapshot(&world).await;
    weaken(&world, &group).await;
    let ready = prepare(&world.context, &world.tenant, &world.aim()).await.unwrap();
    let opened = open(&world.context, ready.bytes()).unwrap();
    let applied = apply(&world.context, &world.tenant, &opened).await.unwrap();
    assert!(applied.verified, "{:?} {:?}", applied.unmet, applied.outcome.failed);
    assert_eq!(rule(&world, &group, ENABLEMENT).await["enabledRules"].as_array().unwrap().len(), 2);
}

/// Settings of a group that the commit does not have are none of its affair, as the group itself.
#[tokio::test(start_paused = true)]
async fn settings_of_a_group_that_came_since_are_left_alone() {
    let (world, _) = world().await;
    snapshot(&world).await;
    let since = world.graph.group("Since").await;
    weaken(&world, &since).await;
    let found = plan(&world.context, &world.tenant, &world.aim()).await.unwrap().plan;
    assert!(found.steps.is_empty(), "{:#?}", found.steps);
}
