//! Keeps the state that a watch needs to continue: tokens and open objects, kept under [`crate::repo::STATE`].

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::incremental::Ids;
use crate::format::manifest::SCHEMA;
use crate::kinds;
use crate::model::{CoverageMap, Kind};
use crate::ops::Context;
use crate::ops::read::facts::Tally;
use crate::repo::{ObjectId, RepoError};

const FORMAT: u32 = 3;

/// Number of days for which an object can be restored, plus one: <https://learn.microsoft.com/graph/api/resources/directory>.
const IN_BIN: i64 = 31;

/// Represents the state of a watch. It belongs to one snapshot, and is valid only while that is the tip of `snapshots`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct State {
    format_version: u32,
    schema: u32,
    tenant: String,
    snapshot: String,
    kinds: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    filters: BTreeMap<String, String>,
    /// Delta tokens by kind.
    pub tokens: BTreeMap<String, String>,
    /// Coverage of each kind and link in the last complete reading.
    pub coverage: CoverageMap,
    /// Counts of the snapshot's objects.
    pub tally: Tally,
    /// Number of rounds since the last complete reading.
    pub rounds: u32,
    /// Time at which the audit log was read last, RFC 3339.
    pub audited: String,
    /// Objects to read again, because something was missing the last time.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    again: BTreeMap<String, BTreeSet<String>>,
    /// Objects that may come back from the recycle bin, with their links: each with the day it was deleted, as days since 1970.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    gone: BTreeMap<String, i64>,
    /// Ids of events of Microsoft's own recovery after which everything was read.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub recovered: BTreeSet<String>,
}

impl State {
    /// Returns an empty state.
    pub fn new(context: &Context, snapshot: ObjectId, scope: &[&'static Kind]) -> State {
        State {
            format_version: FORMAT,
            schema: SCHEMA,
            tenant: context.settings.tenant.clone(),
            snapshot: snapshot.to_string(),
            kinds: scope.iter().map(|kind| kind.name.to_owned()).collect(),
            filters: context
                .settings
                .scope
                .filters
                .iter()
                .map(|(kind, filter)| ((*kind).to_owned(), filter.clone()))
                .collect(),
            tokens: BTreeMap::new(),
            coverage: CoverageMap::default(),
            tally: Tally::default(),
            rounds: 0,
            audited: String::new(),
            again: BTreeMap::new(),
            gone: BTreeMap::new(),
            recovered: BTreeSet::new(),
        }
    }

    /// Loads the stored state, if it is of this snapshot, this tenant and these kinds. Any other stored state is ignored: then
    /// everything is read, and the state begins anew.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub fn load(context: &Context, snapshot: Option<ObjectId>, scope: &[&'static Kind]) -> Result<Option<State>> {
        let bytes = match context.repo.state() {
            Err(error @ RepoError::Damaged(_)) => return Err(error.into()),
            // Anyone who can push may have written the state, so one that cannot be read is ignored.
            found => found.unwrap_or_default(),
        };
        let (Some(snapshot), Some(bytes)) = (snapshot, bytes) else { return Ok(None) };
        let wanted = State::new(context, snapshot, scope);
        Ok(serde_json::from_slice::<State>(&bytes).ok().filter(|state| state.belongs_with(&wanted)))
    }

    /// Returns true if both states are of the same snapshot, tenant, kinds and filters, and of the same format.
    pub fn belongs_with(&self, other: &State) -> bool {
        let key = |state: &State| (state.format_version, state.schema, state.tenant.clone(), state.snapshot.clone());
        key(self) == key(other) && self.kinds == other.kinds && self.filters == other.filters
    }

    /// Returns the same state for another snapshot.
    #[must_use]
    pub fn at(self, snapshot: ObjectId) -> State {
        State { snapshot: snapshot.to_string(), ..self }
    }

    /// Resets the state before a complete reading: only the objects that may come back are kept.
    #[must_use]
    pub fn anew(self, context: &Context, scope: &[&'static Kind]) -> State {
        let State { snapshot, gone, recovered, .. } = self;
        State { gone, recovered, snapshot, ..State::new(context, ObjectId::from_bytes([0; 20]), scope) }
    }

    /// Returns true if `next` differs only in tokens, rounds and the audit time: tokens of a round without changes lead to the
    /// same place.
    pub fn only_counts_on(&self, next: &State) -> bool {
        let State { tokens, rounds, audited, .. } = self.clone();
        *self == State { tokens, rounds, audited, ..next.clone() }
    }

    /// Returns true if an object may come back from the recycle bin.
    pub fn is_gone(&self, id: &str) -> bool {
        self.gone.contains_key(id)
    }

    /// Records the ids that are gone as of `now`, in seconds since 1970, and forgets those that no recycle bin holds any more.
    /// With `all` the ids are complete: others that were known before are dropped.
    pub fn set_gone(&mut self, ids: impl IntoIterator<Item = String>, all: bool, now: i64) {
        let today = now.div_euclid(86_400);
        let before = std::mem::take(&mut self.gone);
        let ids = ids.into_iter().map(|id| (before.get(&id).copied().filter(|_| all).unwrap_or(today), id));
        self.gone = ids.map(|(since, id)| (id, since)).collect();
        if !all {
            let kept = before.into_iter().filter(|(_, since)| (today - IN_BIN..=today).contains(since));
            for (id, since) in kept {
                self.gone.entry(id).or_insert(since);
            }
        }
    }

    /// Returns the objects to read again.
    pub fn again(&self) -> Ids {
        let known = |name: &String| Some(kinds::by_name(name)?.name);
        self.again.iter().filter_map(|(name, ids)| Some((known(name)?, ids.clone()))).collect()
    }

    /// Sets the objects to read again.
    pub fn set_again(&mut self, ids: Ids) {
        self.again = ids.into_iter().map(|(kind, ids)| (kind.to_owned(), ids)).collect();
    }

    /// Stores the state.
    ///
    /// # Errors
    /// If the repository cannot be written.
    pub fn store(&self, context: &Context) -> Result<()> {
        let message = format!("State of a watch\n\nEntragit-Snapshot: {}\n", self.snapshot);
        Ok(context.repo.set_state(&serde_json::to_vec_pretty(self)?, &message)?)
    }
}
