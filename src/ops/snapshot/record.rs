//! Commits one watch round, with one commit per author found in the audit log.

use std::collections::BTreeMap;

use anyhow::Result;

use super::advance::{Advance, Main, MainMoves};
use super::incremental::Found;
use super::main_relation::{MainRelation, relation_by_files};
use super::message::{SnapshotMessage, Summary, message};
use super::publish::{self, Changes, changed, compare};
use super::round::{Committed, Round, RoundOptions};
use super::shrink::{self, Candidate};
use crate::format::manifest::Manifest;
use crate::format::path::{address_of, is_reserved};
use crate::format::settings::Actors;
use crate::format::yaml;
use crate::model::{Address, Kind};
use crate::ops::audit::attribute::{Share, Touched, author, shares};
use crate::ops::audit::{self, Audit};
use crate::ops::commit::base::{self, Base};
use crate::ops::{Context, MANIFEST, SETTINGS, files_of};
use crate::repo::{Author, Edits, ObjectId, SnapshotWriter};
use crate::tenant::TenantRead;

/// Holds what a round found, from which its commits are made.
pub(in crate::ops) struct Outcome<'a> {
    pub full: bool,
    pub start: ObjectId,
    pub parent: Option<ObjectId>,
    pub base: &'a Base<'a>,
    pub manifest: Manifest,
    pub scope: Vec<&'static Kind>,
    pub found: Found,
    /// True if the audit log has an event that it did not have before.
    pub news: bool,
}

/// Makes a round's commits: one for each actor who made changes, the last one with all remaining changes.
///
/// # Errors
/// If the repository cannot be written, or another run moved `snapshots`.
pub(in crate::ops) async fn record<T: TenantRead>(
    context: &Context,
    tenant: &T,
    options: RoundOptions,
    outcome: Outcome<'_>,
    mut writer: SnapshotWriter<'_>,
) -> Result<Round> {
    let (full, news) = (outcome.full, outcome.news);
    let new = NewSnapshot::of(context, outcome, &mut writer)?;
    if let Some(parent) = new.parent
        && new.is_unchanged()
    {
        if news {
            audit::late(context, tenant, parent).await?;
        }
        shrink::clear(context)?;
        return Ok(new.round);
    }
    let tree = writer.edit(new.base.tree, &edits(&new.changes))?;
    let audit = new.audit(tenant).await?;
    let shares = new.shares(&audit, options)?;
    let unknown = shares.iter().filter(|share| share.events.is_empty()).map(|share| share.objects.len()).sum();
    if options.patient && !full && unknown > 0 {
        return Ok(Round { waiting: unknown, ..new.round });
    }
    let trailers = new.check(tenant, &audit, tree).await?;
    // No `await` may follow: the future must not be dropped between two commits.
    let mut commits = Division { new: &new, audit: &audit, shares, tree, trailers }.commit()?;
    if new.parent.is_none() {
        commits.notes.clear();
    }
    let tip = commits.made.last().map_or(new.start, |commit| commit.id);
    let log = if options.one_commit { "entragit: export" } else { "entragit: watch" };
    Advance { commit: tip, parent: new.parent, notes: &commits.notes, log }.publish(
        context,
        new.branch,
        &new.main_relation,
        MainMoves::WithSnapshots,
    )?;
    shrink::clear(context)?;
    Ok(Round { commits: commits.made, tip, ..new.round })
}

/// Represents a snapshot that is about to be committed.
struct NewSnapshot<'a> {
    context: &'a Context,
    /// Commit on top of which it is committed.
    start: ObjectId,
    /// Last snapshot.
    parent: Option<ObjectId>,
    /// Content of `start`.
    base: &'a Base<'a>,
    manifest: Manifest,
    /// Differences from `start`, with the manifest and other files that are no objects'.
    changes: Changes,
    branch: Main,
    main_relation: MainRelation,
    /// The round, still without commits.
    round: Round,
}

