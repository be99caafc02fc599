//! Builds the rules for the guards: the accounts of the settings and the signed-in identity, as objects of this tenant.

pub mod day;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::engine::guard::{Limits, Rules};
use crate::kinds;
use crate::model::{Address, Kind, Object};
use crate::ops::Context;
use crate::ops::commit::source::{Entry, Side};
use crate::repo::ObjectId;

/// Number of snapshots back in which an account is looked for that is in none of the sides.
const BACK: usize = 30;

/// Returns the guards' rules. An account is looked for in every side: the live one may not have been asked for users, and
/// somebody may have renamed or deleted it. The number of existing objects is taken from `there`.
///
/// # Errors
/// If the repository cannot be read.
pub fn of(context: &Context, sides: &[&Side], there: &Side) -> Result<Rules> {
    let settings = &context.settings;
    let mut rules = Rules {
        max_deletes: settings.guards.max_deletes,
        max_deletes_percent: settings.guards.max_deletes_percent,
        changes: Limits {
            changes: settings.guards.max_changes,
            percent: settings.guards.max_changes_percent,
            unlinks: settings.guards.max_unlinks,
        },
        ..Rules::default()
    };
    for address in there.index.keys() {
        *rules.known.entry(address.kind.name).or_default() += 1;
    }
    accounts(context, sides, &mut rules)?;
    if !rules.break_glass.is_empty() {
        rules.shelters = holders(context, sides, &rules.break_glass)?;
    }
    rules.own = own(context, sides)?;
    Ok(rules)
}

/// Finds the break-glass accounts, by object id or by user principal name.
fn accounts(context: &Context, sides: &[&Side], rules: &mut Rules) -> Result<()> {
    let accounts: BTreeSet<String> =
        context.settings.break_glass.iter().map(|account| account.trim().to_lowercase()).collect();
    let (mut names, ids): (BTreeSet<String>, BTreeSet<String>) =
        accounts.into_iter().partition(|account| account.contains('@'));
    let mut found = by_name(context, sides, &names, rules)?;
    if found.len() < names.len()
        && let Some(tip) = context.last_snapshot()?
    {
        for pair in context.repo.line(tip, BACK)?.windows(2) {
            let [before, _] = Side::commits(context, &pair[1].id.to_string(), &pair[0].id.to_string())?;
            found.extend(by_name(context, &[&before], &names, rules)?);
        }
    }
    names.retain(|name| !found.contains(name));
    // Where no user is known at all (the profile `config`), an id is trusted without a check.
    let users = sides.iter().any(|side| side.index.keys().any(|address| address.kind.name == "user"));
    let is_user = |id: &String| {
        kinds::address("user", id).is_some_and(|user| sides.iter().any(|side| side.index.contains_key(&user)))
    };
    names.extend(ids.iter().filter(|id| users && !is_user(id)).cloned());
    rules.break_glass.extend(ids);
    rules.unresolved = names.into_iter().collect();
    Ok(())
}

/// Adds the users that have one of `names` to the rules; returns the names that were found.
fn by_name(
    context: &Context,
    sides: &[&Side],
    names: &BTreeSet<String>,
    rules: &mut Rules,
) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    each(context, sides, "user", names, &mut |user| {
        let name = user.text("userPrincipalName").unwrap_or_default().to_lowercase();
        if names.contains(&name) {
            rules.break_glass.insert(user.id().to_lowercase());
            found.insert(name);
        }
    })?;
    Ok(found)
}

/// Returns the groups that have one of `ids` as a member, directly or through another group.
fn holders(context: &Context, sides: &[&Side], ids: &BTreeSet<String>) -> Result<BTreeSet<String>> {
    let mut holders = BTreeSet::new();
    let mut next = ids.clone();
    while !next.is_empty() {
        let mut found = BTreeSet::new();
        each(context, sides, "group", &next, &mut |group| {
            let members = group.get("members").and_then(|members| members.as_array()).into_iter().flatten();
            if members.filter_map(|id| id.as_str()).any(|id| next.contains(&id.to_lowercase())) {
                found.insert(group.id().to_lowercase());
            }
        })?;
        next = found.into_iter().filter(|id| holders.insert(id.clone())).collect();
    }
    Ok(holders)
}

/// Returns all ids of the signed-in identity: those of the application and its service principal, or of the person.
fn own(context: &Context, sides: &[&Side]) -> Result<BTreeSet<String>> {
    let mut own = context.signed_in.clone();
    for kind in ["servicePrincipal", "application"] {
        let known = own.clone();
        each(context, sides, kind, &known, &mut |object| {
            let ids = [object.id().to_lowercase(), object.text("appId").unwrap_or_default().to_lowercase()];
            if ids.iter().any(|id| known.contains(id)) {
                own.extend(ids.into_iter().filter(|id| !id.is_empty()));
            }
        })?;
    }
    Ok(own)
}

/// Calls `see` for every object of a kind whose file has one of `words` in it, in any case; equal files only once.
fn each(
    context: &Context,
    sides: &[&Side],
    kind: &'static str,
    words: &BTreeSet<String>,
    see: &mut dyn FnMut(&Object),
) -> Result<()> {
    let Some(kind): Option<&'static Kind> = kinds::by_name(kind).filter(|_| !words.is_empty()) else { return Ok(()) };
    let mut seen: BTreeSet<ObjectId> = BTreeSet::new();
    for side in sides {
        let entries: BTreeMap<&Address, &Entry> =
            side.index.iter().filter(|(address, _)| address.kind.name == kind.name).collect();
        for entry in entries.into_values().filter(|entry| seen.insert(entry.blob)) {
            let bytes = side.read(&context.repo, entry)?;
            let text = String::from_utf8_lossy(&bytes).to_lowercase();
            if words.iter().any(|word| text.contains(word.as_str()))
                && let Some(object) = side.object(&context.repo, kind, entry)?
            {
                see(&object);
            }
        }
    }
    Ok(())
}
