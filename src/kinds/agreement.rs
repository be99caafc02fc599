//! Describes terms of use that people must accept before they get access.
//! <https://learn.microsoft.com/graph/api/resources/agreement>

use crate::model::kind::*;

/// Terms of use. The documents themselves are not exported.
pub const KIND: Kind = Kind {
    name: "agreement",
    entity: "agreement",
    title: "terms of use",
    folder: "conditional-access/terms-of-use",
    schema: include_str!("../../schemas/conditional-access/agreement.schema.json"),
    path: "/identityGovernance/termsOfUse/agreements",
    // `files` is required: <https://learn.microsoft.com/graph/api/termsofusecontainer-post-agreements>
    creation: Creation::Never { reason: "Graph wants the document itself, which is not exported" },
    // <https://learn.microsoft.com/graph/api/agreement-update>
    update: Updates::Only(&["displayName", "isViewingBeforeAcceptanceRequired"]),
    // Microsoft's page says "Application: Not supported":
    // <https://learn.microsoft.com/graph/api/termsofusecontainer-list-agreements>
    readers: Readers::PeopleOnly,
    licence: Some(Licence::P1),
    permissions: Permissions { read: &["Agreement.Read.All"], write: &["Agreement.ReadWrite.All"] },
    docs: "https://learn.microsoft.com/graph/api/resources/agreement",
    ..Kind::COMMON
};
