//! Privileged Identity Management as it was measured: requests that are answered and not carried out, ids that change, settings
//! that bind administrators.

use entragit::emulator::{Options, Seed, contoso::names};
use entragit::kinds;
use entragit::model::Write;
use entragit::ops::snapshot::export::{Extra, export};
use entragit::tenant::TenantWrite;
use serde_json::{Map, Value, json};

use crate::support::command_line;
use crate::support::graph::{code, text};
use crate::support::in_process::World;

const REQUESTS: &str = "/v1.0/roleManagement/directory/roleEligibilityScheduleRequests";
const CONDITIONAL_ACCESS: &str = "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9";

/// A world in which only schedules and settings of roles are looked after.
async fn world() -> World {
    let only = ["roleEligibilitySchedule", "roleManagementPolicy"];
    World::of(Options { seed: Seed::Contoso, ..Options::default() }, &only).await
}

/// The schedule that makes the administrator eligible for good.
async fn schedule(world: &World) -> Option<Map<String, Value>> {
    let all = world.list("roleEligibilitySchedule").await.into_iter().map(|raw| raw.value);
    all.into_iter().find(|one| one["principalId"] == names::ADMINISTRATOR_ID)
}

async fn remove(world: &World) {
    let kind = kinds::by_name("roleEligibilitySchedule").unwrap();
    let id = text(&schedule(world).await.expect("a schedule")["id"]);
    world.tenant.write(&Write::Delete { kind, id }).await.unwrap();
    assert!(schedule(world).await.is_none());
}

fn request(action: &str, expiration: Value) -> Value {
    json!({"action": action, "principalId": names::ADMINISTRATOR_ID, "roleDefinitionId": CONDITIONAL_ACCESS,
        "directoryScopeId": "/", "justification": "test",
        "scheduleInfo": {"startDateTime": "2024-02-05T09:14:31.517Z", "expiration": expiration}})
}

/// Changes a rule of the role's settings.
async fn rule(world: &World, sort: &str, id: &str, mut body: Value) -> (u16, Value) {
    body["@odata.type"] = format!("#microsoft.graph.unifiedRoleManagementPolicy{sort}Rule").into();
    let path = format!("/v1.0/policies/roleManagementPolicies/{}/rules/{id}", names::ADMINISTRATOR_SETTINGS);
    world.graph.patch(&path, body).await
}

async fn permanent(world: &World, allowed: bool) {
    let body = json!({"isExpirationRequired": !allowed, "maximumDuration": "P365D"});
    assert_eq!(rule(world, "Expiration", "Expiration_Admin_Eligibility", body).await.0, 204);
}

async fn take_snapshot(world: &World) {
    assert!(export(&world.context, &world.tenant, &[], &Extra::default()).await.unwrap().complete);
}

/// 201 is no promise (W179): what the status says counts.
#[tokio::test(start_paused = true)]
async fn a_request_that_is_not_carried_out_is_not_called_done() {
    let world = world().await;
    remove(&world).await;
    for status in ["Failed", "Denied", "Canceled"] {
        world.faults(&format!("requests:{status}"));
        let applied = world.apply().await.unwrap();
        let reasons: Vec<&str> = applied.outcome.failed.iter().map(|(_, why)| why.as_str()).collect();
        assert!(reasons.len() == 1 && reasons[0].contains(&format!("(201 {status})")), "{reasons:?}");
        assert!(!applied.verified && !applied.converged);
    }
    world.faults("requests:PendingApproval");
    let applied = world.apply().await.unwrap();
    let reasons: Vec<&str> = applied.outcome.uncertain.iter().map(|(_, why)| why.as_str()).collect();
    assert!(reasons.len() == 1 && reasons[0].contains("is waiting (PendingApproval)"), "{reasons:?}");
    assert!(!applied.verified && applied.outcome.failed.is_empty());
    assert!(schedule(&world).await.is_none());
    // It waits for the service alone, and shows soon.
    world.faults("requests:PendingProvisioning");
    let applied = world.apply().await.unwrap();
    assert!(applied.verified, "{:?} {:?}", applied.unmet, applied.outcome);
    assert!(schedule(&world).await.is_some());
    world.graph.tenant.stop().await.unwrap();
}

/// A permanent assignment is refused while the settings forbid it (W182): what loosens comes first, what tightens last.
#[tokio::test(start_paused = true)]
async fn settings_that_bind_schedules_are_loosened_before_and_tightened_after_them() {
    let world = world().await;
    permanent(&world, false).await;
    remove(&world).await;
    let refused = world.graph.post(REQUESTS, request("adminAssign", json!({"type": "noExpiration"}))).await;
    assert_eq!(code(&refused), (400, "RoleAssignmentRequestPolicyValidationFailed".to_owned()));
    assert!(refused.1["error"]["message"].as_str().unwrap().contains("ExpirationRule"), "{refused:?}");
    let long = json!({"type": "afterDuration", "duration": "P400D"});
    assert_eq!(world.graph.post(REQUESTS, request("adminAssign", long)).await.0, 400);
    let applied = world.apply().await.unwrap();
    assert!(applied.verified, "{:?} {:?}", applied.unmet, applied.outcome);

    // What there is stays when the settings get stricter, and comes back before they do.
    permanent(&world, false).await;
    take_snapshot(&world).await;
    permanent(&world, true).await;
    remove(&world).await;
    let applied = world.apply().await.unwrap();
    assert!(applied.verified, "{:?} {:?}", applied.unmet, applied.outcome);
    world.graph.tenant.stop().await.unwrap();
}

