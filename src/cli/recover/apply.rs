//! Runs `apply`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;

use super::super::credentials::SignIn;
use super::super::output::Output;
use super::super::selection::Selectors;
use super::carry_out::{ApplyOptions, carry_out};
use super::planned::read_plan;
use super::session::{guarded, signed_in};
use super::target::{Wanted, own_tenant};
use crate::ops::Context;
use crate::ops::apply::approve::{self, Demand};
use crate::ops::apply::{self, execute};

/// Arguments of `apply`.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// A plan file.
    #[arg(value_name = "PLAN", conflicts_with = "to")]
    pub plan: Option<PathBuf>,
    /// Carry out a plan file only if so many people have signed it, beside its authors; the settings may ask for more.
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub require_approvals: usize,
    /// Who may approve, as git's allowed-signers file; only where `approval.signers` in entragit.yaml names nobody.
    #[arg(long, value_name = "FILE")]
    pub allowed_signers: Option<PathBuf>,
    /// A signature; may be repeated [default: PLAN.sig and PLAN.*.sig].
    #[arg(long, value_name = "FILE", requires = "plan")]
    pub signatures: Vec<PathBuf>,
    /// Take up the last run that was cut off in this clone, where it was.
    #[arg(long, conflicts_with_all = ["plan", "to", "changes", "prune"])]
    pub resume: bool,
    /// Plan to this commit, and carry that out.
    #[arg(long, value_name = "REV")]
    pub to: Option<String>,
    /// Only what was changed from BASE to REV, and all else as it is in the tenant: what a merged pull request means. What
    /// somebody else changed meanwhile is refused, with who that was [default: what HEAD changed since the snapshot it follows].
    #[arg(long, value_name = "BASE..REV", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["to", "plan"])]
    pub changes: Option<String>,
    /// Do not ask.
    #[arg(long, short)]
    pub yes: bool,
    /// Accept what a guard refuses, by its name, or for one object only, as in lock-out:user/<id>; may be repeated. The
    /// receipt says what was accepted.
    #[arg(long, value_name = "GUARD[:OBJECT]", visible_alias = "lift")]
    pub accept: Vec<String>,
    /// Take an object that somebody made anew by hand for one that is wanted and gone: if exactly one agrees in name (users: in
    /// user principal name; service principals: in application id).
    #[arg(long, conflicts_with = "plan")]
    pub adopt: bool,
    /// Carry over the configuration of another tenant: --to is a commit of that tenant's repository, fetched into this one. The YAML
    /// file says which objects stand for which (`ids`), which domains do (`domains`) and what is left out (`leaveOut`); it may be
    /// empty, as objects of the same name stand for each other. Nothing is deleted without --prune
    #[arg(long, value_name = "FILE", conflicts_with_all = ["changes", "adopt", "plan", "resume"])]
    pub map: Option<PathBuf>,
    /// Delete objects, too, that no snapshot knew.
    #[arg(long, conflicts_with = "plan")]
    pub prune: bool,
    /// Take the guards and break-glass accounts from this entragit.yaml [default: as fetched from the remote's main branch,
    /// else as the last snapshot has them; never from the work tree].
    #[arg(long, value_name = "FILE")]
    pub guards: Option<PathBuf>,
    /// How long to look for what was written and does not show: Graph's replicas lag, and answers get lost.
    #[arg(long, value_name = "SECONDS", default_value_t = 90)]
    pub patience: u64,
    /// Print one JSON document at the end.
    #[arg(long)]
    pub json: bool,
    /// Selection of objects and properties.
    #[command(flatten)]
    pub selectors: Selectors,
    /// Sign-in.
    #[command(flatten)]
    pub sign_in: SignIn,
}

/// Carries out a plan file, or a plan made on the spot.
pub async fn apply(arguments: ApplyArgs, repo: &Path, output: &Output) -> Result<u8> {
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
