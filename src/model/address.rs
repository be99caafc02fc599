//! [`Address`]: which object, for good. Names change, ids do not.

use std::fmt;

use serde::Serialize;

/// Kind and Graph object id. Order: by kind's name, then id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Address {
    /// The kind's name, as in `group`.
    pub kind: &'static str,
    /// Graph's object id, verbatim; for a singleton its constant id.
    pub id: String,
}

impl Address {
    /// The address of `id` among objects of `kind`.
    pub fn new(kind: &'static str, id: impl Into<String>) -> Self {
        Address { kind, id: id.into() }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.id)
    }
}
