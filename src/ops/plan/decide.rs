//! Decides on changes of the tenant: `accept` puts them into the branch that people work on, `reject` makes a commit of the
//! snapshots without them, which an apply carries out. Nothing is asked of the tenant here.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};

use crate::engine::diff::top;
use crate::engine::refs::Names;
use crate::engine::render::{in_message, safe};
use crate::engine::review::{Decision, Review, Ticks};
use crate::engine::scope::{Scope, matches};
use crate::format::settings::Actors;
use crate::model::words::counted;
use crate::model::{Address, Change, ChangeKind, Lifecycle, Object};
use crate::ops::audit::{self, CommitRange};
use crate::ops::commit::source::{Side, named_object, new_object};
use crate::ops::read::live::bytes_of;
use crate::ops::report::accepted::ACCEPTS;
use crate::ops::report::diff::{Compared, Past, explain};
use crate::ops::report::drift::{Baseline, approved_branch};
use crate::ops::report::validate;
use crate::ops::snapshot::export::index;
use crate::ops::{Context, SETTINGS, files_of};
use crate::repo::{ObjectId, RefMove, SnapshotWriter};
use crate::tenant::TenantRead;

/// Folder of the references that keep the commits of rejections: receipts name them.
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

/// Names the changes that a decision is about.
#[derive(Debug, Clone, Copy)]
pub enum Chosen<'a> {
    /// All changes in scope.
    InScope(&'a Scope),
    /// Changes in scope whose authors in the audit log all have such a name.
    By(&'a Scope, &'a str),
    /// Changes that somebody ticked in the text of a pull request.
    Ticked(&'a Ticks),
}

/// Holds the changes between the approved commit and the last snapshot.
pub(in crate::ops) struct Undecided {
    /// Approved commit with its edits that wait.
    pub baseline: Baseline,
    /// Last snapshot.
    pub now: Side,
    /// The changes, and who made them.
    pub compared: Compared,
}

impl Undecided {
    /// Reads the changes since the approved `commit` that `chosen` may be about. Ticks are told from the whole of them.
    pub(in crate::ops) async fn read<T: TenantRead>(
        context: &Context,
        label: String,
        commit: ObjectId,
        chosen: Chosen<'_>,
    ) -> Result<Undecided> {
        let everything = Scope::default();
        let scope = match chosen {
            Chosen::InScope(scope) | Chosen::By(scope, _) => scope,
            Chosen::Ticked(_) => &everything,
        };
        let baseline = Baseline::read(context, label, commit)?;
        let now = Side::commit(context, &baseline.tip.to_string())?;
        let report = baseline.differences(context, scope, &now)?;
        let past = Past {
            range: baseline.fork.map(|fork| CommitRange { from: fork, to: baseline.tip }),
            since: None,
            earlier: Some(baseline.tip),
        };
        let mut compared = explain(context, None::<&T>, report, &baseline.approved, &now, &past).await?;
        if let Chosen::By(_, name) = chosen {
            require_names(context, &compared)?;
            compared.report.changes.retain(|change| is_by(change, name));
        }
        audit::disclose(&mut compared.report, context.settings.actors);
        Ok(Undecided { baseline, now, compared })
    }

    /// Sorts the changes for a decision.
    pub(in crate::ops) fn review(&self, context: &Context) -> Review {
        let exchange = self.exchange(context, true);
        Review::of(&self.compared.report, |change| exchange.obstacle(change))
    }

    /// Keeps the changes with this decision, if the choice is by ticks.
    fn narrow(&mut self, context: &Context, chosen: Chosen<'_>, decision: Decision) {
        if let Chosen::Ticked(ticks) = chosen {
            self.compared.report.changes = self.review(context).decided(ticks, decision);
        }
    }

    /// Returns the exchange that takes the changes into the approved commit, or that takes them out of the last snapshot.
    pub(in crate::ops) fn exchange<'a>(&'a self, context: &'a Context, is_accepted: bool) -> Exchange<'a> {
        let (approved, now) = (&self.baseline.approved, &self.now);
        let (onto, from) = if is_accepted { (approved, now) } else { (now, approved) };
        Exchange { context, baseline: &self.baseline, onto, from, is_accepted }
    }
}

fn require_names(context: &Context, compared: &Compared) -> Result<()> {
    if context.settings.actors != Actors::Names {
        bail!("--by needs names, and `actors` in entragit.yaml keeps none; select with --name or --id");
    }
    match compared.report.audited.gaps.first() {
        Some(gap) => bail!("who made the changes is not known for all of the time ({gap}); select with --name or --id"),
        None => Ok(()),
    }
}

/// Commits the chosen changes to the branch that people work on, as the last snapshot has them.
///
/// # Errors
/// If the branch is behind its remote, files are wrong before or afterwards, or the work tree is in the way: then nothing moved.
pub async fn accept<T: TenantRead>(context: &Context, chosen: Chosen<'_>) -> Result<Accepted> {
    let _lock = context.repo.lock("accept")?;
    context.ready_snapshots_branch()?;
    let main = ready_main(context)?;
    let label = context.settings.branches.main.clone();
    let mut undecided = Undecided::read::<T>(context, label, main, chosen).await?;
    undecided.narrow(context, chosen, Decision::Accept);
    let Undecided { baseline, now, compared } = &undecided;
    if compared.report.changes.is_empty() {
        let open = baseline.differences(context, &Scope::default(), now)?.changes.len();
        return Ok(Accepted { commit: None, compared: undecided.compared, open });
    }
    // What is wrong on the branch already is not blamed on what is accepted.
    validate::require_valid(context, &Side::commit(context, &main.to_string())?, &validate::Dangling::new())?;
    let files = files_of(&context.repo, main)?;
    let accepts = [(ACCEPTS, baseline.tip)];
    let commit = undecided.exchange(context, true).commit(main, files, compared, &accepts)?;
    validate::require_valid(context, &Side::commit(context, &commit.to_string())?, &validate::Dangling::new())
        .context("accepting this alone would leave the branch with errors; accept what it refers to as well")?;
    publish(context, main, commit)?;
    let left = Baseline::read(context, context.settings.branches.main.clone(), commit)?;
    let open = left.differences(context, &Scope::default(), now)?.changes.len();
    Ok(Accepted { commit: Some(commit), compared: undecided.compared, open })
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

/// Describes a rejection: the changes between two commits, which an apply of changes carries out.
#[derive(Debug, Clone, Copy)]
pub struct Rejected {
    /// Last snapshot.
    pub snapshot: ObjectId,
    /// Commit on top of it in which the changes are taken back.
    pub commit: ObjectId,
}

/// Makes a commit on top of the last snapshot in which the chosen changes are taken back. `None` if there is nothing to take back.
///
/// # Errors
/// If there is no snapshot or no branch that people work on, files are wrong, or an edit waits where something would be taken
/// back.
pub async fn reject<T: TenantRead>(context: &Context, chosen: Chosen<'_>) -> Result<Option<Rejected>> {
    let _lock = context.repo.lock("reject")?;
    context.ready_snapshots_branch()?;
    let (label, main) = approved_branch(context)?;
    let mut undecided = Undecided::read::<T>(context, label, main, chosen).await?;
    undecided.narrow(context, chosen, Decision::Reject);
    let snapshot = undecided.baseline.tip;
    let mut files = files_of(&context.repo, snapshot)?;
    // The guards' settings are those of the branch, whatever the snapshot carried over.
    if let Some(settings) = context.repo.root_file(main, SETTINGS)? {
        files.insert(SETTINGS.to_owned(), settings);
    }
    let before = files.clone();
    let exchange = undecided.exchange(context, false);
    let commit = exchange.commit(snapshot, files, &undecided.compared, &[("Entragit-Rejects", snapshot)])?;
    if files_of(&context.repo, commit)? == before {
        return Ok(None);
    }
    let name = format!("{REJECTED}/{}", &commit.to_string()[..12]);
    let kept = context.repo.reference(&name)?;
    context.repo.move_ref(&name, commit, kept, "entragit: reject")?;
    Ok(Some(Rejected { snapshot, commit }))
}

/// Names where an object is on both sides.
struct Places<'a> {
    /// Address on the side that the commit follows.
    onto: &'a Address,
    /// Address on the side whose values are taken.
    from: &'a Address,
    /// Path of the file on the side that the commit follows.
    old: Option<&'a str>,
}

/// Describes a commit that takes changes over from one side to another.
pub(in crate::ops) struct Exchange<'a> {
    context: &'a Context,
    /// Approved commit with its edits that wait.
    baseline: &'a Baseline,
    /// Side that the commit follows.
    onto: &'a Side,
    /// Side whose values are taken.
    from: &'a Side,
    /// True if the tenant's values are taken, false if the approved ones are.
    is_accepted: bool,
}

