//! A snapshot that lacks much without an explanation is kept apart until a person accepts it.

use std::collections::BTreeMap;

use entragit::emulator::contoso::names;
use entragit::emulator::{Options, Seed};
use entragit::kinds;
use entragit::model::{Events, Write};
use entragit::ops::snapshot::export::{Extra, export};
use entragit::ops::snapshot::round::RoundOptions;
use entragit::ops::snapshot::shrink::{SUSPECT, Shrunk, accepted};
use entragit::ops::snapshot::watch::{self, Watch};
use entragit::ops::{Context, init};
use entragit::tenant::{Raw, TenantRead as _, TenantWrite as _};
use serde_json::{Value, json};

use crate::support::command_line::{Ran, World};
use crate::support::graph::Graph;
use crate::support::lacking::{Tenant, id};

const HOW: RoundOptions = RoundOptions { full_every: 288, patient: false, one_commit: false };

/// Twenty named locations, and a group of twenty.
fn tenant() -> Tenant {
    let raw = |value: Value| -> Raw { value.as_object().unwrap().clone() };
    let mut objects = Vec::new();
    for number in 0..20 {
        let (country, user) = ("#microsoft.graph.countryNamedLocation", id(number));
        objects.push((
            "namedLocation",
            raw(json!({"@odata.type": country, "id": id(100 + number), "displayName": format!("Place {number}"),
                "countriesAndRegions": ["DE"], "includeUnknownCountriesAndRegions": false})),
        ));
        objects.push((
            "user",
            raw(json!({"id": user, "displayName": format!("User {number}"), "accountEnabled": true,
                "userPrincipalName": format!("u{number}@contoso.example"), "mailNickname": "u"})),
        ));
    }
    let members: Vec<Value> = (0..20).map(|number| json!({"id": id(number)})).collect();
    objects.push((
        "group",
        raw(json!({"id": id(200), "displayName": "Team", "mailEnabled": false, "mailNickname": "team",
            "securityEnabled": true, "members": members})),
    ));
    Tenant::with(objects)
}

async fn repository(tenant: &Tenant) -> (tempfile::TempDir, Context) {
    let dir = tempfile::tempdir().unwrap();
    let id = tenant.tenant_id().await.unwrap();
    let mut context = init::init(dir.path(), &id, true, &BTreeMap::new(), &[], &Events::silent()).unwrap();
    context.settings.scope.kinds = vec!["user", "group", "namedLocation"];
    (dir, context)
}

fn lose(tenant: &Tenant, count: usize) {
    let ids: Vec<String> = (0..count).map(|number| id(100 + number)).collect();
    tenant.lacks.lock().unwrap().clone_from(&ids);
    *tenant.vanished.lock().unwrap() = ids;
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: anyhow::Result<T>) -> (String, Vec<String>) {
    let error = result.unwrap_err();
    let shrunk = error.downcast_ref::<Shrunk>().unwrap_or_else(|| panic!("{error:#}"));
    (error.to_string(), shrunk.losses.iter().map(ToString::to_string).collect())
}

#[tokio::test]
async fn a_kind_that_lost_much_is_not_published_until_it_is_accepted() {
    let tenant = tenant();
    let (_dir, mut context) = repository(&tenant).await;
    let first = export(&context, &tenant, &[], &Extra::default()).await.unwrap();
    // Ten pass without a question, as in a plan.
    lose(&tenant, 10);
    context.settings.guards.max_deletes = 9;
    context.settings.guards.max_deletes_percent = 50;
    let second = export(&context, &tenant, &[], &Extra::default()).await.unwrap();
    assert_eq!(second.changed, (0, 0, 10));
    lose(&tenant, 20);
    let refusal = refused(export(&context, &tenant, &[], &Extra::default()).await);
    assert_eq!(refusal.1, ["namedLocation lost 10 of 10 objects"]);
    assert!(refusal.0.contains("run `entragit export --accept shrink:namedLocation`"), "{}", refusal.0);
    let suspect = context.repo.reference(SUSPECT).unwrap().unwrap();
    assert_eq!(context.repo.commit(suspect).unwrap().parents, [second.tip]);
    for branch in ["refs/heads/snapshots", "refs/heads/main"] {
        assert_eq!(context.repo.reference(branch).unwrap(), Some(second.tip), "{branch}");
    }
    // The same again is the same commit.
    refused(export(&context, &tenant, &[], &Extra::default()).await);
    assert_eq!(context.repo.reference(SUSPECT).unwrap(), Some(suspect));
    context.accept = accepted(&["shrink:user".to_owned()]).unwrap();
    refused(export(&context, &tenant, &[], &Extra::default()).await);
    context.accept = accepted(&["shrink:namedLocation".to_owned()]).unwrap();
    let third = export(&context, &tenant, &[], &Extra::default()).await.unwrap();
    assert_eq!(third.changed, (0, 0, 10));
    let message = context.repo.commit(third.tip).unwrap().message;
    assert!(message.contains("Entragit-Accepted: shrink:namedLocation\n"), "{message}");
    assert_eq!(context.repo.reference(SUSPECT).unwrap(), None);
    assert_ne!(first.tip, second.tip);
}

