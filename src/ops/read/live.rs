//! Reads the live tenant: pages → normalized objects → canonical bytes, several kinds at a time.
//!
//! Memory does not grow with the tenant: objects are handed on as they come, a page at a time, and all cores share the work. Only
//! kinds whose files show the names of referenced objects wait until all names are known, on disk if they are many.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::{Pin, pin};
use std::sync::Arc;

use anyhow::Result;
use futures_util::StreamExt as _;
use futures_util::stream::{self, Stream};
use serde_json::Value;
use tokio::sync::mpsc;

use super::absence::{self, Expected, Proof};
use super::facts::{Candidates, Facts, Tally, place};
use super::waiting::{Spool, SpooledObject};
use crate::engine::diff::called;
use crate::engine::normalize::{Normalized, normalize};
use crate::engine::refs::{Mentioned, Names, comments, has_comments};
use crate::format::emit;
use crate::format::path::{Layout, path_of};
use crate::kinds;
use crate::model::{Address, Coverage, CoverageMap, Event, Events, Kind, Object};
use crate::repo::Content;
use crate::tenant::{Listing, RawObject, TenantRead};

/// Number of pages that may wait between the reader and the writer.
const PAGES_AHEAD: usize = 1;

/// Number of kinds that are read at the same time; requests are bounded by the connection as well.
const KINDS_AHEAD: usize = 6;

/// Number of pages that are worked on at the same time, each on a core of its own.
const CORES: usize = 2;

/// Represents one object of the live tenant, ready to be compared or stored.
pub struct LiveObject {
    /// Kind of the object.
    pub kind: &'static Kind,
    /// The normalized object.
    pub object: Object,
    /// Path of the object in the repository.
    pub path: String,
    /// Canonical bytes of the object.
    pub content: Content,
}

/// Holds the result of a reading besides the objects.
#[derive(Debug, Default)]
pub struct Reading {
    /// Coverage of each kind and link.
    pub coverage: CoverageMap,
    /// Counts of the objects read.
    pub tally: Tally,
    /// Names of everything that was read.
    pub names: Names,
    /// Objects that are proven to be gone one by one, also of kinds that were not read completely.
    pub gone: BTreeSet<Address>,
}

