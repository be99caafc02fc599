//! Devices that are joined to or registered with the tenant. For information, but for what an administrator sets.
//! <https://learn.microsoft.com/graph/api/resources/device>

use crate::model::kind::*;

/// A device. Devices come and go by themselves: they are neither made nor deleted here.
pub const KIND: Kind = Kind {
    name: "device",
    entity: "device",
    title: "devices",
    folder: "devices",
    schema: include_str!("../../schemas/directory/device.schema.json"),
    path: "/devices",
    natural: &["deviceId"],
    // <https://learn.microsoft.com/graph/api/device-list>
    page_size: Some(999),
    creation: Creation::Never { reason: "a device joins or registers by itself" },
    update: Updates::Only(&["accountEnabled", "extensionAttributes"]),
    // A device that came since the snapshot is somebody's computer, no drift.
    deletion: Deletion::Never,
    delta: Some("/devices/delta"),
    permissions: Permissions { read: &["Device.Read.All"], write: &["Device.ReadWrite.All"] },
    docs: "https://learn.microsoft.com/graph/api/resources/device",
    ..Kind::COMMON
};
