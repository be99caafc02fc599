//! Joins the tenant's audit log with the changes of a snapshot, and keeps it beside the snapshot as a git note, so that trees
//! stay a pure function of the tenant.
//!
//! Microsoft promises no delay after which an entry is in the log. So each export looks back `MARGIN` before the last
//! snapshot, too, and adds entries that came late to the note of the snapshot whose change they explain.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Context;
use crate::engine::refs::mentions;
use crate::format::settings::Actors;
use crate::model::words::counted;
use crate::model::{AuditEvent, Change, FieldChange, Lifecycle, Report};
use crate::repo::{CommitInfo, ObjectId, trailers};
use crate::tenant::TenantRead;

pub mod attribute;
pub mod authors;
mod since;

pub use since::{Changed, late, since_last};

/// Name of the notes' reference.
pub const NOTES: &str = "refs/notes/entragit-audit";
/// Time that an entry may take to appear in the log and still find its snapshot, in seconds.
const MARGIN: i64 = 2 * 3_600;

/// Holds what the audit log says of one snapshot.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Audit {
    format_version: u32,
    /// Events with at least one target that the snapshot changed.
    events: Vec<AuditEvent>,
    /// Number of events of that time about objects that are the same afterwards; these events are not kept.
    #[serde(default, skip_serializing_if = "is_zero")]
    unchanged: usize,
    /// Number of events about objects of kinds that are not exported; these events are not kept.
    #[serde(default, skip_serializing_if = "is_zero")]
    not_exported: usize,
    /// Reason why the log could not be read, if it could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unknown: Option<String>,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Audit {
    /// Returns the events, in the order of the log.
    pub fn events(&self) -> &[AuditEvent] {
        &self.events
    }

    /// Returns why the log could not be read, if it could not.
    pub fn unknown(&self) -> Option<&str> {
        self.unknown.as_deref()
    }

    /// Returns the part of this entry for a commit that holds a part of the changes: the events for which `belongs` returns true.
    /// The counts go with the `last` of these commits.
    #[must_use]
    pub fn part(&self, belongs: impl Fn(&AuditEvent) -> bool, last: bool) -> Audit {
        let count = |count: usize| if last { count } else { 0 };
        Audit {
            format_version: 1,
            events: self.events.iter().filter(|event| belongs(event)).cloned().collect(),
            unchanged: count(self.unchanged),
            not_exported: count(self.not_exported),
            unknown: self.unknown.clone(),
        }
    }

    /// Returns the part of this entry up to a moment, in seconds since 1970.
    #[must_use]
    pub fn until(&self, moment: i64) -> Audit {
        self.part(|event| seconds(&event.time) <= moment, true)
    }

    /// Returns the actors of the events, most active first, as far as the settings allow.
    pub fn actors(&self, style: Actors) -> Vec<String> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for event in &self.events {
            let label = match style {
                Actors::Names => event.actor.label(),
                Actors::Ids => event.actor.id.clone(),
                Actors::Off => return Vec::new(),
            };
            *counts.entry(label).or_default() += 1;
        }
        let mut actors: Vec<(usize, String)> = counts.into_iter().map(|(label, count)| (count, label)).collect();
        actors.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        actors.into_iter().take(10).map(|(_, label)| label).collect()
    }
}

/// Reduces the events in a report to what the settings allow to pass on.
pub fn disclose(report: &mut Report, style: Actors) {
    for change in &mut report.changes {
        let events = std::mem::take(&mut change.events);
        if style != Actors::Off {
            change.events = events.into_iter().map(|event| disclosed(event, style)).collect();
        }
    }
}

/// Returns the part of an event that the settings allow to write down.
fn disclosed(mut event: AuditEvent, style: Actors) -> AuditEvent {
    if style == Actors::Ids {
        event.actor.name.clear();
        event.actor.user_principal_name.clear();
        event.actor.ip_address.clear();
    }
    event
}

/// Returns true if an event is about all of these objects.
pub(super) fn names_all(event: &AuditEvent, about: &[String]) -> bool {
    !about.is_empty() && about.iter().all(|id| event.targets.contains(id))
}

/// Returns the note of a snapshot; a note that cannot be parsed counts as none.
///
/// # Errors
/// If the repository cannot be read.
pub fn note_of(context: &Context, commit: ObjectId) -> Result<Option<Audit>> {
    let note = context.repo.note(NOTES, commit)?;
    Ok(note.and_then(|note| serde_json::from_slice(&note).ok()))
}

fn seconds(time: &str) -> i64 {
    time.parse::<Timestamp>().map_or(i64::MIN, |time| time.as_second())
}

fn rfc3339(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| "1970-01-01T00:00:00Z".to_owned(), |time| time.to_string())
}

/// Stores what the log says as the note of a snapshot.
///
/// # Errors
/// If the note cannot be written.
pub fn store(context: &Context, commit: ObjectId, audit: &Audit) -> Result<()> {
    let bytes = serde_json::to_vec_pretty(audit)?;
    Ok(context.repo.set_note(NOTES, commit, &bytes, &context.repo.author())?)
}

