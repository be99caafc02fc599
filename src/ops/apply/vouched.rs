//! Checks a plan from a file against the commit, the last snapshot and, once they are read, the objects themselves.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};

use crate::engine::normalize::normalize;
use crate::engine::planfile::Binding;
use crate::engine::vouch::{Known, of_today, vouch};
use crate::kinds;
use crate::model::{Action, Address, IdMap, Kind, Object, Plan};
use crate::ops::Context;
use crate::ops::journal::Journal;
use crate::ops::source::{Side, new_object};
use crate::tenant::TenantRead;

/// Number of steps that are named in a refusal.
const SHOWN: usize = 5;

/// Vouches for a plan from a file, and replaces what it claims of its steps by the facts. `live` has the objects that were read
/// from the tenant.
///
/// # Errors
/// If a step does anything else than the commit says, naming the first such steps; or if the repository cannot be read.
pub(super) fn check(
    context: &Context,
    plan: &mut Plan,
    binding: &Binding,
    live: &BTreeMap<Address, Object>,
) -> Result<()> {
    let base = context.last_snapshot()?;
    let mut ids = super::current_ids(context)?;
    ids.extend(&Journal::pending_ids(context.repo.git_dir())?);
    ids.extend(&binding.adopted);
    let touched: BTreeSet<Address> =
        plan.steps.iter().map(|step| Address::new(step.address.kind, ids.current(&step.address.id))).collect();
    let wanted = objects(context, &Side::commit(context, &binding.commit)?, &touched, &ids)?;
    let base = match base {
        Some(base) => objects(context, &Side::commit(context, &base.to_string())?, &touched, &ids)?,
        None => BTreeMap::new(),
    };
    let known = Known { wanted: &wanted, base: &base, live, ids: &ids, prune: binding.prune };
    let said = vouch(plan, &known);
    if said.is_empty() {
        return Ok(());
    }
    let more = if said.len() > SHOWN { format!("; and {} more", said.len() - SHOWN) } else { String::new() };
    bail!(
        "the plan file does not do what its commit says, and nothing of it was carried out; make it anew with `plan --out`: {}{more}",
        said[..said.len().min(SHOWN)].join("; ")
    )
}

/// Reads the objects that a plan restores, as they are in the recycle bin.
///
/// # Errors
/// If the recycle bin cannot be read.
pub(super) async fn recycle_bin<T: TenantRead>(tenant: &T, plan: &Plan) -> Result<BTreeMap<Address, Object>> {
    let back: BTreeSet<&Address> =
        plan.steps.iter().filter(|step| step.action == Action::Restore).map(|step| &step.address).collect();
    let names: BTreeSet<&str> = back.iter().map(|address| address.kind).collect();
    let mut found = BTreeMap::new();
    for kind in names.into_iter().filter_map(kinds::by_name) {
        for raw in tenant.deleted(kind).await? {
            let object = normalize(kind, raw).object;
            let address = kind.address(object.id());
            if back.contains(&address) {
                found.insert(address, object);
            }
        }
    }
    Ok(found)
}

fn objects(
    context: &Context,
    side: &Side,
    touched: &BTreeSet<Address>,
    ids: &IdMap,
) -> Result<BTreeMap<Address, Object>> {
    let mut found: Vec<(&'static Kind, Object)> = Vec::new();
    for (address, entry) in &side.index {
        let today = Address::new(address.kind, ids.current(&address.id));
        if let Some(kind) = kinds::by_name(address.kind).filter(|_| touched.contains(&today))
            && let Some(object) = side.object(&context.repo, kind, entry)?
        {
            found.push((kind, object));
        }
    }
    // Errors in files that a person named were reported when the plan was made.
    for (path, bytes) in &side.odd {
        if let Ok((address, object)) = new_object(path, bytes)
            && let Some(kind) = kinds::by_name(address.kind)
        {
            found.push((kind, object));
        }
    }
    Ok(of_today(found, ids))
}
