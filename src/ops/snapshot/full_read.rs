//! Reads everything in scope, and compares it with the last snapshot.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::main_relation::Edits;
use super::publish::Changes;
use crate::engine::refs::Mentioned;
use crate::format::path::{Layout, address_of, is_reserved};
use crate::model::{Address, Coverage, CoverageMap, IdMap, Kind, Object};
use crate::ops::Context;
use crate::ops::commit::base::Base;
use crate::ops::commit::source::Entry;
use crate::ops::read::absence::Expected;
use crate::ops::read::facts::{Candidates, Tally};
use crate::ops::read::live::{self, LiveObject, Sink};
use crate::repo::{ObjectId, SnapshotWriter};
use crate::tenant::TenantRead;

/// Holds what a complete reading builds on.
pub(in crate::ops) struct PreviousSnapshot<'a> {
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
pub(in crate::ops) struct FullRead {
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
pub(in crate::ops) async fn read_everything<T: TenantRead>(
    context: &Context,
    tenant: &T,
    scope: &[&'static Kind],
    layout: &BTreeMap<String, Layout>,
    previous: PreviousSnapshot<'_>,
    writer: &mut SnapshotWriter<'_>,
) -> Result<FullRead> {
    let PreviousSnapshot { before, base, edits, follow, ids } = previous;
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
    Ok(FullRead { files, changes, first, kept, coverage: reading.coverage, tally })
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
