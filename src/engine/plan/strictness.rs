//! Chooses the phase of steps of Conditional Access, so that at no moment anybody is locked out who is not locked out before
//! or after the plan:
//!
//! 1. updates that only relax a policy: it is no longer enforced, or it excludes more;
//! 2. everything else that is created or added: groups get their members, locations their ranges;
//! 3. every other write to a policy, once all objects that it names are as wanted;
//! 4. deletions of policies, and only then removals of group members: an exclusion may depend on their membership.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Inputs, Planner};
use crate::engine::order::Phase;
use crate::kinds;
use crate::model::{Action, Address, FieldChange, Kind, Object};

const POLICY: &str = "conditionalAccessPolicy";

impl Planner<'_> {
    /// Returns the phase of a step that would otherwise be in `phase`.
    pub(super) fn phase_of(
        &self,
        kind: &Kind,
        address: &Address,
        object: &Object,
        phase: Phase,
        action: &Action,
        needs: &[Address],
    ) -> Phase {
        match (kind.name, action) {
            (POLICY, Action::Delete) => Phase::Withdraw,
            (POLICY, Action::Update { body, changes }) if phase == Phase::Write => {
                let made = self.moving.contains_key(&address.id) || self.returning.contains_key(&address.id);
                match !made && needs.is_empty() && only_relaxes(object, body, changes) {
                    true => Phase::Loosen,
                    false => Phase::Enforce,
                }
            }
            (POLICY, _) if phase == Phase::Write => Phase::Enforce,
            ("group", Action::Unlink { link: "members", .. }) if !self.included.contains(&address.id) => {
                Phase::Withdraw
            }
            _ => phase,
        }
    }
}

/// Returns the groups that changed policies include and that none of these policies excludes.
pub(super) fn only_included(inputs: &Inputs<'_>) -> BTreeSet<String> {
    let (wanted, live) = (&inputs.wanted.objects, &inputs.live.objects);
    let (mut included, mut excluded) = (BTreeSet::new(), BTreeSet::new());
    for side in [wanted, live] {
        let Some(first) = kinds::address(POLICY, "") else { continue };
        let policies = side.range(first..).take_while(|(at, _)| at.kind.name == POLICY);
        for (_, policy) in policies.filter(|(at, _)| wanted.get(*at) != live.get(*at)) {
            let users = policy.get("conditions").and_then(|conditions| conditions.get("users"));
            for (list, found) in [("includeGroups", &mut included), ("excludeGroups", &mut excluded)] {
                let groups = users.and_then(|users| users.get(list)).and_then(Value::as_array).into_iter().flatten();
                found.extend(groups.filter_map(Value::as_str).map(str::to_owned));
            }
        }
    }
    included.difference(&excluded).cloned().collect()
}

/// Returns true if an update only relaxes a policy and can lock nobody out: the policy is not enforced after it, or every
/// change makes it apply to fewer.
fn only_relaxes(wanted: &Object, body: &Map<String, Value>, changes: &[FieldChange]) -> bool {
    if wanted.text("state") != Some("enabled") {
        return body.contains_key("state");
    }
    let about: BTreeSet<&str> = BTreeSet::from(["users", "applications", "clientApplications", "locations"]);
    !changes.is_empty()
        && changes.iter().all(|change| {
            let mut path = change.path().split('.');
            let (Some("conditions"), Some(of), Some(list), None) = (path.next(), path.next(), path.next(), path.next())
            else {
                return false;
            };
            // A policy that includes no location applies to every place, so that a removed location may widen it.
            let (more, fewer) = match change {
                FieldChange::Gained { .. } | FieldChange::Value { before: None, .. } => (true, false),
                FieldChange::Lost { .. } => (false, of != "locations"),
                FieldChange::Value { .. } => (false, false),
            };
            about.contains(of) && ((more && list.starts_with("exclude")) || (fewer && list.starts_with("include")))
        })
}
