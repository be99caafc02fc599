//! [`Report`], [`Change`], [`FieldChange`]: what differs between two sources.

use serde_json::Value;

use super::{Address, AuditEvent, Coverage};

/// What differs between two sources.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// What the left side is called.
    pub before: String,
    /// What the right side is called.
    pub after: String,
    /// Changes, ordered by kind and id.
    pub changes: Vec<Change>,
    /// Kinds and links that one side does not know completely: never shown as deletions. Key as in the manifest.
    pub unknown: Vec<(String, Coverage, Coverage)>,
    /// Whether an audit log was looked at, so that "no event" can be told from "nobody looked".
    pub audited: bool,
}

/// What became of one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Which object.
    pub address: Address,
    /// The variant's name where it has one (`managedIdentity`), else the kind's.
    pub called: &'static str,
    /// Its name, before or after.
    pub name: String,
    /// Ids of the objects it is about, where it has no name of its own.
    pub about: Vec<String>,
    /// What happened.
    pub what: What,
    /// The audit log's events that made it, newest first.
    pub events: Vec<AuditEvent>,
}

/// What happened to an object.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// Only the right side has it.
    Added,
    /// Only the left side has it.
    Removed,
    /// Both have it and it differs.
    Modified(Vec<FieldChange>),
}

/// What happened to one property. Paths are written `conditions.users.includeGroups`.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldChange {
    /// A value was set, replaced or removed.
    Value {
        /// Path of the property.
        path: String,
        /// Left value, if any.
        before: Option<Value>,
        /// Right value, if any.
        after: Option<Value>,
    },
    /// A set gained an element.
    Gained {
        /// Path of the set.
        path: String,
        /// The element.
        element: Value,
    },
    /// A set lost an element.
    Lost {
        /// Path of the set.
        path: String,
        /// The element.
        element: Value,
    },
}

impl FieldChange {
    /// Path of the property that changed.
    pub fn path(&self) -> &str {
        match self {
            FieldChange::Value { path, .. } | FieldChange::Gained { path, .. } | FieldChange::Lost { path, .. } => path,
        }
    }
}
