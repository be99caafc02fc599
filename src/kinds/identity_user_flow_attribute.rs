//! Describes user flow attributes, for which people can be asked when they sign up.
//! <https://learn.microsoft.com/graph/api/resources/identityuserflowattribute>

use crate::model::kind::*;

/// User flow attribute. Microsoft's own can be used but not changed.
pub const KIND: Kind = Kind {
    name: "identityUserFlowAttribute",
    entity: "identityUserFlowAttribute",
    title: "user flow attributes",
    folder: "external-identities/user-flow-attributes",
    schema: include_str!("../../schemas/external-identities/identity-user-flow-attribute.schema.json"),
    path: "/identity/userFlowAttributes",
    // Microsoft's page says: "Only the description property can be updated":
    // <https://learn.microsoft.com/graph/api/identityuserflowattribute-update>
    update: Updates::Only(&["description"]),
    variants: &[Variant {
        name: "builtInUserFlowAttribute",
        title: "built-in user flow attributes",
        when: Condition::Is { property: "userFlowAttributeType", value: "builtIn" },
        not_creatable: Some("Microsoft provides it in every tenant"), deletable: false,
    }],
    owned_elsewhere: Some(Elsewhere {
        when: Condition::Is { property: "userFlowAttributeType", value: "builtIn" },
        reason: "it is built in, and Microsoft alone changes it",
    }),
    permissions: Permissions { read: &["IdentityUserFlow.Read.All"], write: &["IdentityUserFlow.ReadWrite.All"] },
    docs: "https://learn.microsoft.com/graph/api/resources/identityuserflowattribute",
    ..Kind::COMMON
};
