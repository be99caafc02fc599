//! The whole way with the real program, over HTTP: a demo, what the README prints, and recoveries of a tenant.

use std::path::Path;

use entragit::emulator::contoso::names;
use serde_json::{Value, json};

use crate::support::command_line::{Ran, World, hermetic};

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_ends_verified() {
    let dir = tempfile::tempdir().unwrap();
    let demo = dir.path().join("demo");
    let output = hermetic(env!("CARGO_BIN_EXE_entragit"), dir.path()).arg("demo").arg(&demo).output().unwrap();
    let ran = Ran::of(&output).ok();
    assert!(ran.out.ends_with("verified\n"), "{}", ran.out);
    assert!(ran.out.contains(names::ADMINISTRATOR_UPN), "who did it is said: {}", ran.out);
    let log =
        Ran::of(&hermetic("git", &demo).args(["log", "--format=%s", "--first-parent"]).output().unwrap()).ok().out;
    assert_eq!(log.lines().count(), 4, "{log}");
    assert_eq!(Ran::of(&hermetic("git", &demo).args(["status", "--porcelain"]).output().unwrap()).ok().out, "");
    Ran::of(&hermetic("git", &demo).args(["fsck", "--strict", "--full"]).output().unwrap()).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_wiped_for_good_comes_back_with_new_ids() {
    let world = World::exported().await;
    let groups = world.graph.pages("/v1.0/groups").await.len();
    let policies = world.graph.pages("/v1.0/identity/conditionalAccess/policies").await.len();
    world.wipe().await;
    let plan = world.run(&["plan", "--to", "HEAD", "--json"]).ends(2).json();
    assert!(plan["losses"].as_array().is_some_and(|losses| losses.len() >= groups + policies), "said before approval");
    let said = plan["losses"].to_string();
    assert!(said.contains("mail and proxyAddresses are set by Graph and may come back otherwise"), "{said}");
    let applied = world.run(&["apply", "--to", "HEAD", "--yes", "--json"]).ends(4);
    let applied = applied.json();
    let unmet = applied["unmet"].as_array().unwrap();
    let by_graph = |what: &Value| what.as_str().unwrap().ends_with("Graph sets it by itself and lets nobody write it");
    assert!(!unmet.is_empty() && unmet.iter().all(by_graph), "{unmet:?}");
    assert_eq!(applied["verification"]["notConverged"], json!([]));
    assert_eq!(world.graph.pages("/v1.0/groups").await.len(), groups);
    let now = world.graph.pages("/v1.0/identity/conditionalAccess/policies").await;
    assert_eq!(now.len(), policies);
    let ids = applied["newIds"].as_object().unwrap();
    let text = serde_json::to_string(&now).unwrap();
    for (old, new) in ids {
        assert!(!text.contains(old.as_str()), "{old} is still named by a policy");
        assert_ne!(old, new.as_str().unwrap());
    }
    assert!(text.contains(ids[names::REMOTE_WORKERS].as_str().unwrap()), "the policy names the new group");
    world.run(&["plan", "--to", "HEAD"]).ok();
    // The identity map resolves older commits, too: nothing is left to do, and what Graph sets is as Graph has set it.
    let plan = world.run(&["plan", "--to", "HEAD~2"]).ends(4);
    assert!(plan.out.contains("Nothing can be done"), "{}", plan.out);
    assert!(world.git(&["log", "-1", "--format=%s", "HEAD~1"]).starts_with("Found before applying"));
    let tree = world.git(&["grep", "-l", names::REMOTE_WORKERS, "HEAD"]);
    assert_eq!(tree, "HEAD:manifest.yaml", "only the map remembers the old id");
    assert_eq!(world.git(&["log", "-1", "--format=%P"]).split(' ').count(), 1, "HEAD was the tip already");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revert_is_left_alone_by_export_and_carried_out_by_apply() {
    let world = World::exported().await;
    assert_eq!(world.graph.delete(&format!("/v1.0/groups/{}", names::ORDER_APPROVERS)).await.0, 204);
    world.run(&["export"]).ok();
    world.git(&["revert", "--no-edit", "HEAD"]);
    let reverted = world.git(&["rev-parse", "main"]);
    let patch = json!({"description": "meanwhile"});
    assert_eq!(world.graph.patch(&format!("/v1.0/groups/{}", names::REMOTE_WORKERS), patch).await.0, 204);
    let export = world.run(&["export", "--json"]).ok().json();
    assert!(export["pending"].as_array().is_some_and(|pending| !pending.is_empty()), "{export}");
    assert_eq!(world.git(&["rev-parse", "main"]), reverted, "an export never overwrites an intention");
    assert_ne!(export["commit"], Value::Null);
    let ran = world.run(&["apply", "--to", "HEAD", "--yes"]).ok();
    assert!(ran.err.contains("verified"), "{}", ran.err);
    let group = world.graph.ok(&format!("/v1.0/groups/{}", names::ORDER_APPROVERS)).await;
    assert_eq!(group["id"], names::ORDER_APPROVERS, "restored under its own id");
    let other = world.graph.ok(&format!("/v1.0/groups/{}", names::REMOTE_WORKERS)).await;
    assert_eq!(other["description"], "meanwhile", "what the revert is not about stays");
    assert_eq!(world.git(&["rev-parse", "main"]), world.git(&["rev-parse", "snapshots"]), "one line again");
    assert_eq!(world.git(&["log", "-1", "--format=%P"]).split(' ').count(), 2, "a receipt has two parents");
    assert_eq!(world.git(&["status", "--porcelain"]), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_named_all_at_once_and_nothing_is_sent() {
    let world = World::exported().await;
    let group = world.git(&["ls-files", &format!("groups/*{}.yaml", names::REMOTE_WORKERS)]);
    let text = std::fs::read_to_string(world.path().join(&group)).unwrap();
    let policy = world.git(&["ls-files", &format!("conditional-access/policies/*{}.yaml", names::ORDERING_POLICY)]);
    let wrong = std::fs::read_to_string(world.path().join(&policy)).unwrap();
    world.write(
        &group,
        &format!("{text}visibilty: Private\nmailEnabled: \"perhaps\"\n").replacen("mailEnabled: false\n", "", 1),
    );
    world.write(&policy, &wrong.replace(names::REMOTE_WORKERS, "11111111-2222-4333-8444-555555555555"));
    world.write("groups/malformed.0000aaaa-0000-4000-8000-000000000001.yaml", "id: \"0000aaaa\nx: [\n");
    world.write(
        "groups/twice.0000aaaa-0000-4000-8000-000000000002.yaml",
        "id: 0000aaaa-0000-4000-8000-000000000002\ndisplayName: a\ndisplayName: b\n",
    );
    world.write(
        "groups/merge.0000aaaa-0000-4000-8000-000000000003.yaml",
        "<<<<<<< HEAD\nid: a\n=======\nid: b\n>>>>>>> x\n",
    );
    world.write("groups/copy.yaml", &text);
    world.write("gruops/x.yaml", "id: x\n");
    world.commit("mistakes");
    let said = |ran: Ran| {
        let mut lines: Vec<String> = ran
            .err
            .lines()
            .filter(|line| line.contains("error["))
            .map(|line| {
                let (place, rest) = line.split_once(": error[").unwrap();
                format!("{} [{}]", place.replace(names::REMOTE_WORKERS, "ID"), rest.split(']').next().unwrap())
            })
            .collect();
        lines.sort();
        lines.dedup();
        lines.join("\n")
    };
    // Nobody listens there: whatever was sent would be an error of its own.
    let nowhere = "http://127.0.0.1:9";
    insta::assert_snapshot!(said(world.run_at(nowhere, &["plan", "--to", "HEAD"]).ends(1)), @r"
    conditional-access/policies/ca210-order-desk-multifactor-authentication-for-remote.a471ed36-ba83-49e9-8282-bbdb5ffda628.yaml:19:7 [missing-reference]
    groups/copy.yaml:1:1 [duplicate-id]
    groups/malformed.0000aaaa-0000-4000-8000-000000000001.yaml:1:5 [syntax]
    groups/merge.0000aaaa-0000-4000-8000-000000000003.yaml:1 [merge-marker]
    groups/merge.0000aaaa-0000-4000-8000-000000000003.yaml:3 [merge-marker]
    groups/merge.0000aaaa-0000-4000-8000-000000000003.yaml:5 [merge-marker]
    groups/remote-workers.ID.yaml:50:1 [unknown-property]
    groups/remote-workers.ID.yaml:51:1 [wrong-type]
    groups/twice.0000aaaa-0000-4000-8000-000000000002.yaml:3:1 [duplicate-key]
    gruops/x.yaml [path]
    ");
    world.run_at(nowhere, &["apply", "--to", "HEAD", "--yes"]).ends(1);
    world.run(&["validate", "--json"]).ends(1).json();
    // A link in place of an object is no deletion.
    world.git(&["reset", "-q", "--hard", "snapshots"]);
    std::fs::remove_file(world.path().join(&group)).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", world.path().join(&group)).unwrap();
    world.commit("a link");
    let ran = world.run_at(nowhere, &["plan", "--to", "HEAD"]).ends(1);
    assert!(ran.err.contains(&group) && ran.err.contains("replace it by a file"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_file_whose_target_moved_writes_nothing() {
    let world = World::exported().await;
    let group = format!("/v1.0/groups/{}", names::REMOTE_WORKERS);
    assert_eq!(world.graph.patch(&group, json!({"description": "wrong"})).await.0, 204);
    let plan = world.run(&["plan", "--to", "HEAD", "--out", "plan.json"]).ends(2);
    assert!(plan.out.contains("description"), "{}", plan.out);
    assert_eq!(world.graph.patch(&group, json!({"description": "someone else"})).await.0, 204);
    world.run(&["apply", "plan.json", "--yes"]).ends(5);
    assert_eq!(world.graph.ok(&group).await["description"], "someone else");
    world.run(&["plan", "--to", "HEAD", "--out", "plan.json"]).ends(2);
    world.run(&["apply", "plan.json", "--yes"]).ok();
    assert_ne!(world.graph.ok(&group).await["description"], "someone else");
    world.run(&["apply", "--to", "HEAD", "--yes"]).ok();
}

/// The README's own lines, in a shell, as they stand; only the port is one that is free.
#[test]
fn the_readmes_recovery_works_as_printed() {
    let readme = include_str!("../../../README.md");
    let block = readme.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a block of shell");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let script = format!("set -eu\ntrap 'kill $(jobs -p)' EXIT\n{}", block.replace("8765", &port));
    let dir = tempfile::tempdir().unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_entragit")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let output = hermetic("bash", dir.path()).env("PATH", path).args(["-c", &script]).output().unwrap();
    let ran = Ran::of(&output).ok();
    assert!(ran.err.contains("main was left alone"), "{}", ran.err);
    assert!(ran.err.contains("verified: the tenant was read again"), "{}", ran.err);
    assert!(ran.out.contains("Revert"), "{}", ran.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_to_do_is_a_document_too_and_an_unknown_id_is_an_error() {
    let world = World::exported().await;
    let ran = world.run(&["apply", "--to", "HEAD", "--yes", "--json"]).ok();
    assert_eq!((&ran.json()["done"], &ran.json()["receipt"]), (&json!(0), &Value::Null));
    assert_eq!(world.run(&["plan", "--to", "HEAD", "--json"]).ok().json()["summary"], "0 steps");
    let ran = world.run(&["plan", "--to", "HEAD", "--id", "no-such-id"]).ends(1);
    assert!(ran.err.contains("--id no-such-id: neither the commit nor the tenant"), "{}", ran.err);
}
