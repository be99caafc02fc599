//! Describes the synchronization that partners of the multitenant organization are allowed.
//! <https://learn.microsoft.com/graph/api/resources/multitenantorganizationidentitysyncpolicytemplate>

use crate::model::kind::*;

/// Template for the synchronization of new partners of the organization.
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
