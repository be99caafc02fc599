//! What gives somebody power over the tenant: privileged roles, groups that hold one, permissions that lead to every other,
//! and the keeping of applications that have such permissions.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::engine::access::Tenant;
use crate::model::{Action, Plan, Step, StepId};

/// Roles that Microsoft labels privileged, by template id.
/// <https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference>
const PRIVILEGED_ROLES: &[&str] = &[
    "db506228-d27e-4b7d-95e5-295956d6615f", // Agent ID Administrator
    "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3", // Application Administrator
    "cf1c38e5-3621-4004-a7cb-879624dced7c", // Application Developer
    "ecb2c6bf-0ab6-418e-bd87-7986f8d63bbe", // Attribute Provisioning Administrator
    "422218e4-db15-4ef9-bbe0-8afb41546d79", // Attribute Provisioning Reader
    "c4e39bd9-1100-46d3-8c65-fb160da0071f", // Authentication Administrator
    "25a516ed-2fa0-40ea-a2d0-12923a21473a", // Authentication Extensibility Administrator
    "aaf43236-0c0d-4d5f-883a-6955382ac081", // B2C IEF Keyset Administrator
    "158c047a-c907-4556-b7ef-446551a6b5f7", // Cloud Application Administrator
    "7698a772-787b-4ac8-901f-60d6b08affd2", // Cloud Device Administrator
    "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9", // Conditional Access Administrator
    "9360feb5-f418-4baa-8175-e2a00bac4301", // Directory Writers
    "8329153b-31d0-4727-b945-745eb3bc5f31", // Domain Name Administrator
    "be2f45a1-457d-42af-a067-6ec1fa63bc45", // External Identity Provider Administrator
    "62e90394-69f5-4237-9190-012177145e10", // Global Administrator
    "f2ef992c-3afb-46b9-b7cf-a126ee74c451", // Global Reader
    "729827e3-9c14-49f7-bb1b-9608f156bbb8", // Helpdesk Administrator
    "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2", // Hybrid Identity Administrator
    "3a2c62db-5318-420d-8d74-23affee5d9d5", // Intune Administrator
    "59d46f88-662b-457b-bceb-5c3809e5908f", // Lifecycle Workflows Administrator
    "4ba39ca4-527c-499a-b93d-d9b492c50246", // Partner Tier1 Support
    "e00e864a-17c5-4a4b-9c06-f5b95a8d5bd8", // Partner Tier2 Support
    "966707d0-3269-4727-9be2-8c3a10f19b9d", // Password Administrator
    "7be44c8a-adaf-4e2a-84d6-ab2649e08a13", // Privileged Authentication Administrator
    "e8611ab8-c189-46e8-94e1-60213ab1f814", // Privileged Role Administrator
    "194ae4cb-b126-40b2-bd5b-6091b380977d", // Security Administrator
    "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f", // Security Operator
    "5d6b6bb7-de71-4623-b4af-96380a352509", // Security Reader
    "fe930be7-5e62-47db-91af-98c3a49a38b1", // User Administrator
];

/// Application permissions of Microsoft Graph from which it is one step to every other, by the id of the application's role.
/// <https://learn.microsoft.com/graph/permissions-reference>
const TIER_0: &[(&str, &str)] = &[
    ("9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8", "RoleManagement.ReadWrite.Directory"),
    ("06b708a9-e830-4db3-a914-8e69da51d44f", "AppRoleAssignment.ReadWrite.All"),
    ("1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9", "Application.ReadWrite.All"),
    ("18a4783c-866b-4cc7-a460-3d5e5662c884", "Application.ReadWrite.OwnedBy"),
    ("19dbc75e-c2e2-444c-a770-ec69d8559fc7", "Directory.ReadWrite.All"),
    ("741f803b-c850-494e-b5df-cde7c675a1ca", "User.ReadWrite.All"),
    ("62a82d76-70ea-41e2-9197-370581804d09", "Group.ReadWrite.All"),
    ("dbaae8cf-10b5-4b86-a4a1-f871c94c6695", "GroupMember.ReadWrite.All"),
    ("50483e42-d915-4231-9639-7fdb7fd190e5", "UserAuthenticationMethod.ReadWrite.All"),
    ("01c0a623-fc9b-48e9-b794-0756f8e8f067", "Policy.ReadWrite.ConditionalAccess"),
    ("dd199f4a-f148-40a4-a2ec-f0069cc799ec", "RoleAssignmentSchedule.ReadWrite.Directory"),
    ("fee28b28-e1f3-4841-818e-2704dc62245f", "RoleEligibilitySchedule.ReadWrite.Directory"),
    ("2f6817f8-7b12-4f0f-bc18-eeaf60705a9e", "PrivilegedAccess.ReadWrite.AzureADGroup"),
];

