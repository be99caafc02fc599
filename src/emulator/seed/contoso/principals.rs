//! Defines Contoso's service principals: of its own applications, of Microsoft's, of other companies', and managed identities,
//! with their assignments and their delegated permissions.

use serde_json::{Value, json};

use super::applications::{home, role_id, roles, scopes};
use super::first_party::{self, APPLICATIONS, GRAPH, OWNER};
use super::names::TENANT;
use super::people::{Person, by_alias};
use super::software::{ALL, App};
use crate::emulator::seed::SeedObject;
use crate::emulator::seed::value::{id, merge, object, opaque, strings, ticks};

/// Id of the default role, which stands for no role in particular:
/// <https://learn.microsoft.com/graph/api/resources/approleassignment>
const DEFAULT_ROLE: &str = "00000000-0000-0000-0000-000000000000";

/// Lists assignments: application, principal (`group`, `user` or `servicePrincipal`, and its label), role; an empty value for the
/// default one.
const ASSIGNMENTS: &[(&str, &str, &str, &str)] = &[
    ("order-desk", "group", "order-clerks", "Orders.Enter"),
    ("order-desk", "group", "order-approvers", "Orders.Approve"),
    ("order-desk", "group", "remote-workers", "Orders.Enter"),
    ("order-desk", "user", "madeleine.roy", "Orders.Export"),
    ("order-desk", "servicePrincipal", "order-feed", "Orders.Read.All"),
    ("order-desk", "servicePrincipal", "warehouse-worker", "Orders.Read.All"),
    ("order-desk-mobile", "group", "dept-sales", ""),
    ("order-feed", "servicePrincipal", "warehouse-worker", "Feed.Read"),
    ("warehouse", "group", "dept-logistics", "Stock.Move"),
    ("warehouse", "group", "dept-operations", "Stock.Count"),
    ("expenses", "group", "all-employees", ""),
    ("expenses", "group", "leadership", "Expenses.Approve"),
    ("hr-portal", "group", "dept-hr", "HR.Admin"),
    ("hr-portal", "user", "wanjiru.kamau", "HR.Read"),
    ("telemetry", "servicePrincipal", "cluster-kubelet", "Telemetry.Write"),
    ("partner-portal", "group", "guests-partners", "Partner.Read"),
    ("payroll", "group", "dept-finance", "Payroll.Run"),
    ("payroll", "user", "madeleine.roy", "Payroll.Audit"),
    ("wiki", "group", "all-employees", ""),
    ("lab-notebook", "group", "dept-research", ""),
    ("phone-list", "group", "dept-it", ""),
];

/// Lists consent that people gave for themselves: application, person, scopes.
const CONSENTED: &[(&str, &str, &str)] = &[
    (
        "14d82eec-204b-4c2f-b7e8-296a70dab67e",
        "priya.raman",
        "openid profile offline_access User.Read.All Group.Read.All",
    ),
    ("14d82eec-204b-4c2f-b7e8-296a70dab67e", "tomasz.zielinski", "openid profile offline_access User.Read"),
    ("signature-service", "eleanor.ashworth", "openid profile email User.Read"),
    ("signature-service", "rohan.desai", "openid profile email User.Read"),
    ("travel", "marcus.delaney", "openid User.Read Calendars.Read"),
];

/// Lists applications of other companies: label, name, their tenant. The label also gives the application id.
const GALLERY: &[(&str, &str, &str)] = &[
    ("signature-service", "Fabrikam Sign", "b4d1f6de-14a5-4dd7-a2f0-6d1e3f1b8c22"),
    ("travel", "Adatum Travel", "6f8a5f0a-96c7-4b6e-8f0e-0a4f7be4d5a1"),
    ("learning", "Proseware Learning", "0d2c1f35-5b02-4c1a-9f43-7d9c5d6f7e10"),
    ("maps", "Trey Research Maps", "91e6a4c7-7c2b-4d5e-b3f9-15f2a8c0d3b4"),
];

/// Lists managed identities: label, name, the Azure resource they belong to.
const IDENTITIES: &[(&str, &str, &str)] = &[
    (
        "warehouse-worker",
        "warehouse-worker",
        "orders/providers/Microsoft.ManagedIdentity/userAssignedIdentities/warehouse-worker",
    ),
    (
        "cluster-kubelet",
        "aks-platform-agentpool",
        "platform/providers/Microsoft.ManagedIdentity/userAssignedIdentities/aks-platform-agentpool",
    ),
    ("function-invoices", "func-invoices", "finance/providers/Microsoft.Web/sites/func-invoices"),
    ("vm-scanner", "vm-scanner-01", "warehouse/providers/Microsoft.Compute/virtualMachines/vm-scanner-01"),
];

