//! Describes claims mapping policies: they define which facts on people tokens contain.
//! <https://learn.microsoft.com/graph/api/resources/claimsmappingpolicy>

use crate::model::kind::*;

/// Claims mapping policy.
pub const KIND: Kind = Kind {
    name: "claimsMappingPolicy",
    entity: "claimsMappingPolicy",
    title: "claims mapping policies",
    folder: "policies/claims-mapping",
    schema: include_str!("../../schemas/policies/claims-mapping-policy.schema.json"),
    path: "/policies/claimsMappingPolicies",
    // The link is read here and written at its target; a service principal has one such policy at most.
    // <https://learn.microsoft.com/graph/api/serviceprincipal-post-claimsmappingpolicies>
    links: &[Link {
        name: "appliesTo",
        ends: &[End { kind: "servicePrincipal", relation: "claimsMappingPolicies" }],
        exclusive: true,
        ..Link::COMMON
    }],
    permissions: Permissions { read: &["Policy.Read.All"], write: &["Policy.ReadWrite.ApplicationConfiguration"] },
    docs: "https://learn.microsoft.com/graph/api/resources/claimsmappingpolicy",
    ..Kind::COMMON
};
