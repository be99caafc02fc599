//! Describes the cross-tenant access policy: it lists the Microsoft clouds with which collaboration is allowed.
//! <https://learn.microsoft.com/graph/api/resources/crosstenantaccesspolicy>

use crate::model::kind::*;

/// Cross-tenant access policy of the tenant; its default and its partners are kinds of their own.
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
    // Other properties are not accepted: <https://learn.microsoft.com/graph/api/crosstenantaccesspolicy-update>
    update: Updates::Only(&["allowedCloudEndpoints"]),
    deletion: Deletion::Never,
    permissions: Permissions { read: &["Policy.Read.All"], write: &["Policy.ReadWrite.CrossTenantAccess"] },
    docs: "https://learn.microsoft.com/graph/api/resources/crosstenantaccesspolicy",
    ..Kind::COMMON
};
