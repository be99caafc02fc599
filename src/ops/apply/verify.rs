//! Verifies a run: compares every object that it wrote to with the tenant, which was read again.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::refs::Names;
use crate::engine::render;
use crate::model::{Action, Address, IdMap, Plan, Step, StepId};

/// Groups the written objects by the result of reading them again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verification {
    /// Number of objects that are as written.
    pub converged: usize,
    /// Objects that still read as before the write, as a lagging replica of Graph returns them: the write will show later.
    pub pending: Vec<Unconverged>,
    /// All other objects: somebody else changed them, Graph changed them, or the write had no effect.
    pub not_converged: Vec<Unconverged>,
}

/// Represents an object that is not as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unconverged {
    /// Address of the object, with its present id.
    pub address: Address,
    /// Name of the object.
    pub name: String,
    /// Names of the properties, or of the link; empty if the object itself is missing or should be.
    pub property: String,
    /// Description of the difference, in one clause.
    pub reason: String,
}

/// Groups the objects of the steps in `done`, which are those of the plan `first` that were carried out. `again` is a plan for the
/// same aim, made after the tenant was read again: an object without a step in it is as written. `late` holds the objects that did
/// not show the write within the time that the run waited.
pub(super) fn verify(
    first: &Plan,
    done: &BTreeSet<StepId>,
    ids: &IdMap,
    again: &Plan,
    late: &BTreeSet<Address>,
    names: &Names,
) -> Verification {
    let address = |step: &Step| match step.action {
        Action::Delete => step.address.clone(),
        _ => Address::new(step.address.kind, ids.current(&step.address.id)),
    };
    let mut touched: BTreeMap<Address, Vec<&Step>> = BTreeMap::new();
    for step in done.iter().filter_map(|id| first.steps.get(*id)) {
        touched.entry(address(step)).or_default().push(step);
    }
    let mut verification = Verification::default();
    for (address, steps) in touched {
        let left: Vec<&Step> = again.steps.iter().filter(|step| address == step.address).collect();
        let Some(step) = left.first() else {
            verification.converged += 1;
            continue;
        };
        let is_late = late.contains(&address);
        let reads_as_before = left.iter().all(|left| steps.iter().any(|done| repeats(left, done)));
        let name = names.get(&address.id).unwrap_or(&step.name);
        let name = render::safe(name);
        let (property, reason) = remaining_difference(step);
        let entry = Unconverged { address, name, property, reason };
        if reads_as_before && is_late {
            verification.pending.push(Unconverged { reason: "still reads as before the write".to_owned(), ..entry });
        } else {
            verification.not_converged.push(entry);
        }
    }
    verification
}

/// Returns true if the step `left` would repeat the step `done`: the tenant reads as if `done` had not been carried out.
fn repeats(left: &Step, done: &Step) -> bool {
    match (&left.action, &done.action) {
        (Action::Update { changes: left, .. }, Action::Update { changes: done, .. }) => {
            left.iter().all(|change| done.iter().any(|done| done.path() == change.path()))
        }
        (Action::Call { property: left, .. }, Action::Call { property: done, .. }) => left == done,
        (Action::Link { link: left, .. }, Action::Link { link: done, .. })
        | (Action::Relink { link: left, .. }, Action::Relink { link: done, .. })
        | (Action::Unlink { link: left, .. }, Action::Unlink { link: done, .. }) => left == done,
        // A creation may be planned again as a restoration, and the other way round.
        (left, Action::Create { .. } | Action::Restore) => matches!(left, Action::Create { .. } | Action::Restore),
        (Action::Delete, Action::Delete) => true,
        _ => false,
    }
}

/// Returns the property or link that a step would still write, and a clause on how it differs.
fn remaining_difference(step: &Step) -> (String, String) {
    match &step.action {
        Action::Create { .. } | Action::Restore => (String::new(), "is not there".to_owned()),
        Action::Delete => (String::new(), "is still there".to_owned()),
        Action::Update { changes, .. } => {
            let paths: Vec<&str> = changes.iter().map(crate::model::FieldChange::path).collect();
            (paths.join(", "), "differs from what was written".to_owned())
        }
        Action::Call { property, .. } => ((*property).to_owned(), "differs from what was written".to_owned()),
        Action::Link { link, .. } => ((*link).to_owned(), "lacks an entry that is wanted".to_owned()),
        Action::Relink { link, .. } => ((*link).to_owned(), "has an entry with other properties".to_owned()),
        Action::Unlink { link, .. } => ((*link).to_owned(), "has an entry that is not wanted".to_owned()),
    }
}
