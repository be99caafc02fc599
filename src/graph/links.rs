//! Reads relations: after their objects, twenty in a request, and attached under their names.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Map, Value};
use tokio::task::JoinSet;

use super::auth::carries;
use super::batch::{self, Ask};
use super::each::UNTOUCHED;
use super::http::{Http, Request};
use super::page::{self, Page, Pages, describe_json_error};
use super::query::{query, top};
use super::tally::{Tallies, coverage_of};
use super::urls::{literal, segment};
use crate::model::kind::{Api, Link, LinkRead, LinkShape};
use crate::model::{Coverage, Kind};
use crate::tenant::{Raw, RawObject, TenantError};

/// Reads the links of a kind's objects and counts successes and failures.
pub(super) struct Links {
    http: Arc<Http>,
    kind: &'static Kind,
    tallies: Tallies,
    joined: HashMap<&'static str, HashMap<String, Vec<Value>>>,
}

/// Represents one link of one object.
#[derive(Clone)]
struct Wanted {
    at: usize,
    link: &'static Link,
    id: String,
}

enum Found {
    Items(Vec<Value>),
    /// The object itself is gone.
    Gone,
    Missing(Coverage),
}

impl Links {
    /// Returns a reader that has read nothing yet.
    pub(super) fn new(http: Arc<Http>, kind: &'static Kind) -> Self {
        Links { http, kind, tallies: Tallies::default(), joined: HashMap::new() }
    }

    /// Fetches the lists that hold a link's children for the whole tenant; with `parent`, only that object's.
    pub(super) async fn join(&mut self, parent: Option<&str>) {
        for link in self.kind.links {
            let LinkRead::Joined { path, by } = link.read else { continue };
            // The query is `$filter=clientId eq '{id}'`: <https://learn.microsoft.com/graph/api/oauth2permissiongrant-list>
            let filter = parent.map(|id| format!("$filter={by}%20eq%20{}", literal(id)));
            let query = query([top(self.kind), filter]);
            let list = match self.http.base.join(&format!("{}{path}{query}", api(self.kind, link).segment())) {
                Ok(url) => Pages::new(&self.http, url, permissions(self.kind, link)).all().await,
                Err(error) => Err(error),
            };
            match list {
                Ok(children) => {
                    let mut by_parent: HashMap<String, Vec<Value>> = HashMap::new();
                    for child in children {
                        let owner = child.get(by).and_then(Value::as_str).unwrap_or_default().to_owned();
                        by_parent.entry(owner).or_default().push(Value::Object(child));
                    }
                    self.joined.insert(link.name, by_parent);
                }
                Err(error) => self.tallies.record_all_unreadable(link.name, error),
            }
        }
    }

    /// Attaches every link of the kind to `objects`. Objects that turn out to be gone are left out.
    pub(super) async fn attach(self: &Arc<Self>, objects: Vec<Raw>) -> Vec<RawObject> {
        let marked = |mut value: Raw| {
            let untouched = value.remove(UNTOUCHED).is_some();
            RawObject { value, missing: Vec::new(), untouched }
        };
        let mut objects: Vec<RawObject> = objects.into_iter().map(marked).collect();
        let mut wanted = Vec::new();
        for (at, object) in objects.iter_mut().enumerate() {
            for link in self.kind.links {
                if link.absent.is_some_and(|condition| condition.holds(&object.value)) {
                    object.value.remove(link.name);
                    continue;
                }
                if link.hidden.is_some_and(|hidden| hidden.when.holds(&object.value)) && !self.sees_hidden(link).await {
                    object.missing.push((link.name, Coverage::DeniedPermission));
                    continue;
                }
                match link.read {
                    LinkRead::Each => {
                        let id = object.value.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
                        wanted.push(Wanted { at, link, id });
                    }
                    _ => self.attach_here(link, object),
                }
            }
        }
        let gone = self.fetch(wanted, &mut objects).await;
        if gone.is_empty() {
            return objects;
        }
        let mut at = 0..;
        objects.retain(|_| at.next().is_none_or(|at| !gone.contains(&at)));
        objects
    }

