//! Provides [`Base`]: the last snapshot, of which only those folders and files are read that somebody asks for.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use anyhow::Result;

use super::identities::{Identities, Pairs};
use super::source::Entry;
use crate::engine::normalize::normalize;
use crate::engine::refs::Mentioned;
use crate::engine::schema;
use crate::format::path::{address_of, folders_of};
use crate::format::yaml;
use crate::kinds;
use crate::model::{Address, Coverage, Kind, Object};
use crate::ops::read::facts::{Candidates, Facts};
use crate::ops::read::live::link_value;
use crate::repo::{ObjectId, Repo};

/// Number of ids above which they are looked for file by file, not id by id.
const MANY: usize = 1_000;

/// Reads a commit's files as they are needed, and keeps them.
pub struct Base<'a> {
    repo: &'a Repo,
    /// Id of the root tree.
    pub tree: ObjectId,
    folders: RefCell<HashMap<String, Rc<Folder>>>,
    facts: RefCell<HashMap<ObjectId, Option<Rc<Facts>>>>,
    identities: RefCell<Option<Identities>>,
}

/// Represents one folder of the commit.
#[derive(Default)]
struct Folder {
    tree: Option<ObjectId>,
    files: BTreeMap<String, ObjectId>,
    folders: BTreeMap<String, ObjectId>,
    /// File names of the objects, by object id.
    by_id: HashMap<String, String>,
}

impl<'a> Base<'a> {
    /// Opens `commit`.
    ///
    /// # Errors
    /// If there is no such commit.
    pub fn new(repo: &'a Repo, commit: ObjectId) -> Result<Base<'a>> {
        let tree = repo.commit(commit)?.tree;
        Ok(Base { repo, tree, folders: RefCell::default(), facts: RefCell::default(), identities: RefCell::default() })
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
        let mut folder = Folder { tree, ..Folder::default() };
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

    /// Returns the id of the content of the file at `path`.
    ///
    /// # Errors
    /// If the object database cannot be read; the same holds for all the other functions.
    pub fn at(&self, path: &str) -> Result<Option<ObjectId>> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        Ok(self.folder(folder)?.files.get(name).copied())
    }

    /// Returns the file of an object, in any layout.
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

    /// Returns the kinds that have an object with this id; ids are hardly ever shared.
    pub fn kinds_of(&self, id: &str) -> Result<Vec<&'static Kind>> {
        let mut found = Vec::new();
        for kind in kinds::ALL.iter().copied() {
            if self.find(kind, id)?.is_some() {
                found.push(kind);
            }
        }
        Ok(found)
    }

    /// Returns every object of a kind with its file.
    pub fn files(&self, kind: &'static Kind) -> Result<Vec<(Address, Entry)>> {
        if kind.is_singleton() {
            let id = kind.singleton_id();
            return Ok(self.find(kind, id)?.map(|entry| (kind.address(id), entry)).into_iter().collect());
        }
        let mut found = Vec::new();
        for path in self.paths(kind)? {
            let folder = self.folder(&path)?;
            for (name, blob) in &folder.files {
                let path = format!("{path}/{name}");
                // A folder within the folder of a kind may belong to another kind.
                if let Some((_, id)) = address_of(&path).ok().filter(|(found, _)| *found == kind) {
                    found.push((Address::new(kind, id), Entry { path, blob: *blob }));
                }
            }
        }
        Ok(found)
    }

    /// Returns the facts that a file states of its object; none if it cannot be parsed.
    pub fn facts(&self, kind: &'static Kind, entry: &Entry) -> Result<Option<Rc<Facts>>> {
        if let Some(known) = self.facts.borrow().get(&entry.blob) {
            return Ok(known.clone());
        }
        let facts = parse(kind, &entry.path, &self.repo.blob(entry.blob)?).map(Rc::new);
        self.facts.borrow_mut().insert(entry.blob, facts.clone());
        Ok(facts)
    }

