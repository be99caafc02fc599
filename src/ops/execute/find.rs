//! Finding what a creation with a lost answer has made.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use tokio::sync::mpsc;

use super::{Failure, Run};
use crate::engine::normalize::normalize;
use crate::model::{Address, IdMap, Kind};
use crate::tenant::{RawObject, TenantRead, TenantWrite};

impl<T: TenantRead + TenantWrite> Run<'_, T> {
    /// Looks for the one object that a POST with a lost answer may have made: one that nobody knew, that no other step
    /// made, and that has everything that was sent.
    pub(super) async fn find(
        &self,
        kind: &'static Kind,
        body: &Map<String, Value>,
        ids: &IdMap,
    ) -> std::result::Result<Option<Map<String, Value>>, Failure> {
        let made: BTreeSet<&str> = ids.iter().map(|(_, new)| new).collect();
        // As it will be returned: sets in order, nothing empty.
        let sent = Value::Object(normalize(kind, body).object.0);
        let (sender, mut pages) = mpsc::channel::<Vec<RawObject>>(4);
        let collect = async {
            let mut found = Vec::new();
            while let Some(page) = pages.recv().await {
                for raw in page {
                    let object = normalize(kind, &raw.value).object;
                    let address = Address::new(kind.name, object.id());
                    let new = !self.known.contains(&address)
                        && !self.plan.unmanaged.contains(&address)
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
            return Err(Failure::Error(format!(
                "its answer was lost, and {} could not be read to see whether it was done",
                kind.title
            )));
        }
        match found.len() {
            0 => Ok(None),
            1 => Ok(found.pop()),
            many => Err(Failure::Error(format!(
                "its answer was lost, and {many} objects in the tenant look like it; delete those that are too many, then \
                 make the plan anew"
            ))),
        }
    }
}

/// Whether `now` has everything that `sent` says; Graph may have added defaults.
fn holds(now: &Value, sent: &Value) -> bool {
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
