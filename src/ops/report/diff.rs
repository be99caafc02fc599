//! Compares two sources for `diff`, and finds who made the differences.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use jiff::Timestamp;

use crate::engine::manner::{self, Evidence};
use crate::engine::refs::{Names, mentioned};
use crate::engine::scope::Scope;
use crate::engine::{compare, diff};
use crate::format::path::address_of;
use crate::format::yaml;
use crate::kinds;
use crate::model::finding::Severity;
use crate::model::kind::Deletion;
use crate::model::{Address, Change, ChangeKind, IdMap, Kind, Lifecycle, Report};
use crate::ops::Context;
use crate::ops::audit::{self, CommitRange};
use crate::ops::commit::lookup::learn_names;
use crate::ops::commit::selectors;
use crate::ops::commit::source::{Entry, Side, Source, Trust, snapshots};
use crate::ops::commit::when::format_time;
use crate::repo::ObjectId;
use crate::tenant::TenantRead;

/// Holds a report and the names it needs.
#[derive(Debug, Clone, Default)]
pub struct Compared {
    /// Report of the differences.
    pub report: Report,
    /// Names of the objects that the report mentions.
    pub names: Names,
}

/// Compares two sources. `tenant` is needed only if one of them is [`Source::Live`].
///
/// # Errors
/// If a source cannot be read, or files in it are wrong.
pub async fn diff<T: TenantRead>(
    context: &Context,
    tenant: Option<&T>,
    before: &Source,
    after: &Source,
    scope: &Scope,
) -> Result<Compared> {
    let (a, b) = match (before, after) {
        (Source::Commit(a), Source::Commit(b)) => {
            let [a, b] = Side::commits(context, a, b)?;
            (a, b)
        }
        _ => {
            let mut sides = [local(context, before)?, local(context, after)?];
            for at in [0, 1] {
                if sides[at].is_none() {
                    let other = sides[1 - at].as_ref();
                    let kinds = kinds_of(context, other, scope);
                    let ids = crate::ops::current_ids(context)?;
                    let tenant = signed_in(tenant)?;
                    sides[at] = Some(Side::live(context, tenant, &kinds, other.as_slice(), Trust::Prove, &ids).await?);
                }
            }
            let [Some(a), Some(b)] = sides else { anyhow::bail!("a source is missing") };
            (a, b)
        }
    };
    warn_of_unread(context, &a, &b);
    if !scope.names.is_empty() || !scope.ids.is_empty() {
        // Two commits were read only as far as they differ.
        let whole = |source: &Source| match source {
            Source::Commit(commit) => Side::commit(context, commit).map(Some),
            Source::Worktree | Source::Live => Ok(None),
        };
        let (whole_a, whole_b) = (whole(before)?, whole(after)?);
        let sides = [whole_a.as_ref().unwrap_or(&a), whole_b.as_ref().unwrap_or(&b)];
        selectors::check(context, scope, &sides, &b.manifest.ids)?;
    }
    let (mut left, mut right) = snapshots(&context.repo, &a, &b, &|_| false)?;
    if *before == Source::Live || *after == Source::Live {
        // A kind that the live side was not asked for yields no difference.
        let (live, other) = if *before == Source::Live { (&left, &mut right) } else { (&right, &mut left) };
        let asked = live.coverage.clone();
        other.coverage.0.retain(|what, _| asked.0.contains_key(what));
    }
    let mut ids: IdMap = a.manifest.ids.clone();
    ids.extend(&b.manifest.ids);
    let mut report = compare::snapshots(&left, &right, &ids);
    drop((left, right));
    narrow(&mut report, scope);
    report.before = described(context, &a, before)?;
    report.after = described(context, &b, after)?;

    let range = a.commit.zip(b.commit).filter(|(a, b)| context.repo.is_ancestor(*a, *b).unwrap_or(false));
    let range = range.map(|(from, to)| CommitRange { from, to });
    // An object that comes back counts as restored only if the comparison goes forwards in time.
    let earlier = a.commit.filter(|_| range.is_some() || *after != Source::Worktree && b.commit.is_none());
    let past = Past { range, since: a.commit, earlier };
    explain(context, tenant.filter(|_| *after == Source::Live), report, &a, &b, &past).await
}

/// Tells where to look for how the changes of a report came about.
pub struct Past {
    /// Range of snapshots whose notes of the audit log are read.
    pub range: Option<CommitRange>,
    /// Commit since which the tenant's audit log is asked for.
    pub since: Option<ObjectId>,
    /// Tip of the history that may have held an added object before it was deleted.
    pub earlier: Option<ObjectId>,
}

