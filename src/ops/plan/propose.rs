//! Proposes the changes of the tenant to the people who own the branch: a commit on top of it that holds what they may accept,
//! and the text in which they decide. Nothing is asked of the tenant here.

use anyhow::{Result, bail};

use super::decide::{Chosen, Undecided};
use crate::engine::render::review::{Room, body, title};
use crate::engine::review::{Review, Tally, Ticks};
use crate::model::Report;
use crate::ops::report::diff::Compared;
use crate::ops::report::drift::{ACCEPTS, approved_branch};
use crate::ops::{Context, files_of};
use crate::repo::{ObjectId, trailers};
use crate::tenant::TenantRead;

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
    let undecided = Undecided::read::<T>(context, (label, main), Chosen::Ticked(ticks)).await?;
    let review = undecided.review(context);
    let snapshot = context.repo.commit(undecided.baseline.tip)?;
    let room = Room {
        base: &context.settings.branches.main,
        snapshot: &snapshot.id.to_string()[..10],
        taken: &jiff::Timestamp::from_second(snapshot.committed).unwrap_or_default().to_string(),
        // Where merging makes one commit of the text, the trailer at its end says what was accepted.
        limit: limit.saturating_sub(ACCEPTS.len() + 44),
    };
    let commit = match review.groups.is_empty() && review.blocked.is_empty() {
        true => None,
        false => Some(branch_commit(context, &undecided, &review, ticks, main, before)?),
    };
    Ok(Proposal {
        commit,
        title: title(&review),
        body: body(&review, ticks, &undecided.compared.names, &room) + &format!("\n{ACCEPTS}: {}\n", snapshot.id),
        tally: review.tally(ticks),
        blocked: review.blocked.len(),
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
    let is_own = trailers(&found.message).iter().any(|(name, _)| name == ACCEPTS);
    match is_own && found.parents.len() == 1 && context.repo.is_ancestor(found.parents[0], main)? {
        true => Ok(()),
        false => bail!(
            "the branch {BRANCH} has commits that are not of a proposal, such as {}; merge it or delete it, and run this again",
            &tip.to_string()[..10]
        ),
    }
}

/// Moves the branch of this clone to the commit of the proposal.
///
/// # Errors
/// If the branch moved meanwhile, or cannot be written.
pub fn keep_here(context: &Context, proposal: &Proposal, before: Option<ObjectId>) -> Result<()> {
    if let Some(commit) = proposal.commit {
        context.repo.move_ref(&format!("refs/heads/{BRANCH}"), commit, before, "entragit: proposal")?;
    }
    Ok(())
}
