//! [`Object`]: one normalized directory object.

use serde_json::{Map, Value};

/// Represents one normalized directory object: a tree of values with sorted keys.
///
/// Its shape is Graph's JSON with links as properties: `id`, `displayName`, the properties, and every relation of the kind
/// under its navigation name (`members: [id, …]`). Nothing server-owned, volatile, secret, null or empty is in it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Object(pub Map<String, Value>);

impl Object {
    /// Returns the object's id; empty if it has none (which validation reports as a finding).
    pub fn id(&self) -> &str {
        self.text("id").unwrap_or_default()
    }

    /// Returns the display name: `displayName`, else `name`, else the id.
    pub fn name(&self) -> &str {
        self.text("displayName").or_else(|| self.text("name")).unwrap_or_else(|| self.id())
    }

    /// Returns a top-level string property.
    pub fn text(&self, property: &str) -> Option<&str> {
        self.0.get(property).and_then(Value::as_str)
    }

    /// Returns a top-level property.
    pub fn get(&self, property: &str) -> Option<&Value> {
        self.0.get(property)
    }
}
