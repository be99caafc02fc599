//! Keeps the links between objects, in both directions.

use std::collections::{BTreeMap, BTreeSet};

use super::store::{Id, Key};

type Sides = BTreeMap<(Id, &'static str), BTreeSet<Key>>;

/// Holds named relations between ids. Objects in the recycle bin keep their links; readers leave them out.
#[derive(Debug, Default)]
pub struct Links {
    forward: Sides,
    backward: Sides,
}

impl Links {
    /// Links `from` to `to`; returns false if the link was there already.
    pub fn add(&mut self, from: &Key, name: &'static str, to: &Key) -> bool {
        self.backward.entry((to.id.clone(), name)).or_default().insert(from.clone());
        self.forward.entry((from.id.clone(), name)).or_default().insert(to.clone())
    }

    /// Removes the link; returns false if there was none.
    pub fn remove(&mut self, from: &Key, name: &'static str, to: &Key) -> bool {
        drop_one(&mut self.backward, to, name, from);
        drop_one(&mut self.forward, from, name, to)
    }

    /// Returns the targets of the links from `from`.
    pub fn targets(&self, from: &Key, name: &'static str) -> Option<&BTreeSet<Key>> {
        self.forward.get(&(from.id.clone(), name))
    }

    /// Returns the sources of the links to `to`.
    pub fn sources(&self, to: &Key, name: &'static str) -> Option<&BTreeSet<Key>> {
        self.backward.get(&(to.id.clone(), name))
    }

    /// Returns every link that leads to `to`: name and source.
    pub fn all_sources(&self, to: &Key) -> Vec<(&'static str, Key)> {
        let from = (to.id.clone(), "");
        self.backward
            .range(from..)
            .take_while(|((id, _), _)| *id == to.id)
            .flat_map(|((_, name), keys)| keys.iter().map(|key| (*name, key.clone())))
            .collect()
    }

    /// Returns every link that leads from `from`: name and target.
    pub fn all_targets(&self, from: &Key) -> Vec<(&'static str, Key)> {
        self.forward
            .range((from.id.clone(), "")..)
            .take_while(|((id, _), _)| *id == from.id)
            .flat_map(|((_, name), keys)| keys.iter().map(|target| (*name, target.clone())))
            .collect()
    }

    /// Removes all links from and to `key`.
    pub fn forget(&mut self, key: &Key) {
        for (name, source) in self.all_sources(key) {
            self.remove(&source, name, key);
        }
        for (name, target) in self.all_targets(key) {
            self.remove(key, name, &target);
        }
    }

    /// Returns all links, for saving.
    pub fn iter(&self) -> impl Iterator<Item = (&Id, &'static str, &BTreeSet<Key>)> {
        self.forward.iter().map(|((from, name), to)| (from, *name, to))
    }
}

fn drop_one(sides: &mut Sides, of: &Key, name: &'static str, key: &Key) -> bool {
    let at = (of.id.clone(), name);
    let Some(set) = sides.get_mut(&at) else { return false };
    let was = set.remove(key);
    if set.is_empty() {
        sides.remove(&at);
    }
    was
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_agree() {
        let (group, user) = (Key::of("g"), Key::of("u"));
        let mut links = Links::default();
        assert!(links.add(&group, "members", &user));
        assert!(!links.add(&group, "members", &user));
        assert!(links.sources(&user, "members").is_some_and(|set| set.contains(&group)));
        links.forget(&user);
        assert!(links.targets(&group, "members").is_none() && links.iter().next().is_none());
    }
}
