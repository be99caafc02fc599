//! [`Summary`], [`ObjectHistory`], [`Blame`]: the history of a tenant, of one object, and of each of its values, as the snapshots
//! show it.

use serde_json::Value;

use super::{Address, AuditEvent, Audited, Change};

/// Describes a snapshot as one line of history.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SnapshotRef {
    /// Id of the commit.
    pub commit: String,
    /// Time when the snapshot was taken, RFC 3339 in UTC.
    pub time: String,
    /// First line of the commit's message.
    pub subject: String,
    /// Reason why history begins here; `None` if an earlier snapshot exists to compare with.
    pub beginning: Option<HistoryStart>,
    /// Commit that an apply carried out, if this snapshot is its receipt.
    pub applied: Option<String>,
}

/// Lists the reasons why nothing is known of the time before a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryStart {
    /// The snapshot is the first one.
    First,
    /// The clone holds no earlier snapshot.
    Cut,
}

impl SnapshotRef {
    /// Returns the first ten digits of the commit id, as people type them.
    pub fn short(&self) -> &str {
        self.commit.get(..10).unwrap_or(&self.commit)
    }
}

/// Describes one snapshot, and how much it changed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Summary {
    /// The snapshot.
    pub moment: SnapshotRef,
    /// Number of objects added, modified and removed; `None` where the snapshot before it is not in this clone.
    pub counts: Option<[usize; 3]>,
    /// Names of those who made changes, most active first.
    pub actors: Vec<String>,
    /// State of the audit log for the time before the snapshot.
    pub audited: Audited,
    /// Number of high, medium and low risks; `None` if they were not requested.
    pub risks: Option<[usize; 3]>,
}

/// Describes the history of one object, under every id that it has had.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectHistory {
    /// Address that the object has now, or had last.
    pub address: Address,
    /// Name that the object has now, or had last.
    pub name: String,
    /// Every id that the object has had, newest first.
    pub ids: Vec<String>,
    /// Changes of the object, newest first.
    pub episodes: Vec<HistoryEntry>,
}

/// Describes the change of an object in one snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryEntry {
    /// The snapshot.
    pub moment: SnapshotRef,
    /// Change since the snapshot before, with its events.
    pub change: Change,
    /// State of the audit log for the time of the change.
    pub audited: Audited,
}

/// Tells who set each value of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Blame {
    /// Revision that the person asked for.
    pub revision: String,
    /// Snapshot that holds the object as it is shown.
    pub commit: String,
    /// Path of the object's file in that snapshot.
    pub path: String,
    /// Address of the object in that snapshot.
    pub address: Address,
    /// Name of the object in that snapshot.
    pub name: String,
    /// Values of the object, in document order.
    pub values: Vec<Attributed>,
}

/// Represents one value with the snapshot that set it.
#[derive(Debug, Clone, PartialEq)]
pub struct Attributed {
    /// Path of the property, or of the set whose element this is.
    pub path: String,
    /// The value, or the element.
    pub value: Value,
    /// True if the value is an element of a set.
    pub element: bool,
    /// The snapshot that set it.
    pub moment: SnapshotRef,
    /// Author of the value.
    pub who: Who,
}

/// Tells who set a value, as far as the audit log shows it.
#[derive(Debug, Clone, PartialEq)]
pub enum Who {
    /// Events of the audit log that set the value, newest first.
    Told(Vec<AuditEvent>),
    /// The log of that time was read and has no event for the value.
    NoEvent,
    /// The log of that time is not known, or the value was not read before.
    Unknown,
    /// The value is as old as the oldest snapshot.
    HistoryStart,
    /// The settings say that actors are not kept.
    Unasked,
}