    /// Returns true if the sign-in sees what is hidden from others. Graph's answer to one that does not is not documented: an empty
    /// list would look like a group without members.
    async fn sees_hidden(&self, link: &Link) -> bool {
        let Some(hidden) = link.hidden else { return true };
        // Without a token nothing is read at all, and the list says why.
        let Ok(token) = self.http.auth.bearer().await else { return true };
        if carries(&token.header, hidden.permission) {
            return true;
        }
        let error = TenantError::Denied {
            request: format!("GET {}/{}", self.kind.path, link.name),
            permissions: vec![hidden.permission.to_owned()],
            message: "nothing was sent: the members of some are hidden".to_owned(),
        };
        self.tallies.record_withheld(link.name, error);
        false
    }

    /// Attaches links that came with the object, or with a list that was read before.
    fn attach_here(&self, link: &'static Link, object: &mut RawObject) {
        let value = match link.read {
            LinkRead::Each => return,
            LinkRead::Joined { .. } => {
                let id = object.value.get("id").and_then(Value::as_str).unwrap_or_default();
                // The children stay in the map: a list that is begun again may bring the object again.
                self.joined.get(link.name).map(|by| Value::Array(by.get(id).cloned().unwrap_or_default()))
            }
            LinkRead::Expand | LinkRead::Inline => {
                let value = object.value.remove(link.name);
                match (link.shape, value) {
                    (LinkShape::Reference, None | Some(Value::Null)) => return self.tallies.read(link.name),
                    (LinkShape::Reference, Some(value)) => only_id(&value),
                    (LinkShape::References, Some(Value::Array(items))) => {
                        Some(Value::Array(items.iter().filter_map(only_id).collect()))
                    }
                    (LinkShape::Children(children), None | Some(Value::Null)) if children.single => {
                        return self.tallies.read(link.name);
                    }
                    (LinkShape::Children(children), Some(value)) if value.is_array() != children.single => Some(value),
                    _ => None,
                }
            }
        };
        match value {
            Some(value) => {
                object.value.insert(link.name.to_owned(), value);
                self.tallies.read(link.name);
            }
            None => {
                if !self.tallies.is_broken(link.name) {
                    let request = format!("GET {}", self.kind.path);
                    let message = format!("a reply without `{}`", link.name);
                    self.tallies.record_unreadable(link.name, TenantError::Unexpected { request, message });
                }
                object.missing.push((link.name, self.tallies.coverage(link.name)));
            }
        }
    }

    /// Fetches `wanted`, attaches the links, and returns the positions of objects that are gone.
    async fn fetch(self: &Arc<Self>, wanted: Vec<Wanted>, objects: &mut [RawObject]) -> HashSet<usize> {
        let mut tasks = JoinSet::new();
        for version in [Api::V1, Api::Beta] {
            // A batch goes to one version of Graph.
            let of_version: Vec<Wanted> =
                wanted.iter().filter(|one| api(self.kind, one.link) == version).cloned().collect();
            for chunk in of_version.chunks(batch::LIMIT) {
                let (links, chunk) = (Arc::clone(self), chunk.to_vec());
                tasks.spawn(async move { links.read(version, chunk).await });
            }
        }
        let mut gone = HashSet::new();
        let mut answered = 0;
        while let Some(task) = tasks.join_next().await {
            let Ok(found) = task else { continue };
            for (one, found) in found {
                answered += 1;
                let object = &mut objects[one.at];
                match (found, one.link.shape) {
                    (Found::Gone, _) => {
                        gone.insert(one.at);
                    }
                    (Found::Missing(coverage), _) => object.missing.push((one.link.name, coverage)),
                    (Found::Items(items), shape) if holds_one(shape) => {
                        if let Some(target) = items.into_iter().next() {
                            object.value.insert(one.link.name.to_owned(), target);
                        }
                    }
                    (Found::Items(items), _) => {
                        object.value.insert(one.link.name.to_owned(), Value::Array(items));
                    }
                }
            }
        }
        if answered < wanted.len() {
            // If a task was stopped, the links that it did not attach are missing, not empty.
            for one in &wanted {
                let object = &mut objects[one.at];
                let known = object.missing.iter().any(|(name, _)| *name == one.link.name);
                if !known && !object.value.contains_key(one.link.name) && !gone.contains(&one.at) {
                    object.missing.push((one.link.name, Coverage::Failed));
                }
            }
        }
        gone
    }

