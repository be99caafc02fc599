//! `emulate`: the embedded tenant on its own.

use anyhow::{Context as _, Result, anyhow, bail};

use super::args;
use super::exit;
use super::output::Output;
use crate::emulator::{self, Faults, Seed};
use crate::repo::{MAX_SETTINGS, NamedBy, read_file};

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
pub async fn run(arguments: args::Emulate, output: &Output) -> Result<u8> {
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
fn certificate(path: &std::path::Path) -> Result<Vec<u8>> {
    let bytes = read_file(path, NamedBy::Person, MAX_SETTINGS)
        .with_context(|| format!("reading the certificate {}", path.display()))?;
    emulator::certificate(&bytes).ok_or_else(|| anyhow!("{} holds no certificate in PEM", path.display()))
}

/// The faults, in words or in a file of them.
fn faults(text: Option<&str>) -> Result<Faults> {
    let Some(text) = text else { return Ok(Faults::default()) };
    let path = std::path::Path::new(text);
    let words = if path.is_file() {
        let bytes =
            read_file(path, NamedBy::Person, MAX_SETTINGS).with_context(|| format!("reading the faults in {text}"))?;
        String::from_utf8(bytes).with_context(|| format!("the faults in {text} are not UTF-8; save them as UTF-8"))?
    } else {
        text.to_owned()
    };
    words.parse().map_err(|error: String| anyhow!("--faults: {error}"))
}
