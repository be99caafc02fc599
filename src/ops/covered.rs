//! What filters of the settings hide, and what they do not: absence must be proven.
//!
//! A kind that is listed with a filter is known completely in so far as the filter lets it through. Whatever the last snapshot,
//! read through the same filter, has and the list lacks is asked for by its id ([`super::absence`]): it left the filter, and is
//! followed, or it is gone. What a filter of another text hid is unknown: nothing follows from its absence.

use super::source::Side;
use crate::model::{Coverage, CoverageMap};

impl Side {
    /// Whether a filter may have kept this side from seeing an object of the kind that `other` has.
    pub fn may_hide_from(&self, other: &Side, kind: &str) -> bool {
        let filter = |side: &Side| side.manifest.filters.get(kind).cloned();
        let own = filter(self);
        own.is_some() && (self.looks_back || own != filter(other))
    }

    /// What is known completely, filters and all.
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
