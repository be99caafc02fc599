//! Our own lock, and what killed runs leave behind.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use walkdir::WalkDir;

use super::pack::PREFIX;
use super::{Repo, RepoError, Result};

/// Held while a run writes to the repository. The operating system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Repo {
    /// Takes the lock for `what`. Under it, stale `.lock` files of refs and half-written packs of killed runs are cleared,
    /// so that a killed run never blocks the next.
    ///
    /// # Errors
    /// [`RepoError::Locked`], naming who holds it.
    pub fn lock(&self, what: &str) -> Result<Lock> {
        let path = self.git_dir().join("entragit.lock");
        let io = |act: &'static str| {
            let path = path.clone();
            move |error| RepoError::io(act, path, error)
        };
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(io("opening"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                let _ = file.read_to_string(&mut owner);
                return Err(RepoError::Locked { owner: owner.trim().chars().filter(|c| !c.is_control()).collect() });
            }
            Err(TryLockError::Error(error)) => return Err(io("locking")(error)),
        }
        file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0)).map(drop)).map_err(io("writing"))?;
        writeln!(file, "process {}, {what}", std::process::id()).map_err(io("writing"))?;
        for stale in leftovers(self.git_dir()) {
            std::fs::remove_file(&stale).map_err(|error| RepoError::io("clearing", stale, error))?;
        }
        Ok(Lock { _file: file })
    }
}

/// Lock files of refs and our temporary packs that nobody has touched for a minute.
fn leftovers(git_dir: &Path) -> Vec<PathBuf> {
    let old = |path: &Path| {
        let modified = path.metadata().and_then(|metadata| metadata.modified());
        modified.is_ok_and(|time| SystemTime::now().duration_since(time).is_ok_and(|age| age > Duration::from_secs(60)))
    };
    let refs = WalkDir::new(git_dir.join("refs")).follow_links(false);
    let packs = WalkDir::new(git_dir.join("objects").join("pack")).max_depth(1).follow_links(false);
    let named = |path: &Path, wanted: &dyn Fn(&str) -> bool| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(wanted)
    };
    let refs = refs.into_iter().flatten().map(walkdir::DirEntry::into_path);
    let refs = refs.filter(|path| named(path, &|name| name.ends_with(".lock")));
    let packs = packs.into_iter().flatten().map(walkdir::DirEntry::into_path);
    let packs = packs.filter(|path| named(path, &|name| name.starts_with(PREFIX)));
    let others = ["HEAD.lock", "packed-refs.lock", "index.lock"].into_iter().map(|name| git_dir.join(name));
    refs.chain(packs).chain(others).filter(|path| path.is_file() && old(path)).collect()
}
