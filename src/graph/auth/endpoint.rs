//! Talks to the token endpoint of the sign-in service.
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>

use std::borrow::Cow;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use reqwest::{Client, Url};
use serde::Deserialize;

use super::{Failure, Granted, advice, first_line};
use crate::graph::fault::one_line;
use crate::graph::secrets::Secrets;
use crate::graph::transport::{NO_REQUEST, why};
use crate::graph::urls::{Base, escape};
use crate::model::Secret;
use crate::tenant::TenantError;

/// Fields of a form.
pub(super) type Pairs<'a> = Vec<(&'static str, Cow<'a, str>)>;

/// Represents the token endpoint of a tenant.
pub(super) struct Endpoint {
    client: Client,
    authority: Base,
    tenant: String,
    deadline: Duration,
    /// Secrets that no text of a reply may repeat.
    pub secrets: Secrets,
    /// Demands that Graph made of the next token (a claims challenge), as JSON.
    demands: RwLock<Option<String>>,
}

#[derive(Deserialize)]
struct Reply {
    access_token: Option<String>,
    refresh_token: Option<String>,
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

#[derive(Deserialize, Default)]
struct Refused {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

impl Endpoint {
    pub(super) fn new(client: Client, authority: &Base, tenant: &str, deadline: Duration, secrets: Secrets) -> Self {
        let (authority, tenant) = (authority.clone(), escape(tenant));
        Endpoint { client, authority, tenant, deadline, secrets, demands: RwLock::default() }
    }

    /// Returns the address of `path` below the tenant's endpoints.
    pub(super) fn address(&self, path: &str) -> Result<Url, Failure> {
        let url = self.authority.join(&format!("/{}/oauth2/v2.0/{path}", self.tenant));
        url.map_err(|error: TenantError| Failure::Refused(error.to_string()))
    }

    /// Keeps what Graph demands of the next token.
    pub(super) fn demand(&self, claims: String) {
        *self.demands.write().unwrap_or_else(PoisonError::into_inner) = Some(claims);
    }

    /// Returns what Graph demands of the next token, as JSON.
    pub(super) fn demands(&self) -> Option<String> {
        self.demands.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends a form to the token endpoint.
    pub(super) async fn token(&self, pairs: &Pairs<'_>) -> Result<Granted, Failure> {
        let mut pairs = pairs.clone();
        pairs.extend(self.demands().map(|claims| ("claims", claims.into())));
        let body = self.post("token", &pairs).await?;
        let reply: Reply = serde_json::from_slice(&body)
            .map_err(|_| Failure::Passing("the reply was cut or is no JSON".to_owned()))?;
        let token = reply.access_token.filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| Failure::Refused("the reply holds no token".to_owned()))?;
        let seconds = match reply.expires_in {
            Seconds::Number(seconds) => Some(seconds),
            Seconds::Text(text) => text.parse().ok(),
            Seconds::Unknown => None,
        };
        // A token without a stated life is used until it is refused.
        let life = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Ok(Granted { refresh: reply.refresh_token.map(Secret::new), ..Granted::new(token, life) })
    }

    /// Sends a form to `path` below the tenant's endpoints, and returns the body of a good answer.
    pub(super) async fn post(&self, path: &str, pairs: &Pairs<'_>) -> Result<Vec<u8>, Failure> {
        let form: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect();
        let reply = self
            .client
            .post(self.address(path)?)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json")
            .timeout(self.deadline.min(Duration::from_secs(30)))
            .body(form.join("&"))
            .send()
            .await
            .map_err(|error| match error.is_builder() {
                true => Failure::Refused(NO_REQUEST.to_owned()),
                false => Failure::Passing(why(&error)),
            })?;
        let status = reply.status().as_u16();
        let body = reply.bytes().await.map_err(|error| Failure::Passing(why(&error)))?;
        match status {
            200 => Ok(body.to_vec()),
            408 | 429 | 500.. => Err(Failure::Passing(format!("HTTP {status}"))),
            _ => Err(self.refused(status, &serde_json::from_slice(&body).unwrap_or_default())),
        }
    }

    fn refused(&self, status: u16, said: &Refused) -> Failure {
        match said.error.as_str() {
            "authorization_pending" => return Failure::Waiting { slower: false },
            "slow_down" => return Failure::Waiting { slower: true },
            _ => {}
        }
        let text = match (said.error_description.as_str(), said.error.as_str()) {
            ("", "") => format!("HTTP {status} without an explanation"),
            ("", error) => one_line(&self.secrets.mask(error)),
            (description, _) => first_line(&self.secrets.mask(description)),
        };
        Failure::Refused(match advice::on(&said.error_description) {
            Some(advice) => format!("{text} {advice}"),
            None => text,
        })
    }
}
