//! Who did it: the tenant's audit log, joined with what changed and kept beside the snapshot as a git note, so that trees
//! stay a pure function of the tenant.
//!
//! Microsoft promises no delay after which an entry is in the log. So each export looks back [`MARGIN`] before the last
//! snapshot, too, and adds entries that came late to the note of the snapshot whose change they explain.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Context;
use crate::engine::refs::mentions;
use crate::format::path::address_of;
use crate::format::settings::Actors;
use crate::model::{AuditEvent, Change, FieldChange, Report};
use crate::repo::{CommitInfo, ObjectId};
use crate::tenant::TenantRead;

/// The notes' ref.
pub const NOTES: &str = "refs/notes/entragit-audit";
/// How long an entry may take to appear in the log and still find its snapshot, in seconds.
const MARGIN: i64 = 2 * 3_600;

/// What the audit log says of one snapshot.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Audit {
    format_version: u32,
    /// Events with at least one target that the snapshot changed.
    events: Vec<AuditEvent>,
    /// Events of that time about objects that are the same afterwards: counted, not kept.
    #[serde(default, skip_serializing_if = "is_zero")]
    unchanged: usize,
    /// Events about objects of kinds that are not exported: counted, not kept.
    #[serde(default, skip_serializing_if = "is_zero")]
    not_exported: usize,
    /// Why the log could not be read, if it could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unknown: Option<String>,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Audit {
    /// Events, in the order of the log.
    pub fn events(&self) -> &[AuditEvent] {
        &self.events
    }

    /// The part of it that is about `changed`, for a commit that holds only these.
    pub fn about(&self, changed: &BTreeSet<String>) -> Audit {
        let about = |event: &&AuditEvent| event.targets.iter().any(|id| changed.contains(id));
        Audit {
            format_version: 1,
            events: self.events.iter().filter(about).cloned().collect(),
            unknown: self.unknown.clone(),
            ..Audit::default()
        }
    }

    /// Who did something, most active first, as the settings allow.
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

/// What the log says of the time since the last snapshot: events that touched one of `changed`, ids of objects that differ
/// from it. `files` are those of either snapshot. Events that are late are added to the notes they
/// belong to. A log that cannot be read is said once and is no error.
///
/// # Errors
/// If the repository cannot be read.
pub async fn since_last<T: TenantRead>(
    context: &Context,
    tenant: &T,
    parent: Option<ObjectId>,
    changed: &BTreeSet<String>,
    files: &[&BTreeMap<String, ObjectId>],
) -> Result<Audit> {
    let mut audit = Audit { format_version: 1, ..Audit::default() };
    let Some(parent) = parent.filter(|_| context.settings.actors != Actors::Off) else { return Ok(audit) };
    let last = context.repo.commit(parent)?.author.time.unwrap_or_default();
    let events = match tenant.audit(Some(&rfc3339(last - MARGIN))).await {
        Ok(events) => events,
        Err(error) => {
            if !changed.is_empty() {
                context.events.warn(format!("who made the changes is not known: {error}"));
            }
            audit.unknown = Some(error.to_string());
            return Ok(audit);
        }
    };
    let mut earlier = Earlier::read(context, parent, last - MARGIN)?;
    let mut others = Vec::new();
    for event in events {
        let time = seconds(&event.time);
        if earlier.told.contains(&event.id) || earlier.takes(context, &event, time + 1)? {
            continue;
        }
        if event.targets.iter().any(|id| changed.contains(id)) {
            audit.events.push(disclosed(event, context.settings.actors));
        } else if earlier.takes(context, &event, time)? {
            // Within the second in which that snapshot was committed: this one has no change that it could have made.
        } else if time >= last {
            // Older ones were counted by the last snapshot.
            others.push(event.targets);
        }
    }
    earlier.store(context)?;
    let held = held(&others, files);
    audit.unchanged = others.iter().filter(|targets| targets.iter().any(|id| held.contains(id.as_str()))).count();
    audit.not_exported = others.len() - audit.unchanged;
    Ok(audit)
}

