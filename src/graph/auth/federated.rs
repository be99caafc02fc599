//! Fetches the token of another issuer that an application trusts.
//! <https://learn.microsoft.com/entra/workload-id/workload-identity-federation>

use std::time::Duration;

use reqwest::{RequestBuilder, Url};
use serde_json::Value;

use super::{Assertion, Failure};
use crate::graph::Transport;
use crate::graph::fault::one_line;
use crate::graph::urls::{Base, escape};

/// Audience of the tokens that Entra exchanges; federated credentials name it, too.
const AUDIENCE: &str = "api://AzureADTokenExchange";
/// Maximum number of bytes of a token file.
const MOST: u64 = 1 << 20;
/// Time for one request.
const PATIENCE: Duration = Duration::from_secs(30);

/// Returns the token of the other issuer. It is fetched anew each time, since it lasts minutes.
pub(super) async fn assertion(source: &Assertion) -> Result<String, Failure> {
    match source {
        Assertion::Text(token) => Ok(token.expose().clone()),
        Assertion::File(path) => {
            let cannot =
                |why: String| Failure::Refused(format!("reading the federated token {}: {why}", path.display()));
            let size = std::fs::metadata(path).map_err(|error| cannot(error.to_string()))?.len();
            if size > MOST {
                return Err(cannot(format!("it has {size} bytes, which no token has")));
            }
            let text = std::fs::read_to_string(path).map_err(|error| cannot(error.to_string()))?;
            match text.trim() {
                "" => Err(cannot("it is empty".to_owned())),
                token => Ok(token.to_owned()),
            }
        }
        // <https://docs.github.com/actions/reference/openid-connect-reference>
        Assertion::GitHub { url, token } => {
            let (client, url) = client_and_url(url, &format!("audience={}", escape(AUDIENCE)))?;
            let request = client.get(url).header("accept", "application/json");
            fetch_token(
                request.header("authorization", format!("bearer {}", token.expose())),
                "value",
                "GitHub Actions",
            )
            .await
        }
        // <https://learn.microsoft.com/rest/api/azure/devops/distributedtask/oidctoken/create>
        Assertion::AzurePipelines { url, token, connection } => {
            let query = format!("api-version=7.1&serviceConnectionId={}", escape(connection));
            let (client, url) = client_and_url(url, &query)?;
            let request = client
                .post(url)
                .header("content-type", "application/json")
                .header("content-length", "0")
                // Without this, a refused token is answered with a page to sign in.
                .header("x-tfs-fedauthredirect", "Suppress");
            let request = request.header("authorization", format!("Bearer {}", token.expose()));
            fetch_token(request, "oidcToken", "Azure Pipelines").await
        }
    }
}

/// Returns a client for a host, and the address with `query` added. A token is sent over https, or to this machine.
fn client_and_url(address: &str, query: &str) -> Result<(reqwest::Client, Url), Failure> {
    let refused =
        |why: &str| Failure::Refused(format!("the address for federated tokens, {}: {why}", one_line(address)));
    let mut url = Url::parse(address).map_err(|_| refused("not a URL"))?;
    let base = Base::parse(&url.origin().ascii_serialization(), "federated tokens");
    let base = base.map_err(|error| refused(&error.to_string()))?;
    let whole = url.query().filter(|own| !own.is_empty()).map_or(query.to_owned(), |own| format!("{own}&{query}"));
    url.set_query(Some(&whole));
    let client = crate::graph::client(Transport::to(&base), 1).map_err(|error| refused(&error.to_string()))?;
    Ok((client, url))
}

/// Sends the request for a federated token, and returns the token: the answer's `property`.
async fn fetch_token(request: RequestBuilder, property: &str, issuer: &str) -> Result<String, Failure> {
    let reply = request.timeout(PATIENCE).send().await;
    let reply =
        reply.map_err(|error| Failure::Passing(format!("{issuer}: {}", crate::graph::transport::why(&error))))?;
    let status = reply.status().as_u16();
    let body = reply.bytes().await;
    let body = body.map_err(|error| Failure::Passing(format!("{issuer}: {}", crate::graph::transport::why(&error))))?;
    match status {
        200..=299 => {
            let value: Value = serde_json::from_slice(&body).unwrap_or_default();
            let token = value[property].as_str().filter(|token| !token.is_empty());
            let token = token.ok_or_else(|| Failure::Refused(format!("{issuer} answers with no token")))?;
            Ok(token.to_owned())
        }
        408 | 429 | 500.. => Err(Failure::Passing(format!("{issuer}: HTTP {status}"))),
        _ => Err(Failure::Refused(format!(
            "{issuer} gives no token (HTTP {status}); the job needs the permission to ask for one (GitHub: \
             `permissions: id-token: write`; Azure Pipelines: `env: SYSTEM_ACCESSTOKEN: $(System.AccessToken)`)"
        ))),
    }
}
