//! Commits one watch round, with one commit per author found in the audit log.

use std::collections::BTreeMap;

use anyhow::Result;

use super::advance::{Advance, Main, MainMoves};
use super::incremental::Found;
use super::main_relation::{MainRelation, relation_by_files};
use super::publish::{self, Changes, SnapshotMessage, changed, compare, message, subject};
use super::round::{Committed, Round, RoundOptions};
use super::shrink::{self, Candidate};
use crate::engine::render::safe;
use crate::format::manifest::Manifest;
use crate::format::path::{address_of, is_reserved};
use crate::format::settings::Actors;
use crate::format::yaml;
use crate::model::kind::Naming;
use crate::model::words::counted;
use crate::model::{Address, Kind, Object};
use crate::ops::audit::attribute::{Share, Touched, author, shares};
use crate::ops::audit::{self, Audit};
use crate::ops::commit::base::{Base, words};
use crate::ops::{Context, MANIFEST, SETTINGS, files_of};
use crate::repo::{Edits, ObjectId, SnapshotWriter};
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
    let Outcome { full, start, parent, base, manifest, scope, found, news } = outcome;
    let Found { mut changes, tally, .. } = found;
    let branch = Main::read(context)?;
    let main = branch.wanted;
    let now = |path: &str| match changes.get(path) {
        Some((_, now)) => Ok(*now),
        None => base.at(path),
    };
    let main_relation = relation_by_files(context, parent, main, now)?;
    if let (MainRelation::Merge, Some(main)) = (&main_relation, main) {
        let reserved = |commit| -> Result<BTreeMap<String, ObjectId>> {
            let files = files_of(&context.repo, commit)?;
            Ok(files.into_iter().filter(|(path, _)| is_reserved(path) && path != MANIFEST).collect())
        };
        changes.extend(publish::changes(&reserved(start)?, &reserved(main)?));
        writer.keep_unusual(main)?;
    }
    let (old, new) = (base.at(MANIFEST)?, writer.put(manifest.write())?);
    if old != Some(new) {
        changes.insert(MANIFEST.to_owned(), (old, Some(new)));
    }
    let complete = scope.iter().all(|kind| manifest.coverage.is_done(kind));
    let counts = tally.counts();
    let objects = counts.values().sum();
    let mut round = Round {
        full,
        waiting: 0,
        commits: Vec::new(),
        changed: compare(&changes),
        tip: start,
        counts: counts.clone(),
        unknown: manifest.unknown.values().map(Vec::len).sum(),
        objects,
        complete,
        pending: main_relation.pending().paths,
    };
    if let Some(parent) = parent
        && changes.is_empty()
        && !matches!(main_relation, MainRelation::Merge)
    {
        if news {
            audit::late(context, tenant, parent).await?;
        }
        shrink::clear(context)?;
        return Ok(round);
    }
    let whole = writer.edit(base.tree, &edits(&changes))?;
    let meant = changed(&context.repo, &changes)?;
    let holds = |id: &str| Ok(meant.ids.contains(id) || !base.kinds_of(id)?.is_empty());
    let audit = audit::since_last(context, tenant, parent, &meant, holds).await?;
    // A first snapshot is not divided: nobody made its content as a change.
    let dealt = match parent {
        Some(_) if context.settings.actors != Actors::Off && !options.one_commit => {
            shares(&touched(context, &changes)?, audit.events())
        }
        _ => Vec::new(),
    };
    let unknown = dealt.iter().filter(|share| share.events.is_empty()).map(|share| share.objects.len()).sum();
    if options.patient && !full && unknown > 0 {
        return Ok(Round { waiting: unknown, ..round });
    }
    let settings = match changes.get(SETTINGS) {
        Some((_, new)) => *new,
        None => context.repo.root_file(start, SETTINGS)?,
    };
    let mut trailers: Vec<_> = context.rules_trailer(settings.as_ref())?.into_iter().collect();
    if let Some(parent) = parent {
        let (subject, coverage) = (subject(round.changed), &manifest.coverage);
        let actors = audit.actors(context.settings.actors);
        let told = SnapshotMessage { subject, counts: &counts, objects, coverage, trailers: Vec::new(), actors };
        let message = message(&manifest.tenant, &told);
        let candidate = Candidate { parent, base, changes: &changes, audit: &audit, tree: whole, message: &message };
        trailers.extend(shrink::check(context, tenant, &candidate).await?);
    }
    // No `await` may follow: the future must not be dropped between two commits.
    let told = |share: Option<&Share>, changed, last: bool| -> String {
        let events = of_share(&audit, share, last);
        let subject = match parent {
            None => format!("First snapshot: {}", counted(objects, "object")),
            Some(_) => title(context, share, &changes).unwrap_or_else(|| subject(changed)),
        };
        let counts = if last { &counts } else { &BTreeMap::new() };
        let actors = events.actors(context.settings.actors);
        let coverage = &manifest.coverage;
        let trailers = if last { trailers.clone() } else { Vec::new() };
        message(&manifest.tenant, &SnapshotMessage { subject, counts, objects, coverage, trailers, actors })
    };
    let mut left = changes.clone();
    let mut done = Changes::new();
    let mut tip = start;
    let mut notes: Vec<(ObjectId, Audit)> = Vec::new();
    let count = dealt.len().max(1);
    for at in 0..count {
        let (share, last) = (dealt.get(at), at + 1 == count);
        let part = match (share, last) {
            (Some(share), false) => {
                let own = |path: &str| {
                    let address = address_of(path).ok().map(|(kind, id)| Address::new(kind, id));
                    address.is_some_and(|address| share.objects.contains(&address))
                };
                let (part, rest): (Changes, Changes) = left.into_iter().partition(|(path, _)| own(path));
                left = rest;
                part
            }
            _ => std::mem::take(&mut left),
        };
        let counted = compare(&part);
        done.extend(part);
        let tree = if last { whole } else { context.repo.writer()?.edit(base.tree, &edits(&done))? };
        let mut parents = vec![tip];
        if let (MainRelation::Merge, Some(main), true) = (&main_relation, main, last)
            && !parents.contains(&main)
        {
            parents.push(main);
        }
        let text = told(share, counted, last);
        let now = jiff::Timestamp::now().as_second();
        let person = share.and_then(|share| author(share.actor.as_ref()?, context.settings.actors, &share.time, now));
        let person = person.unwrap_or_else(|| context.repo.author());
        tip = context.repo.create_commit_for(tree, &parents, &text, &person)?;
        let (added, modified, removed) = counted;
        round.commits.push(Committed { id: tip, author: person.name, objects: added + modified + removed });
        round.tip = tip;
        notes.push((tip, of_share(&audit, share, last)));
    }
    if parent.is_none() {
        notes.clear();
    }
    let log = if options.one_commit { "entragit: export" } else { "entragit: watch" };
    Advance { commit: tip, parent, notes: &notes, log }.publish(
        context,
        branch,
        &main_relation,
        MainMoves::WithSnapshots,
    )?;
    shrink::clear(context)?;
    Ok(round)
}

