//! Describes app management policies: they define which credentials single applications may have, and list these applications.
//! <https://learn.microsoft.com/graph/api/resources/appmanagementpolicy>

use crate::model::kind::*;

/// App management policy.
pub const KIND: Kind = Kind {
    name: "appManagementPolicy",
    entity: "appManagementPolicy",
    title: "app management policies",
    folder: "policies/app-management",
    schema: include_str!("../../schemas/policies/app-management-policy.schema.json"),
    path: "/policies/appManagementPolicies",
    // The link is read here and written at its target, which has at most one such policy:
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
