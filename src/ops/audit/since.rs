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
    /// Objects that objects without a name are about: the log names those, and not the object.
    pub about: BTreeSet<Vec<String>>,
}

impl Changed {
    /// Returns the objects in these files, each given as path and content, before or after.
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

    /// Returns true if an event may have made one of the changes.
    pub fn is_meant(&self, event: &AuditEvent) -> bool {
        event.targets.iter().any(|id| self.ids.contains(id)) || self.about.iter().any(|about| names_all(event, about))
    }
}

/// Returns the events since the last snapshot that touched one of `changed`, the ids of the objects that differ from it. `holds`
/// returns true if either snapshot has an object with an id. Late events are added to the notes they belong to. A log that cannot
/// be read is reported once and is no error.
///
/// # Errors
/// If the repository cannot be read.
pub async fn since_last<T: TenantRead>(
    context: &Context,
    tenant: &T,
    parent: Option<ObjectId>,
    changed: &Changed,
    holds: impl Fn(&str) -> Result<bool>,
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
        if earlier.told.contains(&event.id) || earlier.takes(context, &event, time + 1)? {
            continue;
        }
        if changed.is_meant(&event) {
            audit.events.push(disclosed(event, context.settings.actors));
        } else if earlier.takes(context, &event, time)? {
            // The event is of the very second in which that snapshot was committed, and no change of this snapshot belongs to it.
        } else if time >= last {
            // Older events were counted by the last snapshot.
            others.push(event.targets);
        }
    }
    earlier.store(context)?;
    let mut known: BTreeMap<&str, bool> = BTreeMap::new();
    for id in others.iter().flatten().map(String::as_str) {
        if !known.contains_key(id) {
            known.insert(id, holds(id)?);
        }
    }
    let is_held = |id: &String| known.get(id.as_str()).copied().unwrap_or_default();
    audit.unchanged = others.iter().filter(|targets| targets.iter().any(is_held)).count();
    audit.not_exported = others.len() - audit.unchanged;
    Ok(audit)
}

/// Looks for late events although nothing changed since the last snapshot; only if that is young enough to have any.
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

/// Holds the snapshots that late events may belong to, oldest first.
struct Earlier {
    snapshots: Vec<Noted>,
    told: BTreeSet<String>,
}

struct Noted {
    commit: CommitInfo,
    note: Option<Audit>,
    /// Objects that the snapshot changed; read when first asked for.
    changed: Option<Changed>,
    grew: bool,
}

impl Earlier {
    fn read(context: &Context, tip: ObjectId, since: i64) -> Result<Earlier> {
        let mut earlier = Earlier { snapshots: Vec::new(), told: BTreeSet::new() };
        for commit in context.repo.line(tip, 200)? {
            let time = commit.committed;
            let note = note_of(context, commit.id)?;
            earlier.told.extend(note.iter().flat_map(|note| &note.events).map(|event| event.id.clone()));
            // The first snapshot adds every object; no event of the log made those additions.
            if is_snapshot(&commit) && !is_first(context, &commit)? {
                earlier.snapshots.push(Noted { commit, note, changed: None, grew: false });
            }
            // One snapshot more than the margin reaches is read: its note may hold events of the margin's beginning.
            if time < since {
                break;
            }
        }
        earlier.snapshots.reverse();
        Ok(earlier)
    }

    /// Adds the event to the first snapshot committed at `from` or later that holds a change it may have made; returns true if
    /// there is one.
    fn takes(&mut self, context: &Context, event: &AuditEvent, from: i64) -> Result<bool> {
        for snapshot in self.snapshots.iter_mut().filter(|it| it.commit.committed >= from) {
            let Some(parent) = snapshot.commit.parents.first().copied() else { continue };
            if snapshot.changed.is_none() {
                snapshot.changed = Some(Changed::between(context, parent, snapshot.commit.id)?);
            }
            if snapshot.changed.as_ref().is_some_and(|changed| changed.is_meant(event)) {
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
