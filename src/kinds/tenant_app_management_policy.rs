//! Describes the default app management policy: it defines which credentials applications may have.
//! <https://learn.microsoft.com/graph/api/resources/tenantappmanagementpolicy>

use crate::model::kind::*;

/// Policy for every application without an app management policy of its own.
pub const KIND: Kind = Kind {
    name: "tenantAppManagementPolicy",
    entity: "tenantAppManagementPolicy",
    title: "default app management policy",
    folder: "policies/default-app-management-policy",
    schema: include_str!("../../schemas/policies/tenant-app-management-policy.schema.json"),
    path: "/policies/defaultAppManagementPolicy",
    shape: Shape::Singleton,
    naming: Naming::Fixed,
    natural: &[],
    creation: Creation::Never { reason: "every tenant has one" },
    deletion: Deletion::Never,
    permissions: Permissions { read: &["Policy.Read.All"], write: &["Policy.ReadWrite.ApplicationConfiguration"] },
    docs: "https://learn.microsoft.com/graph/api/resources/tenantappmanagementpolicy",
    ..Kind::COMMON
};
