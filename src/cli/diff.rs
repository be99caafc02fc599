//! `diff`: arguments → report → exit code.

use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use clap::{Args, ValueEnum};

use super::connect::connect;
use super::credentials::SignIn;
use super::exit;
use super::output::Output;
use super::selection::{Selectors, scope};
use crate::engine::render::{self, Style, html, markdown, sarif, text};
use crate::engine::saved;
use crate::model::Coverage;
use crate::ops::Context;
use crate::ops::commit::source::Source;
use crate::ops::report::diff::{Compared, diff, narrow};
use crate::repo::{MAX_PLAN, NamedBy, read_file};

/// Format of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For the terminal.
    Text,
    /// For a pull request: fits a comment of GitHub.
    Markdown,
    /// For scripts, and to be read again by `diff`.
    Json,
    /// One self-contained page.
    Html,
    /// What deserves a second look, for code scanning.
    Sarif,
}

/// Arguments of `diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// Left side: a commit, tag or branch, a moment as in `@{yesterday}` or `@{2026-11-20}`, `worktree`, `live`, or a report
    /// saved with `--json` [default: HEAD]. With --since it is the right side.
    #[arg(value_name = "A")]
    a: Option<String>,
    /// Right side [default: live].
    #[arg(value_name = "B", conflicts_with = "since")]
    b: Option<String>,
    /// From the last snapshot before this moment, as in `2d`, `36h`, `2026-11-20`.
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The same as `--format json`.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// End with 2 if anything differs: always so, accepted out of habit.
    #[arg(long, hide = true)]
    exit_code: bool,
    /// Selection of objects and properties.
    #[command(flatten)]
    selectors: Selectors,
    /// Sign-in.
    #[command(flatten)]
    sign_in: SignIn,
}

/// Runs it.
pub async fn run(arguments: DiffArgs, repo: &Path, output: &Output) -> Result<u8> {
    let scope = scope(&arguments.selectors)?;
    let compared = match (&arguments.since, arguments.a.as_deref().filter(|a| is_saved(a)), &arguments.b) {
        (None, Some(path), None) => {
            let bytes = read_file(Path::new(path), NamedBy::Person, MAX_PLAN)
                .with_context(|| format!("reading the report {path}"))?;
            let (mut report, names) = saved::read(&bytes)
                .map_err(|error| anyhow!("{path} is no report saved with `diff --json`: {error}"))?;
            narrow(&mut report, &scope);
            Compared { report, names }
        }
        (_, Some(path), _) => {
            anyhow::bail!("{path} is a saved report, which is shown by itself: `entragit diff {path}`")
        }
        (since, None, b) => {
            let (a, b) = match since {
                Some(since) => (format!("@{{{since}}}"), arguments.a.as_deref().unwrap_or("live")),
                None => (arguments.a.as_deref().unwrap_or("HEAD").to_owned(), b.as_deref().unwrap_or("live")),
            };
            let context = Context::open(repo, output.events())?;
            let (a, b) = (Source::parse(&a), Source::parse(b));
            let tenant = match a == Source::Live || b == Source::Live {
                true => Some(connect(&arguments.sign_in, &context.settings, &context.events)?),
                false => None,
            };
            diff(&context, tenant.as_ref(), &a, &b, &scope).await?
        }
    };
    output.clear();
    let format = if arguments.json { Format::Json } else { arguments.format };
    output.data(&rendered(&compared, format, output.style));
    let report = &compared.report;
    let missing = |coverage: &Coverage| !matches!(coverage, Coverage::Complete | Coverage::Skipped);
    let incomplete = report.unknown.iter().any(|(_, before, after)| missing(before) || missing(after));
    Ok(match (report.changes.is_empty(), incomplete) {
        (false, _) => exit::DIFFERS,
        (true, true) => exit::INCOMPLETE,
        (true, false) => exit::DONE,
    })
}

/// A report as text of some format.
pub fn rendered(compared: &Compared, format: Format, style: Style) -> String {
    let (report, names) = (&compared.report, &compared.names);
    match format {
        Format::Text => text::report(report, names, style),
        Format::Markdown => markdown::report(report, names),
        Format::Json => render::json::report(report, names),
        Format::Html => html::report(report, names),
        Format::Sarif => sarif::report(report),
    }
}

/// Returns true if a word names a saved report: an existing file, which cannot be mistaken for a git revision.
fn is_saved(word: &str) -> bool {
    word.ends_with(".json") && Path::new(word).is_file()
}
