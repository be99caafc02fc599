//! Runs `plan`.

use std::path::Path;

use anyhow::{Result, anyhow};

use super::super::args;
use super::super::connect::connect;
use super::super::output::{Output, TextFormat};
use super::planned::show;
use super::session::{guarded, identities};
use super::target::{Wanted, own_tenant};
use crate::engine::guard::accept::Accepted;
use crate::ops::{self, Context};

/// Shows the plan to a commit, and keeps it in a file if that is wanted.
pub async fn plan(arguments: args::Plan, repo: &Path, output: &Output) -> Result<u8> {
    let accepted = Accepted::parse(&arguments.accept).map_err(|error| anyhow!(error))?;
    let mut context = guarded(Context::open(repo, output.events())?, arguments.guards.as_deref())?;
    let wanted = Wanted {
        to: &arguments.to,
        changes: arguments.changes.as_deref(),
        prune: arguments.prune,
        adopt: arguments.adopt,
        map: arguments.map.as_deref(),
    };
    own_tenant(&context, wanted.map, &arguments.sign_in)?;
    let aim = wanted.aim(&context, &arguments.selectors)?;
    let tenant = connect(&arguments.sign_in, &context.settings, &context.events)?;
    context.signed_in = identities(&tenant).await?;
    let mut planned = ops::plan::plan(&context, &tenant, &aim).await?;
    planned.verdicts = accepted.settle(&planned.verdicts);
    output.clear();
    show(&planned, if arguments.json { TextFormat::Json } else { arguments.format }, arguments.out.as_deref(), output)
}
