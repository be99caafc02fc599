//! Commands in this process, over HTTP, against the embedded tenant.
//!
//! The clock is tokio's and paused: whoever waits a minute waits for nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use entragit::emulator::{Faults, Options, Running, Seed, contoso::names};
use entragit::graph::{Config, Credential, DEADLINE, GraphTenant};
use entragit::kinds;
use entragit::model::kind::{Deletion, Readers};
use entragit::model::{Events, Secret, Write};
use entragit::ops::apply::{Applied, apply, prepare};
use entragit::ops::plan::Aim;
use entragit::ops::snapshot::export::{Extra, export};
use entragit::ops::{Context, init};
use entragit::tenant::{RawObject, TenantRead, TenantWrite};
use serde_json::Value;
use tokio::sync::OnceCell;

use super::files::copy;
use super::graph::Graph;

/// A tenant over HTTP and its repository.
pub(crate) struct World {
    pub(crate) graph: Graph,
    pub(crate) tenant: GraphTenant,
    pub(crate) context: Context,
    dir: tempfile::TempDir,
}

fn connect(running: &Running) -> GraphTenant {
    let config = Config {
        graph_url: running.url(),
        authority_url: running.url(),
        tenant: running.tenant_id().to_owned(),
        credential: Credential::ClientSecret { client_id: "test".into(), client_secret: Secret::new("x".into()) },
        concurrency: 24,
        deadline: DEADLINE,
    };
    let events = match std::env::var_os("ENTRAGIT_SHOW") {
        Some(_) => Events::new(|event| println!("{event:?}")),
        None => Events::silent(),
    };
    GraphTenant::connect(config, events).unwrap()
}

/// Lets a paused clock run slowly: it jumps to the next timer as soon as nothing happens here, also while the system still carries
/// an answer, and a busy machine needs a while for that. It stands while something blocks, so that the timeout of a request, 100 s,
/// is half a second of the machine's time away.
async fn beat() {
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let _ = tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_micros(500))).await;
    }
}

impl World {
    /// A world with its first snapshot: a copy of one that was made once, since each is the same.
    pub(crate) async fn new() -> World {
        static FIRST: OnceCell<tempfile::TempDir> = OnceCell::const_new();
        let options = || Options { seed: Seed::Contoso, ..Options::default() };
        let first = FIRST.get_or_init(|| async { World::with(options()).await.dir });
        let first = first.await.path();
        World::over(options(), |dir, _| {
            copy(first, dir);
            Context::open(dir, Events::silent()).unwrap()
        })
        .await
    }

    pub(crate) async fn with(options: Options) -> World {
        World::of(options, &[]).await
    }

