//! Takes the bodies of writes apart: references, annotations, and the values of a PATCH.

use serde_json::{Map, Value};

use super::error::Fault;
use super::store::Properties;
use crate::model::Kind;
use crate::model::kind::LinkShape;

/// Removes `members@odata.bind` and its like from a body, and returns link and ids.
pub fn take_binds(kind: &Kind, body: &mut Properties) -> Result<Vec<(&'static str, Vec<String>)>, Fault> {
    let mut binds = Vec::new();
    let names: Vec<String> = body.keys().filter(|name| name.ends_with("@odata.bind")).cloned().collect();
    for name in names {
        let link = kind.link(name.trim_end_matches("@odata.bind"));
        let link = link.filter(|link| matches!(link.shape, LinkShape::References | LinkShape::Reference));
        let Some(link) = link else { return Err(Fault::bad(format!("Invalid property '{name}'."))) };
        let urls: Vec<String> = super::store::strings(body.remove(&name).as_ref()).map(str::to_owned).collect();
        // Microsoft's pages allow "up to 20": <https://learn.microsoft.com/graph/api/group-post-members>,
        // <https://learn.microsoft.com/graph/api/group-post-groups>
        if urls.len() > 20 {
            return Err(Fault::bad(format!("The request contains more than 20 references for '{}'.", link.name)));
        }
        binds.push((link.name, urls));
    }
    Ok(binds)
}

/// Removes the annotations from a body, except the type.
pub fn clear_annotations(object: &mut Properties) {
    let polymorphic = object.get("@odata.type").cloned();
    object.retain(|name, _| !name.contains("@odata."));
    if let Some(name) = polymorphic {
        object.insert("@odata.type".to_owned(), name);
    }
}

/// Merges a patch into an object: complex values are merged, collections replaced.
/// <https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_UpdateanEntity>
pub fn merge(into: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, value) in patch {
        match (into.get_mut(name), value) {
            (Some(Value::Object(old)), Value::Object(new)) if !new.contains_key("@odata.type") => merge(old, new),
            _ => {
                into.insert(name.clone(), value.clone());
            }
        }
    }
}
