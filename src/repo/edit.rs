//! A tree that differs from another one in few files: only the folders on the way to them are read and written.

use std::collections::BTreeMap;

use git2::ObjectType;

use super::names::{faults, finding, shown};
use super::tree::{MAX_TREE, next_entry, read};
use super::writer::{entry, refused};
use super::{ObjectId, RepoError, SnapshotWriter};

/// Files that differ: path → new content, or nothing where the file is gone.
pub type Edits = BTreeMap<String, Option<ObjectId>>;

impl SnapshotWriter<'_> {
    /// Writes the tree that is `base` but for `edits`, and flushes everything to the disk. Each content was put before or is
    /// in the repository. A folder that is left empty is gone, as git has it.
    ///
    /// # Errors
    /// As of [`SnapshotWriter::finish`], for the files in `edits`; what `base` holds otherwise was judged when it was made.
    pub fn edit(mut self, base: ObjectId, edits: &Edits) -> Result<ObjectId, RepoError> {
        let new = edits.iter().filter(|(_, blob)| blob.is_some());
        let findings: Vec<_> = new.flat_map(|(path, _)| refused(path)).collect();
        if !findings.is_empty() {
            return Err(RepoError::Hostile(findings));
        }
        let edits: Vec<(&str, Option<ObjectId>)> = edits.iter().map(|(path, blob)| (path.as_str(), *blob)).collect();
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

    /// What a tree holds, folders with a slash. What no snapshot holds is not carried on, nor dropped without a word.
    fn strictly(&self, tree: ObjectId, path: &str) -> Result<Vec<(String, ObjectId)>, RepoError> {
        let git = self.repo.git();
        let odb = git.odb().map_err(|error| RepoError::git("open the object database", &error))?;
        let object = read(&odb, tree, ObjectType::Tree, MAX_TREE)?;
        let (mut entries, mut rest) = (Vec::new(), object.data());
        while !rest.is_empty() {
            let (mode, name, id);
            (mode, name, id, rest) =
                next_entry(rest).ok_or_else(|| RepoError::Damaged(format!("tree {tree} cannot be read")))?;
            match (std::str::from_utf8(name), mode) {
                (Ok(name), b"100644") if faults(name.as_bytes()).is_empty() => entries.push((name.to_owned(), id)),
                (Ok(name), b"40000") if faults(name.as_bytes()).is_empty() => entries.push((format!("{name}/"), id)),
                _ => {
                    let path = format!("{}{}", shown(path.as_bytes()), shown(name));
                    let why = "no snapshot holds such an entry: read everything anew with `entragit export`";
                    return Err(RepoError::Hostile(vec![finding(path, "file-mode", why)]));
                }
            }
        }
        Ok(entries)
    }

    /// The tree below `path`, which is left out of the paths in `edits`; nothing if no file is left in it.
    fn edited(
        &mut self,
        tree: Option<ObjectId>,
        path: &str,
        edits: &[(&str, Option<ObjectId>)],
    ) -> Result<Option<ObjectId>, RepoError> {
        // Keyed as git sorts: a folder as if its name ended in a slash.
        let mut entries: BTreeMap<String, ObjectId> = BTreeMap::new();
        if let Some(tree) = tree {
            entries.extend(self.strictly(tree, path)?);
        }
        let mut rest = edits;
        while let Some((first, blob)) = rest.first() {
            let Some((name, _)) = first.split_once('/') else {
                match blob {
                    Some(blob) if self.has(*blob)? => drop(entries.insert((*first).to_owned(), *blob)),
                    Some(blob) => {
                        let hint = format!(", but {path}{first} needs it");
                        return Err(RepoError::Missing { id: *blob, hint });
                    }
                    None => drop(entries.remove(*first)),
                }
                rest = &rest[1..];
                continue;
            };
            let own = |path: &str| path.strip_prefix(name).is_some_and(|below| below.starts_with('/'));
            let count = rest.iter().take_while(|(path, _)| own(path)).count();
            let below: Vec<_> = rest[..count].iter().map(|(path, blob)| (&path[name.len() + 1..], *blob)).collect();
            let key = format!("{name}/");
            match self.edited(entries.get(&key).copied(), &format!("{path}{key}"), &below)? {
                Some(tree) => drop(entries.insert(key, tree)),
                None => drop(entries.remove(&key)),
            }
            rest = &rest[count..];
        }
        let mut content = Vec::new();
        for (name, id) in &entries {
            match name.strip_suffix('/') {
                Some(name) if entries.contains_key(name) => {
                    let why = "this path is both a file and a folder: rename one";
                    return Err(RepoError::Hostile(vec![finding(format!("{path}{name}"), "duplicate-path", why)]));
                }
                Some(name) => entry(&mut content, "40000", name, id),
                None => entry(&mut content, "100644", name, id),
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
