//! Describes users: people and guests. <https://learn.microsoft.com/graph/api/resources/user>

use crate::model::kind::*;

/// User. Most properties are returned only when `$select` names them.
pub const KIND: Kind = Kind {
    name: "user",
    entity: "user",
    title: "users",
    folder: "users",
    schema: include_str!("../../schemas/directory/user.schema.json"),
    api: Api::V1,
    path: "/users",
    shape: Shape::Collection,
    naming: Naming::Id,
    natural: &["userPrincipalName"],
    about: &[],
    filter: None,
    // Microsoft's page says "default 100, maximum 999": <https://learn.microsoft.com/graph/api/user-list>
    page_size: Some(999),
    select: Select::Explicit,
    creation: Creation::Post { accepts: Accepts::All, generates: &[Generated::PasswordProfile], note: None },
    update: Updates::All,
    deletion: Deletion::Soft {
        list: "/directory/deletedItems/microsoft.graph.user",
        item: "/directory/deletedItems",
    },
    links: &[Link {
        name: "manager",
        shape: LinkShape::Reference,
        // The link is single-valued, so the limit of 20 expanded objects does not matter.
        read: LinkRead::Expand,
        absent: None,
        permissions: None,
        ..Link::COMMON
    }],
    borrowed: &[],
    calls: &[],
    // An agent's account is created with its type and without a password: <https://learn.microsoft.com/graph/api/agentuser-post>.
    // Created like a person, it could sign in.
    variants: &[Variant {
        name: "agentUser",
        title: "accounts of agents",
        when: Condition::Is { property: "@odata.type", value: "#microsoft.graph.agentUser" },
        not_creatable: Some("it is made for an agent identity, in a way of its own that is not done yet"), deletable: false,
    }, Variant {
        name: "user",
        title: "guests",
        // It is called a user all the same. A guest who signs in elsewhere has this in the name: <https://learn.microsoft.com/entra/external-id/user-properties>.
        // Created like a person, the account would be a local one with a password, and the guest could not sign in.
        when: Condition::Contains { property: "userPrincipalName", value: "#EXT#" },
        not_creatable: Some("a guest is invited anew, and `apply --adopt` then takes the new account up"), deletable: true,
    }],
    // Synchronized objects are changed on-premises: <https://learn.microsoft.com/graph/api/resources/user>.
    owned_elsewhere: Some(Elsewhere {
        when: Condition::Flag { property: "onPremisesSyncEnabled" },
        reason: "it is synchronized from on-premises and is changed there",
    }),
    delta: Some("/users/delta"),
    // People are not configuration.
    profile: Profile::Recovery,
    permissions: Permissions { read: &["User.Read.All"], write: &["User.ReadWrite.All"] },
    docs: "https://learn.microsoft.com/graph/api/resources/user",
    ..Kind::COMMON
};
