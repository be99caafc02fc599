//! Commits the live tenant to `snapshots` for `export`; `main` follows as long as it holds no edit of its own.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};

use super::advance::{Advance, Main, MainMoves};
use super::full_read::{FullRead, PreviousSnapshot, read_everything};
use super::main_relation::{Edits, MainRelation};
use super::message::{SnapshotMessage, Summary, message};
use super::publish::{changed, compare};
use super::shrink::{self, Candidate};
use crate::engine::normalize::normalize;
use crate::format::manifest::Manifest;
use crate::format::path::{Layout, address_of, is_reserved};
use crate::format::yaml;
use crate::model::{Address, IdMap, Kind, Object};
use crate::ops::audit::{self, Audit};
use crate::ops::commit::base::Base;
use crate::ops::commit::source::{Side, check_tenant, snapshots};
use crate::ops::guards::authority::RULES;
use crate::ops::journal::Journal;
use crate::ops::{Context, MANIFEST, SETTINGS, files_of, manifest_of};
use crate::repo::{ObjectId, SnapshotWriter};
use crate::tenant::TenantRead;

/// Describes what an export did.
#[derive(Debug, Clone)]
#[must_use]
pub struct Exported {
    /// The new commit; `None` if the tenant had not changed.
    pub commit: Option<ObjectId>,
    /// Present tip of `snapshots`.
    pub tip: ObjectId,
    /// Number of objects per kind or variant.
    pub counts: BTreeMap<&'static str, usize>,
    /// Number of objects in all.
    pub objects: usize,
    /// True if everything in scope was read completely.
    pub complete: bool,
    /// Number of files added, changed and removed.
    pub changed: (usize, usize, usize),
    /// Objects with edits on `main` that are not applied yet; `main` was left alone if there are any.
    pub pending: Vec<String>,
    /// Pending objects whose edit no step can write.
    pub unwritable: Vec<String>,
    /// Number of properties that no schema knows, in all.
    pub unknown: usize,
}

/// Holds the additional content of a snapshot commit.
#[derive(Debug, Clone, Default)]
pub struct Extra {
    /// Second parent: the commit that an apply carried out.
    pub applied: Option<ObjectId>,
    /// Ids that an apply learned.
    pub learned: IdMap,
    /// True if `main` stays where it is although it holds no edit of its own, because the tenant is not as it was wanted.
    pub hold_main: bool,
    /// First line of the message.
    pub subject: Option<String>,
    /// Trailers of the message.
    pub trailers: Vec<(String, String)>,
}

impl Extra {
    fn main_moves(&self) -> MainMoves<'_> {
        match (self.hold_main, &self.subject) {
            (true, _) => MainMoves::Never,
            (false, Some(_)) => MainMoves::WithReceipt(&self.learned),
            (false, None) => MainMoves::WithSnapshots,
        }
    }
}

/// Reads the kinds in scope and commits the differences.
///
/// # Errors
/// If the tenant is another one, the repository cannot be written, or another run moved `snapshots` meanwhile.
pub async fn export<T: TenantRead>(
    context: &Context,
    tenant: &T,
    only: &[&'static Kind],
    extra: &Extra,
) -> Result<Exported> {
    context.ready_snapshots_branch()?;
    check_tenant(context, tenant).await?;
    let mut start = Start::read(context, tenant, only, extra).await?;
    let mut writer = context.repo.writer()?;
    let read = start.read_tenant(tenant, &mut writer).await?;
    start.update_manifest(&read);
    let new = NewSnapshot::write(&start, read, writer)?;
    if new.is_unchanged()? {
        audit::late(context, tenant, start.commit).await?;
        shrink::clear(context)?;
        return Ok(new.exported());
    }
    let audit = new.audit(tenant).await?;
    let message = new.message(tenant, &audit).await?;
    let commit = new.commit(audit, &message)?;
    shrink::clear(context)?;
    Ok(Exported { commit: Some(commit), tip: commit, ..new.exported() })
}

/// Holds what is known before the tenant is read.
struct Start<'a> {
    context: &'a Context,
    extra: &'a Extra,
    /// Last snapshot.
    parent: Option<ObjectId>,
    /// Commit on top of which the new snapshot is committed.
    commit: ObjectId,
    /// Files of this commit; they are handed over to the reading.
    before: BTreeMap<String, ObjectId>,
    /// Those of the files that are no objects'.
    reserved: BTreeMap<String, ObjectId>,
    base: Base<'a>,
    manifest: Manifest,
    scope: Vec<&'static Kind>,
    ids: IdMap,
    branch: Main,
    /// Edits that people made on `main` since the last snapshot.
    edits: Edits,
}

