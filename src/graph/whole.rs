//! Completes what a list shows: objects of which it has only stubs are read one by one, and a relation that did not come although
//! it was asked for counts as unread, never as empty.

use std::collections::BTreeSet;

use super::batch::{self, Ask};
use super::http::Http;
use super::object::one;
use super::page::describe_json_error;
use super::query::{expand, query};
use super::urls::segment;
use crate::model::{Coverage, Kind};
use crate::tenant::{Listing, Raw, RawObject, TenantError};

/// Returns the objects of a page as they are by themselves, if the list of the kind leaves parts out.
pub(super) async fn objects(http: &Http, kind: &'static Kind, page: Vec<Raw>) -> Result<Vec<Raw>, TenantError> {
    if !kind.list_is_short {
        return Ok(page);
    }
    let ids: Vec<&str> = page.iter().filter_map(|object| object.get("id")?.as_str()).collect();
    let mut found = Vec::with_capacity(ids.len());
    for some in ids.chunks(batch::LIMIT) {
        let ask = |id: &&str| {
            let path = format!("{}/{}{}", kind.path, segment(id)?, query([expand(kind)]));
            Ok(Ask { path, permissions: kind.permissions.read })
        };
        let asks = some.iter().map(ask).collect::<Result<Vec<Ask>, TenantError>>()?;
        let parse = |body: &[u8]| serde_json::from_slice::<Raw>(body).map_err(|error| describe_json_error(&error));
        for (id, answer) in some.iter().zip(batch::run(http, kind.api, &asks, parse).await) {
            match answer {
                Ok(object) => found.push(object),
                // A replica may lag behind, so that only a second 404 counts as gone.
                Err(TenantError::NotFound { .. }) => match one(http, kind, id).await {
                    Ok(object) => found.push(object),
                    Err(TenantError::NotFound { .. }) => {}
                    Err(error) => return Err(error),
                },
                Err(error) => return Err(error),
            }
        }
    }
    Ok(found)
}

/// Collects the relations that did not come although `$expand` named them.
#[derive(Debug, Default)]
pub(super) struct Unexpanded(BTreeSet<&'static str>);

impl Unexpanded {
    /// Marks such relations as missing.
    pub(super) fn mark(&mut self, kind: &'static Kind, mut objects: Vec<RawObject>) -> Vec<RawObject> {
        for name in kind.expand.iter().map(|expand| expand.split('(').next().unwrap_or(expand)) {
            for object in objects.iter_mut().filter(|object| !object.value.contains_key(name)) {
                object.missing.push((name, Coverage::Failed));
                self.0.insert(name);
            }
        }
        objects
    }

    /// Records which relations could not be read.
    pub(super) fn cover(&self, kind: &'static Kind, listing: &mut Listing) {
        for name in &self.0 {
            listing.links.set_link(kind.name, name, Coverage::Partial);
            let note = format!("{name} of {}: it was asked for, and not every object came with it", kind.title);
            listing.note = Some(listing.note.take().map_or(note.clone(), |before| format!("{before}; {note}")));
        }
    }
}
