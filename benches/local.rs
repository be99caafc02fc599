//! The work that is done on this side of the wire: JSON → normalized → YAML → one pack → trees → a commit, next to
//! `git fast-import` that is fed with the finished files. Both in turns, on the same objects, from memory to a flushed repository.
//!
//! `cargo bench --bench local` takes 100,000 objects; `ENTRAGIT_BENCH_OBJECTS=1000000` as many as you like.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a measurement prints and may fail loudly")]

use std::collections::BTreeMap;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use entragit::emulator::random;
use entragit::model::{AuditEvent, Coverage, CoverageMap, Events, Kind};
use entragit::ops::Context;
use entragit::ops::init::init;
use entragit::ops::snapshot::export::{Extra, export};
use entragit::tenant::{Changes, Listing, Pages, Raw, RawObject, TenantError, TenantRead};

// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TENANT: &str = "84841066-274d-4ec0-a5c1-276be684bdd3";
/// In turns with the yardstick; once where one round takes minutes.
const ROUNDS: usize = 3;

fn main() {
    let objects = std::env::var("ENTRAGIT_BENCH_OBJECTS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let tenant = Replies::of(objects);
    println!("{objects} objects, {} MB of JSON", tenant.bytes() / 1_000_000);
    let (mut ours, mut yardstick) = (Vec::new(), Vec::new());
    for _ in 0..if objects > 200_000 { 1 } else { ROUNDS } {
        let dir = tempfile::tempdir().unwrap();
        init(dir.path(), TENANT, true, &BTreeMap::new(), &[], &Events::silent()).unwrap();
        let context = Context::open(dir.path(), Events::silent()).unwrap();
        let start = Instant::now();
        let exported = runtime.block_on(export(&context, &tenant, &[], &Extra::default())).unwrap();
        ours.push(start.elapsed());
        assert!(exported.complete);
        let files: Vec<(String, Vec<u8>)> = (context.repo.entries(exported.tip).unwrap().into_iter())
            .map(|entry| (entry.path, context.repo.blob(entry.blob).unwrap()))
            .collect();
        let other = tempfile::tempdir().unwrap();
        yardstick.push(fast_import(other.path(), &files));
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort();
        times[times.len() / 2].as_secs_f64()
    };
    let (ours, yardstick) = (median(&mut ours), median(&mut yardstick));
    println!("entragit: {ours:.2} s, {:.1} µs an object", ours * 1e6 / objects as f64);
    println!("git fast-import of the finished files: {yardstick:.2} s");
    println!("ratio: {:.2}", ours / yardstick);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: unknown");
    println!("peak memory, replies and all: {}", peak.trim_start_matches("VmHWM:").trim());
}

fn fast_import(dir: &Path, files: &[(String, Vec<u8>)]) -> Duration {
    assert!(Command::new("git").args(["init", "-q", "--bare"]).arg(dir).status().unwrap().success());
    let start = Instant::now();
    let mut child = Command::new("git")
        .args(["-c", "core.fsync=objects,reference", "fast-import", "--quiet"])
        .current_dir(dir)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to = BufWriter::with_capacity(1 << 20, child.stdin.take().unwrap());
    write!(to, "commit refs/heads/main\ncommitter Bench <bench@localhost> 0 +0000\ndata 0\n").unwrap();
    for (path, bytes) in files {
        write!(to, "M 100644 inline {path}\ndata {}\n", bytes.len()).unwrap();
        to.write_all(bytes).unwrap();
        to.write_all(b"\n").unwrap();
    }
    writeln!(to, "done").unwrap();
    drop(to);
    assert!(child.wait().unwrap().success());
    start.elapsed()
}

/// What Graph would have answered, as text.
struct Replies(BTreeMap<&'static str, Vec<Box<[u8]>>>);

impl Replies {
    fn of(objects: usize) -> Replies {
        let mut all: BTreeMap<&'static str, Vec<Box<[u8]>>> = BTreeMap::new();
        for (kind, value) in random(objects) {
            all.entry(kind).or_default().push(serde_json::to_vec(&value).unwrap().into_boxed_slice());
        }
        Replies(all)
    }

    fn bytes(&self) -> usize {
        self.0.values().flatten().map(|bytes| bytes.len()).sum()
    }
}

impl TenantRead for Replies {
    async fn tenant_id(&self) -> Result<String, TenantError> {
        Ok(TENANT.to_owned())
    }

    async fn list(&self, kind: &'static Kind, pages: Pages) -> Listing {
        for page in self.0.get(kind.name).into_iter().flat_map(|all| all.chunks(999)) {
            let parse =
                |bytes: &[u8]| RawObject { value: serde_json::from_slice(bytes).unwrap(), ..RawObject::default() };
            pages.send(page.iter().map(|bytes| parse(bytes)).collect()).await.unwrap();
        }
        let mut links = CoverageMap::default();
        for link in kind.links {
            links.set_link(kind.name, link.name, Coverage::Complete);
        }
        Listing { coverage: Coverage::Complete, links, note: None }
    }

    async fn count(&self, kind: &'static Kind) -> Result<usize, TenantError> {
        Ok(self.0.get(kind.name).map_or(0, Vec::len))
    }

    async fn get(&self, _: &'static Kind, _: &str) -> Result<Option<RawObject>, TenantError> {
        Ok(None)
    }

    async fn changes(&self, _: &'static Kind, _: Option<&str>) -> Result<Changes, TenantError> {
        Ok(Changes::StartOver { why: String::new() })
    }

    async fn deleted(&self, _: &'static Kind) -> Result<Vec<Raw>, TenantError> {
        Ok(Vec::new())
    }

    async fn audit(&self, _: Option<&str>) -> Result<Vec<AuditEvent>, TenantError> {
        Ok(Vec::new())
    }
}
