//! `restore`: single objects and properties come back as an earlier commit has them, and all else stays.

use entragit::emulator::contoso::names;
use serde_json::json;

use crate::support::command_line::World;

fn group(id: &str) -> String {
    format!("/v1.0/groups/{id}")
}

#[tokio::test(flavor = "multi_thread")]
async fn one_object_comes_back_and_the_rest_stays() {
    let world = World::exported().await;
    let before = world.git(&["rev-parse", "HEAD"]);
    assert_eq!(world.graph.delete(&group(names::ORDER_APPROVERS)).await.0, 204);
    let theirs = json!({"description": "Theirs", "mailNickname": "theirs"});
    assert_eq!(world.graph.patch(&group(names::REMOTE_WORKERS), theirs).await.0, 204);
    world.run(&["export"]).ok();
    let ran = world.run(&["restore", "Order Desk approvers", "--from", "HEAD", "--yes"]).ends(1);
    assert!(ran.err.contains("is not in HEAD; it was last seen in snapshot"), "{}", ran.err);
    let ran = world.run(&["restore", "Order Desk approvers", "--from", &before, "--yes"]).ok();
    assert!(ran.err.contains("group \"Order Desk approvers\" as commit"), "{}", ran.err);
    assert!(ran.err.contains("verified"), "{}", ran.err);
    assert_eq!(world.graph.get(&group(names::ORDER_APPROVERS)).await.0, 200, "it has its old id");
    let other = world.graph.ok(&group(names::REMOTE_WORKERS)).await;
    assert_eq!((&other["description"], &other["mailNickname"]), (&json!("Theirs"), &json!("theirs")));
    let subject = world.git(&["log", "-1", "--format=%s", "snapshots"]);
    assert!(subject.starts_with("Brought back 1 object to"), "{subject}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_property_comes_back_by_a_plan_file() {
    let world = World::exported().await;
    let theirs = json!({"description": "Theirs", "mailNickname": "theirs"});
    assert_eq!(world.graph.patch(&group(names::REMOTE_WORKERS), theirs).await.0, 204);
    let words = ["restore", "group:Remote workers", "--from", "HEAD", "--property", "description"];
    let ran = world.run(&[&words[..], &["--out", "plan.json"]].concat()).ends(2);
    assert!(ran.out.contains("~ description: Theirs →") && !ran.out.contains("mailNickname"), "{}", ran.out);
    world.run(&["apply", "plan.json", "--yes"]).ok();
    let now = world.graph.ok(&group(names::REMOTE_WORKERS)).await;
    assert_ne!(now["description"], "Theirs");
    assert_eq!(now["mailNickname"], "theirs", "what was not named stays");
    let ran = world.run(&[&words[..], &["--yes"]].concat()).ok();
    assert!(ran.out.contains("Nothing to do") || ran.err.contains("othing to do"), "{}{}", ran.out, ran.err);
    world.run(&["restore", "No such thing", "--from", "HEAD", "--yes"]).ends(1);
    world.run(&["restore", "Remote workers", "--from", "HEAD", "--property", "nonsense"]).ends(1);
}

/// Graph takes no change of a synchronized user, and gives a restored one the old sign-in name back by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_synchronized_user_is_restored_and_not_written_to() {
    let world = World::exported().await;
    let users = world.graph.pages("/v1.0/users?$select=id,userPrincipalName,onPremisesSyncEnabled").await;
    let user = users.iter().find(|user| user["onPremisesSyncEnabled"] == true).unwrap();
    let (id, name) = (user["id"].as_str().unwrap(), user["userPrincipalName"].as_str().unwrap());
    assert_eq!(world.graph.delete(&format!("/v1.0/users/{id}")).await.0, 204);
    let ran = world.run(&["restore", name, "--from", "HEAD", "--yes"]).ok();
    let said = format!("{}{}", ran.out, ran.err);
    assert!(said.contains("restore user") && !said.contains("update user"), "{said}");
    assert!(!said.contains("left alone"), "nothing differs: {said}");
    let user = world.graph.ok(&format!("/v1.0/users/{id}")).await;
    assert_eq!(user["userPrincipalName"], name);
}
