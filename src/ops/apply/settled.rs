//! Provides [`ReadYourWrites`]: a tenant as it will be when all replicas have this run's writes.
//!
//! Graph answers a read from any of its replicas, and one that lags shows an object as it was, or not at all
//! (<https://devblogs.microsoft.com/identity/designing-for-eventual-consistency-for-microsoft-entra/>). A program that trusted
//! such an answer would create objects that exist already, or record in a snapshot an outdated state. An object that this run
//! wrote to and that does not show the write is therefore read again, until it does or the waiting time ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::execute::holds;
use crate::engine::normalize::{entry_key, normalize};
use crate::engine::refs::{rewrite_body, rewrite_value};
use crate::engine::schema;
use crate::model::{Action, Address, AuditEvent, Coverage, IdMap, Kind, Plan, StepId};
use crate::tenant::{Changes, Listing, Pages, Raw, RawObject, TenantError, TenantRead};

/// Number of objects that are read at the same time.
const CONCURRENCY: usize = 8;

/// Represents what a run wrote to one entry of a link.
#[derive(Debug, Clone, PartialEq)]
enum Entry {
    There,
    Gone,
    /// The entry is there, with these properties.
    With(Value),
}

/// Holds what a run wrote to one object.
#[derive(Debug, Clone, Default)]
struct Written {
    /// True if the object must be there, false if it was deleted; `None` if neither was written.
    there: Option<bool>,
    properties: Map<String, Value>,
    links: BTreeMap<(&'static str, Vec<String>), Entry>,
}

/// Holds what a run wrote, by object, with today's ids.
#[derive(Debug, Clone, Default)]
pub struct Expected(BTreeMap<Address, Written>);

impl Expected {
    /// Returns the writes of the steps of `plan` that are done.
    pub fn of(plan: &Plan, done: impl IntoIterator<Item = StepId>, ids: &IdMap) -> Expected {
        let mut expected = Expected::default();
        for step in done.into_iter().filter_map(|id| plan.steps.get(id)) {
            let kind = step.address.kind;
            let id = match step.action {
                Action::Delete => &step.address.id,
                _ => ids.current(&step.address.id),
            };
            let written = expected.0.entry(Address::new(kind, id)).or_default();
            let rule = |name: &str| schema::of(kind).property(name).cloned().unwrap_or_default();
            match &step.action {
                Action::Create { .. } | Action::Restore => written.there = Some(true),
                Action::Delete => written.there = Some(false),
                Action::Update { body, .. } => written.properties.extend(rewrite_body(kind, body, ids)),
                Action::Call { property, value } => {
                    written.properties.insert((*property).to_owned(), rewrite_value(&rule(property), value, ids));
                }
                Action::Link { link, value } => {
                    let value = rewrite_value(&rule(link), value, ids);
                    written.links.insert((link, entry_key(kind, link, &value)), Entry::There);
                }
                // A removed entry has the id that the tenant had; its successor may have been linked in its place.
                Action::Unlink { link, value } => {
                    written.links.insert((link, entry_key(kind, link, value)), Entry::Gone);
                }
                Action::Relink { link, value } => {
                    let value = rewrite_value(&rule(link), value, ids);
                    written.links.insert((link, entry_key(kind, link, &value)), Entry::With(value));
                }
            }
        }
        expected
    }

