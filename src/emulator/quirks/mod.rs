//! Implements the rules that Microsoft's metadata does not state: written by hand from Microsoft's pages, each with its source.

mod application;
mod authentication;
mod certificate;
mod checks;
mod children;
mod conditional_access;
mod credentials;
mod defaults;
mod entitlement;
mod generic;
mod group;
mod location;
mod network;
mod policy_names;
mod preview;
mod protected;
mod role_requests;
mod role_scopes;
mod role_settings;
mod roles;
mod user;

use serde_json::Value;

use super::caller::Caller;
use super::csdl;
use super::error::Fault;
use super::properties;
use super::store::{Key, Properties, Row, strings, text};
use super::tenant::Tenant;
use crate::kinds;
use crate::model::Kind;
use crate::model::kind::Api;
use checks::{lists, security_identifier};

pub use application::is_same_permission;
pub use authentication::configuration;
pub use checks::{conflict, invalid};
pub use children::{check_siblings, combinations, create_child, delete_child, update_child};
pub use credentials::{add_credentials, password, without_secrets};
pub use defaults::complete;
pub use generic::{by_value, required_filter};
pub use group::{check_link, hidden_from_list};
pub use preview::{hidden, refuse_hidden};
pub use protected::{Act, check as check_protected};
pub use role_requests::check_request;
pub use role_scopes::{
    policies as policies_of, policy_assignments, policy_of, rules_of, scope_of, store as store_policies,
    unstored as unstored_policies,
};
pub use role_settings::{rename_scope_type, settle, touch as touch_policy, unsettle};
pub use roles::{assignment_id, built_in as built_in_roles};
pub use user::{rename_deleted, rename_restored};

/// Adds the properties that a seed may leave out because the directory derives them.
pub fn on_seed(kind: &Kind, object: &mut Properties) {
    if kind.name == "servicePrincipal" {
        application::name_graph(object);
    }
    if matches!(kind.name, "user" | "group") && !object.contains_key("securityIdentifier") {
        object.insert("securityIdentifier".to_owned(), security_identifier(text(object, "id")).into());
    }
}

/// Returns the id of a new object, where the service makes it from the object's properties.
pub fn made_id(kind: &Kind, object: &Properties) -> Option<String> {
    generic::made_id(kind, object)
}

/// Checks a new object beyond its types, and adds the properties that the service sets.
pub fn on_create(tenant: &Tenant, kind: &Kind, caller: &Caller, object: &mut Properties) -> Result<(), Fault> {
    if let ("application" | "servicePrincipal", Caller::App { app_id, .. }) = (kind.name, caller) {
        object.insert("createdByAppId".to_owned(), app_id.clone().into());
    }
    match kind.name {
        "user" => user::create(tenant, object),
        "group" => group::create(tenant, object),
        "application" => application::create(tenant, object),
        "servicePrincipal" => application::create_principal(tenant, object),
        "conditionalAccessPolicy" => conditional_access::write(tenant, None, object),
        "namedLocation" => location::create(tenant, object),
        "authenticationStrengthPolicy" => authentication::create_strength(tenant, object),
        "roleDefinition" => roles::create_definition(tenant, object),
        "roleAssignment" => roles::create_assignment(tenant, object),
        "entitlementManagementRoleAssignment" => entitlement::create_assignment(tenant, object),
        "certificateBasedAuthPki" => {
            object.insert("lastModifiedDateTime".to_owned(), tenant.clock.seconds().into());
            Ok(())
        }
        "groupSetting" => {
            group::name_setting(object);
            Ok(())
        }
        name if entitlement::is_dated(name) => {
            entitlement::date(tenant, None, object);
            Ok(())
        }
        _ if kind.entity.starts_with("networkaccess.") => network::create(tenant, kind, object),
        _ => Ok(()),
    }
}

/// Applies what the service does to a new object after it has answered.
pub fn after_create(kind: &Kind, object: &mut Properties) {
    if kind.name == "group" {
        group::describe(object);
    }
}

