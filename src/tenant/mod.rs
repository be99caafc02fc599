//! The ports to a tenant: [`TenantRead`] and [`TenantWrite`], split by effect. Whoever plans never holds something that
//! can write.
//!
//! A tenant speaks in raw Graph JSON with links attached: what it returns for a group has the group's properties and, under
//! `members`, the list that Graph returned for that relation (objects with an `id`). [`crate::engine::normalize`] makes
//! an [`Object`](crate::model::Object) of it.

use std::collections::BTreeSet;
use std::future::Future;

use serde_json::{Map, Value};
use tokio::sync::mpsc;

use crate::model::{AuditEvent, Coverage, CoverageMap, Kind, Write, Written};

pub mod error;
pub mod memory;

pub use error::TenantError;

/// Graph's JSON for one object.
pub type Raw = Map<String, Value>;

/// One object as the tenant returned it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RawObject {
    /// Properties, and each link that was read under its own name.
    pub value: Raw,
    /// Links that could not be read completely, and why. They are absent from `value`.
    pub missing: Vec<(&'static str, Coverage)>,
}

/// How the listing of a kind ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// Of the kind itself: whether every object was returned.
    pub coverage: Coverage,
    /// Per link (key `group.members`), for the links of the kind.
    pub links: CoverageMap,
    /// Why something is missing and what to do about it, for people.
    pub note: Option<String>,
}

/// What a tenant says changed in a kind since a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changes {
    /// These did; an id in both sets may be there or gone.
    Since {
        /// Ids of objects that came, changed or came back. Some may be as they were: tokens are replayed.
        changed: BTreeSet<String>,
        /// Ids of objects that were deleted.
        removed: BTreeSet<String>,
        /// What to ask with the next time.
        token: String,
    },
    /// It does not say: the token ran out, is another tenant's, or the kind is not tracked. The kind must be listed.
    StartOver {
        /// Why, for people.
        why: String,
    },
}

/// Where a listing puts its pages. Bounded, so that memory does not grow with the tenant.
pub type Pages = mpsc::Sender<Vec<RawObject>>;

/// The reading half of a tenant.
pub trait TenantRead: Send + Sync {
    /// The tenant's id, from the tenant itself.
    fn tenant_id(&self) -> impl Future<Output = Result<String, TenantError>> + Send;

    /// Sends every object of a kind to `pages`, in any order, each id at most once. Never fails as a whole: what could
    /// not be read is said in the [`Listing`].
    fn list(&self, kind: &'static Kind, pages: Pages) -> impl Future<Output = Listing> + Send;

    /// How many objects of a kind there are, about: good enough to choose a layout, never to prove anything.
    fn count(&self, kind: &'static Kind) -> impl Future<Output = Result<usize, TenantError>> + Send;

    /// One object with all its links; `None` if the tenant does not have it.
    fn get(&self, kind: &'static Kind, id: &str)
    -> impl Future<Output = Result<Option<RawObject>, TenantError>> + Send;

    /// What changed in a kind since `token`; without one, nothing but a token to ask with from now on. Changes of some links
    /// are never told: [`crate::graph`] says which.
    fn changes(
        &self,
        kind: &'static Kind,
        token: Option<&str>,
    ) -> impl Future<Output = Result<Changes, TenantError>> + Send;

    /// The recycle bin's objects of a kind, without links; empty for kinds that have no bin.
    fn deleted(&self, kind: &'static Kind) -> impl Future<Output = Result<Vec<Raw>, TenantError>> + Send;

    /// The directory audit log since a time (RFC 3339), oldest first.
    fn audit(&self, since: Option<&str>) -> impl Future<Output = Result<Vec<AuditEvent>, TenantError>> + Send;
}

/// The writing half of a tenant.
pub trait TenantWrite: Send + Sync {
    /// Carries out one write. A write whose answer was lost is [`TenantError::Unknown`]: it may have happened.
    fn write(&self, write: &Write) -> impl Future<Output = Result<Written, TenantError>> + Send;
}
