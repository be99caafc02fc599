//! `drill`: a snapshot is loaded into the embedded tenant, damaged, and recovered, through the same code that talks to
//! Microsoft Graph. The live tenant is never touched: nothing here can sign in anywhere else.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use futures_util::StreamExt as _;

use super::demo::{application, tenant_at};
use super::exit;
use super::output::{Output, TextFormat};
use crate::emulator::{self, Running, Seed};
use crate::engine::drill::scenario::{self, NAMED, Scenario};
use crate::engine::drill::{Recovered, held_against};
use crate::engine::render::drill::{Drill, json, markdown, text};
use crate::engine::render::plan::counts;
use crate::engine::render::safe;
use crate::format::path::Layout;
use crate::graph::GraphTenant;
use crate::model::plan::Loss;
use crate::model::words::agreeing;
use crate::model::{Events, Snapshot, Verdict};
use crate::ops::commit::source::{Side, snapshots};
use crate::ops::plan::Aim;
use crate::ops::snapshot::export::{Extra, export};
use crate::ops::{Context, apply, init};
use crate::tenant::TenantWrite as _;

/// Damaging writes at the same time.
const CONCURRENCY: usize = 8;

/// Arguments of `drill`.
#[derive(Debug, Args)]
pub struct DrillArgs {
    /// The commit to recover [default: the last snapshot].
    #[arg(value_name = "REV", conflicts_with = "company")]
    revision: Option<String>,
    /// What goes wrong: see below.
    #[arg(long, value_name = "NAME", default_value = "everything")]
    scenario: String,
    /// A made-up company instead of a snapshot: `contoso` or `random:N`.
    #[arg(long, value_name = "COMPANY")]
    company: Option<String>,
    /// How to show the result.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: TextFormat,
    /// Print one JSON document: short for `--format json`.
    #[arg(long)]
    json: bool,
    /// Show every step of the recovery.
    #[arg(long)]
    progress: bool,
}

/// Runs a drill and prints what came of it.
///
/// # Errors
/// If the snapshot cannot be read, or the machinery fails; that something did not come back is no error but a result.
pub async fn drill(arguments: DrillArgs, repo: &Path, output: &Output) -> Result<u8> {
    let scenario = scenario_of(&arguments.scenario)?;
    let start = jiff::Timestamp::now().round(jiff::Unit::Second)?;
    let mut clock = Clock::start();
    let (running, source, break_glass, layout) = load(&arguments, repo, output).await?;
    clock.stage("load");
    let folder = tempfile::tempdir().context("making a folder for the drill")?;
    let quiet = Events::silent();
    let context = init::init(folder.path(), running.tenant_id(), true, &layout, &break_glass, &quiet)?;
    let tenant = tenant_at(&running.url(), &context, application("drill"), quiet.clone())?;
    let first = export(&context, &tenant, &[], &Extra::default()).await?.tip.to_string();
    let before = whole(&context, &first)?;
    clock.stage("export");
    output.talk(&format!(
        "{} in the embedded tenant; scenario {}",
        agreeing(before.objects.len(), "object", "is", "are"),
        arguments.scenario
    ));

    let (writes, purged) = damage_tenant(scenario, &before, &running, &tenant, output).await;
    clock.stage("damage");
    let second = export(&context, &tenant, &[], &Extra::default()).await?;
    clock.stage("export again");
    let (added, modified, removed) = second.changed;
    output.talk(&format!("damaged: {added} added, {modified} modified, {removed} removed"));

    let aim = Aim { to: first, ..Aim::default() };
    let ready = apply::prepare(&context, &tenant, &aim).await?;
    clock.stage("plan");
    output.talk(&counts(&ready.plan));
    let noisy = Context { events: output.events(), ..context.clone() };
    let applied = apply::apply(if arguments.progress { &noisy } else { &context }, &tenant, &ready).await?;
    clock.stage("apply and verify");
    let losses = [ready.plan.losses.as_slice(), &applied.remaining.losses].concat();
    let recovered = compare_with_last_snapshot(&context, &before, &losses)?;
    running.stop().await?;
    clock.stage("compare");
    let report = Drill {
        source,
        scenario: arguments.scenario.clone(),
        time: start.to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        writes,
        purged,
        damaged: (added, modified, removed),
        plan: counts(&ready.plan),
        guards: refusals(&ready.verdicts),
        losses: counted(&ready.plan.losses),
        steps: (applied.outcome.done, applied.outcome.failed.len(), applied.outcome.skipped.len(), applied.corrected),
        remaining: applied.remaining.steps.len(),
        recovered,
        stages: clock.stages,
    };
    output.clear();
    print(&report, if arguments.json { TextFormat::Json } else { arguments.format }, output);
    Ok(if report.passed() { exit::DONE } else { exit::INCOMPLETE })
}

/// Prints what a drill found.
fn print(report: &Drill, format: TextFormat, output: &Output) {
    output.data(&match format {
        TextFormat::Json => json(report),
        TextFormat::Markdown => markdown(report),
        TextFormat::Text => text(report, output.style),
    });
}

/// Parses the name of a scenario, or `random:N`.
fn scenario_of(word: &str) -> Result<Scenario> {
    if let Some((_, scenario, _)) = NAMED.iter().find(|(name, ..)| *name == word) {
        return Ok(*scenario);
    }
    match word.strip_prefix("random:").map(str::parse) {
        Some(Ok(seed)) => Ok(Scenario::Random(seed)),
        _ => {
            let names: Vec<&str> = NAMED.iter().map(|(name, ..)| *name).collect();
            bail!("no scenario is called {word:?}; there are {} and random:N", names.join(", "))
        }
    }
}