/// An authentication context and multifactor authentication exclude each other (W177), whichever is wanted.
#[tokio::test(start_paused = true)]
async fn rules_that_contradict_each_other_are_exchanged_in_order() {
    let world = world().await;
    let context = |on: bool| json!({"isEnabled": on, "claimValue": "c1"});
    let (sort, id) = ("AuthenticationContext", "AuthenticationContext_EndUser_Assignment");
    let refused = rule(&world, sort, id, context(true)).await;
    assert_eq!(code(&refused), (400, "MfaAndAcrsConflict".to_owned()));
    let demands = |names: &[&str]| json!({"enabledRules": names});
    let enablement = "Enablement_EndUser_Assignment";
    assert_eq!(rule(&world, "Enablement", enablement, demands(&["Justification"])).await.0, 204);
    assert_eq!(rule(&world, sort, id, context(true)).await.0, 204);
    let with_mfa = world.git(&["rev-parse", "main"]);
    let applied = world.apply().await.unwrap();
    assert!(applied.verified, "{:?} {:?}", applied.unmet, applied.outcome);
    assert_eq!(world.git(&["rev-parse", "main^{tree}"]), world.git(&["rev-parse", &format!("{with_mfa}^{{tree}}")]));

    assert_eq!(rule(&world, "Enablement", enablement, demands(&["Justification"])).await.0, 204);
    assert_eq!(rule(&world, sort, id, context(true)).await.0, 204);
    take_snapshot(&world).await;
    assert_eq!(rule(&world, sort, id, context(false)).await.0, 204);
    let both = demands(&["Justification", "MultiFactorAuthentication"]);
    assert_eq!(rule(&world, "Enablement", enablement, both).await.0, 204);
    let applied = world.apply().await.unwrap();
    assert!(applied.verified, "{:?} {:?}", applied.unmet, applied.outcome);
    world.graph.tenant.stop().await.unwrap();
}

/// A change makes a new schedule with a new id (W180): the id is learned, and files with the old one still mean it.
#[tokio::test(flavor = "multi_thread")]
async fn the_new_id_of_a_changed_schedule_is_learned() {
    let world = command_line::World::new().await;
    world.run(&["export"]).ok();
    let first = world.git(&["rev-parse", "snapshots"]);
    let list = "/v1.0/roleManagement/directory/roleEligibilitySchedules";
    let live = async || {
        let all = world.graph.pages(list).await;
        let mut own = all.into_iter().filter(|one| one["principalId"] == names::ADMINISTRATOR_ID);
        let one = own.next().expect("a schedule");
        assert_eq!(own.next(), None);
        one
    };
    let before = live().await;
    let pattern = format!("^principalId: {}", names::ADMINISTRATOR_ID);
    let path = world.git(&["grep", "-l", &pattern, "--", "roles/eligibility-schedules"]);
    let file = std::fs::read_to_string(world.path().join(&path)).unwrap();
    world.write(
        &path,
        &file.replace("type: noExpiration", "endDateTime: '2031-01-31T00:00:00Z'\n    type: afterDateTime"),
    );
    world.commit("Until 2031");
    let ran = world.run(&["apply", "--to", "HEAD", "--yes"]).ok();
    assert!(ran.err.contains("verified"), "{}", ran.err);
    let after = live().await;
    assert_ne!(after["id"], before["id"]);
    assert_eq!(after["scheduleInfo"]["expiration"]["type"], "afterDateTime");
    world.run(&["plan", "--to", "HEAD"]).ok();
    // Back again, to a commit that has the first id.
    let ran = world.run(&["apply", "--to", &first, "--yes"]).ok();
    assert!(ran.err.contains("verified"), "{}", ran.err);
    assert_eq!(live().await["scheduleInfo"]["expiration"]["type"], "noExpiration");

    // A person's change in the portal gives it another id as well.
    let end = json!({"type": "afterDateTime", "endDateTime": "2032-01-31T00:00:00Z"});
    assert_eq!(world.graph.post(REQUESTS, request("adminUpdate", end)).await.0, 201);
    let again = world.graph.post(REQUESTS, request("adminAssign", json!({"type": "noExpiration"}))).await;
    assert_eq!(code(&again), (400, "RoleAssignmentExists".to_owned()));
    world.run(&["export"]).ok();
    let plan = world.run(&["plan", "--to", &first]);
    assert!(plan.err.contains("give --adopt"), "{}{}", plan.err, plan.out);
    let accept = ["--accept", "escalation"];
    let ran = world.run(&[&["apply", "--to", &first, "--adopt", "--yes"], &accept[..]].concat()).ok();
    assert!(ran.err.contains("verified"), "{}", ran.err);
    assert_eq!(live().await["scheduleInfo"]["expiration"]["type"], "noExpiration");
}
