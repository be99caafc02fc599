//! Recovery over HTTP from a tenant whose replicas lag, whose answers get lost and whose limits are Microsoft's.
//!
//! The clock is tokio's and paused: whoever waits a minute waits for nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use entragit::emulator::{Counts, Faults, Options, Running, Seed, contoso::names};
use entragit::graph::{Config, Credential, DEADLINE, GraphTenant};
use entragit::kinds;
use entragit::model::kind::Deletion;
use entragit::model::kind::Readers;
use entragit::model::{Events, Secret, Write};
use entragit::ops::apply::{Applied, Verification, apply, prepare};
use entragit::ops::plan::{Aim, plan};
use entragit::ops::snapshot::export::{Extra, export};
use entragit::ops::{Context, init};
use entragit::tenant::{RawObject, TenantRead, TenantWrite};
use serde_json::Value;
use tokio::sync::OnceCell;

use super::cli::copy;
use super::emulator::client::Graph;

/// A tenant over HTTP and its repository.
pub(super) struct World {
    pub graph: Graph,
    pub tenant: GraphTenant,
    pub context: Context,
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
    pub async fn new() -> World {
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

    pub async fn with(options: Options) -> World {
        World::of(options, &[]).await
    }

    /// A world in which only these kinds are looked after; all, if none is named.
    pub async fn of(options: Options, only: &[&'static str]) -> World {
        let mut world = World::empty(options).await;
        world.context.settings.scope.kinds = only.to_vec();
        assert!(export(&world.context, &world.tenant, &[], &Extra::default()).await.unwrap().complete);
        world
    }

    /// A tenant, and a repository without a snapshot.
    pub async fn empty(options: Options) -> World {
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

    pub fn faults(&self, words: &str) {
        self.graph.tenant.set_faults(words.parse::<Faults>().unwrap());
    }

    /// Signs in anew, with a client that has written nothing yet.
    pub fn reconnect(&mut self) {
        self.tenant = connect(&self.graph.tenant);
    }

    pub async fn list(&self, kind: &str) -> Vec<RawObject> {
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
    async fn wipe(&self, names: &[&str], purge: bool) {
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

    pub fn aim(&self) -> Aim {
        Aim { to: "main".to_owned(), ..Aim::default() }
    }

    pub async fn apply(&self) -> anyhow::Result<Applied> {
        let ready = prepare(&self.context, &self.tenant, &self.aim()).await?;
        apply(&self.context, &self.tenant, &ready).await
    }

    /// Objects by kind and name: what is twice is seen.
    async fn inventory(&self) -> BTreeMap<(&'static str, String), usize> {
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

    pub fn git(&self, arguments: &[&str]) -> String {
        git(self.dir.path(), arguments)
    }
}

fn git(dir: &Path, arguments: &[&str]) -> String {
    let output = std::process::Command::new("git").current_dir(dir).args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// So many in the gate; `ENTRAGIT_LAWS` sets how many.
fn seeds(gate: u64) -> std::ops::Range<u64> {
    0..std::env::var("ENTRAGIT_LAWS").ok().and_then(|text| text.parse().ok()).unwrap_or(gate)
}

const WIPED: [&str; 4] = ["conditionalAccessPolicy", "namedLocation", "group", "authenticationStrengthPolicy"];

/// Groups, policies and what they name are purged; half of the POSTs lose their answers; replicas lag by up to a minute.
#[tokio::test(start_paused = true)]
async fn a_purged_tenant_comes_back_once_over_lagging_replicas_and_lost_answers() {
    for seed in seeds(2) {
        let world = World::new().await;
        let before = world.inventory().await;
        world.wipe(&WIPED, true).await;
        world.faults(&format!("lag:60,lose:0.5,seed:{seed}"));
        let ready = prepare(&world.context, &world.tenant, &world.aim()).await.unwrap();
        let applied = apply(&world.context, &world.tenant, &ready).await.unwrap();
        let Counts { lost, .. } = world.graph.tenant.counts();
        assert!(lost > 5, "{lost}");
        assert_eq!(applied.outcome.failed, []);
        assert_eq!(applied.outcome.uncertain, []);
        assert_eq!(applied.outcome.done, ready.plan.steps.len());
        assert_eq!((applied.verification.pending.len(), applied.verification.not_converged.len()), (0, 0));
        assert!(applied.converged, "{:?} {:?}", applied.unmet, applied.remaining.steps);
        // Everything is known everywhere.
        world.faults("");
        assert_eq!(world.inventory().await, before, "seed {seed}");
        let second = plan(&world.context, &world.tenant, &world.aim()).await.unwrap();
        assert_eq!(second.plan.steps, []);
        assert_eq!(world.git(&["rev-parse", "main"]), world.git(&["rev-parse", "snapshots"]));
        world.graph.tenant.stop().await.unwrap();
    }
}

/// Replicas lag for longer than anybody waits: nothing is lost, nothing is created again, and it is said which is which.
#[tokio::test(start_paused = true)]
async fn what_lags_for_too_long_is_pending_and_not_done_again() {
    let world = World::new().await;
    let before = world.inventory().await;
    world.wipe(&["conditionalAccessPolicy"], true).await;
    world.faults("lag:100000,seed:3");
    let applied = world.apply().await.unwrap();
    let Verification { converged, pending, not_converged } = &applied.verification;
    assert_eq!((applied.outcome.failed.len(), applied.verified, not_converged.len()), (0, false, 0));
    assert_eq!(converged + pending.len(), before.keys().filter(|(kind, _)| *kind == "conditionalAccessPolicy").count());
    assert!(!pending.is_empty() && pending.iter().all(|object| object.reason == "still reads as before the write"));
    // As long as it lasts, what is asked again is refused rather than made twice.
    let error = world.apply().await.unwrap_err().to_string();
    assert!(error.ends_with("the tenant does not show it yet; nothing was written, try again later"), "{error}");
    world.faults("");
    assert!(world.apply().await.unwrap().converged);
    assert_eq!(world.inventory().await, before);
    world.graph.tenant.stop().await.unwrap();
}

/// Microsoft's limits, on a clock that nobody waits for: what is refused waits, and nothing is lost by it.
#[tokio::test(start_paused = true)]
async fn a_recovery_under_microsofts_limits_takes_as_long_as_they_say() {
    let wiped = ["conditionalAccessPolicy", "namedLocation", "group"];
    let looked_after = ["user", "servicePrincipal", "authenticationStrengthPolicy"];
    let only: Vec<&str> = wiped.into_iter().chain(looked_after).collect();
    let world = World::of(Options { seed: Seed::Contoso, ..Options::default() }, &only).await;
    let before = world.inventory().await;
    world.wipe(&wiped, true).await;
    let ready = prepare(&world.context, &world.tenant, &world.aim()).await.unwrap();
    world.faults("limits,drained,latency:200");
    let start = tokio::time::Instant::now();
    let applied = apply(&world.context, &world.tenant, &ready).await.unwrap();
    let took = start.elapsed().as_secs_f64();
    let Counts { writes, throttled, .. } = world.graph.tenant.counts();
    println!("{} steps, {writes} writes, {throttled} throttled, {took:.0} s", applied.outcome.done);
    assert!(applied.converged, "{:?} {:?}", applied.unmet, applied.outcome.failed);
    // 20 writes a second in all, and one request a second for Conditional Access.
    assert!(took < 150.0, "{took}");
    world.faults("");
    assert_eq!(world.inventory().await, before);
    world.graph.tenant.stop().await.unwrap();
}

/// Killed at a write, over lagging replicas, with answers lost and requests that never arrive; then run again until it is
/// verified.
#[tokio::test(start_paused = true)]
async fn a_run_that_was_killed_over_lagging_replicas_is_taken_up() {
    for seed in seeds(1) {
        let world = World::new().await;
        let before = world.inventory().await;
        world.wipe(&WIPED, true).await;
        let weather = format!("lag:60,lose:0.3,drop:0.01,seed:{seed}");
        let (write, way) = (5 + 97 * seed % 500, if seed % 2 == 0 { "after" } else { "before" });
        world.faults(&format!("{weather},hang-{way}:{write}"));
        tokio::select! {
            biased;
            () = world.graph.tenant.hung() => {}
            applied = world.apply() => panic!("seed {seed}: it ended: {:?}", applied.map(|applied| applied.verified)),
        }
        world.faults(&weather);
        let mut rounds = 0;
        while !world.apply().await.unwrap().converged {
            rounds += 1;
            assert!(rounds < 6, "seed {seed}: it never ends");
        }
        world.faults("");
        assert_eq!(world.inventory().await, before, "seed {seed}");
        let second = plan(&world.context, &world.tenant, &world.aim()).await.unwrap();
        assert_eq!(second.plan.steps, [], "seed {seed}");
        println!("seed {seed}: killed {way} write {write}, verified in run {}", rounds + 2);
        world.graph.tenant.stop().await.unwrap();
    }
}

/// A property reads old for as long as anybody waits. It is written again only if it is asked again, and nothing hangs.
#[tokio::test(start_paused = true)]
async fn an_update_that_reads_old_is_pending_and_can_be_asked_again() {
    let world = World::new().await;
    let kind = kinds::by_name("group").unwrap();
    let body = |text: &str| serde_json::Map::from_iter([("description".to_owned(), Value::from(text))]);
    let update = |text| Write::Update { kind, id: names::REMOTE_WORKERS.to_owned(), body: body(text) };
    world.tenant.write(&update("Wrong")).await.unwrap();
    let mut pending = 0;
    for seed in 0..4 {
        world.faults(&format!("lag:100000,seed:{seed}"));
        let applied = world.apply().await.unwrap();
        assert_eq!(applied.verification.not_converged, [], "seed {seed}");
        pending += applied.verification.pending.len();
        world.faults("");
        // Somebody else meanwhile.
        world.tenant.write(&update("Wrong again")).await.unwrap();
    }
    assert!(pending > 0);
    let applied = world.apply().await.unwrap();
    assert!(applied.converged, "{:?} {:?} {:?}", applied.unmet, applied.outcome, applied.remaining.steps);
    let second = plan(&world.context, &world.tenant, &world.aim()).await.unwrap();
    assert_eq!(second.plan.steps, []);
    world.graph.tenant.stop().await.unwrap();
}
