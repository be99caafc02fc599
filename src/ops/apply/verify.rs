//! What became of every object that a run wrote to, once the tenant was read again.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::refs::Names;
use crate::engine::render;
use crate::model::{Action, Address, IdMap, Plan, Step, StepId};

/// Objects that were written to, by what reading them again has shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verification {
    /// As written.
    pub converged: usize,
    /// Still as before the write: Graph's replicas lag, and it will show by itself.
    pub pending: Vec<Unconverged>,
    /// Neither: somebody or something changed it, or it was never done.
    pub not_converged: Vec<Unconverged>,
}

/// An object that is not as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unconverged {
    /// The object, as the tenant calls it today.
    pub address: Address,
    /// Its name.
    pub name: String,
    /// The property or the link.
    pub property: String,
    /// What is wrong with it, in one clause.
    pub reason: String,
}

/// Compares what was written with what `again`, a plan for the same after reading again, would still write. `late` did not
/// show what was written for as long as patience lasted.
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
    let mut found = Verification::default();
    for (address, steps) in touched {
        let left: Vec<&Step> = again.steps.iter().filter(|step| address == step.address).collect();
        let Some(step) = left.first() else {
            found.converged += 1;
            continue;
        };
        let late = late.contains(&address);
        let old = left.iter().all(|left| steps.iter().any(|done| undone(left, done)));
        let name = names.get(&address.id).unwrap_or(&step.name);
        let name = render::safe(name);
        let (property, reason) = reason(step);
        let entry = Unconverged { address, name, property, reason };
        if old && late {
            found.pending.push(Unconverged { reason: "still reads as before the write".to_owned(), ..entry });
        } else {
            found.not_converged.push(entry);
        }
    }
    found
}

/// Whether `left` asks for what `done` has done already: the tenant reads as if it had not been.
fn undone(left: &Step, done: &Step) -> bool {
    match (&left.action, &done.action) {
        (Action::Update { changes: left, .. }, Action::Update { changes: done, .. }) => {
            left.iter().all(|change| done.iter().any(|done| done.path() == change.path()))
        }
        (Action::Call { property: left, .. }, Action::Call { property: done, .. }) => left == done,
        (Action::Link { link: left, .. }, Action::Link { link: done, .. })
        | (Action::Relink { link: left, .. }, Action::Relink { link: done, .. })
        | (Action::Unlink { link: left, .. }, Action::Unlink { link: done, .. }) => left == done,
        // Not there yet, or there still.
        (left, Action::Create { .. } | Action::Restore) => matches!(left, Action::Create { .. } | Action::Restore),
        (Action::Delete, Action::Delete) => true,
        _ => false,
    }
}

fn reason(step: &Step) -> (String, String) {
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
