//! Small tenants: what is wanted, what is there, and what lies in the recycle bin, as raw Graph JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use entragit::engine::normalize::normalize;
use entragit::kinds;
use entragit::model::kind::Deletion;
use entragit::model::{Address, Coverage, CoverageMap, Kind, Object, Snapshot, Write};
use entragit::tenant::memory::MemoryTenant;
use entragit::tenant::{Raw, TenantWrite};
use proptest::prelude::*;
use serde_json::{Value, json};

/// In every secret value that a tenant returns.
pub const SECRET: &str = "S3CR3T";

pub const USER: usize = 0;
pub const GROUP: usize = 1;
pub const APP: usize = 2;
pub const SP: usize = 3;
pub const LOCATION: usize = 4;
pub const STRENGTH: usize = 5;
pub const POLICY: usize = 6;
pub const ROLE: usize = 7;
pub const ASSIGNMENT: usize = 8;

const KINDS: [&str; 9] = [
    "user",
    "group",
    "application",
    "servicePrincipal",
    "namedLocation",
    "authenticationStrengthPolicy",
    "conditionalAccessPolicy",
    "roleDefinition",
    "roleAssignment",
];
const COUNTS: [usize; 9] = [4, 4, 3, 4, 2, 2, 3, 2, 3];

/// The managed identity's place among the service principals; the others belong to the application of the same place.
pub const MANAGED: usize = 3;
/// The built-in one's place among the authentication strengths and the roles.
const BUILT_IN: usize = 1;

/// Where an object is in the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum There {
    /// As wanted, if it is wanted.
    Same,
    /// Live, with properties and links of its own.
    Other(u32),
    /// In the recycle bin, where the kind has one.
    Binned(u32),
    /// Not there, or purged.
    Gone,
}

/// One object on both sides. Bits say what it looks like; 0 is the plainest.
#[derive(Debug, Clone, Copy)]
pub struct Slot {
    pub wanted: Option<u32>,
    pub there: There,
    /// Wanted under `new:label`.
    pub fresh: bool,
}

/// A tenant, and what somebody wants of it.
#[derive(Clone)]
pub struct World {
    pub slots: Vec<Vec<Slot>>,
    /// Wanted and live bits of the two singletons.
    pub singletons: [(u32, u32); 2],
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (k, i, slot) in self.each() {
            if slot.wanted.is_some() || slot.there != There::Gone {
                let fresh = if slot.fresh { " new" } else { "" };
                writeln!(f, "{} {i}: wanted {:?}, there {:?}{fresh}", KINDS[k], slot.wanted, slot.there)?;
            }
        }
        writeln!(f, "singletons {:?}", self.singletons)
    }
}

/// Any world.
pub fn world() -> impl Strategy<Value = World> {
    let slots: Vec<_> = COUNTS.iter().map(|count| proptest::collection::vec(slot(), *count)).collect();
    (slots, any::<[(u16, u16, bool); 2]>()).prop_map(|(slots, singletons)| {
        let singletons = singletons.map(|(a, b, same)| (u32::from(a), u32::from(if same { a } else { b })));
        World { slots, singletons }.consistent()
    })
}

fn slot() -> impl Strategy<Value = Slot> {
    let wanted = prop_oneof![5 => any::<u32>().prop_map(Some), 1 => Just(None)];
    let there = prop_oneof![
        4 => Just(There::Same),
        3 => any::<u32>().prop_map(There::Other),
        2 => any::<u32>().prop_map(There::Binned),
        2 => Just(There::Gone),
    ];
    (wanted, there, prop::bool::weighted(0.2)).prop_map(|(wanted, there, fresh)| Slot { wanted, there, fresh })
}

impl World {
    /// Takes out what no tenant can be like.
    fn consistent(mut self) -> World {
        for (k, slots) in self.slots.iter_mut().enumerate() {
            let soft = matches!(kind(k).deletion, Deletion::Soft { .. });
            for (i, slot) in slots.iter_mut().enumerate() {
                slot.there = match slot.there {
                    There::Same => slot.wanted.map_or(There::Gone, |_| There::Same),
                    There::Binned(_) if !soft => There::Gone,
                    there => there,
                };
                // Only what can be made by us can be wanted without having been there, and an application's references
                // go by an id that only Graph gives.
                slot.fresh &= slot.there == There::Gone
                    && k != APP
                    && k != SP
                    && (![STRENGTH, ROLE].contains(&k) || i != BUILT_IN);
            }
        }
        for i in 0..COUNTS[APP] {
            // A service principal goes with its application.
            let app = self.slots[APP][i];
            let principal = &mut self.slots[SP][i];
            match (app.there, principal.there) {
                (There::Gone, _) if app.wanted.is_some() => principal.there = There::Gone,
                (There::Binned(_), There::Same) => {
                    principal.there = There::Binned(principal.wanted.unwrap_or_default())
                }
                (There::Binned(_), There::Other(bits)) => principal.there = There::Binned(bits),
                _ => {}
            }
        }
        self
    }

    pub fn id(&self, k: usize, i: usize) -> String {
        if self.slots[k][i].fresh { format!("new:{}-{i}", KINDS[k]) } else { guid(k, i) }
    }

    fn wants(&self, k: usize, i: usize) -> bool {
        self.slots[k][i].wanted.is_some()
    }

    fn has(&self, k: usize, i: usize) -> bool {
        self.slots[k][i].there != There::Gone
    }

