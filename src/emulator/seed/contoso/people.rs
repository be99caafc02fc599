//! Defines Contoso's people: staff, administrators, guests, the two emergency accounts and a few accounts of no person.

use serde_json::{Value, json};

use super::names::{DOMAIN, INITIAL_DOMAIN};
use super::roster::{ADMINISTRATORS, DEPARTMENTS, GUESTS, OFFICES, Office, SERVICES};
use crate::emulator::seed::SeedObject;
use crate::emulator::seed::value::{
    alias, id, immutable_id, merge, number, object, seconds, security_identifier, strings,
};

/// Represents the sort of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Staff,
    Administrator,
    Emergency,
    Guest,
    Service,
}

/// Represents one account.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub id: String,
    pub alias: String,
    pub sort: Sort,
    pub department: &'static str,
    pub country: &'static str,
    pub remote: bool,
    pub leads: bool,
    manager: Option<String>,
    value: Value,
}

/// Ids of Microsoft 365 E3, E5 and, for warehouse workers, F3:
/// <https://learn.microsoft.com/entra/identity/users/licensing-service-plan-reference>
const LICENCES: [&str; 3] = [
    "05e9a617-0261-4cee-bb44-138d3ef5d965",
    "06ebc4ee-1bb5-47dd-8120-11324bc54e06",
    "66b55226-6b4f-492c-910c-a3b7a3c9d993",
];

/// Alias of the chief executive.
const CHIEF: &str = "amara.whitfield";

impl Person {
    /// Returns the user that the tenant starts with.
    pub(super) fn object(&self) -> SeedObject {
        object(
            "user",
            self.value.clone(),
            self.manager.iter().map(|manager| ("manager", vec![id("user", manager).into()])),
        )
    }
}

/// Returns all people.
pub(super) fn people() -> Vec<Person> {
    let mut all = staff();
    all.extend(ADMINISTRATORS.iter().enumerate().filter_map(|(at, row)| administrator(at, row)));
    all.extend((1..=2).map(emergency));
    all.push(sync_account());
    all.extend(GUESTS.iter().map(guest));
    all.extend(SERVICES.iter().map(service));
    all
}

fn staff() -> Vec<Person> {
    let mut all: Vec<Person> = Vec::new();
    let longest = OFFICES.iter().map(|(_, people)| people.len()).max().unwrap_or_default();
    // The offices take turns, so that every department is everywhere.
    let everyone =
        (0..longest).flat_map(|at| OFFICES.iter().filter_map(move |(office, people)| Some((office, *people.get(at)?))));
    for (at, (office, (given, surname))) in everyone.enumerate() {
        let own = alias(given, surname);
        if own == CHIEF {
            all.push(chief(office, given, surname));
            continue;
        }
        let (department, lead, titles) = DEPARTMENTS[at % DEPARTMENTS.len()];
        let leader = all
            .iter()
            .find(|person| person.department == department && person.leads)
            .map(|person| person.alias.clone());
        let leads = leader.is_none() && !lead.is_empty();
        let title = if leads { lead } else { titles[number(&own, titles.len() as u32) as usize] };
        let remote =
            !leads && matches!(department, "Sales" | "Customer Service" | "Logistics" | "Marketing") && at % 5 < 3;
        let mut value = worker(at, office, given, surname, title, department);
        if remote {
            merge(&mut value, json!({"officeLocation": "Remote"}));
        }
        if at % 6 == 4 {
            merge(&mut value, on_premises(&own, given, surname, office[0]));
        }
        if at % 47 == 46 {
            // The person is on leave: the account stays, but is disabled.
            merge(&mut value, json!({"accountEnabled": false, "employeeType": "Leave"}));
        }
        let manager = Some(leader.unwrap_or_else(|| CHIEF.to_owned()));
        all.push(Person {
            id: id("user", &own),
            sort: Sort::Staff,
            department,
            country: office[5],
            remote,
            leads,
            manager,
            value,
            alias: own,
        });
    }
    all
}

fn chief(office: &Office, given: &str, surname: &str) -> Person {
    let value = worker(0, office, given, surname, "Chief Executive Officer", "Executive");
    let own = alias(given, surname);
    Person {
        id: id("user", &own),
        sort: Sort::Staff,
        department: "Executive",
        country: office[5],
        remote: false,
        leads: true,
        manager: None,
        value,
        alias: own,
    }
}

