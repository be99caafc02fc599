//! `plan`, `apply` and `undo`.

mod applied;
mod verified;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};

use super::args::{self, TextFormat};
use super::connect::{connect, connect_to_write};
use super::exit;
use super::output::{Output, elapsed};
use super::selection::{exclusion, scope};
use super::stop::Stop;
use crate::engine::guard::accept::Accepted;
use crate::engine::planfile;
use crate::engine::render;
use crate::graph::GraphTenant;
use crate::model::Plan;
use crate::model::words::{agreeing, counted};
use crate::ops::apply::approve::{self, Demand};
use crate::ops::plan::Aim;
use crate::ops::plan::translate;
use crate::ops::{self, Context, apply};
use crate::repo::{MAX_PLAN, NamedBy, Worktree, read_file};

/// Most failed, or skipped, steps that are named one by one.
const SHOWN: usize = 20;

/// With everything that the guards go by.
fn guarded(mut context: Context, guards: Option<&Path>) -> Result<Context> {
    if let Some(path) = guards {
        context.take_guards_from(path)?;
    }
    context.events.note(format!("guards: {}", context.guards_from));
    Ok(context)
}

/// Connects to write, so that the guards know who carries the plan out.
async fn signed_in(mut context: Context, sign_in: &args::SignIn) -> Result<(Context, GraphTenant)> {
    let tenant = connect_to_write(sign_in, &context.settings, &context.events)?;
    context.signed_in = identities(&tenant).await?;
    Ok((context, tenant))
}

/// Returns who is signed in. Nothing is sent where that is known: bad input is to be found first.
async fn identities(tenant: &GraphTenant) -> Result<BTreeSet<String>> {
    let known = tenant.known_identities();
    Ok(if known.is_empty() { tenant.sign_in().await?.identities } else { known })
}

/// The target that the arguments name.
struct Wanted<'a> {
    to: &'a str,
    changes: Option<&'a str>,
    prune: bool,
    adopt: bool,
    map: Option<&'a Path>,
}

impl Wanted<'_> {
    fn aim(&self, context: &Context, selectors: &args::Selectors) -> Result<Aim> {
        if let Some(map) = self.map {
            let from = translate::From { to: self.to, map, scope: scope(selectors)?, prune: self.prune };
            return translate::aim(context, &from);
        }
        let (since, to) = match self.changes {
            Some(text) => {
                let (since, to) = ops::plan::changes::range(context, text)?;
                (Some(since), to)
            }
            None => (None, self.to.to_owned()),
        };
        uncommitted(context, &to)?;
        Ok(Aim { to, since, scope: scope(selectors)?, prune: self.prune, adopt: self.adopt, ..Aim::default() })
    }
}

/// A translation is planned in the repository of the tenant that is written to: its snapshots say what is there, its settings
/// whom nobody may lock out.
fn own_tenant(context: &Context, map: Option<&Path>, sign_in: &args::SignIn) -> Result<()> {
    let own = &context.settings.tenant;
    match &sign_in.tenant {
        Some(tenant) if map.is_some() && !tenant.eq_ignore_ascii_case(own) => bail!(
            "this repository is of tenant {own}, and the plan is for tenant {tenant}; make a repository of that one (`entragit \
             --repo DIR init --tenant {tenant}`, `entragit --repo DIR export`), fetch this one into it (`git -C DIR fetch {} \
             main`), and plan there with --to FETCH_HEAD",
            context.repo.workdir().unwrap_or_else(|| context.repo.git_dir()).display()
        ),
        _ => Ok(()),
    }
}

/// Says that edits in the work tree are not in a plan to HEAD: who just made them would think so.
fn uncommitted(context: &Context, to: &str) -> Result<()> {
    let head = context.resolve("HEAD")?;
    if context.repo.workdir().is_none() || context.resolve(to)? != head {
        return Ok(());
    }
    if let Worktree::Dirty(paths) = context.repo.worktree_state(head)? {
        context.events.warn(format!(
            "the work tree has uncommitted changes ({}{}), which are in no commit and so in no plan",
            paths.first().map_or("", String::as_str),
            if paths.len() > 1 { format!(" and {} more", paths.len() - 1) } else { String::new() }
        ));
    }
    Ok(())
}

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

/// Shows a plan, and keeps it in a file if that is wanted.
fn show(planned: &ops::plan::Planned, format: TextFormat, out: Option<&Path>, output: &Output) -> Result<u8> {
    let document = planfile::write(&planned.plan, &planned.binding, &planned.verdicts, &planned.names);
    let (plan, verdicts, names) = (&planned.plan, &planned.verdicts, &planned.names);
    output.data(&match format {
        TextFormat::Json => document.clone(),
        TextFormat::Markdown => render::plan_markdown::plan(plan, verdicts, names),
        TextFormat::Text => render::plan::text(plan, verdicts, names, output.style),
    });
    if let Some(path) = out {
        if document.len() as u64 > MAX_PLAN {
            bail!(
                "the plan has {} bytes, more than the {MAX_PLAN} that `entragit apply` reads, and was not written; plan it in \
                 parts with --kind",
                document.len()
            );
        }
        std::fs::write(path, &document).with_context(|| format!("writing the plan to {}", path.display()))?;
        output.talk(&format!("plan written to {}; carry it out with `entragit apply {0}`", path.display()));
    }
    Ok(match planned.verdicts.iter().any(|verdict| verdict.refused) {
        true => exit::REFUSED,
        false => exit_of(plan),
    })
}