/// The steps that give somebody power over the tenant, and what each does, in one clause.
pub fn grants(plan: &Plan, tenant: &Tenant) -> Vec<(StepId, String)> {
    let made: BTreeSet<&str> = plan.steps.iter().filter(|step| makes_assignable(step)).map(id).collect();
    let steps = plan.steps.iter().enumerate();
    steps.filter_map(|(number, step)| Some((number, grant(step, tenant, &made)?))).collect()
}

fn id(step: &Step) -> &str {
    &step.address.id
}

fn makes_assignable(step: &Step) -> bool {
    let set = |body: &Map<String, Value>| body.get("isAssignableToRole") == Some(&Value::Bool(true));
    step.address.kind == "group" && matches!(&step.action, Action::Create { body } if set(body))
}

fn grant(step: &Step, tenant: &Tenant, made: &BTreeSet<&str>) -> Option<String> {
    let name = &step.name;
    match (step.address.kind, &step.action) {
        ("roleAssignment", Action::Create { body }) => {
            let role = body.get("roleDefinitionId").and_then(Value::as_str)?.to_lowercase();
            PRIVILEGED_ROLES.contains(&role.as_str()).then(|| format!("makes a privileged role assignment, {name}"))
        }
        ("group", Action::Link { link: "members" | "owners", value }) => {
            let holds = tenant.is_privileged_group(&step.address.id) || made.contains(id(step));
            holds.then(|| format!("puts {} in charge of or into \"{name}\", which may hold roles", word(value)))
        }
        ("servicePrincipal", Action::Link { link: "appRoleAssignedTo", value }) => {
            let role = value.get("appRoleId").and_then(Value::as_str)?.to_lowercase();
            let (_, permission) = TIER_0.iter().find(|(id, _)| *id == role)?;
            let to = value.get("principalId").map(word).unwrap_or_default();
            Some(format!("grants {permission} to {to}"))
        }
        ("servicePrincipal", Action::Link { link: "oauth2PermissionGrants", value })
        | ("servicePrincipal", Action::Relink { link: "oauth2PermissionGrants", value }) => {
            let scope = value.get("scope").and_then(Value::as_str).unwrap_or_default();
            let found = scope.split(' ').find(|word| TIER_0.iter().any(|(_, name)| name == word))?;
            Some(format!("lets \"{name}\" have {found} on behalf of people"))
        }
        ("application" | "servicePrincipal", Action::Link { link: "owners", value }) => has_power(step, tenant)
            .then(|| format!("makes {} an owner of \"{name}\", which has such permissions", word(value))),
        ("application", Action::Link { link: "federatedIdentityCredentials", .. })
        | ("application", Action::Relink { link: "federatedIdentityCredentials", .. }) => {
            has_power(step, tenant).then(|| format!("adds a credential to \"{name}\", which has such permissions"))
        }
        _ => None,
    }
}

fn has_power(step: &Step, tenant: &Tenant) -> bool {
    tenant.permissions_of(&step.address).iter().any(|role| TIER_0.iter().any(|(id, _)| id == role))
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or("somebody").to_owned()
}
