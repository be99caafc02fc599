//! Looks objects up in a commit by id or name, reading only the folders that are needed.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use anyhow::Result;

use super::source::{Entry, Side};
use crate::engine::normalize::normalize;
use crate::engine::refs::{Mentioned, Names};
use crate::engine::schema;
use crate::format::path::{folders_of, is_file_of};
use crate::format::yaml;
use crate::kinds;
use crate::model::{Kind, Object};
use crate::repo::{Folder, ObjectId, Repo};

/// Finds files in one commit. Folders that were read once are kept.
pub struct Lookup<'a> {
    repo: &'a Repo,
    commit: ObjectId,
    folders: BTreeMap<String, Option<Rc<Folder>>>,
}

impl<'a> Lookup<'a> {
    /// Opens `commit`.
    pub fn new(repo: &'a Repo, commit: ObjectId) -> Lookup<'a> {
        Lookup { repo, commit, folders: BTreeMap::new() }
    }

    /// Returns the file of an object, in any layout; `None` if the commit does not have it.
    ///
    /// # Errors
    /// If the object database cannot be read.
    pub fn find(&mut self, kind: &'static Kind, id: &str) -> Result<Option<Entry>> {
        if kind.is_singleton() {
            let (parent, name) = kind.folder.rsplit_once('/').unwrap_or(("", kind.folder));
            let file = format!("{name}.yaml");
            return Ok(self.folder(parent)?.and_then(|folder| {
                let (_, blob) = folder.files.iter().find(|(name, _)| *name == file)?;
                Some(Entry { path: format!("{}.yaml", kind.folder), blob: *blob })
            }));
        }
        for path in folders_of(kind, id) {
            let Some(folder) = self.folder(&path)? else { continue };
            if let Some((name, blob)) = folder.files.iter().find(|(name, _)| is_file_of(kind, id, name)) {
                return Ok(Some(Entry { path: format!("{path}/{name}"), blob: *blob }));
            }
        }
        Ok(None)
    }

    /// Returns every file of a kind.
    ///
    /// # Errors
    /// If the object database cannot be read.
    pub fn files(&mut self, kind: &'static Kind) -> Result<Vec<Entry>> {
        let Some(folder) = self.folder(kind.folder)? else { return Ok(Vec::new()) };
        let entry =
            |folder: &str, (name, blob): &(String, ObjectId)| Entry { path: format!("{folder}/{name}"), blob: *blob };
        let mut files: Vec<Entry> = folder.files.iter().map(|file| entry(kind.folder, file)).collect();
        for (name, _) in &folder.folders {
            let path = format!("{}/{name}", kind.folder);
            if let Some(shard) = self.folder(&path)? {
                files.extend(shard.files.iter().map(|file| entry(&path, file)));
            }
        }
        Ok(files)
    }

    fn folder(&mut self, path: &str) -> Result<Option<Rc<Folder>>> {
        if let Some(known) = self.folders.get(path) {
            return Ok(known.clone());
        }
        let tree = match path.rsplit_once('/') {
            _ if path.is_empty() => Some(self.repo.commit(self.commit)?.tree),
            Some((parent, name)) => self.below(parent, name)?,
            None => self.below("", path)?,
        };
        let folder = match tree {
            Some(tree) => Some(Rc::new(self.repo.folder(tree)?)),
            None => None,
        };
        self.folders.insert(path.to_owned(), folder.clone());
        Ok(folder)
    }

    fn below(&mut self, parent: &str, name: &str) -> Result<Option<ObjectId>> {
        let Some(folder) = self.folder(parent)? else { return Ok(None) };
        let at = folder.folders.binary_search_by(|(folder, _)| folder.as_str().cmp(name));
        Ok(at.ok().map(|at| folder.folders[at].1))
    }
}

/// Returns the object in a file, or none if it does not parse.
pub fn object_in(repo: &Repo, kind: &'static Kind, entry: &Entry) -> Result<Option<Object>> {
    let bytes = repo.blob(entry.blob)?;
    Ok(yaml::read(&entry.path, &bytes).ok().map(|document| normalize(kind, document.value).object))
}

/// Learns the names of the objects that a report mentions, from the sides: by address where the id is an object's own, else by
/// reading the kinds whose objects have other identities too.
///
/// # Errors
/// If the object database cannot be read.
pub fn learn_names(repo: &Repo, sides: &[&Side], mentioned: &Mentioned, names: &mut Names) -> Result<()> {
    let mut wanted: BTreeSet<&str> =
        mentioned.ids.iter().map(String::as_str).filter(|id| !names.contains(id)).collect();
    for side in sides {
        for id in wanted.clone() {
            if let Some(name) = side.names.get(id) {
                names.insert(id, name);
                wanted.remove(id);
            }
        }
    }
    for side in sides {
        let mut lookup = side.commit.map(|commit| Lookup::new(repo, commit));
        for id in wanted.clone() {
            for kind in kinds::ALL.iter().copied().filter(|kind| !kind.is_singleton()) {
                let entry = match &mut lookup {
                    Some(lookup) => lookup.find(kind, id)?,
                    None => side.index.get(&crate::model::Address::new(kind, id.to_owned())).cloned(),
                };
                let Some(entry) = entry else { continue };
                if let Some(object) = side.object(repo, kind, &entry)? {
                    names.learn(kind, &object);
                    wanted.remove(id);
                }
                break;
            }
        }
        wanted.retain(|id| !names.contains(id));
        let mut others: BTreeSet<&str> =
            wanted.iter().copied().filter(|id| mentioned.identities.contains(*id)).collect();
        for kind in kinds::ALL.iter().copied().filter(|kind| !schema::of(kind).identities().is_empty()) {
            if others.is_empty() {
                break;
            }
            let entries = match &mut lookup {
                Some(lookup) => lookup.files(kind)?,
                None => {
                    let of_kind = side.index.iter().filter(|(address, _)| address.kind.name == kind.name);
                    of_kind.map(|(_, entry)| entry.clone()).collect()
                }
            };
            for entry in entries {
                // Parsing is expensive, and most files do not hold the id at all.
                let bytes = side.read(repo, &entry)?;
                let text = String::from_utf8_lossy(&bytes);
                if others.iter().any(|id| text.contains(*id))
                    && let Some(object) = side.object(repo, kind, &entry)?
                {
                    names.learn(kind, &object);
                    others.retain(|id| !names.contains(id));
                }
            }
        }
        wanted.retain(|id| !names.contains(id));
    }
    Ok(())
}
