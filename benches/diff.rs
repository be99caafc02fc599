//! How long the report of 500 changes between two snapshots takes, next to `git diff --raw` on the same pair: whole
//! commands, in turns, so that a noisy machine disturbs both alike.
//!
//! `cargo bench --bench diff` compares snapshots of 200,000 objects; `ENTRAGIT_BENCH_OBJECTS=20000` of fewer.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a measurement prints and may fail loudly")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use entragit::emulator::{self, Options, Seed};
use entragit::graph::{Config, Credential, GraphTenant};
use entragit::model::{Events, Secret};
use entragit::ops::Context;
use entragit::ops::init::init;
use entragit::ops::snapshot::export::{Extra, export};

const CHANGES: usize = 500;
const ROUNDS: usize = 15;

fn main() {
    let objects = std::env::var("ENTRAGIT_BENCH_OBJECTS").ok().and_then(|text| text.parse().ok()).unwrap_or(200_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    runtime.block_on(prepare(dir.path(), objects));
    drop(runtime);
    let git =
        |program: &mut Command| measure(program.args(["diff", "--raw", "HEAD~1", "HEAD"]).current_dir(dir.path()));
    let ours = |format: &str| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_entragit"));
        measure(program.args(["diff", "HEAD~1", "HEAD", "--format", format]).current_dir(dir.path()))
    };
    let mut times: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    for _ in 0..ROUNDS {
        times.entry("git diff --raw").or_default().push(git(&mut Command::new("git")));
        times.entry("entragit diff (text)").or_default().push(ours("text"));
        times.entry("entragit diff --json").or_default().push(ours("json"));
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort();
        times[times.len() / 2]
    };
    let base = median(times.get_mut("git diff --raw").unwrap());
    for (name, mut taken) in times {
        let time = median(&mut taken);
        println!("{name}: {time:.1?}, {:.2} × git diff --raw", time.as_secs_f64() / base.as_secs_f64());
    }
}

fn measure(program: &mut Command) -> Duration {
    let start = Instant::now();
    let status = program.stdout(Stdio::null()).stderr(Stdio::inherit()).status().unwrap();
    assert!(matches!(status.code(), Some(0 | 2)), "{status}");
    start.elapsed()
}

/// A first snapshot of the embedded tenant, and a second in which some users have another job.
async fn prepare(dir: &Path, objects: usize) {
    let start = Instant::now();
    let running = emulator::start(Options { seed: Seed::Random(objects), ..Options::default() }).await.unwrap();
    init(dir, running.tenant_id(), true, &BTreeMap::new(), &[], &Events::silent()).unwrap();
    let context = Context::open(dir, Events::silent()).unwrap();
    let config = Config {
        graph_url: running.url(),
        authority_url: running.url(),
        tenant: running.tenant_id().to_owned(),
        credential: Credential::ClientSecret { client_id: "bench".into(), client_secret: Secret::new("bench".into()) },
        concurrency: 8,
        deadline: Duration::from_secs(300),
    };
    let tenant = GraphTenant::connect(config, Events::silent()).unwrap();
    let exported = export(&context, &tenant, &[], &Extra::default()).await.unwrap();
    running.stop().await.unwrap();
    let repo = &context.repo;
    let mut files: BTreeMap<String, _> =
        repo.entries(exported.tip).unwrap().into_iter().map(|entry| (entry.path, entry.blob)).collect();
    let users: Vec<String> = files.keys().filter(|path| path.starts_with("users/")).cloned().collect();
    let mut writer = repo.writer().unwrap();
    for path in users.iter().step_by((users.len() / CHANGES).max(1)).take(CHANGES) {
        let text = String::from_utf8(repo.blob(files[path]).unwrap()).unwrap();
        let changed = |line: &str| match line.starts_with("jobTitle: ") {
            true => "jobTitle: Changed\n".to_owned(),
            false => format!("{line}\n"),
        };
        let text: String = text.lines().map(changed).collect();
        let blob = writer.put(text.as_bytes()).unwrap();
        files.insert(path.clone(), blob);
    }
    let tree = writer.finish(&files).unwrap();
    let parent = exported.tip;
    let commit = repo.create_commit(tree, &[parent], "Snapshot: changed", &repo.author()).unwrap();
    for name in [context.snapshots_ref(), context.main_ref()] {
        let from = repo.reference(&name).unwrap();
        repo.move_ref(&name, commit, from, "bench").unwrap();
    }
    println!("two snapshots of {} objects ready in {:.1?}", exported.objects, start.elapsed());
}
