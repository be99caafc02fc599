//! Describes security profiles of Global Secure Access: ordered filtering policies that Conditional Access can demand. They are
//! in beta only. <https://learn.microsoft.com/graph/api/resources/networkaccess-filteringprofile>

use crate::model::kind::*;

/// Security profile. Its policies are read, but no application is allowed to change them.
pub const KIND: Kind = Kind {
    name: "filteringProfile",
    entity: "networkaccess.filteringProfile",
    title: "security profiles",
    folder: "network-access/filtering-profiles",
    schema: include_str!("../../schemas/network-access/filtering-profile.schema.json"),
    api: Api::Beta,
    path: "/networkAccess/filteringProfiles",
    natural: &["name"],
    // <https://learn.microsoft.com/graph/api/networkaccess-filteringprofile-update>
    update: Updates::Only(&["name", "description", "state", "priority"]),
    links: &[Link {
        name: "policies",
        expand: &["policy"],
        // Microsoft's page says "Application: Not supported":
        // <https://learn.microsoft.com/graph/api/networkaccess-filteringpolicylink-post>, …-update
        shape: LinkShape::Children(Children {
            key: &["policy/id"],
            item: "/networkAccess/filteringProfiles/{parent}/policies/{child}",
            delete: false,
            ..Children::COMMON
        }),
        ..Link::COMMON
    }],
    permissions: Permissions { read: &["NetworkAccess.Read.All"], write: &["NetworkAccess.ReadWrite.All"] },
    // No page documents what Graph answers where Global Secure Access is not used. An export must not be incomplete because of
    // that.
    profile: Profile::Everything,
    docs: "https://learn.microsoft.com/graph/api/resources/networkaccess-filteringprofile",
    // <https://learn.microsoft.com/entra/global-secure-access/how-to-get-started-with-global-secure-access>
    licence: Some(Licence::P1),
    ..Kind::COMMON
};
