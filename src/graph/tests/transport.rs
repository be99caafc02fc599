//! Tests tokens, throttling and broken answers.

use super::*;
use crate::model::Write;
use crate::tenant::{TenantError, TenantWrite};

#[tokio::test]
async fn throttling_is_waited_out() {
    let server = Server::start(|seen, _| match (seen.path.as_str(), seen.nth) {
        ("/v1.0/organization", 0) => error(429, "TooManyRequests", "Please retry again later.").with("retry-after", 1),
        ("/v1.0/organization", _) => page(json!([{"id": "tenant"}]), None),
        _ => other(seen),
    })
    .await;
    assert_eq!(server.client().tenant_id().await.unwrap(), "tenant");
    assert!(server.waits().iter().any(|seconds| *seconds >= 1.0), "{:?}", server.waits());
    let seen = server.to("GET", "/v1.0/organization");
    assert_eq!(seen.len(), 2);
    assert_eq!((seen[1].token.as_str(), seen[1].prefer.as_str()), ("token-1", "include-unknown-enum-members"));
}

#[tokio::test]
async fn throttling_for_ever_ends_at_the_deadline() {
    let server = Server::start(|seen, _| match seen.path.as_str() {
        "/v1.0/organization" => error(429, "TooManyRequests", "Please retry again later.").with("retry-after", 3600),
        _ => other(seen),
    })
    .await;
    let error = server.client().tenant_id().await.unwrap_err();
    insta::assert_snapshot!(error, @"GET /v1.0/organization: unavailable: HTTP 429 TooManyRequests");
}

#[tokio::test]
async fn cut_and_foreign_answers_are_asked_for_again() {
    let server = Server::start(|seen, _| match (seen.path.as_str(), seen.nth) {
        ("/v1.0/organization", 0) => page(json!([{"id": "tenant"}]), None).cut(),
        ("/v1.0/organization", 1) => Answer { body: b"{\"value\":[{\"id\":\"ten".to_vec(), ..answer(200, json!(0)) },
        ("/v1.0/organization", 2) => Answer { body: b"<html>Sign in</html>".to_vec(), ..answer(200, json!(0)) },
        ("/v1.0/organization", 3) => Answer { body: b"<html>Bad gateway</html>".to_vec(), ..answer(502, json!(0)) },
        ("/v1.0/organization", _) => page(json!([{"id": "tenant"}]), None),
        _ => other(seen),
    })
    .await;
    assert_eq!(server.client().tenant_id().await.unwrap(), "tenant");
}

/// Returns a page for browsers, as an application gateway in front of a service writes it.
fn gateway(status: u16) -> Answer {
    Answer { body: b"<html>Forbidden: ada@contoso.com</html>".to_vec(), ..answer(status, json!(0)) }
}

/// Checks that an answer which comes and goes is not believed the first time.
#[tokio::test]
async fn a_refusal_that_is_none_of_graphs_is_asked_for_again() {
    let server = Server::start(|seen, _| match (seen.path.as_str(), seen.nth) {
        ("/v1.0/organization", 0) => gateway(403),
        ("/v1.0/organization", 1) => error(403, "UnknownError", ""),
        ("/v1.0/organization", 2) => error(404, "UnknownError", ""),
        ("/v1.0/organization", _) => page(json!([{"id": "tenant"}]), None),
        ("/v1.0/auditLogs/directoryAudits", _) => gateway(403),
        ("/v1.0/policies/authorizationPolicy", _) => error(404, "UnknownError", ""),
        _ => other(seen),
    })
    .await;
    let tenant = server.client();
    assert_eq!(tenant.tenant_id().await.unwrap(), "tenant");
    let denied = tenant.audit(None).await.unwrap_err();
    assert!(matches!(&denied, TenantError::Denied { permissions, .. } if permissions.is_empty()), "{denied:?}");
    assert_eq!(server.to("GET", "/v1.0/auditLogs/directoryAudits").len(), 4);
    // It does not say that the object is not there.
    let (listing, objects) = list(&tenant, "authorizationPolicy").await;
    assert!(objects.is_empty() && listing.coverage == crate::model::Coverage::Failed, "{listing:?}");
}

/// Checks that a write which a gateway refused once is sent again: it was certainly not carried out.
#[tokio::test]
async fn a_creation_that_a_gateway_refused_is_sent_again() {
    let server = Server::start(|seen, _| match (seen.method.as_str(), seen.path.as_str(), seen.nth) {
        ("POST", "/v1.0/groups", 0) => gateway(403),
        ("POST", "/v1.0/groups", _) => answer(201, json!({"id": "g"})),
        _ => other(seen),
    })
    .await;
    let body = json!({"displayName": "A"}).as_object().cloned().unwrap_or_default();
    let made = server.client().write(&Write::Create { kind: kind("group"), body }).await.unwrap();
    assert_eq!(made.value.unwrap()["id"], "g");
    assert_eq!(server.to("POST", "/v1.0/groups").len(), 2);
}

