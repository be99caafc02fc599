//! `apply`: carries out a plan, reads again, and records what was done.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};

use super::authority::ACCEPT;
use super::execute::{Outcome, PATIENCE, Run};
use super::export::{Exported, export};
use super::journal::Journal;
use super::plan::{Aim, Planned, plan};
use super::settled::{Expected, Settled};
use super::source::Side;
use super::{Context, Refused, Stale, guards};
use crate::engine::digest;
use crate::engine::guard::accept::Accepted;
use crate::engine::planfile::{self, Binding};
use crate::engine::refs::Names;
use crate::engine::render;
use crate::model::{Action, Address, IdMap, Object, Plan, Verdict};
use crate::repo::sshsig::Signer;
use crate::tenant::{TenantRead, TenantWrite};

mod correction;
mod found;
mod receipt;
mod settle;
mod unmoved;
mod verify;
mod vouched;

use correction::correction;
use receipt::{extra, is_whole, unmet};
use unmoved::check_unmoved;
pub use verify::{Unconverged, Verification};

/// Writes at the same time. Graph takes 20 a second per application and tenant, and a step with its look before takes up to a
/// second. <https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits>
const CONCURRENCY: usize = 24;

/// A plan that is ready to be carried out.
pub struct Ready {
    /// The plan.
    pub plan: Plan,
    /// What it is bound to.
    pub binding: Binding,
    /// What the guards say.
    pub verdicts: Vec<Verdict>,
    /// What a person accepted of the guards' refusals, as `GUARD:OBJECT`: the receipt says so.
    pub accepted: Vec<String>,
    /// Names of what it mentions.
    pub names: Names,
    /// SHA-256 over the plan file.
    pub digest: String,
    /// The plan file.
    text: Vec<u8>,
    /// Whether it comes from a file, made some time ago.
    saved: bool,
    /// Who approved it.
    pub approved: Vec<Signer>,
    /// What it changes or deletes, as it was found; of a plan from a file it is not known yet.
    found: BTreeMap<Address, Object>,
}

/// How an apply ended.
#[derive(Debug, Default)]
#[must_use]
pub struct Applied {
    /// Step by step.
    pub outcome: Outcome,
    /// What still differs, as a plan; empty if all is as wanted.
    pub remaining: Plan,
    /// Whether the tenant was read again and is as wanted: nothing of the commit is left to do, unknown or out of reach.
    pub verified: bool,
    /// Whether everything that a step can bring about is as wanted: what differs still was said before anybody approved.
    pub converged: bool,
    /// Why it is not verified, beside the steps that remain: one sentence each.
    pub unmet: Vec<String>,
    /// Steps beyond the plan that put right what came out differently.
    pub corrected: usize,
    /// Object by object, what reading them again has shown.
    pub verification: Verification,
    /// The receipt; none if the run was ended before its end.
    pub receipt: Option<Exported>,
    /// Objects that were created again.
    pub new_ids: usize,
}

/// Makes a plan for right now, or takes up that of a run which was cut off, if the tenant has not moved since. What an earlier run may have created is looked for first.
///
/// # Errors
/// As [`plan`].
pub async fn prepare<T: TenantRead>(context: &Context, tenant: &T, aim: &Aim) -> Result<Ready> {
    prepare_with(context, tenant, aim, PATIENCE).await
}

