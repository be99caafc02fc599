//! Decides on changes of the tenant: `accept` puts them into the branch that people work on, `reject` makes a commit of the
//! snapshots without them, which an apply carries out. Nothing is asked of the tenant here.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};

use crate::engine::refs::Names;
use crate::engine::render::safe;
use crate::engine::scope::{Scope, matches};
use crate::model::words::counted;
use crate::model::{Address, Change, ChangeKind, Lifecycle, Object};
use crate::ops::commit::snapshots_branch::fetched;
use crate::ops::commit::source::Side;
use crate::ops::read::live::bytes_of;
use crate::ops::report::diff::{Compared, Past, explain};
use crate::ops::report::drift::Baseline;
use crate::ops::report::validate;
use crate::ops::snapshot::export::index;
use crate::ops::{Context, audit, files_of};
use crate::repo::{ObjectId, RefMove, SnapshotWriter};
use crate::tenant::TenantRead;

/// Name of the reference that keeps the commit of the last rejection.
const REJECTED: &str = "refs/entragit/rejected";
/// Maximum number of changes that a message lists.
const LISTED: usize = 20;

/// Describes what was accepted.
#[derive(Debug)]
pub struct Accepted {
    /// Commit on the branch that people work on; `None` if there was nothing to accept.
    pub commit: Option<ObjectId>,
    /// Changes that were accepted.
    pub compared: Compared,
    /// Number of changed objects that nobody has decided on yet.
    pub open: usize,
}

/// Commits the changes in scope to the branch that people work on, as the last snapshot has them. With `by`, only those whose
/// authors in the audit log all have such a name.
///
/// # Errors
/// If the branch is behind its remote, files are wrong before or afterwards, or the work tree is in the way: then nothing moved.
pub async fn accept<T: TenantRead>(context: &Context, scope: &Scope, by: Option<&str>) -> Result<Accepted> {
    let main = ready_main(context)?;
    let label = context.settings.branches.main.clone();
    let baseline = Baseline::read(context, label, main)?;
    let now = Side::commit(context, &baseline.tip.to_string())?;
    let report = baseline.differences(context, scope, &now)?;
    let past = Past { range: baseline.fork.map(|fork| (fork, baseline.tip)), since: None, earlier: Some(baseline.tip) };
    let mut compared = explain(context, None::<&T>, report, (&baseline.approved, &now), &past).await?;
    audit::disclose(&mut compared.report, context.settings.actors);
    if let Some(by) = by {
        compared.report.changes.retain(|change| is_by(change, by));
    }
    if compared.report.changes.is_empty() {
        let open = baseline.differences(context, &Scope::default(), &now)?.changes.len();
        return Ok(Accepted { commit: None, compared, open });
    }
    let exchange = Exchange { context, onto: &baseline.approved, from: &now, is_accepted: true };
    let commit = exchange.commit(main, &compared, &[("Entragit-Accepts", baseline.tip)])?;
    validate::require_valid(context, &Side::commit(context, &commit.to_string())?, &validate::Dangling::new())
        .context("accepting this alone would leave the branch with errors; accept what it refers to as well")?;
    publish(context, main, commit)?;
    let left = Baseline::read(context, context.settings.branches.main.clone(), commit)?;
    let open = left.differences(context, &Scope::default(), &now)?.changes.len();
    Ok(Accepted { commit: Some(commit), compared, open })
}

/// Returns the tip of the branch that people work on, if a commit may be added to it here.
fn ready_main(context: &Context) -> Result<ObjectId> {
    let name = &context.settings.branches.main;
    let Some(main) = context.repo.reference(&context.main_ref())? else {
        bail!("there is no branch {name} here to accept changes into; `git switch {name}` makes it from the remote's");
    };
    if let Some((there, tip)) = context.remote_tip(name)?
        && !context.repo.is_ancestor(tip, main)?
    {
        bail!("{name} lacks commits of {there}; `git switch {name}` and `git pull`, and accept then");
    }
    if let Some(doing) = context.repo.in_progress() {
        bail!("a {doing} is in progress in the work tree; finish it first");
    }
    if let Some(folder) = context.repo.checked_out_elsewhere(&context.main_ref())? {
        bail!("{name} is checked out in the work tree {}; accept there", folder.display());
    }
    Ok(main)
}

fn is_by(change: &Change, name: &str) -> bool {
    !change.events.is_empty()
        && change.events.iter().all(|event| matches(name, &event.actor.name) || event.actor.id == name)
}

/// Returns a commit on top of the last snapshot in which the changes in scope are taken back: wanted as it stands. `None` if
/// there is nothing to take back.
///
/// # Errors
/// If there is no snapshot or no branch that people work on, or files are wrong.
pub fn reject(context: &Context, scope: &Scope) -> Result<Option<ObjectId>> {
    let name = &context.settings.branches.main;
    let Some((label, main)) = fetched(context, name)? else {
        bail!("there is no branch {name} to go back to; fetch it")
    };
    let baseline = Baseline::read(context, label, main)?;
    let now = Side::commit(context, &baseline.tip.to_string())?;
    let report = baseline.differences(context, scope, &now)?;
    if report.changes.is_empty() {
        return Ok(None);
    }
    let compared = Compared { report, names: Names::default() };
    let exchange = Exchange { context, onto: &now, from: &baseline.approved, is_accepted: false };
    let commit = exchange.commit(baseline.tip, &compared, &[("Entragit-Rejects", baseline.tip)])?;
    let before = context.repo.reference(REJECTED)?;
    context.repo.move_ref(REJECTED, commit, before, "entragit: reject")?;
    Ok(Some(commit))
}

