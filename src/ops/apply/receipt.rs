//! Writes the receipt of an apply, and the sentences on what the apply could not do.

use anyhow::Result;

use super::Ready;
use crate::engine::planfile::Binding;
use crate::engine::render;
use crate::ops::Context;
use crate::ops::apply::execute::Outcome;
use crate::ops::plan::Planned;
use crate::ops::snapshot::export::Extra;

/// Lists the parts of the commit that no plan step can achieve: unreadable, unwritable or undeletable.
pub(super) fn unmet(again: &Planned) -> Vec<String> {
    let plan = &again.plan;
    // Kinds that the commit itself does not know completely are not wanted completely either.
    let unread = again.unread.iter();
    let mut unmet: Vec<String> =
        unread.map(|what| format!("{what} could not be read completely and was left alone")).collect();
    unmet.extend(render::left::lines(plan));
    unmet
}

/// Returns true if a plan brings about all that its commit says; a plan of a part of it leaves the rest pending.
pub(super) fn is_whole(context: &Context, binding: &Binding) -> Result<bool> {
    let everything = binding.scope.scope().is_ok_and(|scope| scope.is_everything());
    if !everything || binding.since.is_empty() {
        return Ok(everything);
    }
    let Some(last) = context.last_snapshot()? else { return Ok(false) };
    Ok(context.repo.is_ancestor(context.resolve(&binding.since)?, last)?)
}

pub(super) fn extra(
    context: &Context,
    ready: &Ready,
    outcome: &Outcome,
    (verified, joins): (bool, bool),
    commit: crate::repo::ObjectId,
) -> Extra {
    let short = &ready.binding.commit[..10.min(ready.binding.commit.len())];
    let undone = context
        .repo
        .resolve(&ready.binding.since)
        .and_then(|since| context.repo.commit(since))
        .ok()
        .filter(|receipt| receipt.parents.first() == Some(&commit) && ready.binding.commit == commit.to_string());
    let subject = context
        .repo
        .commit(undone.as_ref().map_or(commit, |receipt| receipt.id))
        .ok()
        .and_then(|info| info.message.lines().next().map(str::to_owned))
        .unwrap_or_default();
    Extra {
        // Only a receipt for a whole commit gets that commit as a parent: one for a part leaves the rest pending.
        applied: joins.then_some(commit),
        learned: outcome.learned.clone(),
        hold_main: !verified,
        subject: Some(match (&undone, verified) {
            (None, true) => format!("Applied {short}: {subject}"),
            (None, false) => format!("Applied in part {short}: {subject}"),
            (Some(receipt), true) => format!("Undone {}: {subject}", &receipt.id.to_string()[..10]),
            (Some(receipt), false) => format!("Undone in part {}: {subject}", &receipt.id.to_string()[..10]),
        }),
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