impl<'a> NewSnapshot<'a> {
    /// Adds to what a round found the manifest and, if `main` is merged, the files of `main` that are no objects'.
    fn of(context: &'a Context, outcome: Outcome<'a>, writer: &mut SnapshotWriter<'_>) -> Result<NewSnapshot<'a>> {
        let Outcome { full, start, parent, base, manifest, scope, found, .. } = outcome;
        let Found { mut changes, tally, .. } = found;
        let branch = Main::read(context)?;
        let now = |path: &str| match changes.get(path) {
            Some((_, now)) => Ok(*now),
            None => base.at(path),
        };
        let main_relation = relation_by_files(context, parent, branch.wanted, now)?;
        if let (MainRelation::Merge, Some(main)) = (&main_relation, branch.wanted) {
            let (before, after) = (reserved_files(context, start)?, reserved_files(context, main)?);
            changes.extend(publish::changes(&before, &after));
            writer.keep_unusual(main)?;
        }
        let (old, new) = (base.at(MANIFEST)?, writer.put(manifest.to_bytes())?);
        if old != Some(new) {
            changes.insert(MANIFEST.to_owned(), (old, Some(new)));
        }
        let counts = tally.counts();
        let round = Round {
            full,
            waiting: 0,
            commits: Vec::new(),
            changed: compare(&changes),
            tip: start,
            objects: counts.values().sum(),
            counts,
            unknown: manifest.unknown_properties.values().map(Vec::len).sum(),
            complete: scope.iter().all(|kind| manifest.coverage.is_done(kind)),
            pending: main_relation.pending().paths,
        };
        Ok(NewSnapshot { context, start, parent, base, manifest, changes, branch, main_relation, round })
    }

    /// Returns true if there is nothing to commit after the last snapshot.
    fn is_unchanged(&self) -> bool {
        self.changes.is_empty() && !matches!(self.main_relation, MainRelation::Merge)
    }

    /// Reads the events of the audit log that may have made the changes.
    async fn audit<T: TenantRead>(&self, tenant: &T) -> Result<Audit> {
        let changed = changed(&self.context.repo, &self.changes)?;
        let holds = |id: &str| Ok(changed.ids.contains(id) || !self.base.kinds_of(id)?.is_empty());
        audit::since_last(self.context, tenant, self.parent, &changed, holds).await
    }

    /// Divides the changes by their actors; returns nothing if all of them become one commit.
    fn shares(&self, audit: &Audit, options: RoundOptions) -> Result<Vec<Share>> {
        // A first snapshot is not divided: nobody made its content as a change.
        let divided = self.parent.is_some() && self.context.settings.actors != Actors::Off && !options.one_commit;
        match divided {
            true => Ok(shares(&touched(self.context, &self.changes)?, audit.events())),
            false => Ok(Vec::new()),
        }
    }

    /// Refuses a snapshot that lacks too much. Returns the trailers of the last commit.
    async fn check<T: TenantRead>(&self, tenant: &T, audit: &Audit, tree: ObjectId) -> Result<Vec<(String, String)>> {
        let (context, changes) = (self.context, &self.changes);
        let settings = match changes.get(SETTINGS) {
            Some((_, new)) => *new,
            None => context.repo.root_file(self.start, SETTINGS)?,
        };
        let mut trailers: Vec<_> = context.rules_trailer(settings.as_ref())?.into_iter().collect();
        if let Some(parent) = self.parent {
            let summary = Summary::of(&context.repo, changes);
            let message = message(
                &self.manifest.tenant,
                &SnapshotMessage {
                    subject: summary.subject,
                    lines: summary.lines,
                    objects: self.round.objects,
                    coverage: &self.manifest.coverage,
                    trailers: Vec::new(),
                    actors: audit.actors(context.settings.actors),
                },
            );
            let candidate = Candidate { parent, base: self.base, changes, audit, tree, message: &message };
            trailers.extend(shrink::check(context, tenant, &candidate).await?);
        }
        Ok(trailers)
    }
}

/// Returns the files of a commit that are no objects', without the manifest.
fn reserved_files(context: &Context, commit: ObjectId) -> Result<BTreeMap<String, ObjectId>> {
    let files = files_of(&context.repo, commit)?;
    Ok(files.into_iter().filter(|(path, _)| is_reserved(path) && path != MANIFEST).collect())
}

/// Divides a new snapshot into commits: one for each share, or one if there are no shares.
struct Division<'a> {
    new: &'a NewSnapshot<'a>,
    audit: &'a Audit,
    shares: Vec<Share>,
    /// Tree of the last commit.
    tree: ObjectId,
    /// Trailers of the last commit.
    trailers: Vec<(String, String)>,
}

/// Represents one commit of a divided snapshot.
#[derive(Clone, Copy)]
struct Part<'a> {
    share: Option<&'a Share>,
    /// True if it is the last one, which has all changes that are left.
    last: bool,
}

/// Holds the commits of a snapshot, oldest first, and their notes.
#[derive(Default)]
struct Commits {
    made: Vec<Committed>,
    notes: Vec<(ObjectId, Audit)>,
}

