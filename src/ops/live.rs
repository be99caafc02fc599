//! Reading the live tenant: pages → normalized objects → canonical bytes, one kind after another.
//!
//! Memory does not grow with the tenant: objects are handed on as they come. Only kinds whose files show the names of what
//! they refer to wait until all names are known, on disk if they are many.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;

use anyhow::{Context as _, Result};
use futures_util::StreamExt as _;
use futures_util::future::try_join;
use futures_util::stream;
use serde_json::Value;
use tokio::sync::mpsc;

use super::covered;
use super::facts::{Candidates, Facts, Tally};
use super::waiting::Waiting;
use crate::engine::diff::called;
use crate::engine::normalize::normalize;
use crate::engine::refs::{Mentioned, Names, comments, has_comments};
use crate::format::emit;
use crate::format::path::{Layout, path_of};
use crate::kinds;
use crate::model::{Coverage, CoverageMap, Event, Events, Kind, Object};
use crate::tenant::{Listing, RawObject, TenantRead};

/// Pages that may wait between the reader and the writer.
const PAGES_AHEAD: usize = 1;

/// Kinds that are listed at the same time; requests are bounded by the connection as well.
const KINDS_AHEAD: usize = 6;

/// One object of the live tenant, ready to be compared or stored.
pub struct LiveObject {
    /// Its kind.
    pub kind: &'static Kind,
    /// The normalized object.
    pub object: Object,
    /// Its path in the repository.
    pub path: String,
    /// Its canonical bytes.
    pub bytes: Vec<u8>,
}

/// What reading found besides the objects.
#[derive(Debug, Default)]
pub struct Reading {
    /// What is known completely.
    pub coverage: CoverageMap,
    /// What was read, counted.
    pub tally: Tally,
    /// Names of everything that was read.
    pub names: Names,
}

