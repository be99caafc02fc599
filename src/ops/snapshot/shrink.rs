//! Implements the shrink guard: a snapshot that lacks much of a kind without a known deletion is not published.
//!
//! A list that is short without an error would otherwise become history, and `apply` would bring the tenant to it. The commit is
//! kept under [`SUSPECT`], where a person can look at it; `snapshots` and the branch people work on stay where they are.
//!
//! A lost object is explained by an event of the audit log that names it or by the recycle bin; a lost entry of a link, also by
//! an event that names its target. The unexplained losses count against the limits that guard deletions in a plan.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::{Result, anyhow, bail};
use serde_json::Value;

use super::publish::Changes;
use crate::engine::normalize::{entry_key, normalize};
use crate::format::path::address_of;
use crate::format::settings::Actors;
use crate::format::yaml;
use crate::kinds;
use crate::model::{Address, AuditEvent, Kind, Object};
use crate::ops::audit::{self, Audit};
use crate::ops::commit::base::Base;
use crate::ops::guards::authority;
use crate::ops::{Context, manifest_at};
use crate::repo::{ObjectId, RefMove};
use crate::tenant::TenantRead;

/// Name of the reference that keeps a refused snapshot.
pub const SUSPECT: &str = "refs/entragit/suspect";

/// Represents the unexplained losses of a kind or a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Name of the kind or link: `group`, or `group.members`.
    pub what: String,
    /// Number of objects or entries that are gone without an explanation.
    pub lost: usize,
    /// Number of objects or entries that the last snapshot has.
    pub known: usize,
    unit: &'static str,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} lost {} of {} {}", self.what, self.lost, self.known, self.unit)
    }
}

/// Reports that a snapshot lacks too much to be published: it was kept apart, and `snapshots` did not move.
#[derive(Debug, thiserror::Error)]
pub struct Shrunk {
    /// Losses that led to the refusal.
    pub losses: Vec<Loss>,
    /// Id of the snapshot under [`SUSPECT`].
    pub commit: ObjectId,
    /// Reason why the audit log could not be read, if it could not.
    pub gap: Option<String>,
}

impl fmt::Display for Shrunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let losses: Vec<String> = self.losses.iter().map(Loss::to_string).collect();
        let accept: Vec<String> = self.losses.iter().map(|loss| format!("--accept shrink:{}", loss.what)).collect();
        let log = match &self.gap {
            Some(gap) => format!("the audit log could not be read ({gap})"),
            None => "the audit log does not say who took them away".to_owned(),
        };
        write!(
            f,
            "refused by shrink: {}, and {log}; the snapshot is kept as {SUSPECT} ({}) and not published. Look at it with \
             `git diff {SUSPECT}^ {SUSPECT}`; if that is how the tenant is, run `entragit export {}`, else export again later",
            losses.join(", "),
            &self.commit.to_string()[..10],
            accept.join(" ")
        )
    }
}

/// Parses what a person accepts: `shrink:group` (with its links), `shrink:group.members`, or `settings` that get weaker.
///
/// # Errors
/// If a word is of another form, or there is no such kind or link.
pub fn accepted(words: &[String]) -> Result<BTreeSet<String>> {
    let mut accepted = BTreeSet::new();
    for word in words {
        if word == authority::ACCEPT {
            accepted.insert(word.clone());
            continue;
        }
        let Some(what) = word.strip_prefix("shrink:") else {
            bail!("--accept {word}: an export accepts `shrink:KIND`, as in `--accept shrink:group`, and `settings`");
        };
        let (name, link) = what.split_once('.').map_or((what, None), |(name, link)| (name, Some(link)));
        let kind =
            kinds::by_word(name).ok_or_else(|| anyhow!("--accept {word}: {}", kinds::unknown_kind_message(name)))?;
        match link {
            None => accepted.insert(kind.name.to_owned()),
            Some(link) if kind.link(link).is_some() => accepted.insert(format!("{}.{link}", kind.name)),
            Some(link) => bail!("--accept {word}: {} has no link `{link}`", kind.name),
        };
    }
    Ok(accepted)
}

