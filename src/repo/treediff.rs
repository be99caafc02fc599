//! Finds the differences between two commits, and looks single files up, without reading what is equal or not asked for: the cost
//! depends on the size of the change.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use git2::ObjectType;

use super::budget::{Budget, MAX_DEPTH};
use super::names::{faults, finding, shown};
use super::tree::{EntryName, MAX_FINDINGS, MAX_TREE, Mode, Objects, entry_faults, in_order, next_entry, read};
use super::{Entry, Listing, ObjectId, Repo, RepoError};
use crate::model::Finding;

/// Holds the entries of a folder: files and folders, each sorted by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folder {
    /// Files with the ids of their content.
    pub files: Vec<(String, ObjectId)>,
    /// Folders with the ids of their trees.
    pub folders: Vec<(String, ObjectId)>,
}

#[derive(Clone, Copy)]
struct Item<'a> {
    name: &'a [u8],
    /// Mode of the entry; `None` if it is none that git writes.
    mode: Option<Mode>,
    id: ObjectId,
}

impl<'a> Item<'a> {
    fn is_folder(&self) -> bool {
        self.mode == Some(Mode::Folder)
    }

    fn entry_name(&self) -> EntryName<'a> {
        EntryName { name: self.name, folder: self.is_folder() }
    }
}

/// Represents an entry of a commit that is no folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Leaf {
    pub path: String,
    pub mode: Mode,
    pub id: ObjectId,
}

impl Repo {
    /// Returns the files in which two commits differ: those of the first and those of the second, each sorted by path. Equal
    /// subtrees are not read.
    pub fn changed_entries(&self, a: ObjectId, b: ObjectId) -> Result<(Vec<Entry>, Vec<Entry>), RepoError> {
        let (a, b) = self.changed_leaves(a, b)?;
        let files = |leaves: &[Leaf]| -> BTreeSet<Entry> {
            let files = leaves.iter().filter(|leaf| leaf.mode.is_file());
            files.map(|leaf| Entry { path: leaf.path.clone(), blob: leaf.id }).collect()
        };
        let (a, b) = (files(&a), files(&b));
        // Files that differ only in the executable bit are on both sides, so they are dropped.
        Ok((a.difference(&b).cloned().collect(), b.difference(&a).cloned().collect()))
    }

    /// Lists the entries that each of two commits has and the other lacks or has with other content. Files that differ by the
    /// executable bit alone are left out.
    ///
    /// # Errors
    /// [`RepoError::Hostile`] with every entry that differs and that [`Repo::listing`] would refuse.
    pub fn changed_listings(&self, a: ObjectId, b: ObjectId) -> Result<(Listing, Listing), RepoError> {
        let Found { a, b, mut refused, .. } = self.find_changes(a, b)?;
        if !refused.is_empty() {
            refused.sort();
            refused.dedup();
            return Err(RepoError::Hostile(refused));
        }
        let same: BTreeSet<(&str, ObjectId)> =
            a.iter().filter(|leaf| leaf.mode.is_file()).map(|leaf| (leaf.path.as_str(), leaf.id)).collect();
        let same: BTreeSet<String> = b
            .iter()
            .filter(|leaf| leaf.mode.is_file() && same.contains(&(leaf.path.as_str(), leaf.id)))
            .map(|leaf| leaf.path.clone())
            .collect();
        let listing = |leaves: Vec<Leaf>| {
            let mut listing = Listing::default();
            for leaf in leaves.into_iter().filter(|leaf| !same.contains(&leaf.path)) {
                if leaf.mode != Mode::File {
                    listing.unusual.insert(leaf.path.clone(), (leaf.mode, leaf.id));
                }
                if leaf.mode.is_file() {
                    listing.entries.push(Entry { path: leaf.path, blob: leaf.id });
                }
            }
            listing
        };
        Ok((listing(a), listing(b)))
    }

