//! Keeps a clone and its remote in step around an export: fetches everything that belongs together, and pushes it, all or
//! nothing. Whoever comes second builds on what came first.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use crate::ops::commit::snapshots_branch::{Ancestry, SnapshotsBranch, shell_word};
use crate::ops::{Context, audit};
use crate::repo::{ObjectId, Pushed, STATE, trailers};

/// Place of what was fetched and is not a branch.
const FETCHED: &str = "refs/entragit-fetched";
/// Maximum number of commits that are looked through for those that the remote lacks.
const LOOK_BACK: usize = 10_000;

/// Lists the ways in which publishing ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Published {
    /// The remote has everything.
    All,
    /// The remote has the snapshots; its rules keep `main` for people.
    WithoutMain(String),
    /// Somebody else was first: fetch and export again. Holds git's words.
    Overtaken(String),
}

/// Returns the name of the remote.
///
/// # Errors
/// If there is none.
pub fn remote(context: &Context) -> Result<String> {
    let tracking = context.repo.tracking(&context.settings.branches.snapshots)?;
    match tracking.filter(|tracking| context.repo.has_remote(&tracking.remote)) {
        Some(tracking) => Ok(tracking.remote),
        None => {
            bail!("there is no remote to push to; add one with `git remote add origin URL`, or use `entragit export`")
        }
    }
}

/// Fetches the branches, the notes and the state of incremental exports. Snapshots here that the remote lacks, and that it has
/// overtaken, are given up: the next export makes them anew on top of the remote's. The caller holds the repository's lock.
/// Returns what the remote has, so that two fetches can be compared.
///
/// # Errors
/// If the remote does not answer, or the receipt of an apply would be given up.
pub fn fetch(context: &Context, remote: &str) -> Result<Vec<Option<ObjectId>>> {
    let repo = &context.repo;
    let notes = format!("{FETCHED}/notes/{}", audit::NOTES.rsplit('/').next().unwrap_or_default());
    let state = format!("{FETCHED}/state");
    // A remote that lacks one of these has it deleted here.
    for left in [&notes, &state] {
        if let Some(left_at) = repo.reference(left)? {
            repo.delete_ref(left, left_at)?;
        }
    }
    repo.fetch(
        remote,
        &[
            format!("+refs/heads/*:refs/remotes/{remote}/*"),
            format!("+{}*:{notes}*", audit::NOTES),
            format!("+{STATE}*:{state}*"),
        ],
    )?;
    repo.merge_notes(audit::NOTES, &notes)?;
    // Where the two share no commit, or a shallow clone hides it, nothing is given up: the usual refusal says what to run.
    let place = context.snapshots_branch()?;
    if let SnapshotsBranch::InConflict { here, remote, ancestry: Ancestry::Forked } = place {
        give_up(context, here, remote)?;
    }
    // State counts only while its snapshot is the tip.
    let tip = context.remote_tip(&context.settings.branches.snapshots)?.map(|(_, tip)| tip);
    let is_ahead = matches!(context.snapshots_branch()?, SnapshotsBranch::Here(here) if Some(here) != tip)
        && repo.reference(STATE)?.is_some();
    if let Some(theirs) = repo.reference(&state)?.filter(|_| !is_ahead) {
        repo.move_ref(STATE, theirs, repo.reference(STATE)?, "entragit: fetched")?;
    }
    context.ready_snapshots_branch()?;
    Ok(vec![tip, repo.reference(&notes)?, repo.reference(&state)?])
}

/// Moves the branches from exports that were never pushed to what the remote has.
fn give_up(context: &Context, here: ObjectId, there: ObjectId) -> Result<()> {
    let repo = &context.repo;
    let mut own = BTreeSet::new();
    // An export that merged what people had committed to `main`: their commit stays, and the next export merges it again.
    let mut edits = None;
    for commit in repo.line(here, LOOK_BACK)? {
        if repo.is_ancestor(commit.id, there)? {
            break;
        }
        // What an apply wrote cannot be exported again: its receipt knows the new ids. The usual refusal says what to run.
        if trailers(&commit.message).iter().any(|(name, _)| name == "Entragit-Plan") {
            return context.last_snapshot().map(drop);
        }
        own.insert(commit.id);
        edits = edits.or(commit.parents.get(1).copied());
    }
    let branches = &context.settings.branches;
    for branch in [&branches.snapshots, &branches.main] {
        let reference = format!("refs/heads/{branch}");
        let (Some(at), Some((_, theirs))) = (repo.reference(&reference)?, context.remote_tip(branch)?) else {
            continue;
        };
        if !own.contains(&at) {
            continue;
        }
        if let Some(folder) = repo.checked_out_elsewhere(&reference)? {
            let folder = shell_word(&folder);
            bail!(
                "{branch} is checked out in the work tree {folder}, and would be moved underneath; run \
                 `git -C {folder} switch --detach`, then this again"
            );
        }
        let target = match edits {
            Some(edits) if *branch == branches.main && !repo.is_ancestor(edits, theirs)? => edits,
            _ => theirs,
        };
        if repo.head_branch().as_ref() == Some(branch) && repo.is_checked_out(at)? {
            repo.update_worktree(at, target)?;
        }
        repo.move_ref(&reference, target, Some(at), "entragit: the remote's snapshots came first")?;
    }
    context.events.note(format!(
        "another run pushed first: {} that the remote lacks will be exported anew on top of it",
        crate::model::words::counted(own.len(), "snapshot")
    ));
    Ok(())
}

