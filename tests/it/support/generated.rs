//! Small tenants: what is wanted, what is there, and what lies in the recycle bin, as raw Graph JSON.

mod objects;
pub(crate) mod sides;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use entragit::engine::normalize::normalize;
use entragit::kinds;
use entragit::model::kind::Deletion;
use entragit::model::{Address, Coverage, CoverageMap, Kind, Object, Snapshot, Write};
use entragit::tenant::memory::MemoryTenant;
use entragit::tenant::{Raw, TenantWrite};
use proptest::prelude::*;
use serde_json::Value;

use objects::{object, singletons};

/// In every secret value that a tenant returns.
pub const SECRET: &str = "S3CR3T";

pub const USER: usize = 0;
pub const GROUP: usize = 1;
pub const APP: usize = 2;
pub const SP: usize = 3;
pub const LOCATION: usize = 4;
pub const STRENGTH: usize = 5;
pub const POLICY: usize = 6;
pub const ROLE: usize = 7;
pub const ASSIGNMENT: usize = 8;

const KINDS: [&str; 9] = [
    "user",
    "group",
    "application",
    "servicePrincipal",
    "namedLocation",
    "authenticationStrengthPolicy",
    "conditionalAccessPolicy",
    "roleDefinition",
    "roleAssignment",
];
const COUNTS: [usize; 9] = [4, 4, 3, 4, 2, 2, 3, 2, 3];

/// The managed identity's place among the service principals; the others belong to the application of the same place.
pub const MANAGED: usize = 3;
/// The built-in one's place among the authentication strengths and the roles.
const BUILT_IN: usize = 1;

/// Where an object is in the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum There {
    /// As wanted, if it is wanted.
    Same,
    /// Live, with properties and links of its own.
    Other(u32),
    /// In the recycle bin, where the kind has one.
    Binned(u32),
    /// Not there, or purged.
    Gone,
}

/// One object on both sides. Bits say what it looks like; 0 is the plainest.
#[derive(Debug, Clone, Copy)]
pub struct Slot {
    pub wanted: Option<u32>,
    pub there: There,
    /// Wanted under `new:label`.
    pub fresh: bool,
}

/// A tenant, and what somebody wants of it.
#[derive(Clone)]
pub struct World {
    pub slots: Vec<Vec<Slot>>,
    /// Wanted and live bits of the two singletons.
    pub singletons: [(u32, u32); 2],
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (k, i, slot) in self.each() {
            if slot.wanted.is_some() || slot.there != There::Gone {
                let fresh = if slot.fresh { " new" } else { "" };
                writeln!(f, "{} {i}: wanted {:?}, there {:?}{fresh}", KINDS[k], slot.wanted, slot.there)?;
            }
        }
        writeln!(f, "singletons {:?}", self.singletons)
    }
}

/// Any world.
pub fn world() -> impl Strategy<Value = World> {
    let slots: Vec<_> = COUNTS.iter().map(|count| proptest::collection::vec(slot(), *count)).collect();
    (slots, any::<[(u16, u16, bool); 2]>()).prop_map(|(slots, singletons)| {
        let singletons = singletons.map(|(a, b, same)| (u32::from(a), u32::from(if same { a } else { b })));
        World { slots, singletons }.consistent()
    })
}

fn slot() -> impl Strategy<Value = Slot> {
    let wanted = prop_oneof![5 => any::<u32>().prop_map(Some), 1 => Just(None)];
    let there = prop_oneof![
        4 => Just(There::Same),
        3 => any::<u32>().prop_map(There::Other),
        2 => any::<u32>().prop_map(There::Binned),
        2 => Just(There::Gone),
    ];
    (wanted, there, prop::bool::weighted(0.2)).prop_map(|(wanted, there, fresh)| Slot { wanted, there, fresh })
}

impl World {
    /// Takes out what no tenant can be like.
    fn consistent(mut self) -> World {
        for (k, slots) in self.slots.iter_mut().enumerate() {
            let soft = matches!(kind(k).deletion, Deletion::Soft { .. });
            for (i, slot) in slots.iter_mut().enumerate() {
                slot.there = match slot.there {
                    There::Same => slot.wanted.map_or(There::Gone, |_| There::Same),
                    There::Binned(_) if !soft => There::Gone,
                    there => there,
                };
                // Only what can be made by us can be wanted without having been there, and an application's references
                // go by an id that only Graph gives.
                slot.fresh &= slot.there == There::Gone
                    && k != APP
                    && k != SP
                    && (![STRENGTH, ROLE].contains(&k) || i != BUILT_IN);
            }
        }
        for i in 0..COUNTS[APP] {
            // A service principal goes with its application.
            let app = self.slots[APP][i];
            let principal = &mut self.slots[SP][i];
            match (app.there, principal.there) {
                (There::Gone, _) if app.wanted.is_some() => principal.there = There::Gone,
                (There::Binned(_), There::Same) => {
                    principal.there = There::Binned(principal.wanted.unwrap_or_default())
                }
                (There::Binned(_), There::Other(bits)) => principal.there = There::Binned(bits),
                _ => {}
            }
        }
        self
    }

    pub fn id(&self, k: usize, i: usize) -> String {
        if self.slots[k][i].fresh { format!("new:{}-{i}", KINDS[k]) } else { guid(k, i) }
    }

