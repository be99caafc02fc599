//! A tenant that fails as it is told, and a case that plans and carries out against it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use entragit::engine::normalize::{normalize, writable};
use entragit::engine::plan::{Inputs, identities, not_creatable, plan};
use entragit::engine::refs::{Names, mentions, rewrite};
use entragit::engine::scope::Scope;
use entragit::kinds;
use entragit::model::{Address, AuditEvent, Events, IdMap, Kind, Object, Plan, Snapshot, Write, Written};
use entragit::ops::apply::execute::{Outcome, Run};
use entragit::ops::journal::Journal;
use entragit::tenant::memory::MemoryTenant;
use entragit::tenant::{Changes, Listing, Pages, Raw, RawObject, TenantError, TenantRead, TenantWrite};
use serde_json::{Map, Value, json};
use tokio::sync::{Notify, mpsc};

use super::generated::{World, addresses, named, snapshot};

/// What goes wrong with writes, by their number.
#[derive(Debug, Clone, Default)]
pub struct Trouble {
    /// From this write on, no answer ever comes: the program is killed. Whether the first of them is carried out.
    pub killed: Option<(usize, bool)>,
    /// From this write on, everything fails.
    pub down: Option<usize>,
    /// Answers that are lost, and whether the write was carried out.
    pub lost: BTreeMap<usize, bool>,
}

/// A tenant that counts what it is asked to write, and fails as it is told.
struct Watched<'a> {
    tenant: &'a MemoryTenant,
    trouble: Trouble,
    /// Ids that belong to something wanted: nothing may be written that names one of them before it is there.
    wanted: BTreeSet<String>,
    writes: Mutex<Vec<Write>>,
    killed: Notify,
}

impl<'a> Watched<'a> {
    fn new(tenant: &'a MemoryTenant, trouble: Trouble, wanted: BTreeSet<String>) -> Self {
        Watched { tenant, trouble, wanted, writes: Mutex::default(), killed: Notify::new() }
    }

    fn check_names(&self, write: &Write) {
        let value = match write {
            Write::Create { body, .. } | Write::Update { body, .. } => Value::Object(body.clone()),
            Write::Call { value, .. } | Write::Link { value, .. } => value.clone(),
            Write::Relink { value, .. } => Value::Object(value.clone()),
            Write::Restore { .. } | Write::Unlink { .. } | Write::Delete { .. } => return,
        };
        let mut there = BTreeSet::new();
        for (_, raw) in self.tenant.objects() {
            there.extend(["id", "appId"].iter().filter_map(|name| raw.get(*name)?.as_str().map(str::to_owned)));
        }
        mentions(&value, &mut |id| {
            assert!(!self.wanted.contains(id) || there.contains(id), "{write:?} names {id}, which is not there");
        });
    }
}

impl TenantRead for Watched<'_> {
    async fn tenant_id(&self) -> Result<String, TenantError> {
        self.tenant.tenant_id().await
    }

    async fn list(&self, kind: &'static Kind, pages: Pages) -> Listing {
        self.tenant.list(kind, pages).await
    }

    async fn count(&self, kind: &'static Kind) -> Result<usize, TenantError> {
        self.tenant.count(kind).await
    }

    async fn get(&self, kind: &'static Kind, id: &str) -> Result<Option<RawObject>, TenantError> {
        self.tenant.get(kind, id).await
    }

    async fn changes(&self, kind: &'static Kind, token: Option<&str>) -> Result<Changes, TenantError> {
        self.tenant.changes(kind, token).await
    }

    async fn deleted(&self, kind: &'static Kind) -> Result<Vec<Raw>, TenantError> {
        self.tenant.deleted(kind).await
    }

    async fn audit(&self, since: Option<&str>) -> Result<Vec<AuditEvent>, TenantError> {
        self.tenant.audit(since).await
    }
}

impl TenantWrite for Watched<'_> {
    async fn write(&self, write: &Write) -> Result<Written, TenantError> {
        let number = {
            let mut writes = self.writes.lock().unwrap();
            writes.push(write.clone());
            writes.len() - 1
        };
        if let Some((from, carried)) = self.trouble.killed.filter(|(from, _)| number >= *from) {
            if number == from && carried {
                let _ = self.tenant.write(write).await;
            }
            self.killed.notify_one();
            std::future::pending::<()>().await;
        }
        if self.trouble.down.is_some_and(|from| number >= from) {
            return Err(TenantError::Unavailable { request: "test".into(), message: "down".into() });
        }
        if let Some(carried) = self.trouble.lost.get(&number) {
            if *carried {
                self.tenant.write(write).await?;
            }
            return Err(TenantError::Unknown { request: "test".into(), message: "lost".into() });
        }
        if self.trouble.lost.is_empty() && self.trouble.down.is_none() {
            self.check_names(write);
        }
        self.tenant.write(write).await
    }
}

