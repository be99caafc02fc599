//! `export` and `sync`: arguments → a snapshot → exit code.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};
use clap::Args;
use serde::Serialize;

use super::connect::connect;
use super::credentials::SignIn;
use super::exit;
use super::output::{Output, elapsed};
use super::selection::kinds_of;
use crate::engine::render;
use crate::format::settings::{Branches, Profile};
use crate::kinds;
use crate::model::words;
use crate::ops::snapshot::export::{Exported, Extra};
use crate::ops::snapshot::shrink::accepted;
use crate::ops::snapshot::sync::{self, Published};
use crate::ops::{self, Context};

/// Number of times that a snapshot is made anew because another run pushed first.
const ROUNDS: usize = 20;
/// Number of refused pushes after which a remote that has not moved counts as one that refuses for another reason.
const UNMOVED: usize = 3;
/// Pause before another try.
const PAUSE: Duration = Duration::from_millis(500);

/// Arguments of `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Only this kind; may be repeated. The others stay as they are.
    #[arg(long = "kind", value_name = "KIND")]
    kinds: Vec<String>,
    /// Not this kind; may be repeated. Its files stay as they are.
    #[arg(long, value_name = "KIND")]
    exclude: Vec<String>,
    /// Which kinds: `config` (no user objects), `recovery` (all that recovery needs), `everything` (what is only for information,
    /// too) [default: the repository's].
    #[arg(long, value_name = "PROFILE")]
    profile: Option<String>,
    /// Read only what Graph says changed since the last such export, in this clone or another one that `refs/entragit/*` is
    /// fetched from. Reads everything where that cannot be told.
    #[arg(long, conflicts_with = "kinds")]
    incremental: bool,
    /// Read everything after so many incremental exports, which finds what Graph does not tell; 1: each time.
    #[arg(long, value_name = "COUNT", default_value_t = 7, requires = "incremental", value_parser = clap::value_parser!(u32).range(1..))]
    full_every: u32,
    /// Commit although so much is missing that the guard refused it: `shrink:KIND` or `shrink:KIND.LINK`, as the refusal says;
    /// may be repeated.
    #[arg(long, value_name = "GUARD")]
    accept: Vec<String>,
    /// Fetch before and push afterwards, as `entragit sync` does.
    #[arg(long)]
    push: bool,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
    /// Sign-in.
    #[command(flatten)]
    sign_in: SignIn,
}

/// Arguments of `sync`.
#[derive(Debug, Args)]
#[command(mut_arg("push", |push| push.hide(true)))]
pub struct SyncArgs {
    /// The export.
    #[command(flatten)]
    export: ExportArgs,
}

/// Takes a snapshot; with `--push`, in step with the remote.
pub async fn run(export: &ExportArgs, repo: &Path, output: &Output) -> Result<u8> {
    if export.push {
        return sync(export, repo, output).await;
    }
    let context = opened(export, repo, output)?;
    let _lock = context.repo.lock("export")?;
    let (exported, start) = once(&context, export, output).await?;
    report_export(&context, &exported, export.json, start, output);
    Ok(code(&exported))
}

fn code(exported: &Exported) -> u8 {
    if exported.complete { exit::DONE } else { exit::INCOMPLETE }
}

/// Takes a snapshot in step with the remote.
///
/// # Errors
/// If the remote refuses, or the snapshot cannot be taken.
pub async fn run_sync(arguments: &SyncArgs, repo: &Path, output: &Output) -> Result<u8> {
    sync(&arguments.export, repo, output).await
}

/// Fetches, takes a snapshot, and pushes. Where another run pushed first, once more on top of what it pushed.
async fn sync(export: &ExportArgs, repo: &Path, output: &Output) -> Result<u8> {
    let (mut refused, mut before, mut unmoved) = (String::new(), None, 0);
    for _ in 0..ROUNDS {
        {
            let context = opened(export, repo, output)?;
            let remote = sync::remote(&context)?;
            let _lock = context.repo.lock("sync")?;
            let there = Some(sync::fetch(&context, &remote)?);
            // The push of another run may be on its way still; where none is, another try ends the same.
            unmoved = if there == before { unmoved + 1 } else { 0 };
            if unmoved == UNMOVED {
                bail!("{remote} refused the push although nobody else pushed: {refused}; the snapshot is kept here");
            }
            before = there;
        }
        // What was fetched may hold other settings, and other rules.
        let context = opened(export, repo, output)?;
        let _lock = context.repo.lock("sync")?;
        let remote = sync::remote(&context)?;
        let (exported, start) = once(&context, export, output).await?;
        let published = sync::publish(&context, &remote);
        // Of a snapshot that another run's came before, nothing is said: it is made anew.
        if !matches!(published, Ok(Published::Overtaken(_))) {
            report_export(&context, &exported, export.json, start, output);
        }
        match published? {
            Published::All => output.talk(&format!("pushed to {remote}")),
            Published::WithoutMain(why) => output.talk(&format!(
                "pushed to {remote}, all but {}, which its rules keep for people: {why}",
                context.settings.branches.main
            )),
            Published::Overtaken(why) => {
                refused = why;
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        }
        return Ok(code(&exported));
    }
    bail!("other runs pushed first {ROUNDS} times ({refused}); run this again when fewer of them run at the same time")
}

fn opened(export: &ExportArgs, repo: &Path, output: &Output) -> Result<Context> {
    let mut context = Context::open(repo, output.events())?;
    if let Some(profile) = &export.profile {
        context.settings.scope.profile =
            Profile::parse(profile).ok_or_else(|| anyhow!("--profile is recovery, config or everything"))?;
    }
    context.settings.scope.exclude.extend(kinds_of(&export.exclude)?.iter().map(|kind| kind.name));
    context.accept = accepted(&export.accept)?;
    Ok(context)
}

async fn once(context: &Context, export: &ExportArgs, output: &Output) -> Result<(Exported, Instant)> {
    let start = Instant::now();
    let only = kinds_of(&export.kinds)?;
    let tenant = connect(&export.sign_in, &context.settings, &context.events)?;
    let exported = if export.incremental {
        let (exported, full) = ops::snapshot::watch::export(context, &tenant, export.full_every).await?;
        output.talk(if full { "everything was read" } else { "what changed was read" });
        exported
    } else {
        ops::snapshot::export::export(context, &tenant, &only, &Extra::default()).await?
    };
    Ok((exported, start))
}

/// Represents what `--json` prints of an export, as `schemas/output/export.schema.json` describes it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExportDocument<'a> {
    format_version: u32,
    commit: Option<String>,
    tip: String,
    objects: usize,
    counts: &'a BTreeMap<&'static str, usize>,
    complete: bool,
    added: usize,
    changed: usize,
    removed: usize,
    pending: &'a [String],
    unknown_properties: usize,
}

