//! Describes directory synchronization: what is synchronized from on-premises, and the protections against accidents.
//! <https://learn.microsoft.com/graph/api/resources/onpremisesdirectorysynchronization>

use crate::model::kind::*;

/// Settings of directory synchronization. Their id is the tenant's.
pub const KIND: Kind = Kind {
    name: "onPremisesDirectorySynchronization",
    entity: "onPremisesDirectorySynchronization",
    title: "directory synchronization",
    folder: "organization/directory-synchronization",
    schema: include_str!("../../schemas/organization/directory-synchronization.schema.json"),
    path: "/directory/onPremisesSynchronization",
    naming: Naming::Id,
    natural: &[],
    creation: Creation::Never { reason: "every tenant that synchronizes has one" },
    deletion: Deletion::Never,
    // Microsoft's page says "Application: Not supported":
    // <https://learn.microsoft.com/graph/api/onpremisesdirectorysynchronization-get>
    readers: Readers::PeopleOnly,
    permissions: Permissions {
        read: &["OnPremDirectorySynchronization.Read.All"],
        write: &["OnPremDirectorySynchronization.ReadWrite.All"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/onpremisesdirectorysynchronization",
    ..Kind::COMMON
};
