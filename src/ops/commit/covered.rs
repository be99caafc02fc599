//! Derives what a side proves absent, where filters of the settings hide objects: absence must be proven.
//!
//! A kind that is listed with a filter is known completely as far as the filter lets its objects through. An object that the last
//! snapshot, read through the same filter, has and the list lacks is asked for by its id ([`crate::ops::read::absence`]): either it left the
//! filter and is followed, or it is gone. Objects hidden by a filter with another text are unknown: nothing follows from their
//! absence.

use super::source::Side;
use crate::model::{Coverage, CoverageMap};

impl Side {
    /// Returns true if a filter may have kept this side from seeing an object of the kind that `other` has.
    pub fn may_hide_from(&self, other: &Side, kind: &str) -> bool {
        let filter = |side: &Side| side.manifest.filters.get(kind).cloned();
        let own = filter(self);
        own.is_some() && (self.looks_back || own != filter(other))
    }

    /// Returns what is known completely, with filtered kinds as partial.
    pub fn proven(&self) -> CoverageMap {
        let mut coverage = self.coverage();
        for kind in self.manifest.filters.keys() {
            if coverage.kind(kind).is_complete() {
                coverage.set_kind(kind, Coverage::Partial);
            }
        }
        coverage
    }
}
