//! Reads kinds: pages of objects with their links attached. The next page is fetched while the links of one are read.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::auth::{is_application, tenant_of};
use super::borrow::Borrowed;
use super::each::{self, identified};
use super::http::{Http, Request};
use super::links::Links;
use super::object::{Withheld, one, select, url, withheld};
use super::page::Pages as List;
use super::query::{expand, filter, top};
use super::tally::coverage_of;
use super::whole::{self, Unexpanded};
use crate::model::kind::{Deletion, Readers};
use crate::model::{Coverage, CoverageMap, Kind};
use crate::tenant::{Listing, Pages, Raw, RawObject, TenantError};

/// Number of pages that may be fetched ahead while the links of one are read. Each is some megabytes, and several kinds are read
/// at once.
const AHEAD: usize = 1;

/// Sends every object of `kind` to `pages`; with a `scope_filter`, those that also match it. It is a `$filter` of OData.
pub(super) async fn list(http: Arc<Http>, kind: &'static Kind, scope_filter: Option<String>, pages: Pages) -> Listing {
    if let Some(skipped) = skip_for_application(&http, kind).await {
        return skipped;
    }
    let withheld = withheld(&http, kind).await;
    let mut links = Links::new(Arc::clone(&http), kind);
    links.join(None).await;
    let links = Arc::new(links);
    let mut borrowed = Borrowed::read(&http, kind).await;
    let mut unexpanded = Unexpanded::default();

    let (send, mut receive) = mpsc::channel::<Result<Vec<Raw>, TenantError>>(AHEAD);
    // The task set is dropped with this call, and the reading ends with it.
    let mut reading = JoinSet::new();
    reading.spawn(fetch(Arc::clone(&http), kind, scope_filter, send));

    let mut sent = 0usize;
    let mut ended = Ok(());
    loop {
        // A page is completed only when there is room for it: kinds whose turn has not come hold little memory.
        let Ok(room) = pages.reserve().await else {
            let (request, message) = (format!("GET {}", kind.path), "nobody listens any more".to_owned());
            ended = Err(TenantError::Unexpected { request, message });
            break;
        };
        let Some(page) = receive.recv().await else { break };
        let page = match page {
            Ok(stubs) => whole::objects(&http, kind, stubs).await,
            Err(error) => Err(error),
        };
        let objects = match page {
            Ok(objects) => {
                let objects = borrowed.lend(links.attach(objects).await);
                mark_withheld(&withheld, unexpanded.mark(kind, objects))
            }
            Err(error) => {
                ended = Err(error);
                break;
            }
        };
        sent += objects.len();
        room.send(objects);
    }
    if ended.is_ok()
        && let Some(Err(_)) = reading.join_next().await
    {
        let (request, message) = (format!("GET {}", kind.path), "the reading was stopped".to_owned());
        ended = Err(TenantError::Unexpected { request, message });
    }
    let mut listing = listing(kind, &links, sent, ended);
    borrowed.cover(&mut listing);
    unexpanded.cover(kind, &mut listing);
    for (name, permission) in withheld {
        listing.links.set_link(kind.name, name, Coverage::DeniedPermission);
        if !matches!(listing.coverage, Coverage::Complete | Coverage::Partial) {
            // A worse note was written already.
            continue;
        }
        let note = format!("{name} of {} is not read without {permission}", kind.title);
        listing.note = Some(listing.note.map_or(note.clone(), |before| format!("{before}; {note}")));
    }
    listing
}

/// Returns the result for a kind that an application cannot read, if an application is signed in.
async fn skip_for_application(http: &Http, kind: &'static Kind) -> Option<Listing> {
    if kind.readers == Readers::Everyone || !is_application(&http.auth.bearer().await.ok()?.header) {
        return None;
    }
    let mut links = CoverageMap::default();
    for link in kind.links {
        links.set_link(kind.name, link.name, Coverage::Skipped);
    }
    let note = "only a person's sign-in can read them, and an application signed in".to_owned();
    Some(Listing { coverage: Coverage::Skipped, links, note: Some(note) })
}

/// Marks the properties that this sign-in may not read as missing from each object, so that they do not count as empty.
fn mark_withheld(withheld: &Withheld, mut objects: Vec<RawObject>) -> Vec<RawObject> {
    for object in objects.iter_mut().filter(|_| !withheld.is_empty()) {
        object.missing.extend(withheld.iter().map(|(name, _)| (*name, Coverage::DeniedPermission)));
    }
    objects
}

/// Returns the coverage of a kind and its links, with a note on each error. `sent` objects were sent before the reading `ended`.
fn listing(kind: &Kind, links: &Links, sent: usize, ended: Result<(), TenantError>) -> Listing {
    let mut notes = Vec::new();
    let coverage = match &ended {
        Ok(()) => Coverage::Complete,
        Err(error) => {
            notes.push(format!("{}: {error}", kind.title));
            if sent > 0 { Coverage::Partial } else { coverage_of(error) }
        }
    };
    let mut map = CoverageMap::default();
    for (name, of_link, note) in links.outcome() {
        notes.extend(note.map(|note| format!("{} of {}: {note}", name, kind.title)));
        // The coverage of a link is never better than that of the objects.
        map.set_link(kind.name, name, if of_link.is_complete() { coverage } else { of_link });
    }
    Listing { coverage, links: map, note: (!notes.is_empty()).then(|| notes.join("; ")) }
}

