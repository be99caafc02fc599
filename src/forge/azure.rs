//! Pull requests of Azure DevOps: <https://learn.microsoft.com/cli/azure/repos/pr>.

use std::path::Path;

use super::program::Program;
use super::{Branches, ForgeError, PullRequest, Words, text};

const AZ: Program = Program { name: "az", host: "Azure DevOps" };

pub(super) fn find(folder: &Path, branches: Branches<'_>) -> Result<Option<PullRequest>, ForgeError> {
    let Branches { head, base } = branches;
    // The repository is that of the folder's remote, which `az` finds out by itself.
    let mut arguments = vec!["repos", "pr", "list", "--source-branch", head, "--target-branch", base];
    arguments.extend(["--status", "active", "--output", "json"]);
    let found = AZ.list(folder, &arguments)?;
    // `forkSource` is there for a branch of a fork.
    let own = found.iter().find(|found| found.get("forkSource").is_none_or(serde_json::Value::is_null));
    let Some(own) = own else { return Ok(None) };
    let number = AZ.number(&arguments, own, "pullRequestId")?;
    // The list shortens descriptions; one by itself is whole.
    let show = ["repos", "pr", "show", "--id", &number.to_string(), "--output", "json"];
    let whole = AZ.json(folder, &show, "")?;
    Ok(Some(PullRequest { number, body: text(&whole, "description"), url: String::new() }))
}

pub(super) fn open(folder: &Path, branches: Branches<'_>, words: Words<'_>) -> Result<String, ForgeError> {
    let Branches { head, base } = branches;
    let mut arguments = vec!["repos", "pr", "create", "--source-branch", head, "--target-branch", base];
    arguments.extend(["--title", words.title, "--description", words.body, "--output", "json"]);
    let made = AZ.json(folder, &arguments, "")?;
    Ok(format!("pull request {}", AZ.number(&arguments, &made, "pullRequestId")?))
}

pub(super) fn update(folder: &Path, number: u64, words: Words<'_>) -> Result<(), ForgeError> {
    let number = number.to_string();
    let arguments = ["repos", "pr", "update", "--id", &number, "--title", words.title, "--description", words.body];
    AZ.run(folder, &[&arguments[..], &["--output", "json"]].concat(), "").map(drop)
}

pub(super) fn close(folder: &Path, number: u64) -> Result<(), ForgeError> {
    let number = number.to_string();
    let arguments = ["repos", "pr", "update", "--id", &number, "--status", "abandoned", "--output", "json"];
    AZ.run(folder, &arguments, "").map(drop)
}
