//! Merges the changes of a commit with the last snapshot or the live tenant, where only the commit's own changes are wanted:
//! because the tenant went on since the commit's branch was forked, or because it was asked for.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};

use crate::engine::merge::{self, Resolution};
use crate::engine::normalize::normalize;
use crate::engine::refs::{Names, references};
use crate::engine::render::event_line;
use crate::engine::schema::Ref;
use crate::engine::scope::Scope;
use crate::kinds;
use crate::model::finding::Severity;
use crate::model::{Address, Finding, IdMap, Kind, Object};
use crate::ops::commit::source::{Entry, Side, Source, new_object};
use crate::ops::read::live::bytes_of;
use crate::ops::report::diff::diff;
use crate::ops::report::validate;
use crate::ops::report::validate::Dangling;
use crate::ops::{Context, Invalid};
use crate::repo::{ObjectId, blob_id};
use crate::tenant::TenantRead;

/// Represents an object that both lines of history changed.
struct Conflict {
    address: Address,
    path: String,
    /// Properties that both sides changed; empty if one side changed the object and the other deleted it.
    properties: Vec<String>,
}

impl Conflict {
    fn what(&self) -> String {
        match self.properties.is_empty() {
            true => "changed on one side and deleted on the other,".to_owned(),
            false => format!("{} changed", self.properties.join(", ")),
        }
    }
}

/// Holds the merged side and its conflicts.
struct Merged {
    side: Side,
    conflicts: Vec<Conflict>,
    /// Files whose object, or a part of it, comes from the commit.
    own: BTreeSet<String>,
    /// Dangling ids per file that both sides changed: ids that the commit already names without holding the object.
    dangling: Dangling,
}

/// Resolves `BASE..REV` to two commits. Without `BASE` it is the point where the history of `REV` left the snapshots; without
/// `REV`, `HEAD`.
///
/// # Errors
/// If the text is no range, a commit is unknown, or the two have no history in common.
pub fn range(context: &Context, text: &str) -> Result<(String, String)> {
    let (base, to) = match text.split_once("..") {
        Some((base, to)) if !to.starts_with('.') => (base, to),
        None if text.is_empty() => ("", ""),
        _ => bail!("--changes {text}: write BASE..REV, two commits by any name that git knows"),
    };
    let to = if to.is_empty() { "HEAD" } else { to };
    if !base.is_empty() {
        return Ok((base.to_owned(), to.to_owned()));
    }
    let Some(last) = context.last_snapshot()? else { bail!("there is no snapshot yet; run `entragit export`") };
    match context.repo.merge_base(context.resolve(to)?, last)? {
        Some(fork) => Ok((fork.to_string(), to.to_owned())),
        None => bail!("{}", strangers(context, to)),
    }
}

/// Returns true if the histories of two commits parted: neither follows the other.
///
/// # Errors
/// If the repository cannot be read.
pub fn is_forked(context: &Context, commit: ObjectId, last: ObjectId) -> Result<bool> {
    Ok(!context.repo.is_ancestor(commit, last)? && !context.repo.is_ancestor(last, commit)?)
}

/// Returns the side that the commit asks for. A commit that the last snapshot follows is an earlier state: it is wanted as it
/// stands (recovery). So is one that follows the last snapshot. Any other was made while the tenant went on: only its changes
/// since the fork are its own, and the rest is as the last snapshot has it.
///
/// # Errors
/// [`Invalid`], with every object that both lines of history changed, and who changed it in the tenant.
pub async fn resolve_forked<T: TenantRead>(
    context: &Context,
    wanted: Side,
    tip: Option<&Side>,
    ids: &IdMap,
) -> Result<Side> {
    let Some(tip) = tip else { return Ok(wanted) };
    let (Some(commit), Some(last)) = (wanted.commit, tip.commit) else { return Ok(wanted) };
    if !is_forked(context, commit, last)? {
        return Ok(wanted);
    }
    let Some(fork) = context.repo.merge_base(commit, last)? else { bail!("{}", strangers(context, &wanted.label)) };
    context.events.note(format!(
        "{} was forked from {}, and the tenant went on since: what {0} changed since then is planned, the rest stays as it is",
        wanted.label,
        &fork.to_string()[..10],
    ));
    let fork = Side::commit(context, &fork.to_string())?;
    let merged = merge_since_fork(context, wanted, &fork, tip, ids)?;
    if !merged.conflicts.is_empty() {
        let (before, after) = (Source::Commit(commit_of(&fork)), Source::Commit(last.to_string()));
        return Err(refusal::<T>(context, None, merged.conflicts, &fork, &before, &after).await);
    }
    // Objects that the commit refers to may have been deleted meanwhile.
    validate::require_valid(context, &merged.side, &merged.dangling)?;
    Ok(merged.side)
}

