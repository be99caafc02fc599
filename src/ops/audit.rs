//! Who did it: the tenant's audit log, joined with what changed and kept beside the snapshot as a git note, so that trees
//! stay a pure function of the tenant.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::Context;
use crate::engine::refs::mentions;
use crate::format::settings::Actors;
use crate::model::{AuditEvent, Change, FieldChange, Report, What};
use crate::repo::ObjectId;
use crate::tenant::TenantRead;

/// The notes' ref.
pub const NOTES: &str = "refs/notes/entragit-audit";

/// Events of one snapshot, each with at least one target that changed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Audit {
    format_version: u32,
    events: Vec<AuditEvent>,
}

impl Audit {
    /// Whether nothing is known of who did it.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The events.
    pub fn events(&self) -> &[AuditEvent] {
        &self.events
    }

    /// Those of the events that `belongs` says yes to.
    #[must_use]
    pub fn only(&self, belongs: impl Fn(&AuditEvent) -> bool) -> Audit {
        let events = self.events.iter().filter(|event| belongs(event)).cloned().collect();
        Audit { events, ..self.clone() }
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

/// Events since the last snapshot that touched one of `changed`. A log that cannot be read is said once and is no error.
///
/// # Errors
/// If the repository cannot be read.
pub async fn since_last<T: TenantRead>(
    context: &Context,
    tenant: &T,
    parent: Option<ObjectId>,
    changed: &BTreeSet<String>,
) -> Result<Audit> {
    let Some(parent) = parent else { return Ok(Audit::default()) };
    if changed.is_empty() {
        return Ok(Audit::default());
    }
    // A margin for clocks that differ and entries that arrive late; what is too old touches nothing that changed since.
    let since = rfc3339(context.repo.commit(parent)?.author.time.unwrap_or_default() - 600);
    match tenant.audit(Some(&since)).await {
        Ok(events) => {
            let told = told(context, parent)?;
            let events = events
                .into_iter()
                .filter(|event| !told.contains(&event.id))
                .filter(|event| event.targets.iter().any(|id| changed.contains(id)));
            let mut events: Vec<AuditEvent> = events.collect();
            if context.settings.actors == Actors::Ids {
                for event in &mut events {
                    event.actor.name.clear();
                    event.actor.user_principal_name.clear();
                    event.actor.ip_address.clear();
                }
            }
            if context.settings.actors == Actors::Off {
                events.clear();
            }
            Ok(Audit { format_version: 1, events })
        }
        Err(error) => {
            context.events.warn(format!("who made the changes is not known: {error}"));
            Ok(Audit::default())
        }
    }
}

/// Events that the last snapshots have told already: the margin reaches back into them.
fn told(context: &Context, tip: ObjectId) -> Result<BTreeSet<String>> {
    let mut ids = BTreeSet::new();
    for commit in context.repo.history(tip, 20)? {
        if let Some(note) = context.repo.note(NOTES, commit.id)?
            && let Ok(audit) = serde_json::from_slice::<Audit>(&note)
        {
            ids.extend(audit.events.into_iter().map(|event| event.id));
        }
    }
    Ok(ids)
}

/// Ids in elements that a change took away or added.
fn mentioned(change: &Change) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    if let What::Modified(fields) = &change.what {
        for field in fields {
            if let FieldChange::Gained { element, .. } | FieldChange::Lost { element, .. } = field {
                mentions(element, &mut |id| {
                    ids.insert(id.to_owned());
                });
            }
        }
    }
    ids
}

fn rfc3339(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| "1970-01-01T00:00:00Z".to_owned(), |time| time.to_string())
}

/// Keeps events beside a snapshot.
///
/// # Errors
/// If the note cannot be written.
pub fn store(context: &Context, commit: ObjectId, audit: &Audit) -> Result<()> {
    let bytes = serde_json::to_vec_pretty(audit)?;
    Ok(context.repo.set_note(NOTES, commit, &bytes, &context.repo.author())?)
}

/// Adds to each change the events that made it: from the notes of the snapshots after `from` up to `to`, and from `live`.
/// An event belongs to a change if it names the object.
///
/// # Errors
/// If the repository cannot be read.
pub fn join(
    context: &Context,
    report: &mut Report,
    from: Option<ObjectId>,
    to: Option<ObjectId>,
    live: &[AuditEvent],
) -> Result<()> {
    let mut events: Vec<AuditEvent> = live.to_vec();
    let mut audited = !live.is_empty();
    if let (Some(from), Some(to)) = (from, to) {
        for commit in context.repo.history(to, 1_000)? {
            if commit.id == from {
                break;
            }
            if let Some(note) = context.repo.note(NOTES, commit.id)?
                && let Ok(audit) = serde_json::from_slice::<Audit>(&note)
            {
                audited = true;
                events.extend(audit.events);
            }
        }
    }
    let mut by_target: BTreeMap<&str, Vec<&AuditEvent>> = BTreeMap::new();
    for event in &events {
        for target in &event.targets {
            by_target.entry(target).or_default().push(event);
        }
    }
    for change in &mut report.changes {
        // Events of the object itself; else of what it lost or gained: an assignment ends with the group it was for.
        let mut ids: BTreeSet<String> = BTreeSet::from([change.address.id.clone()]);
        if !by_target.contains_key(change.address.id.as_str()) {
            ids.extend(mentioned(change));
        }
        let found: Vec<AuditEvent> =
            ids.iter().filter_map(|id| by_target.get(id.as_str())).flatten().map(|event| (*event).clone()).collect();
        if !found.is_empty() {
            change.events = found;
            change.events.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| a.id.cmp(&b.id)));
            change.events.dedup_by(|a, b| a.id == b.id);
        }
    }
    report.audited |= audited;
    Ok(())
}
