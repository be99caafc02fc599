//! Reads lists that Graph answers only for one object of another kind at a time: the settings of each group, twenty in a request.

use std::collections::HashSet;

use futures_util::{StreamExt as _, stream};
use serde_json::Value;
use tokio::sync::mpsc;

use super::batch::{self, Ask};
use super::http::{Http, Request};
use super::page::{self, Page, Pages, Seen};
use super::query::{filter, top};
use super::urls::segment;
use crate::kinds;
use crate::model::Kind;
use crate::model::kind::{Borrowed, ForEach, LinkRead};
use crate::tenant::{Raw, TenantError};

/// Number of batches that are sent at the same time: there is one request for each of perhaps 100,000 groups.
const AT_ONCE: usize = 8;

/// Marks objects that are as Graph made them, within this module and [`super::links`].
pub(super) const UNTOUCHED: &str = "@entragit.untouched";

/// Sends the lists of all objects of the other kind; an error is the last thing it sends.
pub(super) async fn fetch(
    http: &Http,
    kind: &'static Kind,
    each: &ForEach,
    rest: &[Option<String>],
    send: &mpsc::Sender<Result<Vec<Raw>, TenantError>>,
) {
    let others = match others(http, each).await {
        Ok(others) => others,
        Err(error) => return drop(send.send(Err(error)).await),
    };
    let holder = holder(kind);
    let (path, filter) = holder.map_or((kind.path, kind.filter), |(holder, _)| (holder.path, holder.filter));
    let rest = &holder.map_or_else(|| rest.to_vec(), |(_, object)| vec![Some(whole(kind, object))]);
    let mut seen = Seen::default();
    let batches: Vec<Vec<Other>> = others.chunks(batch::LIMIT).map(<[Other]>::to_vec).collect();
    let answers = stream::iter(batches).map(|some| async move {
        let found = about(http, kind, each, path, filter, &some, rest).await?;
        Ok(match holder {
            Some((holder, object)) => held(kind, each, holder, object, &some, found)?,
            None => found,
        })
    });
    let mut answers = std::pin::pin!(answers.buffered(AT_ONCE));
    while let Some(answer) = answers.next().await {
        let objects = match answer {
            Ok(objects) => objects,
            Err(error) => return drop(send.send(Err(error)).await),
        };
        let mut objects: Vec<Raw> = objects.into_iter().map(|object| identified(kind, object)).collect();
        objects.retain(|object| object.get("id").and_then(|id| id.as_str()).is_none_or(|id| seen.insert(id)));
        if send.send(Ok(objects)).await.is_err() {
            return;
        }
    }
}

/// Returns another list of the kind completely, read in the same manner.
pub(super) async fn all(
    http: &Http,
    kind: &'static Kind,
    each: &ForEach,
    path: &str,
    filter: Option<&str>,
) -> Result<Vec<Raw>, TenantError> {
    let mut all = Vec::new();
    for some in others(http, each).await?.chunks(batch::LIMIT) {
        all.append(&mut about(http, kind, each, path, filter, some, &[]).await?);
    }
    Ok(all)
}

/// Represents an object to ask about.
#[derive(Debug, Clone)]
struct Other {
    id: String,
    /// True if all that is listed for it is exported, whether anybody changed it or not.
    whole: bool,
}

/// Returns the objects to ask about.
async fn others(http: &Http, each: &ForEach) -> Result<Vec<Other>, TenantError> {
    let Some(other) = kinds::by_name(each.kind) else { return Ok(Vec::new()) };
    let unless = each.defaults.map(|defaults| defaults.unless);
    let mut names = vec![other.key];
    names.extend(each.when.iter().chain(&unless).flat_map(|when| when.properties()));
    names.dedup();
    let query: Vec<String> = [Some(format!("$select={}", names.join(","))), top(other)].into_iter().flatten().collect();
    let url = http.base.join(&format!("{}{}?{}", other.api.segment(), other.path, query.join("&")))?;
    let found = Pages::new(http, url, other.permissions.read).all().await?;
    let meant = found.into_iter().filter(|object| each.when.is_none_or(|when| when.holds(object)));
    let one = |object: Raw| {
        let whole = unless.is_none_or(|unless| unless.holds(&object));
        Some(Other { id: object.get(other.key)?.as_str()?.to_owned(), whole })
    };
    Ok(meant.filter_map(one).collect())
}

/// Returns the list whose entries hold the objects of the kind, and the relation in which they do.
fn holder(kind: &'static Kind) -> Option<(&'static Borrowed, &'static str)> {
    kind.borrowed.iter().find_map(|borrowed| Some((borrowed, borrowed.object?)))
}

/// Returns the `$expand` that shows the objects whole.
fn whole(kind: &Kind, object: &str) -> String {
    let links = kind.links.iter().filter(|link| link.read == LinkRead::Expand).map(|link| link.name);
    format!("$expand={object}($expand={})", links.collect::<Vec<_>>().join(","))
}

/// Returns the objects that the entries of a list hold, each with the property of its entry.
fn held(
    kind: &'static Kind,
    each: &ForEach,
    holder: &Borrowed,
    relation: &str,
    others: &[Other],
    entries: Vec<Raw>,
) -> Result<Vec<Raw>, TenantError> {
    let whole: HashSet<&str> = others.iter().filter(|other| other.whole).map(|other| other.id.as_str()).collect();
    let one = |mut entry: Raw| {
        let property = entry.get(holder.property).cloned();
        let Some(Value::Object(mut object)) = entry.remove(relation) else {
            let message = format!("an entry without `{relation}`, which was asked for");
            return Err(TenantError::Unexpected { request: format!("GET {}", holder.path), message });
        };
        object.extend(property.map(|value| (holder.property.to_owned(), value)));
        let of = kind.about.iter().find_map(|name| object.get(*name)).and_then(Value::as_str).unwrap_or_default();
        let unchanged = each.defaults.is_some_and(|defaults| object.get(defaults.unchanged) == Some(&Value::Null));
        if unchanged && !whole.contains(of) {
            object.insert(UNTOUCHED.to_owned(), true.into());
        }
        Ok(object)
    };
    entries.into_iter().map(one).collect()
}

