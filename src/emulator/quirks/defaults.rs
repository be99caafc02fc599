//! Creates the objects that every tenant has from the start: its policies and Microsoft's own authentication strengths.

use serde_json::{Value, json};

use crate::emulator::store::{Key, Properties, Row};
use crate::emulator::tenant::Tenant;
use crate::kinds;
use crate::model::Kind;

/// Lists the methods that every tenant has, with the type of their configuration.
/// <https://learn.microsoft.com/graph/api/resources/authenticationmethodspolicy>
const METHODS: &[(&str, &str)] = &[
    ("Fido2", "fido2"),
    // In beta only: <https://learn.microsoft.com/graph/api/resources/hardwareoathauthenticationmethodconfiguration>
    ("HardwareOath", "hardwareOath"),
    ("MicrosoftAuthenticator", "microsoftAuthenticator"),
    ("Sms", "sms"),
    ("TemporaryAccessPass", "temporaryAccessPass"),
    ("SoftwareOath", "softwareOath"),
    ("Voice", "voice"),
    ("Email", "email"),
    ("X509Certificate", "x509Certificate"),
];

/// Lists Microsoft's strengths: id, name, description, combinations.
/// <https://learn.microsoft.com/graph/api/authenticationstrengthroot-list-policies>
const STRENGTHS: &[(&str, &str, &str, &[&str])] = &[
    (
        "00000000-0000-0000-0000-000000000002",
        "Multifactor authentication",
        "Combinations of methods that satisfy strong authentication, such as a password + SMS",
        &[
            "windowsHelloForBusiness",
            "fido2",
            "x509CertificateMultiFactor",
            "deviceBasedPush",
            "temporaryAccessPassOneTime",
            "temporaryAccessPassMultiUse",
            "password,microsoftAuthenticatorPush",
            "password,softwareOath",
            "password,hardwareOath",
            "password,sms",
            "password,voice",
            "federatedMultiFactor",
        ],
    ),
    (
        "00000000-0000-0000-0000-000000000003",
        "Passwordless MFA",
        "Passwordless methods that satisfy strong authentication, such as Passwordless sign-in with the Microsoft Authenticator",
        &["windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor", "deviceBasedPush"],
    ),
    (
        "00000000-0000-0000-0000-000000000004",
        "Phishing-resistant MFA",
        "Phishing-resistant, Passwordless methods for the strongest authentication, such as a FIDO2 security key",
        &["windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor"],
    ),
];

/// Holds the policies of which every tenant has one, as Microsoft's pages show them before any change: kind → object.
/// <https://learn.microsoft.com/graph/api/resources/policy-overview>
const SINGLETONS: &str = include_str!("defaults.json");

/// Adds the objects that the seeds left out and every tenant has.
pub fn complete(tenant: &mut Tenant) {
    name_assignments(tenant);
    let mut singletons: Properties = serde_json::from_str(SINGLETONS).unwrap_or_default();
    for kind in kinds::ALL {
        match kind.name {
            "authorizationPolicy" if tenant.singleton(kind).is_none() => put(tenant, kind, authorization()),
            "authenticationMethodsPolicy" => methods(tenant, kind),
            "organization" => organization(tenant, kind),
            "roleDefinition" => {
                for role in super::roles::built_in() {
                    if role["id"].as_str().is_some_and(|id| tenant.store.table(kind).get(id).is_none()) {
                        put(tenant, kind, role);
                    }
                }
            }
            "entitlementManagementRoleDefinition" => {
                for role in super::entitlement::built_in() {
                    put(tenant, kind, role);
                }
            }
            "authenticationStrengthPolicy" => {
                for (id, name, description, combinations) in STRENGTHS {
                    if tenant.store.table(kind).get(id).is_none() {
                        let strength = json!({
                            "id": id, "displayName": name, "description": description, "policyType": "builtIn",
                            "requirementsSatisfied": "mfa", "allowedCombinations": combinations,
                            "createdDateTime": "2021-12-01T00:00:00Z", "modifiedDateTime": "2021-12-01T00:00:00Z",
                        });
                        put(tenant, kind, strength);
                    }
                }
            }
            name if kind.is_singleton() && tenant.singleton(kind).is_none() => {
                if let Some(policy) = singletons.remove(name) {
                    put(tenant, kind, policy);
                }
            }
            _ => {}
        }
    }
    super::role_settings::settle_all(tenant);
    super::generic::complete(tenant);
}

/// Adds to assignments the names of both of their ends.
fn name_assignments(tenant: &mut Tenant) {
    let link = "appRoleAssignedTo";
    let rows: Vec<(Key, Properties)> = tenant
        .store
        .children(link)
        .into_iter()
        .flat_map(|table| &table.live)
        .map(|(key, row)| (key.clone(), row.unpack()))
        .collect();
    for (key, mut child) in rows {
        for end in ["principal", "resource"] {
            let id = child.get(&format!("{end}Id")).and_then(Value::as_str).unwrap_or_default();
            let Some((kind, object)) = tenant.directory_object(id) else { continue };
            if end == "principal" {
                let ty = match kind.name {
                    "user" => "User",
                    "group" => "Group",
                    _ => "ServicePrincipal",
                };
                child.entry("principalType").or_insert_with(|| ty.into());
            }
            let name = object.get("displayName").cloned().unwrap_or_default();
            child.entry(format!("{end}DisplayName")).or_insert(name);
        }
        tenant.store.children_mut(link).live.insert(key, Row::pack(&child));
    }
}

