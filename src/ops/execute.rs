//! Carrying out a plan: wave by wave, re-read, write, journal.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use futures_util::StreamExt as _;
use serde_json::{Map, Value};
use tokio::sync::{OnceCell, mpsc};

use super::journal::Journal;
use crate::engine::digest;
use crate::engine::normalize::{child_key, normalize};
use crate::engine::refs::{Names, rewrite_body, rewrite_value};
use crate::engine::render::plan::title;
use crate::engine::schema;
use crate::kinds;
use crate::model::kind::{Children, LinkShape, Updates};
use crate::model::{Action, Address, Event, Events, IdMap, Kind, Plan, Step, StepId, Write};
use crate::tenant::{RawObject, TenantError, TenantRead, TenantWrite};

/// How a run of a plan ended.
#[derive(Debug, Clone, Default, PartialEq)]
#[must_use]
pub struct Outcome {
    /// Steps done, by this run or an earlier one.
    pub done: usize,
    /// Steps that failed, with the reason.
    pub failed: Vec<(StepId, String)>,
    /// Steps left out because one they need did not succeed.
    pub skipped: Vec<StepId>,
    /// Objects that had moved since the plan was made; nothing was written to them.
    pub stale: BTreeSet<Address>,
    /// Ids learned.
    pub learned: IdMap,
}

/// What a run works with.
pub struct Run<'a, T> {
    /// The tenant.
    pub tenant: &'a T,
    /// The plan.
    pub plan: &'a Plan,
    /// Names for messages.
    pub names: &'a Names,
    /// Where work speaks.
    pub events: &'a Events,
    /// Old id → new id, from before.
    pub ids: &'a IdMap,
    /// Writes at the same time.
    pub concurrency: usize,
    /// What was there before or is wanted by this address: never what a creation with a lost answer has made.
    pub known: &'a BTreeSet<Address>,
}

struct State<'a> {
    journal: &'a mut Journal,
    ids: IdMap,
    outcome: Outcome,
    ok: BTreeSet<StepId>,
    touched: BTreeSet<Address>,
    started: usize,
    /// Creations of the same name take turns, so that at most one of them can have an answer that was lost.
    turns: BTreeMap<(&'static str, String), Arc<tokio::sync::Mutex<()>>>,
}

enum Failure {
    Stale,
    Error(String),
}

impl From<TenantError> for Failure {
    fn from(error: TenantError) -> Self {
        Failure::Error(error.to_string())
    }
}

type Cache = Mutex<BTreeMap<Address, Arc<OnceCell<Option<RawObject>>>>>;