    /// Adds later writes, which take precedence.
    pub fn add(&mut self, later: Expected) {
        for (address, later) in later.0 {
            let written = self.0.entry(address).or_default();
            written.there = later.there.or(written.there);
            written.properties.extend(later.properties);
            written.links.extend(later.links);
        }
    }
}

impl Written {
    /// Returns true if `raw` shows what was written.
    fn shows(&self, kind: &'static Kind, raw: Option<&RawObject>) -> bool {
        let Some(raw) = raw else { return self.there == Some(false) };
        if self.there == Some(false) {
            return false;
        }
        shows(kind, raw, &self.properties)
            && self.links.iter().all(|((link, key), entry)| {
                let unread = raw.missing.iter().any(|(name, _)| name == link);
                unread
                    || match entry {
                        Entry::There => linked(kind, raw, link).contains(key),
                        Entry::Gone => !linked(kind, raw, link).contains(key),
                        Entry::With(value) => child_shows(kind, raw, link, key, value),
                    }
            })
    }
}

/// Returns true if an object has the properties that were written to it; one that was emptied may be absent.
pub fn shows(kind: &'static Kind, raw: &RawObject, written: &Map<String, Value>) -> bool {
    let now = normalize(kind, raw.value.clone()).object;
    let sent = normalize(kind, written.clone()).object;
    let emptied = |name: &String, value: &Value| empty(value) && now.get(name).is_some_and(|now| !empty(now));
    let left = written.iter().any(|(name, value)| !name.starts_with('@') && emptied(name, value));
    !left && holds(&Value::Object(now.0.clone()), &Value::Object(sent.0))
}

/// Returns true if a child has the properties that were written to it.
fn child_shows(kind: &'static Kind, raw: &RawObject, link: &str, key: &[String], written: &Value) -> bool {
    let child = |raw: &Raw| {
        let object = normalize(kind, raw.clone()).object;
        let all = match object.get(link)? {
            Value::Array(all) => all.as_slice(),
            one => std::slice::from_ref(one),
        };
        all.iter().find(|child| entry_key(kind, link, child) == key).cloned()
    };
    let single = kind.link(link).and_then(|link| link.children()).is_some_and(|children| children.single);
    let written = if single { written.clone() } else { Value::Array(vec![written.clone()]) };
    let sent = Raw::from_iter([(link.to_owned(), written)]);
    match (child(&raw.value), child(&sent)) {
        (Some(now), Some(sent)) => holds(&now, &sent),
        (now, _) => now.is_some(),
    }
}

fn empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::String(_) | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn linked(kind: &'static Kind, raw: &RawObject, link: &str) -> BTreeSet<Vec<String>> {
    let now = match raw.value.get(link) {
        Some(Value::Array(all)) => all.as_slice(),
        Some(one @ (Value::Object(_) | Value::String(_))) => std::slice::from_ref(one),
        _ => &[],
    };
    now.iter().map(|value| entry_key(kind, link, value)).collect()
}

/// Wraps a tenant so that its lists show what was written, as soon as that can be had.
pub struct ReadYourWrites<'a, T> {
    tenant: &'a T,
    expected: Expected,
    pauses: &'a [Duration],
    /// Time at which all waiting ends, set when the first reader begins to wait: one waiting time for everything.
    ends: Mutex<Option<Instant>>,
    late: Mutex<BTreeSet<Address>>,
}

impl<'a, T: TenantRead> ReadYourWrites<'a, T> {
    /// Wraps `tenant` so that it waits for `expected` with these pauses.
    pub fn new(tenant: &'a T, expected: Expected, pauses: &'a [Duration]) -> Self {
        ReadYourWrites { tenant, expected, pauses, ends: Mutex::default(), late: Mutex::default() }
    }

    /// Returns the objects that did not show what was written to them when they were read last.
    pub fn late(&self) -> BTreeSet<Address> {
        self.lock_late().clone()
    }

    /// Restarts the waiting time: another replica may answer when objects are read again.
    pub fn renew(&self) {
        *self.ends.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Returns the time at which waiting ends. Kinds are read side by side, so the time that one waits is not lost to the others.
    fn ends(&self) -> Instant {
        let patience = self.pauses.iter().sum();
        *self.ends.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| Instant::now() + patience)
    }

    /// Reads objects again until they show what was written, and returns them as they are then.
    async fn wait(&self, kind: &'static Kind, mut open: Vec<String>) -> Result<Vec<RawObject>, TenantError> {
        let mut found = Vec::new();
        let mut pauses = self.pauses.iter();
        loop {
            let looks: Vec<_> = futures_util::stream::iter(std::mem::take(&mut open))
                .map(|id| async move {
                    let looked = self.tenant.get(kind, &id).await;
                    (id, looked)
                })
                .buffer_unordered(CONCURRENCY)
                .collect()
                .await;
            let mut unsettled = Vec::new();
            for (id, looked) in looks {
                let looked = looked?;
                let address = Address::new(kind, &id);
                match self.expected.0.get(&address) {
                    Some(written) if !written.shows(kind, looked.as_ref()) => unsettled.push((address, looked)),
                    _ => {
                        self.lock_late().remove(&address);
                        found.extend(looked);
                    }
                }
            }
            if unsettled.is_empty() {
                return Ok(found);
            }
            let ends = self.ends();
            let Some(pause) = pauses.next().filter(|_| Instant::now() < ends) else {
                let mut late = self.lock_late();
                for (address, looked) in unsettled {
                    late.insert(address);
                    found.extend(looked);
                }
                return Ok(found);
            };
            open = unsettled.into_iter().map(|(address, _)| address.id).collect();
            tokio::time::sleep_until(ends.min(Instant::now() + *pause)).await;
        }
    }

    fn lock_late(&self) -> MutexGuard<'_, BTreeSet<Address>> {
        self.late.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: TenantRead> TenantRead for ReadYourWrites<'_, T> {
    async fn tenant_id(&self) -> Result<String, TenantError> {
        self.tenant.tenant_id().await
    }

