//! Describes the settings of Privileged Identity Management for people who get or activate a role.
//! <https://learn.microsoft.com/graph/api/resources/unifiedrolemanagementpolicy>

use crate::model::kind::*;

/// Settings of one directory role. All of them have the same display name, `DirectoryRole`; the list of assignments (`borrowed`
/// below) says which role each policy belongs to.
pub const KIND: Kind = Kind {
    name: "roleManagementPolicy",
    entity: "unifiedRoleManagementPolicy",
    title: "role settings",
    folder: "roles/settings",
    schema: include_str!("../../schemas/roles/role-management-policy.schema.json"),
    api: Api::V1,
    path: "/policies/roleManagementPolicies",
    shape: Shape::Collection,
    naming: Naming::Id,
    natural: &["roleDefinitionId"],
    about: &["roleDefinitionId"],
    // Microsoft's page calls the filter "Required":
    // <https://learn.microsoft.com/graph/api/policyroot-list-rolemanagementpolicies>
    filter: Some("scopeId eq '/' and scopeType eq 'DirectoryRole'"),
    page_size: None,
    select: Select::Default,
    creation: Creation::Never { reason: "it comes with its role" },
    // The policy itself is never written; its rules are, one by one.
    update: Updates::Nothing,
    deletion: Deletion::Never,
    links: &[Link {
        name: "rules",
        // Microsoft's page says: "To update a rule, you must include the @odata.type":
        // <https://learn.microsoft.com/graph/api/unifiedrolemanagementpolicyrule-update>
        shape: LinkShape::Children(Children {
            key: &["id"],
            create: None,
            item: "/policies/roleManagementPolicies/{parent}/rules/{child}",
            update: Updates::All,
            delete: false,
            owner: None,
            keeps_id: true,
            ..Children::COMMON
        }),
        read: LinkRead::Expand,
        absent: None,
        permissions: None,
        ..Link::COMMON
    }],
    // <https://learn.microsoft.com/graph/api/policyroot-list-rolemanagementpolicyassignments>
    borrowed: &[Borrowed {
        property: "roleDefinitionId",
        path: "/policies/roleManagementPolicyAssignments",
        filter: Some("scopeId eq '/' and scopeType eq 'DirectoryRole'"),
        by: "policyId",
        entity: "unifiedRoleManagementPolicyAssignment",
        object: None,
    }],
    calls: &[],
    variants: &[],
    owned_elsewhere: None,
    delta: None,
    licence: Some(Licence::P2),
    permissions: Permissions {
        read: &["RoleManagementPolicy.Read.Directory", "RoleManagement.Read.Directory"],
        write: &["RoleManagementPolicy.ReadWrite.Directory"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/unifiedrolemanagementpolicy",
    ..Kind::COMMON
};
