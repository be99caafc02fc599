//! Home realm discovery policies: where people are sent to sign in.
//! <https://learn.microsoft.com/graph/api/resources/homerealmdiscoverypolicy>

use crate::model::kind::*;

/// One of the home realm discovery policies.
pub const KIND: Kind = Kind {
    name: "homeRealmDiscoveryPolicy",
    entity: "homeRealmDiscoveryPolicy",
    title: "home realm discovery policies",
    folder: "policies/home-realm-discovery",
    schema: include_str!("../../schemas/policies/home-realm-discovery-policy.schema.json"),
    path: "/policies/homeRealmDiscoveryPolicies",
    // Read here, written at what it applies to:
    // <https://learn.microsoft.com/graph/api/serviceprincipal-post-homerealmdiscoverypolicies>
    links: &[Link { name: "appliesTo", ends: &[End { kind: "servicePrincipal", relation: "homeRealmDiscoveryPolicies" }], ..Link::COMMON }],
    permissions: Permissions { read: &["Policy.Read.All"], write: &["Policy.ReadWrite.ApplicationConfiguration"] },
    docs: "https://learn.microsoft.com/graph/api/resources/homerealmdiscoverypolicy",
    ..Kind::COMMON
};
