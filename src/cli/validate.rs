//! Runs `validate`: says what is wrong with the files, before anything is sent.

use std::path::Path;

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::exit;
use super::output::Output;
use crate::engine::render::{annotations, json, sarif, text};
use crate::model::finding::Severity;
use crate::model::words::counted;
use crate::ops;
use crate::ops::commit::source::Source;
use crate::ops::{Context, Invalid};
use crate::repo::RepoError;

/// Arguments of `validate`.
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// What to check: a commit or `worktree` [default: the work tree if there is one, else HEAD].
    #[arg(value_name = "SOURCE")]
    source: Option<String>,
    /// The form of the findings.
    #[arg(long, value_enum, default_value = "text")]
    format: FindingsFormat,
    /// Print one JSON document: short for `--format json`.
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

/// Format of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FindingsFormat {
    /// For the terminal and editors: `path:line:column: …`.
    Text,
    /// For scripts.
    Json,
    /// For code scanning.
    Sarif,
    /// Annotations in a job of GitHub Actions.
    Github,
    /// Issues in a job of Azure Pipelines.
    Azure,
    /// A Code Quality report of GitLab.
    Gitlab,
}

/// Validates the work tree, or the commit that is named.
///
/// # Errors
/// If the repository cannot be read.
pub fn run(arguments: &ValidateArgs, repo: &Path, output: &Output) -> Result<u8> {
    let found = Context::open(repo, output.events()).and_then(|context| {
        let source = match arguments.source.as_deref() {
            Some(word) => Source::parse(word),
            None if context.repo.workdir().is_some() => Source::Worktree,
            None => Source::Commit("HEAD".to_owned()),
        };
        ops::report::validate::validate(&context, &source, false)
    });
    // Settings that are wrong and trees that are refused as a whole are findings like any others.
    let findings = match found {
        Ok(findings) => findings,
        Err(error) => match (error.downcast_ref::<Invalid>(), error.downcast_ref::<RepoError>()) {
            (Some(Invalid(findings)), _) | (_, Some(RepoError::Hostile(findings))) => findings.clone(),
            _ => return Err(error),
        },
    };
    let format = if arguments.json { FindingsFormat::Json } else { arguments.format };
    output.data(&match format {
        FindingsFormat::Text => text::findings(&findings, output.style),
        FindingsFormat::Json => json::findings(&findings),
        FindingsFormat::Sarif => sarif::findings(&findings),
        FindingsFormat::Github => annotations::github(&findings),
        FindingsFormat::Azure => annotations::azure(&findings),
        FindingsFormat::Gitlab => annotations::gitlab(&findings),
    });
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    output.talk(&format!("{}, {}", counted(errors, "error"), counted(findings.len() - errors, "warning")));
    Ok(if errors == 0 { exit::DONE } else { exit::ERROR })
}
