//! Sends one request and its repetitions. No module above sees a status code that passes by itself.
//!
//! The effect of a request decides whether it may be repeated: a GET always; a PATCH, PUT or DELETE too, since repeating it
//! changes nothing more; a POST that creates only if it is certain that the first was not carried out (429, 503 with
//! `Retry-After`, no connection). Otherwise its outcome is [`TenantError::Unknown`].

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, Url};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::auth::{Auth, Token, carries};
use super::fault::{Fault, about_object, is_of_directory};
use super::pace::{self, Pace};
use super::retry::{Cause, backoff, retry_after, spread};
use super::transport::{NO_REQUEST, why};
use super::urls::Base;
use crate::model::{Event, Events};
use crate::tenant::TenantError;

/// Maximum time for one attempt.
const ATTEMPT: Duration = Duration::from_secs(100);

/// Tells whether a request may be sent again although the first may have been carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// The request changes nothing.
    Safe,
    /// Sending it twice has the effect of sending it once.
    Idempotent,
    /// Sending it twice has two effects.
    Once,
}

/// Represents a request.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// HTTP method.
    pub method: Method,
    /// Address of the request.
    pub url: Url,
    /// Body, as JSON.
    pub body: Option<Vec<u8>>,
    /// Rule for sending the request again.
    pub repeat: Repeat,
    /// Permissions to name if the request is refused.
    pub permissions: &'static [&'static str],
    /// True if the index may answer, which lags a little: `ConsistencyLevel: eventual`.
    pub eventual: bool,
    /// Media type of the answer.
    pub accept: &'static str,
}

/// Media type of nearly every answer.
pub(super) const JSON: &str = "application/json";

impl Request {
    /// Returns a GET.
    pub(super) fn get(url: Url, permissions: &'static [&'static str]) -> Self {
        Request {
            method: Method::GET,
            url,
            body: None,
            repeat: Repeat::Safe,
            permissions,
            eventual: false,
            accept: JSON,
        }
    }

    /// Returns method and path, for people. The query stays out: it may hold tokens of pages, and names.
    pub(super) fn label(&self) -> String {
        format!("{} {}", self.method, self.url.path())
    }
}

/// Sends requests: few at a time, with a token, until they are answered or their time is over.
pub(super) struct Http {
    /// Connections to Graph.
    pub client: Client,
    /// Base URL to which tokens may be sent.
    pub base: Base,
    /// Source of the tokens.
    pub auth: Auth,
    slots: Semaphore,
    /// Slots that batches may take: the next page of a list must not wait for the links of all the others.
    bulk: Semaphore,
    pauses: Mutex<HashMap<String, Instant>>,
    pace: Pace,
    events: Events,
    /// Time for one request with its repetitions.
    pub deadline: Duration,
}

/// Represents the reason why an attempt failed.
enum AttemptError {
    /// The request was certainly not carried out and may be sent again.
    NotDone { cause: Cause, wait: Option<Duration>, why: String },
    /// The request was perhaps carried out.
    Lost(String),
    /// The answer is an error that may be another one the next time: it is believed when it comes again and again.
    Doubtful(TenantError),
    /// The answer was 401.
    Unauthorized(TenantError),
    /// The error is final: sending the request again does not help.
    Final(TenantError),
}

impl Http {
    pub(super) fn new(
        client: Client,
        base: Base,
        auth: Auth,
        slots: usize,
        deadline: Duration,
        events: Events,
    ) -> Self {
        let slots = slots.clamp(1, 256);
        let bulk = Semaphore::new((slots * 3 / 4).max(1));
        let slots = Semaphore::new(slots);
        Http {
            client,
            base,
            auth,
            slots,
            bulk,
            pauses: Mutex::new(HashMap::new()),
            pace: Pace::default(),
            events,
            deadline,
        }
    }

