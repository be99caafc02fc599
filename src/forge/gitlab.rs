//! Merge requests of GitLab, through `glab api`: <https://docs.gitlab.com/api/merge_requests/>. `:id` is the project of the
//! folder's remote.

use std::path::Path;

use serde_json::{Value, json};

use super::program::Program;
use super::{Branches, ForgeError, PullRequest, Words, text};

const GLAB: Program = Program { name: "glab", host: "GitLab" };
const PLACE: &str = "projects/:id/merge_requests";

pub(super) fn find(folder: &Path, branches: Branches<'_>) -> Result<Option<PullRequest>, ForgeError> {
    let Branches { head, base } = branches;
    let place = format!("{PLACE}?state=opened&per_page=100&source_branch={}&target_branch={}", word(head), word(base));
    let arguments = ["api", &place];
    let found = GLAB.list(folder, &arguments)?;
    // The list also has those of forks whose branch has this name.
    let is_own = |found: &&Value| {
        found.get("source_project_id").is_some_and(|id| id.is_u64() && found.get("target_project_id") == Some(id))
    };
    let own = found.iter().find(is_own);
    own.map(|found| {
        let number = GLAB.number(&arguments, found, "iid")?;
        Ok(PullRequest { number, body: text(found, "description"), url: text(found, "web_url") })
    })
    .transpose()
}

pub(super) fn open(folder: &Path, branches: Branches<'_>, words: Words<'_>) -> Result<String, ForgeError> {
    let body = json!({
        "source_branch": branches.head, "target_branch": branches.base, "title": words.title, "description": words.body,
        // The commit says in a trailer what it accepts.
        "squash": false,
    });
    Ok(text(&send(folder, "POST", PLACE, &body)?, "web_url"))
}

pub(super) fn update(folder: &Path, number: u64, words: Words<'_>) -> Result<(), ForgeError> {
    let body = json!({"title": words.title, "description": words.body});
    send(folder, "PUT", &format!("{PLACE}/{number}"), &body).map(drop)
}

pub(super) fn close(folder: &Path, number: u64) -> Result<(), ForgeError> {
    send(folder, "PUT", &format!("{PLACE}/{number}"), &json!({"state_event": "close"})).map(drop)
}

fn send(folder: &Path, method: &str, place: &str, body: &Value) -> Result<Value, ForgeError> {
    let json = "Content-Type: application/json";
    GLAB.json(folder, &["api", place, "--method", method, "--header", json, "--input", "-"], &body.to_string())
}

/// Returns the name of a branch as a value in a query.
fn word(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
