//! Arguments → use cases → exit codes.

use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory as _, Parser as _};

use super::args::{Cli, Command};
use super::exit;
use super::output::Output;
use crate::engine::render::{self, text};
use crate::kinds;
use crate::model::Kind;
use crate::ops::apply::approve::Unapproved;
use crate::ops::snapshot::export::layout_for;
use crate::ops::snapshot::shrink::Shrunk;
use crate::ops::{self, Invalid, Refused, Stale};
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
    let events = output.events();
    let repo = cli.repo.as_path();
    match cli.command {
        Command::Demo(mut demo) => {
            if demo.dir.is_none() && repo != std::path::Path::new(".") {
                demo.dir = Some(repo.to_owned());
            }
            super::demo::demo(demo, output).await
        }
        Command::Init(init) => {
            let chosen = |kind: &Kind| init.objects.map(|objects| (kind.name, layout_for(kind, objects)));
            let layout = kinds::ALL.iter().filter_map(|kind| chosen(kind)).collect();
            let start = ops::init::Start {
                tenant: &init.tenant,
                bare: init.bare,
                layout: &layout,
                break_glass: &init.break_glass,
                main: init.main.into(),
            };
            start.init(repo, &events)?;
            Ok(exit::DONE)
        }
        Command::Export(export) => super::export::run(&export, repo, output).await,
        Command::Sync(sync) => super::export::sync(&sync.export, repo, output).await,
        Command::Watch(watch) => super::watch::watch(watch, repo, output).await,
        Command::Diff(diff) => super::diff::run(diff, repo, output).await,
        Command::Log(arguments) => super::history::run_log(&arguments, repo, output),
        Command::Blame(arguments) => super::history::run_blame(&arguments, repo, output),
        Command::Show(arguments) => super::history::run_show(&arguments, repo, output),
        Command::Drift(drift) => super::drift::run(drift, repo, output).await,
        Command::Doctor(doctor) => super::doctor::run(doctor, repo, output).await,
        Command::Status(status) => super::status::run(status, repo, output).await,
        Command::Validate(validate) => super::validate::run(&validate, repo, output),
        Command::Plan(arguments) => super::recover::plan(arguments, repo, output).await,
        Command::Apply(arguments) => super::recover::apply(arguments, repo, output).await,
        Command::Accept(arguments) => super::decide::run_accept(&arguments, repo, output).await,
        Command::Reject(arguments) => super::decide::run_reject(arguments, repo, output).await,
        Command::Sign(arguments) => super::recover::sign(&arguments, repo, output),
        Command::Undo(arguments) => super::recover::undo(arguments, repo, output).await,
        Command::Drill(arguments) => super::drill::drill(arguments, repo, output).await,
        Command::Emulate(emulate) => super::emulate::run(emulate, output).await,
        Command::Kinds(arguments) => {
            output.data(&super::kinds::show(&arguments)?);
            Ok(exit::DONE)
        }
        Command::Completions(completions) => {
            let mut script = Vec::new();
            clap_complete::generate(completions.shell, &mut Cli::command(), "entragit", &mut script);
            output.data(&String::from_utf8_lossy(&script));
            Ok(exit::DONE)
        }
    }
}
