//! Token issuance policies: how SAML tokens are signed.
//! <https://learn.microsoft.com/graph/api/resources/tokenissuancepolicy>

use crate::model::kind::*;

/// One of the token issuance policies.
pub const KIND: Kind = Kind {
    name: "tokenIssuancePolicy",
    entity: "tokenIssuancePolicy",
    title: "token issuance policies",
    folder: "policies/token-issuance",
    schema: include_str!("../../schemas/policies/token-issuance-policy.schema.json"),
    path: "/policies/tokenIssuancePolicies",
    // Read here, written at what it applies to:
    // <https://learn.microsoft.com/graph/api/application-post-tokenissuancepolicies>
    links: &[Link { name: "appliesTo", ends: &[End { kind: "application", relation: "tokenIssuancePolicies" }], ..Link::COMMON }],
    permissions: Permissions { read: &["Policy.Read.All"], write: &["Policy.ReadWrite.ApplicationConfiguration"] },
    docs: "https://learn.microsoft.com/graph/api/resources/tokenissuancepolicy",
    ..Kind::COMMON
};