/// [`prepare`], with the pauses between looks for what an earlier run may have created.
///
/// # Errors
/// As [`prepare`].
pub async fn prepare_with<T: TenantRead>(
    context: &Context,
    tenant: &T,
    aim: &Aim,
    patience: &[Duration],
) -> Result<Ready> {
    // With nothing to take up nothing is sent before the commit's files were found to be right.
    if !Journal::unended(context.repo.git_dir())?.is_empty() {
        super::source::check_tenant(context, tenant).await?;
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
    // What a run wrote that was cut off a moment ago may not show everywhere.
    let tenant = Settled::new(tenant, settle::fresh(context)?, patience);
    let Planned { plan, binding, verdicts, names, found, .. } = plan(context, &tenant, aim).await?;
    settle::refuse_late(&plan, &tenant.late())?;
    let text = planfile::write(&plan, &binding, &verdicts, &names);
    let digest = digest::bytes(text.as_bytes());
    let (text, accepted, approved) = (text.into_bytes(), Vec::new(), Vec::new());
    Ok(Ready { plan, binding, verdicts, accepted, names, digest, text, saved: false, approved, found })
}

/// The plan of a run for the same aim that was cut off: taken up as it is, since making it anew would create again what
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
        let Ok(bytes) = std::fs::read(settle::kept(context, &digest)) else { continue };
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

/// Takes a plan file, if it belongs to this repository and tenant.
///
/// # Errors
/// If it is no plan, or belongs elsewhere.
pub fn open(context: &Context, bytes: &[u8]) -> Result<Ready> {
    let (mut plan, binding, digest) =
        planfile::read(bytes).map_err(|error| anyhow!("the plan file cannot be used: {error}"))?;
    if !binding.tenant.eq_ignore_ascii_case(&context.settings.tenant) {
        bail!("the plan is for tenant {}, this repository is of tenant {}", binding.tenant, context.settings.tenant);
    }
    context.repo.resolve(&binding.commit).context("looking for the commit that the plan wants")?;
    // A run that was cut off has changed what its plan was made from, and its plan was vouched for when it began.
    if !Journal::unended(context.repo.git_dir())?.contains(&digest) {
        vouched::check(context, &mut plan, &binding, &BTreeMap::new())?;
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
    /// Whether it comes from a file, made some time ago.
    pub fn is_saved(&self) -> bool {
        self.saved
    }

    /// The plan file.
    pub fn bytes(&self) -> &[u8] {
        &self.text
    }

    /// Whether a run of it was begun and did not end: it may be finished whatever its time.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub fn is_begun(&self, context: &Context) -> Result<bool> {
        Ok(Journal::unended(context.repo.git_dir())?.contains(&self.digest))
    }
}

/// Has the guards look again at a plan from a file, knowing which of the objects that it is to bring back are gone indeed.
///
/// # Errors
/// If the tenant cannot be asked, or the repository not be read.
pub async fn judge<T: TenantRead>(context: &Context, tenant: &T, ready: &mut Ready) -> Result<()> {
    if ready.saved && ready.verdicts.iter().any(|verdict| verdict.refused) {
        super::source::check_tenant(context, tenant).await?;
        let absent = guards::absent(context, tenant, &ready.plan).await?;
        ready.verdicts = guards::verdicts_of_file(context, &ready.plan, &ready.binding, &absent)?;
    }
    Ok(())
}

/// Refuses a plan that a guard objects to, unless that is accepted by name; gives back what was, as `GUARD:OBJECT`.
///
/// # Errors
/// [`Refused`], naming what is not accepted; or if there is no guard of a name that is.
pub fn check_guards(verdicts: &[Verdict], accepted: &[String]) -> Result<Vec<String>> {
    let accepted = Accepted::parse(accepted).map_err(|error| anyhow!(error))?;
    let open: Vec<String> = verdicts.iter().flat_map(|verdict| accepted.open(verdict)).collect();
    if open.is_empty() {
        return Ok(accepted.taken(verdicts));
    }
    let refusing = verdicts.iter().filter(|verdict| !accepted.open(verdict).is_empty());
    let mut guards: Vec<&str> = refusing.map(|verdict| verdict.guard).collect();
    guards.dedup();
    let accept = match open.len() {
        1..=3 => open.iter().map(|open| format!("--accept {open}")).collect::<Vec<_>>().join(" "),
        _ => guards.iter().map(|guard| format!("--accept {guard}")).collect::<Vec<_>>().join(" "),
    };
    Err(Refused { guards: guards.join(", "), accept }.into())
}

/// The plan with this digest, if this clone carried it out.
pub fn kept_plan(context: &Context, digest: &str) -> Option<Plan> {
    // A digest is a file's name here: nothing but hex.
    let hex = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    let bytes = std::fs::read(settle::kept(context, digest)).ok().filter(|_| hex)?;
    planfile::read(&bytes).ok().map(|(plan, ..)| plan)
}

/// The last run that was cut off, ready to be taken up.
///
/// # Errors
/// If there is none, or its plan is not kept.
pub fn cut_off(context: &Context) -> Result<Ready> {
    let git_dir = context.repo.git_dir();
    let Some(digest) = Journal::unended(git_dir)?.pop() else {
        bail!("no apply was cut off in this clone; there is nothing to take up")
    };
    let path = settle::kept(context, &digest);
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

/// [`apply`], with the pauses between looks for what a creation with a lost answer has made.
///
/// # Errors
/// As [`apply`].
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
    // Whatever becomes of this process, the run can be taken up.
    settle::keep(context, &ready.digest, &ready.text)?;
    if ready.saved {
        super::source::check_tenant(context, tenant).await?;
        settle::settle(context, tenant, Some(&ready.digest), patience).await?;
        let mut ids = ids.clone();
        ids.extend(&Journal::pending_ids(context.repo.git_dir())?);
        let found = check_unmoved(context, tenant, ready, &journal, &ids, patience).await?;
        if !begun {
            let mut known = found.clone();
            known.extend(vouched::recycle_bin(tenant, &ready.plan).await?);
            vouched::check(context, &mut ready.plan.clone(), &ready.binding, &known)?;
        }
        found::keep(context, ready, &found)?;
    } else {
        found::keep(context, ready, &ready.found)?;
    }
    if !journal.past.done.is_empty() || !journal.past.unknown.is_empty() {
        context.events.note(format!("taking up an earlier run: {} steps are done", journal.past.done.len()));
    }
    let known = known(context, &ready.binding, &ids)?;
    let earlier = settle::fresh(context)?;
    let run = Run {
        tenant,
        plan: &ready.plan,
        names: &ready.names,
        events: &context.events,
        ids: &ids,
        concurrency: CONCURRENCY,
        known: &known,
        patience,
        stop: &context.stop,
    };
    let mut outcome = run.execute(&mut journal).await?;
    outcome.learned.extend(&ready.binding.adopted);
    if outcome.not_begun > 0 {
        return Ok(Applied { outcome, ..Applied::default() });
    }

    let scope = ready.binding.scope.scope().map_err(|error| anyhow!("the plan's scope: {error}"))?;
    let aim = Aim {
        to: ready.binding.commit.clone(),
        scope,
        prune: ready.binding.prune,
        adopt: false,
        since: Some(ready.binding.since.clone()).filter(|since| !since.is_empty()),
        learned: outcome.learned.clone(),
        again: true,
        ..Aim::default()
    };
    context.events.note("reading the tenant again to verify");
    let mut all_ids = ids.clone();
    all_ids.extend(&outcome.learned);
    let written = |more: &[(&Plan, &Outcome)], ids: &IdMap| {
        let mut expected = earlier.clone();
        expected.add(Expected::of(&ready.plan, outcome.ok.iter().copied(), ids));
        more.iter().for_each(|(plan, outcome)| expected.add(Expected::of(plan, outcome.ok.iter().copied(), ids)));
        Settled::new(tenant, expected, patience)
    };
    let mut settled = written(&[], &all_ids);
    let mut again = plan(context, &settled, &aim).await?;
    // What Graph adds on its own (a creator as owner, a default) is put right once, and only where this run wrote.
    let judge = |again: &Planned, settled: &Settled<'_, T>| {
        verify::verify(&ready.plan, &outcome.ok, &all_ids, &again.plan, &settled.late(), &again.names)
    };
    let mut verification = judge(&again, &settled);
    let correction = correction(&again.plan, &ready.plan, &outcome, &verification);
    let mut corrected = 0;
    let clean = outcome.failed.is_empty() && outcome.stale.is_empty() && outcome.uncertain.is_empty();
    let verdicts = correction::verdicts(context, &correction, &ready.plan, &again.binding, &all_ids)?;
    let accepted = Accepted::parse(&ready.accepted).map_err(|error| anyhow!(error))?;
    if let Some(verdict) = verdicts.iter().find(|verdict| !accepted.open(verdict).is_empty()) {
        context.events.warn(format!("what came out differently is left as it is: {}", verdict.message));
    } else if !correction.steps.is_empty() && clean {
        context.events.note(format!("putting right what came out differently: {}", render::plan::counts(&correction)));
        let text = planfile::write(&correction, &again.binding, &[], &again.names);
        let mut second = Journal::open(context.repo.git_dir(), &digest::bytes(text.as_bytes()))?;
        let mut ids = ids.clone();
        ids.extend(&outcome.learned);
        let run = Run { plan: &correction, names: &again.names, ids: &ids, ..run };
        let more = run.execute(&mut second).await?;
        second.ended(more.failed.is_empty())?;
        corrected = more.done;
        settled = written(&[(&correction, &more)], &all_ids);
        again = plan(context, &settled, &aim).await?;
        verification = judge(&again, &settled);
    }
    let mut unmet = unmet(&again);
    let mut verified =
        again.plan.steps.is_empty() && unmet.is_empty() && outcome.failed.is_empty() && outcome.stale.is_empty();
    // What differs still was said before anybody approved, and no later run can do more about it.
    let converged = again.plan.steps.is_empty()
        && again.plan.unproven.is_empty()
        && outcome.failed.is_empty()
        && outcome.stale.is_empty();
    let whole = is_whole(context, &ready.binding)?;
    let mut quiet = Context { events: context.events.briefly(), ..context.clone() };
    if ready.accepted.iter().any(|what| what == ACCEPT) {
        quiet.accept.insert(ACCEPT.to_owned());
    }
    let tip = context.last_snapshot()?;
    found::publish(context, tenant, &ready.digest).await?;
    let mut extra = extra(context, ready, &outcome, (verified, converged && whole), again.commit);
    extra.hold_main = !converged;
    // What follows the commit that was applied joins no other line.
    if extra.applied == tip {
        extra.applied = context.last_snapshot()?;
    }
    settled.renew();
    let receipt = export(&quiet, &settled, &again.kinds, &extra).await?;
    match settled.late().len() {
        late if late > 0 && verification.pending.is_empty() => context.events.warn(format!(
            "{late} objects still read as before the write, and the snapshot records them so; the next export will not"
        )),
        _ => {}
    }
    if verified && whole && context.repo.reference(&context.main_ref())? == Some(again.commit) {
        unmet.extend(receipt.pending.iter().map(|path| format!("{path} is not in the tenant as the commit says")));
        verified = unmet.is_empty();
    }
    // A creation that may have happened, or does not show yet, keeps the journal open: the next run looks for it.
    match (outcome.uncertain.is_empty(), verification.pending.len()) {
        (true, 0) => journal.ended(verified)?,
        (true, pending) => journal.waiting(pending)?,
        (false, _) => {}
    }
    // Ids of runs that were cut off are in the receipt now.
    for digest in Journal::unended(context.repo.git_dir())?.into_iter().filter(|digest| *digest != ready.digest) {
        Journal::open(context.repo.git_dir(), &digest)?.ended(false)?;
    }
    let new_ids = ready
        .plan
        .steps
        .iter()
        .filter(|step| matches!(step.action, Action::Create { .. }))
        .filter(|step| outcome.learned.current(&step.address.id) != step.address.id)
        .count();
    let receipt = Some(receipt);
    Ok(Applied {
        outcome,
        remaining: again.plan,
        verified,
        converged,
        unmet,
        corrected,
        verification,
        receipt,
        new_ids,
    })
}

/// What was in the tenant before or is wanted by its address: no creation of this plan has made it.
fn known(context: &Context, binding: &Binding, ids: &IdMap) -> Result<BTreeSet<Address>> {
    let mut known = BTreeSet::new();
    for commit in [&binding.base, &binding.commit].into_iter().filter(|commit| !commit.is_empty()) {
        let index = Side::commit(context, commit)?.index;
        known.extend(index.into_keys().map(|address| Address::new(address.kind, ids.current(&address.id))));
    }
    Ok(known)
}

fn current_ids(context: &Context) -> Result<IdMap> {
    Ok(match context.last_snapshot()? {
        Some(tip) => super::manifest_of(&context.repo, &super::files_of(&context.repo, tip)?)?.ids,
        None => IdMap::default(),
    })
}
