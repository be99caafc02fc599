//! Defines Contoso's Conditional Access: policies and the locations they name.

use serde_json::{Value, json};

use super::authentication::PHISHING_RESISTANT;
use super::names::{EMERGENCY_ACCESS, ORDERING_APP_ID, ORDERING_POLICY_NAME, REMOTE_WORKERS};
use crate::emulator::seed::SeedObject;
use crate::emulator::seed::value::{id, merge, object, ticks};

/// Lists directory roles, by their template:
/// <https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference>
const ADMINISTRATORS: &[&str] = &[
    "62e90394-69f5-4237-9190-012177145e10", // Global Administrator
    "e8611ab8-c189-46e8-94e1-60213ab1f814", // Privileged Role Administrator
    "7be44c8a-adaf-4e2a-84d6-ab2649e08a13", // Privileged Authentication Administrator
    "194ae4cb-b126-40b2-bd5b-6091b380977d", // Security Administrator
    "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9", // Conditional Access Administrator
    "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3", // Application Administrator
    "158c047a-c907-4556-b7ef-446551a6b5f7", // Cloud Application Administrator
    "fe930be7-5e62-47db-91af-98c3a49a38b1", // User Administrator
    "29232cdf-9323-42fd-ade2-1d097af3e4de", // Exchange Administrator
    "f28a1f50-f6e7-4571-818b-6a12f2af6b6c", // SharePoint Administrator
];

/// Lists named locations: label, name, trusted, ranges.
const PLACES: &[(&str, &str, bool, &[&str])] = &[
    ("offices", "Offices", true, &["203.0.113.0/25", "198.51.100.64/26", "2001:db8:c0::/48"]),
    ("warehouses", "Warehouses", true, &["203.0.113.128/26", "192.0.2.16/28"]),
    ("vpn", "VPN gateways", true, &["198.51.100.8/29"]),
    ("partners", "Partner networks", false, &["192.0.2.128/25", "2001:db8:fab::/56"]),
    ("anonymizers", "Known anonymizers", false, &["198.51.100.200/32", "198.51.100.201/32"]),
];

/// Lists country locations: label, name, countries, whether unknown countries count, and how the country is found.
const COUNTRIES: &[(&str, &str, &[&str], bool, &str)] = &[
    (
        "where-we-work",
        "Countries we work in",
        &["US", "DE", "NO", "GB", "JP", "BR", "IN", "CA"],
        false,
        "clientIpAddress",
    ),
    ("embargo", "Embargoed countries", &["KP", "SY"], false, "clientIpAddress"),
];

/// Returns the named locations that the tenant starts with.
pub(super) fn locations() -> Vec<SeedObject> {
    let places = PLACES.iter().map(|(label, name, trusted, ranges)| {
        let ranges: Vec<Value> = ranges
            .iter()
            .map(|range| {
                let version = if range.contains(':') { 6 } else { 4 };
                json!({"@odata.type": format!("#microsoft.graph.iPv{version}CidrRange"), "cidrAddress": range})
            })
            .collect();
        json!({"@odata.type": "#microsoft.graph.ipNamedLocation", "id": id("location", label), "displayName": name, "isTrusted": trusted,
            "ipRanges": ranges, "createdDateTime": ticks(label), "modifiedDateTime": ticks(label)})
    });
    let countries = COUNTRIES.iter().map(|(label, name, codes, unknown, method)| {
        json!({"@odata.type": "#microsoft.graph.countryNamedLocation", "id": id("location", label), "displayName": name,
            "countriesAndRegions": codes, "includeUnknownCountriesAndRegions": unknown, "countryLookupMethod": method,
            "createdDateTime": ticks(label), "modifiedDateTime": ticks(label)})
    });
    places.chain(countries).map(|value| object("namedLocation", value, [])).collect()
}

const ON: &str = "enabled";
const REPORT: &str = "enabledForReportingButNotEnforced";
const OFF: &str = "disabled";

