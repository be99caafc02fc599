//! Compares a snapshot's files with those of the snapshot before.

use std::collections::BTreeMap;

use anyhow::Result;

use super::main_relation::edited;
use crate::format::path::address_of;
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
