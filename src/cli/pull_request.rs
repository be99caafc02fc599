//! Keeps the pull request in which people decide on changes of the tenant, and reads what they ticked.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::exit;
use super::output::Output;
use super::selection::Selectors;
use crate::engine::render::json::{FORMAT_VERSION, sorted};
use crate::engine::review::{Tally, Ticks};
use crate::forge::{Branches, Host, PullRequest, Words};
use crate::graph::GraphTenant;
use crate::model::words::{agreeing, counted};
use crate::ops::Context;
use crate::ops::plan::propose::{BRANCH, Proposal, keep_here, propose};
use crate::ops::snapshot::sync;
use crate::repo::{MAX_PLAN, NamedBy, ObjectId, Pushed, read_file};

/// Number of times that the text is written anew because somebody ticked boxes meanwhile.
const ROUNDS: usize = 5;
/// Maximum number of characters of a text for no host.
const LIMIT: usize = 1_000_000;

/// Pull request in which decisions are ticked, or a file with its text.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Pull request")]
pub struct PullRequestArgs {
    /// The pull request of the branch `entragit/drift`, in which people tick what they accept and what is taken back. The host is
    /// that of the pipeline or of the remote, unless it is named; its own program does it (`gh`, `glab`, `az`), with its sign-in.
    #[arg(long, value_enum, value_name = "HOST", num_args = 0..=1, require_equals = true, default_missing_value = "auto")]
    pub pull_request: Option<ForgeName>,
    /// A file with the text of the pull request, instead of asking the host.
    #[arg(long, value_name = "FILE")]
    pub decisions: Option<PathBuf>,
}

/// Host of the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ForgeName {
    /// That of the pipeline, or of the remote.
    Auto,
    /// GitHub.
    Github,
    /// GitLab.
    Gitlab,
    /// Azure DevOps.
    AzureDevops,
    /// None: the branch is made here, and the text is printed.
    None,
}

/// Keeps the pull request: makes it, updates it, or closes it where nothing waits for a decision.
///
/// # Errors
/// If the host or the remote refuses, or as for [`propose`].
pub async fn keep(arguments: &PullRequestArgs, json: bool, repo: &Path, output: &Output) -> Result<u8> {
    let context = Context::open(repo, output.events())?;
    let (proposal, act) = match host(arguments, &context)? {
        Some(host) => keep_at(host, arguments, &context, repo).await?,
        None => {
            let before = context.repo.reference(&format!("refs/heads/{BRANCH}"))?;
            let proposal = propose::<GraphTenant>(&context, &written(arguments)?, before, LIMIT).await?;
            keep_here(&context, &proposal, before)?;
            (proposal, None)
        }
    };
    output.clear();
    match (json, &act) {
        (true, _) => output.data(&document(&proposal, act.as_ref())),
        (false, None) => output.data(&proposal.body),
        (false, Some(_)) => {}
    }
    if let Some(Kept { act, page }) = &act {
        output.talk(&format!("{act} {page}"));
    }
    output.talk(&summary(&proposal));
    Ok(if proposal.is_complete { exit::DONE } else { exit::INCOMPLETE })
}

/// Says what became of the pull request at its host.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    /// `opened`, `updated`, `closed`, `unchanged` or `not needed`.
    act: &'static str,
    /// Its page, or its number.
    page: String,
}

/// Represents what `--json` prints, as `schemas/output/proposal.schema.json` describes it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProposalDocument<'a> {
    format_version: u32,
    branch: &'static str,
    commit: Option<String>,
    pull_request: Option<&'a Kept>,
    title: &'a str,
    body: &'a str,
    changes: usize,
    accepted: usize,
    rejected: usize,
    both: usize,
    stale: usize,
    blocked: usize,
    complete: bool,
}

fn document(proposal: &Proposal, kept: Option<&Kept>) -> String {
    let Tally { changes, accepted, rejected, both, stale } = proposal.tally;
    sorted(&ProposalDocument {
        format_version: FORMAT_VERSION,
        branch: BRANCH,
        commit: proposal.commit.map(|commit| commit.to_string()),
        pull_request: kept,
        title: &proposal.title,
        body: &proposal.body,
        changes,
        accepted,
        rejected,
        both,
        stale,
        blocked: proposal.blocked,
        complete: proposal.is_complete,
    })
}

