//! The law of watching: reading what changed gives the same tree as reading everything.

use entragit::kinds;
use entragit::model::kind::{LinkShape, Shape};
use entragit::model::{Coverage, Events, Kind, Write};
use entragit::ops::Context;
use entragit::ops::export::{Extra, export};
use entragit::ops::init::init;
use entragit::ops::watch::{How, Round, Watch};
use entragit::tenant::memory::MemoryTenant;
use entragit::tenant::{Raw, TenantRead, TenantWrite};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::harness::{block_on, folder};
use super::world::{named, world};

const HOW: How = How { full_every: 1_000, patient: false };

/// A write that may be refused: what, to which object, with which other.
type Edit = (u8, Index, Index);

fn edits() -> impl Strategy<Value = Vec<Vec<Edit>>> {
    let edit = (0_u8..12, any::<Index>(), any::<Index>());
    proptest::collection::vec(proptest::collection::vec(edit, 0..6), 1..4)
}

async fn repository(tenant: &MemoryTenant) -> (TempDir, Context) {
    let dir = folder();
    let id = tenant.tenant_id().await.unwrap();
    let context = init(dir.path(), &id, true, &Default::default(), &[], &Events::silent()).unwrap();
    (dir, context)
}

fn tree(context: &Context) -> String {
    let tip = context.last_snapshot().unwrap().unwrap();
    context.repo.commit(tip).unwrap().tree.to_string()
}

/// The tree of a first export into a repository of its own.
async fn whole(tenant: &MemoryTenant) -> String {
    let (_dir, context) = repository(tenant).await;
    let _ = export(&context, tenant, &[], &Extra::default()).await.unwrap();
    tree(&context)
}

fn id_of(raw: &Raw) -> String {
    raw["id"].as_str().unwrap().to_owned()
}

async fn carry_out(tenant: &MemoryTenant, (what, which, other): &Edit, number: usize) {
    let all = tenant.objects();
    let of =
        |kind: &str| -> Vec<Raw> { all.iter().filter(|(name, _)| *name == kind).map(|(_, raw)| raw.clone()).collect() };
    let pick = |raws: &[Raw], index: &Index| (!raws.is_empty()).then(|| index.get(raws).clone());
    let link =
        |kind: &'static Kind, id: String, link: &'static str, value: Value| Write::Link { kind, id, link, value };
    let (group, user, principal) = (named("group"), named("user"), named("servicePrincipal"));
    let write = match what {
        0..=2 => {
            let plain: Vec<_> = all.iter().filter(|(name, _)| named(name).shape == Shape::Collection).collect();
            let (name, raw) = which.get(&plain);
            let body = Raw::from_iter([("displayName".to_owned(), json!(format!("Name {number}")))]);
            Some(Write::Update { kind: named(name), id: id_of(raw), body })
        }
        3 | 4 => {
            let plain: Vec<_> = all.iter().filter(|(name, _)| named(name).shape == Shape::Collection).collect();
            let (name, raw) = which.get(&plain);
            Some(Write::Delete { kind: named(name), id: id_of(raw) })
        }
        5 | 6 => {
            let mut bin = Vec::new();
            for kind in kinds::ALL {
                bin.extend(tenant.deleted(kind).await.unwrap().into_iter().map(|raw| (*kind, raw)));
            }
            (!bin.is_empty()).then(|| which.get(&bin)).map(|(kind, raw)| Write::Restore { kind, id: id_of(raw) })
        }
        7 => pick(&of("group"), which).zip(pick(&of("user"), other)).map(|(one, to)| {
            link(group, id_of(&one), if number % 2 == 0 { "members" } else { "owners" }, json!(id_of(&to)))
        }),
        8 => pick(&of("user"), which)
            .zip(pick(&of("user"), other))
            .map(|(one, to)| link(user, id_of(&one), "manager", json!(id_of(&to)))),
        9 => {
            let body = json!({"displayName": format!("Made {number}"), "mailEnabled": false, "mailNickname": "m", "securityEnabled": true});
            Some(Write::Create { kind: group, body: body.as_object().unwrap().clone() })
        }
        10 => pick(&of("servicePrincipal"), which).zip(pick(&of("user"), other)).map(|(one, to)| {
            let value =
                json!({"principalId": id_of(&to), "appRoleId": format!("{number:08x}-0000-4000-8000-000000000000")});
            link(principal, id_of(&one), "appRoleAssignedTo", value)
        }),
        _ => {
            let with: Vec<_> = all.iter().filter(|(name, _)| !named(name).links.is_empty()).collect();
            let child = (!with.is_empty()).then(|| which.get(&with)).and_then(|(name, raw)| {
                let links: Vec<_> = named(name).links.iter().filter(|link| raw.contains_key(link.name)).collect();
                let link = (!links.is_empty()).then(|| other.get(&links))?;
                let value = raw.get(link.name)?;
                let first = if link.shape == LinkShape::Reference { value } else { value.get(0)? };
                Some((name, id_of(raw), link.name, first.get("id")?.as_str()?.to_owned()))
            });
            child.map(|(name, id, link, child)| Write::Unlink { kind: named(name), id, link, child })
        }
    };
    if let Some(write) = write {
        // What is refused has changed nothing.
        let _ = tenant.write(&write).await;
    }
}

