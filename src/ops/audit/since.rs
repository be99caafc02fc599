//! Reads the audit log: events since the last snapshot, and late events of the snapshots before.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use jiff::Timestamp;

use super::{Audit, MARGIN, disclosed, is_first, is_snapshot, names_all, note_of, rfc3339, seconds, store};
use crate::format::path::address_of;
use crate::format::settings::Actors;
use crate::format::yaml;
use crate::model::AuditEvent;
use crate::ops::Context;
use crate::repo::{CommitInfo, ObjectId, Repo};
use crate::tenant::TenantRead;

/// Holds the objects that a snapshot changed.
#[derive(Debug, Default)]
pub struct Changed {
    /// Ids of the objects.
    pub ids: BTreeSet<String>,
    /// Ids that identify an object without a name of its own, one list for each such object: the audit log names these
    /// instead of the object.
    pub about: BTreeSet<Vec<String>>,
}

impl Changed {
    /// Returns the objects of these files, each given as its path and the id of its content. Both states of a changed file may
    /// be given.
    ///
    /// # Errors
    /// If the object database cannot be read.
    pub fn of<'p>(repo: &Repo, files: impl IntoIterator<Item = (&'p str, ObjectId)>) -> Result<Changed> {
        let mut changed = Changed::default();
        for (path, blob) in files {
            let Ok((kind, id)) = address_of(path) else { continue };
            changed.ids.insert(id);
            if !kind.about.is_empty()
                && let Ok(document) = yaml::read(path, &repo.blob(blob)?)
            {
                changed.about.insert(kind.about(&document.value));
            }
        }
        Ok(changed)
    }

    /// Returns the objects in which two commits differ.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub fn between(context: &Context, a: ObjectId, b: ObjectId) -> Result<Changed> {
        let (left, right) = context.repo.changed_entries(a, b)?;
        Changed::of(&context.repo, left.iter().chain(&right).map(|entry| (entry.path.as_str(), entry.blob)))
    }

    /// Returns true if an event may have made one of the changes: it names a changed object, or everything that identifies one
    /// without a name.
    pub fn is_meant(&self, event: &AuditEvent) -> bool {
        event.targets.iter().any(|id| self.ids.contains(id)) || self.about.iter().any(|about| names_all(event, about))
    }
}

