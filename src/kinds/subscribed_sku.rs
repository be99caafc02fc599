//! Describes the subscriptions of the tenant. They are kept for information.
//! <https://learn.microsoft.com/graph/api/resources/subscribedsku>

use crate::model::kind::*;

/// Product that the tenant subscribes to. It is never written.
pub const KIND: Kind = Kind {
    name: "subscribedSku",
    entity: "subscribedSku",
    title: "subscriptions",
    folder: "organization/subscriptions",
    schema: include_str!("../../schemas/organization/subscribed-sku.schema.json"),
    path: "/subscribedSkus",
    naming: Naming::Id,
    natural: &["skuId"],
    creation: Creation::Never { reason: "subscriptions are bought" },
    update: Updates::Nothing,
    deletion: Deletion::Never,
    // The kind is never written, so the write permission is that for reading.
    permissions: Permissions { read: &["LicenseAssignment.Read.All"], write: &["LicenseAssignment.Read.All"] },
    docs: "https://learn.microsoft.com/graph/api/resources/subscribedsku",
    ..Kind::COMMON
};
