//! What partners of the multitenant organization may synchronize.
//! <https://learn.microsoft.com/graph/api/resources/multitenantorganizationidentitysyncpolicytemplate>

use crate::model::kind::*;

/// The template that new partners of the organization get.
pub const KIND: Kind = Kind {
    name: "organizationSyncTemplate",
    entity: "multiTenantOrganizationIdentitySyncPolicyTemplate",
    title: "synchronization template of the multitenant organization",
    folder: "cross-tenant/organization-sync-template",
    schema: include_str!("../../schemas/cross-tenant/organization-sync-template.schema.json"),
    path: "/policies/crossTenantAccessPolicy/templates/multiTenantOrganizationIdentitySynchronization",
    shape: Shape::Singleton,
    naming: Naming::Fixed,
    natural: &[],
    creation: Creation::Never { reason: "every tenant has one" },
    deletion: Deletion::Never,
    licence: Some(Licence::P1),
    permissions: Permissions {
        read: &["MultiTenantOrganization.Read.All"],
        write: &["MultiTenantOrganization.ReadWrite.All"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/multitenantorganizationidentitysyncpolicytemplate",
    ..Kind::COMMON
};
