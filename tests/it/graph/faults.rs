//! Recovery over HTTP from a tenant whose replicas lag, whose answers get lost and whose limits are Microsoft's.

use entragit::emulator::{Counts, Options, Seed, contoso::names};
use entragit::kinds;
use entragit::model::Write;
use entragit::ops::apply::{Verification, apply, prepare};
use entragit::ops::plan::plan;
use entragit::tenant::TenantWrite;
use serde_json::Value;

use crate::support::in_process::World;

/// So many in the gate; `ENTRAGIT_LAWS` sets how many.
fn seeds(gate: u64) -> std::ops::Range<u64> {
    0..std::env::var("ENTRAGIT_LAWS").ok().and_then(|text| text.parse().ok()).unwrap_or(gate)
}

const WIPED: [&str; 4] = ["conditionalAccessPolicy", "namedLocation", "group", "authenticationStrengthPolicy"];

/// Groups, policies and what they name are purged; half of the POSTs lose their answers; replicas lag by up to a minute.
#[tokio::test(start_paused = true)]
async fn a_purged_tenant_comes_back_once_over_lagging_replicas_and_lost_answers() {
    for seed in seeds(2) {
        let world = World::new().await;
        let before = world.inventory().await;
        world.wipe(&WIPED, true).await;
        world.faults(&format!("lag:60,lose:0.5,seed:{seed}"));
        let ready = prepare(&world.context, &world.tenant, &world.aim()).await.unwrap();
        let applied = apply(&world.context, &world.tenant, &ready).await.unwrap();
        let Counts { lost, .. } = world.graph.tenant.counts();
        assert!(lost > 5, "{lost}");
        assert_eq!(applied.outcome.failed, []);
        assert_eq!(applied.outcome.uncertain, []);
        assert_eq!(applied.outcome.done, ready.plan.steps.len());
        assert_eq!((applied.verification.pending.len(), applied.verification.not_converged.len()), (0, 0));
        assert!(applied.converged, "{:?} {:?}", applied.unmet, applied.remaining.steps);
        // Everything is known everywhere.
        world.faults("");
        assert_eq!(world.inventory().await, before, "seed {seed}");
        let second = plan(&world.context, &world.tenant, &world.aim()).await.unwrap();
        assert_eq!(second.plan.steps, []);
        assert_eq!(world.git(&["rev-parse", "main"]), world.git(&["rev-parse", "snapshots"]));
        world.graph.tenant.stop().await.unwrap();
    }
}

/// Replicas lag for longer than anybody waits: nothing is lost, nothing is created again, and it is said which is which.
#[tokio::test(start_paused = true)]
async fn what_lags_for_too_long_is_pending_and_not_done_again() {
    let world = World::new().await;
    let before = world.inventory().await;
    world.wipe(&["conditionalAccessPolicy"], true).await;
    world.faults("lag:100000,seed:3");
    let applied = world.apply().await.unwrap();
    let Verification { converged, pending, not_converged } = &applied.verification;
    assert_eq!((applied.outcome.failed.len(), applied.verified, not_converged.len()), (0, false, 0));
    assert_eq!(converged + pending.len(), before.keys().filter(|(kind, _)| *kind == "conditionalAccessPolicy").count());
    assert!(!pending.is_empty() && pending.iter().all(|object| object.reason == "still reads as before the write"));
    // As long as it lasts, what is asked again is refused rather than made twice.
    let error = world.apply().await.unwrap_err().to_string();
    assert!(error.ends_with("the tenant does not show it yet; nothing was written, try again later"), "{error}");
    world.faults("");
    assert!(world.apply().await.unwrap().converged);
    assert_eq!(world.inventory().await, before);
    world.graph.tenant.stop().await.unwrap();
}

