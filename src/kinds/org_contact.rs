//! Describes contacts: people outside who are in the address book. They are kept for information.
//! <https://learn.microsoft.com/graph/api/resources/orgcontact>

use crate::model::kind::*;

/// Contact. It belongs to Exchange or a directory on-premises, and is never written.
pub const KIND: Kind = Kind {
    name: "orgContact",
    entity: "orgContact",
    title: "contacts",
    folder: "contacts",
    schema: include_str!("../../schemas/directory/org-contact.schema.json"),
    path: "/contacts",
    natural: &["mail"],
    page_size: Some(999),
    creation: Creation::Never { reason: "contacts are made in Exchange or on-premises" },
    update: Updates::Nothing,
    deletion: Deletion::Never,
    delta: Some("/contacts/delta"),
    // The kind is never written, so the write permission is that for reading.
    permissions: Permissions { read: &["OrgContact.Read.All"], write: &["OrgContact.Read.All"] },
    docs: "https://learn.microsoft.com/graph/api/resources/orgcontact",
    ..Kind::COMMON
};