    /// Reads links that `version` of Graph serves.
    async fn read(&self, version: Api, chunk: Vec<Wanted>) -> Vec<(Wanted, Found)> {
        let mut found = Vec::with_capacity(chunk.len());
        let mut asked = Vec::with_capacity(chunk.len());
        let mut asks = Vec::with_capacity(chunk.len());
        for one in chunk {
            match segment(&one.id) {
                _ if self.tallies.is_broken(one.link.name) => {
                    let coverage = self.tallies.coverage(one.link.name);
                    found.push((one, Found::Missing(coverage)));
                }
                Ok(id) => {
                    asks.push(Ask { path: self.path(one.link, &id), permissions: permissions(self.kind, one.link) });
                    asked.push(one);
                }
                Err(error) => found.push(self.record_missing(one, error)),
            }
        }
        let answers =
            if asks.is_empty() { Vec::new() } else { batch::run(&self.http, version, &asks, read_items).await };
        // Successes are counted first, so that a refusal beside them concerns one object only.
        for (one, _) in asked.iter().zip(&answers).filter(|(_, answer)| answer.is_ok()) {
            self.tallies.read(one.link.name);
        }
        for (one, answer) in asked.into_iter().zip(answers) {
            let answer = match answer {
                Ok((_, Some(only))) if holds_one(one.link.shape) => {
                    self.rest(&one, Page { value: Some(vec![only]), next: None }).await
                }
                Ok((page, _)) => self.rest(&one, page).await,
                Err(TenantError::NotFound { .. }) => match self.look_again(&one).await {
                    Ok(Some(items)) => Ok(items),
                    Ok(None) => {
                        found.push((one, Found::Gone));
                        continue;
                    }
                    Err(error) => Err(error),
                },
                Err(error) => Err(error),
            };
            match answer {
                Ok(items) => {
                    found.push((one, Found::Items(items)));
                }
                Err(error) => found.push(self.record_missing(one, error)),
            }
        }
        found
    }

    /// Records that a link of one object could not be read, and returns it as missing.
    fn record_missing(&self, one: Wanted, error: TenantError) -> (Wanted, Found) {
        let coverage = coverage_of(&error);
        self.tallies.record_unreadable(one.link.name, error);
        (one, Found::Missing(coverage))
    }

    fn path(&self, link: &Link, id: &str) -> String {
        let select = match link.shape {
            LinkShape::Children(_) if !link.expand.is_empty() => Some(format!("$expand={}", link.expand.join(","))),
            LinkShape::Children(_) => None,
            LinkShape::References | LinkShape::Reference => Some("$select=id".to_owned()),
        };
        // References take the kind's `$top`. Most lists of children document none, and an option that is not supported may silently
        // empty a list.
        let takes_top = match link.shape {
            LinkShape::References => link.at.is_none(),
            LinkShape::Children(_) => link.takes_top,
            LinkShape::Reference => false,
        };
        let top = if takes_top { top(self.kind) } else { None };
        format!("{}/{}{}", self.object(id), link.segment(), query([select, top]))
    }

    fn object(&self, id: &str) -> String {
        if self.kind.is_singleton() { self.kind.path.to_owned() } else { format!("{}/{id}", self.kind.path) }
    }

