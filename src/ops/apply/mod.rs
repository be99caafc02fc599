//! Carries out a plan for `apply`, reads the tenant again, and records what was done.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};

use super::commit::source::Side;
use super::journal::Journal;
use super::plan::{Aim, Planned, plan};
use super::snapshot::export::Exported;
use super::{Context, Refused, Stale, current_ids, guards};
use crate::engine::digest;
use crate::engine::guard::accept::Accepted;
use crate::engine::planfile::{self, Binding};
use crate::engine::refs::Names;
use crate::model::{Address, IdMap, Object, Plan, Verdict};
use crate::repo::sshsig::Signer;
use crate::tenant::{TenantRead, TenantWrite};
use execute::{Outcome, PATIENCE};

pub mod approve;
mod correction;
pub mod execute;
mod found;
mod phases;
mod receipt;
mod settle;
pub(in crate::ops) mod settled;
pub mod undo;
mod unmoved;
mod verify;
mod vouched;

use phases::Start;
use settled::ReadYourWrites;
use unmoved::check_unmoved;
pub use verify::{Unconverged, Verification};

/// Number of writes sent at the same time. Graph takes 20 a second per application and tenant, and a step with its look before
/// takes up to a second. <https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits>
const CONCURRENCY: usize = 24;

/// Represents a plan that is ready to be carried out.
pub struct Ready {
    /// The plan.
    pub plan: Plan,
    /// Commit, tenant and snapshot that the plan is bound to.
    pub binding: Binding,
    /// Verdicts of the guards.
    pub verdicts: Vec<Verdict>,
    /// Refusals of the guards that a person accepted, as `GUARD:OBJECT`; the receipt names them.
    pub accepted: Vec<String>,
    /// Names of the objects that the plan mentions.
    pub names: Names,
    /// SHA-256 over the plan file.
    pub digest: String,
    /// Bytes of the plan file.
    text: Vec<u8>,
    /// True if the plan comes from a file that was made some time ago.
    saved: bool,
    /// People who approved the plan.
    pub approved: Vec<Signer>,
    /// Objects that the plan changes or deletes, as they were found; not known yet for a plan from a file.
    found: BTreeMap<Address, Object>,
}

/// Describes how an apply ended.
#[derive(Debug, Default)]
#[must_use]
pub struct Applied {
    /// Outcome of each step.
    pub outcome: Outcome,
    /// Plan of what still differs; empty if all is as wanted.
    pub remaining: Plan,
    /// True if the tenant was read again and is as wanted: nothing of the commit is left to do, unknown or out of reach.
    pub verified: bool,
    /// True if everything that a step can bring about is as wanted: what still differs was reported before anybody approved.
    pub converged: bool,
    /// Reasons why the commit is not verified, beside the steps that remain: one sentence each.
    pub unmet: Vec<String>,
    /// Number of steps beyond the plan that put right what came out differently.
    pub corrected: usize,
    /// Result of reading each written object again.
    pub verification: Verification,
    /// The receipt; none if the run was stopped before its end.
    pub receipt: Option<Exported>,
    /// Number of objects that were created again.
    pub new_ids: usize,
}

/// Makes a plan for the tenant as it is now, or takes up that of a run which was cut off, if the tenant has not moved since.
/// Objects that an earlier run may have created are looked for first.
///
/// # Errors
/// Fails like [`plan`].
pub async fn prepare<T: TenantRead>(context: &Context, tenant: &T, aim: &Aim) -> Result<Ready> {
    prepare_with(context, tenant, aim, PATIENCE).await
}

/// Does the work of [`prepare`], with the pauses between looks for objects that an earlier run may have created.
///
/// # Errors
/// Fails like [`prepare`].
pub async fn prepare_with<T: TenantRead>(
    context: &Context,
    tenant: &T,
    aim: &Aim,
    patience: &[Duration],
) -> Result<Ready> {
    // Without a run to take up, nothing is sent before the commit's files were found to be right.
    if !Journal::unended(context.repo.git_dir())?.is_empty() {
        super::commit::source::check_tenant(context, tenant).await?;
    }
    if let Some(begun) = begun(context, aim)? {
        let mut ids = current_ids(context)?;
        ids.extend(&Journal::pending_ids(context.repo.git_dir())?);
        let journal = Journal::open(context.repo.git_dir(), &begun.digest)?;
        match check_unmoved(context, tenant, &begun, &journal, &ids, patience).await {
            Ok(_) => {
                context.events.warn("an earlier run of this was cut off; it is taken up where it was");
                return Ok(begun);
            }
            Err(error) if error.downcast_ref::<Stale>().is_some() => {
                let said =
                    "an earlier run of this was cut off, and the tenant has moved since; here is a plan for the rest";
                context.events.warn(said);
            }
            Err(error) => return Err(error),
        }
    }
    settle::settle(context, tenant, None, patience).await?;
    // The writes of a run that was cut off a moment ago may not show everywhere yet.
    let tenant = ReadYourWrites::new(tenant, settle::recent_writes(context)?, patience);
    let Planned { plan, binding, verdicts, names, found, .. } = plan(context, &tenant, aim).await?;
    settle::refuse_late(&plan, &tenant.late())?;
    let text = planfile::write(&plan, &binding, &verdicts, &names);
    let digest = digest::bytes(text.as_bytes());
    let (text, accepted, approved) = (text.into_bytes(), Vec::new(), Vec::new());
    Ok(Ready { plan, binding, verdicts, accepted, names, digest, text, saved: false, approved, found })
}