    /// Sends `request` and reads the reply's body with `parse`. A body that cannot be read counts as an answer that was lost.
    pub(super) async fn run<T>(
        &self,
        request: &Request,
        parse: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<T, TenantError> {
        let workload = workload(&request.url);
        let queue = queue(request, &workload);
        let mut clock = Clock::new(self.deadline);
        let mut renewed = false;
        let mut perhaps_done = false;
        let mut doubts = 0;
        loop {
            let setback = {
                let closed = |_| unavailable(request, "this client is closed");
                // The batch slot is taken first, so that a batch that waited for it heeds the pauses set meanwhile.
                let _bulk = match workload.as_str() {
                    BATCHES => Some(self.bulk.acquire().await.map_err(closed)?),
                    _ => None,
                };
                self.pass(&workload, queue).await;
                let _slot = self.slots.acquire().await.map_err(closed)?;
                clock.start();
                let token = self.auth.bearer().await?;
                let outcome = self.once(request, &token, clock.left(), &parse).await;
                match outcome {
                    Ok(answer) => {
                        self.pace.faster(queue);
                        return Ok(answer);
                    }
                    Err(AttemptError::Unauthorized(error)) if renewed || !self.auth.can_renew() => {
                        AttemptError::Final(error)
                    }
                    Err(AttemptError::Unauthorized(_)) => {
                        renewed = true;
                        self.auth.another(token.serial).await?;
                        continue;
                    }
                    Err(setback) => setback,
                }
            };
            let (cause, wait, why) = match setback {
                AttemptError::Final(error) | AttemptError::Unauthorized(error) => return Err(error),
                AttemptError::Doubtful(error) => match clock.pause(Cause::Passing, None) {
                    Some(pause) if doubts < DOUBTS => {
                        doubts += 1;
                        self.wait(pause, &error.to_string()).await;
                        continue;
                    }
                    _ => return Err(error),
                },
                AttemptError::NotDone { cause, wait, why } => (cause, wait, why),
                AttemptError::Lost(message) if request.repeat == Repeat::Once => {
                    return Err(TenantError::Unknown { request: request.label(), message });
                }
                AttemptError::Lost(why) => {
                    perhaps_done = true;
                    (Cause::Passing, None, why)
                }
            };
            let Some(pause) = clock.pause(cause, wait) else {
                return Err(if perhaps_done && request.repeat != Repeat::Safe {
                    TenantError::Unknown { request: request.label(), message: why }
                } else {
                    unavailable(request, &why)
                });
            };
            match (cause, wait) {
                // Requests that share one documented limit share one queue.
                (Cause::Throttled, wait) if wait.is_none() || queue == pace::WRITES => {
                    self.pace.slower(queue, Instant::now(), wait);
                    self.events.emit(Event::Waiting { seconds: pause.as_secs_f64(), reason: why });
                    continue;
                }
                (Cause::Throttled, _) => self.hold(&workload, pause),
                (Cause::Passing, _) => {}
            }
            self.wait(pause, &why).await;
        }
    }

    /// Waits, and emits an event with the reason.
    pub(super) async fn wait(&self, pause: Duration, why: &str) {
        self.events.emit(Event::Waiting { seconds: pause.as_secs_f64(), reason: why.to_owned() });
        tokio::time::sleep(pause).await;
    }

    /// Makes all requests of a workload wait: calls made while throttled count against the limits as well.
    /// <https://learn.microsoft.com/graph/throttling>
    pub(super) fn hold(&self, workload: &str, pause: Duration) {
        let until = Instant::now() + pause;
        let mut pauses = self.pauses.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = pauses.entry(workload.to_owned()).or_insert(until);
        *entry = (*entry).max(until);
    }

    async fn pass(&self, workload: &str, queue: &str) {
        loop {
            let until = self.pauses.lock().unwrap_or_else(PoisonError::into_inner).get(workload).copied();
            let left = until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                break;
            }
            tokio::time::sleep(spread(left, fastrand::f64())).await;
        }
        tokio::time::sleep_until(self.pace.place(queue, Instant::now())).await;
    }

