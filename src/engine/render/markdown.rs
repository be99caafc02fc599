//! For a pull request: a table of what differs, the properties folded below it.

use std::fmt::Write as _;

use super::{field_line, sign, summary, who};
use crate::engine::refs::Names;
use crate::kinds;
use crate::model::{Report, What};

/// Comments on GitHub end at 65,536 characters; the report stops a little before and says so.
const LIMIT: usize = 60_000;

/// A difference report.
pub fn report(report: &Report, names: &Names) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "### Entra: {} → {}\n\n{}\n", cell(&report.before), cell(&report.after), summary(report));
    if !report.changes.is_empty() {
        out.push_str("| | Kind | Name | Properties | Who |\n|---|---|---|---|---|\n");
    }
    let mut left = 0;
    for change in &report.changes {
        if out.len() > LIMIT / 2 {
            left += 1;
            continue;
        }
        let (sign, word) = sign(&change.what);
        let properties = match &change.what {
            What::Modified(fields) => fields.len().to_string(),
            What::Added | What::Removed => String::new(),
        };
        let who = change.events.first().map_or(String::new(), |event| cell(&event.actor.label()));
        let _ = writeln!(out, "| {sign} {word} | {} | {} | {properties} | {who} |", change.called, cell(&change.name));
    }
    if left > 0 {
        let _ = writeln!(out, "\n… and {left} more objects.");
    }
    for change in &report.changes {
        let What::Modified(fields) = &change.what else { continue };
        let mut part = String::new();
        let title = kinds::by_name(change.address.kind).map_or(change.address.kind, |kind| kind.name);
        let _ = writeln!(part, "\n<details><summary>{title} <b>{}</b></summary>\n\n```diff", html(&change.name));
        for field in fields {
            let (sign, text) = field_line(field, names);
            let sign = if sign == "~" { "!" } else { sign };
            let _ = writeln!(part, "{sign} {}", text.replace("```", "'''"));
        }
        part.push_str("```\n");
        for line in who(change, report.audited) {
            let _ = writeln!(part, "\n{}", cell(&line));
        }
        part.push_str("\n</details>\n");
        if out.len() + part.len() > LIMIT {
            out.push_str("\nThe rest does not fit here; see the full report.\n");
            break;
        }
        out.push_str(&part);
    }
    if !report.unknown.is_empty() {
        out.push_str("\nNot completely known, so nothing is said of what is missing:\n\n");
        for (what, before, after) in &report.unknown {
            let _ = writeln!(out, "- `{what}`: {} → {}", before.word(), after.word());
        }
    }
    out
}

/// Text for a table cell: nothing in it can end the cell, start markup or mention anyone.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in super::safe(text).chars() {
        if matches!(c, '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '!' | '&') {
            out.push('\\');
        }
        out.push(c);
        if c == '@' {
            // A word joiner keeps `@name` from notifying a stranger.
            out.push('\u{2060}');
        }
    }
    out
}

fn html(text: &str) -> String {
    super::html::escape(text)
}
