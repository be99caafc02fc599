//! Defines the policies of which a tenant has exactly one.

use serde_json::{Value, json};

use crate::emulator::seed::SeedObject;
use crate::emulator::seed::value::{id, merge, object};

/// Returns the authorization policy and the authentication methods policy.
pub(super) fn objects() -> Vec<SeedObject> {
    vec![
        object("authorizationPolicy", authorization(), []),
        object("authenticationMethodsPolicy", methods(), [("authenticationMethodConfigurations", configurations())]),
    ]
}

/// Returns the authorization policy. <https://learn.microsoft.com/graph/api/authorizationpolicy-get>
fn authorization() -> Value {
    json!({
        "id": "authorizationPolicy", "displayName": "Authorization Policy",
        "description": "Used to manage authorization related settings across the company.",
        "allowInvitesFrom": "adminsAndGuestInviters", "allowedToSignUpEmailBasedSubscriptions": false, "allowedToUseSSPR": true,
        "allowEmailVerifiedUsersToJoinOrganization": false, "allowUserConsentForRiskyApps": false, "blockMsolPowerShell": true,
        // This is the restricted guest: <https://learn.microsoft.com/entra/identity/users/users-restrict-guest-permissions>
        "guestUserRoleId": "2af84b1e-32c8-42b7-82bc-daa82404023b",
        "defaultUserRolePermissions": {
            "allowedToCreateApps": false, "allowedToCreateSecurityGroups": false, "allowedToCreateTenants": false,
            "allowedToReadBitlockerKeysForOwnedDevice": true, "allowedToReadOtherUsers": true,
            "permissionGrantPoliciesAssigned": ["ManagePermissionGrantsForSelf.microsoft-user-default-low"],
        },
    })
}

/// Returns the authentication methods policy. <https://learn.microsoft.com/graph/api/authenticationmethodspolicy-get>
fn methods() -> Value {
    json!({
        "id": "authenticationMethodsPolicy", "displayName": "Authentication Methods Policy",
        "description": "The tenant-wide policy that controls which authentication methods are allowed in the tenant, authentication method registration requirements, and self-service password reset settings",
        "lastModifiedDateTime": "2024-06-18T09:22:41.5530871Z", "policyVersion": "1.5", "policyMigrationState": "migrationComplete",
        "registrationEnforcement": {"authenticationMethodsRegistrationCampaign": {
            "snoozeDurationInDays": 3, "state": "enabled", "excludeTargets": [{"id": id("group", "emergency-access"), "targetType": "group"}],
            "includeTargets": [{"id": id("group", "mfa-registration"), "targetType": "group", "targetedAuthenticationMethod": "microsoftAuthenticator"}],
        }},
    })
}

/// Returns every method that version 1.0 of the metadata knows and that a tenant has from the start.
fn configurations() -> Vec<Value> {
    let everyone = || json!([{"targetType": "group", "id": "all_users", "isRegistrationRequired": false}]);
    let only =
        |label: &str| json!([{"targetType": "group", "id": id("group", label), "isRegistrationRequired": false}]);
    vec![
        configuration(
            "Fido2",
            "fido2",
            true,
            json!({
                "isAttestationEnforced": false, "isSelfServiceRegistrationAllowed": true, "includeTargets": everyone(),
                "keyRestrictions": {"isEnforced": false, "enforcementType": "block", "aaGuids": []},
            }),
        ),
        configuration(
            "MicrosoftAuthenticator",
            "microsoftAuthenticator",
            true,
            json!({
                "isSoftwareOathEnabled": true,
                "includeTargets": [{"targetType": "group", "id": "all_users", "isRegistrationRequired": false, "authenticationMode": "any"}],
                "featureSettings": {"displayAppInformationRequiredState": feature("enabled"), "displayLocationInformationRequiredState": feature("enabled")},
            }),
        ),
        configuration(
            "Sms",
            "sms",
            true,
            json!({
                "includeTargets": [{"targetType": "group", "id": id("group", "dept-logistics"), "isRegistrationRequired": false, "isUsableForSignIn": true}],
            }),
        ),
        configuration(
            "TemporaryAccessPass",
            "temporaryAccessPass",
            true,
            json!({
                "defaultLifetimeInMinutes": 60, "defaultLength": 10, "minimumLifetimeInMinutes": 30, "maximumLifetimeInMinutes": 240,
                "isUsableOnce": true, "includeTargets": only("passkey-pilot"),
            }),
        ),
        configuration("SoftwareOath", "softwareOath", true, json!({"includeTargets": everyone()})),
        configuration("Voice", "voice", false, json!({"isOfficePhoneAllowed": false, "includeTargets": everyone()})),
        configuration("Email", "email", true, json!({"allowExternalIdToUseEmailOtp": "enabled", "includeTargets": []})),
        configuration(
            "X509Certificate",
            "x509Certificate",
            false,
            json!({
                "certificateUserBindings": [
                    {"x509CertificateField": "PrincipalName", "userProperty": "onPremisesUserPrincipalName", "priority": 1, "trustAffinityLevel": "low"},
                    {"x509CertificateField": "RFC822Name", "userProperty": "userPrincipalName", "priority": 2, "trustAffinityLevel": "low"},
                ],
                "authenticationModeConfiguration": {"x509CertificateAuthenticationDefaultMode": "x509CertificateSingleFactor",
                    "x509CertificateDefaultRequiredAffinityLevel": "low", "rules": []},
                "issuerHintsConfiguration": {"state": "disabled"}, "crlValidationConfiguration": {"state": "disabled", "exemptedCertificateAuthoritiesSubjectKeyIdentifiers": []},
                "certificateAuthorityScopes": [], "includeTargets": everyone(),
            }),
        ),
        configuration(
            "QRCodePin",
            "qrCodePin",
            false,
            json!({
                "standardQRCodeLifetimeInDays": 365, "pinLength": 8, "includeTargets": only("dept-logistics"),
            }),
        ),
        configuration("VerifiableCredentials", "verifiableCredentials", false, json!({"includeTargets": []})),
    ]
}

fn configuration(id: &str, word: &str, enabled: bool, more: Value) -> Value {
    let mut value = json!({
        "@odata.type": format!("#microsoft.graph.{word}AuthenticationMethodConfiguration"), "id": id,
        "state": if enabled { "enabled" } else { "disabled" }, "excludeTargets": [],
    });
    merge(&mut value, more);
    value
}

fn feature(state: &str) -> Value {
    json!({"state": state, "includeTarget": {"targetType": "group", "id": "all_users"},
        "excludeTarget": {"targetType": "group", "id": "00000000-0000-0000-0000-000000000000"}})
}
