//! Signs in as a person, in a browser: with a code that is typed on any device, or on this machine.

use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout_at};

use super::endpoint::{Endpoint, Pairs};
use super::{Failure, Granted};
use crate::graph::urls::escape;
use crate::model::Events;

/// Time that a person has to sign in on this machine.
const PATIENCE: Duration = Duration::from_secs(300);
/// Maximum number of bytes of the browser's request.
const MOST: u64 = 16 << 10;

/// Answer of the device code endpoint.
#[derive(Deserialize)]
struct Code {
    device_code: String,
    user_code: String,
    verification_uri: String,
    expires_in: u64,
    #[serde(default = "five")]
    interval: u64,
}

fn five() -> u64 {
    5
}

/// Asks a person to type a code in a browser, and waits until that is done.
/// <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code>
pub(super) async fn with_code(
    endpoint: &Endpoint,
    client_id: &str,
    scope: &str,
    events: &Events,
) -> Result<Granted, Failure> {
    let mut form: Pairs<'_> = vec![("client_id", client_id.into()), ("scope", scope.into())];
    form.extend(endpoint.demands().map(|claims| ("claims", claims.into())));
    let body = endpoint.post("devicecode", &form).await?;
    let code: Code = serde_json::from_slice(&body)
        .map_err(|_| Failure::Refused("the sign-in service answers with no code to type".to_owned()))?;
    events
        .warn(format!("to sign in, open {} on any device and type the code {}", code.verification_uri, code.user_code));
    let end = Instant::now() + Duration::from_secs(code.expires_in);
    let mut pause = code.interval;
    let form: Pairs<'_> = vec![
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code".into()),
        ("client_id", client_id.into()),
        ("device_code", code.device_code.as_str().into()),
    ];
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_secs(pause)).await;
        match endpoint.token(&form).await {
            Err(Failure::Waiting { slower: false }) => {}
            Err(Failure::Waiting { slower: true }) => pause += 5,
            // The person may still be typing when a connection breaks.
            Err(Failure::Passing(_)) => {}
            done => return done,
        }
    }
    Err(Failure::Refused("nobody typed the code in time; run the command again".to_owned()))
}

/// Opens the browser on this machine, and waits until it comes back.
/// <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow>
pub(super) async fn in_browser(
    endpoint: &Endpoint,
    client_id: &str,
    scope: &str,
    events: &Events,
) -> Result<Granted, Failure> {
    let failed = |error: std::io::Error| Failure::Refused(format!("waiting for the browser on this machine: {error}"));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
    let back = format!("http://localhost:{}", listener.local_addr().map_err(failed)?.port());
    let (state, verifier) = (random()?, random()?);
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
    let query = [
        ("client_id", client_id),
        ("response_type", "code"),
        ("response_mode", "query"),
        ("redirect_uri", &back),
        ("scope", scope),
        ("state", &state),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("prompt", "select_account"),
    ];
    let demands = endpoint.demands();
    let query = query.into_iter().chain(demands.as_deref().map(|claims| ("claims", claims)));
    let query: Vec<String> = query.map(|(name, value)| format!("{name}={}", escape(value))).collect();
    let page = endpoint.address(&format!("authorize?{}", query.join("&")))?;
    events.warn(format!("sign in in the browser; if none opens, go to {page}"));
    open(page.as_str());
    let end = Instant::now() + PATIENCE;
    let late = || Failure::Refused("nobody signed in within 5 minutes; run the command again".to_owned());
    loop {
        let (stream, _) = timeout_at(end, listener.accept()).await.map_err(|_| late())?.map_err(failed)?;
        // Browsers ask for an icon, too: what does not carry the state is not the answer.
        // A connection that says nothing must not hold up the one that does.
        let soon = end.min(Instant::now() + Duration::from_secs(5));
        let Ok(Ok(Some(answer))) = timeout_at(soon, answered(stream, &state)).await else { continue };
        let code = answer.map_err(|why| Failure::Refused(format!("the sign-in in the browser ended with: {why}")))?;
        return endpoint
            .token(&vec![
                ("grant_type", "authorization_code".into()),
                ("client_id", client_id.into()),
                ("scope", scope.into()),
                ("code", code.into()),
                ("redirect_uri", back.as_str().into()),
                ("code_verifier", verifier.as_str().into()),
            ])
            .await;
    }
}

/// Reads the browser's request and answers it; returns the code, or what went wrong, if the request carries `state`.
async fn answered(stream: TcpStream, state: &str) -> std::io::Result<Option<Result<String, String>>> {
    let mut reader = BufReader::new(stream.take(MOST));
    let mut line = String::new();
    reader.read_line(&mut line).await?;
    let target = line.split(' ').nth(1).unwrap_or_default();
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let url = reqwest::Url::parse(&format!("http://localhost/?{query}")).ok();
    let value = |name: &str| {
        let pairs = url.as_ref().map(|url| url.query_pairs().collect::<Vec<_>>()).unwrap_or_default();
        pairs.into_iter().find(|(own, _)| own == name).map(|(_, value)| value.into_owned())
    };
    let is_answer = value("state").as_deref() == Some(state);
    let answer = is_answer.then(|| match (value("code"), value("error_description").or_else(|| value("error"))) {
        (Some(code), _) => Ok(code),
        (None, why) => Err(super::first_line(&why.unwrap_or_else(|| "no code".to_owned()))),
    });
    let (status, text) = match &answer {
        Some(Ok(_)) => ("200 OK", "You are signed in. You can close this window."),
        Some(Err(_)) => ("200 OK", "The sign-in failed. The terminal says why."),
        None => ("404 Not Found", "Nothing is here."),
    };
    let reply = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    );
    let mut stream = reader.into_inner().into_inner();
    // The answer counts, whether or not the browser reads the reply.
    let _ = stream.write_all(reply.as_bytes()).await;
    let _ = stream.shutdown().await;
    Ok(answer)
}

/// Returns 256 random bits as text.
fn random() -> Result<String, Failure> {
    let mut bytes = [0_u8; 32];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| Failure::Refused("this machine gives no random numbers".to_owned()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Opens an address in the browser that the system, or `BROWSER`, names. Nothing happens if there is none: the address was
/// printed.
fn open(address: &str) {
    let own = std::env::var("BROWSER").ok().filter(|program| !program.is_empty());
    let (program, before): (&str, &[&str]) = match &own {
        Some(program) => (program, &[]),
        None if cfg!(windows) => ("rundll32", &["url.dll,FileProtocolHandler"]),
        None if cfg!(target_os = "macos") => ("open", &[]),
        None => ("xdg-open", &[]),
    };
    let mut command = Command::new(program);
    let command = command.args(before).arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Ok(mut child) = command.spawn() {
        std::thread::spawn(move || child.wait());
    }
}
