//! Gathers the facts for the guards over a plan: [`guard`] decides, this module reads what it must know. The reading follows the
//! plan and the policies: groups that policies or roles name are followed down to their members, and no other group is read.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use futures_util::StreamExt as _;

use super::commit::lookup::Lookup;
use super::commit::source::Side;

use super::{Context, files_of, manifest_of};
use crate::engine::access::{self, Tenant};
use crate::engine::guard::{self, Rules, escalation, protected, weakens};
use crate::engine::planfile::Binding;
use crate::engine::refs::{mentions, rewrite};
use crate::kinds::{self, power};
use crate::model::{Action, Address, Object, Plan, Step, StepId, Verdict};
use crate::repo::ObjectId;
use crate::tenant::TenantRead;

pub(in crate::ops) mod authority;
pub mod rules;

/// Number of objects that are looked for at the same time.
const LOOKS: usize = 8;

/// Returns the verdicts of all guards on a plan that was just made. `there` is the state that the plan starts from; an account is
/// looked for in every side. `wanted` is the commit, whose settings may be weaker than the rules.
///
/// # Errors
/// If the repository cannot be read.
pub fn verdicts(
    context: &Context,
    plan: &Plan,
    sides: &[&Side],
    there: &Side,
    deleted: &BTreeMap<Address, Object>,
    wanted: ObjectId,
) -> Result<Vec<Verdict>> {
    let mut rules = rules::of(context, sides, there)?;
    // An earlier commit is wanted for its objects: the settings stay those of the branch.
    let tip = context.last_snapshot()?;
    if !plan.steps.is_empty() && !tip.map(|tip| context.repo.is_ancestor(wanted, tip)).transpose()?.unwrap_or(false) {
        rules.weaker_settings = context.weaker_settings(wanted)?;
    }
    rules.access = load_access_state(context, plan, sides, there, &rules)?;
    let gone = plan.steps.iter().any(|step| step.action == Action::Delete);
    if gone && let Some(tip) = tip {
        rules.deleted_today = rules::day::deletions(context, tip)?;
        rules.base = Some(Side::commit(context, &tip.to_string())?.index.into_keys().collect());
    }
    // A restored object grants power, too: it must be known before earlier holders are looked up.
    for (address, object) in deleted {
        rules.access.take_deleted(address, object);
    }
    let granted = escalation::grants(plan, &rules.access);
    if !granted.is_empty() {
        let steps: Vec<StepId> = granted.into_iter().map(|(step, _)| step).collect();
        rules.held = find_returns_to_earlier_state(context, plan, &steps, escalation::had)?;
    }
    let weakening = weakens::steps(plan);
    if !weakening.is_empty() {
        rules.weak_before = find_returns_to_earlier_state(context, plan, &weakening, weakens::had)?;
        if let Some(tip) = tip {
            rules.weakened_today = rules::day::weakenings(context, tip)?;
        }
    }
    Ok(guard::verdicts(plan, &rules))
}

/// Returns the verdicts on a plan that comes from a file. They are based on the last snapshot, less the objects found to be
/// `absent` since. Objects that the plan restores from the recycle bin are taken to be what the commit says.
///
/// # Errors
/// If the repository cannot be read.
pub fn verdicts_of_file(
    context: &Context,
    plan: &Plan,
    binding: &Binding,
    absent: &BTreeSet<Address>,
) -> Result<Vec<Verdict>> {
    let wanted = Side::commit(context, &binding.commit)?;
    let mut base = match context.last_snapshot()? {
        Some(tip) => Side::commit(context, &tip.to_string())?,
        None => Side::empty(),
    };
    base.index.retain(|address, _| !absent.contains(address));
    let mut deleted = BTreeMap::new();
    for step in plan.steps.iter().filter(|step| step.action == Action::Restore) {
        let found = [&wanted, &base].into_iter().find_map(|side| Some((side, side.index.get(&step.address)?)));
        if let (Some((side, entry)), kind) = (found, step.address.kind)
            && let Some(object) = side.object(&context.repo, kind, entry)?
        {
            deleted.insert(step.address.clone(), object);
        }
    }
    let commit = context.repo.resolve(&binding.commit)?;
    verdicts(context, plan, &[&base, &wanted], &base, &deleted, commit)
}

