//! A tenant's repository with a bare remote, and clones of that remote.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use super::command_line::{Ran, World, hermetic};

/// A tenant, a bare remote, and the folder of the clones.
pub(crate) struct Setting {
    pub(crate) world: World,
    pub(crate) folder: TempDir,
}

impl Setting {
    pub(crate) async fn new() -> Setting {
        let setting = Setting { world: World::new().await, folder: tempfile::tempdir().unwrap() };
        let remote = setting.remote();
        setting.git(setting.folder.path(), &["init", "-q", "--bare", "-b", "main", remote.to_str().unwrap()]);
        setting.world.git(&["remote", "add", "origin", remote.to_str().unwrap()]);
        setting
    }

    pub(crate) fn remote(&self) -> PathBuf {
        self.folder.path().join("remote.git")
    }

    pub(crate) fn git(&self, at: &Path, arguments: &[&str]) -> String {
        Ran::of(&hermetic("git", at).args(arguments).output().unwrap()).ok().out.trim().to_owned()
    }

    pub(crate) fn clone(&self, name: &str) -> PathBuf {
        let to = self.folder.path().join(name);
        self.git(self.folder.path(), &["clone", "-q", self.remote().to_str().unwrap(), name]);
        to
    }

    pub(crate) fn sync(&self, at: &Path) -> Command {
        let mut command = self.world.command(&self.world.graph.tenant.url(), &["sync", "--incremental"]);
        command.current_dir(at);
        command
    }

    /// Returns what the remote has under a name.
    pub(crate) fn at_remote(&self, name: &str) -> String {
        self.git(&self.remote(), &["rev-parse", name])
    }

    pub(crate) async fn group(&self, name: &str) -> String {
        let body = json!({"displayName": name, "mailEnabled": false, "mailNickname": name, "securityEnabled": true});
        self.world.graph.made("/v1.0/groups", body).await["id"].as_str().unwrap().to_owned()
    }
}
