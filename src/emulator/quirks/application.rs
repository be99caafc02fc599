//! Implements the rules for applications and service principals. <https://learn.microsoft.com/graph/api/resources/application>,
//! <https://learn.microsoft.com/graph/api/resources/serviceprincipal>

use serde_json::{Value, json};

use super::checks::{conflict, invalid, lists, require};
use crate::emulator::error::Fault;
use crate::emulator::store::{Key, Properties, strings, text};
use crate::emulator::tenant::Tenant;
use crate::kinds;
use crate::model::Kind;

/// Lists Microsoft's own applications that any tenant can have a service principal of.
/// <https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in>
const FIRST_PARTY: &[(&str, &str)] = &[
    ("00000003-0000-0000-c000-000000000000", "Microsoft Graph"),
    ("00000002-0000-0000-c000-000000000000", "Windows Azure Active Directory"),
    ("00000002-0000-0ff1-ce00-000000000000", "Office 365 Exchange Online"),
    ("00000003-0000-0ff1-ce00-000000000000", "Office 365 SharePoint Online"),
    ("00000004-0000-0ff1-ce00-000000000000", "Skype for Business Online"),
    ("00000006-0000-0ff1-ce00-000000000000", "Microsoft Office 365 Portal"),
    ("00000007-0000-0000-c000-000000000000", "Dynamics CRM Online"),
    ("00000009-0000-0000-c000-000000000000", "Power BI Service"),
    ("00000012-0000-0000-c000-000000000000", "Microsoft Azure Information Protection"),
    ("04b07795-8ddb-461a-bbee-02f9e1bf7b46", "Microsoft Azure CLI"),
    ("1950a258-227b-4e31-a9cf-717495945fc2", "Microsoft Azure PowerShell"),
    ("14d82eec-204b-4c2f-b7e8-296a70dab67e", "Microsoft Graph Command Line Tools"),
    ("797f4846-ba00-4fd7-ba43-dac1f8f63013", "Windows Azure Service Management API"),
    ("c44b4083-3bb0-49c1-b47d-974e53cbdf3c", "Azure Portal"),
    ("d4ebce55-015a-49b5-a083-c84d1797ae8c", "Microsoft Intune Enrollment"),
    ("0000000a-0000-0000-c000-000000000000", "Microsoft Intune"),
    ("cc15fd57-2c6c-4117-a88c-83b1d56b4bbe", "Microsoft Teams Services"),
];

/// Returns the name of the Microsoft application `id`.
pub(super) fn first_party(id: &str) -> Option<&'static str> {
    FIRST_PARTY.iter().find(|(known, _)| known.eq_ignore_ascii_case(id)).map(|(_, name)| *name)
}

pub(super) fn create(tenant: &Tenant, object: &mut Properties) -> Result<(), Fault> {
    require(object, &["displayName"], "Application")?;
    super::credentials::make_secrets(tenant, object);
    let app_id = uuid::Uuid::new_v4().to_string();
    object.insert("appId".to_owned(), app_id.into());
    object.insert("createdDateTime".to_owned(), tenant.clock.seconds().into());
    object.insert("publisherDomain".to_owned(), tenant.domains.first().cloned().into());
    object.entry("signInAudience").or_insert_with(|| "AzureADMyOrg".into());
    for (name, value) in [
        ("api", json!({})),
        ("info", json!({})),
        ("publicClient", json!({})),
        ("spa", json!({})),
        ("web", json!({"implicitGrantSettings": {"enableAccessTokenIssuance": false, "enableIdTokenIssuance": false}})),
        ("parentalControlSettings", json!({"legalAgeGroupRule": "Allow"})),
        ("verifiedPublisher", json!({})),
    ] {
        object.entry(name).or_insert(value);
    }
    check(tenant, None, object)
}

pub(super) fn update(tenant: &Tenant, old: &Properties, new: &mut Properties) -> Result<(), Fault> {
    require(new, &["displayName"], "Application")?;
    if old.get("passwordCredentials").unwrap_or(&json!([])) != new.get("passwordCredentials").unwrap_or(&json!([])) {
        return Err(invalid("passwordCredentials", "Application"));
    }
    enabled_permissions_stay(old, new)?;
    check(tenant, Some(old), new)
}