/// Which of the targets are objects in files. One pass over the paths: there may be a million.
fn held<'a>(targets: &'a [Vec<String>], files: &[&BTreeMap<String, ObjectId>]) -> BTreeSet<&'a str> {
    let wanted: BTreeSet<&str> = targets.iter().flatten().map(String::as_str).collect();
    if wanted.is_empty() {
        return wanted;
    }
    let paths = files.iter().flat_map(|files| files.keys());
    paths.filter_map(|path| address_of(path).ok()).filter_map(|(_, id)| wanted.get(id.as_str()).copied()).collect()
}

/// Looks for late events although nothing changed since the last snapshot; only if that is young enough to have any.
///
/// # Errors
/// If the repository cannot be read or written.
pub async fn late<T: TenantRead>(context: &Context, tenant: &T, tip: ObjectId) -> Result<()> {
    let time = context.repo.commit(tip)?.author.time.unwrap_or_default();
    if Timestamp::now().as_second() - time > MARGIN {
        return Ok(());
    }
    since_last(context, tenant, Some(tip), &BTreeSet::new(), &[]).await.map(drop)
}

/// What the settings let be passed on of the events in a report.
pub fn disclose(report: &mut Report, style: Actors) {
    for change in &mut report.changes {
        let events = std::mem::take(&mut change.events);
        if style != Actors::Off {
            change.events = events.into_iter().map(|event| disclosed(event, style)).collect();
        }
    }
}

/// What the settings let be written down of an event.
fn disclosed(mut event: AuditEvent, style: Actors) -> AuditEvent {
    if style == Actors::Ids {
        event.actor.name.clear();
        event.actor.user_principal_name.clear();
        event.actor.ip_address.clear();
    }
    event
}

/// The snapshots that late events may belong to, oldest first.
struct Earlier {
    snapshots: Vec<Noted>,
    told: BTreeSet<String>,
}

struct Noted {
    commit: CommitInfo,
    note: Option<Audit>,
    /// Ids that it changed; read when first asked for.
    changed: Option<BTreeSet<String>>,
    grew: bool,
}

impl Earlier {
    fn read(context: &Context, tip: ObjectId, since: i64) -> Result<Earlier> {
        let mut earlier = Earlier { snapshots: Vec::new(), told: BTreeSet::new() };
        for commit in context.repo.line(tip, 200)? {
            let time = commit.author.time.unwrap_or_default();
            let note = note_of(context, commit.id)?;
            earlier.told.extend(note.iter().flat_map(|note| &note.events).map(|event| event.id.clone()));
            // The first snapshot has everything there is; nobody made that since.
            if is_snapshot(&commit) && !is_first(context, &commit)? {
                earlier.snapshots.push(Noted { commit, note, changed: None, grew: false });
            }
            // One more than the margin reaches: its note may tell events of the margin's beginning.
            if time < since {
                break;
            }
        }
        earlier.snapshots.reverse();
        Ok(earlier)
    }

