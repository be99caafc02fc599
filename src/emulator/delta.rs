//! Answers delta queries: returns the log of changes round by round.
//! <https://learn.microsoft.com/graph/delta-query-overview>

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::change_log::What;
use super::csdl::Csdl;
use super::error::Fault;
use super::odata::Shape;
use super::page;
use super::quirks;
use super::request::{Reply, Request};
use super::store::{Id, Key, Properties};
use super::tenant::Tenant;
use crate::model::Kind;

/// Number of objects on a page: users/delta has 200. <https://github.com/microsoftgraph/microsoft-graph-explorer-v4/issues/1157>
const PAGE: usize = 200;
/// Number of links on a page; a group with more comes again on the next.
/// <https://github.com/microsoftgraph/msgraph-sdk-dotnet/issues/574>
const LINKS: usize = 500;

/// Returns the links that a delta of the kind carries, and whether they come without being selected. "members@delta", "manager":
/// <https://learn.microsoft.com/graph/api/group-delta>, <https://learn.microsoft.com/graph/api/user-delta>
fn tracked(kind: &Kind) -> &'static [(&'static str, bool)] {
    match kind.name {
        "group" => &[("members", true), ("owners", false)],
        "user" => &[("manager", false)],
        "application" | "servicePrincipal" => &[("owners", false)],
        _ => &[],
    }
}

/// Changes of one object in the log: properties written, links touched.
type Pending = (BTreeSet<String>, BTreeSet<(String, String)>);

struct Round<'a> {
    tenant: &'a Tenant,
    kind: &'static Kind,
    request: &'a Request,
    select: Option<Vec<String>>,
    ids: Option<BTreeSet<Key>>,
}

/// Answers `GET /{kind}/delta`.
pub fn answer(tenant: &Tenant, csdl: &Csdl, kind: &'static Kind, request: &Request) -> Result<Reply, Fault> {
    for (name, _) in &request.query {
        // Microsoft's page says: "$top, $orderby, $expand are not supported".
        if matches!(name.as_str(), "$expand" | "$orderby" | "$top" | "$search" | "$count") {
            return Err(Fault::unsupported(format!("The query parameter '{name}' is not supported by delta queries.")));
        }
    }
    let token = request.option("$deltatoken").or(request.option("$skiptoken"));
    let state = match token {
        None => json!({"s": request.option("$select"), "i": ids(request.option("$filter"))?, "to": tenant.log.0.len()}),
        Some("latest") => {
            let state = json!({"s": request.option("$select"), "i": ids(request.option("$filter"))?, "from": tenant.log.0.len()});
            return finish(tenant, kind, request, Vec::new(), &state, false, &context(request, kind));
        }
        Some(token) => page::open(&tenant.secret, token).ok_or_else(|| resync(request, kind))?,
    };
    let list = |name: &str| {
        state
            .get(name)
            .and_then(Value::as_str)
            .map(|list| list.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>())
    };
    let round = Round {
        tenant,
        kind,
        request,
        select: list("s"),
        ids: list("i").map(|ids| ids.iter().map(|id| Key::of(id)).collect()),
    };
    match state.get("from").and_then(Value::as_u64) {
        Some(from) => round.changes(csdl, &state, usize::try_from(from).unwrap_or_default()),
        None => round.everything(csdl, &state),
    }
}

/// Returns a 410 for a token of another tenant or of an earlier start.
fn resync(request: &Request, kind: &Kind) -> Fault {
    let mut fault = Fault::new(
        410,
        "syncStateNotFound",
        "The sync state generation is not found; data must be synchronized again.",
    );
    fault.location = Some(format!("{}{}/delta?$deltatoken=", request.root(), kind.path));
    fault
}

/// Parses a filter by ids: "only id eq … joined by or, at most 50": <https://learn.microsoft.com/graph/api/group-delta>
fn ids(filter: Option<&str>) -> Result<Option<String>, Fault> {
    let Some(filter) = filter else { return Ok(None) };
    let mut ids = Vec::new();
    for part in filter.split(" or ") {
        let id = part
            .trim()
            .trim_matches(|char| char == '(' || char == ')')
            .strip_prefix("id eq ")
            .map(|id| id.trim().trim_matches('\''));
        ids.push(id.ok_or_else(|| {
            Fault::unsupported(
                "The only supported $filter expression is for tracking changes on a specific object: id eq '...'.",
            )
        })?);
    }
    match ids.len() {
        0..=50 => Ok(Some(ids.join(","))),
        _ => Err(Fault::unsupported("A delta query can filter at most 50 objects.")),
    }
}

fn context(request: &Request, kind: &Kind) -> String {
    format!("{}/$metadata#{}", request.root(), kind.path.trim_start_matches('/'))
}

