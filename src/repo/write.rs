//! Writing snapshots: blobs, then trees bottom-up, straight into the object database.

use std::collections::BTreeSet;

use git2::{ObjectType, Odb, Repository, Signature, Time};

use super::pack::Pack;
use super::{Files, ObjectId, Repo, RepoError, Result, object_id};

/// More new objects than this go into one pack instead of a file each.
const LOOSE: usize = 2_000;

/// Who makes a commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Author {
    name: Option<String>,
    email: Option<String>,
    time: Option<i64>,
}

impl Author {
    /// The tool: git's own configuration where there is one, else a name that says what it is.
    pub fn tool() -> Author {
        Author::default()
    }

    /// A fixed author at a fixed time, in seconds since 1970.
    pub fn fixed(name: &str, email: &str, time: i64) -> Author {
        Author { name: Some(name.to_owned()), email: Some(email.to_owned()), time: Some(time) }
    }

    pub(super) fn signature(&self, git: &Repository) -> Result<Signature<'static>> {
        let act = "reading who commits";
        let configured = git.signature().ok();
        let from_git = |part: Option<&str>, default: &str| part.unwrap_or(default).to_owned();
        let name = self
            .name
            .clone()
            .unwrap_or_else(|| from_git(configured.as_ref().and_then(|signature| signature.name().ok()), "Entragit"));
        let email = self.email.clone().unwrap_or_else(|| {
            from_git(configured.as_ref().and_then(|signature| signature.email().ok()), "entragit@localhost")
        });
        match self.time {
            Some(time) => Signature::new(&name, &email, &Time::new(time, 0)),
            None => Signature::now(&name, &email),
        }
        .map_err(|e| RepoError::git(act, &e))
    }
}

/// Writes the objects of one snapshot. Few go into files of their own, many into one pack; memory holds ids only.
pub struct SnapshotWriter<'r> {
    repo: &'r Repo,
    waiting: Vec<(ObjectId, Vec<u8>)>,
    seen: BTreeSet<ObjectId>,
    pack: Option<Pack>,
}

impl<'r> SnapshotWriter<'r> {
    pub(super) fn new(repo: &'r Repo) -> Result<SnapshotWriter<'r>> {
        Ok(SnapshotWriter { repo, waiting: Vec::new(), seen: BTreeSet::new(), pack: None })
    }

    /// Adds a file. What the object database has already is not written again.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn put(&mut self, bytes: &[u8]) -> Result<ObjectId> {
        let id = object_id("blob", bytes);
        if !self.seen.insert(id) {
            return Ok(id);
        }
        if let Some(pack) = &mut self.pack {
            pack.add(ObjectType::Blob, bytes)?;
            return Ok(id);
        }
        self.waiting.push((id, bytes.to_vec()));
        if self.waiting.len() > LOOSE {
            let mut pack = Pack::new(self.repo.git_dir())?;
            for (_, bytes) in self.waiting.drain(..) {
                pack.add(ObjectType::Blob, &bytes)?;
            }
            self.pack = Some(pack);
        }
        Ok(id)
    }

    /// Writes the trees for `files` and whatever is still waiting; the result is the tree's id. Everything is on disk
    /// when this returns.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(mut self, files: &Files) -> Result<ObjectId> {
        let git = self.repo.git();
        let odb = git.odb().map_err(|e| RepoError::git("opening the object database", &e))?;
        let mut trees = Trees { odb: &odb, new: Vec::new() };
        let sorted: Vec<(&str, ObjectId)> = files.iter().map(|(path, blob)| (path.as_str(), *blob)).collect();
        let root = trees.build(&sorted, 0);
        let new = trees.new;
        match self.pack.take() {
            Some(mut pack) => {
                for (_, bytes) in &new {
                    pack.add(ObjectType::Tree, bytes)?;
                }
                pack.finish(&odb)?;
            }
            None => {
                for (id, bytes) in self.waiting.drain(..) {
                    loose(&odb, ObjectType::Blob, id, &bytes)?;
                }
                for (id, bytes) in new {
                    loose(&odb, ObjectType::Tree, id, &bytes)?;
                }
            }
        }
        Ok(root)
    }
}

fn loose(odb: &Odb<'_>, kind: ObjectType, id: ObjectId, bytes: &[u8]) -> Result<()> {
    if !odb.exists(id.oid()) {
        odb.write(kind, bytes).map_err(|e| RepoError::git("writing an object", &e))?;
    }
    Ok(())
}

struct Trees<'a, 'o> {
    odb: &'a Odb<'o>,
    new: Vec<(ObjectId, Vec<u8>)>,
}

impl Trees<'_, '_> {
    /// The tree of files that share the first `at` bytes of their paths; `files` is sorted by path.
    fn build(&mut self, files: &[(&str, ObjectId)], at: usize) -> ObjectId {
        // (name, mode, id); a folder's name counts as ending in a slash when git sorts.
        let mut entries: Vec<(&str, bool, ObjectId)> = Vec::new();
        let mut start = 0;
        while start < files.len() {
            let rest = &files[start].0[at..];
            match rest.find('/') {
                None => {
                    entries.push((rest, false, files[start].1));
                    start += 1;
                }
                Some(slash) => {
                    let name = &rest[..slash];
                    let inside = |path: &str| path[at..].strip_prefix(name).is_some_and(|tail| tail.starts_with('/'));
                    let end = start + files[start..].iter().take_while(|(path, _)| inside(path)).count();
                    let id = self.build(&files[start..end], at + slash + 1);
                    entries.push((name, true, id));
                    start = end;
                }
            }
        }
        let key = |(name, folder, _): &(&str, bool, ObjectId)| {
            let mut key = name.as_bytes().to_vec();
            if *folder {
                key.push(b'/');
            }
            key
        };
        entries.sort_by_cached_key(key);
        let mut bytes = Vec::with_capacity(entries.len() * 80);
        for (name, folder, id) in entries {
            bytes.extend_from_slice(if folder { b"40000 " } else { b"100644 " });
            bytes.extend_from_slice(name.as_bytes());
            bytes.push(0);
            bytes.extend_from_slice(&id.0);
        }
        let id = object_id("tree", &bytes);
        if !self.odb.exists(id.oid()) {
            self.new.push((id, bytes));
        }
        id
    }
}
