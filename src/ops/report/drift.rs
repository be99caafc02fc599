//! Compares the live tenant with an approved baseline for `drift`, without pending edits and properties that the settings leave
//! to others.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};

use super::accepted::leave_out_accepted;
use super::diff::{Compared, Past, explain, kinds_of, narrow};
use crate::engine::compare;
use crate::engine::diff::top;
use crate::engine::drift::{Rule, ignore, leave_out_pending};
use crate::engine::schema;
use crate::engine::scope::Scope;
use crate::format::path::is_reserved;
use crate::format::settings::MainMode;
use crate::model::{Address, Change, ChangeKind, Coverage, Kind, LeftOut, Lifecycle, Report};
use crate::ops::audit::{self, CommitRange};
use crate::ops::commit::selectors;
use crate::ops::commit::source::{Side, Trust, named_object, snapshots};
use crate::ops::snapshot::main_relation::NO_COMMON_HISTORY;
use crate::ops::{Context, manifest_at};
use crate::repo::{Entry, ObjectId};
use crate::tenant::TenantRead;

/// Holds what was approved, and the edits of it that the snapshots do not have yet.
pub(in crate::ops) struct Baseline {
    /// Side of the approved commit; objects that it deletes are as they were before.
    pub approved: Side,
    /// Differences from the approved commit back to the snapshot that it left.
    edits: Report,
    /// Places of the objects in `edits`.
    edited: BTreeMap<Address, usize>,
    /// Objects that the approved commit deletes.
    deleted: Vec<Address>,
    /// Snapshot that the approved commit left.
    pub fork: Option<ObjectId>,
    /// Last snapshot.
    pub tip: ObjectId,
}

impl Baseline {
    /// Reads the approved `commit`.
    ///
    /// # Errors
    /// If there is no snapshot yet, or files of the commit are wrong.
    pub(in crate::ops) fn read(context: &Context, label: String, commit: ObjectId) -> Result<Baseline> {
        let Some(tip) = context.last_snapshot()? else {
            bail!(
                "there is no snapshot yet to tell what is pending from what drifted; make one with `entragit export`"
            );
        };
        let mut approved = Side::commit(context, &commit.to_string())?;
        // The side shortens the label itself if it is a whole commit id.
        if label != commit.to_string() {
            approved.label = label;
        }
        if approved.coverage().0.is_empty() {
            bail!(
                "{} says of no kind of object that it was read, so nothing differs from it; merge a snapshot into it (`git merge \
                 {}`), or name another baseline",
                approved.label,
                context.settings.branches.snapshots
            );
        }
        let fork = context.repo.merge_base(commit, tip)?;
        let mut edits = Report::default();
        let mut deleted: Vec<Address> = Vec::new();
        if let Some(fork) = fork.filter(|fork| *fork != commit) {
            let [after, before] = Side::commits(context, &commit.to_string(), &fork.to_string())?;
            let (left, right) = snapshots(&context.repo, &after, &before, &|_| false)?;
            edits = compare::snapshots(&left, &right, &after.manifest.ids);
            drop((left, right));
            leave_out_accepted(context, &after, fork..commit, tip, &mut edits)?;
            // An object that the baseline deletes is compared with its state before: somebody may change it while the
            // deletion is pending.
            for change in edits.changes.iter().filter(|change| change.what == ChangeKind::Added) {
                if let Some(entry) = before.index.get(&change.address) {
                    approved.index.insert(change.address.clone(), entry.clone());
                    deleted.push(change.address.clone());
                }
            }
        }
        let edited = edits.changes.iter().enumerate().map(|(at, edit)| (edit.address.clone(), at)).collect();
        Ok(Baseline { approved, edits, edited, deleted, fork, tip })
    }

    /// Returns the edit of an object that the snapshots do not have yet, by its id in the approved commit.
    pub(in crate::ops) fn edit_of(&self, kind: &'static Kind, id: &str) -> Option<&Change> {
        let at = self.edited.get(&Address::new(kind, id))?;
        self.edits.changes.get(*at)
    }

    /// Returns the differences of `now` from what was approved, without pending edits and properties left to others.
    ///
    /// # Errors
    /// If a selector names nothing, or objects cannot be read.
    pub(in crate::ops) fn differences(&self, context: &Context, scope: &Scope, now: &Side) -> Result<Report> {
        let approved = &self.approved;
        selectors::check(context, scope, &[approved, now], &approved.manifest.ids)?;
        let (mut left, right) = snapshots(&context.repo, approved, now, &|_| false)?;
        // A kind that the tenant was not asked for yields no difference.
        left.coverage.0.retain(|what, _| right.coverage.0.contains_key(what));
        let mut ids = manifest_at(&context.repo, self.tip)?.ids;
        ids.extend(&approved.manifest.ids);
        let mut report = compare::snapshots(&left, &right, &ids);
        drop((left, right));
        // Gone on both sides: the deletion was applied.
        report.changes.retain(|change| change.what != ChangeKind::Removed || !self.deleted.contains(&change.address));
        report.changes.retain_mut(|change| self.drop_defaults_of_graph(change));
        if context.settings.main == MainMode::Hold {
            self.note_new_kinds(context, scope, now, &mut report);
        }
        let waiting = self.deleted.iter().filter(|address| now.index.contains_key(address)).count();
        report.drift = Some(LeftOut { pending: waiting, ..LeftOut::default() });
        leave_out_pending(&mut report, &self.edits);
        narrow(&mut report, scope);
        ignore(&mut report, &rules(context));
        report.before.clone_from(&approved.label);
        report.after.clone_from(&now.label);
        Ok(report)
    }
}