    fn wants(&self, k: usize, i: usize) -> bool {
        self.slots[k][i].wanted.is_some()
    }

    fn has(&self, k: usize, i: usize) -> bool {
        self.slots[k][i].there != There::Gone
    }

    /// What is wanted, as Graph returned it once. `turn` changes the order of everything whose order means nothing.
    pub fn wanted(&self, turn: usize) -> Vec<(&'static Kind, Raw)> {
        let mut all = Vec::new();
        for (k, i, slot) in self.each() {
            if let Some(bits) = slot.wanted {
                let seen = |k: usize, i: usize| self.wants(k, i).then(|| self.id(k, i));
                let raw = object(k, i, &self.id(k, i), bits, &seen, &seen);
                all.push((kind(k), turned(raw, turn)));
            }
        }
        let seen = |k: usize, i: usize| self.wants(k, i).then(|| self.id(k, i));
        all.extend(singletons([self.singletons[0].0, self.singletons[1].0], &seen));
        if turn % 2 == 1 {
            all.reverse();
        }
        all
    }

    /// What is in the tenant or in its recycle bin.
    pub fn there(&self, turn: usize) -> Vec<(&'static Kind, Raw, bool)> {
        let linked = |k: usize, i: usize| self.has(k, i).then(|| guid(k, i));
        // A property may go on naming what is gone.
        let named = |k: usize, i: usize| {
            let known = self.has(k, i) || (self.wants(k, i) && !self.slots[k][i].fresh);
            known.then(|| guid(k, i))
        };
        let mut all = Vec::new();
        for (k, i, slot) in self.each() {
            let (bits, binned) = match slot.there {
                There::Same => (slot.wanted.unwrap_or_default(), false),
                There::Other(bits) => (bits, false),
                There::Binned(bits) => (bits, true),
                There::Gone => continue,
            };
            all.push((kind(k), turned(object(k, i, &guid(k, i), bits, &named, &linked), turn), binned));
        }
        let bits = [self.singletons[0].1, self.singletons[1].1];
        all.extend(singletons(bits, &named).into_iter().map(|(kind, raw)| (kind, raw, false)));
        if turn % 2 == 1 {
            all.reverse();
        }
        all
    }

    fn each(&self) -> impl Iterator<Item = (usize, usize, &Slot)> {
        self.slots.iter().enumerate().flat_map(|(k, slots)| slots.iter().enumerate().map(move |(i, slot)| (k, i, slot)))
    }

    /// The tenant, with its recycle bin.
    pub async fn tenant(&self) -> MemoryTenant {
        let all = self.there(0);
        let tenant = MemoryTenant::from_objects(all.iter().map(|(kind, raw, _)| (kind.name, raw.clone())).collect());
        let tenant = tenant.expect("the generator's objects are distinct");
        for (kind, raw, _) in all.iter().filter(|(_, _, binned)| *binned) {
            let id = raw["id"].as_str().expect("an id").to_owned();
            tenant.write(&Write::Delete { kind, id }).await.expect("it can be deleted");
        }
        tenant
    }
}

/// Addresses of a snapshot.
pub fn addresses(snapshot: &Snapshot) -> BTreeSet<Address> {
    snapshot.objects.keys().cloned().collect()
}

/// Everything complete.
pub fn complete() -> CoverageMap {
    let mut coverage = CoverageMap::default();
    for kind in kinds::ALL {
        coverage.set_kind(kind.name, Coverage::Complete);
        for link in kind.links {
            coverage.set_link(kind.name, link.name, Coverage::Complete);
        }
    }
    coverage
}

pub fn snapshot(raws: Vec<(&'static Kind, Raw)>) -> Snapshot {
    let objects: BTreeMap<Address, Object> = raws
        .into_iter()
        .map(|(kind, raw)| {
            let object = normalize(kind, raw).object;
            (Address::new(kind, object.id()), object)
        })
        .collect();
    Snapshot { objects, coverage: complete(), ..Snapshot::default() }
}

pub fn kind(k: usize) -> &'static Kind {
    named(KINDS[k])
}

pub fn named(name: &str) -> &'static Kind {
    kinds::by_name(name).expect("a kind of the registry")
}

pub fn guid(k: usize, i: usize) -> String {
    format!("{k:08x}-1111-4000-8000-{i:012x}")
}

pub fn app_id(i: usize) -> String {
    format!("{i:08x}-2222-4000-8000-{APP:012x}")
}

/// Turns every list.
fn turned(raw: Raw, turn: usize) -> Raw {
    raw.into_iter().map(|(name, value)| (name, turned_value(value, turn))).collect()
}

fn turned_value(value: Value, turn: usize) -> Value {
    match value {
        Value::Array(elements) => {
            let mut elements: Vec<Value> = elements.into_iter().map(|element| turned_value(element, turn)).collect();
            let middle = turn % elements.len().max(1);
            elements.rotate_left(middle);
            Value::Array(elements)
        }
        Value::Object(map) => Value::Object(turned(map, turn)),
        other => other,
    }
}

pub fn raw_of(value: Value) -> Raw {
    match value {
        Value::Object(map) => map,
        other => panic!("no object: {other}"),
    }
}
