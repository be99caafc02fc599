//! Implements the rules for entitlement management: its roles and their assignments, the resources of catalogs and the access
//! packages.

use serde_json::{Value, json};

use super::checks::{invalid, require};
use crate::emulator::error::Fault;
use crate::emulator::store::{Key, Properties, text};
use crate::emulator::tenant::Tenant;
use crate::kinds;
use crate::model::Kind;

/// Lists Microsoft's roles: id, name, tasks. <https://learn.microsoft.com/graph/api/rbacapplication-list-roledefinitions>
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

/// Returns the roles that every tenant has.
pub(super) fn built_in() -> impl Iterator<Item = Value> {
    ROLES.iter().map(|(id, name, tasks)| {
        json!({
            "id": id, "displayName": name, "description": name, "isBuiltIn": true, "isEnabled": true, "templateId": id,
            "version": "1.0", "rolePermissions": [{"allowedResourceActions": tasks, "condition": null}],
        })
    })
}

/// Checks a new role assignment. <https://learn.microsoft.com/graph/api/rbacapplication-post-roleassignments>, example with a
/// catalog's scope
pub(super) fn create_assignment(tenant: &Tenant, object: &Properties) -> Result<(), Fault> {
    require(object, &["principalId", "roleDefinitionId"], "RoleAssignment")?;
    // Microsoft's page says: "Either directoryScopeId or appScopeId is required":
    // <https://learn.microsoft.com/graph/api/resources/unifiedroleassignment>
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

/// Returns true if the service keeps the dates of creation and change of such objects.
/// <https://learn.microsoft.com/graph/api/entitlementmanagement-post-connectedorganizations>,
/// <https://learn.microsoft.com/graph/api/resources/accesspackagecatalog>
pub(super) fn is_dated(kind: &str) -> bool {
    matches!(kind, "accessPackage" | "accessPackageAssignmentPolicy" | "accessPackageCatalog" | "connectedOrganization")
}

/// Sets the dates of a new or changed object.
pub(super) fn date(tenant: &Tenant, old: Option<&Properties>, object: &mut Properties) {
    let now = Value::from(tenant.clock.ticks());
    let created = old.and_then(|old| old.get("createdDateTime")).cloned().unwrap_or_else(|| now.clone());
    object.insert("createdDateTime".to_owned(), created);
    object.insert("modifiedDateTime".to_owned(), now);
}

/// Checks and completes a new resource: a group or an application is named by its id, a site by its address.
/// <https://learn.microsoft.com/graph/api/entitlementmanagement-post-resourcerequests>
pub(super) fn add_resource(tenant: &Tenant, child: &mut Properties) -> Result<(), Fault> {
    require(child, &["originId", "originSystem"], "AccessPackageResource")?;
    let kind = match text(child, "originSystem") {
        "AadGroup" => "group",
        "AadApplication" => "servicePrincipal",
        "SharePointOnline" => return Ok(()),
        _ => return Err(invalid("originSystem", "AccessPackageResource")),
    };
    let id = text(child, "originId").to_owned();
    let (_, object) =
        tenant.directory_object(&id).filter(|(found, _)| found.name == kind).ok_or_else(|| Fault::missing(&id))?;
    for name in ["displayName", "description"] {
        let value = object.get(name).filter(|value| !value.is_null());
        child.insert(name.to_owned(), value.cloned().unwrap_or_else(|| "".into()));
    }
    child.insert("createdDateTime".to_owned(), tenant.clock.ticks().into());
    Ok(())
}

/// Checks that a package's resource is in its catalog: it "must already exist in the access package catalog":
/// <https://learn.microsoft.com/graph/api/accesspackage-post-resourcerolescopes>
pub(super) fn resource_there(tenant: &Tenant, package: &Key, child: &Properties) -> Result<(), Fault> {
    let resource = child.get("role").and_then(|role| role.pointer("/resource/id")).and_then(Value::as_str);
    let resource = resource.ok_or_else(|| invalid("role", "AccessPackageResourceRoleScope"))?;
    let package = kinds::by_name("accessPackage").and_then(|kind| tenant.store.table(kind).get(&package.id));
    let catalog = package.as_ref().and_then(|package| package.get("catalog")?.get("id")?.as_str()).map(Key::of);
    let there = catalog.is_some_and(|key| tenant.children("resources", &key).any(|one| text(&one, "id") == resource));
    if there { Ok(()) } else { Err(Fault::missing(resource)) }
}

/// Returns the objects of a kind whose `relation` leads to `id`.
fn naming<'a>(
    tenant: &'a Tenant,
    kind: &str,
    relation: &'a str,
    id: &'a str,
) -> impl Iterator<Item = (&'static Kind, Key)> + 'a {
    kinds::by_name(kind).into_iter().flat_map(move |kind| {
        let rows = tenant.store.table(kind).live.iter();
        rows.filter(move |(_, row)| row.unpack().get(relation).is_some_and(|other| other["id"] == id))
            .map(move |(key, _)| (kind, key.clone()))
    })
}

/// Refuses to delete a catalog that is not empty.
/// <https://learn.microsoft.com/entra/id-governance/entitlement-management-catalog-create>
pub(super) fn delete_catalog(tenant: &Tenant, key: &Key) -> Result<(), Fault> {
    match naming(tenant, "accessPackage", "catalog", &key.id).next() {
        Some(_) => Err(Fault::bad("The catalog has access packages and cannot be deleted.")),
        None => Ok(()),
    }
}

/// Returns the policies of a package, which are deleted with it.
pub(super) fn policies_of(tenant: &Tenant, package: &str) -> Vec<(&'static Kind, Key)> {
    naming(tenant, "accessPackageAssignmentPolicy", "accessPackage", package).collect()
}