/// Checks that the default deadline leaves room for the longest pause that Graph was seen to ask for.
#[test]
fn the_longest_pause_that_was_seen_fits_into_the_deadline() {
    let mut clock = crate::graph::http::Clock::new(crate::graph::DEADLINE);
    clock.start();
    let asked = Duration::from_secs(315);
    assert!(clock.pause(crate::graph::retry::Cause::Throttled, Some(asked)).is_some_and(|pause| pause >= asked));
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let server = Server::start(|seen, _| match seen.path.as_str() {
        "/v1.0/organization" if seen.token == "token-1" => error(401, "InvalidAuthenticationToken", "expired"),
        "/v1.0/organization" => page(json!([{"id": "tenant"}]), None),
        "/v1.0/auditLogs/directoryAudits" => error(401, "InvalidAuthenticationToken", "never good"),
        _ => other(seen),
    })
    .await;
    let tenant = server.client();
    let all = futures_util::future::join_all((0..20).map(|_| tenant.tenant_id())).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(server.to("POST", "/t/oauth2/v2.0/token").len(), 2);
    assert!(matches!(tenant.audit(None).await, Err(TenantError::SignIn { .. })));
}

#[tokio::test]
async fn a_refused_sign_in_says_why_and_no_secret() {
    let server = Server::start(|seen, _| match seen.path.as_str() {
        "/t/oauth2/v2.0/token" => {
            let said =
                format!("AADSTS7000215: Invalid client secret provided: s3cret&value {}.\r\nTrace ID: 1", seen.body);
            answer(401, json!({"error": "invalid_client", "error_description": said}))
        }
        _ => other(seen),
    })
    .await;
    let error = server.client().tenant_id().await.unwrap_err();
    assert!(matches!(&error, TenantError::SignIn { message, .. } if message.starts_with("AADSTS7000215: Invalid")));
    assert!(!error.to_string().contains("s3cret&value"), "{error}");
    let form = server.to("POST", "/t/oauth2/v2.0/token").remove(0).body;
    let form = form.as_str().unwrap();
    assert!(form.contains("grant_type=client_credentials") && form.contains("client_secret=s3cret%26value"), "{form}");
    assert!(form.contains("scope=http%3A%2F%2F127.0.0.1") && form.contains("%2F.default"), "{form}");
    assert!(!format!("{:?}", server.config()).contains("s3cret"));
}

/// Checks every encoding in which the form may be repeated: as it was sent, decoded, in lower case, as JSON, in base64; and
/// before it is cut.
#[tokio::test]
async fn a_refused_sign_in_repeats_the_secret_in_no_encoding() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    const SECRET: &str = "CNRY+/x y&%z~\"1\\";
    let server = Server::start(|seen, _| match seen.path.as_str() {
        "/t/oauth2/v2.0/token" => {
            let form = seen.body.as_str().unwrap();
            let lower = "CNRY%2b%2fx%20y%26%25z~%221%5c";
            let encoded = STANDARD.encode(format!("c:{SECRET}"));
            let json = serde_json::to_string(SECRET).unwrap();
            let said = format!("{form} {} {lower} {SECRET} {json} {encoded}", form.replace("%20", "+"));
            // The last secret is at the place where the message is cut.
            let said = format!("{said} {} client_secret={SECRET}", "x".repeat(390 - said.len().min(390)));
            answer(400, json!({"error": "invalid_request", "error_description": said}))
        }
        _ => other(seen),
    })
    .await;
    let credential = Credential::ClientSecret { client_id: "c".into(), client_secret: Secret::new(SECRET.into()) };
    let error = server.client_with(Config { credential, ..server.config() }).tenant_id().await.unwrap_err().to_string();
    assert!(error.contains("client_secret=***") && error.contains("grant_type=client_credentials"), "{error}");
    for part in ["CNRY", "x y&", "z~", &STANDARD.encode(format!("c:{SECRET}"))[4..16]] {
        assert!(!error.contains(part), "{part}: {error}");
    }
}

