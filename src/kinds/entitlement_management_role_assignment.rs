//! Describes the role assignments within entitlement management, with the catalog that each is for.
//! <https://learn.microsoft.com/graph/api/rbacapplication-list-roleassignments>

use crate::model::kind::*;

/// Role assignment of entitlement management. It has no name of its own, and is shown by its principal, role and catalog.
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
    // There is no PATCH: the page lists list, create, get and delete as its methods.
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
