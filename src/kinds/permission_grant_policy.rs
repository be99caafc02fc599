//! Describes permission grant policies: they define which permissions people may consent to. Microsoft's own (`microsoft-…`) can
//! be read only. <https://learn.microsoft.com/graph/api/resources/permissiongrantpolicy>
//!
//! They are read and written in beta: v1.0 shows neither `certifiedClientApplicationsOnly` nor `scopeSensitivityLabels`, and a set
//! without them covers more than the set that was there.
//! <https://learn.microsoft.com/graph/api/resources/permissiongrantconditionset?view=graph-rest-beta>

use crate::model::kind::*;

/// Lists all properties of a condition set: two sets with the same values are the same set.
const SET: &[&str] = &[
    "permissionType",
    "permissionClassification",
    "resourceApplication",
    "permissions",
    "clientApplicationIds",
    "clientApplicationTenantIds",
    "clientApplicationPublisherIds",
    "clientApplicationsFromVerifiedPublisherOnly",
    "certifiedClientApplicationsOnly",
    "scopeSensitivityLabels/labelKind",
    "scopeSensitivityLabels/sensitivityLabels",
];

/// Permission grant policy. Its condition sets cannot be changed, only replaced by others.
pub const KIND: Kind = Kind {
    name: "permissionGrantPolicy",
    entity: "permissionGrantPolicy",
    title: "permission grant policies",
    folder: "policies/permission-grant",
    schema: include_str!("../../schemas/policies/permission-grant-policy.schema.json"),
    api: Api::Beta,
    path: "/policies/permissionGrantPolicies",
    links: &[
        Link {
            name: "includes",
            shape: LinkShape::Children(Children {
                key: SET,
                create: Some("/policies/permissionGrantPolicies/{parent}/includes"),
                item: "/policies/permissionGrantPolicies/{parent}/includes/{child}",
                ..Children::COMMON
            }),
            ..Link::COMMON
        },
        Link {
            name: "excludes",
            shape: LinkShape::Children(Children {
                key: SET,
                create: Some("/policies/permissionGrantPolicies/{parent}/excludes"),
                item: "/policies/permissionGrantPolicies/{parent}/excludes/{child}",
                ..Children::COMMON
            }),
            ..Link::COMMON
        },
    ],
    variants: &[Variant {
        name: "builtInPermissionGrantPolicy",
        title: "built-in permission grant policies",
        when: Condition::Starts { property: "id", value: "microsoft-" },
        not_creatable: Some("Microsoft provides it in every tenant"), deletable: false,
    }],
    owned_elsewhere: Some(Elsewhere {
        when: Condition::Starts { property: "id", value: "microsoft-" },
        reason: "it is built in, and Microsoft alone changes it",
    }),
    permissions: Permissions { read: &["Policy.Read.PermissionGrant"], write: &["Policy.ReadWrite.PermissionGrant"] },
    docs: "https://learn.microsoft.com/graph/api/resources/permissiongrantpolicy",
    ..Kind::COMMON
};
