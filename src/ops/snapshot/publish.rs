//! Turns a snapshot's files into a commit: decides how `main` relates to them, and writes the commit's message.

use std::collections::BTreeMap;

use anyhow::Result;

use super::main_relation::edited;
use crate::engine::render::in_message;
use crate::format::path::address_of;
use crate::kinds;
use crate::model::{Coverage, CoverageMap};
use crate::ops::audit::Changed;
use crate::repo::{ObjectId, Repo};

/// Changes from the snapshot before: path → content there and content now.
pub(in crate::ops) type Changes = BTreeMap<String, (Option<ObjectId>, Option<ObjectId>)>;

/// Returns the differences between two sets of files.
pub(in crate::ops) fn changes(before: &BTreeMap<String, ObjectId>, after: &BTreeMap<String, ObjectId>) -> Changes {
    let both = |path: &String| (path.clone(), (before.get(path).copied(), after.get(path).copied()));
    edited(before, after).map(both).collect()
}

/// Returns the number of objects' files added, changed and removed.
pub(in crate::ops) fn compare(changes: &Changes) -> (usize, usize, usize) {
    let (mut added, mut changed, mut removed) = (0, 0, 0);
    for (path, (old, new)) in changes {
        let count = match (old, new) {
            (None, Some(_)) => &mut added,
            (Some(_), None) => &mut removed,
            _ => &mut changed,
        };
        *count += usize::from(address_of(path).is_ok());
    }
    (added, changed, removed)
}

/// Returns the changed objects, in the form in which audit events are matched with them.
pub(in crate::ops) fn changed(repo: &Repo, changes: &Changes) -> Result<Changed> {
    let files = changes.iter().filter_map(|(path, (old, new))| Some((path.as_str(), (*new).or(*old)?)));
    Changed::of(repo, files)
}

/// Holds the content of a snapshot's message.
pub(in crate::ops) struct SnapshotMessage<'a> {
    /// First line of the message.
    pub subject: String,
    /// Number of objects per kind or variant; empty for a commit with only a part of the changes.
    pub counts: &'a BTreeMap<&'static str, usize>,
    /// Number of objects in all.
    pub objects: usize,
    /// Coverage of each kind and link.
    pub coverage: &'a CoverageMap,
    /// Additional trailers.
    pub trailers: Vec<(String, String)>,
    /// Names of the actors who made the changes.
    pub actors: Vec<String>,
}

/// Returns the first line of a message, as in `Snapshot: 2 added, 1 removed`.
pub(in crate::ops) fn subject(added: usize, changed: usize, removed: usize) -> String {
    let parts: Vec<String> = [(added, "added"), (changed, "changed"), (removed, "removed")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if parts.is_empty() {
        "Snapshot: coverage or settings only".to_owned()
    } else {
        format!("Snapshot: {}", parts.join(", "))
    }
}

/// Returns a snapshot's message.
pub(in crate::ops) fn message(tenant: &str, told: &SnapshotMessage<'_>) -> String {
    let mut text = format!("{}\n\n", told.subject);
    for kind in kinds::ALL {
        let names = std::iter::once((kind.name, kind.title))
            .chain(kind.variants.iter().map(|variant| (variant.name, variant.title)));
        for (name, title) in names {
            if let Some(count) = told.counts.get(name) {
                text.push_str(&format!("{count:>8} {title}\n"));
            }
        }
    }
    if !told.counts.is_empty() {
        text.push('\n');
    }
    let incomplete: Vec<String> = told
        .coverage
        .0
        .iter()
        .filter(|(_, coverage)| !matches!(coverage, Coverage::Complete | Coverage::Skipped))
        .map(|(what, coverage)| format!("{what}={}", coverage.as_str()))
        .collect();
    text.push_str(&format!("Entragit-Tenant: {tenant}\n"));
    text.push_str(&format!("Entragit-Objects: {}\n", told.objects));
    let said = if incomplete.is_empty() { "complete".to_owned() } else { incomplete.join(" ") };
    text.push_str(&format!("Entragit-Coverage: {said}\n"));
    for (name, value) in &told.trailers {
        text.push_str(&format!("{name}: {value}\n"));
    }
    for actor in &told.actors {
        text.push_str(&format!("Entragit-Actor: {}\n", in_message(&actor.replace(['\n', '\r'], " "))));
    }
    text
}
