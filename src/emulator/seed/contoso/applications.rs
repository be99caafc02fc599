//! Defines Contoso's own applications.

use serde_json::{Value, json};

use super::first_party::{self, GRAPH};
use super::names::{DOMAIN, INITIAL_DOMAIN};
use super::people::{Person, by_alias};
use super::software::{ALL, App, Platform};
use crate::emulator::seed::SeedObject;
use crate::emulator::seed::value::{id, merge, object, seconds, strings};

/// Returns the applications that the tenant starts with.
pub(super) fn objects(people: &[Person]) -> Vec<SeedObject> {
    ALL.iter()
        .map(|app| {
            let owners =
                strings(app.owners.iter().filter_map(|owner| by_alias(people, owner)).map(|owner| owner.id.clone()));
            let links = [
                ("owners", owners),
                ("federatedIdentityCredentials", pipelines(app)),
                ("extensionProperties", extensions(app)),
            ];
            object("application", value(app), links)
        })
        .collect()
}

/// Returns the `appRoles` of an application; its service principal shows the same.
pub(super) fn roles(app: &App) -> Vec<Value> {
    app.roles
        .iter()
        .map(|(value, name, members)| {
            json!({"id": role_id(app, value), "value": value, "displayName": name, "description": format!("{name} in {}.", app.name),
                "allowedMemberTypes": members, "isEnabled": true, "origin": "Application"})
        })
        .collect()
}

/// Returns the id of a role by its value.
pub(super) fn role_id(app: &App, value: &str) -> String {
    id("appRole", &format!("{}/{value}", app.label))
}

/// Returns the delegated permissions that the application's own API offers.
pub(super) fn scopes(app: &App) -> Vec<Value> {
    app.scopes
        .iter()
        .map(|(value, text)| {
            json!({"id": id("scope", &format!("{}/{value}", app.label)), "value": value, "type": "User", "isEnabled": true,
                "adminConsentDisplayName": text, "adminConsentDescription": format!("{text} in {}.", app.name),
                "userConsentDisplayName": text, "userConsentDescription": format!("{text} in {}.", app.name)})
        })
        .collect()
}

/// Returns the address of the application.
pub(super) fn home(app: &App) -> String {
    format!("https://{}.{DOMAIN}", app.label)
}

fn value(app: &App) -> Value {
    let app_id = id("appId", app.label);
    let scopes = scopes(app);
    let uris: Vec<String> = if scopes.is_empty() { Vec::new() } else { vec![format!("api://{app_id}")] };
    let mut value = json!({
        "id": id("application", app.label), "appId": app_id, "displayName": app.name, "description": app.description,
        "createdDateTime": seconds(app.label), "publisherDomain": DOMAIN, "signInAudience": "AzureADMyOrg",
        "identifierUris": uris, "appRoles": roles(app), "addIns": [], "tags": [], "keyCredentials": [],
        "passwordCredentials": secrets(app), "requiredResourceAccess": required(app),
        "api": {"requestedAccessTokenVersion": 2, "knownClientApplications": [], "oauth2PermissionScopes": scopes, "preAuthorizedApplications": []},
        "web": {"redirectUris": [], "redirectUriSettings": [], "implicitGrantSettings": {"enableAccessTokenIssuance": false, "enableIdTokenIssuance": false}},
        "spa": {"redirectUris": []}, "publicClient": {"redirectUris": []}, "info": {},
        "parentalControlSettings": {"countriesBlockedForMinors": [], "legalAgeGroupRule": "Allow"},
        "servicePrincipalLockConfiguration": {"isEnabled": true, "allProperties": true},
    });
    let home = home(app);
    match app.platform {
        Platform::Web => merge(
            &mut value,
            json!({"web": {"homePageUrl": home, "logoutUrl": format!("{home}/signout"),
            "redirectUris": [format!("{home}/signin-oidc")],
            "redirectUriSettings": [{"uri": format!("{home}/signin-oidc"), "index": null}]}}),
        ),
        Platform::Page => merge(&mut value, json!({"spa": {"redirectUris": [&home, "http://localhost:5173"]}})),
        Platform::Device => merge(
            &mut value,
            json!({"isFallbackPublicClient": true,
            "publicClient": {"redirectUris": ["http://localhost", format!("msal{app_id}://auth")]}}),
        ),
        Platform::Daemon => {}
    }
    if app.label == "order-desk" {
        merge(
            &mut value,
            json!({
                "groupMembershipClaims": "ApplicationGroup", "notes": "Orders stop when people cannot sign in here: call the duty engineer first.",
                "serviceManagementReference": "0042", "tags": ["critical", "orders"], "optionalClaims": {
                    "idToken": [{"name": "email", "source": null, "essential": false, "additionalProperties": []}],
                    "accessToken": [{"name": "groups", "source": null, "essential": false, "additionalProperties": ["dns_domain_and_sam_account_name"]}],
                    "saml2Token": []},
                "info": {"supportUrl": format!("https://wiki.{DOMAIN}/order-desk"), "privacyStatementUrl": format!("https://{DOMAIN}/privacy")},
                "api": {"preAuthorizedApplications": [{"appId": id("appId", "order-desk-mobile"),
                    "delegatedPermissionIds": [id("scope", "order-desk/Orders.Read"), id("scope", "order-desk/Orders.ReadWrite")]}]},
            }),
        );
    }
    if app.label == "old-crm" {
        merge(
            &mut value,
            json!({"isDisabled": null, "web": {"redirectUris": ["https://crm.contoso.com/auth/", format!("https://{INITIAL_DOMAIN}/crm")], "redirectUriSettings": []}}),
        );
    }
    value
}