/// Returns the objects that a plan from a file creates or restores although the last snapshot has them, and that the tenant does
/// not have. They are looked for in the tenant, since the claim of a file that they are gone is not trusted.
///
/// # Errors
/// If the tenant cannot be asked.
pub async fn absent<T: TenantRead>(context: &Context, tenant: &T, plan: &Plan) -> Result<BTreeSet<Address>> {
    let Some(tip) = context.last_snapshot()? else { return Ok(BTreeSet::new()) };
    let mut lookup = Lookup::new(&context.repo, tip);
    let mut looks = Vec::new();
    for step in &plan.steps {
        let comes = matches!(step.action, Action::Create { .. } | Action::Restore);
        if let Some(kind) = Some(step.address.kind).filter(|kind| comes && access::KINDS.contains(&kind.name))
            && lookup.find(kind, &step.address.id)?.is_some()
        {
            looks.push((kind, step.address.clone()));
        }
    }
    let looked: Vec<Result<Option<Address>>> = futures_util::stream::iter(looks)
        .map(|(kind, address)| async move {
            let found = tenant.get(kind, &address.id).await?;
            Ok(found.is_none().then_some(address))
        })
        .buffer_unordered(LOOKS)
        .collect()
        .await;
    Ok(looked.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// Number of snapshots that the search for earlier grants goes back.
const BACK: usize = 500;

/// Finds those of `steps` that make an object what it was in an earlier snapshot according to `had`. Only versions of the objects
/// themselves are searched.
fn find_returns_to_earlier_state(
    context: &Context,
    plan: &Plan,
    steps: &[StepId],
    had: fn(&Object, &Step) -> bool,
) -> Result<BTreeSet<StepId>> {
    let mut found = BTreeSet::new();
    let Some(tip) = context.last_snapshot()? else { return Ok(found) };
    let ids = manifest_of(&context.repo, &files_of(&context.repo, tip)?)?.ids;
    // The steps are grouped by object, so that a group which many join is read once.
    let mut by_object: BTreeMap<&Address, Vec<StepId>> = BTreeMap::new();
    for (number, step) in steps.iter().filter_map(|number| Some((*number, plan.steps.get(*number)?))) {
        by_object.entry(&step.address).or_default().push(number);
    }
    let look = |side: &Side, found: &mut BTreeSet<StepId>| -> Result<bool> {
        for (address, numbers) in &by_object {
            let kind = address.kind;
            if numbers.iter().all(|number| found.contains(number)) {
                continue;
            }
            for id in ids.family(&address.id) {
                if let Some(entry) = side.index.get(&Address::new(kind, id))
                    && let Some(object) = side.object(&context.repo, kind, entry)?
                {
                    let object = rewrite(kind, &object, &ids);
                    found.extend(numbers.iter().filter(|number| had(&object, &plan.steps[**number])));
                }
            }
        }
        Ok(found.len() == steps.len())
    };
    if look(&Side::commit(context, &tip.to_string())?, &mut found)? {
        return Ok(found);
    }
    for pair in context.repo.line(tip, BACK)?.windows(2) {
        let [before, _] = Side::commits(context, &pair[1].id.to_string(), &pair[0].id.to_string())?;
        if look(&before, &mut found)? {
            break;
        }
    }
    Ok(found)
}

/// Returns the objects that decide on access, as they are before the plan.
fn load_access_state(context: &Context, plan: &Plan, sides: &[&Side], there: &Side, rules: &Rules) -> Result<Tenant> {
    let mut reader = Known { context, sides, there, tenant: Tenant::default(), taken: BTreeSet::new() };
    // A restricted unit protects devices, too.
    let concerning = || access::KINDS.iter().chain(power::KINDS).chain(&["device"]);
    let concerned = |step: &Step| concerning().any(|kind| *kind == step.address.kind.name);
    if !plan.steps.iter().any(concerned) {
        return Ok(reader.tenant);
    }
    for kind in [
        "conditionalAccessPolicy",
        "namedLocation",
        "authenticationStrengthPolicy",
        "authenticationMethodsPolicy",
        "roleAssignment",
    ] {
        reader.all(kind)?;
    }
    power::KINDS.iter().chain(access::dependence::SCHEDULED).try_for_each(|kind| reader.all(kind))?;
    let mut next: BTreeSet<String> = rules.break_glass.union(&rules.own).cloned().collect();
    for step in plan.steps.iter().filter(|step| concerned(step)) {
        next.extend(ids_deciding_on_access(step));
    }
    if plan.steps.iter().any(|step| step.address.kind.name == "user" && protected::is_sensitive(&step.action)) {
        next.extend(reader.assignable_groups()?);
    }
    loop {
        next.extend(reader.tenant.asked());
        let new: Vec<String> = next.iter().filter(|id| reader.taken.insert((*id).clone())).cloned().collect();
        if new.is_empty() {
            break;
        }
        next.clear();
        for id in new {
            for kind in ["user", "group", "servicePrincipal", "application"] {
                if let Some(address) = kinds::address(kind, id.as_str())
                    && let Some(object) = reader.one(&address)?
                    && kind == "group"
                {
                    let members = object.get("members").and_then(|members| members.as_array()).into_iter().flatten();
                    let groups = members.filter_map(|id| id.as_str()).filter(|id| reader.is_group(id));
                    next.extend(groups.map(str::to_owned));
                }
            }
        }
    }
    reader.resources(&rules.own)?;
    Ok(reader.tenant)
}

/// Returns the ids in a step that may decide on access: all ids of a policy or a role assignment, and the new members of a group.
fn ids_deciding_on_access(step: &Step) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = step.about.iter().cloned().collect();
    let mut see = |value: &serde_json::Value| {
        mentions(value, &mut |id| {
            found.insert(id.to_lowercase());
        })
    };
    match &step.action {
        Action::Create { body } | Action::Update { body, .. }
            if matches!(step.address.kind.name, "conditionalAccessPolicy" | "roleAssignment") =>
        {
            body.values().for_each(&mut see);
        }
        Action::Link {
            link:
                "members"
                | "owners"
                | "federatedIdentityCredentials"
                | "appRoleAssignedTo"
                | "oauth2PermissionGrants"
                | "resourceRoleScopes"
                | "resources",
            value,
        } => {
            see(value);
            found.insert(step.address.id.clone());
        }
        Action::Relink { .. } => drop(found.insert(step.address.id.clone())),
        Action::Update { .. } | Action::Delete | Action::Unlink { .. } => drop(found.insert(step.address.id.clone())),
        _ => {}
    }
    found
}

struct Known<'a> {
    context: &'a Context,
    sides: &'a [&'a Side],
    there: &'a Side,
    tenant: Tenant,
    taken: BTreeSet<String>,
}

