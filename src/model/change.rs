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
    /// What is known of who did it, so that "no event" can be told from "nobody looked".
    pub audited: Audited,
    /// What a report of drift leaves out; nothing if it is of another sort.
    pub drift: Option<LeftOut>,
}

/// What a report of drift leaves out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LeftOut {
    /// Differences that are edits of the baseline which are not applied yet.
    pub pending: usize,
    /// Differences that the settings declare to be no drift.
    pub ignored: Vec<Ignored>,
}

/// Differences that one rule of the settings declares to be no drift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// What the rule is about: `user jobTitle`.
    pub rule: String,
    /// Why, as the settings say it; may be empty.
    pub reason: String,
    /// How many it hides.
    pub differences: usize,
    /// In how many objects.
    pub objects: usize,
}

/// Whether an audit log was looked at for the time that a report covers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Audited {
    /// Whether anyone looked.
    pub looked: bool,
    /// Why a part of that time is not known; empty if all of it is.
    pub gaps: Vec<String>,
    /// Events of that time that are about nothing in the report: counted, not kept.
    pub others: usize,
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
    /// Of an object that came or went: what it is, as if each property had come or gone. Empty where it was not asked for.
    pub whole: Vec<FieldChange>,
    /// How it came about, where that is more than `what` says.
    pub manner: Option<Manner>,
    /// What deserves a second look, worst first.
    pub risks: Vec<Risk>,
    /// The object's file, on the right side where that has it; empty where it is not known.
    pub path: String,
    /// The audit log's events that made it, newest first.
    pub events: Vec<AuditEvent>,
}

/// How a change came about, where that is more than "added, removed, modified".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manner {
    /// It goes by another name.
    Renamed {
        /// Its name on the left.
        from: String,
    },
    /// It is back from the recycle bin: it had been here before, under this id.
    Restored,
    /// It lies in the recycle bin, from which it can be restored with its id.
    Binned {
        /// When it was moved there (RFC 3339), if that is known.
        since: Option<String>,
    },
    /// It is gone for good.
    Purged,
    /// It was created again: the same object under a new id. The change lists what differs from the old one.
    Recreated {
        /// Its id on the left.
        from: String,
    },
}

/// What deserves a second look, as the kind's schema says (`x-entra-risk`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Risk {
    /// How bad.
    pub level: Level,
    /// The rule's name, as in `exclusion-added`.
    pub rule: String,
    /// What happened, in one clause.
    pub says: String,
    /// Path of the property; empty if it is about the object as a whole.
    pub path: String,
    /// Line in the object's file, from 1; 0 where it is not known.
    pub line: usize,
    /// True if the change takes a defence down: a plan may do that to one object without a question (guard `weakens`).
    pub weakens: bool,
}

/// How bad a risk is; the worst sorts first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It may let someone in, or lock everyone out.
    High,
    /// It widens what is possible.
    Medium,
    /// Worth knowing.
    Low,
}

impl Level {
    /// `high`, `medium`, `low`.
    pub fn word(self) -> &'static str {
        match self {
            Level::High => "high",
            Level::Medium => "medium",
            Level::Low => "low",
        }
    }

    /// The level called `word`.
    pub fn parse(word: &str) -> Option<Level> {
        [Level::High, Level::Medium, Level::Low].into_iter().find(|level| level.word() == word)
    }
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

impl Change {
    /// One word for what happened: the manner's where it has one.
    pub fn word(&self) -> &'static str {
        match (&self.what, &self.manner) {
            (_, Some(Manner::Renamed { .. })) => "renamed",
            (_, Some(Manner::Restored)) => "restored",
            (_, Some(Manner::Binned { .. })) => "moved to the recycle bin",
            (_, Some(Manner::Purged)) => "deleted for good",
            (_, Some(Manner::Recreated { .. })) => "re-created",
            (What::Added, None) => "added",
            (What::Removed, None) => "removed",
            (What::Modified(_), None) => "modified",
        }
    }

    /// What a reader wants to see: the properties that differ, or the whole of an object that came or went.
    pub fn shown(&self) -> &[FieldChange] {
        match &self.what {
            What::Modified(fields) => fields,
            What::Added | What::Removed => &self.whole,
        }
    }

    /// The properties that differ; none if the object as a whole came or went.
    pub fn fields(&self) -> &[FieldChange] {
        match &self.what {
            What::Modified(fields) => fields,
            What::Added | What::Removed => &[],
        }
    }
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
    /// Returns the values that it speaks of: before and after, or the element.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        let (first, second) = match self {
            FieldChange::Value { before, after, .. } => (before.as_ref(), after.as_ref()),
            FieldChange::Gained { element, .. } | FieldChange::Lost { element, .. } => (Some(element), None),
        };
        first.into_iter().chain(second)
    }

    /// Path of the property that changed.
    pub fn path(&self) -> &str {
        match self {
            FieldChange::Value { path, .. } | FieldChange::Gained { path, .. } | FieldChange::Lost { path, .. } => path,
        }
    }
}
