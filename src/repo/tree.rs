//! Reads every file of a commit, and the bytes of one. Trees are parsed here, not by libgit2: it passes on any entry that a tree
//! holds, and a hostile tree must be refused as a whole and with reasons.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use git2::{ErrorClass, ErrorCode, ObjectType, Odb, OdbObject, Repository};

use super::budget::{Budget, MAX_DEPTH};
use super::names::{faults, finding, is_git_settings, shown};
use super::{ObjectId, Repo, RepoError};
use crate::model::Finding;

/// Maximum size of a file of a snapshot, in bytes.
pub const MAX_BLOB: u64 = 32 * 1024 * 1024;
pub(super) const MAX_TREE: u64 = 256 * 1024 * 1024;
/// Maximum number of findings: enough for anyone to read, so that a tree made to produce findings does not fill the memory.
pub(super) const MAX_FINDINGS: usize = 10_000;

/// Represents the mode of a tree's entry (<https://git-scm.com/docs/git-fast-import#_filemodify>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// An ordinary file.
    File,
    /// A file with the executable bit.
    Executable,
    /// A symbolic link: its content is the target.
    Symlink,
    /// A submodule: its id is a commit of another repository.
    Submodule,
    /// A folder.
    Folder,
}

impl Mode {
    /// Returns the mode as git writes it in a tree.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Mode::File => "100644",
            Mode::Executable => "100755",
            Mode::Symlink => "120000",
            Mode::Submodule => "160000",
            Mode::Folder => "40000",
        }
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Mode> {
        Some(match bytes {
            b"100644" => Mode::File,
            b"100755" => Mode::Executable,
            b"120000" => Mode::Symlink,
            b"160000" => Mode::Submodule,
            b"40000" => Mode::Folder,
            _ => return None,
        })
    }

    /// Returns true for an ordinary or executable file.
    pub fn is_file(self) -> bool {
        matches!(self, Mode::File | Mode::Executable)
    }
}

/// Lists everything in a commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Every file, sorted by path, executable or not.
    pub entries: Vec<Entry>,
    /// Executable files, symbolic links and submodules: path → mode and id. No object is one of these, but a snapshot carries
    /// them along like other people's files.
    pub unusual: BTreeMap<String, (Mode, ObjectId)>,
}

/// Represents one file of a commit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    /// Path from the root, with `/` between its parts.
    pub path: String,
    /// Id of its content.
    pub blob: ObjectId,
}

impl Repo {
    /// Returns every file of a commit, sorted by path. If entries of its tree cannot be accepted, no file is returned, and the
    /// error lists all of them.
    pub fn entries(&self, commit: ObjectId) -> Result<Vec<Entry>, RepoError> {
        Ok(self.listing(commit)?.entries)
    }

    /// Returns every file, symbolic link and submodule of a commit. Refuses trees like [`Repo::entries`].
    pub fn listing(&self, commit: ObjectId) -> Result<Listing, RepoError> {
        let tree = self.commit(commit)?.tree;
        self.tree_listing(tree)
    }

    pub(super) fn tree_listing(&self, tree: ObjectId) -> Result<Listing, RepoError> {
        let git = self.git();
        let odb = Objects::open(&git)?;
        let mut walk = Walk { odb: &odb, found: Listing::default(), findings: Vec::new(), budget: Budget::default() };
        walk.tree(tree, "", 1)?;
        if !walk.findings.is_empty() {
            walk.findings.sort();
            return Err(RepoError::Hostile(walk.findings));
        }
        Ok(walk.found)
    }

    /// Returns the bytes of a file. Its size is checked before any of it is inflated.
    pub fn blob(&self, id: ObjectId) -> Result<Vec<u8>, RepoError> {
        let git = self.git();
        let odb = Objects::open(&git)?;
        Ok(read(&odb, id, ObjectType::Blob, MAX_BLOB)?.data().to_vec())
    }
}

/// Holds the object database, with the repository that it belongs to.
pub(super) struct Objects<'g> {
    git: &'g Repository,
    odb: Odb<'g>,
}

