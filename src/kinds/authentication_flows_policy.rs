//! Describes the authentication flows policy: it defines whether guests may sign themselves up.
//! <https://learn.microsoft.com/graph/api/resources/authenticationflowspolicy>

use crate::model::kind::*;

/// Authentication flows policy of the tenant.
pub const KIND: Kind = Kind {
    name: "authenticationFlowsPolicy",
    entity: "authenticationFlowsPolicy",
    title: "authentication flows policy",
    folder: "policies/authentication-flows-policy",
    schema: include_str!("../../schemas/policies/authentication-flows-policy.schema.json"),
    path: "/policies/authenticationFlowsPolicy",
    shape: Shape::Singleton,
    naming: Naming::Fixed,
    natural: &[],
    creation: Creation::Never { reason: "every tenant has one" },
    deletion: Deletion::Never,
    permissions: Permissions { read: &["Policy.Read.All"], write: &["Policy.ReadWrite.AuthenticationFlows"] },
    docs: "https://learn.microsoft.com/graph/api/resources/authenticationflowspolicy",
    ..Kind::COMMON
};
