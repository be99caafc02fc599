//! Describes identity providers that guests may come from: social ones, Apple, OpenID Connect, and those built in.
//! <https://learn.microsoft.com/graph/api/resources/identityproviderbase>

use crate::model::kind::*;

/// Identity provider; `@odata.type` names the sort.
pub const KIND: Kind = Kind {
    name: "identityProvider",
    entity: "identityProviderBase",
    title: "identity providers",
    folder: "external-identities/identity-providers",
    schema: include_str!("../../schemas/external-identities/identity-provider.schema.json"),
    path: "/identity/identityProviders",
    // `clientSecret` is required and comes back masked:
    // <https://learn.microsoft.com/graph/api/identitycontainer-post-identityproviders>
    creation: Creation::Never {
        reason: "Graph wants the provider's secret, which nobody can export: enter it by hand",
    },
    variants: &[Variant {
        name: "builtInIdentityProvider",
        title: "built-in identity providers",
        when: Condition::Is { property: "@odata.type", value: "#microsoft.graph.builtInIdentityProvider" },
        not_creatable: Some("Microsoft provides it in every tenant"), deletable: false,
    }],
    owned_elsewhere: Some(Elsewhere {
        when: Condition::Is { property: "@odata.type", value: "#microsoft.graph.builtInIdentityProvider" },
        reason: "it is built in, and Microsoft alone changes it",
    }),
    permissions: Permissions { read: &["IdentityProvider.Read.All"], write: &["IdentityProvider.ReadWrite.All"] },
    docs: "https://learn.microsoft.com/graph/api/resources/identityproviderbase",
    ..Kind::COMMON
};
