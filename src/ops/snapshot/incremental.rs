//! Reads what changed on top of the last snapshot: an object that the tenant does not name is carried over unread. A complete
//! reading and an incremental one give the same files.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use futures_util::StreamExt as _;

use super::publish::Changes;
use crate::engine::normalize::{Normalized, normalize};
use crate::engine::refs::{Mentioned, Names, has_comments};
use crate::format::path::{Layout, path_of};
use crate::format::yaml;
use crate::kinds;
use crate::model::{Address, Coverage, CoverageMap, Kind, Object};
use crate::ops::Context;
use crate::ops::commit::base::Base;
use crate::ops::read::absence::Expected;
use crate::ops::read::facts::{Candidates, Facts, Tally};
use crate::ops::read::live::{self, LiveObject, Sink, bytes_of};
use crate::repo::{Content, SnapshotWriter};
use crate::tenant::{RawObject, TenantError, TenantRead};

/// Number of objects that are read again at the same time.
const AT_ONCE: usize = 8;

/// Ids per kind.
pub type Ids = BTreeMap<&'static str, BTreeSet<String>>;

/// Lists what to read.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Kinds to list. The others in scope are carried.
    pub listed: Vec<&'static Kind>,
    /// Objects of carried kinds to read one by one.
    pub touched: Ids,
    /// Those of the touched objects that the tenant reports as changed.
    pub changed: Ids,
    /// Objects of carried kinds that the tenant reports as deleted.
    pub removed: Ids,
    /// Coverage of the carried kinds as they were last listed.
    pub coverage: CoverageMap,
}

/// Holds the result of an incremental reading.
#[derive(Debug)]
pub struct Found {
    /// Objects' files that differ from the last snapshot.
    pub(in crate::ops) changes: Changes,
    /// Coverage of the listed kinds; of the carried kinds only what is missing.
    pub coverage: CoverageMap,
    /// Counts of all objects in scope.
    pub tally: Tally,
    /// Objects that were read incompletely: they are to be read again.
    pub again: Ids,
    /// Ids of the objects that are not there any more.
    pub gone: BTreeSet<String>,
    /// Objects that were read.
    pub there: BTreeSet<Address>,
}

/// Holds the last snapshot, on which the reading builds.
pub struct Last<'a> {
    /// The last snapshot.
    pub base: &'a Base<'a>,
    /// Counts of its objects in scope.
    pub tally: Tally,
    /// Filters through which it was read.
    pub filters: &'a BTreeMap<String, String>,
}

/// Reads `wanted` of the kinds in `scope` on top of the last snapshot.
///
/// # Errors
/// If the tenant does not answer, or the repository cannot be read or written.
pub async fn read<T: TenantRead>(
    context: &Context,
    tenant: &T,
    scope: &[&'static Kind],
    layout: &BTreeMap<String, Layout>,
    last: Last<'_>,
    wanted: &Wanted,
    writer: &mut SnapshotWriter<'_>,
) -> Result<Found> {
    let Last { base, tally, filters } = last;
    let fresh = BTreeMap::new();
    let (changes, gone, renamed) = (Changes::new(), BTreeSet::new(), BTreeSet::new());
    let mut read = Reader { context, base, changes, tally, fresh, gone, renamed, writer, filters };
    let mut found = Found {
        changes: Changes::new(),
        coverage: CoverageMap::default(),
        tally: Tally::default(),
        again: Ids::new(),
        gone: BTreeSet::new(),
        there: BTreeSet::new(),
    };
    let held = read.touched(tenant, layout, wanted, &mut found).await?;
    let quiet = context.events.briefly();
    let reading = live::read(tenant, &wanted.listed, layout, &quiet, &mut read).await?;
    found.coverage.0.extend(reading.coverage.0);
    for kind in &wanted.listed {
        // Absence must be proven, so only complete kinds lose objects that did not come.
        let complete = found.coverage.kind(kind.name).is_complete();
        for (address, _) in base.files(kind)?.into_iter() {
            if !read.fresh.contains_key(&address) && (complete || reading.gone.contains(&address)) {
                found.gone.insert(address.id.clone());
                read.goes(&address)?;
            }
        }
    }
    let mut asked = Mentioned::default();
    held.iter().for_each(|(kind, object, _)| asked.add_shown(kind, object, &Names::default()));
    let names = read.names_now(&asked)?;
    for (kind, object, path) in &held {
        let bytes = bytes_of(kind, object, &names);
        read.store(&kind.address(object.id()), path.clone(), bytes.into())?;
    }
    read.rename(scope)?;
    let Reader { changes, tally, fresh, .. } = read;
    Ok(Found { changes, tally, there: fresh.into_keys().collect(), ..found })
}

struct Reader<'a, 'w, 'r> {
    context: &'a Context,
    base: &'a Base<'a>,
    /// Differences from the last snapshot found so far.
    changes: Changes,
    tally: Tally,
    /// Facts on the objects that were read now.
    fresh: BTreeMap<Address, Facts>,
    /// Objects that are gone.
    gone: BTreeSet<Address>,
    /// Ids that have another name than in the last snapshot, or belong to another object.
    renamed: BTreeSet<String>,
    writer: &'w mut SnapshotWriter<'r>,
    filters: &'a BTreeMap<String, String>,
}

