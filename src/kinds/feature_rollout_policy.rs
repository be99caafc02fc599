//! Describes staged rollouts: groups of people with federated accounts who sign in to Entra already.
//! <https://learn.microsoft.com/graph/api/resources/featurerolloutpolicy>

use crate::model::kind::*;

/// Staged rollout of one feature.
pub const KIND: Kind = Kind {
    name: "featureRolloutPolicy",
    entity: "featureRolloutPolicy",
    title: "staged rollouts",
    folder: "policies/feature-rollout",
    schema: include_str!("../../schemas/policies/feature-rollout-policy.schema.json"),
    path: "/policies/featureRolloutPolicies",
    links: &[Link { name: "appliesTo", ..Link::COMMON }],
    // Microsoft's page says "Application: Not supported": <https://learn.microsoft.com/graph/api/featurerolloutpolicies-list>
    readers: Readers::PeopleOnly,
    permissions: Permissions { read: &["Policy.Read.All"], write: &["Directory.ReadWrite.All"] },
    docs: "https://learn.microsoft.com/graph/api/resources/featurerolloutpolicy",
    ..Kind::COMMON
};
