//! The real program against the embedded tenant, over HTTP, cut off from the machine that it runs on.

use std::path::Path;
use std::process::{Command, Output};

use entragit::emulator::contoso::names;
use entragit::emulator::{Options, Seed};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::files::copy;
use super::graph::Graph;
use super::printed;

/// A tenant and a repository of it.
pub(crate) struct World {
    pub(crate) graph: Graph,
    dir: TempDir,
}

/// How a run ended.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl World {
    pub(crate) async fn new() -> World {
        World::with(Options { seed: Seed::Contoso, ..Options::default() }).await
    }

    /// A world with its first snapshot: a copy of one that was made once, since each is the same.
    pub(crate) async fn exported() -> World {
        static FIRST: OnceCell<TempDir> = OnceCell::const_new();
        let first = FIRST.get_or_init(|| async {
            let world = World::new().await;
            world.run(&["export"]).ok();
            world.graph.tenant.stop().await.unwrap();
            world.dir
        });
        let first = first.await.path();
        let world = World {
            graph: Graph::with(Options { seed: Seed::Contoso, ..Options::default() }).await,
            dir: tempfile::tempdir().unwrap(),
        };
        copy(first, world.path());
        world
    }

    pub(crate) async fn with(options: Options) -> World {
        let graph = Graph::with(options).await;
        let world = World { graph, dir: tempfile::tempdir().unwrap() };
        world.run(&["init", "--tenant", world.graph.tenant.tenant_id(), "--break-glass", names::EMERGENCY_1]).ok();
        world
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_at(&self.graph.tenant.url(), arguments)
    }

    pub(crate) fn run_at(&self, url: &str, arguments: &[&str]) -> Ran {
        Ran::of(&self.command(url, arguments).output().unwrap())
    }

    pub(crate) fn command(&self, url: &str, arguments: &[&str]) -> Command {
        let mut command = hermetic(env!("CARGO_BIN_EXE_entragit"), self.path());
        command
            .env("ENTRAGIT_GRAPH_URL", url)
            .env("ENTRAGIT_AUTHORITY_URL", url)
            .env("AZURE_CLIENT_ID", "test")
            .env("AZURE_CLIENT_SECRET", "not-a-secret")
            .args(arguments);
        command
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let ran = Ran::of(&hermetic("git", self.path()).args(arguments).output().unwrap());
        ran.ok().out.trim().to_owned()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let file = self.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-qm", message]);
    }

    /// Deletes and purges every group, policy, location and strength.
    pub(crate) async fn wipe(&self) {
        let access = "/v1.0/identity/conditionalAccess";
        for (list, bin) in [
            (format!("{access}/policies"), Some(format!("{access}/deletedItems/policies"))),
            (format!("{access}/namedLocations"), Some(format!("{access}/deletedItems/namedLocations"))),
            ("/v1.0/groups".to_owned(), Some("/v1.0/directory/deletedItems".to_owned())),
            ("/v1.0/policies/authenticationStrengthPolicies".to_owned(), None),
        ] {
            for object in self.graph.pages(&list).await {
                if object["policyType"] == "builtIn" {
                    continue;
                }
                let item = format!("{list}/{}", object["id"].as_str().unwrap());
                if object["isTrusted"] == true {
                    let body = json!({"@odata.type": object["@odata.type"], "isTrusted": false});
                    assert_eq!(self.graph.patch(&item, body).await.0, 204);
                }
                assert_eq!(self.graph.delete(&item).await.0, 204, "{item}");
                if let Some(bin) = &bin {
                    // Synchronized groups never reach the bin.
                    self.graph.delete(&format!("{bin}/{}", object["id"].as_str().unwrap())).await;
                }
            }
        }
        assert!(self.graph.pages("/v1.0/groups").await.is_empty());
    }
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Ran {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ran { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Ran {
        self.ends(0)
    }

    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Ran {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        assert!(!self.err.contains("not-a-secret") && !self.out.contains("not-a-secret"), "a secret was printed");
        self
    }

    /// Everything that a step can bring about is as wanted: what differs still is what Graph alone sets on what was made
    /// again, secrets that nobody can read back and jobs that a person starts, and that is told.
    #[track_caller]
    pub(crate) fn recovered(self) -> Ran {
        let ran = self.ends(4);
        let told = ran.err.split("no step can bring about:\n").nth(1).unwrap_or_default();
        let reasons = ["Graph sets it by itself and lets nobody write it", "issue a new one", "no way to change it"];
        let out_of_reach = |line: &str| reasons.iter().any(|reason| line.ends_with(reason));
        assert!(!told.is_empty() && told.lines().all(out_of_reach), "{}", ran.err);
        ran
    }

    /// The document, which is as its schema says.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let value: Value = serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out));
        assert_eq!(value["formatVersion"], 1);
        printed::check(&value);
        value
    }
}

pub(crate) fn hermetic(program: &str, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        // No machine signs the tests in by itself.
        .env("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9")
        .env("GIT_AUTHOR_NAME", "Test")
        .env("GIT_AUTHOR_EMAIL", "test@localhost")
        .env("GIT_COMMITTER_NAME", "Test")
        .env("GIT_COMMITTER_EMAIL", "test@localhost")
        .current_dir(dir);
    command
}
