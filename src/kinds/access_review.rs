//! Describes access reviews: what is reviewed, by whom and how often. The results of a review are history, not configuration.
//! <https://learn.microsoft.com/graph/api/resources/accessreviewscheduledefinition>

use crate::model::kind::*;

/// Definition of an access review. It is replaced as a whole with PUT.
pub const KIND: Kind = Kind {
    name: "accessReview",
    entity: "accessReviewScheduleDefinition",
    title: "access reviews",
    folder: "governance/access-reviews",
    schema: include_str!("../../schemas/governance/access-review.schema.json"),
    path: "/identityGovernance/accessReviews/definitions",
    // Microsoft's page says: "A PUT request expects the full object":
    // <https://learn.microsoft.com/graph/api/accessreviewscheduledefinition-update>
    update: Updates::Replace,
    licence: Some(Licence::P2),
    permissions: Permissions { read: &["AccessReview.Read.All"], write: &["AccessReview.ReadWrite.All"] },
    docs: "https://learn.microsoft.com/graph/api/resources/accessreviewscheduledefinition",
    ..Kind::COMMON
};
