//! Implements the rules for roles, their assignments, and the settings of Privileged Identity Management.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::checks::{invalid, require};
use crate::emulator::error::Fault;
use crate::emulator::store::{Key, Properties, strings, text};
use crate::emulator::tenant::Tenant;
use crate::kinds;
use crate::model::Kind;

/// Id of the role from which many others inherit their reading permissions.
const DIRECTORY_READERS: &str = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b";

/// Lists some of Microsoft's roles: template id, name, description, a few of their tasks.
/// <https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference>
const BUILT_IN: &[(&str, &str, &str, &[&str])] = &[
    (
        "62e90394-69f5-4237-9190-012177145e10",
        "Global Administrator",
        "Can manage all aspects of Microsoft Entra ID and Microsoft services that use Microsoft Entra identities.",
        &["microsoft.directory/users/allProperties/allTasks", "microsoft.directory/groups/allProperties/allTasks"],
    ),
    (
        "e8611ab8-c189-46e8-94e1-60213ab1f814",
        "Privileged Role Administrator",
        "Can manage role assignments in Microsoft Entra ID, and all aspects of Privileged Identity Management.",
        &[
            "microsoft.directory/roleAssignments/allProperties/allTasks",
            "microsoft.directory/roleDefinitions/allProperties/allTasks",
        ],
    ),
    (
        "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9",
        "Conditional Access Administrator",
        "Can manage Conditional Access capabilities.",
        &[
            "microsoft.directory/namedLocations/create",
            "microsoft.directory/namedLocations/delete",
            "microsoft.directory/namedLocations/basic/update",
            "microsoft.directory/conditionalAccessPolicies/create",
            "microsoft.directory/conditionalAccessPolicies/delete",
            "microsoft.directory/conditionalAccessPolicies/basic/update",
        ],
    ),
    (
        "194ae4cb-b126-40b2-bd5b-6091b380977d",
        "Security Administrator",
        "Can read security information and reports, and manage configuration in Microsoft Entra ID and Office 365.",
        &["microsoft.directory/policies/basic/update", "microsoft.directory/conditionalAccessPolicies/basic/update"],
    ),
    (
        "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
        "Application Administrator",
        "Can create and manage all aspects of app registrations and enterprise apps.",
        &["microsoft.directory/applications/create", "microsoft.directory/applications/basic/update"],
    ),
    (
        "fe930be7-5e62-47db-91af-98c3a49a38b1",
        "User Administrator",
        "Can manage all aspects of users and groups, including resetting passwords for limited admins.",
        &["microsoft.directory/users/create", "microsoft.directory/users/basic/update"],
    ),
    (
        "fdd7a751-b60b-444a-984c-02652fe8fa1c",
        "Groups Administrator",
        "Members of this role can create/manage groups, create/manage groups settings like naming and expiration policies, and view groups activity and audit reports.",
        &["microsoft.directory/groups/create", "microsoft.directory/groups/basic/update"],
    ),
    (
        "729827e3-9c14-49f7-bb1b-9608f156bbb8",
        "Helpdesk Administrator",
        "Can reset passwords for non-administrators and Helpdesk Administrators.",
        &["microsoft.directory/users/invalidateAllRefreshTokens", "microsoft.directory/users/password/update"],
    ),
    (
        "7be44c8a-adaf-4e2a-84d6-ab2649e08a13",
        "Privileged Authentication Administrator",
        "Can access to view, set and reset authentication method information for any user (admin or non-admin).",
        &["microsoft.directory/users/invalidateAllRefreshTokens", "microsoft.directory/users/password/update"],
    ),
    (
        "158c047a-c907-4556-b7ef-446551a6b5f7",
        "Cloud Application Administrator",
        "Can create and manage all aspects of app registrations and enterprise apps except App Proxy.",
        &["microsoft.directory/applications/create", "microsoft.directory/applications/basic/update"],
    ),
    (
        "29232cdf-9323-42fd-ade2-1d097af3e4de",
        "Exchange Administrator",
        "Can manage all aspects of the Exchange product.",
        &["microsoft.office365.exchange/allEntities/basic/allTasks"],
    ),
    (
        "f28a1f50-f6e7-4571-818b-6a12f2af6b6c",
        "SharePoint Administrator",
        "Can manage all aspects of the SharePoint service.",
        &["microsoft.office365.sharePoint/allEntities/allTasks"],
    ),
    (
        "d29b2b05-8046-44ba-8758-1e26182fcf32",
        "Directory Synchronization Accounts",
        "Only used by Microsoft Entra Connect service.",
        &["microsoft.directory/users/standard/read", "microsoft.directory/policies/basic/update"],
    ),
    (
        DIRECTORY_READERS,
        "Directory Readers",
        "Can read basic directory information. Commonly used to grant directory read access to applications and guests.",
        &["microsoft.directory/users/standard/read", "microsoft.directory/groups/standard/read"],
    ),
];

/// Returns Microsoft's roles as every tenant has them.
/// <https://learn.microsoft.com/graph/api/rbacapplication-list-roledefinitions>
pub fn built_in() -> impl Iterator<Item = Value> {
    BUILT_IN.iter().map(|(id, name, description, tasks)| {
        let inherited = if *id == DIRECTORY_READERS { json!([]) } else { json!([{"id": DIRECTORY_READERS}]) };
        json!({
            "id": id, "templateId": id, "displayName": name, "description": description, "version": "1",
            "isBuiltIn": true, "isEnabled": true, "resourceScopes": ["/"], "inheritsPermissionsFrom": inherited,
            "rolePermissions": [{"allowedResourceActions": tasks}],
        })
    })
}