    /// What is wanted, as Graph returned it once. `turn` changes the order of everything whose order means nothing.
    pub fn wanted(&self, turn: usize) -> Vec<(&'static Kind, Raw)> {
        let mut all = Vec::new();
        for (k, i, slot) in self.each() {
            if let Some(bits) = slot.wanted {
                let seen = |k: usize, i: usize| self.wants(k, i).then(|| self.id(k, i));
                let raw = object(k, i, &self.id(k, i), bits, &seen, &seen);
                all.push((kind(k), turned(raw, turn)));
            }
        }
        let seen = |k: usize, i: usize| self.wants(k, i).then(|| self.id(k, i));
        all.extend(singletons([self.singletons[0].0, self.singletons[1].0], &seen));
        if turn % 2 == 1 {
            all.reverse();
        }
        all
    }

    /// What is in the tenant or in its recycle bin.
    pub fn there(&self, turn: usize) -> Vec<(&'static Kind, Raw, bool)> {
        let linked = |k: usize, i: usize| self.has(k, i).then(|| guid(k, i));
        // A property may go on naming what is gone.
        let named = |k: usize, i: usize| {
            let known = self.has(k, i) || (self.wants(k, i) && !self.slots[k][i].fresh);
            known.then(|| guid(k, i))
        };
        let mut all = Vec::new();
        for (k, i, slot) in self.each() {
            let (bits, binned) = match slot.there {
                There::Same => (slot.wanted.unwrap_or_default(), false),
                There::Other(bits) => (bits, false),
                There::Binned(bits) => (bits, true),
                There::Gone => continue,
            };
            all.push((kind(k), turned(object(k, i, &guid(k, i), bits, &named, &linked), turn), binned));
        }
        let bits = [self.singletons[0].1, self.singletons[1].1];
        all.extend(singletons(bits, &named).into_iter().map(|(kind, raw)| (kind, raw, false)));
        if turn % 2 == 1 {
            all.reverse();
        }
        all
    }

    fn each(&self) -> impl Iterator<Item = (usize, usize, &Slot)> {
        self.slots.iter().enumerate().flat_map(|(k, slots)| slots.iter().enumerate().map(move |(i, slot)| (k, i, slot)))
    }

    /// The tenant, with its recycle bin.
    pub async fn tenant(&self) -> MemoryTenant {
        let all = self.there(0);
        let tenant = MemoryTenant::from_objects(all.iter().map(|(kind, raw, _)| (kind.name, raw.clone())).collect());
        let tenant = tenant.expect("the generator's objects are distinct");
        for (kind, raw, _) in all.iter().filter(|(_, _, binned)| *binned) {
            let id = raw["id"].as_str().expect("an id").to_owned();
            tenant.write(&Write::Delete { kind, id }).await.expect("it can be deleted");
        }
        tenant
    }
}

/// Addresses of a snapshot.
pub fn addresses(snapshot: &Snapshot) -> BTreeSet<Address> {
    snapshot.objects.keys().cloned().collect()
}

/// Everything complete.
pub fn complete() -> CoverageMap {
    let mut coverage = CoverageMap::default();
    for kind in kinds::ALL {
        coverage.set_kind(kind.name, Coverage::Complete);
        for link in kind.links {
            coverage.set_link(kind.name, link.name, Coverage::Complete);
        }
    }
    coverage
}

pub fn snapshot(raws: Vec<(&'static Kind, Raw)>) -> Snapshot {
    let objects: BTreeMap<Address, Object> = raws
        .into_iter()
        .map(|(kind, raw)| {
            let object = normalize(kind, raw).object;
            (Address::new(kind, object.id()), object)
        })
        .collect();
    Snapshot { objects, coverage: complete(), ..Snapshot::default() }
}

pub fn kind(k: usize) -> &'static Kind {
    named(KINDS[k])
}

pub fn named(name: &str) -> &'static Kind {
    kinds::by_name(name).expect("a kind of the registry")
}

pub fn guid(k: usize, i: usize) -> String {
    format!("{k:08x}-1111-4000-8000-{i:012x}")
}

pub fn app_id(i: usize) -> String {
    format!("{i:08x}-2222-4000-8000-{APP:012x}")
}

/// Turns every list.
fn turned(raw: Raw, turn: usize) -> Raw {
    raw.into_iter().map(|(name, value)| (name, turned_value(value, turn))).collect()
}

fn turned_value(value: Value, turn: usize) -> Value {
    match value {
        Value::Array(elements) => {
            let mut elements: Vec<Value> = elements.into_iter().map(|element| turned_value(element, turn)).collect();
            let middle = turn % elements.len().max(1);
            elements.rotate_left(middle);
            Value::Array(elements)
        }
        Value::Object(map) => Value::Object(turned(map, turn)),
        other => other,
    }
}

pub fn raw_of(value: Value) -> Raw {
    match value {
        Value::Object(map) => map,
        other => panic!("no object: {other}"),
    }
}

type Seen<'a> = &'a dyn Fn(usize, usize) -> Option<String>;

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
fn object(k: usize, i: usize, id: &str, bits: u32, named: Seen<'_>, linked: Seen<'_>) -> Raw {
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

fn singletons(bits: [u32; 2], named: Seen<'_>) -> Vec<(&'static Kind, Raw)> {
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
        (self::named("authorizationPolicy"), raw_of(authorization)),
        (self::named("authenticationMethodsPolicy"), raw_of(methods)),
    ]
}
