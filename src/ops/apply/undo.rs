//! Plans the way back from an apply, for `undo`.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};

use super::kept_plan;
use crate::engine::scope::Scope;
use crate::format::path::address_of;
use crate::model::Address;
use crate::ops::Context;
use crate::ops::plan::Aim;
use crate::repo::{CommitInfo, ObjectId, trailers};

/// Number of snapshots back in which the last receipt is looked for.
const BACK: usize = 2_000;

/// Returns the aim that reverts an apply: the changes of its receipt, and no more, compared with the live tenant. `receipt` is a
/// commit by any name that git knows; without one, the last receipt on `snapshots`.
///
/// # Errors
/// If there is no such receipt, or it changed nothing.
pub fn aim(context: &Context, receipt: Option<&str>) -> Result<(ObjectId, Aim)> {
    let receipt = match receipt {
        Some(word) => {
            let id = context.resolve(word)?;
            context.repo.commit(id)?
        }
        None => last(context)?,
    };
    let Some(digest) = plan_of(&receipt) else {
        bail!(
            "{} is no receipt of an apply; `entragit log` lists the snapshots, and receipts say what was applied",
            &receipt.id.to_string()[..10]
        )
    };
    let before = *receipt.parents.first().context("a receipt follows a snapshot")?;
    let (left, right) = context.repo.changed_entries(before, receipt.id)?;
    let changed: BTreeSet<Address> = left
        .iter()
        .chain(&right)
        .filter_map(|entry| address_of(&entry.path).ok())
        .map(|(kind, id)| Address::new(kind, id))
        .collect();
    let touched: BTreeSet<Address> = match kept_plan(context, &digest) {
        Some(plan) => {
            let ids = crate::ops::manifest_at(&context.repo, receipt.id)?.ids;
            let today = |address: &Address| Address::new(address.kind, ids.current(&address.id));
            let written: BTreeSet<Address> = plan.steps.iter().map(|step| today(&step.address)).collect();
            changed.into_iter().filter(|address| written.contains(address)).collect()
        }
        None => {
            context.events.warn(
                "the plan that was applied is not kept in this clone, so everything that the receipt recorded is taken \
                 back, also what others did between the last snapshot and the apply",
            );
            changed
        }
    };
    if touched.is_empty() {
        bail!("the apply {} changed nothing that could be taken back", &receipt.id.to_string()[..10]);
    }
    let scope = Scope { ids: touched.into_iter().map(|address| address.id).collect(), ..Scope::default() };
    let aim = Aim { to: before.to_string(), since: Some(receipt.id.to_string()), scope, ..Aim::default() };
    Ok((receipt.id, aim))
}

fn plan_of(commit: &CommitInfo) -> Option<String> {
    trailers(&commit.message).into_iter().find(|(name, _)| name == "Entragit-Plan").map(|(_, digest)| digest)
}

fn last(context: &Context) -> Result<CommitInfo> {
    let Some(tip) = context.last_snapshot()? else { bail!("there is no snapshot yet, so nothing was applied") };
    let line = context.repo.line(tip, BACK)?;
    line.into_iter().find(|commit| plan_of(commit).is_some()).with_context(|| {
        format!("none of the last {BACK} snapshots is the receipt of an apply; name one, as `entragit log` lists them")
    })
}
