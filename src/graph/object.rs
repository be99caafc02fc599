//! Reads one object, and names the properties that a read asks for.

use reqwest::Url;

use super::auth::carries;
use super::each::{self, identified};
use super::http::{Http, Request};
use super::page::describe_json_error;
use super::query::{expand, query};
use super::urls::segment;
use crate::engine::schema;
use crate::model::Kind;
use crate::model::kind::Select;
use crate::tenant::{Raw, TenantError};

/// Properties that the sign-in has no permission for, each with the permission it needs.
pub(super) type Withheld = Vec<(&'static str, &'static str)>;

/// Returns the properties that must not be asked for. It is not documented whether Graph would refuse the whole list or leave the
/// value out; a value that is left out would look like one that is gone.
pub(super) async fn withheld(http: &Http, kind: &'static Kind) -> Withheld {
    let guarded = schema::of(kind).guarded();
    if guarded.is_empty() {
        return Vec::new();
    }
    // Without a token nothing is read at all, and the list says why.
    let Ok(token) = http.auth.bearer().await else { return Vec::new() };
    let names = guarded.iter().filter(|(_, permission)| !carries(&token.header, permission));
    names.map(|(name, permission)| (name.as_str(), permission.as_str())).collect()
}

pub(super) async fn one(http: &Http, kind: &'static Kind, id: &str) -> Result<Raw, TenantError> {
    if !kind.id_of.is_empty() {
        return Ok(identified(kind, each::one(http, kind, id).await?));
    }
    let path = if kind.is_singleton() { kind.path.to_owned() } else { format!("{}/{}", kind.path, segment(id)?) };
    let withheld = withheld(http, kind).await;
    let url = url(http, kind, &path, [None, select(kind, &withheld), expand(kind), None])?;
    let parse = |body: &[u8]| serde_json::from_slice(body).map_err(|e| describe_json_error(&e));
    let object = http.run(&Request::get(url, kind.permissions.read), parse).await?;
    Ok(identified(kind, object))
}

pub(super) fn url(http: &Http, kind: &Kind, path: &str, options: [Option<String>; 4]) -> Result<Url, TenantError> {
    http.base.join(&format!("{}{path}{}", kind.api.segment(), query(options)))
}

/// Returns `$select`, for kinds of which Graph leaves out properties that are not named.
pub(super) fn select(kind: &'static Kind, withheld: &Withheld) -> Option<String> {
    selected(kind, withheld).map(|names| format!("$select={}", names.join(",")))
}

/// Returns the properties to ask for, `id` among them, where they must be named.
pub(super) fn selected(kind: &'static Kind, withheld: &Withheld) -> Option<Vec<&'static str>> {
    let Select::Explicit = kind.select else { return None };
    let mut names: Vec<&'static str> = schema::of(kind).selected().iter().map(String::as_str).collect();
    names.retain(|name| !withheld.iter().any(|(kept_back, _)| kept_back == name));
    if names.is_empty() {
        return None;
    }
    if !names.contains(&"id") && kind.key == "id" {
        names.insert(0, "id");
    }
    Some(names)
}
