//! Runs `accept` and `reject`: what the tenant changed is taken into the branch that people work on, or taken back.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;

use super::credentials::SignIn;
use super::diff::{Format, rendered};
use super::exit;
use super::output::Output;
use super::pull_request::{PullRequestArgs, ticks};
use super::recover::{self, ApplyArgs};
use super::selection::{Selectors, scope};
use crate::graph::GraphTenant;
use crate::model::words::{agreeing, counted};
use crate::ops::Context;
use crate::ops::plan::decide::{Chosen, Rejected, accept, reject};

/// Arguments of `accept`.
#[derive(Debug, Args)]
pub struct AcceptArgs {
    /// All changes that nobody has decided on.
    #[arg(long)]
    all: bool,
    /// Only changes that nobody but this person or application made, by name (`*` stands for anything) or object id.
    #[arg(long, value_name = "AUTHOR")]
    by: Option<String>,
    /// The form of the report.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Selection of objects and properties.
    #[command(flatten)]
    selectors: Selectors,
    /// Ticks in a pull request, instead of a selection.
    #[command(flatten)]
    pull_request: PullRequestArgs,
}

/// Arguments of `reject`.
#[derive(Debug, Args)]
pub struct RejectArgs {
    /// All changes that nobody has decided on.
    #[arg(long)]
    all: bool,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
    /// Accept what a guard refuses, by its name, or for one object only, as in lock-out:user/<id>; may be repeated. The
    /// receipt says what was accepted.
    #[arg(long, value_name = "GUARD[:OBJECT]", visible_alias = "lift")]
    accept: Vec<String>,
    /// Take the guards and break-glass accounts from this entragit.yaml [default: as fetched from the remote's main branch,
    /// else as the last snapshot has them; never from the work tree].
    #[arg(long, value_name = "FILE")]
    guards: Option<PathBuf>,
    /// Seconds to look for what was written and does not show yet: Graph's replicas lag, and answers get lost.
    #[arg(long, value_name = "SECONDS", default_value_t = 90)]
    patience: u64,
    /// Print one JSON document at the end.
    #[arg(long)]
    json: bool,
    /// Selection of objects and properties.
    #[command(flatten)]
    selectors: Selectors,
    /// Ticks in a pull request, instead of a selection.
    #[command(flatten)]
    pull_request: PullRequestArgs,
    /// Sign-in.
    #[command(flatten)]
    sign_in: SignIn,
}

impl RejectArgs {
    /// Returns the arguments of an apply that carries out the rejected changes, and nothing else.
    fn into_apply(self, rejected: &Rejected) -> ApplyArgs {
        ApplyArgs {
            plan: None,
            require_approvals: 0,
            allowed_signers: None,
            signatures: Vec::new(),
            resume: false,
            to: None,
            changes: Some(format!("{}..{}", rejected.snapshot, rejected.commit)),
            yes: self.yes,
            accept: self.accept,
            adopt: false,
            map: None,
            prune: false,
            guards: self.guards,
            patience: self.patience,
            json: self.json,
            selectors: self.selectors,
            sign_in: self.sign_in,
        }
    }
}

/// Accepts changes of the tenant, as the last snapshot has them.
///
/// # Errors
/// If nothing was selected, or the branch cannot take the changes.
pub async fn run_accept(arguments: &AcceptArgs, repo: &Path, output: &Output) -> Result<u8> {
    let context = Context::open(repo, output.events())?;
    let ticks = ticks(&arguments.pull_request, &arguments.selectors, &context, repo)?;
    let is_told = arguments.all || arguments.by.is_some() || ticks.is_some();
    check_chosen(&arguments.selectors, is_told, "accept")?;
    if ticks.is_some() && (arguments.all || arguments.by.is_some()) {
        bail!("what is accepted is ticked; leave --all and --by out");
    }
    let scope = scope(&arguments.selectors)?;
    let chosen = match (&ticks, &arguments.by) {
        (Some(ticks), _) => Chosen::Ticked(ticks),
        (None, Some(name)) => Chosen::By(&scope, name),
        (None, None) => Chosen::InScope(&scope),
    };
    let accepted = accept::<GraphTenant>(&context, chosen).await?;
    output.clear();
    let branch = &context.settings.branches.main;
    let open = agreeing(accepted.open, "changed object", "waits", "wait");
    match accepted.commit {
        Some(commit) => {
            output.data(&rendered(&accepted.compared, arguments.format, output.style));
            let count = counted(accepted.compared.report.changes.len(), "change");
            output.talk(&format!(
                "accepted {count} into {branch} ({}); {open} for a decision",
                &commit.to_string()[..10]
            ));
        }
        None => output.talk(&format!("nothing to accept in {branch}; {open} for a decision")),
    }
    Ok(exit::DONE)
}

/// Takes changes of the tenant back: plans to the last snapshot without them, asks, and carries that out.
///
/// # Errors
/// If nothing was selected, or as for `apply`.
pub async fn run_reject(arguments: RejectArgs, repo: &Path, output: &Output) -> Result<u8> {
    let context = Context::open(repo, output.events())?;
    let ticks = ticks(&arguments.pull_request, &arguments.selectors, &context, repo)?;
    check_chosen(&arguments.selectors, arguments.all || ticks.is_some(), "reject")?;
    if ticks.is_some() && arguments.all {
        bail!("what is taken back is ticked; leave --all out");
    }
    let scope = scope(&arguments.selectors)?;
    let chosen = ticks.as_ref().map_or(Chosen::InScope(&scope), Chosen::Ticked);
    let Some(rejected) = reject::<GraphTenant>(&context, chosen).await? else {
        output.clear();
        output.talk("nothing to take back in what was selected, as far as the last snapshot knows; `entragit drift` asks the tenant");
        return Ok(exit::DONE);
    };
    drop(context);
    recover::apply(arguments.into_apply(&rejected), repo, output).await
}

/// Refuses a decision on everything that nobody asked for in so many words.
fn check_chosen(selectors: &Selectors, all: bool, act: &str) -> Result<()> {
    let Selectors { kinds, ids, names, paths, properties, .. } = selectors;
    if all || [kinds, ids, names, paths, properties].iter().any(|chosen| !chosen.is_empty()) {
        return Ok(());
    }
    bail!("say what to {act}, as in `entragit {act} --name CA210`, or --all; `entragit drift` lists what differs")
}
