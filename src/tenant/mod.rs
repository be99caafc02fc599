//! Defines the ports to a tenant: [`TenantRead`] and [`TenantWrite`], split by effect. Code that plans never holds a port
//! that can write.
//!
//! A tenant returns raw Graph JSON with links attached: a group has its properties and, under `members`, the list that Graph
//! returned for that relation (objects with an `id`). [`crate::engine::normalize`] makes an [`Object`](crate::model::Object)
//! of it.

use std::collections::BTreeSet;
use std::future::Future;

use serde_json::{Map, Value};
use tokio::sync::mpsc;

use crate::model::{AuditEvent, Coverage, CoverageMap, Kind, Write, Written};

pub mod error;
pub mod memory;

pub use error::TenantError;

/// Represents Graph's JSON for one object.
pub type Raw = Map<String, Value>;

/// Holds one object as the tenant returned it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RawObject {
    /// Properties, and each link that was read under its own name.
    pub value: Raw,
    /// Links that could not be read completely, with their coverage. They are absent from `value`.
    pub missing: Vec<(&'static str, Coverage)>,
    /// True if Graph created the object by itself and nobody changed it, like many others. An export leaves it out; a comparison
    /// takes it only if the other side has a file for it.
    pub untouched: bool,
}

/// Describes how complete the listing of a kind is.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// Coverage of the kind: complete if every object was sent.
    pub coverage: Coverage,
    /// Coverage of the kind's links, by link (key `group.members`).
    pub links: CoverageMap,
    /// Message for people: what is missing, why, and what to do about it.
    pub note: Option<String>,
}

/// Describes what changed in a kind since a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changes {
    /// The tenant reports the changes. An object whose id is in both sets may exist or not.
    Since {
        /// Ids of objects that were added, changed or restored. Some may be unchanged, since Graph repeats changes.
        changed: BTreeSet<String>,
        /// Ids of objects that were deleted.
        removed: BTreeSet<String>,
        /// Token for the next request.
        token: String,
    },
    /// The tenant cannot report the changes: the token expired or belongs to another tenant, or changes of the kind are not
    /// tracked. The kind must be listed.
    StartOver {
        /// Reason, for people.
        why: String,
    },
}

/// Receives the pages of a listing. It is bounded, so that memory does not grow with the tenant.
pub type Pages = mpsc::Sender<Vec<RawObject>>;

/// Reads a tenant.
pub trait TenantRead: Send + Sync {
    /// Returns the tenant's id, from the tenant itself.
    fn tenant_id(&self) -> impl Future<Output = Result<String, TenantError>> + Send;

    /// Sends every object of a kind to `pages`, in any order, each id at most once. It never fails as a whole: the
    /// [`Listing`] names what could not be read.
    fn list(&self, kind: &'static Kind, pages: Pages) -> impl Future<Output = Listing> + Send;

    /// Returns the approximate number of objects of a kind, which serves to choose a layout only.
    fn count(&self, kind: &'static Kind) -> impl Future<Output = Result<usize, TenantError>> + Send;

    /// Returns one object with all its links; `None` if the tenant does not have it.
    fn get(&self, kind: &'static Kind, id: &str)
    -> impl Future<Output = Result<Option<RawObject>, TenantError>> + Send;

    /// Returns the changes of a kind since `token`. Without a token it returns no changes, and a token for later requests.
    /// Graph never reports changes of some links, as app role assignments: [`crate::graph`] reads these by listing them.
    fn changes(
        &self,
        kind: &'static Kind,
        token: Option<&str>,
    ) -> impl Future<Output = Result<Changes, TenantError>> + Send;

    /// Returns the recycle bin's objects of a kind, without links; empty for kinds that have no bin.
    fn deleted(&self, kind: &'static Kind) -> impl Future<Output = Result<Vec<Raw>, TenantError>> + Send;

    /// Returns the directory audit log since a time (RFC 3339), oldest first.
    fn audit(&self, since: Option<&str>) -> impl Future<Output = Result<Vec<AuditEvent>, TenantError>> + Send;
}

/// Writes to a tenant.
pub trait TenantWrite: Send + Sync {
    /// Carries out one write. A write whose answer was lost is [`TenantError::Unknown`]: it may have happened.
    fn write(&self, write: &Write) -> impl Future<Output = Result<Written, TenantError>> + Send;
}
