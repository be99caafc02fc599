//! [`Credential`]: secrets and certificates of applications and service principals.

/// A property that lists credentials, each with a `keyId`. Graph never returns what is secret of them: one that is gone
/// cannot be restored, and one that is not wanted can be taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credential {
    /// The property, as in `passwordCredentials`.
    pub property: &'static str,
    /// What people call one of them, as in `client secret`.
    pub one: &'static str,
    /// How Graph takes one away.
    pub removal: Removal,
}

/// How Graph takes a credential away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// `POST {object}/{action}` with its `keyId`.
    Action(&'static str),
    /// PATCH of the property with those that stay, each as it was read with a null `key`. `removeKey` would need a proof
    /// of possession, signed with a certificate that only its owner has.
    /// <https://learn.microsoft.com/graph/api/application-removekey>
    Patch,
}

impl Credential {
    /// Client secrets. <https://learn.microsoft.com/graph/api/application-removepassword>,
    /// <https://learn.microsoft.com/graph/api/serviceprincipal-removepassword>
    pub const PASSWORDS: Credential = Credential {
        property: "passwordCredentials",
        one: "client secret",
        removal: Removal::Action("removePassword"),
    };

    /// Certificates.
    pub const KEYS: Credential = Credential { property: "keyCredentials", one: "certificate", removal: Removal::Patch };
}