impl<'a> Known<'a> {
    /// Returns the side in which a kind is looked up: the present state if the kind was read completely, else the first side that
    /// knows it completely.
    fn side(&self, kind: &str) -> Option<&'a Side> {
        let complete = |side: &Side| side.manifest.coverage.kind(kind).is_complete();
        if complete(self.there) {
            return Some(self.there);
        }
        self.sides.iter().copied().find(|side| complete(side))
    }

    fn all(&mut self, kind: &'static str) -> Result<()> {
        let Some((side, kind)) = self.side(kind).zip(kinds::by_name(kind)) else { return Ok(()) };
        for (_, entry) in side.index.iter().filter(|(address, _)| address.kind.name == kind.name) {
            if let Some(object) = side.object(&self.context.repo, kind, entry)? {
                self.tenant.take(kind, &object);
            }
        }
        Ok(())
    }

    fn one(&mut self, address: &Address) -> Result<Option<Object>> {
        let Some((side, kind)) = self.side(address.kind.name).map(|side| (side, address.kind)) else {
            return Ok(None);
        };
        let Some(entry) = side.index.get(address) else { return Ok(None) };
        let object = side.object(&self.context.repo, kind, entry)?;
        if let Some(object) = &object {
            self.tenant.take(kind, object);
        }
        Ok(object)
    }

    /// Returns the ids of the groups that can hold directory roles: their members' accounts are protected.
    fn assignable_groups(&self) -> Result<Vec<String>> {
        let Some(side) = self.side("group") else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for (address, entry) in side.index.iter().filter(|(address, _)| address.kind.name == "group") {
            let bytes = side.read(&self.context.repo, entry)?;
            if String::from_utf8_lossy(&bytes).contains("isAssignableToRole: true") {
                found.push(address.id.clone());
            }
        }
        Ok(found)
    }

    fn is_group(&self, id: &str) -> bool {
        self.side("group").zip(kinds::address("group", id)).is_some_and(|(side, group)| side.index.contains_key(&group))
    }

    /// Reads the service principals whose permissions the signed-in identity holds, Microsoft Graph's, and those of the
    /// applications that were read.
    fn resources(&mut self, own: &BTreeSet<String>) -> Result<()> {
        let Some((side, kind)) = self.side("servicePrincipal").zip(kinds::by_name("servicePrincipal")) else {
            return Ok(());
        };
        let mut words = self.tenant.app_ids();
        words.extend(own.iter().cloned());
        words.extend(power::RESOURCES.iter().map(|app| (*app).to_owned()));
        for (_, entry) in side.index.iter().filter(|(address, _)| address.kind.name == kind.name) {
            let bytes = side.read(&self.context.repo, entry)?;
            let text = String::from_utf8_lossy(&bytes);
            if words.iter().any(|id| text.contains(id.as_str()))
                && let Some(object) = side.object(&self.context.repo, kind, entry)?
            {
                self.tenant.take(kind, &object);
            }
        }
        Ok(())
    }
}
