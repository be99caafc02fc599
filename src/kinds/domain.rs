//! Describes the domains of the tenant, and the sign-in of federated ones.
//! <https://learn.microsoft.com/graph/api/resources/domain>

use crate::model::kind::*;

/// Domain. Its id is its name.
pub const KIND: Kind = Kind {
    name: "domain",
    entity: "domain",
    title: "domains",
    folder: "organization/domains",
    schema: include_str!("../../schemas/organization/domain.schema.json"),
    path: "/domains",
    naming: Naming::Id,
    natural: &[],
    creation: Creation::Never { reason: "a domain is added and proven in its DNS by hand" },
    // These can be changed for a verified domain: <https://learn.microsoft.com/graph/api/domain-update>
    update: Updates::Only(&["isDefault", "passwordNotificationWindowInDays", "passwordValidityPeriodInDays"]),
    links: &[Link {
        name: "federationConfiguration",
        shape: LinkShape::Children(Children {
            key: &["issuerUri"],
            create: Some("/domains/{parent}/federationConfiguration"),
            item: "/domains/{parent}/federationConfiguration/{child}",
            update: Updates::All,
            ..Children::COMMON
        }),
        permissions: Some(Permissions {
            read: &["Domain-InternalFederation.Read.All"],
            write: &["Domain-InternalFederation.ReadWrite.All"],
        }),
        ..Link::COMMON
    }],
    permissions: Permissions { read: &["Domain.Read.All"], write: &["Domain.ReadWrite.All"] },
    docs: "https://learn.microsoft.com/graph/api/resources/domain",
    ..Kind::COMMON
};
