//! Who holds which role. An activation that is running is among them ("roleAssignmentOriginId: the identifier of the role
//! assignment in the directory": <https://learn.microsoft.com/graph/api/resources/unifiedroleassignmentscheduleinstance>).
//! <https://learn.microsoft.com/graph/api/resources/unifiedroleassignment>

use crate::model::kind::*;

/// A role assignment. It has no name: it is about whom it makes what.
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
    // There is no PATCH: list, create, get and delete are its methods.
    update: Updates::Nothing,
    // <https://learn.microsoft.com/graph/api/unifiedroleassignment-delete>
    deletion: Deletion::Hard,
    links: &[],
    borrowed: &[],
    calls: &[],
    variants: &[],
    owned_elsewhere: None,
    // Whoever is assigned or activated through Privileged Identity Management is among the holders as well.
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
