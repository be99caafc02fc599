//! Describes the group lifecycle policy: it defines when Microsoft 365 groups expire. A tenant has at most one.
//! <https://learn.microsoft.com/graph/api/resources/grouplifecyclepolicy>

use crate::model::kind::*;

/// Policy by which Microsoft 365 groups expire.
pub const KIND: Kind = Kind {
    name: "groupLifecyclePolicy",
    entity: "groupLifecyclePolicy",
    title: "group lifecycle policies",
    folder: "organization/group-lifecycle",
    schema: include_str!("../../schemas/organization/group-lifecycle-policy.schema.json"),
    path: "/groupLifecyclePolicies",
    naming: Naming::Id,
    natural: &[],
    // Which groups a policy for selected groups is for is told by each of the groups alone:
    // <https://learn.microsoft.com/graph/api/group-list-grouplifecyclepolicies>
    creation: Creation::Post {
        accepts: Accepts::All,
        generates: &[],
        note: Some("if it is for selected groups, they have to be selected again"),
    },
    licence: Some(Licence::P1),
    permissions: Permissions { read: &["Directory.Read.All"], write: &["Directory.ReadWrite.All"] },
    docs: "https://learn.microsoft.com/graph/api/resources/grouplifecyclepolicy",
    ..Kind::COMMON
};
