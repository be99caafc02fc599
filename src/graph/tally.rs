//! How well the links of a kind can be read, as far as is known.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::model::Coverage;
use crate::tenant::TenantError;

/// What is known of one link.
#[derive(Debug, Default)]
struct Tally {
    /// Objects whose link was read.
    read: usize,
    /// The worst that went wrong.
    failed: Option<(Coverage, TenantError)>,
    /// Whether asking on would be in vain.
    broken: bool,
}

/// What is known of each link of a kind.
#[derive(Debug, Default)]
pub(super) struct Tallies(Mutex<HashMap<&'static str, Tally>>);

impl Tallies {
    fn with<T>(&self, link: &'static str, f: impl FnOnce(&mut Tally) -> T) -> T {
        f(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(link).or_default())
    }

    /// It was read for one object.
    pub(super) fn read(&self, link: &'static str) {
        self.with(link, |tally| tally.read += 1);
    }

    /// It could not be read for one object.
    ///
    /// Refused while nothing was read: refused for all. Later on it concerns one object, such as a group whose members are
    /// hidden. What did not answer until its deadline will not answer for the others either.
    pub(super) fn lost(&self, link: &'static str, error: TenantError) {
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

    /// It could not be read for any object.
    pub(super) fn lost_wholly(&self, link: &'static str, error: TenantError) {
        self.lost(link, error);
        self.with(link, |tally| tally.broken = true);
    }

    /// Whether asking on would be in vain.
    pub(super) fn is_broken(&self, link: &'static str) -> bool {
        self.with(link, |tally| tally.broken)
    }

    /// What to say of an object whose link was not read.
    pub(super) fn coverage(&self, link: &'static str) -> Coverage {
        self.with(link, |tally| tally.failed.as_ref().map_or(Coverage::Failed, |(coverage, _)| *coverage))
    }

    /// How it went in all, and what to say of it.
    pub(super) fn outcome(&self, link: &'static str) -> (Coverage, Option<String>) {
        self.with(link, |tally| match (&tally.failed, tally.read) {
            (None, _) => (Coverage::Complete, None),
            (Some((coverage, error)), 0) => (*coverage, Some(error.to_string())),
            (Some((_, error)), _) => (Coverage::Partial, Some(error.to_string())),
        })
    }
}

/// What an error says of completeness.
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
        tallies.lost("members", denied());
        assert!(!tallies.is_broken("members"));
        assert_eq!(tallies.outcome("members").0, Coverage::Partial);
    }

    #[test]
    fn nothing_but_refusals_concern_all() {
        let tallies = Tallies::default();
        tallies.lost("members", denied());
        assert!(tallies.is_broken("members") && !tallies.is_broken("owners"));
        assert_eq!(tallies.outcome("members").0, Coverage::DeniedPermission);
        assert_eq!(tallies.outcome("owners").0, Coverage::Complete);
    }
}
