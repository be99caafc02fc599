//! Reports the state of the repository and, if asked, of the tenant, for `status`.

use anyhow::Result;
use jiff::{SignedDuration, Timestamp};

use super::drift;
use crate::engine::normalize::normalize;
use crate::engine::refs::{Names, mentioned};
use crate::engine::scope::Scope;
use crate::engine::status::{
    Bin, CREDENTIAL_DAYS, Credential, Push, Risky, Seen, Status, Taken, credentials, has_credentials, may_end_before,
    risky,
};
use crate::engine::{compare, drift as decide};
use crate::format::yaml;
use crate::kinds;
use crate::model::kind::Deletion;
use crate::model::{Coverage, Level};
use crate::ops::audit::{self, CommitRange};
use crate::ops::commit::lookup::{Lookup, learn_names};
use crate::ops::commit::snapshots_branch::fetched;
use crate::ops::commit::source::{Side, snapshots};
use crate::ops::{Context, manifest_at};
use crate::repo::ObjectId;
use crate::tenant::TenantRead;

/// Maximum number of snapshots that are searched for risks.
const SNAPSHOTS: usize = 5_000;

/// Returns the state of the repository, without asking the tenant or the remote.
///
/// # Errors
/// If the repository cannot be read.
pub fn local(context: &Context, now: Timestamp, risk_days: u32) -> Result<Status> {
    let settings = &context.settings;
    let mut status = Status {
        tenant: settings.tenant.clone(),
        now,
        objective: settings.objective,
        main: settings.branches.main.clone(),
        risk_days: i64::from(risk_days),
        pushes: pushes(context)?,
        ..Status::default()
    };
    let Some(tip) = context.last_snapshot()? else { return Ok(status) };
    let seconds = context.repo.commit(tip)?.committed;
    status.snapshot = Some(Taken { commit: tip.to_string(), seconds });
    let manifest = manifest_at(&context.repo, tip)?;
    let gaps = manifest.coverage.0.into_iter();
    status.gaps = gaps.filter(|(_, coverage)| !matches!(coverage, Coverage::Complete | Coverage::Skipped)).collect();
    if let Some((label, main)) = fetched(context, &settings.branches.main)? {
        status.pending = drift::pending(context, tip, main)?;
        status.main = label;
    }
    status.risks = risks(context, tip, now, risk_days)?;
    status.credentials = ending(context, tip, now)?;
    Ok(status)
}

/// Returns what the tenant itself shows: drift, and objects in the recycle bins.
///
/// # Errors
/// If the repository cannot be read, or the tenant is another one.
pub async fn live<T: TenantRead>(context: &Context, tenant: &T, now: Timestamp) -> Result<Seen> {
    let compared = drift::drift(context, tenant, None, &Scope::default()).await?;
    let report = &compared.report;
    let count =
        |level: Level| report.changes.iter().flat_map(|change| &change.risks).filter(|r| r.level == level).count();
    let mut seen = Seen {
        baseline: report.before.clone(),
        drift: report.changes.len(),
        risks: [Level::High, Level::Medium, Level::Low].map(count),
        complete: decide::is_complete(report),
        ..Seen::default()
    };
    for kind in context.kinds(&[]).into_iter().filter(|kind| matches!(kind.deletion, Deletion::Soft { .. })) {
        match tenant.deleted(kind).await {
            Ok(objects) => {
                let time = |object: &crate::tenant::Raw| {
                    object.get("deletedDateTime").and_then(|time| time.as_str()).unwrap_or_default().to_owned()
                };
                seen.bins.push(Bin::of(kind, &objects.iter().map(time).collect::<Vec<_>>(), now));
            }
            Err(error) => seen.unread.push((kind.name.to_owned(), error.to_string())),
        }
    }
    Ok(seen)
}

