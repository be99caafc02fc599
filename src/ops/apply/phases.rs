//! Holds the phases of an apply: check before the first write, write, read again, correct, and record a receipt.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Result, anyhow};

use super::correction::{self, correction};
use super::receipt::{Conclusion, extra};
use super::unmoved::check_unmoved;
use super::{Applied, CONCURRENCY, Ready, found, known, settle, vouched};
use crate::engine::digest;
use crate::engine::guard::accept::Accepted;
use crate::engine::planfile;
use crate::engine::refs::Names;
use crate::engine::render;
use crate::model::words::agreeing;
use crate::model::{Action, Address, IdMap, Object, Plan, Verdict};
use crate::ops::Context;
use crate::ops::apply::execute::{Outcome, Run};
use crate::ops::apply::settled::{Expected, ReadYourWrites};
use crate::ops::apply::verify::{self, Verification};
use crate::ops::commit::source::check_tenant;
use crate::ops::guards::authority::ACCEPT;
use crate::ops::journal::Journal;
use crate::ops::plan::{Aim, Planned, plan};
use crate::ops::snapshot::export::{Exported, export};
use crate::tenant::{TenantRead, TenantWrite};

/// Holds a plan that is about to be carried out, and where.
pub(super) struct Start<'a, T> {
    pub context: &'a Context,
    pub tenant: &'a T,
    pub ready: &'a Ready,
    /// Pauses between looks for what a creation with a lost answer has made.
    pub patience: &'a [Duration],
    /// True if a run of the plan was begun and did not end.
    pub begun: bool,
    /// Map from old ids to new ids, from earlier runs and adoptions.
    pub ids: IdMap,
}

impl<'a, T: TenantRead + TenantWrite> Start<'a, T> {
    /// Checks what must be known before the first write, and keeps the state that the run finds. A plan from a file is checked
    /// against the tenant; any other plan was just made from it.
    ///
    /// # Errors
    /// [`crate::ops::Stale`] if something moved since the plan was made; others if the plan does not do what its commit says.
    pub(super) async fn check(self, journal: &Journal) -> Result<Writing<'a, T>> {
        let found = match self.ready.saved {
            true => Cow::Owned(self.check_plan_from_file(journal).await?),
            false => Cow::Borrowed(&self.ready.found),
        };
        found::keep(self.context, self.ready, &found)?;
        if !journal.past.done.is_empty() || !journal.past.unknown.is_empty() {
            self.context.events.note(format!(
                "taking up an earlier run: {} done",
                agreeing(journal.past.done.len(), "step", "is", "are")
            ));
        }
        let known = known(self.context, &self.ready.binding, &self.ids)?;
        let earlier = settle::recent_writes(self.context)?;
        let Start { context, tenant, ready, patience, ids, .. } = self;
        Ok(Writing { context, tenant, ready, patience, ids, known, earlier })
    }

    /// Checks that nothing moved since the file was made, and that it does what its commit says. Returns the objects that the
    /// plan changes or deletes, as they are in the tenant.
    async fn check_plan_from_file(&self, journal: &Journal) -> Result<BTreeMap<Address, Object>> {
        let Start { context, tenant, ready, patience, .. } = self;
        check_tenant(context, *tenant).await?;
        settle::settle(context, *tenant, Some(&ready.digest), patience).await?;
        let mut ids = self.ids.clone();
        ids.extend(&Journal::pending_ids(context.repo.git_dir())?);
        let found = check_unmoved(context, *tenant, ready, journal, &ids, patience).await?;
        if !self.begun {
            let mut known = found.clone();
            known.extend(vouched::recycle_bin(*tenant, &ready.plan).await?);
            let adopted = vouched::adopted(context, *tenant, &ready.binding).await?;
            let defaults = vouched::defaults(context, *tenant, &ready.plan, &ready.binding).await?;
            let judged = &mut ready.plan.clone();
            vouched::check(context, judged, &ready.binding, &known, Some(&adopted), Some(&defaults))?;
        }
        Ok(found)
    }
}

/// Holds a plan whose writes may be sent.
pub(super) struct Writing<'a, T> {
    context: &'a Context,
    tenant: &'a T,
    ready: &'a Ready,
    patience: &'a [Duration],
    ids: IdMap,
    /// Objects that no creation of the plan has made.
    known: BTreeSet<Address>,
    /// Recent writes of runs that did not come to their end.
    earlier: Expected,
}

