//! `watch`: rounds, pauses, signals.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::connect::connect;
use super::credentials::SignIn;
use super::exit;
use super::export::report_pending;
use super::output::{Output, elapsed};
use super::stop::Stop;
use crate::engine::render::json;
use crate::engine::render::safe;
use crate::graph::GraphTenant;
use crate::model::words::counted;
use crate::ops::Context;
use crate::ops::snapshot::round::{Round, RoundOptions};
use crate::ops::snapshot::shrink::{Shrunk, accepted};
use crate::ops::snapshot::watch::Watch;
use crate::repo::RepoError;
use crate::tenant::TenantError;

/// No pause after failures is longer, unless rounds are.
const LONGEST: Duration = Duration::from_secs(3_600);

/// Arguments of `watch`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// How often to look: 30s, 5m, 1h; at least 10s.
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = super::times::every)]
    every: Duration,
    /// End after so many rounds; 1 is for cron, as the next run goes on where this one was [default: never].
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,
    /// Read everything after so many rounds, which finds what Graph does not tell; 1: in each round.
    #[arg(long, value_name = "COUNT", default_value_t = 288, value_parser = clap::value_parser!(u32).range(1..))]
    full_every: u32,
    /// How long a change may wait, once, for the audit log to say who made it: entries arrive late. 0s: not at all.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = super::times::duration)]
    settle: Duration,
    /// Commit although so much is missing that the guard refused it: `shrink:KIND` or `shrink:KIND.LINK`; may be repeated.
    #[arg(long, value_name = "GUARD")]
    accept: Vec<String>,
    /// Print one line of JSON for each round.
    #[arg(long)]
    json: bool,
    /// Sign-in.
    #[command(flatten)]
    sign_in: SignIn,
}

/// Watches until it is told to stop, or for as many rounds as were asked for.
///
/// # Errors
/// If the first round fails in a way that does not pass, the last of the rounds asked for fails, or the repository is damaged.
pub async fn watch(arguments: WatchArgs, repo: &Path, output: &Output) -> Result<u8> {
    let mut stop = Stop::listen()?;
    let context = Context::open(repo, output.events())?;
    let accept = accepted(&arguments.accept)?;
    let tenant = connect(&arguments.sign_in, &context.settings, &context.events)?;
    let branches = context.settings.branches.clone();
    let is_here = context.repo.head_branch().as_ref() == Some(&branches.main);
    drop(context);
    let mut watch = Watch::default();
    let (mut failures, mut pending) = (0, Vec::new());
    for number in 1.. {
        let start = Instant::now();
        let result = tokio::select! {
            biased;
            () = stop.wait() => return Ok(stopped(output)),
            result = round(&mut watch, &tenant, &arguments, &accept, repo, output) => result,
        };
        output.clear();
        let last = arguments.rounds == Some(number);
        let pause = match result {
            Ok(round) => {
                failures = 0;
                report(number, &round, start, arguments.json, output);
                if round.pending != pending && !round.pending.is_empty() {
                    report_pending(&branches, is_here, &round.pending, &[], output);
                }
                pending.clone_from(&round.pending);
                if last {
                    return Ok(if round.complete { exit::DONE } else { exit::INCOMPLETE });
                }
                arguments.every.saturating_sub(start.elapsed())
            }
            Err(error) if last || gives_up(&error, number) => return Err(error),
            Err(error) => {
                failures += u32::from(!is_locked(&error));
                let pause = pause(arguments.every, failures);
                fail(number, &error, pause, arguments.json, output);
                pause
            }
        };
        tokio::select! {
            biased;
            () = stop.wait() => return Ok(stopped(output)),
            () = tokio::time::sleep(pause) => {}
        }
    }
    Ok(exit::DONE)
}

/// One round; two, if it is not known at first who made a change. The repository is locked while it is worked on, not while
/// anything is waited for, and its settings are read each time.
async fn round(
    watch: &mut Watch,
    tenant: &GraphTenant,
    arguments: &WatchArgs,
    accept: &BTreeSet<String>,
    repo: &Path,
    output: &Output,
) -> Result<Round> {
    let mut options =
        RoundOptions { full_every: arguments.full_every, patient: !arguments.settle.is_zero(), one_commit: false };
    loop {
        let round = {
            let mut context = Context::open(repo, output.events())?;
            context.accept.clone_from(accept);
            let _lock = context.repo.lock("watch")?;
            watch.round(&context, tenant, options).await?
        };
        if round.waiting == 0 {
            return Ok(round);
        }
        output.talk(&format!(
            "{} changed, and the audit log does not say yet who did it; asking again in {} s",
            counted(round.waiting, "object"),
            arguments.settle.as_secs()
        ));
        options.patient = false;
        tokio::time::sleep(arguments.settle).await;
    }
}

/// Returns true if trying again cannot help: an error in the first round means that the set-up is wrong.
fn gives_up(error: &anyhow::Error, number: u32) -> bool {
    let passes = is_locked(error)
        || error.downcast_ref::<Shrunk>().is_some()
        || matches!(error.downcast_ref(), Some(TenantError::Unavailable { .. }));
    matches!(error.downcast_ref(), Some(RepoError::Damaged(_))) || (number == 1 && !passes)
}

