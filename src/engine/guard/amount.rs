//! Guards that count changes, and guards on what the plan could not know.

use std::collections::{BTreeMap, BTreeSet};

use super::{Rules, objects_of, refusal};
use crate::engine::schema;
use crate::kinds;
use crate::model::words::{agreeing, counted};
use crate::model::{Action, Address, Coverage, Plan, Step, Verdict};

/// Refuses a plan that changes many objects of a kind, or removes many entries of a link.
///
/// Changed objects are counted once, by kind; removed entries each, by kind and link. Neither counts objects that the plan also
/// creates, restores or deletes: creating takes nothing from anybody, and after a disaster there may be a thousand of them. An
/// update with an empty list of changes is not counted: it only replaces the id of an object that is created again.
pub(super) fn mass_change(plan: &Plan, rules: &Rules) -> Option<Verdict> {
    let made: BTreeSet<&Address> = plan
        .steps
        .iter()
        .filter(|step| matches!(step.action, Action::Create { .. } | Action::Restore))
        .map(|step| &step.address)
        .collect();
    let gone: BTreeSet<&Address> =
        plan.steps.iter().filter(|step| step.action == Action::Delete).map(|step| &step.address).collect();
    let mut changed: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut unlinked: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for step in plan.steps.iter().filter(|step| !made.contains(&step.address) && !gone.contains(&step.address)) {
        let only_replaces_ids = matches!(&step.action, Action::Update { changes, .. } if changes.is_empty());
        match &step.action {
            Action::Update { .. } | Action::Call { .. } | Action::Relink { .. } if !only_replaces_ids => {
                changed.entry(step.address.kind.name).or_default().insert(&step.address.id);
            }
            Action::Unlink { link, .. } => *unlinked.entry((step.address.kind.name, link)).or_default() += 1,
            _ => {}
        }
    }
    let (mut said, mut objects) = (Vec::new(), BTreeSet::new());
    let known = |kind: &str| rules.known.get(kind).copied().unwrap_or_default();
    let limits = rules.changes;
    let share = |kind: &str| known(kind) * limits.percent / 100;
    for (kind, ids) in &changed {
        let (limit, count) = (limits.changes.max(share(kind)), ids.len());
        if count > limit {
            let known = known(kind);
            said.push(format!(
                "the plan changes {count} of {known} objects of kind {kind}; {limit} pass without a question"
            ));
            objects.insert((*kind).to_owned());
        }
    }
    for ((kind, link), count) in &unlinked {
        let limit = limits.unlinks.max(share(kind));
        if *count > limit {
            said.push(format!(
                "the plan takes {count} {link} from objects of kind {kind}; {limit} pass without a question"
            ));
            objects.insert(format!("{kind}.{link}"));
        }
    }
    refusal("mass-change", said, objects.into_iter().collect())
}

/// Reports deletions and removals that are planned without knowing all references to their objects. A kind that could not
/// be read this time refuses the plan; one that this sign-in may never read is only reported.
pub(super) fn incomplete(plan: &Plan) -> Option<Verdict> {
    let mut taken: BTreeSet<&str> = BTreeSet::new();
    for step in &plan.steps {
        match &step.action {
            Action::Delete => drop(taken.insert(step.address.kind.name)),
            Action::Unlink { .. } => drop(taken.insert(step.address.kind.name)),
            _ => {}
        }
    }
    if taken.is_empty() {
        return None;
    }
    let (mut said, mut objects, mut refused) = (Vec::new(), Vec::new(), false);
    for (what, coverage) in &plan.unknown {
        let transient = matches!(coverage, Coverage::Partial | Coverage::Failed);
        let kind = what.split('.').next().unwrap_or_default();
        let refers =
            kinds::by_name(kind).is_some_and(|kind| schema::of(kind).refers_to().iter().any(|to| taken.contains(to)));
        if (transient || *coverage == Coverage::DeniedPermission) && (refers || taken.contains(kind)) {
            said.push(format!("{what} is {}", coverage.as_str()));
            objects.push(what.clone());
            refused |= transient;
        }
    }
    let kinds = taken.into_iter().collect::<Vec<_>>().join(", ");
    let message = format!(
        "the plan takes something away ({kinds}) and does not know all that may depend on it: {}",
        said.join("; ")
    );
    (!said.is_empty()).then_some(Verdict { guard: "incomplete", refused, message, objects })
}

/// Warns of steps on mail-enabled groups, which Graph is documented to refuse. Writes that the planner omits for the same reason are among its
/// losses.
/// <https://learn.microsoft.com/graph/api/resources/groups-overview>: mail-enabled groups are read-only.
pub(super) fn mail_enabled_groups(plan: &Plan) -> Option<Verdict> {
    let exchange = |step: &&Step| step.called == "mailEnabledGroup";
    let steps: Vec<&Step> = plan.steps.iter().filter(exchange).collect();
    let message = format!(
        "{} about mail-enabled groups, which only Exchange changes, and will fail",
        agreeing(steps.len(), "step", "is", "are")
    );
    (!steps.is_empty()).then(|| Verdict { guard: "unwritable", refused: false, message, objects: objects_of(&steps) })
}

/// Reports deletions of objects that no snapshot had: somebody asked for them with `--prune`, and sees here what that
/// deletes.
pub(super) fn unmanaged(plan: &Plan, rules: &Rules) -> Option<Verdict> {
    let base = rules.base.as_ref()?;
    let strange = |step: &&Step| step.action == Action::Delete && !base.contains(&step.address);
    let steps: Vec<&Step> = plan.steps.iter().filter(strange).collect();
    let mut names: Vec<String> =
        steps.iter().take(5).map(|step| format!("{} \"{}\"", step.called, step.name)).collect();
    if steps.len() > 5 {
        names.push(format!("{} more", steps.len() - 5));
    }
    let message =
        format!("the plan deletes {} that no snapshot knew: {}", counted(steps.len(), "object"), names.join(", "));
    (!steps.is_empty()).then(|| Verdict { guard: "unmanaged", refused: false, message, objects: objects_of(&steps) })
}
