//! Pull requests of GitHub: <https://cli.github.com/manual/gh_pr>.

use std::path::Path;

use serde_json::{Value, json};

use super::program::Program;
use super::{Branches, ForgeError, PullRequest, Words, text};

const GH: Program = Program { name: "gh", host: "GitHub" };

pub(super) fn find(folder: &Path, branches: Branches<'_>) -> Result<Option<PullRequest>, ForgeError> {
    let Branches { head, base } = branches;
    let fields = "number,body,url,isCrossRepository";
    let arguments =
        ["pr", "list", "--head", head, "--base", base, "--state", "open", "--limit", "100", "--json", fields];
    let found = GH.list(folder, &arguments)?;
    // `--head` also finds branches of forks that have this name.
    let own = found.iter().find(|found| found.get("isCrossRepository") == Some(&Value::Bool(false)));
    own.map(|found| {
        let number = GH.number(&arguments, found, "number")?;
        Ok(PullRequest { number, body: text(found, "body"), url: text(found, "url") })
    })
    .transpose()
}

pub(super) fn open(folder: &Path, branches: Branches<'_>, words: Words<'_>) -> Result<String, ForgeError> {
    let Branches { head, base } = branches;
    let arguments = ["pr", "create", "--head", head, "--base", base, "--title", words.title, "--body-file", "-"];
    Ok(GH.run(folder, &arguments, words.body)?.trim().to_owned())
}

/// Replaces title and text. `gh pr edit` of older versions asks for what GitHub has no more.
pub(super) fn update(folder: &Path, number: u64, words: Words<'_>) -> Result<(), ForgeError> {
    let place = format!("repos/{{owner}}/{{repo}}/pulls/{number}");
    let body = json!({"title": words.title, "body": words.body});
    GH.json(folder, &["api", &place, "--method", "PATCH", "--input", "-"], &body.to_string()).map(drop)
}

pub(super) fn close(folder: &Path, number: u64) -> Result<(), ForgeError> {
    GH.run(folder, &["pr", "close", &number.to_string()], "").map(drop)
}
