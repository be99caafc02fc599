//! Wraps the git repository: objects, trees, commits, references, the work tree. It deals in paths and bytes and knows nothing of
//! Entra; it is the only place where git2 and walkdir are used.
//!
//! It guarantees:
//! * **Nothing is visible before a reference moves**, a reference moves by compare-and-swap only, and everything it
//!   leads to was flushed to the disk before ([`Repo::writer`], [`Repo::move_ref`]).
//! * **After an error the state is read again**: an error from git does not mean that a reference did not move.
//! * **Trees are read from the object database, never checked out**, and a tree that could harm a checkout anywhere
//!   is refused as a whole, with every entry that is wrong ([`RepoError::Hostile`]).
//! * **A killed run never blocks the next one**: the lock of [`Repo::lock`] ends with its process, and the next run that takes it
//!   removes the files that were left.
//! * libgit2 crashes on damaged pack indexes, so [`Repo::open`] verifies their checksums before libgit2 sees them.

mod budget;
mod checkout;
mod commits;
mod edit;
mod error;
mod files;
mod id;
mod identity;
mod index;
mod line_ends;
mod linked;
mod lock;
mod names;
mod notes;
mod open;
mod pack;
mod parallel;
mod reflog;
mod refs;
mod remote_git;
mod remotes;
mod settings;
mod signing;
pub mod sshsig;
mod state;
mod trailers;
mod tree;
mod treediff;
mod verify;
mod worktree;
mod writer;

#[cfg(test)]
mod tests;

pub use commits::{Author, CommitInfo};
pub use edit::Edits;
pub use error::RepoError;
pub use files::{MAX_MAP, MAX_PLAN, MAX_SETTINGS, MAX_SIGNATURE, NamedBy, read_file, read_if_there};
pub use id::{ObjectId, blob_id};
pub use lock::Lock;
pub use names::shell_word;
pub use open::Repo;
pub use parallel::Reader;
pub use refs::RefMove;
pub use remote_git::Pushed;
pub use remotes::Tracking;
pub use state::STATE;
pub use trailers::trailers;
pub use tree::{Entry, Listing, MAX_BLOB, Mode};
pub use treediff::Folder;
pub use worktree::{Worktree, WorktreeFiles};
pub use writer::{Content, SnapshotWriter};
