//! Claims mapping policies: what tokens say of people.
//! <https://learn.microsoft.com/graph/api/resources/claimsmappingpolicy>

use crate::model::kind::*;

/// One of the claims mapping policies.
pub const KIND: Kind = Kind {
    name: "claimsMappingPolicy",
    entity: "claimsMappingPolicy",
    title: "claims mapping policies",
    folder: "policies/claims-mapping",
    schema: include_str!("../../schemas/policies/claims-mapping-policy.schema.json"),
    path: "/policies/claimsMappingPolicies",
    permissions: Permissions { read: &["Policy.Read.All"], write: &["Policy.ReadWrite.ApplicationConfiguration"] },
    docs: "https://learn.microsoft.com/graph/api/resources/claimsmappingpolicy",
    ..Kind::COMMON
};
