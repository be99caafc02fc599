//! `log`, `blame` and `show`: arguments → history → output.

use std::path::Path;

use anyhow::{Result, anyhow};
use clap::Args;
use jiff::Timestamp;

use super::exit;
use super::output::Output;
use super::selection::kinds_of;
use crate::engine::render::{history, history_json};
use crate::kinds;
use crate::model::Address;
use crate::ops::commit::when;
use crate::ops::history::show::show;
use crate::ops::history::{Reach, blame, life, log};
use crate::ops::{Context, Invalid};

/// Arguments of `log`.
#[derive(Debug, Args)]
pub struct LogArgs {
    /// An object: its id, application id, path, name, user principal name, or `kind:name` [default: all snapshots].
    #[arg(value_name = "OBJECT")]
    object: Option<String>,
    /// Nothing before this moment, as in `2d`, `36h`, `2026-11-20`.
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// At most so many.
    #[arg(long, short = 'n', value_name = "N")]
    limit: Option<usize>,
    /// Only this kind, as in `group`; may be repeated.
    #[arg(long = "kind", value_name = "KIND")]
    kinds: Vec<String>,
    /// Only this property or link of the object, as in `members`; may be repeated.
    #[arg(long = "property", value_name = "NAME", requires = "object")]
    properties: Vec<String>,
    /// Say how many changes of each snapshot deserve a second look; of an object they are always shown.
    #[arg(long)]
    risks: bool,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

/// Shows the snapshots, or the life of one object.
///
/// # Errors
/// If the moment or the object cannot be found, or the repository cannot be read.
pub fn run_log(arguments: &LogArgs, repo: &Path, output: &Output) -> Result<u8> {
    let context = Context::open(repo, output.events())?;
    let since = match &arguments.since {
        Some(since) => Some(
            when::parse_time(since, Timestamp::now())
                .ok_or_else(|| anyhow!("--since `{}` is no moment; write {}", since.escape_debug(), when::FORMS))?,
        ),
        None => None,
    };
    let reach = Reach { since, limit: arguments.limit };
    let mut only = kinds_of(&arguments.kinds)?;
    // `groups/` is the folder, and so the kind.
    let folder = arguments.object.as_deref().filter(|word| word.ends_with('/')).and_then(kinds::by_word);
    only.extend(folder);
    let text = match arguments.object.as_deref().filter(|_| folder.is_none()) {
        Some(object) => {
            let (found, names) = life(&context, object, &only, &arguments.properties, reach)?;
            match arguments.json {
                true => history_json::life(&found, &names),
                false => history::life(&found, &names, output.style),
            }
        }
        None => {
            let found = log(&context, reach, &only, arguments.risks)?;
            match arguments.json {
                true => history_json::log(&found),
                false => history::log(&found, output.style),
            }
        }
    };
    output.data(&text);
    Ok(exit::DONE)
}

/// Arguments of `blame`.
#[derive(Debug, Args)]
pub struct BlameArgs {
    /// An object: its id, application id, path, name, user principal name, or `kind:name`.
    #[arg(value_name = "OBJECT")]
    object: String,
    /// As it was in this commit [default: the last snapshot].
    #[arg(long, value_name = "REV")]
    rev: Option<String>,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

/// Shows who set each value of an object.
///
/// # Errors
/// If the object cannot be found, or the repository cannot be read.
pub fn run_blame(arguments: &BlameArgs, repo: &Path, output: &Output) -> Result<u8> {
    let context = Context::open(repo, output.events())?;
    let (found, names) = blame(&context, &arguments.object, arguments.rev.as_deref())?;
    output.data(&match arguments.json {
        true => history_json::blame(&found, &names),
        false => history::blame(&found, &names, output.style),
    });
    Ok(exit::DONE)
}

/// Arguments of `show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// An object, or a commit and an object: `HEAD~1:Remote workers`.
    #[arg(value_name = "[REV:]OBJECT")]
    object: String,
    /// Print one JSON document, with the names of what the object refers to.
    #[arg(long)]
    json: bool,
}

/// Shows an object as a commit holds it.
///
/// # Errors
/// If the object cannot be found, or its file is not valid.
pub fn run_show(arguments: &ShowArgs, repo: &Path, output: &Output) -> Result<u8> {
    let context = Context::open(repo, output.events())?;
    let shown = show(&context, &arguments.object)?;
    let found = &shown.found;
    if arguments.json {
        let value = shown.value.map_err(Invalid)?;
        let (commit, address) = (shown.commit.to_string(), Address::new(found.kind, found.id.clone()));
        let path = &found.entry.path;
        output.data(&history_json::object(&shown.revision, &commit, path, &address, &value, &shown.names));
    } else {
        output.talk(&format!("{} in {}", found.entry.path, &shown.commit.to_string()[..10]));
        output.file(&shown.bytes);
    }
    Ok(exit::DONE)
}