impl Exchange<'_> {
    /// Writes the commit; no reference leads to it yet.
    pub(in crate::ops) fn commit(
        &self,
        parent: ObjectId,
        mut files: BTreeMap<String, ObjectId>,
        compared: &Compared,
        trailers: &[(&str, ObjectId)],
    ) -> Result<ObjectId> {
        let repo = &self.context.repo;
        let mut paths = index(&files);
        paths.extend(named_by_people(self.onto));
        let mut writer = repo.writer()?;
        for change in &compared.report.changes {
            self.check_decidable(change)?;
            let approved = match &change.manner {
                Some(Lifecycle::Recreated { from }) => Address::new(change.address.kind, from.as_str()),
                _ => change.address.clone(),
            };
            let (onto, from) =
                if self.is_accepted { (&approved, &change.address) } else { (&change.address, &approved) };
            let old = paths.get(onto);
            let new =
                self.file(change, &Places { onto, from, old: old.map(String::as_str) }, &compared.names, &mut writer)?;
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
        places: &Places<'_>,
        names: &Names,
        writer: &mut SnapshotWriter<'_>,
    ) -> Result<Option<(String, ObjectId)>> {
        let Places { onto, from, old } = *places;
        let repo = &self.context.repo;
        let kind = change.address.kind;
        let is_modified = matches!(change.what, ChangeKind::Modified(_));
        let other = match self.from.index.get(from) {
            Some(entry) => self.from.object(repo, kind, entry)?,
            None => named_object(self.from, from),
        };
        let own = match self.onto.index.get(onto) {
            Some(entry) => self.onto.object(repo, kind, entry)?,
            None => named_object(self.onto, onto),
        };
        let taken = match self.from.index.get(from) {
            Some(entry) => Some((entry.path.clone(), writer.put(self.from.read(repo, entry)?)?)),
            None => None,
        };
        match (own, other) {
            (Some(own), Some(other)) if is_modified => {
                let merged = merged(change, &own, &other, self.is_accepted);
                if merged == other && taken.is_some() {
                    return Ok(taken);
                }
                let same_name = merged.id() == own.id() && merged.name() == own.name();
                let path = match (old.filter(|_| same_name), &taken) {
                    (Some(old), _) => old.to_owned(),
                    (None, Some((path, _))) => path.clone(),
                    (None, None) => old.unwrap_or(&change.path).to_owned(),
                };
                Ok(Some((path, writer.put(bytes_of(kind, &merged, names))?)))
            }
            (_, None) if is_modified => {
                bail!("{} \"{}\" has no file to take its values from", kind.name, safe(&change.name))
            }
            _ => Ok(taken),
        }
    }

    /// Refuses a decision that has an obstacle.
    fn check_decidable(&self, change: &Change) -> Result<()> {
        match self.obstacle(change) {
            Some(why) => bail!("{} \"{}\": {why}", change.address.kind.name, safe(&change.name)),
            None => Ok(()),
        }
    }

    /// Returns what stands in the way of a decision on an object: an edit of the same properties that waits, or that the snapshot
    /// does not hold the object whole.
    fn obstacle(&self, change: &Change) -> Option<String> {
        let kind = change.address.kind;
        let branch = &self.baseline.approved.label;
        let approved = match &change.manner {
            Some(Lifecycle::Recreated { from }) => from,
            _ => &change.address.id,
        };
        if let Some(edit) = self.baseline.edit_of(kind, approved) {
            let touched: BTreeSet<&str> = change.fields().iter().map(|field| top(field.path())).collect();
            let both = match (&change.what, &edit.what) {
                (ChangeKind::Modified(_), ChangeKind::Modified(fields)) => {
                    fields.iter().map(|field| top(field.path())).find(|name| touched.contains(name))
                }
                _ => Some("the object itself"),
            };
            if let Some(both) = both {
                return Some(format!(
                    "{branch} has an edit of {both} that is not applied yet; apply it or take it back first"
                ));
            }
        }
        let withheld = kind.links.iter().find(|link| self.from.coverage().withholds(kind.name, link.name));
        withheld
            .filter(|_| self.is_accepted && change.what == ChangeKind::Added)
            .map(|link| format!("the last snapshot does not know {} of it; accept it when that can be read", link.name))
    }
}

