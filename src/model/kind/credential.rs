//! [`Credential`]: secrets and certificates of applications and service principals.

/// Describes a property that lists credentials, each with a `keyId`. Graph never returns their secrets, so that a plan can remove
/// a credential and cannot restore one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credential {
    /// Name of the property, as in `passwordCredentials`.
    pub property: &'static str,
    /// Noun for one credential, as in `client secret`.
    pub one: &'static str,
    /// Request that removes a credential.
    pub removal: Removal,
}

/// Lists the requests by which Graph removes a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// `POST {object}/{action}` with the credential's `keyId`.
    Action(&'static str),
    /// PATCH of the property with the credentials that remain, each as Graph returned it: with `key: null`. The action
    /// `removeKey` is not used, since it needs a proof of possession that only the owner of a certificate can sign.
    /// <https://learn.microsoft.com/graph/api/application-removekey>
    Patch,
}

impl Credential {
    /// Describes client secrets. <https://learn.microsoft.com/graph/api/application-removepassword>,
    /// <https://learn.microsoft.com/graph/api/serviceprincipal-removepassword>
    pub const PASSWORDS: Credential = Credential {
        property: "passwordCredentials",
        one: "client secret",
        removal: Removal::Action("removePassword"),
    };

    /// Describes certificates.
    pub const KEYS: Credential = Credential { property: "keyCredentials", one: "certificate", removal: Removal::Patch };
}
