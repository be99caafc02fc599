//! Creates, changes and deletes objects.

use serde_json::Value;

use super::audit::{Verb, changed};
use super::body::{clear_annotations, merge, take_binds};
use super::change_log::What;
use super::check::{self, Mode};
use super::csdl::{Csdl, Type};
use super::error::Fault;
use super::properties;
use super::quirks::{self, Act};
use super::read;
use super::refs;
use super::request::{Reply, Request};
use super::routes::Pick;
use super::store::{Key, Properties, Stored};
use super::tenant::Tenant;
use crate::model::Kind;
use crate::model::kind::{Call, CallForm, Creation, Deletion, LinkShape, Updates, Verb as Method};

/// Answers POST to a collection.
pub fn create(
    tenant: &mut Tenant,
    csdl: &'static Csdl,
    kind: &'static Kind,
    request: &Request,
) -> Result<Reply, Fault> {
    if !matches!(kind.creation, Creation::Post { .. }) || kind.requests.is_some() {
        return Err(Fault::method());
    }
    let body = request.object()?;
    make(tenant, csdl, kind, request, body)
}

fn make(
    tenant: &mut Tenant,
    csdl: &'static Csdl,
    kind: &'static Kind,
    request: &Request,
    mut object: Properties,
) -> Result<Reply, Fault> {
    let ty = type_of(csdl, kind)?;
    let binds = take_binds(kind, &mut object)?;
    // The key property is given at creation, even where the metadata calls it read-only.
    let chosen = object.remove(kind.key);
    if chosen.as_ref().is_some_and(|key| !key.is_string()) {
        return Err(Fault::bad(format!("Invalid value specified for property '{}': expected text.", kind.key)));
    }
    check::body(csdl, ty, &object, Mode::Create).map_err(|fault| quirks::number(kind, fault))?;
    if kind.key != "id" && chosen.is_none() {
        return Err(quirks::invalid(kind.key, kind.entity));
    }
    if chosen.is_some() && properties::read_only(ty.short(), kind.key, false) {
        return Err(Fault::bad(format!("Property '{}' is read-only and cannot be set.", kind.key)));
    }
    if let Some(chosen) = chosen {
        object.insert("id".to_owned(), chosen.clone());
        object.insert(kind.key.to_owned(), chosen);
    }
    let id = match (quirks::made_id(kind, &object), object.get("id").and_then(Value::as_str)) {
        (Some(made), _) => made,
        (None, Some(chosen)) => chosen.to_owned(),
        (None, None) => uuid::Uuid::new_v4().to_string(),
    };
    if tenant.store.table(kind).live.contains_key(&Key::of(&id)) {
        return Err(quirks::conflict("id"));
    }
    object.insert("id".to_owned(), id.into());
    clear_annotations(&mut object);
    quirks::check_protected(tenant, &request.caller, kind, &object, Act::Create)?;
    check_unique(tenant, kind, None, &object)?;
    quirks::on_create(tenant, kind, &request.caller, &mut object)?;
    // Some services derive the id from the object's properties.
    let id = object.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let key = Key::of(&id);
    let targets = refs::resolve(tenant, kind, &key, &object, &binds)?;
    // Secrets are in this answer only.
    let mut kept = quirks::without_secrets(&object);
    quirks::after_create(kind, &mut kept);
    tenant.store.table_mut(kind).put(kind, &kept);
    tenant.log.note(kind, &key, What::Written(kept.keys().cloned().collect()));
    tenant.audit(request, kind, Verb::Add, None, Some(&kept));
    quirks::settle(tenant, kind, &kept);
    for (link, target) in targets {
        refs::link(tenant, request, kind, Stored { key: &key, object: &object }, link, &target);
    }
    if quirks::creator_owns(kind, &request.caller)
        && let Some(owner) =
            request.caller.object_id().map(Key::of).filter(|owner| tenant.directory_kind(owner).is_some())
    {
        refs::link(tenant, request, kind, Stored { key: &key, object: &object }, "owners", &owner);
    }
    let mut reply = read::single(tenant, csdl, kind, request, &key, object)?;
    reply.status = 201;
    reply.headers.push(("Location", format!("{}{}/{id}", request.root(), kind.path)));
    Ok(reply)
}

