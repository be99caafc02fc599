//! Reads written objects back, before other steps build on them.

use std::sync::Mutex;

use serde_json::{Map, Value};

use super::resolve::linked;
use super::{Run, State, lock};
use crate::engine::refs::{rewrite_body, rewrite_value};
use crate::engine::schema;
use crate::model::{Action, IdMap, Kind, Step, StepId, Write};
use crate::ops::apply::settled;
use crate::tenant::{RawObject, TenantError, TenantRead, TenantWrite};

/// Number of reads in a row that must find a new object. The second number counts once it was not found: some replica lags then,
/// and the object must be found more often, as Terraform's provider does it.
/// <https://github.com/hashicorp/terraform-provider-azuread/blob/main/internal/helpers/consistency>
const READS: (usize, usize) = (2, 5);

/// Number of reads that must not find an object before it is created again. The second number is for one that an apply created
/// and that may be new.
const ABSENT: (usize, usize) = (1, 3);

impl<T: TenantRead + TenantWrite> Run<'_, T> {
    /// Waits until a new object is read several times in a row, if others need it. It is never created again: a step that needs
    /// it is refused by Graph as long as the object is not known, and waits then.
    pub(super) async fn confirm(&self, id: StepId, step: &Step, state: &Mutex<State<'_>>) {
        let new = matches!(step.action, Action::Create { .. } | Action::Restore);
        if !new || !self.plan.steps.iter().any(|other| other.needs.contains(&id)) {
            return;
        }
        let kind = step.address.kind;
        let today = lock(state).ids.current(&step.address.id).to_owned();
        let (mut wanted, mut good) = (READS.0, 0);
        let mut pauses = self.patience.iter();
        while good < wanted {
            match self.tenant.get(kind, &today).await {
                Ok(Some(_)) => good += 1,
                Ok(None) => {
                    (wanted, good) = (READS.1, 0);
                    let Some(pause) = pauses.next() else { return };
                    tokio::time::sleep(*pause).await;
                }
                Err(_) => return,
            }
        }
    }

    /// Returns the object as soon as it shows what the step wrote; `None` if it does not, or cannot be read.
    pub(super) async fn read_back(&self, kind: &'static Kind, id: &str, step: &Step, ids: &IdMap) -> Option<RawObject> {
        let written = match &step.action {
            Action::Update { body, .. } => rewrite_body(kind, body, ids),
            Action::Call { property, value } => {
                let rule = schema::of(kind).property(property).cloned().unwrap_or_default();
                Map::from_iter([((*property).to_owned(), rewrite_value(&rule, value, ids))])
            }
            _ => return None,
        };
        let mut pauses = self.patience.iter();
        loop {
            // A read that fails leaves the result unknown, which is no error.
            if let Some(raw) = self.tenant.get(kind, id).await.ok()?
                && settled::shows(kind, &raw, &written)
            {
                return Some(raw);
            }
            tokio::time::sleep(*pauses.next()?).await;
        }
    }

    /// Returns true if the tenant shows, sooner or later, what a write whose answer was lost should have done. Changes to an
    /// object are not looked for: only what is there or is not can be told apart from what others do.
    pub(super) async fn came_true(&self, write: &Write) -> Result<bool, TenantError> {
        let mut pauses = self.patience.iter();
        loop {
            let shows = match write {
                Write::Link { kind, id, link, value } => {
                    self.tenant.get(kind, id).await?.is_some_and(|raw| linked(kind, &raw, link, value).is_some())
                }
                Write::Unlink { kind, id, link, child } => {
                    self.tenant.get(kind, id).await?.is_none_or(|raw| !has_child(&raw, link, child))
                }
                Write::Delete { kind, id } => self.tenant.get(kind, id).await?.is_none(),
                _ => return Ok(false),
            };
            if shows {
                return Ok(true);
            }
            let Some(pause) = pauses.next() else { return Ok(false) };
            tokio::time::sleep(*pause).await;
        }
    }

    /// Returns an object that a list lacked, if it is there after all: the answer of one replica does not prove absence.
    pub(super) async fn after_all(
        &self,
        kind: &'static Kind,
        id: &str,
        ids: &IdMap,
    ) -> Result<Option<RawObject>, TenantError> {
        let ours = ids.iter().any(|(_, new)| new == id);
        for _ in 0..if ours { ABSENT.1 } else { ABSENT.0 } {
            if let Some(raw) = self.tenant.get(kind, id).await? {
                return Ok(Some(raw));
            }
        }
        Ok(None)
    }
}

/// Returns true if the link leads to the object or child with this id.
fn has_child(raw: &RawObject, link: &str, child: &str) -> bool {
    // A single child has no id.
    let id =
        |one: &Value| one.as_str().or_else(|| one["id"].as_str()).or_else(|| one["keyId"].as_str()).map(str::to_owned);
    let is = |one: &Value| id(one).unwrap_or_default() == child;
    match raw.value.get(link) {
        Some(Value::Array(all)) => all.iter().any(is),
        Some(one) => !one.is_null() && is(one),
        None => false,
    }
}
