//! Decides which snapshots a clone works from: those of its own branch, or the remote's as last fetched, as `git switch` does.
//!
//! A clone has one history of snapshots, whichever clone made them. Where the local branch is missing or behind, the remote's is
//! used; where the two cannot both be kept, or a shallow clone hides whether they can, the command is refused before the tenant
//! is asked.

use anyhow::{Result, bail};

use crate::model::words::counted;
use crate::ops::{Context, audit, manifest_at};
pub(in crate::ops) use crate::repo::shell_word;
use crate::repo::{CommitInfo, ObjectId, Tracking, trailers};

/// Maximum number of commits of a branch that are searched for an earlier snapshot.
const LOOK_BACK: usize = 10_000;

/// Relation of the local branch's history to that of the remote's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ancestry {
    /// The local branch follows the remote's, or equals it.
    HereFollows,
    /// The remote's branch follows the local one.
    RemoteFollows,
    /// Each branch holds commits that the other lacks.
    Forked,
    /// The branches share no commit.
    Unrelated,
    /// The shallow clone lacks the commits that would tell.
    Hidden,
}

/// Location of the snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotsBranch {
    /// Neither here nor on the remote, as far as was fetched.
    Absent,
    /// In the local branch: the remote has none that it lacks.
    Here(ObjectId),
    /// On the remote: the local branch is missing, or behind.
    OnRemote {
        /// Tip of the local branch, if there is one.
        here: Option<ObjectId>,
        /// Tip of the remote's branch.
        remote: ObjectId,
    },
    /// In two branches that cannot both be right.
    InConflict {
        /// Tip of the local branch.
        here: ObjectId,
        /// Tip of the remote's branch.
        remote: ObjectId,
        /// Relation of the two branches.
        ancestry: Ancestry,
    },
}

/// Decides where the snapshots are, from the two references and their relation.
fn decide(here: Option<ObjectId>, remote: Option<ObjectId>, ancestry: Ancestry) -> SnapshotsBranch {
    match (here, remote) {
        (None, None) => SnapshotsBranch::Absent,
        (Some(here), None) => SnapshotsBranch::Here(here),
        (None, Some(remote)) => SnapshotsBranch::OnRemote { here: None, remote },
        (Some(here), Some(remote)) => match ancestry {
            Ancestry::HereFollows => SnapshotsBranch::Here(here),
            Ancestry::RemoteFollows => SnapshotsBranch::OnRemote { here: Some(here), remote },
            Ancestry::Forked | Ancestry::Unrelated | Ancestry::Hidden => {
                SnapshotsBranch::InConflict { here, remote, ancestry }
            }
        },
    }
}

impl Context {
    /// Returns the tip of the snapshots that this clone works from: the last known state of the tenant. `None` only before the
    /// first snapshot.
    ///
    /// # Errors
    /// If the local branch and the remote's cannot both be kept, or there are snapshots but no branch of them.
    pub fn last_snapshot(&self) -> Result<Option<ObjectId>> {
        match self.snapshots_branch()? {
            SnapshotsBranch::Absent => self.refuse_second_beginning().map(|()| None),
            SnapshotsBranch::Here(tip) | SnapshotsBranch::OnRemote { remote: tip, .. } => Ok(Some(tip)),
            SnapshotsBranch::InConflict { here, remote, ancestry } => self.refuse_conflict(here, remote, ancestry),
        }
    }

