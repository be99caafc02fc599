//! Sends up to twenty GETs in one request, each answered, throttled and refused separately.
//! <https://learn.microsoft.com/graph/json-batching>

use std::collections::HashMap;
use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::fault::Fault;
use super::http::{BATCHES, Clock, DOUBTS, Http, JSON, PREFER, Repeat, Request, passes, said, workload};
use super::page::describe_json_error;
use super::retry::{Cause, retry_after};
use super::secrets::Secrets;
use crate::model::kind::Api;
use crate::tenant::TenantError;

/// Maximum number of requests in a batch: "JSON batch requests are currently limited to 20 individual requests."
pub(super) const LIMIT: usize = 20;

/// Number of times that an answer may be missing before that is an error.
const UNANSWERED: u32 = 3;

/// Represents one GET inside a batch.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ask {
    /// Path and query below the version.
    pub path: String,
    /// Permissions to name if the request is refused.
    pub permissions: &'static [&'static str],
}

impl Ask {
    fn label(&self) -> String {
        format!("GET {}", self.path.split('?').next().unwrap_or_default())
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    responses: Vec<Inner<'a>>,
}

#[derive(Deserialize)]
struct Inner<'a> {
    id: String,
    status: u16,
    #[serde(default)]
    headers: HashMap<String, serde_json::Value>,
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
}

/// Represents the consequence of one answer for its request.
enum Answer<T> {
    Settled(Result<T, TenantError>),
    Again {
        cause: Cause,
        wait: Option<Duration>,
        why: String,
    },
    /// An error that is believed when it comes again and again.
    Doubtful(TenantError),
    SignIn(TenantError),
}

/// Sends `asks`, at most [`LIMIT`] of them, and reads every answer's body with `parse`. The results are in the order of `asks`.
pub(super) async fn run<T>(
    http: &Http,
    api: Api,
    asks: &[Ask],
    parse: impl Fn(&[u8]) -> Result<T, String>,
) -> Vec<Result<T, TenantError>> {
    let mut batch = Batch::new(http, api, asks);
    loop {
        let open = batch.open();
        if open.is_empty() {
            break;
        }
        batch.clock.start();
        let serial = http.auth.bearer().await.map(|token| token.serial);
        let answers = match &serial {
            Ok(_) => exchange(http, api, asks, &open, &parse).await,
            Err(error) => Err(error.clone()),
        };
        let answers = match answers {
            Ok(answers) => answers,
            Err(error) => {
                for at in open {
                    batch.results[at] = Some(Err(error.clone()));
                }
                break;
            }
        };
        let next = batch.settle(&open, answers);
        if next.sign_in {
            batch.renewed = true;
            if let Ok(serial) = serial {
                // A failure to renew the token shows in the next round.
                let _ = http.auth.another(serial).await;
            }
        }
        if let Some(again) = next.again {
            batch.wait(again).await;
        }
    }
    batch.into_results()
}

/// Holds the state of a batch that is sent until each of its requests is settled.
struct Batch<'a, T> {
    http: &'a Http,
    api: Api,
    asks: &'a [Ask],
    results: Vec<Option<Result<T, TenantError>>>,
    clock: Clock,
    /// Number of rounds in which an answer was missing.
    unanswered: u32,
    /// Number of rounds with a doubtful answer.
    doubts: u32,
    /// True if the token was renewed already.
    renewed: bool,
}

/// Describes what has to be done before the batch is sent again.
#[derive(Default)]
struct Next {
    again: Option<Again>,
    /// True if the token has to be renewed.
    sign_in: bool,
}

/// Tells why requests are sent again, and after which time at least.
struct Again {
    cause: Cause,
    wait: Option<Duration>,
    why: String,
}

