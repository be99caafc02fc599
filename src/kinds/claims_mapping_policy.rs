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
    // Read here, written at what it applies to:
    // <https://learn.microsoft.com/graph/api/serviceprincipal-post-claimsmappingpolicies>
    links: &[Link { name: "appliesTo", ends: &[End { kind: "servicePrincipal", relation: "claimsMappingPolicies" }], ..Link::COMMON }],
    permissions: Permissions { read: &["Policy.Read.All"], write: &["Policy.ReadWrite.ApplicationConfiguration"] },
    docs: "https://learn.microsoft.com/graph/api/resources/claimsmappingpolicy",
    ..Kind::COMMON
};
