//! Signs in: fetches a token once, shares it between all requests, and renews it before it runs out.
//! <https://learn.microsoft.com/graph/auth-v2-service>

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use reqwest::header::HeaderValue;
use reqwest::{Client, Url};
use serde::Deserialize;

use super::fault::one_line;
use super::http::NO_REQUEST;
use super::retry::{Cause, backoff};
use super::secrets::Secrets;
use super::urls::{Base, escape};
use crate::model::Secret;
use crate::tenant::TenantError;

/// Represents the ways to sign in.
#[derive(Debug, Clone)]
pub enum Credential {
    /// Sign-in as an application, with a secret.
    ClientSecret {
        /// Application id.
        client_id: String,
        /// The secret.
        client_secret: Secret<String>,
    },
    /// A token that someone else fetched.
    Token(Secret<String>),
    /// Sign-in as a person (delegated), with a password.
    Password {
        /// Application id.
        client_id: String,
        /// User principal name.
        username: String,
        /// The password.
        password: Secret<String>,
    },
}

impl Credential {
    /// Returns the ids by which the tenant knows the signed-in identity, in lower case: the application's, and the claims of a
    /// ready token (`appid`, or `azp` in newer tokens, and `oid`). A token that cannot be read yields none.
    /// <https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference>
    pub fn identities(&self) -> BTreeSet<String> {
        let ids: Vec<String> = match self {
            Credential::ClientSecret { client_id, .. } | Credential::Password { client_id, .. } => {
                vec![client_id.clone()]
            }
            Credential::Token(token) => {
                let claims = claims(token.expose()).unwrap_or_default();
                let text = |name: &str| claims[name].as_str().map(str::to_owned);
                ["appid", "azp", "oid"].into_iter().filter_map(text).collect()
            }
        };
        ids.into_iter().map(|id| id.to_lowercase()).filter(|id| !id.is_empty()).collect()
    }
}

