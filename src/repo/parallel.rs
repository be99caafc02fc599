//! Reads many objects on all cores: libgit2's handle serves one thread at a time, so each thread gets its own.

use std::num::NonZero;

use git2::{ObjectType, Repository};

use super::tree::{Objects, read};
use super::{MAX_BLOB, ObjectId, Repo, RepoError};

/// Minimum number of items for which a thread saves time: a handle takes about a millisecond to open.
const LEAST: usize = 64;
/// Maximum number of threads: more would wait for the disk, not for cores.
const MOST_THREADS: usize = 8;

/// Reads objects in one thread.
pub struct Reader<'g> {
    pub(super) odb: Objects<'g>,
}

impl Reader<'_> {
    /// Returns the bytes of a file, like [`Repo::blob`].
    pub fn blob(&self, id: ObjectId) -> Result<Vec<u8>, RepoError> {
        Ok(read(&self.odb, id, ObjectType::Blob, MAX_BLOB)?.data().to_vec())
    }
}

impl Repo {
    /// Calls `work` for each item, on all cores if there are many, and returns the results in the items' order.
    ///
    /// # Errors
    /// The first error in the items' order.
    pub fn each<T, R, E>(&self, items: &[T], work: impl Fn(&Reader<'_>, &T) -> Result<R, E> + Sync) -> Result<Vec<R>, E>
    where
        T: Sync,
        R: Send,
        E: From<RepoError> + Send,
    {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let threads = cores.min(MOST_THREADS).min(items.len() / LEAST).max(1);
        let all = |git: &Repository, items: &[T]| {
            let odb = Objects::open(git)?;
            let reader = Reader { odb };
            items.iter().map(|item| work(&reader, item)).collect::<Result<Vec<R>, E>>()
        };
        if threads == 1 {
            return all(&self.git(), items);
        }
        let parts: Vec<Result<Vec<R>, E>> = std::thread::scope(|scope| {
            let spawned: Vec<_> = items
                .chunks(items.len().div_ceil(threads))
                .map(|chunk| {
                    let all = &all;
                    scope.spawn(move || {
                        // The indexes and the owner of the repository were checked when it was opened.
                        let git = Repository::open_bare(self.git_dir());
                        let git = git.map_err(|error| RepoError::git("open the repository once more", &error))?;
                        all(&git, chunk)
                    })
                })
                .collect();
            // A panic of the thread is resumed here, as if this thread had done the work itself.
            spawned
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        let mut results = Vec::with_capacity(items.len());
        for part in parts {
            results.extend(part?);
        }
        Ok(results)
    }
}