    /// Returns the names of those of `asked` that are objects of `kinds`, or other identities of such objects. Objects for which
    /// `counts` returns false are passed over.
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
                for id in asked.ids.iter().filter(|id| counts(&Address::new(kind, (*id).clone()))) {
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
        for kind in kinds.iter().copied().filter(|kind| !schema::of(kind).identities().is_empty()) {
            for address in self.known_as(kind, &others)?.iter().filter(|address| counts(address)) {
                let Some(entry) = self.find(kind, &address.id)? else { continue };
                let Some(facts) = self.facts(kind, &entry)? else { continue };
                for (id, name) in facts.names.iter().skip(1).filter(|(id, _)| others.ids.contains(id.as_str())) {
                    found.add(kind, id, name);
                }
            }
        }
        Ok(found)
    }

    /// Returns the objects of a kind that have one of these identities.
    fn known_as(&self, kind: &'static Kind, asked: &Ids<'_>) -> Result<BTreeSet<Address>> {
        let folders: Vec<(String, Rc<Folder>)> = self
            .paths(kind)?
            .into_iter()
            .map(|path| self.folder(&path).map(|folder| (path, folder)))
            .collect::<Result<_>>()?;
        let trees: BTreeSet<ObjectId> = folders.iter().filter_map(|(_, folder)| folder.tree).collect();
        let mut identities = self.identities.borrow_mut();
        let identities = identities.get_or_insert_with(|| Identities::load(self.repo.git_dir()));
        let unknown = identities.unknown(kind, &trees);
        if !unknown.is_empty() {
            let new = folders.iter().filter_map(|(path, folder)| Some((path, folder, folder.tree?)));
            let mut files = Vec::new();
            for (path, folder, tree) in new.filter(|(.., tree)| unknown.contains(tree)) {
                files.extend(folder.files.iter().map(|(name, blob)| (format!("{path}/{name}"), *blob, tree)));
            }
            let read = self.repo.each(&files, |reader, (path, blob, tree)| {
                // A folder within the folder of a kind may belong to another kind.
                let own = address_of(path).is_ok_and(|(found, _)| found == kind);
                let facts = if own { parse(kind, path, &reader.blob(*blob)?) } else { None };
                anyhow::Ok((*tree, facts))
            })?;
            let mut pairs: BTreeMap<ObjectId, Pairs> = unknown.iter().map(|tree| (*tree, Pairs::new())).collect();
            for (tree, facts) in read {
                let mut names = facts.into_iter().flat_map(|facts| facts.names).map(|(id, _)| id);
                let Some(id) = names.next() else { continue };
                pairs.entry(tree).or_default().extend(names.map(|identity| (identity, id.clone())));
            }
            identities.learn(kind, &trees, pairs);
            // A failure to store only costs the time to read the identities again.
            drop(identities.store(self.repo.git_dir()));
        }
        Ok(identities.find(kind, |identity| asked.ids.contains(identity)).map(|id| kind.address(id)).collect())
    }

    /// Returns the folders in which files of a kind may be.
    fn paths(&self, kind: &'static Kind) -> Result<Vec<String>> {
        let own = self.folder(kind.folder)?;
        let shards = own.folders.keys().map(|name| format!("{}/{name}", kind.folder));
        Ok(std::iter::once(kind.folder.to_owned()).chain(shards).collect())
    }

    /// Fills in the links of an object that could not be read, with the values in its file.
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

    /// Returns the objects of those kinds whose files hold one of `ids`.
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

/// Holds ids to look for in a million files. Lengths are compared first, as most words have not the length of any id.
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

/// Returns the words that may be ids.
pub(in crate::ops) fn words(bytes: &[u8]) -> impl Iterator<Item = &str> {
    let ours = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    bytes
        .split(move |byte| !ours(byte))
        .filter(|word| !word.is_empty())
        .filter_map(|word| std::str::from_utf8(word).ok())
}
