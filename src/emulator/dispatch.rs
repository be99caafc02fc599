//! Turns a request into its reply. Each part of a batch is dispatched as a request of its own.

use serde_json::{Value, json};

use super::annotations;
use super::batch;
use super::bin;
use super::child_shapes;
use super::children;
use super::csdl::{self, Csdl};
use super::delta;
use super::error::Fault;
use super::expand::Shapes;
use super::faults::writes::WriteOf;
use super::faults::{self, Capture, Lag, Replicas};
use super::logs;
use super::permissions;
use super::read;
use super::refs;
use super::request::{Reply, Request};
use super::routes::{self, LinkPart, Pick, Route, Target};
use super::schedules;
use super::store::Key;
use super::tenant::Tenant;
use super::write;
use crate::kinds;
use crate::model::Kind;
use crate::model::kind::{Api, Link, LinkShape};
use std::sync::RwLock;

use tokio::time::Instant;

/// Answers a request: finds its route, checks the caller's permissions, then reads or writes.
pub fn dispatch(tenant: &RwLock<Tenant>, request: &Request) -> Result<Reply, Fault> {
    let mut route = routes::route(request.api, &request.segments)?;
    permissions::check(&route, &request.method, &request.caller)?;
    if matches!(route.target, Target::Batch) {
        return batch::answer(tenant, request, dispatch);
    }
    store_settings(tenant, request);
    resolve_kind(&tenant.read().unwrap_or_else(std::sync::PoisonError::into_inner), &mut route.target);
    let reply = carry_out(tenant, &route, request)?;
    Ok(match request.full_metadata() {
        true => {
            let tenant = tenant.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            annotations::add(&tenant, &route.target, request, reply)
        }
        false => reply,
    })
}

/// Carries out a read or a write, with the faults and the replication lag that are configured. Reads without a lag share a lock.
fn carry_out(tenant: &RwLock<Tenant>, route: &Route, request: &Request) -> Result<Reply, Fault> {
    let csdl = csdl::of(request.api);
    let reads = reads(request, route);
    if reads {
        let tenant = tenant.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        tenant.weather.admit(request)?;
        if tenant.replicas.agree() {
            let reply = read_with_faults(&tenant, csdl, route, request);
            tenant.weather.charge(request, reply.as_ref().map_or(0, |reply| reply.units));
            return reply;
        }
    }
    let mut tenant = tenant.write().unwrap_or_else(std::sync::PoisonError::into_inner);
    let lag = tenant.weather.lag();
    let now = Instant::now();
    let reply = match (reads, lag) {
        (true, Some(Lag { dice, .. })) => {
            match Replicas::show(&mut tenant, dice, now, |tenant| read_with_faults(tenant, csdl, route, request)) {
                // The replica does not know a delta token that is newer than its log: then an up-to-date replica answers.
                Err(fault) if fault.status == 410 => read_with_faults(&tenant, csdl, route, request),
                reply => reply,
            }
        }
        (true, None) => read_with_faults(&tenant, csdl, route, request),
        (false, lag) => {
            tenant.weather.admit(request)?;
            let causes = tenant.weather.admit_write(|| WriteOf::new(&tenant, route, request).effects())?;
            let reply =
                write_with_lag(&mut tenant, lag, now, request, |tenant| route_write(tenant, csdl, route, request));
            if let Ok(reply) = &reply {
                tenant.weather.note(causes, reply);
            }
            reply
        }
    };
    tenant.weather.charge(request, reply.as_ref().map_or(0, |reply| reply.units));
    reply
}

/// Stores the default role settings of a group, if the request's path names such settings and they are not stored yet.
fn store_settings(tenant: &RwLock<Tenant>, request: &Request) {
    let group = {
        let tenant = tenant.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        super::quirks::unstored_policies(&tenant, &request.segments).map(str::to_owned)
    };
    if let Some(group) = group {
        super::quirks::store_policies(&mut tenant.write().unwrap_or_else(std::sync::PoisonError::into_inner), &group);
    }
}

/// Sets the target's kind to the one that has the object, since several kinds may share a path.
fn resolve_kind(tenant: &Tenant, target: &mut Target) {
    if let Target::Object(kind, of) | Target::Link { kind, of, .. } | Target::Child { kind, of: Some(of), .. } = target
    {
        *kind = tenant.at_path_of(kind, of);
    }
}