impl<'a> Start<'a> {
    /// Reads the last snapshot, or the commit that the first one follows, and where `main` is.
    async fn read<T: TenantRead>(
        context: &'a Context,
        tenant: &T,
        only: &[&'static Kind],
        extra: &'a Extra,
    ) -> Result<Start<'a>> {
        let parent = context.last_snapshot()?;
        let commit = commit_to_follow(context, parent)?;
        let before = files_of(&context.repo, commit)?;
        let mut manifest = manifest_of(&context.repo, &before)?;
        let scope = context.kinds(only);
        if parent.is_none() && manifest.layout.is_empty() {
            manifest.layout = choose_layout(context, tenant, &scope).await;
        }
        let mut ids = manifest.ids.clone();
        ids.extend(&Journal::pending_ids(context.repo.git_dir())?);
        ids.extend(&extra.learned);
        let branch = Main::read(context)?;
        let edits = Edits::on_main(context, parent, branch.wanted, &ids)?;
        let base = Base::new(&context.repo, commit)?;
        let reserved = before.iter().filter(|(path, _)| is_reserved(path));
        let reserved = reserved.map(|(path, blob)| (path.clone(), *blob)).collect();
        Ok(Start { context, extra, parent, commit, before, reserved, base, manifest, scope, ids, branch, edits })
    }

    /// Reads everything in scope from the tenant.
    async fn read_tenant<T: TenantRead>(&mut self, tenant: &T, writer: &mut SnapshotWriter<'_>) -> Result<FullRead> {
        let follow = follow(self.context, &self.before, &self.manifest, self.extra, &self.ids)?;
        // A path is in memory once: where it was, or where it is now.
        let before = std::mem::take(&mut self.before);
        let previous = PreviousSnapshot { before, base: &self.base, edits: &self.edits, follow, ids: &self.ids };
        read_everything(self.context, tenant, &self.scope, &self.manifest.layout, previous, writer).await
    }

    /// Replaces what the manifest says of the kinds in scope by what was read.
    fn update_manifest(&mut self, read: &FullRead) {
        let (manifest, settings) = (&mut self.manifest, &self.context.settings);
        manifest.tenant.clone_from(&settings.tenant);
        for kind in &self.scope {
            manifest.coverage.0.retain(|what, _| what != kind.name && !what.starts_with(&format!("{}.", kind.name)));
            manifest.unknown_properties.remove(kind.name);
        }
        manifest.coverage.0.extend(read.coverage.0.clone());
        manifest.record_filters(&self.scope, &settings.scope.filters);
        manifest.unknown_properties.extend(read.tally.unknown());
        manifest.ids.clone_from(&self.ids);
    }

    /// Returns how `main` relates to what was read.
    fn main_relation(&self, read: &FullRead) -> Result<MainRelation> {
        let FullRead { files, kept, .. } = read;
        let after = LazyCell::new(|| index(files));
        self.edits.main_relation(&self.ids, |address| match (kept.get(address), after.get(address)) {
            (Some(object), _) => Ok(Some(object.clone())),
            // The object was carried over, so its file is in the object database.
            (None, Some(path)) => stored(self.context, address, path, files.get(path)),
            (None, None) => Ok(None),
        })
    }
}

/// Represents a snapshot that is about to be committed.
struct NewSnapshot<'a> {
    start: &'a Start<'a>,
    read: FullRead,
    main_relation: MainRelation,
    tree: ObjectId,
    /// Trailer on the guards' settings, if the snapshot needs one.
    rules: Option<(String, String)>,
    /// Number of objects per kind or variant.
    counts: BTreeMap<&'static str, usize>,
    objects: usize,
    /// Number of objects' files added, changed and removed.
    changed: (usize, usize, usize),
}

