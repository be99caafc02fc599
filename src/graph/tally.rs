//! Counts how completely the links of a kind could be read so far.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::model::Coverage;
use crate::tenant::TenantError;

/// Holds the results for one link.
#[derive(Debug, Default)]
struct Tally {
    /// Number of objects whose link was read.
    read: usize,
    /// Worst coverage so far, with its error.
    failed: Option<(Coverage, TenantError)>,
    /// True if further requests would be in vain.
    broken: bool,
}

/// Holds the results for each link of a kind.
#[derive(Debug, Default)]
pub(super) struct Tallies(Mutex<HashMap<&'static str, Tally>>);

impl Tallies {
    fn with<T>(&self, link: &'static str, f: impl FnOnce(&mut Tally) -> T) -> T {
        f(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(link).or_default())
    }

    /// Records that the link was read for one object.
    pub(super) fn read(&self, link: &'static str) {
        self.with(link, |tally| tally.read += 1);
    }

    /// Records that the link could not be read for one object.
    ///
    /// If nothing was read before, a refusal counts for all objects. Later on it concerns one object, such as a group whose
    /// members are hidden. A service that did not answer until the deadline will not answer for the other objects either.
    pub(super) fn record_unreadable(&self, link: &'static str, error: TenantError) {
        self.with(link, |tally| {
            let coverage = coverage_of(&error);
            let refused = matches!(coverage, Coverage::DeniedPermission | Coverage::DeniedLicence);
            let silent = matches!(error, TenantError::Unavailable { .. } | TenantError::SignIn { .. });
            tally.broken |= silent || (refused && tally.read == 0);
            if tally.failed.as_ref().is_none_or(|(known, _)| *known < coverage) {
                tally.failed = Some((coverage, error));
            }
        });
    }

    /// Records that the link was not asked for, since the sign-in would not see it.
    pub(super) fn record_withheld(&self, link: &'static str, error: TenantError) {
        self.with(link, |tally| {
            tally.failed.get_or_insert((Coverage::DeniedPermission, error));
        });
    }

    /// Records that the link could not be read for any object.
    pub(super) fn record_all_unreadable(&self, link: &'static str, error: TenantError) {
        self.record_unreadable(link, error);
        self.with(link, |tally| tally.broken = true);
    }

    /// Returns true if further requests would be in vain.
    pub(super) fn is_broken(&self, link: &'static str) -> bool {
        self.with(link, |tally| tally.broken)
    }

    /// Returns the coverage of an object whose link was not read.
    pub(super) fn coverage(&self, link: &'static str) -> Coverage {
        self.with(link, |tally| tally.failed.as_ref().map_or(Coverage::Failed, |(coverage, _)| *coverage))
    }

    /// Returns the coverage over all objects, with a note on the error.
    pub(super) fn outcome(&self, link: &'static str) -> (Coverage, Option<String>) {
        self.with(link, |tally| match (&tally.failed, tally.read) {
            (None, _) => (Coverage::Complete, None),
            (Some((coverage, error)), 0) => (*coverage, Some(error.to_string())),
            (Some((_, error)), _) => (Coverage::Partial, Some(error.to_string())),
        })
    }
}

/// Returns the coverage that an error implies.
pub(super) fn coverage_of(error: &TenantError) -> Coverage {
    match error {
        TenantError::Denied { .. } => Coverage::DeniedPermission,
        TenantError::Unlicensed { .. } => Coverage::DeniedLicence,
        _ => Coverage::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied() -> TenantError {
        TenantError::Denied { request: "GET /x".into(), permissions: Vec::new(), message: "no".into() }
    }

    #[test]
    fn one_refusal_among_answers_concerns_one_object() {
        let tallies = Tallies::default();
        tallies.read("members");
        tallies.record_unreadable("members", denied());
        assert!(!tallies.is_broken("members"));
        assert_eq!(tallies.outcome("members").0, Coverage::Partial);
    }

    #[test]
    fn nothing_but_refusals_concern_all() {
        let tallies = Tallies::default();
        tallies.record_unreadable("members", denied());
        assert!(tallies.is_broken("members") && !tallies.is_broken("owners"));
        assert_eq!(tallies.outcome("members").0, Coverage::DeniedPermission);
        assert_eq!(tallies.outcome("owners").0, Coverage::Complete);
    }
}
