//! [`Base`]: the last snapshot, of which only those folders and files are read that somebody asks for.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use anyhow::Result;

use super::facts::{Candidates, Facts};
use super::live::link_value;
use super::source::Entry;
use crate::engine::normalize::normalize;
use crate::engine::refs::Mentioned;
use crate::engine::schema;
use crate::format::path::{address_of, folders_of};
use crate::format::yaml;
use crate::kinds;
use crate::model::{Address, Coverage, Kind, Object};
use crate::repo::{ObjectId, Repo};

/// So many ids are looked for file by file, not id by id.
const MANY: usize = 1_000;

/// A commit's files, read as they are needed and kept.
pub struct Base<'a> {
    repo: &'a Repo,
    /// The root's tree.
    pub tree: ObjectId,
    folders: RefCell<HashMap<String, Rc<Folder>>>,
    facts: RefCell<HashMap<ObjectId, Option<Rc<Facts>>>>,
}

/// One folder of it.
#[derive(Default)]
struct Folder {
    files: BTreeMap<String, ObjectId>,
    folders: BTreeMap<String, ObjectId>,
    /// Objects by their id: the file's name.
    by_id: HashMap<String, String>,
}

impl<'a> Base<'a> {
    /// Looks into `commit`.
    ///
    /// # Errors
    /// If there is no such commit.
    pub fn new(repo: &'a Repo, commit: ObjectId) -> Result<Base<'a>> {
        let tree = repo.commit(commit)?.tree;
        Ok(Base { repo, tree, folders: RefCell::default(), facts: RefCell::default() })
    }

    fn folder(&self, path: &str) -> Result<Rc<Folder>> {
        if let Some(known) = self.folders.borrow().get(path) {
            return Ok(Rc::clone(known));
        }
        let tree = match path.rsplit_once('/') {
            _ if path.is_empty() => Some(self.tree),
            Some((parent, name)) => self.folder(parent)?.folders.get(name).copied(),
            None => self.folder("")?.folders.get(path).copied(),
        };
        let mut folder = Folder::default();
        if let Some(tree) = tree {
            let read = self.repo.folder(tree)?;
            folder.folders = read.folders.into_iter().collect();
            for (name, blob) in read.files {
                if let Ok((_, id)) = address_of(&format!("{path}/{name}")) {
                    folder.by_id.insert(id, name.clone());
                }
                folder.files.insert(name, blob);
            }
        }
        let folder = Rc::new(folder);
        self.folders.borrow_mut().insert(path.to_owned(), Rc::clone(&folder));
        Ok(folder)
    }

    /// The content of the file at `path`.
    ///
    /// # Errors
    /// If the object database cannot be read; so of all the others.
    pub fn at(&self, path: &str) -> Result<Option<ObjectId>> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        Ok(self.folder(folder)?.files.get(name).copied())
    }

    /// The file of an object, in whatever layout.
    pub fn find(&self, kind: &'static Kind, id: &str) -> Result<Option<Entry>> {
        if kind.is_singleton() {
            let path = format!("{}.yaml", kind.folder);
            let blob = self.at(&path)?.filter(|_| id == kind.singleton_id());
            return Ok(blob.map(|blob| Entry { path, blob }));
        }
        let own = self.folder(kind.folder)?;
        if own.files.is_empty() && own.folders.is_empty() {
            return Ok(None);
        }
        for path in folders_of(kind, id) {
            let folder = self.folder(&path)?;
            if let Some(name) = folder.by_id.get(id) {
                return Ok(Some(Entry { path: format!("{path}/{name}"), blob: folder.files[name] }));
            }
        }
        Ok(None)
    }

