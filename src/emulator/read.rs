//! Answers reads: lists, single objects, links.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use serde_json::{Value, json};

use super::child_shapes;
use super::csdl::{Csdl, Type};
use super::directory;
use super::error::Fault;
use super::evaluate;
use super::expand::{Shapes, expanded};
use super::filter::{Expr, Literal, Op};
use super::list::List;
use super::odata::{Options, Shape};
use super::page;
use super::properties;
use super::quirks;
use super::request::{Reply, Request};
use super::routes::{LinkPart, Pick};
use super::store::{Key, Properties, Row, Table};
use super::tenant::Tenant;
use crate::kinds;
use crate::model::Kind;
use crate::model::kind::{Borrowed, Link, LinkShape};

/// Answers GET of a collection, or of a singleton.
pub fn list(tenant: &Tenant, csdl: &'static Csdl, kind: &'static Kind, request: &Request) -> Result<Reply, Fault> {
    if kind.is_singleton() {
        let (key, object) = tenant.find(kind, &Pick::Id(String::new()))?;
        return single(tenant, csdl, kind, request, &key, object);
    }
    if kind.entity != POLICY {
        return rows(tenant, csdl, kind, &tenant.store.table(kind).live, request);
    }
    // The settings of roles and of groups are in one list of Graph, and are told apart by the filter.
    let mut twins = kinds::ALL.iter().copied().filter(|other| other.path == kind.path);
    let kind = twins.find(|kind| quirks::required_filter(kind, request).is_ok()).unwrap_or(kind);
    let scope = scope_asked(request)?;
    let all = quirks::policies_of(tenant, scope.as_deref().unwrap_or_default()).into_iter();
    let all = all.filter_map(|policy| Some((Key::of(policy.get("id")?.as_str()?), Row::pack(&policy)))).collect();
    rows(tenant, csdl, kind, &all, request)
}

/// Returns the scope of settings that the request's filter names.
fn scope_asked(request: &Request) -> Result<Option<String>, Fault> {
    let filter = request.option("$filter").map(super::filter::parse).transpose()?;
    Ok(quirks::scope_of(filter.as_ref()).map(str::to_owned))
}

/// Types of the settings of Privileged Identity Management, and of their rules.
const POLICY: &str = "unifiedRoleManagementPolicy";
const RULE: &str = "unifiedRoleManagementPolicyRule";

