//! Administrative units: users, groups and devices that somebody administers apart. Who administers one is a role assignment
//! whose `directoryScopeId` names the unit; `scopedRoleMembers` shows the same once more and is left out.
//! <https://learn.microsoft.com/graph/api/resources/administrativeunit>

use crate::model::kind::*;

/// An administrative unit with its members.
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
        ..Link::COMMON
    }],
    licence: Some(Licence::P1),
    permissions: Permissions { read: &["AdministrativeUnit.Read.All"], write: &["AdministrativeUnit.ReadWrite.All"] },
    docs: "https://learn.microsoft.com/graph/api/resources/administrativeunit",
    ..Kind::COMMON
};
