//! Checks properties for several files, and names the refusals that they share.

use serde_json::Value;

use crate::emulator::error::Fault;
use crate::emulator::store::{Properties, strings};

/// Returns a 400 for a value that another object has.
pub fn conflict(name: &str) -> Fault {
    Fault::bad(format!("Another object with the same value for property {name} already exists."))
}

/// Returns a 400 for a value that the service does not accept.
pub fn invalid(name: &str, resource: &str) -> Fault {
    Fault::bad(format!("Invalid value specified for property '{name}' of resource '{resource}'."))
}

/// Returns true if the property is there and not empty.
pub fn given(object: &Properties, name: &str) -> bool {
    object.get(name).is_some_and(|value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        _ => true,
    })
}

/// Refuses an object without one of the properties.
pub fn require(object: &Properties, names: &[&str], resource: &str) -> Result<(), Fault> {
    match names.iter().find(|name| !given(object, name)) {
        Some(name) => Err(invalid(name, resource)),
        None => Ok(()),
    }
}

/// Returns true if a list of strings holds `value`.
pub fn lists(object: &Properties, name: &str, value: &str) -> bool {
    strings(object.get(name)).any(|element| element == value)
}

/// Returns the security identifier that the directory derives from an object's id.
pub fn security_identifier(id: &str) -> String {
    let bytes = uuid::Uuid::parse_str(id).map(|id| id.to_bytes_le()).unwrap_or_default();
    let part = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    format!("S-1-12-1-{}-{}-{}-{}", part(0), part(4), part(8), part(12))
}
