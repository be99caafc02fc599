//! Finds the branch of a remote that a local branch belongs to, as it was last fetched, and whether a clone is complete.

use git2::{ErrorCode, Repository};

use super::{ObjectId, Repo, RepoError};

/// Represents the branch of a remote that a local branch belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracking {
    /// Name of the remote, such as `origin`.
    pub remote: String,
    /// Name of the branch on the remote, such as `snapshots`.
    pub branch: String,
    /// Full name of the reference that keeps what was last fetched, such as `refs/remotes/origin/snapshots`.
    pub reference: String,
    /// True if the remote was chosen only because there is no other.
    pub is_guess: bool,
}

impl Tracking {
    /// Returns the name that people use, such as `origin/snapshots`.
    pub fn name(&self) -> &str {
        self.reference.strip_prefix("refs/remotes/").unwrap_or(&self.reference)
    }
}

impl Repo {
    /// Returns the remote branch that `branch` belongs to: its upstream if one is configured, else the branch of the same name on
    /// `origin`, else on the only remote. It need not have been fetched. `None` if there are several remotes and no reason to
    /// prefer one.
    pub fn tracking(&self, branch: &str) -> Result<Option<Tracking>, RepoError> {
        let git = self.git();
        if let Some(upstream) = upstream(&git, branch)? {
            return Ok(Some(upstream));
        }
        let failed = |error: git2::Error| RepoError::git("list the remotes", &error);
        let remotes = git.remotes().map_err(failed)?;
        let remotes: Vec<&str> = remotes.iter().filter_map(|name| name.ok().flatten()).collect();
        let remote = match remotes.as_slice() {
            // A remote that was removed may have left its fetched references.
            all if all.is_empty() || all.contains(&"origin") => "origin",
            [only] => *only,
            _ => return Ok(None),
        };
        let is_guess = remote != "origin";
        let reference = format!("refs/remotes/{remote}/{branch}");
        Ok(Some(Tracking { remote: remote.to_owned(), branch: branch.to_owned(), reference, is_guess }))
    }

    /// Returns the default branch of the remote as a clone or fetch recorded it: its name, such as `origin/main`, and its tip.
    /// `None` where git did not record one (<https://git-scm.com/docs/git-remote>, `set-head`).
    pub fn remote_head(&self) -> Result<Option<(String, ObjectId)>, RepoError> {
        let git = self.git();
        let failed = |error: git2::Error| RepoError::git("list the remotes", &error);
        let remotes = git.remotes().map_err(failed)?;
        let remotes: Vec<&str> = remotes.iter().filter_map(|name| name.ok().flatten()).collect();
        let remote = match remotes.as_slice() {
            all if all.contains(&"origin") => "origin",
            [only] => *only,
            _ => return Ok(None),
        };
        let head = match git.find_reference(&format!("refs/remotes/{remote}/HEAD")) {
            Ok(head) => head,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        // Git keeps the record when the branch was deleted on the remote.
        let Ok(branch) = head.resolve() else { return Ok(None) };
        let name = branch.shorthand().unwrap_or(remote).to_owned();
        Ok(branch.target().map(|tip| (name, tip.into())))
    }

    /// Returns every branch that is here or was fetched from a remote: its full name and its tip.
    pub fn branches(&self) -> Result<Vec<(String, ObjectId)>, RepoError> {
        let mut found = self.remote_branches()?;
        let git = self.git();
        let failed = |error: git2::Error| RepoError::git("list the branches", &error);
        for reference in git.references_glob("refs/heads/*").map_err(failed)? {
            let reference = reference.map_err(failed)?;
            if let (Ok(name), Some(tip)) = (reference.name(), reference.target()) {
                found.push((name.to_owned(), tip.into()));
            }
        }
        found.sort();
        Ok(found)
    }

    /// Returns a value of git's configuration for this repository.
    pub fn configured(&self, key: &str) -> Result<Option<String>, RepoError> {
        let failed = |error: git2::Error| RepoError::git("read the configuration", &error);
        match self.git().config().map_err(failed)?.get_string(key) {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// Returns every branch that was fetched from a remote: its full name and its tip.
    pub fn remote_branches(&self) -> Result<Vec<(String, ObjectId)>, RepoError> {
        let git = self.git();
        let failed = |error: git2::Error| RepoError::git("list the branches of remotes", &error);
        let mut found = Vec::new();
        for reference in git.references_glob("refs/remotes/*").map_err(failed)? {
            let reference = reference.map_err(failed)?;
            if let (Ok(name), Ok(commit)) = (reference.name(), reference.peel_to_commit()) {
                found.push((name.to_owned(), commit.id().into()));
            }
        }
        found.sort();
        Ok(found)
    }

    /// Returns true if the clone is shallow: older commits were left on the remote.
    pub fn is_shallow(&self) -> bool {
        self.git().is_shallow()
    }
}

/// Returns the configured upstream of a branch, which need not exist here (<https://git-scm.com/docs/git-config>,
/// `branch.<name>.merge`).
fn upstream(git: &Repository, branch: &str) -> Result<Option<Tracking>, RepoError> {
    let failed = |error: git2::Error| RepoError::git("read the configuration", &error);
    let config = git.config().and_then(|mut config| config.snapshot()).map_err(failed)?;
    let text = |key: &str| match config.get_string(&format!("branch.{branch}.{key}")) {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    };
    let (Some(remote), Some(merge)) = (text("remote")?, text("merge")?) else { return Ok(None) };
    let Some(on_remote) = merge.strip_prefix("refs/heads/").map(str::to_owned) else { return Ok(None) };
    // A branch whose upstream is a local branch (`.`) or a bare address has no reference under `refs/remotes`.
    if git.find_remote(&remote).is_err() {
        return Ok(None);
    }
    // A clone of a single branch maps no other one: a branch that was fetched by hand is where git would put it.
    let mapped = git.branch_upstream_name(&format!("refs/heads/{branch}")).ok();
    let mapped = mapped.and_then(|name| std::str::from_utf8(&name).ok().map(str::to_owned));
    let reference = mapped.unwrap_or_else(|| format!("refs/remotes/{remote}/{on_remote}"));
    Ok(Some(Tracking { remote, branch: on_remote, reference, is_guess: false }))
}
