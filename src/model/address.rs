//! Addresses: what identifies an object.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Serialize, Serializer};

use super::Kind;

/// Identifies an object by its kind and Graph object id. Order: by the kind's name, then by id.
#[derive(Clone)]
pub struct Address {
    /// Kind of the object.
    pub kind: &'static Kind,
    /// Graph's object id, verbatim; for a singleton its constant id.
    pub id: String,
}

impl Address {
    /// Returns the address of the object of `kind` with this `id`.
    pub fn new(kind: &'static Kind, id: impl Into<String>) -> Self {
        Address { kind, id: id.into() }
    }

    fn parts(&self) -> (&'static str, &str) {
        (self.kind.name, &self.id)
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for Address {}

impl PartialOrd for Address {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Address {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts().cmp(&other.parts())
    }
}

impl Hash for Address {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

/// Serializes the kind by its name.
impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut address = serializer.serialize_struct("Address", 2)?;
        address.serialize_field("kind", self.kind.name)?;
        address.serialize_field("id", &self.id)?;
        address.end()
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address").field("kind", &self.kind.name).field("id", &self.id).finish()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.name, self.id)
    }
}
