//! [`Report`], [`Change`], [`FieldChange`]: the differences between two sources.

use serde_json::Value;

use super::{Address, AuditEvent, Coverage};

/// Lists the differences between two sources.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// Name of the left side.
    pub before: String,
    /// Name of the right side.
    pub after: String,
    /// Changes, ordered by kind and id.
    pub changes: Vec<Change>,
    /// Kinds and links that one side does not know completely, with both coverages: never shown as deletions. Key as in the
    /// manifest.
    pub unknown: Vec<(String, Coverage, Coverage)>,
    /// State of the audit log for the time of the report, so that "no event" can be told from "nobody looked".
    pub audited: Audited,
    /// Differences that a drift report leaves out; `None` in every other report.
    pub drift: Option<LeftOut>,
}

/// Counts the differences that a drift report leaves out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LeftOut {
    /// Number of differences that are edits of the baseline which are not applied yet.
    pub pending: usize,
    /// Differences that the settings declare to be no drift.
    pub ignored: Vec<Ignored>,
}

/// Counts the differences that one rule of the settings declares to be no drift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// Kind and property that the rule is about: `user jobTitle`.
    pub rule: String,
    /// Reason given in the settings; may be empty.
    pub reason: String,
    /// Number of differences that the rule hides.
    pub differences: usize,
    /// Number of objects that these differences are in.
    pub objects: usize,
}

/// Tells whether the audit log was read for the time that a report covers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Audited {
    /// True if the audit log was read.
    pub looked: bool,
    /// Reasons why parts of that time are not known; empty if all of it is.
    pub gaps: Vec<String>,
    /// Number of events of that time that concern no object of the report: counted, not kept.
    pub others: usize,
}

/// Represents the change of one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Address of the object.
    pub address: Address,
    /// The variant's name where it has one (`managedIdentity`), else the kind's.
    pub called: &'static str,
    /// Name of the object, before or after.
    pub name: String,
    /// Ids of the objects that this object refers to, where it has no name of its own.
    pub about: Vec<String>,
    /// Kind of change: added, removed or modified.
    pub what: ChangeKind,
    /// Properties of an object that was added or removed, as if each had been added or removed; empty where they were not
    /// requested.
    pub whole: Vec<FieldChange>,
    /// Cause of the change, where it is more specific than `what`.
    pub manner: Option<Lifecycle>,
    /// Risks of the change, worst first.
    pub risks: Vec<Risk>,
    /// Path of the object's file, on the right side if the object is there; empty if the path is not known.
    pub path: String,
    /// Events of the audit log that made the change, newest first.
    pub events: Vec<AuditEvent>,
}

/// Tells how a change came about, where that is more specific than "added, removed, modified".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lifecycle {
    /// The object has a different name.
    Renamed {
        /// Name of the object on the left.
        from: String,
    },
    /// The object was restored from the recycle bin: it existed before under this id.
    Restored,
    /// The object is in the recycle bin, from which it can be restored with its id.
    Binned {
        /// Time when it was moved there (RFC 3339), if that is known.
        since: Option<String>,
    },
    /// The object was deleted for good.
    Purged,
    /// The object was created again: the same object under a new id. The change lists what differs from the old one.
    Recreated {
        /// Id of the object on the left.
        from: String,
    },
}

/// Describes a risk of a change, as the kind's schema marks it (`x-entra-risk`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Risk {
    /// Severity of the risk.
    pub level: Level,
    /// Name of the rule, as in `exclusion-added`.
    pub rule: String,
    /// Description of what happened, in one clause.
    pub says: String,
    /// Path of the property; empty if the risk concerns the object as a whole.
    pub path: String,
    /// Line in the object's file, from 1; 0 if it is not known.
    pub line: usize,
    /// True if the change weakens a defence: a plan may do that to one object without asking (guard `weakens`).
    pub weakens: bool,
}

/// Lists the severities of a risk; the worst sorts first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The change may let someone in, or lock everyone out.
    High,
    /// The change widens what is possible.
    Medium,
    /// The change is worth knowing.
    Low,
}

impl Level {
    /// Returns `high`, `medium` or `low`.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::High => "high",
            Level::Medium => "medium",
            Level::Low => "low",
        }
    }

    /// Returns the level called `word`.
    pub fn parse(word: &str) -> Option<Level> {
        [Level::High, Level::Medium, Level::Low].into_iter().find(|level| level.as_str() == word)
    }
}

/// Tells how an object differs between the two sides.
#[derive(Debug, Clone, PartialEq)]
pub enum ChangeKind {
    /// Only the right side has the object.
    Added,
    /// Only the left side has the object.
    Removed,
    /// Both sides have the object, with these differences.
    Modified(Vec<FieldChange>),
}

impl Change {
    /// Returns a word for the change: that of the manner if it has one.
    pub fn as_str(&self) -> &'static str {
        match (&self.what, &self.manner) {
            (_, Some(Lifecycle::Renamed { .. })) => "renamed",
            (_, Some(Lifecycle::Restored)) => "restored",
            (_, Some(Lifecycle::Binned { .. })) => "moved to the recycle bin",
            (_, Some(Lifecycle::Purged)) => "deleted for good",
            (_, Some(Lifecycle::Recreated { .. })) => "re-created",
            (ChangeKind::Added, None) => "added",
            (ChangeKind::Removed, None) => "removed",
            (ChangeKind::Modified(_), None) => "modified",
        }
    }

    /// Returns the properties to show: those that differ, or all of an object that was added or removed.
    pub fn shown(&self) -> &[FieldChange] {
        match &self.what {
            ChangeKind::Modified(fields) => fields,
            ChangeKind::Added | ChangeKind::Removed => &self.whole,
        }
    }

    /// Returns the properties that differ; none if the object as a whole was added or removed.
    pub fn fields(&self) -> &[FieldChange] {
        match &self.what {
            ChangeKind::Modified(fields) => fields,
            ChangeKind::Added | ChangeKind::Removed => &[],
        }
    }
}

/// Represents the change of one property. Paths are written `conditions.users.includeGroups`.
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
    /// Returns the values of the change: before and after, or the element.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        let (first, second) = match self {
            FieldChange::Value { before, after, .. } => (before.as_ref(), after.as_ref()),
            FieldChange::Gained { element, .. } | FieldChange::Lost { element, .. } => (Some(element), None),
        };
        first.into_iter().chain(second)
    }

    /// Returns the path of the property that changed.
    pub fn path(&self) -> &str {
        match self {
            FieldChange::Value { path, .. } | FieldChange::Gained { path, .. } | FieldChange::Lost { path, .. } => path,
        }
    }
}
