//! What people and git do with any repository is no obstacle: other people's files, line ends, sub-folders, left locks.

use entragit::emulator::contoso::names;
use serde_json::{Value, json};

use super::cli::{Ran, World, hermetic};
use super::clones::Shared;

/// A commit of another repository.
const MODULE: &str = "1111111111111111111111111111111111111111";

impl World {
    fn run_in(&self, folder: &str, arguments: &[&str]) -> Ran {
        let mut command = self.command(&self.graph.tenant.url(), arguments);
        Ran::of(&command.current_dir(self.path().join(folder)).output().unwrap())
    }

    async fn describe_group(&self, text: &str) {
        let path = format!("/v1.0/groups/{}", names::REMOTE_WORKERS);
        assert_eq!(self.graph.patch(&path, json!({"description": text})).await.0, 204);
    }

    /// Commits what other tools put beside the objects, with everything that git can hold.
    fn add_other_files(&self) {
        for path in [
            ".gitattributes",
            "Makefile",
            "renovate.json",
            "scripts/x.py",
            "terraform/main.tf",
            "map.yaml",
            "plan.json",
            "groups/README.md",
            "k8s/deployment.yaml",
        ] {
            self.write(path, "*.yaml text eol=lf\n");
        }
        std::os::unix::fs::symlink("map.yaml", self.path().join("link.yaml")).unwrap();
        std::os::unix::fs::symlink("README.md", self.path().join("groups/link.yaml")).unwrap();
        self.git(&["add", "-A"]);
        self.git(&["update-index", "--chmod=+x", "scripts/x.py"]);
        self.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{MODULE},modules/other")]);
        self.git(&["commit", "-qm", "what other tools need"]);
        self.git(&["reset", "-q", "--hard"]);
    }

    fn others_on(&self, branch: &str) -> String {
        let all = self.git(&["ls-tree", "-r", "--format=%(objectmode) %(path)", branch]);
        let object = |line: &&str| line.starts_with("100644") && line.contains('/') && line.ends_with(".yaml");
        all.lines().filter(|line| !object(line) || line.contains("k8s")).collect::<Vec<_>>().join("\n")
    }
}

const OTHERS: &str = "100644 .gitattributes
100644 Makefile
100644 entragit.yaml
100644 groups/README.md
120000 groups/link.yaml
100644 k8s/deployment.yaml
120000 link.yaml
100644 manifest.yaml
100644 map.yaml
160000 modules/other
100644 plan.json
100644 renovate.json
100755 scripts/x.py
100644 terraform/main.tf";

