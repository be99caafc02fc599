//! Caches which object has which identity besides its id (an application has its `appId`), per folder of a snapshot. The cache
//! lies beside the repository's objects: a folder with the same tree need not be read again. A tree's id is a hash of its whole
//! content, so that no entry can be out of date; a cache that cannot be read is made anew.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::model::Kind;
use crate::repo::ObjectId;

const FORMAT: u32 = 1;

/// Identities of one folder's objects, each with the object's id.
pub type Pairs = Vec<(String, String)>;

/// Holds the cached identities, by kind and tree.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Identities {
    format_version: u32,
    kinds: BTreeMap<String, BTreeMap<String, Pairs>>,
}

impl Default for Identities {
    fn default() -> Identities {
        Identities { format_version: FORMAT, kinds: BTreeMap::new() }
    }
}

impl Identities {
    /// Loads the cache of an earlier run; returns an empty one if there is none that can be used.
    pub fn load(git_dir: &Path) -> Identities {
        let kept = std::fs::read(path(git_dir)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        kept.filter(|kept: &Identities| kept.format_version == FORMAT).unwrap_or_default()
    }

    /// Returns those of `trees` that are not in the cache.
    pub fn unknown(&self, kind: &Kind, trees: &BTreeSet<ObjectId>) -> BTreeSet<ObjectId> {
        let known = self.kinds.get(kind.name);
        let is_known = |tree: &ObjectId| known.is_some_and(|known| known.contains_key(&tree.to_string()));
        trees.iter().filter(|tree| !is_known(tree)).copied().collect()
    }

    /// Adds the identities read from some trees, and forgets all trees but `trees`.
    pub fn learn(&mut self, kind: &Kind, trees: &BTreeSet<ObjectId>, read: BTreeMap<ObjectId, Pairs>) {
        let known = self.kinds.entry(kind.name.to_owned()).or_default();
        let trees: BTreeSet<String> = trees.iter().map(ToString::to_string).collect();
        known.retain(|tree, _| trees.contains(tree));
        known.extend(read.into_iter().map(|(tree, pairs)| (tree.to_string(), pairs)));
    }

    /// Returns the ids of a kind's objects that have one of the identities `asked` for, in the cached trees.
    pub fn find<'a>(&'a self, kind: &Kind, asked: impl Fn(&str) -> bool + 'a) -> impl Iterator<Item = &'a str> {
        let pairs = self.kinds.get(kind.name).into_iter().flat_map(BTreeMap::values).flatten();
        pairs.filter(move |(identity, _)| asked(identity)).map(|(_, id)| id.as_str())
    }

    /// Stores the cache for the next run.
    ///
    /// # Errors
    /// If the file cannot be written: the next run will take longer.
    pub fn store(&self, git_dir: &Path) -> Result<()> {
        let path = path(git_dir);
        let folder = path.parent().unwrap_or(git_dir);
        std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        let write = || {
            let mut file = BufWriter::new(tempfile::NamedTempFile::new_in(folder)?);
            serde_json::to_writer(&mut file, self)?;
            file.into_inner()?.persist(&path)?;
            anyhow::Ok(())
        };
        write().with_context(|| format!("keeping identities in {}", path.display()))
    }
}

fn path(git_dir: &Path) -> PathBuf {
    git_dir.join("entragit").join("identities.json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;

    #[test]
    fn a_changed_folder_is_unknown_and_a_damaged_file_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let tree = |digit: &str| digit.repeat(40).parse::<ObjectId>().unwrap();
        let kind = kinds::by_name("application").unwrap();
        let pair = |identity: &str, id: &str| vec![(identity.to_owned(), id.to_owned())];
        let find = |kept: &Identities| -> Vec<String> {
            kept.find(kind, |identity| identity == "shop" || identity == "bank").map(str::to_owned).collect()
        };

        let mut kept = Identities::load(folder.path());
        let trees = BTreeSet::from([tree("a"), tree("b")]);
        assert_eq!(kept.unknown(kind, &trees), trees);
        kept.learn(kind, &trees, BTreeMap::from([(tree("a"), pair("shop", "1")), (tree("b"), pair("bank", "2"))]));
        kept.store(folder.path()).unwrap();

        let mut kept = Identities::load(folder.path());
        assert_eq!(find(&kept), ["1", "2"]);
        let trees = BTreeSet::from([tree("a"), tree("c")]);
        assert_eq!(kept.unknown(kind, &trees), BTreeSet::from([tree("c")]));
        kept.learn(kind, &trees, BTreeMap::from([(tree("c"), pair("bank", "3"))]));
        assert_eq!(find(&kept), ["1", "3"], "what a folder held before is forgotten");
        kept.store(folder.path()).unwrap();

        let whole = std::fs::read(path(folder.path())).unwrap();
        for damaged in [&whole[..whole.len() / 2], b"{\"formatVersion\":2,\"kinds\":{}}", b""] {
            std::fs::write(path(folder.path()), damaged).unwrap();
            assert!(find(&Identities::load(folder.path())).is_empty());
        }
    }
}
