//! Batches, delta queries, the audit log, and what survives a restart.

use entragit::emulator::{Options, Seed};
use serde_json::{Value, json};

use crate::support::graph::*;

#[tokio::test]
async fn batches_are_answered_part_by_part() {
    let graph = Graph::new().await;
    let json_type = json!({"Content-Type": "application/json"});
    let (status, body) = graph
        .post(
            "/v1.0/$batch",
            json!({"requests": [
                {"id": "1", "method": "POST", "url": "/users", "headers": json_type, "body": person("batched")},
                {"id": "2", "method": "GET", "url": "/users?$top=1&$select=id", "dependsOn": ["1"]},
                {"id": "3", "method": "GET", "url": "/users/nobody"},
                {"id": "4", "method": "GET", "url": "/users", "dependsOn": ["3"]},
                {"id": "5", "method": "POST", "url": "/users", "body": person("untyped")},
            ]}),
        )
        .await;
    assert_eq!(status, 200, "{body}");
    let part = |id: &str| {
        body["responses"].as_array().expect("list").iter().find(|part| part["id"] == id).expect("part").clone()
    };
    let status = |id: &str| part(id)["status"].as_u64();
    assert_eq!(
        [status("1"), status("2"), status("3"), status("4"), status("5")],
        [Some(201), Some(200), Some(404), Some(424), Some(400)]
    );
    assert!(part("2")["headers"]["x-ms-resource-unit"].is_string() && part("2")["body"]["@odata.nextLink"].is_string());
    assert_eq!(graph.get(part("2")["body"]["@odata.nextLink"].as_str().expect("link")).await.0, 200);
    let twice = json!({"requests": [{"id": "a", "method": "GET", "url": "/users"}, {"id": "A", "method": "GET", "url": "/users"}]});
    assert_eq!(graph.post("/v1.0/$batch", twice).await.0, 400);
    let many: Vec<Value> = (0..21).map(|n| json!({"id": n.to_string(), "method": "GET", "url": "/users"})).collect();
    assert_eq!(graph.post("/v1.0/$batch", json!({"requests": many})).await.0, 400);
}

#[tokio::test]
async fn delta_tells_what_changed() {
    let graph = Graph::new().await;
    let (a, b, group) = (graph.user("a").await, graph.user("b").await, graph.group("team").await);
    let round = async |path: String| {
        let (mut all, mut next) = (Vec::new(), path);
        loop {
            let page = graph.ok(&next).await;
            all.extend(page["value"].as_array().expect("value").iter().cloned());
            match page["@odata.nextLink"].as_str() {
                Some(link) => next = link.to_owned(),
                None => return (all, text(&page["@odata.deltaLink"])),
            }
        }
    };
    let (users, users_link) = round("/v1.0/users/delta?$select=displayName,department".into()).await;
    assert_eq!(ids(&users), ids(&graph.pages("/v1.0/users?$top=999").await));
    let (_, groups_link) = round("/v1.0/groups/delta".into()).await;
    assert!(round(users_link.clone()).await.0.is_empty());
    graph.patch(&format!("/v1.0/users/{a}"), json!({"department": "Sales"})).await;
    graph.patch(&format!("/v1.0/users/{b}"), json!({"city": "Berlin"})).await;
    let (changed, later) = round(users_link.clone()).await;
    assert_eq!(ids(&changed), [a.clone()].into(), "city was not selected");
    assert_eq!(changed[0]["department"], "Sales");
    graph.delete(&format!("/v1.0/users/{b}")).await;
    let (changed, _) = round(later).await;
    assert_eq!(changed, [json!({"id": b, "@removed": {"reason": "changed"}})]);
    graph.post(&format!("/v1.0/groups/{group}/members/$ref"), reference(&a)).await;
    let (changed, later) = round(groups_link).await;
    assert_eq!(changed[0]["members@delta"], json!([{"@odata.type": "#microsoft.graph.user", "id": a}]));
    graph.delete(&format!("/v1.0/groups/{group}/members/{a}/$ref")).await;
    let (changed, _) = round(later).await;
    assert_eq!(changed[0]["members@delta"][0]["@removed"]["reason"], "deleted");
    assert!(round("/v1.0/users/delta?$deltatoken=latest".into()).await.0.is_empty());
    assert_eq!(graph.get("/v1.0/users/delta?$deltatoken=old").await.0, 410);
    assert_eq!(graph.get("/v1.0/users/delta?$expand=manager").await.0, 400);
}

