//! Finds who added the credentials that a plan removes, and who made the differences that it leaves, from the audit log and the
//! notes of the snapshots.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::engine::render::event_line;
use crate::model::{Action, Address, AuditEvent, Change, ChangeKind, Plan, Report};
use crate::ops::Context;
use crate::ops::audit::{self, CommitRange};
use crate::repo::ObjectId;
use crate::tenant::TenantRead;

/// Maximum number of events that are reported for one object.
const MAX_EVENTS: usize = 3;

/// Fills in `by` of the differences that `plan` leaves and of the steps that remove credentials: one line for each event.
/// `commit` is the wanted commit, `last` the last snapshot; without a snapshot nothing is filled in.
///
/// # Errors
/// If the repository cannot be read.
pub async fn fill_in<T: TenantRead>(
    context: &Context,
    tenant: &T,
    plan: &mut Plan,
    commit: ObjectId,
    last: Option<ObjectId>,
) -> Result<()> {
    let Some(last) = last else { return Ok(()) };
    let asked: BTreeSet<Address> =
        plan.left.iter().map(|left| left.address.clone()).chain(objects_losing_credentials(plan)).collect();
    if asked.is_empty() {
        return Ok(());
    }
    let mut report = Report { changes: asked.iter().map(empty_change).collect(), ..Report::default() };
    let live = audit::live(context, tenant, last).await?;
    let range = Some(CommitRange { from: commit, to: last })
        .filter(|_| context.repo.is_ancestor(commit, last).unwrap_or(false));
    audit::join(context, &mut report, range, Some(&live))?;
    audit::disclose(&mut report, context.settings.actors);
    let events: BTreeMap<Address, Vec<AuditEvent>> =
        report.changes.into_iter().map(|change| (change.address, change.events)).collect();
    for left in &mut plan.left {
        left.by = event_lines(events.get(&left.address), |_| true);
    }
    for step in plan.steps.iter_mut().filter(|step| removes_credential(&step.address, &step.action)) {
        step.by = event_lines(events.get(&step.address), names_credential);
        if step.by.is_empty() {
            step.by = event_lines(events.get(&step.address), |_| true);
        }
    }
    Ok(())
}

/// Returns the objects from which a plan removes credentials.
fn objects_losing_credentials(plan: &Plan) -> impl Iterator<Item = Address> {
    let steps = plan.steps.iter().filter(|step| removes_credential(&step.address, &step.action));
    steps.map(|step| step.address.clone())
}

fn removes_credential(address: &Address, action: &Action) -> bool {
    match action {
        Action::Unlink { link, .. } => address.kind.credential(link).is_some(),
        _ => false,
    }
}

/// Returns true if an event changed secrets or certificates, which Microsoft's name of its activity says.
/// <https://learn.microsoft.com/entra/identity/monitoring-health/reference-audit-activities>
fn names_credential(event: &AuditEvent) -> bool {
    let activity = event.activity.to_lowercase();
    activity.contains("secret") || activity.contains("credential")
}

/// Returns one line for each of the first [`MAX_EVENTS`] events that `of_interest` selects, without repetitions.
fn event_lines(events: Option<&Vec<AuditEvent>>, of_interest: impl Fn(&AuditEvent) -> bool) -> Vec<String> {
    let events = events.map(Vec::as_slice).unwrap_or_default();
    let mut lines: Vec<String> = events.iter().filter(|event| of_interest(event)).map(event_line).collect();
    lines.dedup();
    lines.truncate(MAX_EVENTS);
    lines
}

/// Returns a change of the object without details, to which [`audit::join`] adds the events of the object.
fn empty_change(address: &Address) -> Change {
    Change {
        address: address.clone(),
        called: address.kind.name,
        name: String::new(),
        about: Vec::new(),
        what: ChangeKind::Modified(Vec::new()),
        whole: Vec::new(),
        manner: None,
        risks: Vec::new(),
        path: String::new(),
        events: Vec::new(),
    }
}
