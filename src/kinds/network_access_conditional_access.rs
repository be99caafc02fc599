//! Global Secure Access and Conditional Access: whether the one tells the other where traffic comes from. Only beta has it.
//! <https://learn.microsoft.com/graph/api/resources/networkaccess-conditionalaccesssettings>

use crate::model::kind::*;

/// Whether Global Secure Access signals to Conditional Access.
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
    // Nobody documents what Graph answers where Global Secure Access is not used: no export is to be incomplete for that.
    profile: Profile::Everything,
    docs: "https://learn.microsoft.com/graph/api/resources/networkaccess-conditionalaccesssettings",
    // <https://learn.microsoft.com/entra/global-secure-access/how-to-get-started-with-global-secure-access>
    licence: Some(Licence::P1),
    ..Kind::COMMON
};
