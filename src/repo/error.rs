//! [`RepoError`]: what went wrong with the repository, by what the caller can do about it.

use std::path::PathBuf;

use thiserror::Error;

use crate::model::Finding;

/// What went wrong with the repository.
#[derive(Debug, Error)]
pub enum RepoError {
    /// There is no repository.
    #[error("{} is in no git repository; make one with `entragit init`", .0.display())]
    Missing(PathBuf),
    /// Its format is one that libgit2 does not read.
    #[error(
        "this repository's format is not supported ({0}); use one with SHA-1 ids and refs in files: \
             `git init --object-format=sha1 --ref-format=files`"
    )]
    Unsupported(String),
    /// A revision is unknown.
    #[error("{0:?} names no commit here; `git log --all --oneline` lists what there is")]
    Revision(String),
    /// The tree holds what no tenant repository may hold.
    #[error("the commit holds {} entries that no tenant repository may hold, the first: {}: {}", .0.len(), .0[0].path, .0[0].message)]
    Hostile(Vec<Finding>),
    /// A ref is not where it was.
    #[error("{name} was moved by another run (it is at {found}); nothing is lost, run this again")]
    Moved {
        /// The ref.
        name: String,
        /// Where it is now.
        found: String,
    },
    /// Another run holds our lock.
    #[error("another run holds the lock ({owner}); wait for it, or look at why it does not end")]
    Locked {
        /// Who.
        owner: String,
    },
    /// Objects are missing or wrong.
    #[error(
        "the repository is damaged: {what}; clone it afresh from its remote, or restore the folder, and check with \
             `git fsck --full`"
    )]
    Damaged {
        /// What was found.
        what: String,
    },
    /// git refused for another reason.
    #[error("{act}: {message}")]
    Git {
        /// What was done.
        act: &'static str,
        /// What libgit2 said.
        message: String,
    },
    /// The file system refused.
    #[error("{act} {}: {error}", path.display())]
    Io {
        /// What was done.
        act: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
}

impl RepoError {
    /// Sorts a libgit2 error: objects that should be there and are not, or do not parse, are damage.
    pub(super) fn git(act: &'static str, error: &git2::Error) -> RepoError {
        use git2::ErrorClass;
        let damaged =
            matches!(error.class(), ErrorClass::Odb | ErrorClass::Zlib | ErrorClass::Object | ErrorClass::Indexer)
                || error.message().contains("corrupt");
        if damaged {
            RepoError::Damaged { what: format!("{act}: {}", error.message()) }
        } else {
            RepoError::Git { act, message: error.message().to_owned() }
        }
    }

    pub(super) fn io(act: &'static str, path: impl Into<PathBuf>, error: std::io::Error) -> RepoError {
        RepoError::Io { act, path: path.into(), error }
    }
}
