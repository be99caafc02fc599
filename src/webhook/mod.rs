//! Sends messages to webhooks, and learns only whether they were accepted.
//!
//! The address of a webhook is a secret: anyone who has it can write into the channel. Therefore only its host is ever shown.

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::{Client, Url};

use crate::model::Events;

#[cfg(test)]
mod tests;

/// Maximum time for one attempt.
const ATTEMPT: Duration = Duration::from_secs(15);
/// Maximum number of attempts.
const ATTEMPTS: u32 = 5;
/// Maximum number of bytes that are read of an answer.
const ANSWER: usize = 4_096;

/// Holds the address that messages are sent to.
#[derive(Clone)]
pub struct Target {
    url: Url,
    host: String,
}

/// Represents the reason why a message was not accepted; names the host only.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// The address must not be used.
    #[error("the webhook{} is refused: {why}", of_host(.host))]
    Address {
        /// Host of the address, if it has one.
        host: String,
        /// Description of the error.
        why: &'static str,
    },
    /// The webhook was asked and did not accept the message.
    #[error("the webhook of {host} did not take the message: {why}")]
    Failed {
        /// Host of the webhook.
        host: String,
        /// Its answer, or a note that there was none.
        why: String,
    },
}

fn of_host(host: &str) -> String {
    if host.is_empty() { String::new() } else { format!(" of {host}") }
}

impl Target {
    /// Parses an address, and checks that it is https, or plain http on this machine.
    ///
    /// # Errors
    /// If it is something else.
    pub fn parse(text: &str) -> Result<Target, WebhookError> {
        let refuse = |host: &str, why| WebhookError::Address { host: host.to_owned(), why };
        let url = Url::parse(text.trim())
            .map_err(|_| refuse("", "it is not a URL; give the whole address, https:// included"))?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let local = bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|it| it.is_loopback());
        match url.scheme() {
            "https" if !host.is_empty() => {}
            "http" if local => {}
            "http" => return Err(refuse(&host, "plain http is for this machine only; give an https address")),
            _ => return Err(refuse("", "only https addresses are written to")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse(&host, "it holds a user name or a password; use the address that the service gave out"));
        }
        Ok(Target { url, host })
    }

    /// Returns the host, which may be shown.
    pub fn host(&self) -> &str {
        &self.host
    }

    fn is_local(&self) -> bool {
        self.url.scheme() == "http"
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({})", self.host)
    }
}

/// Posts a message (JSON). It is sent again where that may help, until `deadline` has passed: a message that arrives twice does
/// less harm than one that does not arrive.
///
/// # Errors
/// If the message was not accepted.
pub async fn post(target: &Target, message: &str, deadline: Duration, events: &Events) -> Result<(), WebhookError> {
    let failed = |why: String| WebhookError::Failed { host: target.host.clone(), why };
    let client = client(target).map_err(|error| failed(why(&error)))?;
    let started = Instant::now();
    let mut attempt = 0;
    loop {
        let left = deadline.saturating_sub(started.elapsed());
        let (said, asked) = match once(&client, target, message, left.min(ATTEMPT)).await {
            Outcome::Taken => return Ok(()),
            Outcome::Refused(why) => return Err(failed(why)),
            Outcome::Again(why, wait) => (why, wait),
        };
        attempt += 1;
        let pause = asked.unwrap_or_else(|| Duration::from_millis(500) * 2u32.pow(attempt.min(6)));
        if attempt >= ATTEMPTS || pause >= deadline.saturating_sub(started.elapsed()) {
            let times = if attempt == 1 { "once".to_owned() } else { format!("{attempt} times") };
            return Err(failed(format!("{said}; tried {times}")));
        }
        let reason = format!("the webhook of {}: {said}", target.host);
        events.emit(crate::model::Event::Waiting { seconds: pause.as_secs_f64(), reason });
        tokio::time::sleep(pause).await;
    }
}

enum Outcome {
    Taken,
    Refused(String),
    Again(String, Option<Duration>),
}

async fn once(client: &Client, target: &Target, message: &str, limit: Duration) -> Outcome {
    let sent = client
        .post(target.url.clone())
        .header("content-type", "application/json")
        .body(message.to_owned())
        .timeout(limit.max(Duration::from_millis(1)))
        .send()
        .await;
    let mut reply = match sent {
        Ok(reply) => reply,
        Err(error) => return Outcome::Again(why(&error), None),
    };
    let status = reply.status().as_u16();
    let wait = reply.headers().get("retry-after").and_then(|value| retry_after(value.to_str().ok()?, Timestamp::now()));
    // Only the beginning of the answer is read: the rest is of no use, and may have no end.
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = reply.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() >= ANSWER {
            break;
        }
    }
    judge(status, wait, &String::from_utf8_lossy(&body))
}

/// Classifies an answer. Its body is not repeated to anyone, since it may contain the address.
fn judge(status: u16, wait: Option<Duration>, body: &str) -> Outcome {
    // Incoming webhooks of Teams answer 200 and put the failure into the text: "Microsoft Teams endpoint returned HTTP error
    // 429".
    // <https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using#rate-limiting-for-connectors>
    let inner = body.split_once("returned HTTP error ").and_then(|(_, rest)| rest.get(..3)?.parse::<u16>().ok());
    let status = if status == 200 { inner.unwrap_or(status) } else { status };
    match status {
        200..=299 => Outcome::Taken,
        300..=399 => Outcome::Refused(format!("HTTP {status}: a redirect, which is not followed")),
        408 | 429 | 500..=599 => Outcome::Again(format!("HTTP {status}"), wait),
        404 | 410 => Outcome::Refused(format!("HTTP {status}: there is no such webhook any more; make a new one")),
        413 => Outcome::Refused("HTTP 413: the message is too large for it".to_owned()),
        _ => Outcome::Refused(format!("HTTP {status}; check the address and `--notify-as`")),
    }
}

/// Parses `Retry-After`: seconds or an HTTP date (RFC 9110, section 10.2.3).
fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse::<f64>() {
        return Duration::try_from_secs_f64(seconds.max(0.0)).ok();
    }
    let at = jiff::fmt::rfc2822::parse(value.trim()).ok()?.timestamp();
    Some(Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO))
}

fn client(target: &Target) -> Result<Client, reqwest::Error> {
    // The provider is set once for the process. If another part of the program was first, its provider is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .user_agent(concat!("entragit/", env!("CARGO_PKG_VERSION")))
        // The message is meant for one host, so redirects are not followed.
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10));
    if target.is_local() {
        builder = builder.no_proxy().tls_certs_only([]);
    }
    builder.build()
}

/// Describes a transport error without the URL.
fn why(error: &reqwest::Error) -> String {
    let what = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    };
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    let cause = cause.to_string();
    if cause.is_empty() || cause.contains("://") { what.to_owned() } else { format!("{what}: {cause}") }
}
