//! Asks for the changes since a token. <https://learn.microsoft.com/graph/delta-query-overview>
//!
//! Only the ids of changed objects are taken from the answer, never their values: the objects are read again, so that one reader
//! and one normalization see everything. Without `$select` "a default set of properties is tracked"
//! (<https://learn.microsoft.com/graph/api/user-delta>), so where reading names its properties, tracking names the same. Graph
//! never reports changes of app role assignments, grants, federated identity credentials and the owners of applications and
//! service principals (tracked are "manager and members navigation properties for users and groups", and group relationships "of
//! type directoryObject collection": <https://learn.microsoft.com/graph/api/group-delta>), nor of properties stored elsewhere
//! than in the directory.

use std::collections::{BTreeSet, HashSet};

use reqwest::Url;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::http::{Http, Request};
use super::object::{selected, withheld};
use super::page::describe_json_error;
use crate::model::Kind;
use crate::model::kind::LinkShape;
use crate::tenant::{Changes, TenantError};

/// Maximum number of pages, more than any answer has: "a page may be empty", but an answer ends.
const MOST_PAGES: usize = 20_000;

#[derive(Deserialize)]
struct Page {
    value: Vec<Item>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
    #[serde(rename = "@odata.deltaLink")]
    delta: Option<String>,
}

#[derive(Deserialize)]
struct Item {
    id: String,
    // The reason is `changed` for an object in the recycle bin and `deleted` for one that is gone; both count as removed.
    #[serde(rename = "@removed")]
    removed: Option<IgnoredAny>,
}

/// Returns the changes of `kind` since `token`, which is a whole `@odata.deltaLink`: "save and apply the entire URL".
pub(super) async fn changes(http: &Http, kind: &'static Kind, token: Option<&str>) -> Result<Changes, TenantError> {
    let start_over = |why: String| Ok(Changes::StartOver { why });
    let Some(path) = kind.delta else { return start_over(format!("Graph does not track {}", kind.title)) };
    let mut url = match token {
        // Graph calls this "sync from now": <https://learn.microsoft.com/graph/delta-query-overview>
        None => {
            http.base.join(&format!("{}{path}?$deltatoken=latest{}", kind.api.segment(), tracked(http, kind).await))?
        }
        Some(token) => match stored(http, kind, path, token) {
            Some(url) => url,
            None => return start_over(format!("the token for {} is not of this Graph", kind.title)),
        },
    };
    let (mut changed, mut removed) = (BTreeSet::new(), BTreeSet::new());
    let mut links = HashSet::new();
    loop {
        let request = Request::get(url, kind.permissions.read);
        let page: Page =
            match http.run(&request, |body| serde_json::from_slice(body).map_err(|e| describe_json_error(&e))).await {
                Ok(page) => page,
                // Graph answers 410 with a `Location` to begin at, or 400 `syncStateNotFound` after seven days, and 400, 403 or 404
                // where there is no tracking. The `Location` is not followed: a listing begins anew in any case.
                // <https://learn.microsoft.com/graph/delta-query-overview#synchronization-reset>
                Err(
                    error @ (TenantError::Refused { .. }
                    | TenantError::Denied { .. }
                    | TenantError::Unlicensed { .. }
                    | TenantError::NotFound { .. }),
                ) => return start_over(error.to_string()),
                Err(error) => return Err(error),
            };
        // The same object may come more than once, and in any order.
        for item in page.value {
            match item.removed {
                Some(_) => removed.insert(item.id),
                None => changed.insert(item.id),
            };
        }
        let wrong = |message: &str| TenantError::Unexpected { request: request.label(), message: message.to_owned() };
        url = match (page.next, page.delta) {
            (Some(next), _) if links.len() >= MOST_PAGES || !links.insert(next.clone()) => {
                return Err(wrong("the pages do not end"));
            }
            (Some(next), _) => http.base.follow(&next, &request.label())?,
            (None, Some(token)) => {
                http.base.follow(&token, &request.label())?;
                return Ok(Changes::Since { changed, removed, token });
            }
            (None, None) => return Err(wrong("neither a next page nor a token")),
        };
    }
}

/// Returns the `$select` for the tracking: the properties that reading asks for, and the relations that are tracked.
async fn tracked(http: &Http, kind: &'static Kind) -> String {
    let withheld = withheld(http, kind).await;
    let Some(mut names) = selected(kind, &withheld) else { return String::new() };
    let links = kind.links.iter().filter(|link| !matches!(link.shape, LinkShape::Children(_)));
    names.extend(links.map(|link| link.name));
    format!("&$select={}", names.join(","))
}

/// Returns a stored token as a URL, if it leads to the kind's delta function here: a person who can write the repository must not
/// be able to send a Graph token to another host. `/delta` is short for `/microsoft.graph.delta`.
fn stored(http: &Http, kind: &Kind, path: &str, token: &str) -> Option<Url> {
    let url = http.base.follow(token, "delta").ok()?;
    let here = |path: &str| http.base.join(&format!("{}{path}", kind.api.segment())).ok();
    let long = path.replace("/delta", "/microsoft.graph.delta");
    let found = url.path().trim_end_matches("()").trim_end_matches('/').to_owned();
    [here(path), here(&long)].into_iter().flatten().any(|known| known.path() == found).then_some(url)
}
