//! The law of watching: reading what changed gives the same tree as reading everything.

use std::collections::VecDeque;
use std::sync::Mutex;

use entragit::kinds;
use entragit::model::kind::{LinkShape, Shape};
use entragit::model::{AuditEvent, Coverage, Events, Kind, Write};
use entragit::ops::Context;
use entragit::ops::init::init;
use entragit::ops::snapshot::export::{Extra, export};
use entragit::ops::snapshot::round::{Round, RoundOptions};
use entragit::ops::snapshot::watch::Watch;
use entragit::tenant::memory::MemoryTenant;
use entragit::tenant::{Changes, Listing, Pages, Raw, RawObject, TenantError, TenantRead, TenantWrite};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::case::{block_on, folder};
use crate::support::generated::{named, world};

const HOW: RoundOptions = RoundOptions { full_every: 1_000, patient: false, one_commit: false };

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
            link(group, id_of(&one), if number.is_multiple_of(2) { "members" } else { "owners" }, json!(id_of(&to)))
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
    fn what_changed_and_everything_give_the_same_tree(world in world(), rounds in edits(), forgets: bool, one_commit: bool) {
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
                let round = watch.round(&context, &tenant, RoundOptions { one_commit, ..HOW }).await.unwrap();
                assert!(!one_commit || round.commits.len() <= 1);
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
        let second = watch.round(&context, &tenant, RoundOptions { full_every: 1, ..HOW }).await.unwrap();
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
        let patient = RoundOptions { patient: true, ..HOW };
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

/// A tenant that answers as it is told before it answers as it should.
struct Odd<'a> {
    tenant: &'a MemoryTenant,
    gets: Mutex<VecDeque<Result<Option<RawObject>, TenantError>>>,
    changes: Mutex<VecDeque<Result<Changes, TenantError>>>,
    events: Mutex<Vec<AuditEvent>>,
}

impl TenantRead for Odd<'_> {
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
        let odd = self.gets.lock().unwrap().pop_front();
        match odd {
            Some(odd) => odd,
            None => self.tenant.get(kind, id).await,
        }
    }

    async fn changes(&self, kind: &'static Kind, token: Option<&str>) -> Result<Changes, TenantError> {
        let odd = self.changes.lock().unwrap().pop_front();
        match odd {
            Some(odd) => odd,
            None => self.tenant.changes(kind, token).await,
        }
    }

    async fn deleted(&self, kind: &'static Kind) -> Result<Vec<Raw>, TenantError> {
        self.tenant.deleted(kind).await
    }

    async fn audit(&self, _: Option<&str>) -> Result<Vec<AuditEvent>, TenantError> {
        let events = self.events.lock().unwrap();
        match events.is_empty() {
            true => Err(TenantError::Unavailable { request: "audit".into(), message: "none here".into() }),
            false => Ok(events.clone()),
        }
    }
}

#[test]
fn what_microsofts_own_recovery_wrote_is_found_by_reading_everything() {
    block_on(async {
        let group = json!({"id": "00000000-0000-4000-8000-000000000001", "displayName": "G"});
        let tenant = MemoryTenant::from_objects(vec![("group", group.as_object().unwrap().clone())]).unwrap();
        let (_dir, context) = repository(&tenant).await;
        let odd = Odd { tenant: &tenant, gets: Mutex::default(), changes: Mutex::default(), events: Mutex::default() };
        let mut watch = Watch::default();
        assert!(watch.round(&context, &odd, HOW).await.unwrap().full);
        assert!(!watch.round(&context, &odd, HOW).await.unwrap().full);
        let event = json!({"id": "1", "time": "2020-01-01T00:00:00Z", "activity": "Start recovery", "targets": [],
            "actor": {"id": "", "name": "", "userPrincipalName": "", "ipAddress": "", "isApp": true}, "recovery": true});
        odd.events.lock().unwrap().push(serde_json::from_value(event).unwrap());
        assert!(watch.round(&context, &odd, HOW).await.unwrap().full);
        assert!(!watch.round(&context, &odd, HOW).await.unwrap().full, "once is enough");
        assert!(!Watch::default().round(&context, &odd, HOW).await.unwrap().full, "for another process, too");
    });
}

