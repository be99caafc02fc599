//! How many objects an export, and the second export, take in a second: embedded tenant, HTTP, normalization, YAML, git.
//!
//! `cargo bench` measures 20,000 objects; `ENTRAGIT_BENCH_OBJECTS=100000 cargo bench` as many as you like. The tenant and
//! the export share the machine's cores, and the memory printed is that of both together.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a measurement prints and may fail loudly")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use entragit::emulator::{self, Counts, Faults, Options, Running, Seed};
use entragit::graph::{Config, Credential, GraphTenant};
use entragit::kinds;
use entragit::model::{Events, Secret};
use entragit::ops::init::init;
use entragit::ops::snapshot::export::{Extra, export};

// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// There and back.
const LATENCY: Duration = Duration::from_millis(100);

/// Resource units at hand, and a second's, in a tenant of more than 500 users:
/// <https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits>.
const UNITS: (f64, f64) = (8_000.0, 800.0);

fn main() {
    let objects = std::env::var("ENTRAGIT_BENCH_OBJECTS").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure(objects));
}

async fn measure(objects: usize) {
    let start = Instant::now();
    let running = emulator::start(Options { seed: Seed::Random(objects), ..Options::default() }).await.unwrap();
    println!("embedded tenant of {objects} objects ready in {:.2?}", start.elapsed());
    let dir = tempfile::tempdir().unwrap();
    let context = init(dir.path(), running.tenant_id(), true, &BTreeMap::new(), &[], &Events::silent()).unwrap();
    let tenant = connect(&running);
    for name in ["first export", "second export, unchanged"] {
        let start = Instant::now();
        let exported = export(&context, &tenant, &[], &Extra::default()).await.unwrap();
        let time = start.elapsed();
        let rate = exported.objects as f64 / time.as_secs_f64();
        println!("{name}: {} objects in {time:.2?}, {rate:.0} objects/s", exported.objects);
        assert!(exported.complete);
        assert_eq!(exported.commit.is_none(), name.starts_with("second"));
    }
    at_the_limits(&running).await;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: unknown");
    println!("peak memory of tenant and export together: {}", peak.trim_start_matches("VmHWM:").trim());
    running.stop().await.unwrap();
}

/// The same with Microsoft's limits and as long a way as to a data centre, next to what these two alone would take: the pages
/// of the longest list one after the other, since each is known from the one before, or the resource units at the rate at
/// which they come back, or what Conditional Access answers once a second.
async fn at_the_limits(running: &Running) {
    running.set_faults(Faults { limits: Some(1.0), latency: LATENCY, ..Faults::default() });
    let dir = tempfile::tempdir().unwrap();
    let context = init(dir.path(), running.tenant_id(), true, &BTreeMap::new(), &[], &Events::silent()).unwrap();
    let tenant = connect(running);
    let start = Instant::now();
    let exported = export(&context, &tenant, &[], &Extra::default()).await.unwrap();
    let took = start.elapsed().as_secs_f64();
    assert!(exported.complete);
    let Counts { requests, access, units, throttled, .. } = running.counts();
    let pages = kinds::ALL.iter().filter_map(|kind| {
        let variants = kind.variants.iter().map(|variant| variant.name);
        let of = std::iter::once(kind.name).chain(variants).filter_map(|name| exported.counts.get(name));
        Some((of.sum::<usize>().div_ceil(usize::from(kind.page_size?)), kind.title))
    });
    let (pages, longest) = pages.max().unwrap();
    let (full, rate) = UNITS;
    let (chain, pace) = (pages as f64 * LATENCY.as_secs_f64(), (units as f64 - full).max(0.0) / rate);
    // "1 request per second per tenant", and one is at hand.
    let slow = access.saturating_sub(1) as f64;
    let bound = chain.max(pace).max(slow);
    println!(
        "at Microsoft's limits, {LATENCY:.0?} away: {took:.1} s; {requests} requests, {units} resource units, {throttled} throttled"
    );
    println!(
        "lower bound {bound:.1} s: {pages} pages of {longest} take {chain:.1} s, the units {pace:.1} s, {access} requests of \
         Conditional Access {slow:.1} s"
    );
    println!("ratio: {:.2}", took / bound);
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