/// Answers PATCH of one object; with `Prefer: create-if-missing` and an alternate key that no object has, it creates one.
/// <https://learn.microsoft.com/graph/api/application-upsert>
pub fn update(
    tenant: &mut Tenant,
    csdl: &'static Csdl,
    kind: &'static Kind,
    pick: &Pick,
    request: &Request,
) -> Result<Reply, Fault> {
    let makes = kind.creation == Creation::AtId(Method::Patch);
    if kind.requests.is_some() || !makes && matches!(kind.update, Updates::Nothing | Updates::Replace) {
        return Err(Fault::method());
    }
    let mut patch = request.object()?;
    let (key, old) = match (tenant.find(kind, pick), pick) {
        (Ok(found), _) => found,
        (Err(fault), Pick::By(name, value)) if fault.status == 404 && request.prefers("create-if-missing") => {
            patch.insert(name.clone(), value.clone().into());
            return make(tenant, csdl, kind, request, patch);
        }
        (Err(fault), Pick::Id(id)) if fault.status == 404 && makes => {
            patch.insert("id".to_owned(), id.clone().into());
            make(tenant, csdl, kind, request, patch)?;
            // "If successful, this method returns a 204 No Content response code", whether the PATCH creates or changes:
            // <https://learn.microsoft.com/graph/api/authenticationcontextclassreference-update>
            return Ok(Reply::empty());
        }
        (Err(fault), _) => return Err(fault),
    };
    quirks::check_protected(tenant, &request.caller, kind, &old, Act::Update(&patch))?;
    quirks::refuse_hidden(kind, &old, request)?;
    // A key property that is repeated unchanged is ignored.
    patch.retain(|name, value| name != kind.key && name != "id" || old.get(name) != Some(value));
    if let Pick::By(name, value) = pick
        && patch.get(name).and_then(Value::as_str) == Some(value)
    {
        patch.remove(name);
    }
    let ty = type_of(csdl, kind)?;
    let binds = take_binds(kind, &mut patch)?;
    let mut typed = patch.clone();
    if let (Some(known), None) = (old.get("@odata.type"), typed.get("@odata.type")) {
        typed.insert("@odata.type".to_owned(), known.clone());
    }
    check::body(csdl, ty, &typed, Mode::Update).map_err(|fault| quirks::number(kind, fault))?;
    let mut new = old.clone();
    let type_name = patch.get("@odata.type").cloned();
    let mut plain = patch.clone();
    clear_annotations(&mut plain);
    merge(&mut new, &plain);
    for name in properties::replaced_whole(kind.name) {
        new.extend(plain.get(*name).map(|value| ((*name).to_owned(), value.clone())));
    }
    if let Some(name) = type_name {
        new.insert("@odata.type".to_owned(), name);
    }
    new.retain(|_, value| !value.is_null());
    if !patch.is_empty() {
        check_unique(tenant, kind, Some(&old), &new)?;
        quirks::on_update(tenant, kind, &old, &patch, &mut new)?;
    }
    let targets = refs::resolve(tenant, kind, &key, &old, &binds)?;
    store(tenant, request, kind, &key, &old, &new);
    quirks::after_update(tenant, kind, &new);
    for (link, target) in targets {
        refs::link(tenant, request, kind, Stored { key: &key, object: &new }, link, &target);
    }
    answer_change(tenant, csdl, kind, request, &key, new)
}

/// Answers PUT of one object: properties that the body does not name are removed, except those that the service owns.
pub fn replace(
    tenant: &mut Tenant,
    csdl: &'static Csdl,
    kind: &'static Kind,
    pick: &Pick,
    request: &Request,
) -> Result<Reply, Fault> {
    let makes = kind.creation == Creation::AtId(Method::Put);
    if kind.update != Updates::Replace && !makes {
        return Err(Fault::method());
    }
    let mut body = request.object()?;
    let (key, old) = match (tenant.find(kind, pick), pick) {
        (Ok(found), _) => found,
        (Err(fault), Pick::Id(id)) if fault.status == 404 && makes => {
            body.insert("id".to_owned(), id.clone().into());
            return make(tenant, csdl, kind, request, body);
        }
        (Err(fault), _) => return Err(fault),
    };
    let ty = type_of(csdl, kind)?;
    body.retain(|name, value| name != kind.key && name != "id" || old.get(name) != Some(value));
    check::body(csdl, ty, &body, Mode::Update)?;
    let mut new = owned(ty, &old);
    // A relation that is stored with the object by value may be left out of a PUT, and stays.
    new.extend(
        old.iter().filter(|(name, _)| quirks::by_value(kind, name)).map(|(name, value)| (name.clone(), value.clone())),
    );
    clear_annotations(&mut body);
    new.extend(body.clone().into_iter().filter(|(_, value)| !value.is_null()));
    check_unique(tenant, kind, Some(&old), &new)?;
    quirks::on_update(tenant, kind, &old, &body, &mut new)?;
    store(tenant, request, kind, &key, &old, &new);
    answer_change(tenant, csdl, kind, request, &key, new)
}