    /// Makes the local branch of the snapshots ready to be written: creates it from the remote's, or brings it forward. The
    /// caller holds the repository's lock. A second call changes nothing.
    ///
    /// # Errors
    /// Fails like [`Context::last_snapshot`], and if the clone is shallow, another work tree has the branch checked out, or a
    /// commit could not be written as git would.
    pub fn ready_snapshots_branch(&self) -> Result<()> {
        if self.repo.is_shallow() {
            bail!(
                "this clone is shallow, and a snapshot must know what it follows; run `{}`, then this again",
                self.unshallow()?
            );
        }
        self.repo.check_index()?;
        self.repo.check_dates()?;
        self.repo.check_signing()?;
        let branch = &self.settings.branches.snapshots;
        let state = self.snapshots_branch()?;
        self.last_snapshot()?;
        let (reference, fetched) = (self.snapshots_ref(), self.remote_name(branch)?);
        if let Some(folder) = self.repo.checked_out_elsewhere(&reference)? {
            bail!(
                "{branch} is checked out in the work tree {0}, and would be moved underneath; run `git -C {0} switch --detach`, \
                 then this again",
                shell_word(&folder)
            );
        }
        let SnapshotsBranch::OnRemote { here, remote } = state else { return Ok(()) };
        if let Some(here) = here.filter(|_| self.repo.head_branch().as_deref() == Some(branch))
            && self.repo.is_checked_out(here)?
        {
            self.repo.update_worktree(here, remote)?;
        }
        let (log, said) = match here {
            None => ("entragit: created from the remote's", format!("{branch} was created from {fetched}")),
            Some(_) => {
                ("entragit: brought forward to the remote's", format!("{branch} was brought forward to {fetched}"))
            }
        };
        self.repo.move_ref(&reference, remote, here, log)?;
        self.events.note(said);
        Ok(())
    }

    /// Returns where the snapshots are: here, on the remote, nowhere, or in two branches that conflict.
    ///
    /// # Errors
    /// If the repository cannot be read, or the remote's snapshots are of another tenant.
    pub fn snapshots_branch(&self) -> Result<SnapshotsBranch> {
        let branch = &self.settings.branches.snapshots;
        let here = self.repo.reference(&self.snapshots_ref())?;
        let remote = self.remote_tip(branch)?.map(|(_, tip)| tip);
        let ancestry = match (here, remote) {
            (Some(here), Some(remote)) => self.ancestry(here, remote)?,
            _ => Ancestry::HereFollows,
        };
        Ok(decide(here, remote, ancestry))
    }

    fn ancestry(&self, here: ObjectId, remote: ObjectId) -> Result<Ancestry> {
        if self.repo.is_ancestor(remote, here)? {
            return Ok(Ancestry::HereFollows);
        }
        if self.repo.is_ancestor(here, remote)? {
            return Ok(Ancestry::RemoteFollows);
        }
        Ok(match self.repo.merge_base(here, remote) {
            Ok(Some(_)) => Ancestry::Forked,
            Ok(None) => Ancestry::Unrelated,
            Err(crate::repo::RepoError::Shallow { .. }) => Ancestry::Hidden,
            Err(error) => return Err(error.into()),
        })
    }

    /// Returns the tip of the newest known snapshots, with the branch's name. If the local branch and the remote's conflict, it
    /// is the remote's, which others wrote.
    pub(in crate::ops) fn newest_snapshots(&self) -> Result<Option<(String, ObjectId)>> {
        let branch = &self.settings.branches.snapshots;
        Ok(match self.snapshots_branch()? {
            SnapshotsBranch::Absent => None,
            SnapshotsBranch::Here(tip) => Some((branch.clone(), tip)),
            SnapshotsBranch::OnRemote { .. } | SnapshotsBranch::InConflict { .. } => self.remote_tip(branch)?,
        })
    }

    /// Returns a branch as it was last fetched from the remote: its name, such as `origin/main`, and its tip.
    ///
    /// # Errors
    /// If the repository cannot be read, or the branch is of another tenant.
    pub fn remote_tip(&self, branch: &str) -> Result<Option<(String, ObjectId)>> {
        let Some(tracking) = self.repo.tracking(branch)? else { return Ok(None) };
        let Some(tip) = self.repo.reference(&tracking.reference)? else { return Ok(None) };
        // If both tips are the same, the manifest need not be read.
        if self.repo.reference(&format!("refs/heads/{branch}"))? == Some(tip) {
            return Ok(Some((tracking.name().to_owned(), tip)));
        }
        let (found, own) = (manifest_at(&self.repo, tip)?.tenant, &self.settings.tenant);
        let is_own = found.is_empty() || found.eq_ignore_ascii_case(own);
        if !is_own && tracking.is_guess {
            return Ok(None);
        }
        if !is_own && branch == self.settings.branches.snapshots {
            bail!(
                "{0} holds snapshots of tenant {found}, and this repository is of tenant {own}; if that remote is there to be \
                 compared with, `git remote rename {1} other` keeps the two apart",
                tracking.name(),
                tracking.remote
            );
        }
        Ok(Some((tracking.name().to_owned(), tip)))
    }