fn shape_of(csdl: &'static Csdl, kind: &Kind) -> Result<Shape<'static>, Fault> {
    Shape::new(csdl, csdl.ty(kind.entity).ok_or_else(|| Fault::no_segment(kind.name))?, None, true)
}

/// Answers GET of one kind's recycle bin.
pub fn bin(tenant: &Tenant, csdl: &'static Csdl, kind: &'static Kind, request: &Request) -> Result<Reply, Fault> {
    rows(tenant, csdl, kind, &tenant.store.table(kind).bin, request)
}

fn rows(
    tenant: &Tenant,
    csdl: &'static Csdl,
    kind: &'static Kind,
    rows: &BTreeMap<Key, Row>,
    request: &Request,
) -> Result<Reply, Fault> {
    let ty = csdl.ty(kind.entity).ok_or_else(|| Fault::no_segment(kind.name))?;
    quirks::required_filter(kind, request)?;
    let mut options = Options::read(request, csdl, ty, directory::holds(kind))?;
    options.filter.iter_mut().filter(|_| kind.entity == POLICY).for_each(quirks::rename_scope_type);
    options.expand.retain(|expand| !properties::not_in_lists(kind).contains(&expand.name.as_str()));
    let picked = options.filter.as_ref().and_then(|filter| candidates(tenant.store.table(kind), filter));
    let root = request.root();
    let names: Option<Vec<String>> = options
        .names()
        .filter(|_| quirks::stands_alone(kind))
        .map(|names| names.into_iter().map(str::to_owned).collect());
    let names: Option<Vec<&str>> = names.as_ref().map(|names| names.iter().map(String::as_str).collect());
    let view = |(key, row): (&Key, &Row)| {
        let mut object = match &names {
            Some(names) => row.pick(names),
            None => row.unpack(),
        };
        quirks::on_read(tenant, kind, key, &mut object, &root);
        properties::not_in_lists(kind).iter().for_each(|name| drop(object.remove(*name)));
        (key.clone(), object)
    };
    let shown = |(_, object): &(Key, Properties)| tenant.shows(kind, object) && !quirks::hidden(kind, object, request);
    let context = format!("{root}/$metadata#{}", kind.path.trim_start_matches('/'));
    let list = List { tenant, csdl, ty, request, options, context, kind: Some(kind) };
    match picked {
        // With an index the rows need not be searched one by one.
        Some(keys) => list.answer(|after| {
            let keys: Vec<Key> =
                keys.iter().filter(|key| after.as_ref().is_none_or(|after| *key > after)).cloned().collect();
            Box::new(keys.into_iter().filter_map(|key| rows.get_key_value(&key)).map(view).filter(shown))
        }),
        None => list.answer(|after| Box::new(rows.range((bound(after), Bound::Unbounded)).map(view).filter(shown))),
    }
}

/// Answers GET of a list that assigns properties to the objects of a kind.
pub fn borrowed(
    tenant: &Tenant,
    csdl: &'static Csdl,
    kind: &'static Kind,
    borrowed: &'static Borrowed,
    request: &Request,
) -> Result<Reply, Fault> {
    let ty = csdl.ty(borrowed.entity).ok_or_else(|| Fault::no_segment(borrowed.entity))?;
    quirks::required_filter(kind, request)?;
    let mut options = Options::read(request, csdl, ty, false)?;
    options.filter.iter_mut().filter(|_| kind.entity == POLICY).for_each(quirks::rename_scope_type);
    let context = format!("{}/$metadata#{}", request.root(), borrowed.path.trim_start_matches('/'));
    let mut rows = quirks::policy_assignments(tenant, scope_asked(request)?.as_deref().unwrap_or_default());
    rows.sort_by(|(a, _), (b, _)| a.cmp(b));
    if let Some(expand) = options.expand.iter().find(|expand| expand.name == "policy") {
        let rules = expand.inner.iter().any(|name| name == "rules");
        let mut shapes =
            (shape_of(csdl, kind)?, Shape::new(csdl, csdl.ty(RULE).ok_or_else(Fault::method)?, None, true)?);
        for (_, entry) in &mut rows {
            let (policy, all) = quirks::policy_of(tenant, kind, entry);
            let mut policy = shapes.0.apply(policy);
            if rules {
                let all = all.into_iter().map(|rule| Value::Object(shapes.1.apply(rule)));
                policy.insert("rules".to_owned(), all.collect());
            }
            entry.insert(expand.name.clone(), Value::Object(policy));
        }
    }
    let list = List { tenant, csdl, ty, request, options, context, kind: None };
    list.answer(|after| {
        let rows = rows.clone().into_iter();
        Box::new(rows.filter(move |(key, _)| after.as_ref().is_none_or(|after| key > after)))
    })
}

fn bound(after: Option<Key>) -> Bound<Key> {
    after.map_or(Bound::Unbounded, Bound::Excluded)
}

/// Returns the keys that a filter can match, where an index knows them.
fn candidates(table: &Table, filter: &Expr) -> Option<BTreeSet<Key>> {
    let lookup = |name: &str, literal: &Literal| match (name, literal) {
        ("id", Literal::Text(id)) => Some(Some(Key::of(id))),
        ("userPrincipalName", Literal::Text(value)) => Some(table.holder("userPrincipalName", value).cloned()),
        ("appId", Literal::Text(value)) => Some(table.holder("appId", value).cloned()),
        _ => None,
    };
    let known = |name: &str| matches!(name, "id" | "userPrincipalName" | "appId");
    match filter {
        Expr::Compare(path, Op::Eq, literal) if path.len() == 1 && known(&path[0]) => {
            lookup(&path[0], literal).map(|key| key.into_iter().collect())
        }
        Expr::In(path, literals) if path.len() == 1 && known(&path[0]) => literals
            .iter()
            .map(|literal| lookup(&path[0], literal))
            .collect::<Option<Vec<_>>>()
            .map(|keys| keys.into_iter().flatten().collect()),
        Expr::And(a, b) => candidates(table, a).or_else(|| candidates(table, b)),
        Expr::Or(a, b) => {
            let mut keys = candidates(table, a)?;
            keys.extend(candidates(table, b)?);
            Some(keys)
        }
        _ => None,
    }
}

/// Answers `…/$count`, which the directory serves only to clients that accept a lagging index.
pub fn count(tenant: &Tenant, csdl: &'static Csdl, kind: &'static Kind, request: &Request) -> Result<Reply, Fault> {
    let ty = csdl.ty(kind.entity).ok_or_else(|| Fault::no_segment(kind.name))?;
    if directory::holds(kind) && !request.eventual() {
        return Err(Fault::bad("$count is not currently supported."));
    }
    let mut counted = request.clone();
    counted.query.push(("$count".to_owned(), "true".to_owned()));
    let options = Options::read(&counted, csdl, ty, directory::holds(kind))?;
    let fits = |row: &Row| {
        options.filter.as_ref().is_none_or(|filter| evaluate::matches(filter, &Value::Object(row.unpack())))
    };
    Ok(Reply::count(tenant.store.table(kind).live.values().filter(|row| fits(row)).count()))
}

/// Answers GET of one object.
pub fn single(
    tenant: &Tenant,
    csdl: &'static Csdl,
    kind: &'static Kind,
    request: &Request,
    key: &Key,
    mut object: Properties,
) -> Result<Reply, Fault> {
    let ty = csdl.ty(kind.entity).ok_or_else(|| Fault::no_segment(kind.name))?;
    quirks::refuse_hidden(kind, &object, request)?;
    quirks::on_read(tenant, kind, key, &mut object, &request.root());
    let entity = if kind.is_singleton() { "" } else { "/$entity" };
    let context = format!("{}/$metadata#{}", request.root(), kind.path.trim_start_matches('/'));
    let reading = request.method == "GET";
    let select = request
        .option("$select")
        .filter(|_| reading)
        .map(|list| list.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>());
    let mut shape = Shape::new(csdl, ty, select.as_deref(), false)?.for_request(request);
    let context = format!("{context}{}{entity}", shape.context());
    let options = if reading { Options::read(request, csdl, ty, directory::holds(kind))? } else { Options::default() };
    let mut item = shape.apply(object);
    for expand in &options.expand {
        expanded(tenant, csdl, kind, key, expand, &mut item)?;
    }
    item.insert("@odata.context".to_owned(), context.into());
    Ok(Reply::json(200, &item))
}

/// Answers GET of one object of any type.
pub fn one(
    csdl: &'static Csdl,
    ty: &'static Type,
    request: &Request,
    object: Properties,
    context: String,
) -> Result<Reply, Fault> {
    let select =
        request.option("$select").map(|list| list.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>());
    let mut item = Shape::new(csdl, ty, select.as_deref(), false)?.for_request(request).apply(object);
    item.insert("@odata.context".to_owned(), context.into());
    Ok(Reply::json(200, &item))
}

/// Answers GET of a link of one object.
pub fn read_link(
    tenant: &Tenant,
    csdl: &'static Csdl,
    kind: &'static Kind,
    of: &Pick,
    link: &'static Link,
    part: LinkPart,
    request: &Request,
) -> Result<Reply, Fault> {
    let (key, object) = tenant.find(kind, of)?;
    if let LinkShape::Children(_) = link.shape {
        let ty = child_shapes::type_of(csdl, kind, link)?;
        let context =
            format!("{}/$metadata#{}('{}')/{}", request.root(), kind.path.trim_start_matches('/'), key.id, link.name);
        let keys = tenant.links.targets(&key, link.name);
        return list_children(tenant, csdl, ty, link, request, context, keys.into_iter().flatten());
    }
    if link.shape == LinkShape::Reference {
        let target = tenant
            .links
            .targets(&key, link.name)
            .into_iter()
            .flatten()
            .find(|target| tenant.directory_kind(target).is_some());
        let target = target.ok_or_else(|| Fault::missing(link.name))?;
        return match part {
            LinkPart::References => {
                let body = json!({"@odata.context": format!("{}/$metadata#$ref", request.root()), "@odata.id": format!("{}/directoryObjects/{}", request.root(), target.id)});
                Ok(Reply::text(body.to_string()))
            }
            LinkPart::Objects | LinkPart::Count => directory_object(tenant, csdl, &target.id, request),
        };
    }
    let hidden = link.hidden.filter(|hidden| hidden.when.holds(&object) && !request.caller.may(hidden.permission));
    let all = tenant.links.targets(&key, link.name).filter(|_| hidden.is_none());
    if part == LinkPart::Count {
        return match request.eventual() {
            true => {
                Ok(Reply::count(all.into_iter().flatten().filter(|key| tenant.directory_kind(key).is_some()).count()))
            }
            false => Err(Fault::bad("$count is not currently supported.")),
        };
    }
    if link.to != Link::COMMON.to {
        let other = kinds::ALL.iter().copied().find(|kind| kind.path == link.to);
        let other = other.ok_or_else(|| Fault::no_segment(link.name))?;
        return of_kind(tenant, csdl, other, all, request);
    }
    let listed = |target: &&Key| {
        let hidden = |target_kind| quirks::hidden_from_list(kind, link.name, target_kind, request);
        !tenant.directory_kind(target).is_some_and(hidden)
    };
    objects(tenant, csdl, request, part == LinkPart::References, |after| {
        let keys = all.map(|all| all.range((bound(after), Bound::Unbounded)));
        Box::new(keys.into_iter().flatten().filter(listed))
    })
}

/// Answers with a paged list of directory objects of any kind.
pub fn objects<'a>(
    tenant: &'a Tenant,
    csdl: &'static Csdl,
    request: &'a Request,
    refs: bool,
    keys: impl Fn(Option<Key>) -> Box<dyn Iterator<Item = &'a Key> + 'a>,
) -> Result<Reply, Fault> {
    let ty = csdl.ty("directoryObject").ok_or_else(|| Fault::no_segment("directoryObjects"))?;
    let options = Options::read(request, csdl, ty, true)?;
    for name in options.select.iter().flatten() {
        super::odata::find(csdl, ty, name)?;
    }
    let select = options.select.clone();
    let mut shapes = Shapes::new(csdl, select.as_deref());
    let list = List { tenant, csdl, ty, request, options, context: String::new(), kind: None };
    let state = list
        .options
        .token
        .as_deref()
        .map(|token| page::open(&tenant.secret, token).ok_or_else(Fault::page_token))
        .transpose()?;
    let after = state.as_ref().and_then(|state| state.get("after")).and_then(Value::as_str).map(Key::of);
    let size = list.options.top.unwrap_or(100);
    let mut value = Vec::new();
    let mut last = None;
    let mut more = false;
    for key in keys(after).filter(|key| tenant.directory_kind(key).is_some()) {
        if value.len() == size {
            more = true;
            break;
        }
        let item = match refs {
            true => Some(json!({"@odata.id": format!("{}/directoryObjects/{}", request.root(), key.id)})),
            false => shapes.show(tenant, key),
        };
        let item = item.filter(|item| refs || item.as_object().is_some_and(|object| list.fits(object)));
        if let Some(item) = item {
            value.push(item);
            last = Some(key.id.clone());
        }
    }
    let mut body = Properties::new();
    let what = if refs {
        "Collection($ref)".to_owned()
    } else {
        format!("directoryObjects{}", select.map(|names| format!("({})", names.join(","))).unwrap_or_default())
    };
    body.insert("@odata.context".to_owned(), format!("{}/$metadata#{what}", request.root()).into());
    if list.options.count && state.is_none() {
        let count = keys(None).filter(|key| tenant.directory_kind(key).is_some()).count();
        body.insert("@odata.count".to_owned(), count.into());
    }
    if let (true, Some(last)) = (more, last) {
        let token = page::seal(&tenant.secret, &json!({"after": last.as_ref()}));
        body.insert("@odata.nextLink".to_owned(), list.next(&token).into());
    }
    body.insert("value".to_owned(), Value::Array(value));
    Ok(Reply { units: list.units(), ..Reply::json(200, &body) })
}

