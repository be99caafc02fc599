//! Edits a tree that differs from another one in few files: only the folders on the way to them are read and written.

use std::collections::BTreeMap;

use git2::ObjectType;

use super::names::{faults, finding, shown};
use super::tree::{MAX_TREE, Mode, Objects, next_entry, read};
use super::writer::{entry, refused};
use super::{ObjectId, RepoError, SnapshotWriter};

/// Files that differ: path → new content, or `None` where the file is removed.
pub type Edits = BTreeMap<String, Option<ObjectId>>;

/// Represents the edit of one path.
#[derive(Debug, Clone, Copy)]
enum Edit {
    /// The path is removed.
    Remove,
    /// The path becomes a file with this content, with its executable bit unchanged.
    Content(ObjectId),
    /// The path gets exactly this mode and content.
    Place(Mode, ObjectId),
    /// The entry at the path, if there is one, gets another mode.
    SetMode(Mode),
}

/// Entry of a tree: its name, its mode and its content.
type NamedEntry = (String, (Mode, ObjectId));

impl SnapshotWriter<'_> {
    /// Writes the tree that is `base` but for `edits`, and flushes everything to the disk. Each content was put before or is in
    /// the repository. A folder that becomes empty is removed, as in git.
    ///
    /// # Errors
    /// The same as those of [`SnapshotWriter::finish`], for the files in `edits`; the rest of `base` was judged when it was made.
    pub fn edit(mut self, base: ObjectId, edits: &Edits) -> Result<ObjectId, RepoError> {
        let new = edits.iter().filter(|(_, blob)| blob.is_some());
        let findings: Vec<_> = new.flat_map(|(path, _)| refused(path)).collect();
        if !findings.is_empty() {
            return Err(RepoError::Hostile(findings));
        }
        let edits = self.with_unusual(base, edits)?;
        let edits: Vec<(&str, Edit)> = edits.iter().map(|(path, edit)| (path.as_str(), *edit)).collect();
        let root = match self.edited(Some(base), "", &edits)? {
            Some(root) => root,
            None => {
                let empty = ObjectId::of("tree", b"");
                self.add(ObjectType::Tree, empty, Vec::new())?;
                empty
            }
        };
        self.flush(root)
    }

    /// Returns the edits, and those that turn the executables, links and submodules of `base` into the ones to be kept.
    fn with_unusual(&mut self, base: ObjectId, edits: &Edits) -> Result<BTreeMap<String, Edit>, RepoError> {
        let content = |blob: &Option<ObjectId>| blob.map_or(Edit::Remove, Edit::Content);
        let mut all: BTreeMap<String, Edit> = edits.iter().map(|(path, blob)| (path.clone(), content(blob))).collect();
        let Some(kept) = self.unusual.take() else { return Ok(all) };
        let had = self.repo.tree_listing(base)?.unusual;
        let is_file = |found: Option<&(Mode, ObjectId)>| found.is_some_and(|(mode, _)| mode.is_file());
        for path in had.keys().chain(kept.keys()) {
            let (old, new) = (had.get(path), kept.get(path));
            if old.map(|(mode, _)| mode) == new.map(|(mode, _)| mode) && (old == new || is_file(new)) {
                continue;
            }
            let edit = match (all.get(path), new) {
                (Some(Edit::Content(blob)), Some((Mode::Executable, _))) => Edit::Place(Mode::Executable, *blob),
                (Some(Edit::Content(blob)), _) => Edit::Place(Mode::File, *blob),
                (Some(Edit::Remove), Some((mode, _))) if mode.is_file() => Edit::Remove,
                (None, Some((mode, _))) if mode.is_file() => Edit::SetMode(*mode),
                (_, Some((mode, id))) => Edit::Place(*mode, *id),
                (None, None) if is_file(old) => Edit::SetMode(Mode::File),
                (Some(edit), None) => *edit,
                (None, None) => Edit::Remove,
            };
            all.insert(path.clone(), edit);
        }
        Ok(all)
    }

    /// Returns the entries of a tree, folders with a slash. An entry that no snapshot holds is an error: it is neither kept nor
    /// silently dropped.
    fn strictly(&self, tree: ObjectId, path: &str) -> Result<Vec<NamedEntry>, RepoError> {
        let git = self.repo.git();
        let odb = Objects::open(&git)?;
        let object = read(&odb, tree, ObjectType::Tree, MAX_TREE)?;
        let (mut entries, mut rest) = (Vec::new(), object.data());
        while !rest.is_empty() {
            let (mode, name, id);
            (mode, name, id, rest) =
                next_entry(rest).ok_or_else(|| RepoError::Damaged(format!("tree {tree} cannot be read")))?;
            match (std::str::from_utf8(name), Mode::parse(mode)) {
                (Ok(name), Some(mode)) if faults(name.as_bytes()).is_empty() => {
                    let slash = if mode == Mode::Folder { "/" } else { "" };
                    entries.push((format!("{name}{slash}"), (mode, id)));
                }
                _ => {
                    let path = format!("{}{}", shown(path.as_bytes()), shown(name));
                    let why = "no snapshot holds such an entry: read everything anew with `entragit export`";
                    return Err(RepoError::Hostile(vec![finding(path, "file-mode", why)]));
                }
            }
        }
        Ok(entries)
    }

    /// Applies one edit to the entries of the folder `path`.
    fn apply(
        &mut self,
        entries: &mut BTreeMap<String, (Mode, ObjectId)>,
        path: &str,
        name: &str,
        edit: Edit,
    ) -> Result<(), RepoError> {
        let old = entries.get(name).map(|(mode, _)| *mode);
        let (mode, id) = match edit {
            Edit::Remove => {
                entries.remove(name);
                return Ok(());
            }
            Edit::SetMode(mode) => {
                entries.entry(name.to_owned()).and_modify(|entry| entry.0 = mode);
                return Ok(());
            }
            // A folder of files takes precedence over a link.
            Edit::Place(mode, _) if !mode.is_file() && entries.contains_key(&format!("{name}/")) => return Ok(()),
            Edit::Place(mode, id) => (mode, id),
            Edit::Content(id) => (old.filter(|mode| mode.is_file()).unwrap_or(Mode::File), id),
        };
        if mode != Mode::Submodule && !self.has(id)? {
            return Err(RepoError::Missing { id, hint: format!(", but {path}{name} needs it") });
        }
        entries.insert(name.to_owned(), (mode, id));
        Ok(())
    }

    /// Returns the tree below `path`, which is left out of the paths in `edits`; `None` if no file is left in it.
    fn edited(
        &mut self,
        tree: Option<ObjectId>,
        path: &str,
        edits: &[(&str, Edit)],
    ) -> Result<Option<ObjectId>, RepoError> {
        // The keys are in git's order: a folder sorts as if its name ended in a slash.
        let mut entries: BTreeMap<String, (Mode, ObjectId)> = BTreeMap::new();
        if let Some(tree) = tree {
            entries.extend(self.strictly(tree, path)?);
        }
        let mut rest = edits;
        while let Some((first, edit)) = rest.first() {
            let Some((name, _)) = first.split_once('/') else {
                self.apply(&mut entries, path, first, *edit)?;
                rest = &rest[1..];
                continue;
            };
            let own = |path: &str| path.strip_prefix(name).is_some_and(|below| below.starts_with('/'));
            let count = rest.iter().take_while(|(path, _)| own(path)).count();
            let below: Vec<_> = rest[..count].iter().map(|(path, edit)| (&path[name.len() + 1..], *edit)).collect();
            let key = format!("{name}/");
            let folder = entries.get(&key).map(|(_, tree)| *tree);
            match self.edited(folder, &format!("{path}{key}"), &below)? {
                Some(tree) => {
                    // A folder of files replaces a link.
                    if entries.get(name).is_some_and(|(mode, _)| !mode.is_file()) {
                        entries.remove(name);
                    }
                    entries.insert(key, (Mode::Folder, tree));
                }
                None => drop(entries.remove(&key)),
            }
            rest = &rest[count..];
        }
        let mut content = Vec::new();
        for (name, (mode, id)) in &entries {
            match name.strip_suffix('/') {
                Some(name) if entries.contains_key(name) => {
                    let why = "this path is both a file and a folder: rename one";
                    return Err(RepoError::Hostile(vec![finding(format!("{path}{name}"), "duplicate-path", why)]));
                }
                Some(name) => entry(&mut content, mode.as_str(), name, id),
                None => entry(&mut content, mode.as_str(), name, id),
            }
        }
        if content.is_empty() {
            return Ok(None);
        }
        let id = ObjectId::of("tree", &content);
        if !self.has(id)? {
            self.add(ObjectType::Tree, id, content)?;
        }
        Ok(Some(id))
    }
}
