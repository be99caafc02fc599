//! A tenant started from a snapshot is the tenant that the snapshot was taken of.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use entragit::emulator::{self, Options, Running, Seed};
use entragit::graph::{Config, Credential, GraphTenant};
use entragit::model::{Events, Secret, Snapshot};
use entragit::ops::commit::source::{Side, snapshots};
use entragit::ops::snapshot::export::{Extra, export};
use entragit::ops::{Context, init};

use crate::support::command_line::{Ran, World, hermetic};
use crate::support::long::is_long_run;

/// Every file of an export, and its objects.
async fn exported(running: &Running, dir: &Path) -> (BTreeMap<String, String>, Snapshot) {
    let context: Context =
        init::init(dir, running.tenant_id(), true, &BTreeMap::new(), &[], &Events::silent()).unwrap();
    let config = Config {
        graph_url: running.url(),
        authority_url: running.url(),
        tenant: running.tenant_id().to_owned(),
        credential: Credential::ClientSecret {
            client_id: "drill".to_owned(),
            client_secret: Secret::new("drill".to_owned()),
        },
        concurrency: 8,
        deadline: Duration::from_secs(60),
    };
    let tenant = GraphTenant::connect(config, Events::silent()).unwrap();
    let tip = export(&context, &tenant, &[], &Extra::default()).await.unwrap().tip.to_string();
    let side = Side::commit(&context, &tip).unwrap();
    let files = side
        .index
        .values()
        .map(|entry| (entry.path.clone(), String::from_utf8(side.read(&context.repo, entry).unwrap()).unwrap()));
    let (snapshot, _) = snapshots(&context.repo, &side, &Side::empty(), &|_| true).unwrap();
    (files.collect(), snapshot)
}

async fn comes_back_whole(seed: Seed) {
    let folder = tempfile::tempdir().unwrap();
    let first = emulator::start(Options { seed, ..Options::default() }).await.unwrap();
    let (files, snapshot) = exported(&first, &folder.path().join("first")).await;
    first.stop().await.unwrap();
    let (second, left_out) = emulator::start_from(Options::default(), &snapshot).await.unwrap();
    let (again, _) = exported(&second, &folder.path().join("second")).await;
    second.stop().await.unwrap();
    assert_eq!(left_out, []);
    let paths: std::collections::BTreeSet<_> = files.keys().chain(again.keys()).collect();
    let differs = |path: &&&String| files.get(**path) != again.get(**path);
    let wrong: Vec<_> = paths.iter().filter(differs).map(|path| (path, files.get(*path), again.get(*path))).collect();
    assert!(wrong.is_empty(), "{} of {} files differ: {:#?}", wrong.len(), paths.len(), &wrong[..wrong.len().min(4)]);
}

#[tokio::test]
async fn contoso_loaded_from_its_snapshot_exports_the_same_bytes() {
    comes_back_whole(Seed::Contoso).await;
}

#[tokio::test]
async fn a_random_company_loaded_from_its_snapshot_exports_the_same_bytes() {
    for count in [40, 300] {
        comes_back_whole(Seed::Random(count)).await;
    }
}

/// Every scenario, on the company that shows everything: what can be written is back, and what cannot is said. The short form
/// leaves a purge and edited policies to the practice on a snapshot, below.
#[test]
fn every_scenario_is_recovered_from() {
    let long = ["policy-edited", "mass-deletion", "purge", "rogue-admin", "everything", "random:3", "random:7"];
    let short = ["mass-deletion", "rogue-admin", "everything", "random:3"];
    for scenario in if is_long_run() { &long[..] } else { &short[..] } {
        let ran = drilled(&["--company", "contoso", "--scenario", scenario, "--json"]);
        let report = ran.ok().json();
        assert_eq!(report["passed"], true, "{scenario}: {report}");
        // A deletion that was drawn may be of what another object still names; a restricted unit keeps its only member.
        let refused = report["damage"]["refused"].as_u64().unwrap();
        let may_refuse = scenario.starts_with("random") || scenario == &"everything";
        assert!(refused <= u64::from(may_refuse), "{scenario}: {refused}");
        let damage = &report["damage"];
        assert!(["added", "modified", "removed"].iter().any(|what| damage[*what] != 0), "{scenario} does nothing");
        let recovered = &report["recovered"];
        assert_eq!(recovered["values"], recovered["valuesBack"], "{scenario}");
        assert_eq!(report["steps"]["remaining"], 0, "{scenario}");
    }
    let ran = drilled(&["--company", "contoso", "--scenario", "flood"]).ends(1);
    assert!(ran.err.contains("no scenario is called \"flood\""), "{}", ran.err);
}

/// A snapshot of one's own is loaded, damaged and recovered; the tenant it is of is never asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_practised_on_without_its_tenant() {
    let world = World::exported().await;
    let before = world.git(&["rev-parse", "HEAD", "snapshots"]);
    let command = |arguments: &[&str]| {
        let mut command = hermetic(env!("CARGO_BIN_EXE_entragit"), world.path());
        Ran::of(&command.arg("drill").args(arguments).output().unwrap())
    };
    let report = command(&["--scenario", "purge", "--json"]).ok().json();
    assert_eq!(report["passed"], true, "{report}");
    assert!(report["source"].as_str().unwrap().starts_with(&before[..10]), "{report}");
    let another = if is_long_run() { "random:5" } else { "policy-edited" };
    let text = command(&["HEAD", "--scenario", another, "--format", "markdown"]).ok().out;
    assert!(text.starts_with("# Recovery drill: passed"), "{text}");
    assert!(text.contains("| Dangling references | 0 |") && text.contains("no live tenant was touched"), "{text}");
    assert_eq!(world.git(&["rev-parse", "HEAD", "snapshots"]), before, "the repository is as it was");
}

fn drilled(arguments: &[&str]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let mut command = hermetic(env!("CARGO_BIN_EXE_entragit"), folder.path());
    Ran::of(&command.arg("drill").args(arguments).output().unwrap())
}