/// Holds what the changes of a commit are merged with: the tenant as it is.
pub struct Against<'a> {
    /// Commit from which on changes count.
    pub since: &'a str,
    /// The tenant as it was just read.
    pub live: &'a Side,
    /// Map from old ids to today's ids.
    pub ids: &'a IdMap,
    /// Scope of the comparison.
    pub scope: &'a Scope,
    /// True if the wanted values win without a check for conflicts: after the writes the tenant's own changes are no obstacle.
    pub written: bool,
}

/// Returns the live tenant with the changes from one commit to the other.
///
/// # Errors
/// [`Invalid`], with everything in scope that somebody else changed meanwhile, and who that was.
pub async fn rebase_onto_live<T: TenantRead>(
    context: &Context,
    tenant: &T,
    wanted: Side,
    against: &Against<'_>,
) -> Result<Side> {
    let fork = Side::commit(context, against.since)?;
    let mut wanted = wanted;
    let bytes = against.live.bytes.iter().map(|(blob, bytes)| (*blob, bytes.clone()));
    wanted.bytes.extend(bytes);
    let Merged { side, mut conflicts, own, dangling } =
        merge_since_fork(context, wanted, &fork, against.live, against.ids)?;
    if against.written {
        return Ok(side);
    }
    conflicts.retain_mut(|conflict| {
        let today = Address::new(conflict.address.kind, against.ids.current(&conflict.address.id));
        let object = |side: &Side, address: &Address| {
            let entry = side.index.get(address)?;
            side.object(&context.repo, address.kind, entry).ok().flatten()
        };
        let clash = conflict.properties.is_empty();
        conflict.properties.retain(|property| against.scope.takes_property(today.kind.name, property));
        let found = object(against.live, &today).or_else(|| object(&fork, &conflict.address));
        let name = found.as_ref().map_or("", Object::name);
        (clash || !conflict.properties.is_empty()) && against.scope.takes_by(&conflict.address, &today, name)
    });
    if !conflicts.is_empty() {
        let before = Source::Commit(commit_of(&fork));
        return Err(refusal(context, Some(tenant), conflicts, &fork, &before, &Source::Live).await);
    }
    // Objects that the changes refer to may be gone; files that hold only the tenant's own state are not judged.
    let findings = validate::findings(context, &side, true, &dangling)?;
    let wrong: Vec<Finding> = findings
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error && own.contains(&finding.path))
        .collect();
    if wrong.is_empty() { Ok(side) } else { Err(Invalid(wrong).into()) }
}

fn strangers(context: &Context, label: &str) -> String {
    let snapshots = &context.settings.branches.snapshots;
    format!(
        "{label} shares no history with {snapshots}, so what it changes is not known; `git merge {snapshots}` joins the two"
    )
}

fn commit_of(side: &Side) -> String {
    side.commit.map(|commit| commit.to_string()).unwrap_or_default()
}

