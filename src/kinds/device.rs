//! Describes devices that are joined to or registered with the tenant. They are kept for information, except for the properties
//! that an administrator sets. <https://learn.microsoft.com/graph/api/resources/device>

use crate::model::kind::*;

/// Device. Devices join and leave by themselves, so they are neither created nor deleted here.
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
    // A device that was added since the snapshot is somebody's computer, not drift.
    deletion: Deletion::Never,
    delta: Some("/devices/delta"),
    permissions: Permissions { read: &["Device.Read.All"], write: &["Device.ReadWrite.All"] },
    docs: "https://learn.microsoft.com/graph/api/resources/device",
    ..Kind::COMMON
};
