//! Reading what changed: whatever the tenant does not name is carried from the last snapshot, unparsed. Reading everything and
//! reading what changed give the same files.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use futures_util::StreamExt as _;

use super::export::index;
use super::live::{self, LiveObject, Sink, bytes_of, link_value};
use super::memory::{Facts, Memory, in_order, learn, names};
use super::{Context, manifest_of};
use crate::engine::normalize::normalize;
use crate::engine::refs::{Names, has_comments};
use crate::format::path::{Layout, address_of, path_of};
use crate::format::yaml;
use crate::kinds;
use crate::model::{Address, Coverage, CoverageMap, Kind, Object};
use crate::repo::{ObjectId, SnapshotWriter, blob_id};
use crate::tenant::{RawObject, TenantError, TenantRead};

/// Objects that are read again at the same time.
const AT_ONCE: usize = 8;

/// Files of a snapshot: path → blob.
pub type Files = BTreeMap<String, ObjectId>;

/// Ids per kind.
pub type Ids = BTreeMap<&'static str, BTreeSet<String>>;

/// What to read.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Kinds to list. The others in scope are carried.
    pub listed: Vec<&'static Kind>,
    /// Objects of carried kinds to read one by one.
    pub touched: Ids,
    /// Those among them that the tenant says changed.
    pub changed: Ids,
    /// Objects of carried kinds that the tenant says are gone.
    pub removed: Ids,
    /// How completely the carried kinds were listed.
    pub coverage: CoverageMap,
}

/// What was read.
#[derive(Debug)]
pub struct Found {
    /// Every object's file.
    pub files: Files,
    /// Of the listed kinds; of the others only what is missing.
    pub coverage: CoverageMap,
    /// Properties that no schema knows, per kind in scope.
    pub unknown: BTreeMap<String, Vec<String>>,
    /// Objects per kind or variant in scope.
    pub counts: BTreeMap<&'static str, usize>,
    /// Objects whose reading came to less than it should: they are to be read again.
    pub again: Ids,
    /// Objects that are not there any more.
    pub gone: BTreeSet<String>,
}

/// Reads `wanted` of the kinds in `scope` on top of `before`.
///
/// # Errors
/// If the tenant does not answer, or the repository cannot be read or written.
pub async fn read<T: TenantRead>(
    context: &Context,
    tenant: &T,
    scope: &[&'static Kind],
    layout: &BTreeMap<String, Layout>,
    (before, memory): (&Files, &mut Memory),
    wanted: &Wanted,
    writer: &mut SnapshotWriter<'_>,
) -> Result<Found> {
    let by_address = index(before);
    let carries = scope.iter().any(|kind| !wanted.listed.contains(kind));
    for (path, blob) in before.iter().filter(|_| carries) {
        memory.learn(context, path, *blob)?;
    }
    let names_before = names(memory, before);
    let mut read = Reader {
        context,
        before,
        by_address: &by_address,
        files: by_address
            .iter()
            .filter(|(at, _)| !listed(wanted, at))
            .map(|(_, path)| (path.clone(), before[path]))
            .collect(),
        fresh: BTreeMap::new(),
        gone: BTreeSet::new(),
        memory,
        writer,
        filters: manifest_of(&context.repo, before)?.filters,
    };
    let mut found = Found {
        files: Files::new(),
        coverage: CoverageMap::default(),
        unknown: BTreeMap::new(),
        counts: BTreeMap::new(),
        again: Ids::new(),
        gone: BTreeSet::new(),
    };
    let held = read.touched(tenant, layout, wanted, &mut found).await?;
    let quiet = context.events.briefly();
    let reading = live::read(tenant, &wanted.listed, layout, &quiet, &mut read).await?;
    found.coverage.0.extend(reading.coverage.0);
    for (address, path) in by_address.iter().filter(|(at, _)| listed(wanted, at) && !read.fresh.contains_key(at)) {
        // Absence must be proven.
        if found.coverage.kind(address.kind).is_complete() {
            found.gone.insert(address.id.clone());
        } else {
            read.files.insert(path.clone(), before[path]);
        }
    }
    let directory = read.directory();
    let mut names = Names::default();
    for (id, name) in &directory {
        names.insert(id, name);
    }
    for (kind, object, path) in &held {
        read.store(path.clone(), bytes_of(kind, object, &names))?;
    }
    if carries {
        read.rename(scope, &names_before, &directory, &names)?;
    }

    let Reader { files, fresh, memory, .. } = read;
    for (path, blob) in &files {
        let Ok((kind, id)) = address_of(path) else { continue };
        match fresh.get(&Address::new(kind.name, id)) {
            Some(facts) => drop(memory.0.insert(*blob, facts.clone())),
            None => memory.learn(context, path, *blob)?,
        }
        let Some(facts) = memory.0.get(blob).filter(|_| scope.contains(&kind)) else { continue };
        *found.counts.entry(facts.called).or_default() += 1;
        if !facts.unknown.is_empty() {
            found.unknown.entry(kind.name.to_owned()).or_default().extend(facts.unknown.iter().cloned());
        }
    }
    for unknown in found.unknown.values_mut() {
        unknown.sort();
        unknown.dedup();
    }
    let kept: BTreeSet<ObjectId> = files.values().copied().collect();
    memory.0.retain(|blob, _| kept.contains(blob));
    found.files = files;
    Ok(found)
}

fn listed(wanted: &Wanted, address: &Address) -> bool {
    wanted.listed.iter().any(|kind| kind.name == address.kind)
}

struct Reader<'a, 'w, 'r> {
    context: &'a Context,
    before: &'a Files,
    by_address: &'a BTreeMap<Address, String>,
    /// What the snapshot will hold, as far as it is known.
    files: Files,
    /// Of what was read now.
    fresh: BTreeMap<Address, Facts>,
    /// Carried objects that are gone.
    gone: BTreeSet<Address>,
    memory: &'a mut Memory,
    writer: &'w mut SnapshotWriter<'r>,
    /// What the last snapshot was read through.
    filters: BTreeMap<String, String>,
}

