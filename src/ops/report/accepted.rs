//! Tells edits that wait to be applied from commits that took a change of the tenant over: those were applied when they were made,
//! whatever happened since.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use anyhow::Result;

use crate::engine::compare;
use crate::engine::diff::top;
use crate::format::path::address_of;
use crate::model::{Address, Change, ChangeKind, Coverage, FieldChange, Report};
use crate::ops::Context;
use crate::ops::commit::source::{Side, snapshots};
use crate::repo::{CommitInfo, ObjectId, trailers};

/// Trailer of a commit that takes changes of a snapshot over; its value is the snapshot.
pub(in crate::ops) const ACCEPTS: &str = "Entragit-Accepts";

/// Removes from `edits`, the differences from `main` back to the snapshot that it left, what was accepted. A property was accepted
/// if a snapshot that a commit took it from has the value of `main`, and nobody else edited the object since.
///
/// # Errors
/// If the repository cannot be read.
pub(super) fn leave_out_accepted(
    context: &Context,
    main: &Side,
    edited: Range<ObjectId>,
    tip: ObjectId,
    edits: &mut Report,
) -> Result<()> {
    let accepted = accepted_from(context, edited, tip, edits)?;
    let mut waiting: BTreeMap<Address, Vec<FieldChange>> = BTreeMap::new();
    let all: BTreeSet<ObjectId> = accepted.values().flatten().copied().collect();
    for id in all {
        let snapshot = Side::commit(context, &id.to_string())?;
        let (left, right) = snapshots(&context.repo, main, &snapshot, &|_| false)?;
        let differs = compare::snapshots(&left, &right, &main.manifest.ids);
        let differs: BTreeMap<&Address, &Change> =
            differs.changes.iter().map(|change| (&change.address, change)).collect();
        edits.changes.retain(|edit| {
            let is_taken = accepted.get(&edit.address).is_some_and(|from| from.contains(&id));
            !is_taken || still_waits(edit, differs.get(&edit.address).copied(), &snapshot, &mut waiting)
        });
    }
    for edit in &mut edits.changes {
        if let Some(fields) = waiting.remove(&edit.address) {
            edit.what = ChangeKind::Modified(fields);
        }
    }
    Ok(())
}

/// Returns the snapshots from which objects with an edit were accepted, since anybody else edited them.
fn accepted_from(
    context: &Context,
    edited: Range<ObjectId>,
    tip: ObjectId,
    edits: &Report,
) -> Result<BTreeMap<Address, Vec<ObjectId>>> {
    let mut open: BTreeSet<Address> = edits.changes.iter().map(|edit| edit.address.clone()).collect();
    let mut accepted: BTreeMap<Address, Vec<ObjectId>> = BTreeMap::new();
    for commit in context.repo.range(edited.start, edited.end)? {
        if open.is_empty() {
            break;
        }
        let mut from = Vec::new();
        for (name, value) in trailers(&commit.message) {
            let snapshot = (name == ACCEPTS).then(|| value.parse::<ObjectId>().ok()).flatten();
            // A shallow clone may lack it, and then the edit counts as one that waits.
            from.extend(snapshot.filter(|id| context.repo.is_ancestor(*id, tip).unwrap_or(false)));
        }
        for address in touched(context, &commit)? {
            if from.is_empty() {
                open.remove(&address);
            } else if open.contains(&address) {
                accepted.entry(address).or_default().extend(&from);
            }
        }
    }
    Ok(accepted)
}

/// Returns the objects that a commit itself changed: a merge changes what it has from no parent.
fn touched(context: &Context, commit: &CommitInfo) -> Result<BTreeSet<Address>> {
    let mut all: Option<BTreeSet<Address>> = None;
    for parent in &commit.parents {
        let (before, after) = context.repo.changed_entries(*parent, commit.id)?;
        let addresses = before.iter().chain(&after).filter_map(|entry| address_of(&entry.path).ok());
        let changed: BTreeSet<Address> = addresses.map(|(kind, id)| Address::new(kind, id)).collect();
        all = Some(match all {
            Some(all) => all.intersection(&changed).cloned().collect(),
            None => changed,
        });
    }
    Ok(all.unwrap_or_default())
}

/// Returns false if nothing of an edit waits any more, now that a snapshot was looked at. `differs` is how the snapshot differs
/// from `main`; `waiting` holds the properties that no snapshot so far has as `main` has them.
fn still_waits(
    edit: &Change,
    differs: Option<&Change>,
    snapshot: &Side,
    waiting: &mut BTreeMap<Address, Vec<FieldChange>>,
) -> bool {
    let kind = edit.address.kind;
    // `main` deletes the object: only a snapshot that knows the kind can say that it was gone.
    if edit.what == ChangeKind::Added {
        return differs.is_some() || snapshot.coverage().kind(kind.name) != Coverage::Complete;
    }
    let is_withheld = |name: &str| snapshot.coverage().withholds(kind.name, name);
    let is_whole = edit.what == ChangeKind::Removed;
    if !snapshot.index.contains_key(&edit.address) || is_whole && kind.links.iter().any(|link| is_withheld(link.name)) {
        return true;
    }
    let others: &[FieldChange] = differs.map_or(&[], |change| change.fields());
    let known = waiting.entry(edit.address.clone());
    let known = known.or_insert_with(|| if is_whole { others.to_vec() } else { edit.fields().to_vec() });
    known.retain(|field| {
        let name = top(field.path());
        is_withheld(name) || others.iter().any(|other| top(other.path()) == name)
    });
    !known.is_empty()
}
