//! Describes authentication strengths. Microsoft's own (`policyType: builtIn`) can be read only.
//! <https://learn.microsoft.com/graph/api/resources/authenticationstrengthpolicy>

use crate::model::kind::*;

/// Authentication strength.
pub const KIND: Kind = Kind {
    name: "authenticationStrengthPolicy",
    entity: "authenticationStrengthPolicy",
    title: "authentication strengths",
    folder: "conditional-access/authentication-strengths",
    schema: include_str!("../../schemas/conditional-access/authentication-strength-policy.schema.json"),
    api: Api::V1,
    path: "/policies/authenticationStrengthPolicies",
    shape: Shape::Collection,
    naming: Naming::Slug,
    natural: &["displayName"],
    about: &[],
    filter: None,
    page_size: None,
    select: Select::Default,
    creation: Creation::Post { accepts: Accepts::All, generates: &[], note: None },
    update: Updates::All,
    deletion: Deletion::Hard,
    links: &[Link {
        name: "combinationConfigurations",
        // The configurations are written at the strengths' other address, the only one that Microsoft's pages on them name:
        // <https://learn.microsoft.com/graph/api/authenticationstrengthpolicy-post-combinationconfigurations>
        shape: LinkShape::Children(Children {
            key: &["@odata.type", "appliesToCombinations"],
            create: Some(
                "/identity/conditionalAccess/authenticationStrength/policies/{parent}/combinationConfigurations",
            ),
            item: "/identity/conditionalAccess/authenticationStrength/policies/{parent}/combinationConfigurations/{child}",
            update: Updates::All,
            ..Children::COMMON
        }),
        // <https://learn.microsoft.com/graph/api/authenticationstrengthroot-list-policies>
        read: LinkRead::Inline,
        ..Link::COMMON
    }],
    borrowed: &[],
    // <https://learn.microsoft.com/graph/api/authenticationstrengthpolicy-updateallowedcombinations>
    calls: &[Call { property: "allowedCombinations", action: "updateAllowedCombinations", form: CallForm::Value }],
    variants: &[Variant {
        name: "builtInAuthenticationStrength",
        title: "built-in authentication strengths",
        when: Condition::Is { property: "policyType", value: "builtIn" },
        not_creatable: Some("Microsoft provides it in every tenant"), deletable: false,
    }],
    // Microsoft's page says: "You can't update a built-in authenticationStrengthPolicy object":
    // <https://learn.microsoft.com/graph/api/resources/authenticationstrengthpolicy>
    owned_elsewhere: Some(Elsewhere {
        when: Condition::Is { property: "policyType", value: "builtIn" },
        reason: "it is built in, and Microsoft alone changes it",
    }),
    delta: None,
    licence: Some(Licence::P1),
    permissions: Permissions {
        read: &["Policy.Read.AuthenticationMethod", "Policy.Read.All"],
        write: &["Policy.ReadWrite.ConditionalAccess"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/authenticationstrengthpolicy",
    ..Kind::COMMON
};
