//! The pipelines of the examples: their steps are run here, with a real shell, against the embedded tenant and a bare remote.

mod files;
mod github;
mod others;
mod services;
mod workflows;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use serde_yaml::Value;
use tempfile::TempDir;

use crate::support::command_line::{Ran, hermetic};
use crate::support::remote::Setting;
use crate::support::serving::{header, serve, token_of};

const ISSUER: &str = "https://token.actions.githubusercontent.com";
const REPOSITORY: &str = "repo:contoso/tenant";

/// A tenant with two applications that trust a repository's jobs, a bare remote, and programs that stand in for others.
struct Desk {
    setting: Setting,
    folder: TempDir,
    reader: String,
    writer: String,
    /// Answers requests for the tokens of jobs.
    tokens: String,
}

impl Desk {
    async fn new() -> Desk {
        let setting = Setting::new().await;
        let tokens = serve(|request| {
            let subject = header(&request, "authorization").trim_start_matches("bearer ").to_owned();
            (200, json!({"value": token_for(&subject)}))
        })
        .await;
        let folder = tempfile::tempdir().unwrap();
        let mut desk = Desk { setting, folder, reader: String::new(), writer: String::new(), tokens };
        desk.reader = desk.application("Entragit reader", &["pull_request", "ref:refs/heads/main"]).await;
        desk.writer = desk.application("Entragit writer", &["environment:production"]).await;
        Ran::of(&desk.setting.sync(desk.setting.world.path()).output().unwrap()).ok();
        desk
    }

    /// Makes an application that trusts some jobs of the repository; returns its client id.
    async fn application(&self, name: &str, subjects: &[&str]) -> String {
        let graph = &self.setting.world.graph;
        let made = graph.made("/v1.0/applications", json!({"displayName": name})).await;
        let (id, client) = (made["id"].as_str().unwrap(), made["appId"].as_str().unwrap());
        graph.made("/v1.0/servicePrincipals", json!({"appId": client})).await;
        for (number, subject) in subjects.iter().enumerate() {
            let body = json!({
                "name": format!("jobs-{number}"), "issuer": ISSUER, "subject": format!("{REPOSITORY}:{subject}"),
                "audiences": ["api://AzureADTokenExchange"],
            });
            graph.made(&format!("/v1.0/applications/{id}/federatedIdentityCredentials"), body).await;
        }
        client.to_owned()
    }

    /// Returns the token of a job with this subject.
    fn token(&self, subject: &str) -> String {
        token_for(&format!("{REPOSITORY}:{subject}"))
    }

    /// Returns the messages of the last commits of a branch of the remote.
    fn receipt(&self, branch: &str) -> String {
        self.setting.git(&self.setting.remote(), &["log", "-3", "--format=%B", branch])
    }

    /// Returns what a job may ask its token with. The stand-in gives the subject that it is asked for.
    fn id_token(&self, known: &[(&str, &str)]) -> [(String, String); 2] {
        let subject = known.iter().find(|(name, _)| *name == "subject").map_or("", |(_, subject)| subject);
        [
            ("ACTIONS_ID_TOKEN_REQUEST_URL".to_owned(), format!("{}/token?v=2", self.tokens)),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN".to_owned(), format!("{REPOSITORY}:{subject}")),
        ]
    }

    /// Returns a shell in a clone that can reach the tenant, and holds nothing to sign in with.
    fn shell(&self, folder: &Path) -> Command {
        let url = self.setting.world.graph.tenant.url();
        let mut shell = hermetic("bash", folder);
        shell
            .env("ENTRAGIT_GRAPH_URL", &url)
            .env("ENTRAGIT_AUTHORITY_URL", &url)
            .env("GITHUB_REPOSITORY", "contoso/tenant")
            .env("GITHUB_RUN_ID", "4711")
            .env("GITHUB_BASE_REF", "main")
            .env("CALLS", self.calls_file())
            .env("PATH", self.path());
        shell
    }

    /// Returns the search path: the stand-ins come first.
    fn path(&self) -> String {
        format!("{}:{}", self.folder.path().join("bin").display(), std::env::var("PATH").unwrap())
    }

    fn calls_file(&self) -> PathBuf {
        self.folder.path().join("calls")
    }

    /// Puts a program in place of another one. It notes what it was called with, and then does what `script` says.
    fn stand_in(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.folder.path().join("bin").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, format!("#!/bin/bash\necho \"{name} $*\" >> \"$CALLS\"\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Returns the calls of the stand-ins since they were last asked for.
    fn calls(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.calls_file()).unwrap_or_default();
        std::fs::write(self.calls_file(), "").unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// Clones the remote, and checks `branch` out as a pipeline does: the commit, or the branch itself.
    fn clone(&self, name: &str, branch: &str) -> PathBuf {
        let clone = self.setting.clone(name);
        match branch {
            "main" => {}
            branch => drop(self.setting.git(&clone, &["checkout", "-q", "--detach", &format!("origin/{branch}")])),
        }
        clone
    }

    /// Pushes an edit of a group's description to a branch; returns the group's id.
    async fn propose(&self, branch: &str, name: &str) -> String {
        let group = self.setting.group(name).await;
        Ran::of(&self.setting.sync(self.setting.world.path()).output().unwrap()).ok();
        let clone = self.setting.clone(&format!("author-of-{branch}-{name}"));
        self.setting.git(&clone, &["switch", "-qC", branch]);
        let files = self.setting.git(&clone, &["ls-files", "groups"]);
        let file = clone.join(files.lines().find(|path| path.contains(&group)).unwrap());
        let text = std::fs::read_to_string(&file).unwrap();
        let line = format!("displayName: {name}\n");
        assert!(text.contains(&line), "{text}");
        std::fs::write(&file, text.replace(&line, &format!("{line}description: Reviewed by two\n"))).unwrap();
        self.setting.git(&clone, &["commit", "-qam", "Describe a group"]);
        self.setting.git(&clone, &["push", "-q", "origin", branch]);
        group
    }

    /// Makes a group and exports it in a clone; returns the command that pushes that.
    async fn other_export(&self) -> String {
        let clone = self.setting.clone("elsewhere");
        self.setting.group("elsewhere").await;
        let mut export = self.setting.world.command(&self.setting.world.graph.tenant.url(), &["export"]);
        Ran::of(&export.current_dir(&clone).output().unwrap()).ok();
        format!("git -C '{}' push -q origin snapshots", clone.display())
    }

    async fn description(&self, group: &str) -> serde_json::Value {
        self.setting.world.graph.ok(&format!("/v1.0/groups/{group}")).await["description"].clone()
    }
}

/// Returns a token of the issuer that both applications trust.
fn token_for(subject: &str) -> String {
    let end = jiff::Timestamp::now().as_second() + 600;
    token_of(&json!({"iss": ISSUER, "sub": subject, "aud": "api://AzureADTokenExchange", "exp": end}))
}

/// Returns the text of an entry, or none.
fn text_at(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}
