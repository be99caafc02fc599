//! Follows one object from commit to commit, in whichever folder its file lies. Trees that were seen are not read again.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::format::path::{folders_of, is_file_of};
use crate::model::Kind;
use crate::ops::commit::source::Entry;
use crate::repo::{ObjectId, Repo};

/// Location of an object in a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// Id of the object in that commit.
    pub id: String,
    /// File of the object.
    pub entry: Entry,
}

/// Finds an object that has one of several ids.
pub struct Tracker<'a> {
    repo: &'a Repo,
    kind: &'static Kind,
    /// Each id with the names of the folders below the kind's folder in which its file may be.
    ids: Vec<(String, Vec<String>)>,
    /// Location of the object by tree; keyed by the path as well, since equal trees may lie in two places.
    seen: BTreeMap<(String, ObjectId), Option<Spot>>,
    folders: BTreeMap<(String, ObjectId), Option<ObjectId>>,
}

impl<'a> Tracker<'a> {
    /// Returns a tracker for the object of a kind that has one of `ids`, the current one first.
    pub fn new(repo: &'a Repo, kind: &'static Kind, ids: Vec<&str>) -> Tracker<'a> {
        let shards = |id: &str| {
            let folders = folders_of(kind, id);
            let below = folders.iter().filter_map(|path| path.strip_prefix(kind.folder)?.strip_prefix('/'));
            below.map(str::to_owned).collect()
        };
        let ids = match kind.is_singleton() {
            true => vec![(kind.singleton_id().to_owned(), Vec::new())],
            false => ids.into_iter().map(|id| (id.to_owned(), shards(id))).collect(),
        };
        Tracker { repo, kind, ids, seen: BTreeMap::new(), folders: BTreeMap::new() }
    }

    /// Returns the location of the object in a commit with this tree.
    ///
    /// # Errors
    /// If the object database cannot be read.
    pub fn find(&mut self, tree: ObjectId) -> Result<Option<Spot>> {
        let folder = match self.kind.is_singleton() {
            true => self.kind.folder.rsplit_once('/').map_or("", |(parent, _)| parent),
            false => self.kind.folder,
        };
        let mut at = tree;
        for part in folder.split('/').filter(|part| !part.is_empty()) {
            match self.below(at, part)? {
                Some(next) => at = next,
                None => return Ok(None),
            }
        }
        self.within(folder, at)
    }

    fn below(&mut self, tree: ObjectId, name: &str) -> Result<Option<ObjectId>> {
        let key = (name.to_owned(), tree);
        if let Some(known) = self.folders.get(&key) {
            return Ok(*known);
        }
        let found = self.repo.folder(tree)?.folders.into_iter().find(|(folder, _)| folder == name).map(|(_, id)| id);
        self.folders.insert(key, found);
        Ok(found)
    }

    fn within(&mut self, path: &str, tree: ObjectId) -> Result<Option<Spot>> {
        let key = (path.to_owned(), tree);
        if let Some(known) = self.seen.get(&key) {
            return Ok(known.clone());
        }
        let folder = self.repo.folder(tree)?;
        let mut found = self.file(path, &folder.files);
        if path == self.kind.folder {
            let wanted: Vec<(String, ObjectId)> = folder
                .folders
                .into_iter()
                .filter(|(name, _)| self.ids.iter().any(|(_, shards)| shards.contains(name)))
                .collect();
            for (name, tree) in wanted {
                if found.is_none() {
                    found = self.within(&format!("{path}/{name}"), tree)?;
                }
            }
        }
        self.seen.insert(key, found.clone());
        Ok(found)
    }

    fn file(&self, path: &str, files: &[(String, ObjectId)]) -> Option<Spot> {
        let spot = |id: &str, (name, blob): &(String, ObjectId)| Spot {
            id: id.to_owned(),
            entry: Entry { path: format!("{path}/{name}"), blob: *blob },
        };
        if self.kind.is_singleton() {
            let name = format!("{}.yaml", self.kind.folder.rsplit('/').next().unwrap_or_default());
            let (id, _) = self.ids.first()?;
            return files.iter().find(|(file, _)| *file == name).map(|file| spot(id, file));
        }
        self.ids.iter().find_map(|(id, _)| {
            files.iter().find(|(name, _)| is_file_of(self.kind, id, name)).map(|file| spot(id, file))
        })
    }
}
