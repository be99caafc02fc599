//! A round's commits: whose change it was is whose commit it is.

use std::collections::BTreeMap;

use anyhow::Result;

use super::attribute::{Share, Touched, author, shares};
use super::audit::{self, Audit};
use super::export::index;
use super::incremental::{Files, Found, words};
use super::memory::Memory;
use super::publish::{Told, changed, compare, edited, message, publish, standing, subject};
use super::standing::Standing;
use super::watch::{Committed, Round};
use super::{Context, MANIFEST, files_of};
use crate::engine::render::safe;
use crate::format::manifest::Manifest;
use crate::format::path::{address_of, is_reserved};
use crate::format::settings::Actors;
use crate::format::yaml;
use crate::kinds;
use crate::model::kind::Naming;
use crate::model::{Address, Kind, Object};
use crate::repo::{ObjectId, SnapshotWriter};
use crate::tenant::TenantRead;

/// What a round found, on the way to its commits.
pub(super) struct Outcome<'a> {
    pub full: bool,
    pub start: ObjectId,
    pub parent: Option<ObjectId>,
    pub before: Files,
    pub manifest: Manifest,
    pub scope: Vec<&'static Kind>,
    pub found: Found,
    /// Whether the audit log says something that it had not said before.
    pub news: bool,
    /// What objects are called.
    pub names: &'a Memory,
}

/// Makes a round's commits: one for each who made changes, and the last one holds all that is left.
///
/// # Errors
/// If the repository cannot be written, or another run moved `snapshots`.
pub(super) async fn record<T: TenantRead>(
    context: &Context,
    tenant: &T,
    patient: bool,
    outcome: Outcome<'_>,
    mut writer: SnapshotWriter<'_>,
) -> Result<Round> {
    let Outcome { full, start, parent, before, manifest, scope, found, names, news } = outcome;
    let mut files = found.files;
    let main = context.repo.reference(&context.main_ref())?;
    let standing = standing(context, parent, main, &files)?;
    let others = match (&standing, main) {
        (Standing::Joins, Some(main)) => files_of(&context.repo, main)?,
        _ => before.clone(),
    };
    files.extend(others.into_iter().filter(|(path, _)| is_reserved(path) && path != MANIFEST));
    files.insert(MANIFEST.to_owned(), writer.put(&manifest.write())?);
    let complete = scope.iter().all(|kind| manifest.coverage.is_done(kind));
    let objects = found.counts.values().sum();
    let mut round = Round {
        full,
        waiting: 0,
        commits: Vec::new(),
        changed: compare(&before, &files),
        objects,
        complete,
        pending: match &standing {
            Standing::Pending(paths) => paths.clone(),
            Standing::Follows | Standing::Joins => Vec::new(),
        },
    };
    if let Some(parent) = parent
        && before == files
        && !matches!(standing, Standing::Joins)
    {
        if news {
            audit::late(context, tenant, parent).await?;
        }
        return Ok(round);
    }
    let whole = writer.finish(&files)?;
    let audit =
        audit::since_last(context, tenant, parent, &changed(&context.repo, &before, &files)?, &[&before, &files])
            .await?;
    // A first snapshot is no change, and nobody's.
    let dealt = match parent {
        Some(_) if context.settings.actors != Actors::Off => {
            shares(&touched(context, &before, &files)?, audit.events())
        }
        _ => Vec::new(),
    };
    let unknown = dealt.iter().filter(|share| share.events.is_empty()).map(|share| share.objects.len()).sum();
    if patient && !full && unknown > 0 {
        return Ok(Round { waiting: unknown, ..round });
    }
    // From here on nothing waits: the future cannot be dropped between two steps.
    let told = |share: Option<&Share>, changed, last: bool| -> String {
        let events = part(&audit, share, last);
        let subject = match parent {
            None => format!("First snapshot: {objects} objects"),
            Some(_) => title(context, names, share, &before, &files).unwrap_or_else(|| subject(changed)),
        };
        let counts = if last { &found.counts } else { &BTreeMap::new() };
        let actors = events.actors(context.settings.actors);
        let coverage = &manifest.coverage;
        message(&manifest.tenant, &Told { subject, counts, objects, coverage, trailers: &[], actors })
    };
    let by_address = (index(&before), index(&files));
    let mut current = before.clone();
    let mut tip = start;
    let mut notes: Vec<(ObjectId, Audit)> = Vec::new();
    let count = dealt.len().max(1);
    for at in 0..count {
        let (share, last) = (dealt.get(at), at + 1 == count);
        let from = current.clone();
        match (share, last) {
            (Some(share), false) => advance(&mut current, &files, share, &by_address),
            _ => current.clone_from(&files),
        }
        let tree = if last { whole } else { context.repo.writer()?.finish(&current)? };
        let mut parents = vec![tip];
        if let (Standing::Joins, Some(main), true) = (&standing, main, last)
            && !parents.contains(&main)
        {
            parents.push(main);
        }
        let changed = compare(&from, &current);
        let text = told(share, changed, last);
        let now = jiff::Timestamp::now().as_second();
        let person = share.and_then(|share| author(share.actor.as_ref()?, context.settings.actors, &share.time, now));
        let person = person.unwrap_or_else(|| context.repo.author());
        tip = context.repo.create_commit_for(tree, &parents, &text, &person)?;
        let (added, modified, removed) = changed;
        round.commits.push(Committed { id: tip, author: person.name, objects: added + modified + removed });
        notes.push((tip, part(&audit, share, last)));
    }
    publish(context, tip, parent, main, &standing, ("entragit: watch", false))?;
    let kept = parent.is_some() && context.settings.actors != Actors::Off;
    for (commit, audit) in notes.iter().filter(|_| kept) {
        audit::store(context, *commit, audit)?;
    }
    Ok(round)
}