/// Adds to a report who made each change, how it came about, where it is stored, and the names it needs. `tenant` is given where
/// the right side is live.
///
/// # Errors
/// If the repository cannot be read.
pub async fn explain<T: TenantRead>(
    context: &Context,
    tenant: Option<&T>,
    mut report: Report,
    a: &Side,
    b: &Side,
    past: &Past,
) -> Result<Compared> {
    let mut live = None;
    if let (Some(commit), Some(tenant)) = (past.since, tenant) {
        if !report.changes.is_empty() {
            live = Some(audit::live(context, tenant, commit).await?);
        }
        if let Some(gap) = live.as_ref().and_then(|live| live.gap.as_ref()) {
            context.events.warn(format!("who made the changes is not known: {gap}"));
        }
    }
    audit::join(context, &mut report, past.range, live.as_ref())?;
    let bin = match tenant {
        Some(tenant) => recycle_bin(tenant, &report).await,
        None => BTreeMap::new(),
    };
    let existed = match past.earlier {
        Some(commit) => existed_before(context, commit, &report)?,
        None => BTreeSet::new(),
    };
    manner::settle(&mut report, &Evidence { existed, bin });
    places(context, &mut report, a, b)?;
    let mut names = Names::default();
    learn_names(&context.repo, &[b, a], &mentioned(&report), &mut names)?;
    for change in &mut report.changes {
        if let Some(name) = names.of_about(&change.about) {
            change.name = name;
        }
    }
    Ok(Compared { report, names })
}

/// Number of passed-over files that are named one by one.
const MOST_UNREAD: usize = 20;

/// Warns of files on either side that lie in a folder of objects but are not read.
fn warn_of_unread(context: &Context, a: &Side, b: &Side) {
    let warnings = a.misplaced.iter().chain(&b.misplaced).filter(|finding| finding.severity == Severity::Warning);
    let unread: BTreeSet<(&str, &str)> =
        warnings.map(|finding| (finding.path.as_str(), finding.message.as_str())).collect();
    for (path, message) in unread.iter().take(MOST_UNREAD) {
        context.events.warn(format!("{path} was passed over: {message}"));
    }
    if unread.len() > MOST_UNREAD {
        let more = unread.len() - MOST_UNREAD;
        context.events.warn(format!("and {more} more were passed over; `entragit validate` lists them"));
    }
}

fn local(context: &Context, source: &Source) -> Result<Option<Side>> {
    Ok(match source {
        Source::Commit(revision) => Some(Side::commit(context, revision)?),
        Source::Worktree => Some(Side::worktree(context)?),
        Source::Live => None,
    })
}

fn signed_in<T>(tenant: Option<&T>) -> Result<&T> {
    tenant.ok_or_else(|| anyhow::anyhow!("comparing with `live` needs a sign-in"))
}

/// Returns the kinds to read live: those in scope of which the other side knows anything.
pub fn kinds_of(context: &Context, other: Option<&Side>, scope: &Scope) -> Vec<&'static Kind> {
    let known = other.map(|side| side.coverage());
    context
        .kinds(&[])
        .into_iter()
        .filter(|kind| scope.takes_kind(kind))
        .filter(|kind| known.as_ref().is_none_or(|known| known.kind(kind.name) != crate::model::Coverage::Skipped))
        .collect()
}

/// Keeps the changes in scope; an object is in scope if its name or id is, before or after the change.
pub fn narrow(report: &mut Report, scope: &Scope) {
    report.changes.retain_mut(|change| {
        let (mut old, mut was) = (change.address.clone(), change.name.clone());
        match &change.manner {
            Some(Lifecycle::Renamed { from }) => was.clone_from(from),
            Some(Lifecycle::Recreated { from }) => old.id.clone_from(from),
            _ => {}
        }
        if !scope.takes(&change.address, &change.name) && !scope.takes(&old, &was) {
            return false;
        }
        let kind = change.address.kind;
        if scope.properties.is_empty() && scope.exclude.is_empty() {
            return true;
        }
        change.risks.retain(|risk| scope.takes_property(kind.name, diff::top(&risk.path)));
        match &mut change.what {
            ChangeKind::Modified(fields) => {
                fields.retain(|field| scope.takes_property(kind.name, diff::top(field.path())));
                !fields.is_empty()
            }
            ChangeKind::Added | ChangeKind::Removed => scope.properties.is_empty(),
        }
    });
}

