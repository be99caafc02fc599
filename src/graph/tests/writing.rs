//! Tests writes: which are repeated, which are not, and which count as done.

use super::*;
use crate::model::Write;
use crate::tenant::{Raw, TenantError, TenantWrite};

const GROUP: &str = "11111111-0000-4000-8000-000000000001";
const USER: &str = "11111111-0000-4000-8000-000000000002";

fn raw(value: Value) -> Raw {
    value.as_object().cloned().unwrap_or_default()
}

fn create(name: &str) -> Write {
    Write::Create { kind: kind(name), body: raw(json!({"displayName": "A"})) }
}

fn update(id: &str) -> Write {
    Write::Update { kind: kind("group"), id: id.into(), body: raw(json!({"displayName": "B"})) }
}

#[tokio::test]
async fn a_creation_whose_answer_was_lost_is_not_repeated() {
    for fault in 0..4 {
        let server = Server::start(move |seen, _| match seen.path.as_str() {
            "/v1.0/groups" if fault == 0 => answer(201, json!({"id": GROUP, "displayName": "A"})).cut(),
            "/v1.0/groups" if fault == 1 => error(500, "InternalServerError", ""),
            "/v1.0/groups" if fault == 2 => error(503, "ServiceUnavailable", ""),
            "/v1.0/groups" => answer(201, json!({"displayName": "no id"})),
            _ => other(seen),
        })
        .await;
        let outcome = server.client().write(&create("group")).await;
        assert!(matches!(outcome, Err(TenantError::Unknown { .. })), "{fault}: {outcome:?}");
        assert_eq!(server.to("POST", "/v1.0/groups").len(), 1, "{fault}");
    }
}

/// Checks that a removal request whose answer was lost is not sent again, since every request is a separate one: the client looks
/// whether it was received.
#[tokio::test]
async fn a_request_for_removal_whose_answer_was_lost_is_looked_after() {
    const SCHEDULE: &str = "/v1.0/roleManagement/directory/roleEligibilitySchedules/s";
    const REQUESTS: &str = "/v1.0/roleManagement/directory/roleEligibilityScheduleRequests";
    for heard in [true, false] {
        let server = Server::start(move |seen, _| match (seen.method.as_str(), seen.path.as_str()) {
            ("GET", SCHEDULE) if seen.nth == 0 || !heard => {
                answer(200, json!({"id": "s", "principalId": "u", "roleDefinitionId": "r", "directoryScopeId": "/"}))
            }
            ("POST", REQUESTS) => answer(201, json!({"id": "q"})).cut(),
            _ => other(seen),
        })
        .await;
        let removal = Write::Delete { kind: kind("roleEligibilitySchedule"), id: "s".into() };
        let outcome = server.client().write(&removal).await;
        assert_eq!(outcome.is_ok(), heard, "{outcome:?}");
        assert_eq!(server.to("POST", REQUESTS).len(), 1);
        assert_eq!(server.to("POST", REQUESTS)[0].body["action"], "adminRemove");
    }
}

