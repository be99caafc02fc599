//! Custom security attributes: what may be said of people and applications, with the values allowed.
//! <https://learn.microsoft.com/graph/api/resources/customsecurityattributedefinition>

use crate::model::kind::*;

/// A custom security attribute. Its id is made of its set and its name, and it stays for ever.
pub const KIND: Kind = Kind {
    name: "customSecurityAttributeDefinition",
    entity: "customSecurityAttributeDefinition",
    title: "custom security attributes",
    folder: "attributes/definitions",
    schema: include_str!("../../schemas/attributes/custom-security-attribute-definition.schema.json"),
    path: "/directory/customSecurityAttributeDefinitions",
    naming: Naming::Id,
    natural: &["attributeSet", "name"],
    // There is no DELETE; `status` withdraws it: <https://learn.microsoft.com/graph/api/resources/customsecurityattributedefinition>
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