impl<'g> Objects<'g> {
    pub(super) fn open(git: &'g Repository) -> Result<Objects<'g>, RepoError> {
        let odb = git.odb().map_err(|error| RepoError::git("open the object database", &error))?;
        Ok(Objects { git, odb })
    }

    /// Returns the error for an object that must be here and is not. In a partial clone git would fetch it now, which libgit2
    /// does not (<https://git-scm.com/docs/partial-clone>).
    fn missing(&self, kind: ObjectType, id: ObjectId) -> RepoError {
        match is_partial(self.git) {
            true => RepoError::Partial { what: format!("{kind} {id}") },
            false => RepoError::Damaged(format!("{kind} {id} is missing")),
        }
    }
}

/// Returns true if git promises to fetch missing objects.
fn is_partial(git: &Repository) -> bool {
    let Ok(config) = git.config() else { return false };
    let Ok(mut promisors) = config.entries(Some("remote\\..*\\.promisor|extensions\\.partialclone")) else {
        return false;
    };
    promisors.next().is_some_and(|entry| entry.is_ok())
}

struct Walk<'a> {
    odb: &'a Objects<'a>,
    found: Listing,
    findings: Vec<Finding>,
    budget: Budget,
}

impl Walk<'_> {
    fn tree(&mut self, id: ObjectId, prefix: &str, depth: usize) -> Result<(), RepoError> {
        let bytes = read(self.odb, id, ObjectType::Tree, MAX_TREE)?;
        self.budget.read(prefix, bytes.len())?;
        let mut names = HashSet::new();
        let mut last: Option<EntryName<'_>> = None;
        let mut rest = bytes.data();
        while !rest.is_empty() {
            let (mode, name, child);
            (mode, name, child, rest) =
                next_entry(rest).ok_or_else(|| RepoError::Damaged(format!("tree {id} cannot be read")))?;
            let mode = Mode::parse(mode);
            let folder = mode == Some(Mode::Folder);
            self.budget.entry(prefix, name, folder)?;
            let mut wrong = entry_faults(name, mode, depth);
            if !names.insert(name) {
                wrong.push(("duplicate-path", "two entries have this name, and only one can be meant: remove one"));
            }
            let own = EntryName { name, folder };
            if last.is_some_and(|last| !in_order(last, own)) {
                wrong.push(("unsorted-tree", "the tree is not sorted, so no git made it: write the commit again"));
            }
            last = Some(own);
            if !wrong.is_empty() {
                let path = format!("{}{}", shown(prefix.as_bytes()), shown(name));
                if self.findings.len() < MAX_FINDINGS {
                    self.findings.extend(wrong.into_iter().map(|(check, why)| finding(path.clone(), check, why)));
                }
                continue;
            }
            let Ok(name) = std::str::from_utf8(name) else { continue };
            let Some(mode) = mode else { continue };
            if folder {
                self.tree(child, &format!("{prefix}{name}/"), depth + 1)?;
            } else if self.findings.is_empty() {
                // Once there is a finding, only findings are collected.
                let path = format!("{prefix}{name}");
                if mode != Mode::File {
                    self.found.unusual.insert(path.clone(), (mode, child));
                }
                if mode.is_file() {
                    self.found.entries.push(Entry { path, blob: child });
                }
            }
        }
        Ok(())
    }
}

/// Returns everything that is wrong with an entry of a tree `depth` levels deep, by itself.
pub(super) fn entry_faults(name: &[u8], mode: Option<Mode>, depth: usize) -> Vec<(&'static str, &'static str)> {
    let mut wrong = faults(name);
    match mode {
        Some(Mode::Folder) if depth >= MAX_DEPTH => {
            wrong.push(("too-deep", "folders are nested too deeply: no snapshot has more than 8 levels"));
        }
        // Git itself follows no such link (`git help fsck`, gitmodulesSymlink).
        Some(Mode::Symlink) if is_git_settings(name) => {
            wrong.push(("symlink", "git does not follow this link: replace it by a file"));
        }
        Some(_) => {}
        None => wrong.push(("file-mode", "no git writes this file mode: add the file again")),
    }
    wrong
}

pub(super) type RawEntry<'a> = (&'a [u8], &'a [u8], ObjectId, &'a [u8]);

pub(super) fn next_entry(bytes: &[u8]) -> Option<RawEntry<'_>> {
    let space = bytes.iter().take(8).position(|byte| *byte == b' ')?;
    let (mode, rest) = (&bytes[..space], &bytes[space + 1..]);
    let zero = rest.iter().position(|byte| *byte == 0)?;
    let (name, rest) = (&rest[..zero], &rest[zero + 1..]);
    Some((mode, name, ObjectId::from_slice(rest.get(..20)?)?, &rest[20..]))
}

