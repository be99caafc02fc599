//! Describes custom security attributes, which can be assigned to people and applications, with the allowed values.
//! <https://learn.microsoft.com/graph/api/resources/customsecurityattributedefinition>

use crate::model::kind::*;

/// Custom security attribute. Its id consists of its set and its name, and it cannot be deleted.
pub const KIND: Kind = Kind {
    name: "customSecurityAttributeDefinition",
    entity: "customSecurityAttributeDefinition",
    title: "custom security attributes",
    folder: "attributes/definitions",
    schema: include_str!("../../schemas/attributes/custom-security-attribute-definition.schema.json"),
    path: "/directory/customSecurityAttributeDefinitions",
    naming: Naming::Id,
    natural: &["attributeSet", "name"],
    // There is no DELETE; `status` withdraws the attribute:
    // <https://learn.microsoft.com/graph/api/resources/customsecurityattributedefinition>
    deletion: Deletion::Never,
    links: &[Link {
        name: "allowedValues",
        shape: LinkShape::Children(Children {
            key: &["id"],
            create: Some("/directory/customSecurityAttributeDefinitions/{parent}/allowedValues"),
            item: "/directory/customSecurityAttributeDefinitions/{parent}/allowedValues/{child}",
            update: Updates::Only(&["isActive"]),
            delete: false,
            keeps_id: true,
            ..Children::COMMON
        }),
        ..Link::COMMON
    }],
    permissions: Permissions {
        read: &["CustomSecAttributeDefinition.Read.All"],
        write: &["CustomSecAttributeDefinition.ReadWrite.All"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/customsecurityattributedefinition",
    ..Kind::COMMON
};
