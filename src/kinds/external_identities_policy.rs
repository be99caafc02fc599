//! The external identities policy: whether guests may leave by themselves. Only beta has it.
//! <https://learn.microsoft.com/graph/api/resources/externalidentitiespolicy>

use crate::model::kind::*;

/// The tenant's external identities policy.
pub const KIND: Kind = Kind {
    name: "externalIdentitiesPolicy",
    entity: "externalIdentitiesPolicy",
    title: "external identities policy",
    folder: "policies/external-identities-policy",
    schema: include_str!("../../schemas/policies/external-identities-policy.schema.json"),
    api: Api::Beta,
    path: "/policies/externalIdentitiesPolicy",
    shape: Shape::Singleton,
    naming: Naming::Fixed,
    natural: &[],
    creation: Creation::Never { reason: "every tenant has one" },
    deletion: Deletion::Never,
    permissions: Permissions { read: &["Policy.Read.All"], write: &["Policy.ReadWrite.ExternalIdentities"] },
    docs: "https://learn.microsoft.com/graph/api/resources/externalidentitiespolicy",
    ..Kind::COMMON
};