/// Returns the part of the audit log that belongs to a share; without a share, all of it.
fn of_share(audit: &Audit, share: Option<&Share>, last: bool) -> Audit {
    audit.part(|event| share.is_none_or(|share| share.events.contains(&event.id)), last)
}

/// Returns the subject of a commit with a single object. People are not named in messages.
fn title(context: &Context, share: Option<&Share>, changes: &Changes) -> Option<String> {
    let address = share?.objects.iter().next().filter(|_| share.is_some_and(|share| share.objects.len() == 1))?;
    let kind = Some(address.kind).filter(|kind| kind.naming != Naming::Id)?;
    let of = |path: &str| address_of(path).is_ok_and(|(found, id)| found == kind && id == address.id);
    let own: Vec<_> = changes.iter().filter(|(path, _)| of(path)).map(|(_, blobs)| *blobs).collect();
    let (old, new) = (own.iter().find_map(|(old, _)| *old), own.iter().find_map(|(_, new)| *new));
    let word = match (old, new) {
        (None, _) => "Added",
        (_, None) => "Removed",
        _ => "Changed",
    };
    let document = context.repo.blob(new.or(old)?).ok().and_then(|bytes| yaml::read(&address.id, &bytes).ok());
    let name = document.map(|document| Object(document.value).name().to_owned()).unwrap_or_default();
    let name = if name.is_empty() { address.id.clone() } else { name };
    Some(format!("{word} {}: {}", kind.name, safe(&name).chars().take(80).collect::<String>()))
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
            differing.flat_map(|(line, _)| words(line)).filter(|word| *word != address.id).map(str::to_owned);
        let about = abouts.remove(&address).unwrap_or_default();
        Touched { mentions: mentions.collect(), about, address }
    });
    Ok(changed.collect())
}

/// Returns the files to write or remove.
fn edits(changes: &Changes) -> Edits {
    changes.iter().map(|(path, (_, new))| (path.clone(), *new)).collect()
}