#[tokio::test]
async fn what_the_log_or_the_recycle_bin_explains_is_published() {
    let tenant = tenant();
    let (_dir, context) = repository(&tenant).await;
    drop(export(&context, &tenant, &[], &Extra::default()).await.unwrap());
    for (kind, from) in [("namedLocation", 100), ("user", 0)] {
        let kind = kinds::by_name(kind).unwrap();
        for number in 0..15 {
            tenant.inner.write(&Write::Delete { kind, id: id(from + number) }).await.unwrap();
        }
    }
    // The group lost whom nobody took out of it: they are gone themselves.
    let exported = export(&context, &tenant, &[], &Extra::default()).await.unwrap();
    assert_eq!(exported.changed, (0, 1, 30));
}

#[tokio::test]
async fn a_link_that_lost_much_is_not_published() {
    let tenant = tenant();
    let (_dir, mut context) = repository(&tenant).await;
    drop(export(&context, &tenant, &[], &Extra::default()).await.unwrap());
    *tenant.unlinked.lock().unwrap() = Some("members");
    let refusal = refused(export(&context, &tenant, &[], &Extra::default()).await);
    assert_eq!(refusal.1, ["group.members lost 20 of 20 entries"]);
    context.accept = accepted(&["shrink:group.members".to_owned()]).unwrap();
    assert_eq!(export(&context, &tenant, &[], &Extra::default()).await.unwrap().changed, (0, 1, 0));
    for word in ["lock-out", "shrink:grup", "shrink:group.memers"] {
        let error = accepted(&[word.to_owned()]).unwrap_err().to_string();
        assert!(error.starts_with(&format!("--accept {word}: ")), "{error}");
    }
}

#[tokio::test]
async fn an_incremental_export_and_a_watch_refuse_it_as_well_and_go_on_when_it_is_back() {
    let tenant = tenant();
    let (_dir, mut context) = repository(&tenant).await;
    let (first, _) = watch::export(&context, &tenant, 7).await.unwrap();
    lose(&tenant, 20);
    let refusal = refused(watch::export(&context, &tenant, 7).await);
    assert_eq!(refusal.1, ["namedLocation lost 20 of 20 objects"]);
    let mut watch = Watch::default();
    refused(watch.round(&context, &tenant, HOW).await);
    lose(&tenant, 0);
    let round = watch.round(&context, &tenant, HOW).await.unwrap();
    assert_eq!((round.commits.len(), round.tip), (0, first.tip));
    assert_eq!(context.repo.reference(SUSPECT).unwrap(), None);
    lose(&tenant, 20);
    refused(watch.round(&context, &tenant, HOW).await);
    context.accept = accepted(&["shrink:namedLocation".to_owned()]).unwrap();
    assert_eq!(watch.round(&context, &tenant, HOW).await.unwrap().changed, (0, 0, 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_snapshot_ends_with_3_and_says_how_to_accept_it() {
    let world = World::exported().await;
    let before = world.git(&["rev-parse", "snapshots"]);
    let settings = std::fs::read_to_string(world.path().join("entragit.yaml")).unwrap();
    assert!(settings.contains("maxDeletes: 10"));
    // The tenant answers as if it were new.
    let options = Options { seed: Seed::Empty, tenant: Some(names::TENANT.to_owned()), ..Options::default() };
    let empty = Graph::with(options).await;
    let run = |arguments: &[&str]| Ran::of(&world.command(&empty.tenant.url(), arguments).output().unwrap());
    let said = run(&["export", "--kind", "user"]).ends(3).err;
    assert!(said.contains("refused by shrink: user lost ") && said.contains("--accept shrink:user`"), "{said}");
    assert!(world.git(&["rev-parse", "snapshots", "main", "refs/entragit/suspect^"]).lines().all(|it| it == before));
    assert!(run(&["watch", "--rounds", "1", "--settle", "0s"]).ends(3).err.contains("refused by shrink"));
    run(&["export", "--kind", "user", "--accept", "group"]).ends(1);
    run(&["export", "--kind", "user", "--accept", "shrink:users"]).ok();
    assert_eq!(world.git(&["rev-parse", "snapshots~1"]), before);
}
