//! Signs in as the managed identity of an Azure resource.
//! <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token>

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::{RequestBuilder, Url};
use serde_json::Value;

use super::{Failure, Granted, IdentityHost};
use crate::graph::Transport;
use crate::graph::fault::one_line;
use crate::graph::urls::escape;

/// Time for one request. The endpoints are on this machine or next to it; where there is none, nothing answers.
const PATIENCE: Duration = Duration::from_secs(3);
/// Maximum number of bytes of the file that proves who asks.
/// <https://learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication>
const MOST_PROOF: u64 = 4096;

/// Fetches a token for `resource`.
pub(super) async fn token(host: &IdentityHost, client_id: Option<&str>, resource: &str) -> Result<Granted, Failure> {
    let client = crate::graph::client(Transport { local: true, plain: true }, 1)
        .map_err(|error| Failure::Refused(error.to_string()))?;
    let of = client_id.map(|id| format!("&client_id={}", escape(id))).unwrap_or_default();
    let query = |version: &str| format!("api-version={version}&resource={}{of}", escape(resource));
    match host {
        IdentityHost::Imds { url } => {
            let url =
                near(&format!("{}/metadata/identity/oauth2/token", url.trim_end_matches('/')), &query("2018-02-01"))?;
            fetch_token(client.get(url).header("metadata", "true"), host).await
        }
        // <https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference>
        IdentityHost::AppService { url, header } => {
            let url = near(url, &query("2019-08-01"))?;
            fetch_token(client.get(url).header("x-identity-header", header.expose()), host).await
        }
        IdentityHost::Arc { url } => {
            let url = near(url, &query("2020-06-01"))?;
            let proof = proof(client.get(url.clone()).header("metadata", "true")).await?;
            fetch_token(
                client.get(url).header("metadata", "true").header("authorization", format!("Basic {proof}")),
                host,
            )
            .await
        }
    }
}

/// Returns an address with a query, if it is on this machine or link-local: nothing is encrypted on the way.
fn near(address: &str, query: &str) -> Result<Url, Failure> {
    let refused =
        |why: &str| Failure::Refused(format!("the endpoint of the managed identity, {}: {why}", one_line(address)));
    let mut url = Url::parse(address).map_err(|_| refused("not a URL"))?;
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
    let is_near = match host.parse() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => address.is_loopback() || address.is_unicast_link_local(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    };
    if !is_near || url.scheme() != "http" {
        return Err(refused("it is neither on this machine nor link-local"));
    }
    url.set_query(Some(query));
    Ok(url)
}

/// Sends the request for a managed identity's token.
async fn fetch_token(request: RequestBuilder, host: &IdentityHost) -> Result<Granted, Failure> {
    let reply = request.timeout(PATIENCE).send().await.map_err(|error| silent(&error, host))?;
    let status = reply.status().as_u16();
    let body = reply.bytes().await.map_err(|error| silent(&error, host))?;
    let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    match status {
        200 => {
            let token = answer["access_token"].as_str().filter(|token| !token.is_empty());
            let token = token.ok_or_else(|| Failure::Refused(format!("{} answers with no token", host.title())))?;
            let number = |name: &str| answer[name].as_i64().or_else(|| answer[name].as_str()?.parse().ok());
            let left = number("expires_in").or_else(|| Some(number("expires_on")? - Timestamp::now().as_second()));
            let life = left.and_then(|left| u64::try_from(left).ok()).map(Duration::from_secs);
            Ok(Granted::new(token.to_owned(), life))
        }
        // The endpoint may not be ready yet.
        404 | 408 | 410 | 429 | 500.. => Err(Failure::Passing(format!("{}: HTTP {status}", host.title()))),
        _ => {
            let said = [&answer["error_description"], &answer["message"], &answer["error"]];
            let said = said.into_iter().find_map(Value::as_str).unwrap_or("no explanation");
            Err(Failure::Refused(format!("{} has no such identity: {}", host.title(), one_line(said))))
        }
    }
}

fn silent(error: &reqwest::Error, host: &IdentityHost) -> Failure {
    let why = crate::graph::transport::why(error);
    match error.is_connect() || error.is_timeout() {
        true => Failure::Unavailable(format!("no managed identity answers on {}: {why}", host.title())),
        false => Failure::Passing(why),
    }
}

/// Returns the content of the file that Azure Arc names, which only members of its group can read.
async fn proof(request: RequestBuilder) -> Result<String, Failure> {
    let host = IdentityHost::Arc { url: String::new() };
    let reply = request.timeout(PATIENCE).send().await.map_err(|error| silent(&error, &host))?;
    let challenge = reply.headers().get("www-authenticate").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let path = challenge.split_once("realm=").map(|(_, path)| path.trim().trim_matches('"').to_owned());
    let path = path.ok_or_else(|| Failure::Refused("Azure Arc names no file that proves who asks".to_owned()))?;
    let tokens = match cfg!(windows) {
        true => format!(
            "{}\\AzureConnectedMachineAgent\\Tokens",
            std::env::var("ProgramData").unwrap_or_else(|_| "C:\\ProgramData".to_owned())
        ),
        false => "/var/opt/azcmagent/tokens".to_owned(),
    };
    let file = Path::new(&path);
    let is_its_own = file.parent() == Some(Path::new(&tokens)) && file.extension().is_some_and(|end| end == "key");
    if !is_its_own {
        let path = one_line(&path);
        return Err(Failure::Refused(format!("Azure Arc names {path}, which is no file of its own; nothing was read")));
    }
    let cannot = |error: std::io::Error| {
        let path = file.display();
        Failure::Refused(format!(
            "reading {path}: {error}; the account must be in the group `himds` (Linux) or be an administrator"
        ))
    };
    if std::fs::metadata(file).map_err(cannot)?.len() > MOST_PROOF {
        return Err(Failure::Refused(format!("{} is larger than Azure Arc writes it", file.display())));
    }
    std::fs::read_to_string(file).map_err(cannot)
}
