//! Carries out a plan wave by wave: reads each object again, writes it, and keeps the journal.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use futures_util::StreamExt as _;
use serde_json::{Map, Value};

use crate::engine::digest;
use crate::engine::guard::protected::needed;
use crate::engine::normalize::normalize;
use crate::engine::refs::Names;
use crate::engine::render::plan::title;
use crate::engine::schema;
use crate::model::plan::LossKind;
use crate::model::{Action, Address, Event, Events, IdMap, Kind, Plan, Step, StepId, Verdict, Write};
use crate::ops::journal::Journal;
use crate::tenant::{TenantError, TenantRead, TenantWrite};

mod confirm;
mod find;
mod resolve;

use resolve::{Cache, Resolved};

pub(in crate::ops) use find::holds;
pub use find::{PATIENCE, Search, patience};

/// Describes how a run of a plan ended.
#[derive(Debug, Clone, Default, PartialEq)]
#[must_use]
pub struct Outcome {
    /// Number of steps done, by this run or an earlier one.
    pub done: usize,
    /// Ids of the steps done.
    pub ok: BTreeSet<StepId>,
    /// Steps that failed, with the reason.
    pub failed: Vec<(StepId, String)>,
    /// Creations whose answers were lost and that could not be found afterwards, with the reason: they may have happened.
    pub uncertain: Vec<(StepId, String)>,
    /// Steps left out because a step that they need did not succeed.
    pub skipped: Vec<StepId>,
    /// Objects that had moved since the plan was made; nothing was written to them.
    pub stale: BTreeSet<Address>,
    /// Number of steps that were not begun because the run was asked to stop.
    pub not_begun: usize,
    /// Ids learned from creations.
    pub learned: IdMap,
}

/// Holds what a run works with.
pub struct Run<'a, T> {
    /// The tenant.
    pub tenant: &'a T,
    /// The plan.
    pub plan: &'a Plan,
    /// Verdicts of the guards on the plan, which explain refusals.
    pub verdicts: &'a [Verdict],
    /// Names for messages.
    pub names: &'a Names,
    /// Receiver of progress and warnings.
    pub events: &'a Events,
    /// Map from old ids to new ids, from earlier runs.
    pub ids: &'a IdMap,
    /// Number of writes sent at the same time.
    pub concurrency: usize,
    /// Objects that were there before or are wanted by this address: no creation with a lost answer has made them.
    pub known: &'a BTreeSet<Address>,
    /// Pauses between looks for what a creation with a lost answer has made.
    pub patience: &'a [Duration],
    /// Flag that ends the run: once it is set no step is begun any more.
    pub stop: &'a AtomicBool,
}

struct State<'a> {
    journal: &'a mut Journal,
    /// Id map shared with the steps that run: copied only when an id is learned meanwhile.
    ids: Arc<IdMap>,
    outcome: Outcome,
    ok: BTreeSet<StepId>,
    /// Objects that this plan has written to, and the digest of their properties if an earlier run noted it.
    touched: BTreeMap<Address, Option<String>>,
    started: usize,
    /// Locks by which creations of the same name take turns, so that at most one of them can have an answer that was lost.
    /// Removals of one object's credentials take turns in the same way.
    turns: BTreeMap<(&'static str, String), Arc<tokio::sync::Mutex<()>>>,
}

enum Failure {
    Stale,
    /// A creation that may have happened, with the reason.
    Uncertain(String),
    Error(String),
}

impl From<TenantError> for Failure {
    fn from(error: TenantError) -> Self {
        Failure::Error(error.to_string())
    }
}

