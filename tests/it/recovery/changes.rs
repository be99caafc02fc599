//! What a pull request changed, and no more: held against the tenant as it is.

use std::collections::BTreeSet;

use entragit::emulator::contoso::names;
use serde_json::json;

use crate::support::command_line::World;
use crate::support::edits::{replace, steps};
use crate::support::graph::sign_in;

const GROUP: &str = "/v1.0/groups";
const POLICIES: &str = "/v1.0/identity/conditionalAccess/policies";

/// Path of the remote workers' file.
fn remote_workers(world: &World) -> String {
    world.git(&["ls-files", &format!("groups/*{}.yaml", names::REMOTE_WORKERS)])
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_is_carried_out_and_the_rest_stays() {
    let mut world = World::exported().await;
    let path = remote_workers(&world);
    replace(&world, &path, "description: ", "description: Ours. ");
    world.commit("a merged pull request");
    // Meanwhile, and in no snapshot: another object, and another property of the same one.
    sign_in(&mut world.graph, names::ADMINISTRATOR_UPN).await;
    let policy = format!("{POLICIES}/{}", names::ORDERING_POLICY);
    assert_eq!(world.graph.patch(&policy, json!({"state": "disabled"})).await.0, 204);
    let group = format!("{GROUP}/{}", names::REMOTE_WORKERS);
    assert_eq!(world.graph.patch(&group, json!({"displayName": "Remote colleagues"})).await.0, 204);
    let plan = world.run(&["plan", "--to", "HEAD", "--json"]).ends(2).json();
    insta::assert_snapshot!(steps(&plan), @r"
    update group Remote workers
    update conditionalAccessPolicy CA210 Order Desk: multifactor authentication for remote workers
    ");
    let markdown = world.run(&["plan", "--changes", "--format", "markdown"]).ends(2);
    assert!(markdown.out.starts_with("### Entra plan: 1 step: 1 update"), "{}", markdown.out);
    world.write(&path, "nonsense");
    let ran = world.run(&["plan", "--changes"]).ends(2);
    assert!(ran.err.contains("uncommitted changes") && ran.err.contains(&path), "{}", ran.err);
    world.git(&["checkout", "--", "."]);
    for changes in ["--changes", "--changes=HEAD~1..HEAD", "--changes=..main", "--changes=snapshots.."] {
        let plan = world.run(&["plan", changes, "--json"]).ends(2).json();
        assert_eq!(steps(&plan), "update group Remote colleagues");
        assert_eq!(plan["since"], world.git(&["rev-parse", "HEAD~1"]));
    }
    world.run(&["plan", "--changes", "--out", "plan.json"]).ends(2);
    world.run(&["apply", "plan.json", "--yes"]).ok();
    let now = world.graph.ok(&group).await;
    assert!(now["description"].as_str().unwrap().starts_with("Ours. "), "{now}");
    assert_eq!(now["displayName"], "Remote colleagues");
    assert_eq!(world.graph.ok(&policy).await["state"], "disabled");
    assert_eq!(world.git(&["rev-parse", "main"]), world.git(&["rev-parse", "snapshots"]), "one line again");
    assert_eq!(world.run(&["plan", "--changes", "--json"]).ok().json()["summary"], "0 steps");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_changed_is_refused_with_who_that_was() {
    let mut world = World::exported().await;
    let (path, group) = (remote_workers(&world), format!("{GROUP}/{}", names::REMOTE_WORKERS));
    replace(&world, &path, "description: ", "description: Ours. ");
    let approvers = world.git(&["ls-files", &format!("groups/*{}.yaml", names::ORDER_APPROVERS)]);
    replace(&world, &approvers, "description: ", "description: Ours. ");
    world.commit("a merged pull request");
    sign_in(&mut world.graph, names::ADMINISTRATOR_UPN).await;
    assert_eq!(world.graph.patch(&group, json!({"description": "Theirs"})).await.0, 204);
    assert_eq!(world.graph.delete(&format!("{GROUP}/{}", names::ORDER_APPROVERS)).await.0, 204);
    let ran = world.run(&["apply", "--changes", "--yes"]).ends(1);
    assert!(ran.err.contains("description changed here and in the tenant since"), "{}", ran.err);
    assert!(ran.err.contains("changed on one side and deleted on the other"), "{}", ran.err);
    for who in ["(Update group by Priya Raman", "(Delete group by Priya Raman"] {
        assert!(ran.err.contains(who), "{}", ran.err);
    }
    assert_eq!(world.graph.ok(&group).await["description"], "Theirs");
    // Out of scope it is in nobody's way.
    let ran = world.run(&["plan", "--changes", "--id", names::ORDER_APPROVERS]).ends(1);
    assert!(!ran.err.contains("description changed"), "{}", ran.err);
    // The group took assignments along when it went: of these nothing is planned, and it is said.
    let ran = world.run(&["plan", "--changes", "--exclude", "group"]).ends(2);
    assert!(ran.out.contains("Nothing to do") && ran.out.contains("otherwise"), "{}", ran.out);
    for wrong in ["HEAD", "a...b", "nowhere..HEAD"] {
        world.run(&["plan", "--changes", wrong]).ends(1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_out_stays_as_it_is() {
    let world = World::exported().await;
    let group = format!("{GROUP}/{}", names::REMOTE_WORKERS);
    let member = format!("{group}/members/$ref");
    let body =
        json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{}", names::EMERGENCY_2)});
    assert_eq!(world.graph.post(&member, body).await.0, 204);
    assert_eq!(world.graph.patch(&group, json!({"description": "Theirs"})).await.0, 204);
    assert_eq!(world.graph.delete(&format!("{GROUP}/{}", names::ORDER_APPROVERS)).await.0, 204);
    let planned = |exclude: &[&str]| {
        let mut words = vec!["plan", "--to", "HEAD", "--json"];
        words.extend(exclude.iter().flat_map(|word| ["--exclude", *word]));
        let plan = world.run(&words).json();
        let words: BTreeSet<String> =
            steps(&plan).lines().filter_map(|line| line.split(' ').next().map(str::to_owned)).collect();
        words.into_iter().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(planned(&[]), "link restore unlink update");
    assert_eq!(planned(&["group.members"]), "link restore update");
    assert_eq!(planned(&["group.members", names::ORDER_APPROVERS]), "update");
    assert_eq!(planned(&["group:remote*"]), "link restore");
    assert_eq!(planned(&[&remote_workers(&world), "Order Desk appr*"]), "");
    // Groups are not even read, and what is to be given to one may succeed.
    assert_eq!(planned(&["groups"]), "link");
    world.run(&["apply", "--to", "HEAD", "--exclude", "group.members", "--yes"]).ok();
    let ran = world.run(&["plan", "--exclude", "group.colour"]).ends(1);
    assert!(ran.err.contains("group has no property or link `colour`"), "{}", ran.err);
}