fn document(exported: &Exported) -> String {
    let (added, changed, removed) = exported.changed;
    render::json::sorted(&ExportDocument {
        format_version: render::json::FORMAT_VERSION,
        commit: exported.commit.map(|commit| commit.to_string()),
        tip: exported.tip.to_string(),
        objects: exported.objects,
        counts: &exported.counts,
        complete: exported.complete,
        added,
        changed,
        removed,
        pending: &exported.pending,
        unknown_properties: exported.unknown,
    })
}

/// Says what an export did.
pub fn report_export(context: &Context, exported: &Exported, as_json: bool, start: Instant, output: &Output) {
    output.clear();
    let (added, changed, removed) = exported.changed;
    if as_json {
        output.data(&document(exported));
    }
    if exported.objects == added {
        output.talk_list(counted(&exported.counts));
    }
    match exported.commit {
        Some(commit) => output.talk(&format!(
            "snapshot {} on {}: {}, {added} added, {changed} changed, {removed} removed, in {}",
            &commit.to_string()[..10],
            context.settings.branches.snapshots,
            words::counted(exported.objects, "object"),
            elapsed(start)
        )),
        None => output.talk(&format!(
            "no change: {} as in the last snapshot, in {}",
            words::agreeing(exported.objects, "object", "is", "are"),
            elapsed(start)
        )),
    }
    if exported.unknown > 0 {
        output.talk(&format!(
            "{} unknown to this version (see manifest.yaml): kept as read, and written only where Graph replaces an object whole",
            words::agreeing(exported.unknown, "property", "is", "are")
        ));
    }
    if !exported.complete {
        output
            .say("warning: not everything could be read; what is missing is carried over and marked in manifest.yaml");
    }
    if !exported.pending.is_empty() {
        let branches = &context.settings.branches;
        let is_here = context.repo.head_branch().as_ref() == Some(&branches.main);
        report_pending(branches, is_here, &exported.pending, &exported.unwritable, output);
    }
}

/// Says that `main` was left alone, and what brings its edits into the tenant or takes them back.
///
/// Without a range, `--changes` is about the branch that is checked out: `is_here` says whether that is `main`.
pub fn report_pending(branches: &Branches, is_here: bool, pending: &[String], unwritable: &[String], output: &Output) {
    let files = |count: usize| words::counted(count, "file");
    let mut said =
        format!("{} was left alone: it holds edits that are not applied yet ({})", branches.main, files(pending.len()));
    if unwritable.len() < pending.len() {
        let range = if is_here { String::new() } else { format!(" ..{}", branches.main) };
        said.push_str(&format!(
            "; see what they change with `entragit plan --changes{range}`, and apply them with `entragit apply --changes{range}`"
        ));
    }
    output.say(&said);
    for path in pending.iter().filter(|path| !unwritable.contains(path)).take(10) {
        output.talk(&format!("  pending: {path}"));
    }
    for path in unwritable.iter().take(10) {
        output.say(&format!(
            "  {path}: no step can write this edit, as Graph alone sets what differs, or another directory owns the object; take it \
             back with `git checkout {} -- {path}`, and commit",
            branches.snapshots
        ));
    }
}

/// Returns the number of objects of each kind with its title, in the order in which people would read a tenant.
fn counted(counts: &BTreeMap<&'static str, usize>) -> Vec<String> {
    let titles = kinds::ALL.iter().flat_map(|kind| {
        let variants = kind.variants.iter().map(|variant| (variant.name, variant.title));
        std::iter::once((kind.name, kind.title)).chain(variants)
    });
    let some = titles.filter_map(|(name, title)| Some((counts.get(name).copied().filter(|count| *count > 0)?, title)));
    some.map(|(count, title)| format!("{count} {title}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::render::fits::assert_fits;
    use crate::repo::ObjectId;

    #[test]
    fn the_document_fits_its_schema() {
        let exported = Exported {
            commit: Some(ObjectId::from_bytes([1; 20])),
            tip: ObjectId::from_bytes([1; 20]),
            counts: BTreeMap::from([("group", 2), ("managedIdentity", 1)]),
            objects: 3,
            complete: false,
            changed: (1, 2, 0),
            pending: vec!["groups/sales.yaml".to_owned()],
            unwritable: vec!["groups/sales.yaml".to_owned()],
            unknown: 1,
        };
        let unchanged = Exported { commit: None, complete: true, pending: Vec::new(), ..exported.clone() };
        assert_fits!("export", document(&exported), document(&unchanged));
    }
}
