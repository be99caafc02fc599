//! App management policies: which credentials single applications may have.
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
    permissions: Permissions { read: &["Policy.Read.All"], write: &["Policy.ReadWrite.ApplicationConfiguration"] },
    docs: "https://learn.microsoft.com/graph/api/resources/appmanagementpolicy",
    ..Kind::COMMON
};