/// Returns one object of a kind whose id is made up of properties.
pub(super) async fn one(http: &Http, kind: &'static Kind, id: &str) -> Result<Raw, TenantError> {
    let (Some((holder, object)), Some(each)) = (holder(kind), kind.for_each) else { return Err(missing(kind)) };
    let entry = entry(http, kind, id, Some(whole(kind, object))).await?;
    let of = Other { id: id.split('_').next().unwrap_or_default().to_owned(), whole: true };
    held(kind, &each, holder, object, &[of], vec![entry])?.pop().ok_or_else(|| missing(kind))
}

/// Returns the id that Graph has for such an object at present.
pub(super) async fn present_id(http: &Http, kind: &'static Kind, id: &str) -> Result<String, TenantError> {
    let entry = entry(http, kind, id, None).await?;
    let own = holder(kind).and_then(|(holder, _)| entry.get(holder.by)?.as_str());
    own.map(str::to_owned).ok_or_else(|| TenantError::Unexpected {
        request: format!("GET {}", kind.path),
        message: "an entry that does not name its object".to_owned(),
    })
}

/// Returns the entry about one such object. The two parts of its id are what the list is filtered by.
/// <https://learn.microsoft.com/graph/api/policyroot-list-rolemanagementpolicyassignments>
async fn entry(http: &Http, kind: &'static Kind, id: &str, expand: Option<String>) -> Result<Raw, TenantError> {
    let (Some((holder, _)), Some((of, word))) = (holder(kind), id.split_once('_')) else { return Err(missing(kind)) };
    let scope = holder.filter.unwrap_or_default().replace("{each}", &of.replace('\'', "''"));
    let meant = format!("{scope} and {} eq '{}'", holder.property, word.replace('\'', "''"));
    let query: Vec<String> = [filter(Some(&meant)), expand].into_iter().flatten().collect();
    let url = http.base.join(&format!("{}{}?{}", kind.api.segment(), holder.path, query.join("&")))?;
    let found = Pages::new(http, url, kind.permissions.read).all().await?;
    let mut found = found.into_iter().filter(|entry| entry.get(holder.property).and_then(Value::as_str) == Some(word));
    found.next().ok_or_else(|| missing(kind))
}

fn missing(kind: &Kind) -> TenantError {
    TenantError::NotFound { request: format!("GET {}", kind.path), message: "there are none of that id".to_owned() }
}

async fn about(
    http: &Http,
    kind: &'static Kind,
    each: &ForEach,
    path: &str,
    template: Option<&str>,
    others: &[Other],
    rest: &[Option<String>],
) -> Result<Vec<Raw>, TenantError> {
    let ask = |other: &Other| {
        let meant = template.map(|template| template.replace("{each}", &other.id));
        let query: Vec<String> =
            std::iter::once(filter(meant.as_deref())).chain(rest.iter().cloned()).flatten().collect();
        Ask { path: format!("{path}?{}", query.join("&")), permissions: kind.permissions.read }
    };
    let asks: Vec<Ask> = others.iter().map(ask).collect();
    let mut found = Vec::new();
    for (Other { id, .. }, answer) in others.iter().zip(batch::run(http, kind.api, &asks, page::parse).await) {
        let Page { value, next } = match answer {
            Ok(page) => page,
            // The other object was deleted meanwhile, or exists and is missing on a replica that lags: both are answered with
            // 404.
            Err(error @ TenantError::NotFound { .. }) => match is_there(http, each, id).await? {
                true => return Err(error),
                false => continue,
            },
            Err(error) => return Err(error),
        };
        let label = format!("GET {path}");
        let message = "a page without `value`".to_owned();
        found.extend(value.ok_or(TenantError::Unexpected { request: label.clone(), message })?);
        if let Some(next) = next {
            let url = http.base.follow(&next, &label)?;
            found.extend(Pages::new(http, url, kind.permissions.read).all().await?);
        }
    }
    Ok(found)
}

async fn is_there(http: &Http, each: &ForEach, id: &str) -> Result<bool, TenantError> {
    let Some(other) = kinds::by_name(each.kind) else { return Ok(false) };
    let path = format!("{}{}/{}?$select={}", other.api.segment(), other.path, segment(id)?, other.key);
    match http.run(&Request::get(http.base.join(&path)?, other.permissions.read), |_| Ok(())).await {
        Ok(()) => Ok(true),
        Err(TenantError::NotFound { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Returns the object with its id under `id`, whichever name Graph uses. The id of a singleton is the last part of its path:
/// Graph's own is sometimes missing, sometimes a number that means something else elsewhere, and nothing is addressed by it.
pub(super) fn identified(kind: &Kind, mut object: Raw) -> Raw {
    let id = match kind.key {
        _ if !kind.id_of.is_empty() => {
            let parts: Option<Vec<&str>> = kind.id_of.iter().map(|name| object.get(*name)?.as_str()).collect();
            parts.map(|parts| parts.join("_").into())
        }
        _ if kind.is_singleton() => Some(kind.path.rsplit('/').next().unwrap_or(kind.name).into()),
        "id" => None,
        key => object.get(key).cloned(),
    };
    if let Some(id) = id {
        object.insert("id".to_owned(), id);
    }
    object
}
