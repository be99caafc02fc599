//! The git repository: object database, trees, commits, refs, the work tree, notes, our own lock.
//!
//! It deals in paths and bytes and knows nothing of Entra. The only home of git2 and walkdir. Nothing is ever read through
//! a checkout: blobs are read by id, so that no filter, link or attribute can come between.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use git2::{ErrorCode, Repository};

mod error;
mod lock;
mod pack;
mod refs;
mod tree;
mod worktree;
mod write;

pub use error::RepoError;
pub use lock::Lock;
pub use refs::CommitInfo;
pub use tree::Entry;
pub use worktree::Worktree;
pub use write::{Author, SnapshotWriter};

/// Result of a repository operation.
pub type Result<T, E = RepoError> = std::result::Result<T, E>;

/// Id of a blob, tree or commit.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId([u8; 20]);

impl ObjectId {
    fn of(oid: git2::Oid) -> ObjectId {
        let mut bytes = [0; 20];
        bytes.copy_from_slice(oid.as_bytes());
        ObjectId(bytes)
    }

    fn oid(self) -> git2::Oid {
        // Twenty bytes are always an id.
        git2::Oid::from_bytes(&self.0).unwrap_or(git2::Oid::ZERO_SHA1)
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ObjectId {
    type Err = RepoError;

    fn from_str(text: &str) -> Result<ObjectId> {
        git2::Oid::from_str(text).map(ObjectId::of).map_err(|_| RepoError::Revision(text.to_owned()))
    }
}

/// Git's id of a blob with these bytes.
pub fn blob_id(bytes: &[u8]) -> ObjectId {
    object_id("blob", bytes)
}

fn object_id(kind: &str, bytes: &[u8]) -> ObjectId {
    use sha1::{Digest as _, Sha1};
    let mut hash = Sha1::new();
    hash.update(format!("{kind} {}\0", bytes.len()));
    hash.update(bytes);
    ObjectId(hash.finalize().into())
}

/// A git repository.
pub struct Repo {
    git: Mutex<Repository>,
    git_dir: PathBuf,
    workdir: Option<PathBuf>,
}

impl fmt::Debug for Repo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Repo({})", self.git_dir.display())
    }
}

impl Repo {
    /// Opens the repository in `dir`, or the one that `dir` is inside of.
    ///
    /// # Errors
    /// [`RepoError::Missing`] if there is none, [`RepoError::Damaged`] if it cannot be read.
    pub fn open(dir: &Path) -> Result<Repo> {
        let git = Repository::discover(dir).map_err(|error| match error.code() {
            ErrorCode::NotFound => RepoError::Missing(dir.to_owned()),
            _ if error.message().contains("extension") || error.message().contains("object format") => {
                RepoError::Unsupported(error.message().to_owned())
            }
            _ => RepoError::git("opening the repository", &error),
        })?;
        Ok(Repo::from_git(git))
    }

    /// Makes a repository in `dir` whose first branch is `branch`; an existing one is opened.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn init(dir: &Path, branch: &str, bare: bool) -> Result<Repo> {
        if let Ok(git) = Repository::open(dir) {
            return Ok(Repo::from_git(git));
        }
        let mut options = git2::RepositoryInitOptions::new();
        options.bare(bare).mkpath(true).initial_head(branch).external_template(false);
        let git = Repository::init_opts(dir, &options).map_err(|e| RepoError::git("making the repository", &e))?;
        Ok(Repo::from_git(git))
    }

    fn from_git(git: Repository) -> Repo {
        // Without it, neither git nor libgit2 puts objects on disk before the ref that names them moves. It is said to
        // libgit2 alone, for this process: in the repository's own file it would make every git command warn.
        if let Ok(mut config) = git.config() {
            let durable = git.path().join("entragit").join("libgit2.config");
            let text = b"[core]\n\tfsyncObjectFiles = true\n";
            let there = std::fs::read(&durable).is_ok_and(|bytes| bytes == text);
            let written = there
                || (durable.parent().is_some_and(|folder| std::fs::create_dir_all(folder).is_ok())
                    && std::fs::write(&durable, text).is_ok());
            if written {
                let _ = config.add_file(&durable, git2::ConfigLevel::App, true);
            }
        }
        let git_dir = git.commondir().to_owned();
        let workdir = git.workdir().map(Path::to_owned);
        Repo { git: Mutex::new(git), git_dir, workdir }
    }

    /// The git directory.
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// The work tree, unless the repository is bare.
    pub fn workdir(&self) -> Option<&Path> {
        self.workdir.as_deref()
    }

    fn git(&self) -> MutexGuard<'_, Repository> {
        self.git.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All blobs of a commit with their paths, sorted.
    ///
    /// # Errors
    /// [`RepoError::Hostile`] with every entry that no tenant repository may hold.
    pub fn entries(&self, commit: ObjectId) -> Result<Vec<Entry>> {
        tree::entries(&self.git(), commit)
    }

    /// A blob's bytes, at most 4 MiB.
    ///
    /// # Errors
    /// If it is larger, missing or damaged.
    pub fn blob(&self, id: ObjectId) -> Result<Vec<u8>> {
        tree::blob(&self.git(), id)
    }

    /// A writer for one snapshot.
    ///
    /// # Errors
    /// If the object database cannot be written.
    pub fn writer(&self) -> Result<SnapshotWriter<'_>> {
        SnapshotWriter::new(self)
    }
}

/// Path → blob.
pub type Files = BTreeMap<String, ObjectId>;

#[cfg(test)]
mod tests;