/// Returns the properties of every employee.
fn worker(at: usize, office: &Office, given: &str, surname: &str, title: &str, department: &str) -> Value {
    let [city, street, postal, region, country, code, language, prefix] = *office;
    let own = alias(given, surname);
    let upn = format!("{own}@{DOMAIN}");
    let user = id("user", &own);
    let phone = |what: &str| format!("{prefix} {:04}", 100 + number(&format!("{own}/{what}"), 9900));
    let licence = match department {
        "Executive" | "IT" | "Legal" => LICENCES[1],
        "Logistics" => LICENCES[2],
        _ => LICENCES[0],
    };
    json!({
        "id": user, "displayName": format!("{given} {surname}"), "givenName": given, "surname": surname,
        "userPrincipalName": upn, "mail": upn, "mailNickname": own, "proxyAddresses": [format!("SMTP:{upn}"), format!("smtp:{own}@{INITIAL_DOMAIN}")],
        "jobTitle": title, "department": department, "companyName": "Contoso", "employeeId": format!("{:05}", 7 + at * 31),
        "employeeType": "Employee", "employeeHireDate": format!("{}T00:00:00Z", &seconds(&format!("{own}/hired"))[..10]),
        "employeeOrgData": {"division": if matches!(code, "US" | "CA" | "BR") { "Americas" } else { "International" },
            "costCenter": format!("{:04}", 100 + number(department, 900))},
        "officeLocation": format!("{city} {}", 1 + number(&own, 9)), "streetAddress": street, "city": city,
        "postalCode": postal, "state": region, "country": country, "usageLocation": code, "preferredLanguage": language,
        "businessPhones": [phone("desk")], "mobilePhone": phone("mobile"), "otherMails": [],
        "accountEnabled": true, "userType": "Member", "createdDateTime": seconds(&own),
        "lastPasswordChangeDateTime": seconds(&format!("{own}/password")),
        "signInSessionsValidFromDateTime": seconds(&format!("{own}/password")),
        "identities": [{"signInType": "userPrincipalName", "issuer": INITIAL_DOMAIN, "issuerAssignedId": upn}],
        "assignedLicenses": [{"skuId": licence, "disabledPlans": []}],
        "securityIdentifier": security_identifier(&user),
    })
}

/// Returns the properties that directory synchronization adds.
fn on_premises(own: &str, given: &str, surname: &str, city: &str) -> Value {
    let account = own.replace('.', "");
    json!({
        "onPremisesSyncEnabled": true, "onPremisesImmutableId": immutable_id(own), "onPremisesLastSyncDateTime": "2024-11-20T04:12:09Z",
        "onPremisesDomainName": "corp.contoso.com", "onPremisesSamAccountName": account.get(..20).unwrap_or(&account),
        "onPremisesUserPrincipalName": format!("{own}@{DOMAIN}"),
        "onPremisesDistinguishedName": format!("CN={given} {surname},OU={city},OU=People,DC=corp,DC=contoso,DC=com"),
        "onPremisesSecurityIdentifier": format!("S-1-5-21-1004336348-1177238915-682003330-{}", 1100 + number(own, 60_000)),
        "onPremisesExtensionAttributes": {"extensionAttribute1": format!("{:03}", number(own, 100)), "extensionAttribute7": "yes"},
        "passwordPolicies": "DisablePasswordExpiration",
    })
}

fn administrator(at: usize, row: &(&str, &str, &str, &str)) -> Option<Person> {
    let (given, surname, title, city) = *row;
    let (office, _) = OFFICES.iter().find(|(office, _)| office[0] == city)?;
    let value = worker(900 + at, office, given, surname, title, "IT");
    let own = alias(given, surname);
    let manager = ADMINISTRATORS.first().map(|(given, surname, ..)| alias(given, surname)).filter(|head| *head != own);
    Some(Person {
        id: id("user", &own),
        sort: Sort::Administrator,
        department: "IT",
        country: office[5],
        remote: false,
        leads: manager.is_none(),
        manager: manager.or_else(|| Some(CHIEF.to_owned())),
        value,
        alias: own,
    })
}