/// Returns the events of the time since `commit`, straight from the tenant, or why they are not known.
///
/// # Errors
/// If the repository cannot be read.
pub async fn live<T: TenantRead>(context: &Context, tenant: &T, commit: ObjectId) -> Result<Live> {
    let since = context.repo.commit(commit)?.committed - 600;
    Ok(match tenant.audit(Some(&rfc3339(since))).await {
        Ok(events) => Live { events, gap: None },
        Err(error) => Live { events: Vec::new(), gap: Some(error.to_string()) },
    })
}

/// Holds the events read from the log itself.
#[derive(Debug, Clone, Default)]
pub struct Live {
    /// Events, oldest first.
    pub events: Vec<AuditEvent>,
    /// Reason why the log could not be read, if it could not.
    pub gap: Option<String>,
}

/// Represents a range of the history: the commits after one and up to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitRange {
    /// Commit after which the range begins.
    pub from: ObjectId,
    /// Last commit of the range.
    pub to: ObjectId,
}

/// Adds to each change the events that made it: from the notes of the snapshots in `range`, and from `live`. An
/// event belongs to a change if it names the object, or all that an object without a name is about. An event that names a role
/// and its new holder belongs to the assignment, and neither to the role nor to the holder.
///
/// # Errors
/// If the repository cannot be read.
pub fn join(context: &Context, report: &mut Report, range: Option<CommitRange>, live: Option<&Live>) -> Result<()> {
    if context.settings.actors == Actors::Off {
        return Ok(());
    }
    let mut events: Vec<AuditEvent> = live.map(|live| live.events.clone()).unwrap_or_default();
    report.audited.looked |= live.is_some();
    report.audited.gaps.extend(live.and_then(|live| live.gap.clone()));
    let mut missing = 0;
    if let Some(CommitRange { from, to }) = range {
        for commit in context.repo.range(from, to)? {
            // Only snapshots have notes; a person's commit changes files, not the tenant.
            if !is_snapshot(&commit) {
                continue;
            }
            report.audited.looked = true;
            match note_of(context, commit.id)? {
                Some(audit) => {
                    report.audited.others += audit.unchanged + audit.not_exported;
                    events.extend(audit.events);
                    report.audited.gaps.extend(audit.unknown);
                }
                None => missing += 1,
            }
        }
    }
    if missing > 0 {
        let snapshots = format!("{} {}", counted(missing, "snapshot"), if missing == 1 { "has" } else { "have" });
        report.audited.gaps.push(format!(
            "{snapshots} no note of the audit log here; if another clone has it: `git fetch origin {NOTES}:{NOTES}`"
        ));
    }
    report.audited.gaps.sort();
    report.audited.gaps.dedup();
    attach(report, &events);
    Ok(())
}

/// Returns true if a commit says in its trailers that it is a snapshot. Anybody can write such a trailer: it proves nothing.
pub fn is_snapshot(commit: &CommitInfo) -> bool {
    trailers(&commit.message).iter().any(|(name, _)| name == "Entragit-Objects")
}

/// Returns true if a snapshot has no other before it.
fn is_first(context: &Context, commit: &CommitInfo) -> Result<bool> {
    match commit.parents.first() {
        Some(parent) => Ok(!is_snapshot(&context.repo.commit(*parent)?)),
        None => Ok(true),
    }
}

/// Adds to each change the events that made it: an event belongs to a change if it names the object.
pub fn attach(report: &mut Report, events: &[AuditEvent]) {
    let mut by_target: BTreeMap<&str, Vec<&AuditEvent>> = BTreeMap::new();
    for event in events {
        for target in &event.targets {
            by_target.entry(target).or_default().push(event);
        }
    }
    let pairs: Vec<Vec<String>> =
        report.changes.iter().filter(|change| change.about.len() > 1).map(|change| change.about.clone()).collect();
    for change in &mut report.changes {
        let own = change.about.len() > 1;
        let meant = |event: &&AuditEvent| own || !pairs.iter().any(|about| names_all(event, about));
        let named = |id: &str| by_target.get(id).into_iter().flatten().copied();
        // The events of the object itself come first, under any of its ids; else those of what it is about; else those of what it
        // lost or gained: an assignment ends with the group it was for.
        let mut found: Vec<&AuditEvent> = named(&change.address.id).collect();
        if let Some(Lifecycle::Recreated { from }) = &change.manner {
            found.extend(named(from));
        }
        if found.is_empty() && !change.about.is_empty() {
            found =
                change.about.iter().flat_map(|id| named(id)).filter(|event| names_all(event, &change.about)).collect();
        }
        if found.is_empty() {
            found = mentioned(change).iter().flat_map(|id| named(id)).collect();
        }
        change.events = found.into_iter().filter(meant).cloned().collect();
        change.events.sort_by(|a, b| {
            seconds(&b.time).cmp(&seconds(&a.time)).then_with(|| b.time.cmp(&a.time)).then_with(|| a.id.cmp(&b.id))
        });
        change.events.dedup_by(|a, b| a.id == b.id);
    }
}

/// Returns the ids in elements that a change took away or added.
fn mentioned(change: &Change) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for field in change.fields() {
        if let FieldChange::Gained { element, .. } | FieldChange::Lost { element, .. } = field {
            mentions(element, &mut |id| {
                ids.insert(id.to_owned());
            });
        }
    }
    ids
}