#[tokio::test(flavor = "multi_thread")]
async fn init_keeps_lines_as_they_are() {
    let world = World::new().await;
    assert_eq!(world.git(&["show", "main:.gitattributes"]), "*.yaml text eol=lf");
    world.run(&["export"]).ok();
    assert_eq!(world.git(&["show", "snapshots:.gitattributes"]), "*.yaml text eol=lf");
    assert_eq!(world.git(&["rev-parse", "main"]), world.git(&["rev-parse", "snapshots"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_peoples_files_are_carried_and_stop_nothing() {
    let world = World::new().await;
    world.run(&["export"]).ok();
    world.add_other_files();
    let said = world.run(&["validate"]).ok();
    let text = format!("{}{}", said.out, said.err);
    assert!(text.contains("groups/link.yaml") && text.contains("replace it by a file"), "{text}");
    assert!(!text.contains("map.yaml") && !text.contains("README"), "{text}");
    world.run(&["validate", "HEAD"]).ok();
    world.run(&["plan", "--to", "HEAD"]).ok();
    world.run(&["diff", "snapshots", "HEAD"]).ok();
    world.run(&["diff", "HEAD", "worktree"]).ok();
    world.run(&["diff", "worktree", "live"]).ok();
    world.run(&["drift"]).ok();
    let export = world.run(&["export", "--json"]).ok().json();
    assert_eq!(export["pending"], json!([]));
    assert_eq!(world.others_on("snapshots"), OTHERS);
    assert_eq!(world.git(&["rev-parse", "main"]), world.git(&["rev-parse", "snapshots"]));
    assert_eq!(world.git(&["status", "--porcelain"]), "");
    // The next one changes nothing about them, whichever command writes it.
    world.describe_group("changed").await;
    world.run(&["export"]).ok();
    world.describe_group("changed again").await;
    world.run(&["watch", "--rounds", "1"]).ok();
    assert_eq!(world.others_on("snapshots"), OTHERS);
    // Edits of them beside an edit of an object: only that is pending, and the snapshot is written all the same.
    world.git(&["rm", "-q", "link.yaml", "scripts/x.py"]);
    world.write("Makefile", "all:\n");
    let edited = world.edit("Approves larger orders");
    world.describe_group("changed for the last time").await;
    let export = world.run(&["export", "--json"]).ok().json();
    assert_eq!(export["pending"], json!([edited]));
    assert_eq!(world.others_on("snapshots"), OTHERS);
    world.run(&["apply", "--yes"]).ok();
    let status = world.run(&["status", "--json"]).ok().json();
    assert!(!status["snapshot"]["commit"].is_null(), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_round_takes_over_what_main_changed_of_other_files() {
    let world = World::new().await;
    world.run(&["watch", "--rounds", "1"]).ok();
    world.add_other_files();
    world.describe_group("changed").await;
    world.run(&["watch", "--rounds", "1"]).ok();
    assert_eq!(world.others_on("snapshots"), OTHERS);
    assert_eq!(world.git(&["rev-parse", "main"]), world.git(&["rev-parse", "snapshots"]));
    assert_eq!(world.git(&["status", "--porcelain"]), "");
}

/// Where `main` is brought forward to what a remote has, the work tree gets links, executables and submodules as from git.
#[tokio::test(flavor = "multi_thread")]
async fn links_and_executables_come_into_the_work_tree() {
    let shared = Shared::new().await;
    let clone = shared.clone(&[]);
    shared.world.add_other_files();
    shared.push();
    clone.git(&["fetch", "-q"]);
    clone.run(&["export"]).ok();
    assert_eq!(clone.git(&["rev-parse", "main"]), clone.git(&["rev-parse", "snapshots"]));
    assert_eq!(clone.git(&["status", "--porcelain"]), "");
    assert_eq!(std::fs::read_link(clone.path.join("link.yaml")).unwrap().to_str(), Some("map.yaml"));
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(clone.path.join("scripts/x.py")).unwrap().permissions().mode();
    assert_eq!(mode & 0o100, 0o100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_meant_as_an_object_stays_a_finding() {
    let world = World::new().await;
    world.run(&["export"]).ok();
    for path in ["group/x.yaml", "groups/x.yml", "roles/x.yaml"] {
        world.write(path, "id: new:x\n");
        let ran = world.run(&["validate"]).ends(1);
        assert!(format!("{}{}", ran.out, ran.err).contains(path), "{}{}", ran.out, ran.err);
        std::fs::remove_file(world.path().join(path)).unwrap();
    }
}

/// As on Windows, where git writes lines that end in CR LF.
#[tokio::test(flavor = "multi_thread")]
async fn lines_that_end_in_cr_lf_are_no_difference() {
    let shared = Shared::new().await;
    // Without the attributes that keep them as they are.
    shared.world.git(&["rm", "-q", ".gitattributes"]);
    shared.world.commit("no attributes");
    shared.push();
    let clone = shared.clone(&["-c", "core.autocrlf=true"]);
    let bytes = std::fs::read(clone.path.join("entragit.yaml")).unwrap();
    assert!(bytes.windows(2).any(|pair| pair == b"\r\n"));
    for arguments in [
        &["validate"][..],
        &["diff", "HEAD", "worktree"],
        &["diff", "worktree", "live"],
        &["plan", "--to", "HEAD"],
        &["drift"],
        &["status"],
        &["export"],
    ] {
        clone.run(arguments).ok();
    }
    shared.describe("changed").await;
    clone.run(&["export"]).ok();
    assert_eq!(clone.git(&["status", "--porcelain"]), "");
    // Committed so by an editor.
    let path = clone.git(&["ls-files", &format!("groups/*{}*", names::ORDER_APPROVERS)]);
    let text = std::fs::read_to_string(clone.path.join(&path)).unwrap().replace("\r\n", "\n").replace('\n', "\r\n");
    std::fs::write(clone.path.join(&path), &text).unwrap();
    clone.git(&["-c", "core.autocrlf=false", "add", &path]);
    clone.git(&["commit", "-qm", "lines"]);
    assert!(clone.git(&["cat-file", "-p", &format!("HEAD:{path}")]).contains('\r'));
    for arguments in [&["validate", "HEAD"][..], &["diff", "snapshots", "HEAD"], &["plan", "--to", "HEAD"]] {
        clone.run(arguments).ok();
    }
    let export = clone.run(&["export", "--json"]).ok().json();
    assert_eq!(export["pending"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_run_in_a_folder_of_the_repository() {
    let world = World::new().await;
    world.run_in("", &["export"]).ok();
    for arguments in [&["validate"][..], &["log"], &["status"], &["plan", "--to", "HEAD"], &["export"]] {
        world.run_in("groups", arguments).ok();
    }
    // A repository further up that is no tenant's is not worked on.
    let dir = tempfile::tempdir().unwrap();
    Ran::of(&hermetic("git", dir.path()).args(["init", "-q"]).output().unwrap()).ok();
    std::fs::create_dir(dir.path().join("sub")).unwrap();
    let mut command = world.command("http://127.0.0.1:9", &["export"]);
    Ran::of(&command.current_dir(dir.path().join("sub")).output().unwrap()).ends(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_left_lock_is_named_and_nothing_is_half_moved() {
    let world = World::new().await;
    world.run(&["export"]).ok();
    world.describe_group("changed").await;
    let before = world.git(&["for-each-ref"]);
    for lock in ["index.lock", "refs/heads/main.lock", "refs/heads/snapshots.lock", "packed-refs.lock"] {
        let file = world.path().join(".git").join(lock);
        std::fs::write(&file, "").unwrap();
        let ran = world.run(&["export"]);
        if lock == "packed-refs.lock" {
            // References that are files of their own move without it.
            ran.ok();
            std::fs::remove_file(&file).unwrap();
            continue;
        }
        let ran = ran.ends(6);
        assert!(ran.err.contains(lock) && ran.err.contains("delete that file"), "{}", ran.err);
        assert_eq!(world.git(&["for-each-ref"]), before, "{lock}");
        std::fs::remove_file(&file).unwrap();
        assert_eq!(world.git(&["status", "--porcelain"]), "", "{lock}");
    }
    assert_eq!(world.git(&["rev-parse", "main"]), world.git(&["rev-parse", "snapshots"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sparse_checkout_is_as_git_sees_it() {
    let shared = Shared::new().await;
    let clone = shared.clone(&[]);
    clone.git(&["sparse-checkout", "set", "--no-cone", "/*", "!/users/", "!/groups/"]);
    assert!(!clone.path.join("groups").exists());
    for arguments in [&["validate"][..], &["diff", "HEAD", "worktree"], &["diff", "worktree", "live"]] {
        clone.run(arguments).ok();
    }
    shared.describe("changed").await;
    clone.run(&["export"]).ok();
    assert_eq!(clone.git(&["status", "--porcelain"]), "");
    assert!(!clone.path.join("groups").exists(), "what is left out stays out");
    assert_eq!(clone.git(&["ls-files", "groups"]), clone.git(&["ls-tree", "-r", "--name-only", "HEAD", "groups"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_another_form_is_refused_with_the_command_that_changes_it() {
    let shared = Shared::new().await;
    let [split, sparse] = [shared.clone(&[]), shared.clone(&[])];
    split.git(&["update-index", "--split-index"]);
    sparse.git(&["sparse-checkout", "set", "--cone", "--sparse-index", "users"]);
    shared.describe("changed").await;
    for (clone, cure) in [(split, "git update-index --no-split-index"), (sparse, "git sparse-checkout disable")] {
        let before = clone.git(&["for-each-ref"]);
        for arguments in
            [&["export"][..], &["validate"], &["watch", "--rounds", "1"], &["apply", "--to", "HEAD", "--yes"]]
        {
            let ran = clone.refused(arguments);
            assert!(ran.err.contains(&format!("`{cure}`")), "{}", ran.err);
        }
        assert_eq!(clone.git(&["for-each-ref"]), before);
        assert_eq!(clone.git(&["status", "--porcelain"]), "");
        clone.shell(cure);
        clone.run(&["export"]).ok();
        clone.run(&["validate"]).ok();
        assert_eq!(clone.git(&["status", "--porcelain"]), "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn git_s_own_variables_say_who_commits() {
    let world = World::new().await;
    let run = |variables: &[(&str, &str)]| {
        let mut command = world.command(&world.graph.tenant.url(), &["export"]);
        Ran::of(&command.envs(variables.iter().copied()).output().unwrap())
    };
    run(&[
        ("GIT_AUTHOR_NAME", "Ada Lovelace"),
        ("GIT_AUTHOR_EMAIL", "ada@example.com"),
        ("GIT_AUTHOR_DATE", "2021-02-03T04:05:06+02:00"),
        ("GIT_COMMITTER_NAME", "Bot"),
        ("GIT_COMMITTER_EMAIL", "bot@example.com"),
        ("GIT_COMMITTER_DATE", "@1700000000 +0000"),
    ])
    .ok();
    let format = "--format=%an|%ae|%aI|%cn|%ce|%ct";
    assert_eq!(
        world.git(&["log", "-1", format, "snapshots"]),
        "Ada Lovelace|ada@example.com|2021-02-03T04:05:06+02:00|Bot|bot@example.com|1700000000"
    );
    world.describe_group("changed").await;
    let ran = run(&[("GIT_COMMITTER_DATE", "the other day")]).ends(1);
    assert!(ran.err.contains("GIT_COMMITTER_DATE"), "{}", ran.err);
    world.run(&["export"]).ok();
    assert_eq!(world.git(&["log", "-1", "--format=%an|%ce", "snapshots"]), "Test|test@localhost");
}

/// A clone without the files' content: git would fetch each when it is asked for, libgit2 does not.
#[tokio::test(flavor = "multi_thread")]
async fn a_partial_clone_says_how_to_complete_it() {
    let shared = Shared::new().await;
    shared.allow_filters();
    let clone = shared.clone(&["--filter=blob:none", "--no-checkout"]);
    for arguments in [&["export"][..], &["plan", "--to", "HEAD"], &["log"]] {
        let ran = clone.refused(arguments);
        assert!(
            ran.err.contains("partial clone") && ran.err.contains("`git fetch --refetch --no-filter`"),
            "{}",
            ran.err
        );
    }
    clone.shell("git fetch -q --refetch --no-filter");
    clone.git(&["checkout", "-q", "main"]);
    let export = clone.run(&["export", "--json"]).ok().json();
    assert_eq!(export["commit"], Value::Null);
}
