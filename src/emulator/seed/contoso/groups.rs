//! Defines Contoso's groups.

use serde_json::{Value, json};

use super::names::{DOMAIN, ORDER_APPROVERS_NAME, REMOTE_WORKERS_NAME};
use super::people::{Person, Sort, by_alias, ids};
use crate::emulator::seed::SeedObject;
use crate::emulator::seed::value::{id, merge, number, object, seconds, security_identifier, strings};

/// Represents the sort of a group.
enum Form {
    Security,
    /// A group that can hold a directory role.
    Role,
    /// A Microsoft 365 group.
    Unified,
    /// A Microsoft 365 group with a team.
    Team,
    /// A group whose members are determined by a rule.
    Dynamic(&'static str),
    /// A Microsoft 365 group whose members are determined by a rule.
    DynamicUnified(&'static str),
    /// A group synchronized from on-premises.
    Synced,
}

/// Represents the choice of a group's members.
enum Who {
    Nobody,
    Department(&'static str),
    Country(&'static str),
    Leads,
    Remote,
    Emergency,
    Administrators,
    Guests,
    /// A part of the staff: one in this number.
    OneIn(u32),
    People(&'static [&'static str]),
    Groups(&'static [&'static str]),
}

use Form::*;
use Who::*;

/// Group: label, name, description, form, members, owners.
type Row = (&'static str, &'static str, &'static str, Form, Who, &'static [&'static str]);

const HEAD: &[&str] = &["wanjiru.kamau"];
const IDENTITY: &[&str] = &["wanjiru.kamau", "priya.raman"];

const GROUPS: &[Row] = &[
    (
        "remote-workers",
        REMOTE_WORKERS_NAME,
        "Everyone who works from home. Conditional Access relies on this group.",
        Security,
        Remote,
        IDENTITY,
    ),
    (
        "emergency-access",
        "Emergency access",
        "The two emergency accounts. Every Conditional Access policy leaves this group out.",
        Role,
        Emergency,
        HEAD,
    ),
    (
        "order-approvers",
        ORDER_APPROVERS_NAME,
        "May release orders above the limit in Order Desk.",
        Security,
        OneIn(19),
        &["jonas.weber"],
    ),
    (
        "order-clerks",
        "Order Desk clerks",
        "May enter and change orders in Order Desk.",
        Security,
        Department("Customer Service"),
        &["jonas.weber"],
    ),
    (
        "role-global-administrators",
        "Role: Global Administrators",
        "Eligible for Global Administrator, with approval.",
        Role,
        People(&["wanjiru.kamau", "dolores.ybarra"]),
        HEAD,
    ),
    (
        "role-identity-administrators",
        "Role: Identity Administrators",
        "Eligible for User, Group and Conditional Access Administrator.",
        Role,
        People(&["priya.raman", "tomasz.zielinski"]),
        HEAD,
    ),
    (
        "role-security-administrators",
        "Role: Security Administrators",
        "Eligible for Security Administrator.",
        Role,
        People(&["dolores.ybarra", "madeleine.roy"]),
        HEAD,
    ),
    (
        "role-application-administrators",
        "Role: Application Administrators",
        "Eligible for Application Administrator.",
        Role,
        People(&["sebastian.holm"]),
        HEAD,
    ),
    (
        "role-help-desk",
        "Role: Help Desk",
        "Holds Helpdesk Administrator.",
        Role,
        People(&["yuki.arakawa", "gabriel.tavares"]),
        HEAD,
    ),
    ("dept-sales", "Sales", "Department: Sales.", Security, Department("Sales"), IDENTITY),
    (
        "dept-service",
        "Customer Service",
        "Department: Customer Service.",
        Security,
        Department("Customer Service"),
        IDENTITY,
    ),
    ("dept-engineering", "Engineering", "Department: Engineering.", Security, Department("Engineering"), IDENTITY),
    ("dept-logistics", "Logistics", "Department: Logistics.", Security, Department("Logistics"), IDENTITY),
    ("dept-finance", "Finance", "Department: Finance.", Security, Department("Finance"), IDENTITY),
    ("dept-operations", "Operations", "Department: Operations.", Security, Department("Operations"), IDENTITY),
    ("dept-marketing", "Marketing", "Department: Marketing.", Security, Department("Marketing"), IDENTITY),
    ("dept-hr", "Human Resources", "Department: Human Resources.", Security, Department("Human Resources"), IDENTITY),
    ("dept-legal", "Legal", "Department: Legal.", Security, Department("Legal"), IDENTITY),
    ("dept-research", "Research", "Department: Research.", Security, Department("Research"), IDENTITY),
    ("dept-it", "IT", "Department: IT.", Security, Administrators, IDENTITY),
    (
        "all-employees",
        "All employees",
        "Every department. Holds groups, no people.",
        Security,
        Groups(&[
            "dept-sales",
            "dept-service",
            "dept-engineering",
            "dept-logistics",
            "dept-finance",
            "dept-operations",
            "dept-marketing",
            "dept-hr",
            "dept-legal",
            "dept-research",
            "dept-it",
        ]),
        IDENTITY,
    ),
    (
        "all-commercial",
        "Commercial",
        "Sales, marketing and customer service.",
        Security,
        Groups(&["dept-sales", "dept-marketing", "dept-service"]),
        &[],
    ),
    ("leadership", "Leadership", "Heads of departments.", Security, Leads, &["amara.whitfield"]),
    ("guests-partners", "Partners", "Guests of partner companies.", Security, Guests, &["sebastian.holm"]),
    (
        "dyn-norway",
        "Users in Norway",
        "Everyone whose usage location is Norway.",
        Dynamic("(user.usageLocation -eq \"NO\") and (user.accountEnabled -eq true)"),
        Nobody,
        &[],
    ),
    ("dyn-guests", "All guests", "Every guest.", Dynamic("user.userType -eq \"Guest\""), Nobody, &[]),
    (
        "dyn-managers",
        "Managers in Microsoft 365",
        "Everyone with a manager's title.",
        DynamicUnified("user.jobTitle -contains \"Manager\""),
        Nobody,
        &["wanjiru.kamau"],
    ),
    ("office-berlin", "Berlin office", "Everyone in Berlin.", Unified, Country("DE"), &["jonas.weber"]),
    ("office-oslo", "Oslo office", "Everyone in Oslo. Kaffe kl. 09:30.", Unified, Country("NO"), &["ingrid.solberg"]),
    ("office-tokyo", "東京オフィス", "Everyone in Tokyo.", Unified, Country("JP"), &["haruka.yamamoto"]),
    ("office-sao-paulo", "Escritório São Paulo", "Everyone in São Paulo.", Unified, Country("BR"), &["joao.carvalho"]),
    (
        "team-order-desk",
        "Order Desk project",
        "The team that builds and runs Order Desk.",
        Team,
        People(&["jonas.weber", "ananya.krishnan", "imran.malik", "theodore.park", "arjun.bhattacharya"]),
        &["jonas.weber"],
    ),
    ("team-platform", "Platform engineering", "Pipelines, clusters, on call.", Team, OneIn(17), &["ananya.krishnan"]),
    (
        "team-launch",
        "Product launch 2025",
        "Marketing, sales and research for the spring launch.",
        Team,
        OneIn(13),
        &["marcus.delaney"],
    ),
    (
        "team-works-council",
        "Betriebsrat",
        "Works council, members only.",
        Team,
        People(&["katharina.muller", "emre.yildiz", "clara.vonarnim"]),
        &["katharina.muller"],
    ),
    (
        "licence-e5",
        "Licences: Microsoft 365 E5",
        "Membership assigns the licence.",
        Security,
        Groups(&["leadership", "dept-it", "dept-legal"]),
        IDENTITY,
    ),
    (
        "licence-f3",
        "Licences: Microsoft 365 F3",
        "Membership assigns the licence.",
        Security,
        Groups(&["dept-logistics"]),
        IDENTITY,
    ),
    (
        "mfa-registration",
        "MFA registration campaign",
        "Asked to register a stronger method.",
        Security,
        OneIn(11),
        IDENTITY,
    ),
    ("passkey-pilot", "Passkey pilot", "First to sign in with passkeys.", Security, OneIn(9), IDENTITY),
    (
        "ca-exclude-travel",
        "Conditional Access: travelling",
        "Left out of the country policy while abroad. Emptied every Friday.",
        Security,
        People(&["pal.nygard", "siobhan.gallagher"]),
        IDENTITY,
    ),
    (
        "ca-workload-owners",
        "Workload identity owners",
        "Answer for applications and pipelines.",
        Security,
        People(&["sebastian.holm", "ananya.krishnan"]),
        IDENTITY,
    ),
    ("file-finance-rw", "FS-Finance-RW", "File server: finance, write.", Synced, Department("Finance"), &[]),
    ("file-legal-ro", "FS-Legal-RO", "File server: legal, read.", Synced, Department("Legal"), &[]),
    ("announcements", "Announcements", "News for everyone.", Unified, Leads, &["amara.whitfield"]),
    (
        "no",
        "No",
        "Users who opted out of the newsletter. The name is a word that YAML readers take for a boolean.",
        Security,
        OneIn(31),
        &[],
    ),
];

/// Returns the groups that the tenant starts with.
pub(super) fn objects(people: &[Person]) -> Vec<SeedObject> {
    GROUPS
        .iter()
        .map(|(label, name, description, form, who, owners)| {
            let members = match form {
                Dynamic(_) | DynamicUnified(_) => Vec::new(),
                _ => members(people, label, who),
            };
            let owners =
                strings(owners.iter().filter_map(|owner| by_alias(people, owner)).map(|owner| owner.id.clone()));
            object("group", group(label, name, description, form), [("members", members), ("owners", owners)])
        })
        .collect()
}

fn members(people: &[Person], label: &str, who: &Who) -> Vec<Value> {
    let staff = |person: &Person| person.sort == Sort::Staff;
    match who {
        Nobody => Vec::new(),
        Department(name) => ids(people, |person| person.department == *name),
        Country(code) => ids(people, |person| staff(person) && person.country == *code),
        Leads => ids(people, |person| person.leads),
        Remote => ids(people, |person| person.remote),
        Emergency => ids(people, |person| person.sort == Sort::Emergency),
        Administrators => ids(people, |person| person.sort == Sort::Administrator),
        Guests => ids(people, |person| person.sort == Sort::Guest),
        OneIn(of) => ids(people, |person| staff(person) && number(&format!("{label}/{}", person.alias), *of) == 0),
        People(aliases) => ids(people, |person| aliases.contains(&person.alias.as_str())),
        Groups(labels) => strings(labels.iter().map(|label| id("group", label))),
    }
}

fn group(label: &str, name: &str, description: &str, form: &Form) -> Value {
    let own = id("group", label);
    let created = seconds(label);
    let mut value = json!({
        "id": own, "displayName": name, "description": description, "createdDateTime": created, "renewedDateTime": created,
        "groupTypes": [], "mailEnabled": false, "mailNickname": label, "securityEnabled": true, "proxyAddresses": [],
        "resourceBehaviorOptions": [], "resourceProvisioningOptions": [], "isAssignableToRole": false,
        "securityIdentifier": security_identifier(&own),
    });
    let mail = format!("{label}@{DOMAIN}");
    let unified = json!({"groupTypes": ["Unified"], "mailEnabled": true, "securityEnabled": false, "mail": mail,
        "proxyAddresses": [format!("SMTP:{mail}")], "visibility": "Private", "isAssignableToRole": null});
    match form {
        Security => {}
        Role => merge(&mut value, json!({"isAssignableToRole": true, "visibility": "Private"})),
        Unified => {
            merge(&mut value, unified);
            merge(&mut value, json!({"visibility": "Public"}));
        }
        Team => {
            merge(&mut value, unified);
            merge(
                &mut value,
                json!({"resourceProvisioningOptions": ["Team"], "resourceBehaviorOptions": ["HideGroupInOutlook", "WelcomeEmailDisabled"]}),
            );
        }
        Dynamic(rule) => merge(&mut value, dynamic(rule, &["DynamicMembership"])),
        DynamicUnified(rule) => {
            merge(&mut value, unified);
            merge(&mut value, dynamic(rule, &["DynamicMembership", "Unified"]));
        }
        Synced => merge(
            &mut value,
            json!({
                "onPremisesSyncEnabled": true, "onPremisesLastSyncDateTime": "2024-11-20T04:12:09Z", "onPremisesDomainName": "corp.contoso.com",
                "onPremisesNetBiosName": "CORP", "onPremisesSamAccountName": name,
                "onPremisesSecurityIdentifier": format!("S-1-5-21-1004336348-1177238915-682003330-{}", 61_200 + number(label, 3000)),
            }),
        ),
    }
    value
}

fn dynamic(rule: &str, types: &[&str]) -> Value {
    json!({"groupTypes": types, "membershipRule": rule, "membershipRuleProcessingState": "On"})
}