async fn round(watch: &mut Watch, context: &Context, tenant: &MemoryTenant) -> Round {
    watch.round(context, tenant, HOW).await.unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_changed_and_everything_give_the_same_tree(world in world(), rounds in edits(), forgets: bool) {
        block_on(async {
            let tenant = world.tenant().await;
            let (_dir, context) = repository(&tenant).await;
            let mut watch = Watch::default();
            assert!(round(&mut watch, &context, &tenant).await.full);
            assert_eq!(tree(&context), whole(&tenant).await);
            let mut number = 0;
            for edits in &rounds {
                for edit in edits {
                    number += 1;
                    carry_out(&tenant, edit, number).await;
                }
                if forgets {
                    // Another process, which has the repository and nothing else.
                    watch = Watch::default();
                }
                let before = context.last_snapshot().unwrap();
                let round = round(&mut watch, &context, &tenant).await;
                assert_eq!(tree(&context), whole(&tenant).await, "{edits:?}, everything read: {}", round.full);
                assert_eq!(round.commits.last().map(|commit| commit.id).or(before), context.last_snapshot().unwrap());
            }
            // Nothing more to say.
            let last = round(&mut watch, &context, &tenant).await;
            assert!(last.commits.is_empty() && !last.full);
        });
    }
}

#[test]
fn a_kind_that_is_hidden_is_carried_and_the_others_are_watched() {
    block_on(async {
        let raw = |value: Value| value.as_object().unwrap().clone();
        let objects = || {
            vec![
                ("user", raw(json!({"id": "00000000-0000-4000-8000-000000000001", "displayName": "Ada"}))),
                (
                    "group",
                    raw(json!({"id": "00000000-0000-4000-8000-000000000002", "displayName": "All",
                    "members": [{"id": "00000000-0000-4000-8000-000000000001"}]})),
                ),
            ]
        };
        let tenant = MemoryTenant::from_objects(objects()).unwrap();
        let (_dir, context) = repository(&tenant).await;
        let mut watch = Watch::default();
        let first = round(&mut watch, &context, &tenant).await;
        assert!(first.full && first.complete);
        // The same tenant, of which less can be read now.
        let tenant = MemoryTenant::from_objects(objects()).unwrap().hiding("user", Coverage::DeniedPermission);
        let second = watch.round(&context, &tenant, How { full_every: 1, ..HOW }).await.unwrap();
        assert_eq!((second.full, second.complete, second.changed), (true, false, (0, 0, 0)));
        let body = raw(json!({"displayName": "Everyone"}));
        let id = "00000000-0000-4000-8000-000000000002".to_owned();
        tenant.write(&Write::Update { kind: named("group"), id, body }).await.unwrap();
        let third = round(&mut watch, &context, &tenant).await;
        assert_eq!((third.full, third.complete, third.changed), (false, false, (1, 0, 1)));
    });
}

#[test]
fn a_change_waits_for_its_author_once() {
    block_on(async {
        let id = "00000000-0000-4000-8000-000000000002";
        let group = json!({"id": id, "displayName": "All"}).as_object().unwrap().clone();
        let tenant = MemoryTenant::from_objects(vec![("group", group)]).unwrap();
        let (_dir, context) = repository(&tenant).await;
        let mut watch = Watch::default();
        let patient = How { patient: true, ..HOW };
        assert_eq!(watch.round(&context, &tenant, patient).await.unwrap().commits.len(), 1);
        let body = json!({"displayName": "Everyone"}).as_object().unwrap().clone();
        tenant.write(&Write::Update { kind: named("group"), id: id.to_owned(), body }).await.unwrap();
        // This tenant has no audit log, so nobody is ever named.
        let tip = context.last_snapshot().unwrap();
        let waiting = watch.round(&context, &tenant, patient).await.unwrap();
        assert_eq!((waiting.waiting, waiting.commits.len(), context.last_snapshot().unwrap()), (1, 0, tip));
        let done = round(&mut watch, &context, &tenant).await;
        assert_eq!((done.waiting, done.full, done.commits.len()), (0, false, 1));
        assert_eq!(tree(&context), whole(&tenant).await);
        assert_eq!(watch.round(&context, &tenant, patient).await.unwrap().waiting, 0);
    });
}