impl<'a, T> Batch<'a, T> {
    fn new(http: &'a Http, api: Api, asks: &'a [Ask]) -> Batch<'a, T> {
        let results = asks.iter().map(|_| None).collect();
        Batch { http, api, asks, results, clock: Clock::new(http.deadline), unanswered: 0, doubts: 0, renewed: false }
    }

    /// Returns the positions of the requests without a result.
    fn open(&self) -> Vec<usize> {
        (0..self.asks.len()).filter(|&at| self.results[at].is_none()).collect()
    }

    /// Stores the results of the requests at `open` that have one by now.
    fn settle(&mut self, open: &[usize], mut answers: HashMap<usize, Answer<T>>) -> Next {
        let mut next = Next::default();
        let (mut left_out, mut doubtful) = (false, false);
        for &at in open {
            let label = || self.asks[at].label();
            match answers.remove(&at) {
                Some(Answer::Settled(result)) => self.results[at] = Some(result),
                Some(Answer::Doubtful(error)) if self.doubts >= DOUBTS => self.results[at] = Some(Err(error)),
                Some(Answer::Doubtful(error)) => {
                    doubtful = true;
                    let passing = Again { cause: Cause::Passing, wait: None, why: error.to_string() };
                    next.again = next.again.or(Some(passing));
                }
                Some(Answer::SignIn(error)) if self.renewed || !self.http.auth.can_renew() => {
                    self.results[at] = Some(Err(error));
                }
                Some(Answer::SignIn(_)) => next.sign_in = true,
                Some(Answer::Again { cause, wait, why }) => {
                    let left = self.clock.left();
                    if left.is_zero() || wait.is_some_and(|wait| wait >= left) {
                        let error = TenantError::Unavailable { request: label(), message: why };
                        self.results[at] = Some(Err(error));
                        continue;
                    }
                    next.again = Some(match next.again {
                        Some(was) => was.joined(Again { cause, wait, why }),
                        None => Again { cause, wait, why },
                    });
                }
                None if self.unanswered >= UNANSWERED => {
                    let message = "the batch's reply holds no answer to it".to_owned();
                    self.results[at] = Some(Err(TenantError::Unexpected { request: label(), message }));
                }
                None => {
                    left_out = true;
                    let why = "a request in a batch was not answered".to_owned();
                    next.again = next.again.or(Some(Again { cause: Cause::Passing, wait: None, why }));
                }
            }
        }
        self.unanswered += u32::from(left_out);
        self.doubts += u32::from(doubtful);
        next
    }

    /// Waits before the batch is sent again. If no time is left for that, its open requests fail.
    async fn wait(&mut self, again: Again) {
        let Again { cause, wait, why } = again;
        let Some(pause) = self.clock.pause(cause, wait) else {
            for at in self.open() {
                let error = TenantError::Unavailable { request: self.asks[at].label(), message: why.clone() };
                self.results[at] = Some(Err(error));
            }
            return;
        };
        if let (Cause::Throttled, Some(url)) = (cause, first_url(self.http, self.api, self.asks)) {
            self.http.hold(&workload(&url), pause);
            self.http.hold(BATCHES, pause);
        }
        self.http.wait(pause, &why).await;
    }

    fn into_results(self) -> Vec<Result<T, TenantError>> {
        let not_asked = |ask: &Ask| {
            let message = "it was not asked".to_owned();
            Err(TenantError::Unexpected { request: ask.label(), message })
        };
        self.results.into_iter().zip(self.asks).map(|(result, ask)| result.unwrap_or_else(|| not_asked(ask))).collect()
    }
}

impl Again {
    /// Returns the longer wait of the two, and the reason of the later one. Throttling stays the cause.
    fn joined(self, later: Again) -> Again {
        let cause = if self.cause == Cause::Throttled { self.cause } else { later.cause };
        Again { cause, wait: self.wait.max(later.wait), why: later.why }
    }
}

fn first_url(http: &Http, api: Api, asks: &[Ask]) -> Option<reqwest::Url> {
    http.base.join(&format!("{}{}", api.segment(), asks.first()?.path)).ok()
}

/// Returns the body of a batch: the requests at the positions `open`, with the position as id.
fn assemble(asks: &[Ask], open: &[usize]) -> Vec<u8> {
    let requests: Vec<serde_json::Value> = open
        .iter()
        .map(|&at| json!({"id": at.to_string(), "method": "GET", "url": asks[at].path, "headers": {"Prefer": PREFER}}))
        .collect();
    json!({ "requests": requests }).to_string().into_bytes()
}

async fn exchange<T>(
    http: &Http,
    api: Api,
    asks: &[Ask],
    open: &[usize],
    parse: &impl Fn(&[u8]) -> Result<T, String>,
) -> Result<HashMap<usize, Answer<T>>, TenantError> {
    let request = Request {
        method: Method::POST,
        url: http.base.join(&format!("{}/$batch", api.segment()))?,
        body: Some(assemble(asks, open)),
        // A batch holds nothing but GETs, so it may be repeated.
        repeat: Repeat::Safe,
        permissions: &[],
        eventual: false,
        accept: JSON,
    };
    http.run(&request, |body| read(body, asks, http.auth.secrets(), parse)).await
}

