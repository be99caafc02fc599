//! Runs `undo`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use super::super::credentials::SignIn;
use super::super::output::{Output, TextFormat};
use super::super::selection::exclusion;
use super::carry_out::{ApplyOptions, carry_out};
use super::planned::show;
use super::session::{guarded, signed_in};
use crate::ops::apply::approve::Demand;
use crate::ops::apply::execute::PATIENCE;
use crate::ops::{self, Context, apply};

/// Arguments of `undo`.
#[derive(Debug, Args)]
pub struct UndoArgs {
    /// The receipt of the apply, by any name that git knows [default: the last one].
    #[arg(value_name = "RECEIPT")]
    receipt: Option<String>,
    /// Write the plan to a file, for `apply`, and carry nothing out.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["yes", "accept"])]
    out: Option<PathBuf>,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
    /// Accept what a guard refuses, by its name, or for one object only, as with `apply`; may be repeated.
    #[arg(long, value_name = "GUARD[:OBJECT]", visible_alias = "lift")]
    accept: Vec<String>,
    /// Leave this out, as `plan --exclude` does; may be repeated.
    #[arg(long, value_name = "WHAT")]
    exclude: Vec<String>,
    /// Take the guards and break-glass accounts from this entragit.yaml, as `apply --guards` does.
    #[arg(long, value_name = "FILE")]
    guards: Option<PathBuf>,
    /// Print one JSON document at the end.
    #[arg(long)]
    json: bool,
    /// Sign-in.
    #[command(flatten)]
    sign_in: SignIn,
}

/// Takes back what an apply did.
pub async fn undo(arguments: UndoArgs, repo: &Path, output: &Output) -> Result<u8> {
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