/// How the reading of one object ended.
enum Answer {
    There(RawObject),
    Gone,
    Failed(TenantError),
}

impl Reader<'_, '_, '_> {
    /// Reads the objects that were touched, and then those whose links led to what is gone. Objects whose files show names are
    /// handed back: they wait until all names are known.
    async fn touched<T: TenantRead>(
        &mut self,
        tenant: &T,
        layout: &BTreeMap<String, Layout>,
        wanted: &Wanted,
        found: &mut Found,
    ) -> Result<Vec<(&'static Kind, Object, String)>> {
        let mut held = Vec::new();
        let mut next: BTreeSet<Address> = addresses(&wanted.touched);
        let mut gone: BTreeSet<Address> =
            addresses(&wanted.removed).into_iter().filter(|address| !next.contains(address)).collect();
        let (mut done, mut silent) = (gone.clone(), 0);
        loop {
            gone.retain(|address| self.by_address.contains_key(address));
            for address in &gone {
                self.files.remove(&self.by_address[address]);
                found.gone.insert(address.id.clone());
            }
            let ids = gone.iter().map(|address| address.id.clone()).collect();
            self.gone.append(&mut gone);
            next.extend(self.referrers(&ids, |kind| !kind.links.is_empty())?);
            next.retain(|address| !done.contains(address) && !listed(wanted, address));
            if next.is_empty() {
                return Ok(held);
            }
            done.extend(next.iter().cloned());
            let asked = std::mem::take(&mut next).into_iter().filter_map(|at| Some((kinds::by_name(at.kind)?, at)));
            let answers = futures_util::stream::iter(asked).map(|(kind, address)| {
                let said = wanted.removed.get(kind.name).is_some_and(|ids| ids.contains(&address.id));
                async move { (kind, ask(tenant, kind, &address.id, said).await, address) }
            });
            let mut answers = answers.buffer_unordered(AT_ONCE);
            while let Some((kind, answer, address)) = answers.next().await {
                match answer {
                    Answer::Gone => {
                        gone.insert(address);
                    }
                    Answer::There(raw) => {
                        silent = 0;
                        held.extend(self.take_in(kind, &address, raw, (layout, wanted), found)?);
                    }
                    Answer::Failed(error) => {
                        // One object that cannot be read stops nothing; a tenant that does not answer does.
                        silent += usize::from(matches!(error, TenantError::Unavailable { .. }));
                        if silent > 2 || matches!(error, TenantError::SignIn { .. }) {
                            return Err(error.into());
                        }
                        self.context.events.warn(format!("{address} was not read, and stays as it was: {error}"));
                        found.coverage.set_kind(kind.name, Coverage::Partial);
                        found.again.entry(kind.name).or_default().insert(address.id);
                    }
                }
            }
        }
    }

    fn take_in(
        &mut self,
        kind: &'static Kind,
        address: &Address,
        raw: RawObject,
        (layout, wanted): (&BTreeMap<String, Layout>, &Wanted),
        found: &mut Found,
    ) -> Result<Option<(&'static Kind, Object, String)>> {
        let mut normalized = normalize(kind, &raw.value);
        if !raw.missing.is_empty() {
            self.carry(kind, &mut normalized.object, &raw.missing)?;
            // What no one may read is missing every time.
            for (link, coverage) in raw.missing.iter().filter(|(link, _)| !wanted.coverage.withholds(kind.name, link)) {
                found.coverage.set_link(kind.name, link, *coverage);
                found.again.entry(kind.name).or_default().insert(address.id.clone());
            }
        }
        let object = normalized.object;
        if let Some(path) = self.by_address.get(address) {
            self.files.remove(path);
        }
        let path = path_of(kind, object.id(), object.name(), layout.get(kind.name).copied().unwrap_or_default());
        self.fresh.insert(address.clone(), Facts::of(kind, &object, normalized.unknown));
        if has_comments(kind) {
            return Ok(Some((kind, object, path)));
        }
        let bytes = bytes_of(kind, &object, &Names::default());
        self.store(path, bytes)?;
        Ok(None)
    }

    fn store(&mut self, path: String, bytes: Vec<u8>) -> Result<()> {
        let blob = blob_id(&bytes);
        // What the parent has is in the object database already.
        if self.before.get(&path) != Some(&blob) {
            self.writer.put(&bytes)?;
        }
        self.files.insert(path, blob);
        Ok(())
    }

    /// Carried objects of the kinds that `may` whose files hold one of `ids`.
    fn referrers(&self, ids: &BTreeSet<String>, may: impl Fn(&'static Kind) -> bool) -> Result<Vec<Address>> {
        let mut found = Vec::new();
        for (path, blob) in self.files.iter().filter(|_| !ids.is_empty()) {
            let Ok((kind, id)) = address_of(path) else { continue };
            let address = Address::new(kind.name, id);
            // What was read now is known, and may not be in the object database yet.
            if !may(kind) || self.fresh.contains_key(&address) {
                continue;
            }
            if words(&self.context.repo.blob(*blob)?).any(|word| ids.contains(word)) {
                found.push(address);
            }
        }
        Ok(found)
    }

    /// Id → name of everything, as it is now.
    fn directory(&self) -> BTreeMap<String, String> {
        let mut by_kind: BTreeMap<&str, Vec<&Facts>> = BTreeMap::new();
        for (path, blob) in &self.files {
            let Ok((kind, id)) = address_of(path) else { continue };
            let known =
                if self.fresh.contains_key(&Address::new(kind.name, id)) { None } else { self.memory.0.get(blob) };
            by_kind.entry(kind.name).or_default().extend(known);
        }
        for (address, facts) in &self.fresh {
            by_kind.entry(address.kind).or_default().push(facts);
        }
        let facts = in_order().filter_map(|kind| by_kind.remove(kind.name)).flatten();
        facts.flat_map(|facts| facts.names.iter().cloned()).collect()
    }

    /// Writes carried files again that show a name which is another now.
    fn rename(
        &mut self,
        scope: &[&'static Kind],
        old: &BTreeMap<String, String>,
        new: &BTreeMap<String, String>,
        names: &Names,
    ) -> Result<()> {
        let differing = |a: &BTreeMap<String, String>, b: &BTreeMap<String, String>| -> Vec<String> {
            a.iter().filter(|(id, name)| b.get(*id) != Some(name)).map(|(id, _)| id.clone()).collect()
        };
        let ids: BTreeSet<String> = differing(old, new).into_iter().chain(differing(new, old)).collect();
        for address in self.referrers(&ids, |kind| scope.contains(&kind) && has_comments(kind))? {
            let Some(path) = self.by_address.get(&address) else { continue };
            let (Some(kind), Some(blob)) = (kinds::by_name(address.kind), self.files.get(path)) else { continue };
            if let Ok(document) = yaml::read(path, &self.context.repo.blob(*blob)?) {
                let normalized = normalize(kind, &document.value);
                let bytes = bytes_of(kind, &normalized.object, names);
                self.fresh.insert(address, Facts::of(kind, &normalized.object, normalized.unknown));
                self.store(path.clone(), bytes)?;
            }
        }
        Ok(())
    }
}

/// One object. A 404 proves that it is gone only where the tenant said so, or says so twice.
async fn ask<T: TenantRead>(tenant: &T, kind: &'static Kind, id: &str, said: bool) -> Answer {
    for again in [said, true] {
        match tenant.get(kind, id).await {
            Ok(Some(raw)) => return Answer::There(raw),
            Ok(None) if again => return Answer::Gone,
            Ok(None) => {}
            Err(error) => return Answer::Failed(error),
        }
    }
    Answer::Gone
}

impl Sink for Reader<'_, '_, '_> {
    fn carry(&mut self, kind: &'static Kind, object: &mut Object, missing: &[(&'static str, Coverage)]) -> Result<()> {
        let Some(path) = self.by_address.get(&kind.address(object.id())) else { return Ok(()) };
        let Ok(document) = yaml::read(path, &self.context.repo.blob(self.before[path])?) else { return Ok(()) };
        let last = normalize(kind, &document.value).object;
        for (link, _) in missing {
            if let Some(value) = link_value(&last, link) {
                object.0.insert((*link).to_owned(), value);
            }
        }
        Ok(())
    }

    fn names_of(&mut self, kind: &'static Kind, names: &mut Names) -> Result<()> {
        let by_address = self.by_address;
        for (address, path) in by_address.iter().filter(|(address, _)| address.kind == kind.name) {
            let facts = match self.fresh.get(address) {
                Some(_) => continue,
                None if self.gone.contains(address) => continue,
                None => {
                    self.memory.learn(self.context, path, self.before[path])?;
                    self.memory.0.get(&self.before[path])
                }
            };
            learn(names, facts);
        }
        for (_, facts) in self.fresh.iter().filter(|(address, _)| address.kind == kind.name) {
            learn(names, Some(facts));
        }
        Ok(())
    }

    fn follow(&mut self, kind: &'static Kind) -> Result<Option<BTreeSet<String>>> {
        let Some(filter) = self.context.settings.scope.filters.get(kind.name) else { return Ok(None) };
        let same = self.filters.get(kind.name) == Some(filter);
        let known = self.by_address.keys().filter(|address| same && address.kind == kind.name);
        Ok(Some(known.map(|address| address.id.clone()).collect()))
    }

    fn take(&mut self, live: LiveObject) -> Result<()> {
        // The same bytes are parsed to the same facts; what was read is at hand.
        let unknown = normalize(live.kind, &live.object.0).unknown;
        let facts = Facts::of(live.kind, &live.object, unknown);
        self.fresh.insert(live.kind.address(live.object.id()), facts);
        self.store(live.path, live.bytes)
    }
}

fn addresses(ids: &Ids) -> BTreeSet<Address> {
    ids.iter().flat_map(|(kind, ids)| ids.iter().map(|id| Address::new(kind, id.clone()))).collect()
}

/// Words that may be ids.
pub(super) fn words(bytes: &[u8]) -> impl Iterator<Item = &str> {
    let ours = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    bytes
        .split(move |byte| !ours(byte))
        .filter(|word| !word.is_empty())
        .filter_map(|word| std::str::from_utf8(word).ok())
}
