//! Refuses selectors that select nothing, so that a typing error does not look like a result without differences.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use super::source::Side;
use crate::engine::render::safe;
use crate::engine::scope::{Scope, matches};
use crate::model::IdMap;
use crate::ops::Context;
use crate::repo::ObjectId;

/// Maximum number of names that are suggested for a pattern that matches no object.
const MAX_SUGGESTIONS: usize = 3;

/// Checks that each id and each name pattern of `scope` selects an object of one of `sides`. `ids` maps old ids to present ones.
///
/// # Errors
/// If one selects no object, with the most similar names; or if a file cannot be read.
pub fn check(context: &Context, scope: &Scope, sides: &[&Side], ids: &IdMap) -> Result<()> {
    // Files that a person named have no id, so that an id may stand for one of them: ids are not checked then.
    let has_unaddressed = sides.iter().any(|side| !side.odd.is_empty());
    for id in scope.ids.iter().filter(|_| !has_unaddressed) {
        let fits = |other: &str| other.eq_ignore_ascii_case(id) || ids.current(other) == id.as_str();
        if !sides.iter().any(|side| side.index.keys().any(|address| fits(&address.id))) {
            bail!(
                "--id {id}: neither the commit nor the tenant has such an object of the kinds in question; `entragit log {id}` \
                 tells whether it ever was there"
            );
        }
    }
    check_names(context, scope, sides)
}

/// Checks that each name pattern of `scope` selects an object. Files are read until every pattern has been found.
fn check_names(context: &Context, scope: &Scope, sides: &[&Side]) -> Result<()> {
    let mut unmatched: Vec<&String> = scope.names.iter().collect();
    let mut seen: BTreeSet<ObjectId> = BTreeSet::new();
    let mut known: BTreeSet<String> = BTreeSet::new();
    for side in sides {
        for object in side.odd.iter().filter_map(|(path, bytes)| super::source::new_object(path, bytes).ok()) {
            unmatched.retain(|pattern| !matches(pattern, object.1.name()));
        }
        for (address, entry) in &side.index {
            if unmatched.is_empty() {
                return Ok(());
            }
            let kind = address.kind;
            if !scope.takes_kind(kind) {
                continue;
            }
            // The same content on both sides has the same name, and is read once.
            if !seen.insert(entry.blob) {
                continue;
            }
            let Some(object) = side.object(&context.repo, kind, entry)? else { continue };
            unmatched.retain(|pattern| !matches(pattern, object.name()));
            known.insert(object.name().to_owned());
        }
    }
    let Some(pattern) = unmatched.first() else { return Ok(()) };
    let near = most_similar(pattern, &known);
    let offer = match near.is_empty() {
        true => String::new(),
        false => format!("; the nearest names are {}", near.join(", ")),
    };
    bail!(
        "no object is called {} in the commit or in the tenant{offer}; `*` stands for anything, as in --name 'Desk*'",
        safe(pattern)
    )
}

/// Returns the known names most similar to a pattern, in quotes.
fn most_similar(pattern: &str, known: &BTreeSet<String>) -> Vec<String> {
    let word = pattern.replace('*', "").to_lowercase();
    let mut near: Vec<(usize, &String)> = known
        .iter()
        .map(|name| {
            // A `*` matches any number of characters: only the beginning of the name is compared, as long as the pattern.
            let start: String = name.to_lowercase().chars().take(word.chars().count()).collect();
            (strsim::damerau_levenshtein(&start, &word), name)
        })
        .collect();
    near.sort();
    near.iter().take(MAX_SUGGESTIONS).map(|(_, name)| format!("\"{}\"", safe(name))).collect()
}
