//! [`Snapshot`]: the objects of one tenant at one time.

use std::collections::{BTreeMap, BTreeSet};

use super::{Address, CoverageMap, Object};

/// Address → Object for one tenant at one time.
///
/// When two sources are compared, objects whose canonical bytes are equal on both sides are not parsed: they are in
/// [`Snapshot::unchanged`] on both.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// The objects that were parsed.
    pub objects: BTreeMap<Address, Object>,
    /// Objects known to be the same on the other side of the comparison.
    pub unchanged: BTreeSet<Address>,
    /// What is known to be complete.
    pub coverage: CoverageMap,
}

impl Snapshot {
    /// Whether the snapshot holds `address`, parsed or not.
    pub fn contains(&self, address: &Address) -> bool {
        self.objects.contains_key(address) || self.unchanged.contains(address)
    }

    /// How many objects it holds, parsed or not.
    pub fn len(&self) -> usize {
        self.objects.len() + self.unchanged.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
