//! Describes custom authentication extensions: web services that take part in a sign-in.
//! <https://learn.microsoft.com/graph/api/resources/customauthenticationextension>

use crate::model::kind::*;

/// Custom authentication extension; `@odata.type` names the event at which it is called.
pub const KIND: Kind = Kind {
    name: "customAuthenticationExtension",
    entity: "customAuthenticationExtension",
    title: "custom authentication extensions",
    folder: "external-identities/custom-authentication-extensions",
    schema: include_str!("../../schemas/external-identities/custom-authentication-extension.schema.json"),
    path: "/identity/customAuthenticationExtensions",
    permissions: Permissions {
        read: &["CustomAuthenticationExtension.Read.All"],
        write: &["CustomAuthenticationExtension.ReadWrite.All"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/customauthenticationextension",
    ..Kind::COMMON
};
