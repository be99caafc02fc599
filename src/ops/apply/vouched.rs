//! Checks a plan from a file against the commit, the last snapshot and, once they are read, the objects themselves.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use futures_util::StreamExt as _;

use super::CONCURRENCY;
use crate::engine::normalize::normalize;
use crate::engine::planfile::Binding;
use crate::engine::vouch::adoption::{self, Adoption};
use crate::engine::vouch::{Known, by_current_address, verify_steps};
use crate::kinds;
use crate::model::{Action, Address, IdMap, Kind, Object, Plan};
use crate::ops::Context;
use crate::ops::commit::source::{Side, Trust, new_object};
use crate::ops::journal::Journal;
use crate::repo::trailers;
use crate::tenant::TenantRead;

/// Number of steps that are named in a refusal.
const SHOWN: usize = 5;

/// Verifies a plan from a file, and replaces what it claims of its steps by the facts. `live` has the objects that were read
/// from the tenant, and `adopted` those that the file adopts or that they stand for; `None` before they are read.
///
/// # Errors
/// If a step does anything else than the commit says, naming the first such steps; or if the repository cannot be read.
pub(super) fn check(
    context: &Context,
    plan: &mut Plan,
    binding: &Binding,
    live: &BTreeMap<Address, Object>,
    adopted: Option<&BTreeMap<Address, Object>>,
    defaults: Option<&Side>,
) -> Result<()> {
    let base = context.last_snapshot()?;
    let mut ids = crate::ops::current_ids(context)?;
    ids.extend(&Journal::pending_ids(context.repo.git_dir())?);
    ids.extend(&binding.adopted);
    let touched: BTreeSet<Address> =
        plan.steps.iter().map(|step| Address::new(step.address.kind, ids.current(&step.address.id))).collect();
    let mut commit = Side::commit(context, &binding.commit)?;
    if let Some(live) = defaults {
        commit.want_defaults(&context.repo, live, &ids)?;
    }
    let postponed: BTreeSet<Address> = match defaults {
        Some(_) => BTreeSet::new(),
        None => touched.iter().filter(|address| is_by_default(&commit, address)).cloned().collect(),
    };
    let wanted = objects(context, &commit, &touched, &ids)?;
    let last = match base {
        Some(base) => Side::commit(context, &base.to_string())?,
        None => Side::empty(),
    };
    let base = objects(context, &last, &touched, &ids)?;
    let mut said = adoptions(context, binding, [&last, &commit], &ids, adopted)?;
    let known = Known { wanted: &wanted, base: &base, live, ids: &ids, prune: binding.prune, postponed: &postponed };
    said.extend(verify_steps(plan, &known));
    if said.is_empty() {
        return Ok(());
    }
    let more = if said.len() > SHOWN { format!("; and {} more", said.len() - SHOWN) } else { String::new() };
    bail!(
        "the plan file does not do what its commit says, and nothing of it was carried out; make it anew with `plan --out`: {}{more}",
        said[..said.len().min(SHOWN)].join("; ")
    )
}

/// Returns true if the commit has no file of the object because it wants it as the server made it, which only the tenant shows.
fn is_by_default(commit: &Side, address: &Address) -> bool {
    let kind = Some(address.kind).filter(|kind| kind.for_each.is_some_and(|each| each.defaults.is_some()));
    kind.is_some_and(|kind| commit.coverage().kind(kind.name).is_complete()) && !commit.index.contains_key(address)
}

/// Reads the kinds of which the plan touches objects that the commit wants as the server made them.
///
/// # Errors
/// If the repository cannot be read, or the tenant is another one.
pub(super) async fn defaults<T: TenantRead>(
    context: &Context,
    tenant: &T,
    plan: &Plan,
    binding: &Binding,
) -> Result<Side> {
    let commit = Side::commit(context, &binding.commit)?;
    let steps = plan.steps.iter().filter(|step| is_by_default(&commit, &step.address));
    let names: BTreeSet<&str> = steps.map(|step| step.address.kind.name).collect();
    let kinds: Vec<&'static Kind> = names.into_iter().filter_map(kinds::by_name).collect();
    if kinds.is_empty() {
        return Ok(Side::empty());
    }
    let ids = crate::ops::current_ids(context)?;
    Side::live(context, tenant, &kinds, &[], Trust::Lists, &ids).await
}