    async fn list(&self, kind: &'static Kind, pages: Pages) -> Listing {
        let all = self.expected.0.iter().filter(|(address, _)| address.kind.name == kind.name);
        let mut unseen: BTreeMap<&str, &Written> =
            all.map(|(address, written)| (address.id.as_str(), written)).collect();
        if unseen.is_empty() {
            return self.tenant.list(kind, pages).await;
        }
        let (sender, mut inner) = mpsc::channel::<Vec<RawObject>>(4);
        let forward = async {
            let mut again: Vec<String> = Vec::new();
            while let Some(mut page) = inner.recv().await {
                page.retain(|raw| {
                    let id = raw.value.get("id").and_then(Value::as_str).unwrap_or_default();
                    // The address of a singleton has another id than the object itself.
                    let id = if kind.is_singleton() { unseen.keys().next().copied().unwrap_or(id) } else { id };
                    let settled = unseen.remove(id).is_none_or(|written| written.shows(kind, Some(raw)));
                    if !settled {
                        again.push(id.to_owned());
                    }
                    settled
                });
                if pages.send(page).await.is_err() {
                    break;
                }
            }
            // A deleted object is missing from the list as it should be.
            let missing = unseen.iter().filter(|(_, written)| written.there != Some(false));
            (again, missing.map(|(id, _)| (*id).to_owned()).collect::<Vec<_>>())
        };
        let (mut listing, (mut again, missing)) = tokio::join!(self.tenant.list(kind, sender), forward);
        if listing.coverage.is_complete() {
            again.extend(missing);
        }
        match self.wait(kind, again).await {
            Ok(found) if found.is_empty() => {}
            // A send fails only if the receiver has given up, which knows the reason itself.
            Ok(found) => drop(pages.send(found).await),
            Err(error) => {
                listing.coverage = Coverage::Failed;
                listing.note = Some(format!("what was written could not be read again: {error}"));
            }
        }
        listing
    }

    async fn count(&self, kind: &'static Kind) -> Result<usize, TenantError> {
        self.tenant.count(kind).await
    }

    async fn get(&self, kind: &'static Kind, id: &str) -> Result<Option<RawObject>, TenantError> {
        self.tenant.get(kind, id).await
    }

    async fn changes(&self, kind: &'static Kind, token: Option<&str>) -> Result<Changes, TenantError> {
        self.tenant.changes(kind, token).await
    }

    async fn deleted(&self, kind: &'static Kind) -> Result<Vec<Raw>, TenantError> {
        self.tenant.deleted(kind).await
    }

    async fn audit(&self, since: Option<&str>) -> Result<Vec<AuditEvent>, TenantError> {
        self.tenant.audit(since).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tenant whose replicas lag until a given time; before it, lists do not show the writes.
    struct Lagging(Instant);

    impl TenantRead for Lagging {
        async fn tenant_id(&self) -> Result<String, TenantError> {
            Ok(String::new())
        }

        async fn list(&self, _: &'static Kind, _: Pages) -> Listing {
            Listing { coverage: Coverage::Complete, links: crate::model::CoverageMap::default(), note: None }
        }

        async fn count(&self, _: &'static Kind) -> Result<usize, TenantError> {
            Ok(1)
        }

        async fn get(&self, _: &'static Kind, id: &str) -> Result<Option<RawObject>, TenantError> {
            let value = Raw::from_iter([("id".to_owned(), id.into())]);
            Ok((Instant::now() >= self.0).then(|| RawObject { value, ..RawObject::default() }))
        }

        async fn changes(&self, _: &'static Kind, _: Option<&str>) -> Result<Changes, TenantError> {
            Ok(Changes::StartOver { why: String::new() })
        }

        async fn deleted(&self, _: &'static Kind) -> Result<Vec<Raw>, TenantError> {
            Ok(Vec::new())
        }

        async fn audit(&self, _: Option<&str>) -> Result<Vec<AuditEvent>, TenantError> {
            Ok(Vec::new())
        }
    }

    /// Returns the number of objects shown by the lists of six kinds that were written to and are read side by side.
    async fn shown(lag: u64) -> Vec<usize> {
        let kinds = ["user", "group", "application", "servicePrincipal", "namedLocation", "conditionalAccessPolicy"];
        let kinds = kinds.map(|name| crate::kinds::by_name(name).expect(name));
        let expected = kinds.map(|kind| (Address::new(kind, "1"), Written { there: Some(true), ..Written::default() }));
        let pauses = crate::ops::apply::execute::patience(Duration::from_secs(90));
        let tenant = Lagging(Instant::now() + Duration::from_secs(lag));
        let settled = ReadYourWrites::new(&tenant, Expected(BTreeMap::from(expected)), &pauses);
        let lists = kinds.map(|kind| {
            let settled = &settled;
            async move {
                let (pages, mut sent) = mpsc::channel(4);
                settled.list(kind, pages).await;
                sent.recv().await.map_or(0, |page| page.len())
            }
        });
        let shown = futures_util::future::join_all(lists).await;
        assert_eq!(settled.late().len(), shown.iter().filter(|shown| **shown == 0).count());
        shown
    }

    /// Checks that the common waiting time does not shrink with the number of kinds that wait.
    #[tokio::test(start_paused = true)]
    async fn kinds_that_are_read_side_by_side_wait_as_long_as_one() {
        assert_eq!(shown(60).await, [1; 6]);
        assert_eq!(shown(100).await, [0; 6]);
    }
}
