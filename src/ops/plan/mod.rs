//! Makes the plan of the writes that would take the tenant to a commit.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::audit::authors;
use super::commit::lookup::learn_names;
use super::commit::source::{Side, snapshots};

use super::report::diff;
use super::{Context, guards};
use crate::engine::adopt::{Sides, matched};
use crate::engine::compare;
use crate::engine::plan::{Inputs, identities, plan as decide};
use crate::engine::planfile::Binding;
use crate::engine::refs::{Mentioned, Names, each_id_in, mentions};
use crate::engine::scope::Scope;
use crate::model::plan::Loss;
use crate::model::{
    Action, Address, ChangeKind, Coverage, Distance, FieldChange, IdMap, Kind, Object, Plan, Snapshot, Verdict,
};
use crate::repo::ObjectId;
use crate::tenant::TenantRead;
use load::Loaded;

pub mod changes;
pub mod decide;
mod load;
pub mod propose;
pub mod translate;

/// Holds a plan with everything that belongs to it.
pub struct Planned {
    /// The plan itself.
    pub plan: Plan,
    /// Commit, tenant and snapshot that the plan is bound to.
    pub binding: Binding,
    /// Verdicts of the guards.
    pub verdicts: Vec<Verdict>,
    /// Names of the objects that the plan mentions.
    pub names: Names,
    /// Commit that is wanted.
    pub commit: ObjectId,
    /// Wanted state of every object that the plan could touch, with the ids of the commit.
    pub wanted: Snapshot,
    /// Every object that the plan changes or deletes, as it was found.
    pub found: BTreeMap<Address, Object>,
    /// Kinds that were read.
    pub kinds: Vec<&'static Kind>,
    /// Kinds and links that could not be read completely from the tenant.
    pub unread: Vec<String>,
}

/// Describes what to plan.
#[derive(Debug, Clone, Default)]
pub struct Aim {
    /// Commit that is wanted, by any name that git knows.
    pub to: String,
    /// Scope of the plan.
    pub scope: Scope,
    /// True if objects that the last snapshot does not know are deleted too.
    pub prune: bool,
    /// Commit since which changes are wanted; all else stays as it is in the tenant. `None` if the whole commit is wanted.
    pub since: Option<String>,
    /// True if objects that somebody created anew by hand are taken for wanted objects that are gone.
    pub adopt: bool,
    /// Map from ids of another tenant to ids of this one, as a translation found.
    pub adopted: IdMap,
    /// Losses of that translation, which the approver should know.
    pub losses: Vec<Loss>,
    /// Ids learned by an apply that is still running.
    pub learned: IdMap,
    /// True if an apply plans again after its writes: objects that a selector names may be gone then, as they should be.
    pub again: bool,
}

/// Makes a plan. Nothing is written anywhere.
///
/// # Errors
/// [`super::Invalid`] if the commit's files are wrong (nothing is asked of the tenant then), or if the tenant cannot be read at
/// all.
pub async fn plan<T: TenantRead>(context: &Context, tenant: &T, aim: &Aim) -> Result<Planned> {
    let loaded = Loaded::read(context, tenant, aim).await?;
    let mut decided = decide_whole(context, aim, &loaded)?;
    decided.plan.losses.extend(aim.losses.iter().cloned());
    if !aim.again {
        explain(context, tenant, aim, &loaded, &mut decided).await?;
    }
    let names = name(context, &loaded, &mut decided)?;
    let Decided { plan, wanted, live } = decided;
    let sides: Vec<&Side> = loaded.base.iter().chain([&loaded.live, &loaded.wanted]).collect();
    let verdicts = guards::verdicts(context, &plan, &sides, &loaded.live, &loaded.deleted, loaded.commit)?;
    let missing = |coverage: &Coverage| !matches!(coverage, Coverage::Complete | Coverage::Skipped);
    let unread = live.coverage.0.iter().filter(|(_, coverage)| missing(coverage));
    let unread = unread.map(|(what, _)| what.clone()).collect();
    let found = plan.seen.keys().filter_map(|address| Some((address.clone(), live.objects.get(address)?.clone())));
    let (found, binding) = (found.collect(), binding(context, aim, &loaded)?);
    Ok(Planned { plan, binding, verdicts, names, commit: loaded.commit, wanted, found, kinds: loaded.kinds, unread })
}

/// Holds a plan and what it was decided from.
struct Decided {
    plan: Plan,
    wanted: Snapshot,
    live: Snapshot,
}