    /// The kinds that have an object with this id; ids are hardly ever shared.
    pub fn kinds_of(&self, id: &str) -> Result<Vec<&'static Kind>> {
        let mut found = Vec::new();
        for kind in kinds::ALL.iter().copied() {
            if self.find(kind, id)?.is_some() {
                found.push(kind);
            }
        }
        Ok(found)
    }

    /// Every object of a kind with its file.
    pub fn files(&self, kind: &'static Kind) -> Result<Vec<(Address, Entry)>> {
        if kind.is_singleton() {
            let id = kind.singleton_id();
            return Ok(self.find(kind, id)?.map(|entry| (kind.address(id), entry)).into_iter().collect());
        }
        let mut found = Vec::new();
        let own = self.folder(kind.folder)?;
        let shards: Vec<String> = own.folders.keys().map(|name| format!("{}/{name}", kind.folder)).collect();
        for path in std::iter::once(kind.folder.to_owned()).chain(shards) {
            let folder = self.folder(&path)?;
            for (name, blob) in &folder.files {
                let path = format!("{path}/{name}");
                // A folder within a kind's may be another kind's.
                if let Some((_, id)) = address_of(&path).ok().filter(|(found, _)| *found == kind) {
                    found.push((Address::new(kind.name, id), Entry { path, blob: *blob }));
                }
            }
        }
        Ok(found)
    }

    /// What a file says of its object; nothing if it cannot be parsed.
    pub fn facts(&self, kind: &'static Kind, entry: &Entry) -> Result<Option<Rc<Facts>>> {
        if let Some(known) = self.facts.borrow().get(&entry.blob) {
            return Ok(known.clone());
        }
        let facts = parse(kind, &entry.path, &self.repo.blob(entry.blob)?).map(Rc::new);
        self.facts.borrow_mut().insert(entry.blob, facts.clone());
        Ok(facts)
    }

    /// What those of `asked` are called that are objects of `kinds`, or go by another identity of theirs. Objects that do not
    /// `count` are passed over.
    pub fn names(
        &self,
        kinds: &[&'static Kind],
        asked: &Mentioned,
        counts: impl Fn(&Address) -> bool,
    ) -> Result<Candidates> {
        let mut found = Candidates::default();
        let few = asked.ids.len() <= MANY;
        for kind in kinds.iter().copied() {
            if few {
                for id in asked.ids.iter().filter(|id| counts(&Address::new(kind.name, (*id).clone()))) {
                    let Some(entry) = self.find(kind, id)? else { continue };
                    if let Some((_, name)) = self.facts(kind, &entry)?.as_ref().and_then(|facts| facts.names.first()) {
                        found.add(kind, id, name);
                    }
                }
                continue;
            }
            let mut files = self.files(kind)?;
            files.retain(|(address, _)| asked.ids.contains(&address.id) && counts(address));
            let parsed = self
                .repo
                .each(&files, |reader, (_, entry)| anyhow::Ok(parse(kind, &entry.path, &reader.blob(entry.blob)?)))?;
            for (id, name) in parsed.iter().flatten().filter_map(|facts| facts.names.first()) {
                found.add(kind, id, name);
            }
        }
        let others = Ids::new(asked.identities.iter().map(String::as_str));
        if others.ids.is_empty() {
            return Ok(found);
        }
        for kind in kinds.iter().filter(|kind| !schema::of(kind).identities().is_empty()) {
            let mut files = self.files(kind)?;
            files.retain(|(address, _)| counts(address));
            // Parsing is what costs; most files do not hold any of them.
            let parsed = self.repo.each(&files, |reader, (_, entry)| {
                let bytes = reader.blob(entry.blob)?;
                anyhow::Ok(others.any_in(&bytes).then(|| parse(kind, &entry.path, &bytes)).flatten())
            })?;
            for (id, name) in parsed.iter().flatten().flat_map(|facts| facts.names.iter().skip(1)) {
                if others.ids.contains(id.as_str()) {
                    found.add(kind, id, name);
                }
            }
        }
        Ok(found)
    }

    /// Fills in links of an object that could not be read, as its file has them.
    pub fn carry(&self, kind: &'static Kind, object: &mut Object, missing: &[(&'static str, Coverage)]) -> Result<()> {
        let Some(entry) = self.find(kind, &kind.address(object.id()).id)? else { return Ok(()) };
        let Ok(document) = yaml::read(&entry.path, &self.repo.blob(entry.blob)?) else { return Ok(()) };
        let last = normalize(kind, document.value).object;
        for (link, _) in missing {
            if let Some(value) = link_value(&last, link) {
                object.0.insert((*link).to_owned(), value);
            }
        }
        Ok(())
    }

    /// Objects of those kinds whose files hold one of `ids`.
    pub fn referrers(&self, kinds: &[&'static Kind], ids: &BTreeSet<String>) -> Result<Vec<(Address, Entry)>> {
        let mut found = Vec::new();
        let wanted = Ids::new(ids.iter().map(String::as_str));
        for kind in kinds.iter().filter(|_| !ids.is_empty()) {
            let files = self.files(kind)?;
            let held =
                self.repo.each(&files, |reader, (_, entry)| anyhow::Ok(wanted.any_in(&reader.blob(entry.blob)?)))?;
            found.extend(files.into_iter().zip(held).filter(|(_, held)| *held).map(|(file, _)| file));
        }
        Ok(found)
    }
}

/// Ids to look for in a million files: most words are not of any id's length.
struct Ids<'a> {
    ids: HashSet<&'a str>,
    lengths: BTreeSet<usize>,
}

impl<'a> Ids<'a> {
    fn new(ids: impl Iterator<Item = &'a str>) -> Ids<'a> {
        let ids: HashSet<&str> = ids.collect();
        Ids { lengths: ids.iter().map(|id| id.len()).collect(), ids }
    }

    fn any_in(&self, bytes: &[u8]) -> bool {
        words(bytes).any(|word| self.lengths.contains(&word.len()) && self.ids.contains(word))
    }
}

fn parse(kind: &'static Kind, path: &str, bytes: &[u8]) -> Option<Facts> {
    let normalized = normalize(kind, yaml::read(path, bytes).ok()?.value);
    Some(Facts::of(kind, &normalized.object, normalized.unknown))
}

/// Words that may be ids.
pub(super) fn words(bytes: &[u8]) -> impl Iterator<Item = &str> {
    let ours = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    bytes
        .split(move |byte| !ours(byte))
        .filter(|word| !word.is_empty())
        .filter_map(|word| std::str::from_utf8(word).ok())
}
