//! Watches the tenant: round after round, its changes become commits whose authors are the people who made them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::export::{Exported, Extra, choose_layout, commit_to_follow, follow};
use super::full_read::{FullRead, PreviousSnapshot, read_everything};
use super::incremental::{self, Found, Ids, Last, Wanted};
use super::main_relation::Edits;
use super::record::{Outcome, record};
use super::resume::State;
use super::round::{Round, RoundOptions};
use crate::format::manifest::Manifest;
use crate::format::path::address_of;
use crate::kinds;
use crate::model::{Address, AuditEvent, CoverageMap, Kind};
use crate::ops::commit::base::Base;
use crate::ops::commit::source::check_tenant;
use crate::ops::journal::Journal;
use crate::ops::{Context, files_of, manifest_at};
use crate::repo::{ObjectId, SnapshotWriter};
use crate::tenant::{Changes, TenantRead};

/// Number of seconds that each look at the audit log reaches back before the last one: entries arrive late, and Microsoft does
/// not say how late.
const LOOK_BACK: i64 = 3_600;

/// Age in seconds below which events are looked at again the next time: not every replica has the change yet.
const FRESH: i64 = 120;

/// Number of changed objects of a kind above which listing the kind is cheaper, if they are also a quarter of it.
const MANY: usize = 200;

/// Number of rounds after which a state without changes is stored: each time makes three objects in git.
const STORE_EVERY: u32 = 12;

/// Holds what is remembered between rounds. Starting with a new one is safe: it only costs reading.
#[derive(Debug, Default)]
pub struct Watch {
    state: Option<State>,
    told: BTreeSet<String>,
    deaf: bool,
}

impl Watch {
    /// Looks at the tenant once, and commits the differences from the last snapshot. The caller holds the repository's lock.
    ///
    /// Dropping the future at any time leaves the repository as it was, or with the round's commits complete.
    ///
    /// # Errors
    /// If the tenant does not answer or is another one, the repository cannot be written, or another run moved `snapshots`.
    pub async fn round<T: TenantRead>(
        &mut self,
        context: &Context,
        tenant: &T,
        options: RoundOptions,
    ) -> Result<Round> {
        context.ready_snapshots_branch()?;
        check_tenant(context, tenant).await?;
        let parent = context.last_snapshot()?;
        let start = commit_to_follow(context, parent)?;
        let base = Base::new(&context.repo, start)?;
        let mut manifest = manifest_at(&context.repo, start)?;
        let scope = context.kinds(&[]);
        if parent.is_none() && manifest.layout.is_empty() {
            manifest.layout = choose_layout(context, tenant, &scope).await;
        }
        let state = self.resume(context, parent, start, &scope)?;
        let now = jiff::Timestamp::now().as_second();
        let events = self.events(context, tenant, state.as_ref(), now).await;
        let due = state.as_ref().is_none_or(|state| state.rounds.saturating_add(1) >= options.full_every);
        let (wanted, mut next) = match state.filter(|_| !due) {
            Some(state) => {
                self.trigger(context, tenant, &scope, &base, state, events.as_deref().unwrap_or_default()).await?
            }
            None => (None, State::new(context, start, &scope)),
        };
        let full = wanted.is_none();
        let mut writer = context.repo.writer()?;
        let found = match &wanted {
            Some(wanted) => {
                let last = Last { base: &base, tally: next.tally.clone(), filters: &manifest.filters };
                incremental::read(context, tenant, &scope, &manifest.layout, last, wanted, &mut writer).await?
            }
            None => {
                next = next.anew(context, &scope);
                next.tokens = begin(context, tenant, &scope).await?;
                read_all(context, tenant, &scope, &manifest, start, &base, &mut writer).await?
            }
        };
        if full {
            next.coverage.clone_from(&found.coverage);
            let (gone, all) = in_bin(context, tenant, &scope).await;
            next.set_gone(gone, all, now);
        }
        next.tally.clone_from(&found.tally);
        next.set_gone(found.gone.iter().cloned(), false, now);
        next.audited = rfc3339(now);
        next.set_again(objects_to_reread(&wanted.unwrap_or_default(), &found));
        describe(context, &mut manifest, &scope, &next.coverage, &found)?;

        let news = events.iter().flatten().any(|event| !self.told.contains(&event.id));
        let outcome = Outcome { news, full, start, parent, base: &base, manifest, scope, found };
        let options = RoundOptions { patient: options.patient && events.is_ok(), ..options };
        let round = record(context, tenant, options, outcome, writer).await?;
        if round.waiting > 0 {
            return Ok(round);
        }
        if let Ok(events) = events {
            self.note_events(events, now, &mut next);
        }
        let next = next.at(round.commits.last().map_or(start, |commit| commit.id));
        if parent.is_some() || !round.commits.is_empty() {
            self.store(context, &next, &round)?;
        }
        self.state = Some(next);
        Ok(round)
    }

