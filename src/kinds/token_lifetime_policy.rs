//! Describes token lifetime policies: they define how long tokens are valid.
//! <https://learn.microsoft.com/graph/api/resources/tokenlifetimepolicy>

use crate::model::kind::*;

/// Token lifetime policy.
pub const KIND: Kind = Kind {
    name: "tokenLifetimePolicy",
    entity: "tokenLifetimePolicy",
    title: "token lifetime policies",
    folder: "policies/token-lifetime",
    schema: include_str!("../../schemas/policies/token-lifetime-policy.schema.json"),
    path: "/policies/tokenLifetimePolicies",
    // The link is read here and written at its target:
    // <https://learn.microsoft.com/graph/api/application-post-tokenlifetimepolicies>
    links: &[Link { name: "appliesTo", ends: &[End { kind: "application", relation: "tokenLifetimePolicies" }, End { kind: "servicePrincipal", relation: "tokenLifetimePolicies" }], ..Link::COMMON }],
    permissions: Permissions { read: &["Policy.Read.All"], write: &["Policy.ReadWrite.ApplicationConfiguration"] },
    docs: "https://learn.microsoft.com/graph/api/resources/tokenlifetimepolicy",
    ..Kind::COMMON
};
