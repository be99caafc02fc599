//! How many changes a second an apply carries out against Microsoft's documented write limits, which the embedded tenant
//! holds: 3,000 write requests per application and tenant in 150 seconds, refused with 429 and `Retry-After` beyond.
//! <https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits>
//!
//! Real time; the allowance is used up at the start, so that what is measured is the rate that lasts. Every request takes 150
//! ms more than the machine needs. `ENTRAGIT_BENCH_CHANGES=600` for fewer, `ENTRAGIT_BENCH_LIMITS=10` for limits ten times
//! Microsoft's (then the figure is about this program, not about Graph).
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a measurement prints and may fail loudly")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use entragit::emulator::{self, Counts, Faults, Options, Running, Seed};
use entragit::graph::{Config, Credential, GraphTenant};
use entragit::model::{Events, Secret};
use entragit::ops::Context;
use entragit::ops::apply::{apply, prepare};
use entragit::ops::init::init;
use entragit::ops::plan::Aim;
use entragit::ops::snapshot::export::{Extra, export};

/// "up to 30 hours" for 500,000 changes, of Microsoft Entra Backup and Recovery.
/// <https://learn.microsoft.com/entra/backup/scope-supported-objects-limitations>
const MICROSOFTS: f64 = 500_000.0 / (30.0 * 3600.0);

fn main() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<f64>().ok());
    let changes = number("ENTRAGIT_BENCH_CHANGES").map_or(3_000, |number| number as usize);
    let factor = number("ENTRAGIT_BENCH_LIMITS").unwrap_or(1.0);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure(changes, factor));
}

async fn measure(changes: usize, factor: f64) {
    let dir = tempfile::tempdir().unwrap();
    // Nine in ten are people.
    let seed = Seed::Random(changes * 3 / 2 + 300);
    let running = emulator::start(Options { seed, ..Options::default() }).await.unwrap();
    init(dir.path(), running.tenant_id(), true, &BTreeMap::new(), &[], &Events::silent()).unwrap();
    let written = Arc::new(Mutex::new(None));
    let heard = Arc::clone(&written);
    let events = Events::new(move |event| {
        if format!("{event:?}").contains("to verify") {
            heard.lock().unwrap().get_or_insert_with(Instant::now);
        }
    });
    let context = Context::open(dir.path(), events).unwrap();
    let tenant = connect(&running);
    let exported = export(&context, &tenant, &[], &Extra::default()).await.unwrap();
    edit(&context, exported.tip, changes);
    println!("{} objects, {changes} changes wanted", exported.objects);
    let aim = Aim { to: "main".to_owned(), ..Aim::default() };
    let ready = prepare(&context, &tenant, &aim).await.unwrap();
    assert_eq!(ready.plan.steps.len(), changes);
    let faults =
        Faults { limits: Some(factor), drained: true, latency: Duration::from_millis(150), ..Faults::default() };
    running.set_faults(faults);
    let start = Instant::now();
    let applied = apply(&context, &tenant, &ready).await.unwrap();
    let took = start.elapsed().as_secs_f64();
    assert!(applied.verified, "{:?}", applied.unmet);
    let Counts { writes, throttled, .. } = running.counts();
    let writing = written.lock().unwrap().unwrap().duration_since(start).as_secs_f64();
    let (limit, rate) = (20.0 * factor, changes as f64 / took);
    println!(
        "{changes} changes with their verification and receipt in {took:.1} s; {writes} write requests, {throttled} requests throttled"
    );
    println!("of that, writing took {writing:.1} s: {:.1} changes/s", changes as f64 / writing);
    println!("limit {limit:.1} changes/s; reached {rate:.1} changes/s, {:.0} % of it", 100.0 * rate / limit);
    println!("{:.1} × Microsoft's {MICROSOFTS:.1} changes/s", rate / MICROSOFTS);
    if factor != 1.0 {
        println!("limits are {factor} × Microsoft's: no tenant allows this");
    }
    running.stop().await.unwrap();
}

fn connect(running: &Running) -> GraphTenant {
    let config = Config {
        graph_url: running.url(),
        authority_url: running.url(),
        tenant: running.tenant_id().to_owned(),
        credential: Credential::ClientSecret { client_id: "bench".into(), client_secret: Secret::new("bench".into()) },
        concurrency: 24,
        deadline: Duration::from_secs(300),
    };
    GraphTenant::connect(config, Events::silent()).unwrap()
}

/// A commit on `main` in which so many people have another job.
fn edit(context: &Context, tip: entragit::repo::ObjectId, changes: usize) {
    let repo = &context.repo;
    let mut files: BTreeMap<String, _> =
        repo.entries(tip).unwrap().into_iter().map(|entry| (entry.path, entry.blob)).collect();
    let mut writer = repo.writer().unwrap();
    let mut edited = 0;
    let users: Vec<String> = files.keys().filter(|path| is_user(path)).cloned().collect();
    for path in users {
        let text = String::from_utf8(repo.blob(files[&path]).unwrap()).unwrap();
        if edited == changes || !text.contains("\njobTitle: ") || text.contains("onPremisesSyncEnabled: true") {
            continue;
        }
        let changed = |line: &str| match line.starts_with("jobTitle: ") {
            true => "jobTitle: Changed\n".to_owned(),
            false => format!("{line}\n"),
        };
        let blob = writer.put(text.lines().map(changed).collect::<String>().as_bytes()).unwrap();
        files.insert(path, blob);
        edited += 1;
    }
    assert_eq!(edited, changes, "the tenant has too few people");
    let tree = writer.finish(&files).unwrap();
    let commit = repo.create_commit(tree, &[tip], "Everybody has another job", &repo.author()).unwrap();
    let name = context.main_ref();
    let from = repo.reference(&name).unwrap();
    repo.move_ref(&name, commit, from, "bench").unwrap();
}

fn is_user(path: &str) -> bool {
    Path::new(path).starts_with("users")
}
