//! [`Write`] → method, path and body: what each write is in Graph's words. Pure.

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::http::Repeat;
use super::urls::segment;
use crate::model::kind::{Children, Creation, Deletion, LinkShape};
use crate::model::{Kind, Write};
use crate::tenant::TenantError;

/// A write as Graph wants it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    pub method: Method,
    /// Version and path.
    pub path: String,
    pub body: Option<Map<String, Value>>,
    pub repeat: Repeat,
    pub permissions: &'static [&'static str],
}

/// What to send for `write` to the Graph at `base`.
pub(super) fn request_of(write: &Write, base: &str) -> Result<Call, TenantError> {
    let call = |kind: &'static Kind, method: Method, path: String, body: Option<Map<String, Value>>| Call {
        method,
        path: format!("{}{path}", kind.api.segment()),
        body,
        repeat: Repeat::Idempotent,
        permissions: kind.permissions.write,
    };
    Ok(match write {
        Write::Create { kind, body } => match kind.creation {
            Creation::Post { .. } => {
                let call = call(kind, Method::POST, kind.path.to_owned(), Some(body.clone()));
                Call { repeat: Repeat::Once, ..call }
            }
            Creation::Never { reason } => return Err(refuse(kind, reason)),
        },
        // <https://learn.microsoft.com/graph/api/directory-deleteditems-restore>
        Write::Restore { kind, id } => match kind.deletion {
            Deletion::Soft { item, .. } => {
                call(kind, Method::POST, format!("{item}/{}/restore", segment(id)?), Some(Map::new()))
            }
            Deletion::Hard | Deletion::Never => return Err(refuse(kind, "there is no recycle bin for it")),
        },
        Write::Update { kind, id, body } => call(kind, Method::PATCH, object(kind, id)?, Some(body.clone())),
        Write::Call { kind, id, property, value } => {
            let action = kind.call(property).ok_or_else(|| refuse(kind, "no action sets this property"))?.action;
            let body = Map::from_iter([((*property).to_owned(), value.clone())]);
            call(kind, Method::POST, format!("{}/{action}", object(kind, id)?), Some(body))
        }
        Write::Link { kind, id, link, value } => {
            let (shape, permissions) = link_of(kind, link)?;
            let path = format!("{}/{link}/$ref", object(kind, id)?);
            let made = match shape {
                // <https://learn.microsoft.com/graph/api/group-post-members>: adding what is there already is refused, so
                // that a second POST does no harm.
                LinkShape::References => call(kind, Method::POST, path, Some(reference(kind, base, value)?)),
                // <https://learn.microsoft.com/graph/api/user-post-manager>
                LinkShape::Reference => call(kind, Method::PUT, path, Some(reference(kind, base, value)?)),
                LinkShape::Children(children) => {
                    let template = children.create.ok_or_else(|| refuse(kind, "none can be added"))?;
                    let Value::Object(child) = value else { return Err(refuse(kind, "a child has properties")) };
                    let mut body = child.clone();
                    if let Some(owner) = children.owner {
                        body.insert(owner.to_owned(), Value::from(id.as_str()));
                    }
                    let path = template.replace("{parent}", &segment_or_none(kind, id)?);
                    Call { repeat: Repeat::Once, ..call(kind, Method::POST, path, Some(body)) }
                }
            };
            Call { permissions, ..made }
        }
        Write::Relink { kind, id, link, child, value } => {
            let (children, permissions) = children_of(kind, link)?;
            let path = child_path(kind, &children, id, child)?;
            Call { permissions, ..call(kind, Method::PATCH, path, Some(value.clone())) }
        }
        Write::Unlink { kind, id, link, child } => {
            let (shape, permissions) = link_of(kind, link)?;
            let path = match shape {
                LinkShape::References => format!("{}/{link}/{}/$ref", object(kind, id)?, segment(child)?),
                LinkShape::Reference => format!("{}/{link}/$ref", object(kind, id)?),
                LinkShape::Children(children) if children.delete => child_path(kind, &children, id, child)?,
                LinkShape::Children(_) => return Err(refuse(kind, "none can be taken away")),
            };
            Call { permissions, ..call(kind, Method::DELETE, path, None) }
        }
        Write::Delete { kind, id } => match kind.deletion {
            Deletion::Soft { .. } | Deletion::Hard if !kind.is_singleton() => {
                call(kind, Method::DELETE, object(kind, id)?, None)
            }
            _ => return Err(refuse(kind, "it cannot be deleted")),
        },
    })
}

