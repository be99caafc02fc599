//! Defines [`SnapshotWriter`]: it turns files into a tree, with no more new objects than needed.

use std::collections::{BTreeMap, HashSet};

use git2::{ObjectType, Odb, OdbLookupFlags};

use super::budget::MAX_DEPTH;
use super::names::{faults, finding, shown};
use super::pack::{PackWriter, flush_folder};
use super::tree::{MAX_BLOB, Mode, again};
use super::{ObjectId, Repo, RepoError, blob_id};

/// Number of new objects up to which each becomes a file of its own; beyond, all of them become one pack. Each loose file is
/// flushed separately: 200 took 0.2 to 1.5 s here, depending on how busy the disk was, a pack of 1,000 took 0.3 s.
const LOOSE_OBJECTS: usize = 64;
const LOOSE_BYTES: usize = 16 * 1024 * 1024;

/// Holds the content of a file with its id, so that the id of each of a million files is computed only once.
#[derive(Debug, Clone)]
pub struct Content {
    id: ObjectId,
    bytes: Vec<u8>,
}

impl Content {
    /// Returns the id of the content in the repository.
    pub fn id(&self) -> ObjectId {
        self.id
    }

    /// Returns the bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Content {
        Content { id: blob_id(&bytes), bytes }
    }
}

impl From<&[u8]> for Content {
    fn from(bytes: &[u8]) -> Content {
        bytes.to_vec().into()
    }
}

/// Collects the files of a snapshot and writes them as a tree. Nothing it writes is visible before a reference leads to it, and
/// [`SnapshotWriter::finish`] returns only after all of it is on the disk.
pub struct SnapshotWriter<'r> {
    pub(super) repo: &'r Repo,
    known: HashSet<ObjectId>,
    pending: Vec<(ObjectType, ObjectId, Vec<u8>)>,
    pending_bytes: usize,
    pack: Option<PackWriter>,
    /// Executables, symbolic links and submodules that the tree is to hold.
    pub(super) unusual: Option<BTreeMap<String, (Mode, ObjectId)>>,
}

impl Repo {
    /// Returns a writer for a snapshot.
    pub fn writer(&self) -> Result<SnapshotWriter<'_>, RepoError> {
        Ok(SnapshotWriter {
            repo: self,
            known: HashSet::new(),
            pending: Vec::new(),
            pending_bytes: 0,
            pack: None,
            unusual: None,
        })
    }
}

