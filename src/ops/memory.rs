//! What is remembered of a snapshot's files, so that each is parsed once.

use std::collections::BTreeMap;

use anyhow::Result;

use super::Context;
use super::incremental::Files;
use crate::engine::diff::called;
use crate::engine::normalize::normalize;
use crate::engine::refs::{Names, has_comments};
use crate::engine::schema;
use crate::format::path::address_of;
use crate::format::yaml;
use crate::kinds;
use crate::model::{Kind, Object};
use crate::repo::ObjectId;

/// What is remembered of a file, so that it is parsed once.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    /// Ids that stand for the object, and its name.
    pub names: Vec<(String, String)>,
    /// The kind or variant.
    pub called: &'static str,
    /// Properties that no schema knows.
    pub unknown: Vec<String>,
}

impl Facts {
    pub(super) fn of(kind: &'static Kind, object: &Object, unknown: Vec<String>) -> Facts {
        let others = schema::of(kind).identities().iter().filter_map(|property| object.text(property));
        let ids = std::iter::once(object.id()).chain(others);
        let names = ids.map(|id| (id.to_owned(), object.name().to_owned())).collect();
        Facts { names, called: called(kind, object), unknown }
    }
}

/// What is remembered from one reading to the next, by content: it is never wrong, only incomplete.
#[derive(Debug, Default)]
pub struct Memory(pub(super) BTreeMap<ObjectId, Facts>);

impl Memory {
    /// Parses a file that is not known yet.
    pub(super) fn learn(&mut self, context: &Context, path: &str, blob: ObjectId) -> Result<()> {
        if self.0.contains_key(&blob) {
            return Ok(());
        }
        let Ok((kind, _)) = address_of(path) else { return Ok(()) };
        if let Ok(document) = yaml::read(path, &context.repo.blob(blob)?) {
            let normalized = normalize(kind, &document.value);
            self.0.insert(blob, Facts::of(kind, &normalized.object, normalized.unknown));
        }
        Ok(())
    }

    /// What the object in this file is called.
    pub fn name(&self, blob: ObjectId) -> Option<&str> {
        self.0.get(&blob)?.names.first().map(|(_, name)| name.as_str())
    }
}

/// In the order in which a reading of everything learns names: where two objects share an id (an application and its service
/// principal share the `appId`), the last one's name counts.
pub(super) fn in_order() -> impl Iterator<Item = &'static Kind> {
    let (waiting, direct): (Vec<&'static Kind>, Vec<_>) = kinds::ALL.iter().partition(|kind| has_comments(kind));
    direct.into_iter().chain(waiting)
}

/// Id → name of every object in `files`.
pub(super) fn names(memory: &Memory, files: &Files) -> BTreeMap<String, String> {
    let mut by_kind: BTreeMap<&str, Vec<&Facts>> = BTreeMap::new();
    for (path, blob) in files {
        if let (Ok((kind, _)), Some(facts)) = (address_of(path), memory.0.get(blob)) {
            by_kind.entry(kind.name).or_default().push(facts);
        }
    }
    let facts = in_order().filter_map(|kind| by_kind.remove(kind.name)).flatten();
    facts.flat_map(|facts| facts.names.iter().cloned()).collect()
}

/// What was read in this reading is known better.
pub(super) fn learn(names: &mut Names, facts: Option<&Facts>) {
    let own = facts.and_then(|facts| facts.names.first());
    if own.is_some_and(|(id, _)| !names.contains(id)) {
        facts.into_iter().flat_map(|facts| &facts.names).for_each(|(id, name)| names.insert(id, name));
    }
}
