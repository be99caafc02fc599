//! Objects of the small tenants, as Graph returns them: bits say what each looks like.

use entragit::model::Kind;
use entragit::tenant::Raw;
use serde_json::{Value, json};

use super::{
    APP, ASSIGNMENT, BUILT_IN, COUNTS, GROUP, LOCATION, MANAGED, POLICY, ROLE, SECRET, SP, STRENGTH, USER, app_id,
    guid, raw_of,
};

pub(super) type Seen<'a> = &'a dyn Fn(usize, usize) -> Option<String>;

/// Bits, taken one after another.
struct Bits(u32);

impl Bits {
    fn one(&mut self) -> bool {
        self.of(2) == 1
    }

    fn of(&mut self, count: u32) -> u32 {
        let value = self.0 % count;
        self.0 /= count;
        value
    }

    /// Ids of some objects of a kind.
    fn some(&mut self, k: usize, seen: Seen<'_>) -> Vec<String> {
        (0..COUNTS[k]).filter(|_| self.one()).filter_map(|i| seen(k, i)).collect()
    }
}

fn references(ids: &[String]) -> Value {
    ids.iter().map(|id| json!({"@odata.type": "#microsoft.graph.directoryObject", "id": id})).collect()
}

#[allow(clippy::too_many_lines)]
pub(super) fn object(k: usize, i: usize, id: &str, bits: u32, named: Seen<'_>, linked: Seen<'_>) -> Raw {
    let mut bits = Bits(bits);
    let variant = bits.of(3);
    let mut value = match k {
        USER => {
            let manager = bits.of(6) as usize;
            let mut user = json!({
                "displayName": format!("User {}", if bits.one() { i } else { 0 }),
                "accountEnabled": bits.one(),
                "jobTitle": if bits.one() { Some("no") } else { None },
                "businessPhones": if bits.one() { vec!["+1 555 0101", "+1 555 0100"] } else { vec![] },
                "userPrincipalName": format!("user{i}@contoso.example"),
                "passwordProfile": {"password": SECRET, "forceChangePasswordNextSignIn": true},
                "assignedLicenses": if bits.one() { json!([{"skuId": guid(20, 0), "disabledPlans": []}]) } else { json!([]) },
                "createdDateTime": "2024-01-01T00:00:00Z",
                "onPremisesExtensionAttributes": {"extensionAttribute1": if bits.one() { Some("x") } else { None }},
            });
            if let Some(manager) = (manager < COUNTS[USER] && manager != i).then(|| linked(USER, manager)).flatten() {
                user["manager"] = json!({"@odata.type": "#microsoft.graph.user", "id": manager});
            }
            user
        }
        GROUP => {
            let members = [bits.some(USER, linked), bits.some(GROUP, linked), bits.some(SP, linked)].concat();
            let members: Vec<String> = members.into_iter().filter(|member| member != id).collect();
            let dynamic = bits.of(4) == 1;
            let other = named(GROUP, (i + 1) % COUNTS[GROUP]).unwrap_or_else(|| guid(21, i));
            json!({
                // Two groups may look the same.
                "displayName": format!("Group {}", if variant == 0 { 0 } else { i }),
                "description": if bits.one() { Some("some people") } else { None },
                "mailEnabled": false,
                "mailNickname": "nick",
                "securityEnabled": true,
                "isAssignableToRole": if variant == 2 { Some(true) } else { None },
                "groupTypes": if dynamic { vec!["DynamicMembership"] } else { vec![] },
                "membershipRule": dynamic.then(|| format!("user.memberof -any (group.objectId -in ['{other}'])")),
                "membershipRuleProcessingState": dynamic.then_some("On"),
                "members": references(&members),
                "members@odata.context": "https://graph.microsoft.com/v1.0/$metadata#directoryObjects",
                "owners": references(&bits.some(USER, linked)),
            })
        }
        APP => {
            let others: Vec<String> = (0..COUNTS[APP])
                .filter(|_| bits.one())
                .filter(|other| named(APP, *other).is_some())
                .map(app_id)
                .collect();
            let known = [others.clone(), vec!["00000003-0000-0000-c000-000000000000".to_owned()]].concat();
            let credentials = bits.of(3);
            let uris =
                if bits.one() { vec![format!("api://{}", app_id(i)), "https://app.example".into()] } else { vec![] };
            json!({
                "displayName": format!("App {i}"),
                "appId": app_id(i),
                "description": if bits.one() { Some("an app") } else { None },
                "signInAudience": if bits.one() { "AzureADMultipleOrgs" } else { "AzureADMyOrg" },
                "identifierUris": uris,
                "uniqueName": if variant == 1 { Some(format!("unique-{i}")) } else { None },
                "api": {
                    "acceptMappedClaims": null,
                    "oauth2PermissionScopes": if bits.one() {
                        json!([{"id": guid(22, i), "value": "read", "type": "User", "isEnabled": true}])
                    } else { json!([]) },
                    "preAuthorizedApplications": others.iter().map(|app| json!({"appId": app,
                        "delegatedPermissionIds": [guid(22, i)]})).collect::<Value>(),
                },
                "requiredResourceAccess": if bits.one() { known.iter().map(|app| json!({"resourceAppId": app,
                    "resourceAccess": [{"id": guid(23, 1), "type": "Scope"}, {"id": guid(23, 0), "type": "Role"}]})).collect()
                } else { json!([]) },
                "appRoles": (0..bits.of(3)).map(|role| json!({"id": guid(24, role as usize), "displayName": format!("Role {role}"),
                    "value": format!("role{role}"), "isEnabled": true, "allowedMemberTypes": ["User", "Application"],
                    "origin": "Application", "description": null})).collect::<Value>(),
                "web": {"redirectUris": if bits.one() { vec!["https://b.example", "https://a.example"] } else { vec![] },
                    "implicitGrantSettings": {"enableIdTokenIssuance": bits.one(), "enableAccessTokenIssuance": false}},
                "passwordCredentials": [{"keyId": guid(25, i), "hint": SECRET, "secretText": SECRET, "displayName": "one"}],
                "keyCredentials": [{"keyId": guid(26, i), "key": SECRET, "type": "AsymmetricX509Cert"}],
                "owners": references(&bits.some(USER, linked)),
                "federatedIdentityCredentials": (0..credentials).map(|credential| json!({"id": guid(27, credential as usize),
                    "name": format!("fic{credential}"), "issuer": "https://issuer.example", "subject": format!("s{variant}"),
                    "audiences": ["api://AzureADTokenExchange"]})).collect::<Value>(),
            })
        }
        SP => {
            let mut assigned = Vec::new();
            for principal in [bits.some(USER, linked), bits.some(GROUP, linked)].concat() {
                assigned.push(json!({"id": format!("opaque-{principal}"), "principalId": principal,
                    "appRoleId": guid(24, bits.of(2) as usize), "resourceId": id, "principalDisplayName": "somebody"}));
            }
            let mut grants = Vec::new();
            if let Some(resource) = linked(SP, bits.of(4) as usize) {
                grants.push(json!({"id": format!("grant-{id}"), "clientId": id, "consentType": "AllPrincipals",
                    "principalId": null, "resourceId": resource, "scope": if bits.one() { "read" } else { "read write" }}));
                if let Some(user) = linked(USER, bits.of(4) as usize) {
                    grants.push(json!({"id": format!("grant-{id}-{user}"), "clientId": id, "consentType": "Principal",
                        "principalId": user, "resourceId": resource, "scope": "openid"}));
                }
            }
            json!({
                "displayName": format!("Principal {i}"),
                "appId": if i == MANAGED { guid(28, i) } else { app_id(i) },
                "accountEnabled": bits.one(),
                "servicePrincipalType": if i == MANAGED { "ManagedIdentity" } else { "Application" },
                "tags": if variant == 1 { vec!["b", "a"] } else { vec![] },
                "notes": if variant == 2 { "" } else { "~" },
                "keyCredentials": [{"keyId": guid(26, i), "key": SECRET}],
                "owners": references(&bits.some(USER, linked)),
                "appRoleAssignedTo": assigned,
                "oauth2PermissionGrants": grants,
            })
        }
        LOCATION if i == 0 => json!({
            "@odata.type": "#microsoft.graph.ipNamedLocation",
            "displayName": format!("Office {variant}"),
            "isTrusted": bits.one(),
            "ipRanges": (0..=bits.of(3)).map(|n| json!({"@odata.type": "#microsoft.graph.iPv4CidrRange",
                "cidrAddress": format!("10.{n}.0.0/16")})).collect::<Value>(),
        }),
        LOCATION => json!({
            "@odata.type": "#microsoft.graph.countryNamedLocation",
            "displayName": format!("Countries {variant}"),
            "countriesAndRegions": if bits.one() { vec!["NO", "DE"] } else { vec!["FR"] },
            "countryLookupMethod": if bits.one() { "authenticatorAppGps" } else { "clientIpAddress" },
            "includeUnknownCountriesAndRegions": bits.one(),
        }),
        STRENGTH => json!({
            "displayName": format!("Strength {i}"),
            "description": if bits.one() { Some("strong") } else { None },
            "policyType": if i == BUILT_IN { "builtIn" } else { "custom" },
            "requirementsSatisfied": "mfa",
            "allowedCombinations": if variant == 0 || i == BUILT_IN { vec!["fido2"] } else { vec!["x509CertificateMultiFactor", "fido2"] },
        }),
        POLICY => {
            let strength = bits.of(3) as usize;
            let strength = (strength < COUNTS[STRENGTH]).then(|| named(STRENGTH, strength)).flatten();
            let apps: Vec<String> =
                (0..COUNTS[APP]).filter(|_| bits.one()).filter(|app| named(SP, *app).is_some()).map(app_id).collect();
            let users = bits.some(USER, named);
            json!({
                "displayName": format!("Policy {i}"),
                "state": if variant == 0 { "enabled" } else { "disabled" },
                "templateId": null,
                "conditions": {
                    "users": {
                        "includeUsers": if users.is_empty() { vec!["All".to_owned()] } else { users },
                        "excludeUsers": [],
                        "includeGroups": bits.some(GROUP, named),
                        "excludeGroups": bits.some(GROUP, named),
                    },
                    "applications": {"includeApplications": if apps.is_empty() { vec!["All".to_owned()] } else { apps }},
                    "clientAppTypes": if bits.one() { vec!["browser", "all"] } else { vec!["all"] },
                    "locations": if bits.one() { json!({"includeLocations": ["All"], "excludeLocations": bits.some(LOCATION, named)}) }
                        else { Value::Null },
                    "clientApplications": if bits.of(3) == 1 { json!({"includeServicePrincipals": bits.some(SP, named)}) }
                        else { Value::Null },
                },
                "grantControls": {
                    "operator": "OR",
                    "builtInControls": if strength.is_some() { vec![] } else { vec!["mfa"] },
                    "authenticationStrength@odata.context": "https://graph.microsoft.com/v1.0/$metadata#x",
                    "authenticationStrength": strength.map(|id| json!({"id": id, "displayName": "as returned", "allowedCombinations": ["fido2"]})),
                },
                "sessionControls": if bits.one() { json!({"disableResilienceDefaults": null,
                    "signInFrequency": {"isEnabled": true, "type": "hours", "value": 4}}) } else { Value::Null },
            })
        }
        ROLE => json!({
            "displayName": format!("Role {i}"),
            "description": if bits.one() && i != BUILT_IN { Some("some tasks") } else { None },
            "isBuiltIn": i == BUILT_IN,
            "isEnabled": bits.one() || i == BUILT_IN,
            "templateId": guid(30, i),
            "resourceScopes": ["/"],
            "rolePermissions": [{"allowedResourceActions": if variant == 0 || i == BUILT_IN {
                vec!["microsoft.directory/users/basic/update"]
            } else {
                vec!["microsoft.directory/users/basic/update", "microsoft.directory/groups/basic/update"]
            }, "condition": null}],
        }),
        // No two are of the same person and role: Graph would refuse the second.
        ASSIGNMENT => {
            let principal = [USER, GROUP, SP][variant as usize];
            json!({
                "principalId": linked(principal, i).unwrap_or_else(|| guid(principal, i)),
                "roleDefinitionId": linked(ROLE, i % COUNTS[ROLE]).unwrap_or_else(|| guid(ROLE, i % COUNTS[ROLE])),
                "directoryScopeId": "/",
            })
        }
        other => panic!("no kind {other}"),
    };
    value["id"] = json!(id);
    value["@odata.etag"] = json!("W/\"1\"");
    value["deletedDateTime"] = Value::Null;
    if bits.one() {
        value["notYetKnown"] = json!({"kept": {"deeper": 1}, "clientSecret": SECRET, "empty": []});
    }
    raw_of(value)
}