impl SnapshotWriter<'_> {
    /// Adds the content of a file, unless the repository has it.
    pub fn put(&mut self, content: impl Into<Content>) -> Result<ObjectId, RepoError> {
        let Content { id, bytes } = content.into();
        if self.known.contains(&id) {
            return Ok(id);
        }
        let size = bytes.len() as u64;
        if size > MAX_BLOB {
            return Err(RepoError::TooLarge { what: format!("file content {id}"), size, limit: MAX_BLOB });
        }
        let there = self.with_odb(|odb| {
            let there = odb.exists_ext(id.into(), OdbLookupFlags::NO_REFRESH);
            if there {
                // Writing an existing object only renews its time, so that a `git gc` between now and the commit keeps it.
                again(odb, || odb.write(ObjectType::Blob, &bytes))
                    .map_err(|error| RepoError::git("keep an object", &error))?;
            }
            Ok(there)
        })?;
        match there {
            true => {
                self.known.insert(id);
            }
            false => self.add(ObjectType::Blob, id, bytes)?,
        }
        Ok(id)
    }

    /// Keeps the entries of `commit` that are no ordinary files: executable files stay executable, and symbolic links and
    /// submodules stay where no file takes their place.
    pub fn keep_unusual(&mut self, commit: ObjectId) -> Result<(), RepoError> {
        self.unusual = Some(self.repo.listing(commit)?.unusual);
        Ok(())
    }

    /// Writes the tree that holds these files (path → content) and flushes everything to the disk. Each content was put before or
    /// is in the repository; a path that [`Repo::entries`] would refuse is refused here as well.
    pub fn finish(mut self, files: &BTreeMap<String, ObjectId>) -> Result<ObjectId, RepoError> {
        let findings: Vec<_> = files.keys().flat_map(|path| refused(path)).collect();
        if !findings.is_empty() {
            return Err(RepoError::Hostile(findings));
        }
        let root = self.trees(files)?;
        self.flush(root)
    }

    /// Writes the collected objects, among them the tree `root`, and flushes everything to the disk.
    pub(super) fn flush(mut self, root: ObjectId) -> Result<ObjectId, RepoError> {
        let objects = self.repo.common_dir().join("objects");
        if let Some(pack) = self.pack.take() {
            pack.finish(&objects)?;
            self.with_odb(|odb| odb.refresh().map_err(|error| RepoError::git("see the new pack", &error)))?;
        }
        let pending = std::mem::take(&mut self.pending);
        self.with_odb(|odb| {
            for (kind, id, bytes) in pending {
                let written = again(odb, || odb.write(kind, &bytes));
                let written = written.map_err(|error| RepoError::git(format!("write {kind} {id}"), &error))?;
                if ObjectId::from(written) != id {
                    return Err(RepoError::Damaged(format!("{kind} {id} was written as {written}")));
                }
            }
            // libgit2 flushes an object and its folder, but not the entry of that folder in its parent.
            flush_folder(&objects)?;
            match odb.exists(root.into()) {
                true => Ok(root),
                false => Err(RepoError::Damaged(format!("tree {root} was written but cannot be found"))),
            }
        })
    }

    /// Builds the trees from the leaves up. The map's order is git's order already: compared as whole paths, a folder sorts as
    /// its name and a slash, which is how git compares it within its parent.
    fn trees(&mut self, files: &BTreeMap<String, ObjectId>) -> Result<ObjectId, RepoError> {
        let unusual = self.unusual.take().unwrap_or_default();
        let links = unusual.iter().filter(|(path, (mode, _))| !mode.is_file() && has_room(files, path));
        let mut links = links.map(|(path, (mode, id))| (path.as_str(), *mode, *id)).peekable();
        let mut stack = vec![Folder::default()];
        for (path, blob) in files {
            while let Some((link, mode, id)) = links.next_if(|(link, ..)| *link < path.as_str()) {
                self.place(&mut stack, files, link, mode, id)?;
            }
            let is_executable = unusual.get(path).is_some_and(|(mode, _)| *mode == Mode::Executable);
            let mode = if is_executable { Mode::Executable } else { Mode::File };
            self.place(&mut stack, files, path, mode, *blob)?;
        }
        for (link, mode, id) in links {
            self.place(&mut stack, files, link, mode, id)?;
        }
        loop {
            if let Some(root) = self.close(&mut stack)? {
                return Ok(root);
            }
        }
    }

    /// Adds the next entry to its folder; closes the folders before it and opens those on the way to it.
    fn place(
        &mut self,
        stack: &mut Vec<Folder>,
        files: &BTreeMap<String, ObjectId>,
        path: &str,
        mode: Mode,
        id: ObjectId,
    ) -> Result<(), RepoError> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        while !stack.last().is_none_or(|open| open.holds(folder)) {
            self.close(stack)?;
        }
        let mut at = stack.last().map_or(0, |open| open.path.len());
        while at < folder.len() {
            let start = if at == 0 { 0 } else { at + 1 };
            at = folder[start..].find('/').map_or(folder.len(), |slash| start + slash);
            if files.contains_key(&folder[..at]) {
                let why = "this path is both a file and a folder: rename one";
                return Err(RepoError::Hostile(vec![finding(&folder[..at], "duplicate-path", why)]));
            }
            stack.push(Folder { path: folder[..at].to_owned(), ..Folder::default() });
        }
        if let Some(open) = stack.last_mut() {
            open.entry(mode.as_str(), name, &id);
            // The commit of a submodule is in another repository.
            if mode != Mode::Submodule {
                open.blobs.push(id);
            }
        }
        Ok(())
    }

    /// Writes the innermost open folder and adds it to the one around it; returns the root's id.
    fn close(&mut self, stack: &mut Vec<Folder>) -> Result<Option<ObjectId>, RepoError> {
        let Some(folder) = stack.pop() else { return Ok(None) };
        let id = ObjectId::of("tree", &folder.content);
        if !self.has(id)? {
            // A tree in the repository has its content there too; for a new one each content is looked up.
            for blob in &folder.blobs {
                if !self.has(*blob)? {
                    return Err(RepoError::Missing { id: *blob, hint: format!(", but {} needs it", folder.path) });
                }
            }
            self.add(ObjectType::Tree, id, folder.content)?;
        }
        let Some(parent) = stack.last_mut() else { return Ok(Some(id)) };
        let name = folder.path.rsplit_once('/').map_or(folder.path.as_str(), |(_, name)| name);
        parent.entry("40000", name, &id);
        Ok(None)
    }

    pub(super) fn has(&mut self, id: ObjectId) -> Result<bool, RepoError> {
        if self.known.contains(&id) {
            return Ok(true);
        }
        let there = self.with_odb(|odb| Ok(odb.exists_ext(id.into(), OdbLookupFlags::NO_REFRESH)))?;
        if there {
            self.known.insert(id);
        }
        Ok(there)
    }

    pub(super) fn add(&mut self, kind: ObjectType, id: ObjectId, bytes: Vec<u8>) -> Result<(), RepoError> {
        self.known.insert(id);
        if let Some(pack) = &mut self.pack {
            return pack.add(kind, id, bytes);
        }
        self.pending_bytes += bytes.len();
        self.pending.push((kind, id, bytes));
        if self.pending.len() > LOOSE_OBJECTS || self.pending_bytes > LOOSE_BYTES {
            let mut pack = PackWriter::create(&self.repo.common_dir().join("objects"))?;
            for (kind, id, bytes) in self.pending.drain(..) {
                pack.add(kind, id, bytes)?;
            }
            self.pending.shrink_to_fit();
            self.pack = Some(pack);
        }
        Ok(())
    }

    fn with_odb<T>(&self, work: impl FnOnce(&Odb<'_>) -> Result<T, RepoError>) -> Result<T, RepoError> {
        let git = self.repo.git();
        let odb = git.odb().map_err(|error| RepoError::git("open the object database", &error))?;
        work(&odb)
    }
}

