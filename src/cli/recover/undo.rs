//! Runs `undo`.

use std::path::Path;

use anyhow::Result;

use super::super::args;
use super::super::output::{Output, TextFormat};
use super::super::selection::exclusion;
use super::carry_out::{ApplyOptions, carry_out};
use super::planned::show;
use super::session::{guarded, signed_in};
use crate::ops::apply::approve::Demand;
use crate::ops::apply::execute::PATIENCE;
use crate::ops::{self, Context, apply};

/// Takes back what an apply did.
pub async fn undo(arguments: args::Undo, repo: &Path, output: &Output) -> Result<u8> {
    let context = guarded(Context::open(repo, output.events())?, arguments.guards.as_deref())?;
    let (context, tenant) = signed_in(context, &arguments.sign_in).await?;
    let lock = context.repo.lock("undo")?;
    context.ready_snapshots_branch()?;
    let (receipt, mut aim) = apply::undo::aim(&context, arguments.receipt.as_deref())?;
    aim.scope.exclude = arguments.exclude.iter().map(|word| exclusion(word)).collect::<Result<_>>()?;
    context.events.note(format!("taking back the apply {}", &receipt.to_string()[..10]));
    if let Some(path) = &arguments.out {
        drop(lock);
        let planned = ops::plan::plan(&context, &tenant, &aim).await?;
        output.clear();
        let format = if arguments.json { TextFormat::Json } else { TextFormat::Text };
        return show(&planned, format, Some(path), output);
    }
    let mut ready = apply::prepare(&context, &tenant, &aim).await?;
    let options = ApplyOptions {
        yes: arguments.yes,
        json: arguments.json,
        accept: &arguments.accept,
        patience: PATIENCE,
        demand: Demand::default(),
    };
    carry_out(&context, &tenant, &mut ready, &options, output).await
}
