//! Arguments → use cases → exit codes.

use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory as _, Parser as _};

use super::commands::{Cli, Command};
use super::exit;
use super::output::Output;
use crate::engine::render::{self, text};
use crate::ops::apply::approve::Unapproved;
use crate::ops::snapshot::shrink::Shrunk;
use crate::ops::{Invalid, Refused, Stale};
use crate::repo::RepoError;

/// Parses, runs, explains errors, and says how it ended.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            // 2 means "differences" here; a wrong call is an error, help and version are none.
            return ExitCode::from(if error.use_stderr() { exit::ERROR } else { exit::DONE });
        }
    };
    let output = Output::new(cli.color, cli.quiet);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output.say(&format!("error: starting the runtime: {error}"));
            return ExitCode::from(exit::ERROR);
        }
    };
    let result = runtime.block_on(run(cli, &output));
    output.clear();
    let code = result.unwrap_or_else(|error| explain(&error, &output));
    runtime.shutdown_background();
    ExitCode::from(code)
}

fn explain(error: &anyhow::Error, output: &Output) -> u8 {
    if let Some(Invalid(findings)) = error.downcast_ref::<Invalid>() {
        output.say(text::findings(findings, output.style).trim_end());
    }
    if let Some(RepoError::Hostile(findings)) = error.downcast_ref::<RepoError>() {
        output.say(text::findings(findings, output.style).trim_end());
    }
    let chain: Vec<String> = error.chain().map(|cause| render::safe(&cause.to_string())).collect();
    let mut said: Vec<&str> = Vec::new();
    for cause in &chain {
        // A cause that its wrapper already quotes is not said twice.
        if !said.iter().any(|earlier| earlier.contains(cause.as_str())) {
            said.push(cause);
        }
    }
    output.say(&format!("error: {}", said.join(": ")));
    let by_guard = error.downcast_ref::<Refused>().is_some() || error.downcast_ref::<Shrunk>().is_some();
    if by_guard || error.downcast_ref::<Unapproved>().is_some() {
        return exit::REFUSED;
    }
    if error.downcast_ref::<Stale>().is_some() {
        return exit::STALE;
    }
    match error.downcast_ref::<RepoError>() {
        Some(RepoError::Locked { .. } | RepoError::Busy { .. }) => exit::LOCKED,
        Some(RepoError::Damaged(_)) => exit::DAMAGED,
        Some(RepoError::Moved { .. }) => exit::STALE,
        _ => exit::ERROR,
    }
}

async fn run(cli: Cli, output: &Output) -> Result<u8> {
    let repo = cli.repo.as_path();
    match cli.command {
        #[cfg(feature = "emulator")]
        Command::Demo(arguments) => super::demo::demo(arguments, repo, output).await,
        Command::Init(arguments) => super::init::run(&arguments, repo, output),
        Command::Export(arguments) => super::export::run(&arguments, repo, output).await,
        Command::Sync(arguments) => super::export::run_sync(&arguments, repo, output).await,
        Command::Watch(arguments) => super::watch::watch(arguments, repo, output).await,
        Command::Diff(arguments) => super::diff::run(arguments, repo, output).await,
        Command::Log(arguments) => super::history::run_log(&arguments, repo, output),
        Command::Blame(arguments) => super::history::run_blame(&arguments, repo, output),
        Command::Show(arguments) => super::history::run_show(&arguments, repo, output),
        Command::Drift(arguments) => super::drift::run(arguments, repo, output).await,
        Command::Doctor(arguments) => super::doctor::run(arguments, repo, output).await,
        Command::Status(arguments) => super::status::run(arguments, repo, output).await,
        Command::Validate(arguments) => super::validate::run(&arguments, repo, output),
        Command::Plan(arguments) => super::recover::plan(arguments, repo, output).await,
        Command::Apply(arguments) => super::recover::apply(arguments, repo, output).await,
        Command::Accept(arguments) => super::decide::run_accept(&arguments, repo, output).await,
        Command::Reject(arguments) => super::decide::run_reject(arguments, repo, output).await,
        Command::Sign(arguments) => super::recover::sign(&arguments, repo, output),
        Command::Restore(arguments) => super::recover::restore(arguments, repo, output).await,
        Command::Undo(arguments) => super::recover::undo(arguments, repo, output).await,
        #[cfg(feature = "emulator")]
        Command::Drill(arguments) => super::drill::drill(arguments, repo, output).await,
        #[cfg(feature = "emulator")]
        Command::Emulate(arguments) => super::emulate::run(arguments, output).await,
        Command::Kinds(arguments) => super::kinds::run(&arguments, output),
        Command::Completions(arguments) => Ok(super::completions::run(&arguments, Cli::command(), output)),
    }
}