/// Checks that the write neither removes nor changes an enabled role or scope: it must be disabled first. The page demands that
/// of a removal alone: <https://learn.microsoft.com/graph/api/application-update>. Providers that manage applications disable a
/// role before any change of it:
/// <https://github.com/manicminer/hamilton>, <https://github.com/microsoftgraph/msgraph-sdk-powershell/issues/1211>
fn enabled_permissions_stay(old: &Properties, new: &Properties) -> Result<(), Fault> {
    let is_enabled = |entry: &Value| entry.get("isEnabled") == Some(&Value::Bool(true));
    for path in ["/appRoles", "/api/oauth2PermissionScopes"] {
        let list = |object: &Properties| pointer(object, path).as_array().cloned().unwrap_or_default();
        let now = list(new);
        for entry in list(old).iter().filter(|entry| is_enabled(entry)) {
            let kept = now.iter().find(|kept| kept.get("id") == entry.get("id"));
            if !kept.is_some_and(|kept| is_same_permission(kept, entry)) {
                return Err(Fault::new(
                    400,
                    "CannotDeleteOrUpdateEnabledEntitlement",
                    "Property value cannot be deleted or updated unless it is disabled first.",
                ));
            }
        }
    }
    Ok(())
}

/// Returns true if a role or scope that is sent leaves the stored one as it is, apart from enabling or disabling it. What is not
/// sent, as the read-only origin, is no change, and neither is another order of `allowedMemberTypes`: providers keep it as a set.
/// <https://registry.terraform.io/providers/hashicorp/azuread/latest/docs/resources/application_app_role>
pub fn is_same_permission(sent: &Value, stored: &Value) -> bool {
    let sorted = |value: &Value| {
        let mut value = value.clone();
        value.as_array_mut().into_iter().for_each(|elements| elements.sort_by_key(Value::to_string));
        value
    };
    let mut sent = sent.as_object().into_iter().flatten();
    sent.all(|(name, value)| name == "isEnabled" || sorted(value) == sorted(stored.get(name).unwrap_or(&Value::Null)))
}

fn pointer(object: &Properties, path: &str) -> Value {
    Value::Object(object.clone()).pointer(path).cloned().unwrap_or_default()
}

fn check(tenant: &Tenant, old: Option<&Properties>, object: &mut Properties) -> Result<(), Fault> {
    let kind = kinds::by_name("application");
    let own = text(object, "id");
    for uri in strings(object.get("identifierUris")) {
        if old.is_some_and(|old| strings(old.get("identifierUris")).any(|known| known == uri)) {
            continue;
        }
        if !uri_allowed(tenant, text(object, "appId"), uri) {
            return Err(Fault::bad(format!(
                "Values of identifierUris property must use a verified domain of the organization or its subdomain: '{uri}'"
            )));
        }
        let holder = kind.and_then(|kind| tenant.store.table(kind).holder("identifierUris", uri));
        if holder.is_some_and(|key| &*key.id != own) {
            return Err(conflict("identifierUris"));
        }
    }
    for path in ["/appRoles", "/api/oauth2PermissionScopes"] {
        let list = pointer(object, path);
        let mut seen = std::collections::BTreeSet::new();
        for entry in list.as_array().into_iter().flatten() {
            let id = entry.get("id").and_then(Value::as_str).unwrap_or_default();
            if !crate::emulator::store::is_guid(id) || !seen.insert(id.to_lowercase()) {
                return Err(invalid(path.rsplit('/').next().unwrap_or(path), "Application"));
            }
        }
    }
    pre_authorized(old, object)?;
    key_credentials(old, object)
}

