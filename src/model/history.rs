//! What the snapshots tell of a tenant ([`Summary`]), of one object ([`Life`]), and of each of its values ([`Blame`]).

use serde_json::Value;

use super::{Address, AuditEvent, Audited, Change};

/// A snapshot as a line of history.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Moment {
    /// The commit.
    pub commit: String,
    /// When it was taken, RFC 3339 in UTC.
    pub time: String,
    /// First line of its message.
    pub subject: String,
    /// Whether history begins here: nothing in it came about since an earlier snapshot.
    pub beginning: Option<Beginning>,
    /// The commit that an apply carried out, if this is its receipt.
    pub applied: Option<String>,
}

/// Why nothing is known of the time before a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// It is the first one.
    First,
    /// The clone holds no earlier one.
    Cut,
}

impl Moment {
    /// The first digits of the commit, as people type them.
    pub fn short(&self) -> &str {
        self.commit.get(..10).unwrap_or(&self.commit)
    }
}

/// One snapshot, and how much it changed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Summary {
    /// The snapshot.
    pub moment: Moment,
    /// Objects added, modified and removed; `None` where the snapshot before it is not in this clone.
    pub counts: Option<[usize; 3]>,
    /// Who did something, most active first.
    pub actors: Vec<String>,
    /// What is known of who did it.
    pub audited: Audited,
    /// How many risks are high, medium and low, if anyone asked.
    pub risks: Option<[usize; 3]>,
}

/// The life of one object, under whichever ids it went.
#[derive(Debug, Clone, PartialEq)]
pub struct Life {
    /// The address it has now, or had last.
    pub address: Address,
    /// What it is called now, or was last.
    pub name: String,
    /// Every id it went by, the newest first.
    pub ids: Vec<String>,
    /// What became of it, newest first.
    pub episodes: Vec<Episode>,
}

/// What one snapshot tells of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Episode {
    /// The snapshot.
    pub moment: Moment,
    /// What changed since the one before, and who did it.
    pub change: Change,
    /// What is known of who did it.
    pub audited: Audited,
}

/// Who set each value of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Blame {
    /// What the person asked for.
    pub revision: String,
    /// The snapshot that holds the object as it is shown.
    pub commit: String,
    /// The object's file there.
    pub path: String,
    /// Its address there.
    pub address: Address,
    /// Its name there.
    pub name: String,
    /// Every value, in document order.
    pub values: Vec<Attributed>,
}

/// One value with the snapshot that set it.
#[derive(Debug, Clone, PartialEq)]
pub struct Attributed {
    /// Path of the property, or of the set whose element this is.
    pub path: String,
    /// The value, or the element.
    pub value: Value,
    /// Whether it is an element of a set.
    pub element: bool,
    /// The snapshot that set it.
    pub moment: Moment,
    /// Who did it.
    pub who: Who,
}

/// Who set a value, as far as the audit log tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Who {
    /// The events that say so, newest first.
    Told(Vec<AuditEvent>),
    /// The log of that time was read and says nothing of it.
    NoEvent,
    /// The log of that time is not known, or the value was not read before.
    Unknown,
    /// It is as old as the oldest snapshot.
    Beginning,
    /// The settings keep no actors.
    Unasked,
}
