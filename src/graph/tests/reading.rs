//! Tests lists, batches and links.

use super::*;
use crate::model::Coverage;

fn ok(items: Value) -> Value {
    json!({"status": 200, "headers": {}, "body": {"value": items}})
}

fn refusal(status: u16, code: &str) -> Value {
    json!({"status": status, "headers": {}, "body": {"error": {"code": code, "message": "no"}}})
}

#[tokio::test]
async fn pages_batches_and_links_come_together() {
    let server = Server::start(|seen, url| match (seen.path.as_str(), seen.query.contains("skiptoken")) {
        ("/v1.0/groups", false) => {
            let groups: Vec<Value> = (0..30).map(|n| json!({"id": format!("g{n}"), "groupTypes": []})).collect();
            page(json!(groups), Some(&format!("{url}/v1.0/groups?$skiptoken=2")))
        }
        ("/v1.0/groups", true) if seen.query.ends_with("=2") => {
            page(json!([]), Some(&format!("{url}/v1.0/groups?$skiptoken=3")))
        }
        ("/v1.0/groups", true) => page(
            // One group was on the first page already, and the members of the other are computed by a rule.
            json!([{"id": "g0", "groupTypes": []}, {"id": "dynamic", "groupTypes": ["DynamicMembership"]}]),
            None,
        ),
        ("/beta/groups/g7/members", _) => page(json!([{"id": "m2"}, {"id": "m1"}]), None),
        ("/beta/$batch", _) => batch(seen, |path| match path {
            "/groups/g7/members?$select=id&$top=999" => json!({"status": 200, "body": {
                "value": [{"@odata.type": "#microsoft.graph.user", "id": "m1"}],
                "@odata.nextLink": format!("{url}/beta/groups/g7/members?$skiptoken=x")}}),
            _ if path.contains("/members") => ok(json!([{"id": "m0"}])),
            _ => ok(json!([])),
        }),
        _ => other(seen),
    })
    .await;
    let (listing, objects) = list(&server.client(), "group").await;
    assert_eq!((listing.coverage, listing.note), (Coverage::Complete, None));
    assert_eq!(listing.links.link("group", "members"), Coverage::Complete);
    assert_eq!(objects.len(), 31);
    assert_eq!(objects[7].value["members"], json!([{"id": "m1"}, {"id": "m2"}]));
    assert_eq!(objects[8].value["members"], json!([{"id": "m0"}]));
    assert_eq!(objects[8].value["owners"], json!([]));
    assert!(!objects[30].value.contains_key("members") && objects[30].missing.is_empty());
    assert!(objects[30].value.contains_key("owners"));
    let batches = server.to("POST", "/beta/$batch");
    assert!(batches.iter().all(|seen| seen.body["requests"].as_array().unwrap().len() <= 20));
    // The batches hold 30 groups with two links each, then one group with one link.
    assert_eq!(batches.len(), 4);
    assert!(server.to("GET", "/v1.0/groups")[0].query.contains("$top=999"));
}

#[tokio::test]
async fn inner_answers_count_alone() {
    let tries = Mutex::new(std::collections::HashMap::<String, usize>::new());
    let server = Server::start(move |seen, _| match seen.path.as_str() {
        "/v1.0/groups" => page(json!([{"id": "a"}, {"id": "b"}, {"id": "c"}, {"id": "d"}, {"id": "e"}]), None),
        // The group itself is still there: only its members are missing on this replica.
        "/v1.0/groups/d" => answer(200, json!({"id": "d"})),
        "/beta/groups/d/members" => page(json!([{"id": "late"}]), None),
        "/beta/$batch" => batch(seen, |path| {
            let mut tries = tries.lock().unwrap();
            let before = tries.entry(path.to_owned()).or_default();
            *before += 1;
            match (path.split('?').next().unwrap(), *before) {
                ("/groups/a/members", 1) => json!({"status": 429, "headers": {"Retry-After": "1"}, "body": {"error": {"code": "TooManyRequests", "message": ""}}}),
                ("/groups/b/members", 1) => json!({"status": 0}),
                ("/groups/c/members", 1) => refusal(503, "ServiceUnavailable"),
                ("/groups/d/members", _) | ("/groups/e/members" | "/groups/e/owners", _) => refusal(404, "Request_ResourceNotFound"),
                _ => ok(json!([{"id": "m"}])),
            }
        }),
        _ => other(seen),
    })
    .await;
    let (listing, objects) = list(&server.client(), "group").await;
    assert_eq!((listing.coverage, &listing.note), (Coverage::Complete, &None));
    // The group `e` was deleted after it had been listed.
    assert_eq!(names(&objects), ["a", "b", "c", "d"]);
    assert_eq!(objects[0].value["members"], json!([{"id": "m"}]));
    assert_eq!(objects[3].value["members"], json!([{"id": "late"}]));
    let batches = server.to("POST", "/beta/$batch");
    assert_eq!(batches.len(), 2);
    assert_eq!(batches[1].body["requests"].as_array().unwrap().len(), 3, "only what was not answered well");
    assert!(server.waits().iter().any(|seconds| *seconds >= 1.0));
}

