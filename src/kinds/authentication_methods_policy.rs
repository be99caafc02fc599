//! Describes the authentication methods policy with the configuration of every method.
//! <https://learn.microsoft.com/graph/api/resources/authenticationmethodspolicy>
//!
//! It is read and written in beta: v1.0 shows neither the method for hardware tokens nor `systemCredentialPreferences`,
//! `reportSuspiciousActivitySettings` and `microsoftAuthenticatorPlatformSettings`.
//! <https://learn.microsoft.com/graph/api/resources/hardwareoathauthenticationmethodconfiguration?view=graph-rest-beta>

use crate::model::kind::*;

/// Authentication methods policy of the tenant. The configurations are part of its reply and are written one by one.
pub const KIND: Kind = Kind {
    name: "authenticationMethodsPolicy",
    entity: "authenticationMethodsPolicy",
    title: "authentication methods policy",
    folder: "policies/authentication-methods-policy",
    schema: include_str!("../../schemas/policies/authentication-methods-policy.schema.json"),
    api: Api::Beta,
    path: "/policies/authenticationMethodsPolicy",
    shape: Shape::Singleton,
    naming: Naming::Fixed,
    natural: &[],
    about: &[],
    filter: None,
    page_size: None,
    select: Select::Default,
    creation: Creation::Never { reason: "every tenant has one" },
    update: Updates::All,
    deletion: Deletion::Never,
    links: &[Link {
        name: "authenticationMethodConfigurations",
        shape: LinkShape::Children(Children {
            key: &["id"],
            create: None,
            item: "/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/{child}",
            update: Updates::All,
            // DELETE would reset a method to Microsoft's default, which is no state of a snapshot.
            delete: false,
            owner: None,
            keeps_id: true,
            ..Children::COMMON
        }),
        read: LinkRead::Inline,
        absent: None,
        permissions: None,
        ..Link::COMMON
    }],
    borrowed: &[],
    calls: &[],
    variants: &[],
    owned_elsewhere: None,
    delta: None,
    permissions: Permissions {
        read: &["Policy.Read.AuthenticationMethod", "Policy.Read.All"],
        write: &["Policy.ReadWrite.AuthenticationMethod"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/authenticationmethodspolicy",
    ..Kind::COMMON
};
