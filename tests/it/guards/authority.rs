//! The rules that judge a commit come from where its author has no hand.

use entragit::emulator::contoso::names;

use crate::support::command_line::{Ran, World};
use crate::support::edits::{replace, sheltering};

/// A tenant, its repository, and a branch on which a policy no longer leaves the emergency accounts out.
async fn company() -> World {
    let world = World::exported().await;
    world.git(&["switch", "-qc", "proposal"]);
    let (path, line) = sheltering(&world);
    replace(&world, &path, &line, "");
    world
}

/// Commits what was edited and plans it.
fn planned(world: &World, message: &str) -> Ran {
    world.commit(message);
    world.run(&["plan", "--to", "HEAD"])
}

fn no_accounts(world: &World) {
    replace(world, "entragit.yaml", &format!("breakGlass:\n  - \"{}\"", names::EMERGENCY_1), "breakGlass: []");
}

fn rename(world: &World, main: &str, snapshots: &str) {
    replace(world, "entragit.yaml", "  snapshots: snapshots", &format!("  snapshots: {snapshots}"));
    replace(world, "entragit.yaml", "  main: main", &format!("  main: {main}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_that_do_not_exist_switch_no_guard_off() {
    let world = company().await;
    no_accounts(&world);
    rename(&world, "nope", "nope2");
    let ran = planned(&world, "S09: names of nothing").ends(3);
    assert!(ran.err.contains("guards: snapshots:entragit.yaml"), "{}", ran.err);
    assert!(ran.err.contains("main and snapshots count, as snapshots:entragit.yaml says"), "{}", ran.err);
    for said in ["lock-out", "settings", "the branches are called nope and nope2", "breakGlass no longer has"] {
        assert!(ran.out.contains(said), "{said}: {}", ran.out);
    }
    // The same where the rules are on a remote, and demand approvals.
    world.git(&["switch", "-q", "main"]);
    let approval = "approval:\n  require: 1\n  signers: [\"ada@contoso.com ssh-ed25519 AAAAC3Nz\"]\n";
    let settings = std::fs::read_to_string(world.path().join("entragit.yaml")).unwrap();
    world.write("entragit.yaml", &format!("{settings}{approval}"));
    world.commit("Demand approvals");
    world.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    world.git(&["update-ref", "refs/remotes/origin/snapshots", "snapshots"]);
    world.git(&["reset", "-q", "--hard", "HEAD~1"]);
    world.git(&["switch", "-q", "proposal"]);
    let ran = world.run(&["plan", "--to", "HEAD"]).ends(3);
    assert!(ran.err.contains("guards: origin/main:entragit.yaml"), "{}", ran.err);
    let accept = ["--accept", "lock-out", "--accept", "break-glass", "--accept", "settings"];
    let ran = world.run(&[&["apply", "--to", "HEAD", "--yes"][..], &accept].concat()).ends(3);
    assert!(ran.err.contains("approv"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_that_somebody_made_up_set_no_rules() {
    let world = company().await;
    world.git(&["stash", "-q"]);
    // A branch of the author's own, on the remote as well, with rules that guard nothing.
    world.git(&["switch", "-qc", "evil"]);
    no_accounts(&world);
    world.commit("Weak rules");
    world.git(&["update-ref", "refs/remotes/origin/evil", "evil"]);
    world.git(&["switch", "-q", "proposal"]);
    world.git(&["stash", "pop", "-q"]);
    for (main, snapshots) in [("main", "evil"), ("evil", "snapshots"), ("evil", "HEAD")] {
        rename(&world, main, snapshots);
        let ran = planned(&world, "S02, S03: names of one's own").ends(if snapshots == "HEAD" { 1 } else { 3 });
        assert!(snapshots == "HEAD" || ran.err.contains("guards: snapshots:entragit.yaml"), "{}", ran.err);
        world.git(&["reset", "-q", "--soft", "HEAD~1"]);
        world.git(&["checkout", "-q", "snapshots", "--", "entragit.yaml"]);
    }
    world.git(&["update-ref", "refs/remotes/origin/main", "snapshots"]);
    rename(&world, "evil", "evil2");
    let ran = planned(&world, "The same beside a protected branch").ends(3);
    assert!(ran.err.contains("guards: origin/main:entragit.yaml"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn weaker_settings_count_once_they_are_accepted() {
    let world = company().await;
    world.git(&["stash", "-q"]);
    world.git(&["switch", "-q", "main"]);
    no_accounts(&world);
    replace(&world, "entragit.yaml", "maxDeletes: 10", "maxDeletes: 99999");
    world.commit("S04b: weaker rules alone");
    // An export brings the file along, not its rules.
    for _ in 0..2 {
        let ran = world.run(&["export"]).ok();
        assert!(ran.err.contains("maxDeletes goes from 10 to 99999"), "{}", ran.err);
        assert!(world.git(&["log", "-1", "--format=%B", "snapshots"]).contains("Entragit-Rules: "));
        let group = format!("/v1.0/groups/{}", names::REMOTE_WORKERS);
        let patch = serde_json::json!({"description": "another"});
        assert_eq!(world.graph.patch(&group, patch).await.0, 204);
    }
    world.git(&["switch", "-q", "proposal"]);
    world.git(&["reset", "-q", "--hard", "main"]);
    world.git(&["stash", "pop", "-q"]);
    let ran = planned(&world, "S04: then the exclusion").ends(3);
    assert!(ran.out.contains("lock-out") || ran.out.contains("break-glass"), "{}", ran.out);
    // A person accepts them, and that is recorded.
    world.run(&["export", "--accept", "settings"]).ok();
    let told = world.git(&["log", "-1", "--format=%B", "snapshots"]);
    assert!(told.contains("Entragit-Accepted: settings") && !told.contains("Entragit-Rules"), "{told}");
    let ran = world.run(&["plan", "--to", "HEAD"]);
    assert!(!ran.out.contains("breakGlass no longer has"), "{}", ran.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_does_not_bring_weaker_rules_into_force() {
    let world = company().await;
    world.git(&["checkout", "-q", "."]);
    world.git(&["switch", "-q", "main"]);
    no_accounts(&world);
    let path = world.git(&["ls-files", &format!("*{}.yaml", names::REMOTE_WORKERS)]);
    let text = std::fs::read_to_string(world.path().join(&path)).unwrap();
    world.write(&path, &(text + "visibility: Private\n").replace("visibility: Public\n", ""));
    world.commit("S04: a harmless edit, and weaker rules");
    let ran = world.run(&["apply", "--to", "HEAD", "--yes"]).ends(3);
    assert!(ran.err.contains("--accept settings"), "{}", ran.err);
}

/// Whoever calls the branches otherwise says so once, in the clone's own configuration or by what the remote has.
#[tokio::test(flavor = "multi_thread")]
async fn branches_may_have_other_names() {
    let world = World::new().await;
    rename(&world, "trunk", "tenant");
    world.git(&["branch", "-qm", "main", "trunk"]);
    world.commit("Other names");
    world.run(&["export"]).ok();
    let ran = world.run(&["plan", "--to", "HEAD"]).ok();
    assert!(ran.err.contains("guards: tenant:entragit.yaml"), "{}", ran.err);
    assert_eq!(world.git(&["rev-parse", "tenant"]), world.git(&["rev-parse", "trunk"]));
    // Renamed on both sides.
    world.git(&["branch", "-qm", "tenant", "was"]);
    replace(&world, "entragit.yaml", "snapshots: tenant", "snapshots: was");
    world.commit("Another name");
    world.git(&["config", "entragit.snapshots", "was"]);
    let ran = world.run(&["plan", "--to", "HEAD"]).ok();
    assert!(ran.err.contains("guards: was:entragit.yaml"), "{}", ran.err);
}

/// A plan file is judged by the commit before anything is asked of the tenant.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_file_that_somebody_edited_is_refused() {
    let world = World::exported().await;
    let group = format!("/v1.0/groups/{}", names::REMOTE_WORKERS);
    let patch = serde_json::json!({"description": "Theirs"});
    assert_eq!(world.graph.patch(&group, patch).await.0, 204);
    world.run(&["plan", "--to", "HEAD", "--out", "plan.json"]).ends(2);
    let honest = std::fs::read_to_string(world.path().join("plan.json")).unwrap();
    let user = world.graph.ok(&format!("/v1.0/users/{}", names::EMERGENCY_1)).await;
    type Edit<'a> = &'a dyn Fn(&mut serde_json::Value);
    let edits: [(&str, Edit<'_>); 4] = [
        ("this is no id of an object", &|step| {
            step["kind"] = "user".into();
            step["id"] = user["userPrincipalName"].clone();
            step["body"] = serde_json::json!({"accountEnabled": false});
        }),
        ("does not say what was seen", &|step| step["id"] = names::ORDER_APPROVERS.into()),
        ("is not what it writes", &|step| step["body"] = serde_json::json!({"visibility": "Private"})),
        ("displayName is not as the commit says", &|step| step["body"]["displayName"] = "Evil".into()),
    ];
    for (said, edit) in edits {
        let mut plan: serde_json::Value = serde_json::from_str(&honest).unwrap();
        edit(&mut plan["steps"][0]);
        world.write("plan.json", &plan.to_string());
        let ran = world.run(&["apply", "plan.json", "--yes"]).ends(1);
        assert!(ran.err.contains(said), "{said}: {}", ran.err);
    }
    let now = world.graph.ok(&group).await;
    assert_eq!((&now["description"], &now["displayName"]), (&"Theirs".into(), &names::REMOTE_WORKERS_NAME.into()));
    world.write("plan.json", &honest);
    world.run(&["apply", "plan.json", "--yes"]).ok();
}