pub(super) fn singletons(bits: [u32; 2], named: Seen<'_>) -> Vec<(&'static Kind, Raw)> {
    let (mut a, mut m) = (Bits(bits[0]), Bits(bits[1]));
    let authorization = json!({
        "id": "authorizationPolicy",
        "displayName": "Authorization Policy",
        "allowInvitesFrom": if a.one() { "everyone" } else { "none" },
        "allowedToUseSSPR": a.one(),
        "guestUserRoleId": if a.one() { Some(guid(29, 0)) } else { None },
        "defaultUserRolePermissions": {"allowedToCreateApps": a.one(), "permissionGrantPoliciesAssigned": if a.one() { vec!["b", "a"] } else { vec![] }},
    });
    let target = |group: &String| json!({"targetType": "group", "id": group, "isRegistrationRequired": false});
    let groups: Vec<Value> = m.some(GROUP, named).iter().map(target).collect();
    let everyone = vec![json!({"targetType": "group", "id": "all_users", "isRegistrationRequired": false})];
    let methods = json!({
        "id": "authenticationMethodsPolicy",
        "displayName": "Authentication Methods Policy",
        "policyVersion": "1.5",
        "policyMigrationState": if m.one() { "preMigration" } else { "migrationComplete" },
        "registrationEnforcement": {"authenticationMethodsRegistrationCampaign": {"state": "default",
            "snoozeDurationInDays": m.of(3), "includeTargets": [], "excludeTargets": []}},
        "authenticationMethodConfigurations": [
            {"@odata.type": "#microsoft.graph.fido2AuthenticationMethodConfiguration", "id": "Fido2",
                "state": if m.one() { "enabled" } else { "disabled" }, "isAttestationEnforced": m.one(),
                "includeTargets": if groups.is_empty() { everyone } else { groups }},
            {"@odata.type": "#microsoft.graph.smsAuthenticationMethodConfiguration", "id": "Sms", "state": "disabled",
                "excludeTargets": m.some(GROUP, named).iter().map(|group| json!({"targetType": "group", "id": group})).collect::<Value>()},
        ],
    });
    vec![
        (super::named("authorizationPolicy"), raw_of(authorization)),
        (super::named("authenticationMethodsPolicy"), raw_of(methods)),
    ]
}
