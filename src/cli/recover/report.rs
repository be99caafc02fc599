//! Says how an apply ended.

use std::time::Instant;

use super::super::exit;
use super::super::output::{Output, elapsed};
use super::verified;
use crate::engine::render;
use crate::model::words::{agreeing, counted};
use crate::ops::apply::{Applied, Ready};

/// Maximum number of failed, or skipped, steps that are named one by one.
const SHOWN: usize = 20;

/// Says how an apply ended, and returns the exit code.
pub fn report_apply(applied: &Applied, ready: &Ready, start: Instant, output: &Output) -> u8 {
    let outcome = &applied.outcome;
    report_steps(applied, ready, start, output);
    if outcome.not_begun > 0 {
        output.say(&format!(
            "stopped: {} not begun; `entragit apply --resume` goes on from here, `entragit plan` shows what is left",
            agreeing(outcome.not_begun, "step", "was", "were")
        ));
        return exit::INCOMPLETE;
    }
    report_effects(applied, output);
    for line in verified::lines(&applied.verification) {
        output.say(&line);
    }
    if applied.verified {
        output.say("verified: the tenant was read again and is as the commit says");
        return exit::DONE;
    }
    if !applied.unmet.is_empty() {
        output.say("not verified; what still differs and no step can bring about:");
        for what in &applied.unmet {
            output.say(&format!("  {}", render::safe(what)));
        }
    }
    if !applied.remaining.steps.is_empty() {
        let plan = render::plan::text(&applied.remaining, &[], &Default::default(), output.style);
        output.say(&format!("\nnot verified; what still differs:\n{}", plan.trim_end()));
    }
    if outcome.stale.is_empty() { exit::INCOMPLETE } else { exit::STALE }
}

/// Names the steps that failed or were skipped, and counts all.
fn report_steps(applied: &Applied, ready: &Ready, start: Instant, output: &Output) {
    let outcome = &applied.outcome;
    let title = |step: &usize| ready.plan.steps.get(*step).map(|step| render::plan::title(step, &ready.names));
    let named = |what: &str, steps: &mut dyn Iterator<Item = (&usize, &str)>| {
        for (count, (step, why)) in steps.enumerate() {
            if count == SHOWN {
                output.say("  …");
                break;
            }
            let why = if why.is_empty() { String::new() } else { format!(": {}", render::safe(why)) };
            output.say(&format!("{what}: {}{why}", title(step).unwrap_or_default()));
        }
    };
    named("failed", &mut outcome.failed.iter().map(|(step, error)| (step, error.as_str())));
    let stale = |step: &usize| ready.plan.steps.get(*step).is_some_and(|step| outcome.stale.contains(&step.address));
    let why = |step: &usize| {
        if stale(step) { "it was changed since the plan was made" } else { "what it needs is not there" }
    };
    named("skipped", &mut outcome.skipped.iter().map(|step| (step, why(step))));
    output.say(&format!(
        "{} done, {} failed, {} skipped, in {}",
        counted(outcome.done, "step"),
        outcome.failed.len(),
        outcome.skipped.len(),
        elapsed(start)
    ));
}

/// Says what the steps did beside what was planned: corrections, doubtful creations and new ids.
fn report_effects(applied: &Applied, output: &Output) {
    if applied.corrected > 0 {
        output.say(&format!(
            "{} what came out differently from what was written",
            agreeing(applied.corrected, "further step", "puts right", "put right")
        ));
    }
    if !applied.outcome.uncertain.is_empty() {
        output.say(&format!(
            "{} may or may not have happened; run the same command again, which looks first",
            counted(applied.outcome.uncertain.len(), "creation")
        ));
    }
    if applied.new_ids > 0 {
        output.say(&format!(
            "{} got a new id; manifest.yaml maps the old ids to the new ones",
            counted(applied.new_ids, "object")
        ));
    }
}