/// Returns an emergency account. <https://learn.microsoft.com/entra/identity/role-based-access-control/security-emergency-access>
fn emergency(which: usize) -> Person {
    let label = format!("emergency-{which}");
    let alias = format!("emergency.access{which}");
    let name = format!("Emergency access {which}");
    let value =
        bare(&label, &alias, &name, json!({"accountEnabled": true, "passwordPolicies": "DisablePasswordExpiration"}));
    of_no_person(&label, alias, Sort::Emergency, value)
}

fn sync_account() -> Person {
    let alias = "Sync_DC01_4f9c2b7d31ae".to_owned();
    let name = "On-Premises Directory Synchronization Service Account";
    let value = bare(
        "directory-synchronization",
        &alias,
        name,
        json!({"accountEnabled": true, "passwordPolicies": "DisablePasswordExpiration"}),
    );
    of_no_person("directory-synchronization", alias, Sort::Service, value)
}

fn service(row: &(&str, &str, bool)) -> Person {
    let (alias, name, enabled) = *row;
    let upn = format!("{alias}@{DOMAIN}");
    let more = json!({"accountEnabled": enabled, "userPrincipalName": upn, "mail": upn, "proxyAddresses": [format!("SMTP:{upn}")], "usageLocation": "US",
        "identities": [{"signInType": "userPrincipalName", "issuer": INITIAL_DOMAIN, "issuerAssignedId": upn}]});
    of_no_person(alias, alias.to_owned(), Sort::Service, bare(alias, alias, name, more))
}

fn guest(row: &(&str, &str, &str, bool)) -> Person {
    let (name, mail, company, accepted) = *row;
    let nickname = format!("{}#EXT#", mail.replace('@', "_"));
    let (given, surname) = name.split_once(' ').unwrap_or((name, ""));
    let more = json!({
        "userType": "Guest", "creationType": "Invitation", "accountEnabled": true, "mail": mail, "otherMails": [mail], "givenName": given,
        "surname": surname, "companyName": company, "proxyAddresses": [format!("SMTP:{mail}")],
        "externalUserState": if accepted { "Accepted" } else { "PendingAcceptance" },
        "externalUserStateChangeDateTime": seconds(&format!("{mail}/state")),
        "identities": [{"signInType": "federated", "issuer": "ExternalAzureAD", "issuerAssignedId": null},
            {"signInType": "userPrincipalName", "issuer": INITIAL_DOMAIN, "issuerAssignedId": format!("{nickname}@{INITIAL_DOMAIN}")}],
    });
    let value = bare(mail, &nickname, name, more);
    of_no_person(mail, mail.to_owned(), Sort::Guest, value)
}

/// Returns the properties that every account has, and `more`.
fn bare(label: &str, alias: &str, name: &str, more: Value) -> Value {
    let user = id("user", label);
    let upn = format!("{alias}@{INITIAL_DOMAIN}");
    let mut value = json!({
        "id": user, "displayName": name, "userPrincipalName": upn, "mailNickname": alias, "userType": "Member",
        "businessPhones": [], "otherMails": [], "proxyAddresses": [], "createdDateTime": seconds(label),
        "identities": [{"signInType": "userPrincipalName", "issuer": INITIAL_DOMAIN, "issuerAssignedId": upn}],
        "assignedLicenses": [], "signInSessionsValidFromDateTime": seconds(label), "securityIdentifier": security_identifier(&user),
    });
    merge(&mut value, more);
    value
}

fn of_no_person(label: &str, alias: String, sort: Sort, value: Value) -> Person {
    let user = id("user", label);
    Person { id: user, alias, sort, department: "", country: "", remote: false, leads: false, manager: None, value }
}

/// Returns the ids of the people that `wanted` picks, as JSON.
pub(super) fn ids(people: &[Person], wanted: impl Fn(&Person) -> bool) -> Vec<Value> {
    strings(people.iter().filter(|person| wanted(person)).map(|person| person.id.clone()))
}

/// Returns the account called `alias`.
pub(super) fn by_alias<'a>(people: &'a [Person], alias: &str) -> Option<&'a Person> {
    people.iter().find(|person| person.alias == alias)
}
