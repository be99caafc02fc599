//! Describes TLS inspection: it defines which encrypted traffic Global Secure Access inspects. It is in beta only.
//! <https://learn.microsoft.com/graph/api/resources/networkaccess-tlsinspectionpolicy>

use crate::model::kind::*;

/// TLS inspection policy with its rules.
pub const KIND: Kind = Kind {
    name: "tlsInspectionPolicy",
    entity: "networkaccess.tlsInspectionPolicy",
    title: "TLS inspection policies",
    folder: "network-access/tls-inspection-policies",
    schema: include_str!("../../schemas/network-access/tls-inspection-policy.schema.json"),
    api: Api::Beta,
    path: "/networkAccess/tlsInspectionPolicies",
    natural: &["name"],
    // <https://learn.microsoft.com/graph/api/networkaccess-tlsinspectionpolicy-update>
    update: Updates::Only(&["name", "description", "settings"]),
    links: &[Link {
        name: "policyRules",
        // <https://learn.microsoft.com/graph/api/networkaccess-tlsinspectionpolicy-post-policyrules>, …/networkaccess-tlsinspectionrule-update
        shape: LinkShape::Children(Children {
            key: &["name"],
            create: Some("/networkAccess/tlsInspectionPolicies/{parent}/policyRules"),
            item: "/networkAccess/tlsInspectionPolicies/{parent}/policyRules/{child}",
            update: Updates::All,
            ..Children::COMMON
        }),
        // <https://learn.microsoft.com/graph/api/networkaccess-networkaccessroot-list-tlsinspectionpolicies>
        read: LinkRead::Expand,
        ..Link::COMMON
    }],
    permissions: Permissions { read: &["NetworkAccess.Read.All"], write: &["NetworkAccess.ReadWrite.All"] },
    // No page documents what Graph answers where Global Secure Access is not used. An export must not be incomplete because of
    // that.
    profile: Profile::Everything,
    docs: "https://learn.microsoft.com/graph/api/resources/networkaccess-tlsinspectionpolicy",
    // <https://learn.microsoft.com/entra/global-secure-access/how-to-get-started-with-global-secure-access>
    licence: Some(Licence::P1),
    ..Kind::COMMON
};
