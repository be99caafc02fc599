//! `kinds`: what is exported, where it goes, and what it needs.

use anyhow::{Result, anyhow, bail};
use clap::{Args, ValueEnum};

use super::exit;
use super::output::Output;
use crate::engine::render::kinds::{self as render, Access};
use crate::kinds;
use crate::model::Kind;

/// Arguments of `kinds`.
#[derive(Debug, Args)]
pub struct KindsArgs {
    /// Only these: by name, folder or path [default: all].
    #[arg(value_name = "KIND")]
    kinds: Vec<String>,
    /// Only the application permissions that they take, the least of each: to export, or to export and to apply.
    #[arg(long, value_enum, value_name = "ACCESS")]
    permissions: Option<Needed>,
    /// How to show it; `az` prints commands of the Azure CLI that give the permissions to an application.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: KindsFormat,
    /// Print one JSON document: short for `--format json`.
    #[arg(long)]
    json: bool,
}

/// Purpose of the permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Needed {
    /// To export.
    Read,
    /// To export and to apply.
    Write,
}

/// Format of the list of kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum KindsFormat {
    /// For the terminal.
    Text,
    /// A table, and what comes back of each.
    Markdown,
    /// For scripts.
    Json,
    /// Commands of the Azure CLI.
    Az,
}

/// Prints the list of kinds, or the permissions that they need.
///
/// # Errors
/// If a word names no kind.
pub fn run(arguments: &KindsArgs, output: &Output) -> Result<u8> {
    output.data(&show(arguments)?);
    Ok(exit::DONE)
}

/// Returns the text of the list of kinds, or of the permissions that they need.
fn show(arguments: &KindsArgs) -> Result<String> {
    let kinds: Vec<&'static Kind> = match arguments.kinds.is_empty() {
        true => kinds::ALL.to_vec(),
        false => arguments.kinds.iter().map(|word| named(word)).collect::<Result<_>>()?,
    };
    let format = if arguments.json { KindsFormat::Json } else { arguments.format };
    let Some(needed) = arguments.permissions else {
        return Ok(match format {
            KindsFormat::Text => render::text(&kinds),
            KindsFormat::Markdown => render::markdown(&kinds),
            KindsFormat::Json => render::json(&kinds),
            KindsFormat::Az => bail!("--format az goes with --permissions read, or write"),
        });
    };
    let access = if needed == Needed::Read { Access::Read } else { Access::Write };
    let permissions = render::permissions(&kinds, access);
    let lines = |before: &str| permissions.iter().map(|name| format!("{before}{name}\n")).collect::<String>();
    Ok(match format {
        KindsFormat::Text => permissions.iter().map(|name| format!("{name}{}\n", remark(name, access))).collect(),
        KindsFormat::Markdown => lines("- "),
        KindsFormat::Json => render::permissions_json(&permissions),
        KindsFormat::Az => render::script(&permissions),
    })
}

/// A permission that does more than was asked for is not given unawares.
fn remark(name: &str, access: Access) -> &'static str {
    match access == Access::Read && name.contains("ReadWrite") {
        true => "   # it writes as well: Graph has none that only reads",
        false => "",
    }
}

fn named(word: &str) -> Result<&'static Kind> {
    kinds::by_word(word).ok_or_else(|| anyhow!("{}", kinds::unknown_kind_message(word)))
}
