//! Describes named locations: address ranges, countries, the compliant network.
//! <https://learn.microsoft.com/graph/api/resources/namedlocation>
//!
//! They are read and written in beta, which alone has the compliant network:
//! <https://learn.microsoft.com/graph/api/resources/compliantnetworknamedlocation>

use crate::model::kind::*;

/// Named location; `@odata.type` names the sort.
pub const KIND: Kind = Kind {
    name: "namedLocation",
    entity: "namedLocation",
    title: "named locations",
    folder: "conditional-access/named-locations",
    schema: include_str!("../../schemas/conditional-access/named-location.schema.json"),
    api: Api::Beta,
    path: "/identity/conditionalAccess/namedLocations",
    shape: Shape::Collection,
    naming: Naming::Slug,
    natural: &["displayName"],
    about: &[],
    filter: None,
    page_size: None,
    select: Select::Default,
    creation: Creation::Post { accepts: Accepts::All, generates: &[], note: None },
    update: Updates::All,
    // <https://learn.microsoft.com/graph/api/resources/policydeletableitem>
    deletion: Deletion::Soft {
        list: "/identity/conditionalAccess/deletedItems/namedLocations",
        item: "/identity/conditionalAccess/deletedItems/namedLocations",
    },
    links: &[],
    borrowed: &[],
    calls: &[],
    variants: &[Variant {
        name: "compliantNetworkLocation",
        title: "compliant networks",
        when: Condition::Is { property: "@odata.type", value: "#microsoft.graph.compliantNetworkNamedLocation" },
        not_creatable: Some("Graph makes it when Global Secure Access signals to Conditional Access"), deletable: false,
    }],
    owned_elsewhere: None,
    delta: None,
    licence: Some(Licence::P1),
    permissions: Permissions {
        read: &["Policy.Read.All"],
        write: &["Policy.ReadWrite.ConditionalAccess"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/namedlocation",
    ..Kind::COMMON
};
