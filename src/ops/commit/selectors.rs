//! Refuses selectors that select nothing: a typing error must not read as "all is well".

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use super::source::Side;
use crate::engine::render::safe;
use crate::engine::scope::{Scope, matches};
use crate::model::IdMap;
use crate::ops::Context;
use crate::repo::ObjectId;

/// Maximum number of names that are suggested for a pattern that matches no object.
const MOST_OFFERED: usize = 3;

/// Checks that each id and each name pattern of `scope` fits an object of one of `sides`.
///
/// # Errors
/// If one fits no object, with the nearest names; or if a file cannot be read.
pub fn check(context: &Context, scope: &Scope, sides: &[&Side], ids: &IdMap) -> Result<()> {
    let is_authored = sides.iter().any(|side| !side.odd.is_empty());
    for id in scope.ids.iter().filter(|_| !is_authored) {
        let fits = |other: &str| other.eq_ignore_ascii_case(id) || ids.current(other) == id.as_str();
        if !sides.iter().any(|side| side.index.keys().any(|address| fits(&address.id))) {
            bail!(
                "--id {id}: neither the commit nor the tenant has such an object of the kinds in question; `entragit log {id}` \
                 tells whether it ever was there"
            );
        }
    }
    names(context, scope, sides)
}

fn names(context: &Context, scope: &Scope, sides: &[&Side]) -> Result<()> {
    let mut open: Vec<&String> = scope.names.iter().collect();
    let mut seen: BTreeSet<ObjectId> = BTreeSet::new();
    let mut known: BTreeSet<String> = BTreeSet::new();
    for side in sides {
        for object in side.odd.iter().filter_map(|(path, bytes)| super::source::new_object(path, bytes).ok()) {
            open.retain(|pattern| !matches(pattern, object.1.name()));
        }
        for (address, entry) in &side.index {
            if open.is_empty() {
                return Ok(());
            }
            let kind = address.kind;
            if !scope.takes_kind(kind) {
                continue;
            }
            // The same content on both sides has the same name.
            if !seen.insert(entry.blob) {
                continue;
            }
            let Some(object) = side.object(&context.repo, kind, entry)? else { continue };
            open.retain(|pattern| !matches(pattern, object.name()));
            known.insert(object.name().to_owned());
        }
    }
    let Some(pattern) = open.first() else { return Ok(()) };
    let near = nearest(pattern, &known);
    let offer = match near.is_empty() {
        true => String::new(),
        false => format!("; the nearest names are {}", near.join(", ")),
    };
    bail!(
        "no object is called {} in the commit or in the tenant{offer}; `*` stands for anything, as in --name 'Desk*'",
        safe(pattern)
    )
}

fn nearest(pattern: &str, known: &BTreeSet<String>) -> Vec<String> {
    let word = pattern.replace('*', "").to_lowercase();
    let mut near: Vec<(usize, &String)> = known
        .iter()
        .map(|name| {
            // The star of a pattern matches any length, so only as much of the name is compared as the pattern is long.
            let start: String = name.to_lowercase().chars().take(word.chars().count()).collect();
            (strsim::damerau_levenshtein(&start, &word), name)
        })
        .collect();
    near.sort();
    near.iter().take(MOST_OFFERED).map(|(_, name)| format!("\"{}\"", safe(name))).collect()
}
