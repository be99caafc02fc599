//! [`IdMap`]: old id → new id, for objects that were created again.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Old id → new id: object ids and application ids alike, since both are unique in a tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct IdMap {
    today: BTreeMap<String, String>,
    /// The other way round, so that learning does not search.
    olds: BTreeMap<String, BTreeSet<String>>,
}

impl From<BTreeMap<String, String>> for IdMap {
    fn from(today: BTreeMap<String, String>) -> Self {
        let mut olds: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (old, new) in &today {
            olds.entry(new.clone()).or_default().insert(old.clone());
        }
        IdMap { today, olds }
    }
}

impl From<IdMap> for BTreeMap<String, String> {
    fn from(ids: IdMap) -> Self {
        ids.today
    }
}

impl IdMap {
    /// The id that `id` goes by today; `id` itself if it was never replaced.
    pub fn current<'a>(&'a self, id: &'a str) -> &'a str {
        self.today.get(id).map_or(id, String::as_str)
    }

    /// Every id of the object that goes, or went, by `id`: the current one first.
    pub fn family<'a>(&'a self, id: &'a str) -> Vec<&'a str> {
        let current = self.current(id);
        let old = self.olds.get(current).into_iter().flatten().map(String::as_str);
        std::iter::once(current).chain(old).collect()
    }

    /// Records that `old` is now `new`, and that whatever was `old` before is `new` as well.
    pub fn learn(&mut self, old: &str, new: &str) {
        if old == new {
            return;
        }
        let mut moved = self.olds.remove(old).unwrap_or_default();
        moved.insert(old.to_owned());
        // An id that is current must not itself point elsewhere.
        moved.remove(new);
        self.forget(new);
        for id in moved {
            self.forget(&id);
            self.today.insert(id.clone(), new.to_owned());
            self.olds.entry(new.to_owned()).or_default().insert(id);
        }
    }

    fn forget(&mut self, old: &str) {
        let Some(target) = self.today.remove(old) else { return };
        if let Some(olds) = self.olds.get_mut(&target) {
            olds.remove(old);
            if olds.is_empty() {
                self.olds.remove(&target);
            }
        }
    }

    /// All pairs, sorted by the old id.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.today.iter().map(|(old, new)| (old.as_str(), new.as_str()))
    }

    /// Whether no object was ever created again.
    pub fn is_empty(&self) -> bool {
        self.today.is_empty()
    }

    /// How many ids were replaced.
    pub fn len(&self) -> usize {
        self.today.len()
    }

    /// Takes in another map, pair by pair. What this map knows to have been replaced since stays replaced, so that no
    /// order in which maps are taken in breaks a chain.
    pub fn extend(&mut self, other: &IdMap) {
        for (old, new) in other.iter() {
            let today = self.current(new).to_owned();
            self.learn(old, &today);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> IdMap {
        let mut map = IdMap::default();
        pairs.iter().for_each(|(old, new)| map.learn(old, new));
        map
    }

    #[test]
    fn a_chain_holds_in_whatever_order_it_is_learned() {
        let whole = map(&[("a", "c"), ("b", "c")]);
        for (first, second) in [(("a", "b"), ("b", "c")), (("b", "c"), ("a", "b"))] {
            let mut ids = map(&[first]);
            ids.extend(&map(&[second]));
            assert_eq!(ids, whole);
        }
    }

    #[test]
    fn it_survives_the_manifest() {
        let mut ids: IdMap = serde_json::from_str(r#"{"a":"b"}"#).unwrap();
        ids.learn("b", "c");
        assert_eq!(serde_json::to_string(&ids).unwrap(), r#"{"a":"c","b":"c"}"#);
    }
}