/// Carries out a write, and notes the state before and after it, so that other replicas show it after `lag`. Without a lag they
/// show it at once.
fn write_with_lag(
    tenant: &mut Tenant,
    lag: Option<Lag>,
    now: Instant,
    request: &Request,
    write: impl FnOnce(&mut Tenant) -> Result<Reply, Fault>,
) -> Result<Reply, Fault> {
    let Some(Lag { maximum, dice }) = lag else { return write(tenant) };
    tenant.replicas.check(request, dice, now)?;
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let named_ids = || request.segments.iter().map(String::as_str).chain([body.as_str()]);
    let before = Capture::of(tenant, named_ids());
    let reply = write(tenant)?;
    // Of the reply only the id of a created object is captured: other ids in it may belong to older objects.
    let made = reply.body.as_deref().filter(|_| reply.status == 201);
    let made = made.and_then(|body| serde_json::from_str::<Value>(body).ok());
    let made = made.as_ref().and_then(|body| body["id"].as_str());
    let after = Capture::of(tenant, named_ids().chain(made));
    tenant.replicas.note(before, &after, maximum, dice, now);
    Ok(reply)
}

/// Returns true if the request only reads: every GET, and the POST `getByIds`.
pub fn reads(request: &Request, route: &Route) -> bool {
    request.method == "GET" || matches!(route.target, Target::GetByIds)
}

/// Answers a read, with the faults that are configured for its target.
fn read_with_faults(tenant: &Tenant, csdl: &'static Csdl, route: &Route, request: &Request) -> Result<Reply, Fault> {
    let ailment = tenant.weather.ailment(&route.target);
    let mut reply = faults::reading(ailment, request, || route_read(tenant, csdl, route, request))?;
    if let Target::Kind(_) = route.target {
        let omitted = tenant.weather.omitted();
        if !omitted.is_empty() {
            reply = faults::less(reply, |id| !omitted.contains(id));
        }
    }
    if reply.plain && !request.takes_plain_text() {
        return Err(Fault::new(415, "UnsupportedMediaType", "The media type of a count is text/plain."));
    }
    Ok(reply)
}

/// Calls the function that answers a read of the route's target.
fn route_read(tenant: &Tenant, csdl: &'static Csdl, route: &Route, request: &Request) -> Result<Reply, Fault> {
    match &route.target {
        Target::Kind(kind) => read::list(tenant, csdl, kind, request),
        Target::Count(kind) => read::count(tenant, csdl, kind, request),
        Target::Object(kind, pick) => {
            let (key, object) = tenant.find(kind, pick)?;
            read::single(tenant, csdl, kind, request, &key, object)
        }
        Target::Delta(kind) => delta::answer(tenant, csdl, kind, request),
        Target::Link { kind, of, link, part } => read::read_link(tenant, csdl, kind, of, link, *part, request),
        Target::Child { kind, of, link, child } => children::get(tenant, csdl, kind, of.as_ref(), link, child, request),
        Target::Single { kind, of, link } => {
            children::get(tenant, csdl, kind, Some(of), link, &Pick::Id(String::new()), request)
        }
        Target::End { kind, of, owner, link, to: None } => {
            let (key, _) = tenant.find(kind, of)?;
            read::of_kind(tenant, csdl, owner, tenant.links.sources(&key, link.name), request)
        }
        // This path takes the POST of a request to add or remove a child, and does not list children.
        Target::Children { link, .. } if link.children().is_some_and(|children| children.requests.is_some()) => {
            Err(Fault::method())
        }
        Target::Children { kind, link } => list_children(tenant, csdl, kind, link, request),
        Target::Borrowed { kind, borrowed } => read::borrowed(tenant, csdl, kind, borrowed, request),
        Target::Typed { kind, of, name, reverse, only, count } => {
            let (key, _) = tenant.find(kind, of)?;
            let links = &tenant.links;
            let keys = if *reverse { links.sources(&key, name) } else { links.targets(&key, name) };
            read::read_targets_of_kind(tenant, csdl, only, keys, *count, request)
        }
        Target::Reverse { kind, of, name } => list_reverse(tenant, csdl, kind, of, name, request),
        Target::ReverseChild { kind, of, child } => {
            let (principal, link) = (tenant.find(kind, of)?.0, app_role_assignments()?);
            check_has_assignment(tenant, &principal, child)?;
            children::get(tenant, csdl, link.0, None, link.1, &Pick::Id(child.clone()), request)
        }
        Target::Bin(kind) => read::bin(tenant, csdl, kind, request),
        Target::Deleted(owner, id) => bin::get(tenant, csdl, *owner, id, request),
        Target::DirectoryObject(id) => read::directory_object(tenant, csdl, id, request),
        Target::GetByIds => get_by_ids(tenant, csdl, request),
        Target::Audits(id) => logs::audits(tenant, csdl, id.as_deref(), request),
        Target::Action { kind, of, name } if kind.name == "authenticationStrengthPolicy" && name == "usage" => {
            logs::usage(tenant, kind, of, request)
        }
        Target::Action { name, .. } => Err(Fault::no_segment(name)),
        Target::LinkEnd { .. } | Target::End { .. } | Target::Requests(_) | Target::Restore(..) | Target::Batch => {
            Err(Fault::method())
        }
    }
}