/// Checks that the scopes which a pre-authorized client names by id are stored already: in the same write they are not found.
/// Providers write them in two:
/// <https://github.com/hashicorp/terraform-provider-azuread/blob/main/internal/services/applications/application_pre_authorized_resource.go>
fn pre_authorized(old: Option<&Properties>, object: &Properties) -> Result<(), Fault> {
    let none = Properties::new();
    let ids = |object: &Properties| -> Vec<String> {
        let scopes = pointer(object, "/api/oauth2PermissionScopes");
        scopes.as_array().into_iter().flatten().filter_map(|scope| scope["id"].as_str()).map(str::to_owned).collect()
    };
    let (stored, now) = (ids(old.unwrap_or(&none)), ids(object));
    for client in pointer(object, "/api/preAuthorizedApplications").as_array().into_iter().flatten() {
        for id in client["delegatedPermissionIds"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !stored.iter().any(|stored| stored == id) || !now.iter().any(|now| now == id) {
                let message = format!(
                    "Property PreAuthorizedApplication references permission '{id}', which cannot be found on the application."
                );
                return Err(Fault::new(400, "InvalidPermissionReference", message));
            }
        }
    }
    Ok(())
}

/// Checks certificates: an existing one must be repeated as it is, a new one brings its key, and no reply shows a key.
/// <https://learn.microsoft.com/graph/api/resources/keycredential>, and as the providers of Terraform meet it:
/// <https://github.com/hashicorp/terraform-provider-azuread/blob/main/internal/services/applications/application_certificate_resource.go>
pub(super) fn key_credentials(old: Option<&Properties>, object: &mut Properties) -> Result<(), Fault> {
    let known = old.and_then(|old| old.get("keyCredentials")).and_then(Value::as_array).cloned().unwrap_or_default();
    for credential in object.get_mut("keyCredentials").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(credential) = credential.as_object_mut() else { continue };
        let key = credential.remove("key").filter(|key| !key.is_null());
        let before = known.iter().find(|known| credential.get("keyId").is_some_and(|id| known["keyId"] == *id));
        match (before.and_then(Value::as_object), key) {
            (Some(before), None) => {
                let differs = |(name, value): (&String, &Value)| {
                    !value.is_null() && before.get(name).is_some_and(|before| before != value)
                };
                if credential.iter().any(differs) {
                    let id = text(credential, "keyId");
                    let message = format!("Update to existing credential with KeyId '{id}' is not allowed.");
                    return Err(Fault::new(400, "KeyCredentialsInvalidUpdate", message));
                }
                *credential = before.clone();
            }
            (Some(_), Some(_)) | (None, Some(_)) => {
                credential.entry("keyId").or_insert_with(|| uuid::Uuid::new_v4().to_string().into());
            }
            (None, None) if old.is_some() => {
                return Err(Fault::bad("New key credential must have a value for property 'key'."));
            }
            (None, None) => {
                credential.entry("keyId").or_insert_with(|| uuid::Uuid::new_v4().to_string().into());
            }
        }
    }
    Ok(())
}

/// Returns true if the application may have this identifier URI.
/// <https://learn.microsoft.com/entra/identity-platform/identifier-uri-restrictions>
fn uri_allowed(tenant: &Tenant, app_id: &str, uri: &str) -> bool {
    let Some((scheme, rest)) = uri.split_once("://") else { return uri.starts_with("urn:") };
    let host = rest.split('/').next().unwrap_or_default();
    let verified = tenant
        .domains
        .iter()
        .any(|domain| host.eq_ignore_ascii_case(domain) || host.to_lowercase().ends_with(&format!(".{domain}")));
    verified
        || scheme == "api"
            && (host.eq_ignore_ascii_case(app_id)
                || host.eq_ignore_ascii_case(&tenant.id)
                || host.contains(app_id) && !app_id.is_empty())
}

/// Lists the properties that a service principal takes from its application.
/// <https://learn.microsoft.com/graph/api/resources/serviceprincipal#properties>
const OF_APPLICATION: &[&str] = &[
    "appDescription",
    "appDisplayName",
    "appOwnerOrganizationId",
    "appRoles",
    "applicationTemplateId",
    "homepage",
    "info",
    "oauth2PermissionScopes",
    "publisherName",
    "replyUrls",
    "servicePrincipalNames",
    "signInAudience",
    "verifiedPublisher",
];