    async fn once<T>(
        &self,
        request: &Request,
        token: &Token,
        left: Duration,
        parse: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<T, AttemptError> {
        let mut builder = self
            .client
            .request(request.method.clone(), request.url.clone())
            .header("authorization", token.header.clone())
            .header("accept", request.accept)
            .header("client-request-id", uuid::Uuid::new_v4().to_string())
            .timeout(left.min(ATTEMPT).max(Duration::from_millis(1)));
        if request.method == Method::GET {
            // Without this header, members of enumerations that are newer than a client come back as `unknownFutureValue`.
            // <https://learn.microsoft.com/graph/best-practices-concept#handling-future-members-in-evolvable-enumerations>
            builder = builder.header("prefer", PREFER);
        }
        if request.eventual {
            builder = builder.header("consistencylevel", "eventual");
        }
        if let Some(body) = &request.body {
            builder = builder.header("content-type", "application/json").body(body.clone());
        }
        let reply = match builder.send().await {
            Ok(reply) => reply,
            Err(error) if error.is_builder() => {
                return Err(AttemptError::Final(TenantError::Refused {
                    request: request.label(),
                    status: 400,
                    code: "invalid-request".to_owned(),
                    message: NO_REQUEST.to_owned(),
                }));
            }
            Err(error) if error.is_connect() => {
                return Err(AttemptError::NotDone { cause: Cause::Passing, wait: None, why: why(&error) });
            }
            Err(error) => return Err(AttemptError::Lost(why(&error))),
        };
        let status = reply.status().as_u16();
        let wait = asked_wait(reply.headers());
        if status == 401 {
            self.auth.keep_claims_challenge(reply.headers());
        }
        let body = match reply.bytes().await {
            Ok(body) => body,
            // For 429 the status is enough, so a broken body does not matter.
            Err(_) if status == 429 => Default::default(),
            Err(error) => return Err(AttemptError::Lost(why(&error))),
        };
        match status {
            200..=299 => parse(&body).map_err(AttemptError::Lost),
            300..=399 => Err(AttemptError::Final(TenantError::Unexpected {
                request: request.label(),
                message: format!("HTTP {status}: a redirect; it was not followed"),
            })),
            _ => Err(match judge(request, status, wait, Fault::read(status, &body, self.auth.secrets())) {
                AttemptError::Final(error) if request.method != Method::GET && is_of_directory(request.url.path()) => {
                    AttemptError::Final(about_object(error, |permission| carries(&token.header, permission)))
                }
                error => error,
            }),
        }
    }
}

/// Name of the workload of batches, whatever they contain.
pub(super) const BATCHES: &str = "$batch";

/// Value of the `Prefer` header of every GET.
pub(super) const PREFER: &str = "include-unknown-enum-members";

/// Number of times that a request is sent again after an error that is not believed at once.
pub(super) const DOUBTS: u32 = 3;

fn judge(request: &Request, status: u16, wait: Option<Duration>, fault: Fault) -> AttemptError {
    let into_error = |fault: Fault| fault.into_error(request.label(), status, request.permissions);
    match (status, wait) {
        _ if fault.is_doubtful(status) => AttemptError::Doubtful(into_error(fault)),
        // A back end may be away for a moment, and a write may have been done in spite of the answer.
        _ if fault.is_unprovisioned(status) && request.repeat == Repeat::Safe => {
            AttemptError::Doubtful(into_error(fault))
        }
        _ if fault.is_hidden_refusal(status) => AttemptError::Final(into_error(fault)),
        (429, _) => AttemptError::NotDone { cause: Cause::Throttled, wait, why: said(status, &fault) },
        (503, Some(_)) => AttemptError::NotDone { cause: Cause::Passing, wait, why: said(status, &fault) },
        _ if passes(status) => match wait {
            Some(_) if request.repeat != Repeat::Once => {
                AttemptError::NotDone { cause: Cause::Passing, wait, why: said(status, &fault) }
            }
            _ => AttemptError::Lost(said(status, &fault)),
        },
        (401, _) if !fault.is_licence() => AttemptError::Unauthorized(into_error(fault)),
        _ => AttemptError::Final(into_error(fault)),
    }
}

/// Returns true if the status means that the request may succeed the next time.
pub(super) fn passes(status: u16) -> bool {
    matches!(status, 408 | 500 | 502 | 503 | 504 | 509)
}

/// Returns the pause that `Retry-After` asks for.
fn asked_wait(headers: &HeaderMap) -> Option<Duration> {
    retry_after(headers.get("retry-after")?.to_str().ok()?, Timestamp::now())
}

/// Returns status and code, for people.
pub(super) fn said(status: u16, fault: &Fault) -> String {
    if fault.code.is_empty() { format!("HTTP {status}") } else { format!("HTTP {status} {}", fault.code) }
}

/// Returns the name of the queue that a request waits in if there is one.
fn queue<'a>(request: &Request, workload: &'a str) -> &'a str {
    let reads = matches!(request.repeat, Repeat::Safe);
    if reads || [pace::ACCESS, pace::IDENTITY].contains(&workload) { workload } else { pace::WRITES }
}

/// Returns the workload of a URL. Requests of one workload are throttled together; the first word of the path is the best guess.
pub(super) fn workload(url: &Url) -> String {
    let Some(mut parts) = url.path_segments() else { return String::new() };
    match (parts.nth(1).unwrap_or_default(), parts.next()) {
        // Conditional Access is the slowest; other paths below `identity`, user flows for instance, have a limit of their own.
        ("identity", Some("conditionalAccess")) => pace::ACCESS.to_owned(),
        (first, _) => first.to_owned(),
    }
}

fn unavailable(request: &Request, message: &str) -> TenantError {
    TenantError::Unavailable { request: request.label(), message: message.to_owned() }
}

/// Measures the time that a request has taken, with its repetitions.
pub(super) struct Clock {
    started: Option<Instant>,
    deadline: Duration,
    attempt: u32,
}

impl Clock {
    pub(super) fn new(deadline: Duration) -> Self {
        Clock { started: None, deadline, attempt: 0 }
    }

    /// Starts the clock; later calls have no effect.
    pub(super) fn start(&mut self) {
        self.started.get_or_insert_with(Instant::now);
    }

    /// Returns the time since the start.
    pub(super) fn spent(&self) -> Duration {
        self.started.map_or(Duration::ZERO, |started| started.elapsed())
    }

    /// Returns the time that is left until the deadline.
    pub(super) fn left(&self) -> Duration {
        self.deadline.saturating_sub(self.spent())
    }

    /// Returns the time to wait before the next attempt; `None` if the deadline would pass.
    pub(super) fn pause(&mut self, cause: Cause, wait: Option<Duration>) -> Option<Duration> {
        let pause = match wait {
            Some(wait) => spread(wait.max(Duration::from_millis(20)), fastrand::f64()),
            None => backoff(cause, self.attempt, fastrand::f64()),
        };
        self.attempt += 1;
        (pause < self.left()).then_some(pause)
    }
}
