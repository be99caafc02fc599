//! Holds the registry of kinds: one file and one word per kind.
//!
//! A new kind is a schema under `schemas/`, a file here that describes how Graph serves it, one word in the list below, and a
//! documented reply as a fixture. Nothing else changes: exporter, planner, validator, embedded tenant, permission tables, help
//! and the tests read those four. Start from [`Kind::COMMON`](crate::model::Kind::COMMON) and write only the differences:
//!
//! ```text
//! pub const KIND: Kind = Kind { name: …, entity: …, title: …, folder: …, schema: …, path: …, permissions: …, docs: …,
//!     ..Kind::COMMON };
//! ```
//!
//! | Graph says | the file says |
//! |---|---|
//! | only `/beta` has it | `api: Api::Beta` |
//! | there is one per tenant | `shape: Shape::Singleton, naming: Naming::Fixed`, `creation: Creation::Never`, `deletion: Deletion::Never` |
//! | it is changed with PUT, whole | `update: Updates::Replace` |
//! | it cannot be changed: it is created anew and the old one deleted | `update: Updates::Nothing` |
//! | it can only be looked at | `update: Updates::Nothing`, `Creation::Never`, `Deletion::Never`; what differs is said, never written |
//! | it is made by PATCH or PUT at an id of one's own choice | `creation: Creation::AtId(Verb::Patch)` |
//! | POST takes the id, or what stands for it | `x-entra-create-only` on that property in the schema |
//! | its id is not called `id` | `key: "tenantId"`; files have `id` all the same |
//! | its name is not called `displayName` | `x-entra-natural-key` in the schema, `natural: &["name"]` here |
//! | the list needs `$filter`, or `$expand` for a part of the object | `filter`, `expand` |
//! | the list is answered for one group at a time | `for_each`, and `{each}` in `filter` |
//! | another list tells which object it belongs to | `borrowed` |
//! | it is read here and written by requests posted there | `requests` |
//! | PATCH refuses a property, and an action sets it | `calls` |
//! | a set of directory objects hangs on it | a [`Link`](crate::model::kind::Link); `to` where they are no directory objects |
//! | `…/appliesTo` is read here and written as `$ref` at the other end | a link with `ends` |
//! | … and a target has at most one | `exclusive` |
//! | small objects hang on it | a link with `LinkShape::Children`; `single` where there is at most one, `Updates::Replace` where PUT makes it |
//! | … and Graph puts the application's id before their name | `prefixed` |
//! | … and are added and removed by requests | `requests` of `Children` |
//! | … and name an object by an id that changes when it is added again | `finds` of `Children` |
//! | … and are a level deeper | `at: Some("branding/localizations")` |
//! | only people can read it | `readers: Readers::PeopleOnly`: skipped under an application's sign-in, and said so |
//! | it must be switched off before it is deleted | `x-entra-before-delete` in the schema |
//! | it begins and ends by itself, as an activation does | `passing`: it is not restored after its end |
//! | it is created and deleted together with an object of another kind | `twin`: it is not created where that one is |
//! | it is withdrawn, never deleted | `Deletion::Never`; the property that withdraws it is like any other |
//! | it is about people, or too much for a nightly export | `profile: Profile::Recovery`, `Profile::Everything`; what nothing can be written of is `everything` by itself |
//! | POST and PATCH want `@odata.type` | the schema lists `@odata.type` |

#![warn(clippy::disallowed_types, clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::model::{Address, Kind};

pub mod power;

macro_rules! kinds {
    ($($module:ident),* $(,)?) => {
        $(mod $module;)*
        /// Lists every kind, in the order in which people would read a tenant.
        pub const ALL: &[&Kind] = &[$(&$module::KIND),*];
    };
}

kinds! {
    user,
    group,
    application,
    service_principal,
    named_location,
    authentication_strength_policy,
    authentication_context,
    conditional_access_policy,
    authorization_policy,
    authentication_methods_policy,
    security_defaults,
    authentication_flows_policy,
    external_identities_policy,
    tenant_app_management_policy,
    claims_mapping_policy,
    token_issuance_policy,
    token_lifetime_policy,
    home_realm_discovery_policy,
    activity_based_timeout_policy,
    app_management_policy,
    identity_provider,
    identity_api_connector,
    custom_authentication_extension,
    authentication_event_listener,
    identity_user_flow_attribute,
    group_setting,
    group_lifecycle_policy,
    cross_tenant_access_policy,
    cross_tenant_access_default,
    cross_tenant_partner,
    multi_tenant_organization,
    multi_tenant_organization_member,
    organization_sync_template,
    organization_partner_template,
    group_role_settings,
    group_eligibility_schedule,
    group_assignment_schedule,
    access_package_catalog,
    access_package,
    access_package_assignment_policy,
    connected_organization,
    entitlement_management_settings,
    access_review,
    entitlement_management_role_definition,
    entitlement_management_role_assignment,
    lifecycle_workflow,
    custom_task_extension,
    lifecycle_management_settings,
    certificate_based_auth_pki,
    subscribed_sku,
    device_registration_policy,
    admin_consent_request_policy,
    permission_grant_policy,
    agreement,
    b2x_identity_user_flow,
    domain,
    feature_rollout_policy,
    on_premises_directory_synchronization,
    attribute_set,
    custom_security_attribute_definition,
    device,
    org_contact,
    organization,
    network_access_conditional_access,
    network_access_cross_tenant_access,
    filtering_policy,
    filtering_profile,
    tls_inspection_policy,
    forwarding_policy,
    forwarding_profile,
    administrative_unit,
    role_definition,
    role_assignment,
    role_eligibility_schedule,
    role_assignment_schedule,
    role_management_policy,
}

/// Returns the kind called `name` (`group`), if there is one.
pub fn by_name(name: &str) -> Option<&'static Kind> {
    static NAMES: LazyLock<BTreeMap<&str, &'static Kind>> =
        LazyLock::new(|| ALL.iter().map(|kind| (kind.name, *kind)).collect());
    NAMES.get(name).copied()
}

/// Returns the address of an object of the kind called `kind`, if there is such a kind.
pub fn address(kind: &str, id: impl Into<String>) -> Option<Address> {
    Some(Address::new(by_name(kind)?, id))
}

/// Returns the kind whose name, folder, title or whole path is `word`. Slashes around `word` and its case do not count; names of
/// variants are not compared.
pub fn by_word(word: &str) -> Option<&'static Kind> {
    let word = word.trim_matches('/');
    ALL.iter().copied().find(|kind| {
        kind.name.eq_ignore_ascii_case(word)
            || kind.folder.eq_ignore_ascii_case(word)
            || kind.title.eq_ignore_ascii_case(word)
            || kind.path.trim_start_matches('/').eq_ignore_ascii_case(word)
    })
}

/// Returns a message for a word that means no kind: it names the nearest kind, or the command that lists them.
pub fn unknown_kind_message(word: &str) -> String {
    let far = |name: &str| strsim::damerau_levenshtein(&name.to_lowercase(), &word.to_lowercase());
    let near = ALL.iter().map(|kind| (far(kind.name).min(far(kind.folder)), kind.name)).min();
    let near = near.filter(|(distance, _)| *distance <= 1 + word.len() / 3);
    let hint = near.map_or("`entragit kinds` lists them".to_owned(), |(_, name)| format!("did you mean `{name}`?"));
    format!("`{}` is no kind; {hint}", word.escape_debug())
}
