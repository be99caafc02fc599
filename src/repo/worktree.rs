//! The work tree: read with walkdir, written file by file. It is a convenience; nothing depends on it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::{Files, ObjectId, Repo, RepoError, Result, blob_id};
use crate::model::Finding;
use crate::model::finding::Severity;

/// How the work tree stands to a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Worktree {
    /// There is none.
    None,
    /// It is the commit.
    Clean,
    /// These files differ.
    Dirty(Vec<String>),
}

impl Repo {
    /// Every file of the work tree, sorted by path.
    ///
    /// # Errors
    /// [`RepoError::Hostile`] for symbolic links and names that no tenant repository may hold.
    pub fn worktree_files(&self) -> Result<Vec<(String, Vec<u8>)>> {
        let Some(root) = self.workdir() else { return Ok(Vec::new()) };
        let mut files = Vec::new();
        let mut findings = Vec::new();
        let walk = WalkDir::new(root).follow_links(false).sort_by_file_name().into_iter();
        for entry in walk.filter_entry(|entry| entry.depth() != 1 || entry.file_name() != ".git") {
            let entry = entry.map_err(|error| {
                let path = error.path().unwrap_or(root).to_owned();
                RepoError::io("reading", path, error.into())
            })?;
            let relative = entry.path().strip_prefix(root).unwrap_or(entry.path());
            let shown = relative.to_string_lossy().replace('\\', "/");
            let mut say = |message: &str| {
                findings.push(Finding {
                    path: shown.clone(),
                    line: 0,
                    severity: Severity::Error,
                    check: "tree",
                    message: message.to_owned(),
                });
            };
            if entry.file_type().is_symlink() {
                say("symbolic links are not allowed; replace it by a file");
            } else if entry.depth() > 1 && entry.file_name() == ".git" {
                say("submodules are not allowed; remove it");
            } else if entry.file_type().is_file() {
                if relative.to_str().is_none() {
                    say("the name is not UTF-8");
                    continue;
                }
                let bytes = std::fs::read(entry.path()).map_err(|e| RepoError::io("reading", entry.path(), e))?;
                files.push((shown, bytes));
            }
        }
        if findings.is_empty() { Ok(files) } else { Err(RepoError::Hostile(findings)) }
    }

    /// Whether the work tree and the index are exactly this commit; files that git does not know do not count.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn worktree_state(&self, commit: ObjectId) -> Result<Worktree> {
        let Some(root) = self.workdir() else { return Ok(Worktree::None) };
        let wanted: Files = self.entries(commit)?.into_iter().map(|entry| (entry.path, entry.blob)).collect();
        let mut dirty = Vec::new();
        for (path, blob) in &wanted {
            match std::fs::read(root.join(path)) {
                Ok(bytes) if blob_id(&bytes) == *blob => {}
                Ok(_) | Err(_) => dirty.push(path.clone()),
            }
        }
        let git = self.git();
        let index = git.index().map_err(|e| RepoError::git("reading the index", &e))?;
        for entry in index.iter() {
            let path = String::from_utf8_lossy(&entry.path).into_owned();
            if wanted.get(&path) != Some(&ObjectId::of(entry.id)) {
                dirty.push(path);
            }
        }
        dirty.sort();
        dirty.dedup();
        Ok(if dirty.is_empty() { Worktree::Clean } else { Worktree::Dirty(dirty) })
    }

    /// Takes the work tree and the index from one commit to another; only what differs is touched.
    ///
    /// # Errors
    /// If a file cannot be written, or the way to it leads through a symbolic link.
    pub fn update_worktree(&self, from: ObjectId, to: ObjectId) -> Result<()> {
        let before: Files = self.entries(from)?.into_iter().map(|entry| (entry.path, entry.blob)).collect();
        self.write_files(&before, to)
    }

    /// Writes all files of a commit into an empty work tree.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn write_worktree(&self, commit: ObjectId) -> Result<()> {
        self.write_files(&BTreeMap::new(), commit)
    }

    fn write_files(&self, before: &Files, to: ObjectId) -> Result<()> {
        let Some(root) = self.workdir() else { return Ok(()) };
        let after: Files = self.entries(to)?.into_iter().map(|entry| (entry.path, entry.blob)).collect();
        for path in before.keys().filter(|path| !after.contains_key(*path)) {
            let file = inside(root, path)?;
            match std::fs::remove_file(&file) {
                Ok(()) => remove_empty_folders(root, &file),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(RepoError::io("removing", file, error)),
            }
        }
        for (path, blob) in after.iter().filter(|(path, blob)| before.get(*path) != Some(*blob)) {
            let file = inside(root, path)?;
            if let Some(folder) = file.parent() {
                std::fs::create_dir_all(folder).map_err(|e| RepoError::io("making", folder, e))?;
            }
            // A fresh file in place of the old: never written through a link, never half-written.
            let bytes = self.blob(*blob)?;
            let folder = file.parent().unwrap_or(root);
            let temporary =
                tempfile::NamedTempFile::new_in(folder).map_err(|e| RepoError::io("making a file in", folder, e))?;
            std::fs::write(temporary.path(), &bytes).map_err(|e| RepoError::io("writing", &file, e))?;
            set_mode(temporary.path()).map_err(|e| RepoError::io("writing", &file, e))?;
            temporary.persist(&file).map_err(|e| RepoError::io("writing", &file, e.error))?;
        }
        let git = self.git();
        let act = "writing the index";
        let tree = git.find_commit(to.oid()).and_then(|commit| commit.tree()).map_err(|e| RepoError::git(act, &e))?;
        let mut index = git.index().map_err(|e| RepoError::git(act, &e))?;
        index.read_tree(&tree).map_err(|e| RepoError::git(act, &e))?;
        index.write().map_err(|e| RepoError::git(act, &e))?;
        Ok(())
    }
}

#[cfg(unix)]
fn set_mode(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn set_mode(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// The file for a path, if no part of the way to it is a symbolic link.
fn inside(root: &Path, path: &str) -> Result<PathBuf> {
    let mut file = root.to_owned();
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        file.push(part);
        let link = file.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
        if link && parts.peek().is_some() {
            let error = std::io::Error::other("a folder on the way is a symbolic link; remove it");
            return Err(RepoError::io("writing", file, error));
        }
    }
    Ok(file)
}

fn remove_empty_folders(root: &Path, file: &Path) {
    let mut folder = file.parent();
    while let Some(here) = folder.filter(|here| *here != root) {
        if std::fs::remove_dir(here).is_err() {
            return;
        }
        folder = here.parent();
    }
}
