//! What Privileged Identity Management demands of those who get or activate a role.
//! <https://learn.microsoft.com/graph/api/resources/unifiedrolemanagementpolicy>

use crate::model::kind::*;

/// The settings of one role. All are called `DirectoryRole`; which role it is stands in a list of its own.
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
    // "Required": <https://learn.microsoft.com/graph/api/policyroot-list-rolemanagementpolicies>
    filter: Some("scopeId eq '/' and scopeType eq 'DirectoryRole'"),
    page_size: None,
    select: Select::Default,
    creation: Creation::Never { reason: "it comes with its role" },
    // Of the policy itself nothing is written; its rules are, one by one.
    update: Updates::Nothing,
    deletion: Deletion::Never,
    links: &[Link {
        name: "rules",
        // "To update a rule, you must include the @odata.type":
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
