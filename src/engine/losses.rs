//! What creating an object again cannot bring back, said before anyone approves.

use serde_json::Value;

use crate::model::kind::{Creation, Generated, Updates};
use crate::model::plan::Loss;
use crate::model::{Address, Kind, Object};

/// What is lost when `object` is created again; one entry per object.
pub fn of_creation(kind: &'static Kind, address: &Address, object: &Object) -> Option<Loss> {
    if address.id.starts_with("new:") {
        return None;
    }
    let Creation::Post { generates, note, .. } = kind.creation else { return None };
    // Nothing is lost of what consists of nothing but what is written.
    let mut lost = match kind.update {
        Updates::Nothing => Vec::new(),
        Updates::All | Updates::Only(_) => vec!["gets a new id".to_owned()],
    };
    lost.extend(note.map(str::to_owned));
    for (property, one, many) in
        [("passwordCredentials", "client secret", "client secrets"), ("keyCredentials", "certificate", "certificates")]
    {
        match object.get(property).and_then(Value::as_array).map_or(0, Vec::len) {
            0 => {}
            1 => lost.push(format!("loses 1 {one}")),
            count => lost.push(format!("loses {count} {many}")),
        }
    }
    for generated in generates {
        match generated {
            Generated::PasswordProfile => {
                lost.push("loses its password (a random one is set) and its MFA registrations".to_owned());
            }
        }
    }
    if object.get("onPremisesSyncEnabled") == Some(&Value::Bool(true)) {
        lost.push("comes back as an object of the cloud, no longer synchronized from on-premises".to_owned());
    }
    if object.get("assignedLicenses").is_some() {
        lost.push("loses its licences".to_owned());
    }
    if lost.is_empty() {
        return None;
    }
    Some(Loss { address: address.clone(), name: object.name().to_owned(), what: lost.join(", ") })
}
