//! Reads and writes objects that live with a parent.

use serde_json::Value;

use super::check::{self, Mode};
use super::child_keys;
use super::child_shapes::{decorate, type_of};
use super::csdl::Csdl;
use super::error::Fault;
use super::quirks;
use super::read;
use super::request::{Reply, Request};
use super::routes::Pick;
use super::store::{Key, Properties, Row};
use super::tenant::Tenant;
use crate::model::Kind;
use crate::model::kind::{Children, Link, LinkShape, Updates};

/// Returns the registry's entry on the children of a link.
pub fn children_of(link: &Link) -> Result<Children, Fault> {
    match link.shape {
        LinkShape::Children(children) => Ok(children),
        _ => Err(Fault::method()),
    }
}

/// Answers POST of a child, below its parent (`of`) or by itself.
pub fn create(
    tenant: &mut Tenant,
    csdl: &'static Csdl,
    kind: &'static Kind,
    of: Option<&Pick>,
    link: &'static Link,
    request: &Request,
) -> Result<Reply, Fault> {
    let children = children_of(link)?;
    if children.requests.is_some() && of.is_none() {
        return asked(tenant, csdl, kind, link, request);
    }
    if children.create.is_none() || children.requests.is_some() {
        return Err(Fault::method());
    }
    make(tenant, csdl, kind, of, link, request, request.object()?)
}

/// Answers POST of a request to add or remove a child; an administrator's is carried out at once.
/// <https://learn.microsoft.com/graph/api/entitlementmanagement-post-resourcerequests>
fn asked(
    tenant: &mut Tenant,
    csdl: &'static Csdl,
    kind: &'static Kind,
    link: &'static Link,
    request: &Request,
) -> Result<Reply, Fault> {
    let children = children_of(link)?;
    let (asked, path) = children.requests.zip(children.create).ok_or_else(Fault::method)?;
    let ty = csdl.ty(asked.entity).ok_or_else(|| Fault::no_segment(asked.entity))?;
    let mut body = request.object()?;
    check::body(csdl, ty, &body, Mode::Create)?;
    let of = |name: &str, id: &str| body.get(name).and_then(|value| value.get(id)).and_then(Value::as_str);
    let parent = of(asked.parent, "id").ok_or_else(|| quirks::invalid(asked.parent, asked.entity))?;
    let parent = Pick::Id(parent.to_owned());
    match (body.get("requestType").and_then(Value::as_str), body.get(asked.child)) {
        (Some("adminAdd"), Some(Value::Object(child))) => {
            make(tenant, csdl, kind, Some(&parent), link, request, child.clone())?;
        }
        (Some("adminRemove"), Some(_)) => {
            let child = of(asked.child, "id").ok_or_else(|| quirks::invalid(asked.child, asked.entity))?;
            take(tenant, kind, Some(&parent), link, &Pick::Id(child.to_owned()), request)?;
        }
        _ => return Err(quirks::invalid("requestType", asked.entity)),
    }
    // The answer describes the request, not the resource.
    body.retain(|name, _| name == "requestType");
    body.insert("id".to_owned(), uuid::Uuid::new_v4().to_string().into());
    body.insert("state".to_owned(), "delivered".into());
    let context = format!("{}/$metadata#{}/$entity", request.root(), path.trim_start_matches('/'));
    let mut reply = read::one(csdl, ty, request, body, context)?;
    reply.status = 201;
    Ok(reply)
}

fn make(
    tenant: &mut Tenant,
    csdl: &'static Csdl,
    kind: &'static Kind,
    of: Option<&Pick>,
    link: &'static Link,
    request: &Request,
    mut child: Properties,
) -> Result<Reply, Fault> {
    let children = children_of(link)?;
    check::body(csdl, type_of(csdl, kind, link)?, &child, Mode::Create)?;
    let named = children.owner.and_then(|owner| child.get(owner)).and_then(Value::as_str).map(str::to_owned);
    let (key, parent) = match (of, named) {
        (Some(of), named) => {
            let (key, parent) = tenant.find(kind, of)?;
            if named.is_some_and(|named| Key::of(&named) != key) {
                return Err(quirks::invalid(children.owner.unwrap_or("id"), link.name));
            }
            (key, parent)
        }
        (None, Some(named)) => tenant.find(kind, &Pick::Id(named))?,
        (None, None) => return Err(quirks::invalid(children.owner.unwrap_or("id"), link.name)),
    };
    child.retain(|name, value| (!name.contains("@odata.") || name == "@odata.type") && !value.is_null());
    quirks::create_child(tenant, link.name, &key, &mut child)?;
    let child_key = tenant.adopt(&key, link.name, child);
    let made = tenant.store.children(link.name).and_then(|table| table.get(&child_key.id)).unwrap_or_default();
    tenant.audit_child(request, link.name, kind, &parent, None, Some(&made));
    let mut reply = show(csdl, kind, of.map(|_| &key), link, request, made)?;
    reply.status = 201;
    Ok(reply)
}

