//! Describes roles: Microsoft's own (`isBuiltIn`), which can be read only, and custom ones.
//! <https://learn.microsoft.com/graph/api/resources/unifiedroledefinition>

use crate::model::kind::*;

/// Role of the directory. Microsoft's own are kept because assignments and policies name them by id.
pub const KIND: Kind = Kind {
    name: "roleDefinition",
    entity: "unifiedRoleDefinition",
    title: "roles",
    folder: "roles/definitions",
    schema: include_str!("../../schemas/roles/role-definition.schema.json"),
    api: Api::V1,
    path: "/roleManagement/directory/roleDefinitions",
    shape: Shape::Collection,
    naming: Naming::Slug,
    natural: &["displayName"],
    about: &[],
    filter: None,
    page_size: None,
    select: Select::Default,
    // <https://learn.microsoft.com/graph/api/rbacapplication-post-roledefinitions>
    creation: Creation::Post { accepts: Accepts::All, generates: &[], note: None },
    update: Updates::All,
    // Custom roles are soft-deleted, in a container that national clouds lack:
    // <https://learn.microsoft.com/graph/api/resources/directoryrolemanagementdeleteditemcontainer>
    deletion: Deletion::Soft {
        list: "/roleManagement/directory/deletedItems/roleDefinitions",
        item: "/roleManagement/directory/deletedItems/roleDefinitions",
    },
    links: &[],
    borrowed: &[],
    calls: &[],
    variants: &[Variant {
        name: "builtInRole",
        title: "built-in roles",
        when: Condition::Flag { property: "isBuiltIn" },
        not_creatable: Some("Microsoft provides it in every tenant"), deletable: false,
    }],
    // Microsoft's page says: "You cannot update built-in roles":
    // <https://learn.microsoft.com/graph/api/unifiedroledefinition-update>
    owned_elsewhere: Some(Elsewhere {
        when: Condition::Flag { property: "isBuiltIn" },
        reason: "it is built in, and Microsoft alone changes it",
    }),
    delta: None,
    // The licence is needed to create, change or delete a custom role:
    // <https://learn.microsoft.com/graph/api/unifiedroledefinition-delete>
    licence: Some(Licence::P1),
    permissions: Permissions {
        read: &["RoleManagement.Read.Directory"],
        write: &["RoleManagement.ReadWrite.Directory"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/unifiedroledefinition",
    ..Kind::COMMON
};
