//! What differs between two commits, and looking things up in one, without reading what is equal or not asked for: cost
//! follows the change.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use git2::ObjectType;

use super::names::faults;
use super::tree::{MAX_DEPTH, MAX_TREE, Mode, Objects, in_order, next_entry, read};
use super::{Entry, ObjectId, Repo, RepoError};

/// What a folder holds: files and folders, each sorted by name.
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
    mode: Mode,
    id: ObjectId,
}

impl Item<'_> {
    fn is_folder(&self) -> bool {
        self.mode == Mode::Folder
    }
}

/// Something other than a folder in a commit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Leaf {
    pub path: String,
    pub mode: Mode,
    pub id: ObjectId,
}

impl Repo {
    /// The files in which two commits differ: those of the first and those of the second, each sorted by path. Equal
    /// subtrees are not read.
    pub fn changed_entries(&self, a: ObjectId, b: ObjectId) -> Result<(Vec<Entry>, Vec<Entry>), RepoError> {
        let (a, b) = self.changed_leaves(a, b)?;
        let files = |leaves: &[Leaf]| -> BTreeSet<Entry> {
            let files = leaves.iter().filter(|leaf| leaf.mode.is_file());
            files.map(|leaf| Entry { path: leaf.path.clone(), blob: leaf.id }).collect()
        };
        let (a, b) = (files(&a), files(&b));
        // Those of which only the executable bit differs are on both sides.
        Ok((a.difference(&b).cloned().collect(), b.difference(&a).cloned().collect()))
    }

    /// Everything in which two commits differ, also by its mode alone.
    pub(super) fn changed_leaves(&self, a: ObjectId, b: ObjectId) -> Result<(Vec<Leaf>, Vec<Leaf>), RepoError> {
        let (a, b) = (self.commit(a)?.tree, self.commit(b)?.tree);
        // Level by level, since the shards of a large kind can be read on all cores.
        let mut found = Found::default();
        let mut open = vec![Pair { a: Some(a), b: Some(b), prefix: String::new() }];
        for _ in 0..MAX_DEPTH {
            let parts = self.each(&open, |reader, pair| differ(&reader.odb, pair))?;
            open.clear();
            for part in parts {
                found.a.extend(part.a);
                found.b.extend(part.b);
                open.extend(part.open);
            }
            if open.is_empty() {
                break;
            }
        }
        found.a.sort();
        found.b.sort();
        Ok((found.a, found.b))
    }

    /// The tree of the folder at `path` (`""`: the root) of a commit; `None` if there is no such folder.
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

    /// The content of a file at the root of a commit, without reading the rest; `None` if there is no such file.
    pub fn root_file(&self, commit: ObjectId, name: &str) -> Result<Option<ObjectId>, RepoError> {
        let root = self.folder(self.commit(commit)?.tree)?;
        Ok(root.files.into_iter().find(|(file, _)| file == name).map(|(_, id)| id))
    }

    /// What a tree holds directly.
    pub fn folder(&self, tree: ObjectId) -> Result<Folder, RepoError> {
        let git = self.git();
        let odb = Objects::open(&git)?;
        let bytes = read(&odb, tree, ObjectType::Tree, MAX_TREE)?;
        let mut folder = Folder::default();
        for item in items(tree, bytes.data())? {
            let Some(name) = fair(item.name) else { continue };
            match item.mode {
                Mode::Folder => folder.folders.push((name.to_owned(), item.id)),
                mode if mode.is_file() => folder.files.push((name.to_owned(), item.id)),
                _ => {}
            }
        }
        // Git sorts a folder as if its name ended in a slash.
        folder.folders.sort();
        Ok(folder)
    }
}

/// A name that may be shown and compared; hostile ones are reported by whoever reads the whole tree.
fn fair(name: &[u8]) -> Option<&str> {
    std::str::from_utf8(name).ok().filter(|_| faults(name).is_empty())
}

/// What a tree holds; what has a mode that no git writes is passed over. The order is checked, so that nothing is there twice.
fn items(id: ObjectId, bytes: &[u8]) -> Result<Vec<Item<'_>>, RepoError> {
    let mut items: Vec<Item<'_>> = Vec::with_capacity(bytes.len() / 64);
    let mut rest = bytes;
    while !rest.is_empty() {
        let (mode, name, child);
        (mode, name, child, rest) =
            next_entry(rest).ok_or_else(|| RepoError::Damaged(format!("tree {id} cannot be read")))?;
        let mode = Mode::parse(mode);
        let folder = mode == Some(Mode::Folder);
        if items.last().is_some_and(|last| !in_order((last.name, last.is_folder()), (name, folder))) {
            return Err(RepoError::Damaged(format!("tree {id} is not sorted, so no git made it")));
        }
        if let Some(mode) = mode {
            items.push(Item { name, mode, id: child });
        }
    }
    Ok(items)
}

/// Two folders that differ; one may be missing.
struct Pair {
    a: Option<ObjectId>,
    b: Option<ObjectId>,
    prefix: String,
}

/// What differs directly in a pair of folders, and the folders below that differ.
#[derive(Default)]
struct Found {
    a: Vec<Leaf>,
    b: Vec<Leaf>,
    open: Vec<Pair>,
}

fn differ(odb: &Objects<'_>, pair: &Pair) -> Result<Found, RepoError> {
    let load = |id: Option<ObjectId>| match id {
        Some(id) => Ok(Some((id, read(odb, id, ObjectType::Tree, MAX_TREE)?))),
        None => Ok::<_, RepoError>(None),
    };
    let (left, right) = (load(pair.a)?, load(pair.b)?);
    let left = left.as_ref().map_or(Ok(Vec::new()), |(id, tree)| items(*id, tree.data()))?;
    let right = right.as_ref().map_or(Ok(Vec::new()), |(id, tree)| items(*id, tree.data()))?;
    let mut found = Found::default();
    let (mut i, mut j) = (0, 0);
    while i < left.len() || j < right.len() {
        let order = match (left.get(i), right.get(j)) {
            (Some(x), Some(y)) => (x.name, x.is_folder()).cmp_in_tree(&(y.name, y.is_folder())),
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
        let Some(name) = fair(item.name) else { continue };
        if item.is_folder() {
            let prefix = format!("{}{name}/", pair.prefix);
            found.open.push(Pair { a: x.map(|x| x.id), b: y.map(|y| y.id), prefix });
            continue;
        }
        let path = format!("{}{name}", pair.prefix);
        if let Some(y) = y {
            found.b.push(Leaf { path: path.clone(), mode: y.mode, id: y.id });
        }
        if let Some(x) = x {
            found.a.push(Leaf { path, mode: x.mode, id: x.id });
        }
    }
    Ok(found)
}

trait InTree {
    /// Git's order within a tree: folders compare as if their name ended in a slash.
    fn cmp_in_tree(&self, other: &Self) -> Ordering;
}

impl InTree for (&[u8], bool) {
    fn cmp_in_tree(&self, other: &Self) -> Ordering {
        if self == other {
            return Ordering::Equal;
        }
        if in_order(*self, *other) { Ordering::Less } else { Ordering::Greater }
    }
}