/// Describes a commit that takes changes over from one side to another.
struct Exchange<'a> {
    context: &'a Context,
    /// Side that the commit follows.
    onto: &'a Side,
    /// Side whose values are taken.
    from: &'a Side,
    /// True if the tenant's values are taken, false if the approved ones are.
    is_accepted: bool,
}

impl Exchange<'_> {
    /// Writes the commit; no reference leads to it yet.
    fn commit(&self, parent: ObjectId, compared: &Compared, trailers: &[(&str, ObjectId)]) -> Result<ObjectId> {
        let repo = &self.context.repo;
        let mut files = files_of(repo, parent)?;
        let paths = index(&files);
        let mut writer = repo.writer()?;
        for change in &compared.report.changes {
            let approved = match &change.manner {
                Some(Lifecycle::Recreated { from }) => Address::new(change.address.kind, from.as_str()),
                _ => change.address.clone(),
            };
            let (onto, from) =
                if self.is_accepted { (&approved, &change.address) } else { (&change.address, &approved) };
            let old = paths.get(onto);
            let new = self.file(change, (onto, from), old.map(String::as_str), (&compared.names, &mut writer))?;
            if let Some(old) = old {
                files.remove(old);
            }
            files.extend(new);
        }
        writer.keep_unusual(parent)?;
        let tree = writer.finish(&files)?;
        let message = message(compared, self.is_accepted, &self.context.settings.tenant, trailers);
        Ok(repo.create_commit(tree, &[parent], &message, &repo.author())?)
    }

    /// Returns path and content of an object's file after the change was taken over; `None` if the object is gone then.
    fn file(
        &self,
        change: &Change,
        (onto, from): (&Address, &Address),
        old: Option<&str>,
        (names, writer): (&Names, &mut SnapshotWriter<'_>),
    ) -> Result<Option<(String, ObjectId)>> {
        let Some(entry) = self.from.index.get(from) else { return Ok(None) };
        let taken = Some((entry.path.clone(), writer.put(self.from.read(&self.context.repo, entry)?)?));
        let ChangeKind::Modified(_) = &change.what else { return Ok(taken) };
        let (kind, repo) = (change.address.kind, &self.context.repo);
        let own = match self.onto.index.get(onto) {
            Some(entry) => self.onto.object(repo, kind, entry)?,
            None => None,
        };
        let (Some(own), Some(other)) = (own, self.from.object(repo, kind, entry)?) else { return Ok(taken) };
        let merged = merged(change, &own, &other, self.is_accepted);
        if merged == other {
            return Ok(taken);
        }
        let same_name = merged.id() == own.id() && merged.name() == own.name();
        let path = old.filter(|_| same_name).map_or_else(|| entry.path.clone(), str::to_owned);
        Ok(Some((path, writer.put(bytes_of(kind, &merged, names))?)))
    }
}

/// Returns `own` with the properties of `other` that the change is about; its id as well, where the object was created again
/// and the new one is accepted.
fn merged(change: &Change, own: &Object, other: &Object, takes_id: bool) -> Object {
    let mut names: BTreeSet<&str> =
        change.fields().iter().filter_map(|field| field.path().split(['.', '[']).next()).collect();
    if takes_id && matches!(change.manner, Some(Lifecycle::Recreated { .. })) {
        names.insert("id");
    }
    let mut merged = own.clone();
    for name in names {
        match other.get(name) {
            Some(value) => merged.0.insert(name.to_owned(), value.clone()),
            None => merged.0.remove(name),
        };
    }
    merged
}

fn message(compared: &Compared, is_accepted: bool, tenant: &str, trailers: &[(&str, ObjectId)]) -> String {
    let changes = &compared.report.changes;
    let named: Vec<String> = changes.iter().take(2).map(|change| safe(&change.name)).collect();
    let more = changes.len().saturating_sub(named.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let act = if is_accepted { "Accept" } else { "Reject" };
    let mut text = format!("{act} {}: {}{more}\n\n", counted(changes.len(), "change"), named.join(", "));
    for change in changes.iter().take(LISTED) {
        let authors: BTreeSet<&str> = change.events.iter().map(|event| event.actor.name.as_str()).collect();
        let authors: Vec<&str> = authors.into_iter().filter(|name| !name.is_empty()).collect();
        let by = if authors.is_empty() { String::new() } else { format!(", by {}", safe(&authors.join(", "))) };
        text.push_str(&format!("- {} \"{}\" {}{by}\n", change.called, safe(&change.name), change.as_str()));
    }
    if changes.len() > LISTED {
        text.push_str(&format!("- and {} more\n", changes.len() - LISTED));
    }
    text.push_str(&format!("\nEntragit-Tenant: {tenant}\n"));
    for (name, commit) in trailers {
        text.push_str(&format!("{name}: {commit}\n"));
    }
    text
}

/// Moves the branch, and the work tree with it where it is checked out.
fn publish(context: &Context, from: ObjectId, to: ObjectId) -> Result<()> {
    let name = context.main_ref();
    let is_here = context.repo.head_branch().map(|branch| format!("refs/heads/{branch}")).as_ref() == Some(&name);
    if is_here && context.repo.is_checked_out(from)? {
        context.repo.update_worktree(from, to)?;
    }
    let moved = context.repo.move_refs(&[RefMove { name, to, expected: Some(from) }], "entragit: accept");
    if moved.is_err() && is_here && context.repo.is_checked_out(from)? {
        context.repo.update_worktree(to, from)?;
    }
    Ok(moved?)
}
