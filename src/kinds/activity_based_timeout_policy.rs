//! Describes activity-based timeout policies: they define when an idle web session ends.
//! <https://learn.microsoft.com/graph/api/resources/activitybasedtimeoutpolicy>

use crate::model::kind::*;

/// Activity-based timeout policy.
pub const KIND: Kind = Kind {
    name: "activityBasedTimeoutPolicy",
    entity: "activityBasedTimeoutPolicy",
    title: "activity-based timeout policies",
    folder: "policies/activity-based-timeout",
    schema: include_str!("../../schemas/policies/activity-based-timeout-policy.schema.json"),
    path: "/policies/activityBasedTimeoutPolicies",
    permissions: Permissions { read: &["Policy.Read.All"], write: &["Policy.ReadWrite.ApplicationConfiguration"] },
    docs: "https://learn.microsoft.com/graph/api/resources/activitybasedtimeoutpolicy",
    ..Kind::COMMON
};
