//! Settles the open creations of runs that were cut off, before a plan is made anew: a creation that happened must not be
//! repeated.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::known;
use crate::engine::planfile;
use crate::engine::refs::rewrite_body;
use crate::model::{Action, Address, Plan, Step};
use crate::ops::Context;
use crate::ops::apply::execute::{Search, learned};
use crate::ops::apply::settled::Expected;
use crate::ops::current_ids;
use crate::ops::journal::Journal;
use crate::tenant::TenantRead;

/// Returns the path at which the plan with this digest is kept, so that its run can be taken up.
pub(super) fn kept_plan_path(context: &Context, digest: &str) -> PathBuf {
    context.repo.git_dir().join("entragit").join("plans").join(format!("{digest}.json"))
}

/// Keeps a plan.
pub(super) fn keep(context: &Context, digest: &str, text: &[u8]) -> Result<()> {
    let path = kept_plan_path(context, digest);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    std::fs::write(&path, text).with_context(|| format!("keeping the plan in {}", path.display()))
}

/// Time for which a created object may not show before it counts as gone: 404 was seen for 11 minutes after the creation of a
/// group in an administrative unit. <https://github.com/hashicorp/terraform-provider-azuread>
const SHOWS_WITHIN: Duration = Duration::from_secs(15 * 60);

/// Refuses to create again an object that was created a moment ago and does not show yet.
///
/// # Errors
/// If the plan would create such an object again.
pub(super) fn refuse_late(plan: &Plan, late: &BTreeSet<Address>) -> Result<()> {
    let again = |step: &&Step| matches!(step.action, Action::Create { .. }) && late.contains(&step.address);
    match plan.steps.iter().find(again) {
        Some(step) => bail!(
            "{} \"{}\" was created less than {} minutes ago and the tenant does not show it yet; nothing was written, try again later",
            step.called,
            crate::engine::render::safe(&step.name),
            SHOWS_WITHIN.as_secs() / 60
        ),
        None => Ok(()),
    }
}

/// Returns the recent writes of runs that did not come to their end.
///
/// # Errors
/// If the journals cannot be read.
pub(super) fn recent_writes(context: &Context) -> Result<Expected> {
    let mut ids = current_ids(context)?;
    ids.extend(&Journal::pending_ids(context.repo.git_dir())?);
    let mut fresh = Expected::default();
    for digest in Journal::unended(context.repo.git_dir())? {
        let Ok(bytes) = std::fs::read(kept_plan_path(context, &digest)) else { continue };
        let Ok((plan, ..)) = planfile::read(&bytes) else { continue };
        let journal = Journal::open(context.repo.git_dir(), &digest)?;
        let age = std::fs::metadata(journal.path()).and_then(|file| file.modified()).ok();
        if age.and_then(|at| at.elapsed().ok()).is_none_or(|age| age < SHOWS_WITHIN) {
            fresh.add(Expected::of(&plan, journal.past.done.iter().copied(), &ids));
        }
    }
    Ok(fresh)
}

/// Looks for the objects made by creations whose answers were lost, for every run that did not end but `except`, and writes the
/// result into the run's journal.
///
/// # Errors
/// If the result cannot be told: making a plan now could create the objects twice.
pub(super) async fn settle<T: TenantRead>(
    context: &Context,
    tenant: &T,
    except: Option<&str>,
    patience: &[Duration],
) -> Result<()> {
    let mut ids = current_ids(context)?;
    ids.extend(&Journal::pending_ids(context.repo.git_dir())?);
    for digest in Journal::unended(context.repo.git_dir())?.into_iter().filter(|digest| Some(digest.as_str()) != except)
    {
        let Ok(bytes) = std::fs::read(kept_plan_path(context, &digest)) else { continue };
        let Ok((plan, binding, _)) = planfile::read(&bytes) else { continue };
        let mut journal = Journal::open(context.repo.git_dir(), &digest)?;
        let known = known(context, &binding, &ids)?;
        let search = Search { tenant, known: &known, unmanaged: &plan.unmanaged, patience };
        for id in journal.past.unknown.clone() {
            let Some(step) = plan.steps.get(id) else { continue };
            let (Action::Create { body }, kind) = (&step.action, step.address.kind) else {
                continue;
            };
            match search.find(kind, &rewrite_body(kind, body, &ids), &ids).await {
                Ok(Some(found)) => {
                    let learned = learned(kind, step, Some(&found));
                    journal.record_done(id, &learned)?;
                    ids.extend(&learned);
                }
                Ok(None) => journal.record_failure(id, "no such object was found afterwards")?,
                Err(why) => bail!(
                    "an earlier run was to create {} \"{}\" and it is not known whether it did: {why}; nothing was \
                     written, try again later",
                    step.called,
                    crate::engine::render::safe(&step.name)
                ),
            }
        }
    }
    Ok(())
}
