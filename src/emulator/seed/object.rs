//! Defines [`SeedObject`]: one object that a tenant starts with.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Represents one object that a tenant starts with.
#[derive(Debug, Clone, PartialEq)]
pub struct SeedObject {
    /// Name of the kind, as in `group`.
    pub kind: &'static str,
    /// JSON as in Graph, with `id`.
    pub value: Map<String, Value>,
    /// Links: name → ids (strings) for references, objects for children.
    pub links: BTreeMap<&'static str, Vec<Value>>,
}
