//! Reads the history of the snapshots for `log` and `blame`: of the tenant and of one object.
//!
//! The cost depends on the number of the object's changes: a snapshot whose folder equals that of its neighbour is passed over,
//! and a file is parsed only where the blob differs.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use jiff::Timestamp;

use super::commit::find::{self, Wanted};
use super::commit::lookup::object_in;
use super::commit::source::{Side, snapshots};
use super::commit::when::format_time;
use super::report::diff::narrow;
use super::{Context, audit, manifest_at};
use crate::engine::blame::{self, Attribution, State, as_known_today};
use crate::engine::manner::{self, Evidence};
use crate::engine::refs::Names;
use crate::engine::scope::Scope;
use crate::engine::{compare, risk};
use crate::format::path::address_of;
use crate::format::settings::Actors;
use crate::model::{
    Address, Attributed, AuditEvent, Audited, Blame, Change, ChangeKind, Coverage, HistoryEntry, HistoryStart, IdMap,
    Kind, Level, Object, ObjectHistory, Report, Snapshot, SnapshotRef, Summary, Who,
};
use crate::repo::{CommitInfo, ObjectId, trailers};
use show::{names_in, names_of};
use track::{Spot, Tracker};

pub mod show;
pub mod track;

/// Limits the history that is wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reach {
    /// Time before which nothing is reported.
    pub since: Option<Timestamp>,
    /// Maximum number of entries.
    pub limit: Option<usize>,
}

impl Reach {
    fn holds(&self, commit: &CommitInfo) -> bool {
        self.since.is_none_or(|since| commit.committed >= since.as_second())
    }
}

/// Holds the snapshots up to a commit, newest first.
struct Past {
    snapshots: Vec<CommitInfo>,
    beginning: HistoryStart,
}

impl Past {
    fn of(context: &Context, commit: ObjectId) -> Result<Past> {
        let line = context.repo.line(commit, usize::MAX)?;
        let whole = line.last().is_none_or(|oldest| oldest.parents.is_empty());
        let snapshots: Vec<CommitInfo> = line.into_iter().filter(audit::is_snapshot).collect();
        if snapshots.is_empty() {
            bail!("there is no snapshot yet; make one with `entragit export`");
        }
        Ok(Past { snapshots, beginning: if whole { HistoryStart::First } else { HistoryStart::Cut } })
    }

    fn tip(context: &Context) -> Result<Past> {
        match context.last_snapshot()? {
            Some(tip) => Past::of(context, tip),
            None => bail!("there is no snapshot yet; make one with `entragit export`"),
        }
    }

    fn moment(&self, at: usize) -> SnapshotRef {
        let Some(commit) = self.snapshots.get(at) else { return SnapshotRef::default() };
        let applied = trailers(&commit.message).into_iter().find(|(name, _)| name == "Entragit-Applied");
        SnapshotRef {
            commit: commit.id.to_string(),
            time: format_time(Some(commit.committed)),
            subject: commit.message.lines().next().unwrap_or_default().to_owned(),
            beginning: (at + 1 == self.snapshots.len()).then_some(self.beginning),
            applied: applied.map(|(_, commit)| commit),
        }
    }

    /// Returns what the audit log says of the time before a snapshot.
    fn audit(&self, context: &Context, at: usize) -> Result<(Audited, Option<audit::Audit>)> {
        let mut audited = Audited::default();
        // The first snapshot has no earlier one, so no event explains its content.
        let Some(commit) = self.snapshots.get(at).filter(|_| at + 1 < self.snapshots.len()) else {
            return Ok((audited, None));
        };
        if context.settings.actors == Actors::Off {
            return Ok((audited, None));
        }
        audited.looked = true;
        let note = audit::note_of(context, commit.id)?;
        match &note {
            Some(note) => audited.gaps.extend(note.unknown().map(str::to_owned)),
            None => audited.gaps.push(format!(
                "the snapshot has no note of the audit log here; if another clone has it: `git fetch origin {0}:{0}`",
                audit::NOTES
            )),
        }
        Ok((audited, note))
    }
}

