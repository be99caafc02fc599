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
    permissions: Permissions { read: &["Policy.Read.All"], write: &["Policy.ReadWrite.ApplicationConfiguration"] },
    docs: "https://learn.microsoft.com/graph/api/resources/tokenlifetimepolicy",
    ..Kind::COMMON
};
