//! What is to be known of an object without reading it again: what it is called, what it is counted as.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::engine::diff::called;
use crate::engine::refs::{Names, has_comments};
use crate::engine::schema;
use crate::kinds;
use crate::model::{Kind, Object};

/// What a file says of its object.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// Ids that stand for the object, its own first, and its name.
    pub names: Vec<(String, String)>,
    /// The kind or variant.
    pub called: &'static str,
    /// Properties that no schema knows.
    pub unknown: Vec<String>,
}

impl Facts {
    /// Of an object as it is.
    pub fn of(kind: &'static Kind, object: &Object, unknown: Vec<String>) -> Facts {
        let others = schema::of(kind).identities().iter().filter_map(|property| object.text(property));
        let ids = std::iter::once(object.id()).chain(others);
        let names = ids.map(|id| (id.to_owned(), object.name().to_owned())).collect();
        Facts { names, called: called(kind, object), unknown }
    }
}

/// How many objects there are, and how many hold a property that no schema knows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// By kind or variant.
    counts: BTreeMap<String, usize>,
    /// By kind and property.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    unknown: BTreeMap<String, BTreeMap<String, usize>>,
}

impl Tally {
    /// One object more.
    pub fn add(&mut self, kind: &'static Kind, facts: &Facts) {
        *self.counts.entry(facts.called.to_owned()).or_default() += 1;
        for property in &facts.unknown {
            *self.unknown.entry(kind.name.to_owned()).or_default().entry(property.clone()).or_default() += 1;
        }
    }

    /// One object less.
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

    /// Objects by kind or variant.
    pub fn counts(&self) -> BTreeMap<&'static str, usize> {
        let words = kinds::ALL
            .iter()
            .flat_map(|kind| std::iter::once(kind.name).chain(kind.variants.iter().map(|variant| variant.name)));
        words.filter_map(|name| Some((name, *self.counts.get(name)?))).collect()
    }

    /// Objects of a kind, whatever they are called.
    pub fn of(&self, kind: &Kind) -> usize {
        let names = std::iter::once(kind.name).chain(kind.variants.iter().map(|variant| variant.name));
        names.filter_map(|name| self.counts.get(name)).sum()
    }

    /// Properties that no schema knows, by kind.
    pub fn unknown(&self) -> BTreeMap<String, Vec<String>> {
        self.unknown.iter().map(|(kind, names)| (kind.clone(), names.keys().cloned().collect())).collect()
    }
}

/// In the order in which a reading of everything learns names: where two objects share an id (an application and its service
/// principal share the `appId`), the last one's name counts.
pub fn in_order() -> impl Iterator<Item = &'static Kind> {
    let (waiting, direct): (Vec<&'static Kind>, Vec<_>) = kinds::ALL.iter().partition(|kind| has_comments(kind));
    direct.into_iter().chain(waiting)
}

/// Where a kind stands [`in_order`].
pub fn place(kind: &Kind) -> u8 {
    static PLACES: LazyLock<BTreeMap<&str, u8>> =
        LazyLock::new(|| in_order().map(|kind| kind.name).zip(0..u8::MAX).collect());
    PLACES.get(kind.name).copied().unwrap_or_default()
}

/// Names that were found for ids: of several, that of the last kind in [`in_order`] counts.
#[derive(Debug, Clone, Default)]
pub struct Candidates(BTreeMap<String, (u8, String)>);

impl Candidates {
    /// Takes in a name.
    pub fn add(&mut self, kind: &Kind, id: &str, name: &str) {
        let place = place(kind);
        if self.0.get(id).is_none_or(|(other, _)| *other <= place) {
            self.0.insert(id.to_owned(), (place, name.to_owned()));
        }
    }

    /// Takes in what another search found.
    pub fn extend(&mut self, other: Candidates) {
        for (id, (place, name)) in other.0 {
            if self.0.get(&id).is_none_or(|(own, _)| *own <= place) {
                self.0.insert(id, (place, name));
            }
        }
    }

    /// Adds to `names`, which hold those of the kinds that were `read`.
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
