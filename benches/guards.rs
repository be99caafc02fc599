//! The guards over a plan that changes every Conditional Access policy of a large tenant: 100,000 users, 1,000 groups, 50 policies.
//!
//! `cargo bench --bench guards`; `ENTRAGIT_BENCH_OBJECTS=1000000` takes as many users as you like.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a measurement prints and may fail loudly")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use entragit::engine::access::Tenant;
use entragit::engine::guard::{self, Rules};
use entragit::engine::normalize::normalize;
use entragit::engine::plan::{Inputs, plan};
use entragit::engine::scope::Scope;
use entragit::kinds;
use entragit::model::{Address, Coverage, CoverageMap, IdMap, Object, Snapshot};
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const GLOBAL: &str = "62e90394-69f5-4237-9190-012177145e10";
const GROUPS: usize = 1_000;
const POLICIES: usize = 50;
const ROUNDS: usize = 5;

fn main() {
    let users = std::env::var("ENTRAGIT_BENCH_OBJECTS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let objects = tenant(users);
    let mut access = Tenant::default();
    for (address, object) in &objects {
        access.take(address.kind, object);
    }
    let changes = |address: &Address| matches!(address.kind.name, "conditionalAccessPolicy" | "namedLocation");
    let live: BTreeMap<Address, Object> =
        objects.iter().filter(|(address, _)| changes(address)).map(|(a, o)| (a.clone(), o.clone())).collect();
    let mut wanted = live.clone();
    for (address, object) in &mut wanted {
        match address.kind.name {
            "namedLocation" => drop(object.0.insert("isTrusted".to_owned(), true.into())),
            _ => {
                object.0["conditions"]["users"]["excludeUsers"] = json!([id("user", 0), id("user", 1), id("user", 77)])
            }
        }
    }
    let (live, wanted) = (snapshot(live), snapshot(wanted));
    let base: BTreeSet<Address> = objects.keys().cloned().collect();
    let plan = plan(&Inputs {
        wanted: &wanted,
        live: &live,
        base: &base,
        deleted: &BTreeMap::new(),
        ids: &IdMap::default(),
        scope: &Scope::default(),
        prune: false,
    });
    let mut known: BTreeMap<&'static str, usize> = BTreeMap::new();
    for address in objects.keys() {
        *known.entry(address.kind.name).or_default() += 1;
    }
    let rules = Rules {
        break_glass: BTreeSet::from([id("user", 0), id("user", 1)]),
        own: BTreeSet::from([id("user", 2)]),
        max_deletes: 10,
        max_deletes_percent: 5,
        known,
        access,
        base: Some(base),
        ..Rules::default()
    };
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let verdicts = guard::verdicts(&plan, &rules);
        times.push(start.elapsed());
        assert!(verdicts.iter().any(|verdict| verdict.guard == "weakens"), "{verdicts:?}");
    }
    times.sort();
    println!("{users} users, {GROUPS} groups, {POLICIES} policies, {} steps", plan.steps.len());
    println!("all guards: {:.3} s", times[ROUNDS / 2].as_secs_f64());
}

fn id(kind: &str, number: usize) -> String {
    let kind = kind.bytes().map(u32::from).sum::<u32>();
    format!("{number:08x}-1111-4000-8000-{kind:012x}")
}

fn snapshot(objects: BTreeMap<Address, Object>) -> Snapshot {
    let mut coverage = CoverageMap::default();
    for kind in kinds::ALL {
        coverage.set_kind(kind.name, Coverage::Complete);
        kind.links.iter().for_each(|link| coverage.set_link(kind.name, link.name, Coverage::Complete));
    }
    Snapshot { objects, coverage, ..Snapshot::default() }
}

fn tenant(users: usize) -> BTreeMap<Address, Object> {
    let mut objects = BTreeMap::new();
    let mut put = |kind: &str, value: Value| {
        let kind = kinds::by_name(kind).unwrap();
        let object = normalize(kind, value.as_object().unwrap().clone()).object;
        objects.insert(Address::new(kind, object.id()), object);
    };
    for number in 0..users {
        let name = format!("u{number}@contoso.example");
        put(
            "user",
            json!({"id": id("user", number), "displayName": name, "userPrincipalName": name,
            "accountEnabled": true, "userType": "Member"}),
        );
    }
    for number in 0..GROUPS {
        let mut members: Vec<String> = (0..100).map(|k| id("user", (number * 97 + k * 13) % users)).collect();
        members.extend((number % 10 == 0).then(|| id("group", number + 1)));
        put(
            "group",
            json!({"id": id("group", number), "displayName": format!("g{number}"), "members": members,
            "mailEnabled": false, "mailNickname": format!("g{number}"), "securityEnabled": true, "groupTypes": []}),
        );
    }
    for number in 0..20 {
        put(
            "roleAssignment",
            json!({"id": id("role", number), "principalId": id("user", number),
            "roleDefinitionId": GLOBAL, "directoryScopeId": "/"}),
        );
        put(
            "namedLocation",
            json!({"@odata.type": "#microsoft.graph.ipNamedLocation", "id": id("place", number),
            "displayName": format!("p{number}"), "isTrusted": false, "ipRanges": [{
                "@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": format!("203.0.{number}.0/24")}]}),
        );
    }
    for number in 0..POLICIES {
        let grant = if number % 3 == 0 { "block" } else { "mfa" };
        let platform = ["windows", "macOS", "iOS", "android", "linux"][number % 5];
        put(
            "conditionalAccessPolicy",
            json!({"id": id("policy", number), "displayName": format!("CA{number:03}"),
            "state": "enabled", "grantControls": {"operator": "OR", "builtInControls": [grant]},
            "conditions": {"clientAppTypes": ["all"], "platforms": {"includePlatforms": [platform]},
                "locations": {"includeLocations": ["All"], "excludeLocations": [id("place", number % 20)]},
                "applications": {"includeApplications": ["All"]},
                "users": {"includeUsers": ["All"], "excludeGroups": [id("group", number)],
                    "excludeUsers": [id("user", 0), id("user", 1)]}}}),
        );
    }
    objects
}
