//! Finds the linked work tree that has a branch checked out, so that the branch is not moved underneath it.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Repo, RepoError};

impl Repo {
    /// Returns the folder of another work tree of this repository that has the branch `reference` (`refs/heads/main`) checked
    /// out, or is in the middle of rebasing it. A work tree whose folder is gone does not count, unless it is locked: then it may
    /// be on a disk that is not attached (<https://git-scm.com/docs/git-worktree>).
    pub fn checked_out_elsewhere(&self, reference: &str) -> Result<Option<PathBuf>, RepoError> {
        let own = real(self.git_dir());
        let common = self.common_dir();
        if real(common) != own
            && holds(common, reference)
            && let Ok(main) = git2::Repository::open(common)
            && let Some(workdir) = main.workdir()
        {
            return Ok(Some(real(workdir)));
        }
        let folder = common.join("worktrees");
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(RepoError::io("read", &folder)(error)),
        };
        let mut found = Vec::new();
        for entry in entries {
            let admin = entry.map_err(RepoError::io("read", &folder))?.path();
            if real(&admin) == own || !holds(&admin, reference) {
                continue;
            }
            // The file `gitdir` names the link `…/.git` in the work tree; newer versions of git may write it relative to this
            // folder.
            let Ok(link) = fs::read_to_string(admin.join("gitdir")) else { continue };
            let link = admin.join(link.trim_end());
            if link.exists() || admin.join("locked").exists() {
                found.push(real(link.parent().unwrap_or(&link)));
            }
        }
        found.sort();
        Ok(found.into_iter().next())
    }
}

/// Returns true if HEAD of the work tree described in `admin` is the branch, or a rebase there will move it.
fn holds(admin: &Path, reference: &str) -> bool {
    let says = |file: &str| fs::read_to_string(admin.join(file)).unwrap_or_default();
    says("HEAD").trim_end().strip_prefix("ref: ").is_some_and(|name| name.trim() == reference)
        || ["rebase-merge/head-name", "rebase-apply/head-name"].iter().any(|file| says(file).trim_end() == reference)
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