/// Answers GET of a relation narrowed to one kind: `members/microsoft.graph.user`. Only the index knows its targets.
/// <https://learn.microsoft.com/graph/aad-advanced-queries>, <https://learn.microsoft.com/graph/api/group-list-members>
pub fn read_targets_of_kind(
    tenant: &Tenant,
    csdl: &'static Csdl,
    only: &'static Kind,
    keys: Option<&BTreeSet<Key>>,
    count: bool,
    request: &Request,
) -> Result<Reply, Fault> {
    let ty = csdl.ty(only.entity).ok_or_else(|| Fault::no_segment(only.name))?;
    let options = Options::read(request, csdl, ty, true)?;
    if !request.eventual() || !(count || options.count) {
        return Err(Fault::unsupported("OData casts are only supported with $count and the header ConsistencyLevel."));
    }
    let live = &tenant.store.table(only).live;
    if count {
        return Ok(Reply::count(keys.into_iter().flatten().filter(|key| live.contains_key(*key)).count()));
    }
    of_kind(tenant, csdl, only, keys, request)
}

/// Answers with the targets of a relation to objects of one kind.
pub fn of_kind(
    tenant: &Tenant,
    csdl: &'static Csdl,
    other: &'static Kind,
    keys: Option<&BTreeSet<Key>>,
    request: &Request,
) -> Result<Reply, Fault> {
    let ty = csdl.ty(other.entity).ok_or_else(|| Fault::no_segment(other.name))?;
    let options = Options::read(request, csdl, ty, directory::holds(other))?;
    let root = request.root();
    let context = format!("{root}/$metadata#{}", other.path.trim_start_matches('/'));
    let live = &tenant.store.table(other).live;
    let list = List { tenant, csdl, ty, request, options, context, kind: Some(other) };
    list.answer(|after| {
        let keys = keys.map(|keys| keys.range((bound(after), Bound::Unbounded))).into_iter().flatten();
        let root = root.clone();
        Box::new(keys.filter_map(move |key| {
            let mut object = live.get(key)?.unpack();
            quirks::on_read(tenant, other, key, &mut object, &root);
            Some((key.clone(), object))
        }))
    })
}

