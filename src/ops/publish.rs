//! Turns a snapshot's files into a commit: decides how `main` relates to them, and writes the commit's message.

use std::collections::BTreeMap;

use anyhow::Result;

use super::audit::Changed;
use super::main_relation::{MainRelation, Pending};
use super::{Context, files_of};
use crate::format::path::{address_of, is_reserved};
use crate::kinds;
use crate::model::{Coverage, CoverageMap};
use crate::repo::{ObjectId, Repo};

/// Changes from the snapshot before: path → content there and content now.
pub(super) type Changes = BTreeMap<String, (Option<ObjectId>, Option<ObjectId>)>;

/// Returns how `main` relates to a snapshot in which `now` is at a path, where `parent` was the last one. It compares whole
/// files, for a watch round that has no time to look inside: an edit that it takes for pending the next export may find applied.
pub(super) fn main_relation(
    context: &Context,
    parent: Option<ObjectId>,
    main: Option<ObjectId>,
    now: impl Fn(&str) -> Result<Option<ObjectId>>,
) -> Result<MainRelation> {
    let (Some(parent), Some(main)) = (parent, main) else { return Ok(MainRelation::FastForward) };
    if context.repo.is_ancestor(main, parent)? {
        return Ok(MainRelation::FastForward);
    }
    let Some(fork) = context.repo.merge_base(main, parent)? else {
        return Ok(MainRelation::Pending(Pending::unrelated()));
    };
    let at_fork = files_of(&context.repo, fork)?;
    let on_main = files_of(&context.repo, main)?;
    let mut pending = Vec::new();
    for path in edited(&at_fork, &on_main).filter(|path| !is_reserved(path)) {
        if on_main.get(path).copied() != now(path)? {
            pending.push(path.clone());
        }
    }
    pending.sort();
    let pending = Pending { paths: pending, unwritable: Vec::new() };
    Ok(if pending.paths.is_empty() { MainRelation::Merge } else { MainRelation::Pending(pending) })
}

/// Text in place of paths if `main` and the snapshots have no commit in common.
pub(super) const NO_COMMON_HISTORY: &str = "the branch has no common history with the snapshots";

/// Returns the paths whose content differs between two trees.
pub(super) fn edited<'a>(
    a: &'a BTreeMap<String, ObjectId>,
    b: &'a BTreeMap<String, ObjectId>,
) -> impl Iterator<Item = &'a String> {
    let gone = a.keys().filter(|path| !b.contains_key(*path));
    gone.chain(b.iter().filter(|(path, blob)| a.get(*path) != Some(blob)).map(|(path, _)| path))
}

/// Returns the differences between two sets of files.
pub(super) fn changes(before: &BTreeMap<String, ObjectId>, after: &BTreeMap<String, ObjectId>) -> Changes {
    let both = |path: &String| (path.clone(), (before.get(path).copied(), after.get(path).copied()));
    edited(before, after).map(both).collect()
}

/// Returns the number of objects' files added, changed and removed.
pub(super) fn compare(changes: &Changes) -> (usize, usize, usize) {
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
pub(super) fn changed(repo: &Repo, changes: &Changes) -> Result<Changed> {
    let files = changes.iter().filter_map(|(path, (old, new))| Some((path.as_str(), (*new).or(*old)?)));
    Changed::of(repo, files)
}

/// Holds the content of a snapshot's message.
pub(super) struct SnapshotMessage<'a> {
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
pub(super) fn subject((added, changed, removed): (usize, usize, usize)) -> String {
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
pub(super) fn message(tenant: &str, told: &SnapshotMessage<'_>) -> String {
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
        text.push_str(&format!("Entragit-Actor: {}\n", actor.replace(['\n', '\r'], " ")));
    }
    text
}