/// Returns the plan of a run for the same aim that was cut off. It is taken up as it is, since a new plan would create again what
/// that run has created already.
fn begun(context: &Context, aim: &Aim) -> Result<Option<Ready>> {
    let commit = context.resolve(&aim.to)?.to_string();
    let base = context.last_snapshot()?.map(|base| base.to_string()).unwrap_or_default();
    let since = match &aim.since {
        Some(since) => context.resolve(since)?.to_string(),
        None => String::new(),
    };
    for digest in Journal::unended(context.repo.git_dir())? {
        if Journal::open(context.repo.git_dir(), &digest)?.past.waiting {
            continue;
        }
        let Ok(bytes) = std::fs::read(settle::kept_plan_path(context, &digest)) else { continue };
        let ready = open(context, &bytes)?;
        let same = ready.binding.commit == commit
            && ready.binding.base == base
            && ready.binding.prune == aim.prune
            && ready.binding.since == since
            && (aim.adopt || ready.binding.adopted == aim.adopted)
            && ready.binding.scope == (&aim.scope).into();
        if same {
            return Ok(Some(ready));
        }
    }
    Ok(None)
}

/// Opens a plan file, if it belongs to this repository and tenant.
///
/// # Errors
/// If the file is no plan, or belongs elsewhere.
pub fn open(context: &Context, bytes: &[u8]) -> Result<Ready> {
    let (mut plan, binding, digest) =
        planfile::read(bytes).map_err(|error| anyhow!("the plan file cannot be used: {error}"))?;
    if !binding.tenant.eq_ignore_ascii_case(&context.settings.tenant) {
        bail!("the plan is for tenant {}, this repository is of tenant {}", binding.tenant, context.settings.tenant);
    }
    context.repo.resolve(&binding.commit).context("looking for the commit that the plan wants")?;
    // A run that was cut off has changed the state that its plan was made from, and its plan was vouched for when it began.
    if !Journal::unended(context.repo.git_dir())?.contains(&digest) {
        vouched::check(context, &mut plan, &binding, &BTreeMap::new(), None, None)?;
    }
    let mut names = Names::default();
    for step in &plan.steps {
        names.insert(&step.address.id, &step.name);
    }
    // The guards' verdicts are made anew from what this machine knows; a file's own are only for people.
    let verdicts = guards::verdicts_of_file(context, &plan, &binding, &BTreeSet::new())?;
    let (accepted, text, found) = (Vec::new(), bytes.to_vec(), BTreeMap::new());
    Ok(Ready { plan, binding, verdicts, accepted, names, digest, text, saved: true, approved: Vec::new(), found })
}

impl Ready {
    /// Returns true if the plan comes from a file that was made some time ago.
    pub fn is_saved(&self) -> bool {
        self.saved
    }

    /// Returns the bytes of the plan file.
    pub fn bytes(&self) -> &[u8] {
        &self.text
    }

    /// Returns true if a run of the plan was begun and did not end: it may be finished even after the plan has expired.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub fn is_begun(&self, context: &Context) -> Result<bool> {
        Ok(Journal::unended(context.repo.git_dir())?.contains(&self.digest))
    }
}

/// Has the guards judge a plan from a file again, knowing which of the objects that it is to bring back are gone indeed.
///
/// # Errors
/// If the tenant cannot be asked, or the repository not be read.
pub async fn judge<T: TenantRead>(context: &Context, tenant: &T, ready: &mut Ready) -> Result<()> {
    if ready.saved && ready.verdicts.iter().any(|verdict| verdict.refused) {
        super::commit::source::check_tenant(context, tenant).await?;
        let absent = guards::absent(context, tenant, &ready.plan).await?;
        ready.verdicts = guards::verdicts_of_file(context, &ready.plan, &ready.binding, &absent)?;
    }
    Ok(())
}