/// Returns the paths of objects whose files a person named.
fn named_by_people(side: &Side) -> BTreeMap<Address, String> {
    let named = side.odd.iter().filter_map(|(path, bytes)| Some((new_object(path, bytes).ok()?.0, path.clone())));
    named.collect()
}

/// Returns `own` with the properties of `other` that the change is about; its id as well, where the object was created again
/// and the new one is accepted.
fn merged(change: &Change, own: &Object, other: &Object, takes_id: bool) -> Object {
    let mut names: BTreeSet<&str> = change.fields().iter().map(|field| top(field.path())).collect();
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
    let named: Vec<String> = changes.iter().take(2).map(|change| in_message(&change.name)).collect();
    let more = changes.len().saturating_sub(named.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let act = if is_accepted { "Accept" } else { "Reject" };
    let mut text = format!("{act} {}: {}{more}\n\n", counted(changes.len(), "change"), named.join(", "));
    for change in changes.iter().take(LISTED) {
        let authors: BTreeSet<&str> = change.events.iter().map(|event| event.actor.name.as_str()).collect();
        let authors: Vec<&str> = authors.into_iter().filter(|name| !name.is_empty()).collect();
        let by = if authors.is_empty() { String::new() } else { format!(", by {}", in_message(&authors.join(", "))) };
        text.push_str(&format!("- {} \"{}\" {}{by}\n", change.called, in_message(&change.name), change.as_str()));
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