/// Returns the error that lists conflicts as findings, each with who made the conflicting change, as far as the audit log tells.
async fn refusal<T: TenantRead>(
    context: &Context,
    tenant: Option<&T>,
    conflicts: Vec<Conflict>,
    fork: &Side,
    before: &Source,
    after: &Source,
) -> anyhow::Error {
    let mut kinds: Vec<&'static str> = conflicts.iter().map(|conflict| conflict.address.kind.name).collect();
    kinds.dedup();
    let scope = Scope { kinds, ..Scope::default() };
    // A conflict is reported whether or not its author can be found.
    let report = diff(context, tenant, before, after, &scope).await.unwrap_or_default().report;
    let findings = conflicts.into_iter().map(|conflict| {
        let change = report.changes.iter().find(|change| change.address == conflict.address);
        let mut who: Vec<String> = change.iter().flat_map(|change| &change.events).map(event_line).collect();
        who.dedup();
        who.truncate(3);
        let who = if who.is_empty() { String::new() } else { format!(" ({})", who.join("; ")) };
        Finding {
            path: conflict.path.clone(),
            line: 0,
            column: 0,
            severity: Severity::Error,
            check: "conflict",
            message: format!(
                "{} here and in the tenant since {}{who}; {}`git merge {}`, decide there, and commit",
                conflict.what(),
                fork.label,
                if tenant.is_some() { "`entragit export`, " } else { "" },
                context.settings.branches.snapshots
            ),
        }
    });
    Invalid(findings.collect()).into()
}

/// Merges the changes of `wanted` since `fork` with those of `tip`.
fn merge_since_fork(context: &Context, wanted: Side, fork: &Side, tip: &Side, ids: &IdMap) -> Result<Merged> {
    let own = named_by_people(&wanted);
    let versions = |side: &Side, own: &BTreeMap<Address, Named>| {
        let index = side.index.iter().map(|(address, entry)| (address.clone(), entry.blob));
        index.chain(own.iter().map(|(address, named)| (address.clone(), named.blob))).collect()
    };
    let before: BTreeMap<Address, ObjectId> = versions(fork, &named_by_people(fork));
    let resolutions = merge::three_way(&before, &versions(&wanted, &own), &versions(tip, &named_by_people(tip)), ids);
    let mut merging = Merging {
        context,
        fork,
        tip,
        own,
        index: BTreeMap::new(),
        conflicts: Vec::new(),
        dangling: Dangling::new(),
        touched: wanted.odd.keys().cloned().collect(),
        wanted,
    };
    for (address, resolution) in &resolutions {
        merging.resolve(address, resolution)?;
    }
    Ok(merging.finish(&resolutions))
}

/// Represents an object whose file a person named.
struct Named {
    path: String,
    object: Object,
    blob: ObjectId,
}

/// Holds the state of a merge.
struct Merging<'a> {
    context: &'a Context,
    wanted: Side,
    fork: &'a Side,
    tip: &'a Side,
    /// Objects of `wanted` whose files people named.
    own: BTreeMap<Address, Named>,
    /// Files of the merged side.
    index: BTreeMap<Address, Entry>,
    conflicts: Vec<Conflict>,
    dangling: Dangling,
    /// Files whose object, or a part of it, comes from the commit.
    touched: BTreeSet<String>,
}