/// Answers a change: with nothing, or with the object where its page says so.
fn answer_change(
    tenant: &Tenant,
    csdl: &'static Csdl,
    kind: &'static Kind,
    request: &Request,
    key: &Key,
    new: Properties,
) -> Result<Reply, Fault> {
    match properties::update_status(kind.name, request.api) {
        Some(status) => Ok(Reply { status, ..read::single(tenant, csdl, kind, request, key, new)? }),
        None => Ok(Reply::empty()),
    }
}

/// Returns the properties of an object that only the service writes.
pub fn owned(ty: &Type, old: &Properties) -> Properties {
    let own = |name: &str| {
        matches!(name, "id" | "tenantId" | "@odata.type")
            || ty.property(name).is_none_or(|property| properties::read_only(ty.short(), name, property.read_only))
    };
    old.iter().filter(|(name, _)| own(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Stores a changed object, with its line in the delta log and its entry in the audit log.
pub fn store(
    tenant: &mut Tenant,
    request: &Request,
    kind: &'static Kind,
    key: &Key,
    old: &Properties,
    new: &Properties,
) {
    let names = changed(Some(old), new);
    if names.is_empty() {
        return;
    }
    tenant.store.table_mut(kind).put(kind, new);
    tenant.log.note(kind, key, What::Written(names));
    tenant.audit(request, kind, Verb::Update, Some(old), Some(new));
}

/// Answers DELETE of one object: it goes into the recycle bin where there is one.
pub fn delete(tenant: &mut Tenant, kind: &'static Kind, pick: &Pick, request: &Request) -> Result<Reply, Fault> {
    if kind.deletion == Deletion::Never || kind.requests.is_some() {
        return Err(Fault::method());
    }
    let (key, object) = tenant.find(kind, pick)?;
    quirks::check_protected(tenant, &request.caller, kind, &object, Act::Delete)?;
    quirks::on_delete(tenant, kind, &key, &object)?;
    for (other, key) in quirks::deleted_with(tenant, kind, &object) {
        remove(tenant, other, &key, request);
    }
    remove(tenant, kind, &key, request);
    if kind.name == "roleDefinition" {
        quirks::unsettle(tenant);
    }
    Ok(Reply::empty())
}

pub fn remove(tenant: &mut Tenant, kind: &'static Kind, key: &Key, request: &Request) {
    let Some(old) = tenant.store.table_mut(kind).take(kind, key) else { return };
    // For objects linked to the deleted one the link is gone; it is there again when the object is restored.
    note_sources(tenant, key, false);
    let soft = matches!(kind.deletion, Deletion::Soft { .. }) && quirks::recyclable(kind, &old);
    if soft {
        let mut deleted = old.clone();
        deleted.insert("deletedDateTime".to_owned(), tenant.clock.seconds().into());
        if kind.name == "user" {
            quirks::rename_deleted(&mut deleted);
        }
        tenant.store.table_mut(kind).bin.insert(key.clone(), super::store::Row::pack(&deleted));
        tenant.log.note(kind, key, What::Deleted);
    } else {
        forget_children(tenant, kind, key);
        tenant.links.forget(key);
        tenant.log.note(kind, key, What::Gone);
    }
    tenant.audit(request, kind, Verb::Delete, Some(&old), None);
}

/// Records in the delta log that the links to `key` were added or removed.
pub fn note_sources(tenant: &mut Tenant, key: &Key, came: bool) {
    for (link, source) in tenant.links.all_sources(key) {
        if let Some(kind) = tenant.directory_kind(&source) {
            tenant.log.note(kind, &source, What::Linked(link.to_owned(), key.id.to_string(), came));
        }
    }
}

/// Removes the children of an object that is removed for good.
pub fn forget_children(tenant: &mut Tenant, kind: &'static Kind, key: &Key) {
    for link in kind.links {
        if matches!(link.shape, LinkShape::Children(_)) {
            let children: Vec<_> = tenant.links.targets(key, link.name).into_iter().flatten().cloned().collect();
            for child in children {
                tenant.store.children_mut(link.name).live.remove(&child);
                tenant.links.forget(&child);
            }
        }
    }
}

/// Answers POST of an action bound to one object.
pub fn act(
    tenant: &mut Tenant,
    kind: &'static Kind,
    pick: &Pick,
    action: &str,
    request: &Request,
) -> Result<Reply, Fault> {
    let (key, old) = tenant.find(kind, pick)?;
    quirks::check_protected(tenant, &request.caller, kind, &old, Act::Relate)?;
    let mut new = old.clone();
    let reply = match (kind.name, action) {
        (_, action)
            if kind.calls.iter().any(|call| call.action == action && kind.name != "authenticationStrengthPolicy") =>
        {
            let body = request.object()?;
            for call in kind.calls.iter().filter(|call| call.action == action) {
                carry_out(kind, call, &body, &mut new)?;
            }
            Reply::empty()
        }
        ("authenticationStrengthPolicy", "updateAllowedCombinations") => {
            let body = request.object()?;
            check_call(kind, &body)?;
            let mut reply = quirks::combinations(tenant, &mut new, &body)?;
            reply["@odata.context"] =
                format!("{}/$metadata#microsoft.graph.updateAllowedCombinationsResult", request.root()).into();
            Reply::text(reply.to_string())
        }
        ("application" | "servicePrincipal", "addPassword" | "removePassword") => {
            match quirks::password(tenant, kind, action, &mut new, &request.object()?)? {
                Some(made) => Reply::text(made.to_string()),
                None => Reply::empty(),
            }
        }
        _ => return Err(Fault::no_segment(action)),
    };
    store(tenant, request, kind, &key, &old, &new);
    Ok(reply)
}

/// Applies an action that sets one property.
fn carry_out(kind: &Kind, call: &Call, body: &Properties, object: &mut Properties) -> Result<(), Fault> {
    match call.form {
        CallForm::Value => {
            check_call(kind, body)?;
            object.extend(body.clone());
        }
        // Both lists are required: <https://learn.microsoft.com/graph/api/group-assignlicense>
        CallForm::AddRemove { add, remove, key } => {
            let list =
                |name: &str| body.get(name).and_then(Value::as_array).ok_or_else(|| quirks::invalid(name, kind.entity));
            let (added, removed) = (list(add)?, list(remove)?);
            check_call(kind, &Properties::from_iter([(call.property.to_owned(), Value::Array(added.clone()))]))?;
            let mut all = object.get(call.property).and_then(Value::as_array).cloned().unwrap_or_default();
            for gone in removed {
                let before = all.len();
                all.retain(|one| one.get(key) != Some(gone));
                if all.len() == before {
                    return Err(Fault::bad(format!("{gone} is not among {}.", call.property)));
                }
            }
            for one in added {
                all.retain(|other| other.get(key) != one.get(key));
                all.push(one.clone());
            }
            object.insert(call.property.to_owned(), Value::Array(all));
        }
    }
    Ok(())
}

/// Checks that the values of an action are of the property's own type.
fn check_call(kind: &Kind, body: &Properties) -> Result<(), Fault> {
    let csdl = super::csdl::of(kind.api);
    match csdl.ty(kind.entity) {
        Some(ty) => check::body(csdl, ty, body, Mode::Create),
        None => Ok(()),
    }
}

fn type_of(csdl: &'static Csdl, kind: &Kind) -> Result<&'static Type, Fault> {
    csdl.ty(kind.entity).ok_or_else(|| Fault::no_segment(kind.name))
}

/// Refuses a value that another live object of the kind has and that only one may have.
fn check_unique(tenant: &Tenant, kind: &Kind, old: Option<&Properties>, new: &Properties) -> Result<(), Fault> {
    let own = old.and_then(|old| old.get("id")).and_then(Value::as_str).map(Key::of);
    for name in properties::unique(kind.name) {
        if kind.name == "servicePrincipal" {
            continue;
        }
        for value in super::store::strings(new.get(*name)) {
            let holder = tenant.store.table(kind).holder(name, value);
            if holder.is_some_and(|holder| own.as_ref() != Some(holder)) {
                return Err(quirks::conflict(name));
            }
        }
    }
    Ok(())
}