/// Returns the snapshots, newest first; with `kinds`, those that changed objects of these kinds, and only these changes.
///
/// # Errors
/// If there is no snapshot, or the repository cannot be read.
pub fn log(context: &Context, reach: Reach, kinds: &[&'static Kind], risks: bool) -> Result<Vec<Summary>> {
    let past = Past::tip(context)?;
    let mut found = Vec::new();
    for (at, commit) in past.snapshots.iter().enumerate() {
        if !reach.holds(commit) || reach.limit.is_some_and(|limit| found.len() >= limit) {
            break;
        }
        let moment = past.moment(at);
        let parent = commit.parents.first().filter(|_| moment.beginning != Some(HistoryStart::Cut));
        let (mut counts, mut changed) = (None, std::collections::BTreeSet::new());
        if let Some(parent) = parent {
            let (left, right) = context.repo.changed_entries(*parent, commit.id)?;
            let index = |entries: Vec<crate::repo::Entry>| -> BTreeMap<Address, ObjectId> {
                let all = entries.into_iter().filter_map(|entry| Some((address_of(&entry.path).ok()?, entry.blob)));
                let wanted = all.filter(|((kind, _), _)| kinds.is_empty() || kinds.contains(kind));
                wanted.map(|((kind, id), blob)| (Address::new(kind, id), blob)).collect()
            };
            let (left, right) = (index(left), index(right));
            let added = right.keys().filter(|address| !left.contains_key(address)).count();
            let removed = left.keys().filter(|address| !right.contains_key(address)).count();
            let modified = right.iter().filter(|(address, blob)| left.get(address).is_some_and(|old| old != *blob));
            counts = Some([added, modified.count(), removed]);
            changed = left.into_keys().chain(right.into_keys()).map(|address| address.id).collect();
        }
        if !kinds.is_empty() && counts == Some([0, 0, 0]) {
            continue;
        }
        let (audited, note) = past.audit(context, at)?;
        let note = note.map(|note| {
            if kinds.is_empty() {
                note
            } else {
                note.part(|event| event.targets.iter().any(|id| changed.contains(id)), false)
            }
        });
        let risks = match parent {
            Some(parent) if risks && moment.beginning.is_none() => {
                Some(risks_between(context, *parent, commit.id, kinds)?)
            }
            _ => risks.then_some([0; 3]),
        };
        let actors = note.map(|note| note.actors(context.settings.actors)).unwrap_or_default();
        found.push(Summary { moment, counts, actors, audited, risks });
    }
    Ok(found)
}

fn risks_between(context: &Context, a: ObjectId, b: ObjectId, kinds: &[&'static Kind]) -> Result<[usize; 3]> {
    let [a, b] = Side::commits(context, &a.to_string(), &b.to_string())?;
    let (left, right) = snapshots(&context.repo, &a, &b, &|_| false)?;
    let mut report = compare::snapshots(&left, &right, &b.manifest.ids);
    narrow(&mut report, &Scope { kinds: kinds.iter().map(|kind| kind.name).collect(), ..Scope::default() });
    let count =
        |level| report.changes.iter().flat_map(|change| &change.risks).filter(|risk| risk.level == level).count();
    Ok([count(Level::High), count(Level::Medium), count(Level::Low)])
}

/// Represents a snapshot that changed an object.
struct Turn {
    /// Index of the snapshot.
    at: usize,
    /// Location of the object in the snapshot.
    now: Option<Spot>,
    /// True if the snapshot before has the object, too.
    there: bool,
    /// Last location of the object before, with the index of its snapshot.
    last: Option<(usize, Spot)>,
}

/// Represents the history of one object along the snapshots.
struct Thread<'a> {
    context: &'a Context,
    past: &'a Past,
    kind: &'static Kind,
    ids: IdMap,
    /// Snapshots that changed the object, newest first.
    turns: Vec<Turn>,
}

impl<'a> Thread<'a> {
    fn follow(context: &'a Context, past: &'a Past, kind: &'static Kind, id: &str) -> Result<Thread<'a>> {
        let ids = find::replaced_ids(context)?;
        let mut tracker = Tracker::new(&context.repo, kind, ids.family(id));
        let mut turns = Vec::new();
        let mut last: Option<(usize, Spot)> = None;
        let mut before: Option<Spot> = None;
        for (at, commit) in past.snapshots.iter().enumerate().rev() {
            let now = tracker.find(commit.tree)?;
            let content = |spot: &Option<Spot>| spot.as_ref().map(|spot| (spot.id.clone(), spot.entry.blob));
            if content(&now) != content(&before) {
                turns.push(Turn { at, now: now.clone(), there: before.is_some(), last: last.clone() });
            }
            if let Some(now) = &now {
                last = Some((at, now.clone()));
            }
            before = now;
        }
        turns.reverse();
        Ok(Thread { context, past, kind, ids, turns })
    }

    fn read(&self, at: usize, spot: &Spot) -> Result<Option<State>> {
        let (Some(object), Some(commit)) =
            (object_in(&self.context.repo, self.kind, &spot.entry)?, self.past.snapshots.get(at))
        else {
            self.context
                .events
                .warn(format!("{} of an old snapshot cannot be read and is passed over", spot.entry.path));
            return Ok(None);
        };
        let mut coverage = manifest_at(&self.context.repo, commit.id)?.coverage;
        // The file itself proved the object's presence, its removal the absence.
        coverage.set_kind(self.kind.name, Coverage::Complete);
        Ok(Some(State { object, coverage }))
    }

    /// Returns what a snapshot changed in the object; none if the changed properties were not known before.
    fn episode(&self, turn: &Turn) -> Result<Option<HistoryEntry>> {
        let side = |state: Option<(usize, &Spot)>| -> Result<Option<State>> {
            state.map_or(Ok(None), |(at, spot)| self.read(at, spot))
        };
        let last = side(turn.last.as_ref().map(|(at, spot)| (*at, spot)))?;
        let now = side(turn.now.as_ref().map(|spot| (turn.at, spot)))?;
        let same = turn.now.as_ref().zip(turn.last.as_ref()).is_some_and(|(now, (_, last))| now.id == last.id);
        let mut evidence = Evidence::default();
        let change = match (&now, &last) {
            (Some(now), Some(last)) if !same || turn.there => self.modified(last, now),
            (Some(State { object, .. }), last) => {
                if last.is_some() {
                    evidence.existed.insert(self.kind.address(object.id()));
                }
                Some(self.whole(ChangeKind::Added, object))
            }
            (None, Some(State { object, .. })) => Some(self.whole(ChangeKind::Removed, object)),
            (None, None) => None,
        };
        let Some(mut change) = change else { return Ok(None) };
        if let Some(spot) = turn.now.as_ref().or(turn.last.as_ref().map(|(_, spot)| spot)) {
            change.path.clone_from(&spot.entry.path);
        }
        let (audited, note) = self.past.audit(self.context, turn.at)?;
        let mut report = Report { changes: vec![change], ..Report::default() };
        audit::attach(&mut report, note.as_ref().map(audit::Audit::events).unwrap_or_default());
        manner::settle(&mut report, &evidence);
        let moment = self.past.moment(turn.at);
        if moment.beginning.is_some() {
            // At the beginning of the known history nothing is new, so no risk is reported there.
            report.changes.iter_mut().for_each(|change| change.risks.clear());
        }
        Ok(report.changes.pop().map(|change| HistoryEntry { moment, change, audited }))
    }

    fn modified(&self, last: &State, now: &State) -> Option<Change> {
        let snapshot = |State { object, coverage }: &State| Snapshot {
            objects: [(self.kind.address(object.id()), object.clone())].into(),
            coverage: coverage.clone(),
            ..Snapshot::default()
        };
        compare::snapshots(&snapshot(last), &snapshot(now), &self.ids).changes.pop()
    }

    fn whole(&self, what: ChangeKind, object: &Object) -> Change {
        let (before, after) = if what == ChangeKind::Removed { (Some(object), None) } else { (None, Some(object)) };
        Change {
            address: self.kind.address(object.id()),
            called: crate::engine::diff::called(self.kind, object),
            name: object.name().to_owned(),
            about: self.kind.about(&object.0),
            risks: risk::of(self.kind, &what, before, after),
            what,
            whole: Vec::new(),
            manner: None,
            path: String::new(),
            events: Vec::new(),
        }
    }
}

/// Returns the history of the object that `word` means, now or in an earlier snapshot; with `properties`, only changes of these.
///
/// # Errors
/// If the word means no object or several, or the repository cannot be read.
pub fn life(
    context: &Context,
    word: &str,
    kinds: &[&'static Kind],
    properties: &[String],
    reach: Reach,
) -> Result<(ObjectHistory, Names)> {
    let past = Past::tip(context)?;
    let tip = past.snapshots[0].id;
    let (found, seen) =
        find::find_in_history(context, tip, &Wanted::parse(word, kinds, &find::replaced_ids(context)?))?;
    let thread = Thread::follow(context, &past, found.kind, &found.id)?;
    let mut ids: Vec<String> = Vec::new();
    for spot in thread.turns.iter().filter_map(|turn| turn.now.as_ref()) {
        if !ids.contains(&spot.id) {
            ids.push(spot.id.clone());
        }
    }
    let scope = Scope { properties: properties.to_vec(), ..Scope::default() };
    let mut episodes = Vec::new();
    let mut commits = vec![tip, seen];
    for turn in &thread.turns {
        if !reach.holds(&past.snapshots[turn.at]) || reach.limit.is_some_and(|limit| episodes.len() >= limit) {
            break;
        }
        let Some(episode) = thread.episode(turn)? else { continue };
        let mut report = Report { changes: vec![episode.change.clone()], ..Report::default() };
        narrow(&mut report, &scope);
        if let Some(change) = report.changes.pop() {
            // The names of removed objects are found in the snapshot before.
            commits.extend(past.snapshots.get(turn.at + 1).map(|commit| commit.id));
            episodes.push(HistoryEntry { change, ..episode });
        }
    }
    commits.dedup();
    commits.truncate(MOST_SOURCES_OF_NAMES);
    let changes = episodes.iter().map(|episode| episode.change.clone()).collect();
    let names = names_in(context, &commits, &Report { changes, ..Report::default() })?;
    for change in episodes.iter_mut().map(|episode| &mut episode.change) {
        if let Some(name) = names.of_about(&change.about) {
            change.name = name;
        }
    }
    let name = episodes.first().map_or(found.name, |episode| episode.change.name.clone());
    let id = ids.first().cloned().unwrap_or(found.id);
    Ok((ObjectHistory { address: Address::new(found.kind, id), name, ids, episodes }, names))
}

/// Number of snapshots in which the names of deleted objects are looked for.
const MOST_SOURCES_OF_NAMES: usize = 12;

/// Returns who set each value of the object that `word` means in the last snapshot that `revision` follows.
///
/// # Errors
/// If the word means no object or several there, or the repository cannot be read.
pub fn blame(context: &Context, word: &str, revision: Option<&str>) -> Result<(Blame, Names)> {
    let (label, asked) = match (revision, context.last_snapshot()?) {
        (Some(revision), _) => (revision.to_owned(), context.resolve(revision)?),
        (None, Some(tip)) => (context.settings.branches.snapshots.clone(), tip),
        (None, None) => bail!("there is no snapshot yet; make one with `entragit export`"),
    };
    let past = Past::of(context, asked)?;
    let commit = past.snapshots[0].id;
    if commit != asked {
        let (short, asked) = (&commit.to_string()[..10], &asked.to_string()[..10]);
        context.events.note(format!("{asked} is no snapshot; this is of the last one before it, {short}"));
    }
    let ids = find::replaced_ids(context)?;
    let found = find::find_in_commit(context, commit, &label, &Wanted::parse(word, &[], &ids))?;
    let thread = Thread::follow(context, &past, found.kind, &found.id)?;
    let Some(object) = object_in(&context.repo, found.kind, &found.entry)? else {
        bail!("{} cannot be read in {label}; `entragit validate {label}` says why", found.entry.path);
    };
    let mut open = Attribution::of(found.kind, &object);
    let mut told: BTreeMap<usize, (Audited, Vec<AuditEvent>)> = BTreeMap::new();
    for turn in thread.turns.iter().filter(|turn| turn.now.is_some()) {
        let before = match &turn.last {
            Some((at, spot)) => thread.read(*at, spot)?,
            None => None,
        };
        let before = before.map(|state| State {
            object: as_known_today(found.kind, &state.object, &object, &ids),
            coverage: state.coverage,
        });
        open.settle(turn.at, before.as_ref());
        if let Some(episode) = thread.episode(turn)? {
            told.insert(turn.at, (episode.audited, episode.change.events));
        }
        if open.is_done() {
            break;
        }
    }
    let values = open.lines().into_iter().map(|line| {
        let moment = past.moment(line.at);
        let who = match told.get(&line.at) {
            _ if moment.beginning.is_some() => Who::HistoryStart,
            Some((audited, events)) => blame::who(&line, events, audited),
            None => Who::Unknown,
        };
        Attributed { path: line.path, value: line.value, element: line.element, moment, who }
    });
    let tip = context.last_snapshot()?.unwrap_or(commit);
    let names = names_of(context, &[commit, tip], &[(found.kind, &object)])?;
    let blame = Blame {
        revision: label,
        commit: commit.to_string(),
        path: found.entry.path.clone(),
        address: Address::new(found.kind, found.id),
        name: names.of_about(&found.kind.about(&object.0)).unwrap_or_else(|| object.name().to_owned()),
        values: values.collect(),
    };
    Ok((blame, names))
}
