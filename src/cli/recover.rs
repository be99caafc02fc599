//! `plan` and `apply`.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use super::args;
use super::connect::{connect, signed_in};
use super::output::{Output, elapsed};
use super::run::{exit, scope};
use crate::engine::planfile;
use crate::engine::render;
use crate::ops::plan::Aim;
use crate::ops::{self, Context, apply};

/// With everything that the guards go by.
fn guarded(mut context: Context, guards: Option<&Path>, sign_in: &args::SignIn) -> Result<Context> {
    if let Some(path) = guards {
        context.take_guards_from(path)?;
    }
    context.events.note(format!("guards: {}", context.guards_from));
    context.signed_in = signed_in(sign_in);
    Ok(context)
}

/// Shows the plan to a commit, and keeps it in a file if that is wanted.
pub async fn plan(arguments: args::Plan, repo: &Path, output: &Output) -> Result<u8> {
    let context = guarded(Context::open(repo, output.events())?, arguments.guards.as_deref(), &arguments.sign_in)?;
    let scope = scope(&arguments.selectors)?;
    let aim = Aim { to: arguments.to, scope, prune: arguments.prune, ..Aim::default() };
    let tenant = connect(&arguments.sign_in, &context.settings.tenant, &context.events)?;
    let planned = ops::plan::plan(&context, &tenant, &aim).await?;
    output.clear();
    let document = planfile::write(&planned.plan, &planned.binding, &planned.verdicts, &planned.names);
    if arguments.json {
        output.data(&document);
    } else {
        output.data(&render::plan::text(&planned.plan, &planned.verdicts, &planned.names, output.style));
    }
    if let Some(path) = &arguments.out {
        std::fs::write(path, &document).with_context(|| format!("writing the plan to {}", path.display()))?;
        output.talk(&format!("plan written to {}; carry it out with `entragit apply {0}`", path.display()));
    }
    Ok(match (planned.plan.steps.is_empty(), planned.verdicts.iter().any(|verdict| verdict.refused)) {
        (_, true) => exit::REFUSED,
        (true, false) => exit::DONE,
        (false, false) => exit::DIFFERS,
    })
}

/// Carries out a plan file, or a plan made on the spot.
pub async fn apply(arguments: args::Apply, repo: &Path, output: &Output) -> Result<u8> {
    let context = guarded(Context::open(repo, output.events())?, arguments.guards.as_deref(), &arguments.sign_in)?;
    let tenant = connect(&arguments.sign_in, &context.settings.tenant, &context.events)?;
    let _lock = context.repo.lock("apply")?;
    let patience = ops::execute::patience(Duration::from_secs(arguments.patience));
    let ready = match (&arguments.plan, &arguments.to) {
        (Some(path), _) => {
            let bytes = std::fs::read(path).with_context(|| format!("reading the plan {}", path.display()))?;
            apply::open(&context, &bytes)?
        }
        (None, Some(to)) => {
            let scope = scope(&arguments.selectors)?;
            let aim = Aim { to: to.clone(), scope, prune: arguments.prune, ..Aim::default() };
            apply::prepare_with(&context, &tenant, &aim, &patience).await?
        }
        (None, None) => bail!("name a plan file, or a commit with --to"),
    };
    output.clear();
    output.say(render::plan::text(&ready.plan, &ready.verdicts, &ready.names, output.style).trim_end());
    apply::check_guards(&ready.verdicts, &arguments.lift)?;
    if ready.plan.steps.is_empty() {
        return Ok(exit::DONE);
    }
    if !arguments.yes && !output.confirm("\nCarry this out?") {
        bail!("not carried out: answer yes, or give --yes");
    }
    let start = Instant::now();
    let applied = apply::apply_with(&context, &tenant, &ready, &patience).await?;
    output.clear();
    if arguments.json {
        output.data(&applied_json(&applied));
    }
    Ok(report_apply(&applied, start, output))
}

/// Says how an apply ended.
pub fn report_apply(applied: &apply::Applied, start: Instant, output: &Output) -> u8 {
    let outcome = &applied.outcome;
    output.say(&format!(
        "{} steps done, {} failed, {} skipped, in {}",
        outcome.done,
        outcome.failed.len(),
        outcome.skipped.len(),
        elapsed(start)
    ));
    if applied.corrected > 0 {
        output.say(&format!(
            "{} steps more put right what came out differently from what was written",
            applied.corrected
        ));
    }
    if !outcome.uncertain.is_empty() {
        output.say(&format!(
            "{} creations may or may not have happened; run the same command again, and they are looked for",
            outcome.uncertain.len()
        ));
    }
    if applied.new_ids > 0 {
        output.say(&format!("{} objects have new ids; manifest.yaml maps the old ones to them", applied.new_ids));
    }
    for line in verified::lines(&applied.verification) {
        output.say(&line);
    }
    if applied.verified {
        output.say("verified: the tenant was read again and is as the commit says");
        return exit::DONE;
    }
    if !applied.unmet.is_empty() {
        output.say("not verified; what no step can bring about:");
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

mod verified;

fn applied_json(applied: &apply::Applied) -> String {
    render::json::pretty(&json!({
        "formatVersion": render::json::FORMAT_VERSION,
        "verified": applied.verified,
        "verification": verified::json(&applied.verification),
        "unmet": applied.unmet,
        "done": applied.outcome.done,
        "corrected": applied.corrected,
        "failed": applied.outcome.failed.iter().map(|(step, error)| json!({"step": step + 1, "error": error})).collect::<Vec<_>>(),
        "uncertain": applied.outcome.uncertain.iter().map(|(step, error)| json!({"step": step + 1, "error": error})).collect::<Vec<_>>(),
        "skipped": applied.outcome.skipped.iter().map(|step| step + 1).collect::<Vec<_>>(),
        "newIds": applied.outcome.learned,
        "receipt": applied.receipt.commit.map(|commit| commit.to_string()),
    }))
}
