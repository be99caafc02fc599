//! Keeps the log of changes from which delta queries are answered.

use super::store::Key;
use crate::model::Kind;

/// Represents a change of an object.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum What {
    /// These properties were written.
    Written(Vec<String>),
    /// The object went to the recycle bin.
    Deleted,
    /// The object was removed for good.
    Gone,
    /// A link was added (true) or removed.
    Linked(String, String, bool),
}

/// Represents one line of the log.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Entry {
    /// Name of the kind.
    pub kind: String,
    /// Id of the object.
    pub id: String,
    /// Change of the object.
    pub what: What,
}

/// Holds all changes since the tenant began; a delta token is a position in it.
#[derive(Debug, Default)]
pub struct Log(pub Vec<Entry>);

impl Log {
    /// Appends a line.
    pub fn note(&mut self, kind: &Kind, key: &Key, what: What) {
        self.0.push(Entry { kind: kind.name.to_owned(), id: key.id.to_string(), what });
    }
}
