//! Describes web content filtering: it defines which sites can be reached through Global Secure Access. It is in beta only.
//! <https://learn.microsoft.com/graph/api/resources/networkaccess-filteringpolicy>

use crate::model::kind::*;

/// Web filtering policy with its rules.
pub const KIND: Kind = Kind {
    name: "filteringPolicy",
    entity: "networkaccess.filteringPolicy",
    title: "web filtering policies",
    folder: "network-access/filtering-policies",
    schema: include_str!("../../schemas/network-access/filtering-policy.schema.json"),
    api: Api::Beta,
    path: "/networkAccess/filteringPolicies",
    natural: &["name"],
    // Microsoft's own client has PATCH and DELETE; the permission table lists neither, and the permission is taken to be that of
    // POST:
    // <https://learn.microsoft.com/powershell/module/microsoft.graph.beta.networkaccess/update-mgbetanetworkaccessfilteringpolicy>
    update: Updates::Only(&["name", "description", "action"]),
    links: &[Link {
        name: "policyRules",
        // <https://learn.microsoft.com/graph/api/networkaccess-filteringrule-update>
        shape: LinkShape::Children(Children {
            key: &["@odata.type", "name"],
            create: Some("/networkAccess/filteringPolicies/{parent}/policyRules"),
            item: "/networkAccess/filteringPolicies/{parent}/policyRules/{child}",
            update: Updates::All,
            ..Children::COMMON
        }),
        ..Link::COMMON
    }],
    permissions: Permissions { read: &["NetworkAccess.Read.All"], write: &["NetworkAccess.ReadWrite.All"] },
    // No page documents what Graph answers where Global Secure Access is not used. An export must not be incomplete because of
    // that.
    profile: Profile::Everything,
    docs: "https://learn.microsoft.com/graph/api/resources/networkaccess-filteringpolicy",
    // <https://learn.microsoft.com/entra/global-secure-access/how-to-get-started-with-global-secure-access>
    licence: Some(Licence::P1),
    ..Kind::COMMON
};