/// Sends page after page; an error is the last thing it sends.
async fn fetch(
    http: Arc<Http>,
    kind: &'static Kind,
    scope_filter: Option<String>,
    send: mpsc::Sender<Result<Vec<Raw>, TenantError>>,
) {
    if kind.is_singleton() {
        let object = one(&http, kind, "").await;
        // A send fails only if the receiver has given up, so there is nothing to do.
        let _ = send.send(object.map(|object| vec![object])).await;
        return;
    }
    let withheld = withheld(&http, kind).await;
    if let Some(each) = kind.for_each {
        let rest = [select(kind, &withheld), expand(kind), top(kind)];
        return each::fetch(&http, kind, &each, &rest, &send).await;
    }
    let wanted = match (kind.filter, &scope_filter) {
        (Some(always), Some(scope)) => Some(format!("({always}) and ({scope})")),
        (always, scope) => scope.clone().or(always.map(str::to_owned)),
    };
    let whole = if kind.list_is_short { None } else { expand(kind) };
    let options = [filter(wanted.as_deref()), select(kind, &withheld), whole, top(kind)];
    let url = match url(&http, kind, kind.path, options) {
        Ok(url) => url,
        Err(error) => return drop(send.send(Err(error)).await),
    };
    let mut list = List::new(&http, url, kind.permissions.read);
    // The next page is asked for as soon as there is room for it, not before.
    while let Ok(room) = send.reserve().await {
        let page = match list.next().await {
            Ok(Some(objects)) => Ok(objects.into_iter().map(|object| identified(kind, object)).collect()),
            Ok(None) => return,
            Err(error) => Err(error),
        };
        let failed = page.is_err();
        room.send(page);
        if failed {
            return;
        }
    }
}

/// Returns one object with its links.
pub(super) async fn get(http: Arc<Http>, kind: &'static Kind, id: &str) -> Result<Option<RawObject>, TenantError> {
    let object = match one(&http, kind, id).await {
        Ok(object) => object,
        Err(TenantError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let withheld = withheld(&http, kind).await;
    let mut borrowed = Borrowed::read(&http, kind).await;
    let mut links = Links::new(http, kind);
    links.join(Some(id)).await;
    let objects = borrowed.lend(Arc::new(links).attach(vec![object]).await);
    Ok(mark_withheld(&withheld, Unexpanded::default().mark(kind, objects)).pop())
}

/// Returns the objects of a kind in the recycle bin.
pub(super) async fn deleted(http: &Http, kind: &'static Kind) -> Result<Vec<Raw>, TenantError> {
    let Deletion::Soft { list, .. } = kind.deletion else { return Ok(Vec::new()) };
    let withheld = withheld(http, kind).await;
    // The time of deletion is no property of a live object, so the schema does not name it.
    let select = select(kind, &withheld).map(|names| format!("{names},deletedDateTime"));
    let url = url(http, kind, list, [None, select, None, top(kind)])?;
    match List::new(http, url, kind.permissions.read).all().await {
        Err(error) if is_no_such_path(&error) => Ok(Vec::new()),
        listed => listed,
    }
}

/// Returns true if a cloud does not have the path at all, as some national clouds lack some recycle bins.
/// <https://learn.microsoft.com/graph/deployments>, <https://learn.microsoft.com/graph/resolve-auth-errors>
fn is_no_such_path(error: &TenantError) -> bool {
    match error {
        TenantError::Refused { status: 400, message, .. } | TenantError::NotFound { message, .. } => {
            message.contains("Resource not found for the segment")
        }
        _ => false,
    }
}

/// Returns the approximate number of objects of a kind. <https://learn.microsoft.com/graph/aad-advanced-queries>
///
/// The answer is plain text, and Graph refuses with 415 to give it as JSON:
/// <https://learn.microsoft.com/graph/query-parameters#count-parameter>
pub(super) async fn count(http: &Http, kind: &'static Kind) -> Result<usize, TenantError> {
    if kind.is_singleton() {
        return Ok(1);
    }
    let url = http.base.join(&format!("{}{}/$count", kind.api.segment(), kind.path))?;
    let request = Request { eventual: true, accept: "text/plain", ..Request::get(url, kind.permissions.read) };
    let number = |body: &[u8]| std::str::from_utf8(body).ok()?.trim_start_matches('\u{feff}').trim().parse().ok();
    http.run(&request, |body| number(body).ok_or_else(|| "the count is no number".to_owned())).await
}

/// Returns the tenant's id. <https://learn.microsoft.com/graph/api/organization-list>
///
/// If the sign-in may not read the organization, the id is taken from the token: an application that manages groups alone needs
/// no further permission.
pub(super) async fn tenant_id(http: &Http) -> Result<String, TenantError> {
    let url = http.base.join("/v1.0/organization?$select=id")?;
    let request = "GET /v1.0/organization".to_owned();
    let found = match List::new(http, url, &["Organization.Read.All", "User.Read.All"]).all().await {
        Ok(found) => found,
        Err(error @ TenantError::Denied { .. }) => {
            return tenant_of(&http.auth.bearer().await?.header).ok_or(error);
        }
        Err(error) => return Err(error),
    };
    let id = found.first().and_then(|organization| organization.get("id")).and_then(|id| id.as_str());
    id.map(str::to_owned)
        .ok_or_else(|| TenantError::Unexpected { request, message: "no organization with an id".to_owned() })
}