/// Checks that 201 does not count as done if the status of the request says otherwise.
#[tokio::test]
async fn a_request_is_done_only_if_its_status_says_so() {
    const SCHEDULE: &str = "/v1.0/roleManagement/directory/roleEligibilitySchedules/s";
    const REQUESTS: &str = "/v1.0/roleManagement/directory/roleEligibilityScheduleRequests";
    let schedule = json!({"id": "s", "principalId": "u", "roleDefinitionId": "r", "directoryScopeId": "/"});
    let kind = kind("roleEligibilitySchedule");
    for (status, created, deleted) in [
        ("Provisioned", "done", "done"),
        ("Granted", "done", "done"),
        ("ScheduleCreated", "done", "done"),
        ("Revoked", "done", "done"),
        ("Canceled", "refused", "done"),
        ("Denied", "refused", "refused"),
        ("Failed", "refused", "refused"),
        ("PendingApproval", "waiting", "waiting"),
        ("PendingProvisioning", "waiting", "waiting"),
    ] {
        let live = schedule.clone();
        let server = Server::start(move |seen, _| match (seen.method.as_str(), seen.path.as_str()) {
            ("GET", SCHEDULE) => answer(200, live.clone()),
            ("POST", REQUESTS) => answer(201, json!({"id": "q", "status": status, "targetScheduleId": "new"})),
            _ => other(seen),
        })
        .await;
        let tenant = server.client();
        let says = |outcome: &Result<crate::model::Written, TenantError>| match outcome {
            Ok(_) => "done",
            Err(TenantError::Refused { status: 201, code, .. }) if code == status => "refused",
            Err(TenantError::Waiting { status: waits, .. }) if waits == status => "waiting",
            Err(_) => "other",
        };
        let body = raw(json!({"principalId": "u", "roleDefinitionId": "r", "directoryScopeId": "/"}));
        let made = tenant.write(&Write::Create { kind, body }).await;
        assert_eq!(says(&made), created, "{status}: {made:?}");
        let body = raw(json!({"scheduleInfo": {"expiration": {"type": "noExpiration"}}}));
        let changed = tenant.write(&Write::Update { kind, id: "s".into(), body }).await;
        assert_eq!(says(&changed), created, "{status}: {changed:?}");
        // A changed schedule has a new id.
        for written in [made, changed].into_iter().flatten() {
            assert_eq!(written.value.unwrap()["id"], "new", "{status}");
        }
        let removed = tenant.write(&Write::Delete { kind, id: "s".into() }).await;
        assert_eq!(says(&removed), deleted, "{status}: {removed:?}");
        assert_eq!(server.to("POST", REQUESTS).len(), 3, "{status}: none is sent twice");
    }
}

#[tokio::test]
async fn what_was_certainly_not_done_is_repeated() {
    let server = Server::start(|seen, _| match (seen.path.as_str(), seen.nth) {
        ("/v1.0/groups", 0) => error(429, "TooManyRequests", ""),
        ("/v1.0/groups", 1) => error(503, "ServiceUnavailable", "").with("retry-after", 0),
        ("/v1.0/groups", 2) => error(401, "InvalidAuthenticationToken", ""),
        ("/v1.0/groups", _) => answer(201, json!({"id": GROUP})),
        _ => other(seen),
    })
    .await;
    let written = server.client().write(&create("group")).await.unwrap();
    assert_eq!(written.value.unwrap()["id"], GROUP);
    assert_eq!(server.to("POST", "/v1.0/groups").len(), 4);
}

#[tokio::test]
async fn what_can_be_done_twice_is_repeated() {
    let server = Server::start(|seen, _| match (seen.method.as_str(), seen.nth) {
        ("PATCH", 0) => error(500, "InternalServerError", ""),
        ("PATCH", 1) => answer(200, json!({"id": GROUP, "more": "x"})).cut(),
        ("PATCH", _) => Answer { body: Vec::new(), ..answer(204, json!(0)) },
        _ => other(seen),
    })
    .await;
    assert!(server.client().write(&update(GROUP)).await.is_ok());

    let server = Server::start(|seen, _| match seen.method.as_str() {
        "PATCH" => error(500, "InternalServerError", ""),
        _ => other(seen),
    })
    .await;
    let tenant = server.client_with(Config { deadline: Duration::from_millis(400), ..server.config() });
    assert!(matches!(tenant.write(&update(GROUP)).await, Err(TenantError::Unknown { .. })));
}

#[tokio::test]
async fn new_objects_take_their_time() {
    let server = Server::start(|seen, _| match (seen.method.as_str(), seen.path.as_str(), seen.nth) {
        ("POST", "/v1.0/groups", _) => answer(201, json!({"id": GROUP})),
        ("PATCH", path, 0..2) if path.ends_with(GROUP) => error(404, "Request_ResourceNotFound", "not here yet"),
        ("PATCH", path, _) if path.ends_with(GROUP) => answer(200, json!({})),
        ("POST", "/v1.0/groups/old/members/$ref", 0) => {
            error(400, "Request_BadRequest", "Not a valid reference update.")
        }
        ("POST", "/v1.0/groups/old/members/$ref", _) => answer(204, json!(0)),
        _ => other(seen),
    })
    .await;
    let tenant = server.client();
    // The client did not create this object, so it takes a 404 as final.
    assert!(matches!(tenant.write(&update("old")).await, Err(TenantError::NotFound { .. })));
    assert_eq!(server.to("PATCH", "/v1.0/groups/old").len(), 1);
    tenant.write(&create("group")).await.unwrap();
    tenant.write(&update(GROUP)).await.unwrap();
    let link = Write::Link { kind: kind("group"), id: "old".into(), link: "members", value: json!(GROUP) };
    tenant.write(&link).await.unwrap();
    let seen = server.to("POST", "/v1.0/groups/old/members/$ref");
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[1].body["@odata.id"], format!("{}/v1.0/directoryObjects/{GROUP}", server.shared.url));
}

