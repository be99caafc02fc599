//! Commits the live tenant to `snapshots` for `export`; `main` follows as long as it holds no edit of its own.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};

use super::advance::{Advance, Main, MainMoves};
use super::main_relation::{Edits, MainRelation};
use super::publish::{Changes, SnapshotMessage, changed, compare, message, subject};
use super::shrink::{self, Candidate};
use crate::engine::normalize::normalize;
use crate::engine::refs::Mentioned;
use crate::format::manifest::Manifest;
use crate::format::path::{Layout, address_of, is_reserved};
use crate::format::yaml;
use crate::model::words::counted;
use crate::model::{Address, Coverage, CoverageMap, IdMap, Kind, Object};
use crate::ops::audit;
use crate::ops::commit::base::Base;
use crate::ops::commit::source::{Entry, Side, check_tenant, snapshots};
use crate::ops::guards::authority::RULES;
use crate::ops::journal::Journal;
use crate::ops::read::absence::Expected;
use crate::ops::read::facts::{Candidates, Tally};
use crate::ops::read::live::{self, LiveObject, Sink};
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
    let parent = context.last_snapshot()?;
    let start = match parent {
        Some(parent) => parent,
        None => context.repo.resolve("HEAD").context("looking for the first commit; make one with `entragit init`")?,
    };
    let before = files_of(&context.repo, start)?;
    let mut manifest = manifest_of(&context.repo, &before)?;
    let scope = context.kinds(only);
    if parent.is_none() && manifest.layout.is_empty() {
        manifest.layout = choose_layout(context, tenant, &scope).await;
    }
    let mut ids = manifest.ids.clone();
    ids.extend(&Journal::pending_ids(context.repo.git_dir())?);
    ids.extend(&extra.learned);
    let branch = Main::read(context)?;
    let main = branch.wanted;
    let edits = Edits::on_main(context, parent, main, &ids)?;
    let base = Base::new(&context.repo, start)?;
    let mut writer = context.repo.writer()?;
    let follow = follow(context, &before, &manifest, extra, &ids)?;
    let reserved = before.iter().filter(|(path, _)| is_reserved(path));
    let reserved: BTreeMap<String, ObjectId> = reserved.map(|(path, blob)| (path.clone(), *blob)).collect();
    let last = Last { before, base: &base, edits: &edits, follow, ids: &ids };
    let whole = whole(context, tenant, &scope, &manifest.layout, last, &mut writer).await?;
    let Whole { mut files, changes, first, kept, coverage, tally } = whole;

    manifest.tenant.clone_from(&context.settings.tenant);
    for kind in &scope {
        manifest.coverage.0.retain(|what, _| what != kind.name && !what.starts_with(&format!("{}.", kind.name)));
        manifest.unknown.remove(kind.name);
    }
    manifest.coverage.0.extend(coverage.0.clone());
    manifest.filtered(&scope, &context.settings.scope.filters);
    manifest.unknown.extend(tally.unknown());
    manifest.ids.clone_from(&ids);
    let unknown = manifest.unknown.values().map(Vec::len).sum();

    // Files that are not the tenant's (settings, pipelines) come from `main` if it holds nothing else, else from before.
    let after = LazyCell::new(|| index(&files));
    let main_relation = edits.main_relation(&ids, |address| match (kept.get(address), after.get(address)) {
        (Some(object), _) => Ok(Some(object.clone())),
        // The object was carried over, so its file is in the object database.
        (None, Some(path)) => stored(context, address, path, files.get(path)),
        (None, None) => Ok(None),
    })?;
    let others = match (&main_relation, main) {
        (MainRelation::Merge, Some(main)) => files_of(&context.repo, main)?,
        _ => reserved,
    };
    writer.keep_unusual(main.filter(|_| matches!(main_relation, MainRelation::Merge)).unwrap_or(start))?;
    files.extend(others.into_iter().filter(|(path, _)| is_reserved(path) && path != MANIFEST));
    let manifest_bytes = manifest.write();
    let manifest_blob = writer.put(manifest_bytes)?;
    files.insert(MANIFEST.to_owned(), manifest_blob);

    let complete = scope.iter().all(|kind| manifest.coverage.is_done(kind));
    let counts = tally.counts();
    let objects: usize = counts.values().sum();
    let pending = main_relation.pending();
    let mut exported = Exported {
        commit: None,
        tip: start,
        counts: counts.clone(),
        objects,
        complete,
        changed: if first { (objects, 0, 0) } else { compare(&changes) },
        pending: pending.paths,
        unwritable: pending.unwritable,
        unknown,
    };
    let tree = writer.finish(&files)?;
    let rules = context.rules_trailer(files.get(SETTINGS))?;
    let accepts = rules.as_ref().is_some_and(|(name, _)| name != RULES);
    let unchanged = parent.is_some() && context.repo.commit(start)?.tree == tree;
    if unchanged && !accepts && extra.applied.is_none() && !matches!(main_relation, MainRelation::Merge) {
        audit::late(context, tenant, start).await?;
        shrink::clear(context)?;
        return Ok(exported);
    }

    let changed = changed(&context.repo, &changes)?;
    let holds = |id: &str| Ok(changed.ids.contains(id) || !base.kinds_of(id)?.is_empty());
    let audit = audit::since_last(context, tenant, parent, &changed, holds).await?;
    let subject = match (&extra.subject, parent) {
        (Some(subject), _) => subject.clone(),
        (None, None) => format!("First snapshot: {}", counted(objects, "object")),
        (None, Some(_)) => subject(exported.changed),
    };
    let mut told = SnapshotMessage {
        subject,
        counts: &counts,
        objects,
        coverage: &coverage,
        trailers: extra.trailers.iter().cloned().chain(rules).collect(),
        actors: audit.actors(context.settings.actors),
    };
    // An apply is not checked here: its own guards have judged what it deletes, and its receipt (the commit with a subject) must
    // never be lost, as it holds the new ids.
    if let Some(parent) = parent.filter(|_| extra.subject.is_none()) {
        let message = message(&manifest.tenant, &told);
        let candidate = Candidate { parent, base: &base, changes: &changes, audit: &audit, tree, message: &message };
        told.trailers.extend(shrink::check(context, tenant, &candidate).await?);
    }
    let mut parents = vec![start];
    // Do not use the receipt as a parent if that would merge unapplied edits from `main` into `snapshots`.
    let loses = |applied| match (&main_relation, main) {
        (MainRelation::Pending(_), Some(main)) => context.repo.is_ancestor(main, applied),
        _ => Ok(false),
    };
    if let Some(applied) = extra.applied
        && applied != start
        && !loses(applied)?
    {
        parents.push(applied);
    }
    if let (MainRelation::Merge, Some(main)) = (&main_relation, main)
        && !parents.contains(&main)
    {
        parents.push(main);
    }
    let message = message(&manifest.tenant, &told);
    let commit = context.repo.create_commit(tree, &parents, &message, &context.repo.author())?;
    let log = if extra.applied.is_some() { "entragit: receipt" } else { "entragit: export" };
    // A first snapshot gets no note: it records no change that anybody made.
    let notes: Vec<_> = parent.map(|_| (commit, audit)).into_iter().collect();
    Advance { commit, parent, notes: &notes, log }.publish(context, branch, &main_relation, extra.main_moves())?;
    shrink::clear(context)?;
    exported.commit = Some(commit);
    exported.tip = commit;
    Ok(exported)
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

