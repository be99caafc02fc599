//! Checks how far back a branch's reflog reaches. For `main@{yesterday}` git takes the oldest entry if the log begins later, and
//! prints a warning; libgit2 does the same without a warning. In a clone made this morning that is this morning's commit, and a
//! person recovering a tenant must not get it unasked.

use git2::{Reflog, Repository, Signature, Time};

/// Returns the beginning of the reflog that `rev` asks, in seconds since 1970, if that is later than the date in `rev`.
pub(super) fn begins_later(git: &Repository, rev: &str) -> Result<Option<i64>, git2::Error> {
    let Some((name, rest)) = rev.split_once("@{") else { return Ok(None) };
    let Some((date, _)) = rest.split_once('}') else { return Ok(None) };
    let place = |text: &str| text.strip_prefix('-').unwrap_or(text).bytes().all(|byte| byte.is_ascii_digit());
    if place(date) || matches!(date, "u" | "upstream" | "push") {
        return Ok(None);
    }
    let log = git.reflog(&full_name(git, name)?)?;
    let Some(begin) = oldest(&log) else { return Ok(None) };
    match reaches(begin, date)? {
        true => Ok(None),
        false => Ok(Some(begin)),
    }
}

fn full_name(git: &Repository, name: &str) -> Result<String, git2::Error> {
    let reference = match name {
        "" => git.head()?,
        name => git.resolve_reference_from_short_name(name)?,
    };
    reference.name().map(str::to_owned)
}

fn oldest(log: &Reflog) -> Option<i64> {
    Some(log.get(log.len().checked_sub(1)?)?.committer().when().seconds())
}

/// Returns true if the date is after `begin`. Only libgit2 knows how it reads a date, so it is asked about a reflog with one
/// entry at the beginning of time and one at `begin`.
fn reaches(begin: i64, date: &str) -> Result<bool, git2::Error> {
    let failed = |error: std::io::Error| git2::Error::from_str(&error.to_string());
    let folder = tempfile::tempdir().map_err(failed)?;
    let git = Repository::init_bare(folder.path())?;
    let tree = git.find_tree(git.treebuilder(None)?.write()?)?;
    let who = Signature::new("entragit", "entragit@invalid", &Time::new(0, 0))?;
    let before = git.commit(None, &who, &who, "before", &tree, &[])?;
    let after = git.commit(Some("refs/heads/probe"), &who, &who, "after", &tree, &[])?;
    let zero = git2::Oid::ZERO_SHA1;
    let lines = format!(
        "{zero} {before} {who} 0 +0000\tbefore\n{before} {after} {who} {begin} +0000\tafter\n",
        who = "entragit <entragit@invalid>"
    );
    let log = folder.path().join("logs/refs/heads/probe");
    std::fs::create_dir_all(folder.path().join("logs/refs/heads")).map_err(failed)?;
    std::fs::write(log, lines).map_err(failed)?;
    Ok(git.revparse_single(&format!("refs/heads/probe@{{{date}}}"))?.id() == after)
}