/// Checks a change, with `patch` as the client sent it and `new` as the result.
pub fn on_update(
    tenant: &Tenant,
    kind: &Kind,
    old: &Properties,
    patch: &Properties,
    new: &mut Properties,
) -> Result<(), Fault> {
    if old.get("onPremisesSyncEnabled") == Some(&Value::Bool(true)) {
        // Attributes of synced objects are mastered elsewhere: <https://learn.microsoft.com/graph/api/resources/user>.
        return Err(Fault::bad(
            "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.",
        ));
    }
    match kind.name {
        "user" => user::update(tenant, old, patch, new),
        "group" => group::update(old, patch, new),
        "application" => application::update(tenant, old, new),
        "conditionalAccessPolicy" => conditional_access::write(tenant, Some(old), new),
        "namedLocation" => location::update(tenant, old, patch, new),
        "authenticationStrengthPolicy" => authentication::update_strength(tenant, old, new),
        "authorizationPolicy" => authentication::update_authorization(new),
        "authenticationMethodsPolicy" => authentication::touch(tenant, new),
        "servicePrincipal" => application::key_credentials(Some(old), new),
        "customSecurityAttributeDefinition" => generic::update_attribute(old, new),
        "roleDefinition" => roles::update_definition(old, new),
        "certificateBasedAuthPki" => {
            new.insert("lastModifiedDateTime".to_owned(), tenant.clock.seconds().into());
            Ok(())
        }
        name if entitlement::is_dated(name) => {
            entitlement::date(tenant, Some(old), new);
            Ok(())
        }
        _ if kind.entity.starts_with("networkaccess.") => network::update(tenant, kind, new),
        _ => Ok(()),
    }
}

/// Applies the effects of a change on others.
pub fn after_update(tenant: &mut Tenant, kind: &Kind, new: &Properties) {
    if kind.name == "networkAccessConditionalAccess" {
        location::add_compliant_network(tenant, new);
    }
}

/// Checks that an object can be deleted.
pub fn on_delete(tenant: &Tenant, kind: &Kind, key: &Key, object: &Properties) -> Result<(), Fault> {
    match kind.name {
        "namedLocation" => location::delete(tenant, key, object),
        "authenticationStrengthPolicy" => authentication::delete_strength(tenant, key, object),
        "servicePrincipal" => application::delete_principal(object),
        "roleDefinition" => roles::only_custom(object),
        "accessPackageCatalog" => entitlement::delete_catalog(tenant, key),
        _ => Ok(()),
    }
}

/// Checks that a deleted object can be deleted for good before its time: "Administrative units cannot be permanently deleted by
/// using the deletedItems API". <https://learn.microsoft.com/graph/api/directory-deleteditems-delete>
pub fn on_purge_asked(kind: &Kind) -> Result<(), Fault> {
    match kind.name {
        "administrativeUnit" => Err(Fault::bad("Administrative units cannot be permanently deleted.")),
        _ => Ok(()),
    }
}

/// Applies the effects of a purged object on others.
pub fn on_purge(tenant: &mut Tenant, kind: &Kind, key: &Key) {
    if kind.name == "servicePrincipal"
        && let Some(object) = tenant.store.table(kind).bin.get(key).map(Row::unpack)
    {
        application::purge_principal(tenant, &object);
    }
}

/// Checks that a deleted object can be restored.
pub fn on_restore(tenant: &Tenant, kind: &Kind, object: &Properties) -> Result<(), Fault> {
    let table = tenant.store.table(kind);
    for name in properties::unique(kind.name) {
        for value in strings(object.get(*name)) {
            if table.holder(name, value).is_some() {
                return Err(conflict(name));
            }
        }
    }
    // A mail address belongs to one account or group of the tenant.
    let tables = ["user", "group"].into_iter().filter_map(kinds::by_name).map(|kind| tenant.store.table(kind));
    let tables: Vec<_> = tables.filter(|_| matches!(kind.name, "user" | "group")).collect();
    for address in strings(object.get("proxyAddresses")) {
        if tables.iter().any(|table| table.holder("proxyAddresses", address).is_some()) {
            return Err(conflict("proxyAddresses"));
        }
    }
    Ok(())
}

