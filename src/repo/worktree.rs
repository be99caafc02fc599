//! Reads the work tree: its files, and whether it differs from a commit.

use std::path::Path;

use git2::{Index, ObjectType, Repository, RepositoryState, Status, StatusOptions};
use walkdir::WalkDir;

use super::index::{is_left_out, unreadable};
use super::line_ends::with_unix_lines;
use super::names::{faults, finding, shown};
use super::tree::{MAX_BLOB, Objects, read};
use super::{NamedBy, ObjectId, Repo, RepoError, read_file};

const MAX_TOTAL: u64 = 2 * 1024 * 1024 * 1024;

/// Relation of the work tree to a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Worktree {
    /// There is no work tree to keep up to date: the repository is bare, HEAD is detached, or it is at another commit.
    None,
    /// Every file and the index are as in the commit. Files that git does not track do not count.
    Clean,
    /// These paths differ; or the name of the git operation in progress.
    Dirty(Vec<String>),
}

/// Lists the content of the work tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorktreeFiles {
    /// Files with their content, sorted by path.
    pub files: Vec<(String, Vec<u8>)>,
    /// Paths of symbolic links.
    pub links: Vec<String>,
}

impl Repo {
    /// Reads every file of the work tree that is `wanted`, as git would take it over: with lines that end in LF, and from the
    /// index where a sparse checkout leaves a file out. Links are never followed, nor is another repository within, such as a
    /// submodule. Files that git ignores are left out; if other files cannot be accepted no file is returned, and the error lists
    /// all of them.
    pub fn worktree_files(&self, wanted: impl Fn(&str) -> bool) -> Result<WorktreeFiles, RepoError> {
        let Some(root) = self.workdir() else {
            return Err(RepoError::Invalid("the repository is bare and has no working tree: name a commit".into()));
        };
        let git = self.git();
        let index = git.index().map_err(|error| unreadable(&error))?;
        let ignored =
            |path: &str| index.get_path(Path::new(path), 0).is_none() && git.is_path_ignored(path).unwrap_or(false);
        let (mut found, mut findings, mut total) = (WorktreeFiles::default(), Vec::new(), 0u64);
        let mut walk = WalkDir::new(root).follow_links(false).min_depth(1).into_iter();
        while let Some(entry) = walk.next() {
            let entry = entry.map_err(|error| {
                let path = error.path().unwrap_or(root).to_owned();
                RepoError::Io { doing: "read", path, source: error.into() }
            })?;
            let is_folder = entry.file_type().is_dir();
            if entry.file_name() == ".git" {
                if is_folder {
                    walk.skip_current_dir();
                }
                continue;
            }
            let (path, raw) = relative(root, entry.path());
            let ignored_as = if is_folder { format!("{path}/") } else { path.clone() };
            let mut wrong = faults(entry.file_name().as_encoded_bytes());
            if ignored(&ignored_as) {
                if is_folder {
                    walk.skip_current_dir();
                }
                continue;
            }
            if is_folder && entry.path().join(".git").exists() {
                walk.skip_current_dir();
                continue;
            }
            let is_link = entry.path_is_symlink();
            if !is_link && !is_folder && !entry.file_type().is_file() && wanted(&path) {
                wrong.push(("special-file", "this is neither a file nor a folder: remove it"));
            }
            if !wrong.is_empty() {
                findings.extend(wrong.into_iter().map(|(check, why)| finding(shown(&raw), check, why)));
                if is_folder {
                    walk.skip_current_dir();
                }
            } else if is_link {
                found.links.push(path);
            } else if entry.file_type().is_file() && wanted(&path) {
                let bytes = with_unix_lines(read_file(entry.path(), NamedBy::Repository, MAX_BLOB)?);
                total += bytes.len() as u64;
                if total > MAX_TOTAL {
                    let what = "the working tree".to_owned();
                    return Err(RepoError::TooLarge { what, size: total, limit: MAX_TOTAL });
                }
                found.files.push((path, bytes));
            }
        }
        if !findings.is_empty() {
            findings.sort();
            return Err(RepoError::Hostile(findings));
        }
        found.files.extend(left_out(&git, &index, root, &wanted)?);
        found.files.sort();
        found.links.sort();
        Ok(found)
    }

