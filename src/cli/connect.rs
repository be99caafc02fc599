//! Settings → a tenant to talk to.

use anyhow::Result;

use super::credentials::{Cloud, SignIn, choose, environment};
use crate::engine::render::kinds::{Access, permissions};
use crate::format::settings::Settings;
use crate::graph::{Config, DEADLINE, GraphTenant};
use crate::kinds;
use crate::model::Events;

/// Connects to the tenant that the flags, the environment and the repository's settings describe, to read it.
///
/// # Errors
/// If there is nothing to sign in with, naming every way.
pub fn connect(sign_in: &SignIn, settings: &Settings, events: &Events) -> Result<GraphTenant> {
    connect_for(Access::Read, sign_in, settings, events)
}

/// Connects to the tenant to write to it.
///
/// # Errors
/// Fails like [`connect`].
pub fn connect_to_write(sign_in: &SignIn, settings: &Settings, events: &Events) -> Result<GraphTenant> {
    connect_for(Access::Write, sign_in, settings, events)
}

fn connect_for(access: Access, sign_in: &SignIn, settings: &Settings, events: &Events) -> Result<GraphTenant> {
    let credential = choose(sign_in, &environment, &permissions(kinds::ALL, access).into_iter().collect::<Vec<_>>())?;
    let (authority_url, graph_url) = addresses(sign_in, environment("AZURE_AUTHORITY_HOST"));
    let config = Config {
        graph_url,
        authority_url,
        tenant: sign_in.tenant.clone().unwrap_or_else(|| settings.tenant.clone()),
        credential,
        // Enough for 20 changes a second where each request takes half a second.
        concurrency: 24,
        deadline: DEADLINE,
    };
    Ok(GraphTenant::connect(config, events.clone())?.filtered(settings.scope.filters.clone()))
}

/// Returns the addresses of the sign-in service and of Graph.
pub fn addresses(sign_in: &SignIn, authority_host: Option<String>) -> (String, String) {
    let host = authority_host.filter(|_| sign_in.cloud.is_none());
    let cloud = sign_in.cloud.or_else(|| Cloud::of(host.as_deref()?)).unwrap_or(Cloud::Public);
    let (authority, graph) = cloud.addresses();
    let authority = sign_in.authority_url.clone().or(host).unwrap_or_else(|| authority.to_owned());
    let graph = sign_in.graph_url.clone().unwrap_or_else(|| graph.to_owned());
    (authority.trim_end_matches('/').to_owned(), graph.trim_end_matches('/').to_owned())
}
