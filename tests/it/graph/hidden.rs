//! What Graph leaves out of plain reads is in the files all the same, and comes back.

use std::sync::{Arc, Mutex};

use entragit::emulator::{Options, Seed, contoso::names};
use entragit::engine::normalize::normalize;
use entragit::kinds;
use entragit::model::{Event, Events};
use entragit::ops::plan::plan;
use entragit::ops::snapshot::export::{Extra, export};
use serde_json::{Value, json};

use crate::support::graph::{policy, reference};
use crate::support::in_process::{World, company, snapshot};

/// Applies `main`, which has to be reached, and asks for nothing more afterwards.
async fn recover(world: &World) {
    let applied = world.apply().await.unwrap();
    assert!(applied.verified, "{:?} {:?}", applied.unmet, applied.outcome.failed);
    let again = plan(&world.context, &world.tenant, &world.aim()).await.unwrap();
    assert!(again.plan.steps.is_empty(), "{:#?}", again.plan.steps);
}

#[tokio::test(start_paused = true)]
async fn group_gets_its_service_principals_back() {
    let world = company(&["user", "group", "application", "servicePrincipal"]).await;
    let principals = world.list("servicePrincipal").await;
    let of_type = |name: &str| {
        let found = principals.iter().find(|principal| principal.value["servicePrincipalType"] == name);
        found.unwrap().value["id"].as_str().unwrap().to_owned()
    };
    let robots = [of_type("Application"), of_type("ManagedIdentity")];
    let group = world.graph.group("Robots").await;
    for (link, robot) in [("members", &robots[0]), ("members", &robots[1]), ("owners", &robots[0])] {
        let path = format!("/v1.0/groups/{group}/{link}/$ref");
        assert_eq!(world.graph.post(&path, reference(robot)).await.0, 204);
    }
    snapshot(&world).await;
    let file = world.git(&["grep", "-h", "-e", &robots[0], "-e", &robots[1], "snapshots", "--", "groups/*robots*"]);
    assert_eq!(file.lines().count(), 3, "{file}");

    assert_eq!(world.graph.delete(&format!("/v1.0/groups/{group}")).await.0, 204);
    assert_eq!(world.graph.delete(&format!("/v1.0/directory/deletedItems/{group}")).await.0, 204);
    recover(&world).await;
    let groups = world.list("group").await;
    let back = groups.iter().find(|group| group.value["displayName"] == "Robots").unwrap();
    let ids = |link: &str| {
        let mut ids: Vec<&str> =
            back.value[link].as_array().unwrap().iter().filter_map(|target| target["id"].as_str()).collect();
        ids.sort_unstable();
        json!(ids)
    };
    let mut members = robots.clone();
    members.sort_unstable();
    assert_eq!((ids("members"), ids("owners")), (json!(members), json!([robots[0]])));
}

#[tokio::test(start_paused = true)]
async fn first_export_counts_large_kinds_and_warns_where_it_cannot() {
    let mut world = World::empty(Options { seed: Seed::Random(1_500), ..Options::default() }).await;
    world.context.settings.scope.kinds = vec!["user", "group"];
    let warnings = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&warnings);
    world.context.events = Events::new(move |event| {
        if let Event::Warning(message) = event {
            heard.lock().unwrap().push(message);
        }
    });
    world.faults("denied:group");
    let _ = export(&world.context, &world.tenant, &[], &Extra::default()).await.unwrap();
    let layout = world.git(&["grep", "-A1", "layout", "snapshots", "--", "manifest.yaml"]);
    assert!(layout.contains("user: \"256\""), "{layout}");
    let warnings = warnings.lock().unwrap();
    let about_groups = warnings.iter().any(|warning| warning.starts_with("groups could not be counted"));
    assert!(about_groups && !warnings.iter().any(|warning| warning.starts_with("users")), "{warnings:?}");
}

/// <https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html>, sections 4.6 and 16
#[test]
fn control_information_is_kept_at_no_depth() {
    let policy = kinds::by_name("conditionalAccessPolicy").unwrap();
    let action = json!({"title": "microsoft.graph.restore", "target": "https://graph.microsoft.com/beta/x"});
    let mut raw = json!({
        "id": "p", "displayName": "P", "state": "disabled", "#microsoft.graph.restore": action, "x@odata.type": "#Int64",
        "conditions": {"#ns.act": action, "clientAppTypes@odata.count": 1, "clientAppTypes": ["all"],
            "applications": {"globalSecureAccess": {"#ns.act": action, "a@b": 1, "kept": {"#ns.act": action, "kept": 1}}},
            "new": {"#ns.act": action, "kept": [{"#ns.act": action, "@odata.type": "#x", "kept": 1}]}},
        "grantControls": {"authenticationStrength": {"id": "s", "#microsoft.graph.usage": action}},
    });
    let plain = normalize(policy, raw.as_object().unwrap().clone());
    assert_eq!(plain.unknown, ["conditions.new"]);
    assert_eq!(
        Value::Object(plain.object.0),
        json!({
            "id": "p", "displayName": "P", "state": "disabled",
            "conditions": {"clientAppTypes": ["all"], "applications": {"globalSecureAccess": {"kept": {"kept": 1}}},
                "new": {"kept": [{"kept": 1}]}},
            "grantControls": {"authenticationStrength": {"id": "s"}},
        })
    );
    raw.as_object_mut().unwrap().retain(|name, _| name.contains(['@', '#']));
    assert!(normalize(policy, raw.as_object().unwrap().clone()).object.0.is_empty());
}

