//! Describes traffic forwarding policies: they define which destinations are reached through Global Secure Access. They are in
//! beta only. <https://learn.microsoft.com/graph/api/resources/networkaccess-forwardingpolicy>

use crate::model::kind::*;

/// Traffic forwarding policy with its rules, which are Microsoft's own except those of private applications.
pub const KIND: Kind = Kind {
    name: "forwardingPolicy",
    entity: "networkaccess.forwardingPolicy",
    title: "traffic forwarding policies",
    folder: "network-access/forwarding-policies",
    schema: include_str!("../../schemas/network-access/forwarding-policy.schema.json"),
    api: Api::Beta,
    path: "/networkAccess/forwardingPolicies",
    natural: &["name"],
    creation: Creation::Never { reason: "Microsoft makes it, or a private application brings it along" },
    update: Updates::Nothing,
    deletion: Deletion::Never,
    // <https://learn.microsoft.com/graph/api/resources/networkaccess-forwardingpolicy#relationships>
    expand: &["policyRules"],
    permissions: Permissions { read: &["NetworkAccess.Read.All"], write: &["NetworkAccess.ReadWrite.All"] },
    // No page documents what Graph answers where Global Secure Access is not used. An export must not be incomplete because of
    // that.
    profile: Profile::Everything,
    docs: "https://learn.microsoft.com/graph/api/resources/networkaccess-forwardingpolicy",
    // <https://learn.microsoft.com/entra/global-secure-access/how-to-get-started-with-global-secure-access>
    licence: Some(Licence::P1),
    ..Kind::COMMON
};
