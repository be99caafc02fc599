//! Checks before the first write that the tenant is as the plan saw it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Result;
use futures_util::StreamExt as _;

use super::{CONCURRENCY, Ready};
use crate::engine::normalize::normalize;
use crate::engine::{digest, render};
use crate::model::words::counted;
use crate::model::{Action, Address, IdMap, Object, Step};
use crate::ops::commit::lookup::Lookup;
use crate::ops::journal::Journal;
use crate::ops::{Context, Stale};
use crate::tenant::TenantRead;

/// Holds an object's address, the object as it is now, and whether it is as expected.
type Look<'a> = (&'a Address, Option<Object>, bool);

/// Checks that everything the plan read is as it was, and that nothing it creates was created meanwhile. Returns the objects as
/// they were found.
///
/// # Errors
/// [`Stale`], naming what moved.
pub(super) async fn check_unmoved<T: TenantRead>(
    context: &Context,
    tenant: &T,
    ready: &Ready,
    journal: &Journal,
    ids: &IdMap,
    patience: &[Duration],
) -> Result<BTreeMap<Address, Object>> {
    let plan = &ready.plan;
    let begun: BTreeSet<&Address> = journal
        .past
        .done
        .iter()
        .chain(&journal.past.unknown)
        .filter_map(|id| plan.steps.get(*id))
        .map(|step| &step.address)
        .collect();
    // Objects that this plan has begun to write to must be as the run left them; the rest as the plan saw it, with links.
    let left = journal.past.expected(plan).into_iter().filter_map(|(address, digest)| Some((address, digest?, false)));
    let seen = plan.seen.iter().filter(|(address, _)| !begun.contains(address));
    let seen = seen.map(|(address, seen)| (address, seen.whole.as_str(), true));
    let looks: Vec<(&Address, &str, bool)> = seen.chain(left).collect();
    let looked: Vec<Result<Look<'_>>> = futures_util::stream::iter(looks)
        .map(|(address, expected, whole)| async move {
            let kind = address.kind;
            // The run's own writes of a moment ago may not show everywhere yet.
            let mut pauses = if whole { [].iter() } else { patience.iter() };
            loop {
                let now = tenant.get(kind, ids.current(&address.id)).await?;
                let now = now.map(|raw| normalize(kind, raw.value).object);
                let seen = now.as_ref().map(|now| digest::seen(kind, now));
                let same = seen.is_some_and(|seen| expected == if whole { seen.whole } else { seen.properties });
                match pauses.next().filter(|_| !same) {
                    Some(pause) => tokio::time::sleep(*pause).await,
                    None => return Ok((address, now, same)),
                }
            }
        })
        .buffer_unordered(CONCURRENCY)
        .collect()
        .await;
    // The objects are reported in the order of the plan, in whatever order the answers came.
    let mut others: BTreeSet<&Address> = BTreeSet::new();
    let mut found = BTreeMap::new();
    for (address, now, same) in looked.into_iter().collect::<Result<Vec<_>>>()? {
        if !same {
            others.insert(address);
        } else if let Some(now) = now {
            found.insert(address.clone(), now);
        }
    }
    let mut moved = Vec::new();
    for address in others {
        let name = plan.steps.iter().find(|step| &step.address == address).map_or("", |step| step.name.as_str());
        moved.push(format!("{} \"{}\"", address.kind.name, render::safe(name)));
    }
    let steps: Vec<&Step> = plan.steps.iter().filter(|step| !begun.contains(&step.address)).collect();
    let there = find_still_present(context, tenant, &steps).await?;
    for step in steps {
        let there = there.contains(&step.address);
        let why = match &step.action {
            Action::Restore => there.then_some("is back already"),
            Action::Create { .. } if there => Some("is there already"),
            Action::Create { .. } => duplicate_creation_reason(context, ready, step, journal, ids)?,
            _ => None,
        };
        if let Some(why) = why {
            moved.push(format!("{} \"{}\" {why}", step.called, render::safe(&step.name)));
        }
    }
    if moved.is_empty() {
        return Ok(found);
    }
    context.events.warn(format!("{} moved since the plan was made", counted(moved.len(), "object")));
    let more = if moved.len() > 5 { format!(" and {} more", moved.len() - 5) } else { String::new() };
    moved.truncate(5);
    Err(Stale { what: format!("since it was made, these moved: {}{more}", moved.join(", ")) }.into())
}

/// Returns the objects that `steps` restore, or create although the last snapshot has them, and that are still in the tenant. The
/// claim of a plan file that they are gone is not trusted.
async fn find_still_present<T: TenantRead>(
    context: &Context,
    tenant: &T,
    steps: &[&Step],
) -> Result<BTreeSet<Address>> {
    let mut known = context.last_snapshot()?.map(|tip| Lookup::new(&context.repo, tip));
    let taken: BTreeSet<&Address> =
        steps.iter().filter(|step| matches!(step.action, Action::Delete)).map(|step| &step.address).collect();
    let mut looks = Vec::new();
    for step in steps.iter().filter(|step| !taken.contains(&step.address)) {
        let kind = step.address.kind;
        let asked = match (&step.action, &mut known) {
            (Action::Restore, _) => true,
            (Action::Create { .. }, Some(known)) => known.find(kind, &step.address.id)?.is_some(),
            _ => false,
        };
        if asked {
            looks.push((kind, step.address.clone()));
        }
    }
    let looked: Vec<Result<Option<Address>>> = futures_util::stream::iter(looks)
        .map(|(kind, address)| async move {
            let found = tenant.get(kind, &address.id).await?;
            Ok(found.map(|_| address))
        })
        .buffer_unordered(CONCURRENCY)
        .collect()
        .await;
    Ok(looked.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// Returns why a creation might duplicate an object: nothing in the tenant is bound to it, so everything else must be as it was.
fn duplicate_creation_reason(
    context: &Context,
    ready: &Ready,
    step: &Step,
    journal: &Journal,
    ids: &IdMap,
) -> Result<Option<&'static str>> {
    let base = context.last_snapshot()?.map(|base| base.to_string()).unwrap_or_default();
    let mapped = |id: &String| ids.current(id) != id;
    Ok(if journal.ended_before {
        Some("would be created again: this plan was carried out before")
    } else if mapped(&step.address.id) || step.identities.values().any(mapped) {
        Some("was created meanwhile")
    } else if ready.binding.base != base {
        Some("may have been created meanwhile: there is a newer snapshot than the plan's")
    } else {
        None
    })
}