#[tokio::test(start_paused = true)]
async fn advertised_actions_reach_no_file() {
    let world = World::new().await;
    let shown = world.graph.pages("/beta/identity/conditionalAccess/policies").await;
    assert!(shown.iter().all(|policy| policy.get("#microsoft.graph.restore").is_some()));
    assert_eq!(world.git(&["grep", "-l", "-e", "#microsoft.graph.*:", "-e", "odata.context", "snapshots"]), "");
}

#[tokio::test(start_paused = true)]
async fn policies_with_preview_features_come_back() {
    let world = company(&["user", "group", "servicePrincipal", "namedLocation", "conditionalAccessPolicy"]).await;
    const POLICIES: &str = "/beta/identity/conditionalAccess/policies";
    let previews = [
        ("Agents at risk", json!({"agentIdRiskLevels": "high"}), Value::Null),
        ("Strict", json!({}), json!({"continuousAccessEvaluation": {"mode": "strictLocation"}})),
        ("Compliant", json!({"devices": {"includeDevices": ["All"], "excludeDevices": ["Compliant"]}}), Value::Null),
    ];
    let mut made = Vec::new();
    for (name, conditions, session) in previews {
        let mut body = policy(name);
        body["conditions"].as_object_mut().unwrap().extend(conditions.as_object().unwrap().clone());
        if !session.is_null() {
            body["sessionControls"] = session;
        }
        made.push(world.graph.made(POLICIES, body).await);
    }
    snapshot(&world).await;
    let id = |at: usize| made[at]["id"].as_str().unwrap();
    // One is purged, one loses its preview feature, of one something else changes.
    assert_eq!(world.graph.delete(&format!("{POLICIES}/{}", id(0))).await.0, 204);
    let bin = "/v1.0/identity/conditionalAccess/deletedItems/policies";
    assert_eq!(world.graph.delete(&format!("{bin}/{}", id(0))).await.0, 204);
    let off = json!({"sessionControls": {"continuousAccessEvaluation": null}});
    assert_eq!(world.graph.patch(&format!("{POLICIES}/{}", id(1)), off).await.0, 204);
    let other = json!({"conditions": {"users": {"includeUsers": ["None"]}}});
    assert_eq!(world.graph.patch(&format!("{POLICIES}/{}", id(2)), other).await.0, 204);
    recover(&world).await;
    let now = world.graph.pages(POLICIES).await;
    let plain = |object: &Value| {
        normalize(kinds::by_name("conditionalAccessPolicy").unwrap(), object.as_object().unwrap().clone())
    };
    for before in &made {
        let after = now.iter().find(|policy| policy["displayName"] == before["displayName"]).unwrap();
        for part in ["state", "conditions", "grantControls", "sessionControls"] {
            assert_eq!(plain(before).object.get(part), plain(after).object.get(part), "{}", before["displayName"]);
        }
    }
}

/// <https://learn.microsoft.com/entra/id-governance/privileged-identity-management/groups-discover-groups>
#[tokio::test(start_paused = true)]
async fn eligibility_for_an_ordinary_group_comes_back() {
    let world = company(&["user", "group", "groupEligibilitySchedule", "groupAssignmentSchedule"]).await;
    let group = world.graph.group("Ordinary").await;
    let user = world.graph.user("ada").await;
    let path = "/v1.0/identityGovernance/privilegedAccess/group/eligibilityScheduleRequests";
    let request = |action: &str| {
        let expiration = json!({"type": "noExpiration"});
        json!({"action": action, "accessId": "member", "groupId": group, "principalId": user, "justification": "test",
            "scheduleInfo": {"startDateTime": "2026-01-01T00:00:00Z", "expiration": expiration}})
    };
    assert_eq!(world.graph.post(path, request("adminAssign")).await.0, 201);
    snapshot(&world).await;
    let found = world.git(&["grep", "-l", &group, "snapshots", "--", "groups-privileged/eligibility-schedules"]);
    assert_eq!(found.lines().count(), 1, "{found}");
    assert_eq!(world.graph.post(path, request("adminRemove")).await.0, 201);
    recover(&world).await;
    let schedules = world.list("groupEligibilitySchedule").await;
    assert_eq!(schedules.iter().filter(|schedule| schedule.value["groupId"] == group.as_str()).count(), 1);
}

/// Whoever may not see hidden members is not told that there are none:
/// <https://learn.microsoft.com/graph/api/group-list-members>
#[tokio::test(start_paused = true)]
async fn hidden_members_are_unread_without_the_permission() {
    for sees in [true, false] {
        let mut roles = vec!["Directory.ReadWrite.All", "GroupMember.ReadWrite.All", "AuditLog.Read.All"];
        roles.extend(sees.then_some("Member.Read.Hidden"));
        let roles = Some(roles.into_iter().map(str::to_owned).collect());
        let mut world = World::empty(Options { seed: Seed::Contoso, roles, ..Options::default() }).await;
        world.context.settings.scope.kinds = vec!["group"];
        let group = json!({"displayName": "Works council", "mailEnabled": true, "mailNickname": "council",
            "securityEnabled": false, "groupTypes": ["Unified"], "visibility": "HiddenMembership"});
        let group = world.graph.made("/v1.0/groups", group).await["id"].as_str().unwrap().to_owned();
        let path = format!("/v1.0/groups/{group}/members/$ref");
        assert_eq!(world.graph.post(&path, reference(names::ADMINISTRATOR_ID)).await.0, 204);
        let exported = export(&world.context, &world.tenant, &[], &Extra::default()).await.unwrap();
        assert_eq!(exported.complete, sees);
        let manifest = world.git(&["show", "snapshots:manifest.yaml"]);
        let members = manifest.lines().find(|line| line.trim_start().starts_with("group.members:")).unwrap_or_default();
        assert_eq!(members.trim().ends_with("partial"), !sees, "{manifest}");
    }
}
