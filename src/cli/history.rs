//! `log`, `blame` and `show`: arguments → history → output.

use std::path::Path;

use anyhow::{Result, anyhow};
use jiff::Timestamp;

use super::args;
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

/// `log`
pub fn run_log(arguments: &args::Log, repo: &Path, output: &Output) -> Result<u8> {
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

/// `blame`
pub fn run_blame(arguments: &args::Blame, repo: &Path, output: &Output) -> Result<u8> {
    let context = Context::open(repo, output.events())?;
    let (found, names) = blame(&context, &arguments.object, arguments.rev.as_deref())?;
    output.data(&match arguments.json {
        true => history_json::blame(&found, &names),
        false => history::blame(&found, &names, output.style),
    });
    Ok(exit::DONE)
}

/// `show`
pub fn run_show(arguments: &args::Show, repo: &Path, output: &Output) -> Result<u8> {
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
