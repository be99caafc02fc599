//! What Graph would refuse is said before anybody approves, and not tried.

use entragit::emulator::{Options, Seed, contoso::names};
use entragit::model::Plan;
use entragit::ops::plan::plan;

use serde_json::json;

use super::emulator::client::reference;
use super::faults::World;

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
    super::group_settings::snapshot(&world).await;
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
    super::group_settings::snapshot(&world).await;
    let aim = entragit::ops::plan::Aim { to: before, ..world.aim() };
    let found = plan(&world.context, &world.tenant, &aim).await.unwrap().plan;
    let steps: Vec<&str> = found.steps.iter().map(|step| step.action.as_str()).collect();
    assert_eq!(steps, ["delete"], "{:#?}", found.left);
}