/// Checks every status, for a read, a write, and a read within a batch.
#[tokio::test]
async fn no_error_repeats_the_token() {
    const TOKEN: &str = "eyJ0eXAiOiJKV1QifQ.eyJvaWQiOiJzb21lYm9keSJ9.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg";
    for token in [TOKEN, "opaque~token/of+somebody=="] {
        let given = token.to_owned();
        let echo = move |status: u16, padding: usize| {
            let message = format!("{} You sent Authorization: Bearer {given}", "x".repeat(padding));
            json!({"status": status, "body": {"error": {"code": format!("C {given}"), "message": message}}})
        };
        let given = echo.clone();
        let server = Server::start(move |seen, _| {
            let status = seen.query.trim_start_matches("status=").parse().unwrap_or(400);
            match (seen.method.as_str(), seen.path.as_str()) {
                ("GET", "/v1.0/groups" | "/beta/groups") => page(json!([{"id": "g", "groupTypes": []}]), None),
                (_, path) if path.ends_with("/$batch") => batch(seen, |_| given(403, 0)),
                _ => answer(status, given(status, seen.nth * 70)["body"].clone()),
            }
        })
        .await;
        let credential = Credential::Token(Secret::new(token.into()));
        let tenant = server.client_with(Config { credential, ..server.config() });
        let mut said: Vec<String> = Vec::new();
        // Each time the token is a little later in the message, across the place where it is cut.
        for _ in 0..8 {
            said.push(tenant.tenant_id().await.unwrap_err().to_string());
            let body = json!({"description": "x"}).as_object().unwrap().clone();
            let update = Write::Update { kind: kind("group"), id: "g".into(), body };
            said.push(tenant.write(&update).await.unwrap_err().to_string());
        }
        let (listing, _) = list(&tenant, "group").await;
        said.push(listing.note.unwrap());
        for said in said {
            assert!(said.contains("***"), "{said}");
            for part in [token, &token[..6], "c2ln", "somebody"] {
                assert!(!said.contains(part), "{part}: {said}");
            }
        }
        for status in [400, 401, 403, 404, 405, 409, 410, 412, 422, 501] {
            let body = echo(status, 0)["body"].to_string();
            let secrets = super::super::secrets::Secrets::default();
            secrets.remember(token);
            let fault = super::super::fault::Fault::read(status, body.as_bytes(), &secrets);
            let error = fault.into_error("GET /x".to_owned(), status, &[]).to_string();
            assert!(error.contains("***") && !error.contains(token), "{error}");
        }
    }
}

/// Checks that a request which cannot be sent is not repeated until the deadline.
#[tokio::test]
async fn an_address_that_is_too_long_is_final() {
    let server = Server::start(|seen, _| other(seen)).await;
    let filter = format!("displayName eq '{}'", "a".repeat(100_000));
    let tenant = server.client().filtered([("group", filter)].into());
    let (listing, _) = list(&tenant, "group").await;
    let note = listing.note.unwrap_or_default();
    assert!(note.contains("nothing was sent") && note.contains("shorten the filter"), "{note}");
    assert!(!note.contains("aaaa") && server.waits().is_empty(), "{:?}", server.waits());
    // The same holds for signing in.
    let config = Config { tenant: "t".repeat(100_000), ..server.config() };
    let error = server.client_with(config).tenant_id().await.unwrap_err();
    assert!(matches!(&error, TenantError::SignIn { message, .. } if message.contains("nothing was sent")), "{error:?}");
}

#[tokio::test]
async fn a_ready_token_is_used_as_it_is() {
    let server = Server::start(|seen, _| match seen.path.as_str() {
        "/v1.0/organization" if seen.token == "ready" => page(json!([{"id": "tenant"}]), None),
        "/v1.0/auditLogs/directoryAudits" => error(401, "InvalidAuthenticationToken", "expired"),
        _ => other(seen),
    })
    .await;
    let credential = Credential::Token(Secret::new("ready".into()));
    let tenant = server.client_with(Config { credential, ..server.config() });
    assert_eq!(tenant.tenant_id().await.unwrap(), "tenant");
    assert!(matches!(tenant.audit(None).await, Err(TenantError::SignIn { .. })));
    assert!(server.to("POST", "/t/oauth2/v2.0/token").is_empty());
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Server::start(|_, _| page(json!([{"id": "evil"}]), None)).await;
    let target = elsewhere.shared.url.clone();
    let server = Server::start(move |seen, _| match seen.path.as_str() {
        "/v1.0/organization" => answer(302, json!({})).with("location", format!("{target}/v1.0/organization")),
        _ => other(seen),
    })
    .await;
    assert!(matches!(server.client().tenant_id().await, Err(TenantError::Unexpected { .. })));
    assert!(elsewhere.shared.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn only_safe_hosts() {
    let server = Server::start(|seen, _| other(seen)).await;
    for bad in ["http://graph.microsoft.com", "https://u:p@graph.microsoft.com", "nonsense"] {
        let config = Config { graph_url: bad.into(), ..server.config() };
        assert!(GraphTenant::connect(config, Events::silent()).is_err(), "{bad}");
        let config = Config { authority_url: bad.into(), ..server.config() };
        assert!(GraphTenant::connect(config, Events::silent()).is_err(), "{bad}");
    }
    assert!(GraphTenant::connect(Config { tenant: "a/b".into(), ..server.config() }, Events::silent()).is_err());
}

#[tokio::test]
async fn nobody_there() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let config = Config {
        graph_url: url.clone(),
        authority_url: url,
        tenant: "t".into(),
        credential: Credential::Token(Secret::new("x".into())),
        concurrency: 1,
        deadline: Duration::from_millis(300),
    };
    let tenant = GraphTenant::connect(config, Events::silent()).unwrap();
    assert!(matches!(tenant.tenant_id().await, Err(TenantError::Unavailable { .. })));
}