impl<'a> NewSnapshot<'a> {
    /// Writes the snapshot's files, with the manifest and those that are no objects'.
    fn write(start: &'a Start<'a>, mut read: FullRead, mut writer: SnapshotWriter<'_>) -> Result<NewSnapshot<'a>> {
        let (context, main) = (start.context, start.branch.wanted);
        // Files that are not the tenant's (settings, pipelines) come from `main` if it holds nothing else, else from before.
        let main_relation = start.main_relation(&read)?;
        let others = match (&main_relation, main) {
            (MainRelation::Merge, Some(main)) => files_of(&context.repo, main)?,
            _ => start.reserved.clone(),
        };
        writer.keep_unusual(main.filter(|_| matches!(main_relation, MainRelation::Merge)).unwrap_or(start.commit))?;
        read.files.extend(others.into_iter().filter(|(path, _)| is_reserved(path) && path != MANIFEST));
        read.files.insert(MANIFEST.to_owned(), writer.put(start.manifest.to_bytes())?);
        let tree = writer.finish(&read.files)?;
        let rules = context.rules_trailer(read.files.get(SETTINGS))?;
        let counts = read.tally.counts();
        let objects = counts.values().sum();
        let changed = if read.first { (objects, 0, 0) } else { compare(&read.changes) };
        Ok(NewSnapshot { start, read, main_relation, tree, rules, counts, objects, changed })
    }

    /// Returns true if a commit would say nothing new.
    fn is_unchanged(&self) -> Result<bool> {
        let Start { context, extra, parent, commit, .. } = self.start;
        let accepts = self.rules.as_ref().is_some_and(|(name, _)| name != RULES);
        let unchanged = parent.is_some() && context.repo.commit(*commit)?.tree == self.tree;
        let merges = matches!(self.main_relation, MainRelation::Merge);
        Ok(unchanged && !accepts && extra.applied.is_none() && !merges)
    }

    /// Describes the export as long as nothing was committed.
    fn exported(&self) -> Exported {
        let manifest = &self.start.manifest;
        let pending = self.main_relation.pending();
        Exported {
            commit: None,
            tip: self.start.commit,
            counts: self.counts.clone(),
            objects: self.objects,
            complete: self.start.scope.iter().all(|kind| manifest.coverage.is_done(kind)),
            changed: self.changed,
            pending: pending.paths,
            unwritable: pending.unwritable,
            unknown: manifest.unknown_properties.values().map(Vec::len).sum(),
        }
    }

    /// Reads the events of the audit log that may have made the changes.
    async fn audit<T: TenantRead>(&self, tenant: &T) -> Result<Audit> {
        let Start { context, parent, base, .. } = self.start;
        let changed = changed(&context.repo, &self.read.changes)?;
        let holds = |id: &str| Ok(changed.ids.contains(id) || !base.kinds_of(id)?.is_empty());
        audit::since_last(context, tenant, *parent, &changed, holds).await
    }

    /// Returns the message of the commit, after refusing a snapshot that lacks too much.
    async fn message<T: TenantRead>(&self, tenant: &T, audit: &Audit) -> Result<String> {
        let Start { context, extra, parent, base, manifest, .. } = self.start;
        let Summary { subject, lines } = match parent.is_none() || self.read.first {
            true => Summary::first(self.objects),
            false => Summary::of(&context.repo, &self.read.changes),
        };
        let subject = extra.subject.clone().unwrap_or(subject);
        let mut told = SnapshotMessage {
            subject,
            lines,
            objects: self.objects,
            coverage: &self.read.coverage,
            trailers: extra.trailers.iter().cloned().chain(self.rules.clone()).collect(),
            actors: audit.actors(context.settings.actors),
        };
        // An apply is not checked here: its own guards have judged what it deletes, and its receipt (the commit with a subject)
        // must never be lost, as it holds the new ids.
        if let Some(parent) = parent.filter(|_| extra.subject.is_none()) {
            let message = message(&manifest.tenant, &told);
            let (changes, tree) = (&self.read.changes, self.tree);
            let candidate = Candidate { parent, base, changes, audit, tree, message: &message };
            told.trailers.extend(shrink::check(context, tenant, &candidate).await?);
        }
        Ok(message(&manifest.tenant, &told))
    }

    /// Returns the parents of the commit: the last snapshot, the commit that an apply carried out, and `main` if it is merged.
    fn parents(&self) -> Result<Vec<ObjectId>> {
        let Start { context, extra, commit, branch, .. } = self.start;
        let mut parents = vec![*commit];
        // Do not use the receipt as a parent if that would merge unapplied edits from `main` into `snapshots`.
        let would_adopt_pending_edits = |applied| match (&self.main_relation, branch.wanted) {
            (MainRelation::Pending(_), Some(main)) => context.repo.is_ancestor(main, applied),
            _ => Ok(false),
        };
        if let Some(applied) = extra.applied
            && applied != *commit
            && !would_adopt_pending_edits(applied)?
        {
            parents.push(applied);
        }
        if let (MainRelation::Merge, Some(main)) = (&self.main_relation, branch.wanted)
            && !parents.contains(&main)
        {
            parents.push(main);
        }
        Ok(parents)
    }

    /// Commits the snapshot, and moves the branches to it.
    fn commit(&self, audit: Audit, message: &str) -> Result<ObjectId> {
        let Start { context, extra, parent, branch, .. } = self.start;
        let commit = context.repo.create_commit(self.tree, &self.parents()?, message, &context.repo.author())?;
        let log = if extra.applied.is_some() { "entragit: receipt" } else { "entragit: export" };
        // A first snapshot gets no note: it records no change that anybody made.
        let notes: Vec<_> = parent.map(|_| (commit, audit)).into_iter().collect();
        let advance = Advance { commit, parent: *parent, notes: &notes, log };
        advance.publish(context, *branch, &self.main_relation, extra.main_moves())?;
        Ok(commit)
    }
}

/// Returns the commit on top of which a snapshot is committed: the last snapshot, else what is checked out.
///
/// # Errors
/// If there is no commit at all.
pub(in crate::ops) fn commit_to_follow(context: &Context, parent: Option<ObjectId>) -> Result<ObjectId> {
    match parent {
        Some(parent) => Ok(parent),
        None => context.repo.resolve("HEAD").context("looking for the first commit; make one with `entragit init`"),
    }
}

/// Returns, by filtered kind, the ids that were known through today's filter, and those that an apply has just written.
pub(in crate::ops) fn follow(
    context: &Context,
    before: &BTreeMap<String, ObjectId>,
    manifest: &Manifest,
    extra: &Extra,
    ids: &IdMap,
) -> Result<BTreeMap<&'static str, BTreeSet<String>>> {
    let mut follow = BTreeMap::new();
    let applied = match extra.applied.filter(|_| !context.settings.scope.filters.is_empty()) {
        Some(applied) => Some(Side::commit(context, &applied.to_string())?),
        None => None,
    };
    let applied: Vec<Address> = match &applied {
        Some(side) => snapshots(&context.repo, side, &Side::empty(), &|_| false)?.0.objects.into_keys().collect(),
        None => Vec::new(),
    };
    for (kind, filter) in &context.settings.scope.filters {
        let same = manifest.filters.get(*kind) == Some(filter);
        let last = before.keys().filter(|_| same).filter_map(|path| address_of(path).ok());
        let last = last.filter(|(known, _)| known.name == *kind).map(|(_, id)| id);
        let applied = applied
            .iter()
            .filter(|address| address.kind.name == *kind)
            .map(|address| ids.current(&address.id).to_owned());
        follow.insert(*kind, last.chain(applied).collect());
    }
    Ok(follow)
}