impl<T: TenantRead + TenantWrite> Run<'_, T> {
    /// Carries out the plan. Steps that an earlier run did are not done again. A step that fails keeps those that need it
    /// from running; the others go on.
    ///
    /// # Errors
    /// Only if the journal cannot be written: nothing is sent that is not on disk first.
    pub async fn execute(&self, journal: &mut Journal) -> Result<Outcome> {
        let past = journal.past.clone();
        let mut ids = self.ids.clone();
        ids.extend(&past.learned);
        let mut outcome = Outcome { learned: past.learned.clone(), ..Outcome::default() };
        outcome.done = past.done.len();
        let started = past.done.len();
        // What was sent may have happened: the object differs from what the plan saw because of us.
        let begun = past.done.iter().chain(&past.unknown).filter_map(|id| self.plan.steps.get(*id));
        let touched = begun.map(|step| step.address.clone()).collect();
        let turns = BTreeMap::new();
        let state = Mutex::new(State { journal, ids, outcome, ok: past.done.clone(), touched, started, turns });
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
        state.outcome.skipped.sort_unstable();
        Ok(state.outcome)
    }

    async fn step(&self, id: StepId, sent_before: bool, state: &Mutex<State<'_>>, cache: &Cache) -> Result<()> {
        let Some(step) = self.plan.steps.get(id) else { return Ok(()) };
        let title = title(step, self.names);
        let of = self.plan.steps.len();
        let turn = match &step.action {
            Action::Create { .. } => {
                let looks = (step.address.kind, step.name.clone());
                Some(Arc::clone(lock(state).turns.entry(looks).or_default()))
            }
            _ => None,
        };
        let _turn = match &turn {
            Some(turn) => Some(turn.lock().await),
            None => None,
        };
        let number = {
            let mut state = lock(state);
            if step.needs.iter().any(|need| !state.ok.contains(need)) {
                state.outcome.skipped.push(id);
                return Ok(());
            }
            state.started += 1;
            state.started
        };
        self.events.emit(Event::StepStarted { number, of, address: step.address.clone(), title: title.clone() });
        let result = self.attempt(id, step, &title, sent_before, state, cache).await?;
        let mut state = lock(state);
        let error = match result {
            Ok(learned) => {
                state.journal.done(id, &learned)?;
                for (old, new) in learned.iter() {
                    state.ids.learn(old, new);
                    state.outcome.learned.learn(old, new);
                }
                state.ok.insert(id);
                state.touched.insert(step.address.clone());
                state.outcome.done += 1;
                None
            }
            Err(Failure::Stale) => {
                state.outcome.stale.insert(step.address.clone());
                state.outcome.skipped.push(id);
                Some("it was changed since the plan was made".to_owned())
            }
            Err(Failure::Error(error)) => {
                state.journal.failed(id, &error)?;
                state.outcome.failed.push((id, error.clone()));
                Some(error)
            }
        };
        self.events.emit(Event::StepEnded { number, of, title, error });
        Ok(())
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
        let Some(kind) = kinds::by_name(step.address.kind) else {
            return Ok(Err(Failure::Error("unknown kind".to_owned())));
        };
        let (ids, touched) = {
            let state = lock(state);
            (state.ids.clone(), state.touched.contains(&step.address))
        };
        let write = match self.resolve(kind, step, &ids, touched, sent_before, cache).await {
            Ok(Resolved::Write(write)) => write,
            Ok(Resolved::Already(learned)) => return Ok(Ok(learned)),
            Err(failure) => return Ok(Err(failure)),
        };
        lock(state).journal.sent(id, title)?;
        Ok(match self.tenant.write(&write).await {
            Ok(written) => Ok(learned(kind, step, written.value.as_ref())),
            Err(TenantError::Unknown { request, message }) => match &write {
                Write::Create { body, .. } => match self.find(kind, body, &ids).await {
                    Ok(Some(found)) => Ok(learned(kind, step, Some(&found))),
                    Ok(None) => Err(Failure::Error(format!(
                        "{request}: {message}; no such object was found afterwards; make the plan anew to try again"
                    ))),
                    Err(failure) => Err(failure),
                },
                _ => Err(Failure::Error(format!("{request}: {message}"))),
            },
            Err(error) => Err(error.into()),
        })
    }

    /// What to ask of the tenant, after looking at how the object is right now.
    async fn resolve(
        &self,
        kind: &'static Kind,
        step: &Step,
        ids: &IdMap,
        touched: bool,
        sent_before: bool,
        cache: &Cache,
    ) -> std::result::Result<Resolved, Failure> {
        // What is deleted is named as the tenant has it; its successor may be known by the same id already.
        let id = match step.action {
            Action::Delete => step.address.id.clone(),
            _ => ids.current(&step.address.id).to_owned(),
        };
        let address = Address::new(kind.name, &id);
        let rule = |link: &str| schema::of(kind).property(link).cloned().unwrap_or_default();
        Ok(match &step.action {
            Action::Create { body } => {
                let body = rewrite_body(kind, body, ids);
                if sent_before && let Some(found) = self.find(kind, &body, ids).await? {
                    return Ok(Resolved::Already(learned(kind, step, Some(&found))));
                }
                // An assignment comes back with the user who is restored.
                let restored =
                    |need: &StepId| matches!(self.plan.steps.get(*need), Some(Step { action: Action::Restore, .. }));
                if kind.update == Updates::Nothing
                    && step.needs.iter().any(restored)
                    && self.tenant.get(kind, &id).await?.is_some_and(|raw| is(kind, &raw, &body))
                {
                    return Ok(Resolved::Already(IdMap::default()));
                }
                Resolved::Write(Write::Create { kind, body })
            }
            Action::Restore => match self.tenant.get(kind, &id).await? {
                Some(_) => Resolved::Already(IdMap::default()),
                None => Resolved::Write(Write::Restore { kind, id }),
            },
            Action::Update { body, .. } => {
                self.still_as_seen(kind, step, &address, touched, cache).await?;
                Resolved::Write(Write::Update { kind, id, body: rewrite_body(kind, body, ids) })
            }
            Action::Call { property, value } => {
                self.still_as_seen(kind, step, &address, touched, cache).await?;
                let value = rewrite_value(&rule(property), value, ids);
                Resolved::Write(Write::Call { kind, id, property, value })
            }
            Action::Delete => {
                if self.look(kind, &address, cache).await?.is_none() {
                    return Ok(Resolved::Already(IdMap::default()));
                }
                self.still_as_seen(kind, step, &address, touched, cache).await?;
                Resolved::Write(Write::Delete { kind, id })
            }
            Action::Link { link, value } => {
                self.still_as_seen(kind, step, &address, touched, cache).await?;
                let value = rewrite_value(&rule(link), value, ids);
                match self.child(kind, &address, link, &value, cache).await? {
                    Some(_) => Resolved::Already(IdMap::default()),
                    None => Resolved::Write(Write::Link { kind, id, link, value }),
                }
            }
            Action::Relink { link, value } => {
                self.still_as_seen(kind, step, &address, touched, cache).await?;
                let value = rewrite_value(&rule(link), value, ids);
                let child = self.child(kind, &address, link, &value, cache).await?;
                let child = child.ok_or_else(|| Failure::Error("what should be changed is not there".to_owned()))?;
                let value = value.as_object().map(|value| writable_child(kind, link, value)).unwrap_or_default();
                Resolved::Write(Write::Relink { kind, id, link, child, value })
            }
            Action::Unlink { link, value } => {
                self.still_as_seen(kind, step, &address, touched, cache).await?;
                match self.child(kind, &address, link, value, cache).await? {
                    Some(child) => Resolved::Write(Write::Unlink { kind, id, link, child }),
                    None => Resolved::Already(IdMap::default()),
                }
            }
        })
    }

    /// The object as it is in this wave, read once.
    async fn look(
        &self,
        kind: &'static Kind,
        address: &Address,
        cache: &Cache,
    ) -> std::result::Result<Option<RawObject>, Failure> {
        let cell = {
            let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cache.entry(address.clone()).or_default())
        };
        let object = cell.get_or_try_init(|| self.tenant.get(kind, &address.id)).await?;
        Ok(object.clone())
    }

    /// Refuses to write to an object that someone changed since the plan was made.
    async fn still_as_seen(
        &self,
        kind: &'static Kind,
        step: &Step,
        address: &Address,
        touched: bool,
        cache: &Cache,
    ) -> std::result::Result<(), Failure> {
        let Some(seen) = self.plan.seen.get(&step.address).filter(|_| !touched) else { return Ok(()) };
        let Some(raw) = self.look(kind, address, cache).await? else { return Err(Failure::Stale) };
        let now = digest::seen(kind, &normalize(kind, &raw.value).object);
        if now.properties == seen.properties { Ok(()) } else { Err(Failure::Stale) }
    }

    /// The target of a link if the object has it now: the id of a reference, or a child's own Graph id.
    async fn child(
        &self,
        kind: &'static Kind,
        address: &Address,
        link: &str,
        value: &Value,
        cache: &Cache,
    ) -> std::result::Result<Option<String>, Failure> {
        let Some(raw) = self.look(kind, address, cache).await? else {
            return Err(Failure::Error("the object is not there".to_owned()));
        };
        let now = raw.value.get(link);
        let Some(shape) = kind.link(link).map(|link| link.shape) else { return Ok(None) };
        let id_of = |value: &Value| value.as_str().or_else(|| value["id"].as_str()).map(str::to_owned);
        Ok(match shape {
            LinkShape::Reference => now.and_then(id_of).filter(|id| Some(id.as_str()) == value.as_str()),
            LinkShape::References => now
                .and_then(Value::as_array)
                .and_then(|all| all.iter().filter_map(id_of).find(|id| Some(id.as_str()) == value.as_str())),
            LinkShape::Children(children) => {
                let key = key_of(value, &children);
                now.and_then(Value::as_array)
                    .and_then(|all| all.iter().find(|child| key_of(child, &children) == key))
                    .and_then(|child| child["id"].as_str().map(str::to_owned))
            }
        })
    }

    /// Looks for the one object that a POST with a lost answer may have made: one that nobody knew, that no other step
    /// made, and that has everything that was sent.
    async fn find(
        &self,
        kind: &'static Kind,
        body: &Map<String, Value>,
        ids: &IdMap,
    ) -> std::result::Result<Option<Map<String, Value>>, Failure> {
        let made: BTreeSet<&str> = ids.iter().map(|(_, new)| new).collect();
        // As it will be returned: sets in order, nothing empty.
        let sent = Value::Object(normalize(kind, body).object.0);
        let (sender, mut pages) = mpsc::channel::<Vec<RawObject>>(4);
        let collect = async {
            let mut found = Vec::new();
            while let Some(page) = pages.recv().await {
                for raw in page {
                    let object = normalize(kind, &raw.value).object;
                    let address = Address::new(kind.name, object.id());
                    let new = !self.known.contains(&address)
                        && !self.plan.unmanaged.contains(&address)
                        && !made.contains(address.id.as_str());
                    if new && holds(&Value::Object(object.0), &sent) {
                        found.push(raw.value);
                    }
                }
            }
            found
        };
        let (listing, mut found) = tokio::join!(self.tenant.list(kind, sender), collect);
        if !listing.coverage.is_complete() {
            return Err(Failure::Error(format!(
                "its answer was lost, and {} could not be read to see whether it was done",
                kind.title
            )));
        }
        match found.len() {
            0 => Ok(None),
            1 => Ok(found.pop()),
            many => Err(Failure::Error(format!(
                "its answer was lost, and {many} objects in the tenant look like it; delete those that are too many, then \
                 make the plan anew"
            ))),
        }
    }
}