impl<'a, T: TenantRead + TenantWrite> Writing<'a, T> {
    /// Carries out the steps of the plan.
    ///
    /// # Errors
    /// Only if the journal cannot be written.
    pub(super) async fn write(self, journal: &mut Journal) -> Result<Written<'a, T>> {
        let ready = self.ready;
        let run = self.run(&ready.plan, &ready.verdicts, &ready.names, &self.ids);
        let mut outcome = run.execute(journal).await?;
        outcome.learned.extend(&ready.binding.adopted);
        let mut ids = self.ids.clone();
        ids.extend(&outcome.learned);
        Ok(Written { writing: self, outcome, ids })
    }

    /// Returns the run of a plan.
    fn run<'r>(&'r self, plan: &'r Plan, verdicts: &'r [Verdict], names: &'r Names, ids: &'r IdMap) -> Run<'r, T> {
        Run {
            tenant: self.tenant,
            plan,
            verdicts,
            names,
            events: &self.context.events,
            ids,
            concurrency: CONCURRENCY,
            known: &self.known,
            patience: self.patience,
            stop: &self.context.stop,
        }
    }
}

/// Holds a plan whose writes were sent.
pub(super) struct Written<'a, T> {
    writing: Writing<'a, T>,
    /// Outcome of each step.
    pub outcome: Outcome,
    /// Map from old ids to new ids, with those that this run learned.
    ids: IdMap,
}

/// Holds the tenant as it was read again after the writes.
pub(super) struct Reread<'a, T> {
    /// The tenant with all writes of the run.
    settled: ReadYourWrites<'a, T>,
    /// Plan of what still differs.
    again: Planned,
    verification: Verification,
    /// Number of steps beyond the plan that put right what came out differently.
    corrected: usize,
}