/// Returns the exit code for a plan: 4 if something differs that no step covers or that could not be read, 2 if anything
/// else differs.
fn exit_of(plan: &Plan) -> u8 {
    match plan.is_as_it_should_be() {
        true => exit::DONE,
        false if plan.left.is_empty() && plan.unproven.is_empty() => exit::DIFFERS,
        false => exit::INCOMPLETE,
    }
}

/// Carries out a plan file, or a plan made on the spot.
pub async fn apply(arguments: args::Apply, repo: &Path, output: &Output) -> Result<u8> {
    let context = guarded(Context::open(repo, output.events())?, arguments.guards.as_deref())?;
    let (context, tenant) = signed_in(context, &arguments.sign_in).await?;
    let _lock = context.repo.lock("apply")?;
    context.ready_snapshots_branch()?;
    let patience = ops::apply::execute::patience(Duration::from_secs(arguments.patience));
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

/// Takes back what an apply did.
pub async fn undo(arguments: args::Undo, repo: &Path, output: &Output) -> Result<u8> {
    let context = guarded(Context::open(repo, output.events())?, arguments.guards.as_deref())?;
    let (context, tenant) = signed_in(context, &arguments.sign_in).await?;
    let lock = context.repo.lock("undo")?;
    context.ready_snapshots_branch()?;
    let (receipt, mut aim) = ops::apply::undo::aim(&context, arguments.receipt.as_deref())?;
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
    let patience = ops::apply::execute::PATIENCE;
    let demand = Demand::default();
    let options =
        ApplyOptions { yes: arguments.yes, json: arguments.json, accept: &arguments.accept, patience, demand };
    carry_out(&context, &tenant, &mut ready, &options, output).await
}

fn read_plan(path: &Path) -> Result<Vec<u8>> {
    read_file(path, NamedBy::Person, MAX_PLAN).with_context(|| format!("reading the plan {}", path.display()))
}

/// Approves a plan file.
pub fn sign(arguments: &args::Sign, repo: &Path, output: &Output) -> Result<u8> {
    let context = Context::open(repo, output.events())?;
    let bytes = read_plan(&arguments.plan)?;
    let ready = apply::open(&context, &bytes)?;
    approve::check_time(&ready.binding)?;
    output.say(render::plan::text(&ready.plan, &ready.verdicts, &ready.names, output.style).trim_end());
    let made = format!(
        "made by {}, of commit {}, until {}",
        ready.binding.author, ready.binding.commit, ready.binding.expires
    );
    output.say(&format!("\n{}", render::safe(&made)));
    if !arguments.yes && !output.confirm("\nApprove this?") {
        bail!("not approved: answer yes, or give --yes");
    }
    let key = match &arguments.key {
        Some(key) => key.clone(),
        None => context.repo.signing_key().context(
            "no key is given: name one with --key FILE, or set it with `git config user.signingKey ~/.ssh/id_ed25519`",
        )?,
    };
    let out = approve::sign(&key, &arguments.plan, &bytes, arguments.out.as_deref())?;
    output.say(&format!("approved; the signature is in {}", out.display()));
    Ok(exit::DONE)
}

/// Options with which a plan is carried out.
struct ApplyOptions<'a> {
    yes: bool,
    json: bool,
    accept: &'a [String],
    patience: &'a [Duration],
    demand: Demand<'a>,
}

async fn carry_out(
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

/// Ctrl-C, or SIGTERM, lets the writes under way finish and begins no other; a second one ends at once, which loses nothing
/// either.
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

/// Says how an apply ended.
pub fn report_apply(applied: &apply::Applied, ready: &apply::Ready, start: Instant, output: &Output) -> u8 {
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
    if outcome.not_begun > 0 {
        output.say(&format!(
            "stopped: {} not begun; `entragit apply --resume` goes on from here, `entragit plan` shows what is left",
            agreeing(outcome.not_begun, "step", "was", "were")
        ));
        return exit::INCOMPLETE;
    }
    if applied.corrected > 0 {
        output.say(&format!(
            "{} what came out differently from what was written",
            agreeing(applied.corrected, "further step", "puts right", "put right")
        ));
    }
    if !outcome.uncertain.is_empty() {
        output.say(&format!(
            "{} may or may not have happened; run the same command again, which looks first",
            counted(outcome.uncertain.len(), "creation")
        ));
    }
    if applied.new_ids > 0 {
        output.say(&format!(
            "{} got a new id; manifest.yaml maps the old ids to the new ones",
            counted(applied.new_ids, "object")
        ));
    }
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