/// Returns the service principals that the tenant starts with.
pub(super) fn objects(people: &[Person]) -> Vec<SeedObject> {
    let mut all = Vec::new();
    for app in ALL {
        all.push(with_links(people, app.label, own(app)));
    }
    for (app_id, name, delegated, application) in APPLICATIONS {
        let value = json!({
            "displayName": name, "appDisplayName": name, "appId": app_id, "appOwnerOrganizationId": OWNER, "servicePrincipalType": "Application",
            "servicePrincipalNames": [app_id], "oauth2PermissionScopes": first_party::scopes(delegated), "appRoles": first_party::roles(application),
            "signInAudience": "AzureADMultipleOrgs",
        });
        all.push(with_links(people, app_id, common(app_id, value)));
    }
    for (label, name, tenant) in GALLERY {
        let app_id = id("appId", label);
        let value = json!({
            "displayName": name, "appDisplayName": name, "appId": app_id, "appOwnerOrganizationId": tenant, "servicePrincipalType": "Application",
            "servicePrincipalNames": [app_id], "signInAudience": "AzureADMultipleOrgs", "tags": ["WindowsAzureActiveDirectoryIntegratedApp"],
            "replyUrls": [format!("https://{label}.example/auth")], "homepage": format!("https://{label}.example/"),
        });
        all.push(with_links(people, label, common(label, value)));
    }
    for (label, name, resource) in IDENTITIES {
        let app_id = id("appId", label);
        let explicit = if resource.contains("userAssigned") { "isExplicit=True" } else { "isExplicit=False" };
        let value = json!({
            "displayName": name, "appDisplayName": name, "appId": app_id, "servicePrincipalType": "ManagedIdentity",
            "servicePrincipalNames": [app_id, format!("https://identity.azure.net/{}", opaque(label))],
            "alternativeNames": [explicit, format!("/subscriptions/5b1f9a3e-7a57-4d0c-9be1-2f4f8c1a6d33/resourcegroups/{resource}")],
        });
        all.push(with_links(people, label, common(label, value)));
    }
    all
}

fn own(app: &App) -> Value {
    let app_id = id("appId", app.label);
    let mut names = vec![app_id.clone()];
    if !scopes(app).is_empty() {
        names.push(format!("api://{app_id}"));
    }
    let value = json!({
        "displayName": app.name, "appDisplayName": app.name, "appId": app_id, "appOwnerOrganizationId": TENANT,
        "servicePrincipalType": "Application", "servicePrincipalNames": names, "signInAudience": "AzureADMyOrg",
        "appRoles": roles(app), "oauth2PermissionScopes": scopes(app), "tags": ["WindowsAzureActiveDirectoryIntegratedApp"],
        "replyUrls": [], "homepage": home(app), "accountEnabled": !matches!(app.label, "old-crm" | "directory-recovery"),
        "appRoleAssignmentRequired": !app.roles.is_empty(),
    });
    common(app.label, value)
}

/// Returns the properties of every service principal.
fn common(label: &str, more: Value) -> Value {
    let mut value = json!({
        "id": id("servicePrincipal", label), "accountEnabled": true, "appRoleAssignmentRequired": false, "appRoles": [],
        "oauth2PermissionScopes": [], "resourceSpecificApplicationPermissions": [], "replyUrls": [], "tags": [], "alternativeNames": [],
        "addIns": [], "keyCredentials": [], "passwordCredentials": [], "notificationEmailAddresses": [], "info": {},
    });
    merge(&mut value, more);
    value
}

fn with_links(people: &[Person], label: &str, value: Value) -> SeedObject {
    let owners = ALL.iter().find(|app| app.label == label).map_or(&[][..], |app| app.owners);
    let owners = strings(owners.iter().filter_map(|owner| by_alias(people, owner)).map(|owner| owner.id.clone()));
    let assigned = if label == GRAPH { application_permissions() } else { assigned(label) };
    object(
        "servicePrincipal",
        value,
        [
            ("owners", owners),
            ("appRoleAssignedTo", assigned),
            ("oauth2PermissionGrants", grants(label)),
            ("delegatedPermissionClassifications", classified(label)),
            ("synchronization", provisioning(label)),
        ],
    )
}

