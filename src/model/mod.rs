//! Defines the terms of the project as plain data: no input, no output, no decisions.
//!
//! Each idea has one term: a [`Kind`] is a type of directory object, an [`Object`] one normalized directory object, an
//! [`Address`] its kind and id, a [`Snapshot`] all objects at one time, a [`Change`] a difference, a [`Plan`] the ordered
//! writes that close the difference, and an [`Event`] a progress report of work.

#![warn(clippy::disallowed_types, clippy::disallowed_methods)]

pub mod address;
pub mod audit;
pub mod change;
pub mod coverage;
pub mod event;
pub mod finding;
pub mod history;
pub mod idmap;
pub mod kind;
pub mod left;
pub mod object;
pub mod plan;
pub mod secret;
pub mod snapshot;
pub mod tenant_map;
pub mod words;

pub use address::Address;
pub use audit::{Actor, AuditEvent};
pub use change::{Audited, Change, ChangeKind, FieldChange, Ignored, LeftOut, Level, Lifecycle, Report, Risk};
pub use coverage::{Coverage, CoverageMap};
pub use event::{Event, Events};
pub use finding::Finding;
pub use history::{Attributed, Blame, HistoryEntry, HistoryStart, ObjectHistory, SnapshotRef, Summary, Who};
pub use idmap::IdMap;
pub use kind::Kind;
pub use left::{Distance, Left, Obstacle};
pub use object::Object;
pub use plan::{Action, Plan, Step, StepId, Verdict, Write, Written};
pub use secret::Secret;
pub use snapshot::Snapshot;
pub use tenant_map::TenantMap;
