//! Describes authentication contexts, by which applications, roles and labels demand Conditional Access; their names are `c1` to
//! `c99`. <https://learn.microsoft.com/graph/api/resources/authenticationcontextclassreference>

use crate::model::kind::*;

/// Authentication context. Its id is chosen at creation.
pub const KIND: Kind = Kind {
    name: "authenticationContextClassReference",
    entity: "authenticationContextClassReference",
    title: "authentication contexts",
    folder: "conditional-access/authentication-contexts",
    schema: include_str!("../../schemas/conditional-access/authentication-context.schema.json"),
    path: "/identity/conditionalAccess/authenticationContextClassReferences",
    // <https://learn.microsoft.com/graph/api/authenticationcontextclassreference-update>
    creation: Creation::AtId(Verb::Patch),
    // Only a context that is not published can be deleted:
    // <https://learn.microsoft.com/graph/api/authenticationcontextclassreference-delete>
    deletion: Deletion::Hard,
    licence: Some(Licence::P1),
    permissions: Permissions {
        read: &["AuthenticationContext.Read.All"],
        write: &["AuthenticationContext.ReadWrite.All"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/authenticationcontextclassreference",
    ..Kind::COMMON
};