fn finish(
    tenant: &Tenant,
    kind: &Kind,
    request: &Request,
    value: Vec<Value>,
    state: &Value,
    more: bool,
    context: &str,
) -> Result<Reply, Fault> {
    let word = if more { ("@odata.nextLink", "$skiptoken") } else { ("@odata.deltaLink", "$deltatoken") };
    let link = format!("{}{}/delta?{}={}", request.root(), kind.path, word.1, page::seal(&tenant.secret, state));
    let mut body = Properties::new();
    body.insert("@odata.context".to_owned(), context.into());
    body.insert(word.0.to_owned(), link.into());
    body.insert("value".to_owned(), Value::Array(value));
    Ok(Reply::json(200, &body))
}

impl Round<'_> {
    fn wants(&self, key: &Key) -> bool {
        self.ids.as_ref().is_none_or(|ids| ids.contains(key))
    }

    fn links(&self) -> Vec<&'static str> {
        let named = |name: &str| self.select.as_ref().is_some_and(|names| names.iter().any(|other| other == name));
        tracked(self.kind)
            .iter()
            .filter(|(name, always)| named(name) || *always && self.select.is_none())
            .map(|(name, _)| *name)
            .collect()
    }

    /// Answers the first round: every object with every link, in the order of the table.
    fn everything(&self, csdl: &Csdl, state: &Value) -> Result<Reply, Fault> {
        let mut shape = self.shape(csdl)?;
        let table = self.tenant.store.table(self.kind);
        let after = state.get("after").and_then(Value::as_str).map(Key::of);
        // An object whose links did not fit comes again, from this link on.
        let mut skip =
            usize::try_from(state.get("skip").and_then(Value::as_u64).unwrap_or_default()).unwrap_or_default();
        let range = match (&after, skip) {
            (None, _) => table.live.range(..),
            (Some(key), 0) => table.live.range((std::ops::Bound::Excluded(key), std::ops::Bound::Unbounded)),
            (Some(key), _) => table.live.range(key..),
        };
        let (mut value, mut room, mut last, mut next_skip) = (Vec::new(), LINKS, None, 0);
        let mut more = false;
        for (key, _) in range.filter(|(key, _)| self.wants(key)) {
            if value.len() >= PAGE || room == 0 {
                more = true;
                break;
            }
            let mut item = self.item(&mut shape, key, None)?;
            let mut seen = 0;
            for link in self.links() {
                let all: Vec<&Key> = self
                    .tenant
                    .links
                    .targets(key, link)
                    .into_iter()
                    .flatten()
                    .filter(|target| self.tenant.directory_kind(target).is_some())
                    .collect();
                let slice: Vec<Value> =
                    all.iter().skip(skip.saturating_sub(seen)).take(room).map(|target| self.linked(target)).collect();
                let start = skip.saturating_sub(seen).min(all.len());
                room -= slice.len();
                if start + slice.len() < all.len() {
                    next_skip = seen + start + slice.len();
                }
                seen += all.len();
                if !slice.is_empty() {
                    item.insert(format!("{link}@delta"), Value::Array(slice));
                }
                if next_skip > 0 {
                    break;
                }
            }
            skip = 0;
            value.push(Value::Object(item));
            last = Some(key.id.to_string());
            if next_skip > 0 {
                more = true;
                break;
            }
        }
        let mut state = state.clone();
        if more {
            state["after"] = last.into();
            state["skip"] = next_skip.into();
        } else {
            state = json!({"s": state["s"], "i": state["i"], "from": state["to"]});
        }
        finish(self.tenant, self.kind, self.request, value, &state, more, &context(self.request, self.kind))
    }

    /// Answers a later round: the changes in the log since the token.
    fn changes(&self, csdl: &Csdl, state: &Value, from: usize) -> Result<Reply, Fault> {
        let log = &self.tenant.log.0;
        if from > log.len() {
            return Err(resync(self.request, self.kind));
        }
        let to = state
            .get("to")
            .and_then(Value::as_u64)
            .and_then(|to| usize::try_from(to).ok())
            .unwrap_or(log.len())
            .min(log.len());
        let mut pending: BTreeMap<Id, Pending> = BTreeMap::new();
        for entry in log[from..to].iter().filter(|entry| entry.kind == self.kind.name) {
            let key = Key::of(&entry.id);
            if !self.wants(&key) {
                continue;
            }
            match &entry.what {
                What::Linked(link, target, _) if !self.links().contains(&link.as_str()) => {
                    let _ = target;
                }
                What::Linked(link, target, _) => {
                    pending.entry(key.id).or_default().1.insert((link.clone(), target.clone()));
                }
                What::Written(names) if !self.concerns(names) => {}
                What::Written(names) => pending.entry(key.id).or_default().0.extend(names.iter().cloned()),
                What::Deleted | What::Gone => {
                    pending.entry(key.id).or_default();
                }
            }
        }
        let mut shape = self.shape(csdl)?;
        let done = usize::try_from(state.get("done").and_then(Value::as_u64).unwrap_or_default()).unwrap_or_default();
        let mut value = Vec::new();
        for (id, (names, links)) in pending.iter().skip(done).take(PAGE) {
            value.push(self.change(&mut shape, &Key::of(id), names, links)?);
        }
        // Microsoft's page says "the same object may appear more than once", so one is repeated: clients must cope with it.
        if let (0, Some(first), true) = (done, value.first().cloned(), value.len() > 1) {
            value.push(first);
        }
        let more = done + PAGE < pending.len();
        let state = match more {
            true => json!({"s": state["s"], "i": state["i"], "from": from, "to": to, "done": done + PAGE}),
            false => json!({"s": state["s"], "i": state["i"], "from": to}),
        };
        finish(self.tenant, self.kind, self.request, value, &state, more, &context(self.request, self.kind))
    }

    /// Returns true if a change is reported: "$select limits which changes are reported".
    fn concerns(&self, names: &[String]) -> bool {
        self.select
            .as_ref()
            .is_none_or(|select| names.is_empty() || names.iter().any(|name| select.contains(name) || name == "id"))
    }

    fn change(
        &self,
        shape: &mut Shape<'_>,
        key: &Key,
        names: &BTreeSet<String>,
        links: &BTreeSet<(String, String)>,
    ) -> Result<Value, Fault> {
        let table = self.tenant.store.table(self.kind);
        if !table.live.contains_key(key) {
            let reason = if table.bin.contains_key(key) { "changed" } else { "deleted" };
            return Ok(json!({"id": key.id.as_ref(), "@removed": {"reason": reason}}));
        }
        let mut item = self.item(shape, key, Some(names))?;
        for (link, target) in links {
            let (Some(known), target) = (self.kind.link(link), Key::of(target)) else { continue };
            let there = self.tenant.links.targets(key, known.name).is_some_and(|all| all.contains(&target))
                && self.tenant.directory_kind(&target).is_some();
            let entry = match there {
                true => self.linked(&target),
                false => {
                    json!({"@odata.type": self.type_of(&target), "id": target.id.as_ref(), "@removed": {"reason": "deleted"}})
                }
            };
            if let Value::Array(list) = item.entry(format!("{link}@delta")).or_insert_with(|| json!([])) {
                list.push(entry);
            }
        }
        Ok(Value::Object(item))
    }

    fn linked(&self, key: &Key) -> Value {
        json!({"@odata.type": self.type_of(key), "id": key.id.as_ref()})
    }

    fn type_of(&self, key: &Key) -> String {
        let deleted = || self.tenant.deleted(None, &key.id).ok().map(|(kind, ..)| kind);
        let name = self.tenant.directory_kind(key).or_else(deleted).map_or("directoryObject", |kind| kind.name);
        format!("#microsoft.graph.{name}")
    }

    fn shape<'a>(&self, csdl: &'a Csdl) -> Result<Shape<'a>, Fault> {
        let ty = csdl.ty(self.kind.entity).ok_or_else(|| Fault::no_segment(self.kind.name))?;
        let select = self.select.as_ref().map(|names| {
            let mut names: Vec<String> = names.iter().filter(|name| self.kind.link(name).is_none()).cloned().collect();
            names.push("id".to_owned());
            names
        });
        Ok(Shape::new(csdl, ty, select.as_deref(), true)?.for_request(self.request))
    }

    /// Returns an object for a page: "properties that were never set are absent":
    /// <https://learn.microsoft.com/graph/api/user-delta>
    fn item(&self, shape: &mut Shape<'_>, key: &Key, changed: Option<&BTreeSet<String>>) -> Result<Properties, Fault> {
        let mut object = self.tenant.store.table(self.kind).get(&key.id).ok_or_else(|| Fault::missing(&key.id))?;
        let stored: BTreeSet<String> = object.keys().cloned().collect();
        quirks::on_read(self.tenant, self.kind, key, &mut object, &self.request.root());
        let mut object = shape.apply(object);
        // With `return=minimal` only the changed properties are returned.
        let minimal = self.request.prefers("return=minimal");
        object.retain(|name, value| match changed {
            Some(names) if name == "id" || names.contains(name) => true,
            Some(_) if minimal => false,
            _ => stored.contains(name) || !(value.is_null() || value.as_array().is_some_and(Vec::is_empty)),
        });
        Ok(object)
    }
}