/// Returns true if another export or apply holds the lock.
fn is_locked(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(RepoError::Locked { .. } | RepoError::Busy { .. }))
}

/// Twice as long after each failure.
fn pause(every: Duration, failures: u32) -> Duration {
    let factor = 1 << failures.saturating_sub(1).min(12);
    every.saturating_mul(factor).min(LONGEST.max(every))
}

/// Represents the line that `--json` prints of a round, as `schemas/output/watch.schema.json` describes it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RoundDocument<'a> {
    format_version: u32,
    round: u32,
    full: bool,
    commits: Vec<CommitDocument<'a>>,
    added: usize,
    changed: usize,
    removed: usize,
    objects: usize,
    complete: bool,
    pending: &'a [String],
    milliseconds: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CommitDocument<'a> {
    id: String,
    author: &'a str,
    objects: usize,
}

/// Represents the line that `--json` prints of a round that failed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FailureDocument<'a> {
    format_version: u32,
    round: u32,
    error: &'a str,
    retry_in_seconds: u64,
}

fn round_line(number: u32, round: &Round, took: Duration) -> String {
    let (added, changed, removed) = round.changed;
    let commits = round.commits.iter().map(|commit| CommitDocument {
        id: commit.id.to_string(),
        author: &commit.author,
        objects: commit.objects,
    });
    json::line(&RoundDocument {
        format_version: json::FORMAT_VERSION,
        round: number,
        full: round.full,
        commits: commits.collect(),
        added,
        changed,
        removed,
        objects: round.objects,
        complete: round.complete,
        pending: &round.pending,
        milliseconds: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    })
}

fn failure_line(number: u32, error: &str, pause: Duration) -> String {
    let format_version = json::FORMAT_VERSION;
    json::line(&FailureDocument { format_version, round: number, error, retry_in_seconds: pause.as_secs() })
}

fn report(number: u32, round: &Round, start: Instant, as_json: bool, output: &Output) {
    let (added, changed, removed) = round.changed;
    if as_json {
        output.data(&round_line(number, round, start.elapsed()));
    }
    let read = if round.full { "everything was read" } else { "what changed was read" };
    if round.commits.is_empty() {
        output.talk(&format!("no change: {}; {read}, in {}", counted(round.objects, "object"), elapsed(start)));
    }
    for commit in &round.commits {
        output.talk(&format!(
            "{}  {}: {}",
            &commit.id.to_string()[..10],
            safe(&commit.author),
            counted(commit.objects, "object")
        ));
    }
    if !round.commits.is_empty() {
        output.talk(&format!("{added} added, {changed} changed, {removed} removed; {read}, in {}", elapsed(start)));
    }
    if !round.complete {
        output.talk("not everything can be read; what is missing is carried over and marked in manifest.yaml");
    }
}

fn fail(number: u32, error: &anyhow::Error, pause: Duration, as_json: bool, output: &Output) {
    let said = safe(&format!("{error:#}"));
    if as_json {
        output.data(&failure_line(number, &said, pause));
    }
    let what = if is_locked(error) { "skipped" } else { "failed" };
    output.say(&format!("round {what}: {said}; trying again in {} s", pause.as_secs()));
}

fn stopped(output: &Output) -> u8 {
    output.clear();
    output.talk("stopped");
    exit::DONE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::render::fits::assert_fits;
    use crate::ops::snapshot::round::Committed;
    use crate::repo::ObjectId;

    #[test]
    fn the_lines_fit_their_schema() {
        let id = ObjectId::from_bytes([1; 20]);
        let round = Round {
            full: true,
            waiting: 0,
            commits: vec![Committed { id, author: "Ada\u{1b}[31m".to_owned(), objects: 2 }],
            changed: (1, 0, 1),
            tip: id,
            counts: [("group", 9)].into(),
            objects: 9,
            unknown: 0,
            complete: false,
            pending: vec!["groups/sales.yaml".to_owned()],
        };
        let line = round_line(1, &round, Duration::MAX);
        assert_eq!(line.find('\n'), Some(line.len() - 1), "{line}");
        assert_fits!("watch", line, failure_line(2, "no\nanswer", Duration::from_secs(300)));
    }

    #[test]
    fn a_refused_snapshot_ends_no_watch() {
        let shrunk = Shrunk { losses: Vec::new(), commit: crate::repo::ObjectId::from_bytes([1; 20]), gap: None };
        assert!(!gives_up(&shrunk.into(), 1));
        assert!(gives_up(&anyhow::anyhow!("no such tenant"), 1));
    }

    #[test]
    fn pauses_grow_and_end() {
        let five = Duration::from_secs(300);
        assert_eq!(
            [0, 1, 2, 3, 4, 5, 99].map(|failures| pause(five, failures).as_secs()),
            [300, 300, 600, 1_200, 2_400, 3_600, 3_600]
        );
        assert_eq!(pause(Duration::from_secs(7_200), 9).as_secs(), 7_200);
    }
}
