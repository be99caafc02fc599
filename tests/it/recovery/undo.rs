//! The way back from an apply, and from one that was ended on its way.

use entragit::emulator::contoso::names;
use entragit::emulator::{Options, Seed};
use serde_json::json;

use crate::support::command_line::World;
use crate::support::edits::steps;

const GROUP: &str = "/v1.0/groups";
const POLICIES: &str = "/v1.0/identity/conditionalAccess/policies";

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_is_taken_back_also_what_no_snapshot_had_seen() {
    let world = World::exported().await;
    let good = world.git(&["rev-parse", "HEAD"]);
    // After the last snapshot: a property changed, a group gone for good, a group and a member new.
    let workers = format!("{GROUP}/{}", names::REMOTE_WORKERS);
    assert_eq!(world.graph.patch(&workers, json!({"description": "meanwhile"})).await.0, 204);
    assert_eq!(world.graph.delete(&format!("{GROUP}/{}", names::ORDER_APPROVERS)).await.0, 204);
    assert_eq!(world.graph.delete(&format!("/v1.0/directory/deletedItems/{}", names::ORDER_APPROVERS)).await.0, 204);
    let before = world.graph.pages(GROUP).await.len();
    let ran = world.run(&["apply", "--to", &good, "--yes", "--json"]).ok();
    assert!(ran.err.contains("1 object got a new id"), "{}", ran.err);
    let receipt = ran.json()["receipt"].as_str().unwrap().to_owned();
    assert!(world.git(&["log", "-1", "--format=%s", &format!("{receipt}^")]).starts_with("Found before applying"));
    assert!(world.git(&["diff", &format!("{receipt}^"), &receipt]).contains("-description: meanwhile"));
    let subject = world.git(&["log", "-1", "--format=%s", &receipt]);
    let taken = world.git(&["log", "-1", "--format=%ct", &good]).parse().unwrap();
    let taken = jiff::Timestamp::from_second(taken).unwrap().strftime("%Y-%m-%d %H:%MZ");
    assert_eq!(subject, format!("Brought back 5 objects to {} ({taken})", &good[..10]));
    // Since then somebody changed something else, and something that the apply had written, too.
    let policy = format!("{POLICIES}/{}", names::ORDERING_POLICY);
    assert_eq!(world.graph.patch(&policy, json!({"state": "disabled"})).await.0, 204);
    assert_eq!(world.graph.patch(&workers, json!({"displayName": "Remote colleagues"})).await.0, 204);
    world.run(&["undo", "--out", "plan.json"]).ends(2);
    let ran = world.run(&["undo", "--yes"]).ok();
    assert!(ran.err.contains("verified"), "{}", ran.err);
    let now = world.graph.ok(&workers).await;
    assert_eq!((&now["description"], &now["displayName"]), (&json!("meanwhile"), &json!("Remote colleagues")));
    assert_eq!(world.graph.pages(GROUP).await.len(), before, "the group that was created again is gone again");
    assert_eq!(world.graph.ok(&policy).await["state"], "disabled");
    assert!(world.git(&["log", "-1", "--format=%s", "snapshots"]).starts_with("Undone "));
    // And back again: this time from the recycle bin.
    let plan = world.run(&["undo", "--out", "again.json", "--json"]).ends(2).json();
    assert!(steps(&plan).contains("restore group"), "{}", steps(&plan));
    world.run(&["undo", "--yes"]).ok();
    assert_eq!(world.graph.pages(GROUP).await.len(), before + 1);
    world.run(&["undo", "HEAD~3"]).ends(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_stops_where_somebody_else_went_on() {
    let world = World::exported().await;
    assert!(world.run(&["undo", "--yes"]).ends(1).err.contains("is the receipt of an apply"));
    let workers = format!("{GROUP}/{}", names::REMOTE_WORKERS);
    assert_eq!(world.graph.patch(&workers, json!({"description": "meanwhile"})).await.0, 204);
    world.run(&["apply", "--to", "HEAD", "--yes"]).ok();
    assert_eq!(world.graph.patch(&workers, json!({"description": "and on"})).await.0, 204);
    let ran = world.run(&["undo", "--yes"]).ends(1);
    assert!(ran.err.contains("description changed here and in the tenant since"), "{}", ran.err);
    assert_eq!(world.graph.ok(&workers).await["description"], "and on");
    world.run(&["undo", "--yes", "--exclude", "group.description"]).ok();
    assert_eq!(world.graph.ok(&workers).await["description"], "and on");
}

/// Ctrl-C: what is under way ends well, nothing else is begun, and the rest is done later.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_interrupted_is_taken_up() {
    let world = World::exported().await;
    let groups = world.graph.pages(GROUP).await.len();
    world.wipe().await;
    let url = world.graph.tenant.url();
    let mut child = world.command(&url, &["apply", "--to", "HEAD", "--yes"]).spawn().unwrap();
    let pid = child.id().to_string();
    while world.graph.pages(GROUP).await.is_empty() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before anybody could stop it");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(4));
    assert_eq!(world.git(&["rev-parse", "snapshots"]), world.git(&["rev-parse", "main"]), "no receipt yet");
    world.run(&["apply", "--resume", "--yes"]).recovered();
    assert_eq!(world.graph.pages(GROUP).await.len(), groups, "nothing twice");
    assert!(world.run(&["apply", "--resume", "--yes"]).ends(1).err.contains("no apply was cut off"));
}

/// Graph gives what is made anew owners and defaults of its own. Taking them back from a thousand objects that the run itself
/// has made is part of the run, not a mass change.
#[tokio::test(flavor = "multi_thread")]
async fn what_graph_adds_to_new_objects_is_put_right_however_many_there_are() {
    let seed = Seed::Random(300);
    let world = World::with(Options { seed, ..Options::default() }).await;
    let settings = std::fs::read_to_string(world.path().join("entragit.yaml")).unwrap();
    let strict = settings.replace("maxUnlinks: 100", "maxUnlinks: 0").replace("maxChanges: 100", "maxChanges: 0");
    world.write("entragit.yaml", &strict.replace("maxChangesPercent: 20", "maxChangesPercent: 0"));
    world.commit("nothing passes");
    world.run(&["export"]).ok();
    for object in world.graph.pages("/v1.0/applications").await {
        let id = object["id"].as_str().unwrap();
        assert_eq!(world.graph.delete(&format!("/v1.0/applications/{id}")).await.0, 204);
        assert_eq!(world.graph.delete(&format!("/v1.0/directory/deletedItems/{id}")).await.0, 204);
    }
    let apply = ["apply", "--to", "HEAD", "--yes", "--accept", "mass-change", "--accept", "break-glass", "--json"];
    let ran = world.run(&apply).recovered();
    assert!(ran.json()["corrected"].as_u64().unwrap() > 0, "{}", ran.out);
}