fn claims(token: &str) -> Option<serde_json::Value> {
    use base64::Engine as _;
    let payload = token.split('.').nth(1)?;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Returns true if a token carries an application permission (`roles`) or a delegated one (`scp`). For a token that cannot be
/// read it returns false.
pub(super) fn carries(header: &HeaderValue, permission: &str) -> bool {
    header.to_str().ok().and_then(claims).is_some_and(|claims| {
        let roles = claims["roles"].as_array().into_iter().flatten().filter_map(serde_json::Value::as_str);
        let scopes = claims["scp"].as_str().unwrap_or_default().split(' ');
        roles.chain(scopes).any(|granted| granted == permission)
    })
}

/// Returns true if a token says that an application signed in without a person.
/// <https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference>
pub(super) fn is_application(header: &HeaderValue) -> bool {
    let says = |claims: &serde_json::Value| claims["idtyp"] == "app" || claims["roles"].is_array();
    header.to_str().ok().and_then(claims).is_some_and(|claims| says(&claims) && claims["scp"].is_null())
}

/// Returns the tenant that a token names (`tid`). The signature is not verified, and need not be: the token is this client's own,
/// and Graph, which verifies it, answers for no other tenant. The claim only tells which tenant that is, and no access depends on
/// it. <https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference>
pub(super) fn tenant_of(header: &HeaderValue) -> Option<String> {
    let claims = header.to_str().ok().and_then(claims)?;
    claims["tid"].as_str().filter(|id| !id.is_empty()).map(str::to_owned)
}

/// Represents a bearer token, ready to send.
#[derive(Clone)]
pub(super) struct Token {
    /// `Authorization`, marked as sensitive.
    pub header: HeaderValue,
    /// Number that tells one token from the next.
    pub serial: u64,
    renew_at: Option<Instant>,
    ends_at: Option<Instant>,
}

/// Time for which the first sign-in is tried.
const FIRST_CONTACT: Duration = Duration::from_secs(30);

/// Fetches and renews the token.
pub(super) struct Auth {
    client: Client,
    url: Url,
    request: String,
    scope: String,
    credential: Credential,
    deadline: Duration,
    current: RwLock<Option<Arc<Token>>>,
    renewing: tokio::sync::Mutex<()>,
    /// Secrets that no text of a reply may repeat.
    pub secrets: Secrets,
}

#[derive(Deserialize)]
struct Granted {
    access_token: Option<String>,
    #[serde(default)]
    expires_in: Seconds,
}

/// Number of seconds, sent as a number or, by some endpoints, as a string.
#[derive(Deserialize, Default)]
#[serde(untagged)]
enum Seconds {
    Number(f64),
    Text(String),
    #[default]
    Unknown,
}

#[derive(Deserialize)]
struct Refused {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

enum Failure {
    Final(TenantError),
    Passing(String),
}

impl Auth {
    pub(super) fn new(
        client: Client,
        authority: &Base,
        graph: &Base,
        tenant: &str,
        credential: Credential,
        deadline: Duration,
    ) -> Result<Self, TenantError> {
        let url = authority.join(&format!("/{}/oauth2/v2.0/token", escape(tenant)))?;
        let auth = Auth {
            client,
            request: format!("POST {url}"),
            url,
            scope: format!("{}/.default", graph.text()),
            secrets: Secrets::of(&credential),
            credential,
            deadline,
            current: RwLock::new(None),
            renewing: tokio::sync::Mutex::new(()),
        };
        if let Credential::Token(token) = &auth.credential {
            let token = auth.token(token.expose(), None)?;
            auth.keep(Arc::new(token));
        }
        Ok(auth)
    }

    /// Returns the token to send; it is fetched first if there is none, or if 80 % of its life is over.
    pub(super) async fn bearer(&self) -> Result<Arc<Token>, TenantError> {
        if let Some(token) = self.fresh() {
            return Ok(token);
        }
        let _one_at_a_time = self.renewing.lock().await;
        if let Some(token) = self.fresh() {
            return Ok(token);
        }
        match self.fetch().await {
            Ok(token) => Ok(self.keep(Arc::new(token))),
            // If renewing fails, the present token is used for the rest of its life.
            Err(error) => self.current().filter(|token| !over(token.ends_at)).ok_or(error),
        }
    }

    /// Returns another token than the one with the number `serial`, which was refused.
    pub(super) async fn another(&self, serial: u64) -> Result<Arc<Token>, TenantError> {
        let _one_at_a_time = self.renewing.lock().await;
        match self.current() {
            Some(token) if token.serial != serial => Ok(token),
            _ => Ok(self.keep(Arc::new(self.fetch().await?))),
        }
    }

    /// Returns true if a new token can be fetched, which is not so for a token that was given.
    pub(super) fn can_renew(&self) -> bool {
        !matches!(self.credential, Credential::Token(_))
    }

    fn current(&self) -> Option<Arc<Token>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fresh(&self) -> Option<Arc<Token>> {
        self.current().filter(|token| !over(token.renew_at))
    }

    fn keep(&self, token: Arc<Token>) -> Arc<Token> {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&token));
        token
    }

    fn token(&self, text: &str, life: Option<Duration>) -> Result<Token, TenantError> {
        let mut header = HeaderValue::from_str(&format!("Bearer {text}")).map_err(|_| TenantError::SignIn {
            request: self.request.clone(),
            message: "the token holds characters that no token has".to_owned(),
        })?;
        header.set_sensitive(true);
        self.secrets.remember(text);
        let now = Instant::now();
        Ok(Token {
            header,
            serial: self.current().map_or(1, |token| token.serial + 1),
            renew_at: life.and_then(|life| now.checked_add(life.mul_f64(0.8))),
            ends_at: life.and_then(|life| now.checked_add(life)),
        })
    }

    async fn fetch(&self) -> Result<Token, TenantError> {
        let started = Instant::now();
        let mut attempt = 0;
        loop {
            match self.ask().await {
                Ok(token) => return Ok(token),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing(message)) => {
                    let pause = backoff(Cause::Passing, attempt, fastrand::f64());
                    attempt += 1;
                    // The first sign-in fails early, so that a wrong address is noticed soon; one that worked before is tried for
                    // longer.
                    let first = self.current().is_none();
                    let patience = if first { self.deadline.min(FIRST_CONTACT) } else { self.deadline };
                    if started.elapsed() + pause > patience {
                        return Err(TenantError::Unavailable { request: self.request.clone(), message });
                    }
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    async fn ask(&self) -> Result<Token, Failure> {
        let refused = |message: String| Failure::Final(TenantError::SignIn { request: self.request.clone(), message });
        let Some(form) = self.form() else {
            return Err(refused("the token that was given has run out or was refused; fetch another".to_owned()));
        };
        let reply = self
            .client
            .post(self.url.clone())
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json")
            .timeout(self.deadline.min(Duration::from_secs(30)))
            .body(form)
            .send()
            .await
            .map_err(|error| match error.is_builder() {
                true => refused(NO_REQUEST.to_owned()),
                false => Failure::Passing(super::http::why(&error)),
            })?;
        let status = reply.status().as_u16();
        let body = reply.bytes().await.map_err(|error| Failure::Passing(super::http::why(&error)))?;
        match status {
            200 => {
                let granted: Granted = serde_json::from_slice(&body)
                    .map_err(|_| Failure::Passing("the reply was cut or is no JSON".to_owned()))?;
                let text = granted.access_token.filter(|token| !token.is_empty());
                let text = text.ok_or_else(|| refused("the reply holds no token".to_owned()))?;
                let seconds = match granted.expires_in {
                    Seconds::Number(seconds) => Some(seconds),
                    Seconds::Text(text) => text.parse().ok(),
                    Seconds::Unknown => None,
                };
                // A token without a stated life is used until it is refused.
                let life = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                self.token(&text, life).map_err(Failure::Final)
            }
            408 | 429 | 500.. => Err(Failure::Passing(format!("HTTP {status}"))),
            _ => Err(refused(match serde_json::from_slice::<Refused>(&body) {
                Ok(said) if !said.error_description.is_empty() => {
                    first_line(&self.secrets.mask(&said.error_description))
                }
                Ok(said) if !said.error.is_empty() => one_line(&self.secrets.mask(&said.error)),
                _ => format!("HTTP {status} without an explanation"),
            })),
        }
    }

    fn form(&self) -> Option<String> {
        let mut pairs = vec![("scope", self.scope.as_str())];
        match &self.credential {
            Credential::ClientSecret { client_id, client_secret } => {
                pairs.push(("grant_type", "client_credentials"));
                pairs.push(("client_id", client_id));
                pairs.push(("client_secret", client_secret.expose()));
            }
            Credential::Password { client_id, username, password } => {
                pairs.push(("grant_type", "password"));
                pairs.push(("client_id", client_id));
                pairs.push(("username", username));
                pairs.push(("password", password.expose()));
            }
            Credential::Token(_) => return None,
        }
        let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect();
        Some(pairs.join("&"))
    }
}

fn over(at: Option<Instant>) -> bool {
    at.is_some_and(|at| Instant::now() >= at)
}

/// Returns the first line of a refusal, as in `AADSTS7000215: Invalid client secret provided. …`, without the trace ids that
/// follow.
fn first_line(description: &str) -> String {
    let line = description.lines().next().unwrap_or_default();
    let line = line.split(" Trace ID:").next().unwrap_or_default();
    one_line(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_line_of_a_refusal_is_repeated() {
        assert_eq!(
            first_line("AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 1\r\nTimestamp: 2"),
            "AADSTS7000215: Invalid client secret provided."
        );
        assert_eq!(
            first_line("AADSTS90002: Tenant not found. Trace ID: 1 Correlation ID: 2"),
            "AADSTS90002: Tenant not found."
        );
    }

    #[test]
    fn a_credential_shows_no_secret() {
        let credential = Credential::Password {
            client_id: "c".into(),
            username: "u".into(),
            password: Secret::new("hunter2".into()),
        };
        assert!(!format!("{credential:?}").contains("hunter2"));
        assert!(!format!("{:?}", Credential::Token(Secret::new("eyJ0".into()))).contains("eyJ0"));
    }

    #[test]
    fn a_sign_in_says_who_it_is() {
        use base64::Engine as _;

        let ids = |credential: Credential| credential.identities().into_iter().collect::<Vec<_>>().join(" ");
        let claims =
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(r#"{"appid":"AA-1","oid":"bb-2","tid":"x"}"#);
        let token = |text: String| Credential::Token(Secret::new(text));
        assert_eq!(ids(token(format!("e30.{claims}.s"))), "aa-1 bb-2");
        assert_eq!(ids(token("opaque".to_owned())), "");
        let secret = Secret::new("s".to_owned());
        assert_eq!(ids(Credential::ClientSecret { client_id: "CC-3".to_owned(), client_secret: secret }), "cc-3");
    }
}