/// Holds what a complete reading builds on.
pub(in crate::ops) struct Last<'a> {
    /// The files of the last snapshot, or of the commit that the first one follows.
    pub before: BTreeMap<String, ObjectId>,
    /// The same files, to look things up in.
    pub base: &'a Base<'a>,
    /// Edits that people made since.
    pub edits: &'a Edits,
    /// By filtered kind, the ids that are asked for where the list lacks them.
    pub follow: BTreeMap<&'static str, BTreeSet<String>>,
    /// Id map of the objects that an apply created again: the old ids are not asked for.
    pub ids: &'a IdMap,
}

/// Holds the result of a complete reading of the scope.
pub(in crate::ops) struct Whole {
    /// Files of objects, with those that are carried over because their kind was not read completely or is out of scope.
    pub files: BTreeMap<String, ObjectId>,
    /// Files that differ from the last snapshot.
    pub changes: Changes,
    /// True if there is no last snapshot: then `changes` is empty, as everything is new.
    pub first: bool,
    /// Live state of the objects that somebody edited on `main`.
    pub kept: BTreeMap<Address, Object>,
    /// Coverage of each kind and link.
    pub coverage: CoverageMap,
    /// Number of objects in scope, carried over or not.
    pub tally: Tally,
}

/// Reads everything in scope.
pub(in crate::ops) async fn whole<T: TenantRead>(
    context: &Context,
    tenant: &T,
    scope: &[&'static Kind],
    layout: &BTreeMap<String, Layout>,
    last: Last<'_>,
    writer: &mut SnapshotWriter<'_>,
) -> Result<Whole> {
    let Last { before, base, edits, follow, ids } = last;
    let first = !before.keys().any(|path| address_of(path).is_ok());
    let (files, changes, kept) = (BTreeMap::new(), Changes::new(), BTreeMap::new());
    let mut sink = Storing { before, base, files, changes, first, writer, edits, kept, follow, ids };
    let reading = live::read(tenant, scope, layout, &context.events, &mut sink).await?;
    let Storing { before: left, mut files, mut changes, kept, .. } = sink;
    let mut tally = reading.tally;
    // Absence must be proven: objects are carried over if their kind was not read completely or was not asked for.
    let read = |kind: &'static Kind| scope.contains(&kind) && reading.coverage.kind(kind.name).is_complete();
    let unread = |path: &str| {
        let (kind, id) = address_of(path).ok().filter(|(kind, _)| !read(kind))?;
        (!reading.gone.contains(&Address::new(kind, id.as_str()))).then_some((kind, id))
    };
    let present: BTreeSet<Address> = match left.keys().any(|path| unread(path).is_some()) {
        true => files.keys().filter_map(|path| unread(path)).map(|(kind, id)| Address::new(kind, id)).collect(),
        false => BTreeSet::new(),
    };
    for (path, blob) in left {
        let carried = unread(&path).filter(|(kind, id)| !present.contains(&Address::new(kind, id.clone())));
        match carried {
            Some((kind, _)) => {
                if scope.contains(&kind)
                    && let Some(facts) = base.facts(kind, &Entry { path: path.clone(), blob })?
                {
                    tally.add(kind, &facts);
                }
                files.insert(path, blob);
            }
            None if is_reserved(&path) => {}
            None => drop(changes.insert(path, (Some(blob), None))),
        }
    }
    Ok(Whole { files, changes, first, kept, coverage: reading.coverage, tally })
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

/// Returns the ids of a kind's objects among files.
fn ids_in<'f>(files: &'f BTreeMap<String, ObjectId>, kind: &'static Kind) -> impl Iterator<Item = String> + 'f {
    // A folder within the folder of a kind may belong to another kind.
    let below = files.range(format!("{}/", kind.folder)..format!("{}0", kind.folder));
    below.filter_map(move |(path, _)| address_of(path).ok().filter(|(found, _)| *found == kind).map(|(_, id)| id))
}

struct Storing<'a, 'w, 'r> {
    /// Files of the last snapshot whose objects have not come yet: a path is in memory once, here or in `files`.
    before: BTreeMap<String, ObjectId>,
    base: &'a Base<'a>,
    files: BTreeMap<String, ObjectId>,
    changes: Changes,
    first: bool,
    writer: &'w mut SnapshotWriter<'r>,
    edits: &'a Edits,
    /// Live state of the objects that somebody edited on `main`.
    kept: BTreeMap<Address, Object>,
    /// By filtered kind, the ids that are asked for where the list lacks them.
    follow: BTreeMap<&'static str, BTreeSet<String>>,
    ids: &'a IdMap,
}

impl Sink for Storing<'_, '_, '_> {
    fn carry(&mut self, kind: &'static Kind, object: &mut Object, missing: &[(&'static str, Coverage)]) -> Result<()> {
        self.base.carry(kind, object, missing)
    }

    fn knows(&mut self, kinds: &[&'static Kind]) -> Result<bool> {
        kinds.iter().try_fold(false, |any, kind| Ok(any || !self.base.files(kind)?.is_empty()))
    }

    fn names(&mut self, kinds: &[&'static Kind], asked: &Mentioned) -> Result<Candidates> {
        self.base.names(kinds, asked, |_| true)
    }

    fn expected(&mut self, kind: &'static Kind) -> Result<Option<Expected>> {
        Ok(Some(match self.follow.remove(kind.name) {
            Some(ids) => Expected::filtered(ids),
            None => Expected::unfiltered(ids_in(&self.before, kind).filter(|id| self.ids.current(id) == id)),
        }))
    }

    fn take(&mut self, live: LiveObject) -> Result<()> {
        let blob = live.content.id();
        let address = live.kind.address(live.object.id());
        if self.edits.concern(&address) {
            self.kept.insert(address, live.object);
        }
        let (path, old) = match self.before.remove_entry(&live.path) {
            Some((path, old)) => (path, Some(old)),
            // If the same object comes twice, the last time counts.
            None => {
                let came = self.files.get(&live.path).copied();
                let old = self.changes.get(&live.path).map_or(came, |(old, _)| *old);
                (live.path, old)
            }
        };
        // The object database already has the content of an unchanged file.
        if old != Some(blob) {
            self.writer.put(live.content)?;
            if !self.first {
                self.changes.insert(path.clone(), (old, Some(blob)));
            }
        } else if !self.changes.is_empty() {
            self.changes.remove(&path);
        }
        self.files.insert(path, blob);
        Ok(())
    }
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
