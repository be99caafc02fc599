//! Names objects in the recycle bin that have what an object to create must have alone.

use serde_json::Value;

use super::Planner;
use crate::engine::schema::{self, Shape};
use crate::model::plan::{Loss, LossKind};
use crate::model::{Address, Kind, Object};

impl Planner<'_> {
    /// Lists the values of an object to create that an object in the recycle bin has, which the plan does not restore: Graph may
    /// refuse the creation, and the other object may be the one that is meant.
    pub(super) fn note_holders(&mut self, kind: &'static Kind, address: &Address, object: &Object) {
        let Shape::Object(rules, _) = &schema::of(kind).root.shape else { return };
        for (name, _) in rules.iter().filter(|(_, rule)| rule.unique) {
            let Some(wanted) = object.get(name) else { continue };
            let others = self.inputs.deleted.iter().filter(|(other, _)| {
                other.kind.name == kind.name && *other != address && !self.returning.contains_key(&other.id)
            });
            for (other, binned) in others {
                let Some(value) = binned.get(name).and_then(|has| shared(wanted, has)) else { continue };
                let what = format!(
                    "may be refused: \"{}\" ({}) in the recycle bin has the same {name}, {value}; restore or purge it first",
                    binned.name(),
                    other.id
                );
                self.plan.losses.push(Loss::new(address, object.name(), LossKind::Other(what)));
            }
        }
    }
}

/// Returns a text that two values, or two lists, have in common.
fn shared<'a>(wanted: &'a Value, has: &Value) -> Option<&'a str> {
    let texts = |value: &'a Value| match value {
        Value::Array(elements) => elements.iter().filter_map(Value::as_str).collect(),
        value => value.as_str().into_iter().collect::<Vec<_>>(),
    };
    let is_in = |text: &str| match has {
        Value::Array(elements) => {
            elements.iter().any(|has| has.as_str().is_some_and(|has| has.eq_ignore_ascii_case(text)))
        }
        has => has.as_str().is_some_and(|has| has.eq_ignore_ascii_case(text)),
    };
    texts(wanted).into_iter().find(|text| is_in(text))
}