/// Returns the policies that the tenant starts with.
pub(super) fn policies() -> Vec<SeedObject> {
    let everyone = || json!({"includeUsers": ["All"], "excludeGroups": [EMERGENCY_ACCESS]});
    let group = |label: &str| json!({"includeGroups": [id("group", label)], "excludeGroups": [EMERGENCY_ACCESS]});
    let location = |label: &str| id("location", label);
    let guests = || {
        json!({"includeUsers": [], "excludeGroups": [EMERGENCY_ACCESS], "includeGuestsOrExternalUsers": {
            "guestOrExternalUserTypes": "b2bCollaborationGuest,b2bCollaborationMember,otherExternalUser",
            "externalTenants": {"@odata.type": "#microsoft.graph.conditionalAccessAllExternalTenants", "membershipKind": "all"}}})
    };
    let all = |users: Value| json!({"users": users, "applications": {"includeApplications": ["All"]}});
    let with = |mut conditions: Value, more: Value| {
        merge(&mut conditions, more);
        conditions
    };
    vec![
        policy(
            "block-legacy",
            "CA001 Block legacy authentication",
            ON,
            with(all(everyone()), json!({"clientAppTypes": ["exchangeActiveSync", "other"]})),
            require(&["block"]),
            Value::Null,
        ),
        policy(
            "mfa-everyone",
            "CA002 Multifactor authentication for everyone",
            ON,
            with(
                all(everyone()),
                json!({"users": {"excludeGuestsOrExternalUsers": guests()["includeGuestsOrExternalUsers"],
                "excludeRoles": ["d29b2b05-8046-44ba-8758-1e26182fcf32"]}}),
            ),
            require(&["mfa"]),
            Value::Null,
        ),
        policy(
            "admins",
            "CA003 Administrators: phishing-resistant authentication",
            ON,
            all(json!({"includeRoles": ADMINISTRATORS, "excludeGroups": [EMERGENCY_ACCESS]})),
            strength(PHISHING_RESISTANT),
            json!({
                "signInFrequency": {"value": 4, "type": "hours", "isEnabled": true, "authenticationType": "primaryAndSecondaryAuthentication", "frequencyInterval": "timeBased"},
                "persistentBrowser": {"mode": "never", "isEnabled": true}}),
        ),
        policy(
            "block-countries",
            "CA004 Block countries we do not work in",
            ON,
            with(
                all(
                    json!({"includeUsers": ["All"], "excludeGroups": [EMERGENCY_ACCESS, id("group", "ca-exclude-travel")]}),
                ),
                json!({"locations": {"includeLocations": ["All"], "excludeLocations": [location("where-we-work"), "AllTrusted"]}}),
            ),
            require(&["block"]),
            Value::Null,
        ),
        policy(
            "block-anonymizers",
            "CA005 Block anonymizers",
            ON,
            with(
                all(everyone()),
                json!({"locations": {"includeLocations": [location("anonymizers"), location("embargo")], "excludeLocations": []}}),
            ),
            require(&["block"]),
            Value::Null,
        ),
        policy(
            "guests",
            "CA101 Guests: multifactor authentication",
            ON,
            all(guests()),
            strength(&id("strength", "partners")),
            json!({
            "signInFrequency": {"value": 1, "type": "days", "isEnabled": true, "authenticationType": "primaryAndSecondaryAuthentication", "frequencyInterval": "timeBased"}}),
        ),
        policy(
            "registration",
            "CA102 Register security information from a trusted place",
            ON,
            json!({"users": everyone(), "applications": {"includeUserActions": ["urn:user:registersecurityinfo"]},
                "locations": {"includeLocations": ["All"], "excludeLocations": ["AllTrusted"]}}),
            strength(&id("strength", "passkey-or-pass")),
            Value::Null,
        ),
        policy(
            "risky-sign-in",
            "CA103 Risky sign-in: multifactor authentication",
            ON,
            with(all(everyone()), json!({"signInRiskLevels": ["high", "medium"]})),
            require(&["mfa"]),
            json!({
                "signInFrequency": {"value": null, "type": null, "isEnabled": true, "authenticationType": "primaryAndSecondaryAuthentication", "frequencyInterval": "everyTime"}}),
        ),
        policy(
            "risky-user",
            "CA104 Risky user: change the password",
            ON,
            with(all(everyone()), json!({"userRiskLevels": ["high"]})),
            json!({"operator": "AND", "builtInControls": ["mfa", "passwordChange"]}),
            Value::Null,
        ),
        policy(
            "device-code",
            "CA105 Block device code flow",
            REPORT,
            with(
                all(everyone()),
                json!({"authenticationFlows": {"transferMethods": "deviceCodeFlow,authenticationTransfer"}}),
            ),
            require(&["block"]),
            Value::Null,
        ),
        policy(
            "managed-devices",
            "CA201 Office 365 from managed devices",
            REPORT,
            json!({"users": everyone(), "applications": {"includeApplications": ["Office365"]},
                "platforms": {"includePlatforms": ["windows", "macOS"], "excludePlatforms": []},
                "devices": {"deviceFilter": {"mode": "exclude", "rule": "device.trustType -eq \"ServerAD\""}}}),
            require(&["compliantDevice", "domainJoinedDevice"]),
            json!({"applicationEnforcedRestrictions": {"isEnabled": true}, "cloudAppSecurity": {"isEnabled": true, "cloudAppSecurityType": "monitorOnly"}}),
        ),
        policy(
            "order-desk-remote",
            ORDERING_POLICY_NAME,
            ON,
            json!({"users": {"includeGroups": [REMOTE_WORKERS], "excludeGroups": [EMERGENCY_ACCESS]},
                "applications": {"includeApplications": [ORDERING_APP_ID]},
                "locations": {"includeLocations": ["All"], "excludeLocations": [location("offices"), location("vpn")]}}),
            require(&["mfa"]),
            json!({
                "signInFrequency": {"value": 12, "type": "hours", "isEnabled": true, "authenticationType": "primaryAndSecondaryAuthentication", "frequencyInterval": "timeBased"}}),
        ),
        policy(
            "payroll",
            "CA211 Payroll: from the office only",
            ON,
            json!({"users": group("dept-finance"), "applications": {"includeApplications": [id("appId", "payroll"), id("appId", "treasury")]},
                "locations": {"includeLocations": ["All"], "excludeLocations": [location("offices")]}}),
            require(&["block"]),
            Value::Null,
        ),
        policy(
            "azure-management",
            "CA212 Azure management: multifactor authentication",
            ON,
            json!({"users": everyone(), "applications": {"includeApplications": ["797f4846-ba00-4fd7-ba43-dac1f8f63013"]}}),
            require(&["mfa"]),
            Value::Null,
        ),
        policy(
            "workloads",
            "CA301 Workload identities: from known places",
            OFF,
            json!({"users": {"includeUsers": ["None"]}, "applications": {"includeApplications": ["All"]},
                "clientApplications": {"includeServicePrincipals": [id("servicePrincipal", "directory-recovery")], "excludeServicePrincipals": []},
                "locations": {"includeLocations": ["All"], "excludeLocations": [location("offices"), location("vpn")]}}),
            require(&["block"]),
            Value::Null,
        ),
    ]
}