impl<'a, T: TenantRead + TenantWrite> Written<'a, T> {
    /// Reads the tenant again, and compares it with what was written.
    ///
    /// # Errors
    /// If the tenant cannot be read, or the repository not be read.
    pub(super) async fn verify(&self) -> Result<Reread<'a, T>> {
        let aim = self.aim()?;
        self.writing.context.events.note("reading the tenant again to verify");
        self.read_again(&aim, None).await
    }

    /// Returns the aim of the plan that was carried out, for a plan of what is left of it.
    fn aim(&self) -> Result<Aim> {
        let binding = &self.writing.ready.binding;
        let scope = binding.scope.scope().map_err(|error| anyhow!("the plan's scope: {error}"))?;
        Ok(Aim {
            to: binding.commit.clone(),
            scope,
            prune: binding.prune,
            adopt: false,
            since: Some(binding.since.clone()).filter(|since| !since.is_empty()),
            learned: self.outcome.learned.clone(),
            again: true,
            ..Aim::default()
        })
    }

    /// Reads the tenant with all writes of the run in it, those of a correction included.
    async fn read_again(&self, aim: &Aim, correction: Option<&Correction>) -> Result<Reread<'a, T>> {
        let (Writing { context, tenant, ready, patience, earlier, .. }, outcome) = (&self.writing, &self.outcome);
        let mut expected = earlier.clone();
        expected.add(Expected::of(&ready.plan, outcome.ok.iter().copied(), &self.ids));
        if let Some(Correction { plan, outcome }) = correction {
            expected.add(Expected::of(plan, outcome.ok.iter().copied(), &self.ids));
        }
        let settled = ReadYourWrites::new(*tenant, expected, patience);
        let again = plan(context, &settled, aim).await?;
        let verification =
            verify::verify(&ready.plan, &outcome.ok, &self.ids, &again.plan, &settled.late(), &again.names);
        let corrected = correction.map_or(0, |correction| correction.outcome.done);
        Ok(Reread { settled, again, verification, corrected })
    }

    /// Puts right the values that Graph adds on its own (a creator as owner, a default), once and only where this run wrote, and
    /// then reads the tenant again.
    ///
    /// # Errors
    /// If the journal cannot be written, or the tenant not be read.
    pub(super) async fn correct(&self, reread: Reread<'a, T>) -> Result<Reread<'a, T>> {
        let (Writing { context, ready, .. }, outcome) = (&self.writing, &self.outcome);
        let again = &reread.again;
        let correction = correction(&again.plan, &ready.plan, outcome, &reread.verification);
        let clean = outcome.failed.is_empty() && outcome.stale.is_empty() && outcome.uncertain.is_empty();
        let verdicts = correction::verdicts(context, &correction, &ready.plan, &again.binding, &self.ids)?;
        let accepted = Accepted::parse(&ready.accepted).map_err(|error| anyhow!(error))?;
        if let Some(verdict) = verdicts.iter().find(|verdict| !accepted.still_refused(verdict).is_empty()) {
            context.events.warn(format!("what came out differently is left as it is: {}", verdict.message));
            return Ok(reread);
        }
        if correction.steps.is_empty() || !clean {
            return Ok(reread);
        }
        context.events.note(format!("putting right what came out differently: {}", render::plan::counts(&correction)));
        let text = planfile::write(&correction, &again.binding, &[], &again.names);
        let mut journal = Journal::open(context.repo.git_dir(), &digest::bytes(text.as_bytes()))?;
        let run = self.writing.run(&correction, &verdicts, &again.names, &self.ids);
        let outcome = run.execute(&mut journal).await?;
        journal.record_end(outcome.failed.is_empty())?;
        let aim = self.aim()?;
        self.read_again(&aim, Some(&Correction { plan: correction, outcome })).await
    }

    /// Commits the receipt, and ends the journals of this run and of those that were cut off.
    ///
    /// # Errors
    /// If the repository or a journal cannot be written.
    pub(super) async fn record(self, reread: Reread<'a, T>, journal: Journal) -> Result<Applied> {
        let Writing { context, ready, .. } = &self.writing;
        let mut conclusion = Conclusion::of(context, ready, &self.outcome, &reread.again)?;
        let receipt = self.commit_receipt(&reread, &conclusion).await?;
        let Reread { again, verification, corrected, .. } = reread;
        if conclusion.verified && conclusion.whole && context.repo.reference(&context.main_ref())? == Some(again.commit)
        {
            conclusion.note_pending(&receipt.pending);
        }
        self.end_journals(journal, conclusion.verified, verification.pending.len())?;
        let new_ids = self.count_new_ids();
        let Conclusion { verified, converged, unmet, .. } = conclusion;
        let receipt = Some(receipt);
        let (outcome, remaining) = (self.outcome, again.plan);
        Ok(Applied { outcome, remaining, verified, converged, unmet, corrected, verification, receipt, new_ids })
    }

    /// Publishes the state that the run found, and commits the present one after it as the receipt.
    async fn commit_receipt(&self, reread: &Reread<'a, T>, conclusion: &Conclusion) -> Result<Exported> {
        let Writing { context, tenant, ready, .. } = &self.writing;
        let Reread { settled, again, verification, .. } = reread;
        let mut quiet = Context { events: context.events.briefly(), ..(*context).clone() };
        if ready.accepted.iter().any(|what| what == ACCEPT) {
            quiet.accept.insert(ACCEPT.to_owned());
        }
        let tip = context.last_snapshot()?;
        found::publish(context, *tenant, &ready.digest).await?;
        let mut extra = extra(context, ready, &self.outcome, conclusion, again.commit);
        // A commit that was the tip of `snapshots` is in the receipt's history already: with the present tip in its place the
        // receipt gets no second parent.
        if extra.applied == tip {
            extra.applied = context.last_snapshot()?;
        }
        settled.renew();
        let receipt = export(&quiet, settled, &again.kinds, &extra).await?;
        match settled.late().len() {
            late if late > 0 && verification.pending.is_empty() => context.events.warn(format!(
                "{} as before the write, and the snapshot says so; the next export will not",
                agreeing(late, "object", "still reads", "still read")
            )),
            _ => {}
        }
        Ok(receipt)
    }

    /// Ends the run's journal unless the next run must look for something, and the journals of runs that were cut off.
    fn end_journals(&self, mut journal: Journal, verified: bool, pending: usize) -> Result<()> {
        let Writing { context, ready, .. } = &self.writing;
        // A creation that may have happened, or does not show yet, keeps the journal open: the next run looks for it.
        match (self.outcome.uncertain.is_empty(), pending) {
            (true, 0) => journal.record_end(verified)?,
            (true, pending) => journal.record_waiting(pending)?,
            (false, _) => {}
        }
        // The receipt now holds the ids learned by runs that were cut off, so their journals can be closed.
        for digest in Journal::unended(context.repo.git_dir())?.into_iter().filter(|digest| *digest != ready.digest) {
            Journal::open(context.repo.git_dir(), &digest)?.record_end(false)?;
        }
        Ok(())
    }

    /// Returns the number of objects that the plan created and that have another id than before.
    fn count_new_ids(&self) -> usize {
        let creations =
            self.writing.ready.plan.steps.iter().filter(|step| matches!(step.action, Action::Create { .. }));
        creations.filter(|step| self.outcome.learned.current(&step.address.id) != step.address.id).count()
    }
}

/// Holds the steps that put right what came out differently, and how they ended.
struct Correction {
    plan: Plan,
    outcome: Outcome,
}