    /// Remembers the events that were seen, but for the newest: not every replica has their changes yet.
    fn note_events(&mut self, events: Vec<AuditEvent>, now: i64, next: &mut State) {
        let late = rfc3339(now - FRESH);
        let done = events.iter().filter(|event| event.recovery && event.time < late);
        next.recovered = done.map(|event| event.id.clone()).collect();
        self.told = events.into_iter().filter(|event| event.time < late).map(|event| event.id).collect();
    }

    /// Stores the state after a round, but not after each of many rounds without changes.
    fn store(&self, context: &Context, next: &State, round: &Round) -> Result<()> {
        let quiet = !round.full
            && round.commits.is_empty()
            && self.state.as_ref().is_some_and(|last| last.only_counts_on(next));
        if !quiet || next.rounds.is_multiple_of(STORE_EVERY) {
            next.store(context)?;
        }
        Ok(())
    }

    /// Returns the state in which the last round ended: as this process knows it, else as it is stored.
    fn resume(
        &self,
        context: &Context,
        parent: Option<ObjectId>,
        start: ObjectId,
        scope: &[&'static Kind],
    ) -> Result<Option<State>> {
        let here = State::new(context, start, scope);
        match self.state.as_ref().filter(|state| parent.is_some() && state.belongs_with(&here)) {
            Some(state) => Ok(Some(state.clone())),
            None => State::load(context, parent, scope),
        }
    }

    /// Returns the events of the audit log since the last round, and a good while before. A log that cannot be read is reported
    /// once.
    async fn events<T: TenantRead>(
        &mut self,
        context: &Context,
        tenant: &T,
        state: Option<&State>,
        now: i64,
    ) -> Result<Vec<AuditEvent>, ()> {
        let Some(state) = state else { return Ok(Vec::new()) };
        let last = state.audited.parse::<jiff::Timestamp>().map_or(now, jiff::Timestamp::as_second);
        match tenant.audit(Some(&rfc3339(last.min(now) - LOOK_BACK))).await {
            Ok(events) => {
                self.deaf = false;
                Ok(events)
            }
            Err(error) => {
                if !std::mem::replace(&mut self.deaf, true) {
                    context.events.warn(format!(
                        "the audit log cannot be read, so it is not known who makes changes, and some (assignments, \
                         grants, owners) are seen only when everything is read: {error}"
                    ));
                }
                Err(())
            }
        }
    }

    /// Returns what to read, as far as the tenant reports changes; `None` means everything.
    async fn trigger<T: TenantRead>(
        &self,
        context: &Context,
        tenant: &T,
        scope: &[&'static Kind],
        base: &Base<'_>,
        mut state: State,
        events: &[AuditEvent],
    ) -> Result<(Option<Wanted>, State)> {
        state.rounds = state.rounds.saturating_add(1);
        // Delta queries do not report the writes of Microsoft's own recovery.
        let untold = |event: &&AuditEvent| !self.told.contains(&event.id) && !state.recovered.contains(&event.id);
        if events.iter().filter(untold).any(|event| event.recovery) {
            return Ok((None, state));
        }
        let mut wanted = Wanted { touched: state.again(), coverage: state.coverage.clone(), ..Wanted::default() };
        for kind in scope {
            // A kind that could not be listed completely the last time is listed again.
            let filtered = context.settings.scope.filters.contains_key(kind.name);
            let told = kind.delta.is_some() && !filtered && state.coverage.kind(kind.name).is_complete();
            // A kind whose changes are not reported (no permission for it, another cloud) is listed; the other kinds still use
            // their tokens.
            let Some(token) = state.tokens.get(kind.name).filter(|_| told) else {
                wanted.listed.push(kind);
                continue;
            };
            match tenant.changes(kind, Some(token)).await? {
                Changes::StartOver { .. } => return Ok((None, state)),
                Changes::Since { changed, removed, token } => {
                    state.tokens.insert(kind.name.to_owned(), token);
                    wanted.touched.entry(kind.name).or_default().extend(changed.iter().cloned());
                    wanted.changed.insert(kind.name, changed);
                    wanted.removed.insert(kind.name, removed);
                }
            }
        }
        // Delta does not report all links, so every object that an event names is read again.
        let targets = events.iter().filter(|event| !self.told.contains(&event.id)).flat_map(|event| &event.targets);
        for id in targets.collect::<BTreeSet<_>>() {
            for kind in base.kinds_of(id)? {
                let carried = scope.contains(&kind) && !wanted.listed.contains(&kind);
                let removed = wanted.removed.get(kind.name).is_some_and(|ids| ids.contains(id));
                if carried && !removed {
                    wanted.touched.entry(kind.name).or_default().insert(id.clone());
                }
            }
        }
        let mut back = false;
        for id in wanted.touched.values().flatten().filter(|id| state.is_gone(id)) {
            back |= base.kinds_of(id)?.is_empty();
        }
        let many = wanted.touched.iter().any(|(name, ids)| {
            let all = kinds::by_name(name).map_or(0, |kind| state.tally.of(kind));
            ids.len() > MANY && ids.len() * 4 > all
        });
        // An object that comes back from the recycle bin brings links with it that nobody reports.
        Ok(if back || many { (None, state) } else { (Some(wanted), state) })
    }
}

/// Runs an export that reads what changed since the last one, and reads everything after `full_every` exports: one round that
/// becomes one commit. Returns also whether everything was read.
///
/// # Errors
/// Fails like [`Watch::round`].
pub async fn export<T: TenantRead>(context: &Context, tenant: &T, full_every: u32) -> Result<(Exported, bool)> {
    let how = RoundOptions { full_every, patient: false, one_commit: true };
    let round = Watch::default().round(context, tenant, how).await?;
    let exported = Exported {
        commit: round.commits.last().map(|commit| commit.id),
        tip: round.tip,
        counts: round.counts,
        objects: round.objects,
        complete: round.complete,
        changed: round.changed,
        pending: round.pending,
        // A round compares files, and does not look inside.
        unwritable: Vec::new(),
        unknown: round.unknown,
    };
    Ok((exported, round.full))
}

/// Fetches delta tokens before anything is read: changes made meanwhile are reported the next time.
async fn begin<T: TenantRead>(
    context: &Context,
    tenant: &T,
    scope: &[&'static Kind],
) -> Result<BTreeMap<String, String>> {
    let mut tokens = BTreeMap::new();
    for kind in scope.iter().filter(|kind| kind.delta.is_some()) {
        match tenant.changes(kind, None).await? {
            Changes::Since { token, .. } => drop(tokens.insert(kind.name.to_owned(), token)),
            Changes::StartOver { why } => {
                context.events.note(format!("changes of {} are not told, so they are listed: {why}", kind.title));
            }
        }
    }
    Ok(tokens)
}

/// Returns the ids of the objects that may come back from the recycle bins, and whether these are all.
async fn in_bin<T: TenantRead>(context: &Context, tenant: &T, scope: &[&'static Kind]) -> (BTreeSet<String>, bool) {
    let (mut ids, mut all) = (BTreeSet::new(), true);
    for kind in scope.iter().filter(|kind| kind.delta.is_some()) {
        match tenant.deleted(kind).await {
            Ok(deleted) => ids.extend(deleted.iter().filter_map(|raw| raw.get("id")?.as_str().map(str::to_owned))),
            Err(error) => {
                all = false;
                context.events.note(format!(
                    "deleted {} cannot be listed, so links that come back with one may be seen only when everything is \
                     read: {error}",
                    kind.title
                ));
            }
        }
    }
    (ids, all)
}

/// Reads everything, as an export does.
async fn read_all<T: TenantRead>(
    context: &Context,
    tenant: &T,
    scope: &[&'static Kind],
    manifest: &Manifest,
    start: ObjectId,
    base: &Base<'_>,
    writer: &mut SnapshotWriter<'_>,
) -> Result<Found> {
    let before = files_of(&context.repo, start)?;
    let follow = follow(context, &before, manifest, &Extra::default(), &manifest.ids)?;
    let previous = PreviousSnapshot { before, base, edits: &Edits::None, follow, ids: &manifest.ids };
    let read = read_everything(context, tenant, scope, &manifest.layout, previous, writer).await?;
    let FullRead { files, mut changes, first, coverage, tally, .. } = read;
    if first {
        changes = files.into_iter().map(|(path, blob)| (path, (None, Some(blob)))).collect();
    }
    let of = |side: fn(&(Option<ObjectId>, Option<ObjectId>)) -> bool| -> BTreeSet<Address> {
        let paths = changes.iter().filter(|(_, blobs)| side(blobs)).filter_map(|(path, _)| address_of(path).ok());
        paths.map(|(kind, id)| Address::new(kind, id)).collect()
    };
    let (before, after) = (of(|(old, _)| old.is_some()), of(|(_, new)| new.is_some()));
    let gone = before.difference(&after).map(|address| address.id.clone()).collect();
    Ok(Found { changes, coverage, tally, again: Ids::new(), gone, there: BTreeSet::new() })
}

/// Returns the objects to re-read next round: those read incompletely, and those reported as changed or deleted whose state did
/// not differ (a lagging replica). An object that was re-read now is not read again for that reason.
fn objects_to_reread(wanted: &Wanted, found: &Found) -> Ids {
    let mut again = found.again.clone();
    for (kind, ids) in &wanted.removed {
        let doubtful =
            ids.iter().filter(|id| kinds::address(kind, id.as_str()).is_some_and(|at| found.there.contains(&at)));
        again.entry(kind).or_default().extend(doubtful.cloned());
    }
    let paths = found.changes.keys().filter_map(|path| address_of(path).ok());
    let differing: BTreeSet<Address> = paths.map(|(kind, id)| Address::new(kind, id)).collect();
    for (kind, ids) in &wanted.changed {
        let stale = ids.iter().filter(|id| kinds::address(kind, id.as_str()).is_none_or(|at| !differing.contains(&at)));
        again.entry(kind).or_default().extend(stale.cloned());
    }
    again.retain(|_, ids| !ids.is_empty());
    again
}

/// Fills the manifest with what was found.
fn describe(
    context: &Context,
    manifest: &mut Manifest,
    scope: &[&'static Kind],
    base: &CoverageMap,
    found: &Found,
) -> Result<()> {
    manifest.tenant.clone_from(&context.settings.tenant);
    for kind in scope {
        let own =
            |what: &str| what == kind.name || what.strip_prefix(kind.name).is_some_and(|rest| rest.starts_with('.'));
        manifest.coverage.0.retain(|what, _| !own(what));
        manifest.unknown_properties.remove(kind.name);
    }
    manifest.coverage.0.extend(base.0.clone());
    manifest.coverage.0.extend(found.coverage.0.clone());
    manifest.unknown_properties.extend(found.tally.unknown());
    manifest.record_filters(scope, &context.settings.scope.filters);
    manifest.ids.extend(&Journal::pending_ids(context.repo.git_dir())?);
    Ok(())
}

fn rfc3339(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
}