fn required(app: &App) -> Vec<Value> {
    let delegated = app
        .asks
        .iter()
        .filter_map(|value| first_party::scope(GRAPH, value))
        .map(|id| json!({"id": id, "type": "Scope"}));
    let application = app
        .holds
        .iter()
        .filter_map(|value| first_party::role(GRAPH, value))
        .map(|id| json!({"id": id, "type": "Role"}));
    let access: Vec<Value> = delegated.chain(application).collect();
    let mut all = Vec::new();
    if !access.is_empty() {
        all.push(json!({"resourceAppId": GRAPH, "resourceAccess": access}));
    }
    if app.label == "order-desk-mobile" {
        all.push(json!({"resourceAppId": id("appId", "order-desk"), "resourceAccess": [{"id": id("scope", "order-desk/Orders.ReadWrite"), "type": "Scope"}]}));
    }
    all
}

fn secrets(app: &App) -> Vec<Value> {
    app.secrets
        .iter()
        .map(|name| {
            let label = format!("{}/{name}", app.label);
            let start = seconds(&label);
            let year: u32 = start[..4].parse().unwrap_or(2024);
            json!({"keyId": id("secret", &label), "displayName": name, "hint": id("hint", &label)[..3], "startDateTime": start,
                "endDateTime": format!("{}{}", year + 2, &start[4..]), "customKeyIdentifier": null, "secretText": null})
        })
        .collect()
}

/// Returns the directory extensions that the application defines.
fn extensions(app: &App) -> Vec<Value> {
    let all: &[(&str, &str, bool, &str)] = match app.label {
        "order-desk" => &[("costCentre", "String", false, "User"), ("regions", "String", true, "Group")],
        "hr-portal" => &[("probationEnds", "DateTime", false, "User")],
        _ => &[],
    };
    let prefix = id("appId", app.label).replace('-', "");
    all.iter()
        .map(|(name, data, many, target)| {
            json!({"id": id("extension", &format!("{}/{name}", app.label)), "appDisplayName": app.name, "dataType": data,
                "isMultiValued": many, "isSyncedFromOnPremises": false, "name": format!("extension_{prefix}_{name}"),
                "targetObjects": [target]})
        })
        .collect()
}

fn pipelines(app: &App) -> Vec<Value> {
    app.pipelines
        .iter()
        .map(|(name, issuer, subject)| {
            json!({"id": id("pipeline", &format!("{}/{name}", app.label)), "name": name, "issuer": issuer, "subject": subject,
                "description": format!("Signs in as {}.", app.name), "audiences": ["api://AzureADTokenExchange"]})
        })
        .collect()
}
