//! Brings the work tree from one commit to another. This is not git's checkout: only changed paths are touched, nothing is ever
//! written through a link, and nothing that is only in the work tree is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::index;
use super::line_ends::same;
use super::names::meant_otherwise_on_windows;
use super::tree::{Listing, MAX_BLOB, Mode};
use super::treediff::Leaf;
use super::{NamedBy, ObjectId, Repo, RepoError, blob_id, read_file};

/// Changes between two commits: path → item before, item after.
type Changes = BTreeMap<String, (Option<Item>, Option<Item>)>;
/// Mode and id of what a commit has at a path.
type Item = (Mode, ObjectId);

impl Repo {
    /// Returns the files that [`Repo::update_worktree`] would lose and that therefore make it refuse: changed or made by hand
    /// where the two commits differ. `None` stands for no commit.
    pub fn worktree_blockers(&self, from: impl Into<Option<ObjectId>>, to: ObjectId) -> Result<Vec<String>, RepoError> {
        let Some(root) = self.workdir() else { return Ok(Vec::new()) };
        self.blockers(root, &self.changes(from.into(), to)?)
    }

    /// Brings files and index from commit `from` (`None`: no commit) to commit `to`. Nothing is touched if anything would be lost
    /// ([`RepoError::WouldOverwrite`]). If it is interrupted, it can be run again.
    pub fn update_worktree(&self, from: impl Into<Option<ObjectId>>, to: ObjectId) -> Result<(), RepoError> {
        let Some(root) = self.workdir() else {
            return Err(RepoError::Invalid("the repository is bare and has no working tree".into()));
        };
        let changes = self.changes(from.into(), to)?;
        let blockers = self.blockers(root, &changes)?;
        if !blockers.is_empty() {
            return Err(RepoError::WouldOverwrite(blockers));
        }
        let index = self.git_dir().join("index");
        let left_out = index::check(&index)?;
        let is_left_out =
            |path: &str| left_out.contains(path.as_bytes()) && fs::symlink_metadata(root.join(path)).is_err();
        let mut written = Vec::new();
        for path in changes.iter().filter(|(_, (_, after))| after.is_none()).map(|(path, _)| path) {
            remove(root, path)?;
        }
        for (path, (_, after)) in &changes {
            if let Some((mode, id)) = *after {
                let file = match is_left_out(path) {
                    true => None,
                    false => Some(self.write(root, path, mode, id)?),
                };
                written.push(index::Written { path, mode, id, file });
            }
        }
        let gone = changes.iter().filter(|(_, (_, after))| after.is_none()).map(|(path, _)| path);
        index::update(&index, root, gone.map(String::as_str), &written)
    }

    fn changes(&self, from: Option<ObjectId>, to: ObjectId) -> Result<Changes, RepoError> {
        // Only the differences between two commits are read, so that a work tree of a million files is updated quickly.
        let (before, after) = match from {
            Some(from) => self.changed_leaves(from, to)?,
            None => (Vec::new(), self.leaves(to)?),
        };
        let mut changes = Changes::new();
        for leaf in before {
            changes.insert(leaf.path, (Some((leaf.mode, leaf.id)), None));
        }
        for leaf in after {
            changes.entry(leaf.path).or_default().1 = Some((leaf.mode, leaf.id));
        }
        match changes.keys().find(|path| cfg!(windows) && path.split('/').any(meant_otherwise_on_windows)) {
            Some(path) => Err(RepoError::Invalid(format!("Windows cannot hold a file named {path}: rename it"))),
            None => Ok(changes),
        }
    }
}

impl Repo {
    /// Returns the paths whose content in the work tree is in neither commit.
    fn blockers(&self, root: &Path, changes: &Changes) -> Result<Vec<String>, RepoError> {
        let mut blocked = BTreeSet::new();
        for (path, (before, after)) in changes {
            if let Some(link) = blocked_above(root, path, changes)? {
                blocked.insert(link);
                continue;
            }
            let file = root.join(path);
            let known = || [*before, *after].into_iter().flatten();
            match fs::symlink_metadata(&file) {
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
                Err(error) => return Err(RepoError::io("read", &file)(error)),
                // A folder is replaced only if all its files are removed by this change.
                // The content of a submodule is left to git.
                Ok(data) if data.is_dir() && known().any(|(mode, _)| mode == Mode::Submodule) => {}
                Ok(data) if data.is_dir() => {
                    if after.is_some() {
                        blocked.extend(strangers(root, path, changes)?);
                    }
                }
                Ok(data) if data.is_file() => {
                    let is_known = match read_file(&file, NamedBy::Repository, MAX_BLOB) {
                        Ok(bytes) => known().any(|(_, blob)| same(blob, &bytes)),
                        Err(RepoError::File { .. }) => false,
                        Err(error) => return Err(error),
                    };
                    if !is_known {
                        blocked.insert(path.clone());
                    }
                }
                Ok(data)
                    if data.is_symlink() && known().any(|(mode, id)| mode == Mode::Symlink && leads(&file, id)) => {}
                Ok(_) => {
                    blocked.insert(path.clone());
                }
            }
        }
        Ok(blocked.into_iter().collect())
    }

    fn leaves(&self, commit: ObjectId) -> Result<Vec<Leaf>, RepoError> {
        let Listing { entries, unusual } = self.listing(commit)?;
        let links = unusual.iter().filter(|(_, (mode, _))| !mode.is_file());
        let links: Vec<Leaf> =
            links.map(|(path, (mode, id))| Leaf { path: path.clone(), mode: *mode, id: *id }).collect();
        let files = entries.into_iter().map(|entry| {
            let mode = unusual.get(&entry.path).map_or(Mode::File, |(mode, _)| *mode);
            Leaf { path: entry.path, mode, id: entry.blob }
        });
        Ok(files.chain(links).collect())
    }

