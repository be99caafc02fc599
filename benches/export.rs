//! How many objects an export, and the second export, take in a second: embedded tenant, HTTP, normalization, YAML, git.
//!
//! `cargo bench` measures 20,000 objects; `ENTRAGIT_BENCH_OBJECTS=100000 cargo bench` as many as you like. The tenant and
//! the export share the machine's cores, and the memory printed is that of both together.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a measurement prints and may fail loudly")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use entragit::emulator::{self, Options, Seed};
use entragit::graph::{Config, Credential, GraphTenant};
use entragit::model::{Events, Secret};
use entragit::ops::export::{Extra, export};
use entragit::ops::init::init;

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
    let config = Config {
        graph_url: running.url(),
        authority_url: running.url(),
        tenant: running.tenant_id().to_owned(),
        credential: Credential::ClientSecret { client_id: "bench".into(), client_secret: Secret::new("bench".into()) },
        concurrency: 8,
        deadline: Duration::from_secs(300),
    };
    let tenant = GraphTenant::connect(config, Events::silent()).unwrap();
    for name in ["first export", "second export, unchanged"] {
        let start = Instant::now();
        let exported = export(&context, &tenant, &[], &Extra::default()).await.unwrap();
        let time = start.elapsed();
        let rate = exported.objects as f64 / time.as_secs_f64();
        println!("{name}: {} objects in {time:.2?}, {rate:.0} objects/s", exported.objects);
        assert!(exported.complete);
        assert_eq!(exported.commit.is_none(), name.starts_with("second"));
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: unknown");
    println!("peak memory of tenant and export together: {}", peak.trim_start_matches("VmHWM:").trim());
    running.stop().await.unwrap();
}
