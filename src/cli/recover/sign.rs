//! Runs `sign`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use super::super::exit;
use super::super::output::Output;
use super::planned::read_plan;
use crate::engine::render;
use crate::ops::Context;
use crate::ops::apply::{self, approve};

/// Arguments of `sign`.
#[derive(Debug, Args)]
pub struct SignArgs {
    /// The plan file.
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    /// The SSH key: a private key's file, or the public key of one that an agent holds [default: git's user.signingKey].
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Where to write the signature [default: beside the plan, PLAN.*.sig].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
}

/// Approves a plan file.
pub fn sign(arguments: &SignArgs, repo: &Path, output: &Output) -> Result<u8> {
    let context = Context::open(repo, output.events())?;
    let bytes = read_plan(&arguments.plan)?;
    let ready = apply::open(&context, &bytes)?;
    approve::check_time(&ready.binding)?;
    output.say(render::plan::text(&ready.plan, &ready.verdicts, &ready.names, output.style).trim_end());
    let made = format!(
        "made by {}, of commit {}, until {}",
        ready.binding.author, ready.binding.commit, ready.binding.expires
    );
    output.say(&format!("\n{}", render::safe(&made)));
    if !arguments.yes && !output.confirm("\nApprove this?") {
        bail!("not approved: answer yes, or give --yes");
    }
    let key = match &arguments.key {
        Some(key) => key.clone(),
        None => context.repo.signing_key().context(
            "no key is given: name one with --key FILE, or set it with `git config user.signingKey ~/.ssh/id_ed25519`",
        )?,
    };
    let out = approve::sign(&key, &arguments.plan, &bytes, arguments.out.as_deref())?;
    output.say(&format!("approved; the signature is in {}", out.display()));
    Ok(exit::DONE)
}
