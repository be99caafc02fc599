//! [`IdMap`]: old id → new id, for objects that were created again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Old id → new id: object ids and application ids alike, since both are unique in a tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IdMap(BTreeMap<String, String>);

impl IdMap {
    /// The id that `id` goes by today; `id` itself if it was never replaced.
    pub fn current<'a>(&'a self, id: &'a str) -> &'a str {
        self.0.get(id).map_or(id, String::as_str)
    }

    /// Every id of the object that goes, or went, by `id`: the current one first.
    pub fn family<'a>(&'a self, id: &'a str) -> Vec<&'a str> {
        let current = self.current(id);
        let old = self.0.iter().filter(|(_, new)| *new == current).map(|(old, _)| old.as_str());
        std::iter::once(current).chain(old).collect()
    }

    /// Records that `old` is now `new`, and that whatever was `old` before is `new` as well.
    pub fn learn(&mut self, old: &str, new: &str) {
        if old == new {
            return;
        }
        for target in self.0.values_mut() {
            if target == old {
                *target = new.to_owned();
            }
        }
        self.0.insert(old.to_owned(), new.to_owned());
        // An id that is current must not itself point elsewhere.
        self.0.remove(new);
    }

    /// All pairs, sorted by the old id.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(old, new)| (old.as_str(), new.as_str()))
    }

    /// Whether no object was ever created again.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many ids were replaced.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes in another map, pair by pair.
    pub fn extend(&mut self, other: &IdMap) {
        for (old, new) in other.iter() {
            self.learn(old, new);
        }
    }
}
