//! Finds the objects that creations made whose answers were lost.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::mpsc;

use crate::engine::normalize::normalize;
use crate::model::{Address, IdMap, Kind};
use crate::tenant::{RawObject, TenantRead};

/// Pauses between reads for what was written, 90 seconds in all: Graph's directory is eventually consistent, and an outage often
/// ends within that time.
pub const PATIENCE: &[Duration] = &[
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
    Duration::from_secs(30),
    Duration::from_secs(30),
];

/// Returns the pauses of [`PATIENCE`] up to the given time; the last of them is repeated as often as necessary.
pub fn patience(mut time: Duration) -> Vec<Duration> {
    let longest = PATIENCE.last().copied().unwrap_or_default();
    let mut pauses = Vec::new();
    for pause in PATIENCE.iter().copied().chain(std::iter::repeat(longest)) {
        if time.is_zero() {
            break;
        }
        pauses.push(pause.min(time));
        time = time.saturating_sub(pause);
    }
    pauses
}

/// Searches the tenant for the objects that creations made whose answers were lost.
pub struct Search<'a, T> {
    /// The tenant.
    pub tenant: &'a T,
    /// Addresses of the objects that existed before the run, or that the wanted commit has: none of them is the new object.
    pub known: &'a BTreeSet<Address>,
    /// Addresses of the objects that exist, and that the plan leaves alone.
    pub unmanaged: &'a [Address],
    /// Pauses between searches.
    pub patience: &'a [Duration],
}

impl<T: TenantRead> Search<'_, T> {
    /// Returns the object that a POST of `body` made whose answer was lost: one that was not known before, that no other step
    /// made (`ids` holds theirs), and that has everything that was sent. The search is repeated until the pauses are used up,
    /// since a replica may lag. `None` if there is no such object.
    ///
    /// # Errors
    /// A sentence, if the kind could not be read completely or several objects may be the one.
    pub async fn find(
        &self,
        kind: &'static Kind,
        body: &Map<String, Value>,
        ids: &IdMap,
    ) -> Result<Option<Map<String, Value>>, String> {
        let mut pauses = self.patience.iter();
        loop {
            let found = self.find_once(kind, body, ids).await;
            match pauses.next().filter(|_| !matches!(found, Ok(Some(_)))) {
                Some(pause) => tokio::time::sleep(*pause).await,
                None => return found,
            }
        }
    }

    /// Searches once, as [`Search::find`] does.
    async fn find_once(
        &self,
        kind: &'static Kind,
        body: &Map<String, Value>,
        ids: &IdMap,
    ) -> Result<Option<Map<String, Value>>, String> {
        let made: BTreeSet<&str> = ids.iter().map(|(_, new)| new).collect();
        // The body is normalized like an answer: sets in order, nothing empty.
        let sent = Value::Object(normalize(kind, body.clone()).object.0);
        let (sender, mut pages) = mpsc::channel::<Vec<RawObject>>(4);
        let collect = async {
            let mut found = Vec::new();
            while let Some(page) = pages.recv().await {
                for raw in page {
                    let object = normalize(kind, raw.value.clone()).object;
                    let address = kind.address(object.id());
                    let new = !self.known.contains(&address)
                        && !self.unmanaged.contains(&address)
                        && !made.contains(address.id.as_str());
                    if new && holds(&Value::Object(object.0), &sent) {
                        found.push(raw.value);
                    }
                }
            }
            found
        };
        let (listing, mut found) = tokio::join!(self.tenant.list(kind, sender), collect);
        if !listing.coverage.is_complete() {
            return Err(format!(
                "its answer was lost, and {} could not be read to see whether it was done",
                kind.title
            ));
        }
        match found.len() {
            0 => Ok(None),
            1 => Ok(found.pop()),
            many => Err(format!(
                "its answer was lost, and {many} objects in the tenant look like it; delete those that are too many, then \
                 run this again"
            )),
        }
    }
}

/// Returns true if `now` has every property of `sent` with the same value. Other properties in `now` are ignored, since Graph
/// adds defaults.
pub(in crate::ops) fn holds(now: &Value, sent: &Value) -> bool {
    match (now, sent) {
        (Value::Object(now), Value::Object(sent)) => {
            sent.iter().all(|(name, value)| now.get(name).is_some_and(|now| holds(now, value)))
        }
        (Value::Array(now), Value::Array(sent)) => {
            now.len() == sent.len() && now.iter().zip(sent).all(|(now, sent)| holds(now, sent))
        }
        _ => now == sent,
    }
}