/// Pushes snapshots, `main` as far as it only follows, notes and state, all or nothing. Where the remote cannot do that, the
/// snapshots go first: they decide who was first.
///
/// # Errors
/// If the remote does not answer, or refuses the snapshots themselves.
pub fn publish(context: &Context, remote: &str) -> Result<Published> {
    let branches = &context.settings.branches;
    let there = |branch: &str| -> Result<Option<String>> {
        let tracking = context.repo.tracking(branch)?.filter(|tracking| tracking.remote == remote);
        Ok(tracking.map(|tracking| tracking.branch))
    };
    let mut refspecs = Vec::new();
    let snapshots = there(&branches.snapshots)?.unwrap_or_else(|| branches.snapshots.clone());
    refspecs.push(format!("refs/heads/{}:refs/heads/{snapshots}", branches.snapshots));
    for name in [audit::NOTES, STATE] {
        if context.repo.reference(name)?.is_some() {
            // State is one commit that the next one replaces.
            let force = if name == STATE { "+" } else { "" };
            refspecs.push(format!("{force}{name}:{name}"));
        }
    }
    let mut all = refspecs.clone();
    if let Some(main) = there(&branches.main)?
        && follows(context)?
    {
        all.push(format!("refs/heads/{}:refs/heads/{main}", branches.main));
    }
    match push(context, remote, &all)? {
        Pushed::Done => Ok(Published::All),
        Pushed::Moved(why) => Ok(Published::Overtaken(why)),
        // Which branch a hook objects to is in no host's answer for sure: a second refusal is about the snapshots.
        Pushed::Refused(why) if all.len() > refspecs.len() => match push(context, remote, &refspecs)? {
            Pushed::Done => Ok(Published::WithoutMain(why)),
            Pushed::Moved(why) => Ok(Published::Overtaken(why)),
            Pushed::Refused(why) => refused(remote, &why),
            Pushed::NotAtomic => refused(remote, "it takes no push"),
        },
        Pushed::Refused(why) => refused(remote, &why),
        Pushed::NotAtomic => refused(remote, "it takes no push"),
    }
}

/// Pushes everything at once, or one after the other to a remote that cannot do that (Azure Repos).
fn push(context: &Context, remote: &str, refspecs: &[String]) -> Result<Pushed> {
    let together = context.repo.push(remote, refspecs, true)?;
    if together != Pushed::NotAtomic {
        return Ok(together);
    }
    for refspec in refspecs {
        match context.repo.push(remote, std::slice::from_ref(refspec), false)? {
            Pushed::Done => {}
            other => return Ok(other),
        }
    }
    Ok(Pushed::Done)
}

fn refused(remote: &str, why: &str) -> Result<Published> {
    bail!(
        "{remote} refuses the snapshots: {why}; let this pipeline's identity push to them, and to refs/notes and refs/entragit. \
         The snapshot is kept here and goes out with the next push"
    )
}

/// Returns true if `main` has commits that the remote's lacks, and none that are not snapshots: edits are people's to push.
fn follows(context: &Context) -> Result<bool> {
    let branches = &context.settings.branches;
    let Some(here) = context.repo.reference(&context.main_ref())? else { return Ok(false) };
    let Some(snapshots) = context.repo.reference(&context.snapshots_ref())? else { return Ok(false) };
    let is_snapshot = context.repo.is_ancestor(here, snapshots)?;
    Ok(is_snapshot
        && match context.remote_tip(&branches.main)? {
            Some((_, there)) => there != here && context.repo.is_ancestor(there, here)?,
            None => true,
        })
}
