//! Reads the claims of a token. No signature is verified: the token is this client's own, and Graph verifies it.
//! <https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference>

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::HeaderValue;
use serde_json::Value;

/// Describes whom a token stands for and what it allows, as far as it can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// Tenant id (`tid`).
    pub tenant: String,
    /// Application id (`appid`, in newer tokens `azp`).
    pub application: String,
    /// Name of the application.
    pub application_name: String,
    /// Object id of the service principal or the person (`oid`).
    pub object: String,
    /// User principal name, for a person.
    pub person: Option<String>,
    /// Application permissions (`roles`).
    pub roles: BTreeSet<String>,
    /// Delegated permissions (`scp`).
    pub scopes: BTreeSet<String>,
}

impl Claims {
    /// Reads a token; `None` if it is opaque.
    pub(in crate::graph) fn of(token: &str) -> Option<Claims> {
        let claims = decoded(token)?;
        let text = |name: &str| claims[name].as_str().unwrap_or_default().to_owned();
        let first = |names: &[&str]| names.iter().map(|name| text(name)).find(|text| !text.is_empty());
        let roles = claims["roles"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
        let scopes = claims["scp"].as_str().unwrap_or_default().split_whitespace().map(str::to_owned).collect();
        Some(Claims {
            tenant: text("tid"),
            application: first(&["appid", "azp"]).unwrap_or_default(),
            application_name: text("app_displayname"),
            object: text("oid"),
            person: first(&["upn", "preferred_username", "unique_name"]).filter(|_| !claims["scp"].is_null()),
            roles: roles.collect(),
            scopes,
        })
    }

    /// Returns the ids by which the tenant knows the signed-in identity, in lower case.
    pub(in crate::graph) fn identities(&self) -> BTreeSet<String> {
        let ids = [&self.application, &self.object].map(|id| id.to_lowercase());
        ids.into_iter().filter(|id| !id.is_empty()).collect()
    }

    /// Returns true if the token grants a permission, to the application or to the person.
    pub fn carries(&self, permission: &str) -> bool {
        self.roles.contains(permission) || self.scopes.contains(permission)
    }
}

fn decoded(token: &str) -> Option<Value> {
    let payload = token.split('.').nth(1)?;
    let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn of_header(header: &HeaderValue) -> Option<Value> {
    header.to_str().ok().and_then(decoded)
}

/// Returns true if a token carries an application permission (`roles`) or a delegated one (`scp`). For a token that cannot be
/// read it returns false.
pub(in crate::graph) fn carries(header: &HeaderValue, permission: &str) -> bool {
    let token = header.to_str().unwrap_or_default();
    Claims::of(token).is_some_and(|claims| claims.carries(permission))
}

/// Returns true if a token says that an application signed in without a person.
pub(in crate::graph) fn is_application(header: &HeaderValue) -> bool {
    let says = |claims: &Value| claims["idtyp"] == "app" || claims["roles"].is_array();
    of_header(header).is_some_and(|claims| says(&claims) && claims["scp"].is_null())
}

/// Returns the tenant that a token names (`tid`). Graph answers for no other tenant. The claim only tells which tenant that is,
/// and no access depends on it.
pub(in crate::graph) fn tenant_of(header: &HeaderValue) -> Option<String> {
    let claims = of_header(header)?;
    claims["tid"].as_str().filter(|id| !id.is_empty()).map(str::to_owned)
}
