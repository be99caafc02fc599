//! [`IdMap`]: maps old ids to new ids, for objects that were created again.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Maps old ids to new ids: object ids and application ids alike, since both are unique in a tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct IdMap {
    today: BTreeMap<String, String>,
    /// The reverse map (new id → old ids), so that `learn` does not have to search.
    olds: BTreeMap<String, BTreeSet<String>>,
    /// Ids that were read and lead back to themselves, or to an id that does. They count as never replaced.
    circular: BTreeSet<String>,
}

/// Takes over pairs as they were read. A chain of pairs, as a merge of two histories leaves it, is followed to its last id.
impl From<BTreeMap<String, String>> for IdMap {
    fn from(pairs: BTreeMap<String, String>) -> Self {
        // Each id is followed once. An id whose end is still `None` is on the chain being followed, or leads into a circle.
        let mut ends: BTreeMap<&str, Option<&str>> = BTreeMap::new();
        for start in pairs.keys() {
            let (mut at, mut way) = (start.as_str(), Vec::new());
            let end = loop {
                if let Some(end) = ends.get(at) {
                    break *end;
                }
                let Some(next) = pairs.get(at) else { break Some(at) };
                ends.insert(at, None);
                way.push(at);
                at = next;
            };
            ends.extend(way.into_iter().map(|id| (id, end)));
        }
        let circular = ends.iter().filter(|(_, end)| end.is_none()).map(|(id, _)| (*id).to_owned()).collect();
        let today = ends.into_iter().filter_map(|(id, end)| Some((id.to_owned(), end?.to_owned()))).collect();
        IdMap { circular, ..IdMap::direct(today) }
    }
}

impl From<IdMap> for BTreeMap<String, String> {
    fn from(ids: IdMap) -> Self {
        ids.today
    }
}

impl IdMap {
    /// Builds a map from pairs in which no new id is an old id as well.
    fn direct(today: BTreeMap<String, String>) -> IdMap {
        let mut olds: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (old, new) in &today {
            olds.entry(new.clone()).or_default().insert(old.clone());
        }
        IdMap { today, olds, circular: BTreeSet::new() }
    }

    /// Returns the ids that were read and lead in a circle, sorted.
    pub fn circular(&self) -> impl Iterator<Item = &str> {
        self.circular.iter().map(String::as_str)
    }

    /// Returns the current id of the object that had `id`; `id` itself if it was never replaced.
    pub fn current<'a>(&'a self, id: &'a str) -> &'a str {
        self.today.get(id).map_or(id, String::as_str)
    }

    /// Returns every id of the object that has, or had, `id`: the current one first.
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

    /// Removes the pair of an old id, if there is one.
    fn forget(&mut self, old: &str) {
        let Some(target) = self.today.remove(old) else { return };
        if let Some(olds) = self.olds.get_mut(&target) {
            olds.remove(old);
            if olds.is_empty() {
                self.olds.remove(&target);
            }
        }
    }

    /// Returns all pairs of old and new id, sorted by the old id.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.today.iter().map(|(old, new)| (old.as_str(), new.as_str()))
    }

    /// Returns true if no object was ever created again.
    pub fn is_empty(&self) -> bool {
        self.today.is_empty()
    }

    /// Returns the number of ids that were replaced.
    pub fn len(&self) -> usize {
        self.today.len()
    }

    /// Adds the pairs of another map. Where both maps replace the same id, the other map's pair wins; if this map knows its new id
    /// to have been replaced again, the last id is taken. Chains of ids stay intact in whatever order maps are added.
    pub fn extend(&mut self, other: &IdMap) {
        if other.is_empty() {
            return;
        }
        // Each chain is followed to its end once: to move all ids of an object with each pair would take quadratic time.
        let mut pairs = std::mem::take(&mut self.today);
        for (old, new) in other.iter() {
            let end = end_of(&mut pairs, new);
            if end != old {
                pairs.insert(old.to_owned(), end);
            }
        }
        *self = IdMap { circular: std::mem::take(&mut self.circular), ..IdMap::from(pairs) };
    }
}

/// Follows pairs that lead in no circle to the last id, and points every id on the way directly to it.
fn end_of(pairs: &mut BTreeMap<String, String>, id: &str) -> String {
    let (mut end, mut way) = (id.to_owned(), Vec::new());
    while let Some(next) = pairs.get(&end) {
        way.push(std::mem::replace(&mut end, next.clone()));
    }
    for id in way {
        pairs.insert(id, end.clone());
    }
    end
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

    /// Adds the pairs of `other` one by one, with the result that [`IdMap::extend`] must have.
    fn learned_one_by_one(into: &mut IdMap, other: &IdMap) {
        for (old, new) in other.iter() {
            let today = into.current(new).to_owned();
            into.learn(old, &today);
        }
    }

    #[test]
    fn chains_of_ids_lead_to_their_end_in_linear_time() {
        let id = |number: usize| format!("i{number:06}");
        let chain: BTreeMap<String, String> = (0..200_000).map(|number| (id(number), id(number + 1))).collect();
        let whole = IdMap::from(chain);
        assert_eq!(whole.current(&id(0)), id(200_000));
        assert_eq!(whole.circular().count(), 0);
        // Every pair of the second map replaces the current id of all objects of the first.
        let (mut first, mut second) = (IdMap::default(), IdMap::default());
        for number in 0..20_000 {
            first.learn(&format!("n{number:06}"), &format!("x{:06}", number + 1));
            first.learn(&format!("f{number:06}"), "x000000");
            second.learn(&format!("x{number:06}"), &format!("n{number:06}"));
        }
        first.extend(&second);
        assert_eq!(first.current("f000000"), "x020000");
    }

    #[test]
    fn circles_of_ids_are_told_and_lead_nowhere() {
        let read = |text: &str| serde_json::from_str::<IdMap>(text).unwrap();
        let ids = read(r#"{"self":"self","a":"b","b":"a","c":"a","d":"e","e":"f"}"#);
        assert_eq!(ids.circular().collect::<Vec<_>>(), ["a", "b", "c", "self"]);
        for (id, current) in [("a", "a"), ("c", "c"), ("self", "self"), ("d", "f")] {
            assert_eq!(ids.current(id), current);
        }
        let circle: BTreeMap<String, String> =
            (0..200_000).map(|at| (at.to_string(), ((at + 1) % 200_000).to_string())).collect();
        assert_eq!(IdMap::from(circle).circular().count(), 200_000);
    }

    #[test]
    fn maps_are_taken_in_as_if_learned_pair_by_pair() {
        let mut random = 7usize;
        let mut next = |most: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % most
        };
        for _ in 0..2_000 {
            let [mut one, two] = [0; 2].map(|_| {
                let mut map = IdMap::default();
                (0..next(8)).for_each(|_| map.learn(&next(9).to_string(), &next(9).to_string()));
                map
            });
            let mut other = one.clone();
            one.extend(&two);
            learned_one_by_one(&mut other, &two);
            assert_eq!(one, other);
        }
    }

    #[test]
    fn it_survives_the_manifest() {
        let mut ids: IdMap = serde_json::from_str(r#"{"a":"b"}"#).unwrap();
        ids.learn("b", "c");
        assert_eq!(serde_json::to_string(&ids).unwrap(), r#"{"a":"c","b":"c"}"#);
    }
}
