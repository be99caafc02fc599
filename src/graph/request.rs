//! Turns a [`Write`] into method, path and body of its Graph request. Pure.

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::http::Repeat;
use super::urls::segment;
use crate::kinds;
use crate::model::kind::{
    CallForm, ChildRequests, Children, Creation, Deletion, End, Find, Link, LinkShape, Removal, Updates, Verb,
};
use crate::model::{Kind, Write};
use crate::tenant::TenantError;

/// Represents a write in the form that Graph takes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    pub method: Method,
    /// Version and path.
    pub path: String,
    pub body: Option<Map<String, Value>>,
    pub repeat: Repeat,
    pub permissions: &'static [&'static str],
}

/// Holds the facts that some writes need besides the write itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// Live properties of the object.
    pub live: Map<String, Value>,
    /// Kind of a link's target.
    pub target: Option<&'static str>,
    /// Present id of the object that the child names.
    pub found: Option<String>,
    /// Present id of the object itself, where Graph changes it.
    pub own: Option<String>,
}

/// Names the fact that must be read before a write can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    Nothing,
    /// Live state of the object.
    Object(&'static Kind),
    /// Kind of the target.
    Target(&'static [End]),
    /// Present id of a part within the child.
    Part(&'static Kind, &'static Find),
    /// Present id of the object.
    Own(&'static Kind),
}

/// Returns the fact that must be read before `write` can be sent.
pub(super) fn asks(write: &Write) -> Asks {
    match write {
        Write::Relink { kind, .. } if !kind.id_of.is_empty() => Asks::Own(kind),
        Write::Update { kind, .. } | Write::Delete { kind, .. } if kind.requests.is_some() => Asks::Object(kind),
        Write::Call { kind, property, .. } => match kind.call(property).map(|call| call.form) {
            Some(CallForm::AddRemove { .. }) => Asks::Object(kind),
            Some(CallForm::Value) | None => Asks::Nothing,
        },
        // The remaining credentials are written whole, so they must be read.
        Write::Unlink { kind, link, .. }
            if kind.credential(link).is_some_and(|credential| credential.removal == Removal::Patch) =>
        {
            Asks::Object(kind)
        }
        Write::Link { kind, link, .. } | Write::Unlink { kind, link, .. } => match kind.link(link) {
            Some(link) if link.ends.len() > 1 => Asks::Target(link.ends),
            Some(Link { shape: LinkShape::Children(Children { finds: Some(find), .. }), .. })
                if matches!(write, Write::Link { .. }) =>
            {
                Asks::Part(kind, find)
            }
            _ => Asks::Nothing,
        },
        _ => Asks::Nothing,
    }
}

/// Returns the request for `write` to the Graph at `base`.
pub(super) fn request_of(write: &Write, base: &str, known: &Known) -> Result<Call, TenantError> {
    let built = match write {
        Write::Create { kind, body } => creation(kind, body)?,
        Write::Restore { kind, id } => restoration(kind, id)?,
        Write::Update { kind, id, body } => update(kind, id, body, known)?,
        Write::Call { kind, id, property, value } => action(kind, id, property, value, known)?,
        Write::Link { kind, id, link, value } => link_write(&Target { kind, id, base, known }, link, value)?,
        Write::Relink { kind, id, link, child, value } => {
            let (children, permissions) = children_of(kind, link)?;
            let path = child_path(kind, &children, known.own.as_deref().unwrap_or(id), child)?;
            let method = if children.update == Updates::Replace { Method::PUT } else { Method::PATCH };
            Call { permissions, ..call(kind, method, path, Some(value.clone())) }
        }
        Write::Unlink { kind, id, link, child } if kind.credential(link).is_some() => {
            let (method, path, body) = revoked(kind, id, link, child, &known.live)?;
            call(kind, method, path, Some(body))
        }
        Write::Unlink { kind, id, link, child } => unlink(&Target { kind, id, base, known }, link, child)?,
        Write::Delete { kind, id } => deletion(kind, id, known)?,
    };
    Ok(in_version_of_link(write, built))
}

/// Returns a request that may be repeated.
fn call(kind: &Kind, method: Method, path: String, body: Option<Map<String, Value>>) -> Call {
    Call {
        method,
        path: format!("{}{path}", kind.api.segment()),
        body,
        repeat: Repeat::Idempotent,
        permissions: kind.permissions.write,
    }
}

/// Returns a POST that must not be repeated: each one makes something.
fn post_once(kind: &Kind, path: String, body: Map<String, Value>) -> Call {
    Call { repeat: Repeat::Once, ..call(kind, Method::POST, path, Some(body)) }
}

/// Returns the request that creates an object.
fn creation(kind: &Kind, body: &Map<String, Value>) -> Result<Call, TenantError> {
    if kind.requests.is_some() {
        let (path, body) = requested(kind, "adminAssign", body.clone())?;
        return Ok(post_once(kind, path, body));
    }
    match kind.creation {
        Creation::AtId(verb) => {
            let mut body = body.clone();
            let id = body.remove("id").ok_or_else(|| refuse(kind, "its id must be chosen: it is a word of its own"))?;
            let method = if verb == Verb::Put { Method::PUT } else { Method::PATCH };
            Ok(call(kind, method, object(kind, id.as_str().unwrap_or_default())?, Some(body)))
        }
        Creation::Post { .. } => Ok(post_once(kind, kind.path.to_owned(), body.clone())),
        Creation::Never { reason } => Err(refuse(kind, reason)),
    }
}

/// Returns the request that restores an object from the recycle bin.
/// <https://learn.microsoft.com/graph/api/directory-deleteditems-restore>
fn restoration(kind: &Kind, id: &str) -> Result<Call, TenantError> {
    match kind.deletion {
        Deletion::Soft { item, .. } => {
            Ok(call(kind, Method::POST, format!("{item}/{}/restore", segment(id)?), Some(Map::new())))
        }
        Deletion::Hard | Deletion::Never => Err(refuse(kind, "there is no recycle bin for it")),
    }
}

/// Returns the request that updates an object.
fn update(kind: &Kind, id: &str, body: &Map<String, Value>, known: &Known) -> Result<Call, TenantError> {
    if kind.requests.is_some() {
        let mut whole = known.live.clone();
        whole.extend(body.clone());
        let (path, body) = requested(kind, "adminUpdate", about(kind, id, whole))?;
        return Ok(post_once(kind, path, body));
    }
    let method = if kind.update == Updates::Replace { Method::PUT } else { Method::PATCH };
    Ok(call(kind, method, object(kind, id)?, Some(body.clone())))
}

/// Returns the request of the action that sets a property.
fn action(kind: &Kind, id: &str, property: &str, value: &Value, known: &Known) -> Result<Call, TenantError> {
    let found = kind.call(property).ok_or_else(|| refuse(kind, "no action sets this property"))?;
    let body = match found.form {
        CallForm::Value => Map::from_iter([(property.to_owned(), value.clone())]),
        CallForm::AddRemove { add, remove, key } => {
            let keys = |list: Option<&Value>| -> Vec<Value> {
                let all = list.and_then(Value::as_array).into_iter().flatten();
                all.filter_map(|one| one.get(key).cloned()).collect()
            };
            let wanted = keys(Some(value));
            let gone = keys(known.live.get(property)).into_iter().filter(|key| !wanted.contains(key));
            let added = if value.is_null() { Value::Array(Vec::new()) } else { value.clone() };
            Map::from_iter([(add.to_owned(), added), (remove.to_owned(), gone.collect())])
        }
    };
    Ok(call(kind, Method::POST, format!("{}/{}", object(kind, id)?, found.action), Some(body)))
}

/// Represents an object whose links are written.
struct Target<'a> {
    kind: &'static Kind,
    id: &'a str,
    /// Address of Graph.
    base: &'a str,
    known: &'a Known,
}

/// Returns the request that adds an entry to a link.
fn link_write(target: &Target<'_>, link: &str, value: &Value) -> Result<Call, TenantError> {
    let Target { kind, id, base, known } = *target;
    let (found, permissions) = link_of(kind, link)?;
    let path = format!("{}/{}/$ref", object(kind, id)?, found.segment());
    let made = match found.shape {
        // The relation is written at its other end:
        // <https://learn.microsoft.com/graph/api/claimsmappingpolicy-list-appliesto>.
        LinkShape::References if !found.ends.is_empty() => {
            let target = value.as_str().ok_or_else(|| refuse(kind, "a reference is an id"))?;
            let path = end_path(kind, found, target, known)?;
            call(kind, Method::POST, format!("{path}/$ref"), Some(reference(kind, base, kind.path, id)?))
        }
        // Graph refuses to add a member that is there already, so that a second POST does no harm:
        // <https://learn.microsoft.com/graph/api/group-post-members>.
        LinkShape::References => {
            call(kind, Method::POST, path, Some(reference(kind, base, found.to, text(kind, value)?)?))
        }
        // <https://learn.microsoft.com/graph/api/user-post-manager>
        LinkShape::Reference => {
            call(kind, Method::PUT, path, Some(reference(kind, base, found.to, text(kind, value)?)?))
        }
        LinkShape::Children(children) => child_creation(target, &children, value)?,
    };
    Ok(Call { permissions, ..made })
}

/// Returns the request that creates a child of an object.
fn child_creation(target: &Target<'_>, children: &Children, value: &Value) -> Result<Call, TenantError> {
    let Target { kind, id, known, .. } = *target;
    let Value::Object(child) = value else { return Err(refuse(kind, "a child has properties")) };
    let mut body = child.clone();
    if let Some(owner) = children.owner {
        body.insert(owner.to_owned(), Value::from(id));
    }
    // <https://learn.microsoft.com/graph/api/application-post-extensionproperty>
    if let Some(Value::String(name)) = children.prefixed.and_then(|name| body.get_mut(name)) {
        *name = without_prefix(name).to_owned();
    }
    if let (Some(find), Some(found)) = (children.finds, &known.found) {
        name_part(&mut body, find, found);
    }
    match children.create {
        Some(path) if let Some(asked) = children.requests => {
            Ok(post_once(kind, path.to_owned(), asked_for(asked, "adminAdd", body, id)))
        }
        Some(template) => Ok(post_once(kind, template.replace("{parent}", &segment_or_none(kind, id)?), body)),
        None if children.creatable() => {
            let own = child.get("id").and_then(Value::as_str).unwrap_or_default();
            Ok(call(kind, Method::PUT, child_path(kind, children, id, own)?, Some(body)))
        }
        None => Err(refuse(kind, "none can be added")),
    }
}

/// Returns the request that removes an entry, which is no credential, from a link.
fn unlink(target: &Target<'_>, link: &str, child: &str) -> Result<Call, TenantError> {
    let Target { kind, id, known, .. } = *target;
    let (found, permissions) = link_of(kind, link)?;
    if let LinkShape::Children(Children { create: Some(path), requests: Some(asked), .. }) = found.shape {
        let body = asked_for(asked, "adminRemove", Map::from_iter([("id".to_owned(), child.into())]), id);
        return Ok(Call { permissions, ..post_once(kind, path.to_owned(), body) });
    }
    let own = format!("{}/{}", object(kind, id)?, found.segment());
    let path = match found.shape {
        LinkShape::References if !found.ends.is_empty() => {
            format!("{}/{}/$ref", end_path(kind, found, child, known)?, segment(id)?)
        }
        LinkShape::References => format!("{own}/{}/$ref", segment(child)?),
        LinkShape::Reference => format!("{own}/$ref"),
        LinkShape::Children(children) if children.delete => child_path(kind, &children, id, child)?,
        LinkShape::Children(_) => return Err(refuse(kind, "none can be taken away")),
    };
    Ok(Call { permissions, ..call(kind, Method::DELETE, path, None) })
}

/// Returns the request that deletes an object.
fn deletion(kind: &Kind, id: &str, known: &Known) -> Result<Call, TenantError> {
    if kind.requests.is_some() {
        let (path, body) = requested(kind, "adminRemove", about(kind, id, known.live.clone()))?;
        return Ok(post_once(kind, path, body));
    }
    match kind.deletion {
        Deletion::Soft { .. } | Deletion::Hard if !kind.is_singleton() => {
            Ok(call(kind, Method::DELETE, object(kind, id)?, None))
        }
        _ => Err(refuse(kind, "it cannot be deleted")),
    }
}

/// Sends the write of a child to the version of Graph that shows all of it.
fn in_version_of_link(write: &Write, call: Call) -> Call {
    let (Write::Link { kind, link, .. } | Write::Relink { kind, link, .. } | Write::Unlink { kind, link, .. }) = write
    else {
        return call;
    };
    let found = kind.link(link).filter(|link| link.children().is_some()).and_then(|link| link.api);
    match found.zip(call.path.strip_prefix(kind.api.segment())) {
        Some((api, path)) => Call { path: format!("{}{path}", api.segment()), ..call },
        None => call,
    }
}

/// Returns the request that removes a credential.
fn revoked(
    kind: &'static Kind,
    id: &str,
    property: &str,
    key: &str,
    live: &Map<String, Value>,
) -> Result<(Method, String, Map<String, Value>), TenantError> {
    let credential = kind.credential(property).ok_or_else(|| refuse(kind, "it has no such credentials"))?;
    let object = object(kind, id)?;
    Ok(match credential.removal {
        Removal::Action(action) => {
            (Method::POST, format!("{object}/{action}"), Map::from_iter([("keyId".to_owned(), key.into())]))
        }
        // The remaining credentials are repeated as they were read, with a null key: Graph refuses "update to existing
        // credential" where anything in them differs. <https://learn.microsoft.com/graph/api/resources/keycredential>
        Removal::Patch => {
            let all = live.get(property).and_then(Value::as_array).into_iter().flatten();
            let kept = all.filter(|one| one["keyId"] != key).map(|one| {
                let mut one = one.clone();
                one["key"] = Value::Null;
                one
            });
            (Method::PATCH, object, Map::from_iter([(property.to_owned(), kept.collect())]))
        }
    })
}

/// Returns the path of one object.
pub(super) fn object(kind: &Kind, id: &str) -> Result<String, TenantError> {
    if kind.is_singleton() { Ok(kind.path.to_owned()) } else { Ok(format!("{}/{}", kind.path, segment(id)?)) }
}

/// Returns a request object with `action`, from which Graph makes the wanted object. Graph demands a justification; the journal
/// and the commit say more.
fn requested(
    kind: &Kind,
    action: &str,
    mut body: Map<String, Value>,
) -> Result<(String, Map<String, Value>), TenantError> {
    let requests = kind.requests.ok_or_else(|| refuse(kind, "it is not written by requests"))?;
    body.insert("action".to_owned(), action.into());
    body.insert("justification".to_owned(), "entragit apply".into());
    Ok((requests.path.to_owned(), body))
}

/// Returns a request to add or remove a child.
/// <https://learn.microsoft.com/graph/api/entitlementmanagement-post-resourcerequests>
fn asked_for(asked: &ChildRequests, action: &str, child: Map<String, Value>, parent: &str) -> Map<String, Value> {
    let body = [("requestType", action.into()), (asked.child, child.into()), (asked.parent, json!({ "id": parent }))];
    body.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Inserts the id of the object that a child names at the place where Graph looks for it.
fn name_part(child: &mut Map<String, Value>, find: &Find, id: &str) {
    let mut names = find.at.trim_start_matches('/').split('/');
    let first = names.next().and_then(|name| child.get_mut(name));
    let part = names.try_fold(first, |part, name| Some(part?.get_mut(name)));
    if let Some(Some(Value::Object(part))) = part {
        part.insert("id".to_owned(), id.into());
    }
}

/// Returns those of an object's properties that a request about it names.
fn about(kind: &Kind, id: &str, mut body: Map<String, Value>) -> Map<String, Value> {
    let Some(requests) = kind.requests else { return body };
    body.retain(|name, value| requests.names.contains(&name.as_str()) && !value.is_null());
    body.insert(requests.target.to_owned(), id.into());
    body
}

/// Removes the prefix of an extension: `jobGroup` of `extension_7b7d0f91b50a4faabc76b3224205ff04_jobGroup`.
fn without_prefix(name: &str) -> &str {
    match name.strip_prefix("extension_").and_then(|rest| rest.split_once('_')) {
        Some((app, rest)) if app.len() == 32 && app.bytes().all(|byte| byte.is_ascii_hexdigit()) => rest,
        _ => name,
    }
}

fn text<'a>(kind: &Kind, target: &'a Value) -> Result<&'a str, TenantError> {
    target.as_str().ok_or_else(|| refuse(kind, "a reference is an id"))
}

