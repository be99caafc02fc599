//! Describes home realm discovery policies: they define where people are sent to sign in.
//! <https://learn.microsoft.com/graph/api/resources/homerealmdiscoverypolicy>

use crate::model::kind::*;

/// Home realm discovery policy.
pub const KIND: Kind = Kind {
    name: "homeRealmDiscoveryPolicy",
    entity: "homeRealmDiscoveryPolicy",
    title: "home realm discovery policies",
    folder: "policies/home-realm-discovery",
    schema: include_str!("../../schemas/policies/home-realm-discovery-policy.schema.json"),
    path: "/policies/homeRealmDiscoveryPolicies",
    // The link is read here and written at its target:
    // <https://learn.microsoft.com/graph/api/serviceprincipal-post-homerealmdiscoverypolicies>
    links: &[Link { name: "appliesTo", ends: &[End { kind: "servicePrincipal", relation: "homeRealmDiscoveryPolicies" }], ..Link::COMMON }],
    permissions: Permissions { read: &["Policy.Read.All"], write: &["Policy.ReadWrite.ApplicationConfiguration"] },
    docs: "https://learn.microsoft.com/graph/api/resources/homerealmdiscoverypolicy",
    ..Kind::COMMON
};
