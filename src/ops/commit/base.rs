//! Provides [`Base`]: a commit, mostly the last snapshot, whose folders and files are read only when they are asked for.

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

/// Maximum number of ids that are looked up one by one. For more, all files of a kind are listed instead.
const MAX_SINGLE_LOOKUPS: usize = 1_000;

/// Reads a commit's folders and files when they are asked for, and keeps what it read.
pub struct Base<'a> {
    repo: &'a Repo,
    /// Id of the root tree.
    pub tree: ObjectId,
    /// Folders that were read, by path.
    folders: RefCell<HashMap<String, Rc<Folder>>>,
    /// Facts of the files that were read, by the id of their content; `None` if a file cannot be parsed.
    facts: RefCell<HashMap<ObjectId, Option<Rc<Facts>>>>,
    /// Store of the objects' identities, loaded from the git directory at first use.
    identities: RefCell<Option<Identities>>,
}

/// Represents one folder of the commit; empty if the commit has no such folder.
#[derive(Default)]
struct Folder {
    tree: Option<ObjectId>,
    /// Ids of the files' contents, by file name.
    files: BTreeMap<String, ObjectId>,
    /// Ids of the subfolders' trees, by name.
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

    /// Returns the folder at `path`, the root for an empty one.
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

    /// Returns the kinds that have an object with this id: almost always one at most.
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
        for path in self.folder_paths(kind)? {
            let folder = self.folder(&path)?;
            for (name, blob) in &folder.files {
                let path = format!("{path}/{name}");
                // A subfolder of the kind's folder may belong to another kind.
                if let Some((_, id)) = address_of(&path).ok().filter(|(found, _)| *found == kind) {
                    found.push((Address::new(kind, id), Entry { path, blob: *blob }));
                }
            }
        }
        Ok(found)
    }

    /// Returns the facts that a file states of its object; `None` if the file cannot be parsed.
    pub fn facts(&self, kind: &'static Kind, entry: &Entry) -> Result<Option<Rc<Facts>>> {
        if let Some(known) = self.facts.borrow().get(&entry.blob) {
            return Ok(known.clone());
        }
        let facts = parse_facts(kind, &entry.path, &self.repo.blob(entry.blob)?).map(Rc::new);
        self.facts.borrow_mut().insert(entry.blob, facts.clone());
        Ok(facts)
    }

    /// Looks up names for ids and other identities (as an application's `appId`) in the objects of `kinds`. `asked` holds both
    /// sorts. Objects for which `is_wanted` returns false are skipped.
    pub fn names(
        &self,
        kinds: &[&'static Kind],
        asked: &Mentioned,
        is_wanted: impl Fn(&Address) -> bool,
    ) -> Result<Candidates> {
        let mut found = Candidates::default();
        let few = asked.ids.len() <= MAX_SINGLE_LOOKUPS;
        for kind in kinds.iter().copied() {
            if few {
                for id in asked.ids.iter().filter(|id| is_wanted(&Address::new(kind, (*id).clone()))) {
                    let Some(entry) = self.find(kind, id)? else { continue };
                    if let Some((_, name)) = self.facts(kind, &entry)?.as_ref().and_then(|facts| facts.names.first()) {
                        found.add(kind, id, name);
                    }
                }
                continue;
            }
            let mut files = self.files(kind)?;
            files.retain(|(address, _)| asked.ids.contains(&address.id) && is_wanted(address));
            let parsed = self.repo.each(&files, |reader, (_, entry)| {
                anyhow::Ok(parse_facts(kind, &entry.path, &reader.blob(entry.blob)?))
            })?;
            for (id, name) in parsed.iter().flatten().filter_map(|facts| facts.names.first()) {
                found.add(kind, id, name);
            }
        }
        let others = IdSet::new(asked.identities.iter().map(String::as_str));
        if others.ids.is_empty() {
            return Ok(found);
        }
        for kind in kinds.iter().copied().filter(|kind| !schema::of(kind).identities().is_empty()) {
            for address in self.objects_with_identity(kind, &others)?.iter().filter(|address| is_wanted(address)) {
                let Some(entry) = self.find(kind, &address.id)? else { continue };
                let Some(facts) = self.facts(kind, &entry)? else { continue };
                for (id, name) in facts.names.iter().skip(1).filter(|(id, _)| others.ids.contains(id.as_str())) {
                    found.add(kind, id, name);
                }
            }
        }
        Ok(found)
    }

    /// Returns the objects of a kind that have one of these identities. Reads the files of folders that the store of identities
    /// does not know, and adds them to it.
    fn objects_with_identity(&self, kind: &'static Kind, asked: &IdSet<'_>) -> Result<BTreeSet<Address>> {
        let folders: Vec<(String, Rc<Folder>)> = self
            .folder_paths(kind)?
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
                // A subfolder of the kind's folder may belong to another kind.
                let own = address_of(path).is_ok_and(|(found, _)| found == kind);
                let facts = if own { parse_facts(kind, path, &reader.blob(*blob)?) } else { None };
                anyhow::Ok((*tree, facts))
            })?;
            let mut pairs: BTreeMap<ObjectId, Pairs> = unknown.iter().map(|tree| (*tree, Pairs::new())).collect();
            for (tree, facts) in read {
                let mut names = facts.into_iter().flat_map(|facts| facts.names).map(|(id, _)| id);
                let Some(id) = names.next() else { continue };
                pairs.entry(tree).or_default().extend(names.map(|identity| (identity, id.clone())));
            }
            identities.learn(kind, &trees, pairs);
            // A failure is ignored: the identities are then read again next time.
            drop(identities.store(self.repo.git_dir()));
        }
        Ok(identities.find(kind, |identity| asked.ids.contains(identity)).map(|id| kind.address(id)).collect())
    }

    /// Returns the paths of the folders in which files of a kind may be: the kind's folder and its subfolders.
    fn folder_paths(&self, kind: &'static Kind) -> Result<Vec<String>> {
        let own = self.folder(kind.folder)?;
        let shards = own.folders.keys().map(|name| format!("{}/{name}", kind.folder));
        Ok(std::iter::once(kind.folder.to_owned()).chain(shards).collect())
    }

    /// Sets the links in `missing`, which could not be read from the tenant, to their values in the object's file. Without a
    /// file, nothing is set.
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

    /// Returns the objects of these kinds whose files contain one of `ids`.
    pub fn referrers(&self, kinds: &[&'static Kind], ids: &BTreeSet<String>) -> Result<Vec<(Address, Entry)>> {
        let mut found = Vec::new();
        let wanted = IdSet::new(ids.iter().map(String::as_str));
        for kind in kinds.iter().filter(|_| !ids.is_empty()) {
            let files = self.files(kind)?;
            let held =
                self.repo.each(&files, |reader, (_, entry)| anyhow::Ok(wanted.any_in(&reader.blob(entry.blob)?)))?;
            found.extend(files.into_iter().zip(held).filter(|(_, held)| *held).map(|(file, _)| file));
        }
        Ok(found)
    }
}