    /// A world in which only these kinds are looked after; all, if none is named.
    pub(crate) async fn of(options: Options, only: &[&'static str]) -> World {
        let mut world = World::empty(options).await;
        world.context.settings.scope.kinds = only.to_vec();
        assert!(export(&world.context, &world.tenant, &[], &Extra::default()).await.unwrap().complete);
        world
    }

    /// A tenant, and a repository without a snapshot.
    pub(crate) async fn empty(options: Options) -> World {
        let breakers = [names::EMERGENCY_1.to_owned()];
        let first =
            |dir: &Path, id: &str| init::init(dir, id, false, &BTreeMap::new(), &breakers, &Events::silent()).unwrap();
        World::over(options, first).await
    }

    /// A tenant, and a repository that `make` puts into a folder for the tenant's id.
    async fn over(options: Options, make: impl FnOnce(&Path, &str) -> Context) -> World {
        tokio::spawn(beat());
        let graph = Graph::with(options).await;
        let tenant = connect(&graph.tenant);
        let dir = tempfile::tempdir().unwrap();
        let mut context = make(dir.path(), graph.tenant.tenant_id());
        if std::env::var_os("ENTRAGIT_SHOW").is_some() {
            context.events = Events::new(|event| println!("{event:?}"));
        }
        World { graph, tenant, context, dir }
    }

    pub(crate) fn faults(&self, words: &str) {
        self.graph.tenant.set_faults(words.parse::<Faults>().unwrap());
    }

    /// Signs in anew, with a client that has written nothing yet.
    pub(crate) fn reconnect(&mut self) {
        self.tenant = connect(&self.graph.tenant);
    }

    pub(crate) async fn list(&self, kind: &str) -> Vec<RawObject> {
        let kind = kinds::by_name(kind).unwrap();
        let (send, mut pages) = tokio::sync::mpsc::channel(4);
        let collect = async {
            let mut all = Vec::new();
            while let Some(page) = pages.recv().await {
                all.extend(page);
            }
            all
        };
        let (listing, all) = tokio::join!(self.tenant.list(kind, send), collect);
        assert!(listing.coverage.is_complete() || kind.readers == Readers::PeopleOnly);
        all
    }

    /// Deletes what can be deleted and made again of these kinds; for good if `purge`.
    pub(crate) async fn wipe(&self, names: &[&str], purge: bool) {
        for name in names {
            let kind = kinds::by_name(name).unwrap();
            for object in self.list(name).await {
                // Nobody can create a guest: one who is purged is invited anew.
                let name = object.value.get("userPrincipalName").and_then(Value::as_str).unwrap_or_default();
                if object.value.get("policyType") == Some(&Value::from("builtIn")) || name.contains("#EXT#") {
                    continue;
                }
                let id = object.value["id"].as_str().unwrap().to_owned();
                if object.value.get("isTrusted") == Some(&Value::from(true)) {
                    let mut body = serde_json::Map::new();
                    body.insert("@odata.type".into(), object.value["@odata.type"].clone());
                    body.insert("isTrusted".into(), false.into());
                    self.tenant.write(&Write::Update { kind, id: id.clone(), body }).await.unwrap();
                }
                self.tenant.write(&Write::Delete { kind, id: id.clone() }).await.unwrap();
                if let (Deletion::Soft { item, .. }, true) = (kind.deletion, purge) {
                    // Synchronized groups never reach the bin.
                    self.graph.delete(&format!("/v1.0{item}/{id}")).await;
                }
            }
        }
    }

    pub(crate) fn aim(&self) -> Aim {
        Aim { to: "main".to_owned(), ..Aim::default() }
    }

    pub(crate) async fn apply(&self) -> anyhow::Result<Applied> {
        let ready = prepare(&self.context, &self.tenant, &self.aim()).await?;
        apply(&self.context, &self.tenant, &ready).await
    }

    /// Objects by kind and name: what is twice is seen.
    pub(crate) async fn inventory(&self) -> BTreeMap<(&'static str, String), usize> {
        let mut all = BTreeMap::new();
        for kind in self.context.settings.scope.kinds() {
            // A group that was synchronized comes back as one of the cloud, which has settings that nobody changed.
            for object in self.list(kind.name).await.into_iter().filter(|object| !object.untouched) {
                let name = object.value.get("displayName").and_then(Value::as_str).unwrap_or_default();
                *all.entry((kind.name, name.to_owned())).or_default() += 1;
            }
        }
        all
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git(self.dir.path(), arguments)
    }
}

fn git(dir: &Path, arguments: &[&str]) -> String {
    let output = std::process::Command::new("git").current_dir(dir).args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A company of which only these kinds are looked after; nothing is exported yet.
pub(crate) async fn company(kinds: &[&'static str]) -> World {
    let mut world = World::empty(Options { seed: Seed::Contoso, ..Options::default() }).await;
    world.context.settings.scope.kinds = kinds.to_vec();
    world
}

/// Takes a snapshot, which has to be complete.
pub(crate) async fn snapshot(world: &World) {
    assert!(export(&world.context, &world.tenant, &[], &Extra::default()).await.unwrap().complete);
}
