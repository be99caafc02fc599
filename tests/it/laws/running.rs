//! What holds when a plan is carried out: on a tenant that does as it is told, and on one that fails.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use entragit::engine::normalize::{normalize, writable};
use entragit::engine::plan::{Inputs, identities, not_creatable, plan};
use entragit::engine::refs::{Names, mentions, rewrite};
use entragit::engine::scope::Scope;
use entragit::kinds;
use entragit::model::{Action, Address, AuditEvent, Events, IdMap, Kind, Object, Plan, Snapshot, Step, Write, Written};
use entragit::ops::execute::{Outcome, Run};
use entragit::ops::journal::Journal;
use entragit::tenant::memory::MemoryTenant;
use entragit::tenant::{Listing, Pages, Raw, RawObject, TenantError, TenantRead, TenantWrite};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tokio::sync::{Notify, mpsc};

use super::planning::Sides;
use super::world::{SECRET, World, addresses, complete, named, snapshot, world};

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

    async fn get(&self, kind: &'static Kind, id: &str) -> Result<Option<RawObject>, TenantError> {
        self.tenant.get(kind, id).await
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

fn folder() -> tempfile::TempDir {
    // In memory where there is such a place: the journal waits for the disk with every line.
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// The tenant as an export would find it, and its recycle bin.
async fn read(tenant: &MemoryTenant) -> (Snapshot, BTreeMap<Address, Object>) {
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
            let object = normalize(kind, &raw).object;
            deleted.insert(Address::new(kind.name, object.id()), object);
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
    dir: tempfile::TempDir,
    concurrency: usize,
    said: Arc<Mutex<String>>,
}

impl Case {
    async fn new(world: &World, concurrency: usize) -> Case {
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

    /// Ids of what is wanted and can be had.
    fn attainable(&self) -> BTreeSet<String> {
        let objects = self.wanted.objects.iter().map(|(address, object)| (named(address.kind), object));
        objects
            .filter(|(kind, object)| not_creatable(kind, object).is_none())
            .flat_map(|(kind, object)| identities(kind, object))
            .collect()
    }

    fn journal(&self, name: &str) -> Journal {
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
            names: &names,
            events: &events,
            ids: &self.ids,
            concurrency: self.concurrency,
            known: &self.known,
        };
        let mut journal = self.journal(journal);
        let outcome = tokio::select! {
            biased;
            () = watched.killed.notified() => None,
            outcome = run.execute(&mut journal) => Some(outcome.unwrap()),
        };
        if let Some(outcome) = &outcome {
            journal.ended(outcome.failed.is_empty()).unwrap();
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
            assert_eq!(outcome.skipped, Vec::<usize>::new());
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
            let kind = named(address.kind);
            if not_creatable(kind, object).is_some() && !live.objects.contains_key(address) {
                cannot.extend(identities(kind, object));
            }
        }
        for (address, object) in &self.wanted.objects {
            let kind = named(address.kind);
            let today = Address::new(kind.name, self.ids.current(&address.id));
            let lost: Vec<&str> =
                plan.losses.iter().filter(|loss| loss.address == *address).map(|loss| loss.what.as_str()).collect();
            let Some(now) = live.objects.get(&today) else {
                if !lost.iter().any(|what| what.starts_with("cannot be created again")) {
                    found.push(format!("{address} is missing"));
                }
                continue;
            };
            expected.insert(today);
            let fixed = |name: &str| lost.iter().any(|what| what.starts_with(&format!("{name} is fixed")));
            let want = facts(kind, &rewrite(kind, object, &self.ids), &cannot);
            let have = facts(kind, now, &cannot);
            let names: BTreeSet<&String> = want.keys().chain(have.keys()).collect();
            for name in names.into_iter().filter(|name| want.get(*name) != have.get(*name) && !fixed(name)) {
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

fn titles(plan: &Plan) -> String {
    let title = |step| entragit::engine::render::plan::title(step, &Names::default());
    plan.steps.iter().enumerate().map(|(id, step)| format!("{id} {}\n", title(step))).collect()
}

fn failures(plan: &Plan, outcome: &Outcome) -> String {
    let title = |id: &usize| entragit::engine::render::plan::title(&plan.steps[*id], &Names::default());
    outcome.failed.iter().map(|(id, error)| format!("{}: {error}\n", title(id))).collect()
}

/// Whether a step brings links to light that no plan could see before: those of an object in the recycle bin, and the
/// members that a rule computed for a group that is assigned from now on.
fn shows_links(step: &Step) -> bool {
    match &step.action {
        Action::Restore => true,
        Action::Update { body, .. } => step.address.kind == "group" && body.contains_key("groupTypes"),
        _ => false,
    }
}

/// What may be left after such a plan.
fn is_leftover(plan: &Plan) -> bool {
    plan.steps.iter().all(|step| matches!(step.action, Action::Unlink { .. } | Action::Relink { .. }))
}

fn lost() -> impl Strategy<Value = BTreeMap<usize, bool>> {
    proptest::collection::btree_map(0_usize..30, any::<bool>(), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Law 2, and the rest of law 9.
    #[test]
    fn carrying_out_a_plan_gives_what_is_wanted(world in world(), concurrency in 1_usize..5) {
        block_on(async {
            let mut case = Case::new(&world, concurrency).await;
            let first = case.plan().await;
            let outcome = case.run(&first, "first", Trouble::default()).await.unwrap();
            assert_eq!(outcome.failed, [], "{}", failures(&first, &outcome));
            assert_eq!(outcome.skipped, Vec::<usize>::new());
            assert!(outcome.stale.is_empty());
            assert_eq!(outcome.done, first.steps.len());
            let second = case.plan().await;
            let unseen = first.steps.iter().any(shows_links);
            assert!(second.steps.is_empty() || (unseen && is_leftover(&second)), "{}", titles(&second));
            assert!(case.settle().await <= 1);
            assert_eq!(case.differences(&first).await, Vec::<String>::new());
            assert!(!case.said.lock().unwrap().contains(SECRET));
            for file in std::fs::read_dir(case.dir.path().join("entragit/journal")).unwrap() {
                assert!(!std::fs::read_to_string(file.unwrap().path()).unwrap().contains(SECRET));
            }
            assert!(!format!("{outcome:?}").contains(SECRET));
        });
    }

    /// Law 10: killed, once or twice, with or without a torn line in the journal; taken up, then planned again.
    #[test]
    fn a_run_that_was_killed_is_taken_up(world in world(), concurrency in 1_usize..4, at in 0_usize..40, carried: bool,
        again in proptest::option::of((0_usize..20, any::<bool>())), torn: bool) {
        block_on(async {
            let mut case = Case::new(&world, concurrency).await;
            let first = case.plan().await;
            let kills: Vec<(usize, bool)> = std::iter::once((at, carried)).chain(again).collect();
            let mut ended = false;
            for killed in kills {
                ended |= case.run(&first, "first", Trouble { killed: Some(killed), ..Trouble::default() }).await.is_some();
                if ended {
                    break;
                }
                if torn {
                    use std::io::Write as _;
                    let path = case.journal("first").path().to_owned();
                    let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
                    file.write_all(b"{\"state\":\"do").unwrap();
                }
            }
            if !ended {
                let outcome = case.run(&first, "first", Trouble::default()).await.unwrap();
                assert_eq!(outcome.failed, [], "{}", failures(&first, &outcome));
            }
            case.settle().await;
            assert_eq!(case.differences(&first).await, Vec::<String>::new());
        });
    }

    /// Law 10: the tenant goes down; planned again.
    #[test]
    fn a_tenant_that_fails_is_planned_again(world in world(), concurrency in 1_usize..4, from in 0_usize..40) {
        block_on(async {
            let mut case = Case::new(&world, concurrency).await;
            let first = case.plan().await;
            let trouble = Trouble { down: Some(from), ..Trouble::default() };
            let outcome = case.run(&first, "first", trouble).await.unwrap();
            assert_eq!(outcome.done + outcome.failed.len() + outcome.skipped.len(), first.steps.len());
            case.settle().await;
            assert_eq!(case.differences(&first).await, Vec::<String>::new());
        });
    }

    /// Law 10: answers get lost; planned again.
    #[test]
    fn lost_answers_make_no_duplicates(world in world(), concurrency in 1_usize..4, lost in lost()) {
        block_on(async {
            let mut case = Case::new(&world, concurrency).await;
            let first = case.plan().await;
            let outcome = case.run(&first, "first", Trouble { lost, ..Trouble::default() }).await.unwrap();
            assert_eq!(outcome.done + outcome.failed.len() + outcome.skipped.len(), first.steps.len());
            case.settle().await;
            assert_eq!(case.differences(&first).await, Vec::<String>::new());
        });
    }

    /// Law 13.
    #[test]
    fn what_moved_since_gets_no_write(world in world(), which in any::<prop::sample::Index>(), concurrency in 1_usize..5) {
        block_on(async {
            let mut case = Case::new(&world, concurrency).await;
            let plan = case.plan().await;
            let seen: Vec<&Address> = plan.seen.keys().collect();
            if seen.is_empty() {
                return;
            }
            let moved = (*which.get(&seen)).clone();
            let kind = named(moved.kind);
            let (property, value) = match kind.name {
                "authorizationPolicy" => ("allowInvitesFrom", "adminsAndGuestInviters"),
                "authenticationMethodsPolicy" => ("policyMigrationState", "migrationInProgress"),
                _ => ("displayName", "Moved"),
            };
            let body = Raw::from_iter([(property.to_owned(), json!(value))]);
            case.tenant.write(&Write::Update { kind, id: moved.id.clone(), body }).await.unwrap();
            let before = case.tenant.get(kind, &moved.id).await.unwrap().unwrap().value;
            let outcome = case.run(&plan, "first", Trouble::default()).await.unwrap();
            let after = case.tenant.get(kind, &moved.id).await.unwrap().unwrap().value;
            assert!(outcome.stale.contains(&moved), "{}", titles(&plan));
            let properties = |raw: &Raw| raw.iter().filter(|(name, _)| kind.link(name).is_none()).map(|(k, v)| (k.clone(), v.clone())).collect::<Raw>();
            assert_eq!(properties(&before), properties(&after));
            assert_eq!(outcome.failed, []);
        });
    }
}

#[test]
fn sides_and_the_tenant_agree() {
    proptest!(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() }, |(world in world())| {
        block_on(async {
            let sides = Sides::of(&world, 0);
            let (live, deleted) = read(&world.tenant().await).await;
            assert_eq!(live, sides.live);
            assert_eq!(deleted, sides.deleted);
            assert_eq!(live.coverage, complete());
        });
    });
}