/// Refuses a plan that a guard objects to, unless the objection is accepted by name; returns the accepted ones as `GUARD:OBJECT`.
///
/// # Errors
/// [`Refused`], naming what is not accepted; or if an accepted name is not the name of a guard.
pub fn check_guards(verdicts: &[Verdict], accepted: &[String]) -> Result<Vec<String>> {
    let accepted = Accepted::parse(accepted).map_err(|error| anyhow!(error))?;
    let open: Vec<String> = verdicts.iter().flat_map(|verdict| accepted.still_refused(verdict)).collect();
    if open.is_empty() {
        return Ok(accepted.accepted_refusals(verdicts));
    }
    let refusing = verdicts.iter().filter(|verdict| !accepted.still_refused(verdict).is_empty());
    let mut guards: Vec<&str> = refusing.map(|verdict| verdict.guard).collect();
    guards.dedup();
    let accept = match open.len() {
        1..=3 => open.iter().map(|open| format!("--accept {open}")).collect::<Vec<_>>().join(" "),
        _ => guards.iter().map(|guard| format!("--accept {guard}")).collect::<Vec<_>>().join(" "),
    };
    Err(Refused { guards: guards.join(", "), accept }.into())
}

/// Returns the plan with this digest, if this clone carried it out.
pub fn kept_plan(context: &Context, digest: &str) -> Option<Plan> {
    // The digest is used as a file name here, so it must consist of hexadecimal digits only.
    let hex = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    let bytes = std::fs::read(settle::kept_plan_path(context, digest)).ok().filter(|_| hex)?;
    planfile::read(&bytes).ok().map(|(plan, ..)| plan)
}

/// Returns the last run that was cut off, ready to be taken up.
///
/// # Errors
/// If there is none, or its plan is not kept.
pub fn cut_off(context: &Context) -> Result<Ready> {
    let git_dir = context.repo.git_dir();
    let Some(digest) = Journal::unended(git_dir)?.pop() else {
        bail!("no apply was cut off in this clone; there is nothing to take up")
    };
    let path = settle::kept_plan_path(context, &digest);
    let bytes = std::fs::read(&path).with_context(|| {
        format!(
            "reading the plan of the run that was cut off, {}; `entragit apply --to REV` makes a new one",
            path.display()
        )
    })?;
    open(context, &bytes)
}

/// Carries out a plan: checks that nothing it touches has moved, writes, reads again, and commits a receipt.
///
/// # Errors
/// [`Stale`] before the first write if something moved; else only if the journal or the repository cannot be written.
pub async fn apply<T: TenantRead + TenantWrite>(context: &Context, tenant: &T, ready: &Ready) -> Result<Applied> {
    apply_with(context, tenant, ready, PATIENCE).await
}

/// Does the work of [`apply`], with the pauses between looks for what a creation with a lost answer has made.
///
/// # Errors
/// Fails like [`apply`].
pub async fn apply_with<T: TenantRead + TenantWrite>(
    context: &Context,
    tenant: &T,
    ready: &Ready,
    patience: &[Duration],
) -> Result<Applied> {
    context.ready_snapshots_branch()?;
    let begun = ready.is_begun(context)?;
    let mut journal = Journal::open(context.repo.git_dir(), &ready.digest)?;
    journal.begin_anew();
    let mut ids = current_ids(context)?;
    ids.extend(&ready.binding.adopted);
    // With the plan kept, the run can be taken up even if this process dies.
    settle::keep(context, &ready.digest, &ready.text)?;
    let writing = Start { context, tenant, ready, patience, begun, ids }.check(&journal).await?;
    let written = writing.write(&mut journal).await?;
    if written.outcome.not_begun > 0 {
        return Ok(Applied { outcome: written.outcome, ..Applied::default() });
    }
    let reread = written.verify().await?;
    let reread = written.correct(reread).await?;
    written.record(reread, journal).await
}

/// Returns the addresses of the objects that were in the tenant before or are wanted: no creation of this plan has made them.
fn known(context: &Context, binding: &Binding, ids: &IdMap) -> Result<BTreeSet<Address>> {
    let mut known = BTreeSet::new();
    for commit in [&binding.base, &binding.commit].into_iter().filter(|commit| !commit.is_empty()) {
        let index = Side::commit(context, commit)?.index;
        known.extend(index.into_keys().map(|address| Address::new(address.kind, ids.current(&address.id))));
    }
    Ok(known)
}
