//! Describes user flows by which guests sign themselves up. <https://learn.microsoft.com/graph/api/resources/b2xidentityuserflow>

use crate::model::kind::*;

/// User flow. The flow itself cannot be changed, but its attributes and identity providers can.
pub const KIND: Kind = Kind {
    name: "b2xIdentityUserFlow",
    entity: "b2xIdentityUserFlow",
    title: "user flows",
    folder: "external-identities/user-flows",
    schema: include_str!("../../schemas/external-identities/user-flow.schema.json"),
    path: "/identity/b2xUserFlows",
    naming: Naming::Id,
    natural: &[],
    // An assignment is posted with the attribute, which the list of assignments leaves out:
    // <https://learn.microsoft.com/graph/api/b2xidentityuserflow-post-userattributeassignments>
    creation: Creation::Never {
        reason: "what a flow asks cannot be given to a new one as it is read: make it by hand",
    },
    update: Updates::Nothing,
    links: &[
        Link {
            name: "userAttributeAssignments",
            shape: LinkShape::Children(Children {
                key: &["id"],
                item: "/identity/b2xUserFlows/{parent}/userAttributeAssignments/{child}",
                update: Updates::All,
                keeps_id: true,
                delete: false,
                ..Children::COMMON
            }),
            ..Link::COMMON
        },
        Link {
            name: "userFlowIdentityProviders",
            to: "/identity/identityProviders",
            permissions: Some(Permissions {
                read: &["IdentityUserFlow.ReadWrite.All"],
                write: &["IdentityUserFlow.ReadWrite.All"],
            }),
            ..Link::COMMON
        },
    ],
    permissions: Permissions { read: &["IdentityUserFlow.Read.All"], write: &["IdentityUserFlow.ReadWrite.All"] },
    docs: "https://learn.microsoft.com/graph/api/resources/b2xidentityuserflow",
    ..Kind::COMMON
};
