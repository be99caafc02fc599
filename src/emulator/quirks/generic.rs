//! Implements rules that follow from the registry alone, for every kind without special rules.

use serde_json::{Value, json};

use super::checks::{given, invalid};
use crate::emulator::error::Fault;
use crate::emulator::request::Request;
use crate::emulator::store::{Key, Properties, text};
use crate::emulator::tenant::Tenant;
use crate::kinds;
use crate::model::Kind;

/// Returns true if a relation is stored with the object by value and is shown with `$expand`.
pub fn by_value(kind: &Kind, relation: &str) -> bool {
    kind.expand.iter().any(|known| name_of(known) == relation)
}

fn name_of(expand: &str) -> &str {
    expand.split('(').next().unwrap_or(expand)
}

/// Checks that no two children of an object have the same key properties.
pub(super) fn create_child(tenant: &Tenant, link: &'static str, parent: &Key, child: &Properties) -> Result<(), Fault> {
    let all = kinds::ALL.iter().flat_map(|kind| kind.links).find(|known| known.name == link);
    let Some(children) = all.and_then(|link| link.children()) else { return Ok(()) };
    let key = |child: Properties| {
        let child = Value::Object(child);
        children.key_of(|path| child.pointer(path))
    };
    let own = key(child.clone());
    let same = |other: Properties| key(other) == own;
    if tenant.children(link, parent).any(same) {
        return Err(Fault::new(409, "Conflict", format!("The {link} to add already exists.")));
    }
    if children.keeps_id && !given(child, "id") {
        return Err(invalid("id", link));
    }
    Ok(())
}

/// Refuses a list without the `$filter` that it requires.
pub fn required_filter(kind: &Kind, request: &Request) -> Result<(), Fault> {
    let Some(wanted) = kind.filter else { return Ok(()) };
    let filter = request.option("$filter").unwrap_or_default();
    let names = wanted.split(" and ").filter_map(|part| part.split(' ').next());
    let missing = names.into_iter().find(|name| !filter.contains(&format!("{name} ")));
    match missing {
        None => Ok(()),
        // This is Graph's answer for policies: <https://github.com/microsoftgraph/microsoft-graph-docs/issues/20060>
        Some(_) if kind.path == "/policies/roleManagementPolicies" => Err(Fault::new(
            400,
            "UnknownError",
            r#"{"errorCode":"MissingProvider","message":"The provider is missing.","instanceAnnotations":[]}"#,
        )),
        Some(name) => Err(Fault::bad(format!("A $filter by '{name}' is required."))),
    }
}

/// Adds the missing singletons.
pub(super) fn complete(tenant: &mut Tenant) {
    for kind in kinds::ALL.iter().copied() {
        let empty = tenant.store.table(kind).live.is_empty();
        if !empty {
            continue;
        }
        let id = kind.path.rsplit('/').next().unwrap_or(kind.name);
        let value = kind.is_singleton().then(|| json!({"id": id}).as_object().cloned()).flatten();
        if let Some(properties) = value {
            tenant.store.table_mut(kind).put(kind, &properties);
        }
        if kind.path == "/domains" {
            for domain in tenant.domains.clone() {
                let initial = domain.ends_with(".onmicrosoft.com");
                let value = json!({
                    "id": domain, "authenticationType": "Managed", "isAdminManaged": true, "isDefault": initial,
                    "isInitial": initial, "isRoot": true, "isVerified": true,
                    "supportedServices": ["Email", "OfficeCommunicationsOnline"],
                });
                if let Value::Object(properties) = value {
                    tenant.store.table_mut(kind).put(kind, &properties);
                }
            }
        }
    }
}

/// Checks a change of an attribute definition. "This property can later be changed from true to false, but it can't be changed
/// from false to true." <https://learn.microsoft.com/graph/api/customsecurityattributedefinition-update>
pub(super) fn update_attribute(old: &Properties, new: &Properties) -> Result<(), Fault> {
    let set = |object: &Properties| object.get("usePreDefinedValuesOnly") == Some(&Value::Bool(true));
    match !set(old) && set(new) {
        true => Err(Fault::bad("UsePreDefinedValuesOnly cannot be changed from false to true.")),
        false => Ok(()),
    }
}

/// Returns the id that the service makes from a new object's properties, where it is no GUID.
pub(super) fn made_id(kind: &Kind, object: &Properties) -> Option<String> {
    let text = |name: &str| text(object, name);
    match kind.entity {
        // Microsoft's page says: "The identifier is a combination of the attribute set name and the custom security attribute
        // name": <https://learn.microsoft.com/graph/api/resources/customsecurityattributedefinition>
        "customSecurityAttributeDefinition" => Some(format!("{}_{}", text("attributeSet"), text("name"))),
        // Microsoft's page says: "The name … is prefixed with B2X_1_":
        // <https://learn.microsoft.com/graph/api/identitycontainer-post-b2xuserflows>
        "b2xIdentityUserFlow" => Some(format!("B2X_1_{}", text("id").trim_start_matches("B2X_1_"))),
        _ => None,
    }
}
