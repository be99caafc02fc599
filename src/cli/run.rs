//! Arguments → use cases → exit codes.

use std::process::ExitCode;

use anyhow::{Result, anyhow, bail};
use clap::{CommandFactory as _, Parser as _};

use super::args::{Cli, Command, Selectors};
use super::output::Output;
use crate::engine::render::{self, text};
use crate::engine::schema;
use crate::engine::scope::{Exclusion, Scope};
use crate::format::path::address_of;
use crate::kinds;
use crate::model::Kind;
use crate::model::finding::Severity;
use crate::model::words::counted;
use crate::ops::approve::Unapproved;
use crate::ops::export::layout_for;
use crate::ops::shrink::Shrunk;
use crate::ops::source::Source;
use crate::ops::{self, Context, Invalid, Refused, Stale};
use crate::repo::RepoError;

/// Exit codes, as documented in the help.
pub mod exit {
    /// Done, or nothing to do.
    pub const DONE: u8 = 0;
    /// Error.
    pub const ERROR: u8 = 1;
    /// Differences or changes present.
    pub const DIFFERS: u8 = 2;
    /// Refused by a guard.
    pub const REFUSED: u8 = 3;
    /// Incomplete.
    pub const INCOMPLETE: u8 = 4;
    /// The target moved.
    pub const STALE: u8 = 5;
    /// Another run holds the lock.
    pub const LOCKED: u8 = 6;
    /// The repository is damaged.
    pub const DAMAGED: u8 = 7;
}

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
            ops::init::init(repo, &init.tenant, init.bare, &layout, &init.break_glass, &events)?;
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
        Command::Validate(validate) => {
            let found = Context::open(repo, events).and_then(|context| {
                let source = match validate.source.as_deref() {
                    Some(word) => Source::parse(word),
                    None if context.repo.workdir().is_some() => Source::Worktree,
                    None => Source::Commit("HEAD".to_owned()),
                };
                ops::validate::validate(&context, &source, false)
            });
            // Settings that are wrong and trees that are refused as a whole are findings like any others.
            let findings = match found {
                Ok(findings) => findings,
                Err(error) => match (error.downcast_ref::<Invalid>(), error.downcast_ref::<RepoError>()) {
                    (Some(Invalid(findings)), _) | (_, Some(RepoError::Hostile(findings))) => findings.clone(),
                    _ => return Err(error),
                },
            };
            if validate.json {
                output.data(&render::json::findings(&findings));
            } else {
                output.data(&text::findings(&findings, output.style));
            }
            let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
            output.talk(&format!("{}, {}", counted(errors, "error"), counted(findings.len() - errors, "warning")));
            Ok(if errors == 0 { exit::DONE } else { exit::ERROR })
        }
        Command::Plan(arguments) => super::recover::plan(arguments, repo, output).await,
        Command::Apply(arguments) => super::recover::apply(arguments, repo, output).await,
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

/// Selectors → scope. A path stands for the kind and id it names.
pub fn scope(selectors: &Selectors) -> Result<Scope> {
    let mut scope = Scope {
        kinds: kinds_of(&selectors.kinds)?.into_iter().map(|kind| kind.name).collect(),
        ids: selectors.ids.clone(),
        names: selectors.names.clone(),
        properties: selectors.properties.clone(),
        exclude: selectors.exclude.iter().map(|word| exclusion(word)).collect::<Result<_>>()?,
    };
    for word in &selectors.properties {
        let known: Vec<&str> = kinds::ALL
            .iter()
            .filter(|kind| scope.takes_kind(kind))
            .filter_map(|kind| schema::of(kind).document.get("properties")?.as_object())
            .flat_map(|properties| properties.keys().map(String::as_str))
            .collect();
        if !known.contains(&word.as_str()) {
            let near =
                known.iter().min_by_key(|name| strsim::damerau_levenshtein(&name.to_lowercase(), &word.to_lowercase()));
            let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            bail!("--property {word}: no kind in question has such a property or link{hint}");
        }
    }
    for path in &selectors.paths {
        match address_of(path.strip_prefix("./").unwrap_or(path)) {
            Ok((kind, id)) => {
                if !scope.kinds.contains(&kind.name) {
                    scope.kinds.push(kind.name);
                }
                scope.ids.push(id);
            }
            Err(reason) => bail!("--path {path}: {reason}"),
        }
    }
    Ok(scope)
}

/// Parses one value of `--exclude`; a pattern that looks like something else is an error, since it would leave out nothing.
pub fn exclusion(word: &str) -> Result<Exclusion> {
    if let Ok((kind, id)) = address_of(word.strip_prefix("./").unwrap_or(word)) {
        return Ok(if kind.is_singleton() { Exclusion::Kind(kind.name) } else { Exclusion::Id(id) });
    }
    if let (Exclusion::Name(_), Some((kind, property))) = (Exclusion::parse(word), word.split_once('.'))
        && kinds::by_word(kind).is_some()
        && !property.contains([' ', '*'])
    {
        bail!("--exclude {word}: {kind} has no property or link `{property}`");
    }
    Ok(Exclusion::parse(word))
}

/// The kinds that people mean.
pub fn kinds_of(words: &[String]) -> Result<Vec<&'static Kind>> {
    words.iter().map(|word| kinds::by_word(word).ok_or_else(|| anyhow!("{}", kinds::unknown(word)))).collect()
}