    /// Reads the pages after the first, and returns all entries.
    async fn rest(&self, one: &Wanted, page: Page) -> Result<Vec<Value>, TenantError> {
        let label = format!("GET {}/{}/{}", self.kind.path, one.id, one.link.name);
        let Some(value) = page.value else {
            return Err(TenantError::Unexpected { request: label, message: "a page without `value`".to_owned() });
        };
        let mut items = value;
        if let Some(next) = page.next {
            let url = self.http.base.follow(&next, &label)?;
            match Pages::new(&self.http, url, permissions(self.kind, one.link)).all().await {
                Ok(mut more) => items.append(&mut more),
                // The page token has run out, so the link is read from its beginning.
                Err(TenantError::Refused { code, .. }) if super::fault::Fault::is_expired_page(&code) => {
                    items = self.whole(one).await?;
                }
                Err(error) => return Err(error),
            }
        }
        let mut seen = page::Seen::default();
        let references = !matches!(one.link.shape, LinkShape::Children(_));
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            let id = item.get("id").and_then(Value::as_str);
            if id.is_some_and(|id| !seen.insert(id)) {
                continue;
            }
            match (references, id) {
                (true, Some(id)) => values.push(Value::Object(Map::from_iter([("id".to_owned(), Value::from(id))]))),
                (true, None) => {
                    let message = "a reference without an id".to_owned();
                    return Err(TenantError::Unexpected { request: label, message });
                }
                (false, _) => values.push(Value::Object(item)),
            }
        }
        Ok(values)
    }

    async fn whole(&self, one: &Wanted) -> Result<Vec<Raw>, TenantError> {
        let path = self.path(one.link, &segment(&one.id)?);
        let url = self.http.base.join(&format!("{}{path}", api(self.kind, one.link).segment()))?;
        Pages::new(&self.http, url, permissions(self.kind, one.link)).all().await
    }

    /// Handles a link that was not found although the object was listed: the object was deleted meanwhile (`None`), or a replica
    /// lags.
    async fn look_again(&self, one: &Wanted) -> Result<Option<Vec<Value>>, TenantError> {
        let id = segment(&one.id)?;
        let url = self.http.base.join(&format!(
            "{}{}?$select={}",
            self.kind.api.segment(),
            self.object(&id),
            self.kind.key
        ))?;
        let exists = self.http.run(&Request::get(url, self.kind.permissions.read), |_| Ok(())).await;
        match (exists, one.link.shape) {
            (Err(TenantError::NotFound { .. }), _) => Ok(None),
            (Err(error), _) => Err(error),
            // A single-valued relation that is not set is answered with 404.
            (Ok(()), shape) if holds_one(shape) => Ok(Some(Vec::new())),
            (Ok(()), _) => {
                let items = self.whole(one).await?;
                self.rest(one, Page { value: Some(items), next: None }).await.map(Some)
            }
        }
    }

    /// Returns the coverage of each link, and a note on what could not be read.
    pub(super) fn outcome(&self) -> Vec<(&'static str, Coverage, Option<String>)> {
        self.kind
            .links
            .iter()
            .map(|link| {
                let (coverage, note) = self.tallies.outcome(link.name);
                (link.name, coverage, note)
            })
            .collect()
    }
}

/// Returns the version of Graph that `link` is read from.
fn api(kind: &Kind, link: &Link) -> Api {
    link.api.unwrap_or(kind.api)
}

/// Returns the permissions that reading `link` takes.
fn permissions(kind: &Kind, link: &Link) -> &'static [&'static str] {
    link.permissions.unwrap_or(kind.permissions).read
}

/// Returns true if the relation leads to at most one object.
fn holds_one(shape: LinkShape) -> bool {
    match shape {
        LinkShape::Reference => true,
        LinkShape::Children(children) => children.single,
        LinkShape::References => false,
    }
}

/// Reads the reply of a relation: a page, or a single object.
fn read_items(body: &[u8]) -> Result<(Page, Option<Raw>), String> {
    let page = page::parse(body)?;
    if page.value.is_some() {
        return Ok((page, None));
    }
    let one: Raw = serde_json::from_slice(body).map_err(|error| describe_json_error(&error))?;
    Ok((page, Some(one)))
}

fn only_id(value: &Value) -> Option<Value> {
    let id = value.get("id")?.as_str().filter(|id| !id.is_empty())?;
    Some(Value::Object(Map::from_iter([("id".to_owned(), Value::from(id))])))
}