/// Keeps the application of a purged service principal available: it may be registered in another tenant.
pub(super) fn purge_principal(tenant: &mut Tenant, object: &Properties) {
    let app_id = text(object, "appId").to_owned();
    let own =
        kinds::by_name("application").is_some_and(|kind| tenant.store.table(kind).holder("appId", &app_id).is_some());
    let here = text(object, "appOwnerOrganizationId") == tenant.id;
    if !own && !here && !app_id.is_empty() {
        tenant.foreign.insert(app_id, object.clone());
    }
}

/// Checks and completes a new service principal. <https://learn.microsoft.com/graph/api/serviceprincipal-post-serviceprincipals>
pub(super) fn create_principal(tenant: &Tenant, object: &mut Properties) -> Result<(), Fault> {
    require(object, &["appId"], "ServicePrincipal")?;
    let app_id = text(object, "appId").to_owned();
    let (Some(applications), Some(principals)) = (kinds::by_name("application"), kinds::by_name("servicePrincipal"))
    else {
        return Ok(());
    };
    if tenant.store.table(principals).holder("appId", &app_id).is_some() {
        return Err(Fault::new(
            409,
            "Request_MultipleObjectsWithSameKeyValue",
            format!(
                "The service principal cannot be created, updated, or restored because the service principal name {app_id} is already in use."
            ),
        ));
    }
    let applications = tenant.store.table(applications);
    let application = applications.holder("appId", &app_id).and_then(|key| applications.get(&key.id));
    let known = known_elsewhere(tenant, principals, &app_id);
    match (&application, first_party(&app_id)) {
        (Some(application), _) => {
            object.entry("displayName").or_insert_with(|| application.get("displayName").cloned().unwrap_or_default());
            object.insert("appOwnerOrganizationId".to_owned(), tenant.id.clone().into());
            object.insert("publisherName".to_owned(), tenant.name.clone().into());
            object.insert("signInAudience".to_owned(), application.get("signInAudience").cloned().unwrap_or_default());
            // A service principal starts with the addresses of its application:
            // <https://learn.microsoft.com/graph/api/resources/serviceprincipal>
            for (name, of) in [("homepage", "homePageUrl"), ("logoutUrl", "logoutUrl")] {
                let address = application.get("web").and_then(|web| web.get(of)).filter(|address| !address.is_null());
                object.extend(address.filter(|_| !object.contains_key(name)).map(|it| (name.to_owned(), it.clone())));
            }
        }
        (None, Some(name)) => {
            object.entry("displayName").or_insert_with(|| name.into());
            object.insert("appDisplayName".to_owned(), name.into());
            object.insert("publisherName".to_owned(), "Microsoft Services".into());
            object.insert("appOwnerOrganizationId".to_owned(), "f8cdef31-a31e-4b4a-93e4-5f571e91255a".into());
            object.insert("signInAudience".to_owned(), "AzureADMultipleOrgs".into());
        }
        (None, None) if known.is_some() => {}
        (None, None) => {
            return Err(Fault::bad(format!(
                "The appId '{app_id}' of the service principal does not reference a valid application object."
            )));
        }
    }
    // These properties come from the application itself, wherever it is registered.
    // <https://learn.microsoft.com/entra/identity/enterprise-apps/create-service-principal-cross-tenant>
    if let Some(known) = known.filter(|_| application.is_none()) {
        object.entry("displayName").or_insert_with(|| known.get("displayName").cloned().unwrap_or_default());
        for name in OF_APPLICATION {
            object.extend(known.get(*name).map(|value| ((*name).to_owned(), value.clone())));
        }
    }
    let mut names: Vec<Value> =
        application.iter().flat_map(|app| strings(app.get("identifierUris"))).map(Value::from).collect();
    names.push(app_id.into());
    object.entry("servicePrincipalNames").or_insert(Value::Array(names));
    name_graph(object);
    object.insert("servicePrincipalType".to_owned(), "Application".into());
    object.entry("accountEnabled").or_insert(Value::Bool(true));
    object.insert("createdDateTime".to_owned(), tenant.clock.seconds().into());
    object.entry("appRoleAssignmentRequired").or_insert(Value::Bool(false));
    Ok(())
}