/// Returns the audit note of a new snapshot with the parent `parent`: the events that may have made the changes in `changed`, and
/// the numbers of the other events. `is_exported` returns true if the parent or the new snapshot has an object with an id. Events
/// that appeared in the log too late for an earlier snapshot are added to its note. A log that cannot be read is no error: the
/// note says why, and people are warned if anything changed.
///
/// # Errors
/// If the repository cannot be read or written.
pub async fn since_last<T: TenantRead>(
    context: &Context,
    tenant: &T,
    parent: Option<ObjectId>,
    changed: &Changed,
    is_exported: impl Fn(&str) -> Result<bool>,
) -> Result<Audit> {
    let mut audit = Audit { format_version: 1, ..Audit::default() };
    let Some(parent) = parent.filter(|_| context.settings.actors != Actors::Off) else { return Ok(audit) };
    let last = context.repo.commit(parent)?.committed;
    let events = match tenant.audit(Some(&rfc3339(last - MARGIN))).await {
        Ok(events) => events,
        Err(error) => {
            if !changed.ids.is_empty() {
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
        if earlier.noted_events.contains(&event.id) || earlier.add_to_note(context, &event, time + 1)? {
            continue;
        }
        if changed.is_meant(&event) {
            audit.events.push(disclosed(event, context.settings.actors));
        } else if earlier.add_to_note(context, &event, time)? {
            // The event is of the second in which the earlier snapshot was committed, so that either snapshot may hold its
            // change. The new one does not.
        } else if time >= last {
            // Events before the last snapshot were counted in its note.
            others.push(event.targets);
        }
    }
    earlier.store_notes(context)?;
    let mut known: BTreeMap<&str, bool> = BTreeMap::new();
    for id in others.iter().flatten().map(String::as_str) {
        if !known.contains_key(id) {
            known.insert(id, is_exported(id)?);
        }
    }
    let is_held = |id: &String| known.get(id.as_str()).copied().unwrap_or_default();
    audit.unchanged = others.iter().filter(|targets| targets.iter().any(is_held)).count();
    audit.not_exported = others.len() - audit.unchanged;
    Ok(audit)
}

/// Adds late events to the notes of the last snapshots although nothing changed since. Does nothing if the last snapshot is older
/// than the time in which late events are expected.
///
/// # Errors
/// If the repository cannot be read or written.
pub async fn late<T: TenantRead>(context: &Context, tenant: &T, tip: ObjectId) -> Result<()> {
    let time = context.repo.commit(tip)?.committed;
    if Timestamp::now().as_second() - time > MARGIN {
        return Ok(());
    }
    since_last(context, tenant, Some(tip), &Changed::default(), |_| Ok(false)).await.map(drop)
}

/// Holds the snapshots that late events may belong to.
struct Earlier {
    /// The snapshots, oldest first.
    snapshots: Vec<NotedSnapshot>,
    /// Ids of the events that are in a note already.
    noted_events: BTreeSet<String>,
}

/// Represents a snapshot with its audit note.
struct NotedSnapshot {
    commit: CommitInfo,
    note: Option<Audit>,
    /// Objects that the snapshot changed; read when first asked for.
    changed: Option<Changed>,
    /// True if the note got another event and has to be stored.
    note_grew: bool,
}

impl Earlier {
    /// Reads the snapshots that were committed at `since` or later, and the notes of all commits up to then.
    fn read(context: &Context, tip: ObjectId, since: i64) -> Result<Earlier> {
        let mut earlier = Earlier { snapshots: Vec::new(), noted_events: BTreeSet::new() };
        for commit in context.repo.line(tip, 200)? {
            let time = commit.committed;
            let note = note_of(context, commit.id)?;
            earlier.noted_events.extend(note.iter().flat_map(|note| &note.events).map(|event| event.id.clone()));
            // The first snapshot adds every object of the tenant: those additions are not the work of events in the log.
            if is_snapshot(&commit) && !is_first(context, &commit)? {
                earlier.snapshots.push(NotedSnapshot { commit, note, changed: None, note_grew: false });
            }
            // One commit before `since` is read as well: its note may hold events that came after `since`.
            if time < since {
                break;
            }
        }
        earlier.snapshots.reverse();
        Ok(earlier)
    }

    /// Adds the event to the note of the first snapshot that was committed at `from` or later and holds a change that the event
    /// may have made. Returns true if there is such a snapshot.
    fn add_to_note(&mut self, context: &Context, event: &AuditEvent, from: i64) -> Result<bool> {
        for snapshot in self.snapshots.iter_mut().filter(|it| it.commit.committed >= from) {
            let Some(parent) = snapshot.commit.parents.first().copied() else { continue };
            if snapshot.changed.is_none() {
                snapshot.changed = Some(Changed::between(context, parent, snapshot.commit.id)?);
            }
            if snapshot.changed.as_ref().is_some_and(|changed| changed.is_meant(event)) {
                let note = snapshot.note.get_or_insert_with(|| Audit { format_version: 1, ..Audit::default() });
                note.events.push(disclosed(event.clone(), context.settings.actors));
                snapshot.note_grew = true;
                self.noted_events.insert(event.id.clone());
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Stores the notes that got another event.
    fn store_notes(&self, context: &Context) -> Result<()> {
        for snapshot in self.snapshots.iter().filter(|snapshot| snapshot.note_grew) {
            if let Some(note) = &snapshot.note {
                store(context, snapshot.commit.id, note)?;
            }
        }
        Ok(())
    }
}
