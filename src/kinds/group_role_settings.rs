//! Describes the settings of Privileged Identity Management for members and owners of a group.
//! <https://learn.microsoft.com/graph/api/resources/unifiedrolemanagementpolicy>

use crate::model::kind::*;

/// Settings of one group, for members or for owners; a list of its own tells which of the two.
pub const KIND: Kind = Kind {
    name: "groupRoleSettings",
    entity: "unifiedRoleManagementPolicy",
    title: "group settings",
    folder: "groups-privileged/settings",
    schema: include_str!("../../schemas/groups-privileged/group-role-settings.schema.json"),
    path: "/policies/roleManagementPolicies",
    naming: Naming::Id,
    // Graph gives the settings of a group another id whenever they are changed.
    id_of: &["scopeId", "roleDefinitionId"],
    natural: &["scopeId", "roleDefinitionId"],
    about: &["scopeId"],
    // <https://learn.microsoft.com/graph/api/policyroot-list-rolemanagementpolicies>, example 2
    filter: Some("scopeId eq '{each}' and scopeType eq 'Group'"),
    creation: Creation::Never { reason: "it comes with its group" },
    update: Updates::Nothing,
    deletion: Deletion::Never,
    links: &[Link {
        name: "rules",
        // <https://learn.microsoft.com/graph/api/unifiedrolemanagementpolicyrule-update>
        shape: LinkShape::Children(Children {
            key: &["id"],
            item: "/policies/roleManagementPolicies/{parent}/rules/{child}",
            update: Updates::All,
            delete: false,
            keeps_id: true,
            ..Children::COMMON
        }),
        read: LinkRead::Expand,
        ..Link::COMMON
    }],
    // The relation `policy` "supports `$expand` and a nested `$expand` of the rules", so that one request per group is enough:
    // <https://learn.microsoft.com/graph/api/resources/unifiedrolemanagementpolicyassignment>
    borrowed: &[Borrowed {
        property: "roleDefinitionId",
        path: "/policies/roleManagementPolicyAssignments",
        filter: Some("scopeId eq '{each}' and scopeType eq 'Group'"),
        by: "policyId",
        entity: "unifiedRoleManagementPolicyAssignment",
        object: Some("policy"),
    }],
    // Every group that can be governed has settings, although few are ever changed: the time of the last change is null until
    // then.
    for_each: Some(ForEach {
        kind: "group",
        when: Some(super::group::GOVERNABLE),
        defaults: Some(Defaults {
            unchanged: "lastModifiedDateTime",
            unless: Condition::Flag { property: "isAssignableToRole" },
        }),
    }),
    licence: Some(Licence::P2),
    permissions: Permissions {
        read: &["RoleManagementPolicy.Read.AzureADGroup"],
        write: &["RoleManagementPolicy.ReadWrite.AzureADGroup"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/unifiedrolemanagementpolicy",
    ..Kind::COMMON
};