/// Decides until no file that is equal on both sides names an id that changes.
fn decide_whole(context: &Context, aim: &Aim, loaded: &Loaded) -> Result<Decided> {
    let Loaded { ids, deleted, .. } = loaded;
    let base: BTreeSet<Address> = loaded.base.iter().flat_map(|base| base.index.keys().cloned()).collect();
    // Ids that changed or will change occur in files that are equal on both sides, too: a policy may still name a group that is
    // gone. Such files are parsed after all.
    let mut moved: BTreeSet<String> = ids.iter().map(|(old, _)| old.to_owned()).collect();
    let mut also: BTreeSet<Address> = BTreeSet::new();
    let mut scanned: BTreeSet<String> = BTreeSet::new();
    loop {
        if moved.iter().any(|id| !scanned.contains(id)) {
            also.extend(mentioning(context, &loaded.wanted, &loaded.live, &moved)?);
            scanned.extend(moved.iter().cloned());
        }
        let (wanted, live) = snapshots(&context.repo, &loaded.wanted, &loaded.live, &|address| also.contains(address))?;
        let (scope, prune) = (&aim.scope, aim.prune);
        let plan = decide(&Inputs { wanted: &wanted, live: &live, base: &base, deleted, ids, scope, prune });
        let created = created(&plan, &wanted, ids);
        if created.is_subset(&scanned) {
            return Ok(Decided { plan, wanted, live });
        }
        moved.extend(created);
    }
}

/// Adds to a plan what its reader should know: objects that could be adopted, the distance from the commit, and the authors of
/// what is taken away.
async fn explain<T: TenantRead>(
    context: &Context,
    tenant: &T,
    aim: &Aim,
    loaded: &Loaded,
    decided: &mut Decided,
) -> Result<()> {
    let Decided { plan, wanted, live } = decided;
    let Loaded { ids, deleted, commit, base_commit, .. } = loaded;
    warn_of_adoptable(context, plan, &Sides { wanted, live, deleted, ids, scope: &aim.scope });
    let forked = match base_commit {
        Some(last) => changes::is_forked(context, *commit, *last)?,
        None => false,
    };
    if forked || aim.since.is_some() {
        plan.distance = Some(distance(context, aim, &loaded.live, plan, ids)?);
    }
    authors::fill_in(context, tenant, plan, *commit, *base_commit).await
}

/// Returns the names of the objects that a plan mentions, and gives steps of nameless objects the names of what they are about.
fn name(context: &Context, loaded: &Loaded, decided: &mut Decided) -> Result<Names> {
    let Decided { plan, wanted, live } = decided;
    let mut names = Names::default();
    let about = about(plan, &[wanted, live]);
    let ids: BTreeSet<String> = mentioned(plan).into_iter().chain(about.values().flatten().cloned()).collect();
    // Every id may be another identity of an object; they are not told apart, as a plan names few.
    let mentioned = Mentioned { identities: ids.clone(), ids };
    learn_names(&context.repo, &[&loaded.wanted, &loaded.live], &mentioned, &mut names)?;
    call_by_name(plan, &about, &mut names);
    Ok(names)
}

/// Returns what a plan is bound to: it holds only for this commit, tenant and snapshot.
fn binding(context: &Context, aim: &Aim, loaded: &Loaded) -> Result<Binding> {
    let (expires, author) = stamp(context);
    Ok(Binding {
        expires,
        author,
        tenant: context.settings.tenant.clone(),
        commit: loaded.commit.to_string(),
        base: loaded.base_commit.map(|base| base.to_string()).unwrap_or_default(),
        scope: (&aim.scope).into(),
        prune: aim.prune,
        since: match &aim.since {
            Some(since) => context.resolve(since)?.to_string(),
            None => String::new(),
        },
        adopted: loaded.adopted.clone(),
    })
}

/// Returns how far the tenant is from the commit as it stands, beside the objects that the plan touches.
fn distance(context: &Context, aim: &Aim, live: &Side, plan: &Plan, ids: &IdMap) -> Result<Distance> {
    let whole = Side::commit(context, &aim.to)?;
    let (mut wanted, actual) = snapshots(&context.repo, &whole, live, &|_| false)?;
    // A kind that the tenant was not asked for yields no difference.
    wanted.coverage.0.retain(|what, _| actual.coverage.0.contains_key(what));
    let mut report = compare::snapshots(&wanted, &actual, ids);
    diff::narrow(&mut report, &aim.scope);
    let touched: BTreeSet<Address> = plan
        .steps
        .iter()
        .map(|step| Address::new(step.address.kind, ids.current(&step.address.id)))
        .chain(plan.left.iter().map(|left| left.address.clone()))
        .collect();
    let objects = report.changes.iter().filter(|change| !touched.contains(&change.address)).count();
    Ok(Distance { commit: whole.label, objects })
}

/// Warns of objects that would be created although the tenant has one with the same natural key: created anew by hand, or by an
/// apply whose journal or receipt was lost.
fn warn_of_adoptable(context: &Context, plan: &Plan, sides: &Sides<'_>) {
    // Steps name an object by its present id.
    let is_create = |address: &&Address| {
        let today = Address::new(address.kind, sides.ids.current(&address.id));
        plan.steps.iter().any(|step| step.address == today && matches!(step.action, Action::Create { .. }))
    };
    if !plan.steps.iter().any(|step| matches!(step.action, Action::Create { .. })) {
        return;
    }
    let (found, ambiguous) = matched(sides);
    let clear = sides.wanted.objects.keys().filter(|address| found.current(&address.id) != address.id);
    let count = clear.chain(ambiguous.iter().map(|one| &one.wanted)).filter(is_create).count();
    let (objects, are, they) = match count {
        0 => return,
        1 => ("1 object".to_owned(), "is", "it is"),
        _ => (format!("{count} objects"), "are", "they are"),
    };
    context.events.warn(format!(
        "{objects} that would be created {are} in the tenant already under another id, with the same name or key; if {they} \
         meant, give --adopt, which takes what is there instead of creating a second one"
    ));
}