/// Result of reading one object.
enum Answer {
    There(RawObject),
    Gone,
    Failed(TenantError),
}

impl Reader<'_, '_, '_> {
    /// Reads the objects that were touched, and then those whose links led to deleted objects. Objects whose files show names are
    /// returned: they wait until all names are known.
    async fn touched<T: TenantRead>(
        &mut self,
        tenant: &T,
        layout: &BTreeMap<String, Layout>,
        wanted: &Wanted,
        found: &mut Found,
    ) -> Result<Vec<(&'static Kind, Object, String)>> {
        let linking: Vec<&'static Kind> =
            kinds::ALL.iter().copied().filter(|kind| !kind.links.is_empty() && !wanted.listed.contains(kind)).collect();
        let mut held = Vec::new();
        let mut next: BTreeSet<Address> = addresses(&wanted.touched);
        let mut gone: BTreeSet<Address> =
            addresses(&wanted.removed).into_iter().filter(|address| !next.contains(address)).collect();
        let (mut done, mut silent) = (gone.clone(), 0);
        loop {
            let mut ids = BTreeSet::new();
            for address in std::mem::take(&mut gone) {
                if self.goes(&address)? {
                    found.gone.insert(address.id.clone());
                    ids.insert(address.id);
                }
            }
            let referrers = self.base.referrers(&linking, &ids)?.into_iter().map(|(address, _)| address);
            // Objects that were read already need no second reading.
            next.extend(referrers.filter(|address| !self.fresh.contains_key(address) && !self.gone.contains(address)));
            next.retain(|address| {
                !done.contains(address) && !wanted.listed.iter().any(|kind| kind.name == address.kind.name)
            });
            if next.is_empty() {
                return Ok(held);
            }
            done.extend(next.iter().cloned());
            let asked = std::mem::take(&mut next).into_iter().map(|at| (at.kind, at));
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
                        held.extend(self.take_in(kind, &address, raw, layout, wanted, found)?);
                    }
                    Answer::Failed(error) => {
                        // A single object that cannot be read does not end the reading; a tenant that does not answer does.
                        silent += usize::from(matches!(error, TenantError::Unavailable { .. }));
                        if silent > 2 || matches!(error, TenantError::SignIn { .. }) {
                            return Err(error.into());
                        }
                        self.context.events.warn(format!("{address} was not read, and stays as it was: {error}"));
                        found.coverage.set_kind(kind.name, Coverage::Partial);
                        // The coverage of a link is never better than that of its kind.
                        kind.links
                            .iter()
                            .for_each(|link| found.coverage.set_link(kind.name, link.name, Coverage::Partial));
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
        layout: &BTreeMap<String, Layout>,
        wanted: &Wanted,
        found: &mut Found,
    ) -> Result<Option<(&'static Kind, Object, String)>> {
        let mut normalized = normalize(kind, raw.value);
        if !raw.missing.is_empty() {
            self.carry(kind, &mut normalized.object, &raw.missing)?;
            // A link that nobody may read is missing every time, so reading it again would not help.
            for (link, coverage) in raw.missing.iter().filter(|(link, _)| !wanted.coverage.withholds(kind.name, link)) {
                // Of other objects it was read.
                let coverage = match coverage {
                    Coverage::DeniedPermission if kind.link(link).is_some_and(|link| link.hidden.is_some()) => {
                        Coverage::Partial
                    }
                    other => *other,
                };
                found.coverage.set_link(kind.name, link, coverage);
                found.again.entry(kind.name).or_default().insert(address.id.clone());
            }
        }
        let object = normalized.object;
        let path = path_of(kind, object.id(), object.name(), layout.get(kind.name).copied().unwrap_or_default());
        self.comes(address, Facts::of(kind, &object, normalized.unknown))?;
        if has_comments(kind) {
            return Ok(Some((kind, object, path)));
        }
        let bytes = bytes_of(kind, &object, &Names::default());
        self.store(address, path, bytes.into())?;
        Ok(None)
    }

    /// Records that an object was read.
    fn comes(&mut self, address: &Address, facts: Facts) -> Result<()> {
        let kind = address.kind;
        let before = match (self.fresh.get(address), self.base.find(kind, &address.id)?) {
            (Some(fresh), _) => Some(fresh.clone()),
            (None, Some(entry)) => self.base.facts(kind, &entry)?.map(|facts| facts.as_ref().clone()),
            (None, None) => None,
        };
        if let Some(before) = &before {
            self.tally.remove(kind, before);
        }
        self.tally.add(kind, &facts);
        let old = before.map(|facts| facts.names).unwrap_or_default();
        let differing = |a: &[(String, String)], b: &[(String, String)]| -> Vec<String> {
            a.iter().filter(|pair| !b.contains(pair)).map(|(id, _)| id.clone()).collect()
        };
        self.renamed.extend(differing(&old, &facts.names));
        self.renamed.extend(differing(&facts.names, &old));
        self.fresh.insert(address.clone(), facts);
        Ok(())
    }

    /// Records that an object is gone; returns true if it was there.
    fn goes(&mut self, address: &Address) -> Result<bool> {
        let kind = address.kind;
        let Some(entry) = self.base.find(kind, &address.id)? else { return Ok(false) };
        if let Some(facts) = self.base.facts(kind, &entry)?
            && self.gone.insert(address.clone())
        {
            self.tally.remove(kind, &facts);
            self.renamed.extend(facts.names.iter().map(|(id, _)| id.clone()));
        }
        self.gone.insert(address.clone());
        self.changes.insert(entry.path, (Some(entry.blob), None));
        Ok(true)
    }

    /// Puts an object's file at its path.
    fn store(&mut self, address: &Address, path: String, content: Content) -> Result<()> {
        let kind = address.kind;
        let blob = content.id();
        let before = self.base.find(kind, &address.id)?;
        match &before {
            // The object database already has the content of the snapshot's files.
            Some(entry) if entry.path == path && entry.blob == blob => {
                self.changes.remove(&path);
                return Ok(());
            }
            Some(entry) if entry.path != path => {
                self.changes.insert(entry.path.clone(), (Some(entry.blob), None));
            }
            _ => {}
        }
        self.writer.put(content)?;
        let there = self.base.at(&path)?;
        self.changes.insert(path, (there, Some(blob)));
        Ok(())
    }

    /// Returns the present names of the ids.
    fn names_now(&self, asked: &Mentioned) -> Result<Names> {
        let mut names = Names::default();
        self.candidates(kinds::ALL, asked)?.enter(&mut names, |_| false);
        Ok(names)
    }

    fn candidates(&self, kinds: &[&'static Kind], asked: &Mentioned) -> Result<Candidates> {
        let counts = |address: &Address| !self.fresh.contains_key(address) && !self.gone.contains(address);
        let mut found = self.base.names(kinds, asked, counts)?;
        let mut own = Candidates::default();
        for (address, facts) in &self.fresh {
            let Some(kind) = kinds.iter().find(|kind| kind.name == address.kind.name) else { continue };
            for (id, name) in
                facts.names.iter().filter(|(id, _)| asked.ids.contains(id) || asked.identities.contains(id))
            {
                own.add(kind, id, name);
            }
        }
        found.extend(own);
        Ok(found)
    }

    /// Rewrites carried files that show a name which has changed.
    fn rename(&mut self, scope: &[&'static Kind]) -> Result<()> {
        let showing: Vec<&'static Kind> = scope.iter().copied().filter(|kind| has_comments(kind)).collect();
        let renamed = std::mem::take(&mut self.renamed);
        let mut held = Vec::new();
        for (address, entry) in self.base.referrers(&showing, &renamed)? {
            if self.fresh.contains_key(&address) || self.gone.contains(&address) {
                continue;
            }
            let kind = address.kind;
            if let Ok(document) = yaml::read(&entry.path, &self.context.repo.blob(entry.blob)?) {
                held.push((kind, address, entry.path, normalize(kind, document.value).object));
            }
        }
        let mut asked = Mentioned::default();
        held.iter().for_each(|(kind, _, _, object)| asked.add_shown(kind, object, &Names::default()));
        let names = self.names_now(&asked)?;
        for (kind, address, path, object) in held {
            let bytes = bytes_of(kind, &object, &names);
            self.store(&address, path, bytes.into())?;
        }
        Ok(())
    }
}

/// Reads one object. A 404 proves that it is gone if the tenant reported the deletion, else only the second time.
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
        self.base.carry(kind, object, missing)
    }

    fn knows(&mut self, kinds: &[&'static Kind]) -> Result<bool> {
        Ok(!kinds.is_empty())
    }

    fn names(&mut self, kinds: &[&'static Kind], asked: &Mentioned) -> Result<Candidates> {
        self.candidates(kinds, asked)
    }

    fn expected(&mut self, kind: &'static Kind) -> Result<Option<Expected>> {
        let ids = || anyhow::Ok(self.base.files(kind)?.into_iter().map(|(address, _)| address.id));
        Ok(Some(match self.context.settings.scope.filters.get(kind.name) {
            None => Expected::unfiltered(ids()?),
            Some(filter) if self.filters.get(kind.name) == Some(filter) => Expected::filtered(ids()?),
            Some(_) => Expected::default(),
        }))
    }

    fn take(&mut self, live: LiveObject) -> Result<()> {
        // The facts are made from the object at hand, since parsing the stored bytes would give the same.
        let Normalized { object, unknown } = normalize(live.kind, live.object.0);
        let address = live.kind.address(object.id());
        self.comes(&address, Facts::of(live.kind, &object, unknown))?;
        self.store(&address, live.path, live.content)
    }
}

fn addresses(ids: &Ids) -> BTreeSet<Address> {
    ids.iter().flat_map(|(kind, ids)| ids.iter().filter_map(|id| kinds::address(kind, id.as_str()))).collect()
}
