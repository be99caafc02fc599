//! Describes the settings of entitlement management: they define what happens to guests whose last access package ended.
//! <https://learn.microsoft.com/graph/api/resources/entitlementmanagementsettings>

use crate::model::kind::*;

/// Settings of entitlement management.
pub const KIND: Kind = Kind {
    name: "entitlementManagementSettings",
    entity: "entitlementManagementSettings",
    title: "entitlement management settings",
    folder: "governance/entitlement-settings",
    schema: include_str!("../../schemas/governance/entitlement-management-settings.schema.json"),
    path: "/identityGovernance/entitlementManagement/settings",
    shape: Shape::Singleton,
    naming: Naming::Fixed,
    natural: &[],
    creation: Creation::Never { reason: "every tenant has one" },
    deletion: Deletion::Never,
    licence: Some(Licence::P2),
    permissions: Permissions {
        read: &["EntitlementManagement.Read.All"],
        write: &["EntitlementManagement.ReadWrite.All"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/entitlementmanagementsettings",
    ..Kind::COMMON
};
