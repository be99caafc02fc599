//! Token lifetime policies: how long tokens are valid.
//! <https://learn.microsoft.com/graph/api/resources/tokenlifetimepolicy>

use crate::model::kind::*;

/// One of the token lifetime policies.
pub const KIND: Kind = Kind {
    name: "tokenLifetimePolicy",
    entity: "tokenLifetimePolicy",
    title: "token lifetime policies",
    folder: "policies/token-lifetime",
    schema: include_str!("../../schemas/policies/token-lifetime-policy.schema.json"),
    path: "/policies/tokenLifetimePolicies",
    // Read here, written at what it applies to:
    // <https://learn.microsoft.com/graph/api/application-post-tokenlifetimepolicies>
    links: &[Link { name: "appliesTo", ends: &[End { kind: "application", relation: "tokenLifetimePolicies" }, End { kind: "servicePrincipal", relation: "tokenLifetimePolicies" }], ..Link::COMMON }],
    permissions: Permissions { read: &["Policy.Read.All"], write: &["Policy.ReadWrite.ApplicationConfiguration"] },
    docs: "https://learn.microsoft.com/graph/api/resources/tokenlifetimepolicy",
    ..Kind::COMMON
};