/// Holds ids to look for in many files. The length of a word is compared first, since that is fast and rules out most words.
struct IdSet<'a> {
    ids: HashSet<&'a str>,
    lengths: BTreeSet<usize>,
}

impl<'a> IdSet<'a> {
    fn new(ids: impl Iterator<Item = &'a str>) -> IdSet<'a> {
        let ids: HashSet<&str> = ids.collect();
        IdSet { lengths: ids.iter().map(|id| id.len()).collect(), ids }
    }

    /// Returns true if the content of a file contains one of the ids as a word.
    fn any_in(&self, bytes: &[u8]) -> bool {
        words(bytes).any(|word| self.lengths.contains(&word.len()) && self.ids.contains(word))
    }
}

/// Parses the file of an object; `None` if it is no valid YAML.
fn parse_facts(kind: &'static Kind, path: &str, bytes: &[u8]) -> Option<Facts> {
    let normalized = normalize(kind, yaml::read(path, bytes).ok()?.value);
    Some(Facts::of(kind, &normalized.object, normalized.unknown))
}

/// Splits the content of a file into the words that may be ids: runs of letters, digits, `-`, `_` and `.`.
pub(in crate::ops) fn words(bytes: &[u8]) -> impl Iterator<Item = &str> {
    let is_id_byte = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    bytes
        .split(move |byte| !is_id_byte(byte))
        .filter(|word| !word.is_empty())
        .filter_map(|word| std::str::from_utf8(word).ok())
}
