//! What filters of the settings hide, and what they do not: absence must be proven.
//!
//! A kind that is listed with a filter is known completely in so far as the filter lets it through. Whatever the last snapshot,
//! read through the same filter, has and the list lacks is asked for by its id: it left the filter, and is followed, or it is
//! gone. What a filter of another text hid is unknown: nothing follows from its absence.

use std::collections::BTreeSet;

use futures_util::StreamExt as _;

use super::source::Side;
use crate::model::{Coverage, CoverageMap, Kind};
use crate::tenant::{RawObject, TenantRead};

/// Objects asked for at the same time.
const AT_ONCE: usize = 16;

/// Asks for each object that the list of a filtered kind lacks. What could not be asked for makes the kind incomplete.
pub(super) async fn followed<T: TenantRead>(
    tenant: &T,
    kind: &'static Kind,
    ids: BTreeSet<String>,
) -> (Vec<RawObject>, Coverage) {
    let ask = |id: String| async move {
        match tenant.get(kind, &id).await {
            // A replica may lag behind: gone is what is gone twice.
            Ok(None) => tenant.get(kind, &id).await,
            found => found,
        }
    };
    let mut answers = futures_util::stream::iter(ids.into_iter().map(ask)).buffer_unordered(AT_ONCE);
    let (mut found, mut coverage) = (Vec::new(), Coverage::Complete);
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(object) => found.extend(object),
            Err(_) => coverage = Coverage::Partial,
        }
    }
    (found, coverage)
}

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
