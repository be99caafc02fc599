//! Describes role assignments. A running activation is among them ("roleAssignmentOriginId: the identifier of the role assignment
//! in the directory": <https://learn.microsoft.com/graph/api/resources/unifiedroleassignmentscheduleinstance>).
//! <https://learn.microsoft.com/graph/api/resources/unifiedroleassignment>

use crate::model::kind::*;

/// Role assignment. It has no name of its own, and is shown by its principal and role.
pub const KIND: Kind = Kind {
    name: "roleAssignment",
    entity: "unifiedRoleAssignment",
    title: "role assignments",
    folder: "roles/assignments",
    schema: include_str!("../../schemas/roles/role-assignment.schema.json"),
    api: Api::V1,
    path: "/roleManagement/directory/roleAssignments",
    shape: Shape::Collection,
    naming: Naming::Id,
    natural: &["principalId", "roleDefinitionId", "directoryScopeId"],
    about: &["principalId", "roleDefinitionId"],
    // The page asks for a `$filter` by role or principal; Microsoft's own `Get-MgRoleManagementDirectoryRoleAssignment
    // -All` sends none: <https://learn.microsoft.com/graph/api/rbacapplication-list-roleassignments>
    filter: None,
    page_size: None,
    select: Select::Default,
    // <https://learn.microsoft.com/graph/api/rbacapplication-post-roleassignments>
    creation: Creation::Post {
        accepts: Accepts::All,
        generates: &[],
        note: None,
    },
    // There is no PATCH: the page lists list, create, get and delete as its methods.
    update: Updates::Nothing,
    // <https://learn.microsoft.com/graph/api/unifiedroleassignment-delete>
    deletion: Deletion::Hard,
    links: &[],
    borrowed: &[],
    calls: &[],
    variants: &[],
    owned_elsewhere: None,
    // Assignments and activations of Privileged Identity Management are in this list as well.
    // <https://learn.microsoft.com/graph/api/resources/privilegedidentitymanagementv3-overview>
    twin: Some(Twin {
        kind: "roleAssignmentSchedule",
        by: &["principalId", "roleDefinitionId", "directoryScopeId", "appScopeId"],
    }),
    delta: None,
    permissions: Permissions {
        read: &["RoleManagement.Read.Directory"],
        write: &["RoleManagement.ReadWrite.Directory"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/unifiedroleassignment",
    ..Kind::COMMON
};
