//! [`TenantMap`]: ids and domains of another tenant with their counterparts in this one, as a person lists them.

use std::collections::{BTreeMap, BTreeSet};

/// Maps ids and domains of a source tenant to those of this one. Objects with equal names match without an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TenantMap {
    /// Id in the source tenant → id in this one: object ids and application ids alike.
    pub ids: BTreeMap<String, String>,
    /// Domain in the source tenant → domain in this one, in lower case.
    pub domains: BTreeMap<String, String>,
    /// Ids of source objects without a counterpart: they are not created here, and nothing names them.
    pub leave_out: BTreeSet<String>,
}