fn read<T>(
    body: &[u8],
    asks: &[Ask],
    secrets: &Secrets,
    parse: &impl Fn(&[u8]) -> Result<T, String>,
) -> Result<HashMap<usize, Answer<T>>, String> {
    let envelope: Envelope<'_> = serde_json::from_slice(body).map_err(|error| describe_json_error(&error))?;
    let mut answers = HashMap::with_capacity(envelope.responses.len());
    for inner in envelope.responses {
        // An answer with an id that was not sent is ignored.
        let Some((at, ask)) = inner.id.parse::<usize>().ok().and_then(|at| Some((at, asks.get(at)?))) else { continue };
        answers.entry(at).or_insert_with(|| judge(&inner, ask, secrets, parse));
    }
    Ok(answers)
}

fn judge<T>(inner: &Inner<'_>, ask: &Ask, secrets: &Secrets, parse: &impl Fn(&[u8]) -> Result<T, String>) -> Answer<T> {
    let body = inner.body.map_or(&b""[..], |body| body.get().as_bytes());
    let passing = |wait, why| Answer::Again { cause: Cause::Passing, wait, why };
    if (200..300).contains(&inner.status) {
        return match parse(body) {
            Ok(value) => Answer::Settled(Ok(value)),
            Err(why) => passing(None, why),
        };
    }
    let wait =
        inner.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after")).and_then(|(_, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            retry_after(&text, jiff::Timestamp::now())
        });
    let fault = Fault::read(inner.status, body, secrets);
    let into_error = |fault: Fault| fault.into_error(ask.label(), inner.status, ask.permissions);
    match inner.status {
        status if fault.is_doubtful(status) || fault.is_unprovisioned(status) => Answer::Doubtful(into_error(fault)),
        status if fault.is_hidden_refusal(status) => Answer::Settled(Err(into_error(fault))),
        429 => Answer::Again { cause: Cause::Throttled, wait, why: said(429, &fault) },
        // 424 means that a request failed on which this one depended; no request here depends on another.
        status if passes(status) || status == 424 => passing(wait, said(status, &fault)),
        401 if !fault.is_licence() => Answer::SignIn(into_error(fault)),
        _ => Answer::Settled(Err(into_error(fault))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks() -> Vec<Ask> {
        ["/groups/a/members?$select=id", "/groups/b/members?$select=id", "/groups/c/owners", "/groups/d/owners"]
            .map(|path| Ask { path: path.to_owned(), permissions: &["GroupMember.Read.All"] })
            .to_vec()
    }

    #[test]
    fn only_what_is_open_is_asked() {
        let body: serde_json::Value = serde_json::from_slice(&assemble(&asks(), &[1, 3])).unwrap();
        insta::assert_snapshot!(body, @r#"{"requests":[{"headers":{"Prefer":"include-unknown-enum-members"},"id":"1","method":"GET","url":"/groups/b/members?$select=id"},{"headers":{"Prefer":"include-unknown-enum-members"},"id":"3","method":"GET","url":"/groups/d/owners"}]}"#);
    }

    // Shape as documented: <https://learn.microsoft.com/graph/json-batching>
    #[test]
    fn answers_come_in_any_order_and_each_counts_alone() {
        let body = br#"{"responses":[
            {"id":"2","status":403,"headers":{},"body":{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges to complete the operation."}}},
            {"id":"1","status":429,"headers":{"Retry-After":"10"},"body":{"error":{"code":"TooManyRequests","message":"Please retry again later."}}},
            {"id":"0","status":200,"body":{"value":[]}},
            {"id":"0","status":500,"body":{}},
            {"id":"17","status":200,"body":{}}
        ]}"#;
        let mut answers = read(body, &asks(), &Secrets::default(), &|body| Ok(body.len())).unwrap();
        assert!(matches!(answers.remove(&0), Some(Answer::Settled(Ok(12)))));
        assert!(matches!(
            answers.remove(&1),
            Some(Answer::Again { cause: Cause::Throttled, wait: Some(wait), .. }) if wait == Duration::from_secs(10)
        ));
        let Some(Answer::Settled(Err(error))) = answers.remove(&2) else { panic!() };
        insta::assert_snapshot!(error, @"GET /groups/c/owners: permission denied: Authorization_RequestDenied: Insufficient privileges to complete the operation. (grant one of: GroupMember.Read.All)");
        assert!(answers.is_empty());
        assert!(read(br#"{"responses":[{"id":"0","#, &asks(), &Secrets::default(), &|_| Ok(())).is_err());
        assert!(read(b"{}", &asks(), &Secrets::default(), &|_| Ok(())).is_err());
    }
}
