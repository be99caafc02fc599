//! Describes the authorization policy: it defines what users and guests may do by default.
//! <https://learn.microsoft.com/graph/api/resources/authorizationpolicy>

use crate::model::kind::*;

/// Authorization policy of the tenant.
pub const KIND: Kind = Kind {
    name: "authorizationPolicy",
    entity: "authorizationPolicy",
    title: "authorization policy",
    folder: "policies/authorization-policy",
    schema: include_str!("../../schemas/policies/authorization-policy.schema.json"),
    api: Api::V1,
    path: "/policies/authorizationPolicy",
    shape: Shape::Singleton,
    naming: Naming::Fixed,
    natural: &[],
    about: &[],
    filter: None,
    page_size: None,
    select: Select::Default,
    creation: Creation::Never { reason: "every tenant has one" },
    update: Updates::All,
    deletion: Deletion::Never,
    links: &[],
    borrowed: &[],
    calls: &[],
    variants: &[],
    owned_elsewhere: None,
    delta: None,
    permissions: Permissions {
        read: &["Policy.Read.All"],
        write: &["Policy.ReadWrite.Authorization"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/authorizationpolicy",
    ..Kind::COMMON
};
