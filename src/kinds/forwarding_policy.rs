//! Traffic forwarding policies: which destinations go through Global Secure Access. Only beta has them.
//! <https://learn.microsoft.com/graph/api/resources/networkaccess-forwardingpolicy>

use crate::model::kind::*;

/// A traffic forwarding policy with its rules, which are Microsoft's own but for those of private applications.
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
    // Nobody documents what Graph answers where Global Secure Access is not used: no export is to be incomplete for that.
    profile: Profile::Everything,
    docs: "https://learn.microsoft.com/graph/api/resources/networkaccess-forwardingpolicy",
    // <https://learn.microsoft.com/entra/global-secure-access/how-to-get-started-with-global-secure-access>
    licence: Some(Licence::P1),
    ..Kind::COMMON
};
