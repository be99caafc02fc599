//! Tests delta queries: page after page, and every way in which a token fails.

use super::*;
use crate::tenant::{Changes, TenantError};

fn round(items: Value, next: Option<String>, token: Option<String>) -> Answer {
    let mut body = json!({ "value": items });
    if let Some(next) = next {
        body["@odata.nextLink"] = json!(next);
    }
    if let Some(token) = token {
        body["@odata.deltaLink"] = json!(token);
    }
    answer(200, body)
}

fn since(changed: &[&str], removed: &[&str], token: &str) -> Changes {
    let set = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    Changes::Since { changed: set(changed), removed: set(removed), token: token.to_owned() }
}

async fn serve(script: impl Fn(&Seen, &str) -> Answer + Send + Sync + 'static) -> Server {
    Server::start(move |seen, url| if seen.path.starts_with("/t/") { other(seen) } else { script(seen, url) }).await
}

#[tokio::test]
async fn a_token_without_data_tracks_what_is_read() {
    let server = serve(|seen, url| {
        let token = format!("{url}{}?$deltatoken=1", seen.path);
        round(json!([]), None, Some(token))
    })
    .await;
    let client = server.client();
    for (name, selected) in [("user", ["displayName", "manager"]), ("group", ["members", "owners"])] {
        let kind = kind(name);
        let path = format!("/v1.0{}", kind.delta.unwrap());
        let token = format!("{}{path}?$deltatoken=1", server.shared.url);
        assert_eq!(client.changes(kind, None).await.unwrap(), since(&[], &[], &token));
        let query = server.to("GET", &path)[0].query.clone();
        assert!(query.contains("deltatoken=latest"), "{query}");
        let names: Vec<&str> = query.rsplit("select=").next().unwrap().split(',').collect();
        assert!(selected.iter().all(|name| names.contains(name)), "{query}");
    }
    client.changes(kind("application"), None).await.unwrap();
    assert!(!server.to("GET", "/v1.0/applications/delta")[0].query.contains("select"));
    assert!(matches!(client.changes(kind("namedLocation"), None).await.unwrap(), Changes::StartOver { .. }));
}

// The shapes are as documented: <https://learn.microsoft.com/graph/delta-query-overview>
#[tokio::test]
async fn pages_may_be_empty_and_objects_may_come_twice() {
    let server = serve(|seen, url| {
        let next = |token: &str| Some(format!("{url}/v1.0/groups/delta?$skiptoken={token}"));
        match seen.nth {
            0 => round(json!([{"id": "a", "displayName": "A"}, {"id": "b", "@removed": {"reason": "changed"}}]), next("2"), None),
            1 => round(json!([]), next("3"), None),
            _ => round(
                json!([{"id": "a", "members@delta": [{"@odata.type": "#microsoft.graph.user", "id": "x", "@removed": {"reason": "deleted"}}]},
                    {"id": "c", "@removed": {"reason": "deleted"}}, {"id": "b"}]),
                None,
                Some(format!("{url}/v1.0/groups/delta?$deltatoken=9")),
            ),
        }
    })
    .await;
    let url = &server.shared.url;
    let token = format!("{url}/v1.0/groups/delta?$deltatoken=8");
    let found = server.client().changes(kind("group"), Some(&token)).await.unwrap();
    assert_eq!(found, since(&["a", "b"], &["b", "c"], &format!("{url}/v1.0/groups/delta?$deltatoken=9")));
    let asked: Vec<String> = server.to("GET", "/v1.0/groups/delta").into_iter().map(|seen| seen.query).collect();
    assert_eq!(asked, ["$deltatoken=8", "$skiptoken=2", "$skiptoken=3"]);
}

#[tokio::test]
async fn a_token_that_ran_out_starts_over() {
    let server = serve(|seen, url| match seen.query.as_str() {
        "$deltatoken=gone" => {
            let location = format!("{url}/v1.0/users/delta?$deltatoken=");
            error(410, "syncStateNotFound", "The sync state generation is not found.").with("location", location)
        }
        // The token has expired:
        // <https://devblogs.microsoft.com/microsoft365dev/duration-of-change-tracking-tokens-for-identity-and-education-resources>
        "$deltatoken=old" => {
            error(400, "syncStateNotFound", "The delta token is expired and data must be synchronized again.")
        }
        "$deltatoken=throttled" if seen.nth < 3 => error(429, "TooManyRequests", "x").with("retry-after", 0),
        "$deltatoken=throttled" => round(json!([]), None, Some(format!("{url}/v1.0/users/delta?$deltatoken=new"))),
        "$deltatoken=elsewhere" => round(json!([]), Some("https://evil.test/v1.0/users/delta".to_owned()), None),
        "$deltatoken=foreign" => round(json!([]), None, Some("https://evil.test/v1.0/users/delta".to_owned())),
        "$deltatoken=circle" => round(json!([]), Some(format!("{url}/v1.0/users/delta?$deltatoken=circle")), None),
        _ => answer(200, json!({"value": []})),
    })
    .await;
    let (client, user) = (server.client(), kind("user"));
    let at = |token: &str| format!("{}/v1.0/users/delta?$deltatoken={token}", server.shared.url);
    for token in ["gone", "old"] {
        let found = client.changes(user, Some(&at(token))).await.unwrap();
        assert!(matches!(&found, Changes::StartOver { why } if why.contains("syncStateNotFound")), "{found:?}");
    }
    let found = client.changes(user, Some(&at("throttled"))).await.unwrap();
    assert_eq!(found, since(&[], &[], &at("new")));
    for token in ["elsewhere", "foreign", "circle", "neither"] {
        let found = client.changes(user, Some(&at(token))).await;
        assert!(matches!(found, Err(TenantError::Unexpected { .. })), "{token}: {found:?}");
    }
}

#[tokio::test]
async fn a_stored_token_leads_to_its_own_kind_or_nowhere() {
    let server = serve(|_, _| answer(200, json!({"value": []}))).await;
    let (client, url) = (server.client(), &server.shared.url);
    for token in [
        "https://evil.test/v1.0/users/delta?$deltatoken=1".to_owned(),
        format!("{url}/v1.0/groups/delta?$deltatoken=1"),
        format!("{url}/v1.0/users/delta/../../auditLogs/signIns"),
        format!("{url}/beta/users/delta?$deltatoken=1"),
        "1".to_owned(),
        String::new(),
    ] {
        let found = client.changes(kind("user"), Some(&token)).await.unwrap();
        assert!(matches!(found, Changes::StartOver { .. }), "{token}");
    }
    assert!(server.shared.seen.lock().unwrap().is_empty(), "nothing was sent");
    let long = format!("{url}/v1.0/users/microsoft.graph.delta()?$deltatoken=1");
    assert!(client.changes(kind("user"), Some(&long)).await.is_err(), "it was sent, and answered badly");
    assert!(!server.shared.seen.lock().unwrap().is_empty());
}
