//! Carries out a plan: guards, approvals, a question, and the writes.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::super::output::Output;
use super::super::stop::Stop;
use super::applied;
use super::planned::exit_of;
use super::report::report_apply;
use crate::engine::render;
use crate::graph::GraphTenant;
use crate::ops::apply::approve::{self, Demand};
use crate::ops::{Context, apply};

/// Options with which a plan is carried out.
pub(super) struct ApplyOptions<'a> {
    pub(super) yes: bool,
    pub(super) json: bool,
    pub(super) accept: &'a [String],
    pub(super) patience: &'a [Duration],
    pub(super) demand: Demand<'a>,
}

/// Carries out a plan, unless a guard or the person who is asked refuses it.
///
/// # Errors
/// If it is refused or not approved, or the tenant moved.
pub(super) async fn carry_out(
    context: &Context,
    tenant: &GraphTenant,
    ready: &mut apply::Ready,
    options: &ApplyOptions<'_>,
    output: &Output,
) -> Result<u8> {
    apply::judge(context, tenant, ready).await?;
    output.clear();
    output.say(render::plan::text(&ready.plan, &ready.verdicts, &ready.names, output.style).trim_end());
    ready.accepted = apply::check_guards(&ready.verdicts, options.accept)?;
    if ready.plan.steps.is_empty() {
        if options.json {
            output.data(&applied::nothing(&ready.plan));
        }
        return Ok(exit_of(&ready.plan));
    }
    ready.approved = approve::approvals(context, ready, &options.demand)?;
    for signer in &ready.approved {
        output.say(&format!("approved by {} ({})", render::safe(&signer.principal), signer.key));
    }
    if !options.yes && !output.confirm("\nCarry this out?") {
        bail!("not carried out: answer yes, or give --yes");
    }
    let start = Instant::now();
    let applied = until_stopped(context, apply::apply_with(context, tenant, ready, options.patience), output).await?;
    output.clear();
    if options.json {
        output.data(&applied::json(&applied, &ready.accepted, &ready.approved));
    }
    Ok(report_apply(&applied, ready, start, output))
}

/// Works until it is done or told to stop. Ctrl-C, or SIGTERM, lets the writes under way finish and begins no other; a second
/// one ends at once, which loses nothing either.
async fn until_stopped<T>(context: &Context, work: impl Future<Output = Result<T>>, output: &Output) -> Result<T> {
    let mut stop = Stop::listen()?;
    let mut work = std::pin::pin!(work);
    tokio::select! {
        biased;
        result = &mut work => return result,
        () = stop.wait() => {}
    }
    context.stop.store(true, Ordering::Relaxed);
    output.clear();
    output.say("finishing the writes under way, and beginning no other; once more ends at once");
    tokio::select! {
        biased;
        result = &mut work => result,
        () = stop.wait() => bail!("ended at once; what was sent is in the journal, and `entragit apply --resume` goes on from there"),
    }
}
