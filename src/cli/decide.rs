//! Runs `accept` and `reject`: what the tenant changed is taken into the branch that people work on, or taken back.

use std::path::Path;

use anyhow::{Result, bail};

use super::args::{Accept, Reject};
use super::diff::rendered;
use super::exit;
use super::output::Output;
use super::pull_request::ticks;
use super::recover;
use super::selection::{Selectors, scope};
use crate::graph::GraphTenant;
use crate::model::words::{agreeing, counted};
use crate::ops::Context;
use crate::ops::plan::decide::{Chosen, accept, reject};

/// Accepts changes of the tenant, as the last snapshot has them.
///
/// # Errors
/// If nothing was selected, or the branch cannot take the changes.
pub async fn run_accept(arguments: &Accept, repo: &Path, output: &Output) -> Result<u8> {
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
pub async fn run_reject(arguments: Reject, repo: &Path, output: &Output) -> Result<u8> {
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