/// Microsoft's limits, on a clock that nobody waits for: what is refused waits, and nothing is lost by it.
#[tokio::test(start_paused = true)]
async fn a_recovery_under_microsofts_limits_takes_as_long_as_they_say() {
    let wiped = ["conditionalAccessPolicy", "namedLocation", "group"];
    let looked_after = ["user", "servicePrincipal", "authenticationStrengthPolicy"];
    let only: Vec<&str> = wiped.into_iter().chain(looked_after).collect();
    let world = World::of(Options { seed: Seed::Contoso, ..Options::default() }, &only).await;
    let before = world.inventory().await;
    world.wipe(&wiped, true).await;
    let ready = prepare(&world.context, &world.tenant, &world.aim()).await.unwrap();
    world.faults("limits,drained,latency:200");
    let start = tokio::time::Instant::now();
    let applied = apply(&world.context, &world.tenant, &ready).await.unwrap();
    let took = start.elapsed().as_secs_f64();
    let Counts { writes, throttled, .. } = world.graph.tenant.counts();
    println!("{} steps, {writes} writes, {throttled} throttled, {took:.0} s", applied.outcome.done);
    assert!(applied.converged, "{:?} {:?}", applied.unmet, applied.outcome.failed);
    // 20 writes a second in all, and one request a second for Conditional Access.
    assert!(took < 150.0, "{took}");
    world.faults("");
    assert_eq!(world.inventory().await, before);
    world.graph.tenant.stop().await.unwrap();
}

/// Killed at a write, over lagging replicas, with answers lost and requests that never arrive; then run again until it is
/// verified.
#[tokio::test(start_paused = true)]
async fn a_run_that_was_killed_over_lagging_replicas_is_taken_up() {
    for seed in seeds(1) {
        let world = World::new().await;
        let before = world.inventory().await;
        world.wipe(&WIPED, true).await;
        let weather = format!("lag:60,lose:0.3,drop:0.01,seed:{seed}");
        let (write, way) = (5 + 97 * seed % 500, if seed % 2 == 0 { "after" } else { "before" });
        world.faults(&format!("{weather},hang-{way}:{write}"));
        tokio::select! {
            biased;
            () = world.graph.tenant.hung() => {}
            applied = world.apply() => panic!("seed {seed}: it ended: {:?}", applied.map(|applied| applied.verified)),
        }
        world.faults(&weather);
        let mut rounds = 0;
        while !world.apply().await.unwrap().converged {
            rounds += 1;
            assert!(rounds < 6, "seed {seed}: it never ends");
        }
        world.faults("");
        assert_eq!(world.inventory().await, before, "seed {seed}");
        let second = plan(&world.context, &world.tenant, &world.aim()).await.unwrap();
        assert_eq!(second.plan.steps, [], "seed {seed}");
        println!("seed {seed}: killed {way} write {write}, verified in run {}", rounds + 2);
        world.graph.tenant.stop().await.unwrap();
    }
}

/// A property reads old for as long as anybody waits. It is written again only if it is asked again, and nothing hangs.
#[tokio::test(start_paused = true)]
async fn an_update_that_reads_old_is_pending_and_can_be_asked_again() {
    let world = World::new().await;
    let kind = kinds::by_name("group").unwrap();
    let body = |text: &str| serde_json::Map::from_iter([("description".to_owned(), Value::from(text))]);
    let update = |text| Write::Update { kind, id: names::REMOTE_WORKERS.to_owned(), body: body(text) };
    world.tenant.write(&update("Wrong")).await.unwrap();
    let mut pending = 0;
    for seed in 0..4 {
        world.faults(&format!("lag:100000,seed:{seed}"));
        let applied = world.apply().await.unwrap();
        assert_eq!(applied.verification.not_converged, [], "seed {seed}");
        pending += applied.verification.pending.len();
        world.faults("");
        // Somebody else meanwhile.
        world.tenant.write(&update("Wrong again")).await.unwrap();
    }
    assert!(pending > 0);
    let applied = world.apply().await.unwrap();
    assert!(applied.converged, "{:?} {:?} {:?}", applied.unmet, applied.outcome, applied.remaining.steps);
    let second = plan(&world.context, &world.tenant, &world.aim()).await.unwrap();
    assert_eq!(second.plan.steps, []);
    world.graph.tenant.stop().await.unwrap();
}
