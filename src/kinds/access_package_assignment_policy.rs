//! Describes assignment policies: they define who may request an access package, who approves, and for how long.
//! <https://learn.microsoft.com/graph/api/resources/accesspackageassignmentpolicy>

use crate::model::kind::*;

/// Assignment policy of an access package. It is replaced as a whole with PUT.
pub const KIND: Kind = Kind {
    name: "accessPackageAssignmentPolicy",
    entity: "accessPackageAssignmentPolicy",
    title: "assignment policies",
    folder: "governance/assignment-policies",
    schema: include_str!("../../schemas/governance/access-package-assignment-policy.schema.json"),
    path: "/identityGovernance/entitlementManagement/assignmentPolicies",
    // <https://learn.microsoft.com/graph/api/accesspackageassignmentpolicy-update>
    update: Updates::Replace,
    // <https://learn.microsoft.com/graph/api/entitlementmanagement-list-assignmentpolicies>,
    // <https://learn.microsoft.com/graph/api/accesspackageassignmentpolicy-get>, example 2. PUT takes them along: what it does not
    // name is removed.
    expand: &[
        "accessPackage($select=id)",
        "questions",
        "customExtensionStageSettings($expand=customExtension($select=id))",
    ],
    licence: Some(Licence::P2),
    permissions: Permissions {
        read: &["EntitlementManagement.Read.All"],
        write: &["EntitlementManagement.ReadWrite.All"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/accesspackageassignmentpolicy",
    ..Kind::COMMON
};
