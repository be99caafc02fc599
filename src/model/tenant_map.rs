//! [`TenantMap`]: what of one tenant stands for what of another, as a person says it.

use std::collections::{BTreeMap, BTreeSet};

/// What of one tenant stands for what of another, beside what agrees by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TenantMap {
    /// Id there → id here: object ids and application ids alike.
    pub ids: BTreeMap<String, String>,
    /// Domain there → domain here, in lower case.
    pub domains: BTreeMap<String, String>,
    /// Ids there of what has no counterpart: it is not made here, and nothing names it.
    pub leave_out: BTreeSet<String>,
}