/// Returns when each object that is gone was moved to the recycle bin; `None` for one that is not there either. For a recycle bin
/// that cannot be read there is no entry.
async fn recycle_bin<T: TenantRead>(tenant: &T, report: &Report) -> BTreeMap<Address, Option<String>> {
    let mut bin = BTreeMap::new();
    for kind in kinds::ALL.iter().copied().filter(|kind| matches!(kind.deletion, Deletion::Soft { .. })) {
        let gone = |change: &&Change| change.what == ChangeKind::Removed && change.address.kind.name == kind.name;
        let gone: Vec<&Change> = report.changes.iter().filter(gone).collect();
        if gone.is_empty() {
            continue;
        }
        let Ok(deleted) = tenant.deleted(kind).await else { continue };
        let text = |object: &crate::tenant::Raw, name: &str| {
            object.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned()
        };
        let since: BTreeMap<String, String> =
            deleted.iter().map(|object| (text(object, "id"), text(object, "deletedDateTime"))).collect();
        bin.extend(gone.into_iter().map(|change| (change.address.clone(), since.get(&change.address.id).cloned())));
    }
    bin
}

/// Longest time after which a deleted object can come back:
/// <https://learn.microsoft.com/graph/api/resources/directory#properties>
const BIN_SECONDS: i64 = 31 * 24 * 3_600;

/// Returns the added objects that had existed before `commit`, as far back as the recycle bin reaches.
fn existed_before(context: &Context, commit: ObjectId, report: &Report) -> Result<BTreeSet<Address>> {
    // An addition that the audit log explains needs no search.
    let open = |change: &&Change| change.what == ChangeKind::Added && change.events.is_empty();
    let mut wanted: BTreeSet<&Address> = report.changes.iter().filter(open).map(|change| &change.address).collect();
    let mut found = BTreeSet::new();
    if wanted.is_empty() {
        return Ok(found);
    }
    let line = context.repo.line(commit, 2_000)?;
    let newest = line.first().map_or(0, |commit| commit.committed);
    for pair in line.windows(2) {
        let [later, earlier] = pair else { break };
        if wanted.is_empty() || earlier.committed < newest - BIN_SECONDS {
            break;
        }
        for entry in context.repo.changed_entries(earlier.id, later.id)?.0 {
            let Ok((kind, id)) = address_of(&entry.path) else { continue };
            if let Some(address) = wanted.take(&Address::new(kind, id)) {
                found.insert(address.clone());
            }
        }
    }
    Ok(found)
}

/// Fills in the file of each change, and the line of each risk.
fn places(context: &Context, report: &mut Report, a: &Side, b: &Side) -> Result<()> {
    for change in &mut report.changes {
        let entry: Option<(&Side, &Entry)> = [b, a].into_iter().find_map(|side| {
            let old = match &change.manner {
                Some(Lifecycle::Recreated { from }) => Address::new(change.address.kind, from.clone()),
                _ => change.address.clone(),
            };
            side.index.get(&change.address).or_else(|| side.index.get(&old)).map(|entry| (side, entry))
        });
        let Some((side, entry)) = entry else { continue };
        change.path.clone_from(&entry.path);
        if change.risks.iter().all(|risk| risk.path.is_empty()) {
            continue;
        }
        if let Ok(document) = yaml::read(&entry.path, &side.read(&context.repo, entry)?) {
            for risk in change.risks.iter_mut().filter(|risk| !risk.path.is_empty()) {
                let path = risk.path.split('[').next().unwrap_or_default();
                risk.line = document.position_of(&format!("/{}", path.replace('.', "/"))).line;
            }
        }
    }
    Ok(())
}

/// Describes a side, so that a report that was kept can be placed: `HEAD, d25e081139 of 2026-11-23T08:01:34Z`.
fn described(context: &Context, side: &Side, source: &Source) -> Result<String> {
    let Some(commit) = side.commit else {
        let now = Timestamp::now().round(jiff::Unit::Second).unwrap_or_default();
        return Ok(if *source == Source::Live { format!("live at {now}") } else { side.label.clone() });
    };
    let (id, time) = (commit.to_string(), format_time(Some(context.repo.commit(commit)?.committed)));
    let short = format!("{} of {time}", &id[..10]);
    Ok(if id.starts_with(&side.label) { short } else { format!("{}, {short}", side.label) })
}
