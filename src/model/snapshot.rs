//! [`Snapshot`]: the objects of one tenant at one time.

use std::collections::{BTreeMap, BTreeSet};

use super::{Address, CoverageMap, Kind, Object};

/// Holds the objects of one tenant at one time, by address.
///
/// When two sources are compared, objects whose canonical bytes are equal on both sides are not parsed: they are in
/// [`Snapshot::unchanged`] on both.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// The objects that were parsed.
    pub objects: BTreeMap<Address, Object>,
    /// Addresses of the objects known to be the same on the other side of the comparison.
    pub unchanged: BTreeSet<Address>,
    /// Coverage of each kind and link.
    pub coverage: CoverageMap,
    /// Kinds that were read through a filter: they are complete as far as it lets their objects through.
    pub filtered: BTreeSet<String>,
}

impl Snapshot {
    /// Returns true if the snapshot holds `address`, parsed or not.
    pub fn contains(&self, address: &Address) -> bool {
        self.objects.contains_key(address) || self.unchanged.contains(address)
    }

    /// Returns true if the snapshot proves that no object of the kind has this id.
    pub fn proves_absent(&self, kind: &'static Kind, id: &str) -> bool {
        let is_whole = self.coverage.kind(kind.name).is_complete() && !self.filtered.contains(kind.name);
        is_whole && !self.contains(&Address::new(kind, id))
    }

    /// Returns the number of objects that the snapshot holds, parsed or not.
    pub fn len(&self) -> usize {
        self.objects.len() + self.unchanged.len()
    }

    /// Returns true if the snapshot holds no object.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
