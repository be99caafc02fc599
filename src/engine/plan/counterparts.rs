//! Handles objects that Graph creates and deletes along with an object of another kind (their twin).

use std::collections::{BTreeMap, BTreeSet};

use super::Inputs;
use crate::engine::refs::rewrite;
use crate::kinds;
use crate::model::{Address, Kind, Object, Snapshot};

/// Tells how a missing object is restored with its twin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CounterpartState {
    /// It is not restored, and nobody wants it: the twin ended by itself.
    Ended,
    /// Graph creates it when the plan creates the twin.
    Along,
    /// It is not restored: the plan does not create the twin.
    Not,
}

/// Holds the wanted twins that the tenant lacks, by the kind and the shared properties of the object that comes with them.
#[derive(Debug, Default)]
pub(super) struct Counterparts(BTreeMap<(&'static str, Vec<String>), CounterpartState>);

impl Counterparts {
    /// Lists the wanted twins that the tenant lacks.
    pub fn missing_from_tenant(inputs: &Inputs<'_>) -> Counterparts {
        let mut counterparts = Counterparts::default();
        for (kind, twin) in kinds::ALL.iter().filter_map(|kind| Some((kind, kind.twin?))) {
            let Some(other) = kinds::by_name(twin.kind) else { continue };
            let known = [inputs.wanted, inputs.live].iter().all(|side| side.coverage.kind(other.name).is_complete());
            for (address, object) in inputs.wanted.objects.iter().filter(|(address, _)| address.kind.name == other.name)
            {
                let today = Address::new(other, inputs.ids.current(&address.id));
                if inputs.live.objects.contains_key(&today) || inputs.live.unchanged.contains(&today) {
                    continue;
                }
                let object = rewrite(other, object, inputs.ids);
                let come = match other.passing {
                    Some(passing) if passing.holds(&object.0) => CounterpartState::Ended,
                    _ if known && inputs.scope.takes_by(address, &today, object.name()) => CounterpartState::Along,
                    _ => CounterpartState::Not,
                };
                counterparts.0.insert((kind.name, key(twin.by, &object)), come);
            }
        }
        counterparts
    }

    /// Returns how this object is restored, if its twin is missing.
    pub fn of(&self, kind: &'static Kind, object: &Object) -> Option<CounterpartState> {
        let twin = kind.twin?;
        self.0.get(&(kind.name, key(twin.by, object))).copied()
    }
}

/// Holds the keys of objects whose live twin ends by itself.
#[derive(Debug, Default)]
pub(super) struct Passing(BTreeSet<(&'static str, Vec<String>)>);

impl Passing {
    /// Collects the keys from the live tenant.
    pub fn live(live: &Snapshot) -> Passing {
        let mut passing = Passing::default();
        for (kind, twin) in kinds::ALL.iter().filter_map(|kind| Some((kind, kind.twin?))) {
            let Some(ends) = kinds::by_name(twin.kind).and_then(|other| other.passing) else { continue };
            let others =
                live.objects.iter().filter(|(address, object)| address.kind.name == twin.kind && ends.holds(&object.0));
            passing.0.extend(others.map(|(_, object)| (kind.name, key(twin.by, object))));
        }
        passing
    }

    /// Returns true if the twin of this object ends by itself.
    pub fn holds(&self, kind: &'static Kind, object: &Object) -> bool {
        kind.twin.is_some_and(|twin| self.0.contains(&(kind.name, key(twin.by, object))))
    }
}

fn key(by: &[&str], object: &Object) -> Vec<String> {
    by.iter().map(|name| object.text(name).unwrap_or_default().to_owned()).collect()
}