/// Whether the object is what `body` would make.
fn is(kind: &'static Kind, raw: &RawObject, body: &Map<String, Value>) -> bool {
    let now = normalize(kind, &raw.value).object;
    holds(&Value::Object(now.0), &Value::Object(normalize(kind, body).object.0))
}

/// Whether `now` has everything that `sent` says; Graph may have added defaults.
fn holds(now: &Value, sent: &Value) -> bool {
    match (now, sent) {
        (Value::Object(now), Value::Object(sent)) => {
            sent.iter().all(|(name, value)| now.get(name).is_some_and(|now| holds(now, value)))
        }
        (Value::Array(now), Value::Array(sent)) => {
            now.len() == sent.len() && now.iter().zip(sent).all(|(now, sent)| holds(now, sent))
        }
        _ => now == sent,
    }
}

enum Resolved {
    Write(Write),
    /// It is as it should be already.
    Already(IdMap),
}

fn lock<'m, 's>(state: &'m Mutex<State<'s>>) -> MutexGuard<'m, State<'s>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn key_of(value: &Value, children: &Children) -> Vec<String> {
    child_key(value, children)
}

/// What PATCH on a child may carry: not what tells it from its siblings, which is how it is addressed.
fn writable_child(kind: &'static Kind, link: &str, value: &Map<String, Value>) -> Map<String, Value> {
    let Some(rule) = schema::of(kind).property(link) else { return Map::new() };
    let key = match kind.link(link).map(|link| link.shape) {
        Some(LinkShape::Children(children)) => children.key,
        Some(LinkShape::References | LinkShape::Reference) | None => &[],
    };
    value
        .iter()
        .filter(|(name, _)| !key.contains(&name.as_str()))
        .filter_map(|(name, value)| {
            let rule = rule.property(name)?;
            let value = crate::engine::normalize::writable_value(rule, value, false)?;
            Some((name.clone(), value))
        })
        .collect()
}

/// The ids that a creation replaced: the object's own, and others by which it is referred to.
fn learned(kind: &'static Kind, step: &Step, value: Option<&Map<String, Value>>) -> IdMap {
    let mut learned = IdMap::default();
    let (Action::Create { .. }, Some(value)) = (&step.action, value) else { return learned };
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
