//! Law 10, exhaustively: one apply of more than two hundred steps, killed at each of its writes.

use entragit::model::{Kind, Plan, Write};
use entragit::tenant::memory::MemoryTenant;
use entragit::tenant::{Raw, TenantWrite};
use serde_json::{Value, json};

use crate::support::case::{Case, Trouble, block_on, failures, titles};
use crate::support::generated::{guid, named, raw_of, snapshot};

type Objects = Vec<(&'static Kind, Raw)>;

const PEOPLE: usize = 60;
const GROUPS: usize = 40;

fn one(kind: &str, id: &str, name: &str, mut rest: Value) -> (&'static Kind, Raw) {
    rest["id"] = json!(id);
    rest["displayName"] = json!(name);
    (named(kind), raw_of(rest))
}

fn wanted() -> Objects {
    let user = |i: usize| {
        let name = format!("ada{i}@contoso.example");
        one("user", &guid(0, i), &format!("Ada {i}"), json!({"userPrincipalName": name, "jobTitle": "Engineer"}))
    };
    let group = |i: usize| {
        let members: Vec<Value> = (0..4).map(|at| json!({"id": guid(0, (i * 4 + at) % PEOPLE)})).collect();
        let rest =
            json!({"members": members, "mailNickname": format!("g{i}"), "securityEnabled": true, "mailEnabled": false});
        one("group", &guid(1, i), &format!("Group {i}"), rest)
    };
    let location = |i: usize| {
        let range =
            json!([{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": format!("192.0.2.{i}/32")}]);
        let rest = json!({"@odata.type": "#microsoft.graph.ipNamedLocation", "ipRanges": range, "isTrusted": false});
        one("namedLocation", &guid(7, i), &format!("Place {i}"), rest)
    };
    let policy = |i: usize| {
        let rest = json!({"state": "enabled", "conditions": {"users": {"includeGroups": [guid(1, i)], "excludeGroups": [guid(1, i + 1)]},
            "locations": {"includeLocations": [guid(7, i % 10)]}, "clientAppTypes": ["all"]}});
        one("conditionalAccessPolicy", &guid(6, i), &format!("Policy {i}"), rest)
    };
    let all = (0..PEOPLE).map(user).chain((0..GROUPS).map(group)).chain((0..10).map(location));
    all.chain((0..12).map(policy)).collect()
}

/// People changed or in the bin, groups in the bin or gone for good, places and policies gone for good, and groups that are
/// one too many.
async fn damaged() -> MemoryTenant {
    let mut objects = Vec::new();
    for (at, (kind, mut raw)) in wanted().into_iter().enumerate() {
        let gone = match kind.name {
            "user" if at < 25 => {
                raw.insert("jobTitle".into(), json!("Countess"));
                false
            }
            "group" => at - PEOPLE < 25,
            "user" => false,
            _ => true,
        };
        if !gone {
            objects.push((kind.name, raw));
        }
    }
    for i in 0..10 {
        let rest = json!({"mailNickname": format!("x{i}"), "securityEnabled": true, "mailEnabled": false});
        let (kind, raw) = one("group", &guid(1, 900 + i), &format!("Extra {i}"), rest);
        objects.push((kind.name, raw));
    }
    let tenant = MemoryTenant::from_objects(objects).unwrap();
    let deleted = (40..PEOPLE).map(|i| ("user", guid(0, i))).chain((25..GROUPS).map(|i| ("group", guid(1, i))));
    for (kind, id) in deleted {
        tenant.write(&Write::Delete { kind: named(kind), id }).await.unwrap();
    }
    tenant
}

async fn case() -> (Case, Plan) {
    let case = Case::of(snapshot(wanted()), damaged().await, 4).await;
    let plan = case.plan().await;
    (case, plan)
}

#[test]
fn an_apply_that_is_killed_at_any_of_its_writes_ends_as_if_it_had_not_been() {
    block_on(async {
        let (_, plan) = case().await;
        assert!(plan.steps.len() >= 200, "{}", plan.steps.len());
        // Every write in the long run; in the gate, each of the first few and a part of the rest.
        let all = std::env::var_os("ENTRAGIT_LAWS").is_some();
        let at = |k: &usize| all || *k < 5 || k % 13 == 3;
        let mut killed = 0_usize;
        for (k, carried) in (0..plan.steps.len()).filter(at).flat_map(|k| [(k, false), (k, true)]) {
            let (mut case, plan) = case().await;
            let trouble = Trouble { killed: Some((k, carried)), ..Trouble::default() };
            if case.run(&plan, "first", trouble).await.is_some() {
                // What came back with what was restored needs no write.
                break;
            }
            killed += 1;
            let outcome = case.run(&plan, "first", Trouble::default()).await.unwrap();
            let word = if carried { "after" } else { "before" };
            assert_eq!(outcome.failed, [], "{word} {k}: {}", failures(&plan, &outcome));
            assert_eq!((outcome.done, outcome.skipped.len()), (plan.steps.len(), 0), "{word} {k}: {:?}", outcome.stale);
            assert_eq!(case.differences(&plan).await, Vec::<String>::new(), "{word} {k}");
            let second = case.plan().await;
            assert!(second.steps.is_empty(), "{word} {k}: {}", titles(&second));
        }
        println!("{} steps, killed {killed} times", plan.steps.len());
        assert!(killed >= if all { 400 } else { 40 }, "{killed}");
    });
}
