//! What a list lacks is gone only if that is proven: asked for by id, and read again where much is missing.

use std::collections::BTreeMap;

use entragit::emulator::contoso::names;
use entragit::model::Events;
use entragit::ops::snapshot::export::{Exported, Extra, export};
use entragit::ops::{Context, init};
use entragit::tenant::TenantRead;
use serde_json::json;

use crate::support::command_line::World;
use crate::support::graph::POLICIES;
use crate::support::lacking::{Tenant, id};

impl World {
    fn faults(&self, words: &str) {
        self.graph.tenant.set_faults(words.parse().unwrap());
    }

    fn has(&self, id: &str) -> bool {
        self.git(&["ls-tree", "-r", "--name-only", "snapshots"]).contains(id)
    }

    fn is_partial(&self, kind: &str) -> bool {
        self.git(&["show", "snapshots:manifest.yaml"]).contains(&format!("  {kind}: partial"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_its_list_leaves_out_is_asked_for_and_kept() {
    let world = World::exported().await;
    world.faults(&format!("omit:{}", names::REMOTE_WORKERS));
    let renamed = json!({"description": "As it is read by id"});
    assert_eq!(world.graph.patch(&format!("/v1.0/groups/{}", names::REMOTE_WORKERS), renamed).await.0, 204);
    let said = world.run(&["export"]).ends(4).err;
    let expected = format!("the list of groups lacks {}, which answers when asked for by id", names::REMOTE_WORKERS);
    assert!(said.contains(&expected), "{said}");
    assert!(world.has(names::REMOTE_WORKERS) && world.is_partial("group"));
    assert!(world.git(&["grep", "As it is read by id", "snapshots", "--", "groups"]).contains("remote-workers"));
    world.faults("");
    world.run(&["export"]).ok();
    assert!(!world.is_partial("group"));
}

/// A plan that believed the list would make a second group of the same name.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_does_not_believe_a_list_that_leaves_an_object_out() {
    let world = World::exported().await;
    world.faults(&format!("omit:{}", names::REMOTE_WORKERS));
    for command in [&["plan", "--to", "HEAD"][..], &["diff"], &["drift"]] {
        let ran = world.run(command).ends(4);
        assert!(!ran.out.contains(names::REMOTE_WORKERS), "{}", ran.out);
        assert!(
            ran.out.contains("partial") || ran.err.contains("answers when asked for by id"),
            "{} {}",
            ran.out,
            ran.err
        );
    }
    world.faults("");
    assert_eq!(world.graph.delete(&format!("/v1.0/groups/{}", names::REMOTE_WORKERS)).await.0, 204);
    let plan = world.run(&["plan", "--to", "HEAD"]);
    assert!(plan.out.contains("restore group \"Remote workers\""), "{}", plan.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_goes_also_beside_what_a_list_leaves_out() {
    let world = World::exported().await;
    assert_eq!(world.graph.delete(&format!("/v1.0/groups/{}", names::ORDER_APPROVERS)).await.0, 204);
    world.faults(&format!("omit:{}", names::REMOTE_WORKERS));
    world.run(&["export"]).ends(4);
    assert!(world.has(names::REMOTE_WORKERS) && !world.has(names::ORDER_APPROVERS));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incremental_export_asks_for_what_a_list_leaves_out() {
    let world = World::new().await;
    world.run(&["export", "--incremental"]).ok();
    world.faults(&format!("omit:{}", names::ORDERING_POLICY));
    let ran = world.run(&["export", "--incremental"]).ends(4);
    assert!(ran.err.contains("what changed was read"), "{}", ran.err);
    assert!(world.has(names::ORDERING_POLICY) && world.is_partial("conditionalAccessPolicy"));
    assert_eq!(world.graph.delete(&format!("{POLICIES}/{}", names::ORDERING_POLICY)).await.0, 204);
    world.run(&["export", "--incremental"]).ok();
    assert!(!world.has(names::ORDERING_POLICY));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_empty_is_read_again_before_it_is_believed() {
    let world = World::exported().await;
    let before = world.git(&["rev-parse", "snapshots:conditional-access/policies"]);
    let policies = ["export", "--kind", "conditionalAccessPolicy"];
    // The second reading has them all: the two disagree.
    world.faults("empty-once:conditionalAccessPolicy");
    let said = world.run(&policies).ends(4).err;
    assert!(said.contains("when it is read again"), "{said}");
    assert_eq!(world.git(&["rev-parse", "snapshots:conditional-access/policies"]), before);
    assert!(world.is_partial("conditionalAccessPolicy"));
    // Both are empty: each is asked for by id.
    world.faults("empty:conditionalAccessPolicy");
    let said = world.run(&policies).ends(4).err;
    assert!(said.contains("answers when asked for by id") && !said.contains("read again"), "{said}");
    assert_eq!(world.git(&["rev-parse", "snapshots:conditional-access/policies"]), before);
    world.faults("");
    world.run(&policies).ok();
    assert!(!world.is_partial("conditionalAccessPolicy"));
}

async fn repository(tenant: &Tenant) -> (tempfile::TempDir, Context) {
    let dir = tempfile::tempdir().unwrap();
    let id = tenant.tenant_id().await.unwrap();
    let mut context = init::init(dir.path(), &id, true, &BTreeMap::new(), &[], &Events::silent()).unwrap();
    context.settings.scope.kinds = vec!["user"];
    assert!(exported(&context, tenant).await.complete);
    assert_eq!(tenant.asked(), (1, 0));
    (dir, context)
}

async fn exported(context: &Context, tenant: &Tenant) -> Exported {
    export(context, tenant, &[], &Extra::default()).await.unwrap()
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_kept() {
    let tenant = Tenant::of(20);
    let (_dir, context) = repository(&tenant).await;
    tenant.lacks.lock().unwrap().push(id(3));
    *tenant.refuses.lock().unwrap() = true;
    let kept = exported(&context, &tenant).await;
    assert_eq!((kept.complete, kept.objects, kept.changed), (false, 20, (0, 0, 0)));
    // One is missing of twenty: the list is read once.
    assert_eq!(tenant.asked(), (1, 1));
    *tenant.refuses.lock().unwrap() = false;
    tenant.lacks.lock().unwrap().clear();
    tenant.delete(3).await;
    let gone = exported(&context, &tenant).await;
    assert_eq!((gone.complete, gone.objects, gone.changed), (true, 19, (0, 0, 1)));
}

#[tokio::test]
async fn of_many_that_are_missing_a_sample_is_asked_for_and_the_list_read_again() {
    let tenant = Tenant::of(1_200);
    let (_dir, context) = repository(&tenant).await;
    // One of the sample answers: nothing of it is believed but what was proven.
    *tenant.lacks.lock().unwrap() = (0..500).map(id).collect();
    let kept = exported(&context, &tenant).await;
    assert_eq!((kept.complete, kept.objects, kept.changed), (false, 1_200, (0, 0, 0)));
    let (lists, gets) = tenant.asked();
    assert!(lists == 2 && gets <= 200, "{lists} {gets}");
    tenant.lacks.lock().unwrap().clear();
    for number in 0..500 {
        tenant.delete(number).await;
    }
    let gone = exported(&context, &tenant).await;
    assert_eq!((gone.complete, gone.objects, gone.changed), (true, 700, (0, 0, 500)));
    let (lists, gets) = tenant.asked();
    // Gone is what is gone twice.
    assert!(lists == 2 && gets <= 400, "{lists} {gets}");
}

/// A service that was never set up in the tenant is no failure that passes: it is not asked again and again, and its kind counts as one
/// that the tenant does not have.
#[tokio::test(flavor = "multi_thread")]
async fn kind_whose_service_is_not_set_up_counts_as_unlicensed() {
    let world = World::exported().await;
    world.faults("unprovisioned:conditionalAccessPolicy");
    world.run(&["export", "--kind", "conditionalAccessPolicy"]);
    let manifest = world.git(&["show", "snapshots:manifest.yaml"]);
    assert!(manifest.contains("  conditionalAccessPolicy: denied-licence"), "{manifest}");
    assert!(world.has(names::ORDERING_POLICY));
}