    /// Returns all entries in which two commits differ, also by the mode alone. Entries that [`Repo::listing`] would refuse are
    /// left out.
    pub(super) fn changed_leaves(&self, a: ObjectId, b: ObjectId) -> Result<(Vec<Leaf>, Vec<Leaf>), RepoError> {
        let found = self.find_changes(a, b)?;
        Ok((found.a, found.b))
    }

    fn find_changes(&self, a: ObjectId, b: ObjectId) -> Result<Found, RepoError> {
        let (a, b) = (self.commit(a)?.tree, self.commit(b)?.tree);
        let budget = Budget::default();
        // The trees are compared level by level, since the shards of a large kind can be read on all cores.
        let mut found = Found::default();
        let mut open = vec![Pair { a: Some(a), b: Some(b), prefix: String::new() }];
        for depth in 1..=MAX_DEPTH {
            let parts = self.each(&open, |reader, pair| differ(&reader.odb, pair, depth, &budget))?;
            open.clear();
            for part in parts {
                found.a.extend(part.a);
                found.b.extend(part.b);
                found.refused.extend(part.refused);
                open.extend(part.open);
            }
            found.refused.truncate(MAX_FINDINGS);
            if open.is_empty() {
                break;
            }
        }
        found.a.sort();
        found.b.sort();
        Ok(found)
    }

    /// Returns the tree of the folder at `path` (`""`: the root) of a commit; `None` if there is no such folder.
    pub fn tree_at(&self, commit: ObjectId, path: &str) -> Result<Option<ObjectId>, RepoError> {
        let mut tree = self.commit(commit)?.tree;
        for part in path.split('/').filter(|part| !part.is_empty()) {
            match self.folder(tree)?.folders.into_iter().find(|(name, _)| name == part) {
                Some((_, id)) => tree = id,
                None => return Ok(None),
            }
        }
        Ok(Some(tree))
    }

    /// Returns the content of a file at the root of a commit, without reading the rest; `None` if there is no such file.
    pub fn root_file(&self, commit: ObjectId, name: &str) -> Result<Option<ObjectId>, RepoError> {
        let root = self.folder(self.commit(commit)?.tree)?;
        Ok(root.files.into_iter().find(|(file, _)| file == name).map(|(_, id)| id))
    }

    /// Returns the direct entries of a tree.
    pub fn folder(&self, tree: ObjectId) -> Result<Folder, RepoError> {
        let git = self.git();
        let odb = Objects::open(&git)?;
        let bytes = read(&odb, tree, ObjectType::Tree, MAX_TREE)?;
        let mut folder = Folder::default();
        for item in items(tree, bytes.data())? {
            let Some(name) = fair(item.name) else { continue };
            match item.mode {
                Some(Mode::Folder) => folder.folders.push((name.to_owned(), item.id)),
                Some(mode) if mode.is_file() => folder.files.push((name.to_owned(), item.id)),
                _ => {}
            }
        }
        // Git sorts a folder as if its name ended in a slash.
        folder.folders.sort();
        Ok(folder)
    }
}

/// Returns a name that may be shown and compared; hostile names are reported when the whole tree is read.
fn fair(name: &[u8]) -> Option<&str> {
    std::str::from_utf8(name).ok().filter(|_| faults(name).is_empty())
}

/// Returns the entries of a tree. The order is checked, so that no entry occurs twice.
fn items(id: ObjectId, bytes: &[u8]) -> Result<Vec<Item<'_>>, RepoError> {
    let mut items: Vec<Item<'_>> = Vec::with_capacity(bytes.len() / 64);
    let mut rest = bytes;
    while !rest.is_empty() {
        let (mode, name, child);
        (mode, name, child, rest) =
            next_entry(rest).ok_or_else(|| RepoError::Damaged(format!("tree {id} cannot be read")))?;
        let mode = Mode::parse(mode);
        let item = Item { name, mode, id: child };
        if items.last().is_some_and(|last| !in_order(last.entry_name(), item.entry_name())) {
            return Err(RepoError::Damaged(format!("tree {id} is not sorted, so no git made it")));
        }
        items.push(item);
    }
    Ok(items)
}