/// The path of one object.
pub(super) fn object(kind: &Kind, id: &str) -> Result<String, TenantError> {
    if kind.is_singleton() { Ok(kind.path.to_owned()) } else { Ok(format!("{}/{}", kind.path, segment(id)?)) }
}

fn reference(kind: &Kind, base: &str, target: &Value) -> Result<Map<String, Value>, TenantError> {
    let id = target.as_str().ok_or_else(|| refuse(kind, "a reference is an id"))?;
    let url = format!("{base}{}/directoryObjects/{}", kind.api.segment(), segment(id)?);
    match json!({ "@odata.id": url }) {
        Value::Object(body) => Ok(body),
        _ => Ok(Map::new()),
    }
}

fn link_of(kind: &Kind, name: &str) -> Result<(LinkShape, &'static [&'static str]), TenantError> {
    let link = kind.link(name).ok_or_else(|| refuse(kind, "it has no such link"))?;
    Ok((link.shape, link.permissions.unwrap_or(kind.permissions).write))
}

fn children_of(kind: &Kind, name: &str) -> Result<(Children, &'static [&'static str]), TenantError> {
    match link_of(kind, name)? {
        (LinkShape::Children(children), permissions) => Ok((children, permissions)),
        _ => Err(refuse(kind, "only children can be changed in place")),
    }
}

fn child_path(kind: &Kind, children: &Children, id: &str, child: &str) -> Result<String, TenantError> {
    let parent = segment_or_none(kind, id)?;
    Ok(children.item.replace("{child}", &segment(child)?).replace("{parent}", &parent))
}

/// A singleton's id is in no path.
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
mod tests {
    use super::*;
    use crate::kinds;