/// Returns the service principal that an application of another tenant had here before: purged, or in the recycle bin.
fn known_elsewhere(tenant: &Tenant, principals: &Kind, app_id: &str) -> Option<Properties> {
    let deleted = || tenant.store.table(principals).bin.values().map(super::super::store::Row::unpack);
    let foreign = tenant.foreign.get(app_id).cloned();
    foreign.or_else(|| deleted().find(|principal| text(principal, "appId").eq_ignore_ascii_case(app_id)))
}

/// Adds to Microsoft Graph the address by which programs find it.
/// <https://learn.microsoft.com/graph/api/resources/serviceprincipal>, `servicePrincipalNames`
pub(super) fn name_graph(object: &mut Properties) {
    if text(object, "appId") == FIRST_PARTY[0].0 && !lists(object, "servicePrincipalNames", GRAPH_ADDRESS) {
        let names = object.entry("servicePrincipalNames").or_insert_with(|| json!([]));
        names.as_array_mut().into_iter().for_each(|names| names.push(GRAPH_ADDRESS.into()));
    }
}

const GRAPH_ADDRESS: &str = "https://graph.microsoft.com";

/// Refuses to delete a managed identity, which is deleted with its Azure resource.
/// <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/overview>
pub(super) fn delete_principal(object: &Properties) -> Result<(), Fault> {
    match text(object, "servicePrincipalType") {
        "ManagedIdentity" => Err(Fault::denied()),
        _ => Ok(()),
    }
}

/// Adds the properties that a service principal shows of the application in its own tenant.
pub(super) fn mirror(tenant: &Tenant, object: &mut Properties) {
    let Some(kind) = kinds::by_name("application") else { return };
    let table = tenant.store.table(kind);
    let Some(application) = table.holder("appId", text(object, "appId")).and_then(|key| table.get(&key.id)) else {
        return;
    };
    let copies = [
        ("appDisplayName", "/displayName"),
        ("appDescription", "/description"),
        ("appRoles", "/appRoles"),
        ("oauth2PermissionScopes", "/api/oauth2PermissionScopes"),
        ("signInAudience", "/signInAudience"),
        ("verifiedPublisher", "/verifiedPublisher"),
        ("info", "/info"),
        ("applicationTemplateId", "/applicationTemplateId"),
    ];
    let application = Value::Object(application);
    for (name, path) in copies {
        match application.pointer(path) {
            Some(value) => object.insert(name.to_owned(), value.clone()),
            None => object.remove(name),
        };
    }
}

/// Returns the service principals that are deleted with an application. "When an application is deleted, its service principal in
/// the same tenant is deleted too." <https://learn.microsoft.com/entra/identity/enterprise-apps/recover-deleted-apps-faq>
pub(super) fn home_principals(tenant: &Tenant, object: &Properties) -> Vec<(&'static Kind, Key)> {
    let Some(kind) = kinds::by_name("servicePrincipal") else { return Vec::new() };
    let table = tenant.store.table(kind);
    table.holder("appId", text(object, "appId")).map(|key| (kind, key.clone())).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::is_same_permission;

    #[test]
    fn a_permission_is_the_same_in_any_order_and_without_what_graph_sets() {
        let stored = json!({"id": "a", "value": "Read", "isEnabled": true, "origin": "Application",
            "allowedMemberTypes": ["User", "Application"]});
        for (sent, same) in [
            (json!({"id": "a", "value": "Read", "allowedMemberTypes": ["Application", "User"]}), true),
            (json!({"id": "a", "isEnabled": false}), true),
            (json!({"id": "a", "value": "Write"}), false),
            (json!({"id": "a", "allowedMemberTypes": ["User"]}), false),
        ] {
            assert_eq!(is_same_permission(&sent, &stored), same, "{sent}");
        }
    }
}
