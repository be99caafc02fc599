use super::*;

const PATH: &str = "services/T000/B000/hush";

fn target(text: &str) -> String {
    match Target::parse(text) {
        Ok(target) => format!("{target:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn addresses_are_checked_and_never_repeated() {
    let said: Vec<String> = [
        "https://hooks.slack.com/",
        "http://127.0.0.1:8080/",
        "http://localhost/",
        "http://[::1]:9/",
        "http://hooks.slack.com/",
        "http://127.0.0.1.evil.test/",
        "ftp://hooks.slack.com/",
        "https://user:word@hooks.slack.com/",
        "hooks.slack.com/",
        "",
    ]
    .into_iter()
    .map(|start| target(&format!("{start}{PATH}")))
    .collect();
    assert!(!said.join("").contains("hush"));
    insta::assert_snapshot!(said.join("\n"), @r"
    Target(hooks.slack.com)
    Target(127.0.0.1)
    Target(localhost)
    Target([::1])
    the webhook of hooks.slack.com is refused: plain http is for this machine only; give an https address
    the webhook of 127.0.0.1.evil.test is refused: plain http is for this machine only; give an https address
    the webhook is refused: only https addresses are written to
    the webhook of hooks.slack.com is refused: it holds a user name or a password; use the address that the service gave out
    the webhook is refused: it is not a URL; give the whole address, https:// included
    the webhook is refused: it is not a URL; give the whole address, https:// included
    ");
}

#[test]
fn answers_are_judged() {
    let said = |status, wait: Option<u64>, body: &str| match judge(status, wait.map(Duration::from_secs), body) {
        Outcome::Taken => "taken".to_owned(),
        Outcome::Refused(why) => format!("refused: {why}"),
        Outcome::Again(why, wait) => format!("again: {why} {wait:?}"),
    };
    let all = [
        said(200, None, "ok"),
        said(202, None, ""),
        said(
            200,
            None,
            "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with x",
        ),
        said(200, None, "… returned HTTP error 413 with ContextId"),
        said(429, Some(7), "hush"),
        said(503, None, ""),
        said(302, None, ""),
        said(404, None, "no_service"),
        said(400, None, "invalid_payload hush"),
    ];
    insta::assert_snapshot!(all.join("\n"), @r"
    taken
    taken
    again: HTTP 429 None
    refused: HTTP 413: the message is too large for it
    again: HTTP 429 Some(7s)
    again: HTTP 503 None
    refused: HTTP 302: a redirect, which is not followed
    refused: HTTP 404: there is no such webhook any more; make a new one
    refused: HTTP 400; check the address and `--notify-as`
    ");
}

#[test]
fn waits_are_read() {
    let now: Timestamp = "2015-10-21T07:27:00Z".parse().unwrap();
    assert_eq!(retry_after("2", now), Some(Duration::from_secs(2)));
    assert_eq!(retry_after("Wed, 21 Oct 2015 07:28:00 GMT", now), Some(Duration::from_secs(60)));
    assert_eq!(retry_after("later", now), None);
}

#[tokio::test]
async fn nobody_there_is_said_without_the_address() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let target = Target::parse(&format!("http://{}/{PATH}", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    // The first pause is longer than the deadline, so the test does not wait.
    let error = post(&target, "{}", Duration::from_millis(500), &Events::silent()).await.unwrap_err().to_string();
    assert!(error.starts_with("the webhook of 127.0.0.1 did not take the message: no connection"), "{error}");
    assert!(!error.contains("hush"), "{error}");
}
