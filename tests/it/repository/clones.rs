//! Ordinary git clones of a tenant repository: the same command gives the same result in each, or says what to run.

use std::path::Path;

use entragit::emulator::contoso::names;
use serde_json::{Value, json};

use crate::support::clones::{GROUP, Shared};
use crate::support::command_line::{Ran, World, hermetic};

mod shapes;

#[tokio::test(flavor = "multi_thread")]
async fn export_in_a_fresh_clone_goes_on_from_the_remotes_snapshots() {
    let shared = Shared::new().await;
    let edited = shared.world.edit("Approves larger orders");
    shared.push();
    let clone = shared.clone(&[]);
    let main = clone.git(&["rev-parse", "main"]);
    // Nothing changed in the tenant: no commit, and the edit is still to be applied.
    let export = clone.run(&["export", "--json"]).ok().json();
    assert_eq!((&export["commit"], &export["pending"]), (&Value::Null, &json!([edited])));
    assert_eq!(clone.git(&["rev-parse", "snapshots"]), clone.git(&["rev-parse", "origin/snapshots"]));
    // Something did: the snapshot follows the remote's.
    shared.describe("meanwhile").await;
    let export = clone.run(&["export", "--json"]).ok().json();
    assert_eq!(export["pending"], json!([edited]));
    assert_eq!(clone.git(&["rev-parse", "snapshots^"]), clone.git(&["rev-parse", "origin/snapshots"]));
    assert_eq!(clone.git(&["rev-parse", "main"]), main, "an edit is never lost");
    assert_eq!(clone.roots(), 1);
    assert_eq!(clone.git(&["status", "--porcelain"]), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_in_a_clone_knows_the_ids_that_the_remotes_snapshots_learned() {
    let shared = Shared::new().await;
    let first = shared.world.git(&["rev-parse", "snapshots"]);
    let behind = shared.clone(&[]);
    behind.git(&["branch", "-q", "snapshots", "origin/snapshots"]);
    let apart = shared.clone(&["-o", "upstream"]);
    shared.purge().await;
    shared.world.run(&["apply", "--to", &first, "--yes"]).ok();
    shared.push();
    behind.git(&["fetch", "-q"]);
    apart.git(&["fetch", "-q"]);
    for clone in [&shared.clone(&[]), &behind, &apart] {
        let plan = clone.run(&["plan", "--to", &first, "--json"]).ok().json();
        assert_eq!(plan["steps"], json!([]));
        // Nothing was moved to look.
        assert_eq!(clone.git(&["branch", "--list", "snapshots"]).is_empty(), clone.path != behind.path);
        clone.run(&["apply", "--to", &first, "--yes"]).ok();
        let fetched = clone.git(&["for-each-ref", "--format=%(objectname)", "refs/remotes/*/snapshots"]);
        clone.git(&["merge-base", "--is-ancestor", &fetched, "snapshots"]);
        assert_eq!(clone.roots(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_commands_in_a_fresh_clone_say_what_they_say_in_the_original() {
    let shared = Shared::new().await;
    shared.describe("changed").await;
    shared.world.run(&["export"]).ok();
    shared.world.edit("Approves larger orders");
    shared.push();
    let clone = shared.clone(&[]);
    clone.git(&["fetch", "-q", "origin", "refs/notes/*:refs/notes/*"]);
    for (code, arguments) in [
        (0, &["log"][..]),
        (0, &["blame", names::REMOTE_WORKERS]),
        (0, &["show", names::REMOTE_WORKERS]),
        (0, &["show", &format!("snapshots~1:{}", names::REMOTE_WORKERS)]),
        (2, &["plan", "--changes", ""]),
        (0, &["diff", "--since", "0m"]),
        (2, &["diff", "snapshots~1", "snapshots"]),
        (0, &["drift"]),
        (0, &["validate"]),
    ] {
        let [here, there] = [shared.world.run(arguments), clone.run(arguments)].map(|ran| ran.ends(code).out);
        // When the tenant was read differs.
        let same = |text: &str| text.split(" → live at ").next().unwrap().to_owned();
        assert_eq!(same(&here), same(&there), "{arguments:?}");
    }
    let status = clone.run(&["status", "--json"]).ends(2).json();
    assert_eq!(
        status["snapshot"]["commit"].as_str().unwrap(),
        clone.git(&["rev-parse", "origin/snapshots"]),
        "{status}"
    );
    clone.run(&["drill"]).ok();
    assert_eq!(clone.git(&["branch", "--list", "snapshots"]), "", "nothing was moved to look");
}

#[tokio::test(flavor = "multi_thread")]
async fn diverged_snapshots_are_refused_with_the_command_that_settles_it() {
    let shared = Shared::new().await;
    let first = shared.world.git(&["rev-parse", "snapshots"]);
    let other = shared.clone(&[]);
    shared.purge().await;
    shared.world.run(&["export"]).ok();
    shared.push();
    // Without a fetch the clone goes on as of what it knows.
    other.run(&["plan", "--to", &first]).ends(2);
    other.run(&["export"]).ok();
    let own = other.git(&["rev-parse", "snapshots"]);
    // Equal content at another time is another commit.
    other.git(&["fetch", "-q"]);
    if own == other.git(&["rev-parse", "origin/snapshots"]) {
        return;
    }
    for arguments in
        [&["log"][..], &["status"], &["plan", "--to", &first], &["export"], &["apply", "--to", &first, "--yes"]]
    {
        let ran = other.refused(arguments);
        assert!(ran.err.contains("diverged: 1 snapshot here and 1 snapshot there"), "{}", ran.err);
        assert!(ran.err.contains("`git branch --force snapshots origin/snapshots`"), "{}", ran.err);
    }
    other.git(&["branch", "--force", "snapshots", "origin/snapshots"]);
    other.run(&["export"]).ok();
    assert_eq!(other.roots(), 1);
    other.run(&["log"]).ok();
}

/// What a pipeline checks out for a pull request.
#[tokio::test(flavor = "multi_thread")]
async fn the_merge_commit_of_a_pull_request_never_begins_a_history() {
    let shared = Shared::new().await;
    let world = &shared.world;
    world.git(&["switch", "-qc", "request"]);
    world.edit("Approves larger orders");
    world.git(&["switch", "-q", "main"]);
    world.git(&["merge", "-q", "--no-ff", "-m", "Merge request into main", "request"]);
    world.git(&["push", "-q", "origin", "main:refs/pull/1/merge"]);
    let clone = shared.clone(&["--no-checkout", "--depth", "1"]);
    clone.git(&["fetch", "-q", "--depth", "1", "origin", "+refs/pull/1/merge:refs/remotes/pull/1/merge"]);
    clone.git(&["checkout", "-q", "--detach", "refs/remotes/pull/1/merge"]);
    let before = clone.git(&["for-each-ref"]);
    for arguments in [&["export"][..], &["apply", "--to", "HEAD", "--yes"], &["watch", "--rounds", "1"]] {
        let ran = clone.refused(arguments);
        assert!(ran.err.contains("shallow") && ran.err.contains("`git fetch --unshallow origin"), "{}", ran.err);
    }
    assert_eq!(clone.git(&["for-each-ref"]), before);
    clone.shell("git fetch -q --unshallow origin '+refs/heads/*:refs/remotes/origin/*'");
    let export = clone.run(&["export", "--json"]).ok().json();
    assert_eq!(export["commit"], Value::Null);
    assert_eq!(clone.roots(), 1);
}

/// Nothing but commits on `main` tell of snapshots.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_branch_is_made_again_from_the_snapshot_that_is_named() {
    let world = World::exported().await;
    let last = world.git(&["rev-parse", "snapshots"]);
    world.edit("Approves larger orders");
    world.git(&["branch", "-qD", "snapshots"]);
    for arguments in [&["export"][..], &["log"], &["plan", "--to", "HEAD"]] {
        let ran = world.run(arguments).ends(1);
        assert!(ran.err.contains(&format!("`git branch snapshots {last}`")), "{}", ran.err);
    }
    world.git(&["branch", "-q", "snapshots", &last]);
    let export = world.run(&["export", "--json"]).ok().json();
    assert_eq!(export["commit"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_checked_out_in_another_work_tree_is_not_moved_underneath() {
    let shared = Shared::new().await;
    let clone = shared.clone(&[]);
    clone.git(&["branch", "-q", "snapshots", "origin/snapshots"]);
    clone.git(&["worktree", "add", "-q", "-b", "work", "../linked"]);
    let linked = clone.path.parent().unwrap().join("linked");
    let main = clone.git(&["rev-parse", "main"]);
    shared.describe("changed").await;
    // From the linked work tree: `main` is checked out in the other one.
    let ran = clone.run_in(&linked, &["export", "--kind", "group"]).ok();
    let folder = clone.path.canonicalize().unwrap();
    let said = format!("`git -C {} merge snapshots`", folder.display());
    assert!(ran.err.contains("main was not moved") && ran.err.contains(&said), "{}", ran.err);
    assert_eq!(clone.git(&["rev-parse", "main"]), main);
    assert_eq!(clone.git(&["status", "--porcelain"]), "");
    assert_eq!(clone.git(&["rev-parse", "snapshots^"]), main);
    clone.shell(said.trim_matches('`'));
    assert_eq!(clone.git(&["rev-parse", "main"]), clone.git(&["rev-parse", "snapshots"]));
    // `snapshots` in another one: it could not be left behind, so nothing is begun.
    Ran::of(&hermetic("git", &linked).args(["switch", "-q", "snapshots"]).output().unwrap()).ok();
    let ran = clone.refused(&["export"]);
    let said = format!("git -C {} switch --detach", linked.canonicalize().unwrap().display());
    assert!(ran.err.contains(&said), "{}", ran.err);
    clone.shell(&said);
    shared.describe("changed again").await;
    clone.run(&["export", "--kind", "group"]).ok();
    // In the work tree itself the files come along.
    clone.git(&["switch", "-q", "snapshots"]);
    shared.describe("changed for the last time").await;
    clone.run(&["export", "--kind", "group"]).ok();
    assert_eq!(clone.git(&["status", "--porcelain"]), "");
}

/// The state counts where it belongs to the tip that is worked from, whichever branch that is of.
#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_the_remotes_tip_is_taken_up_in_a_fresh_clone() {
    let shared = Shared::new().await;
    let world = &shared.world;
    world.run(&["export", "--incremental"]).ok();
    world.git(&["push", "-q", "origin", "refs/entragit/*:refs/entragit/*"]);
    let clones = [shared.clone(&[]), shared.clone(&[])];
    shared.describe("changed").await;
    world.run(&["export", "--kind", "group"]).ok();
    shared.push();
    // The state is of the first snapshot: as far as the first of them knows, the last one.
    clones[1].git(&["fetch", "-q"]);
    for (clone, said) in clones.iter().zip(["what changed was read", "everything was read"]) {
        clone.git(&["fetch", "-q", "origin", "+refs/entragit/*:refs/entragit/*"]);
        let ran = clone.run(&["export", "--incremental"]).ok();
        assert!(ran.err.contains(said), "{}", ran.err);
        assert_eq!(clone.git(&["log", "-1", "--format=%s", "snapshots"]), "Remote workers changed");
    }
}

/// A reference that cannot be moved holds back the others, and the work tree.
#[tokio::test(flavor = "multi_thread")]
async fn snapshots_notes_and_main_move_together_or_not_at_all() {
    let world = World::exported().await;
    let description = json!({"description": "changed"});
    let path = format!("/v1.0/groups/{}", names::REMOTE_WORKERS);
    assert_eq!(world.graph.patch(&path, description).await.0, 204);
    let before = world.git(&["for-each-ref"]);
    for reference in ["refs/heads/main", "refs/heads/snapshots", "refs/notes/entragit-audit"] {
        let lock = world.path().join(".git").join(format!("{reference}.lock"));
        std::fs::create_dir_all(lock.parent().unwrap()).unwrap();
        std::fs::write(&lock, "").unwrap();
        world.run(&["export", "--kind", "group"]).ends(6);
        assert_eq!(world.git(&["for-each-ref"]), before, "{reference}");
        assert_eq!(world.git(&["status", "--porcelain"]), "", "{reference}");
        std::fs::remove_file(&lock).unwrap();
    }
    world.run(&["export", "--kind", "group"]).ok();
    assert_eq!(world.git(&["rev-parse", "main"]), world.git(&["rev-parse", "snapshots"]));
    world.git(&["notes", "--ref", "entragit-audit", "show", "snapshots"]);
    assert_eq!(world.git(&["for-each-ref", "refs/notes"]).lines().count(), 1);
}

/// The commands as the README prints them, in a fresh clone each night, with a change each night.
#[tokio::test(flavor = "multi_thread")]
async fn printed_nightly_recipe_works_for_ten_nights() {
    let readme = include_str!("../../../README.md");
    let recipe: Vec<&str> = readme
        .split("A nightly pipeline of a large tenant")
        .nth(1)
        .and_then(|rest| rest.split("```").nth(1))
        .unwrap()
        .lines()
        .filter(|line| line.starts_with("git ") || line.starts_with("entragit "))
        .collect();
    assert_eq!(recipe.len(), 1, "{recipe:?}");
    let shared = Shared::new().await;
    let program = Path::new(env!("CARGO_BIN_EXE_entragit")).parent().unwrap();
    for night in 0..10 {
        shared.describe(&format!("night {night}")).await;
        let clone = shared.clone(&[]);
        let like = shared.world.command(&shared.world.graph.tenant.url(), &[]);
        let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
        let mut command = hermetic("sh", &clone.path);
        command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("PATH", path);
        let ran = Ran::of(&command.args(["-ec", &recipe.join("\n")]).output().unwrap());
        assert_eq!(ran.code, 0, "night {night}: {}{}", ran.out, ran.err);
    }
    let clone = shared.clone(&[]);
    clone.git(&["fetch", "-q", "origin", "+refs/notes/*:refs/notes/*"]);
    let noted = clone.git(&["notes", "--ref", "entragit-audit", "list"]);
    assert!(noted.lines().count() >= 10, "{noted}");
}
