//! Describes partners: tenants with settings of their own, and the synchronization with them.
//! <https://learn.microsoft.com/graph/api/resources/crosstenantaccesspolicyconfigurationpartner>

use crate::model::kind::*;

/// Partner. Its id is the id of its tenant. Graph keeps a deleted one for 30 days, in a recycle bin that applications may neither read
/// nor restore from; one that is created again has the same id, so nothing is lost.
/// <https://learn.microsoft.com/graph/api/policydeletableitem-list?view=graph-rest-beta>
pub const KIND: Kind = Kind {
    name: "crossTenantPartner",
    entity: "crossTenantAccessPolicyConfigurationPartner",
    title: "cross-tenant partners",
    folder: "cross-tenant/partners",
    schema: include_str!("../../schemas/cross-tenant/partner.schema.json"),
    path: "/policies/crossTenantAccessPolicy/partners",
    naming: Naming::Id,
    natural: &["tenantId"],
    links: &[Link {
        name: "identitySynchronization",
        // It is created and replaced with PUT:
        // <https://learn.microsoft.com/graph/api/crosstenantaccesspolicyconfigurationpartner-put-identitysynchronization>
        shape: LinkShape::Children(Children {
            single: true,
            item: "/policies/crossTenantAccessPolicy/partners/{parent}/identitySynchronization",
            update: Updates::Replace,
            ..Children::COMMON
        }),
        ..Link::COMMON
    }],
    key: "tenantId",
    permissions: Permissions { read: &["Policy.Read.All"], write: &["Policy.ReadWrite.CrossTenantAccess"] },
    docs: "https://learn.microsoft.com/graph/api/resources/crosstenantaccesspolicyconfigurationpartner",
    ..Kind::COMMON
};