/// Returns the path at which a relation is written at its other end: `/servicePrincipals/{id}/claimsMappingPolicies`.
fn end_path(kind: &Kind, link: &Link, target: &str, known: &Known) -> Result<String, TenantError> {
    let end = match (link.ends, known.target) {
        ([only], _) => Some(only),
        (ends, Some(name)) => ends.iter().find(|end| end.kind == name),
        _ => None,
    };
    let end = end.ok_or_else(|| refuse(kind, &format!("{} cannot lead to {target}", link.name)))?;
    let path = kinds::by_name(end.kind).ok_or_else(|| refuse(kind, "it leads to no kind"))?.path;
    Ok(format!("{path}/{}/{}", segment(target)?, end.relation))
}

fn reference(kind: &Kind, base: &str, to: &str, id: &str) -> Result<Map<String, Value>, TenantError> {
    let url = format!("{base}{}{to}/{}", kind.api.segment(), segment(id)?);
    match json!({ "@odata.id": url }) {
        Value::Object(body) => Ok(body),
        _ => Ok(Map::new()),
    }
}

fn link_of(kind: &Kind, name: &str) -> Result<(&'static Link, &'static [&'static str]), TenantError> {
    let link = kind.link(name).ok_or_else(|| refuse(kind, "it has no such link"))?;
    Ok((link, link.permissions.unwrap_or(kind.permissions).write))
}

fn children_of(kind: &Kind, name: &str) -> Result<(Children, &'static [&'static str]), TenantError> {
    let (link, permissions) = link_of(kind, name)?;
    match link.shape {
        LinkShape::Children(children) => Ok((children, permissions)),
        LinkShape::References | LinkShape::Reference => Err(refuse(kind, "only children can be changed in place")),
    }
}

fn child_path(kind: &Kind, children: &Children, id: &str, child: &str) -> Result<String, TenantError> {
    let parent = segment_or_none(kind, id)?;
    let child = if children.single { String::new() } else { segment(child)? };
    Ok(children.item.replace("{child}", &child).replace("{parent}", &parent))
}

/// Returns the id as a path segment, or nothing for a singleton, whose id is in no path.
fn segment_or_none(kind: &Kind, id: &str) -> Result<String, TenantError> {
    if kind.is_singleton() { Ok(String::new()) } else { segment(id) }
}

fn refuse(kind: &Kind, why: &str) -> TenantError {
    TenantError::Refused {
        request: "nothing was sent".to_owned(),
        status: 400,
        code: "not-possible".to_owned(),
        message: format!("{}: {why}", kind.name),
    }
}

#[cfg(test)]
mod tests;
