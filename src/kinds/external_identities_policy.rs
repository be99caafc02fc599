//! Describes the external identities policy: it defines whether guests may leave by themselves. It is in beta only.
//! <https://learn.microsoft.com/graph/api/resources/externalidentitiespolicy>

use crate::model::kind::*;

/// External identities policy of the tenant.
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