/// Represents a folder whose tree is being written.
#[derive(Default)]
struct Folder {
    path: String,
    content: Vec<u8>,
    blobs: Vec<ObjectId>,
}

impl Folder {
    fn holds(&self, folder: &str) -> bool {
        self.path.is_empty()
            || folder.strip_prefix(&self.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    fn entry(&mut self, mode: &str, name: &str, id: &ObjectId) {
        entry(&mut self.content, mode, name, id);
    }
}

/// Returns true if no file is at a path, above it or below it.
fn has_room(files: &BTreeMap<String, ObjectId>, path: &str) -> bool {
    let below = format!("{path}/");
    let is_folder = files.range(below.clone()..).next().is_some_and(|(next, _)| next.starts_with(&below));
    let mut above = path.match_indices('/').map(|(at, _)| &path[..at]);
    !is_folder && !files.contains_key(path) && !above.any(|folder| files.contains_key(folder))
}

/// Appends an entry to the content of a tree.
pub(super) fn entry(content: &mut Vec<u8>, mode: &str, name: &str, id: &ObjectId) {
    content.extend_from_slice(mode.as_bytes());
    content.push(b' ');
    content.extend_from_slice(name.as_bytes());
    content.push(0);
    content.extend_from_slice(id.as_bytes());
}

pub(super) fn refused(path: &str) -> Vec<crate::model::Finding> {
    let parts = path.split('/');
    let mut wrong: Vec<_> = parts.clone().flat_map(|part| faults(part.as_bytes())).collect();
    if parts.count() > MAX_DEPTH {
        wrong.push(("too-deep", "folders are nested too deeply: no snapshot has more than 8 levels"));
    }
    wrong.into_iter().map(|(check, why)| finding(shown(path.as_bytes()), check, why)).collect()
}
