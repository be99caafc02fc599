//! Sums up what plans of the last 24 hours did, so that no guard is passed in small bites.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::engine::guard::weakens;
use crate::format::path::address_of;
use crate::kinds;
use crate::model::Address;
use crate::ops::commit::source::Side;
use crate::ops::{Context, files_of, manifest_of};
use crate::repo::{Entry, ObjectId, trailers};

/// Number of seconds that are summed up.
const DAY: i64 = 86_400;
/// Maximum number of receipts that are read for a sum.
const RECEIPTS: usize = 500;

/// Returns the receipts of the last 24 hours, the newest first, each with the snapshot before it. Left out are those of plans
/// whose refusal by `guard` a person accepted.
fn receipts(context: &Context, tip: ObjectId, guard: &str) -> Result<Vec<(ObjectId, ObjectId)>> {
    let since = jiff::Timestamp::now().as_second() - DAY;
    let line = context.repo.line(tip, RECEIPTS)?;
    let of_today = line.into_iter().take_while(|commit| commit.committed > since);
    let found = of_today.filter_map(|commit| {
        let trailers = trailers(&commit.message);
        let has = |name: &str, start: &str| trailers.iter().any(|(own, what)| own == name && what.starts_with(start));
        let counts = has("Entragit-Plan", "") && !has("Entragit-Accepted", guard);
        Some((*commit.parents.first()?, commit.id)).filter(|_| counts)
    });
    Ok(found.collect())
}

/// Counts, per kind, the deletions by plans of the last 24 hours, unless a person accepted that plan's deletions.
///
/// # Errors
/// If the repository cannot be read.
pub fn deletions(context: &Context, tip: ObjectId) -> Result<BTreeMap<&'static str, usize>> {
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    let receipts = receipts(context, tip, "mass-delete")?;
    if receipts.is_empty() {
        return Ok(counts);
    }
    let ids = manifest_of(&context.repo, &files_of(&context.repo, tip)?)?.ids;
    for (parent, receipt) in receipts {
        let (before, after) = context.repo.changed_entries(parent, receipt)?;
        let of = |entries: &[Entry]| -> BTreeSet<(&'static str, String)> {
            let address = |entry: &Entry| address_of(&entry.path).ok();
            entries.iter().filter_map(address).map(|(kind, id)| (kind.name, id)).collect()
        };
        // An object with a new id is not gone: a changed schedule has one.
        for (kind, _) in of(&before).difference(&of(&after)).filter(|(_, id)| ids.current(id) == id) {
            *counts.entry(kind).or_default() += 1;
        }
    }
    Ok(counts)
}

/// Returns the objects whose defences plans of the last 24 hours weakened, unless a person accepted it or the object has
/// been put back since.
///
/// # Errors
/// If the repository cannot be read.
pub fn weakenings(context: &Context, tip: ObjectId) -> Result<BTreeSet<Address>> {
    let mut found = BTreeSet::new();
    let receipts = receipts(context, tip, "weakens")?;
    if receipts.is_empty() {
        return Ok(found);
    }
    let today = Side::commit(context, &tip.to_string())?;
    let concerned: BTreeSet<&str> =
        kinds::ALL.iter().filter(|kind| weakens::concerns(kind)).map(|kind| kind.name).collect();
    for (parent, receipt) in receipts {
        let [before, after] = Side::commits(context, &parent.to_string(), &receipt.to_string())?;
        for (address, entry) in &before.index {
            let kind = address.kind;
            if !concerned.contains(kind.name) {
                continue;
            }
            if today.index.get(address).is_some_and(|today| today.blob == entry.blob) {
                continue;
            }
            let had = before.object(&context.repo, kind, entry)?;
            let has = match after.index.get(address) {
                Some(entry) => after.object(&context.repo, kind, entry)?,
                None => None,
            };
            if had.is_some_and(|had| weakens::weakened(kind, &had, has.as_ref())) {
                found.insert(address.clone());
            }
        }
    }
    Ok(found)
}
