//! Describes the signaling of Global Secure Access to Conditional Access: it tells where traffic comes from. It is in beta only.
//! <https://learn.microsoft.com/graph/api/resources/networkaccess-conditionalaccesssettings>

use crate::model::kind::*;

/// Setting that turns the signaling to Conditional Access on or off.
pub const KIND: Kind = Kind {
    name: "networkAccessConditionalAccess",
    entity: "networkaccess.conditionalAccessSettings",
    title: "signaling to Conditional Access",
    folder: "network-access/conditional-access-settings",
    schema: include_str!("../../schemas/network-access/network-access-conditional-access.schema.json"),
    api: Api::Beta,
    path: "/networkAccess/settings/conditionalAccess",
    shape: Shape::Singleton,
    naming: Naming::Fixed,
    natural: &[],
    creation: Creation::Never { reason: "every tenant has one" },
    deletion: Deletion::Never,
    permissions: Permissions { read: &["NetworkAccess.Read.All"], write: &["NetworkAccess.ReadWrite.All"] },
    // No page documents what Graph answers where Global Secure Access is not used. An export must not be incomplete because of
    // that.
    profile: Profile::Everything,
    docs: "https://learn.microsoft.com/graph/api/resources/networkaccess-conditionalaccesssettings",
    // <https://learn.microsoft.com/entra/global-secure-access/how-to-get-started-with-global-secure-access>
    licence: Some(Licence::P1),
    ..Kind::COMMON
};
