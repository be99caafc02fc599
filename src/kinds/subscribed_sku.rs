//! Subscriptions: what the tenant has bought. For information.
//! <https://learn.microsoft.com/graph/api/resources/subscribedsku>

use crate::model::kind::*;

/// One product that the tenant subscribes to. Nothing of it is written.
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
    // Nothing is written, so that writing needs no more than reading.
    permissions: Permissions { read: &["LicenseAssignment.Read.All"], write: &["LicenseAssignment.Read.All"] },
    docs: "https://learn.microsoft.com/graph/api/resources/subscribedsku",
    ..Kind::COMMON
};
