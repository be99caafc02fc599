//! Adds and removes links: `$ref`, `@odata.bind`.

use serde_json::Value;

use super::audit::Tie;
use super::change_log::What;
use super::error::Fault;
use super::quirks::{self, Act};
use super::request::{Reply, Request};
use super::routes::Pick;
use super::store::{Key, Properties, Stored, is_guid};
use super::tenant::Tenant;
use crate::model::Kind;
use crate::model::kind::{Link, LinkShape};

/// Answers POST or PUT of `{link}/$ref` with `{"@odata.id": "…/directoryObjects/{id}"}`.
pub fn add(
    tenant: &mut Tenant,
    kind: &'static Kind,
    of: &Pick,
    link: &'static Link,
    request: &Request,
) -> Result<Reply, Fault> {
    let (key, object) = tenant.find(kind, of)?;
    quirks::check_protected(tenant, &request.caller, kind, &object, Act::Relate)?;
    let body = request.object()?;
    let url = match body.get("@odata.id") {
        Some(Value::String(url)) if body.keys().all(|name| name.starts_with("@odata.")) => url.clone(),
        _ => return Err(Fault::bad("The request body must hold '@odata.id' and nothing else.")),
    };
    let target = Key::of(&match link.to == Link::COMMON.to {
        true => target_id(&url)?.to_owned(),
        false => id_below(&url, link.to)?,
    });
    let target_kind = tenant.target_kind(link, &target).ok_or_else(|| Fault::missing(&target.id))?;
    let object = Stored { key: &key, object: &object };
    quirks::check_link(tenant, kind, object, link.name, target_kind, &target, true)?;
    let there = tenant.links.targets(&key, link.name).is_some_and(|all| all.contains(&target));
    match link.shape {
        LinkShape::Reference => {
            let before: Vec<Key> = tenant
                .links
                .targets(&key, link.name)
                .into_iter()
                .flatten()
                .filter(|old| **old != target)
                .cloned()
                .collect();
            for old in before {
                unlink(tenant, request, kind, object, link.name, &old);
            }
        }
        _ if there => return Err(already(link.name)),
        _ => {}
    }
    if !there {
        self::link(tenant, request, kind, object, link.name, &target);
    }
    Ok(Reply::empty())
}

/// Answers DELETE of `{link}/{id}/$ref`, or of `{link}/$ref` for a relation to one object.
pub fn remove(
    tenant: &mut Tenant,
    kind: &'static Kind,
    of: &Pick,
    link: &'static Link,
    to: Option<&str>,
    request: &Request,
) -> Result<Reply, Fault> {
    let (key, object) = tenant.find(kind, of)?;
    quirks::check_protected(tenant, &request.caller, kind, &object, Act::Relate)?;
    let target = match (link.shape, to) {
        (LinkShape::Reference, None) => tenant.links.targets(&key, link.name).into_iter().flatten().next().cloned(),
        (LinkShape::References, Some(id)) => Some(Key::of(id)),
        _ => return Err(Fault::method()),
    };
    let there = target.filter(|target| tenant.links.targets(&key, link.name).is_some_and(|all| all.contains(target)));
    let target = there.ok_or_else(|| Fault::missing(to.unwrap_or(link.name)))?;
    let target_kind = tenant.target_kind(link, &target).ok_or_else(|| Fault::missing(&target.id))?;
    let object = Stored { key: &key, object: &object };
    quirks::check_link(tenant, kind, object, link.name, target_kind, &target, false)?;
    unlink(tenant, request, kind, object, link.name, &target);
    Ok(Reply::empty())
}

/// Adds a link, with its line in the delta log and its entry in the audit log.
pub fn link(
    tenant: &mut Tenant,
    request: &Request,
    kind: &'static Kind,
    Stored { key, object }: Stored<'_>,
    name: &'static str,
    to: &Key,
) {
    if tenant.links.add(key, name, to) {
        tenant.log.note(kind, key, What::Linked(name.to_owned(), to.id.to_string(), true));
        tenant.audit_link(request, kind, object, name, Tie::Add, to);
    }
}

pub fn unlink(
    tenant: &mut Tenant,
    request: &Request,
    kind: &'static Kind,
    Stored { key, object }: Stored<'_>,
    name: &'static str,
    to: &Key,
) {
    if tenant.links.remove(key, name, to) {
        tenant.log.note(kind, key, What::Linked(name.to_owned(), to.id.to_string(), false));
        tenant.audit_link(request, kind, object, name, Tie::Remove, to);
    }
}

