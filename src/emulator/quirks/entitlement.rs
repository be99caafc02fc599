//! Roles of entitlement management, and who holds them over which catalog.

use serde_json::{Value, json};

use super::{invalid, require, text};
use crate::emulator::error::Fault;
use crate::emulator::store::Properties;
use crate::emulator::tenant::Tenant;
use crate::kinds;

/// Microsoft's roles: id, name, tasks. <https://learn.microsoft.com/graph/api/rbacapplication-list-roledefinitions>
const ROLES: &[(&str, &str, &[&str])] = &[
    (
        "ae79f266-94d4-4dab-b730-feca7e132178",
        "Catalog owner",
        &["microsoft.entitlementManagement/allEntities/allTasks"],
    ),
    ("44272f93-9762-48e8-af59-1b5351b1d6b3", "Catalog reader", &["microsoft.entitlementManagement/allEntities/Read"]),
    (
        "7f480852-ebdc-47d4-87de-0d8498384a83",
        "AccessPackages manager",
        &[
            "microsoft.entitlementManagement/AccessPackageCatalog/AccessPackage/allTasks",
            "microsoft.entitlementManagement/AccessPackageCatalog/allEntities/Read",
        ],
    ),
    (
        "ba92d953-d8e0-4e39-a797-0cbedb0a89e8",
        "Catalog creator",
        &["microsoft.entitlementManagement/AccessPackageCatalog/Create"],
    ),
    (
        "e2182095-804a-4656-ae11-64734e9b7ae5",
        "AccessPackage assignment manager",
        &[
            "microsoft.entitlementManagement/AccessPackageCatalog/AccessPackage/GrantRequests/allTasks",
            "microsoft.entitlementManagement/AccessPackageCatalog/AccessPackage/Grants/allTasks",
            "microsoft.entitlementManagement/AccessPackageCatalog/allEntities/Read",
        ],
    ),
];

/// The roles that every tenant has.
pub(super) fn built_in() -> impl Iterator<Item = Value> {
    ROLES.iter().map(|(id, name, tasks)| {
        json!({
            "id": id, "displayName": name, "description": name, "isBuiltIn": true, "isEnabled": true, "templateId": id,
            "version": "1.0", "rolePermissions": [{"allowedResourceActions": tasks, "condition": null}],
        })
    })
}

/// <https://learn.microsoft.com/graph/api/rbacapplication-post-roleassignments>, example with a catalog's scope
pub(super) fn create_assignment(tenant: &Tenant, object: &Properties) -> Result<(), Fault> {
    require(object, &["principalId", "roleDefinitionId"], "RoleAssignment")?;
    // "Either directoryScopeId or appScopeId is required": <https://learn.microsoft.com/graph/api/resources/unifiedroleassignment>
    if object.contains_key("directoryScopeId") == object.contains_key("appScopeId") {
        return Err(invalid("appScopeId", "RoleAssignment"));
    }
    let principal = text(object, "principalId");
    tenant.directory_object(principal).ok_or_else(|| Fault::missing(principal))?;
    let there = |kind: &str, id: &str| {
        kinds::by_name(kind)
            .and_then(|kind| tenant.store.table(kind).get(id))
            .map(drop)
            .ok_or_else(|| Fault::missing(id))
    };
    there("entitlementManagementRoleDefinition", text(object, "roleDefinitionId"))?;
    match text(object, "appScopeId").strip_prefix("/AccessPackageCatalog/") {
        Some(catalog) => there("accessPackageCatalog", catalog),
        None => Ok(()),
    }
}
