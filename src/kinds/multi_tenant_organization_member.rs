//! Describes the tenants of the multitenant organization.
//! <https://learn.microsoft.com/graph/api/resources/multitenantorganizationmember>

use crate::model::kind::*;

/// Tenant of the organization. It joins by itself; until then it is pending.
pub const KIND: Kind = Kind {
    name: "multiTenantOrganizationMember",
    entity: "multiTenantOrganizationMember",
    title: "tenants of the multitenant organization",
    folder: "cross-tenant/organization-tenants",
    schema: include_str!("../../schemas/cross-tenant/organization-tenant.schema.json"),
    path: "/tenantRelationships/multiTenantOrganization/tenants",
    natural: &["tenantId"],
    // <https://learn.microsoft.com/graph/api/multitenantorganization-post-tenants>
    creation: Creation::Post {
        accepts: Accepts::Only(&["tenantId", "displayName", "role"]),
        generates: &[],
        note: Some("the other tenant has to join by itself"),
    },
    // <https://learn.microsoft.com/graph/api/multitenantorganizationmember-update>
    update: Updates::Only(&["role"]),
    key: "tenantId",
    licence: Some(Licence::P1),
    permissions: Permissions {
        read: &["MultiTenantOrganization.Read.All"],
        write: &["MultiTenantOrganization.ReadWrite.All"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/multitenantorganizationmember",
    ..Kind::COMMON
};