/// Returns a policy as Graph returns it: unused conditions are there too, empty.
fn policy(label: &str, name: &str, state: &str, conditions: Value, grant: Value, session: Value) -> SeedObject {
    let mut value = json!({
        "id": id("policy", label), "displayName": name, "state": state, "createdDateTime": ticks(label),
        "modifiedDateTime": ticks(&format!("{label}/modified")),
        "conditions": {
            "userRiskLevels": [], "signInRiskLevels": [], "servicePrincipalRiskLevels": [], "clientAppTypes": ["all"],
            "applications": {"includeApplications": [], "excludeApplications": [], "includeUserActions": [], "includeAuthenticationContextClassReferences": []},
            "users": {"includeUsers": [], "excludeUsers": [], "includeGroups": [], "excludeGroups": [], "includeRoles": [], "excludeRoles": []},
        },
        "grantControls": {"operator": "OR", "builtInControls": [], "customAuthenticationFactors": [], "termsOfUse": []},
        "sessionControls": session,
    });
    merge(&mut value, json!({"conditions": conditions, "grantControls": grant}));
    let modified = value["modifiedDateTime"].as_str().map(str::to_owned);
    if modified.as_deref() < value["createdDateTime"].as_str() {
        merge(&mut value, json!({"modifiedDateTime": null}));
    }
    object("conditionalAccessPolicy", value, [])
}

fn require(controls: &[&str]) -> Value {
    json!({"builtInControls": controls})
}

fn strength(id: &str) -> Value {
    json!({"authenticationStrength": {"id": id}})
}