/// Checks the references bound in a body before anything is written.
pub fn resolve(
    tenant: &Tenant,
    kind: &'static Kind,
    key: &Key,
    object: &Properties,
    binds: &[(&'static str, Vec<String>)],
) -> Result<Vec<(&'static str, Key)>, Fault> {
    let mut out = Vec::new();
    for (link, urls) in binds {
        for url in urls {
            let target = Key::of(target_id(url)?);
            let Some(target_kind) = tenant.directory_kind(&target) else {
                return Err(Fault::bad(Fault::missing(&target.id).message));
            };
            quirks::check_link(tenant, kind, Stored { key, object }, link, target_kind, &target, true)?;
            if tenant.links.targets(key, link).is_some_and(|all| all.contains(&target))
                || out.contains(&(*link, target.clone()))
            {
                return Err(already(link));
            }
            out.push((*link, target));
        }
    }
    Ok(out)
}

fn already(link: &str) -> Fault {
    Fault::bad(format!(
        "One or more added object references already exist for the following modified properties: '{link}'."
    ))
}

/// Answers POST and DELETE of a reference at the other end of a relation: `{target}/{id}/claimsMappingPolicies/$ref`.
pub fn at_end(
    tenant: &mut Tenant,
    kind: &'static Kind,
    of: &Pick,
    owner: &'static Kind,
    link: &'static Link,
    gone: Option<&str>,
    request: &Request,
) -> Result<Reply, Fault> {
    let (target, _) = tenant.find(kind, of)?;
    let id = match gone {
        Some(id) => id.to_owned(),
        None => match request.object()?.get("@odata.id") {
            Some(Value::String(url)) => id_below(url, owner.path)?,
            _ => return Err(Fault::bad("The request body must hold '@odata.id'.")),
        },
    };
    let (key, object) = tenant.find(owner, &Pick::Id(id))?;
    let object = Stored { key: &key, object: &object };
    let there = tenant.links.targets(&key, link.name).is_some_and(|all| all.contains(&target));
    match (gone.is_some(), there) {
        (true, false) => return Err(Fault::missing(&key.id)),
        (false, true) => return Err(already(link.name)),
        (true, true) => unlink(tenant, request, owner, object, link.name, &target),
        (false, false) if holds_another(tenant, owner, link.name, &target) => {
            return Err(Fault::bad("The object has a policy of this type already."));
        }
        (false, false) => self::link(tenant, request, owner, object, link.name, &target),
    }
    Ok(Reply::empty())
}

/// Returns true if the target has another policy already. "Only one policy object can be assigned to an application or service
/// principal." <https://learn.microsoft.com/graph/api/appmanagementpolicy-post-appliesto>
fn holds_another(tenant: &Tenant, owner: &'static Kind, link: &'static str, target: &Key) -> bool {
    let mut others = tenant.links.sources(target, link).into_iter().flatten();
    owner.name == "appManagementPolicy" && others.any(|other| tenant.store.table(owner).live.contains_key(other))
}

/// Returns the id in `…{path}/{id}`. Policies are directory objects, and may be called so as well: their `@odata.id` is one:
/// <https://learn.microsoft.com/graph/api/claimsmappingpolicy-get>
fn id_below(url: &str, path: &str) -> Result<String, Fault> {
    let found = url.to_lowercase().find(&format!("{}/", path.to_lowercase()));
    let id = found.and_then(|at| url.get(at + path.len() + 1..)).filter(|id| !id.is_empty() && !id.contains('/'));
    match id {
        Some(id) => Ok(id.to_owned()),
        None if url.contains("/directoryObjects/") => target_id(url).map(str::to_owned),
        None => Err(invalid_url(url)),
    }
}

/// Returns the id at the end of `…/directoryObjects/{id}`, `…/users/{id}` and the like. References as Graph itself returns them are
/// taken too: `…/v2/{tenant}/directoryObjects/{id}/Microsoft.DirectoryServices.User`, with the tenant or the type or both.
/// <https://learn.microsoft.com/graph/api/group-get>, <https://github.com/microsoftgraph/msgraph-metadata/issues/331>
fn target_id(url: &str) -> Result<&str, Fault> {
    let path = ["/v1.0/", "/beta/", "/v2/"].iter().find_map(|version| Some(url.split_once(version)?.1)).unwrap_or(url);
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let parts = match parts.as_slice() {
        [tenant, rest @ ..] if is_guid(tenant) => rest,
        all => all,
    };
    match parts {
        ["directoryObjects", id] => Ok(id),
        ["directoryObjects", id, ty] if ty.starts_with("Microsoft.DirectoryServices.") => Ok(id),
        ["users" | "groups" | "servicePrincipals" | "applications" | "devices", id] => Ok(id),
        [one] => one
            .strip_prefix("directoryObjects('")
            .or_else(|| one.strip_prefix("users('"))
            .and_then(|rest| rest.strip_suffix("')"))
            .ok_or_else(|| invalid_url(url)),
        _ => Err(invalid_url(url)),
    }
}

fn invalid_url(url: &str) -> Fault {
    Fault::bad(format!("Invalid URL format specified in payload: '{url}'."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_urls() {
        assert_eq!(target_id("https://graph.microsoft.com/v1.0/directoryObjects/x").ok(), Some("x"));
        assert_eq!(target_id("http://localhost:1/beta/users/x").ok(), Some("x"));
        let (tenant, typed) =
            ("84841066-274d-4ec0-a5c1-276be684bdd3", "directoryObjects/x/Microsoft.DirectoryServices.User");
        assert_eq!(target_id(&format!("https://graph.microsoft.com/v2/{tenant}/{typed}")).ok(), Some("x"));
        assert_eq!(target_id(&format!("https://graph.microsoft.com/v1.0/{typed}")).ok(), Some("x"));
        assert_eq!(target_id(&format!("https://graph.microsoft.com/v1.0/{tenant}/directoryObjects/x")).ok(), Some("x"));
        assert!(target_id("https://graph.microsoft.com/v1.0/directoryObjects/x/owners").is_err());
        assert!(target_id("x").is_err() && target_id("https://graph.microsoft.com/v1.0/policies/x").is_err());
    }
}