    /// Returns the name of the remote's branch for messages, even if it was not fetched.
    fn remote_name(&self, branch: &str) -> Result<String> {
        Ok(self.repo.tracking(branch)?.map_or_else(|| branch.to_owned(), |tracking| tracking.name().to_owned()))
    }

    fn unshallow(&self) -> Result<String> {
        let branch = &self.settings.branches.snapshots;
        let Some(Tracking { remote, .. }) = self.repo.tracking(branch)? else {
            return Ok("git fetch --unshallow".to_owned());
        };
        // A clone made with `--depth` fetches one branch only, so the command names all branches.
        Ok(match self.snapshots_branch()? {
            SnapshotsBranch::Absent => {
                format!("git fetch --unshallow {remote} '+refs/heads/*:refs/remotes/{remote}/*'")
            }
            _ => format!("git fetch --unshallow {remote}"),
        })
    }

    fn refuse_conflict<T>(&self, here: ObjectId, remote: ObjectId, ancestry: Ancestry) -> Result<T> {
        let branch = &self.settings.branches.snapshots;
        let fetched = self.remote_name(branch)?;
        let resolve = match self.repo.head_branch().as_deref() == Some(branch) {
            true => format!("git reset --keep {fetched}"),
            false => format!("git branch --force {branch} {fetched}"),
        };
        match ancestry {
            Ancestry::Hidden => bail!(
                "this clone is shallow, which hides whether {branch} and {fetched} are one history; run `{}`, then this again",
                self.unshallow()?
            ),
            Ancestry::Unrelated => bail!(
                "{branch} and {fetched} have no commit in common, and a tenant has one history; `{resolve}` goes on with the \
                 remote's, and {} still names what was here",
                short(here)
            ),
            _ => {}
        }
        let (mine, theirs) = (self.repo.range(remote, here)?, self.repo.range(here, remote)?);
        let is_receipt =
            |commit: &&CommitInfo| trailers(&commit.message).iter().any(|(name, _)| name == "Entragit-Applied");
        let receipts = mine.iter().filter(is_receipt).count();
        let receipts = match receipts {
            0 => String::new(),
            1 => "; 1 of those here is the receipt of an apply, and the ids that it learned go with it".to_owned(),
            n => format!("; {n} of those here are receipts of applies, and the ids that they learned go with them"),
        };
        bail!(
            "{branch} and {fetched} have diverged: {} here and {} there are not in the other, and a tenant has one history; \
             `{resolve}` goes on with the remote's, and {} still names what was here{receipts}",
            snapshots(mine.len()),
            snapshots(theirs.len()),
            short(here)
        )
    }

    /// Refuses to begin a history where snapshots were made already, though no branch of them is known here.
    fn refuse_second_beginning(&self) -> Result<()> {
        let Some(earlier) = self.earlier_snapshot()? else { return Ok(()) };
        let branch = &self.settings.branches.snapshots;
        if self.repo.is_shallow() {
            bail!(
                "there is no branch {branch} here, though the tenant has snapshots, and the clone is shallow; run `{}`, then \
                 this again",
                self.unshallow()?
            );
        }
        let anew = format!("git branch {branch} {}", earlier);
        match self.repo.tracking(branch)?.filter(|tracking| self.repo.has_remote(&tracking.remote)) {
            Some(Tracking { remote, branch: there, reference, .. }) => bail!(
                "there is no branch {branch} here, though the tenant has snapshots ({}); run `git fetch {remote} \
                 '+refs/heads/{there}:{reference}'`, then this again. If {remote} has no such branch, `{anew}` makes it",
                short(earlier)
            ),
            None => bail!(
                "there is no branch {branch} here, though the tenant has snapshots ({}); run `{anew}`, then this again",
                short(earlier)
            ),
        }
    }

