//! What the planner compares: both sides of a small tenant, and its recycle bin.

use std::collections::{BTreeMap, BTreeSet};

use entragit::engine::normalize::normalize;
use entragit::engine::plan::{Inputs, plan};
use entragit::engine::scope::Scope;
use entragit::model::{Address, IdMap, Object, Plan, Snapshot};
use serde_json::Value;

use super::{World, addresses, snapshot};

/// Both sides and the recycle bin.
pub struct Sides {
    pub wanted: Snapshot,
    pub live: Snapshot,
    pub deleted: BTreeMap<Address, Object>,
    pub base: BTreeSet<Address>,
}

impl Sides {
    pub fn of(world: &World, turn: usize) -> Sides {
        let mut live = Vec::new();
        let mut deleted = BTreeMap::new();
        let (there, binned): (Vec<_>, Vec<_>) = world.there(turn).into_iter().partition(|(_, _, binned)| !binned);
        let gone: BTreeSet<String> = binned.iter().map(|(_, raw, _)| raw["id"].as_str().unwrap().to_owned()).collect();
        for (kind, mut raw, _) in there {
            // The recycle bin hides what leads to it.
            for link in kind.links {
                let hidden = |value: &Value| {
                    let fields = value.as_object().into_iter().flat_map(|map| map.values());
                    fields.filter_map(Value::as_str).any(|text| gone.contains(text))
                };
                match raw.get_mut(link.name) {
                    Some(Value::Array(all)) => all.retain(|value| !hidden(value)),
                    Some(value) if hidden(value) => *value = Value::Null,
                    _ => {}
                }
            }
            live.push((kind, raw));
        }
        for (kind, mut raw, _) in binned {
            for link in kind.links {
                raw.remove(link.name);
            }
            let object = normalize(kind, raw).object;
            deleted.insert(Address::new(kind, object.id()), object);
        }
        let live = snapshot(live);
        let base = addresses(&live);
        Sides { wanted: snapshot(world.wanted(turn)), live, deleted, base }
    }

    pub fn plan(&self) -> Plan {
        self.plan_in(&Scope::default(), &IdMap::default())
    }

    pub fn plan_in(&self, scope: &Scope, ids: &IdMap) -> Plan {
        plan(&Inputs {
            wanted: &self.wanted,
            live: &self.live,
            base: &self.base,
            deleted: &self.deleted,
            ids,
            scope,
            prune: false,
        })
    }
}