/// Represents a snapshot that is about to be published.
pub(in crate::ops) struct Candidate<'a> {
    /// The last snapshot.
    pub parent: ObjectId,
    /// The last snapshot again, to look things up in.
    pub base: &'a Base<'a>,
    /// Changes from the last snapshot.
    pub changes: &'a Changes,
    /// Audit events on these changes.
    pub audit: &'a Audit,
    /// Tree of the new snapshot.
    pub tree: ObjectId,
    /// Message of the new snapshot.
    pub message: &'a str,
}

/// Refuses a snapshot that lacks too much, and keeps it apart. Returns trailers that name the losses which a person accepted.
///
/// # Errors
/// [`Shrunk`] if it is refused; others if the repository cannot be read or written.
pub(in crate::ops) async fn check<T: TenantRead>(
    context: &Context,
    tenant: &T,
    candidate: &Candidate<'_>,
) -> Result<Vec<(String, String)>> {
    let mut search = Search::new(context, candidate)?;
    let suspicious = search.excessive_losses(tenant).await?;
    let is_accepted = |loss: &Loss| {
        let kind = loss.what.split('.').next().unwrap_or_default();
        context.accept.contains(&loss.what) || context.accept.contains(kind)
    };
    let (accepted, refused): (Vec<Loss>, Vec<Loss>) = suspicious.into_iter().partition(is_accepted);
    if refused.is_empty() {
        let trailer = |loss: Loss| ("Entragit-Accepted".to_owned(), format!("shrink:{}", loss.what));
        return Ok(accepted.into_iter().map(trailer).collect());
    }
    let commit = keep_suspect(context, candidate)?;
    let gap = search.gap.or_else(|| candidate.audit.unknown().map(str::to_owned));
    Err(Shrunk { losses: refused, commit, gap }.into())
}

/// Commits the snapshot under [`SUSPECT`]; the same one as before is not committed again.
fn keep_suspect(context: &Context, candidate: &Candidate<'_>) -> Result<ObjectId> {
    let repo = &context.repo;
    let before = repo.reference(SUSPECT)?;
    if let Some(commit) = before {
        let known = repo.commit(commit)?;
        if known.tree == candidate.tree && known.parents == [candidate.parent] {
            return Ok(commit);
        }
    }
    let commit = repo.create_commit(candidate.tree, &[candidate.parent], candidate.message, &repo.author())?;
    repo.move_refs(&[RefMove { name: SUSPECT.to_owned(), to: commit, expected: before }], "entragit: suspect")?;
    Ok(commit)
}

/// Removes the refused snapshot, once a snapshot was published or the tenant was found to be as in the last one.
///
/// # Errors
/// If the repository cannot be written.
pub(in crate::ops) fn clear(context: &Context) -> Result<()> {
    match context.repo.reference(SUSPECT)? {
        Some(commit) => Ok(context.repo.delete_ref(SUSPECT, commit)?),
        None => Ok(()),
    }
}

/// Entries that objects lost: the id of the object, and the key of the entry.
type Entries = Vec<(String, Vec<String>)>;

/// Holds the state of one object in the last snapshot and in the new one.
#[derive(Default)]
struct Sides {
    /// Path and content of its file in the last snapshot.
    before: Option<(String, ObjectId)>,
    after: Option<ObjectId>,
}

/// Searches the differences from the last snapshot for losses without an explanation.
struct Search<'a> {
    context: &'a Context,
    candidate: &'a Candidate<'a>,
    /// Objects that are gone, with their last file and content.
    gone: BTreeMap<Address, (String, ObjectId)>,
    /// Objects that are there before and after, with different content.
    changed: BTreeMap<Address, (ObjectId, ObjectId)>,
    /// Events since the last snapshot that were read for this check alone, once they were.
    events: Option<Vec<AuditEvent>>,
    /// Reason why these events could not be read completely, if they could not.
    gap: Option<String>,
}

