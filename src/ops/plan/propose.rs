//! Proposes the changes of the tenant to the people who own the branch: a commit on top of it that holds what they may accept,
//! and the text in which they decide. Nothing is asked of the tenant here.

use anyhow::{Result, bail};

use super::decide::{Chosen, Undecided};
use crate::engine::drift::is_complete;
use crate::engine::render::review::{Room, body, title};
use crate::engine::review::{Review, Tally, Ticks};
use crate::model::Report;
use crate::ops::commit::source::Side;
use crate::ops::report::accepted::ACCEPTS;
use crate::ops::report::diff::Compared;
use crate::ops::report::drift::approved_branch;
use crate::ops::report::validate;
use crate::ops::{Context, files_of};
use crate::repo::{ObjectId, trailers};
use crate::tenant::TenantRead;

/// Trailer of a proposal's commit; its value is the tree, so that a commit which somebody changed is told from it.
const TREE: &str = "Entragit-Tree";
/// Branch of the proposal.
pub const BRANCH: &str = "entragit/drift";

/// Holds what people may accept, and the text in which they decide.
#[derive(Debug)]
pub struct Proposal {
    /// Commit of the branch; `None` if nothing waits for a decision.
    pub commit: Option<ObjectId>,
    /// Title of the pull request.
    pub title: String,
    /// Text of the pull request.
    pub body: String,
    /// Number of changes that wait, and what was decided about them.
    pub tally: Tally,
    /// Number of objects on which nobody can decide now.
    pub blocked: usize,
    /// True if the snapshot and the branch know everything in scope: only then does no change mean that nothing differs.
    pub is_complete: bool,
}

/// Makes the proposal from the last snapshot. `before` is the commit that the branch has, which is kept if it would be the same;
/// `limit` is the number of characters that the text may have.
///
/// # Errors
/// If there is no snapshot or no branch that people work on, or files are wrong; if somebody else committed to the branch.
pub async fn propose<T: TenantRead>(
    context: &Context,
    ticks: &Ticks,
    before: Option<ObjectId>,
    limit: usize,
) -> Result<Proposal> {
    let _lock = context.repo.lock("drift")?;
    context.ready_snapshots_branch()?;
    let (label, main) = approved_branch(context)?;
    if let Some(before) = before {
        check_own(context, before, main)?;
    }
    let undecided = Undecided::read::<T>(context, label, main, Chosen::Ticked(ticks)).await?;
    let review = undecided.review(context);
    let snapshot = context.repo.commit(undecided.baseline.tip)?;
    let commit = match review.groups.is_empty() && review.blocked.is_empty() {
        true => None,
        false => Some(branch_commit(context, &undecided, &review, ticks, main, before)?),
    };
    let problem = commit.and_then(|commit| problem(context, commit));
    let room = Room {
        base: &context.settings.branches.main,
        snapshot: &snapshot.id.to_string()[..10],
        problem: problem.as_deref(),
        unknown: &undecided.compared.report.unknown,
        taken: &jiff::Timestamp::from_second(snapshot.committed).unwrap_or_default().to_string(),
        // Where merging makes one commit of the text, the trailer at its end says what was accepted.
        limit: limit.saturating_sub(ACCEPTS.len() + 44),
    };
    Ok(Proposal {
        commit,
        title: title(&review),
        body: body(&review, ticks, &undecided.compared.names, &room) + &format!("\n{ACCEPTS}: {}\n", snapshot.id),
        tally: review.tally(ticks),
        blocked: review.blocked.len(),
        is_complete: is_complete(&undecided.compared.report),
    })
}

/// Returns the commit of the branch: what it has already, if a new one would say the same.
fn branch_commit(
    context: &Context,
    undecided: &Undecided,
    review: &Review,
    ticks: &Ticks,
    main: ObjectId,
    before: Option<ObjectId>,
) -> Result<ObjectId> {
    let report = Report { changes: review.proposed(ticks), ..Report::default() };
    let compared = Compared { report, names: undecided.compared.names.clone() };
    let accepts = [(ACCEPTS, undecided.baseline.tip)];
    let files = files_of(&context.repo, main)?;
    // Where nothing is left to accept, the commit is empty: a pull request without one would be closed by its host.
    let commit = undecided.exchange(context, true).commit(main, files, &compared, &accepts)?;
    let made = context.repo.commit(commit)?;
    let message = format!("{}{TREE}: {}\n", made.message, made.tree);
    let commit = context.repo.create_commit(made.tree, &made.parents, &message, &context.repo.author())?;
    let Some(before) = before else { return Ok(commit) };
    let (old, new) = (context.repo.commit(before)?, context.repo.commit(commit)?);
    Ok(if (old.tree, &old.parents) == (new.tree, &new.parents) { before } else { commit })
}

/// Refuses to replace commits that people made on the branch.
fn check_own(context: &Context, tip: ObjectId, main: ObjectId) -> Result<()> {
    if context.repo.is_ancestor(tip, main)? {
        return Ok(());
    }
    let found = context.repo.commit(tip)?;
    // A commit that somebody amended has another tree than it says.
    let is_own = trailers(&found.message).iter().any(|(name, value)| name == TREE && *value == found.tree.to_string());
    match is_own && found.parents.len() == 1 && context.repo.is_ancestor(found.parents[0], main)? {
        true => Ok(()),
        false => bail!(
            "the branch {BRANCH} has commits that are not of a proposal, such as {}; merge it or delete it, and run this again",
            &tip.to_string()[..10]
        ),
    }
}

/// Moves the branch of this clone to the commit of the proposal, or deletes it where nothing waits for a decision.
///
/// # Errors
/// If the branch is checked out, moved meanwhile, or cannot be written.
pub fn keep_here(context: &Context, proposal: &Proposal, before: Option<ObjectId>) -> Result<()> {
    let name = format!("refs/heads/{BRANCH}");
    // Changes that cannot be seen now may still be there.
    if proposal.commit == before || proposal.commit.is_none() && !proposal.is_complete {
        return Ok(());
    }
    if context.repo.head_branch().as_deref() == Some(BRANCH) || context.repo.checked_out_elsewhere(&name)?.is_some() {
        bail!(
            "the branch {BRANCH} is checked out, and would be moved underneath; `git switch` to another one, and run this again"
        );
    }
    match (proposal.commit, before) {
        (Some(commit), before) => context.repo.move_ref(&name, commit, before, "entragit: proposal")?,
        (None, Some(before)) => context.repo.delete_ref(&name, before)?,
        (None, None) => {}
    }
    Ok(())
}

/// Returns the error that merging the commit would leave, if any.
fn problem(context: &Context, commit: ObjectId) -> Option<String> {
    let side = Side::commit(context, &commit.to_string());
    let checked = side.and_then(|side| validate::require_valid(context, &side, &validate::Dangling::new()));
    checked.err().map(|error| format!("{error:#}"))
}