impl<T: TenantRead + TenantWrite> Run<'_, T> {
    /// Carries out the plan. Steps that an earlier run did are not done again. A step that fails keeps those that need it from
    /// running; the others go on.
    ///
    /// # Errors
    /// Only if the journal cannot be written: nothing is sent that is not on disk first.
    pub async fn execute(&self, journal: &mut Journal) -> Result<Outcome> {
        let past = journal.past.clone();
        let mut ids = self.ids.clone();
        ids.extend(&past.learned);
        let mut outcome = Outcome { learned: past.learned.clone(), ..Outcome::default() };
        outcome.done = past.done.len();
        outcome.ok.clone_from(&past.done);
        let started = past.done.len();
        // A step that was sent may have happened: then the object differs from what the plan saw because of this plan.
        let begun = past.done.iter().chain(&past.unknown).filter_map(|id| self.plan.steps.get(*id));
        let mut touched: BTreeMap<Address, Option<String>> = begun.map(|step| (step.address.clone(), None)).collect();
        for (address, digest) in past.expected(self.plan) {
            touched.insert(address.clone(), digest.map(str::to_owned));
        }
        let turns = BTreeMap::new();
        let state =
            Mutex::new(State { journal, ids: Arc::new(ids), outcome, ok: past.done.clone(), touched, started, turns });
        for wave in &self.plan.waves {
            let cache = Cache::default();
            let todo: Vec<StepId> = wave.iter().copied().filter(|id| !past.done.contains(id)).collect();
            let results: Vec<Result<()>> = futures_util::stream::iter(todo)
                .map(|id| self.step(id, past.unknown.contains(&id), &state, &cache))
                .buffer_unordered(self.concurrency.max(1))
                .collect()
                .await;
            results.into_iter().collect::<Result<()>>()?;
        }
        let mut state = state.into_inner().unwrap_or_else(PoisonError::into_inner);
        state.outcome.failed.sort();
        state.outcome.uncertain.sort();
        state.outcome.skipped.sort_unstable();
        Ok(state.outcome)
    }

    async fn step(&self, id: StepId, sent_before: bool, state: &Mutex<State<'_>>, cache: &Cache) -> Result<()> {
        let Some(step) = self.plan.steps.get(id) else { return Ok(()) };
        let title = title(step, self.names);
        let of = self.plan.steps.len();
        let turn = match &step.action {
            Action::Create { .. } => {
                let looks = (step.address.kind.name, step.name.clone());
                Some(Arc::clone(lock(state).turns.entry(looks).or_default()))
            }
            // A certificate is removed by writing the remaining ones: two removals at once would undo each other.
            Action::Unlink { link, .. } if is_credential(step, link) => {
                let object = (step.address.kind.name, step.address.id.clone());
                Some(Arc::clone(lock(state).turns.entry(object).or_default()))
            }
            _ => None,
        };
        let _turn = match &turn {
            Some(turn) => Some(turn.lock().await),
            None => None,
        };
        let number = {
            let mut state = lock(state);
            if self.stop.load(Ordering::Relaxed) {
                state.outcome.not_begun += 1;
                return Ok(());
            }
            if step.needs.iter().any(|need| !state.ok.contains(need)) {
                state.outcome.skipped.push(id);
                return Ok(());
            }
            state.started += 1;
            state.started
        };
        self.events.emit(Event::StepStarted { number, of, address: step.address.clone(), title: title.clone() });
        let result = self.attempt(id, step, &title, sent_before, state, cache).await?;
        let done = result.is_ok();
        self.note(id, step, &title, number, result, state)?;
        if done {
            self.confirm(id, step, state).await;
            self.look_after(id, step, state).await?;
        }
        Ok(())
    }

    /// Records how a step ended.
    fn note(
        &self,
        id: StepId,
        step: &Step,
        title: &str,
        number: usize,
        result: std::result::Result<IdMap, Failure>,
        state: &Mutex<State<'_>>,
    ) -> Result<()> {
        let mut state = lock(state);
        let error = match result {
            Ok(learned) => {
                state.journal.record_done(id, &learned)?;
                for (old, new) in learned.iter() {
                    Arc::make_mut(&mut state.ids).learn(old, new);
                    state.outcome.learned.learn(old, new);
                }
                state.ok.insert(id);
                state.outcome.ok.insert(id);
                state.touched.insert(step.address.clone(), None);
                state.outcome.done += 1;
                None
            }
            Err(Failure::Stale) => {
                state.outcome.stale.insert(step.address.clone());
                state.outcome.skipped.push(id);
                Some("it was changed since the plan was made".to_owned())
            }
            Err(Failure::Uncertain(error)) => {
                // The step stays `sent` in the journal, so that a run which takes this one up looks for the object.
                state.outcome.uncertain.push((id, error.clone()));
                Some(error)
            }
            Err(Failure::Error(error)) => {
                state.journal.record_failure(id, &error)?;
                state.outcome.failed.push((id, error.clone()));
                Some(error)
            }
        };
        let of = self.plan.steps.len();
        self.events.emit(Event::StepEnded { number, of, title: title.to_owned(), error });
        Ok(())
    }

    /// Notes the state of an object after this run's own write, if more is to be written to it: a run that takes this one up can
    /// tell this change from anybody else's.
    async fn look_after(&self, id: StepId, step: &Step, state: &Mutex<State<'_>>) -> Result<()> {
        let ours = matches!(step.action, Action::Update { .. } | Action::Call { .. });
        if !ours || !self.plan.seen.contains_key(&step.address) {
            return Ok(());
        }
        let today = {
            let state = lock(state);
            let mut others = self.plan.steps.iter().enumerate().filter(|(other, _)| !state.ok.contains(other));
            if !others.any(|(_, other)| other.address == step.address) {
                return Ok(());
            }
            state.ids.current(&step.address.id).to_owned()
        };
        let kind = step.address.kind;
        let ids = Arc::clone(&lock(state).ids);
        if let Some(raw) = self.read_back(kind, &today, step, &ids).await {
            let digest = digest::seen(kind, &normalize(kind, raw.value).object).properties;
            lock(state).journal.record_digest(id, &digest)?;
        }
        Ok(())
    }

    fn search(&self) -> Search<'_, T> {
        let unmanaged = &self.plan.unmanaged;
        Search { tenant: self.tenant, known: self.known, unmanaged, patience: self.patience }
    }

    async fn attempt(
        &self,
        id: StepId,
        step: &Step,
        title: &str,
        sent_before: bool,
        state: &Mutex<State<'_>>,
        cache: &Cache,
    ) -> Result<std::result::Result<IdMap, Failure>> {
        let kind = step.address.kind;
        let (ids, expects) = {
            let state = lock(state);
            let expects = match state.touched.get(&step.address) {
                Some(digest) => digest.clone(),
                None => self.plan.seen.get(&step.address).map(|seen| seen.properties.clone()),
            };
            (Arc::clone(&state.ids), expects)
        };
        let write = match self.resolve(kind, step, &ids, expects.as_deref(), sent_before, cache).await {
            Ok(Resolved::Write(write)) => write,
            Ok(Resolved::Already(learned)) => return Ok(Ok(learned)),
            Err(failure) => return Ok(Err(failure)),
        };
        lock(state).journal.record_sent(id, title)?;
        Ok(match self.tenant.write(&write).await {
            Ok(written) => Ok(learned(kind, step, written.value.as_ref())),
            Err(TenantError::Unknown { request, message }) => {
                self.effect(kind, step, &write, &ids, &format!("{request}: {message}")).await
            }
            Err(error @ TenantError::Waiting { .. }) => self.effect(kind, step, &write, &ids, &error.to_string()).await,
            Err(error @ TenantError::Denied { .. }) => {
                let needed = needed(self.verdicts, step).map(|needed| format!("; {needed}"));
                Err(Failure::Error(format!("{error}{}", needed.unwrap_or_default())))
            }
            Err(error @ TenantError::Refused { .. }) => {
                Err(Failure::Error(format!("{error}{}", self.conflict(step).unwrap_or_default())))
            }
            Err(error) => Err(error.into()),
        })
    }

    /// Returns what may be the cause of the refusal of a creation or a restore, and the way forward.
    fn conflict(&self, step: &Step) -> Option<String> {
        if !matches!(step.action, Action::Create { .. } | Action::Restore) {
            return None;
        }
        let own = self.plan.losses.iter().filter(|loss| loss.address == step.address);
        let known: Vec<&str> = own
            .flat_map(|loss| &loss.parts)
            .filter_map(|part| match part {
                LossKind::Conflict(clause) => Some(clause.as_str()),
                _ => None,
            })
            .collect();
        match (known.is_empty(), &step.action) {
            (false, _) => Some(format!("; {}", known.join("; "))),
            (true, Action::Restore) => Some(format!(
                "; if another object has the name, an address or the appId of {} \"{}\" by now, rename or delete that one \
                 and apply again",
                step.called, step.name
            )),
            (true, _) => None,
        }
    }

    /// Looks for the effect of a write that may have happened, or may happen soon; `why` says so.
    async fn effect(
        &self,
        kind: &'static Kind,
        step: &Step,
        write: &Write,
        ids: &IdMap,
        why: &str,
    ) -> std::result::Result<IdMap, Failure> {
        match write {
            Write::Create { body, .. } => match self.search().find(kind, body, ids).await {
                Ok(Some(found)) => Ok(learned(kind, step, Some(&found))),
                Ok(None) => Err(Failure::Uncertain(format!(
                    "{why}; no such object was found afterwards; run this again, and it is looked for"
                ))),
                Err(error) => Err(Failure::Uncertain(error)),
            },
            _ => match self.came_true(write).await {
                Ok(true) => Ok(IdMap::default()),
                Ok(false) => Err(Failure::Uncertain(format!(
                    "{why}; the tenant does not show it yet; run this again, and it is looked for"
                ))),
                Err(error) => Err(Failure::Uncertain(format!("{why}; then {error}"))),
            },
        }
    }
}

fn lock<'m, 's>(state: &'m Mutex<State<'s>>) -> MutexGuard<'m, State<'s>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_credential(step: &Step, link: &str) -> bool {
    step.address.kind.credential(link).is_some()
}

/// Returns the ids that a write replaced: the object's own, and others by which it is referred to. A creation replaces ids, and
/// so does a change by a request.
pub(in crate::ops) fn learned(kind: &'static Kind, step: &Step, value: Option<&Map<String, Value>>) -> IdMap {
    let mut learned = IdMap::default();
    let replaces = match step.action {
        Action::Create { .. } => true,
        Action::Update { .. } => kind.requests.is_some(),
        _ => false,
    };
    let Some(value) = value.filter(|_| replaces) else { return learned };
    if let Some(id) = value.get("id").and_then(Value::as_str) {
        learned.learn(&step.address.id, id);
    }
    for property in schema::of(kind).identities() {
        if let (Some(old), Some(new)) = (step.identities.get(property), value.get(property).and_then(Value::as_str)) {
            learned.learn(old, new);
        }
    }
    learned
}