/// Holds the name of an entry, as far as git sorts a tree by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EntryName<'a> {
    /// The name.
    pub(super) name: &'a [u8],
    /// True if the entry is a folder.
    pub(super) folder: bool,
}

/// Returns true if two entries are in git's order within a tree: folders compare as if their name ended in a slash.
pub(super) fn in_order(before: EntryName<'_>, after: EntryName<'_>) -> bool {
    fn key(entry: EntryName<'_>) -> impl Iterator<Item = u8> {
        entry.name.iter().copied().chain(entry.folder.then_some(b'/'))
    }
    key(before).lt(key(after))
}

/// Reads an object after checking its kind and size, and compares the content with its id.
///
/// libgit2 would compare too, with a SHA-1 that also looks for collisions and takes five times as long; an attacker who could
/// plant a collision in the object database could move the branch just as well. See [`super::open`].
pub(super) fn read<'a>(
    objects: &'a Objects<'_>,
    id: ObjectId,
    kind: ObjectType,
    limit: u64,
) -> Result<OdbObject<'a>, RepoError> {
    let odb = &objects.odb;
    let (size, found) = again(odb, || odb.read_header(id.into())).map_err(|error| match error.code() {
        ErrorCode::NotFound => objects.missing(kind, id),
        _ => RepoError::git(format!("read {kind} {id}"), &error),
    })?;
    if found != kind {
        return Err(RepoError::Damaged(format!("object {id} is a {found} where a {kind} must be")));
    }
    if size as u64 > limit {
        return Err(RepoError::TooLarge { what: format!("{kind} {id}"), size: size as u64, limit });
    }
    let object =
        again(odb, || odb.read(id.into())).map_err(|error| RepoError::git(format!("read {kind} {id}"), &error))?;
    match ObjectId::of(kind.str(), object.data()) == id {
        true => Ok(object),
        false => Err(RepoError::Damaged(format!("the content of {kind} {id} is not what was written"))),
    }
}

/// Repeats a write if the system failed: `git gc` and `git pack-refs` remove folders that they emptied, also those into which a
/// file is just being written.
pub(super) fn retried<T>(mut work: impl FnMut() -> Result<T, git2::Error>) -> Result<T, git2::Error> {
    for attempt in 1..ATTEMPTS {
        match work() {
            Err(error) if error.class() == ErrorClass::Os && error.code() != ErrorCode::Locked => {
                std::thread::sleep(Duration::from_millis(10) * attempt);
            }
            result => return result,
        }
    }
    work()
}

/// Number of attempts to read git's own files.
const ATTEMPTS: u32 = 5;

/// Repeats an operation on the object database if it failed: `git gc` deletes packs and loose objects whose content it moved, and
/// a second look finds them in their new place.
pub(super) fn again<T>(odb: &Odb<'_>, mut work: impl FnMut() -> Result<T, git2::Error>) -> Result<T, git2::Error> {
    for attempt in 1..ATTEMPTS {
        match work() {
            Err(_) if odb.refresh().is_ok() => std::thread::sleep(Duration::from_millis(10) * attempt),
            result => return result,
        }
    }
    work()
}

/// Repeats a lookup, as [`again`] does, if the object database failed: for objects that libgit2 reads by itself.
pub(super) fn looked_up<T>(
    git: &Repository,
    mut work: impl FnMut() -> Result<T, git2::Error>,
) -> Result<T, git2::Error> {
    for attempt in 1..ATTEMPTS {
        match work() {
            Err(error) if matches!(error.class(), ErrorClass::Odb | ErrorClass::Os) => {
                git.odb()?.refresh()?;
                std::thread::sleep(Duration::from_millis(10) * attempt);
            }
            result => return result,
        }
    }
    work()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_sort_as_if_they_ended_in_a_slash() {
        let file = |name| EntryName { name, folder: false };
        let folder = |name| EntryName { name, folder: true };
        assert!(in_order(file(b"a.b"), folder(b"a")));
        assert!(in_order(file(b"a"), file(b"a.b")));
        assert!(in_order(folder(b"a"), file(b"a0")));
        assert!(!in_order(file(b"a"), file(b"a")));
    }
}
