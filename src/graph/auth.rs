//! Signs in: fetches a token once, shares it between all requests, and renews it before it runs out.
//! <https://learn.microsoft.com/graph/auth-v2-service>
//!
//! Microsoft's `azure_identity` is not used: it has neither device code nor browser, refuses a sign-in service on this machine
//! (so that nothing could be tested), wants OpenSSL for certificates, and brings 38 more crates.

mod advice;
mod certificate;
mod claims;
mod credential;
mod endpoint;
mod federated;
mod managed;
mod person;
mod pfx;
mod tools;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::Client;
use reqwest::header::{HeaderMap, HeaderValue};

use self::endpoint::{Endpoint, Pairs};
use super::fault::one_line;
use super::retry::{Cause, backoff};
use super::secrets::Secrets;
use super::urls::Base;
use crate::model::{Events, Secret};
use crate::tenant::TenantError;

pub use certificate::Certificate;
pub use claims::Claims;
pub(super) use claims::{carries, is_application, tenant_of};
pub use credential::{Assertion, Credential, IdentityHost};

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
    endpoint: Endpoint,
    request: String,
    /// Address of Graph, which the token is for.
    resource: String,
    tenant: String,
    /// The ways to sign in; the first that gives a token is kept.
    ways: Vec<Credential>,
    chosen: Mutex<Option<usize>>,
    /// Token that renews a person's sign-in without the person.
    refresh: Mutex<Option<Secret<String>>>,
    deadline: Duration,
    current: RwLock<Option<Arc<Token>>>,
    renewing: tokio::sync::Mutex<()>,
    /// Number of the last token that Graph refused.
    refused: AtomicU64,
    events: Events,
}

/// Holds a token as it was granted.
struct Granted {
    token: Secret<String>,
    life: Option<Duration>,
    refresh: Option<Secret<String>>,
}

impl Granted {
    fn new(token: String, life: Option<Duration>) -> Self {
        Granted { token: Secret::new(token), life, refresh: None }
    }
}

/// Lists the ways in which a sign-in ends without a token.
enum Failure {
    /// It was refused; trying again does not help.
    Refused(String),
    /// It may succeed the next time.
    Passing(String),
    /// This machine has no such way to sign in.
    Unavailable(String),
    /// A person has not finished yet.
    Waiting {
        /// True if the service wants to be asked less often.
        slower: bool,
    },
}

impl Auth {
    pub(super) fn new(
        client: Client,
        authority: &Base,
        graph: &Base,
        tenant: &str,
        credential: Credential,
        deadline: Duration,
        events: Events,
    ) -> Result<Self, TenantError> {
        let ways = match credential {
            Credential::FirstOf(ways) => ways,
            one => vec![one],
        };
        let secrets = Secrets::of(ways.iter().flat_map(Credential::secrets));
        let endpoint = Endpoint::new(client, authority, tenant, deadline, secrets);
        let auth = Auth {
            request: match endpoint.address("token") {
                Ok(url) => format!("POST {url}"),
                Err(_) => "POST token".to_owned(),
            },
            endpoint,
            resource: graph.text().to_owned(),
            tenant: tenant.to_owned(),
            ways,
            chosen: Mutex::default(),
            refresh: Mutex::default(),
            deadline,
            current: RwLock::new(None),
            renewing: tokio::sync::Mutex::new(()),
            refused: AtomicU64::new(0),
            events,
        };
        if let [Credential::Token(token)] = auth.ways.as_slice() {
            let token = auth.token(token.expose(), None)?;
            auth.keep(Arc::new(token));
        }
        Ok(auth)
    }

    /// Returns the secrets that no text of a reply may repeat.
    pub(super) fn secrets(&self) -> &Secrets {
        &self.endpoint.secrets
    }

    /// Returns the ids of the signed-in identity that are known without a token.
    pub(super) fn identities(&self) -> BTreeSet<String> {
        self.ways.iter().flat_map(Credential::identities).collect()
    }

