//! Settings → a tenant to talk to.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use super::args::SignIn;
use crate::format::settings::Settings;
use crate::graph::{Config, Credential, DEADLINE, GraphTenant};
use crate::model::{Events, Secret};

/// Connects to the tenant that the flags, the environment and the repository's settings describe.
///
/// # Errors
/// If there is nothing to sign in with, naming every way.
pub fn connect(sign_in: &SignIn, settings: &Settings, events: &Events) -> Result<GraphTenant> {
    let credential = credential(sign_in)?;
    let config = Config {
        graph_url: sign_in.graph_url.trim_end_matches('/').to_owned(),
        authority_url: sign_in.authority_url.trim_end_matches('/').to_owned(),
        tenant: sign_in.tenant.clone().unwrap_or_else(|| settings.tenant.clone()),
        credential,
        // Enough for 20 changes a second where each request takes half a second.
        concurrency: 24,
        deadline: DEADLINE,
    };
    Ok(GraphTenant::connect(config, events.clone())?.filtered(settings.scope.filters.clone()))
}

/// Ids of whoever signs in, as far as the sign-in tells.
pub fn signed_in(sign_in: &SignIn) -> BTreeSet<String> {
    credential(sign_in).map(|credential| credential.identities()).unwrap_or_default()
}

fn credential(sign_in: &SignIn) -> Result<Credential> {
    Ok(match (&sign_in.access_token, &sign_in.client_id, &sign_in.client_secret) {
        (Some(token), _, _) => Credential::Token(Secret::new(token.clone())),
        (None, Some(client_id), Some(secret)) => {
            Credential::ClientSecret { client_id: client_id.clone(), client_secret: Secret::new(secret.clone()) }
        }
        (None, Some(_), None) => bail!(
            "AZURE_CLIENT_ID is set, but no secret: set AZURE_CLIENT_SECRET, or give a ready token in ENTRAGIT_ACCESS_TOKEN"
        ),
        (None, None, _) => bail!(
            "nothing to sign in with: set AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or ENTRAGIT_ACCESS_TOKEN; to try things \
             out without a tenant, run `entragit demo`"
        ),
    })
}
