//! What people and git do with any repository is no obstacle: other people's files, line ends, sub-folders, left locks.

use entragit::emulator::contoso::names;
use serde_json::{Value, json};

use crate::support::clones::Shared;
use crate::support::command_line::{Ran, World, hermetic};

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
    let world = World::exported().await;
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
    world.run(&["apply", "--to", "HEAD", "--yes"]).ok();
    assert_eq!(world.git(&["ls-tree", "--name-only", "snapshots", "link.yaml", "scripts/x.py"]), "");
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
    let world = World::exported().await;
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
    for arguments in [&["validate"][..], &["log"], &["plan", "--to", "HEAD"], &["export"]] {
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
    let world = World::exported().await;
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
        "Ada Lovelace|ada@example.com|2021-02-03T02:05:06Z|Bot|bot@example.com|1700000000"
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

/// As in a container: the files belong to the user outside.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_another_user_is_trusted_by_git_s_rules() {
    let world = World::new().await;
    let root = world.path().canonicalize().unwrap();
    let chown = std::process::Command::new("chown").args(["-R", "12345"]).arg(&root).output().unwrap();
    if !chown.status.success() {
        println!("skipped: only the superuser can give files away");
        return;
    }
    let run = |variables: &[(&str, &str)]| {
        let mut command = world.command(&world.graph.tenant.url(), &["export"]);
        Ran::of(&command.envs(variables.iter().copied()).output().unwrap())
    };
    let ran = run(&[]).ends(1);
    let cure = format!("`git config --global --add safe.directory {}`", root.display());
    assert!(ran.err.contains(&cure), "{}", ran.err);
    let settings = tempfile::tempdir().unwrap();
    let file = settings.path().join("config");
    let shell = |line: &str| {
        let mut command = hermetic("sh", &root);
        Ran::of(&command.env("GIT_CONFIG_GLOBAL", &file).args(["-c", line]).output().unwrap()).ok();
    };
    let above = format!("{}/*", root.parent().unwrap().display());
    run(&[("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "safe.directory"), ("GIT_CONFIG_VALUE_0", &above)]).ok();
    shell(&format!("git config --global --add safe.directory '{above}'"));
    let global = [("GIT_CONFIG_GLOBAL", file.to_str().unwrap())];
    run(&global).ok();
    shell("git config --global --add safe.directory ''");
    run(&global).ends(1);
    shell(cure.trim_matches('`'));
    world.describe_group("changed").await;
    run(&global).ok();
    shell("git fsck --strict && test -z \"$(git status --porcelain)\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_are_signed_with_an_ssh_key() {
    let world = World::new().await;
    let keys = tempfile::tempdir().unwrap();
    let key = keys.path().join("key");
    let made = hermetic("ssh-keygen", keys.path()).args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).output();
    Ran::of(&made.unwrap()).ok();
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    let allowed = keys.path().join("allowed");
    std::fs::write(&allowed, format!("test@localhost {public}")).unwrap();
    world.git(&["config", "gpg.format", "ssh"]);
    world.git(&["config", "gpg.ssh.allowedSignersFile", allowed.to_str().unwrap()]);
    world.git(&["config", "commit.gpgSign", "true"]);
    let before = world.git(&["for-each-ref"]);
    for wrong in ["", "/nowhere/key"] {
        world.git(&["config", "user.signingKey", wrong]);
        let ran = Ran::of(&world.command("http://127.0.0.1:9", &["export"]).output().unwrap()).ends(1);
        assert!(ran.err.contains("commit.gpgSign"), "{}", ran.err);
        assert_eq!(world.git(&["for-each-ref"]), before);
    }
    world.git(&["config", "user.signingKey", key.to_str().unwrap()]);
    world.run(&["export"]).ok();
    world.git(&["verify-commit", "snapshots"]);
    world.describe_group("changed").await;
    world.run(&["watch", "--rounds", "1"]).ok();
    world.git(&["verify-commit", "snapshots"]);
    world.git(&["fsck", "--strict"]);
    world.git(&["config", "commit.gpgSign", "false"]);
    world.describe_group("changed again").await;
    world.run(&["export"]).ok();
    assert_eq!(world.git(&["log", "-1", "--format=%G?", "snapshots"]), "N");
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_are_signed_with_gpg() {
    let world = World::new().await;
    let home = tempfile::Builder::new().prefix("gpg").tempdir().unwrap();
    std::fs::set_permissions(home.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let program = home.path().join("gpg.sh");
    let script = format!("#!/bin/sh\nexec gpg --homedir '{}' --batch \"$@\"\n", home.path().display());
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut generate = hermetic(program.to_str().unwrap(), home.path());
    generate.args(["--passphrase", "", "--quick-gen-key", "Test <test@localhost>", "ed25519", "sign", "0"]);
    Ran::of(&generate.output().unwrap()).ok();
    world.git(&["config", "gpg.program", program.to_str().unwrap()]);
    world.git(&["config", "commit.gpgSign", "true"]);
    // Without `user.signingKey`: the key of whoever commits.
    world.run(&["export"]).ok();
    world.git(&["verify-commit", "snapshots"]);
    world.git(&["config", "user.signingKey", "nobody@localhost"]);
    let ran = Ran::of(&world.command("http://127.0.0.1:9", &["export"]).output().unwrap()).ends(1);
    assert!(ran.err.contains("commit.gpgSign") && ran.err.contains("gpg.sh"), "{}", ran.err);
    let mut kill = hermetic("gpgconf", home.path());
    let _ = kill.arg("--homedir").arg(home.path()).args(["--kill", "all"]).output();
}

/// `git gc` moves objects into packs and deletes those that it found them in, and references into one file.
#[tokio::test(flavor = "multi_thread")]
async fn exports_go_on_while_git_collects_garbage() {
    let world = World::exported().await;
    let done = std::sync::atomic::AtomicBool::new(false);
    let failures = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                let _ = hermetic("git", world.path()).args(["gc", "-q"]).output();
            }
        });
        let mut failures = Vec::new();
        for round in 0..12 {
            let text = format!("round {round}");
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(world.describe_group(&text)));
            let ran = world.run(&["export", "--kind", "group"]);
            if ran.code != 0 {
                failures.push(ran.err);
            }
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        failures
    });
    assert!(failures.is_empty(), "{failures:#?}");
    world.git(&["fsck", "--strict"]);
    assert_eq!(world.git(&["rev-parse", "main"]), world.git(&["rev-parse", "snapshots"]));
}

/// Files larger than the limit cannot be written, as on a full disk: the pack of one change fits, the index does not.
#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_cannot_be_written_moves_no_branch() {
    let world = World::exported().await;
    let index = std::fs::metadata(world.path().join(".git/index")).unwrap().len();
    let blocks = index / 2 / 512;
    let before = ["main", "snapshots"].map(|branch| world.git(&["rev-parse", branch]));
    world.describe_group("on a full disk").await;
    let like = world.command(&world.graph.tenant.url(), &[]);
    let mut limited = hermetic("sh", world.path());
    limited.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let program = env!("CARGO_BIN_EXE_entragit");
    limited.args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec '{program}' export")]);
    let ran = Ran::of(&limited.output().unwrap()).ends(1);
    assert!(ran.err.contains("index"), "{}", ran.err);
    assert_eq!(["main", "snapshots"].map(|branch| world.git(&["rev-parse", branch])), before);
    world.git(&["fsck", "--strict"]);

    // With room again, the next run takes everything up.
    world.run(&["export"]).ok();
    assert_ne!(world.git(&["rev-parse", "snapshots"]), before[1]);
    assert_eq!(world.git(&["status", "--porcelain"]), "");
}