/// Returns the permissions that people may consent to by themselves.
fn classified(label: &str) -> Vec<Value> {
    let low: Vec<(String, &str)> = match label {
        GRAPH => ["openid", "profile", "email", "offline_access", "User.Read"]
            .iter()
            .filter_map(|name| Some((first_party::scope(GRAPH, name)?.to_owned(), *name)))
            .collect(),
        "order-desk" => vec![(id("scope", "order-desk/Orders.Read"), "Orders.Read")],
        _ => Vec::new(),
    };
    low.into_iter()
        .map(|(permission, name)| {
            json!({"id": opaque(&format!("classification/{label}/{name}")), "permissionId": permission,
                "permissionName": name, "classification": "low"})
        })
        .collect()
}

/// Returns the jobs that create accounts in other systems, with the status of their runs.
fn provisioning(label: &str) -> Vec<Value> {
    let template = match label {
        "travel" => "scim",
        _ => return Vec::new(),
    };
    vec![
        json!({"id": format!("{template}.84841066274d4ec0a5c1276be684bdd3.{}", id("job", label)), "templateId": template,
        "schedule": {"expiration": null, "interval": "PT40M", "state": "Active"},
        "synchronizationJobSettings": [{"name": "AzureIngestionAttributeOptimization", "value": "False"}],
        "status": {"code": "Active", "countSuccessiveCompleteFailures": 0, "escrowsPruned": false, "progress": [],
            "steadyStateFirstAchievedTime": ticks(label), "steadyStateLastAchievedTime": ticks(label),
            "synchronizedEntryCountByType": [{"key": "User", "value": 41}]}}),
    ]
}

fn assigned(label: &str) -> Vec<Value> {
    let Some(app) = ALL.iter().find(|app| app.label == label) else { return Vec::new() };
    ASSIGNMENTS
        .iter()
        .filter(|(resource, ..)| *resource == label)
        .map(|(_, kind, who, role)| {
            let role = if role.is_empty() { DEFAULT_ROLE.to_owned() } else { role_id(app, role) };
            assignment(label, kind, who, &role)
        })
        .collect()
}

/// Returns the assignments of application permissions in Microsoft Graph.
fn application_permissions() -> Vec<Value> {
    let own = ALL.iter().flat_map(|app| app.holds.iter().map(move |value| (app.label, *value)));
    own.chain([("function-invoices", "Mail.Send"), ("function-invoices", "Sites.Read.All")])
        .filter_map(|(label, value)| {
            Some(assignment(GRAPH, "servicePrincipal", label, first_party::role(GRAPH, value)?))
        })
        .collect()
}

fn assignment(resource: &str, kind: &str, who: &str, role: &str) -> Value {
    let label = format!("{resource}/{kind}/{who}/{role}");
    let principal = match kind {
        "user" => "User",
        "group" => "Group",
        _ => "ServicePrincipal",
    };
    json!({"id": opaque(&label), "principalId": id(kind, who), "principalType": principal, "appRoleId": role,
        "resourceId": id("servicePrincipal", resource), "createdDateTime": ticks(&label)})
}

fn grants(label: &str) -> Vec<Value> {
    let mut all = Vec::new();
    if let Some(app) = ALL.iter().find(|app| app.label == label && !app.asks.is_empty()) {
        all.push(grant(label, None, GRAPH, &app.asks.join(" ")));
    }
    if label == "order-desk-mobile" {
        all.push(grant(label, None, "order-desk", "Orders.Read Orders.ReadWrite"));
    }
    let own = CONSENTED.iter().filter(|(client, ..)| *client == label);
    all.extend(own.map(|(_, person, scope)| grant(label, Some(person), GRAPH, scope)));
    all
}

fn grant(client: &str, person: Option<&str>, resource: &str, scope: &str) -> Value {
    json!({"id": opaque(&format!("grant/{client}/{}/{resource}", person.unwrap_or_default())), "clientId": id("servicePrincipal", client),
        "consentType": if person.is_some() { "Principal" } else { "AllPrincipals" }, "principalId": person.map(|person| id("user", person)),
        "resourceId": id("servicePrincipal", resource), "scope": scope})
}