async fn keep_at(
    host: Host,
    arguments: &PullRequestArgs,
    context: &Context,
    folder: &Path,
) -> Result<(Proposal, Option<Kept>)> {
    let branches = Branches { head: BRANCH, base: &context.settings.branches.main };
    let remote = sync::remote(context)?;
    let mut before = fetched(context, &remote)?;
    let mut open = host.find(folder, branches)?;
    for _ in 0..ROUNDS {
        let ticks = ticks_of(arguments, open.as_ref())?;
        let proposal = propose::<GraphTenant>(context, &ticks, before, host.limit()).await?;
        let Some(commit) = proposal.commit else {
            let Some(open) = &open else { return Ok((proposal, kept("not needed", String::new()))) };
            // Changes that cannot be seen now may still be there.
            if !proposal.is_complete {
                return Ok((proposal, kept("unchanged", named(open))));
            }
            host.close(folder, open.number)?;
            return Ok((proposal, kept("closed", named(open))));
        };
        if before != Some(commit) {
            push(context, &remote, commit, before)?;
            before = Some(commit);
        }
        let words = Words { title: &proposal.title, body: &proposal.body };
        let Some(known) = &open else {
            let page = host.open(folder, branches, words)?;
            return Ok((proposal, kept("opened", page)));
        };
        // Somebody may have ticked a box since the text was read. It is looked for right before the text is replaced.
        let now = host.find(folder, branches)?;
        if now.as_ref().is_some_and(|now| now.body == known.body) {
            if same_text(&known.body, &proposal.body) {
                return Ok((proposal, kept("unchanged", named(known))));
            }
            host.update(folder, known.number, words)?;
            return Ok((proposal, kept("updated", named(known))));
        }
        open = now;
    }
    bail!("the pull request changes faster than it can be written; run this again")
}

fn kept(act: &'static str, page: String) -> Option<Kept> {
    Some(Kept { act, page })
}

/// Fetches, and returns the commit that the remote has on the branch.
fn fetched(context: &Context, remote: &str) -> Result<Option<ObjectId>> {
    let _lock = context.repo.lock("drift")?;
    let tracking = format!("refs/remotes/{remote}/{BRANCH}");
    // A branch that the host deleted with its pull request would stay here.
    if let Some(left) = context.repo.reference(&tracking)? {
        context.repo.delete_ref(&tracking, left)?;
    }
    sync::fetch(context, remote)?;
    Ok(context.repo.reference(&tracking)?)
}

fn push(context: &Context, remote: &str, commit: ObjectId, before: Option<ObjectId>) -> Result<()> {
    match context.repo.push_over(remote, commit, BRANCH, before)? {
        Pushed::Done => Ok(()),
        Pushed::Moved(why) => bail!("somebody else moved {BRANCH} meanwhile ({why}); run this again"),
        Pushed::Refused(why) => bail!("{remote} refuses {BRANCH}: {why}; let this pipeline's identity push to it"),
        Pushed::NotAtomic => bail!("{remote} takes no push"),
    }
}

/// Reads what people ticked, where `accept` or `reject` goes by that; `None` where they go by selectors.
///
/// # Errors
/// If selectors are given as well, there is no open pull request, or the file cannot be read.
pub fn ticks(
    arguments: &PullRequestArgs,
    selectors: &Selectors,
    context: &Context,
    folder: &Path,
) -> Result<Option<Ticks>> {
    if arguments.pull_request.is_none() && arguments.decisions.is_none() {
        return Ok(None);
    }
    check_alone(selectors)?;
    if arguments.decisions.is_some() {
        return Ok(Some(written(arguments)?));
    }
    let Some(host) = host(arguments, context)? else {
        bail!("--pull-request=none has no text; name the file that has it with --decisions");
    };
    let branches = Branches { head: BRANCH, base: &context.settings.branches.main };
    match host.find(folder, branches)? {
        Some(open) => Ok(Some(Ticks::read(&open.body))),
        None => bail!(
            "there is no open pull request of {BRANCH} at {}; `entragit drift --pull-request` makes it",
            host.as_str()
        ),
    }
}

