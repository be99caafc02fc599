//! The faults that the embedded tenant is asked for, as a client meets them. Nobody waits: the clock is paused.

use std::time::Duration;

use entragit::emulator::{Options, Seed};
use serde_json::json;

use crate::support::graph::{Graph, code, person, reference, security};

async fn with(faults: &str) -> Graph {
    Graph::with(Options { seed: Seed::Random(60), faults: faults.parse().unwrap(), ..Options::default() }).await
}

#[tokio::test(start_paused = true)]
async fn what_was_just_made_is_here_and_not_there() {
    let graph = with("lag:60,seed:1").await;
    let id = graph.group("New").await;
    let path = format!("/v1.0/groups/{id}");
    let mut seen = Vec::new();
    for _ in 0..59 {
        let answer = graph.get(&path).await;
        seen.push(answer.0);
        if answer.0 == 404 {
            assert_eq!(code(&answer).1, "Request_ResourceNotFound");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(seen.contains(&200) && seen.contains(&404), "{seen:?}");
    tokio::time::sleep(Duration::from_secs(2)).await;
    for _ in 0..10 {
        assert_eq!(graph.get(&path).await.0, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_can_be_linked_who_is_not_known_yet_and_old_values_are_read() {
    let graph = with("lag:600,seed:1").await;
    let (group, user) = (graph.group("New").await, graph.user("ada").await);
    let path = format!("/v1.0/groups/{group}/members/$ref");
    let mut answers = Vec::new();
    for _ in 0..12 {
        answers.push(code(&graph.post(&path, reference(&user)).await));
    }
    assert!(answers.contains(&(404, "Request_ResourceNotFound".to_owned())), "{answers:?}");
    tokio::time::sleep(Duration::from_secs(601)).await;
    assert_eq!(graph.patch(&format!("/v1.0/users/{user}"), json!({"jobTitle": "Countess"})).await.0, 204);
    let mut titles = Vec::new();
    for _ in 0..12 {
        titles.push(graph.ok(&format!("/v1.0/users/{user}?$select=jobTitle")).await["jobTitle"].to_string());
    }
    assert!(titles.contains(&"null".to_owned()), "{titles:?}");
    tokio::time::sleep(Duration::from_secs(601)).await;
    assert_eq!(graph.ok(&format!("/v1.0/users/{user}?$select=jobTitle")).await["jobTitle"], "Countess");
}

#[tokio::test(start_paused = true)]
async fn answers_get_lost_after_the_work_was_done() {
    let graph = with("lose:1").await;
    for alias in ["ada", "grace", "lin", "mary"] {
        let url = format!("{}/v1.0/users", graph.tenant.url());
        let sent = graph.http.post(url).bearer_auth(&graph.token).json(&person(alias)).send().await;
        let lost = sent
            .map_or(true, |reply| matches!(reply.status().as_u16(), 503 | 504) || reply.content_length() != Some(0));
        assert!(lost);
        let there = graph.ok(&format!("/v1.0/users/{alias}@contoso.onmicrosoft.com")).await;
        assert_eq!(there["displayName"], alias);
    }
    assert_eq!(graph.tenant.counts().lost, 4);
}

#[tokio::test(start_paused = true)]
async fn what_is_too_much_is_refused_as_microsoft_says() {
    let graph = with("limits,drained").await;
    let ((status, body), headers) = graph.send("POST", "/v1.0/groups", Some(security("New")), &[]).await;
    assert_eq!((status, &body["error"]["code"]), (429, &json!("TooManyRequests")));
    assert_eq!(headers["x-ms-throttle-information"], "WriteLimitExceeded");
    let wait: u64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
    tokio::time::sleep(Duration::from_secs(wait)).await;
    graph.group("New").await;
    // One request a second for all of Conditional Access, and no word of how long to wait.
    let path = "/v1.0/identity/conditionalAccess/policies";
    assert_eq!(graph.get(path).await.0, 200);
    let ((status, _), headers) = graph.send("GET", path, None, &[]).await;
    assert_eq!((status, headers.get("retry-after")), (429, None));
}
