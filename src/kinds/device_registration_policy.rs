//! Describes the device registration policy: it defines who may join and register devices.
//! <https://learn.microsoft.com/graph/api/resources/deviceregistrationpolicy>

use crate::model::kind::*;

/// Device registration policy of the tenant.
pub const KIND: Kind = Kind {
    name: "deviceRegistrationPolicy",
    entity: "deviceRegistrationPolicy",
    title: "device registration policy",
    folder: "policies/device-registration-policy",
    schema: include_str!("../../schemas/policies/device-registration-policy.schema.json"),
    path: "/policies/deviceRegistrationPolicy",
    shape: Shape::Singleton,
    naming: Naming::Fixed,
    natural: &[],
    creation: Creation::Never { reason: "every tenant has one" },
    // Microsoft's page says "PUT … all properties": <https://learn.microsoft.com/graph/api/deviceregistrationpolicy-update>
    update: Updates::Replace,
    deletion: Deletion::Never,
    permissions: Permissions {
        read: &["Policy.Read.DeviceConfiguration"],
        write: &["Policy.ReadWrite.DeviceConfiguration"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/deviceregistrationpolicy",
    ..Kind::COMMON
};