#[tokio::test]
async fn every_write_is_audited() {
    let mut graph = Graph::new().await;
    let ada = graph.user("ada").await;
    let before = text(&graph.ok("/v1.0/auditLogs/directoryAudits?$top=1").await["value"][0]["activityDateTime"]);
    graph.token = graph
        .sign_in("grant_type=password&client_id=c&scope=x/.default&username=ada@contoso.onmicrosoft.com&password=p")
        .await;
    let id = text(&graph.made(POLICIES, policy("Block")).await["id"]);
    graph.patch(&format!("{POLICIES}/{id}"), json!({"state": "enabled"})).await;
    let filter = format!(
        "/v1.0/auditLogs/directoryAudits?$filter=activityDateTime ge {before} and targetResources/any(t:t/id eq '{id}')"
    );
    let entries = graph.pages(&filter).await;
    let names: Vec<String> = entries.iter().map(|entry| text(&entry["activityDisplayName"])).collect();
    assert_eq!(names, ["Update conditional access policy", "Add conditional access policy"], "newest first");
    let update = &entries[0];
    assert_eq!(update["initiatedBy"]["user"]["id"], ada.as_str());
    assert_eq!(update["initiatedBy"]["user"]["userPrincipalName"], "ada@contoso.onmicrosoft.com");
    let modified = &update["targetResources"][0]["modifiedProperties"][0];
    let (old, new): (Value, Value) = (
        serde_json::from_str(&text(&modified["oldValue"])).expect("json"),
        serde_json::from_str(&text(&modified["newValue"])).expect("json"),
    );
    assert_eq!((&old["state"], &new["state"]), (&json!("disabled"), &json!("enabled")));
    let group = graph.group("team").await;
    graph.post(&format!("/v1.0/groups/{group}/members/$ref"), reference(&ada)).await;
    graph.delete(&format!("/v1.0/groups/{group}")).await;
    let of_group = graph
        .pages(&format!("/v1.0/auditLogs/directoryAudits?$filter=targetResources/any(t:t/id eq '{group}')&$top=1"))
        .await;
    let names: Vec<String> = of_group.iter().map(|entry| text(&entry["activityDisplayName"])).collect();
    assert_eq!(names, ["Delete group", "Add member to group", "Add owner to group", "Add group"]);
}

#[tokio::test]
async fn a_saved_tenant_is_the_same_tenant() {
    let folder = tempfile::tempdir().expect("folder");
    let options = Options { seed: Seed::Empty, state: Some(folder.path().join("tenant.json")), ..Options::default() };
    let graph = Graph::with(options.clone()).await;
    let user = graph.user("kept").await;
    let link = text(&graph.ok("/v1.0/users/delta?$deltatoken=latest").await["@odata.deltaLink"]);
    let token = graph.token.clone();
    graph.tenant.stop().await.expect("stopped");
    let graph = Graph::with(Options { seed: Seed::Contoso, ..options }).await;
    assert_eq!(ids(&graph.pages("/v1.0/users").await), [user].into());
    let path = link.split("/v1.0/").nth(1).expect("path");
    assert_eq!(graph.ok(&format!("/v1.0/{path}")).await["value"], json!([]));
    assert_eq!(
        graph
            .http
            .get(format!("{}/v1.0/users", graph.tenant.url()))
            .bearer_auth(token)
            .send()
            .await
            .expect("reply")
            .status(),
        200
    );
}