fn put(tenant: &mut Tenant, kind: &Kind, value: Value) {
    if let Value::Object(properties) = value {
        tenant.store.table_mut(kind).put(kind, &properties);
    }
}

/// Replaces the seeded organizations by exactly one, with the tenant's own id.
fn organization(tenant: &mut Tenant, kind: &'static Kind) {
    let mut whole = tenant.organization();
    let id = whole.get("id").cloned().unwrap_or_default();
    let seeded: Vec<(Key, Properties)> =
        tenant.store.table(kind).live.iter().map(|(key, row)| (key.clone(), row.unpack())).collect();
    for (key, seed) in seeded {
        whole.extend(seed);
        if key != Key::of(id.as_str().unwrap_or_default()) {
            tenant.store.table_mut(kind).take(kind, &key);
        }
    }
    whole.insert("id".to_owned(), id);
    put(tenant, kind, Value::Object(whole));
}

fn methods(tenant: &mut Tenant, kind: &'static Kind) {
    if tenant.singleton(kind).is_none() {
        let policy = json!({
            "id": "authenticationMethodsPolicy",
            "displayName": "Authentication Methods Policy",
            "description": "The tenant-wide policy that controls which authentication methods are allowed in the tenant, authentication method registration requirements, and self-service password reset settings",
            "lastModifiedDateTime": "2024-01-26T10:47:26.6044384Z", "policyVersion": "1.5",
            "policyMigrationState": "migrationComplete",
            "registrationEnforcement": {"authenticationMethodsRegistrationCampaign": {
                "snoozeDurationInDays": 1,  "state": "default", "excludeTargets": [],
                "includeTargets": [{"id": "all_users", "targetType": "group", "targetedAuthenticationMethod": "microsoftAuthenticator"}],
            }},
        });
        put(tenant, kind, policy);
    }
    let Some((parent, _)) = tenant.singleton(kind) else { return };
    let link = "authenticationMethodConfigurations";
    for (id, _) in METHODS {
        let there = tenant.store.children(link).is_some_and(|table| table.live.contains_key(&Key::of(id)));
        if let (false, Some(child)) = (there, configuration(id)) {
            tenant.adopt(&parent, link, child);
        }
    }
}

/// Returns the configuration of a method before any change.
pub(super) fn configuration(id: &str) -> Option<Properties> {
    let (id, ty) = METHODS.iter().find(|(known, _)| known.eq_ignore_ascii_case(id))?;
    let mut value = json!({
        "@odata.type": format!("#microsoft.graph.{ty}AuthenticationMethodConfiguration"), "id": id, "state": "disabled",
        "excludeTargets": [], "includeTargets": [{"targetType": "group", "id": "all_users", "isRegistrationRequired": false}],
    });
    let more = match *id {
        "Fido2" => json!({
            "isSelfServiceRegistrationAllowed": true, "isAttestationEnforced": true,
            "keyRestrictions": {"isEnforced": false, "enforcementType": "block", "aaGuids": []},
        }),
        "MicrosoftAuthenticator" => json!({"isSoftwareOathEnabled": false}),
        "TemporaryAccessPass" => json!({
            "defaultLifetimeInMinutes": 60, "defaultLength": 8, "minimumLifetimeInMinutes": 60,
            "maximumLifetimeInMinutes": 480, "isUsableOnce": false,
        }),
        "Voice" => json!({"isOfficePhoneAllowed": false}),
        "Email" => json!({"allowExternalIdToUseEmailOtp": "default", "includeTargets": []}),
        _ => json!({}),
    };
    if let (Value::Object(value), Value::Object(more)) = (&mut value, more) {
        value.extend(more);
    }
    value.as_object().cloned()
}

/// Returns the default authorization policy. <https://learn.microsoft.com/graph/api/authorizationpolicy-get>
fn authorization() -> Value {
    json!({
        "id": "authorizationPolicy", "displayName": "Authorization Policy",
        "description": "Used to manage authorization related settings across the company.",
        "allowInvitesFrom": "everyone", "allowedToSignUpEmailBasedSubscriptions": true, "allowedToUseSSPR": true,
        "allowEmailVerifiedUsersToJoinOrganization": false, "blockMsolPowerShell": false,
        "guestUserRoleId": "10dae51f-b6af-4016-8d66-8c2a99b929b3",
        "defaultUserRolePermissions": {
            "allowedToCreateApps": true, "allowedToCreateSecurityGroups": true, "allowedToCreateTenants": true,
            "allowedToReadBitlockerKeysForOwnedDevice": true, "allowedToReadOtherUsers": true,
            "permissionGrantPoliciesAssigned": ["ManagePermissionGrantsForSelf.microsoft-user-default-legacy"],
        },
    })
}
