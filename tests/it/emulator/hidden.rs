//! What Graph leaves out of a plain read without a word.

use crate::support::graph::*;
use serde_json::{Value, json};

/// <https://learn.microsoft.com/graph/api/group-list-members>, <https://github.com/microsoftgraph/msgraph-sdk-powershell/issues/2853>
#[tokio::test]
async fn v1_lists_of_members_and_owners_leave_out_service_principals() {
    let graph = Graph::new().await;
    let (user, group) = (graph.user("ada").await, graph.group("Robots").await);
    let app = graph.made("/v1.0/applications", json!({"displayName": "Robot"})).await;
    let robot = text(&graph.made("/v1.0/servicePrincipals", json!({"appId": app["appId"]})).await["id"]);
    for link in ["members", "owners"] {
        let path = format!("/groups/{group}/{link}");
        for target in [&user, &robot] {
            assert_eq!(graph.post(&format!("/v1.0{path}/$ref"), reference(target)).await.0, 204);
        }
        let shown = |reply: Value| reply["value"].as_array().expect("value").len();
        assert_eq!(shown(graph.ok(&format!("/v1.0{path}?$select=id")).await), 1, "{link}");
        assert_eq!(shown(graph.advanced(&format!("/v1.0{path}")).await.1), 1, "{link}");
        assert_eq!(shown(graph.advanced(&format!("/v1.0{path}?$count=true")).await.1), 2, "{link}");
        assert_eq!(shown(graph.ok(&format!("/beta{path}")).await), 2, "{link}");
        let expanded = graph.ok(&format!("/v1.0/groups/{group}?$expand={link}")).await;
        assert_eq!(expanded[link].as_array().map(Vec::len), Some(2), "{link}");
    }
    graph.tenant.stop().await.expect("stopped");
}

/// <https://learn.microsoft.com/graph/query-parameters#count-parameter>
#[tokio::test]
async fn counts_are_plain_text_and_never_json() {
    let graph = Graph::new().await;
    for path in ["/v1.0/users/$count", "/v1.0/users/$count?$filter=accountEnabled eq true"] {
        for (accept, status) in [("application/json", 415), ("text/plain", 200), ("application/json, */*", 200)] {
            let headers = [("ConsistencyLevel", "eventual"), ("Accept", accept)];
            let ((answered, body), _) = graph.send("GET", path, None, &headers).await;
            assert_eq!(answered, status, "{accept}: {body}");
        }
        assert!(graph.advanced(path).await.1.is_number());
    }
    graph.tenant.stop().await.expect("stopped");
}

/// <https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html>, section 16
#[tokio::test]
async fn actions_are_advertised_unless_properties_are_selected() {
    let graph = Graph::new().await;
    let group = graph.group("Robots").await;
    let action = "#microsoft.graph.renew";
    let shown = graph.ok(&format!("/v1.0/groups/{group}")).await;
    assert!(text(&shown[action]["target"]).ends_with(&format!("/v1.0/groups('{group}')/microsoft.graph.renew")));
    assert!(graph.ok(&format!("/v1.0/groups/{group}?$select=id")).await.get(action).is_none());
    graph.tenant.stop().await.expect("stopped");
}

const BETA_POLICIES: &str = "/beta/identity/conditionalAccess/policies";
const V1_POLICIES: &str = "/v1.0/identity/conditionalAccess/policies";

/// <https://github.com/hashicorp/terraform-provider-azuread/issues/937>, <https://github.com/microsoftgraph/msgraph-sdk-powershell/issues/431>
#[tokio::test]
async fn v1_hides_policies_with_preview_features() {
    let graph = Graph::new().await;
    let plain = text(&graph.made(V1_POLICIES, policy("Plain")).await["id"]);
    let previews = [
        ("/conditions/agentIdRiskLevels", json!("low,high")),
        ("/conditions/deviceStates", json!({"includeStates": ["All"], "excludeStates": ["Compliant"]})),
        ("/conditions/devices", json!({"includeDevices": ["All"]})),
        ("/conditions/clientApplications", json!({"includeAgentIdServicePrincipals": ["All"]})),
        ("/sessionControls", json!({"continuousAccessEvaluation": {"mode": "strictLocation"}})),
    ];
    for (at, value) in previews {
        let mut body = policy(at);
        match at.strip_prefix("/conditions/") {
            Some(name) => body["conditions"][name] = value,
            None => body["sessionControls"] = value,
        }
        assert_eq!(graph.post(V1_POLICIES, body.clone()).await.0, 400, "{at}");
        let id = text(&graph.made(BETA_POLICIES, body).await["id"]);
        let path = format!("{V1_POLICIES}/{id}");
        let refused = graph.get(&path).await;
        assert!(refused.0 == 400 && text(&refused.1["error"]["message"]).starts_with("1037"), "{at}: {refused:?}");
        assert_eq!(graph.patch(&path, json!({"displayName": "Other"})).await.0, 400, "{at}");
        let shown = ids(&graph.pages(V1_POLICIES).await);
        assert!(shown.contains(&plain) && !shown.contains(&id), "{at}");
        assert!(ids(&graph.pages(BETA_POLICIES).await).contains(&id), "{at}");
        assert_eq!(graph.patch(&format!("{BETA_POLICIES}/{id}"), json!({"displayName": "Other"})).await.0, 204, "{at}");
    }
    graph.tenant.stop().await.expect("stopped");
}

#[tokio::test]
async fn policy_gives_its_grant_controls_up_for_session_controls() {
    let graph = Graph::new().await;
    let path = format!("{V1_POLICIES}/{}", text(&graph.made(V1_POLICIES, policy("Plain")).await["id"]));
    let session = json!({"signInFrequency": {"isEnabled": true, "type": "hours", "value": 4}});
    let answer = graph.patch(&path, json!({"grantControls": null, "sessionControls": session})).await;
    assert_eq!(answer.0, 204, "{answer:?}");
    let now = graph.ok(&path).await;
    assert!(now["grantControls"].is_null() && now["sessionControls"]["signInFrequency"]["value"] == 4, "{now}");
    graph.tenant.stop().await.expect("stopped");
}