pub fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub fn folder() -> tempfile::TempDir {
    // In memory where there is such a place: the journal waits for the disk with every line.
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// The tenant as an export would find it, and its recycle bin.
pub async fn read(tenant: &MemoryTenant) -> (Snapshot, BTreeMap<Address, Object>) {
    let mut raws = Vec::new();
    let mut deleted = BTreeMap::new();
    for kind in kinds::ALL {
        let (sender, mut pages) = mpsc::channel::<Vec<RawObject>>(4);
        let collect = async {
            while let Some(page) = pages.recv().await {
                raws.extend(page.into_iter().map(|raw| (*kind, raw.value)));
            }
        };
        tokio::join!(tenant.list(kind, sender), collect);
        for raw in tenant.deleted(kind).await.unwrap() {
            let object = normalize(kind, raw).object;
            deleted.insert(Address::new(kind, object.id()), object);
        }
    }
    (snapshot(raws), deleted)
}

/// A tenant, what is wanted of it, and what was learned on the way.
pub struct Case {
    wanted: Snapshot,
    base: BTreeSet<Address>,
    known: BTreeSet<Address>,
    pub tenant: MemoryTenant,
    ids: IdMap,
    pub dir: tempfile::TempDir,
    concurrency: usize,
    pub said: Arc<Mutex<String>>,
}

impl Case {
    pub async fn new(world: &World, concurrency: usize) -> Case {
        Case::of(snapshot(world.wanted(0)), world.tenant().await, concurrency).await
    }

    pub async fn of(wanted: Snapshot, tenant: MemoryTenant, concurrency: usize) -> Case {
        let (live, _) = read(&tenant).await;
        let base = addresses(&live);
        let known = base.union(&addresses(&wanted)).cloned().collect();
        let (ids, dir, said) = (IdMap::default(), folder(), Arc::default());
        Case { wanted, base, known, tenant, ids, dir, concurrency, said }
    }

    pub async fn plan(&self) -> Plan {
        let (live, deleted) = read(&self.tenant).await;
        plan(&Inputs {
            wanted: &self.wanted,
            live: &live,
            base: &self.base,
            deleted: &deleted,
            ids: &self.ids,
            scope: &Scope::default(),
            prune: false,
        })
    }

    /// The id that an object goes by since it was created again.
    pub fn id_today(&self, id: &str) -> String {
        self.ids.current(id).to_owned()
    }

    /// Ids of what is wanted and can be had.
    pub fn attainable(&self) -> BTreeSet<String> {
        let objects = self.wanted.objects.iter().map(|(address, object)| (named(address.kind.name), object));
        objects
            .filter(|(kind, object)| not_creatable(kind, object).is_none())
            .flat_map(|(kind, object)| identities(kind, object))
            .collect()
    }

    pub fn journal(&self, name: &str) -> Journal {
        Journal::open(self.dir.path(), name).unwrap()
    }

    /// Carries out `plan`; `None` if the program was killed on the way.
    pub async fn run(&mut self, plan: &Plan, journal: &str, trouble: Trouble) -> Option<Outcome> {
        let watched = Watched::new(&self.tenant, trouble, self.attainable());
        let said = Arc::clone(&self.said);
        let events = Events::new(move |event| said.lock().unwrap().push_str(&format!("{event:?}\n")));
        let names = Names::default();
        let run = Run {
            tenant: &watched,
            plan,
            verdicts: &[],
            names: &names,
            events: &events,
            ids: &self.ids,
            concurrency: self.concurrency,
            known: &self.known,
            patience: &[],
            stop: &Default::default(),
        };
        let mut journal = self.journal(journal);
        let outcome = tokio::select! {
            biased;
            () = watched.killed.notified() => None,
            outcome = run.execute(&mut journal) => Some(outcome.unwrap()),
        };
        if let Some(outcome) = &outcome {
            journal.record_end(outcome.failed.is_empty()).unwrap();
            self.ids.extend(&outcome.learned);
        }
        outcome
    }

    /// Plans and carries out until nothing is left; says how often it had to.
    pub async fn settle(&mut self) -> usize {
        for round in 0..4 {
            let plan = self.plan().await;
            if plan.steps.is_empty() {
                return round;
            }
            let outcome = self.run(&plan, &format!("settle-{round}"), Trouble::default()).await.unwrap();
            assert_eq!(outcome.failed, [], "{}", failures(&plan, &outcome));
            assert_eq!(outcome.skipped, Vec::<usize>::new(), "{}", titles(&plan));
        }
        panic!("it never settles: {}", titles(&self.plan().await));
    }

    /// What the tenant has that differs from what is wanted, but for what `plan` said it would lose or leave.
    pub async fn differences(&self, plan: &Plan) -> Vec<String> {
        let (live, _) = read(&self.tenant).await;
        let mut found = Vec::new();
        let mut expected = BTreeSet::new();
        let mut cannot = BTreeSet::new();
        for (address, object) in &self.wanted.objects {
            let kind = named(address.kind.name);
            if not_creatable(kind, object).is_some() && !live.objects.contains_key(address) {
                cannot.extend(identities(kind, object));
            }
        }
        for (address, object) in &self.wanted.objects {
            let kind = named(address.kind.name);
            let today = Address::new(kind, self.ids.current(&address.id));
            let lost: Vec<String> = plan
                .losses
                .iter()
                .filter(|loss| loss.address == *address || loss.address == today)
                .map(|loss| loss.what())
                .collect();
            let Some(now) = live.objects.get(&today) else {
                let said = ["cannot be created again", "is left alone"];
                if !lost.iter().any(|what| said.iter().any(|said| what.starts_with(said))) {
                    found.push(format!("{address} is missing"));
                }
                continue;
            };
            expected.insert(today);
            // What cannot be changed stays as it is where the one that is wanted cannot be made.
            let said = ["cannot be created again without", "differs and is left alone", "is left alone"];
            let stays = lost.iter().any(|what| said.iter().any(|said| what.starts_with(said)));
            let fixed = |name: &str| stays || lost.iter().any(|what| what.starts_with(&format!("{name} is fixed")));
            let mut want = facts(kind, &rewrite(kind, object, &self.ids), &cannot);
            let mut have = facts(kind, now, &cannot);
            // Whoever is gone is left out, where that is said.
            if lost.iter().any(|what| what.contains("which is gone")) {
                let is_gone =
                    |id: &str| uuid::Uuid::parse_str(id).is_ok() && live.objects.keys().all(|own| own.id != id);
                [&mut want, &mut have].into_iter().for_each(|facts| leave_out(facts, &is_gone));
            }
            // Graph does not remove the last owner, where nobody else is wanted.
            let count = |side: Option<&Value>| side.and_then(Value::as_array).map_or(0, Vec::len);
            let last_stays = |name: &String| {
                let keeps_one = kind.link(name).is_some_and(|link| link.last.is_some());
                keeps_one && count(want.get(name)) == 0 && count(have.get(name)) == 1
            };
            let names: BTreeSet<&String> = want.keys().chain(have.keys()).collect();
            let differs = |name: &&String| want.get(*name) != have.get(*name) && !fixed(name) && !last_stays(name);
            for name in names.into_iter().filter(differs) {
                found.push(format!("{address} {name}: wanted {:?}, is {:?}", want.get(name), have.get(name)));
            }
        }
        for address in live.objects.keys().filter(|address| !expected.contains(address)) {
            if !plan.unmanaged.contains(address) {
                found.push(format!("{address} {:?} is too many", live.objects[address].name()));
            }
        }
        found
    }
}

/// What of an object can be brought about.
/// Removes ids from all lists, and what is empty then.
fn leave_out(map: &mut Map<String, Value>, is_gone: &impl Fn(&str) -> bool) {
    map.retain(|_, value| match value {
        Value::Array(all) => {
            all.retain(|one| !one.as_str().is_some_and(is_gone));
            !all.is_empty()
        }
        Value::Object(inner) => {
            leave_out(inner, is_gone);
            !inner.is_empty()
        }
        _ => true,
    });
}

fn facts(kind: &'static Kind, object: &Object, cannot: &BTreeSet<String>) -> Map<String, Value> {
    let mut facts = writable(kind, object, true);
    for link in kind.links {
        let Some(value) = object.get(link.name) else { continue };
        let reachable = |value: &Value| {
            let mut reachable = true;
            mentions(value, &mut |id| reachable &= !cannot.contains(id));
            reachable
        };
        let value = match value {
            Value::Array(all) => Value::Array(all.iter().filter(|value| reachable(value)).cloned().collect()),
            other => other.clone(),
        };
        if value != json!([]) {
            facts.insert(link.name.to_owned(), value);
        }
    }
    facts
}

pub fn titles(plan: &Plan) -> String {
    let title = |step| entragit::engine::render::plan::title(step, &Names::default());
    plan.steps.iter().enumerate().map(|(id, step)| format!("{id} {}\n", title(step))).collect()
}

pub fn failures(plan: &Plan, outcome: &Outcome) -> String {
    let title = |id: &usize| entragit::engine::render::plan::title(&plan.steps[*id], &Names::default());
    outcome.failed.iter().map(|(id, error)| format!("{}: {error}\n", title(id))).collect()
}