/// Represents two folders that differ; one may be missing.
struct Pair {
    a: Option<ObjectId>,
    b: Option<ObjectId>,
    prefix: String,
}

/// Holds the direct differences of a pair of folders, and the folders below that differ.
#[derive(Default)]
struct Found {
    a: Vec<Leaf>,
    b: Vec<Leaf>,
    open: Vec<Pair>,
    refused: Vec<Finding>,
}

impl Found {
    fn refuse(&mut self, prefix: &str, name: &[u8], wrong: &[(&'static str, &'static str)]) {
        if self.refused.len() < MAX_FINDINGS {
            let path = format!("{}{}", shown(prefix.as_bytes()), shown(name));
            self.refused.extend(wrong.iter().map(|(check, why)| finding(path.clone(), check, *why)));
        }
    }
}

fn differ(odb: &Objects<'_>, pair: &Pair, depth: usize, budget: &Budget) -> Result<Found, RepoError> {
    let load = |id: Option<ObjectId>| {
        let Some(id) = id else { return Ok::<_, RepoError>(None) };
        let tree = read(odb, id, ObjectType::Tree, MAX_TREE)?;
        budget.read(&pair.prefix, tree.len())?;
        Ok(Some((id, tree)))
    };
    let (left, right) = (load(pair.a)?, load(pair.b)?);
    let left = left.as_ref().map_or(Ok(Vec::new()), |(id, tree)| items(*id, tree.data()))?;
    let right = right.as_ref().map_or(Ok(Vec::new()), |(id, tree)| items(*id, tree.data()))?;
    let mut found = Found::default();
    let (mut i, mut j) = (0, 0);
    while i < left.len() || j < right.len() {
        let order = match (left.get(i), right.get(j)) {
            (Some(x), Some(y)) => cmp_in_tree(x.entry_name(), y.entry_name()),
            (Some(_), None) => Ordering::Less,
            (None, _) => Ordering::Greater,
        };
        let x = left.get(i).filter(|_| order != Ordering::Greater).copied();
        let y = right.get(j).filter(|_| order != Ordering::Less).copied();
        i += usize::from(x.is_some());
        j += usize::from(y.is_some());
        if x.zip(y).is_some_and(|(x, y)| (x.id, x.mode) == (y.id, y.mode)) {
            continue;
        }
        let Some(item) = x.or(y) else { break };
        budget.entry(&pair.prefix, item.name, item.is_folder())?;
        let wrong: Vec<_> = x.iter().chain(&y).flat_map(|side| entry_faults(side.name, side.mode, depth)).collect();
        if !wrong.is_empty() {
            found.refuse(&pair.prefix, item.name, &wrong);
        }
        let Some(name) = fair(item.name) else { continue };
        if item.is_folder() {
            if depth >= MAX_DEPTH {
                continue;
            }
            let prefix = format!("{}{name}/", pair.prefix);
            found.open.push(Pair { a: x.map(|x| x.id), b: y.map(|y| y.id), prefix });
            continue;
        }
        let path = format!("{}{name}", pair.prefix);
        if let Some((y, mode)) = y.and_then(|y| Some((y, y.mode?))) {
            found.b.push(Leaf { path: path.clone(), mode, id: y.id });
        }
        if let Some((x, mode)) = x.and_then(|x| Some((x, x.mode?))) {
            found.a.push(Leaf { path, mode, id: x.id });
        }
    }
    Ok(found)
}

/// Compares in git's order within a tree: folders compare as if their name ended in a slash.
fn cmp_in_tree(a: EntryName<'_>, b: EntryName<'_>) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    if in_order(a, b) { Ordering::Less } else { Ordering::Greater }
}
