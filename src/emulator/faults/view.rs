//! Looks at the tenant as a replica has it, and captures the state that a write changes.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use super::replicas::{Capture, Late, Place, REPLICAS, Replicas, mentioned};
use crate::emulator::store::{Key, slot};
use crate::emulator::tenant::Tenant;
use crate::kinds;

impl Capture {
    /// Captures the objects that `texts` mention.
    pub fn of<'a>(tenant: &Tenant, texts: impl Iterator<Item = &'a str>) -> Self {
        let mut keys: BTreeSet<Key> = texts.flat_map(mentioned).collect();
        let singletons = kinds::ALL.iter().filter(|kind| kind.is_singleton());
        keys.extend(singletons.filter_map(|kind| tenant.singleton(kind)).map(|(key, _)| key));
        let (mut rows, mut links) = (BTreeMap::new(), BTreeSet::new());
        for key in &keys {
            for kind in kinds::ALL {
                let table = tenant.store.table(kind);
                let both = [(Place::Live(slot(kind)), &table.live), (Place::Bin(slot(kind)), &table.bin)];
                for (place, table) in both {
                    rows.extend(table.get(key).map(|row| ((place, key.clone()), row.clone())));
                }
            }
            for (name, to) in tenant.links.all_targets(key) {
                if let Some(row) = tenant.store.children(name).and_then(|table| table.live.get(&to)) {
                    rows.insert((Place::Child(name), to.clone()), row.clone());
                }
                links.insert((key.clone(), name, to));
            }
        }
        Self { rows, links, log: tenant.log.0.len() }
    }
}

impl Late {
    /// Takes the tenant back to the state before the write, or forward again.
    fn swap(&mut self, tenant: &mut Tenant) {
        for (place, key, row) in &mut self.rows {
            let table = match *place {
                Place::Live(slot) => kinds::ALL.get(slot).map(|kind| &mut tenant.store.table_mut(kind).live),
                Place::Bin(slot) => kinds::ALL.get(slot).map(|kind| &mut tenant.store.table_mut(kind).bin),
                Place::Child(link) => Some(&mut tenant.store.children_mut(link).live),
            };
            let Some(table) = table else { continue };
            *row = match row.take() {
                Some(row) => table.insert(key.clone(), row),
                None => table.remove(key),
            };
        }
        for ((from, name, to), there) in &mut self.links {
            match there {
                true => tenant.links.add(from, name, to),
                false => tenant.links.remove(from, name, to),
            };
            *there = !*there;
        }
    }
}

impl Replicas {
    /// Shows the tenant to `look` as a replica has it.
    pub fn show<R>(tenant: &mut Tenant, dice: u64, now: Instant, look: impl FnOnce(&Tenant) -> R) -> R {
        let replica = usize::try_from(dice % REPLICAS as u64).unwrap_or_default();
        let mut late = std::mem::take(&mut tenant.replicas);
        late.settle(now);
        let lacks = |late: &&mut Late| late.shows[replica] > now;
        let log = late.0.iter().filter(|late| late.shows[replica] > now).map(|late| late.log).min();
        late.0.iter_mut().filter(lacks).rev().for_each(|late| late.swap(tenant));
        let tail = log.map(|log| tenant.log.0.split_off(log.min(tenant.log.0.len())));
        let result = look(tenant);
        tenant.log.0.extend(tail.into_iter().flatten());
        late.0.iter_mut().filter(lacks).for_each(|late| late.swap(tenant));
        tenant.replicas = late;
        result
    }
}
