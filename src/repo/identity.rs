//! Finds the author and the committer as git does: from the variables `GIT_AUTHOR_…` and `GIT_COMMITTER_…`, then from the
//! configuration (<https://git-scm.com/docs/git-commit#_commit_information>).

use git2::Repository;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::{Author, Repo, RepoError};

impl Repo {
    /// Refuses dates in git's variables that cannot be read, before anything is written with another date.
    ///
    /// # Errors
    /// [`RepoError::Invalid`], naming the variable.
    pub fn check_dates(&self) -> Result<(), RepoError> {
        for name in ["GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"] {
            if let Some(text) = variable(name).filter(|text| parse_date(text).is_none()) {
                let text = text.escape_debug();
                let form = "write it as 2026-01-31T12:00:00Z or @SECONDS";
                return Err(RepoError::Invalid(format!("{name} is `{text}`, which is no date that git knows: {form}")));
            }
        }
        Ok(())
    }
}

/// Returns the author of commits, or the tool where nobody is configured.
pub(super) fn author(git: &Repository) -> Author {
    configured(git, "AUTHOR").unwrap_or_else(|| tool("AUTHOR"))
}

/// Returns the committer, or the tool where nobody is configured.
pub(super) fn committer(git: &Repository) -> Author {
    configured(git, "COMMITTER").unwrap_or_else(|| tool("COMMITTER"))
}

fn tool(role: &str) -> Author {
    Author { name: "Entragit".to_owned(), email: "entragit@localhost".to_owned(), time: date(role) }
}

/// Returns the person in this role, `AUTHOR` or `COMMITTER`; `None` if the name or the address is configured nowhere.
pub(super) fn configured(git: &Repository, role: &str) -> Option<Author> {
    let config = git.config().ok();
    let find = |what: &str| {
        let setting = |of: &str| config.as_ref()?.get_string(&format!("{of}.{what}")).ok();
        variable(&format!("GIT_{role}_{}", what.to_uppercase()))
            .or_else(|| setting(&role.to_lowercase()))
            .or_else(|| setting("user"))
    };
    let (name, email) = (find("name")?, find("email").or_else(|| variable("EMAIL"))?);
    Some(Author { name, email, time: date(role) })
}

fn date(role: &str) -> Option<i64> {
    variable(&format!("GIT_{role}_DATE")).and_then(|text| parse_date(&text))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.trim().is_empty())
}

/// Parses a date in one of git's forms: its own `SECONDS ZONE`, ISO 8601 or RFC 2822
/// (<https://git-scm.com/docs/git-commit#_date_formats>). Returns seconds since 1970. A date without a zone is local.
fn parse_date(text: &str) -> Option<i64> {
    let text = text.trim();
    let (seconds, zone) = text.split_once(' ').unwrap_or((text, "+0000"));
    let is_zone =
        zone.len() == 5 && zone.starts_with(['+', '-']) && zone[1..].bytes().all(|byte| byte.is_ascii_digit());
    let seconds = seconds.strip_prefix('@').unwrap_or(seconds);
    if is_zone && !seconds.is_empty() && seconds.bytes().all(|byte| byte.is_ascii_digit()) {
        return seconds.parse().ok();
    }
    // Git puts a space before the zone, which the parser does not take.
    let joined = text
        .rsplit_once(' ')
        .filter(|(_, zone)| zone.starts_with(['+', '-']))
        .map(|(date, zone)| format!("{date}{zone}"));
    let zoned = joined.as_deref().unwrap_or(text).parse::<Timestamp>().ok();
    let zoned = zoned.or_else(|| jiff::fmt::rfc2822::parse(text).ok().map(|date| date.timestamp()));
    let local = || Some(text.parse::<DateTime>().ok()?.to_zoned(TimeZone::system()).ok()?.timestamp());
    Some(zoned.or_else(local)?.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_every_form_of_git() {
        for text in [
            "@1700000000 +0100",
            "1700000000 -0700",
            "@1700000000",
            "2023-11-14T22:13:20Z",
            "2023-11-14 23:13:20 +0100",
            "2023-11-14T23:13:20+01:00",
            "Tue, 14 Nov 2023 22:13:20 +0000",
        ] {
            assert_eq!(parse_date(text), Some(1_700_000_000), "{text}");
        }
        assert!(parse_date("2023-11-14T22:13:20").is_some());
        for text in ["", "the other day", "@", "@x +0000", "1700000000 UTC"] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }
}
