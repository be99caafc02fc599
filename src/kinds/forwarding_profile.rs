//! Describes traffic forwarding profiles: they define which sorts of traffic go through Global Secure Access. They are in beta
//! only. <https://learn.microsoft.com/graph/api/resources/networkaccess-forwardingprofile>

use crate::model::kind::*;

/// Traffic forwarding profile. Every tenant has one for Microsoft 365, for the Internet and for private applications.
pub const KIND: Kind = Kind {
    name: "forwardingProfile",
    entity: "networkaccess.forwardingProfile",
    title: "traffic forwarding profiles",
    folder: "network-access/forwarding-profiles",
    schema: include_str!("../../schemas/network-access/forwarding-profile.schema.json"),
    api: Api::Beta,
    path: "/networkAccess/forwardingProfiles",
    natural: &["name"],
    creation: Creation::Never { reason: "every tenant has one for each sort of traffic" },
    // Microsoft's page says: "Enable or disable a forwarding profile or configure associations":
    // <https://learn.microsoft.com/graph/api/resources/networkaccess-global-secure-access-api-overview>
    update: Updates::Only(&["state", "associations"]),
    deletion: Deletion::Never,
    links: &[Link {
        name: "policies",
        expand: &["policy"],
        // <https://learn.microsoft.com/graph/api/networkaccess-forwardingpolicylink-update>
        shape: LinkShape::Children(Children {
            key: &["policy/id"],
            item: "/networkAccess/forwardingProfiles/{parent}/policies/{child}",
            update: Updates::Only(&["state"]),
            delete: false,
            ..Children::COMMON
        }),
        // Microsoft's page says: "Supports `$expand` and a nested `$expand` to retrieve the policy":
        // <https://learn.microsoft.com/graph/api/resources/networkaccess-forwardingprofile>
        read: LinkRead::Expand,
        ..Link::COMMON
    }],
    permissions: Permissions { read: &["NetworkAccess.Read.All"], write: &["NetworkAccess.ReadWrite.All"] },
    // No page documents what Graph answers where Global Secure Access is not used. An export must not be incomplete because of
    // that.
    profile: Profile::Everything,
    docs: "https://learn.microsoft.com/graph/api/resources/networkaccess-forwardingprofile",
    // <https://learn.microsoft.com/entra/global-secure-access/how-to-get-started-with-global-secure-access>
    licence: Some(Licence::P1),
    ..Kind::COMMON
};
