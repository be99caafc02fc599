//! Parses times as people write them: `2d`, `yesterday`, `2026-11-20`, `2026-11-20T08:00:00Z`.

use std::borrow::Cow;

use anyhow::{Result, anyhow, bail};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::format::span::span;
use crate::ops::Context;
use crate::repo::ObjectId;

/// List of the accepted forms, for messages.
pub const FORMS: &str = "2d, 36h, 90m, 2 weeks ago, yesterday, 2026-11-20 or 2026-11-20T08:00:00Z (UTC)";

/// Parses a time as people write it, relative to `now`; `None` if it is no time. `today` is the beginning of the day in UTC,
/// `yesterday` is 24 hours ago. A date without a time is the beginning of that day, and a time without a zone is UTC, so that
/// the same words mean the same time on every machine.
pub fn parse_time(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim().to_lowercase();
    let day = SignedDuration::from_hours(24);
    match text.as_str() {
        "now" => return Some(now),
        "today" => return now.to_zoned(TimeZone::UTC).start_of_day().ok().map(|day| day.timestamp()),
        "yesterday" => return now.checked_sub(day).ok(),
        _ => {}
    }
    if let Some(ago) = span(text.trim_end_matches("ago").trim()) {
        return now.checked_sub(ago).ok();
    }
    // The letters of RFC 3339 must be in upper case again.
    let text = text.to_uppercase();
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let civil = text.parse::<jiff::civil::DateTime>().ok()?;
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

impl Context {
    /// Replaces the branch of the snapshots in a revision (`snapshots`, `snapshots~2`) by the tip that this clone works from: the
    /// local branch may be missing or behind.
    fn replace_snapshots_branch<'a>(&self, revision: &'a str) -> Result<Cow<'a, str>> {
        match revision.strip_prefix(self.settings.branches.snapshots.as_str()) {
            Some(rest) if rest.is_empty() || rest.starts_with(['~', '^']) => {
                let tip = self.last_snapshot()?;
                Ok(tip.map_or(Cow::Borrowed(revision), |tip| Cow::Owned(format!("{tip}{rest}"))))
            }
            _ => Ok(Cow::Borrowed(revision)),
        }
    }

    /// Returns the commit that a person means: `@{2d}` and its like are the last snapshot at that time, by the snapshots' own
    /// dates, so that a fresh clone knows it as well; everything else is resolved by git.
    ///
    /// # Errors
    /// If there is no such commit.
    pub fn resolve(&self, revision: &str) -> Result<ObjectId> {
        let date = revision.strip_prefix("@{").and_then(|rest| rest.strip_suffix('}'));
        let Some(date) =
            date.filter(|date| date.parse::<i64>().is_err() && !matches!(*date, "u" | "upstream" | "push"))
        else {
            return Ok(self.repo.resolve(&self.replace_snapshots_branch(revision)?)?);
        };
        let when = parse_time(date, Timestamp::now())
            .ok_or_else(|| anyhow!("`{}` is no moment; write {FORMS}", date.escape_debug()))?;
        let Some(tip) = self.last_snapshot()? else {
            bail!("there is no snapshot yet; make one with `entragit export`");
        };
        let mut oldest = None;
        // The history is read in pages, since the wanted commit is mostly near.
        let mut from = Some(tip);
        while let Some(start) = from.take() {
            let line = self.repo.line(start, 200)?;
            for commit in &line {
                let time = commit.committed;
                if time <= when.as_second() {
                    return Ok(commit.id);
                }
                oldest = Some(time);
            }
            from = line.last().and_then(|last| last.parents.first()).copied().filter(|_| line.len() == 200);
        }
        let oldest = oldest.and_then(|time| Timestamp::from_second(time).ok()).map_or(String::new(), |t| t.to_string());
        bail!("the oldest snapshot is of {oldest}, later than {when}; name a later moment, or a commit")
    }
}

/// Formats a time in seconds since 1970 as RFC 3339 in UTC; empty if there is none, or none that can be written so.
pub fn format_time(seconds: Option<i64>) -> String {
    let time = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.map_or_else(String::new, |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_write_moments_in_many_ways() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let said: Vec<String> = [
            "2d",
            "36h",
            "90 minutes ago",
            "1w 2d",
            "yesterday",
            "today",
            "now",
            "2026-11-20",
            "2026-11-20T08:30",
            "2026-11-20t08:30:00+02:00",
            "2 weeks ago",
            "soon",
            "2",
            "",
            "d",
            "2026-13-01",
            "99999999999999999999d",
        ]
        .into_iter()
        .map(|text| format!("{text:?}: {}", parse_time(text, now).map_or("none".to_owned(), |time| time.to_string())))
        .collect();
        insta::assert_snapshot!(said.join("\n"), @r#"
        "2d": 2026-11-21T12:00:00Z
        "36h": 2026-11-22T00:00:00Z
        "90 minutes ago": 2026-11-23T10:30:00Z
        "1w 2d": 2026-11-14T12:00:00Z
        "yesterday": 2026-11-22T12:00:00Z
        "today": 2026-11-23T00:00:00Z
        "now": 2026-11-23T12:00:00Z
        "2026-11-20": 2026-11-20T00:00:00Z
        "2026-11-20T08:30": 2026-11-20T08:30:00Z
        "2026-11-20t08:30:00+02:00": 2026-11-20T06:30:00Z
        "2 weeks ago": 2026-11-09T12:00:00Z
        "soon": none
        "2": none
        "": none
        "d": none
        "2026-13-01": none
        "99999999999999999999d": none
        "#);
    }
}
