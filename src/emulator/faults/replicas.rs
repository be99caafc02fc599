//! Simulates replicas: a write shows late, and not everywhere at the same time.
//!
//! "a read … might be served by a replica that the write hasn't reached yet":
//! <https://devblogs.microsoft.com/identity/designing-for-eventual-consistency-for-microsoft-entra/>. Here the tenant itself is
//! always up to date; `view` shows it to a reader without the writes that its replica lacks. Each object's writes reach a replica in their
//! order, writes to different objects in any order.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::emulator::error::Fault;
use crate::emulator::request::Request;
use crate::emulator::store::{Key, Row, is_guid};

pub(super) const REPLICAS: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Live(usize),
    Bin(usize),
    Child(&'static str),
}

/// Holds the present state of some objects.
#[derive(Debug)]
pub struct Capture {
    pub(super) rows: BTreeMap<(Place, Key), Row>,
    pub(super) links: BTreeSet<(Key, &'static str, Key)>,
    pub(super) log: usize,
}

/// Represents a write that some replicas lack.
#[derive(Debug)]
pub(super) struct Late {
    keys: BTreeSet<Key>,
    /// Rows as they were before; after a swap, as they are.
    pub(super) rows: Vec<(Place, Key, Option<Row>)>,
    /// Links, and whether they were there before.
    pub(super) links: Vec<((Key, &'static str, Key), bool)>,
    pub(super) log: usize,
    pub(super) shows: [Instant; REPLICAS],
}

impl Late {
    /// Returns true if the write created the object, or restored it.
    fn made(&self, id: &Key) -> bool {
        self.rows.iter().any(|(place, key, before)| matches!(place, Place::Live(_)) && key == id && before.is_none())
    }
}

/// Holds the writes that some replicas lack, oldest first.
#[derive(Debug, Default)]
pub struct Replicas(pub(super) Vec<Late>);

impl Replicas {
    /// Forgets the writes that show everywhere.
    pub(super) fn settle(&mut self, now: Instant) {
        self.0.retain(|late| late.shows.iter().any(|shows| *shows > now));
    }

    /// Refuses a write that mentions objects which its replica lacks. References are refused with 404, properties with 400.
    /// <https://learn.microsoft.com/graph/api/group-post-members>
    pub fn check(&mut self, request: &Request, dice: u64, now: Instant) -> Result<(), Fault> {
        self.settle(now);
        let replica = usize::try_from(dice % REPLICAS as u64).unwrap_or_default();
        let lacks = |key: &Key| self.0.iter().any(|late| late.shows[replica] > now && late.made(key));
        if let Some(key) = request.segments.iter().flat_map(|part| mentioned(part)).find(|key| lacks(key)) {
            return Err(Fault::missing(&key.id));
        }
        let body = String::from_utf8_lossy(&request.body);
        match mentioned(&body).into_iter().find(|key| lacks(key)) {
            Some(key) if request.segments.last().is_some_and(|last| last == "$ref") => Err(Fault::missing(&key.id)),
            Some(key) => Err(Fault { status: 400, code: "Request_BadRequest", ..Fault::missing(&key.id) }),
            None => Ok(()),
        }
    }

    /// Records a write: the state before and after of everything it touched.
    pub fn note(&mut self, before: Capture, after: &Capture, lag: Duration, dice: u64, now: Instant) {
        let mut rows: Vec<(Place, Key, Option<Row>)> = Vec::new();
        let places: BTreeSet<&(Place, Key)> = before.rows.keys().chain(after.rows.keys()).collect();
        for at in places.into_iter().filter(|at| before.rows.get(*at) != after.rows.get(*at)) {
            rows.push((at.0, at.1.clone(), before.rows.get(at).cloned()));
        }
        let gone = before.links.difference(&after.links).map(|link| (link.clone(), true));
        // Links that came with a new object belong to that object.
        let came = after.links.difference(&before.links).map(|link| (link.clone(), false));
        let links: Vec<_> = gone.chain(came).collect();
        if rows.is_empty() && links.is_empty() {
            return;
        }
        let keys: BTreeSet<Key> = rows
            .iter()
            .map(|(_, key, _)| key.clone())
            .chain(links.iter().map(|((from, ..), _)| from.clone()))
            .collect();
        let mut dice = fastrand::Rng::with_seed(dice);
        let mut shows = [now; REPLICAS].map(|now| now + lag.mul_f64(dice.f64()));
        for late in self.0.iter().filter(|late| !late.keys.is_disjoint(&keys)) {
            for (shows, earlier) in shows.iter_mut().zip(late.shows) {
                *shows = (*shows).max(earlier);
            }
        }
        self.0.push(Late { keys, rows, links, log: before.log, shows });
    }

    /// Returns true if every replica has all writes.
    pub fn agree(&self) -> bool {
        self.0.is_empty()
    }
}

/// Returns the ids that a text mentions.
pub fn mentioned(text: &str) -> Vec<Key> {
    let mut found = Vec::new();
    for word in text.split(|char: char| !char.is_ascii_alphanumeric() && !matches!(char, '-' | '_')) {
        // The form `Directory_{tenant}_{role}` counts as one id.
        let long = word.len() > 36 && word.contains('_');
        if is_guid(word) || long {
            found.push(Key::of(word));
        }
    }
    found
}