/// Calls the function that carries out the method on the route's target.
fn route_write(tenant: &mut Tenant, csdl: &'static Csdl, route: &Route, request: &Request) -> Result<Reply, Fault> {
    match (request.method.as_str(), &route.target) {
        ("POST", Target::Kind(kind)) => write::create(tenant, csdl, kind, request),
        ("PATCH", Target::Kind(kind)) if kind.is_singleton() => {
            write::update(tenant, csdl, kind, &Pick::Id(String::new()), request)
        }
        ("PUT", Target::Kind(kind)) if kind.is_singleton() => {
            write::replace(tenant, csdl, kind, &Pick::Id(String::new()), request)
        }
        ("PUT", Target::Object(kind, pick)) => write::replace(tenant, csdl, kind, pick, request),
        ("POST", Target::Requests(kind)) => schedules::request(tenant, csdl, kind, request),
        ("PUT", Target::Single { kind, of, link }) => {
            children::put(tenant, csdl, kind, Some(of), link, &Pick::Id(String::new()), request)
        }
        ("PUT", Target::Child { kind, of, link, child }) => {
            children::put(tenant, csdl, kind, of.as_ref(), link, child, request)
        }
        ("POST", Target::Single { kind, of, link }) => children::create(tenant, csdl, kind, Some(of), link, request),
        ("PATCH", Target::Single { kind, of, link }) => {
            children::update(tenant, csdl, kind, Some(of), link, &Pick::Id(String::new()), request)
        }
        ("DELETE", Target::Single { kind, of, link }) => {
            children::delete(tenant, kind, Some(of), link, &Pick::Id(String::new()), request)
        }
        ("POST", Target::End { kind, of, owner, link, to: None }) => {
            refs::at_end(tenant, kind, of, owner, link, None, request)
        }
        ("DELETE", Target::End { kind, of, owner, link, to: Some(to) }) => {
            refs::at_end(tenant, kind, of, owner, link, Some(to), request)
        }
        ("PATCH", Target::Object(kind, pick)) => write::update(tenant, csdl, kind, pick, request),
        // v1.0 gives this answer, although its page documents the call; beta deletes the unit.
        ("DELETE", Target::Object(kind, _)) if kind.name == "administrativeUnit" && request.api == Api::V1 => {
            Err(Fault::new(404, "", "The OData path is invalid."))
        }
        ("DELETE", Target::Object(kind, pick)) => write::delete(tenant, kind, pick, request),
        ("POST", Target::Link { kind, of, link, part: LinkPart::Objects | LinkPart::Count }) => {
            children::create(tenant, csdl, kind, Some(of), link, request)
        }
        ("POST", Target::Link { kind, of, link, part: LinkPart::References })
            if link.shape == LinkShape::References && link.ends.is_empty() =>
        {
            refs::add(tenant, kind, of, link, request)
        }
        ("PUT", Target::Link { kind, of, link, part: LinkPart::References }) if link.shape == LinkShape::Reference => {
            refs::add(tenant, kind, of, link, request)
        }
        ("DELETE", Target::Link { kind, of, link, part: LinkPart::References }) => {
            refs::remove(tenant, kind, of, link, None, request)
        }
        ("DELETE", Target::LinkEnd { kind, of, link, to }) if link.ends.is_empty() => {
            refs::remove(tenant, kind, of, link, Some(to), request)
        }
        ("POST", Target::Children { kind, link }) => children::create(tenant, csdl, kind, None, link, request),
        ("PATCH", Target::Child { kind, of, link, child }) => {
            children::update(tenant, csdl, kind, of.as_ref(), link, child, request)
        }
        ("DELETE", Target::Child { kind, of, link, child }) => {
            children::delete(tenant, kind, of.as_ref(), link, child, request)
        }
        ("POST", Target::Reverse { kind, of, name: "appRoleAssignments" }) => {
            let (key, _) = tenant.find(kind, of)?;
            let body = request.object()?;
            if body.get("principalId").and_then(Value::as_str).map(Key::of) != Some(key) {
                return Err(super::quirks::invalid("principalId", "AppRoleAssignment"));
            }
            let (kind, link) = app_role_assignments()?;
            children::create(tenant, csdl, kind, None, link, request)
        }
        ("DELETE", Target::ReverseChild { kind, of, child }) => {
            let (principal, link) = (tenant.find(kind, of)?.0, app_role_assignments()?);
            check_has_assignment(tenant, &principal, child)?;
            children::delete(tenant, link.0, None, link.1, &Pick::Id(child.clone()), request)
        }
        ("POST", Target::Action { kind, of, name }) => write::act(tenant, kind, of, name, request),
        ("POST", Target::Restore(owner, id)) => bin::restore(tenant, csdl, *owner, id, request),
        ("DELETE", Target::Deleted(owner, id)) => bin::purge(tenant, *owner, id, request),
        _ => Err(Fault::method()),
    }
}

