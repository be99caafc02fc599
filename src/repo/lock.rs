//! Defines [`Lock`]: one run at a time on a repository, and nothing that a killed run leaves blocks the next.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use walkdir::WalkDir;

use super::{Repo, RepoError};

const FILE: &str = "entragit.lock";
/// Age from which a lock file counts as left behind: git holds its locks on references for milliseconds.
const OLD: Duration = Duration::from_secs(60);
/// Minimum age of a file of a killed run before it is taken for left behind.
const SETTLED: Duration = Duration::from_secs(2);

/// Represents the lock held while a run works on the repository; released when dropped, and by the system if the process dies.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Repo {
    /// Takes the repository's lock, or returns an error that names its holder. Then it removes git's lock files and unfinished
    /// packs that killed runs left: those older than a minute, or made by a run that died holding this lock.
    pub fn lock(&self, what: &str) -> Result<Lock, RepoError> {
        let path = self.common_dir().join(FILE);
        let io = |doing| RepoError::io(doing, &path);
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(io("open"))?;
        let mut last = String::new();
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                // Windows lets no one read a locked file.
                let read = file.take(1024).read_to_string(&mut last);
                let owner = last.lines().next().filter(|line| read.is_ok() && !line.is_empty());
                return Err(RepoError::Locked { owner: owner.unwrap_or("another process").to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(io("lock")(error)),
        }
        let mut lock = Lock { file };
        // A run that ends properly empties the file, so any content was written by one that was killed.
        (&mut lock.file).take(1024).read_to_string(&mut last).map_err(io("read"))?;
        let began = lock.file.metadata().and_then(|data| data.modified()).ok().filter(|_| !last.is_empty());
        clear(self, began);
        lock.say(what).map_err(io("write"))?;
        Ok(lock)
    }
}

impl Lock {
    fn say(&mut self, what: &str) -> std::io::Result<()> {
        let what: String = what.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
        let line = format!("{what}, process {} on {}, since {}\n", std::process::id(), host(), jiff::Timestamp::now());
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(line.as_bytes())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // If this fails the next run takes this one for killed and checks for its files, which does no harm.
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

/// Removes the files that killed runs left. A file that cannot be removed is skipped: the operation that needs it reports it.
fn clear(repo: &Repo, killed: Option<SystemTime>) {
    let (git, common) = (repo.git_dir(), repo.common_dir());
    let mut locks = vec![git.join("HEAD.lock"), common.join("packed-refs.lock")];
    if killed.is_some() {
        // `git commit` holds this lock while its editor is open, so its age alone proves nothing.
        locks.push(git.join("index.lock"));
    }
    for folder in [common.join("refs"), common.join("logs")] {
        let found = WalkDir::new(folder).follow_links(false).into_iter().filter_map(Result::ok);
        locks.extend(
            found
                .filter(|entry| entry.file_type().is_file())
                .map(walkdir::DirEntry::into_path)
                .filter(|path| path.extension().is_some_and(|extension| extension == "lock")),
        );
    }
    for path in locks {
        let by_age = path.file_name().is_none_or(|name| name != "index.lock");
        if left_behind(&path, killed, by_age) {
            let _ = std::fs::remove_file(&path);
        }
    }
    let objects = common.join("objects");
    for (folder, prefix) in [(objects.join("pack"), super::pack::UNFINISHED), (objects, "tmp_object_git2_")] {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok) {
            if entry.file_name().to_string_lossy().starts_with(prefix) {
                remove_unfinished(&entry.path(), killed);
            }
        }
    }
}

fn remove_unfinished(path: &Path, killed: Option<SystemTime>) {
    let inside = std::fs::read_dir(path).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    if inside.chain([path.to_owned()]).all(|path| left_behind(&path, killed, true)) {
        let _ = match path.is_dir() {
            true => std::fs::remove_dir_all(path),
            false => std::fs::remove_file(path),
        };
    }
}

/// Returns true if a file is older than a minute, or was made by the killed run that began at `killed`.
fn left_behind(path: &Path, killed: Option<SystemTime>, by_age: bool) -> bool {
    let changed = || std::fs::symlink_metadata(path).and_then(|data| data.modified()).ok();
    let age = |changed: SystemTime| changed.elapsed().unwrap_or_default();
    let Some(first) = changed() else { return false };
    if by_age && age(first) >= OLD {
        return true;
    }
    // File systems round their times.
    if killed.is_none_or(|began| first + SETTLED < began) {
        return false;
    }
    std::thread::sleep(SETTLED.saturating_sub(age(first)).min(SETTLED));
    changed() == Some(first)
}

fn host() -> String {
    let named = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let named = named.or_else(|| std::env::var("COMPUTERNAME").or_else(|_| std::env::var("HOSTNAME")).ok());
    named.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).unwrap_or_else(|| "this machine".into())
}
