//! Describes attribute sets, which group custom security attributes.
//! <https://learn.microsoft.com/graph/api/resources/attributeset>

use crate::model::kind::*;

/// Attribute set. Its id is its name, and it cannot be deleted.
pub const KIND: Kind = Kind {
    name: "attributeSet",
    entity: "attributeSet",
    title: "attribute sets",
    folder: "attributes/sets",
    schema: include_str!("../../schemas/attributes/attribute-set.schema.json"),
    path: "/directory/attributeSets",
    naming: Naming::Id,
    natural: &[],
    // There is no DELETE: <https://learn.microsoft.com/graph/api/resources/attributeset>
    deletion: Deletion::Never,
    permissions: Permissions {
        read: &["CustomSecAttributeDefinition.Read.All"],
        write: &["CustomSecAttributeDefinition.ReadWrite.All"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/attributeset",
    ..Kind::COMMON
};
