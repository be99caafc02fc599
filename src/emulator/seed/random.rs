//! Makes a company of any size, one object at a time: nothing is kept, every id is computed from the object's number.

use serde_json::{Value, json};

use super::SeedObject;
use super::value::{guid, map, object, security_identifier, strings};

/// Application id of Microsoft Graph.
const GRAPH: &str = "00000003-0000-0000-c000-000000000000";

/// Ids of `User.Read` and `User.Read.All` there: <https://learn.microsoft.com/graph/permissions-reference>
const READ: (&str, &str) = ("e1fe6dd8-ba31-4d61-89e7-88639da4683d", "df021288-bdef-4463-88db-98f22de89214");

const GIVEN: &[&str] = &[
    "Amina", "Bruno", "Chloé", "Dag", "Elif", "Farid", "Greta", "Hiroko", "Ivo", "Jaya", "Kofi", "Lena", "Mateus",
    "Noor", "Oona", "Piotr", "Qadir", "Rosa", "Sven", "Tala", "Uma", "Viggo", "Wen", "Ximena", "Yara", "Zoltán",
];
const SURNAME: &[&str] = &[
    "Abebe", "Brandt", "Castro", "Dlamini", "Eriksen", "Ferrari", "García", "Hansen", "Ibrahim", "Jansen", "Kaya",
    "Larsson", "Mbeki", "Novák", "O'Brien", "Patel", "Quintana", "Rossi", "Singh", "Tanaka", "Ueda", "Vargas", "Weiß",
    "Xu", "Yilmaz", "Zając",
];
const PLACES: &[[&str; 4]] = &[
    ["Aarhus", "Denmark", "DK", "da-DK"],
    ["Bergen", "Norway", "NO", "nb-NO"],
    ["Chicago", "United States", "US", "en-US"],
    ["Dublin", "Ireland", "IE", "en-IE"],
    ["Fukuoka", "Japan", "JP", "ja-JP"],
    ["Graz", "Austria", "AT", "de-AT"],
    ["Hyderabad", "India", "IN", "en-IN"],
    ["Lima", "Peru", "PE", "es-PE"],
];
const WORK: &[(&str, &str)] = &[
    ("Sales", "Account Executive"),
    ("Engineering", "Software Engineer"),
    ("Finance", "Accountant"),
    ("Logistics", "Dispatcher"),
    ("Customer Service", "Service Agent"),
    ("Operations", "Plant Technician"),
    ("Research", "Scientist"),
    ("Human Resources", "Recruiter"),
];

/// Holds the number of objects of each kind, and the seed of all ids.
#[derive(Debug, Clone, Copy)]
struct Company {
    seed: u64,
    users: usize,
    groups: usize,
    applications: usize,
    principals: usize,
    locations: usize,
    policies: usize,
}

impl Company {
    fn of(count: usize, seed: u64) -> Self {
        // The two singletons are always there, whatever the count.
        let mut left = count.saturating_sub(2);
        let mut take = |wanted: usize| {
            let taken = wanted.min(left);
            left -= taken;
            taken
        };
        let policies = take((count / 400).clamp(1, 100));
        let locations = take((count / 2000).clamp(1, 30));
        let applications = take(count / 40);
        // These are the applications' service principals, and Microsoft Graph's.
        let principals = take(if applications > 0 { (count * 3 / 100).max(applications + 1) } else { 0 });
        let groups = take(count * 9 / 100);
        Company { seed, users: left, groups, applications, principals, locations, policies }
    }

    /// Returns the object at position `at`.
    fn object(self, at: usize) -> SeedObject {
        let mut at = at;
        type Make = fn(Company, usize) -> SeedObject;
        let kinds: [(usize, Make); 6] = [
            (self.users, Company::user),
            (self.groups, Company::group),
            (self.applications, Company::application),
            (self.principals, Company::principal),
            (self.locations, Company::location),
            (self.policies, Company::policy),
        ];
        for (count, make) in kinds {
            if at < count {
                return make(self, at);
            }
            at -= count;
        }
        if at == 0 { authorization() } else { methods() }
    }