    /// Writes the item that a commit has at a path. A submodule becomes an empty folder, as in git.
    fn write(&self, root: &Path, path: &str, mode: Mode, id: ObjectId) -> Result<PathBuf, RepoError> {
        let target = prepare(root, path)?;
        match mode {
            Mode::Submodule | Mode::Folder => fs::create_dir_all(&target).map_err(RepoError::io("create", &target))?,
            Mode::Symlink => link(&target, &self.blob(id)?)?,
            Mode::File | Mode::Executable => write(&target, &self.blob(id)?, mode)?,
        }
        Ok(target)
    }
}

/// Returns true if the target of a link is the content of `blob`.
fn leads(link: &Path, blob: ObjectId) -> bool {
    fs::read_link(link).is_ok_and(|to| blob_id(to.as_os_str().as_encoded_bytes()) == blob)
}

/// Returns the part of the path to a file that is neither a folder nor a file that this change removes.
fn blocked_above(root: &Path, path: &str, changes: &Changes) -> Result<Option<String>, RepoError> {
    for (at, _) in path.match_indices('/') {
        let above = &path[..at];
        let folder = root.join(above);
        match fs::symlink_metadata(&folder) {
            Ok(data) if data.is_dir() => {}
            Ok(data) if data.is_file() && matches!(changes.get(above), Some((_, None))) => return Ok(None),
            Ok(_) => return Ok(Some(above.to_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(RepoError::io("read", &folder)(error)),
        }
    }
    Ok(None)
}

/// Returns the files in a folder that must make way and that this change does not remove.
fn strangers(root: &Path, folder: &str, changes: &Changes) -> Result<Vec<String>, RepoError> {
    let mut found = Vec::new();
    let top = root.join(folder);
    for entry in walkdir::WalkDir::new(&top).follow_links(false).min_depth(1) {
        let entry = entry.map_err(|error| RepoError::Io { doing: "read", path: top.clone(), source: error.into() })?;
        let parts = entry.path().strip_prefix(root).unwrap_or(entry.path()).components();
        let path = parts.map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
        if !entry.file_type().is_dir() && !matches!(changes.get(&path), Some((Some(_), None))) {
            found.push(path);
        }
    }
    Ok(found)
}

fn remove(root: &Path, path: &str) -> Result<(), RepoError> {
    let file = root.join(path);
    match fs::remove_file(&file) {
        // The file was never there, or a folder is in its place already: nothing of the old commit is left.
        Err(error)
            if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory)
                && !file.is_dir() =>
        {
            return Err(RepoError::io("remove", &file)(error));
        }
        _ => {}
    }
    let mut above = file.parent();
    while let Some(folder) = above.filter(|folder| *folder != root && folder.starts_with(root)) {
        if fs::remove_dir(folder).is_err() {
            break;
        }
        above = folder.parent();
    }
    Ok(())
}

/// Creates the folders above a path, and removes an emptied folder at it. Returns the path of the file.
fn prepare(root: &Path, path: &str) -> Result<PathBuf, RepoError> {
    let mut folder = root.to_owned();
    let (above, _) = path.rsplit_once('/').unwrap_or(("", path));
    for part in above.split('/').filter(|part| !part.is_empty()) {
        folder.push(part);
        match fs::create_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let is_dir = fs::symlink_metadata(&folder).is_ok_and(|data| data.is_dir());
                if !is_dir {
                    return Err(RepoError::io("write through", &folder)(error));
                }
            }
            other => other.map_err(RepoError::io("create", &folder))?,
        }
    }
    let target = root.join(path);
    if fs::symlink_metadata(&target).is_ok_and(|data| data.is_dir()) {
        // The content of a submodule's folder is left alone.
        if !target.join(".git").exists() {
            remove_empty_folders(&target)?;
        }
    }
    Ok(target)
}

/// Writes a new file beside the target and renames it over the target: a reader sees the old content or the new, and a link at
/// the target is replaced, not followed.
fn write(target: &Path, bytes: &[u8], mode: Mode) -> Result<(), RepoError> {
    let folder = target.parent().unwrap_or(target);
    let mut builder = tempfile::Builder::new();
    builder.prefix(".entragit-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(match mode {
        Mode::Executable => 0o777,
        _ => 0o666,
    }));
    let mut file = builder.tempfile_in(folder).map_err(RepoError::io("write to", folder))?;
    file.write_all(bytes).map_err(RepoError::io("write", target))?;
    file.persist(target).map_err(|error| RepoError::io("write", target)(error.error))?;
    Ok(())
}

/// Creates a symbolic link beside the target and renames it over the target.
#[cfg(unix)]
fn link(target: &Path, leads_to: &[u8]) -> Result<(), RepoError> {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = target.parent().unwrap_or(target);
    let beside = tempfile::Builder::new().prefix(".entragit-").tempdir_in(folder);
    let beside = beside.map_err(RepoError::io("write to", folder))?;
    let link = beside.path().join("link");
    std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(leads_to), &link)
        .and_then(|()| fs::rename(&link, target))
        .map_err(RepoError::io("link", target))
}

/// Writes a file that holds the target of the link, as git does where there are no links (`core.symlinks`).
#[cfg(not(unix))]
fn link(target: &Path, leads_to: &[u8]) -> Result<(), RepoError> {
    write(target, leads_to, Mode::File)
}

/// Removes a folder whose files were all removed; folders that were empty before may still be in it.
fn remove_empty_folders(folder: &Path) -> Result<(), RepoError> {
    for entry in walkdir::WalkDir::new(folder).follow_links(false).contents_first(true).into_iter().flatten() {
        fs::remove_dir(entry.path()).map_err(RepoError::io("remove", entry.path()))?;
    }
    Ok(())
}
