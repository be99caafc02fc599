//! Describes the roles within entitlement management, such as a catalog's owner. They are Microsoft's: no page documents a write.
//! <https://learn.microsoft.com/graph/api/rbacapplication-list-roledefinitions>

use crate::model::kind::*;

/// Role of entitlement management. It is kept so that people can read the assignments.
pub const KIND: Kind = Kind {
    name: "entitlementManagementRoleDefinition",
    entity: "unifiedRoleDefinition",
    title: "entitlement management roles",
    folder: "governance/roles",
    schema: include_str!("../../schemas/governance/role-definition.schema.json"),
    path: "/roleManagement/entitlementManagement/roleDefinitions",
    creation: Creation::Never { reason: "Microsoft provides it in every tenant" },
    update: Updates::Nothing,
    deletion: Deletion::Never,
    licence: Some(Licence::P2),
    permissions: Permissions {
        read: &["EntitlementManagement.Read.All"],
        write: &["EntitlementManagement.ReadWrite.All"],
    },
    docs: "https://learn.microsoft.com/graph/api/rbacapplication-list-roledefinitions",
    ..Kind::COMMON
};
