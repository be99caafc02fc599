//! Describes administrative units: groups of users, groups and devices that are administered separately. The administrators of a
//! unit are role assignments whose `directoryScopeId` names it; `scopedRoleMembers` repeats the same and is left out.
//! <https://learn.microsoft.com/graph/api/resources/administrativeunit>

use crate::model::kind::*;

/// Administrative unit with its members.
pub const KIND: Kind = Kind {
    name: "administrativeUnit",
    entity: "administrativeUnit",
    title: "administrative units",
    folder: "roles/administrative-units",
    schema: include_str!("../../schemas/roles/administrative-unit.schema.json"),
    path: "/directory/administrativeUnits",
    // <https://learn.microsoft.com/graph/api/directory-deleteditems-list>
    deletion: Deletion::Soft {
        list: "/directory/deletedItems/microsoft.graph.administrativeUnit",
        item: "/directory/deletedItems",
    },
    links: &[Link {
        name: "members",
        // <https://learn.microsoft.com/graph/api/administrativeunit-post-members>
        absent: Some(Condition::Is { property: "membershipType", value: "Dynamic" }),
        // <https://learn.microsoft.com/graph/api/administrativeunit-list-members>
        hidden: Some(Hidden {
                when: Condition::Is { property: "visibility", value: "HiddenMembership" },
                permission: "Member.Read.Hidden",
            }),
        ..Link::COMMON
    }],
    licence: Some(Licence::P1),
    permissions: Permissions { read: &["AdministrativeUnit.Read.All"], write: &["AdministrativeUnit.ReadWrite.All"] },
    docs: "https://learn.microsoft.com/graph/api/resources/administrativeunit",
    ..Kind::COMMON
};
