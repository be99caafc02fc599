//! Makes the commit message and the options of an apply's receipt, and the sentences on what the apply could not do.

use std::collections::BTreeSet;

use anyhow::Result;
use jiff::Timestamp;

use super::Ready;
use crate::engine::diff::top;
use crate::engine::planfile::Binding;
use crate::engine::render;
use crate::model::words::counted;
use crate::model::{Address, ChangeKind, Left};
use crate::ops::Context;
use crate::ops::apply::execute::Outcome;
use crate::ops::plan::Planned;
use crate::ops::snapshot::export::Extra;
use crate::repo::{CommitInfo, trailers};

/// Tells how far the tenant is as the commit wants it, after an apply.
pub(super) struct Conclusion {
    /// True if nothing of the commit is left to do, unknown or out of reach.
    pub verified: bool,
    /// True if everything that a step can bring about is as wanted: what still differs was reported before anybody approved.
    pub converged: bool,
    /// True if the plan covers its whole commit.
    pub whole: bool,
    /// Reasons why the commit is not verified, beside the steps that remain: one sentence each.
    pub unmet: Vec<String>,
}

impl Conclusion {
    /// Concludes from the outcome of a run, and from the plan `again` that was made after it.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub(super) fn of(context: &Context, ready: &Ready, outcome: &Outcome, again: &Planned) -> Result<Conclusion> {
        let unmet = unmet(again);
        // What could not be read before is read now: nobody has approved that it stays.
        let is_news = again.plan.left.iter().any(|left| was_unread(&ready.plan.unproven, left));
        let done = again.plan.steps.is_empty() && outcome.failed.is_empty() && outcome.stale.is_empty();
        Ok(Conclusion {
            verified: done && unmet.is_empty(),
            // The differences that remain were reported before anybody approved, and no later run can do more about them.
            converged: done && again.plan.unproven.is_empty() && !is_news,
            whole: is_whole(context, &ready.binding)?,
            unmet,
        })
    }

    /// Adds the files of `main` whose edits the tenant does not have: with one of them the commit is not verified.
    pub(super) fn note_pending(&mut self, paths: &[String]) {
        self.unmet.extend(paths.iter().map(|path| format!("{path} is not in the tenant as the commit says")));
        self.verified = self.unmet.is_empty();
    }
}

/// Returns true if the plan that was approved could not tell this difference, because the kind or the property was unread.
fn was_unread(unproven: &[String], left: &Left) -> bool {
    let kind = left.address.kind.name;
    let in_fields = |property: &str| match &left.what {
        ChangeKind::Modified(fields) => fields.iter().any(|field| top(field.path()) == property),
        ChangeKind::Added | ChangeKind::Removed => false,
    };
    unproven.iter().any(|what| match what.split_once('.') {
        Some((of, property)) => of == kind && in_fields(property),
        None => what == kind,
    })
}

/// Returns sentences on the parts of the commit that no plan step can achieve: unreadable, unwritable or undeletable. `again` is
/// the plan that was made after the apply.
fn unmet(again: &Planned) -> Vec<String> {
    let plan = &again.plan;
    let unread = again.unread.iter();
    let mut unmet: Vec<String> =
        unread.map(|what| format!("{what} could not be read completely and was left alone")).collect();
    unmet.extend(render::left::lines(plan));
    unmet
}

/// Returns true if a plan covers its whole commit: it has no selectors, and if it was made for the changes since another commit,
/// `snapshots` contains that commit. Any other plan leaves a part of the commit pending.
fn is_whole(context: &Context, binding: &Binding) -> Result<bool> {
    let everything = binding.scope.scope().is_ok_and(|scope| scope.is_everything());
    if !everything || binding.since.is_empty() {
        return Ok(everything);
    }
    let Some(last) = context.last_snapshot()? else { return Ok(false) };
    Ok(context.repo.is_ancestor(context.resolve(&binding.since)?, last)?)
}

/// Returns the options of the receipt's commit. It gets `commit`, the applied commit, as a parent only if that commit was applied
/// as a whole. If the plan undoes an earlier apply, the message names the receipt of that apply.
pub(super) fn extra(
    context: &Context,
    ready: &Ready,
    outcome: &Outcome,
    conclusion: &Conclusion,
    commit: crate::repo::ObjectId,
) -> Extra {
    let short = &ready.binding.commit[..10.min(ready.binding.commit.len())];
    // A plan that undoes an apply goes back to the first parent of that apply's receipt.
    let undone_receipt = context
        .repo
        .resolve(&ready.binding.since)
        .and_then(|since| context.repo.commit(since))
        .ok()
        .filter(|receipt| receipt.parents.first() == Some(&commit) && ready.binding.commit == commit.to_string());
    let target = context.repo.commit(commit).ok();
    let subject = match (&undone_receipt, target.as_ref().and_then(|target| brought_back(ready, outcome, target))) {
        (Some(receipt), _) => {
            let what = if conclusion.verified { "Undone" } else { "Undone in part" };
            format!("{what} {}: {}", &receipt.id.to_string()[..10], first_line(receipt))
        }
        (None, Some(text)) if conclusion.verified => format!("Brought back {text}"),
        (None, Some(text)) => format!("Partly brought back {text}"),
        (None, None) => {
            let what = if conclusion.verified { "Applied" } else { "Applied in part" };
            format!("{what} {short}: {}", target.as_ref().map(first_line).unwrap_or_default())
        }
    };
    Extra {
        // With a partly applied commit as a parent, its pending part would count as applied.
        applied: (conclusion.converged && conclusion.whole).then_some(commit),
        learned: outcome.learned.clone(),
        hold_main: !conclusion.converged,
        subject: Some(subject),
        trailers: vec![
            ("Entragit-Applied".to_owned(), ready.binding.commit.clone()),
            ("Entragit-Plan".to_owned(), ready.digest.clone()),
            (
                "Entragit-Steps".to_owned(),
                format!("{} done, {} failed, {} skipped", outcome.done, outcome.failed.len(), outcome.skipped.len()),
            ),
        ]
        .into_iter()
        .chain(ready.accepted.iter().map(|what| ("Entragit-Accepted".to_owned(), what.clone())))
        .chain(
            ready.approved.iter().map(|by| ("Entragit-Approved-By".to_owned(), format!("{} {}", by.principal, by.key))),
        )
        .collect(),
    }
}

/// Returns the first line of a commit's message.
fn first_line(commit: &CommitInfo) -> &str {
    commit.message.lines().next().unwrap_or_default()
}

/// Returns what was brought back to which snapshot, as in `4 objects to 459b63504c (2026-11-30 12:00Z)`. `None` if the target is
/// no snapshot but a person's commit, whose subject says more, or if nothing was written.
fn brought_back(ready: &Ready, outcome: &Outcome, target: &CommitInfo) -> Option<String> {
    let trailers = trailers(&target.message);
    let has = |wanted: &str| trailers.iter().any(|(name, _)| name == wanted);
    let is_snapshot = has("Entragit-Objects") && !has("Entragit-Translated-From");
    let steps = ready.plan.steps.iter().enumerate().filter(|(id, _)| outcome.ok.contains(id));
    let objects: BTreeSet<&Address> = steps.map(|(_, step)| &step.address).collect();
    if !is_snapshot || objects.is_empty() {
        return None;
    }
    let time = Timestamp::from_second(target.committed).ok()?.strftime("%Y-%m-%d %H:%MZ").to_string();
    Some(format!("{} to {} ({time})", counted(objects.len(), "object"), &target.id.to_string()[..10]))
}
