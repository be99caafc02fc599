//! Describes universal tenant restrictions: Global Secure Access can mark traffic with the tenant it comes from. They are in beta
//! only. <https://learn.microsoft.com/graph/api/resources/networkaccess-crosstenantaccesssettings>

use crate::model::kind::*;

/// Setting that turns the marking of traffic on or off.
pub const KIND: Kind = Kind {
    name: "networkAccessCrossTenantAccess",
    entity: "networkaccess.crossTenantAccessSettings",
    title: "universal tenant restrictions",
    folder: "network-access/cross-tenant-access-settings",
    schema: include_str!("../../schemas/network-access/network-access-cross-tenant-access.schema.json"),
    api: Api::Beta,
    path: "/networkAccess/settings/crossTenantAccess",
    shape: Shape::Singleton,
    naming: Naming::Fixed,
    natural: &[],
    creation: Creation::Never { reason: "every tenant has one" },
    deletion: Deletion::Never,
    permissions: Permissions { read: &["NetworkAccess.Read.All"], write: &["NetworkAccess.ReadWrite.All"] },
    // No page documents what Graph answers where Global Secure Access is not used. An export must not be incomplete because of
    // that.
    profile: Profile::Everything,
    docs: "https://learn.microsoft.com/graph/api/resources/networkaccess-crosstenantaccesssettings",
    // <https://learn.microsoft.com/entra/global-secure-access/how-to-get-started-with-global-secure-access>
    licence: Some(Licence::P1),
    ..Kind::COMMON
};