impl Baseline {
    /// Removes what Graph filled in on an object whose file a person named and which has its id by now: properties of which the file
    /// says nothing. Members, owners and credentials stay: nobody but a person adds those. Returns false if nothing is left.
    fn drop_defaults_of_graph(&self, change: &mut Change) -> bool {
        let kind = change.address.kind;
        let (ChangeKind::Modified(fields), Some(Lifecycle::Recreated { from })) = (&mut change.what, &change.manner)
        else {
            return true;
        };
        if !from.starts_with("new:") {
            return true;
        }
        let written = named_object(&self.approved, &Address::new(kind, from.as_str()));
        let is_written = |name: &str| written.as_ref().is_none_or(|object| object.get(name).is_some());
        let is_link = |name: &str| schema::of(kind).property(name).is_none_or(|rule| rule.link);
        fields.retain(|field| is_written(top(field.path())) || is_link(top(field.path())));
        !fields.is_empty()
    }

    /// Marks kinds that are read since the approved commit and of which it says nothing: no difference of theirs shows.
    fn note_new_kinds(&self, context: &Context, scope: &Scope, now: &Side, report: &mut Report) {
        let now = now.coverage();
        let mut new = Vec::new();
        for kind in context.kinds(&[]).into_iter().filter(|kind| scope.takes_kind(kind)) {
            let is_told = self.approved.manifest.coverage.0.contains_key(kind.name);
            if !is_told && now.kind(kind.name) == Coverage::Complete {
                report.unknown.retain(|(what, ..)| what != kind.name);
                report.unknown.push((kind.name.to_owned(), Coverage::Partial, Coverage::Complete));
                new.push(kind.title);
            }
        }
        if !new.is_empty() {
            context.events.warn(format!(
                "{} says nothing of {}, which are read since: no difference of theirs shows; `git merge {}` takes them in",
                self.approved.label,
                new.join(", "),
                context.settings.branches.snapshots
            ));
        }
    }
}

/// Compares the live tenant with a baseline: `baseline`, or else the branch that people work on, as fetched.
///
/// # Errors
/// If there is no such baseline or no snapshot yet, files of it are wrong, or the tenant is another one.
pub async fn drift<T: TenantRead>(
    context: &Context,
    tenant: &T,
    baseline: Option<&str>,
    scope: &Scope,
) -> Result<Compared> {
    let (label, commit) = match baseline {
        Some(revision) => (revision.to_owned(), context.resolve(revision)?),
        None => approved_branch(context)?,
    };
    let baseline = Baseline::read(context, label, commit)?;
    let Baseline { approved, fork, tip, .. } = &baseline;
    if fork.is_none() {
        let label = &approved.label;
        context.events.warn(format!(
            "{label} has no common history with {}, so what is pending cannot be told from drift",
            context.settings.branches.snapshots
        ));
    }
    let kinds = kinds_of(context, Some(approved), scope);
    let live = Side::live(context, tenant, &kinds, &[approved], Trust::Prove, &approved.manifest.ids).await?;
    let report = baseline.differences(context, scope, &live)?;

    // Authors are looked for since the fork: in the notes of the snapshots since then, and in the log since the last of them.
    let past =
        Past { range: fork.map(|fork| CommitRange { from: fork, to: *tip }), since: Some(*tip), earlier: Some(*tip) };
    let mut compared = explain(context, Some(tenant), report, approved, &live, &past).await?;
    audit::disclose(&mut compared.report, context.settings.actors);
    Ok(compared)
}

/// Returns the branch that people work on, as fetched: the remote's, where this clone knows of one. Commits that were not pushed
/// are not approved, least of all those that an export moved the branch to.
pub(in crate::ops) fn approved_branch(context: &Context) -> Result<(String, ObjectId)> {
    let name = &context.settings.branches.main;
    if let Some(there) = context.remote_tip(name)? {
        return Ok(there);
    }
    match context.repo.reference(&context.main_ref())? {
        Some(here) => Ok((name.clone(), here)),
        None => bail!(
            "there is no branch {name} here to compare with; fetch it, or name the approved commit or tag with --baseline"
        ),
    }
}

/// Returns the files with edits on `main` that the last snapshot does not have: not applied yet, as far as is known here.
///
/// # Errors
/// If the repository cannot be read.
pub fn pending(context: &Context, snapshot: ObjectId, main: ObjectId) -> Result<Vec<String>> {
    if context.repo.is_ancestor(main, snapshot)? {
        return Ok(Vec::new());
    }
    let Some(fork) = context.repo.merge_base(main, snapshot)? else { return Ok(vec![NO_COMMON_HISTORY.to_owned()]) };
    // Only differences are listed: files that differ from the fork, and from the snapshot as well.
    let (at_fork, on_main) = context.repo.changed_entries(fork, main)?;
    let (in_snapshot, beside) = context.repo.changed_entries(snapshot, main)?;
    let open = paths(in_snapshot, beside);
    let edits = paths(at_fork, on_main);
    Ok(edits.intersection(&open).filter(|path| !is_reserved(path)).cloned().collect())
}

fn paths(a: Vec<Entry>, b: Vec<Entry>) -> BTreeSet<String> {
    a.into_iter().chain(b).map(|entry| entry.path).collect()
}

fn rules(context: &Context) -> Vec<Rule> {
    let rule = |it: &crate::format::settings::Ignore| Rule {
        kind: it.kind,
        name: it.name.clone(),
        id: it.id.clone(),
        property: it.property.clone(),
        reason: it.reason.clone().unwrap_or_default(),
    };
    context.settings.ignore.iter().map(rule).collect()
}
