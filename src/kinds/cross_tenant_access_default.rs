//! Describes the settings for tenants that are not partners.
//! <https://learn.microsoft.com/graph/api/resources/crosstenantaccesspolicyconfigurationdefault>

use crate::model::kind::*;

/// Default of cross-tenant access. It has no id in Graph.
pub const KIND: Kind = Kind {
    name: "crossTenantAccessDefault",
    entity: "crossTenantAccessPolicyConfigurationDefault",
    title: "cross-tenant access defaults",
    folder: "cross-tenant/default",
    schema: include_str!("../../schemas/cross-tenant/default.schema.json"),
    path: "/policies/crossTenantAccessPolicy/default",
    shape: Shape::Singleton,
    naming: Naming::Fixed,
    natural: &[],
    creation: Creation::Never { reason: "every tenant has one" },
    deletion: Deletion::Never,
    permissions: Permissions { read: &["Policy.Read.All"], write: &["Policy.ReadWrite.CrossTenantAccess"] },
    docs: "https://learn.microsoft.com/graph/api/resources/crosstenantaccesspolicyconfigurationdefault",
    ..Kind::COMMON
};