impl<'a> Search<'a> {
    /// Collects the objects that are gone or changed, except those of a kind whose filter has changed.
    fn new(context: &'a Context, candidate: &'a Candidate<'a>) -> Result<Search<'a>> {
        let mut sides: BTreeMap<Address, Sides> = BTreeMap::new();
        for (path, (old, new)) in candidate.changes {
            let Ok((kind, id)) = address_of(path) else { continue };
            let side = sides.entry(Address::new(kind, id)).or_default();
            side.before = old.map(|old| (path.clone(), old)).or(side.before.take());
            side.after = new.or(side.after);
        }
        let filters = manifest_at(&context.repo, candidate.parent)?.filters;
        // Objects of a kind whose filter has changed are not counted: the other filter may hide them.
        sides.retain(|address, _| {
            filters.get(address.kind.name) == context.settings.scope.filters.get(address.kind.name)
        });
        let (mut gone, mut changed) = (BTreeMap::new(), BTreeMap::new());
        for (address, side) in sides {
            match (side.before, side.after) {
                (Some(old), None) => drop(gone.insert(address, old)),
                (Some((_, old)), Some(new)) => drop(changed.insert(address, (old, new))),
                (None, _) => {}
            }
        }
        Ok(Search { context, candidate, gone, changed, events: None, gap: None })
    }

    /// Returns true if this number of losses is above both limits: the absolute one, and the percentage of `known`.
    fn exceeds_limits(&self, lost: usize, known: usize) -> bool {
        let guards = &self.context.settings.guards;
        lost > guards.max_deletes && lost * 100 > guards.max_deletes_percent * known
    }

    /// Returns the unexplained losses of all kinds and links that exceed the limits.
    async fn excessive_losses<T: TenantRead>(&mut self, tenant: &T) -> Result<Vec<Loss>> {
        let mut losses = Vec::new();
        for kind in kinds::ALL.iter().copied() {
            losses.extend(self.excessive_object_loss(tenant, kind).await?);
            losses.extend(self.excessive_entry_losses(tenant, kind).await?);
        }
        Ok(losses)
    }

    /// Counts the objects of a kind that are gone without an explanation. Returns the loss if it exceeds the limits.
    async fn excessive_object_loss<T: TenantRead>(&mut self, tenant: &T, kind: &'static Kind) -> Result<Option<Loss>> {
        let mut gone: BTreeMap<String, (String, ObjectId)> = self
            .gone
            .iter()
            .filter(|(address, _)| address.kind.name == kind.name)
            .map(|(address, old)| (address.id.clone(), old.clone()))
            .collect();
        if gone.len() <= self.context.settings.guards.max_deletes {
            return Ok(None);
        }
        let known = self.candidate.base.files(kind)?.len();
        if !self.exceeds_limits(gone.len(), known) {
            return Ok(None);
        }
        // A recycle bin that cannot be read explains nothing.
        for raw in tenant.deleted(kind).await.unwrap_or_default() {
            raw.get("id").and_then(Value::as_str).and_then(|id| gone.remove(id));
        }
        let context = self.context;
        // The object that a lost object is about may be gone itself: the loss is counted there.
        let all_gone: BTreeSet<String> = self.gone.keys().map(|address| address.id.clone()).collect();
        let base = self.candidate.base;
        let events = self.events(tenant).await?;
        let mut lost = 0;
        for (id, (path, blob)) in &gone {
            let about = match kind.about.is_empty() {
                true => Vec::new(),
                false => {
                    read_object(context, kind, path, *blob)?.map(|object| kind.about(&object.0)).unwrap_or_default()
                }
            };
            let names = |event: &AuditEvent| event.targets.contains(id) || audit::names_all(event, &about);
            let mut went_along = about.iter().any(|id| all_gone.contains(id));
            for id in &about {
                // If the last snapshot did not have that object either, an earlier snapshot has recorded its loss.
                went_along |= base.kinds_of(id)?.is_empty();
            }
            lost += usize::from(!went_along && !events.iter().any(names));
        }
        let loss = Loss { what: kind.name.to_owned(), lost, known, unit: "objects" };
        Ok(self.exceeds_limits(lost, known).then_some(loss))
    }

    /// Counts, for each link of a kind, the entries that are gone without an explanation from objects that are still there. Returns
    /// the losses that exceed the limits.
    async fn excessive_entry_losses<T: TenantRead>(&mut self, tenant: &T, kind: &'static Kind) -> Result<Vec<Loss>> {
        let mut losses = Vec::new();
        let changed =
            self.changed.iter().filter(|(address, _)| address.kind.name == kind.name && !kind.links.is_empty());
        let changed: Vec<(String, ObjectId, ObjectId)> =
            changed.map(|(address, (old, new))| (address.id.clone(), *old, *new)).collect();
        let mut lost: BTreeMap<&'static str, Entries> = BTreeMap::new();
        for (id, old, new) in changed {
            let (old, new) = (read_object(self.context, kind, &id, old)?, read_object(self.context, kind, &id, new)?);
            let (Some(old), Some(new)) = (old, new) else { continue };
            for link in kind.links {
                let now: BTreeSet<Vec<String>> = keys(kind, link.name, &new).collect();
                let gone = keys(kind, link.name, &old).filter(|key| !now.contains(key));
                lost.entry(link.name).or_default().extend(gone.map(|key| (id.clone(), key)));
            }
        }
        lost.retain(|_, entries| entries.len() > self.context.settings.guards.max_deletes);
        if lost.is_empty() {
            return Ok(losses);
        }
        let files = self.candidate.base.files(kind)?;
        let known = self.context.repo.each(&files, |reader, (_, entry)| {
            let document = yaml::read(&entry.path, &reader.blob(entry.blob)?).ok();
            let object = document.map(|document| normalize(kind, document.value).object).unwrap_or_default();
            anyhow::Ok(lost.keys().map(|link| keys(kind, link, &object).count()).collect::<Vec<_>>())
        })?;
        // The object that a lost entry names may be gone itself: the loss is counted there.
        let gone: BTreeSet<String> = self.gone.keys().map(|address| address.id.clone()).collect();
        for (at, (link, entries)) in lost.iter().enumerate() {
            let known: usize = known.iter().map(|counts| counts[at]).sum();
            if !self.exceeds_limits(entries.len(), known) {
                continue;
            }
            let is_child = kind.link(link).is_some_and(|link| link.children().is_some());
            let events = self.events(tenant).await?;
            let explained = |(id, key): &&(String, Vec<String>)| {
                let takes = |event: &AuditEvent| {
                    event.targets.contains(id) && (is_child || key.iter().all(|named| event.targets.contains(named)))
                };
                key.iter().any(|named| gone.contains(named)) || events.iter().any(takes)
            };
            let lost = entries.iter().filter(|entry| !explained(entry)).count();
            if self.exceeds_limits(lost, known) {
                losses.push(Loss { what: format!("{}.{link}", kind.name), lost, known, unit: "entries" });
            }
        }
        Ok(losses)
    }

    /// Returns the events since the last snapshot. Where the settings turn actors off, the log is read for this check alone, and
    /// nothing of it is kept.
    async fn events<T: TenantRead>(&mut self, tenant: &T) -> Result<&[AuditEvent]> {
        if self.context.settings.actors != Actors::Off {
            return Ok(self.candidate.audit.events());
        }
        if self.events.is_none() {
            let live = audit::live(self.context, tenant, self.candidate.parent).await?;
            self.gap = live.gap;
            self.events = Some(live.events);
        }
        Ok(self.events.as_deref().unwrap_or_default())
    }
}

/// Reads an object from its file; `None` if the file is malformed.
fn read_object(context: &Context, kind: &'static Kind, path: &str, blob: ObjectId) -> Result<Option<Object>> {
    let document = yaml::read(path, &context.repo.blob(blob)?).ok();
    Ok(document.map(|document| normalize(kind, document.value).object))
}

/// Returns the keys of a link's entries.
fn keys<'o>(kind: &'static Kind, link: &'static str, object: &'o Object) -> impl Iterator<Item = Vec<String>> + 'o {
    let entries = match object.get(link) {
        Some(Value::Array(entries)) => entries.as_slice(),
        Some(Value::Null) | None => &[],
        Some(one) => std::slice::from_ref(one),
    };
    entries.iter().map(move |entry| entry_key(kind, link, entry))
}
