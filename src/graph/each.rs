//! Reads lists that Graph answers only for one object of another kind at a time: the settings of each group, twenty in a request.

use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc;

use super::batch::{self, Ask};
use super::http::{Http, Request};
use super::links::top;
use super::page::{self, Page, Pages, Seen};
use super::read::{filter, identified};
use super::urls::segment;
use crate::kinds;
use crate::model::Kind;
use crate::model::kind::ForEach;
use crate::tenant::{Raw, TenantError};

/// Number of batches that are sent at the same time: there is one request for each of perhaps 100,000 groups.
const AT_ONCE: usize = 8;

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
    let mut seen = Seen::default();
    let batches: Vec<Vec<String>> = others.chunks(batch::LIMIT).map(<[String]>::to_vec).collect();
    let answers = stream::iter(batches)
        .map(|some| async move { about(http, kind, each, (kind.path, kind.filter), &some, rest).await });
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
    list: (&str, Option<&str>),
) -> Result<Vec<Raw>, TenantError> {
    let mut all = Vec::new();
    for some in others(http, each).await?.chunks(batch::LIMIT) {
        all.append(&mut about(http, kind, each, list, some, &[]).await?);
    }
    Ok(all)
}

/// Returns the ids of the objects to ask about.
async fn others(http: &Http, each: &ForEach) -> Result<Vec<String>, TenantError> {
    let Some(other) = kinds::by_name(each.kind) else { return Ok(Vec::new()) };
    let mut names = vec![other.key];
    names.extend(each.when.iter().flat_map(|when| when.properties()));
    let query: Vec<String> = [Some(format!("$select={}", names.join(","))), top(other)].into_iter().flatten().collect();
    let url = http.base.join(&format!("{}{}?{}", other.api.segment(), other.path, query.join("&")))?;
    let found = Pages::new(http, url, other.permissions.read).all().await?;
    let meant = found.into_iter().filter(|object| each.when.is_none_or(|when| when.holds(object)));
    Ok(meant.filter_map(|object| Some(object.get(other.key)?.as_str()?.to_owned())).collect())
}

async fn about(
    http: &Http,
    kind: &'static Kind,
    each: &ForEach,
    (path, template): (&str, Option<&str>),
    others: &[String],
    rest: &[Option<String>],
) -> Result<Vec<Raw>, TenantError> {
    let ask = |id: &String| {
        let meant = template.map(|template| template.replace("{each}", id));
        let query: Vec<String> =
            std::iter::once(filter(meant.as_deref())).chain(rest.iter().cloned()).flatten().collect();
        Ask { path: format!("{path}?{}", query.join("&")), permissions: kind.permissions.read }
    };
    let asks: Vec<Ask> = others.iter().map(ask).collect();
    let mut found = Vec::new();
    for (id, answer) in others.iter().zip(batch::run(http, kind.api, &asks, page::parse).await) {
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
