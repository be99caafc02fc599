//! Every kind, every property and every link, changed in every way that a tenant can differ from a commit: either the plan
//! brings it back, or it lists it as a difference that no step covers. Nothing passes in silence.

use std::collections::{BTreeMap, BTreeSet};

use entragit::engine::compare;
use entragit::engine::normalize::{entry_key, normalize};
use entragit::engine::refs::mentions;
use entragit::engine::schema;
use entragit::format::path::address_of;
use entragit::format::yaml;
use entragit::kinds;
use entragit::model::kind::{Link, LinkShape};
use entragit::model::{Address, Coverage, CoverageMap, IdMap, Kind, Plan, Snapshot};
use entragit::tenant::Raw;
use entragit::tenant::memory::MemoryTenant;
use serde_json::{Value, json};

use crate::support::case::{Case, Trouble, block_on};
use crate::support::command_line::World;

/// Kinds that an application cannot read, so that its export holds none of them.
const WITHOUT_OBJECT: &[&str] = &["agreement", "featureRolloutPolicy", "onPremisesDirectorySynchronization"];
const NEW: &str = "00000000-9999-4000-8000-000000000099";

type Tenant = BTreeMap<(&'static str, String), Raw>;

async fn company() -> Tenant {
    let world = World::new().await;
    let settings = std::fs::read_to_string(world.path().join("entragit.yaml")).unwrap();
    world.write("entragit.yaml", &settings.replace("profile: recovery", "profile: everything"));
    world.run(&["export"]).ok();
    let mut tenant = Tenant::new();
    for path in world.git(&["ls-tree", "-r", "--name-only", "snapshots"]).lines() {
        let Ok((kind, _)) = address_of(path) else { continue };
        let bytes = world.git(&["show", &format!("snapshots:{path}")]) + "\n";
        let value = yaml::read(path, bytes.as_bytes()).unwrap().value;
        let id = value["id"].as_str().unwrap().to_owned();
        tenant.insert((kind.name, id), value);
    }
    tenant
}

fn snapshot(tenant: &Tenant) -> Snapshot {
    let coverage = kinds::ALL.iter().flat_map(|kind| {
        let links = kind.links.iter().map(|link| format!("{}.{}", kind.name, link.name));
        std::iter::once(kind.name.to_owned()).chain(links).collect::<Vec<_>>()
    });
    let coverage = CoverageMap(coverage.map(|what| (what, Coverage::Complete)).collect());
    let mut snapshot = Snapshot { coverage, ..Snapshot::default() };
    for ((name, id), raw) in tenant {
        let kind = kinds::by_name(name).unwrap();
        snapshot.objects.insert(kind.address(id), normalize(kind, raw.clone()).object);
    }
    snapshot
}

/// The value as somebody else would have it.
fn changed(value: &Value) -> Value {
    match value {
        Value::String(text) => format!("{text}x").into(),
        Value::Bool(set) => (!set).into(),
        Value::Number(number) => (number.as_i64().unwrap_or_default() + 1).into(),
        Value::Array(all) => match all.split_last() {
            Some((last, rest)) if last.is_object() => rest.iter().cloned().chain([changed(last)]).collect(),
            Some((_, rest)) => rest.to_vec().into(),
            None => json!(["x"]),
        },
        Value::Object(map) => {
            let mut map = map.clone();
            if let Some((_, value)) = map.iter_mut().rfind(|(name, _)| !name.contains('@')) {
                *value = changed(value);
            }
            Value::Object(map)
        }
        Value::Null => json!("x"),
    }
}

/// One way in which somebody else changed an object.
struct Cell {
    what: String,
    change: Box<dyn Fn(&mut Tenant)>,
    /// Whether it is tried by itself: an object that comes or goes concerns others.
    alone: bool,
}

fn cells(kind: &'static Kind, tenant: &Tenant, id: &str, raw: &Raw) -> Vec<Cell> {
    let mut cells = Vec::new();
    let key = (kind.name, id.to_owned());
    for name in raw.keys().filter(|name| name.as_str() != "id" && kind.link(name).is_none() && !name.contains('@')) {
        let edited = changed(&raw[name]);
        cells.push(on_object(kind, &key, format!("{name} edited"), name, Some(edited)));
        cells.push(on_object(kind, &key, format!("{name} gone"), name, None));
    }
    cells.push(on_object(kind, &key, "unknown property".to_owned(), "zzUnknown", Some(json!({"a": 1}))));
    for link in kind.links {
        let mut have = raw.get(link.name).and_then(Value::as_array).cloned().unwrap_or_default();
        if let Some(one) = another(kind, link, tenant, &have) {
            have.push(one);
            cells.push(on_object(kind, &key, format!("{} added", link.name), link.name, Some(have.into())));
        }
        if raw.contains_key(link.name) {
            cells.push(on_object(kind, &key, format!("{} gone", link.name), link.name, None));
        }
    }
    for credential in kind.credentials {
        let mut have = raw.get(credential.property).and_then(Value::as_array).cloned().unwrap_or_default();
        have.push(json!({"keyId": NEW, "displayName": "x"}));
        cells.push(on_object(
            kind,
            &key,
            format!("{} added", credential.property),
            credential.property,
            Some(have.into()),
        ));
    }
    if !kind.is_singleton() {
        let removed = key.clone();
        let change = Box::new(move |tenant: &mut Tenant| drop(tenant.remove(&removed)));
        cells.push(Cell { what: format!("{} removed", kind.name), change, alone: true });
        let mut other = raw.clone();
        other.insert("id".to_owned(), NEW.into());
        for name in schema::of(kind).identities() {
            other.insert(name.clone(), "00000000-9999-4000-8000-000000000098".into());
        }
        let change =
            Box::new(move |tenant: &mut Tenant| drop(tenant.insert((kind.name, NEW.to_owned()), other.clone())));
        cells.push(Cell { what: format!("{} added", kind.name), change, alone: true });
    }
    cells
}

fn on_object(kind: &Kind, key: &(&'static str, String), what: String, name: &str, value: Option<Value>) -> Cell {
    let (key, name) = (key.clone(), name.to_owned());
    let what = format!("{} {what}", kind.name);
    let change = move |tenant: &mut Tenant| {
        let object = tenant.get_mut(&key).unwrap();
        match &value {
            Some(value) => drop(object.insert(name.clone(), value.clone())),
            None => drop(object.remove(&name)),
        }
    };
    Cell { what, change: Box::new(change), alone: false }
}

/// Another entry for a link: a user, or a child like the first under a key of its own.
fn another(kind: &'static Kind, link: &Link, tenant: &Tenant, have: &[Value]) -> Option<Value> {
    match link.shape {
        LinkShape::References => {
            let free = |id: &str| !have.iter().any(|other| other == id);
            tenant.keys().find(|(kind, id)| *kind == "user" && free(id)).map(|(_, id)| id.clone().into())
        }
        LinkShape::Children(children) if !children.single => {
            let mut other = have.first()?.as_object()?.clone();
            other.remove("id");
            let value = other.get_mut(children.key.first()?.trim_start_matches('/'))?;
            *value = match value.as_str() {
                Some(text) if text.len() == 36 => {
                    tenant.keys().find(|(of, id)| *of == "user" && id != text)?.1.clone().into()
                }
                _ => changed(value),
            };
            let key = entry_key(kind, link.name, &Value::Object(other.clone()));
            let taken = have.iter().any(|one| entry_key(kind, link.name, one) == key);
            (!taken).then_some(Value::Object(other))
        }
        LinkShape::Reference | LinkShape::Children(_) => None,
    }
}

fn differs(wanted: &Snapshot, live: &Snapshot) -> BTreeSet<Address> {
    // A default that one side leaves unsaid is no difference.
    compare::snapshots(wanted, live, &IdMap::default()).changes.into_iter().map(|change| change.address).collect()
}

fn told(plan: &Plan) -> BTreeSet<Address> {
    plan.steps.iter().map(|step| &step.address).chain(plan.left.iter().map(|left| &left.address)).cloned().collect()
}

/// Plans the way back, carries it out, and plans again: nothing that differs is passed over, the second plan has no step,
/// and what is left then was listed before.
async fn back(wanted: &Snapshot, live: &Tenant) -> Result<(), String> {
    let objects = live.iter().map(|((kind, _), raw)| (*kind, raw.clone())).collect();
    let tenant = MemoryTenant::from_objects(objects).map_err(|error| error.to_string())?;
    let mut case = Case::of(wanted.clone(), tenant, 4).await;
    let plan = case.plan().await;
    let silent: Vec<Address> = differs(wanted, &snapshot(live)).difference(&told(&plan)).cloned().collect();
    if !silent.is_empty() {
        return Err(format!("passed over in silence: {silent:?}"));
    }
    if plan.steps.is_empty() {
        return Ok(());
    }
    // Objects that are named by a word of another tenant are never "there": the harness would take that for a mistake.
    let calm = Trouble { lost: BTreeMap::from([(usize::MAX, true)]), ..Trouble::default() };
    let Some(outcome) = case.run(&plan, "plan", calm).await else { return Err("killed".to_owned()) };
    // What fails is reported as it is. Here nothing does but what only this tenant refuses: a PUT that repeats what is fixed,
    // as Graph wants it, and ids that stand for something outside of the directory.
    let refuses = |why: &str| why.contains("cannot be written any more") || why.contains("which is not there");
    if outcome.failed.iter().any(|(_, why)| !refuses(why)) {
        return Err(format!("failed: {:?}", outcome.failed));
    }
    if !outcome.failed.is_empty() {
        return Ok(());
    }
    let again = case.plan().await;
    if !again.steps.is_empty() {
        return Err(format!("does not end: {}", crate::support::case::titles(&again)));
    }
    let announced = |address: &Address| {
        plan.left.iter().any(|left| left.address == *address)
            || plan.losses.iter().any(|loss| loss.address == *address || case.id_today(&loss.address.id) == address.id)
            || plan.steps.iter().any(|step| case.id_today(&step.address.id) == address.id)
    };
    match again.left.iter().find(|left| !announced(&left.address)) {
        Some(left) => Err(format!("left without a word before: {} {:?}", left.name, left.what)),
        None => Ok(()),
    }
}

/// The object of each kind that has most to show, and what these lead to: the rest of the company adds only time.
fn samples(company: &Tenant) -> Tenant {
    let mut by_id: BTreeMap<&str, Vec<&(&'static str, String)>> = BTreeMap::new();
    for (key, raw) in company {
        let identities = schema::of(kinds::by_name(key.0).unwrap()).identities();
        let ids = identities.iter().filter_map(|name| raw.get(name)?.as_str()).chain([key.1.as_str()]);
        ids.for_each(|id| by_id.entry(id).or_default().push(key));
    }
    let mut open: Vec<&(&'static str, String)> = kinds::ALL.iter().filter_map(|kind| sample(kind, company)).collect();
    let mut kept = Tenant::new();
    while let Some(key) = open.pop() {
        let raw = &company[key];
        if kept.insert(key.clone(), raw.clone()).is_none() {
            mentions(&Value::Object(raw.clone()), &mut |id| open.extend(by_id.get(id).into_iter().flatten()));
        }
    }
    kept
}

fn sample<'a>(kind: &Kind, tenant: &'a Tenant) -> Option<&'a (&'static str, String)> {
    let all = tenant.iter().filter(|((name, _), _)| *name == kind.name);
    all.max_by_key(|(_, raw)| raw.len()).map(|(key, _)| key)
}

#[test]
#[ignore = "takes four minutes"]
fn no_difference_of_any_kind_is_passed_over() {
    let tenant = samples(&tokio::runtime::Runtime::new().unwrap().block_on(company()));
    let wanted = snapshot(&tenant);
    let missing: Vec<&str> = kinds::ALL
        .iter()
        .map(|kind| kind.name)
        .filter(|name| !tenant.keys().any(|(kind, _)| kind == name))
        .filter(|name| !WITHOUT_OBJECT.contains(name))
        .collect();
    assert!(missing.is_empty(), "the company has none of {missing:?}");
    let (mut count, mut wrong) = (0, Vec::new());
    // Those of different kinds are tried together, the first of each kind first.
    let mut batches: BTreeMap<usize, Vec<Cell>> = BTreeMap::new();
    for kind in kinds::ALL {
        let Some(key) = sample(kind, &tenant) else { continue };
        for (number, cell) in cells(kind, &tenant, &key.1, &tenant[key]).into_iter().enumerate() {
            count += 1;
            let own = if cell.alone { 1_000 + count } else { number };
            batches.entry(own).or_default().push(cell);
        }
    }
    println!("{count} cells in {} batches, {} objects", batches.len(), tenant.len());
    // In the gate a third of the objects that come or go, each of which takes a plan of its own.
    let every = std::env::var_os("ENTRAGIT_LAWS").is_some();
    for batch in batches.iter().filter(|(own, _)| every || **own < 1_000 || *own % 3 == 0).map(|(_, batch)| batch) {
        let mut live = tenant.clone();
        batch.iter().for_each(|cell| (cell.change)(&mut live));
        if let Err(why) = block_on(back(&wanted, &live)) {
            let what: Vec<&str> = batch.iter().map(|cell| cell.what.as_str()).collect();
            wrong.push(format!("{}: {why}", what.join(", ")));
        }
    }
    assert!(count > 900, "{count} cells");
    assert!(wrong.is_empty(), "{} of {} batches:\n{}", wrong.len(), batches.len(), wrong.join("\n"));
}