/// Returns the kind and the link in which app role assignments are stored: at the service principal of the resource.
fn app_role_assignments() -> Result<(&'static Kind, &'static Link), Fault> {
    let kind = kinds::by_name("servicePrincipal");
    kind.and_then(|kind| Some((kind, kind.link("appRoleAssignedTo")?)))
        .ok_or_else(|| Fault::no_segment("appRoleAssignments"))
}

/// Fails if the principal does not have the app role assignment `child`.
fn check_has_assignment(tenant: &Tenant, principal: &Key, child: &str) -> Result<(), Fault> {
    let owned = tenant.links.targets(principal, "appRoleAssignments").is_some_and(|all| all.contains(&Key::of(child)));
    if owned { Ok(()) } else { Err(Fault::missing(child)) }
}

/// Lists the children of all parents.
fn list_children(
    tenant: &Tenant,
    csdl: &'static Csdl,
    kind: &'static Kind,
    link: &'static Link,
    request: &Request,
) -> Result<Reply, Fault> {
    let ty = child_shapes::type_of(csdl, kind, link)?;
    let context = format!("{}/$metadata#{}", request.root(), link.name);
    let keys = tenant.store.children(link.name).into_iter().flat_map(|table| table.live.keys());
    read::list_children(tenant, csdl, ty, link, request, context, keys)
}

/// Lists the objects whose relation `name` leads to an object, or the app role assignments of a principal.
fn list_reverse(
    tenant: &Tenant,
    csdl: &'static Csdl,
    kind: &'static Kind,
    of: &Pick,
    name: &'static str,
    request: &Request,
) -> Result<Reply, Fault> {
    let (key, _) = tenant.find(kind, of)?;
    if name == "appRoleAssignments" {
        let (owner, link) = app_role_assignments()?;
        let ty = child_shapes::type_of(csdl, owner, link)?;
        let context = format!("{}/$metadata#appRoleAssignments", request.root());
        let keys = tenant.links.targets(&key, name).into_iter().flatten();
        return read::list_children(tenant, csdl, ty, link, request, context, keys);
    }
    let sources = tenant.links.sources(&key, name);
    read::objects(tenant, csdl, request, false, |after| {
        Box::new(sources.into_iter().flatten().filter(move |source| after.as_ref().is_none_or(|after| *source > after)))
    })
}

/// Answers `getByIds`. <https://learn.microsoft.com/graph/api/directoryobject-getbyids>
fn get_by_ids(tenant: &Tenant, csdl: &'static Csdl, request: &Request) -> Result<Reply, Fault> {
    if request.method != "POST" {
        return Err(Fault::method());
    }
    let body = request.object()?;
    if let Some(name) = body.keys().find(|name| !matches!(name.as_str(), "ids" | "types")) {
        return Err(Fault::bad(format!("Invalid property '{name}'.")));
    }
    let ids: Vec<&str> = super::store::strings(body.get("ids")).collect();
    if ids.is_empty() || ids.len() > 1000 {
        return Err(Fault::bad("Invalid number of ids: the collection must hold between 1 and 1000 ids."));
    }
    let types: Vec<&str> = super::store::strings(body.get("types")).collect();
    let select =
        request.option("$select").map(|list| list.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>());
    let mut shapes = Shapes::new(csdl, select.as_deref());
    let wanted = |key: &Key| {
        tenant
            .directory_kind(key)
            .is_some_and(|kind| types.is_empty() || types.contains(&kind.name) || types.contains(&"directoryObject"))
    };
    let value: Vec<Value> =
        ids.iter().map(|id| Key::of(id)).filter(wanted).filter_map(|key| shapes.show(tenant, &key)).collect();
    let body = json!({"@odata.context": format!("{}/$metadata#directoryObjects", request.root()), "value": value});
    Ok(Reply { units: if select.is_some() { 2 } else { 5 }, ..Reply::text(body.to_string()) })
}
