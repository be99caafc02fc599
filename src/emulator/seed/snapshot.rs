//! Turns a snapshot into seeds: normalized objects → objects that a tenant starts with.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::SeedObject;
use crate::model::{Address, Object};

/// Returns the seed with which a tenant holds `object`, ids and links kept; or the reason why it cannot hold it.
pub fn seed(address: &Address, object: &Object) -> Result<SeedObject, String> {
    let kind = address.kind;
    if address.id.starts_with("new:") {
        return Err("it is still to be created and has no id".to_owned());
    }
    let mut seed = SeedObject { kind: kind.name, value: object.0.clone(), links: Default::default() };
    for link in kind.links {
        match seed.value.remove(link.name) {
            None => {}
            Some(Value::Array(entries)) => drop(seed.links.insert(link.name, entries)),
            Some(entry) => drop(seed.links.insert(link.name, vec![entry])),
        }
    }
    // An object made by a request names that request, which snapshots leave out.
    if kind.requests.is_some() {
        seed.value.entry("createdUsing").or_insert_with(|| address.id.as_str().into());
    }
    if kind.name == "servicePrincipal" && !seed.value.contains_key("appRoles") {
        seed.value
            .insert("appRoles".to_owned(), declared(seed.links.get("appRoleAssignedTo").map_or(&[], Vec::as_slice)));
    }
    if kind.name == "servicePrincipal" && !seed.value.contains_key("oauth2PermissionScopes") {
        let classified = seed.links.get("delegatedPermissionClassifications").map_or(&[][..], Vec::as_slice);
        seed.value.insert("oauth2PermissionScopes".to_owned(), classified.iter().map(offered).collect());
    }
    Ok(seed)
}

/// Returns the delegated permission that an application must offer, since it is classified.
fn offered(classification: &Value) -> Value {
    let name = classification.get("permissionName");
    json!({"id": classification.get("permissionId"), "value": name, "type": "User", "isEnabled": true,
        "adminConsentDisplayName": name, "adminConsentDescription": name})
}

/// Returns the roles that an application must have declared, since they are assigned. Snapshots leave them to the application,
/// which may be registered in another tenant.
fn declared(assignments: &[Value]) -> Value {
    let ids: BTreeSet<&str> =
        assignments.iter().filter_map(|assignment| assignment.get("appRoleId")?.as_str()).collect();
    let default = "00000000-0000-0000-0000-000000000000";
    let role = |id: &str| {
        json!({"id": id, "allowedMemberTypes": ["Application", "User"], "description": id, "displayName": id,
            "isEnabled": true, "origin": "Application", "value": id})
    };
    ids.into_iter().filter(|id| *id != default).map(role).collect()
}
