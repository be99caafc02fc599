//! Keeps the facts on an object that spare reading it again: its names and the kind or variant it is counted as.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::engine::diff::called;
use crate::engine::refs::{Names, has_comments};
use crate::engine::schema;
use crate::kinds;
use crate::model::{Kind, Object};

/// Holds what a file says of its object.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// Ids that stand for the object, its own first, each with the object's name.
    pub names: Vec<(String, String)>,
    /// Name of the kind or variant.
    pub called: &'static str,
    /// Properties that no schema knows.
    pub unknown: Vec<String>,
}

impl Facts {
    /// Returns the facts on an object.
    pub fn of(kind: &'static Kind, object: &Object, unknown: Vec<String>) -> Facts {
        let others = schema::of(kind).identities().iter().filter_map(|property| object.text(property));
        let ids = std::iter::once(object.id()).chain(others);
        let names = ids.map(|id| (id.to_owned(), object.name().to_owned())).collect();
        Facts { names, called: called(kind, object), unknown }
    }
}

/// Counts objects, and objects that hold a property which no schema knows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// Number of objects by kind or variant.
    counts: BTreeMap<String, usize>,
    /// Number of objects by kind and unknown property.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    unknown: BTreeMap<String, BTreeMap<String, usize>>,
}

impl Tally {
    /// Counts one object more.
    pub fn add(&mut self, kind: &'static Kind, facts: &Facts) {
        *self.counts.entry(facts.called.to_owned()).or_default() += 1;
        for property in &facts.unknown {
            *self.unknown.entry(kind.name.to_owned()).or_default().entry(property.clone()).or_default() += 1;
        }
    }

    /// Counts one object less.
    pub fn remove(&mut self, kind: &'static Kind, facts: &Facts) {
        let less = |counts: &mut BTreeMap<String, usize>, name: &str| {
            if let Some(count) = counts.get_mut(name) {
                *count = count.saturating_sub(1);
            }
            counts.retain(|_, count| *count > 0);
        };
        less(&mut self.counts, facts.called);
        if let Some(unknown) = self.unknown.get_mut(kind.name) {
            facts.unknown.iter().for_each(|property| less(unknown, property));
        }
        self.unknown.retain(|_, properties| !properties.is_empty());
    }

    /// Returns the number of objects by kind or variant.
    pub fn counts(&self) -> BTreeMap<&'static str, usize> {
        let words = kinds::ALL
            .iter()
            .flat_map(|kind| std::iter::once(kind.name).chain(kind.variants.iter().map(|variant| variant.name)));
        words.filter_map(|name| Some((name, *self.counts.get(name)?))).collect()
    }

    /// Returns the number of objects of a kind, with all its variants.
    pub fn of(&self, kind: &Kind) -> usize {
        let names = std::iter::once(kind.name).chain(kind.variants.iter().map(|variant| variant.name));
        names.filter_map(|name| self.counts.get(name)).sum()
    }

    /// Returns the properties that no schema knows, by kind.
    pub fn unknown(&self) -> BTreeMap<String, Vec<String>> {
        self.unknown.iter().map(|(kind, names)| (kind.clone(), names.keys().cloned().collect())).collect()
    }
}

/// Returns all kinds in the order in which a complete reading learns names: where two objects share an id (an application and its
/// service principal share the `appId`), the last one's name counts.
pub fn in_order() -> impl Iterator<Item = &'static Kind> {
    let (waiting, direct): (Vec<&'static Kind>, Vec<_>) = kinds::ALL.iter().partition(|kind| has_comments(kind));
    direct.into_iter().chain(waiting)
}

/// Returns the position of a kind in [`in_order`].
pub fn place(kind: &Kind) -> u8 {
    static PLACES: LazyLock<BTreeMap<&str, u8>> =
        LazyLock::new(|| in_order().map(|kind| kind.name).zip(0..u8::MAX).collect());
    PLACES.get(kind.name).copied().unwrap_or_default()
}

/// Collects names found for ids: of several, that of the last kind in [`in_order`] counts.
#[derive(Debug, Clone, Default)]
pub struct Candidates(BTreeMap<String, (u8, String)>);

impl Candidates {
    /// Adds a name.
    pub fn add(&mut self, kind: &Kind, id: &str, name: &str) {
        let place = place(kind);
        if self.0.get(id).is_none_or(|(other, _)| *other <= place) {
            self.0.insert(id.to_owned(), (place, name.to_owned()));
        }
    }

    /// Adds the names that another search found.
    pub fn extend(&mut self, other: Candidates) {
        for (id, (place, name)) in other.0 {
            if self.0.get(&id).is_none_or(|(own, _)| *own <= place) {
                self.0.insert(id, (place, name));
            }
        }
    }

    /// Adds these names to `names`, which already holds those of the kinds for which `read` returns true.
    pub fn enter(self, names: &mut Names, read: impl Fn(&'static Kind) -> bool) {
        let others = kinds::ALL.iter().copied().filter(|kind| !schema::of(kind).identities().is_empty() && read(kind));
        let last = others.map(place).max();
        for (id, (place, name)) in self.0 {
            if !names.contains(&id) || last.is_some_and(|last| last < place) {
                names.insert(&id, &name);
            }
        }
    }
}