    fn kind(name: &str) -> &'static Kind {
        kinds::by_name(name).unwrap()
    }

    fn show(write: &Write) -> String {
        match request_of(write, "https://graph.microsoft.com") {
            Ok(call) => {
                let body = call.body.map(|body| format!("\n{}", Value::Object(body))).unwrap_or_default();
                format!("{} {}{body}\n{:?} {}", call.method, call.path, call.repeat, call.permissions.join(" "))
            }
            Err(error) => error.to_string(),
        }
    }

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn objects() {
        let (group, id) = (kind("group"), "g1".to_owned());
        insta::assert_snapshot!(show(&Write::Create { kind: group, body: map(json!({"displayName": "A"})) }), @r#"
        POST /v1.0/groups
        {"displayName":"A"}
        Once Group.ReadWrite.All
        "#);
        insta::assert_snapshot!(show(&Write::Restore { kind: group, id: id.clone() }), @"
        POST /v1.0/directory/deletedItems/g1/restore
        {}
        Idempotent Group.ReadWrite.All
        ");
        insta::assert_snapshot!(show(&Write::Restore { kind: kind("conditionalAccessPolicy"), id: id.clone() }), @"
        POST /v1.0/identity/conditionalAccess/deletedItems/policies/g1/restore
        {}
        Idempotent Policy.ReadWrite.ConditionalAccess
        ");
        insta::assert_snapshot!(show(&Write::Update { kind: group, id: "a/../b?c".into(), body: map(json!({"displayName": null})) }), @r#"
        PATCH /v1.0/groups/a%2F..%2Fb%3Fc
        {"displayName":null}
        Idempotent Group.ReadWrite.All
        "#);
        insta::assert_snapshot!(show(&Write::Delete { kind: group, id }), @"
        DELETE /v1.0/groups/g1
        Idempotent Group.ReadWrite.All
        ");
    }

    #[test]
    fn singletons_and_actions() {
        let policy = kind("authorizationPolicy");
        insta::assert_snapshot!(show(&Write::Update { kind: policy, id: "authorizationPolicy".into(), body: map(json!({"a": 1})) }), @r#"
        PATCH /v1.0/policies/authorizationPolicy
        {"a":1}
        Idempotent Policy.ReadWrite.Authorization
        "#);
        insta::assert_snapshot!(show(&Write::Delete { kind: policy, id: "x".into() }), @"nothing was sent: refused (400 not-possible): authorizationPolicy: it cannot be deleted");
        insta::assert_snapshot!(show(&Write::Create { kind: policy, body: Map::new() }), @"nothing was sent: refused (400 not-possible): authorizationPolicy: every tenant has one");
        insta::assert_snapshot!(show(&Write::Call { kind: kind("authenticationStrengthPolicy"), id: "s".into(), property: "allowedCombinations", value: json!(["fido2"]) }), @r#"
        POST /v1.0/policies/authenticationStrengthPolicies/s/updateAllowedCombinations
        {"allowedCombinations":["fido2"]}
        Idempotent Policy.ReadWrite.ConditionalAccess
        "#);
        insta::assert_snapshot!(show(&Write::Relink { kind: kind("authenticationMethodsPolicy"), id: "authenticationMethodsPolicy".into(), link: "authenticationMethodConfigurations", child: "Fido2".into(), value: map(json!({"state": "enabled"})) }), @r#"
        PATCH /v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/Fido2
        {"state":"enabled"}
        Idempotent Policy.ReadWrite.AuthenticationMethod
        "#);
    }

    #[test]
    fn references() {
        insta::assert_snapshot!(show(&Write::Link { kind: kind("group"), id: "g".into(), link: "members", value: json!("u") }), @r#"
        POST /v1.0/groups/g/members/$ref
        {"@odata.id":"https://graph.microsoft.com/v1.0/directoryObjects/u"}
        Idempotent GroupMember.ReadWrite.All
        "#);
        insta::assert_snapshot!(show(&Write::Unlink { kind: kind("group"), id: "g".into(), link: "members", child: "u".into() }), @"
        DELETE /v1.0/groups/g/members/u/$ref
        Idempotent GroupMember.ReadWrite.All
        ");
        insta::assert_snapshot!(show(&Write::Link { kind: kind("user"), id: "u".into(), link: "manager", value: json!("m") }), @r#"
        PUT /v1.0/users/u/manager/$ref
        {"@odata.id":"https://graph.microsoft.com/v1.0/directoryObjects/m"}
        Idempotent User.ReadWrite.All
        "#);
        insta::assert_snapshot!(show(&Write::Unlink { kind: kind("user"), id: "u".into(), link: "manager", child: "m".into() }), @"
        DELETE /v1.0/users/u/manager/$ref
        Idempotent User.ReadWrite.All
        ");
        insta::assert_snapshot!(show(&Write::Link { kind: kind("group"), id: "g".into(), link: "nothing", value: json!("u") }), @"nothing was sent: refused (400 not-possible): group: it has no such link");
        insta::assert_snapshot!(show(&Write::Delete { kind: kind("group"), id: "..".into() }), @r#"nothing was sent: refused (400 invalid-id): ".." cannot be an object's id"#);
    }

    #[test]
    fn children() {
        let principal = kind("servicePrincipal");
        insta::assert_snapshot!(show(&Write::Link { kind: principal, id: "s".into(), link: "appRoleAssignedTo", value: json!({"principalId": "u", "appRoleId": "r"}) }), @r#"
        POST /v1.0/servicePrincipals/s/appRoleAssignedTo
        {"appRoleId":"r","principalId":"u","resourceId":"s"}
        Once AppRoleAssignment.ReadWrite.All
        "#);
        insta::assert_snapshot!(show(&Write::Unlink { kind: principal, id: "s".into(), link: "appRoleAssignedTo", child: "a".into() }), @"
        DELETE /v1.0/servicePrincipals/s/appRoleAssignedTo/a
        Idempotent AppRoleAssignment.ReadWrite.All
        ");
        insta::assert_snapshot!(show(&Write::Link { kind: principal, id: "s".into(), link: "oauth2PermissionGrants", value: json!({"scope": "User.Read"}) }), @r#"
        POST /v1.0/oauth2PermissionGrants
        {"clientId":"s","scope":"User.Read"}
        Once DelegatedPermissionGrant.ReadWrite.All
        "#);
        insta::assert_snapshot!(show(&Write::Relink { kind: principal, id: "s".into(), link: "oauth2PermissionGrants", child: "p".into(), value: map(json!({"scope": "x"})) }), @r#"
        PATCH /v1.0/oauth2PermissionGrants/p
        {"scope":"x"}
        Idempotent DelegatedPermissionGrant.ReadWrite.All
        "#);
    }
}