#[tokio::test]
async fn what_may_not_be_read_is_missing_not_empty() {
    let server = Server::start(|seen, _| match seen.path.as_str() {
        "/v1.0/groups" => page(json!([{"id": "a"}, {"id": "b"}]), None),
        "/v1.0/users" => {
            error(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
        }
        "/beta/identity/conditionalAccess/policies" => error(403, "AadPremiumLicenseRequired", "licence"),
        "/beta/$batch" => batch(seen, |path| match path {
            _ if path.contains("/members") => refusal(403, "Authorization_RequestDenied"),
            _ if path.starts_with("/groups/b/owners") => refusal(403, "Authorization_RequestDenied"),
            _ => ok(json!([])),
        }),
        _ => other(seen),
    })
    .await;
    let tenant = server.client();
    let (listing, objects) = list(&tenant, "group").await;
    assert_eq!(listing.coverage, Coverage::Complete);
    assert_eq!(listing.links.link("group", "members"), Coverage::DeniedPermission);
    assert_eq!(listing.links.link("group", "owners"), Coverage::Partial);
    assert!(listing.note.as_deref().unwrap_or_default().contains("grant one of: GroupMember.Read.All"), "{listing:?}");
    assert_eq!(objects[0].missing, [("members", Coverage::DeniedPermission)]);
    assert!(!objects[0].value.contains_key("members") && objects[0].value.contains_key("owners"));
    assert_eq!(objects[1].missing.len(), 2);

    let (listing, objects) = list(&tenant, "user").await;
    assert_eq!((listing.coverage, objects.len()), (Coverage::DeniedPermission, 0));
    assert_eq!(listing.links.link("user", "manager"), Coverage::DeniedPermission);
    insta::assert_snapshot!(listing.note.unwrap_or_default(), @"users: GET /v1.0/users: permission denied: Authorization_RequestDenied: Insufficient privileges to complete the operation. (grant one of: User.Read.All)");
    assert_eq!(list(&tenant, "conditionalAccessPolicy").await.0.coverage, Coverage::DeniedLicence);
    assert_eq!(list(&tenant, "namedLocation").await.0.coverage, Coverage::Failed);
}

#[tokio::test]
async fn a_list_that_breaks_off_is_partial() {
    let server = Server::start(|seen, url| match (seen.path.as_str(), seen.query.contains("skiptoken")) {
        ("/v1.0/users", false) => page(json!([{"id": "a"}]), Some(&format!("{url}/v1.0/users?$skiptoken=2"))),
        ("/v1.0/users", true) => answer(200, json!({"surprise": []})),
        _ => other(seen),
    })
    .await;
    let (listing, objects) = list(&server.client(), "user").await;
    assert_eq!((listing.coverage, names(&objects)), (Coverage::Partial, vec!["a"]));
    assert_eq!(listing.links.link("user", "manager"), Coverage::Partial);
    assert!(listing.note.unwrap_or_default().contains("without `value`"));
}

#[tokio::test]
async fn tokens_stay_at_home_and_circles_end() {
    let elsewhere = Server::start(|_, _| page(json!([]), None)).await;
    let target = elsewhere.shared.url.clone();
    let server = Server::start(move |seen, url| match seen.path.as_str() {
        "/v1.0/users" => page(json!([{"id": "a"}]), Some(&format!("{target}/v1.0/users?$skiptoken=2"))),
        "/v1.0/applications" => page(json!([{"id": "a"}]), Some(&format!("{url}/v1.0/applications?$skiptoken=1"))),
        "/v1.0/$batch" | "/beta/$batch" => batch(seen, |_| ok(json!([]))),
        _ => other(seen),
    })
    .await;
    let tenant = server.client();
    let (listing, _) = list(&tenant, "user").await;
    assert_eq!(listing.coverage, Coverage::Failed);
    assert!(listing.note.unwrap_or_default().contains("no token was sent there"));
    assert!(elsewhere.shared.seen.lock().unwrap().is_empty());
    let (listing, objects) = list(&tenant, "application").await;
    assert_eq!((listing.coverage, objects.len()), (Coverage::Partial, 1));
    assert!(listing.note.unwrap_or_default().contains("circle"));
}

#[tokio::test]
async fn a_list_whose_page_token_ran_out_is_begun_again() {
    let server = Server::start(|seen, url| match (seen.path.as_str(), seen.query.contains("skiptoken"), seen.nth) {
        ("/v1.0/users", true, 0..2) => error(400, "Directory_ExpiredPageToken", "The specified page token is expired."),
        ("/v1.0/users", true, _) => page(json!([{"id": "b"}]), None),
        ("/v1.0/users", ..) => page(json!([{"id": "a"}]), Some(&format!("{url}/v1.0/users?$skiptoken=2"))),
        _ => other(seen),
    })
    .await;
    let (listing, objects) = list(&server.client(), "user").await;
    assert_eq!((listing.coverage, names(&objects)), (Coverage::Complete, vec!["a", "b"]));
}

#[tokio::test]
async fn expanded_joined_and_inline_links() {
    let server = Server::start(|seen, _| match seen.path.as_str() {
        "/v1.0/users" => page(
            json!([{"id": "a", "manager": {"@odata.type": "#microsoft.graph.user", "id": "b"}}, {"id": "b", "manager": null}, {"id": "c"}]),
            None,
        ),
        "/v1.0/servicePrincipals" => page(json!([{"id": "s"}, {"id": "t"}]), None),
        "/v1.0/servicePrincipals/s" => answer(200, json!({"id": "s"})),
        "/v1.0/oauth2PermissionGrants" => page(json!([{"id": "p", "clientId": "s", "scope": "x"}]), None),
        "/beta/policies/authenticationMethodsPolicy" if seen.nth == 0 => {
            answer(200, json!({"id": "p", "authenticationMethodConfigurations": [{"id": "Fido2"}]}))
        }
        "/beta/policies/authenticationMethodsPolicy" => answer(200, json!({"id": "p"})),
        "/v1.0/$batch" => batch(seen, |_| ok(json!([]))),
        _ => other(seen),
    })
    .await;
    let tenant = server.client();
    let (_, users) = list(&tenant, "user").await;
    assert_eq!(users[0].value["manager"], json!({"id": "b"}));
    assert!(!users[1].value.contains_key("manager") && !users[2].value.contains_key("manager"));
    // The token here names no permissions, so properties that need one of their own are not asked for.
    let withheld = [("employeeLeaveDateTime", Coverage::DeniedPermission)];
    assert!(users.iter().all(|user| user.missing == withheld));
    assert!(!server.to("GET", "/v1.0/users")[0].query.contains("employeeLeaveDateTime"));
    assert!(server.to("GET", "/v1.0/users")[0].query.contains("$expand=manager($select=id)"));

    let (_, principals) = list(&tenant, "servicePrincipal").await;
    assert_eq!(principals[0].value["oauth2PermissionGrants"][0]["id"], "p");
    assert_eq!(principals[1].value["oauth2PermissionGrants"], json!([]));
    let one = tenant.get(kind("servicePrincipal"), "s").await.unwrap().unwrap();
    assert_eq!(one.value["oauth2PermissionGrants"][0]["id"], "p");
    assert!(server.to("GET", "/v1.0/oauth2PermissionGrants")[1].query.contains("$filter=clientId%20eq%20%27s%27"));
    assert_eq!(tenant.get(kind("servicePrincipal"), "nobody").await.unwrap(), None);

    let (listing, policies) = list(&tenant, "authenticationMethodsPolicy").await;
    assert_eq!((listing.coverage, policies.len()), (Coverage::Complete, 1));
    assert_eq!(policies[0].value["authenticationMethodConfigurations"], json!([{"id": "Fido2"}]));
    let (_, policies) = list(&tenant, "authenticationMethodsPolicy").await;
    assert_eq!(policies[0].missing, [("authenticationMethodConfigurations", Coverage::Failed)]);
}

#[tokio::test]
async fn the_bin_and_the_log() {
    let server = Server::start(|seen, _| match seen.path.as_str() {
        "/v1.0/directory/deletedItems/microsoft.graph.group" => page(json!([{"id": "g"}]), None),
        "/v1.0/auditLogs/directoryAudits" => page(
            json!([{"id": "2", "activityDateTime": "2026-01-02T00:00:00Z"}, {"id": "1", "activityDateTime": "2026-01-01T00:00:00.5Z"}]),
            None,
        ),
        _ => other(seen),
    })
    .await;
    let tenant = server.client();
    assert_eq!(tenant.deleted(kind("group")).await.unwrap().len(), 1);
    assert!(tenant.deleted(kind("authorizationPolicy")).await.unwrap().is_empty());
    let events = tenant.audit(Some("2026-01-01T01:00:00+01:00")).await.unwrap();
    assert_eq!(events.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(), ["1", "2"]);
    let query = &server.to("GET", "/v1.0/auditLogs/directoryAudits")[0].query;
    assert_eq!(query, "$filter=activityDateTime%20ge%202026-01-01T00%3A00%3A00Z");
    assert!(tenant.audit(Some("' or 1 eq 1")).await.is_err());
}

/// Checks that schedules are not taken for deleted when their group answers 404: the group may be gone, or a replica may not know
/// it yet.
#[tokio::test]
async fn what_is_listed_for_each_is_missing_only_where_the_other_is() {
    for known in [true, false] {
        let server = Server::start(move |seen, _| match seen.path.as_str() {
            "/v1.0/groups" => {
                page(json!([{"id": "g1", "securityEnabled": true}, {"id": "g2", "securityEnabled": true}]), None)
            }
            "/v1.0/groups/g2" if known => answer(200, json!({"id": "g2"})),
            "/v1.0/$batch" => batch(seen, |path| match path {
                _ if path.contains("g1") => ok(json!([{"id": "s1", "groupId": "g1"}])),
                _ => refusal(404, "ResourceNotFound"),
            }),
            _ => other(seen),
        })
        .await;
        let (listing, objects) = list(&server.client(), "groupEligibilitySchedule").await;
        assert_eq!(listing.coverage.is_complete(), !known, "{listing:?}");
        assert!(known || names(&objects) == ["s1"], "{objects:?}");
    }
}

/// Checks that a recycle bin whose path a national cloud lacks counts as empty, and that other errors do not.
#[tokio::test]
async fn a_bin_that_a_cloud_does_not_have_is_empty() {
    for (status, message, is_empty) in [
        (400, "Resource not found for the segment 'deletedItems'.", true),
        (400, "Something else is wrong.", false),
        (403, "Insufficient privileges to complete the operation.", false),
    ] {
        let server = Server::start(move |seen, _| match seen.path.as_str() {
            "/v1.0/roleManagement/directory/deletedItems/roleDefinitions" => error(status, "BadRequest", message),
            _ => other(seen),
        })
        .await;
        let deleted = server.client().deleted(kind("roleDefinition")).await;
        assert_eq!(deleted.is_ok_and(|deleted| deleted.is_empty()), is_empty, "{message}");
    }
}

/// Checks that a count is asked for as plain text, since Graph refuses to give it as JSON, and that a refused count is an error,
/// not 0. <https://learn.microsoft.com/graph/query-parameters#count-parameter>
#[tokio::test]
async fn count_asks_for_plain_text_and_passes_a_refusal_on() {
    let server = Server::start(|seen, _| match (seen.path.as_str(), seen.accept.as_str()) {
        ("/v1.0/users/$count", "text/plain") => Answer { body: "\u{feff}1234".into(), ..answer(200, Value::Null) },
        ("/v1.0/groups/$count", _) => error(415, "UnsupportedMediaType", "no"),
        _ => other(seen),
    })
    .await;
    let tenant = server.client();
    assert_eq!(tenant.count(kind("user")).await.unwrap(), 1234);
    assert!(tenant.count(kind("group")).await.is_err());
}