/// Answers GET of one child.
pub fn get(
    tenant: &Tenant,
    csdl: &'static Csdl,
    kind: &'static Kind,
    of: Option<&Pick>,
    link: &'static Link,
    child: &Pick,
    request: &Request,
) -> Result<Reply, Fault> {
    let (_, value, _) = find(tenant, kind, of, link, child)?;
    let parent = of.map(|of| tenant.find(kind, of)).transpose()?.map(|(key, _)| key);
    show(csdl, kind, parent.as_ref(), link, request, value)
}

/// Answers PATCH of one child; a credential picked by name that is not there is created.
/// <https://learn.microsoft.com/graph/api/federatedidentitycredential-upsert>
pub fn update(
    tenant: &mut Tenant,
    csdl: &'static Csdl,
    kind: &'static Kind,
    of: Option<&Pick>,
    link: &'static Link,
    child: &Pick,
    request: &Request,
) -> Result<Reply, Fault> {
    if children_of(link)?.update == Updates::Nothing {
        return Err(Fault::method());
    }
    let mut patch = request.object()?;
    let (key, old, parent) = match (find(tenant, kind, of, link, child), child) {
        (Err(fault), Pick::By(name, value)) if fault.status == 404 && request.prefers("create-if-missing") => {
            let mut body = patch.clone();
            body.insert(name.clone(), value.clone().into());
            let mut request = request.clone();
            request.body = Value::Object(body).to_string().into_bytes();
            return create(tenant, csdl, kind, of, link, &request);
        }
        (found, _) => found?,
    };
    // Microsoft's examples repeat the id: <https://learn.microsoft.com/graph/api/unifiedrolemanagementpolicyrule-update>
    if patch.get("id") == old.get("id") {
        patch.remove("id");
    }
    // The page's example leaves the type out, when the body holds only the property that every type has:
    // <https://learn.microsoft.com/graph/api/authenticationcombinationconfiguration-update>
    if let ("combinationConfigurations", Some(ty)) = (link.name, old.get("@odata.type"))
        && patch.keys().all(|name| name == "appliesToCombinations")
    {
        patch.entry("@odata.type").or_insert_with(|| ty.clone());
    }
    check::body(csdl, type_of(csdl, kind, link)?, &patch, Mode::Update)?;
    let mut new = old.clone();
    super::body::merge(&mut new, &patch);
    new.retain(|_, value| !value.is_null());
    quirks::update_child(tenant, link.name, &old, &patch, &mut new)?;
    quirks::check_siblings(tenant, link.name, &key, &new)?;
    tenant.store.children_mut(link.name).live.insert(key, Row::pack(&new));
    tenant.audit_child(request, link.name, kind, &parent, Some(&old), Some(&new));
    if link.name == "rules" {
        quirks::touch_policy(tenant, kind, &parent);
    }
    Ok(Reply::empty())
}

/// Answers PUT of one child: it is created if it is not there, else replaced.
pub fn put(
    tenant: &mut Tenant,
    csdl: &'static Csdl,
    kind: &'static Kind,
    of: Option<&Pick>,
    link: &'static Link,
    child: &Pick,
    request: &Request,
) -> Result<Reply, Fault> {
    let children = children_of(link)?;
    if children.update != Updates::Replace {
        return Err(Fault::method());
    }
    let mut body = request.object()?;
    match find(tenant, kind, of, link, child) {
        Ok((key, old, parent)) => {
            let ty = type_of(csdl, kind, link)?;
            body.retain(|name, value| old.get(name) != Some(value) || !matches!(name.as_str(), "id" | "tenantId"));
            check::body(csdl, ty, &body, Mode::Update)?;
            let mut new = super::write::owned(ty, &old);
            new.extend(body.into_iter().filter(|(name, value)| !value.is_null() && !name.contains("@odata.context")));
            tenant.store.children_mut(link.name).live.insert(key, Row::pack(&new));
            tenant.audit_child(request, link.name, kind, &parent, Some(&old), Some(&new));
            Ok(Reply::empty())
        }
        Err(fault) if fault.status == 404 => {
            if let (Pick::Id(id), false) = (child, children.single) {
                body.insert("id".to_owned(), id.clone().into());
            }
            make(tenant, csdl, kind, of, link, request, body)
        }
        Err(fault) => Err(fault),
    }
}

