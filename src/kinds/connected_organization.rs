//! Describes connected organizations, whose people may request access packages.
//! <https://learn.microsoft.com/graph/api/resources/connectedorganization>

use crate::model::kind::*;

/// Connected organization, with its sponsors.
pub const KIND: Kind = Kind {
    name: "connectedOrganization",
    entity: "connectedOrganization",
    title: "connected organizations",
    folder: "governance/connected-organizations",
    schema: include_str!("../../schemas/governance/connected-organization.schema.json"),
    path: "/identityGovernance/entitlementManagement/connectedOrganizations",
    // <https://learn.microsoft.com/graph/api/connectedorganization-update>
    update: Updates::Only(&["displayName", "description", "state"]),
    links: &[
        // <https://learn.microsoft.com/graph/api/connectedorganization-post-internalsponsors>
        Link { name: "internalSponsors", ..Link::COMMON },
        Link { name: "externalSponsors", ..Link::COMMON },
    ],
    licence: Some(Licence::P2),
    permissions: Permissions {
        read: &["EntitlementManagement.Read.All"],
        write: &["EntitlementManagement.ReadWrite.All"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/connectedorganization",
    ..Kind::COMMON
};
