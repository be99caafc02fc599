//! Describes applications (app registrations), with owners, federated identity credentials and the directory extensions that they
//! define. <https://learn.microsoft.com/graph/api/resources/application>

use crate::model::kind::*;

/// Application. Its secrets cannot be read; their ids and dates are kept for information.
pub const KIND: Kind = Kind {
    name: "application",
    entity: "application",
    title: "applications",
    folder: "applications",
    schema: include_str!("../../schemas/directory/application.schema.json"),
    api: Api::V1,
    path: "/applications",
    shape: Shape::Collection,
    naming: Naming::Slug,
    natural: &["displayName"],
    about: &[],
    filter: None,
    page_size: Some(999),
    select: Select::Default,
    creation: Creation::Post { accepts: Accepts::All, generates: &[], note: None },
    update: Updates::All,
    deletion: Deletion::Soft {
        list: "/directory/deletedItems/microsoft.graph.application",
        item: "/directory/deletedItems",
    },
    links: &[
        Link {
            name: "owners",
            shape: LinkShape::References,
            read: LinkRead::Each,
            absent: None,
            permissions: None,
            ..Link::COMMON
        },
        Link {
            name: "federatedIdentityCredentials",
            // The `name` is immutable and unique in the application:
            // <https://learn.microsoft.com/graph/api/resources/federatedidentitycredential>
            shape: LinkShape::Children(Children {
                key: &["name"],
                create: Some("/applications/{parent}/federatedIdentityCredentials"),
                item: "/applications/{parent}/federatedIdentityCredentials/{child}",
                update: Updates::All,
                delete: true,
                owner: None,
                keeps_id: false,
                ..Children::COMMON
            }),
            read: LinkRead::Each,
            // `claimsMatchingExpression`, which may replace the subject, is in beta only.
            // <https://learn.microsoft.com/graph/api/resources/federatedidentitycredential?view=graph-rest-beta>
            api: Some(Api::Beta),
            absent: None,
            permissions: None,
            ..Link::COMMON
        },
        Link {
            name: "extensionProperties",
            // There is no PATCH, and names are unique: <https://learn.microsoft.com/graph/api/resources/extensionproperty>
            shape: LinkShape::Children(Children {
                key: &["name"],
                create: Some("/applications/{parent}/extensionProperties"),
                item: "/applications/{parent}/extensionProperties/{child}",
                prefixed: Some("name"),
                ..Children::COMMON
            }),
            ..Link::COMMON
        },
    ],
    credentials: &[Credential::PASSWORDS, Credential::KEYS],
    borrowed: &[],
    calls: &[],
    // Graph demands sponsors, and no property shows them: <https://learn.microsoft.com/graph/api/agentidentityblueprint-post>
    variants: &[Variant {
        name: "agentIdentityBlueprint",
        title: "agent identity blueprints",
        when: Condition::Is { property: "@odata.type", value: "#microsoft.graph.agentIdentityBlueprint" },
        not_creatable: Some("a blueprint is made with its sponsors, which are not exported"), deletable: false,
    }],
    owned_elsewhere: None,
    delta: Some("/applications/delta"),
    permissions: Permissions { read: &["Application.Read.All"], write: &["Application.ReadWrite.All"] },
    docs: "https://learn.microsoft.com/graph/api/resources/application",
    ..Kind::COMMON
};