/// Receives the objects of a reading, and answers questions on what was known before.
pub trait Sink {
    /// Fills in links that could not be read, from wherever they were known last.
    fn carry(&mut self, kind: &'static Kind, object: &mut Object, missing: &[(&'static str, Coverage)]) -> Result<()>;
    /// Returns true if any object of these kinds is known.
    fn knows(&mut self, kinds: &[&'static Kind]) -> Result<bool>;
    /// Returns the last known names of those of `asked` that are of `kinds`, which were not read completely this time: files that
    /// refer to such an object show its name all the same.
    fn names(&mut self, kinds: &[&'static Kind], asked: &Mentioned) -> Result<Candidates>;
    /// Returns the ids that the list of a kind should hold, or that its filter may hide. An id that the list lacks counts as gone
    /// only if that is proven.
    fn expected(&mut self, kind: &'static Kind) -> Result<Option<Expected>>;
    /// Returns true if an object that is as the server made it is taken all the same, because a file of another side says
    /// otherwise.
    fn untouched(&mut self, _kind: &'static Kind, _object: &Object) -> bool {
        false
    }
    /// Takes one object.
    fn take(&mut self, object: LiveObject) -> Result<()>;
}

/// Reads `kinds` and hands every object to `sink`.
///
/// # Errors
/// Only if the sink fails: a refusal of the tenant is recorded in the coverage.
pub async fn read<T: TenantRead>(
    tenant: &T,
    kinds: &[&'static Kind],
    layout: &BTreeMap<String, Layout>,
    events: &Events,
    sink: &mut impl Sink,
) -> Result<Reading> {
    let (reading, waiting) = (Reading::default(), Spool::default());
    let mut run = Run { layout, events, sink, reading, waiting };
    run.read_lists(tenant, kinds).await?;
    run.find_names()?;
    run.hand_on_waiting().await?;
    Ok(run.reading)
}

/// Holds the state of a reading.
struct Run<'a, S> {
    layout: &'a BTreeMap<String, Layout>,
    events: &'a Events,
    sink: &'a mut S,
    reading: Reading,
    /// Objects that wait until all names are known.
    waiting: Spool,
}

impl<S: Sink> Run<'_, S> {
    /// Reads the kinds' lists, several at the same time, and processes their pages as they come: most kinds are small, and most
    /// of the time would be spent waiting for each in turn.
    async fn read_lists<T: TenantRead>(&mut self, tenant: &T, kinds: &[&'static Kind]) -> Result<()> {
        let mut kinds_read = Vec::with_capacity(kinds.len());
        let mut parts = Vec::with_capacity(kinds.len());
        for (at, kind) in kinds.iter().copied().enumerate() {
            kinds_read.push(KindRead { kind, count: 0, listing: None });
            parts.push(parts_of(tenant, kind, self.sink.expected(kind)?).map(move |part| (at, part)));
        }
        let layout = self.layout;
        let parts = stream::iter(parts).flatten_unordered(KINDS_AHEAD).map(|(at, part)| async move {
            let kind = kinds[at];
            let shape = layout.get(kind.name).copied().unwrap_or_default();
            match part {
                Part::Page(page) => (at, elsewhere(move || Page::of(kind, shape, page)).await.map(Part::Page)),
                Part::Ended(listing, gone) => (at, Ok(Part::Ended(listing, gone))),
            }
        });
        let mut parts = pin!(parts.buffered(CORES));
        // Warnings on the kinds are reported in the order of the kinds.
        let mut said = 0;
        while let Some((at, part)) = parts.next().await {
            let one = &mut kinds_read[at];
            match part? {
                Part::Page(page) => {
                    one.count += page.take(&mut self.reading, self.sink, &mut self.waiting)?;
                    self.events.emit(Event::Reading { kind: one.kind.name, objects: one.count });
                }
                Part::Ended(listing, gone) => {
                    self.reading.cover(one.kind, &listing);
                    self.reading.gone.extend(gone.into_iter().map(|id| Address::new(one.kind, id)));
                    one.listing = Some(listing);
                }
            }
            while let Some(one) = kinds_read.get(said)
                && let Some(listing) = &one.listing
            {
                said += 1;
                self.events.emit(Event::Read {
                    kind: one.kind.name,
                    title: one.kind.title,
                    objects: one.count,
                    coverage: listing.coverage,
                    note: listing.note.clone(),
                });
            }
        }
        Ok(())
    }

    /// Asks the sink for names of objects that were not read, as far as files that wait show them.
    fn find_names(&mut self) -> Result<()> {
        let Run { sink, reading, waiting, .. } = self;
        let unread: Vec<&'static Kind> =
            kinds::ALL.iter().copied().filter(|kind| !reading.coverage.kind(kind.name).is_complete()).collect();
        if waiting.is_empty() || !sink.knows(&unread)? {
            return Ok(());
        }
        let mut asked = Mentioned::default();
        for batch in waiting.all()? {
            for one in batch? {
                asked.add_shown(one.kind, &one.object()?, &reading.names);
            }
        }
        asked.ids.retain(|id| !reading.names.contains(id));
        let found = sink.names(&unread, &asked)?;
        found.enter(&mut reading.names, |kind| !unread.contains(&kind));
        Ok(())
    }

    /// Hands on the objects that waited, with all names.
    async fn hand_on_waiting(&mut self) -> Result<()> {
        let shapes = Arc::new(self.layout.clone());
        let names = Arc::new(std::mem::take(&mut self.reading.names));
        let batches = stream::iter(self.waiting.all()?).map(|batch| {
            let (shapes, names) = (Arc::clone(&shapes), Arc::clone(&names));
            elsewhere(move || {
                let shape = |kind: &Kind| shapes.get(kind.name).copied().unwrap_or_default();
                let one = |one: &SpooledObject| anyhow::Ok(ready(one.kind, one.object()?, shape(one.kind), &names));
                batch?.iter().map(one).collect::<Result<Vec<LiveObject>>>()
            })
        });
        let mut batches = batches.buffered(CORES);
        while let Some(batch) = batches.next().await {
            batch?.into_iter().try_for_each(|object| self.sink.take(object))?;
        }
        drop(batches);
        self.reading.names = Arc::unwrap_or_clone(names);
        Ok(())
    }
}

/// Holds the progress of reading a kind.
struct KindRead {
    kind: &'static Kind,
    count: usize,
    /// Result of the list, once it has ended.
    listing: Option<Listing>,
}

/// Part of a kind's stream: one of its pages, or at last the result of the list with the ids that are proven to be gone.
enum Part<P> {
    Page(P),
    Ended(Listing, BTreeSet<String>),
}

/// Represents a kind that is being listed.
struct Listed<L> {
    list: Pin<Box<L>>,
    listing: Option<Listing>,
    /// Receiver of the pages; `None` when the last page has come.
    pages: Option<mpsc::Receiver<Vec<RawObject>>>,
    /// Ids that have not come; `None` when it is known what became of them.
    expected: Option<Expected>,
    gone: BTreeSet<String>,
    ended: bool,
}

/// Lists a kind, and finds out what became of the expected objects that the list lacks.
fn parts_of<T: TenantRead>(
    tenant: &T,
    kind: &'static Kind,
    expected: Option<Expected>,
) -> impl Stream<Item = Part<Vec<RawObject>>> {
    let (sender, pages) = mpsc::channel(PAGES_AHEAD);
    let list = Box::pin(tenant.list(kind, sender));
    let listed = Listed { list, listing: None, pages: Some(pages), expected, gone: BTreeSet::new(), ended: false };
    Box::pin(stream::unfold(listed, move |mut listed| async move {
        if listed.ended {
            return None;
        }
        while listed.pages.is_some() || listed.listing.is_none() {
            let page = async {
                match &mut listed.pages {
                    Some(pages) => pages.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                page = page => match page {
                    Some(page) => {
                        listed.expected.iter_mut().for_each(|expected| expected.pass(&page));
                        return Some((Part::Page(page), listed));
                    }
                    None => listed.pages = None,
                },
                listing = &mut listed.list, if listed.listing.is_none() => listed.listing = Some(listing),
            }
        }
        let complete = listed.listing.as_ref().is_some_and(|listing| listing.coverage.is_complete());
        if let Some(expected) = listed.expected.take().filter(|_| complete) {
            let Proof { found, gone, doubts } = absence::prove(tenant, kind, expected).await;
            listed.gone = gone;
            if let Some(listing) = listed.listing.as_mut().filter(|_| !doubts.is_empty()) {
                listing.coverage = Coverage::Partial;
                listing.note = Some(listing.note.iter().cloned().chain(doubts).collect::<Vec<_>>().join("; "));
            }
            if !found.is_empty() {
                return Some((Part::Page(found), listed));
            }
        }
        listed.ended = true;
        let listing = listed.listing.take()?;
        let gone = std::mem::take(&mut listed.gone);
        Some((Part::Ended(listing, gone), listed))
    }))
}

/// Runs a computation on another core, so that the next page is read meanwhile.
async fn elsewhere<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    // A panic of the other thread is resumed here, as if this thread had done the work itself.
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

/// Objects of a kind that came on one page; true for those that nobody changed.
struct Page(Vec<(PageObject, bool)>);

/// Represents an object that was processed without looking at any other.
enum PageObject {
    /// Object of which some links could not be read.
    Lacking(&'static Kind, Layout, Normalized, Vec<(&'static str, Coverage)>),
    /// Object that waits for names, as JSON.
    Waiting(&'static Kind, Normalized, Vec<u8>),
    /// Object that is ready, with the properties that no schema knows.
    Ready(Box<LiveObject>, Vec<String>),
}

impl PageObject {
    fn of(kind: &'static Kind, shape: Layout, normalized: Normalized) -> Result<PageObject> {
        if has_comments(kind) {
            let json = serde_json::to_vec(&normalized.object.0)?;
            return Ok(PageObject::Waiting(kind, normalized, json));
        }
        let Normalized { object, unknown } = normalized;
        Ok(PageObject::Ready(Box::new(ready(kind, object, shape, &Names::default())), unknown))
    }

    /// Returns the object as far as it is known.
    fn known(&self) -> (&'static Kind, &Object) {
        match self {
            PageObject::Lacking(kind, _, normalized, _) | PageObject::Waiting(kind, normalized, _) => {
                (kind, &normalized.object)
            }
            PageObject::Ready(live, _) => (live.kind, &live.object),
        }
    }

    fn take(self, reading: &mut Reading, sink: &mut impl Sink, waiting: &mut Spool) -> Result<()> {
        match self {
            PageObject::Lacking(kind, shape, mut normalized, missing) => {
                sink.carry(kind, &mut normalized.object, &missing)?;
                PageObject::of(kind, shape, normalized)?.take(reading, sink, waiting)
            }
            PageObject::Waiting(kind, normalized, json) => {
                reading.note(kind, &normalized.object, normalized.unknown);
                waiting.push(kind, &json)
            }
            PageObject::Ready(live, unknown) => {
                reading.note(live.kind, &live.object, unknown);
                sink.take(*live)
            }
        }
    }
}

impl Page {
    fn of(kind: &'static Kind, shape: Layout, page: Vec<RawObject>) -> Result<Page> {
        let came = |raw: RawObject| {
            let normalized = normalize(kind, raw.value);
            let object = match raw.missing.is_empty() && !raw.untouched {
                true => PageObject::of(kind, shape, normalized)?,
                false => PageObject::Lacking(kind, shape, normalized, raw.missing),
            };
            anyhow::Ok((object, raw.untouched))
        };
        page.into_iter().map(came).collect::<Result<_>>().map(Page)
    }

    /// Hands the objects on, and returns their number.
    fn take(self, reading: &mut Reading, sink: &mut impl Sink, waiting: &mut Spool) -> Result<usize> {
        let mut taken = 0;
        for (object, untouched) in self.0 {
            let (kind, known) = object.known();
            if !untouched || sink.untouched(kind, known) {
                object.take(reading, sink, waiting)?;
                taken += 1;
            }
        }
        Ok(taken)
    }
}

impl Reading {
    fn note(&mut self, kind: &'static Kind, object: &Object, unknown: Vec<String>) {
        self.names.learn_at(kind, object, place(kind));
        self.tally.add(kind, &Facts { names: Vec::new(), called: called(kind, object), unknown });
    }

    fn cover(&mut self, kind: &'static Kind, listing: &Listing) {
        self.coverage.set_kind(kind.name, listing.coverage);
        for link in kind.links {
            // The coverage of a link is never better than that of its kind.
            let link_coverage = match listing.coverage {
                Coverage::Complete => listing.links.link(kind.name, link.name),
                other => other,
            };
            self.coverage.set_link(kind.name, link.name, link_coverage);
        }
        // Adds the properties that the sign-in had no permission for.
        let others = listing.links.0.iter().filter(|(what, _)| !self.coverage.0.contains_key(*what));
        let others: Vec<_> = others.map(|(what, coverage)| (what.clone(), *coverage)).collect();
        self.coverage.0.extend(others);
    }
}

fn ready(kind: &'static Kind, object: Object, layout: Layout, names: &Names) -> LiveObject {
    let path = path_of(kind, object.id(), object.name(), layout);
    let content = bytes_of(kind, &object, names).into();
    LiveObject { kind, object, path, content }
}

/// Returns the canonical bytes of an object.
pub fn bytes_of(kind: &'static Kind, object: &Object, names: &Names) -> Vec<u8> {
    emit::write(&object.0, &comments(kind, object, names))
}

/// Returns the value of a link of an object read from canonical bytes.
pub fn link_value(object: &Object, link: &str) -> Option<Value> {
    object.get(link).cloned()
}
