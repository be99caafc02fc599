//! Signs in with the account of a command-line tool on this machine: `az` or `azd`.
//! <https://learn.microsoft.com/cli/azure/account#az-account-get-access-token>,
//! <https://learn.microsoft.com/azure/developer/azure-developer-cli/reference#azd-auth-token>

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Deserialize;

use super::Granted;
use crate::graph::fault::one_line;

/// Time that a tool has for its answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Maximum number of bytes that are read of an answer.
const MOST: u64 = 1 << 20;

/// Answer of either tool.
#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "accessToken", alias = "token")]
    token: String,
    /// Seconds since 1970 (newer versions of `az`).
    #[serde(default)]
    expires_on: Option<i64>,
    /// Time in UTC (`azd`).
    #[serde(default, rename = "expiresOn")]
    expires_at: Option<String>,
}

/// Asks the Azure CLI for a token.
///
/// # Errors
/// If it is not installed, nobody is signed in, or it answers with no token, in one clause.
pub(super) fn azure_cli(resource: &str, tenant: &str) -> Result<Granted, String> {
    ask(
        "az",
        &["account", "get-access-token", "--output", "json", "--resource", resource, "--tenant", tenant],
        "az login",
    )
}

/// Asks the Azure Developer CLI for a token.
///
/// # Errors
/// As [`azure_cli`].
pub(super) fn azure_developer_cli(scope: &str, tenant: &str) -> Result<Granted, String> {
    let arguments = ["auth", "token", "--output", "json", "--scope", scope, "--tenant-id", tenant];
    ask("azd", &arguments, "azd auth login")
}

fn ask(program: &str, arguments: &[&str], login: &str) -> Result<Granted, String> {
    // On Windows `az` is a script. No shell: it would look into the current folder first, which is somebody's repository.
    let file = if cfg!(windows) && program == "az" { "az.cmd" } else { program };
    let child =
        Command::new(file).args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => format!("`{program}` is not installed"),
        _ => format!("`{program}` does not run: {error}"),
    })?;
    // A pipe that nobody empties would stop the tool.
    let read = |pipe: Option<Box<dyn std::io::Read + Send>>| {
        std::thread::spawn(move || {
            let mut text = Vec::new();
            pipe.map(|pipe| pipe.take(MOST).read_to_end(&mut text));
            text
        })
    };
    let out = read(child.stdout.take().map(|pipe| Box::new(pipe) as _));
    let err = read(child.stderr.take().map(|pipe| Box::new(pipe) as _));
    let started = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if started.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(20)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("`{program}` gave no answer within {} s", PATIENCE.as_secs()));
            }
        }
    };
    let (out, err) = (out.join().unwrap_or_default(), err.join().unwrap_or_default());
    if !status.success() {
        let said = String::from_utf8_lossy(&err);
        let said = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it says nothing");
        return Err(format!("`{program}` refuses: {}; sign in with `{login}`", one_line(said)));
    }
    let answer: Answer =
        serde_json::from_slice(&out).map_err(|_| format!("`{program}` answers with no token; try `{login}`"))?;
    let end = answer.expires_on.or_else(|| Some(answer.expires_at?.parse::<Timestamp>().ok()?.as_second()));
    let life = end.and_then(|end| u64::try_from(end - Timestamp::now().as_second()).ok());
    Ok(Granted::new(answer.token, life.map(Duration::from_secs)))
}
