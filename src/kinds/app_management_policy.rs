//! App management policies: which credentials single applications may have, and which applications those are.
//! <https://learn.microsoft.com/graph/api/resources/appmanagementpolicy>

use crate::model::kind::*;

/// An app management policy.
pub const KIND: Kind = Kind {
    name: "appManagementPolicy",
    entity: "appManagementPolicy",
    title: "app management policies",
    folder: "policies/app-management",
    schema: include_str!("../../schemas/policies/app-management-policy.schema.json"),
    path: "/policies/appManagementPolicies",
    // Read here, written at what it applies to, which has one such policy at most:
    // <https://learn.microsoft.com/graph/api/appmanagementpolicy-post-appliesto>
    links: &[Link {
        name: "appliesTo",
        ends: &[
            End { kind: "application", relation: "appManagementPolicies" },
            End { kind: "servicePrincipal", relation: "appManagementPolicies" },
        ],
        exclusive: true,
        ..Link::COMMON
    }],
    permissions: Permissions { read: &["Policy.Read.All"], write: &["Policy.ReadWrite.ApplicationConfiguration"] },
    docs: "https://learn.microsoft.com/graph/api/resources/appmanagementpolicy",
    ..Kind::COMMON
};
