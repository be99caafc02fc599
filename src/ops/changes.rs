//! What a commit means whose line was left behind by the tenant: its own changes, and no more.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};

use super::live::bytes_of;
use super::source::{Entry, Side, new_object};
use super::{Context, Invalid, validate};
use crate::engine::merge::{self, Whose};
use crate::engine::normalize::normalize;
use crate::engine::refs::Names;
use crate::kinds;
use crate::model::finding::Severity;
use crate::model::{Address, Finding, IdMap, Object};
use crate::repo::{ObjectId, blob_id};

/// The side as it is meant. A commit that the last snapshot follows is an earlier state: it is wanted as it stands
/// (recovery). So is one that follows the last snapshot. Any other was made while the tenant went on: only what it changed
/// since the two lines parted is its own, and the rest is as the last snapshot has it.
///
/// # Errors
/// [`Invalid`], with every object that both lines changed.
pub fn meant(context: &Context, wanted: Side, tip: Option<&Side>, ids: &IdMap) -> Result<Side> {
    let Some(tip) = tip else { return Ok(wanted) };
    let (Some(commit), Some(last)) = (wanted.commit, tip.commit) else { return Ok(wanted) };
    if context.repo.is_ancestor(commit, last)? || context.repo.is_ancestor(last, commit)? {
        return Ok(wanted);
    }
    let snapshots = &context.settings.branches.snapshots;
    let Some(fork) = context.repo.merge_base(commit, last)? else {
        bail!(
            "{} shares no history with {snapshots}, so what it changes is not known; a shallow clone lacks it (`git fetch \
             --unshallow`), else `git merge {snapshots}`",
            wanted.label
        );
    };
    context.events.note(format!(
        "{} was forked from {}, and the tenant went on since: what {0} changed since then is planned, the rest stays as it is",
        wanted.label,
        &fork.to_string()[..10],
    ));
    let fork = Side::commit(context, &fork.to_string())?;
    let side = merged(context, wanted, &fork, tip, ids)?;
    // What it refers to may have gone meanwhile.
    validate::require_valid(context, &side)?;
    Ok(side)
}

fn merged(context: &Context, mut wanted: Side, fork: &Side, tip: &Side, ids: &IdMap) -> Result<Side> {
    let own = named_by_people(&wanted);
    let versions = |side: &Side, own: &BTreeMap<Address, (String, Object, ObjectId)>| {
        let index = side.index.iter().map(|(address, entry)| (address.clone(), entry.blob));
        index.chain(own.iter().map(|(address, (_, _, blob))| (address.clone(), *blob))).collect()
    };
    let before: BTreeMap<Address, ObjectId> = versions(fork, &named_by_people(fork));
    let whose = merge::whose(&before, &versions(&wanted, &own), &versions(tip, &named_by_people(tip)), ids);
    let mut index = BTreeMap::new();
    let mut findings = Vec::new();
    for (address, whose) in &whose {
        let mine = wanted.index.get(address);
        let path = mine.map(|entry| entry.path.clone()).or_else(|| own.get(address).map(|(path, ..)| path.clone()));
        let theirs = tip.index.get(address);
        let mut conflict = |what: &str| {
            findings.push(Finding {
                path: path.clone().or_else(|| theirs.map(|entry| entry.path.clone())).unwrap_or_default(),
                line: 0,
                severity: Severity::Error,
                check: "conflict",
                message: format!(
                    "{what} here and in the tenant since {}; `git merge {}`, decide there, and commit",
                    fork.label, context.settings.branches.snapshots
                ),
            });
        };
        match whose {
            Whose::Wanted => index.extend(mine.map(|entry| (address.clone(), entry.clone()))),
            Whose::Tenant => index.extend(theirs.map(|entry| (address.clone(), entry.clone()))),
            Whose::Clash => conflict("changed on one side and deleted on the other,"),
            Whose::Both => {
                let Some(kind) = kinds::by_name(address.kind) else { continue };
                let object = |side: &Side| -> Result<Option<Object>> {
                    let entry = side.index.get(address);
                    Ok(entry.map(|entry| side.object(&context.repo, kind, entry)).transpose()?.flatten())
                };
                let mine = match own.get(address) {
                    Some((_, object, _)) => Some(object.clone()),
                    None => object(&wanted)?,
                };
                let (Some(mine), Some(now)) = (mine, object(tip)?) else { continue };
                match merge::objects(kind, object(fork)?.as_ref(), &mine, &now) {
                    Ok(object) => {
                        let object = normalize(kind, &object.0).object;
                        let bytes = bytes_of(kind, &object, &Names::default());
                        let blob = blob_id(&bytes);
                        wanted.bytes.insert(blob, bytes);
                        let path = path.context("the path of an object that is wanted")?;
                        index.insert(address.clone(), Entry { path, blob });
                    }
                    Err(both) => conflict(&format!("{} changed", both.join(", "))),
                }
            }
        }
    }
    if !findings.is_empty() {
        return Err(Invalid(findings).into());
    }
    wanted.odd.retain(|path, _| {
        own.iter().any(|(address, (own, ..))| own == path && whose.get(address) == Some(&Whose::Wanted))
    });
    wanted.index = index;
    // What is proven absent must be so on both lines.
    for (what, coverage) in &mut wanted.manifest.coverage.0 {
        let there = tip.manifest.coverage.0.get(what).copied();
        if let Some(there) = there.filter(|there| coverage.is_complete() && !there.is_complete()) {
            *coverage = there;
        }
    }
    Ok(wanted)
}

/// Objects in files that people named. Those that do not parse are findings elsewhere.
fn named_by_people(side: &Side) -> BTreeMap<Address, (String, Object, ObjectId)> {
    let read = |(path, bytes): (&String, &Vec<u8>)| {
        let (address, object) = new_object(path, bytes).ok()?;
        Some((address, (path.clone(), object, blob_id(bytes))))
    };
    side.odd.iter().filter_map(read).collect()
}
