//! Runs `accept` and `reject`: what the tenant changed is taken into the branch that people work on, or taken back.

use std::path::Path;

use anyhow::{Result, bail};

use super::args::{Accept, Reject, Selectors};
use super::diff::rendered;
use super::exit;
use super::output::Output;
use super::recover;
use super::selection::scope;
use crate::graph::GraphTenant;
use crate::model::words::{agreeing, counted};
use crate::ops::Context;
use crate::ops::plan::decide::{accept, reject};

/// Accepts changes of the tenant, as the last snapshot has them.
///
/// # Errors
/// If nothing was selected, or the branch cannot take the changes.
pub async fn run_accept(arguments: &Accept, repo: &Path, output: &Output) -> Result<u8> {
    check_chosen(&arguments.selectors, arguments.all || arguments.by.is_some(), "accept")?;
    let context = Context::open(repo, output.events())?;
    let accepted = accept::<GraphTenant>(&context, &scope(&arguments.selectors)?, arguments.by.as_deref()).await?;
    output.clear();
    let branch = &context.settings.branches.main;
    let open = agreeing(accepted.open, "changed object", ("waits", "wait"));
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
    check_chosen(&arguments.selectors, arguments.all, "reject")?;
    let context = Context::open(repo, output.events())?;
    let Some(rejected) = reject(&context, &scope(&arguments.selectors)?)? else {
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
