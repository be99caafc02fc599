//! Runs `apply`.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};

use super::super::args;
use super::super::output::Output;
use super::carry_out::{ApplyOptions, carry_out};
use super::planned::read_plan;
use super::session::{guarded, signed_in};
use super::target::{Wanted, own_tenant};
use crate::ops::Context;
use crate::ops::apply::approve::{self, Demand};
use crate::ops::apply::{self, execute};

/// Carries out a plan file, or a plan made on the spot.
pub async fn apply(arguments: args::Apply, repo: &Path, output: &Output) -> Result<u8> {
    let context = guarded(Context::open(repo, output.events())?, arguments.guards.as_deref())?;
    let (context, tenant) = signed_in(context, &arguments.sign_in).await?;
    let _lock = context.repo.lock("apply")?;
    context.ready_snapshots_branch()?;
    let patience = execute::patience(Duration::from_secs(arguments.patience));
    let wanted = Wanted {
        to: arguments.to.as_deref().unwrap_or("HEAD"),
        changes: arguments.changes.as_deref(),
        prune: arguments.prune,
        adopt: arguments.adopt,
        map: arguments.map.as_deref(),
    };
    own_tenant(&context, wanted.map, &arguments.sign_in)?;
    let mut ready = match (&arguments.plan, arguments.to.is_some() || arguments.changes.is_some()) {
        (Some(path), _) => {
            let bytes = read_plan(path)?;
            let ready = apply::open(&context, &bytes)?;
            if !ready.is_begun(&context)? {
                approve::check_time(&ready.binding)?;
            }
            ready
        }
        (None, true) => {
            let aim = wanted.aim(&context, &arguments.selectors)?;
            apply::prepare_with(&context, &tenant, &aim, &patience).await?
        }
        (None, false) if arguments.resume => apply::cut_off(&context)?,
        (None, false) => bail!("name a plan file, or a commit with --to, or what was changed with --changes"),
    };
    let demand = Demand {
        require: arguments.require_approvals,
        signers: arguments.allowed_signers.as_deref(),
        signatures: match (&arguments.plan, arguments.signatures.is_empty()) {
            (Some(plan), true) => approve::beside(plan)?,
            _ => arguments.signatures.clone(),
        },
    };
    let options = ApplyOptions {
        yes: arguments.yes,
        json: arguments.json,
        accept: &arguments.accept,
        patience: &patience,
        demand,
    };
    carry_out(&context, &tenant, &mut ready, &options, output).await
}