/// What the log says of a share; without one, of everything.
fn part(audit: &Audit, share: Option<&Share>, last: bool) -> Audit {
    audit.part(|event| share.is_none_or(|share| share.events.contains(&event.id)), last)
}

/// What a share of one object is called. People are not named in messages.
fn title(context: &Context, names: &Memory, share: Option<&Share>, before: &Files, files: &Files) -> Option<String> {
    let address = share?.objects.iter().next().filter(|_| share.is_some_and(|share| share.objects.len() == 1))?;
    let kind = kinds::by_name(address.kind).filter(|kind| kind.naming != Naming::Id)?;
    let find = |files: &Files| {
        files
            .iter()
            .find(|(path, _)| address_of(path).is_ok_and(|(k, id)| k == kind && id == address.id))
            .map(|(_, b)| *b)
    };
    let (old, new) = (find(before), find(files));
    let word = match (old, new) {
        (None, _) => "Added",
        (_, None) => "Removed",
        _ => "Changed",
    };
    let name = match (new.and_then(|blob| names.name(blob)), old) {
        (Some(name), _) => name.to_owned(),
        (None, Some(blob)) => {
            let document = context.repo.blob(blob).ok().and_then(|bytes| yaml::read(&address.id, &bytes).ok());
            document.map(|document| Object(document.value).name().to_owned()).unwrap_or_default()
        }
        (None, None) => String::new(),
    };
    let name = if name.is_empty() { address.id.clone() } else { name };
    Some(format!("{word} {}: {}", kind.name, safe(&name).chars().take(80).collect::<String>()))
}

/// Every object whose file differs, with the ids in the lines that do.
fn touched(context: &Context, before: &Files, files: &Files) -> Result<Vec<Touched>> {
    let mut mentions: BTreeMap<Address, BTreeMap<Vec<u8>, i64>> = BTreeMap::new();
    let mut abouts = BTreeMap::new();
    for path in edited(before, files) {
        let Ok((kind, id)) = address_of(path) else { continue };
        let address = Address::new(kind.name, id);
        let lines = mentions.entry(address.clone()).or_default();
        for (side, weight) in [(before, -1), (files, 1)] {
            let Some(blob) = side.get(path) else { continue };
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

/// Takes a share's objects from what was to what is.
fn advance(
    current: &mut Files,
    files: &Files,
    share: &Share,
    (old, new): &(BTreeMap<Address, String>, BTreeMap<Address, String>),
) {
    for address in &share.objects {
        if let Some(path) = old.get(address) {
            current.remove(path);
        }
        if let Some((path, blob)) = new.get(address).and_then(|path| Some((path, files.get(path)?))) {
            current.insert(path.clone(), *blob);
        }
    }
}