    /// Returns the way that gave the token, or the ways that are tried.
    pub(super) fn way(&self) -> String {
        let chosen = *self.chosen.lock().unwrap_or_else(PoisonError::into_inner);
        match chosen.and_then(|at| self.ways.get(at)) {
            Some(way) => way.title(),
            None => self.ways.iter().map(Credential::title).collect::<Vec<_>>().join(", or "),
        }
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
            _ => {
                self.refused.store(serial, Ordering::Relaxed);
                Ok(self.keep(Arc::new(self.fetch().await?)))
            }
        }
    }

    /// Keeps what a refusal demands of the next token (a claims challenge), so that the next token is asked for with it.
    /// <https://learn.microsoft.com/entra/identity-platform/claims-challenge>
    pub(super) fn keep_claims_challenge(&self, headers: &HeaderMap) {
        let challenge = headers.get("www-authenticate").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let claims = challenge.split_once("claims=\"").and_then(|(_, rest)| rest.split_once('"'));
        let decode = |text: &str| STANDARD.decode(text).or_else(|_| URL_SAFE_NO_PAD.decode(text)).ok();
        if let Some(claims) = claims.and_then(|(claims, _)| String::from_utf8(decode(claims)?).ok()) {
            self.endpoint.demand(claims);
        }
    }

    /// Returns true if a new token can be fetched, which is not so for a token that was given.
    pub(super) fn can_renew(&self) -> bool {
        !matches!(self.ways.as_slice(), [Credential::Token(_)])
    }

    fn current(&self) -> Option<Arc<Token>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fresh(&self) -> Option<Arc<Token>> {
        self.current().filter(|token| !over(token.renew_at))
    }

    /// Returns true if the present token was not refused and is not over.
    fn is_still_good(&self) -> bool {
        let refused = self.refused.load(Ordering::Relaxed);
        self.current().is_some_and(|token| !over(token.ends_at) && token.serial != refused)
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
        self.endpoint.secrets.remember(text);
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
            let message = match self.ask().await {
                Ok(granted) => return self.token(granted.token.expose(), granted.life),
                Err(Failure::Refused(message)) => {
                    return Err(TenantError::SignIn { request: self.request.clone(), message });
                }
                Err(Failure::Unavailable(message)) => {
                    return Err(TenantError::SignIn { request: String::new(), message });
                }
                Err(Failure::Waiting { .. }) => "nobody has signed in yet".to_owned(),
                Err(Failure::Passing(message)) => message,
            };
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

    /// Asks the way that gave a token before, else each in turn.
    async fn ask(&self) -> Result<Granted, Failure> {
        let chosen = *self.chosen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(way) = chosen.and_then(|at| self.ways.get(at)) {
            return self.sign_in_with(way).await;
        }
        if let [only] = self.ways.as_slice() {
            return self.sign_in_with(only).await;
        }
        let mut said = Vec::new();
        for (at, way) in self.ways.iter().enumerate() {
            match self.sign_in_with(way).await {
                Ok(granted) => {
                    *self.chosen.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
                    return Ok(granted);
                }
                Err(failure) if way.is_configured() => return Err(failure),
                Err(Failure::Refused(why) | Failure::Passing(why) | Failure::Unavailable(why)) => said.push(why),
                Err(Failure::Waiting { .. }) => {}
            }
        }
        Err(Failure::Unavailable(format!(
            "nothing to sign in with: AZURE_CLIENT_ID with AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH or a federated \
             token, and ENTRAGIT_ACCESS_TOKEN are not set; {}; `--auth browser` or `--auth device-code` signs a person in; to \
             try things out without a tenant, run `entragit demo`",
            said.join("; ")
        )))
    }

    /// Signs in with one credential.
    async fn sign_in_with(&self, way: &Credential) -> Result<Granted, Failure> {
        let every = format!("{}/.default", self.resource);
        match way {
            Credential::Token(_) => {
                Err(Failure::Refused("the token that was given has run out or was refused; fetch another".to_owned()))
            }
            Credential::ManagedIdentity { client_id, host } => {
                managed::token(host, client_id.as_deref(), &self.resource).await
            }
            Credential::AzureCli => {
                let (resource, tenant) = (self.resource.clone(), self.tenant.clone());
                tool(move || tools::azure_cli(&resource, &tenant)).await
            }
            Credential::AzureDeveloperCli => {
                let tenant = self.tenant.clone();
                tool(move || tools::azure_developer_cli(&every, &tenant)).await
            }
            Credential::DeviceCode { client_id, permissions } | Credential::Browser { client_id, permissions } => {
                let mut scopes: Vec<String> =
                    permissions.iter().map(|permission| format!("{}/{permission}", self.resource)).collect();
                if scopes.is_empty() {
                    scopes.push(every);
                }
                // Without this scope, the person would have to sign in again every hour.
                scopes.push("offline_access".to_owned());
                self.person(way, client_id, &scopes.join(" ")).await
            }
            Credential::ClientSecret { client_id, client_secret } => {
                self.application(client_id, vec![("client_secret", client_secret.expose().into())]).await
            }
            Credential::Certificate { client_id, certificate, send_chain } => {
                let audience = self.endpoint.address("token")?;
                let statement = certificate.statement(client_id, audience.as_str(), *send_chain);
                let statement = statement.map_err(|why| Failure::Refused(format!("the certificate: {why}")))?;
                self.sign_in_with_assertion(client_id, statement).await
            }
            Credential::Federated { client_id, assertion } => {
                self.sign_in_with_assertion(client_id, federated::assertion(assertion).await?).await
            }
            Credential::Password { client_id, username, password } => {
                let form: Pairs<'_> = vec![
                    ("scope", every.into()),
                    ("grant_type", "password".into()),
                    ("client_id", client_id.into()),
                    ("username", username.into()),
                    ("password", password.expose().into()),
                ];
                self.endpoint.token(&form).await
            }
            // The ways of a list are asked one by one.
            Credential::FirstOf(_) => Err(Failure::Refused("a list of ways within a list".to_owned())),
        }
    }

    /// Signs in as an application with a client assertion: a statement that it, or an issuer that it trusts, signed.
    async fn sign_in_with_assertion(&self, client_id: &str, statement: String) -> Result<Granted, Failure> {
        self.endpoint.secrets.remember(&statement);
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let proof = vec![("client_assertion_type", Cow::from(kind)), ("client_assertion", statement.into())];
        self.application(client_id, proof).await
    }

    async fn application(&self, client_id: &str, proof: Pairs<'_>) -> Result<Granted, Failure> {
        let mut form: Pairs<'_> = vec![
            ("scope", format!("{}/.default", self.resource).into()),
            ("grant_type", "client_credentials".into()),
            ("client_id", client_id.into()),
        ];
        form.extend(proof);
        self.endpoint.token(&form).await
    }

    /// Renews a person's sign-in, or asks the person.
    async fn person(&self, way: &Credential, client_id: &str, scope: &str) -> Result<Granted, Failure> {
        let refresh = self.refresh.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let renewed = match &refresh {
            Some(refresh) => {
                let form: Pairs<'_> = vec![
                    ("grant_type", "refresh_token".into()),
                    ("client_id", client_id.into()),
                    ("scope", scope.into()),
                    ("refresh_token", refresh.expose().into()),
                ];
                match self.endpoint.token(&form).await {
                    // The sign-in was taken back, or more is asked of it: the person is asked again.
                    Err(Failure::Refused(_)) => None,
                    other => Some(other),
                }
            }
            None => None,
        };
        let granted = match (renewed, way) {
            (Some(Ok(granted)), _) => granted,
            (Some(Err(failure)), _) => return Err(failure),
            // The present token is used up first: nobody is asked while requests can go on.
            (None, _) if self.is_still_good() => {
                return Err(Failure::Refused("the sign-in has to be renewed by its person".to_owned()));
            }
            (None, Credential::Browser { .. }) => {
                person::in_browser(&self.endpoint, client_id, scope, &self.events).await?
            }
            (None, _) => person::with_code(&self.endpoint, client_id, scope, &self.events).await?,
        };
        let next = granted.refresh.clone().or(refresh);
        if let Some(token) = &next {
            self.endpoint.secrets.remember(token.expose());
        }
        *self.refresh.lock().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(granted)
    }
}

/// Runs a program without holding up the other tasks.
async fn tool(ask: impl FnOnce() -> Result<Granted, String> + Send + 'static) -> Result<Granted, Failure> {
    let answer = tokio::task::spawn_blocking(ask).await;
    answer.unwrap_or_else(|error| Err(error.to_string())).map_err(Failure::Unavailable)
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
        let host = IdentityHost::AppService { url: "u".into(), header: Secret::new("hunter2".into()) };
        assert!(!format!("{:?}", Credential::ManagedIdentity { client_id: None, host }).contains("hunter2"));
        assert!(!format!("{:?}", Credential::Token(Secret::new("eyJ0".into()))).contains("eyJ0"));
    }

    #[test]
    fn a_sign_in_says_who_it_is() {
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
