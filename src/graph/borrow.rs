//! Reads properties that Graph keeps in a list of their own, such as the role that a policy is for.

use std::collections::{BTreeSet, HashMap};

use super::each;
use super::http::Http;
use super::page::Pages;
use super::query::{filter, query};
use super::tally::coverage_of;
use crate::model::kind;
use crate::model::{Coverage, Kind};
use crate::tenant::{Listing, RawObject, TenantError};

/// Values of a list by the id of their object, or the reason why the list could not be read.
type Found = Result<HashMap<String, String>, TenantError>;

/// Holds the values of the lists.
pub(super) struct Borrowed {
    kind: &'static Kind,
    found: Vec<(&'static kind::Borrowed, Found)>,
    /// Properties of which a list had no entry for some object.
    lacking: BTreeSet<&'static str>,
}

impl Borrowed {
    /// Reads every list of the kind completely: there is one entry for each object.
    pub(super) async fn read(http: &Http, kind: &'static Kind) -> Self {
        let mut found = Vec::with_capacity(kind.borrowed.len());
        for one in kind.borrowed.iter().filter(|one| one.object.is_none()) {
            found.push((one, list(http, kind, one).await));
        }
        Borrowed { kind, found, lacking: BTreeSet::new() }
    }

    /// Adds the values of the lists to each object.
    pub(super) fn lend(&mut self, mut objects: Vec<RawObject>) -> Vec<RawObject> {
        for object in objects.iter_mut().filter(|_| !self.found.is_empty()) {
            let id = object.value.get("id").and_then(|id| id.as_str()).unwrap_or_default().to_owned();
            for (one, list) in &self.found {
                match list {
                    Ok(values) => match values.get(&id) {
                        Some(value) => drop(object.value.insert(one.property.to_owned(), value.as_str().into())),
                        // The list may be empty at first: what an object is about is then unknown, and not nothing.
                        None => {
                            object.missing.push((one.property, Coverage::Failed));
                            self.lacking.insert(one.property);
                        }
                    },
                    Err(error) => object.missing.push((one.property, coverage_of(error))),
                }
            }
        }
        objects
    }

    /// Records which properties could not be read.
    pub(super) fn cover(&self, listing: &mut Listing) {
        for property in &self.lacking {
            listing.links.set_link(self.kind.name, property, Coverage::Partial);
            let note = format!("{property} of {}: its list has no entry for some of them", self.kind.title);
            listing.note = Some(listing.note.take().map_or(note.clone(), |before| format!("{before}; {note}")));
        }
        for (one, list) in &self.found {
            let Err(error) = list else { continue };
            listing.links.set_link(self.kind.name, one.property, coverage_of(error));
            if matches!(listing.coverage, Coverage::Complete | Coverage::Partial) {
                let note = format!("{} of {}: {error}", one.property, self.kind.title);
                listing.note = Some(listing.note.take().map_or(note.clone(), |before| format!("{before}; {note}")));
            }
        }
    }
}

async fn list(http: &Http, kind: &'static Kind, one: &kind::Borrowed) -> Found {
    if let Some(each) = &kind.for_each {
        return Ok(pairs(&each::all(http, kind, each, one.path, one.filter).await?, one));
    }
    let url = http.base.join(&format!("{}{}{}", kind.api.segment(), one.path, query([filter(one.filter)])))?;
    Ok(pairs(&Pages::new(http, url, kind.permissions.read).all().await?, one))
}

fn pairs(entries: &[crate::tenant::Raw], one: &kind::Borrowed) -> HashMap<String, String> {
    let text =
        |entry: &crate::tenant::Raw, name: &str| entry.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    entries.iter().filter_map(|entry| Some((text(entry, one.by)?, text(entry, one.property)?))).collect()
}