#[tokio::test]
async fn what_is_so_already_is_done() {
    let server = Server::start(|seen, _| match (seen.method.as_str(), seen.path.as_str()) {
        // Graph refuses a member that is there already: <https://github.com/hashicorp/terraform-provider-azuread/pull/283>
        ("POST", "/v1.0/groups/g/members/$ref") => error(
            400,
            "Request_BadRequest",
            "One or more added object references already exist for the following modified properties: 'members'.",
        ),
        ("GET", "/v1.0/users/restored") => answer(200, json!({"id": "restored"})),
        _ => other(seen),
    })
    .await;
    let tenant = server.client();
    let (group, user) = (kind("group"), kind("user"));
    for write in [
        Write::Link { kind: group, id: "g".into(), link: "members", value: json!(USER) },
        Write::Unlink { kind: group, id: "g".into(), link: "members", child: USER.into() },
        Write::Delete { kind: group, id: "g".into() },
        Write::Restore { kind: user, id: "restored".into() },
    ] {
        assert!(tenant.write(&write).await.is_ok(), "{write:?}");
    }
    let gone = Write::Restore { kind: user, id: "gone".into() };
    assert!(matches!(tenant.write(&gone).await, Err(TenantError::NotFound { .. })));
}

#[tokio::test]
async fn users_get_a_password_that_nobody_sees() {
    let server = Server::start(|seen, _| match seen.path.as_str() {
        "/v1.0/users" if seen.nth == 0 => answer(201, json!({"id": USER})),
        "/v1.0/users" => error(400, "Request_BadRequest", "refused"),
        _ => other(seen),
    })
    .await;
    let tenant = server.client();
    let made = tenant.write(&create("user")).await.unwrap();
    let refused = tenant.write(&create("user")).await.unwrap_err();
    let seen = server.to("POST", "/v1.0/users");
    for sent in &seen {
        let profile = &sent.body["passwordProfile"];
        let word = profile["password"].as_str().unwrap();
        assert!(word.len() >= 24 && profile["forceChangePasswordNextSignIn"] == true);
        assert!(!format!("{made:?} {refused:?} {:?}", server.events.lock().unwrap()).contains(word));
    }
    assert_ne!(seen[0].body["passwordProfile"], seen[1].body["passwordProfile"]);
}

/// Checks that a 404 about the path is no proof that the object is gone: beta takes the deletion.
#[tokio::test]
async fn a_deletion_whose_path_is_invalid_is_sent_to_beta() {
    for status in [204, 404] {
        let server = Server::start(move |seen, _| match (seen.method.as_str(), seen.path.as_str()) {
            ("DELETE", "/v1.0/directory/administrativeUnits/u") => {
                answer(404, json!({"Message": "The OData path is invalid."}))
            }
            ("DELETE", "/beta/directory/administrativeUnits/u") if status == 204 => answer(204, Value::Null),
            ("DELETE", _) => answer(404, json!({"Message": "The OData path is invalid."})),
            _ => other(seen),
        })
        .await;
        let deletion = Write::Delete { kind: kind("administrativeUnit"), id: "u".into() };
        let outcome = server.client().write(&deletion).await;
        assert_eq!(outcome.is_ok(), status == 204, "{outcome:?}");
        assert_eq!(server.to("DELETE", "/beta/directory/administrativeUnits/u").len(), 1);
    }
}
