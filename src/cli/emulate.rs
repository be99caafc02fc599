//! `emulate`: the embedded tenant on its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;

use super::exit;
use super::output::Output;
use crate::emulator::{self, Faults, Seed};
use crate::repo::{MAX_SETTINGS, NamedBy, read_file};

/// Arguments of `emulate`.
#[derive(Debug, Args)]
pub struct EmulateArgs {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// What the tenant holds: `contoso`, `random:N` or `empty`.
    #[arg(long, value_name = "SEED", default_value = "contoso")]
    seed: String,
    /// Keep the tenant in this file.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Accept only this tenant id.
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// Accept only this client id.
    #[arg(long, value_name = "ID")]
    client: Option<String>,
    /// Accept only this client secret.
    #[arg(long, value_name = "SECRET")]
    secret: Option<String>,
    /// Accept only the certificate in this file (PEM).
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Give tokens only this application permission; may be repeated [default: all that are needed].
    #[arg(long = "role", value_name = "PERMISSION")]
    roles: Vec<String>,
    /// What goes wrong, in words or in a file of them: `lag:60` (seconds until every replica has a write), `lose:0.5` (share of
    /// POSTs whose answer is lost), `lose-others`, `drop`, `limits` (Microsoft's; `limits:10`: ten times those), `drained`,
    /// `latency:100` (ms), `hang-before:N`, `hang-after:N` (the Nth write), `seed:7`, of a kind
    /// that cannot be read `denied:KIND`, `unlicensed:KIND`, `unprovisioned:KIND`, `broken:KIND`, `expired:KIND` (its second
    /// page), of lists that are not complete and do not say so `omit:ID` (of an object), `empty:KIND`, `empty-once:KIND`, and the
    /// status that requests for schedules get, as in `requests:Failed` or `requests:PendingApproval`; refusals that pass by
    /// themselves, with the longest time in seconds: `new-location:5` (a policy may not name it yet), `deleted-partner`,
    /// `new-synchronization`, `disabled-permission`, `untrusted-location`, `unnamed-location` (of a deleted policy),
    /// `held-resource` (of a deleted access package), `changed-rules` (of one policy), `entitlement-wait:315` (429), and
    /// `unknown:0.02` (share of requests answered `UnknownError`); with commas between.
    #[arg(long, value_name = "FAULTS")]
    faults: Option<String>,
}

/// Parses the name of a seed: `contoso`, `random:N` or `empty`.
pub fn seed(word: &str) -> Result<Seed> {
    Ok(match word.split_once(':') {
        None if word == "contoso" => Seed::Contoso,
        None if word == "empty" => Seed::Empty,
        Some(("random", count)) => Seed::Random(
            count
                .parse()
                .map_err(|_| anyhow!("a company is contoso, random:N or empty, and N a number, not {count:?}"))?,
        ),
        _ => bail!("a company is contoso, random:N or empty, not {word:?}"),
    })
}

/// Runs until Ctrl-C.
pub async fn run(arguments: EmulateArgs, output: &Output) -> Result<u8> {
    let seed = seed(&arguments.seed)?;
    let running = emulator::start(emulator::Options {
        listen: arguments.listen,
        seed,
        state: arguments.state,
        tenant: arguments.tenant,
        client: arguments.client,
        secret: arguments.secret,
        certificate: arguments.certificate.as_deref().map(certificate).transpose()?,
        roles: (!arguments.roles.is_empty()).then_some(arguments.roles),
        faults: faults(arguments.faults.as_deref())?,
    })
    .await?;
    output.data(&format!("listening on {}\n", running.url()));
    output.talk(&format!("tenant {}; stop with Ctrl-C", running.tenant_id()));
    tokio::signal::ctrl_c().await.context("waiting for Ctrl-C")?;
    running.stop().await?;
    Ok(exit::DONE)
}

/// Returns the certificate in a PEM file, in DER.
fn certificate(path: &Path) -> Result<Vec<u8>> {
    let bytes = read_file(path, NamedBy::Person, MAX_SETTINGS)
        .with_context(|| format!("reading the certificate {}", path.display()))?;
    emulator::certificate(&bytes).ok_or_else(|| anyhow!("{} holds no certificate in PEM", path.display()))
}

/// The faults, in words or in a file of them.
fn faults(text: Option<&str>) -> Result<Faults> {
    let Some(text) = text else { return Ok(Faults::default()) };
    let path = Path::new(text);
    let words = if path.is_file() {
        let bytes =
            read_file(path, NamedBy::Person, MAX_SETTINGS).with_context(|| format!("reading the faults in {text}"))?;
        String::from_utf8(bytes).with_context(|| format!("the faults in {text} are not UTF-8; save them as UTF-8"))?
    } else {
        text.to_owned()
    };
    words.parse().map_err(|error: String| anyhow!("--faults: {error}"))
}