/// Judges the pairs of ids that a plan file adopts.
fn adoptions(
    context: &Context,
    binding: &Binding,
    [last, commit]: [&Side; 2],
    ids: &IdMap,
    live: Option<&BTreeMap<Address, Object>>,
) -> Result<Vec<String>> {
    if binding.adopted.is_empty() {
        return Ok(Vec::new());
    }
    let news: BTreeSet<&str> = binding.adopted.iter().map(|(_, new)| new).collect();
    let taken = commit.index.keys().filter(|address| news.contains(address.id.as_str())).cloned().collect();
    // The commit comes last: its version of an object is the one that is wanted.
    let mut wanted = BTreeMap::new();
    for side in [last, commit] {
        for (address, entry) in side.index.iter().filter(|(address, _)| is_adopted(binding, address)) {
            if let Some(object) = side.object(&context.repo, address.kind, entry)? {
                wanted.insert(address.clone(), object);
            }
        }
    }
    let message = context.repo.commit(context.repo.resolve(&binding.commit)?)?.message;
    let translated = trailers(&message).iter().any(|(name, _)| name == "Entragit-Translated-From");
    let adoption = Adoption { pairs: &binding.adopted, ids, wanted: &wanted, taken: &taken, translated, live };
    Ok(adoption::adoptions(&adoption))
}

fn is_adopted(binding: &Binding, address: &Address) -> bool {
    binding.adopted.current(&address.id) != address.id
}

/// Reads the objects that a plan file adopts, and those that they are to stand for, as far as the tenant has them.
///
/// # Errors
/// If the repository cannot be read, or the tenant not be asked.
pub(super) async fn adopted<T: TenantRead>(
    context: &Context,
    tenant: &T,
    binding: &Binding,
) -> Result<BTreeMap<Address, Object>> {
    let mut looks: BTreeSet<Address> = BTreeSet::new();
    if !binding.adopted.is_empty() {
        let mut sides = vec![Side::commit(context, &binding.commit)?];
        if let Some(base) = context.last_snapshot()? {
            sides.push(Side::commit(context, &base.to_string())?);
        }
        for address in sides.iter().flat_map(|side| side.index.keys()).filter(|address| is_adopted(binding, address)) {
            looks.extend([address.clone(), Address::new(address.kind, binding.adopted.current(&address.id))]);
        }
    }
    let known = looks.into_iter().map(|address| (address.kind, address));
    let looked: Vec<Result<Option<(Address, Object)>>> = futures_util::stream::iter(known)
        .map(|(kind, address)| async move {
            let found = tenant.get(kind, &address.id).await?;
            Ok(found.map(|raw| (address, normalize(kind, raw.value).object)))
        })
        .buffer_unordered(CONCURRENCY)
        .collect()
        .await;
    looked.into_iter().filter_map(Result::transpose).collect()
}

/// Reads the objects that a plan restores, as they are in the recycle bin.
///
/// # Errors
/// If the recycle bin cannot be read.
pub(super) async fn recycle_bin<T: TenantRead>(tenant: &T, plan: &Plan) -> Result<BTreeMap<Address, Object>> {
    let back: BTreeSet<&Address> =
        plan.steps.iter().filter(|step| step.action == Action::Restore).map(|step| &step.address).collect();
    let names: BTreeSet<&str> = back.iter().map(|address| address.kind.name).collect();
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
        if touched.contains(&today)
            && let Some(object) = side.object(&context.repo, address.kind, entry)?
        {
            found.push((address.kind, object));
        }
    }
    // Errors in files that a person named were reported when the plan was made.
    for (path, bytes) in &side.odd {
        if let Ok((address, object)) = new_object(path, bytes) {
            found.push((address.kind, object));
        }
    }
    Ok(by_current_address(found, ids))
}
