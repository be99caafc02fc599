//! Updates git's index: the content of each file of the work tree, with the data by which git sees without reading a file that it
//! has not changed since.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use git2::{Index, IndexEntry, IndexEntryExtendedFlag, IndexEntryFlag, IndexTime};

use super::line_ends::same;
#[cfg(unix)]
use super::{MAX_BLOB, NamedBy, read_file};
use super::{Mode, ObjectId, RepoError};

/// Refuses an index that cannot be written, before anything else is written. Returns the paths that a sparse checkout leaves out
/// of the work tree.
///
/// # Errors
/// If another program holds git's lock on the index, or it is of a form that libgit2 does not know.
pub(super) fn check(path: &Path) -> Result<HashSet<Vec<u8>>, RepoError> {
    let lock = path.with_extension("lock");
    if fs::symlink_metadata(&lock).is_ok() {
        return Err(RepoError::Busy { name: "the index".into(), lock });
    }
    let index = Index::open(path).map_err(|error| unreadable(&error))?;
    Ok(index.iter().filter(is_left_out).map(|entry| entry.path).collect())
}

/// Returns true if a sparse checkout leaves the entry's file out of the work tree.
pub(super) fn is_left_out(entry: &IndexEntry) -> bool {
    entry.flags_extended & IndexEntryExtendedFlag::SKIP_WORKTREE.bits() != 0
}

/// Returns an error with advice for an index that libgit2 cannot read: it knows neither of git's required extensions, `link`
/// (split index) and `sdir` (sparse index) (<https://git-scm.com/docs/index-format>).
pub(super) fn unreadable(error: &git2::Error) -> RepoError {
    let form =
        [("'link'", "split", "git update-index --no-split-index"), ("'sdir'", "sparse", "git sparse-checkout disable")];
    match form.into_iter().find(|(extension, ..)| error.message().contains(extension)) {
        Some((_, form, cure)) => {
            RepoError::Invalid(format!("the index is {form}, which is not supported: run `{cure}`"))
        }
        None => RepoError::git("read the index", error),
    }
}

/// Represents a file that was just written.
pub(super) struct Written<'a> {
    /// Path in the repository.
    pub(super) path: &'a str,
    /// Mode of the file.
    pub(super) mode: Mode,
    /// Id of its content.
    pub(super) id: ObjectId,
    /// Path in the file system; `None` if the file is left out of the work tree.
    pub(super) file: Option<PathBuf>,
}

/// Removes files from the index and enters others that were just written.
///
/// The index is opened on its own: with its repository, libgit2 looks at every file of the work tree as soon as one was written
/// after the index was last (`truncate_racily_clean`), and the files written here always were.
pub(super) fn update<'a>(
    path: &Path,
    root: &Path,
    gone: impl Iterator<Item = &'a str>,
    written: &[Written<'a>],
) -> Result<(), RepoError> {
    let failed = |error: git2::Error| match error.code() {
        git2::ErrorCode::Locked => RepoError::Busy { name: "the index".into(), lock: path.with_extension("lock") },
        _ => RepoError::git("write the index", &error),
    };
    let last = fs::metadata(path).ok();
    let mut index = Index::open(path).map_err(failed)?;
    let mut seen: HashSet<&[u8]> = written.iter().map(|file| file.path.as_bytes()).collect();
    for path in gone {
        seen.insert(path.as_bytes());
        match index.remove(Path::new(path), 0) {
            Err(error) if error.code() != git2::ErrorCode::NotFound => return Err(failed(error)),
            _ => {}
        }
    }
    if let Some(last) = last {
        for entry in doubtful(&index, root, &last, &seen) {
            index.add(&entry).map_err(failed)?;
        }
    }
    for file in written {
        enter(&mut index, file).map_err(failed)?;
    }
    index.write().map_err(failed)
}

/// Returns the entries of files that were written after the index and may have been changed within the same tick of the clock.
/// Git reads such files as long as they are newer than the index. Since the index now becomes newer, those that did change are
/// marked by the size 0 (<https://git-scm.com/docs/racy-git>).
#[cfg(unix)]
fn doubtful(index: &Index, root: &Path, last: &fs::Metadata, seen: &HashSet<&[u8]>) -> Vec<IndexEntry> {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::MetadataExt;
    let last = (last.mtime() as i32, last.mtime_nsec() as u32);
    let newer = |entry: &IndexEntry| (entry.mtime.seconds(), entry.mtime.nanoseconds()) >= last;
    let changed = |entry: &IndexEntry| {
        let file = root.join(std::ffi::OsStr::from_bytes(&entry.path));
        if let Ok(to) = fs::read_link(&file) {
            return !same(entry.id.into(), to.as_os_str().as_bytes());
        }
        match read_file(&file, NamedBy::Repository, MAX_BLOB) {
            Ok(bytes) => !same(entry.id.into(), &bytes),
            // A file that is not read here must be read by git.
            Err(RepoError::File { .. }) => true,
            Err(_) => false,
        }
    };
    let doubtful = index.iter().filter(|entry| newer(entry) && !seen.contains(entry.path.as_slice()) && changed(entry));
    doubtful.map(|entry| IndexEntry { file_size: 0, ..entry }).collect()
}

/// Returns no entries: without times in the index git reads all files that were written here anyway.
#[cfg(not(unix))]
fn doubtful(_: &Index, _: &Path, _: &fs::Metadata, _: &HashSet<&[u8]>) -> Vec<IndexEntry> {
    Vec::new()
}

/// Enters a file.
fn enter(index: &mut Index, written: &Written<'_>) -> Result<(), git2::Error> {
    let none = IndexTime::new(0, 0);
    let mut entry = IndexEntry {
        ctime: none,
        mtime: none,
        dev: 0,
        ino: 0,
        mode: u32::from_str_radix(written.mode.as_str(), 8).unwrap_or(0o100_644),
        uid: 0,
        gid: 0,
        file_size: 0,
        id: written.id.into(),
        flags: 0,
        flags_extended: 0,
        path: written.path.as_bytes().to_vec(),
    };
    let Some(file) = &written.file else {
        entry.flags |= IndexEntryFlag::EXTENDED.bits();
        entry.flags_extended |= IndexEntryExtendedFlag::SKIP_WORKTREE.bits();
        return index.add(&entry);
    };
    #[cfg(unix)]
    if let Ok(data) = fs::symlink_metadata(file) {
        use std::os::unix::fs::MetadataExt;
        // The index keeps the low 32 bits of each value.
        entry.ctime = IndexTime::new(data.ctime() as i32, data.ctime_nsec() as u32);
        entry.mtime = IndexTime::new(data.mtime() as i32, data.mtime_nsec() as u32);
        (entry.dev, entry.ino) = (data.dev() as u32, data.ino() as u32);
        (entry.uid, entry.gid, entry.file_size) = (data.uid(), data.gid(), data.size() as u32);
    }
    #[cfg(not(unix))]
    if let Ok(data) = fs::symlink_metadata(file) {
        entry.file_size = data.len() as u32;
    }
    index.add(&entry)
}