/// Returns what the remote does not have yet, as of the last fetch.
fn pushes(context: &Context) -> Result<Option<Vec<Push>>> {
    let repo = &context.repo;
    let branches = &context.settings.branches;
    let notes = audit::NOTES.trim_start_matches("refs/");
    let tracked = [repo.tracking(&branches.snapshots)?, repo.tracking(&branches.main)?];
    let [Some(snapshots), Some(main)] = tracked else { return Ok(None) };
    // The only remote may be another tenant's, fetched to compare with.
    let is_ours = !snapshots.is_guess || context.remote_tip(&branches.snapshots)?.is_some();
    if !repo.has_remote(&snapshots.remote) || !is_ours {
        return Ok(None);
    }
    let refs = [
        (branches.snapshots.as_str(), context.snapshots_ref(), snapshots.reference),
        (branches.main.as_str(), context.main_ref(), main.reference),
        // Git does not fetch notes by itself; this is where a refspec set up by a person would put them.
        (audit::NOTES, audit::NOTES.to_owned(), format!("refs/remotes/{}/{notes}", snapshots.remote)),
    ];
    let mut pushes = Vec::new();
    for (name, here, there) in refs {
        let Some(here) = repo.reference(&here)? else { continue };
        let ahead = match repo.reference(&there)? {
            Some(there) if there == here => Some(0),
            Some(there) => Some(repo.range(there, here)?.len()),
            // A branch without a remote counterpart was never pushed, since a fetch brings all branches of the remote.
            None if name != audit::NOTES => Some(repo.line(here, SNAPSHOTS)?.len()),
            None => None,
        };
        pushes.push(Push { name: name.to_owned(), ahead });
    }
    Ok(Some(pushes))
}

/// Returns the risky changes of the last days, worst first. Only files that differ between two snapshots are parsed.
fn risks(context: &Context, tip: ObjectId, now: Timestamp, days: u32) -> Result<Vec<Risky>> {
    let since = now.as_second() - i64::from(days) * 86_400;
    let mut found: Vec<Risky> = Vec::new();
    if days == 0 {
        return Ok(found);
    }
    let mut at = tip;
    for _ in 0..SNAPSHOTS {
        // Two commits at a time are read, so that the history is read only as far as it is needed.
        let line = context.repo.line(at, 2)?;
        let [commit, parent] = line.as_slice() else { break };
        let seconds = commit.committed;
        if seconds < since {
            break;
        }
        at = parent.id;
        // Before the first snapshot nothing was known: everything in it would be new.
        if !audit::is_snapshot(commit) || !audit::is_snapshot(parent) || commit.tree == parent.tree {
            continue;
        }
        let [before, after] = Side::commits(context, &parent.id.to_string(), &commit.id.to_string())?;
        let (left, right) = snapshots(&context.repo, &before, &after, &|_| false)?;
        let mut report = compare::snapshots(&left, &right, &after.manifest.ids);
        report.changes.retain(|change| !change.risks.is_empty());
        if report.changes.is_empty() {
            continue;
        }
        let range = CommitRange { from: parent.id, to: commit.id };
        audit::join(context, &mut report, Some(range), None)?;
        audit::disclose(&mut report, context.settings.actors);
        if report.changes.iter().any(|change| !change.about.is_empty()) {
            let mut names = Names::default();
            learn_names(&context.repo, &[&after, &before], &mentioned(&report), &mut names)?;
            for change in &mut report.changes {
                change.name = names.of_about(&change.about).unwrap_or_else(|| std::mem::take(&mut change.name));
            }
        }
        found.extend(risky(&report, &commit.id.to_string(), seconds));
    }
    // The sort is stable, so the changes of a level stay newest first.
    found.sort_by_key(|risk| risk.level);
    Ok(found)
}

/// Returns the credentials that ended, or will soon, in the last snapshot: the first to end comes first.
fn ending(context: &Context, tip: ObjectId, now: Timestamp) -> Result<Vec<Credential>> {
    let horizon = now.checked_add(SignedDuration::from_hours(24 * CREDENTIAL_DAYS))?;
    let mut lookup = Lookup::new(&context.repo, tip);
    let mut found = Vec::new();
    for kind in kinds::ALL.iter().copied().filter(|kind| has_credentials(kind)) {
        for entry in lookup.files(kind)? {
            let bytes = context.repo.blob(entry.blob)?;
            if !may_end_before(&String::from_utf8_lossy(&bytes), horizon) {
                continue;
            }
            if let Ok(document) = yaml::read(&entry.path, &bytes) {
                found.extend(credentials(kind, &normalize(kind, document.value).object, horizon));
            }
        }
    }
    found.sort_by(|a, b| (a.end, &a.id, &a.key).cmp(&(b.end, &b.id, &b.key)));
    Ok(found)
}
