//! What a watch needs to go on where it was: tokens and loose ends, kept under [`crate::repo::STATE`].

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::Context;
use super::facts::Tally;
use super::incremental::Ids;
use crate::format::manifest::SCHEMA;
use crate::kinds;
use crate::model::{CoverageMap, Kind};
use crate::repo::{ObjectId, RepoError};

const FORMAT: u32 = 3;

/// Days for which an object can be restored, and one more: <https://learn.microsoft.com/graph/api/resources/directory>.
const IN_BIN: i64 = 31;

/// The state of a watch. It belongs to one snapshot, and counts only while that is the tip of `snapshots`.
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
    /// Per kind, what to ask for changes with.
    pub tokens: BTreeMap<String, String>,
    /// Per kind and link, how completely everything was read the last time that everything was.
    pub coverage: CoverageMap,
    /// The snapshot's objects, counted.
    pub tally: Tally,
    /// Rounds since then.
    pub rounds: u32,
    /// When the audit log was read last, RFC 3339.
    pub audited: String,
    /// Objects to read again: something was missing the last time.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    again: BTreeMap<String, BTreeSet<String>>,
    /// Objects that may come back from the recycle bin, and their links with them: since when, as days since 1970.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    gone: BTreeMap<String, i64>,
    /// Events of Microsoft's own recovery that everything was read for.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub recovered: BTreeSet<String>,
}

impl State {
    /// A state of nothing yet.
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

    /// The stored state, if it is of this snapshot, this tenant and these kinds. Whatever else is stored is passed over: then
    /// everything is read, and the state begins anew.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub fn load(context: &Context, snapshot: Option<ObjectId>, scope: &[&'static Kind]) -> Result<Option<State>> {
        let bytes = match context.repo.state() {
            Err(error @ RepoError::Damaged(_)) => return Err(error.into()),
            // Anyone who can push may have put it there.
            found => found.unwrap_or_default(),
        };
        let (Some(snapshot), Some(bytes)) = (snapshot, bytes) else { return Ok(None) };
        let wanted = State::new(context, snapshot, scope);
        Ok(serde_json::from_slice::<State>(&bytes).ok().filter(|state| state.belongs_with(&wanted)))
    }

    /// Whether both are of the same snapshot, tenant and kinds, by the same rules.
    pub fn belongs_with(&self, other: &State) -> bool {
        let key = |state: &State| (state.format_version, state.schema, state.tenant.clone(), state.snapshot.clone());
        key(self) == key(other) && self.kinds == other.kinds && self.filters == other.filters
    }

    /// The same for another snapshot.
    #[must_use]
    pub fn at(self, snapshot: ObjectId) -> State {
        State { snapshot: snapshot.to_string(), ..self }
    }

    /// Everything is about to be read: only what may come back is still known.
    #[must_use]
    pub fn anew(self, context: &Context, scope: &[&'static Kind]) -> State {
        let State { snapshot, gone, recovered, .. } = self;
        State { gone, recovered, snapshot, ..State::new(context, ObjectId::from_bytes([0; 20]), scope) }
    }

    /// Whether `next` differs in nothing that matters: tokens of a round without changes lead to the same place.
    pub fn only_counts_on(&self, next: &State) -> bool {
        let State { tokens, rounds, audited, .. } = self.clone();
        *self == State { tokens, rounds, audited, ..next.clone() }
    }

    /// Whether an object may come back from the recycle bin.
    pub fn is_gone(&self, id: &str) -> bool {
        self.gone.contains_key(id)
    }

    /// Takes in what is gone since `now`, in seconds since 1970, and forgets what no bin holds any more. `all` of them: what
    /// was known before counts no longer.
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

    /// Objects to read again.
    pub fn again(&self) -> Ids {
        let known = |name: &String| Some(kinds::by_name(name)?.name);
        self.again.iter().filter_map(|(name, ids)| Some((known(name)?, ids.clone()))).collect()
    }

    /// Sets the objects to read again.
    pub fn set_again(&mut self, ids: Ids) {
        self.again = ids.into_iter().map(|(kind, ids)| (kind.to_owned(), ids)).collect();
    }

    /// Stores it.
    ///
    /// # Errors
    /// If the repository cannot be written.
    pub fn store(&self, context: &Context) -> Result<()> {
        let message = format!("State of a watch\n\nEntragit-Snapshot: {}\n", self.snapshot);
        Ok(context.repo.set_state(&serde_json::to_vec_pretty(self)?, &message)?)
    }
}
