//! Proves that objects which a list lacks are gone: a list alone does not prove it.
//!
//! Graph has answered 200 with rows and no next page although there was more, and leaves objects out of lists that it answers
//! when asked for by id (<https://github.com/microsoftgraph/msgraph-sdk-powershell/issues/431>: Conditional Access policies
//! with preview features). A list may also be empty without a word where an option is not supported
//! (<https://learn.microsoft.com/graph/query-parameters#error-handling-for-query-parameters>). Therefore:
//!
//! - A list that lacks more than half of what the last snapshot had, or more than `MOST_ASKED` objects, is read again. An object
//!   that only one of the two readings has shows that the list cannot be trusted.
//! - Objects that are still lacking are asked for by id. 404, twice, proves that an object is gone. An answer proves the list
//!   wrong; any other refusal proves nothing. Of more than `MOST_ASKED` a sample is asked for, and only as the list was read
//!   twice already.
//!
//! Objects that are not proven to be gone are kept, and make the kind partial.

use std::collections::{BTreeSet, HashSet};

use futures_util::StreamExt as _;
use tokio::sync::mpsc;

use crate::model::Kind;
use crate::tenant::{Listing, RawObject, TenantError, TenantRead};

/// Maximum number of missing objects of a kind that are asked for one by one.
const MOST_ASKED: usize = 200;

/// Number of known objects from which losing more than half is suspicious; with fewer it is nothing unusual.
const FEW: usize = 3;

/// Number of objects asked for at the same time.
const AT_ONCE: usize = 16;

/// Holds the ids that the list of a kind should contain; those that came are taken out. A million of them are held in little
/// memory.
#[derive(Debug, Default)]
pub struct Expected {
    guids: HashSet<u128>,
    others: BTreeSet<String>,
    /// Number of ids expected in all.
    known: usize,
    /// True if a filter of the settings may hide the objects: then those it hides are followed by id, and the list is right.
    filtered: bool,
}

impl Expected {
    /// Expects these ids in a list that is read without a filter of the settings.
    pub fn unfiltered(ids: impl IntoIterator<Item = String>) -> Expected {
        let mut expected = Expected::default();
        for id in ids {
            let new = match guid(&id) {
                Some(number) => expected.guids.insert(number),
                None => expected.others.insert(id),
            };
            expected.known += usize::from(new);
        }
        expected
    }

    /// Expects these ids in a list that is read through a filter of the settings, or hidden by it.
    pub fn filtered(ids: impl IntoIterator<Item = String>) -> Expected {
        Expected { filtered: true, ..Expected::unfiltered(ids) }
    }

    /// Takes out the ids of the objects on a page that came.
    pub(in crate::ops) fn pass(&mut self, page: &[RawObject]) {
        for id in page.iter().filter_map(id_of) {
            match guid(id) {
                Some(number) => self.guids.remove(&number),
                None => self.others.remove(id),
            };
        }
    }

    /// Returns the ids that did not come.
    fn missing(self) -> BTreeSet<String> {
        self.guids.into_iter().map(written).chain(self.others).collect()
    }
}

/// Holds what became of the objects that a list lacked.
#[derive(Debug, Default)]
pub struct Proof {
    /// Objects that are there after all.
    pub found: Vec<RawObject>,
    /// Ids of the objects that are gone, proven one by one.
    pub gone: BTreeSet<String>,
    /// Reasons why the list is not complete, for people. Without one everything else is gone as well.
    pub doubts: Vec<String>,
}

/// Finds out what became of the objects that a complete list of `kind` lacked.
pub(in crate::ops) async fn prove<T: TenantRead>(tenant: &T, kind: &'static Kind, expected: Expected) -> Proof {
    let (known, filtered) = (expected.known, expected.filtered);
    let mut missing = expected.missing();
    let mut proof = Proof::default();
    if missing.is_empty() || kind.is_singleton() {
        return proof;
    }
    let lost = missing.len();
    if (known >= FEW && lost * 2 > known) || lost > MOST_ASKED {
        let (found, listing) = read_again(tenant, kind, &missing).await;
        for id in found.iter().filter_map(id_of) {
            missing.remove(id);
        }
        if !listing.coverage.is_complete() {
            let why = listing.note.map(|note| format!(" ({note})")).unwrap_or_default();
            proof.doubts.push(format!(
                "the list lacks {lost} of {known} {}, and could not be read again to be sure{why}",
                kind.title
            ));
        } else if !found.is_empty() {
            proof.doubts.push(format!(
                "the list lacks {lost} of {known} {}, and has {} of them when it is read again",
                kind.title,
                found.len()
            ));
        }
        proof.found = found;
    }
    // These are listed owner by owner, and go with the owner: an answer by id would not show that the list is wrong.
    if kind.for_each.is_none() {
        ask(tenant, kind, &missing, filtered, &mut proof).await;
    }
    proof
}

