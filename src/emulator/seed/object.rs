//! [`SeedObject`]: one object that a tenant starts with.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// One object that a tenant starts with.
#[derive(Debug, Clone, PartialEq)]
pub struct SeedObject {
    /// Kind name, as in `group`.
    pub kind: &'static str,
    /// Graph JSON, with `id`.
    pub value: Map<String, Value>,
    /// Link name → ids (strings) for references, objects for children.
    pub links: BTreeMap<&'static str, Vec<Value>>,
}