/// Answers with a paged list of children.
pub fn list_children<'a>(
    tenant: &'a Tenant,
    csdl: &'static Csdl,
    ty: &'static Type,
    link: &'static Link,
    request: &'a Request,
    context: String,
    keys: impl Iterator<Item = &'a Key>,
) -> Result<Reply, Fault> {
    let options = Options::read(request, csdl, ty, true)?;
    let keys: Vec<&Key> = keys.collect();
    let list = List { tenant, csdl, ty, request, options, context, kind: None };
    list.answer(|after| {
        let table = tenant.store.children(link.name);
        let keys: Vec<Key> = keys
            .iter()
            .filter(|key| after.as_ref().is_none_or(|after| **key > after))
            .map(|key| (*key).clone())
            .collect();
        Box::new(keys.into_iter().filter_map(move |key| {
            let child = table?.live.get(&key)?.unpack();
            tenant.visible(link.name, &child).then(|| (key, child_shapes::decorate(link, child, request)))
        }))
    })
}

/// Answers GET of any directory object by id.
pub fn directory_object(tenant: &Tenant, csdl: &'static Csdl, id: &str, request: &Request) -> Result<Reply, Fault> {
    let select =
        request.option("$select").map(|list| list.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>());
    let mut shapes = Shapes::new(csdl, select.as_deref());
    let Some(Value::Object(mut item)) = shapes.show(tenant, &Key::of(id)) else { return Err(Fault::missing(id)) };
    item.insert("@odata.context".to_owned(), format!("{}/$metadata#directoryObjects/$entity", request.root()).into());
    Ok(Reply::json(200, &item))
}
