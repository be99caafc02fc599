//! `sync`: an export in step with a remote, from any clone, at any time.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use crate::support::command_line::Ran;
use crate::support::long::is_long_run;
use crate::support::remote::Setting;

#[tokio::test(flavor = "multi_thread")]
async fn a_first_run_fills_an_empty_remote_and_the_next_goes_on_from_a_fresh_clone() {
    let setting = Setting::new().await;
    let ran = Ran::of(&setting.sync(setting.world.path()).output().unwrap()).ok();
    assert!(ran.err.contains("pushed to origin"), "{}", ran.err);
    let first = setting.at_remote("refs/heads/snapshots");
    assert_eq!(setting.at_remote("refs/heads/main"), first);
    assert_eq!(setting.at_remote("refs/entragit/state").len(), 40);

    setting.group("next-day").await;
    let clone = setting.clone("next-day");
    let ran = Ran::of(&setting.sync(&clone).output().unwrap()).ok();
    assert!(ran.err.contains("what changed was read") && ran.err.contains("1 added"), "{}", ran.err);
    assert_eq!(setting.git(&clone, &["rev-parse", "snapshots^"]), first);
    assert_eq!(setting.at_remote("refs/heads/snapshots"), setting.git(&clone, &["rev-parse", "snapshots"]));
    assert_eq!(setting.at_remote("refs/notes/entragit-audit").len(), 40);
    // An export that could not be pushed goes out with the next run.
    setting.git(&clone, &["remote", "set-url", "origin", "/nowhere"]);
    setting.group("offline").await;
    let ran = Ran::of(&setting.sync(&clone).output().unwrap()).ends(1);
    assert!(ran.err.contains("fetching from origin: ") && ran.err.contains("/nowhere"), "{}", ran.err);
    let mut export = setting.world.command(&setting.world.graph.tenant.url(), &["export"]);
    Ran::of(&export.current_dir(&clone).output().unwrap()).ok();
    setting.git(&clone, &["remote", "set-url", "origin", setting.remote().to_str().unwrap()]);
    Ran::of(&setting.sync(&clone).output().unwrap()).ok();
    assert_eq!(setting.at_remote("refs/heads/snapshots"), setting.git(&clone, &["rev-parse", "snapshots"]));
    let ran = setting.world.run(&["export", "--push"]).ok();
    assert!(ran.err.contains("no change"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_once_lose_nothing() {
    let setting = Setting::new().await;
    Ran::of(&setting.sync(setting.world.path()).output().unwrap()).ok();
    let clones = ["one", "two"].map(|name| setting.clone(name));
    let rounds = if is_long_run() { 50 } else { 4 };
    let mut made = Vec::new();
    for round in 0..rounds {
        made.push(setting.group(&format!("round-{round}")).await);
        let run = |at: &PathBuf| setting.sync(at).stderr(std::process::Stdio::piped()).spawn().unwrap();
        let running = clones.each_ref().map(run);
        for child in running {
            Ran::of(&child.wait_with_output().unwrap()).ok();
        }
        let tip = setting.at_remote("refs/heads/snapshots");
        let files = setting.git(&setting.remote(), &["ls-tree", "-r", "--name-only", &tip]);
        assert!(made.iter().all(|id| files.contains(id.as_str())), "round {round}");
    }
    // One history: each change is in one snapshot, with its note.
    let log = setting.git(&setting.remote(), &["log", "--format=%H", "--min-parents=2", "snapshots"]);
    assert_eq!(log, "");
    let count = setting.git(&setting.remote(), &["rev-list", "--count", "snapshots"]);
    assert_eq!(count, (rounds + 2).to_string());
    let noted = setting.git(&setting.remote(), &["notes", "--ref=entragit-audit", "list"]);
    // The first snapshot changed nothing that somebody did.
    let line = setting.git(&setting.remote(), &["rev-list", "snapshots", &format!("^snapshots~{rounds}")]);
    assert!(line.lines().all(|commit| noted.contains(commit)), "{line}\n{noted}");
    setting.git(&setting.remote(), &["fsck", "--strict", "--no-progress"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unpushed_commit_of_a_person_stays_on_main() {
    let setting = Setting::new().await;
    let world = &setting.world;
    Ran::of(&setting.sync(world.path()).output().unwrap()).ok();
    let other = setting.clone("other");
    // A person's commit to the settings, merged by an export that is never pushed.
    let settings = std::fs::read_to_string(world.path().join("entragit.yaml")).unwrap();
    world.write("entragit.yaml", &format!("{settings}# reviewed\n"));
    world.commit("Settings reviewed");
    let own = world.git(&["rev-parse", "main"]);
    setting.group("first").await;
    world.run(&["export"]).ok();
    setting.group("second").await;
    Ran::of(&setting.sync(&other).output().unwrap()).ok();
    let ran = Ran::of(&setting.sync(world.path()).output().unwrap()).ok();
    assert!(ran.err.contains("will be exported anew"), "{}", ran.err);
    assert!(world.git(&["log", "--format=%H", "main"]).contains(&own));
    assert!(std::fs::read_to_string(world.path().join("entragit.yaml")).unwrap().ends_with("# reviewed\n"));
    assert_eq!(world.git(&["status", "--porcelain"]), "");
    assert_eq!(setting.at_remote("refs/heads/snapshots"), world.git(&["rev-parse", "snapshots"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protected_main_is_left_to_people() {
    use std::os::unix::fs::PermissionsExt as _;

    let setting = Setting::new().await;
    Ran::of(&setting.sync(setting.world.path()).output().unwrap()).ok();
    let main = setting.at_remote("refs/heads/main");
    let hook = setting.remote().join("hooks/update");
    std::fs::write(
        &hook,
        "#!/bin/sh\n[ \"$1\" != refs/heads/main ] || { echo 'main takes pull requests only' >&2; exit 1; }\n",
    )
    .unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    setting.group("behind-a-rule").await;
    let ran = Ran::of(&setting.sync(setting.world.path()).output().unwrap()).ok();
    assert!(ran.err.contains("pushed to origin, all but main, which its rules keep for people"), "{}", ran.err);
    assert!(ran.err.contains("main takes pull requests only"), "{}", ran.err);
    assert_eq!(setting.at_remote("refs/heads/main"), main);
    assert_ne!(setting.at_remote("refs/heads/snapshots"), main);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_is_refused_for_ever_is_not_tried_for_ever() {
    let setting = Setting::new().await;
    Ran::of(&setting.sync(setting.world.path()).output().unwrap()).ok();
    // A lock that a dead program left on the remote.
    std::fs::write(setting.remote().join("refs/heads/snapshots.lock"), "").unwrap();
    let before = setting.at_remote("refs/heads/snapshots");
    setting.group("behind-a-lock").await;
    let ran = Ran::of(&setting.sync(setting.world.path()).output().unwrap()).ends(1);
    assert!(ran.err.contains("although nobody else pushed") && ran.err.contains("snapshots.lock"), "{}", ran.err);
    assert_eq!(setting.at_remote("refs/heads/snapshots"), before);
    std::fs::remove_file(setting.remote().join("refs/heads/snapshots.lock")).unwrap();
    Ran::of(&setting.sync(setting.world.path()).output().unwrap()).ok();
    assert_ne!(setting.at_remote("refs/heads/snapshots"), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_receipt_of_an_apply_is_never_given_up() {
    let setting = Setting::new().await;
    let world = &setting.world;
    Ran::of(&setting.sync(world.path()).output().unwrap()).ok();
    let other = setting.clone("other");
    let first = world.git(&["rev-parse", "HEAD"]);
    let group = setting.group("by-hand").await;
    Ran::of(&setting.sync(&other).output().unwrap()).ok();
    // Meanwhile the first clone applies, without fetching.
    world
        .graph
        .patch(
            &format!("/v1.0/groups/{}", entragit::emulator::contoso::names::REMOTE_WORKERS),
            json!({"description": "Theirs"}),
        )
        .await;
    world.run(&["apply", "--to", &first, "--kind", "group", "--yes"]).ends(4);
    let ran = Ran::of(&setting.sync(world.path()).output().unwrap()).ends(1);
    assert!(ran.err.contains("git "), "{}", ran.err);
    assert!(world.git(&["log", "-1", "--format=%B", "snapshots"]).contains("Entragit-Plan"));
    assert!(!group.is_empty());
}

/// A `git` that kills the program that calls it, at one of its calls.
struct DeadlyGit {
    folder: TempDir,
}

impl DeadlyGit {
    fn new() -> DeadlyGit {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let real = Command::new("sh").args(["-c", "command -v git"]).output().unwrap();
        let real = String::from_utf8(real.stdout).unwrap();
        let script = format!(
            "#!/bin/sh\n\
             calls=$(($(cat \"$COUNT\") + 1)); echo $calls > \"$COUNT\"\n\
             if [ $calls -eq $AT ] && [ $WHEN = before ]; then kill -9 $PPID; exit 1; fi\n\
             '{real}' \"$@\"; code=$?\n\
             if [ $calls -eq $AT ]; then kill -9 $PPID; fi\n\
             exit $code\n",
            real = real.trim()
        );
        let file = folder.path().join("git");
        std::fs::write(&file, script).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        DeadlyGit { folder }
    }

    /// Runs a command that is killed at call `at` of git, `before` it or after. Returns false if it made fewer calls.
    fn kills(&self, command: &mut Command, at: usize, when: &str) -> bool {
        let count = self.folder.path().join("count");
        std::fs::write(&count, "0").unwrap();
        let path = format!("{}:{}", self.folder.path().display(), std::env::var("PATH").unwrap());
        command.env("PATH", path).env("COUNT", &count).env("AT", at.to_string()).env("WHEN", when);
        let killed = command.output().unwrap().status.code().is_none();
        let calls: usize = std::fs::read_to_string(&count).unwrap().trim().parse().unwrap();
        assert_eq!(killed, calls >= at, "killed {when} call {at} of {calls}");
        killed
    }
}

/// Killed before or after any call of git, and at any other moment: the next run ends clean, and the remote has everything.
#[tokio::test(flavor = "multi_thread")]
async fn run_that_is_killed_is_taken_up_by_the_next() {
    let setting = Setting::new().await;
    let here = setting.world.path().to_owned();
    let group = setting.group("before").await;
    Ran::of(&setting.sync(&here).output().unwrap()).ok();
    let git = DeadlyGit::new();
    let mut rounds = Vec::new();
    for at in 1.. {
        let mut reached = false;
        for when in ["before", "after"] {
            let round = format!("{when} {at}");
            describe(&setting, &group, &round).await;
            reached |= git.kills(&mut setting.sync(&here), at, when);
            assert_clean_after(&setting, &here, &group, &round);
            rounds.push(round);
        }
        if !reached {
            break;
        }
    }
    // It fetches and pushes, and then makes no call that could be the last one.
    assert!(rounds.len() >= 6, "{rounds:?}");
    let moments = if is_long_run() { 100 } else { 4 };
    for moment in 0..moments {
        let round = format!("moment {moment}");
        describe(&setting, &group, &round).await;
        let mut child = setting.sync(&here).stderr(std::process::Stdio::null()).spawn().unwrap();
        // From the first milliseconds to about the whole of a run.
        std::thread::sleep(std::time::Duration::from_millis(20 + moment * 1_500 / moments));
        let _ = child.kill();
        child.wait().unwrap();
        assert_clean_after(&setting, &here, &group, &round);
    }
}

async fn describe(setting: &Setting, group: &str, text: &str) {
    let body = json!({"description": text});
    assert_eq!(setting.world.graph.patch(&format!("/v1.0/groups/{group}"), body).await.0, 204);
}

/// Runs once more, and holds both repositories against the tenant.
fn assert_clean_after(setting: &Setting, here: &Path, group: &str, round: &str) {
    Ran::of(&setting.sync(here).output().unwrap()).ok();
    let files = setting.git(&setting.remote(), &["ls-tree", "-r", "--name-only", "main"]);
    let file = files.lines().find(|path| path.contains(group)).unwrap();
    let text = setting.git(&setting.remote(), &["show", &format!("main:{file}")]);
    assert!(text.contains(&format!("description: {round}\n")), "{round}: {text}");
    for name in ["main", "snapshots", "refs/notes/entragit-audit", "refs/entragit/state"] {
        assert_eq!(setting.git(here, &["rev-parse", name]), setting.at_remote(name), "{round}: {name}");
    }
    assert_eq!(setting.git(here, &["status", "--porcelain"]), "", "{round}");
    for place in [here, &setting.remote()] {
        setting.git(place, &["fsck", "--strict", "--no-dangling", "--no-progress"]);
    }
}
