//! Adds the actions and functions that a reply advertises beside an object's properties: `"#microsoft.graph.restore": {"title",
//! "target"}`. A client that asks with `$select` does not get them.
//! <https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html>, section 16

use serde_json::json;

use super::store::{Properties, text};

/// Lists the bound operations by their type, from Microsoft's metadata, with the collection that the object is in.
const OPERATIONS: &[(&str, &str, &str)] = &[
    ("application", "applications", "addPassword"),
    ("authenticationStrengthPolicy", "policies/authenticationStrengthPolicies", "usage"),
    ("conditionalAccessPolicy", "identity/conditionalAccess/policies", "restore"),
    ("group", "groups", "renew"),
    ("namedLocation", "identity/conditionalAccess/namedLocations", "restore"),
];

/// Adds the operations of an object of type `ty`.
pub fn advertise(ty: &str, root: &str, object: &mut Properties) {
    for (_, collection, name) in OPERATIONS.iter().filter(|(of, ..)| *of == ty) {
        let name = format!("microsoft.graph.{name}");
        let target = format!("{root}/{collection}('{}')/{name}", text(object, "id"));
        object.insert(format!("#{name}"), json!({"title": name, "target": target}));
    }
}