    fn dice(self, what: u64, at: usize) -> fastrand::Rng {
        // Neighbours must not look alike, so the number is spread over all bits first.
        let mixed =
            (self.seed ^ what.rotate_left(48)).wrapping_add((at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut first = fastrand::Rng::with_seed(mixed);
        fastrand::Rng::with_seed(first.u64(..))
    }

    fn id(self, kind: Id, at: usize) -> String {
        guid(&self.dice(kind as u64, at).u128(..).to_be_bytes())
    }

    fn opaque(self, kind: Id, at: usize, part: usize) -> String {
        let mut dice = self.dice(kind as u64, at.wrapping_mul(64) + part);
        std::iter::repeat_with(|| dice.alphanumeric()).take(43).collect()
    }

    fn user(self, at: usize) -> SeedObject {
        let mut dice = self.dice(100, at);
        let (given, surname) = (pick(&mut dice, GIVEN), pick(&mut dice, SURNAME));
        let [city, country, code, language] = pick(&mut dice, PLACES);
        let (department, title) = pick(&mut dice, WORK);
        let own = format!("{}{at}", super::value::alias(given, surname));
        let upn = format!("{own}@contoso.com");
        let user = self.id(Id::User, at);
        let joined = date(&mut dice);
        let mut value = map(json!({
            "id": user, "displayName": format!("{given} {surname}"), "givenName": given, "surname": surname, "userPrincipalName": upn,
            "mail": upn, "mailNickname": own, "proxyAddresses": [format!("SMTP:{upn}")], "jobTitle": title, "department": department,
            "companyName": "Contoso", "employeeId": format!("{at:07}"), "employeeType": "Employee", "employeeHireDate": format!("{joined}T00:00:00Z"),
            "officeLocation": format!("{city} {}", 1 + dice.u8(..9)), "city": city, "country": country, "postalCode": format!("{:05}", dice.u32(..99_999)),
            "streetAddress": format!("Main Street {}", 1 + dice.u16(..300)), "usageLocation": code, "preferredLanguage": language,
            "businessPhones": [format!("+00 {:07}", dice.u32(..9_999_999))], "mobilePhone": format!("+00 {:07}", dice.u32(..9_999_999)),
            "otherMails": [], "accountEnabled": dice.u8(..50) > 0, "userType": "Member", "createdDateTime": format!("{joined}T08:00:00Z"),
            "identities": [{"signInType": "userPrincipalName", "issuer": "contoso.onmicrosoft.com", "issuerAssignedId": upn}],
            "assignedLicenses": [{"skuId": "05e9a617-0261-4cee-bb44-138d3ef5d965", "disabledPlans": []}],
            "securityIdentifier": security_identifier(&user),
        }));
        if dice.u8(..5) == 0 {
            value.extend(map(json!({
                "onPremisesSyncEnabled": true, "onPremisesImmutableId": super::value::immutable_id(&own), "onPremisesDomainName": "corp.contoso.com",
                "onPremisesLastSyncDateTime": "2024-11-20T04:12:09Z", "onPremisesSamAccountName": format!("u{at}"), "onPremisesUserPrincipalName": upn,
                "onPremisesDistinguishedName": format!("CN={given} {surname} {at},OU={city},DC=corp,DC=contoso,DC=com"),
            })));
        }
        // Every user's manager has a tenth of the user's number, so that there is no circle.
        let manager = (at > 0).then(|| ("manager", vec![self.id(Id::User, at / 10).into()]));
        SeedObject { kind: "user", value, links: manager.into_iter().collect() }
    }

    fn group(self, at: usize) -> SeedObject {
        let mut dice = self.dice(101, at);
        let (department, _) = pick(&mut dice, WORK);
        let [city, ..] = pick(&mut dice, PLACES);
        let name = format!("{department} {city} {at}");
        let own = self.id(Id::Group, at);
        let made = date(&mut dice);
        let mut value = map(json!({
            "id": own, "displayName": name, "description": format!("People of {department} who work in or with {city}. Asked for in ticket {}.", 10_000 + at),
            "mailNickname": format!("group{at}"), "mailEnabled": false, "securityEnabled": true, "groupTypes": [], "proxyAddresses": [],
            "createdDateTime": format!("{made}T09:30:00Z"), "renewedDateTime": format!("{made}T09:30:00Z"), "resourceBehaviorOptions": [],
            "resourceProvisioningOptions": [], "securityIdentifier": security_identifier(&own),
        }));
        let (sort, mut members) = (dice.u8(..40), self.members(&mut dice, at));
        match sort {
            0 => {
                value.extend(map(json!({"groupTypes": ["DynamicMembership"], "membershipRuleProcessingState": "On",
                    "membershipRule": format!("(user.department -eq \"{department}\") and (user.city -eq \"{city}\")")})));
                members.clear();
            }
            1..=6 => value.extend(map(json!({"groupTypes": ["Unified"], "mailEnabled": true, "visibility": "Private", "mail": format!("group{at}@contoso.com"),
                "proxyAddresses": [format!("SMTP:group{at}@contoso.com")]}))),
            // The nested group is always an earlier one.
            7 if at > 0 => members.push(self.id(Id::Group, dice.usize(..at))),
            _ => {}
        }
        let owners = if self.users > 0 { vec![self.id(Id::User, dice.usize(..self.users))] } else { Vec::new() };
        object("group", Value::Object(value), [("members", strings(members)), ("owners", strings(owners))])
    }

    /// Returns the members of a group: mostly a handful; in a large company one group in five hundred has more than a thousand.
    fn members(self, dice: &mut fastrand::Rng, at: usize) -> Vec<String> {
        let wanted = match (at % 500, dice.u8(..20)) {
            (7, _) if self.users > 40_000 => dice.usize(1_001..3_000),
            (_, 0) => dice.usize(20..40),
            _ => dice.usize(1..12),
        };
        let wanted = wanted.min(self.users);
        if wanted == 0 {
            return Vec::new();
        }
        // A walk with a stride that shares no factor with the number of users meets nobody twice.
        let start = dice.usize(..self.users);
        let mut stride = dice.usize(..self.users) | 1;
        while common_factor(stride, self.users) != 1 {
            stride += 2;
        }
        (0..wanted).map(|step| self.id(Id::User, (start + step * stride) % self.users)).collect()
    }

    fn application(self, at: usize) -> SeedObject {
        let mut dice = self.dice(102, at);
        let app_id = self.id(Id::ClientOf, at);
        let home = format!("https://app{at}.contoso.com");
        let value = json!({
            "id": self.id(Id::Application, at), "appId": app_id, "displayName": format!("Application {at}"), "description": "Made up to measure with.",
            "createdDateTime": format!("{}T11:00:00Z", date(&mut dice)), "publisherDomain": "contoso.com", "signInAudience": "AzureADMyOrg",
            "identifierUris": [format!("api://{app_id}")], "tags": [], "addIns": [], "keyCredentials": [], "passwordCredentials": [],
            "appRoles": self.roles(at), "web": {"homePageUrl": home, "redirectUris": [format!("{home}/signin-oidc")], "redirectUriSettings": [],
                "implicitGrantSettings": {"enableAccessTokenIssuance": false, "enableIdTokenIssuance": false}},
            "spa": {"redirectUris": []}, "publicClient": {"redirectUris": []}, "info": {},
            "api": {"requestedAccessTokenVersion": 2, "knownClientApplications": [], "oauth2PermissionScopes": [], "preAuthorizedApplications": []},
            "requiredResourceAccess": [{"resourceAppId": GRAPH, "resourceAccess": [{"id": READ.0, "type": "Scope"}]}],
        });
        let owners = if self.users > 0 { vec![self.id(Id::User, dice.usize(..self.users)).into()] } else { Vec::new() };
        let pipeline = json!({"id": self.id(Id::Pipeline, at), "name": "main", "issuer": "https://token.actions.githubusercontent.com",
            "subject": format!("repo:contoso/app{at}:ref:refs/heads/main"), "audiences": ["api://AzureADTokenExchange"]});
        let pipelines = if at.is_multiple_of(3) { vec![pipeline] } else { Vec::new() };
        object("application", value, [("owners", owners), ("federatedIdentityCredentials", pipelines)])
    }

    fn roles(self, at: usize) -> Value {
        json!([{"id": self.id(Id::Role, at), "value": "Use", "displayName": "User", "description": "May use it.", "isEnabled": true,
            "allowedMemberTypes": ["User", "Application"], "origin": "Application"}])
    }

    /// Returns a service principal: the first is Microsoft Graph's, the next those of the applications, the rest managed
    /// identities.
    fn principal(self, at: usize) -> SeedObject {
        let own = self.id(Id::Principal, at);
        let mut value = map(json!({
            "id": own, "accountEnabled": true, "appRoleAssignmentRequired": false, "appRoles": [], "oauth2PermissionScopes": [], "tags": [],
            "replyUrls": [], "alternativeNames": [], "addIns": [], "keyCredentials": [], "passwordCredentials": [], "info": {},
            "notificationEmailAddresses": [], "servicePrincipalType": "Application",
        }));
        let (mut assigned, mut grants) = (Vec::new(), Vec::new());
        match at.checked_sub(1) {
            None => value.extend(map(json!({
                "appId": GRAPH, "displayName": "Microsoft Graph", "appDisplayName": "Microsoft Graph", "servicePrincipalNames": [GRAPH],
                "appOwnerOrganizationId": "f8cdef31-a31e-4b4a-93e4-5f571e91255a",
                "oauth2PermissionScopes": [{"id": READ.0, "value": "User.Read", "type": "User", "isEnabled": true, "adminConsentDisplayName": "Sign in and read user profile"}],
                "appRoles": [{"id": READ.1, "value": "User.Read.All", "displayName": "Read all users' full profiles", "description": "Read all users' full profiles",
                    "isEnabled": true, "allowedMemberTypes": ["Application"], "origin": "Application"}],
            }))),
            Some(app) if app < self.applications => {
                let app_id = self.id(Id::ClientOf, app);
                value.extend(map(json!({"displayName": format!("Application {app}"), "appDisplayName": format!("Application {app}"), "appId": app_id,
                    "servicePrincipalNames": [app_id, format!("api://{app_id}")], "appRoles": self.roles(app), "signInAudience": "AzureADMyOrg",
                    "homepage": format!("https://app{app}.contoso.com")})));
                assigned = self.assigned(app, &own);
                grants.push(json!({"id": self.opaque(Id::Grant, at, 0), "clientId": own, "consentType": "AllPrincipals",
                    "resourceId": self.id(Id::Principal, 0), "scope": "openid profile User.Read"}));
            }
            Some(_) => {
                let app_id = self.id(Id::ClientOfIdentity, at);
                value.extend(map(json!({"displayName": format!("identity-{at}"), "appDisplayName": format!("identity-{at}"), "appId": app_id,
                    "servicePrincipalType": "ManagedIdentity", "servicePrincipalNames": [app_id], "alternativeNames": ["isExplicit=True", format!(
                        "/subscriptions/5b1f9a3e-7a57-4d0c-9be1-2f4f8c1a6d33/resourcegroups/rg{at}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/identity-{at}")]})));
            }
        }
        object(
            "servicePrincipal",
            Value::Object(value),
            [("appRoleAssignedTo", assigned), ("oauth2PermissionGrants", grants)],
        )
    }

    fn assigned(self, app: usize, resource: &str) -> Vec<Value> {
        let mut dice = self.dice(103, app);
        let mut who = Vec::new();
        if self.groups > 0 {
            who.push(("Group", self.id(Id::Group, dice.usize(..self.groups))));
        }
        if self.users > 1 {
            let first = dice.usize(..self.users);
            who.push(("User", self.id(Id::User, first)));
            who.push(("User", self.id(Id::User, (first + 1) % self.users)));
        }
        who.into_iter()
            .enumerate()
            .map(|(part, (sort, id))| {
                json!({"id": self.opaque(Id::Assignment, app, part), "principalId": id, "principalType": sort, "resourceId": resource,
                    "appRoleId": self.id(Id::Role, app), "createdDateTime": format!("{}T10:15:00Z", date(&mut dice))})
            })
            .collect()
    }

    fn location(self, at: usize) -> SeedObject {
        let made = "2023-02-14T10:00:00Z";
        let own = self.id(Id::Location, at);
        let value = if at % 3 == 2 {
            json!({"@odata.type": "#microsoft.graph.countryNamedLocation", "id": own, "displayName": format!("Countries {at}"), "countriesAndRegions": ["DK", "NO", "IE"],
                "includeUnknownCountriesAndRegions": false, "countryLookupMethod": "clientIpAddress", "createdDateTime": made, "modifiedDateTime": made})
        } else {
            json!({"@odata.type": "#microsoft.graph.ipNamedLocation", "id": own, "displayName": format!("Site {at}"), "isTrusted": at.is_multiple_of(2), "createdDateTime": made,
                "modifiedDateTime": made, "ipRanges": [{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": format!("10.{}.{}.0/24", at / 256, at % 256)}]})
        };
        object("namedLocation", value, [])
    }

    fn policy(self, at: usize) -> SeedObject {
        let mut dice = self.dice(104, at);
        let groups = if self.groups > 0 { vec![self.id(Id::Group, dice.usize(..self.groups))] } else { Vec::new() };
        let everyone = if groups.is_empty() { vec!["All"] } else { Vec::new() };
        let apps = match self.applications {
            0 => "All".to_owned(),
            count => self.id(Id::ClientOf, dice.usize(..count)),
        };
        let place =
            if self.locations > 0 { vec![self.id(Id::Location, dice.usize(..self.locations))] } else { Vec::new() };
        let value = json!({
            "id": self.id(Id::Policy, at), "displayName": format!("CA{at:03} Multifactor authentication"), "state": "enabled",
            "createdDateTime": "2023-05-11T08:14:22.0192706Z",
            "conditions": {
                "userRiskLevels": [], "signInRiskLevels": [], "servicePrincipalRiskLevels": [], "clientAppTypes": ["all"],
                "applications": {"includeApplications": [apps], "excludeApplications": [], "includeUserActions": [], "includeAuthenticationContextClassReferences": []},
                "users": {"includeUsers": everyone, "excludeUsers": [], "includeGroups": groups, "excludeGroups": [], "includeRoles": [], "excludeRoles": []},
                "locations": {"includeLocations": ["All"], "excludeLocations": place},
            },
            "grantControls": {"operator": "OR", "builtInControls": ["mfa"], "customAuthenticationFactors": [], "termsOfUse": []},
        });
        object("conditionalAccessPolicy", value, [])
    }
}

/// Distinguishes the sorts of ids, so that no two of them coincide.
#[derive(Debug, Clone, Copy)]
enum Id {
    User = 1,
    Group,
    Application,
    /// The `appId` of an application.
    ClientOf,
    Role,
    Pipeline,
    Principal,
    /// The `appId` of a managed identity.
    ClientOfIdentity,
    Assignment,
    Grant,
    Location,
    Policy,
}

fn authorization() -> SeedObject {
    object(
        "authorizationPolicy",
        json!({
            "id": "authorizationPolicy", "displayName": "Authorization Policy", "description": "Used to manage authorization related settings across the company.",
            "allowInvitesFrom": "everyone", "allowedToSignUpEmailBasedSubscriptions": true, "allowedToUseSSPR": true, "allowEmailVerifiedUsersToJoinOrganization": false,
            "blockMsolPowerShell": false, "guestUserRoleId": "10dae51f-b6af-4016-8d66-8c2a99b929b3",
            "defaultUserRolePermissions": {"allowedToCreateApps": true, "allowedToCreateSecurityGroups": true, "allowedToReadOtherUsers": true,
                "permissionGrantPoliciesAssigned": ["ManagePermissionGrantsForSelf.microsoft-user-default-legacy"]},
        }),
        [],
    )
}

fn methods() -> SeedObject {
    let everyone = json!([{"targetType": "group", "id": "all_users", "isRegistrationRequired": false}]);
    let configurations = ["Fido2", "SoftwareOath"].map(|id| {
        let word = format!("{}{}", id[..1].to_lowercase(), &id[1..]);
        json!({"@odata.type": format!("#microsoft.graph.{word}AuthenticationMethodConfiguration"), "id": id, "state": "enabled", "excludeTargets": [], "includeTargets": everyone})
    });
    let policy = json!({
        "id": "authenticationMethodsPolicy", "displayName": "Authentication Methods Policy", "policyVersion": "1.5", "policyMigrationState": "migrationComplete",
        "description": "The tenant-wide policy that controls which authentication methods are allowed in the tenant", "lastModifiedDateTime": "2024-01-26T10:47:26.6044384Z",
        "registrationEnforcement": {"authenticationMethodsRegistrationCampaign": {"snoozeDurationInDays": 1, "state": "default", "excludeTargets": [], "includeTargets": []}},
    });
    object("authenticationMethodsPolicy", policy, [("authenticationMethodConfigurations", configurations.to_vec())])
}

fn pick<T: Copy>(dice: &mut fastrand::Rng, list: &[T]) -> T {
    list[dice.usize(..list.len())]
}

fn date(dice: &mut fastrand::Rng) -> String {
    format!("{}-{:02}-{:02}", 2015 + dice.u16(..9), 1 + dice.u8(..12), 1 + dice.u8(..28))
}

fn common_factor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { common_factor(b, a % b) }
}

/// Returns the company, object by object.
pub(super) fn objects(count: usize, seed: u64) -> impl Iterator<Item = SeedObject> {
    let company = Company::of(count, seed);
    (0..count.max(2)).map(move |at| company.object(at))
}
