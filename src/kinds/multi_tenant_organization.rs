//! Describes the multitenant organization that this tenant owns or belongs to.
//! <https://learn.microsoft.com/graph/api/resources/multitenantorganization>

use crate::model::kind::*;

/// Multitenant organization; without one Graph returns it as `inactive`.
pub const KIND: Kind = Kind {
    name: "multiTenantOrganization",
    entity: "multiTenantOrganization",
    title: "multitenant organization",
    folder: "cross-tenant/organization",
    schema: include_str!("../../schemas/cross-tenant/organization.schema.json"),
    path: "/tenantRelationships/multiTenantOrganization",
    shape: Shape::Singleton,
    naming: Naming::Fixed,
    natural: &[],
    creation: Creation::Never { reason: "every tenant has one" },
    update: Updates::Only(&["displayName", "description"]),
    deletion: Deletion::Never,
    licence: Some(Licence::P1),
    permissions: Permissions {
        read: &["MultiTenantOrganization.Read.All"],
        write: &["MultiTenantOrganization.ReadWrite.All"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/multitenantorganization",
    ..Kind::COMMON
};
