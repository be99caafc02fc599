//! Describes token issuance policies: they define how SAML tokens are signed.
//! <https://learn.microsoft.com/graph/api/resources/tokenissuancepolicy>

use crate::model::kind::*;

/// Token issuance policy.
pub const KIND: Kind = Kind {
    name: "tokenIssuancePolicy",
    entity: "tokenIssuancePolicy",
    title: "token issuance policies",
    folder: "policies/token-issuance",
    schema: include_str!("../../schemas/policies/token-issuance-policy.schema.json"),
    path: "/policies/tokenIssuancePolicies",
    // The link is read here and written at its target:
    // <https://learn.microsoft.com/graph/api/application-post-tokenissuancepolicies>
    links: &[Link { name: "appliesTo", ends: &[End { kind: "application", relation: "tokenIssuancePolicies" }], ..Link::COMMON }],
    permissions: Permissions { read: &["Policy.Read.All"], write: &["Policy.ReadWrite.ApplicationConfiguration"] },
    docs: "https://learn.microsoft.com/graph/api/resources/tokenissuancepolicy",
    ..Kind::COMMON
};