    /// Returns true if the work tree, if there is one, is that of `commit`: HEAD is a branch that is there.
    pub fn is_checked_out(&self, commit: ObjectId) -> Result<bool, RepoError> {
        Ok(self.workdir().is_some() && self.head_branch().is_some() && self.reference("HEAD")? == Some(commit))
    }

    /// Returns the git operation in progress, such as a merge or a rebase.
    pub fn in_progress(&self) -> Option<String> {
        let state = self.git().state();
        (state != RepositoryState::Clean).then(|| format!("{state:?}").to_lowercase())
    }

    /// Refuses an index that cannot be updated together with a branch, before anything is written.
    ///
    /// # Errors
    /// If there is a work tree and its index is split or sparse.
    pub fn check_index(&self) -> Result<(), RepoError> {
        if self.workdir().is_none() {
            return Ok(());
        }
        Index::open(&self.git_dir().join("index")).map(drop).map_err(|error| unreadable(&error))
    }

    /// Returns the relation of the work tree to `commit`, at which the branch of HEAD is expected; `None` stands for a branch
    /// without a commit. [`Repo::head_branch`] returns that branch.
    pub fn worktree_state(&self, commit: impl Into<Option<ObjectId>>) -> Result<Worktree, RepoError> {
        let commit = commit.into();
        if self.workdir().is_none() || self.head_branch().is_none() || self.reference("HEAD")? != commit {
            return Ok(Worktree::None);
        }
        let mut dirty = changed(&self.git())?;
        if let Some(doing) = self.in_progress() {
            dirty.insert(0, format!("({doing} in progress)"));
        }
        match dirty.is_empty() {
            true => Ok(Worktree::Clean),
            false => Ok(Worktree::Dirty(dirty)),
        }
    }
}

/// Returns the files that a sparse checkout leaves out of the work tree: they are as in the index.
fn left_out(
    git: &Repository,
    index: &Index,
    root: &Path,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<(String, Vec<u8>)>, RepoError> {
    let odb = Objects::open(git)?;
    let mut found = Vec::new();
    for entry in index.iter() {
        // Links and submodules are no files here either.
        if !is_left_out(&entry) || entry.mode & 0o170_000 != 0o100_000 {
            continue;
        }
        let path = String::from_utf8_lossy(&entry.path).into_owned();
        if wanted(&path) && std::fs::symlink_metadata(root.join(&path)).is_err() {
            found.push((path, read(&odb, entry.id.into(), ObjectType::Blob, MAX_BLOB)?.data().to_vec()));
        }
    }
    Ok(found)
}

fn changed(git: &Repository) -> Result<Vec<String>, RepoError> {
    let mut options = StatusOptions::new();
    options.include_untracked(false).include_ignored(false).exclude_submodules(true);
    let statuses = git.statuses(Some(&mut options)).map_err(|error| unreadable(&error))?;
    let differs = |status: Status| !status.difference(Status::IGNORED | Status::WT_NEW).is_empty();
    let mut paths: Vec<String> =
        statuses.iter().filter(|entry| differs(entry.status())).map(|entry| shown(entry.path_bytes())).collect();
    paths.sort();
    Ok(paths)
}

/// Returns the path from the root with `/` between its parts, and its bytes.
fn relative(root: &Path, path: &Path) -> (String, Vec<u8>) {
    let mut raw = Vec::new();
    for part in path.strip_prefix(root).unwrap_or(path).components() {
        if !raw.is_empty() {
            raw.push(b'/');
        }
        raw.extend_from_slice(part.as_os_str().as_encoded_bytes());
    }
    (String::from_utf8_lossy(&raw).into_owned(), raw)
}
