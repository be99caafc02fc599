//! The cross-tenant access policy: which clouds of Microsoft's may be worked with.
//! <https://learn.microsoft.com/graph/api/resources/crosstenantaccesspolicy>

use crate::model::kind::*;

/// The tenant's cross-tenant access policy; its default and its partners are kinds of their own.
pub const KIND: Kind = Kind {
    name: "crossTenantAccessPolicy",
    entity: "crossTenantAccessPolicy",
    title: "cross-tenant access policy",
    folder: "cross-tenant/policy",
    schema: include_str!("../../schemas/cross-tenant/policy.schema.json"),
    path: "/policies/crossTenantAccessPolicy",
    shape: Shape::Singleton,
    naming: Naming::Fixed,
    natural: &[],
    creation: Creation::Never { reason: "every tenant has one" },
    // Nothing else is taken: <https://learn.microsoft.com/graph/api/crosstenantaccesspolicy-update>
    update: Updates::Only(&["allowedCloudEndpoints"]),
    deletion: Deletion::Never,
    permissions: Permissions { read: &["Policy.Read.All"], write: &["Policy.ReadWrite.CrossTenantAccess"] },
    docs: "https://learn.microsoft.com/graph/api/resources/crosstenantaccesspolicy",
    ..Kind::COMMON
};