impl Merging<'_> {
    /// Takes an object from the side that it is resolved to, or merges both.
    fn resolve(&mut self, address: &Address, resolution: &Resolution) -> Result<()> {
        match resolution {
            Resolution::Wanted => {
                self.touched.extend(self.path_of(address));
                self.take_wanted(address);
            }
            Resolution::Tenant => self.take_tip(address),
            Resolution::Clash => {
                // Files hold names of other objects as comments, so the objects are compared and not the bytes.
                let before = self.object(self.fork, address)?;
                let here = self.object(&self.wanted, address)?;
                let there = self.object(self.tip, address)?;
                if before.is_none() || (before != here && before != there) {
                    self.add_conflict(address, Vec::new());
                }
                if before != here {
                    self.take_wanted(address);
                } else {
                    self.take_tip(address);
                }
            }
            Resolution::Both => self.merge_both(address)?,
        }
        Ok(())
    }

    fn take_wanted(&mut self, address: &Address) {
        self.index.extend(self.wanted.index.get(address).map(|entry| (address.clone(), entry.clone())));
    }

    fn take_tip(&mut self, address: &Address) {
        self.index.extend(self.tip.index.get(address).map(|entry| (address.clone(), entry.clone())));
    }

    /// Merges the properties of an object that both sides changed.
    fn merge_both(&mut self, address: &Address) -> Result<()> {
        let kind = address.kind;
        let mine = match self.own.get(address) {
            Some(named) => Some(named.object.clone()),
            None => self.object(&self.wanted, address)?,
        };
        let (Some(mine), Some(now)) = (mine, self.object(self.tip, address)?) else { return Ok(()) };
        let (object, both) = merge::objects(kind, self.object(self.fork, address)?.as_ref(), &mine, &now);
        // A property that was not read of the tenant counts as unchanged there.
        let read = |name: &String| !self.tip.manifest.coverage.withholds(kind.name, name);
        let both: Vec<String> = both.into_iter().filter(read).collect();
        if !both.is_empty() {
            self.add_conflict(address, both);
        }
        let path = self.path_of(address).context("the path of an object that is wanted")?;
        let named = references(kind, &mine).into_iter().filter(|reference| {
            let holds = |to: &Ref| {
                kinds::address(to.kind, reference.value).is_some_and(|at| self.wanted.index.contains_key(&at))
            };
            !reference.to.iter().any(holds)
        });
        let named = named.map(|reference| reference.value.to_owned()).collect();
        self.dangling.insert(path.clone(), named);
        self.touched.insert(path.clone());
        self.index.insert(address.clone(), put(&mut self.wanted, kind, path, object));
        Ok(())
    }

    /// Returns the object as a side has it.
    fn object(&self, side: &Side, address: &Address) -> Result<Option<Object>> {
        let entry = side.index.get(address);
        Ok(entry.map(|entry| side.object(&self.context.repo, address.kind, entry)).transpose()?.flatten())
    }

    /// Returns the path of a wanted object.
    fn path_of(&self, address: &Address) -> Option<String> {
        let entry = self.wanted.index.get(address);
        entry.map(|entry| entry.path.clone()).or_else(|| self.own.get(address).map(|named| named.path.clone()))
    }

    fn add_conflict(&mut self, address: &Address, properties: Vec<String>) {
        let of = |side: &Side| side.index.get(address).map(|entry| entry.path.clone());
        let path = self.path_of(address).or_else(|| of(self.tip)).or_else(|| of(self.fork));
        self.conflicts.push(Conflict { address: address.clone(), path: path.unwrap_or_default(), properties });
    }

    /// Returns the merged side.
    fn finish(self, resolutions: &BTreeMap<Address, Resolution>) -> Merged {
        let Merging { mut wanted, own, index, conflicts, dangling, touched, tip, .. } = self;
        wanted.odd.retain(|path, _| {
            own.iter()
                .any(|(address, named)| named.path == *path && resolutions.get(address) == Some(&Resolution::Wanted))
        });
        wanted.index = index;
        // An object counts as absent only if both sides prove its absence.
        for (what, coverage) in &mut wanted.manifest.coverage.0 {
            let there = tip.manifest.coverage.0.get(what).copied();
            if let Some(there) = there.filter(|there| coverage.is_complete() && !there.is_complete()) {
                *coverage = there;
            }
        }
        Merged { side: wanted, conflicts, own: touched, dangling }
    }
}

/// Adds an object that no file holds in this form.
fn put(side: &mut Side, kind: &'static Kind, path: String, object: Object) -> Entry {
    let object = normalize(kind, object.0).object;
    let bytes = bytes_of(kind, &object, &Names::default());
    let blob = blob_id(&bytes);
    side.bytes.insert(blob, bytes);
    Entry { path, blob }
}

/// Returns the objects in files that people named. Files that do not parse are reported as findings elsewhere.
fn named_by_people(side: &Side) -> BTreeMap<Address, Named> {
    let read = |(path, bytes): (&String, &Vec<u8>)| {
        let (address, object) = new_object(path, bytes).ok()?;
        Some((address, Named { path: path.clone(), object, blob: blob_id(bytes) }))
    };
    side.odd.iter().filter_map(read).collect()
}
