//! Describes the admin consent request policy: it names the people who may be asked for consent.
//! <https://learn.microsoft.com/graph/api/resources/adminconsentrequestpolicy>

use crate::model::kind::*;

/// Policy of the tenant on requests for consent.
pub const KIND: Kind = Kind {
    name: "adminConsentRequestPolicy",
    entity: "adminConsentRequestPolicy",
    title: "admin consent request policy",
    folder: "policies/admin-consent-request-policy",
    schema: include_str!("../../schemas/policies/admin-consent-request-policy.schema.json"),
    path: "/policies/adminConsentRequestPolicy",
    shape: Shape::Singleton,
    naming: Naming::Fixed,
    natural: &[],
    creation: Creation::Never { reason: "every tenant has one" },
    // <https://learn.microsoft.com/graph/api/adminconsentrequestpolicy-update>
    update: Updates::Replace,
    deletion: Deletion::Never,
    permissions: Permissions { read: &["Policy.Read.All"], write: &["Policy.ReadWrite.ConsentRequest"] },
    docs: "https://learn.microsoft.com/graph/api/resources/adminconsentrequestpolicy",
    ..Kind::COMMON
};
