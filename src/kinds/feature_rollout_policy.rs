//! Staged rollout: groups of federated people who sign in at Entra already.
//! <https://learn.microsoft.com/graph/api/resources/featurerolloutpolicy>

use crate::model::kind::*;

/// The staged rollout of one feature.
pub const KIND: Kind = Kind {
    name: "featureRolloutPolicy",
    entity: "featureRolloutPolicy",
    title: "staged rollouts",
    folder: "policies/feature-rollout",
    schema: include_str!("../../schemas/policies/feature-rollout-policy.schema.json"),
    path: "/policies/featureRolloutPolicies",
    links: &[Link { name: "appliesTo", ..Link::COMMON }],
    // "Application: Not supported": <https://learn.microsoft.com/graph/api/featurerolloutpolicies-list>
    readers: Readers::PeopleOnly,
    permissions: Permissions { read: &["Policy.Read.All"], write: &["Directory.ReadWrite.All"] },
    docs: "https://learn.microsoft.com/graph/api/resources/featurerolloutpolicy",
    ..Kind::COMMON
};