/// Answers DELETE of one child.
pub fn delete(
    tenant: &mut Tenant,
    kind: &'static Kind,
    of: Option<&Pick>,
    link: &'static Link,
    child: &Pick,
    request: &Request,
) -> Result<Reply, Fault> {
    match children_of(link)?.requests {
        Some(_) => Err(Fault::method()),
        None => take(tenant, kind, of, link, child, request),
    }
}

fn take(
    tenant: &mut Tenant,
    kind: &'static Kind,
    of: Option<&Pick>,
    link: &'static Link,
    child: &Pick,
    request: &Request,
) -> Result<Reply, Fault> {
    let deletable = children_of(link)?.delete;
    let (key, old, parent) = find(tenant, kind, of, link, child)?;
    match quirks::delete_child(link.name, &old)? {
        Some(left) => {
            tenant.store.children_mut(link.name).live.insert(key, Row::pack(&left));
            tenant.audit_child(request, link.name, kind, &parent, Some(&old), Some(&left));
        }
        None if !deletable => return Err(Fault::method()),
        None => {
            tenant.store.children_mut(link.name).live.remove(&key);
            tenant.links.forget(&key);
            tenant.audit_child(request, link.name, kind, &parent, Some(&old), None);
        }
    }
    Ok(Reply::empty())
}

/// Returns one child, its properties and its parent's.
pub fn find(
    tenant: &Tenant,
    kind: &'static Kind,
    of: Option<&Pick>,
    link: &'static Link,
    pick: &Pick,
) -> Result<(Key, Properties, Properties), Fault> {
    let (Pick::Id(word) | Pick::By(_, word)) = pick;
    let missing = || Fault::missing(word);
    let table = tenant.store.children(link.name).ok_or_else(missing)?;
    let parent = of.map(|of| tenant.find(kind, of)).transpose()?;
    let key = match (pick, &parent) {
        (Pick::Id(id), None) => Some(Key::of(id)),
        // Word ids such as `Fido2` are found in any case.
        (Pick::Id(_), Some((parent, _))) if children_of(link)?.single => {
            Some(child_keys::child_key(link.name, parent, ""))
        }
        (Pick::Id(id), Some((parent, _))) => {
            let all = tenant.links.targets(parent, link.name).ok_or_else(missing)?;
            let exact = child_keys::child_key(link.name, parent, id);
            // A federated credential is picked by "either its id or name":
            // <https://learn.microsoft.com/graph/api/federatedidentitycredential-get>
            let named = |key: &&Key| {
                let name = |row: &Row| row.pick(&["name"]).get("name").and_then(Value::as_str) == Some(id.as_str());
                link.name == "federatedIdentityCredentials" && table.live.get(*key).is_some_and(name)
            };
            if all.contains(&exact) {
                Some(exact)
            } else {
                let word = |key: &&Key| key.id.len() < 36 && key.id.eq_ignore_ascii_case(id);
                all.iter().find(word).or_else(|| all.iter().find(named)).cloned()
            }
        }
        (Pick::By(name, value), Some((parent, _))) => tenant
            .links
            .targets(parent, link.name)
            .into_iter()
            .flatten()
            .find(|key| {
                table
                    .live
                    .get(key)
                    .and_then(|row| row.pick(&[name.as_str()]).remove(name))
                    .as_ref()
                    .and_then(Value::as_str)
                    == Some(value)
            })
            .cloned(),
        (Pick::By(..), None) => None,
    };
    let key = key.ok_or_else(missing)?;
    let value = table.live.get(&key).ok_or_else(missing)?.unpack();
    if !tenant.visible(link.name, &value) {
        return Err(missing());
    }
    let parent = match parent {
        Some((_, parent)) => parent,
        None => {
            let source = tenant.links.sources(&key, link.name).into_iter().flatten().next().ok_or_else(missing)?;
            tenant.store.table(kind).get(&source.id).ok_or_else(missing)?
        }
    };
    Ok((key, value, parent))
}

fn show(
    csdl: &'static Csdl,
    kind: &Kind,
    below: Option<&Key>,
    link: &Link,
    request: &Request,
    child: Properties,
) -> Result<Reply, Fault> {
    let ty = type_of(csdl, kind, link)?;
    // Below a parent the context names the parent.
    let place = match (below, kind.is_singleton()) {
        (Some(parent), false) => format!("{}('{}')/{}", kind.path.trim_start_matches('/'), parent.id, link.name),
        (Some(_), true) => format!("{}/{}", kind.path.trim_start_matches('/'), link.name),
        (None, _) => link.name.to_owned(),
    };
    let context = format!("{}/$metadata#{place}/$entity", request.root());
    read::one(csdl, ty, request, decorate(link, child, request), context)
}
