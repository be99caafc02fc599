//! Limits how much of a tree is walked before it is refused: few objects can stand for any number of paths.

use std::sync::atomic::{AtomicU64, Ordering};

use super::RepoError;
use super::names::finding;

/// Maximum number of entries of one tree, folders among them, with everything below.
const MAX_ENTRIES: u64 = 2_000_000;
/// Maximum number of folders of one tree. A snapshot has some thousands for each kind that is kept in shards.
const MAX_FOLDERS: u64 = 100_000;
/// Maximum number of bytes of tree objects that one walk reads, and of paths that it keeps.
const MAX_BYTES: u64 = 512 * 1024 * 1024;
/// Maximum number of levels of folders.
pub(super) const MAX_DEPTH: usize = 8;

/// Counts what a walk has met so far, over all threads that take part in it. Where two trees are compared, an entry with the same
/// path in both counts once.
#[derive(Default)]
pub(super) struct Budget {
    entries: AtomicU64,
    folders: AtomicU64,
    bytes: AtomicU64,
}

impl Budget {
    /// Counts a tree object of the folder `prefix` that was read.
    pub(super) fn read(&self, prefix: &str, bytes: usize) -> Result<(), RepoError> {
        count(&self.bytes, bytes as u64, MAX_BYTES, "bytes of names", prefix)
    }

    /// Counts an entry of the folder `prefix`, before anything is kept of it.
    pub(super) fn entry(&self, prefix: &str, name: &[u8], is_folder: bool) -> Result<(), RepoError> {
        count(&self.entries, 1, MAX_ENTRIES, "entries", prefix)?;
        count(&self.folders, u64::from(is_folder), MAX_FOLDERS, "folders", prefix)?;
        count(&self.bytes, (prefix.len() + name.len()) as u64, MAX_BYTES, "bytes of names", prefix)
    }
}

fn count(counter: &AtomicU64, more: u64, most: u64, what: &str, prefix: &str) -> Result<(), RepoError> {
    if counter.fetch_add(more, Ordering::Relaxed).saturating_add(more) <= most {
        return Ok(());
    }
    let path = if prefix.is_empty() { "." } else { prefix };
    let message = format!("the tree has more than {most} {what}: this is no snapshot");
    Err(RepoError::Hostile(vec![finding(path, "too-many-entries", message)]))
}
