//! Describes public key infrastructures: certificate authorities whose certificates people sign in with.
//! <https://learn.microsoft.com/graph/api/resources/certificatebasedauthpki>

use crate::model::kind::*;

/// Public key infrastructure with its certificate authorities.
pub const KIND: Kind = Kind {
    name: "certificateBasedAuthPki",
    entity: "certificateBasedAuthPki",
    title: "public key infrastructures",
    folder: "organization/public-key-infrastructures",
    schema: include_str!("../../schemas/organization/public-key-infrastructure.schema.json"),
    path: "/directory/publicKeyInfrastructure/certificateBasedAuthConfigurations",
    update: Updates::Only(&["displayName"]),
    // <https://learn.microsoft.com/graph/api/directory-deleteditems-list>
    deletion: Deletion::Soft {
        list: "/directory/deletedItems/microsoft.graph.certificateBasedAuthPki",
        item: "/directory/deletedItems",
    },
    links: &[Link {
        name: "certificateAuthorities",
        // <https://learn.microsoft.com/graph/api/certificatebasedauthpki-post-certificateauthorities>
        shape: LinkShape::Children(Children {
            key: &["certificate"],
            create: Some(
                "/directory/publicKeyInfrastructure/certificateBasedAuthConfigurations/{parent}/certificateAuthorities",
            ),
            item: "/directory/publicKeyInfrastructure/certificateBasedAuthConfigurations/{parent}/certificateAuthorities/{child}",
            update: Updates::All,
            ..Children::COMMON
        }),
        ..Link::COMMON
    }],
    permissions: Permissions {
        read: &["PublicKeyInfrastructure.Read.All"],
        write: &["PublicKeyInfrastructure.ReadWrite.All"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/certificatebasedauthpki",
    ..Kind::COMMON
};