#[test]
fn a_kind_whose_changes_are_not_told_is_listed_and_nothing_else() {
    block_on(async {
        let id = |n: u8| format!("00000000-0000-4000-8000-00000000000{n}");
        let object =
            |kind: &'static str, n: u8| (kind, json!({"id": id(n), "displayName": "One"}).as_object().unwrap().clone());
        let tenant = MemoryTenant::from_objects(vec![object("group", 1), object("user", 2)]).unwrap();
        let (_dir, context) = repository(&tenant).await;
        let odd = Odd { tenant: &tenant, gets: Mutex::default(), changes: Mutex::default(), events: Mutex::default() };
        // The kind that is asked first.
        let first = context.kinds(&[]).into_iter().find(|kind| kind.delta.is_some()).unwrap();
        assert!(["group", "user"].contains(&first.name), "{}", first.name);
        odd.changes.lock().unwrap().push_back(Ok(Changes::StartOver { why: "403".into() }));
        let mut watch = Watch::default();
        assert!(watch.round(&context, &odd, HOW).await.unwrap().full);
        for (number, (kind, property)) in [("group", "description"), ("user", "department")].into_iter().enumerate() {
            let body = json!({property: "Two"}).as_object().unwrap().clone();
            let id = id(u8::try_from(number).unwrap() + 1);
            tenant.write(&Write::Update { kind: named(kind), id, body }).await.unwrap();
            let round = watch.round(&context, &odd, HOW).await.unwrap();
            assert_eq!((round.full, round.changed), (false, (0, 1, 0)), "{kind}");
            assert_eq!(tree(&context), whole(&tenant).await);
        }
    });
}

#[test]
fn what_goes_wrong_in_a_round_is_made_good_in_the_next() {
    block_on(async {
        let id = |n: u8| format!("00000000-0000-4000-8000-00000000000{n}");
        let group = |n: u8| ("group", json!({"id": id(n), "displayName": "G"}).as_object().unwrap().clone());
        let tenant = MemoryTenant::from_objects((1..=5).map(group).collect()).unwrap();
        let (_dir, context) = repository(&tenant).await;
        let odd = Odd { tenant: &tenant, gets: Mutex::default(), changes: Mutex::default(), events: Mutex::default() };
        let mut watch = Watch::default();
        let patient = RoundOptions { patient: true, ..HOW };
        let first = watch.round(&context, &odd, patient).await.unwrap();
        assert!(first.full && first.complete);
        let rename = async |n: u8, name: &str| {
            let body = json!({"displayName": name}).as_object().unwrap().clone();
            tenant.write(&Write::Update { kind: named("group"), id: id(n), body }).await.unwrap();
        };
        let down = || TenantError::Unavailable { request: "GET".into(), message: "down".into() };
        let refused =
            || TenantError::Refused { request: "GET".into(), status: 400, code: "x".into(), message: "x".into() };

        // One object that cannot be read stays as it was, is said to be missing, and comes with the next round.
        for error in [down(), refused()] {
            rename(1, &error.to_string()).await;
            rename(2, &error.to_string()).await;
            odd.gets.lock().unwrap().push_back(Err(error));
            let round = watch.round(&context, &odd, patient).await.unwrap();
            assert_eq!((round.full, round.complete, round.changed, round.waiting), (false, false, (1, 0, 1), 0));
            let next = watch.round(&context, &odd, patient).await.unwrap();
            assert_eq!((next.full, next.complete, next.changed), (false, true, (1, 0, 1)));
            assert_eq!(tree(&context), whole(&tenant).await);
        }

        // A tenant that is down changes nothing, and nothing is forgotten.
        let tip = context.last_snapshot().unwrap();
        rename(3, "Three").await;
        (1..=5).for_each(|_| odd.gets.lock().unwrap().push_back(Err(down())));
        rename(4, "Four").await;
        rename(5, "Five").await;
        assert!(watch.round(&context, &odd, patient).await.is_err());
        odd.gets.lock().unwrap().clear();
        odd.changes.lock().unwrap().push_back(Err(down()));
        assert!(watch.round(&context, &odd, patient).await.is_err());
        assert_eq!(context.last_snapshot().unwrap(), tip);
        let round = watch.round(&context, &odd, patient).await.unwrap();
        assert_eq!((round.full, round.changed), (false, (3, 0, 3)));

        // A replica that has not heard of an object is asked again; twice is enough.
        rename(1, "One").await;
        odd.gets.lock().unwrap().push_back(Ok(None));
        let round = watch.round(&context, &odd, patient).await.unwrap();
        assert_eq!((round.complete, round.changed), (true, (1, 0, 1)));
        assert_eq!(tree(&context), whole(&tenant).await);

        // One that answers what was: what is said to have changed and has not is read once more.
        let old = tenant.get(named("group"), &id(2)).await.unwrap();
        rename(2, "Two").await;
        odd.gets.lock().unwrap().push_back(Ok(old));
        assert_eq!(watch.round(&context, &odd, patient).await.unwrap().commits.len(), 0);
        assert_eq!(watch.round(&context, &odd, patient).await.unwrap().commits.len(), 1);
        assert_eq!(tree(&context), whole(&tenant).await);

        // A token that ran out.
        rename(2, "Too").await;
        odd.changes.lock().unwrap().push_back(Ok(Changes::StartOver { why: "410".into() }));
        let round = watch.round(&context, &odd, patient).await.unwrap();
        assert_eq!((round.full, round.changed), (true, (1, 0, 1)));
        assert_eq!(tree(&context), whole(&tenant).await);
        assert!(!watch.round(&context, &odd, patient).await.unwrap().full);
    });
}
