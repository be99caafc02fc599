//! What somebody made anew by hand is taken for what is wanted, if there is no doubt.

use entragit::emulator::contoso::names;
use serde_json::json;

use crate::support::command_line::World;
use crate::support::edits::steps;

const GROUP: &str = "/v1.0/groups";

#[tokio::test(flavor = "multi_thread")]
async fn a_group_made_anew_by_hand_is_adopted() {
    let world = World::exported().await;
    let good = world.git(&["rev-parse", "HEAD"]);
    assert_eq!(world.graph.delete(&format!("{GROUP}/{}", names::ORDER_APPROVERS)).await.0, 204);
    assert_eq!(world.graph.delete(&format!("/v1.0/directory/deletedItems/{}", names::ORDER_APPROVERS)).await.0, 204);
    let make = async |nickname: &str| {
        let body = json!({"displayName": names::ORDER_APPROVERS_NAME, "mailEnabled": false, "mailNickname": nickname,
            "securityEnabled": true, "isAssignableToRole": false, "description": "in a hurry"});
        let (status, made) = world.graph.post(GROUP, body).await;
        assert_eq!(status, 201);
        made["id"].as_str().unwrap().to_owned()
    };
    let made = make("approvers2").await;
    // Also if the nightly export has seen it by now.
    world.run(&["export"]).ok();
    let ran = world.run(&["plan", "--to", &good, "--json"]).ends(2);
    assert!(ran.err.contains("1 object that would be created is in the tenant already"), "{}", ran.err);
    assert!(ran.err.contains("--adopt"), "{}", ran.err);
    let plan = ran.json();
    assert!(steps(&plan).contains("create group"), "{}", steps(&plan));
    // Two are one too many: nobody but a person can tell.
    let second = make("approvers3").await;
    let ran = world.run(&["plan", "--to", &good, "--adopt"]).ends(1);
    assert!(ran.err.contains(&made) && ran.err.contains(&second) && ran.err.contains("--exclude"), "{}", ran.err);
    assert_eq!(world.graph.delete(&format!("{GROUP}/{second}")).await.0, 204);
    let ran = world.run(&["plan", "--to", &good, "--adopt", "--out", "plan.json", "--json"]).ends(2);
    let said = steps(&ran.json());
    assert!(!said.contains("create group") && !said.contains("delete group"), "{said}");
    assert!(said.contains("update group Order Desk approvers") && said.contains("link group"), "{said}");
    let honest = std::fs::read_to_string(world.path().join("plan.json")).unwrap();
    world.write("plan.json", &honest.replace(&made, names::REMOTE_WORKERS));
    let ran = world.run(&["apply", "plan.json", "--yes"]).ends(1);
    assert!(ran.err.contains("the commit has an object with that id, too"), "{}", ran.err);
    let pair = |new: &str| format!("\"{}\": \"{new}\"", names::ORDER_APPROVERS);
    world.write("plan.json", &honest.replace(&pair(&made), &pair(names::EMERGENCY_1)));
    let ran = world.run(&["apply", "plan.json", "--yes"]).ends(1);
    assert!(ran.err.contains("does not do what its commit says"), "{}", ran.err);
    world.write("plan.json", &honest);
    world.run(&["apply", "plan.json", "--yes"]).ok();
    let now = world.graph.ok(&format!("{GROUP}/{made}")).await;
    assert_ne!(now["description"], "in a hurry");
    assert!(world.git(&["show", "snapshots:manifest.yaml"]).contains(&format!("{}: {made}", names::ORDER_APPROVERS)));
    // From now on every commit knows.
    assert_eq!(world.run(&["plan", "--to", &good, "--kind", "group", "--json"]).json()["steps"], json!([]));
}

/// What an apply created is known by its receipt, and until that is written by its journal. Without both it would be created
/// once more.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_receipt_and_journal_points_at_adopt() {
    let world = World::exported().await;
    let good = world.git(&["rev-parse", "HEAD"]);
    assert_eq!(world.graph.delete(&format!("{GROUP}/{}", names::ORDER_APPROVERS)).await.0, 204);
    assert_eq!(world.graph.delete(&format!("/v1.0/directory/deletedItems/{}", names::ORDER_APPROVERS)).await.0, 204);
    let ran = world.run(&["plan", "--to", &good]).ends(2);
    assert!(!ran.err.contains("--adopt"), "{}", ran.err);
    world.run(&["apply", "--to", &good, "--yes"]).ok();
    world.git(&["reset", "-q", "--hard", &good]);
    world.git(&["update-ref", "refs/heads/snapshots", &good]);
    let ran = world.run(&["plan", "--to", &good, "--json"]);
    assert!(ran.err.contains("in the tenant already") && ran.err.contains("--adopt"), "{}", ran.err);
    let plan = world.run(&["plan", "--to", &good, "--adopt", "--json"]).json();
    assert!(!steps(&plan).contains("create group"), "{}", steps(&plan));
}
