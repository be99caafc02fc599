//! Determines how changes came about, from the audit log, the recycle bin and the history, beyond the two sides of a report.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::kind::Deletion;
use crate::model::{Address, AuditEvent, Change, ChangeKind, Lifecycle, Report};

/// Holds facts from outside the two sides of a report.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Objects that existed before the left side: Graph gives no id twice, so they were restored.
    pub existed: BTreeSet<Address>,
    /// Removed objects whose recycle bin was read: the time each was moved there, or `None` if it is not there.
    pub bin: BTreeMap<Address, Option<String>>,
}

/// Sets the manner of added objects that were restored, and of removed objects that are in the recycle bin or purged.
pub fn settle(report: &mut Report, evidence: &Evidence) {
    for change in report.changes.iter_mut().filter(|change| change.manner.is_none()) {
        change.manner = match change.what {
            ChangeKind::Added => restored(change, evidence),
            ChangeKind::Removed => removal_lifecycle(change, evidence),
            ChangeKind::Modified(_) => None,
        };
    }
}

fn restored(change: &Change, evidence: &Evidence) -> Option<Lifecycle> {
    let told = own(change).find_map(|event| match deed(event) {
        Some(ObjectEvent::Restore) => Some(true),
        Some(ObjectEvent::Add) => Some(false),
        _ => None,
    });
    told.unwrap_or_else(|| evidence.existed.contains(&change.address)).then_some(Lifecycle::Restored)
}

/// Returns how an object went: into the recycle bin, or for good; `None` if neither the bin nor an event says.
fn removal_lifecycle(change: &Change, evidence: &Evidence) -> Option<Lifecycle> {
    match evidence.bin.get(&change.address) {
        Some(Some(since)) => {
            return Some(Lifecycle::Binned { since: Some(since.clone()).filter(|since| !since.is_empty()) });
        }
        Some(None) => return Some(Lifecycle::Purged),
        None => {}
    }
    let soft = matches!(change.address.kind.deletion, Deletion::Soft { .. });
    let last = own(change).find_map(|event| deed(event).map(|deed| (deed, event)));
    match last {
        Some((ObjectEvent::Purge, _)) => Some(Lifecycle::Purged),
        Some((ObjectEvent::Delete, event)) if soft => Some(Lifecycle::Binned { since: Some(event.time.clone()) }),
        _ => None,
    }
}

/// Returns the events about the object itself, newest first.
fn own(change: &Change) -> impl Iterator<Item = &AuditEvent> {
    change.events.iter().filter(|event| event.targets.contains(&change.address.id))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ObjectEvent {
    Add,
    Delete,
    Purge,
    Restore,
}

/// Returns what an activity does to the existence of an object, by the words of
/// <https://learn.microsoft.com/entra/identity/monitoring-health/reference-audit-activities>: `Add user`, `Delete group`,
/// `Remove service principal`, `Hard Delete application`, `Restore Group`. `Add member to group` is about a link.
fn deed(event: &AuditEvent) -> Option<ObjectEvent> {
    let words = event.activity.to_lowercase();
    let link = [" to ", " from "].iter().any(|word| words.contains(word));
    match words.split(' ').next().unwrap_or_default() {
        "hard" => Some(ObjectEvent::Purge),
        "restore" => Some(ObjectEvent::Restore),
        "add" | "create" | "invite" if !link => Some(ObjectEvent::Add),
        "delete" | "remove" if !link => Some(ObjectEvent::Delete),
        _ if words.ends_with(" delete") => Some(ObjectEvent::Delete),
        _ if words.ends_with(" create") => Some(ObjectEvent::Add),
        _ => None,
    }
}