/// Gives the refusal of a body the number that the service of the object writes before it: 1007 for a property of a Conditional
/// Access policy that the schema does not have. <https://github.com/microsoftgraph/msgraph-sdk-powershell/issues/3089>
pub fn number(kind: &Kind, mut fault: Fault) -> Fault {
    if kind.name == "conditionalAccessPolicy" && fault.message.starts_with("Invalid property '") {
        fault.message.insert_str(0, "1007: ");
    }
    fault
}

/// Completes an object for a read, with properties that come from other objects.
pub fn on_read(tenant: &Tenant, kind: &Kind, key: &Key, object: &mut Properties, root: &str) {
    match kind.name {
        "servicePrincipal" => application::mirror(tenant, object),
        // Beta shows it with unset values: <https://learn.microsoft.com/graph/api/group-get?view=graph-rest-beta>
        "group" if root.ends_with("/beta") => {
            object.entry("writebackConfiguration").or_insert_with(|| serde_json::json!({}));
        }
        "conditionalAccessPolicy" => conditional_access::expand(tenant, object, root),
        "authenticationStrengthPolicy" => authentication::expand_strength(tenant, object, root),
        "authenticationMethodsPolicy" => authentication::expand_methods(tenant, key, object, root),
        "roleAssignment" => {
            object.insert("principalOrganizationId".to_owned(), tenant.id.clone().into());
        }
        _ => {}
    }
    // v1.0 leaves out what only beta has, without a word.
    if let (Api::Beta, Some(ty)) = (kind.api, csdl::v1().ty(kind.entity))
        && !root.ends_with(Api::Beta.segment())
    {
        let beta = csdl::of(Api::Beta).ty(kind.entity);
        let only_beta = |name: &str| ty.property(name).is_none() && beta.is_some_and(|ty| ty.property(name).is_some());
        object.retain(|name, _| !only_beta(name));
    }
    // Properties that are in a list of their own, or shown only with `$expand`, are left out.
    for borrowed in kind.borrowed {
        object.remove(borrowed.property);
    }
    if !kind.expand.is_empty() {
        object.retain(|name, _| !by_value(kind, name));
    }
}

/// Returns true if a read shows an object as it is stored, without properties of other objects.
pub fn stands_alone(kind: &Kind) -> bool {
    matches!(kind.name, "user" | "group" | "application")
}

/// Returns the objects that are deleted together with an object.
pub fn deleted_with(tenant: &Tenant, kind: &Kind, object: &Properties) -> Vec<(&'static Kind, Key)> {
    match kind.name {
        "application" => application::home_principals(tenant, object),
        "roleDefinition" => roles::assignments_of(tenant, text(object, "id")),
        "accessPackage" => entitlement::policies_of(tenant, text(object, "id")),
        _ => Vec::new(),
    }
}

/// Returns true if a deleted object goes to the recycle bin, where its kind has one. Cloud security groups do since 2026; groups
/// synced from on-premises and mail-enabled security groups are gone at once.
/// <https://learn.microsoft.com/entra/fundamentals/recover-from-deletions>
pub fn recyclable(kind: &Kind, object: &Properties) -> bool {
    let yes = |name: &str| object.get(name) == Some(&Value::Bool(true));
    kind.name != "group"
        || !(yes("onPremisesSyncEnabled") || yes("mailEnabled") && !lists(object, "groupTypes", "Unified"))
}

/// Returns true if the caller becomes owner of the created object.
/// <https://learn.microsoft.com/graph/api/application-post-applications>,
/// <https://learn.microsoft.com/graph/api/group-post-groups>
pub fn creator_owns(kind: &Kind, caller: &Caller) -> bool {
    match kind.name {
        "application" => true,
        // Microsoft's page says: "If the group is created in an app-only context, it is created anonymously."
        "group" => caller.is_user(),
        _ => false,
    }
}