/// Returns the addresses whose wanted file mentions one of `ids`, among those that are equal on both sides.
fn mentioning(context: &Context, wanted: &Side, live: &Side, ids: &BTreeSet<String>) -> Result<BTreeSet<Address>> {
    let mut found = BTreeSet::new();
    for (address, entry) in &wanted.index {
        if live.index.get(address).is_none_or(|other| other.blob != entry.blob) {
            continue;
        }
        let bytes = wanted.read(&context.repo, entry)?;
        let text = String::from_utf8_lossy(&bytes);
        let mut names_one = false;
        each_id_in(&text, &mut |id| names_one |= ids.contains(id) && id != address.id);
        if names_one {
            found.insert(address.clone());
        }
    }
    Ok(found)
}

/// Returns the old ids of everything that the plan creates.
fn created(plan: &Plan, wanted: &Snapshot, ids: &IdMap) -> BTreeSet<String> {
    let creates: BTreeSet<&Address> = plan
        .steps
        .iter()
        .filter(|step| matches!(step.action, Action::Create { .. }))
        .map(|step| &step.address)
        .collect();
    if creates.is_empty() {
        return BTreeSet::new();
    }
    let mut found = BTreeSet::new();
    for (address, object) in &wanted.objects {
        let kind = address.kind;
        let today = Address::new(kind, ids.current(&address.id));
        if creates.contains(&today) {
            found.extend(identities(kind, object));
            found.insert(today.id);
        }
    }
    found
}

/// Returns, for the plan's objects without a name, the ids of the objects that they are about.
fn about(plan: &Plan, sides: &[&Snapshot]) -> BTreeMap<Address, Vec<String>> {
    let steps = plan.steps.iter().map(|step| &step.address);
    let addresses = steps
        .chain(plan.losses.iter().map(|loss| &loss.address))
        .chain(plan.unmanaged.iter().take(20))
        .chain(plan.left.iter().map(|left| &left.address));
    let of = |address: &Address| {
        let kind = Some(address.kind).filter(|kind| !kind.about.is_empty())?;
        let object = sides.iter().find_map(|side| side.objects.get(address))?;
        Some((address.clone(), kind.about(&object.0)))
    };
    addresses.filter_map(of).collect()
}

/// Gives objects without a name the names of the objects that they are about.
fn call_by_name(plan: &mut Plan, about: &BTreeMap<Address, Vec<String>>, names: &mut Names) {
    let called: BTreeMap<&Address, String> =
        about.iter().filter_map(|(address, about)| Some((address, names.of_about(about)?))).collect();
    for step in &mut plan.steps {
        if let Some(name) = names.of_about(&step.about).or_else(|| called.get(&step.address).cloned()) {
            step.name = name;
        }
    }
    for loss in &mut plan.losses {
        if let Some(name) = called.get(&loss.address) {
            loss.name.clone_from(name);
        }
    }
    for left in &mut plan.left {
        if let Some(name) = called.get(&left.address) {
            left.name.clone_from(name);
        }
    }
    for (address, name) in called {
        names.insert(&address.id, &name);
    }
}

fn mentioned(plan: &Plan) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for step in &plan.steps {
        ids.extend(step.about.iter().cloned());
        let mut see = |value: &serde_json::Value| {
            mentions(value, &mut |id| {
                ids.insert(id.to_owned());
            });
        };
        match &step.action {
            Action::Link { value, .. } | Action::Unlink { value, .. } | Action::Relink { value, .. } => see(value),
            Action::Update { changes, .. } => changes.iter().flat_map(FieldChange::values).for_each(&mut see),
            Action::Create { .. } | Action::Restore | Action::Call { .. } | Action::Delete => {}
        }
    }
    ids.extend(plan.unmanaged.iter().take(20).map(|address| address.id.clone()));
    for left in plan.left.iter().take(20) {
        let ChangeKind::Modified(fields) = &left.what else { continue };
        for value in fields.iter().flat_map(FieldChange::values) {
            mentions(value, &mut |id| {
                ids.insert(id.to_owned());
            });
        }
    }
    ids
}

/// Returns when a plan that is made now expires, and the e-mail address by which git knows its maker.
fn stamp(context: &Context) -> (String, String) {
    let hours = i64::try_from(context.settings.approval.plan_hours).unwrap_or(24);
    let now = jiff::Timestamp::now().round(jiff::Unit::Second).unwrap_or_default();
    let expires = now.checked_add(jiff::SignedDuration::from_hours(hours)).unwrap_or(jiff::Timestamp::MAX);
    (expires.to_string(), context.repo.author().email)
}