/// Returns an object as the object database has it.
fn stored(context: &Context, address: &Address, path: &str, blob: Option<&ObjectId>) -> Result<Option<Object>> {
    let (kind, Some(blob)) = (address.kind, blob) else { return Ok(None) };
    let document = yaml::read(path, &context.repo.blob(*blob)?).ok();
    Ok(document.map(|document| normalize(kind, document.value).object))
}

/// Returns the path of each object's file.
pub(in crate::ops) fn index(files: &BTreeMap<String, ObjectId>) -> BTreeMap<Address, String> {
    files
        .keys()
        .filter_map(|path| address_of(path).ok().map(|(kind, id)| (Address::new(kind, id), path.clone())))
        .collect()
}

/// Counts the large kinds for the first snapshot of a tenant whose size the settings do not name, and chooses their layouts. A
/// kind that cannot be counted is flat, with a warning, because paths never move by themselves afterwards.
pub(in crate::ops) async fn choose_layout<T: TenantRead>(
    context: &Context,
    tenant: &T,
    scope: &[&'static Kind],
) -> BTreeMap<String, Layout> {
    let mut layout = BTreeMap::new();
    for kind in scope.iter().filter(|kind| kind.page_size.is_some()) {
        let objects = match tenant.count(kind).await {
            Ok(objects) => objects,
            Err(error) => {
                context.events.warn(format!(
                    "{} could not be counted, so their files are not divided into folders: {error}; if there are more than \
                     {MOST_FLAT} of them, write `layout: {{{}: '256'}}` in manifest.yaml before the first export",
                    kind.title, kind.name
                ));
                continue;
            }
        };
        let chosen = layout_for(kind, objects);
        if chosen != Layout::Flat {
            layout.insert(kind.name.to_owned(), chosen);
        }
    }
    layout
}

/// Maximum number of objects that lie in one folder.
const MOST_FLAT: usize = 1_000;

/// Returns the layout for a kind with this number of objects: flat where people browse, sharded where git would suffer.
pub fn layout_for(kind: &Kind, objects: usize) -> Layout {
    match (kind.is_singleton(), objects) {
        (true, _) | (false, 0..=MOST_FLAT) => Layout::Flat,
        (false, ..=50_000) => Layout::Shards256,
        (false, _) => Layout::Shards4096,
    }
}