/// Refuses selectors: ticks are about the whole of what waits.
///
/// # Errors
/// If there are any.
pub fn check_alone(selectors: &Selectors) -> Result<()> {
    let Selectors { kinds, ids, names, paths, properties, exclude } = selectors;
    if [kinds, ids, names, paths, properties, exclude].iter().all(|chosen| chosen.is_empty()) {
        return Ok(());
    }
    bail!(
        "a pull request is about all changes; leave the selectors out, or decide without --pull-request and --decisions"
    )
}

fn ticks_of(arguments: &PullRequestArgs, open: Option<&PullRequest>) -> Result<Ticks> {
    match &arguments.decisions {
        Some(_) => written(arguments),
        None => Ok(open.map(|open| Ticks::read(&open.body)).unwrap_or_default()),
    }
}

fn written(arguments: &PullRequestArgs) -> Result<Ticks> {
    let Some(path) = &arguments.decisions else { return Ok(Ticks::default()) };
    let bytes = read_file(path, NamedBy::Person, MAX_PLAN).with_context(|| format!("reading {}", path.display()))?;
    Ok(Ticks::read(&String::from_utf8_lossy(&bytes)))
}

/// Returns the host; `None` for none.
fn host(arguments: &PullRequestArgs, context: &Context) -> Result<Option<Host>> {
    match arguments.pull_request.unwrap_or(ForgeName::None) {
        ForgeName::Github => Ok(Some(Host::GitHub)),
        ForgeName::Gitlab => Ok(Some(Host::GitLab)),
        ForgeName::AzureDevops => Ok(Some(Host::AzureDevOps)),
        ForgeName::None => Ok(None),
        ForgeName::Auto => {
            let remote = sync::remote(context)?;
            let url = context.repo.configured(&format!("remote.{remote}.url"))?.unwrap_or_default();
            let found = Host::of(|name| std::env::var(name).ok(), &url);
            found.map(Some).ok_or_else(|| {
                anyhow!("the host of the remote {remote} is not known; name it, as in --pull-request=github, or use --pull-request=none")
            })
        }
    }
}

/// Returns true if both texts say the same: hosts change the ends of lines.
fn same_text(a: &str, b: &str) -> bool {
    a.trim_end().lines().eq(b.trim_end().lines())
}

fn named(open: &PullRequest) -> String {
    if open.url.is_empty() { format!("pull request {}", open.number) } else { open.url.clone() }
}

fn summary(proposal: &Proposal) -> String {
    let Tally { changes, accepted, rejected, both, stale } = proposal.tally;
    let mut text = agreeing(changes, "change", "waits", "wait") + " for a decision";
    let parts = [
        (accepted, format!("{accepted} ticked to be accepted")),
        (rejected, format!("{rejected} ticked to be taken back")),
        (both, format!("{both} with both boxes ticked")),
        (stale, agreeing(stale, "tick", "is", "are") + " about changes that are not there any more"),
        (proposal.blocked, counted(proposal.blocked, "object") + " cannot be decided on now"),
    ];
    for (_, part) in parts.into_iter().filter(|(count, _)| *count > 0) {
        text.push_str("; ");
        text.push_str(&part);
    }
    if !proposal.is_complete {
        text.push_str("; not everything is known, so there may be more");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::render::fits::assert_fits;

    #[test]
    fn the_document_fits_its_schema() {
        let proposal = |commit| Proposal {
            commit,
            title: "1 change".to_owned(),
            body: "- [x] accept".to_owned(),
            tally: Tally { changes: 5, accepted: 1, rejected: 1, both: 1, stale: 1 },
            blocked: 1,
            is_complete: false,
        };
        let open = proposal(Some(ObjectId::from_bytes([1; 20])));
        let kept = Kept { act: "opened", page: "https://example.org/pulls/1".to_owned() };
        assert_fits!("proposal", document(&open, Some(&kept)), document(&proposal(None), None));
    }
}