/// What a reader does with what it finds.
pub trait Sink {
    /// Fills in links that could not be read, from wherever they were known last.
    fn carry(&mut self, kind: &'static Kind, object: &mut Object, missing: &[(&'static str, Coverage)]) -> Result<()>;
    /// Whether anything of these kinds is known at all.
    fn knows(&mut self, kinds: &[&'static Kind]) -> Result<bool>;
    /// What `asked` is called, as far as it is of `kinds`, which were not read completely this time, from wherever it was
    /// known last: files that refer to it show its name all the same.
    fn names(&mut self, kinds: &[&'static Kind], asked: &Mentioned) -> Result<Candidates>;
    /// Where the kind is listed with a filter: ids that were known through the same one. What the list lacks of them is asked for.
    fn follow(&mut self, kind: &'static Kind) -> Result<Option<BTreeSet<String>>>;
    /// Takes an object.
    fn take(&mut self, object: LiveObject) -> Result<()>;
}

/// Reads `kinds` and hands every object to `sink`.
///
/// # Errors
/// Only if the sink fails: what the tenant refuses is said in the coverage.
pub async fn read<T: TenantRead>(
    tenant: &T,
    kinds: &[&'static Kind],
    layout: &BTreeMap<String, Layout>,
    events: &Events,
    sink: &mut impl Sink,
) -> Result<Reading> {
    let mut reading = Reading::default();
    // Whose files show names comes last, when all names are known.
    let (waiting, direct): (Vec<_>, Vec<_>) = kinds.iter().copied().partition(|kind| has_comments(kind));
    let order: Vec<&'static Kind> = direct.into_iter().chain(waiting).collect();
    let (senders, receivers): (Vec<_>, Vec<_>) =
        order.iter().map(|_| mpsc::channel::<Vec<RawObject>>(PAGES_AHEAD)).unzip();
    let asked = order.iter().copied().zip(senders);
    // The next kinds are asked for while one is taken in: most are small, and waiting for each would be most of the time.
    let lists = stream::iter(asked.map(|(kind, sender)| tenant.list(kind, sender))).buffered(KINDS_AHEAD);
    let (done, mut listings) = mpsc::channel::<Listing>(order.len().max(1));
    let ask = async {
        let mut lists = pin!(lists);
        while let Some(listing) = lists.next().await {
            // Nobody takes it if the sink has failed.
            let _ = done.send(listing).await;
        }
        drop(done);
        anyhow::Ok(())
    };
    let take = async {
        let mut waiting = Waiting::default();
        for (kind, mut pages) in order.iter().copied().zip(receivers) {
            let shape = layout.get(kind.name).copied().unwrap_or_default();
            events.emit(Event::Reading { kind: kind.name, objects: 0 });
            let mut follow = sink.follow(kind)?;
            let mut incoming = Incoming { kind, shape, waiting: has_comments(kind).then_some(&mut waiting) };
            let mut count = 0;
            while let Some(page) = pages.recv().await {
                count += page.len();
                for raw in page {
                    if let Some(follow) = &mut follow {
                        follow.remove(raw.value.get("id").and_then(Value::as_str).unwrap_or_default());
                    }
                    incoming.take(raw, &mut reading, sink)?;
                }
                events.emit(Event::Reading { kind: kind.name, objects: count });
            }
            let mut listing = listings.recv().await.with_context(|| format!("reading {}", kind.title))?;
            if let Some(left) = follow.take().filter(|left| !left.is_empty() && listing.coverage.is_complete()) {
                let (found, coverage) = covered::followed(tenant, kind, left).await;
                count += found.len();
                listing.coverage = coverage;
                for raw in found {
                    incoming.take(raw, &mut reading, sink)?;
                }
            }
            reading.cover(kind, &listing);
            events.emit(Event::Read {
                kind: kind.name,
                title: kind.title,
                objects: count,
                coverage: listing.coverage,
                note: listing.note,
            });
        }
        anyhow::Ok(waiting)
    };
    let ((), mut waiting) = try_join(ask, take).await?;
    let unread: Vec<&'static Kind> =
        kinds::ALL.iter().copied().filter(|kind| !reading.coverage.kind(kind.name).is_complete()).collect();
    if !waiting.is_empty() && sink.knows(&unread)? {
        let mut asked = Mentioned::default();
        waiting.each(|kind, object| {
            asked.add_shown(kind, &object, &reading.names);
            Ok(())
        })?;
        asked.ids.retain(|id| !reading.names.contains(id));
        let found = sink.names(&unread, &asked)?;
        found.enter(&mut reading.names, |kind| !unread.contains(&kind));
    }
    waiting.each(|kind, object| {
        let shape = layout.get(kind.name).copied().unwrap_or_default();
        sink.take(ready(kind, object, shape, &reading.names))
    })?;
    Ok(reading)
}

/// What becomes of the objects of a kind as they come.
struct Incoming<'a> {
    kind: &'static Kind,
    shape: Layout,
    /// Where they wait for all names, if the kind's files show any.
    waiting: Option<&'a mut Waiting>,
}

impl Incoming<'_> {
    fn take(&mut self, raw: RawObject, reading: &mut Reading, sink: &mut impl Sink) -> Result<()> {
        let mut normalized = normalize(self.kind, &raw.value);
        if !raw.missing.is_empty() {
            sink.carry(self.kind, &mut normalized.object, &raw.missing)?;
        }
        reading.note(self.kind, &normalized.object, normalized.unknown);
        match &mut self.waiting {
            Some(waiting) => waiting.push(self.kind, &normalized.object)?,
            None => sink.take(ready(self.kind, normalized.object, self.shape, &Names::default()))?,
        }
        Ok(())
    }
}

impl Reading {
    fn note(&mut self, kind: &'static Kind, object: &Object, unknown: Vec<String>) {
        self.names.learn(kind, object);
        self.tally.add(kind, &Facts { names: Vec::new(), called: called(kind, object), unknown });
    }

    fn cover(&mut self, kind: &'static Kind, listing: &Listing) {
        self.coverage.set_kind(kind.name, listing.coverage);
        for link in kind.links {
            // A link of a kind that was not read is no better known than the kind.
            let link_coverage = match listing.coverage {
                Coverage::Complete => listing.links.link(kind.name, link.name),
                other => other,
            };
            self.coverage.set_link(kind.name, link.name, link_coverage);
        }
        // Properties that the sign-in did not reach.
        let others = listing.links.0.iter().filter(|(what, _)| !self.coverage.0.contains_key(*what));
        let others: Vec<_> = others.map(|(what, coverage)| (what.clone(), *coverage)).collect();
        self.coverage.0.extend(others);
    }
}

fn ready(kind: &'static Kind, object: Object, layout: Layout, names: &Names) -> LiveObject {
    let path = path_of(kind, object.id(), object.name(), layout);
    let bytes = bytes_of(kind, &object, names);
    LiveObject { kind, object, path, bytes }
}

/// An object's canonical bytes.
pub fn bytes_of(kind: &'static Kind, object: &Object, names: &Names) -> Vec<u8> {
    emit::write(&object.0, &comments(kind, object, names))
}

/// The value of a link in canonical bytes seen earlier.
pub fn link_value(object: &Object, link: &str) -> Option<Value> {
    object.get(link).cloned()
}