type Loaded = (Running, String, Vec<String>, BTreeMap<&'static str, Layout>);

/// Starts the embedded tenant with what is to be recovered.
async fn load(arguments: &DrillArgs, repo: &Path, output: &Output) -> Result<Loaded> {
    if let Some(company) = &arguments.company {
        let seed = super::emulate::seed(company)?;
        let objects = if let Seed::Random(count) = seed { count } else { 0 };
        let running = emulator::start(emulator::Options { seed, ..emulator::Options::default() }).await?;
        let layout =
            crate::kinds::ALL.iter().map(|kind| (kind.name, crate::ops::snapshot::export::layout_for(kind, objects)));
        return Ok((running, format!("the company {company}"), Vec::new(), layout.collect()));
    }
    let context = Context::open(repo, Events::silent())?;
    let revision = match (&arguments.revision, context.last_snapshot()?) {
        (Some(revision), _) => revision.clone(),
        (None, Some(tip)) => tip.to_string(),
        (None, None) => {
            bail!("there is no snapshot yet; run `entragit export`, or try `entragit drill --company contoso`")
        }
    };
    let side = Side::commit(&context, &revision)?;
    let (snapshot, _) = snapshots(&context.repo, &side, &Side::empty(), &|_| true)?;
    let options = emulator::Options { tenant: Some(context.settings.tenant.clone()), ..emulator::Options::default() };
    let (running, left_out) = emulator::start_from(options, &snapshot).await?;
    for (address, reason) in left_out.iter().take(5) {
        output.say(&safe(&format!("{} {} is left out of the drill: {reason}", address.kind.name, address.id)));
    }
    let commit = side.commit.map(|commit| commit.to_string()).unwrap_or_default();
    let source = format!("{} of {}", &commit[..10.min(commit.len())], context.settings.tenant);
    let layout = crate::kinds::ALL
        .iter()
        .filter_map(|kind| Some((kind.name, side.manifest.layout.get(kind.name).copied()?)))
        .collect();
    Ok((running, source, context.settings.break_glass.clone(), layout))
}

/// Compares the tenant as it was before the damage with the snapshot after the recovery.
fn compare_with_last_snapshot(context: &Context, before: &Snapshot, losses: &[Loss]) -> Result<Recovered> {
    let last = context.last_snapshot()?.context("the drill's last snapshot")?.to_string();
    let after = whole(context, &last)?;
    let ids = Side::unlisted(context, context.resolve(&last)?)?.manifest.ids;
    Ok(held_against(before, &after, &ids, losses))
}

/// Returns every object of a commit.
fn whole(context: &Context, revision: &str) -> Result<Snapshot> {
    let side = Side::commit(context, revision)?;
    Ok(snapshots(&context.repo, &side, &Side::empty(), &|_| true)?.0)
}

/// Damages the tenant as the scenario says, and returns the writes that were sent and refused, and the number of purged objects.
async fn damage_tenant(
    scenario: Scenario,
    before: &Snapshot,
    running: &Running,
    tenant: &GraphTenant,
    output: &Output,
) -> ((usize, usize), usize) {
    let mut dice = fastrand::Rng::with_seed(if let Scenario::Random(seed) = scenario { seed } else { 0 });
    let damage = scenario::damage(scenario, before, &mut |sides| dice.usize(..sides));
    let mut writes = send(tenant, damage.batches, output).await;
    if damage.credentials {
        writes.0 += running.add_credentials();
    }
    let purged = if damage.purge { running.empty_bins() } else { 0 };
    (writes, purged)
}

/// Sends what does the damage, and returns how many writes were sent and refused. A tenant protects some things from everybody;
/// what it refuses is said and counted.
async fn send(tenant: &GraphTenant, batches: Vec<Vec<crate::model::Write>>, output: &Output) -> (usize, usize) {
    let (mut sent, mut refused) = (0, 0);
    for batch in batches {
        let results: Vec<_> = futures_util::stream::iter(batch)
            .map(|write| async move { tenant.write(&write).await.err() })
            .buffer_unordered(CONCURRENCY)
            .collect()
            .await;
        sent += results.len();
        for error in results.into_iter().flatten() {
            refused += 1;
            output.talk(&format!("refused: {}", safe(&error.to_string())));
        }
    }
    (sent, refused)
}

/// Returns the guards that refuse the plan, with what they say.
fn refusals(verdicts: &[Verdict]) -> Vec<(String, String)> {
    let refused = verdicts.iter().filter(|verdict| verdict.refused);
    refused.map(|verdict| (verdict.guard.to_owned(), verdict.message.clone())).collect()
}

/// Returns each loss with the number of objects that it is about, most first.
fn counted(losses: &[Loss]) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for loss in losses {
        *counts.entry(format!("{}: {}", loss.address.kind.name, loss.what())).or_default() += 1;
    }
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts
}

/// Measures how long each stage took.
struct Clock {
    last: Instant,
    stages: Vec<(&'static str, f64)>,
}

impl Clock {
    fn start() -> Clock {
        Clock { last: Instant::now(), stages: Vec::new() }
    }

    fn stage(&mut self, name: &'static str) {
        let now = Instant::now();
        let took: Duration = now.duration_since(self.last);
        self.stages.push((name, took.as_secs_f64()));
        self.last = now;
    }
}
