//! Plans deletions of objects that only the tenant has: they are deleted if that is intended, else listed as unmanaged.

use super::counterparts::Passing;
use super::{Planner, is_deletable, owned_elsewhere, wanted_today};
use crate::engine::body::{before_delete, with_type};
use crate::engine::digest;
use crate::engine::normalize::writable;
use crate::engine::order::{Phase, Stage};
use crate::model::Action;

impl Planner<'_> {
    pub(super) fn delete_all(&mut self) {
        let mut wanted = wanted_today(self.inputs);
        wanted.extend(self.decisions.keys().cloned());
        let passing = Passing::live(self.inputs.live);
        for (address, object) in &self.inputs.live.objects {
            let kind = address.kind;
            if wanted.contains(address)
                || !self.known(kind)
                || !self.inputs.scope.takes(address, object.name())
                || !self.inputs.scope.properties.is_empty()
            {
                continue;
            }
            let meant = self.inputs.base.contains(address) || self.inputs.prune;
            let own =
                is_deletable(kind, object) && !passing.holds(kind, object) && owned_elsewhere(kind, object).is_none();
            if !meant || !own {
                self.plan.unmanaged.push(address.clone());
                continue;
            }
            self.plan.seen.insert(address.clone(), digest::seen(kind, object));
            let first = before_delete(kind, object);
            if !first.is_empty() {
                let changes = first
                    .iter()
                    .map(|(name, value)| crate::model::FieldChange::Value {
                        path: name.clone(),
                        before: object.get(name).cloned(),
                        after: Some(value.clone()),
                    })
                    .collect();
                // Both Terraform providers write the location whole to untrust it.
                let mut body = writable(kind, object, false);
                body.retain(|name, _| kind.call(name).is_none());
                body.extend(first);
                let action = Action::Update { body: with_type(kind, object, body), changes };
                self.push(kind, address, object, Phase::Delete, Stage::Prepare, action, &[]);
            }
            self.push(kind, address, object, Phase::Delete, Stage::Make, Action::Delete, &[]);
        }
    }
}