/// Asks for the missing objects by id: all of them if a filter may hide them, else as many as `MOST_ASKED`.
async fn ask<T: TenantRead>(
    tenant: &T,
    kind: &'static Kind,
    missing: &BTreeSet<String>,
    filtered: bool,
    proof: &mut Proof,
) {
    let each = if filtered { 1 } else { missing.len().div_ceil(MOST_ASKED).max(1) };
    let asked = missing.iter().step_by(each).cloned().map(|id| async move { (look(tenant, kind, &id).await, id) });
    let mut answers = futures_util::stream::iter(asked).buffer_unordered(AT_ONCE);
    let (mut there, mut unknown) = (BTreeSet::new(), Vec::new());
    while let Some((answer, id)) = answers.next().await {
        match answer {
            Ok(Some(object)) => {
                proof.found.push(object);
                there.insert(id);
            }
            Ok(None) => {
                proof.gone.insert(id);
            }
            Err(error) => unknown.push((id, error)),
        }
    }
    if let Some(first) = there.first().filter(|_| !filtered) {
        let more = if there.len() > 1 { format!(" and {} more", there.len() - 1) } else { String::new() };
        proof
            .doubts
            .push(format!("the list of {} lacks {first}{more}, which answers when asked for by id", kind.title));
    }
    unknown.sort_by(|(a, _), (b, _)| a.cmp(b));
    if let Some((id, error)) = unknown.first() {
        let more = if unknown.len() > 1 { format!(" and {} more", unknown.len() - 1) } else { String::new() };
        proof.doubts.push(format!(
            "the list of {} lacks {id}{more}, and whether that is gone could not be found out: {error}",
            kind.title
        ));
    }
}

/// Asks for one object. A replica may lag behind, so only a second 404 counts as gone.
async fn look<T: TenantRead>(tenant: &T, kind: &'static Kind, id: &str) -> Result<Option<RawObject>, TenantError> {
    match tenant.get(kind, id).await {
        Ok(None) => tenant.get(kind, id).await,
        found => found,
    }
}

/// Reads the list again, and keeps the objects that the first reading lacked.
async fn read_again<T: TenantRead>(
    tenant: &T,
    kind: &'static Kind,
    missing: &BTreeSet<String>,
) -> (Vec<RawObject>, Listing) {
    let (sender, mut pages) = mpsc::channel(1);
    let mut found = Vec::new();
    let (listing, ()) = tokio::join!(tenant.list(kind, sender), async {
        while let Some(page) = pages.recv().await {
            found.extend(page.into_iter().filter(|object| id_of(object).is_some_and(|id| missing.contains(id))));
        }
    });
    (found, listing)
}

fn id_of(object: &RawObject) -> Option<&str> {
    object.value.get("id")?.as_str()
}

/// Returns the number that an id in Graph's usual form stands for.
fn guid(id: &str) -> Option<u128> {
    let number = u128::from_str_radix(&id.replace('-', ""), 16).ok()?;
    (written(number) == id).then_some(number)
}

fn written(number: u128) -> String {
    let hex = format!("{number:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expected_ids_keep_their_form() {
        let ids = ["00000000-1111-4000-8000-000000000001", "00000000-1111-4000-8000-00000000000A", "hPz7", "10"];
        let mut expected = Expected::unfiltered(ids.map(str::to_owned));
        assert_eq!((expected.known, expected.guids.len()), (4, 1));
        let mut object = RawObject::default();
        object.value.insert("id".to_owned(), "10".into());
        expected.pass(&[object]);
        assert_eq!(expected.missing().into_iter().collect::<Vec<_>>(), [ids[0], ids[1], ids[2]]);
    }
}