/// Checks and completes a new role. <https://learn.microsoft.com/graph/api/rbacapplication-post-roledefinitions>
pub(super) fn create_definition(tenant: &Tenant, object: &mut Properties) -> Result<(), Fault> {
    require(object, &["displayName", "isEnabled", "rolePermissions"], "RoleDefinition")?;
    check_permissions(object)?;
    let Some(kind) = kinds::by_name("roleDefinition") else { return Ok(()) };
    let rows = &tenant.store.table(kind).live;
    let custom = rows.values().filter(|row| row.unpack().get("isBuiltIn") != Some(&Value::Bool(true))).count();
    // The limit is "100 Microsoft Entra custom role definitions":
    // <https://learn.microsoft.com/entra/identity/users/directory-service-limits-restrictions>
    if custom >= 100 {
        return Err(Fault::new(400, "Directory_QuotaExceeded", "The tenant has the maximum number of custom roles."));
    }
    object.insert("isBuiltIn".to_owned(), false.into());
    let id = text(object, "id").to_owned();
    object.entry("templateId").or_insert_with(|| id.into());
    Ok(())
}

/// Checks a change of a role. "You cannot update built-in roles":
/// <https://learn.microsoft.com/graph/api/unifiedroledefinition-update>
pub(super) fn update_definition(old: &Properties, new: &Properties) -> Result<(), Fault> {
    only_custom(old)?;
    check_permissions(new)
}

/// Refuses built-in roles. "You can't delete built-in roles":
/// <https://learn.microsoft.com/graph/api/unifiedroledefinition-delete>
pub(super) fn only_custom(object: &Properties) -> Result<(), Fault> {
    match object.get("isBuiltIn") {
        Some(Value::Bool(true)) => Err(Fault::bad("Built-in roles cannot be changed or deleted.")),
        _ => Ok(()),
    }
}

fn check_permissions(object: &Properties) -> Result<(), Fault> {
    let permissions = object.get("rolePermissions").and_then(Value::as_array);
    match permissions.into_iter().flatten().all(|one| strings(one.get("allowedResourceActions")).next().is_some()) {
        true => Ok(()),
        false => Err(invalid("rolePermissions", "RoleDefinition")),
    }
}

/// Checks and completes a new role assignment. <https://learn.microsoft.com/graph/api/rbacapplication-post-roleassignments>
pub(super) fn create_assignment(tenant: &Tenant, object: &mut Properties) -> Result<(), Fault> {
    require(object, &["principalId", "roleDefinitionId"], "RoleAssignment")?;
    // Microsoft's page says: "Either directoryScopeId or appScopeId is required":
    // <https://learn.microsoft.com/graph/api/resources/unifiedroleassignment>
    if object.contains_key("directoryScopeId") == object.contains_key("appScopeId") {
        return Err(invalid("directoryScopeId", "RoleAssignment"));
    }
    let principal = text(object, "principalId");
    let (kind, holder) = tenant.directory_object(principal).ok_or_else(|| Fault::missing(principal))?;
    // Microsoft's page says of groups: "Set isAssignableToRole to true":
    // <https://learn.microsoft.com/entra/identity/role-based-access-control/groups-concept>
    if kind.name == "group" && holder.get("isAssignableToRole") != Some(&Value::Bool(true)) {
        return Err(Fault::bad("The group is not assignable to a role."));
    }
    let role = text(object, "roleDefinitionId");
    let definition = kinds::by_name("roleDefinition").and_then(|kind| tenant.store.table(kind).get(role));
    let definition = definition.ok_or_else(|| Fault::missing(role))?;
    if definition.get("isEnabled") != Some(&Value::Bool(true)) {
        return Err(Fault::bad("The role definition is disabled."));
    }
    let id = assignment_id(object);
    let taken = kinds::by_name("roleAssignment").is_some_and(|kind| tenant.store.table(kind).get(&id).is_some());
    if taken {
        return Err(Fault::bad(
            "A conflicting object with one or more of the specified property values is present in the directory.",
        ));
    }
    object.insert("id".to_owned(), id.into());
    Ok(())
}

/// Returns an assignment's id, which the directory makes from the role, the principal and the scope: the two GUIDs in base 64, as
/// in <https://learn.microsoft.com/graph/api/unifiedroleassignment-get>, and a word that stands for the scope.
pub fn assignment_id(object: &Properties) -> String {
    let bytes = |name: &str| uuid::Uuid::parse_str(text(object, name)).unwrap_or_default().to_bytes_le();
    let both = [bytes("roleDefinitionId"), bytes("principalId")].concat();
    let scope = [text(object, "directoryScopeId"), text(object, "appScopeId")].join("|");
    let scope = if scope == "/|" {
        "1".to_owned()
    } else {
        let word = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, scope.as_bytes());
        word.simple().to_string()[..6].to_owned()
    };
    format!("{}-{scope}", URL_SAFE_NO_PAD.encode(both))
}

/// Returns the assignments that are deleted with their role.
pub(super) fn assignments_of(tenant: &Tenant, role: &str) -> Vec<(&'static Kind, Key)> {
    let kinds = ["roleAssignment", "roleAssignmentSchedule", "roleEligibilitySchedule"];
    let about = kinds.into_iter().filter_map(kinds::by_name).flat_map(|kind| {
        let rows = tenant.store.table(kind).live.iter();
        let of_it = rows.filter(|(_, row)| text(&row.unpack(), "roleDefinitionId") == role);
        of_it.map(move |(key, _)| (kind, key.clone()))
    });
    about.collect()
}