    /// Returns the newest snapshot of this tenant on any branch, or a commit that holds the files of one.
    fn earlier_snapshot(&self) -> Result<Option<ObjectId>> {
        let mut tips = Vec::new();
        for name in ["HEAD", &self.main_ref()] {
            tips.extend(self.repo.reference(name)?);
        }
        tips.extend(self.repo.remote_branches()?.into_iter().map(|(_, tip)| tip));
        let mut newest: Option<CommitInfo> = None;
        let mut looked_at = std::collections::BTreeSet::new();
        for tip in tips.iter().filter(|tip| looked_at.insert(**tip)) {
            let history = self.repo.history(*tip, LOOK_BACK)?;
            let found = history.into_iter().find(|commit| self.is_own_snapshot(commit));
            newest = newest.into_iter().chain(found).max_by_key(|commit| commit.committed);
        }
        if let Some(newest) = newest {
            return Ok(Some(newest.id));
        }
        // A clone may lack the snapshot itself, while the manifest in a tree shows that one was read.
        for tip in tips {
            let manifest = manifest_at(&self.repo, tip)?;
            if !manifest.coverage.0.is_empty() && manifest.tenant.eq_ignore_ascii_case(&self.settings.tenant) {
                return Ok(Some(tip));
            }
        }
        Ok(None)
    }

    fn is_own_snapshot(&self, commit: &CommitInfo) -> bool {
        let tenant = &self.settings.tenant;
        let is_own = |(name, of): &(String, String)| name == "Entragit-Tenant" && of.eq_ignore_ascii_case(tenant);
        audit::is_snapshot(commit) && trailers(&commit.message).iter().any(is_own)
    }
}

fn short(commit: ObjectId) -> String {
    commit.to_string()[..10].to_owned()
}

fn snapshots(count: usize) -> String {
    counted(count, "snapshot")
}

/// Returns a branch as it is known here: as last fetched from the remote where the local branch is behind that or missing, else
/// the local branch.
///
/// # Errors
/// If the repository cannot be read.
pub fn fetched(context: &Context, name: &str) -> Result<Option<(String, ObjectId)>> {
    let repo = &context.repo;
    let local = repo.reference(&format!("refs/heads/{name}"))?;
    Ok(match (local, context.remote_tip(name)?) {
        (Some(local), Some(there)) if local != there.1 && repo.is_ancestor(local, there.1)? => Some(there),
        (Some(local), _) => Some((name.to_owned(), local)),
        (None, there) => there,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn shell_words_hold_together() {
        for (folder, word) in
            [("/srv/a-b_1", "/srv/a-b_1"), ("/srv/my work", "'/srv/my work'"), ("/it's", "'/it'\\''s'")]
        {
            assert_eq!(shell_word(Path::new(folder)), word);
        }
    }

    #[test]
    fn decide_takes_the_branch_that_holds_both() {
        let [a, b] = [1, 2].map(|byte| ObjectId::from_bytes([byte; 20]));
        let conflict = |ancestry| SnapshotsBranch::InConflict { here: a, remote: b, ancestry };
        for (here, remote, ancestry, decided) in [
            (None, None, Ancestry::HereFollows, SnapshotsBranch::Absent),
            (Some(a), None, Ancestry::HereFollows, SnapshotsBranch::Here(a)),
            (None, Some(b), Ancestry::HereFollows, SnapshotsBranch::OnRemote { here: None, remote: b }),
            (Some(a), Some(b), Ancestry::HereFollows, SnapshotsBranch::Here(a)),
            (Some(a), Some(b), Ancestry::RemoteFollows, SnapshotsBranch::OnRemote { here: Some(a), remote: b }),
            (Some(a), Some(b), Ancestry::Forked, conflict(Ancestry::Forked)),
            (Some(a), Some(b), Ancestry::Unrelated, conflict(Ancestry::Unrelated)),
            (Some(a), Some(b), Ancestry::Hidden, conflict(Ancestry::Hidden)),
        ] {
            assert_eq!(decide(here, remote, ancestry), decided);
        }
    }
}
