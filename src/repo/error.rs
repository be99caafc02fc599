//! Defines [`RepoError`]: what can go wrong with a repository, and what to do about it.

use std::path::{Path, PathBuf};

use git2::{ErrorClass, ErrorCode};

use super::ObjectId;
use crate::model::Finding;

/// Represents an error of a repository. Each message says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum RepoError {
    /// There is no repository in the folder.
    #[error("there is no git repository in {}: {hint}", dir.display())]
    NoRepository {
        /// The folder that was asked for.
        dir: PathBuf,
        /// Advice on what to do.
        hint: String,
    },
    /// The repository is of a kind that cannot be read here.
    #[error("the git repository in {} cannot be used: {what}", dir.display())]
    Unsupported {
        /// The folder that was asked for.
        dir: PathBuf,
        /// Reason, with advice on what to do.
        what: String,
    },
    /// Content that must be there is missing or does not fit its checksum.
    #[error(
        "the repository is damaged: {0}. `git fsck --full` tells the extent; a fresh clone of the remote is the safe way back"
    )]
    Damaged(String),
    /// No object has this name.
    #[error("`{rev}` names no commit in this repository: {hint}")]
    UnknownRevision {
        /// Revision that was asked for.
        rev: String,
        /// Reason, with advice on what to do.
        hint: String,
    },
    /// An object that was asked for by its id is not here.
    #[error("object {id} is not in this repository{hint}")]
    Missing {
        /// Id of the object.
        id: ObjectId,
        /// Advice on what to do, or nothing.
        hint: String,
    },
    /// A shallow clone does not hold the commits that would tell.
    #[error("the clone is shallow, which hides {hidden}: `git fetch --unshallow` completes it")]
    Shallow {
        /// Description of what is unknown because of that.
        hidden: String,
    },
    /// A partial clone lacks content that is needed.
    #[error("partial clone: {what} is not here; run `git fetch --refetch --no-filter`, which completes the clone")]
    Partial {
        /// Description of the missing content.
        what: String,
    },
    /// A tree holds entries that no snapshot may have; all of them are listed.
    #[error("{} in the tree cannot be accepted, first: {}", count(.0.len()), first(.0))]
    Hostile(Vec<Finding>),
    /// An object or a file is larger than anything Entragit would write.
    #[error("{what} has {size} bytes, more than the {limit} that are accepted")]
    TooLarge {
        /// Description of what is too large.
        what: String,
        /// Size in bytes.
        size: u64,
        /// Limit in bytes.
        limit: u64,
    },
    /// A file must not be read.
    #[error("{path} cannot be read: {why}")]
    File {
        /// Path of the file, as it may be shown.
        path: String,
        /// Reason, with advice on what to do.
        why: String,
    },
    /// A reference is not where it was expected: someone else moved it.
    #[error("{name} was moved by someone else; it is now at {}: run the command again", found.map_or_else(|| "no commit".to_owned(), |id| id.to_string()))]
    Moved {
        /// Full name of the reference.
        name: String,
        /// Present target of the reference.
        found: Option<ObjectId>,
    },
    /// Another run of Entragit holds the lock.
    #[error("another run works on this repository: {owner}. Wait for it to end, or stop it")]
    Locked {
        /// Description of the run that holds it.
        owner: String,
    },
    /// Another git program holds a lock file.
    #[error(
        "git's own lock on {name} is held: {} is there. Run the command again when the git program that made it is done; \
         if none is running, it was left behind: delete that file",
        lock.display()
    )]
    Busy {
        /// Name of the reference, or `the index`.
        name: String,
        /// Path of the lock file.
        lock: PathBuf,
    },
    /// Files in the work tree would be lost.
    #[error("the working tree has changes of its own in {}: commit, stash or remove them first", list(.0))]
    WouldOverwrite(Vec<String>),
    /// The caller asked for something that is not possible.
    #[error("{0}")]
    Invalid(String),
    /// Git failed in another way.
    #[error("git failed to {doing}: {why}")]
    Git {
        /// Description of the operation.
        doing: String,
        /// Message of libgit2.
        why: String,
    },
    /// The file system failed.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// Verb for the operation.
        doing: &'static str,
        /// Path of the file.
        path: PathBuf,
        /// Error of the system.
        source: std::io::Error,
    },
}

impl RepoError {
    pub(super) fn git(doing: impl Into<String>, error: &git2::Error) -> RepoError {
        let (doing, why) = (doing.into(), plain(error));
        let damaged = match error.class() {
            ErrorClass::Odb | ErrorClass::Zlib | ErrorClass::Object | ErrorClass::Tree | ErrorClass::Indexer => {
                !matches!(error.code(), ErrorCode::Exists | ErrorCode::InvalidSpec | ErrorCode::Ambiguous)
            }
            ErrorClass::Reference => error.message().contains("corrupt"),
            _ => error.code() == ErrorCode::HashsumMismatch,
        };
        match damaged {
            true => RepoError::Damaged(format!("git failed to {doing} ({why})")),
            false => RepoError::Git { doing, why },
        }
    }

    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> RepoError {
        move |source| RepoError::Io { doing, path: path.to_owned(), source }
    }
}

/// Returns libgit2's message, on one line and without control characters.
pub(super) fn plain(error: &git2::Error) -> String {
    error.message().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn count(entries: usize) -> String {
    match entries {
        1 => "1 entry".to_owned(),
        n => format!("{n} entries"),
    }
}

fn first(findings: &[Finding]) -> String {
    findings.first().map_or_else(String::new, |finding| format!("{}: {}", finding.path, finding.message))
}

fn list(paths: &[String]) -> String {
    match paths {
        [] => "no file".to_owned(),
        few if few.len() <= 5 => few.join(", "),
        many => format!("{} and {} more", many[..4].join(", "), many.len() - 4),
    }
}
