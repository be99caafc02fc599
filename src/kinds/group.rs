//! Describes groups, with members and owners. <https://learn.microsoft.com/graph/api/resources/group>
//!
//! Members and owners are read from beta: "this API has a known issue where service principals are not listed as group
//! members in v1.0. Use this API on the beta endpoint instead" (<https://learn.microsoft.com/graph/api/group-list-members>).
//! `$expand` shows them too, but no more than 20; `ConsistencyLevel: eventual` with `$count=true` reads from an index that lags.
//! Owners are left out in the same way: <https://github.com/microsoftgraph/microsoft-graph-docs/issues/19619>.

use crate::model::kind::*;

/// Matches groups that Privileged Identity Management can govern: "any Microsoft Entra security group or any Microsoft 365 group
/// (except dynamic membership groups and groups synchronized from on-premises)"; groups of Exchange are neither.
/// <https://learn.microsoft.com/entra/id-governance/privileged-identity-management/groups-discover-groups>
pub(super) const GOVERNABLE: Condition = Condition::All(&[
    Condition::Any(&[
        Condition::Flag { property: "securityEnabled" },
        Condition::Lists { property: "groupTypes", value: "Unified" },
    ]),
    Condition::Not(&Condition::FlagUnlessListed { property: "mailEnabled", but: "groupTypes", value: "Unified" }),
    Condition::Not(&Condition::Lists { property: "groupTypes", value: "DynamicMembership" }),
    Condition::Not(&Condition::Flag { property: "onPremisesSyncEnabled" }),
]);

/// Group. `members` are left out where a rule computes them: then the rule is the property.
pub const KIND: Kind = Kind {
    name: "group",
    entity: "group",
    title: "groups",
    folder: "groups",
    schema: include_str!("../../schemas/directory/group.schema.json"),
    api: Api::V1,
    path: "/groups",
    shape: Shape::Collection,
    naming: Naming::Slug,
    natural: &["displayName"],
    about: &[],
    filter: None,
    // Microsoft's page says "default 100, maximum 999": <https://learn.microsoft.com/graph/api/group-list>
    page_size: Some(999),
    select: Select::Explicit,
    creation: Creation::Post { accepts: Accepts::All, generates: &[], note: None },
    update: Updates::All,
    // The recycle bin takes Microsoft 365 groups, and cloud security groups since 2026.
    deletion: Deletion::Soft {
        list: "/directory/deletedItems/microsoft.graph.group",
        item: "/directory/deletedItems",
    },
    links: &[
        Link {
            name: "members",
            shape: LinkShape::References,
            read: LinkRead::Each,
            api: Some(Api::Beta),
            absent: Some(Condition::Lists { property: "groupTypes", value: "DynamicMembership" }),
            // <https://learn.microsoft.com/graph/api/group-list-members>
            hidden: Some(Hidden {
                when: Condition::Is { property: "visibility", value: "HiddenMembership" },
                permission: "Member.Read.Hidden",
            }),
            permissions: Some(Permissions {
                read: &["GroupMember.Read.All"],
                write: &["GroupMember.ReadWrite.All"],
            }),
            ..Link::COMMON
        },
        Link {
            name: "owners",
            shape: LinkShape::References,
            read: LinkRead::Each,
            // Microsoft's page says: "the last owner (a user object) of the group can't be removed":
            // <https://learn.microsoft.com/graph/api/group-delete-owners>
            last: Some("user"),
            api: Some(Api::Beta),
            absent: None,
            permissions: Some(Permissions {
                read: &["GroupMember.Read.All"],
                write: &["Group.ReadWrite.All"],
            }),
            ..Link::COMMON
        },
    ],
    borrowed: &[],
    calls: &[],
    variants: &[Variant {
        name: "mailEnabledGroup",
        title: "mail-enabled groups of Exchange",
        when: Condition::FlagUnlessListed { property: "mailEnabled", but: "groupTypes", value: "Unified" },
        // These groups are read-only through Microsoft Graph: <https://learn.microsoft.com/graph/api/resources/groups-overview>.
        not_creatable: Some("distribution lists and mail-enabled security groups are made in Exchange"), deletable: false,
    }],
    // Synchronized objects are changed on-premises: <https://learn.microsoft.com/graph/api/resources/user>.
    owned_elsewhere: Some(Elsewhere {
        when: Condition::Flag { property: "onPremisesSyncEnabled" },
        reason: "it is synchronized from on-premises and is changed there",
    }),
    delta: Some("/groups/delta"),
    permissions: Permissions { read: &["Group.Read.All"], write: &["Group.ReadWrite.All"] },
    docs: "https://learn.microsoft.com/graph/api/resources/group",
    ..Kind::COMMON
};
