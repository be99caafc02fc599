//! Who holds which role within entitlement management, and over which catalog.
//! <https://learn.microsoft.com/graph/api/rbacapplication-list-roleassignments>

use crate::model::kind::*;

/// A role assignment of entitlement management. It has no name: it is about whom it makes what, and where.
pub const KIND: Kind = Kind {
    name: "entitlementManagementRoleAssignment",
    entity: "unifiedRoleAssignment",
    title: "entitlement management role assignments",
    folder: "governance/role-assignments",
    schema: include_str!("../../schemas/governance/role-assignment.schema.json"),
    path: "/roleManagement/entitlementManagement/roleAssignments",
    naming: Naming::Id,
    natural: &["principalId", "roleDefinitionId", "appScopeId"],
    about: &["principalId", "roleDefinitionId"],
    // <https://learn.microsoft.com/graph/api/rbacapplication-post-roleassignments>
    creation: Creation::Post { accepts: Accepts::All, generates: &[], note: None },
    // There is no PATCH: list, create, get and delete are its methods.
    update: Updates::Nothing,
    // <https://learn.microsoft.com/graph/api/unifiedroleassignment-delete>
    deletion: Deletion::Hard,
    licence: Some(Licence::P2),
    permissions: Permissions {
        read: &["EntitlementManagement.Read.All"],
        write: &["EntitlementManagement.ReadWrite.All"],
    },
    docs: "https://learn.microsoft.com/graph/api/rbacapplication-list-roleassignments",
    ..Kind::COMMON
};
