//! Prepares what a recovery goes by: the guards, and who is signed in.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use super::super::connect::connect_to_write;
use super::super::credentials::SignIn;
use crate::graph::GraphTenant;
use crate::ops::Context;

/// Takes the guards from a file if one is named, and says where they are from.
pub(super) fn guarded(mut context: Context, guards: Option<&Path>) -> Result<Context> {
    if let Some(path) = guards {
        context.take_guards_from(path)?;
    }
    context.events.note(format!("guards: {}", context.guards_from));
    Ok(context)
}

/// Connects to write, so that the guards know who carries the plan out.
pub(super) async fn signed_in(mut context: Context, sign_in: &SignIn) -> Result<(Context, GraphTenant)> {
    let tenant = connect_to_write(sign_in, &context.settings, &context.events)?;
    context.signed_in = identities(&tenant).await?;
    Ok((context, tenant))
}

/// Returns who is signed in. Nothing is sent where that is known: bad input is to be found first.
pub(super) async fn identities(tenant: &GraphTenant) -> Result<BTreeSet<String>> {
    let known = tenant.known_identities();
    Ok(if known.is_empty() { tenant.sign_in().await?.identities } else { known })
}