    /// Whether the event made a change that an earlier snapshot holds: the first one committed at `from` or later that has
    /// it.
    fn takes(&mut self, context: &Context, event: &AuditEvent, from: i64) -> Result<bool> {
        for snapshot in self.snapshots.iter_mut().filter(|it| it.commit.author.time.unwrap_or_default() >= from) {
            let Some(parent) = snapshot.commit.parents.first().copied() else { continue };
            if snapshot.changed.is_none() {
                snapshot.changed = Some(changed_ids(context, parent, snapshot.commit.id)?);
            }
            let changed = snapshot.changed.as_ref();
            if event.targets.iter().any(|id| changed.is_some_and(|changed| changed.contains(id))) {
                let note = snapshot.note.get_or_insert_with(|| Audit { format_version: 1, ..Audit::default() });
                note.events.push(disclosed(event.clone(), context.settings.actors));
                snapshot.grew = true;
                self.told.insert(event.id.clone());
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn store(&self, context: &Context) -> Result<()> {
        for snapshot in self.snapshots.iter().filter(|snapshot| snapshot.grew) {
            if let Some(note) = &snapshot.note {
                store(context, snapshot.commit.id, note)?;
            }
        }
        Ok(())
    }
}

/// Ids of the objects in which two commits differ.
///
/// # Errors
/// If the repository cannot be read.
pub fn changed_ids(context: &Context, a: ObjectId, b: ObjectId) -> Result<BTreeSet<String>> {
    let (left, right) = context.repo.changed_entries(a, b)?;
    Ok(left.iter().chain(&right).filter_map(|entry| address_of(&entry.path).ok()).map(|(_, id)| id).collect())
}

/// The note of a snapshot; one that cannot be read counts as none.
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

/// Keeps what the log says beside a snapshot.
///
/// # Errors
/// If the note cannot be written.
pub fn store(context: &Context, commit: ObjectId, audit: &Audit) -> Result<()> {
    let bytes = serde_json::to_vec_pretty(audit)?;
    Ok(context.repo.set_note(NOTES, commit, &bytes, &context.repo.author())?)
}

/// Events of the time since `commit`, straight from the tenant, or why they are not known.
///
/// # Errors
/// If the repository cannot be read.
pub async fn live<T: TenantRead>(context: &Context, tenant: &T, commit: ObjectId) -> Result<Live> {
    let since = context.repo.commit(commit)?.author.time.unwrap_or_default() - 600;
    Ok(match tenant.audit(Some(&rfc3339(since))).await {
        Ok(events) => Live { events, gap: None },
        Err(error) => Live { events: Vec::new(), gap: Some(error.to_string()) },
    })
}

/// What the log itself says.
#[derive(Debug, Clone, Default)]
pub struct Live {
    /// Events, oldest first.
    pub events: Vec<AuditEvent>,
    /// Why it could not be read, if it could not.
    pub gap: Option<String>,
}

/// Adds to each change the events that made it: from the notes of the snapshots after `from` up to `to`, and from `live`.
/// An event belongs to a change if it names the object.
///
/// # Errors
/// If the repository cannot be read.
pub fn join(
    context: &Context,
    report: &mut Report,
    range: Option<(ObjectId, ObjectId)>,
    live: Option<&Live>,
) -> Result<()> {
    if context.settings.actors == Actors::Off {
        return Ok(());
    }
    let mut events: Vec<AuditEvent> = live.map(|live| live.events.clone()).unwrap_or_default();
    report.audited.looked |= live.is_some();
    report.audited.gaps.extend(live.and_then(|live| live.gap.clone()));
    let mut missing = 0;
    if let Some((from, to)) = range {
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
        let snapshots = if missing == 1 { "1 snapshot has".to_owned() } else { format!("{missing} snapshots have") };
        report.audited.gaps.push(format!(
            "{snapshots} no note of the audit log here; if another clone has it: `git fetch origin {NOTES}:{NOTES}`"
        ));
    }
    report.audited.gaps.sort();
    report.audited.gaps.dedup();
    attach(report, &events);
    Ok(())
}

/// Whether a commit was written by the tool as a snapshot.
pub fn is_snapshot(commit: &CommitInfo) -> bool {
    commit.message.contains("\nEntragit-Objects: ")
}

/// Whether a snapshot has no other before it.
fn is_first(context: &Context, commit: &CommitInfo) -> Result<bool> {
    match commit.parents.first() {
        Some(parent) => Ok(!is_snapshot(&context.repo.commit(*parent)?)),
        None => Ok(true),
    }
}

fn attach(report: &mut Report, events: &[AuditEvent]) {
    let mut by_target: BTreeMap<&str, Vec<&AuditEvent>> = BTreeMap::new();
    for event in events {
        for target in &event.targets {
            by_target.entry(target).or_default().push(event);
        }
    }
    for change in &mut report.changes {
        // Events of the object itself, whichever id it went by; else of what it lost or gained: an assignment ends with
        // the group it was for.
        let mut ids = BTreeSet::from([change.address.id.clone()]);
        if let Some(crate::model::Manner::Recreated { from }) = &change.manner {
            ids.insert(from.clone());
        }
        if !ids.iter().any(|id| by_target.contains_key(id.as_str())) {
            ids.extend(mentioned(change));
        }
        let found = ids.iter().filter_map(|id| by_target.get(id.as_str())).flatten();
        change.events = found.map(|event| (*event).clone()).collect();
        change.events.sort_by(|a, b| {
            seconds(&b.time).cmp(&seconds(&a.time)).then_with(|| b.time.cmp(&a.time)).then_with(|| a.id.cmp(&b.id))
        });
        change.events.dedup_by(|a, b| a.id == b.id);
    }
}

/// Ids in elements that a change took away or added.
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