impl Division<'_> {
    /// Makes the commits.
    fn commit(&self) -> Result<Commits> {
        let NewSnapshot { context, start, base, changes, .. } = self.new;
        let mut left = changes.clone();
        let mut done = Changes::new();
        let mut tip = *start;
        let mut commits = Commits::default();
        let count = self.shares.len().max(1);
        for at in 0..count {
            let part = Part { share: self.shares.get(at), last: at + 1 == count };
            let own = part.take(&mut left);
            let (added, changed, removed) = compare(&own);
            let summary = self.summary(&own);
            done.extend(own);
            let tree = if part.last { self.tree } else { context.repo.writer()?.edit(base.tree, &edits(&done))? };
            let text = self.message(part, summary);
            let person = self.person(part);
            tip = context.repo.create_commit_for(tree, &self.parents(part, tip), &text, &person)?;
            commits.made.push(Committed { id: tip, author: person.name, objects: added + changed + removed });
            commits.notes.push((tip, self.events(part)));
        }
        Ok(commits)
    }

    /// Returns the parents of a commit after `tip`: the last one has `main` as well, if that is merged.
    fn parents(&self, part: Part<'_>, tip: ObjectId) -> Vec<ObjectId> {
        let mut parents = vec![tip];
        if let (MainRelation::Merge, Some(main), true) = (&self.new.main_relation, self.new.branch.wanted, part.last)
            && !parents.contains(&main)
        {
            parents.push(main);
        }
        parents
    }

    /// Describes the changes of a commit. A first snapshot lists none: it would list the tenant.
    fn summary(&self, own: &Changes) -> Summary {
        match self.new.parent {
            Some(_) => Summary::of(&self.new.context.repo, own),
            None => Summary::first(self.new.round.objects),
        }
    }

    /// Returns a commit's message.
    fn message(&self, part: Part<'_>, Summary { subject, lines }: Summary) -> String {
        let NewSnapshot { context, manifest, round, .. } = self.new;
        let told = SnapshotMessage {
            subject,
            lines,
            objects: round.objects,
            coverage: &manifest.coverage,
            trailers: if part.last { self.trailers.clone() } else { Vec::new() },
            actors: self.events(part).actors(context.settings.actors),
        };
        message(&manifest.tenant, &told)
    }

    /// Returns the author of a commit: the actor if one is known, else whoever runs the program.
    fn person(&self, part: Part<'_>) -> Author {
        let context = self.new.context;
        let now = jiff::Timestamp::now().as_second();
        let actor =
            part.share.and_then(|share| author(share.actor.as_ref()?, context.settings.actors, &share.time, now));
        actor.unwrap_or_else(|| context.repo.author())
    }

    /// Returns the events of the audit log that belong to a commit.
    fn events(&self, part: Part<'_>) -> Audit {
        self.audit.part(|event| part.share.is_none_or(|share| share.events.contains(&event.id)), part.last)
    }
}

impl Part<'_> {
    /// Takes the changes of this commit out of those that are left.
    fn take(self, left: &mut Changes) -> Changes {
        let all = std::mem::take(left);
        let Some(share) = self.share.filter(|_| !self.last) else { return all };
        let is_own = |path: &str| {
            let address = address_of(path).ok().map(|(kind, id)| Address::new(kind, id));
            address.is_some_and(|address| share.objects.contains(&address))
        };
        let (own, rest) = all.into_iter().partition(|(path, _)| is_own(path));
        *left = rest;
        own
    }
}

/// Returns every object whose file differs, with the ids in the lines that differ.
fn touched(context: &Context, changes: &Changes) -> Result<Vec<Touched>> {
    let mut mentions: BTreeMap<Address, BTreeMap<Vec<u8>, i64>> = BTreeMap::new();
    let mut abouts = BTreeMap::new();
    for (path, (old, new)) in changes {
        let Ok((kind, id)) = address_of(path) else { continue };
        let address = Address::new(kind, id);
        let lines = mentions.entry(address.clone()).or_default();
        for (blob, weight) in [(old, -1), (new, 1)] {
            let Some(blob) = blob else { continue };
            let bytes = context.repo.blob(*blob)?;
            if !kind.about.is_empty()
                && let Ok(document) = yaml::read(path, &bytes)
            {
                abouts.insert(address.clone(), kind.about(&document.value));
            }
            for line in bytes.split(|byte| *byte == b'\n') {
                *lines.entry(line.to_vec()).or_default() += weight;
            }
        }
    }
    let changed = mentions.into_iter().map(|(address, lines)| {
        let differing = lines.iter().filter(|(_, weight)| **weight != 0);
        let mentions =
            differing.flat_map(|(line, _)| base::words(line)).filter(|word| *word != address.id).map(str::to_owned);
        let about = abouts.remove(&address).unwrap_or_default();
        Touched { mentions: mentions.collect(), about, address }
    });
    Ok(changed.collect())
}

/// Returns the files to write or remove.
fn edits(changes: &Changes) -> Edits {
    changes.iter().map(|(path, (_, new))| (path.clone(), *new)).collect()
}
