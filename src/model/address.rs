//! [`Address`]: identifies an object permanently. Names change, ids do not.

use std::fmt;

use serde::Serialize;

/// Identifies an object by its kind and Graph object id. Order: by the kind's name, then by id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Address {
    /// Name of the kind, as in `group`.
    pub kind: &'static str,
    /// Graph's object id, verbatim; for a singleton its constant id.
    pub id: String,
}

impl Address {
    /// Returns the address of the object of `kind` with this `id`.
    pub fn new(kind: &'static str, id: impl Into<String>) -> Self {
        Address { kind, id: id.into() }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.id)
    }
}
