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

/// Number of reads in a row that must find a new object: normally, and after a read that did not find it. Such a read shows that
/// a replica lags, so that more reads are needed. Terraform's provider does the same.
/// <https://github.com/hashicorp/terraform-provider-azuread/blob/main/internal/helpers/consistency>
const READS_TO_CONFIRM: (usize, usize) = (2, 5);

/// Number of reads that must miss an object before it is created again: normally, and for an object that an apply created, which
/// a lagging replica may not have yet.
const READS_TO_RULE_OUT: (usize, usize) = (1, 3);

impl<T: TenantRead + TenantWrite> Run<'_, T> {
    /// Waits until a new object was found by several reads in a row, if other steps need it. Gives up after the pauses or at a
    /// failure, which is no error: Graph refuses a step that comes too early, and the step is tried again.
    pub(super) async fn confirm(&self, id: StepId, step: &Step, state: &Mutex<State<'_>>) {
        let new = matches!(step.action, Action::Create { .. } | Action::Restore);
        if !new || !self.plan.steps.iter().any(|other| other.needs.contains(&id)) {
            return;
        }
        let kind = step.address.kind;
        let current_id = lock(state).ids.current(&step.address.id).to_owned();
        let (mut wanted, mut in_a_row) = (READS_TO_CONFIRM.0, 0);
        let mut pauses = self.patience.iter();
        while in_a_row < wanted {
            match self.tenant.get(kind, &current_id).await {
                Ok(Some(_)) => in_a_row += 1,
                Ok(None) => {
                    (wanted, in_a_row) = (READS_TO_CONFIRM.1, 0);
                    let Some(pause) = pauses.next() else { return };
                    tokio::time::sleep(*pause).await;
                }
                Err(_) => return,
            }
        }
    }

    /// Reads an updated object until it shows what the step wrote, and returns it. `None` if the pauses end before, if it cannot
    /// be read, and for steps that are no update.
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

    /// Returns true if the tenant shows the effect of a write whose answer was lost, within the pauses. Only links, their
    /// removals and deletions are looked for; for other writes it returns false, since others may have made the same change.
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

    /// Returns the object if any of several reads finds it, although the plan found it missing: one replica's answer does not
    /// prove that an object does not exist.
    pub(super) async fn after_all(
        &self,
        kind: &'static Kind,
        id: &str,
        ids: &IdMap,
    ) -> Result<Option<RawObject>, TenantError> {
        let created_by_apply = ids.iter().any(|(_, new)| new == id);
        for _ in 0..if created_by_apply { READS_TO_RULE_OUT.1 } else { READS_TO_RULE_OUT.0 } {
            if let Some(raw) = self.tenant.get(kind, id).await? {
                return Ok(Some(raw));
            }
        }
        Ok(None)
    }
}

/// Returns true if the link leads to the object or child with this id.
fn has_child(raw: &RawObject, link: &str, child: &str) -> bool {
    // A single child has no id, and `child` is empty then.
    let id =
        |one: &Value| one.as_str().or_else(|| one["id"].as_str()).or_else(|| one["keyId"].as_str()).map(str::to_owned);
    let is_child = |one: &Value| id(one).unwrap_or_default() == child;
    match raw.value.get(link) {
        Some(Value::Array(all)) => all.iter().any(is_child),
        Some(one) => !one.is_null() && is_child(one),
        None => false,
    }
}
