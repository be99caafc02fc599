//! Ordinary git clones of a tenant's repository, of any shape.

use std::path::{Path, PathBuf};

use entragit::emulator::contoso::names;
use serde_json::json;
use tempfile::TempDir;

use super::command_line::{Ran, World, hermetic};

/// The group that the cases change.
pub(crate) const GROUP: &str = names::ORDER_APPROVERS;

/// A tenant, its repository, and a bare remote that has both branches.
pub(crate) struct Shared {
    pub(crate) world: World,
    pub(crate) remote: TempDir,
}

/// A clone of the remote.
pub(crate) struct Clone<'a> {
    shared: &'a Shared,
    pub(crate) path: PathBuf,
    /// What is kept until the clone is no longer needed.
    _dir: TempDir,
}

impl Shared {
    /// One snapshot, pushed.
    pub(crate) async fn new() -> Shared {
        let shared = Shared { world: World::new().await, remote: tempfile::tempdir().unwrap() };
        shared.world.run(&["export"]).ok();
        shared.world.git(&["init", "-q", "--bare", "-b", "main", shared.remote.path().to_str().unwrap()]);
        shared.world.git(&["remote", "add", "origin", &shared.url()]);
        shared.push();
        shared
    }

    /// An address that `--depth` works with.
    pub(crate) fn url(&self) -> String {
        format!("file://{}", self.remote.path().display())
    }

    pub(crate) fn push(&self) {
        self.world.git(&["push", "-q", "origin", "main", "snapshots", "refs/notes/*:refs/notes/*"]);
    }

    /// Lets clones leave out the content of files.
    pub(crate) fn allow_filters(&self) {
        let config = ["config", "uploadpack.allowFilter", "true"];
        Ran::of(&hermetic("git", self.remote.path()).args(config).output().unwrap()).ok();
    }

    pub(crate) fn clone(&self, arguments: &[&str]) -> Clone<'_> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("clone");
        let url = self.url();
        let arguments = [&["clone", "-q"], arguments, &[&url, path.to_str().unwrap()]].concat();
        Ran::of(&hermetic("git", dir.path()).args(arguments).output().unwrap()).ok();
        Clone { shared: self, path, _dir: dir }
    }

    /// Deletes the group for good.
    pub(crate) async fn purge(&self) {
        let graph = &self.world.graph;
        assert_eq!(graph.delete(&format!("/v1.0/groups/{GROUP}")).await.0, 204);
        assert_eq!(graph.delete(&format!("/v1.0/directory/deletedItems/{GROUP}")).await.0, 204);
    }

    pub(crate) async fn describe(&self, text: &str) {
        let patch = json!({"description": text});
        let path = format!("/v1.0/groups/{}", names::REMOTE_WORKERS);
        assert_eq!(self.world.graph.patch(&path, patch).await.0, 204);
    }
}

impl Clone<'_> {
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_in(&self.path, arguments)
    }

    pub(crate) fn run_in(&self, dir: &Path, arguments: &[&str]) -> Ran {
        let mut command = self.shared.world.command(&self.shared.world.graph.tenant.url(), arguments);
        Ran::of(&command.current_dir(dir).output().unwrap())
    }

    /// Runs a command that is refused before it asks the tenant: nobody would answer.
    #[track_caller]
    pub(crate) fn refused(&self, arguments: &[&str]) -> Ran {
        let mut command = self.shared.world.command("http://127.0.0.1:9", arguments);
        Ran::of(&command.current_dir(&self.path).output().unwrap()).ends(1)
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let ran = Ran::of(&hermetic("git", &self.path).args(arguments).output().unwrap());
        ran.ok().out.trim().to_owned()
    }

    /// Runs a command that a message names.
    pub(crate) fn shell(&self, line: &str) {
        Ran::of(&hermetic("sh", &self.path).args(["-c", line]).output().unwrap()).ok();
    }

    /// How many histories begin in this clone.
    pub(crate) fn roots(&self) -> usize {
        self.git(&["rev-list", "--max-parents=0", "--branches", "--remotes", "HEAD"]).lines().count()
    }
}

impl World {
    /// Commits an edit of the description of a group on `main`.
    pub(crate) fn edit(&self, text: &str) -> String {
        let path = self.git(&["ls-files", &format!("groups/*{GROUP}*")]);
        let old = std::fs::read_to_string(self.path().join(&path)).unwrap();
        let new: Vec<String> = old
            .lines()
            .map(|line| match line.starts_with("description:") {
                true => format!("description: {text}"),
                false => line.to_owned(),
            })
            .collect();
        self.write(&path, &format!("{}\n", new.join("\n")));
        self.commit("an edit");
        path
    }
}
