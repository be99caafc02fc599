//! Describes the settings for partners of the multitenant organization.
//! <https://learn.microsoft.com/graph/api/resources/multitenantorganizationpartnerconfigurationtemplate>

use crate::model::kind::*;

/// Template that new partners of the organization get.
pub const KIND: Kind = Kind {
    name: "organizationPartnerTemplate",
    entity: "multiTenantOrganizationPartnerConfigurationTemplate",
    title: "partner template of the multitenant organization",
    folder: "cross-tenant/organization-partner-template",
    schema: include_str!("../../schemas/cross-tenant/organization-partner-template.schema.json"),
    path: "/policies/crossTenantAccessPolicy/templates/multiTenantOrganizationPartnerConfiguration",
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
    docs: "https://learn.microsoft.com/graph/api/resources/multitenantorganizationpartnerconfigurationtemplate",
    ..Kind::COMMON
};
