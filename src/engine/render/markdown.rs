//! Renders a report for a pull request: the risks, a table of the differences, and the properties folded below it.

use std::fmt::Write as _;

use super::{audit_notes, field_line, left_out, risk_line, risks, sign, summary, who, word};
use crate::engine::refs::Names;
use crate::model::words::counted;
use crate::model::{Change, Report};

/// Maximum size in bytes of the measured parts. Comments on GitHub end at 65,536 characters, and there are never fewer bytes
/// than characters. The parts that are not measured (the kinds that are not known) fit in the rest.
pub(super) const LIMIT: usize = 60_000;
/// Maximum number of lines of one object.
pub(super) const MOST_FIELDS: usize = 100;
/// Maximum size of the table within that limit.
const TABLE: usize = LIMIT / 2;

/// Renders a difference report. If it is too long for a comment, the properties of the last objects are left out first, then
/// rows of the table; the counts and the number of what is left out always stay.
pub fn report(report: &Report, names: &Names) -> String {
    let mut out = String::new();
    let sort = if report.drift.is_some() { "Entra drift" } else { "Entra" };
    let _ = writeln!(out, "### {sort}: {} → {}\n\n{}\n", cell(&report.before), cell(&report.after), summary(report));
    if let Some(risks) = risks(report) {
        let _ = writeln!(out, "**Worth a second look**: {risks}\n");
        second_look(report, &mut out);
    }
    if !report.changes.is_empty() {
        out.push_str("| | Kind | Name | Properties | Who |\n|---|---|---|---|---|\n");
    }
    let mut left = 0;
    for change in &report.changes {
        let row = row(change);
        if left > 0 || out.len() + row.len() > TABLE {
            left += 1;
        } else {
            out.push_str(&row);
        }
    }
    if left > 0 {
        let _ = writeln!(out, "\n… and {left} more objects, which do not fit here; see the full report.");
    }
    let mut folded = 0;
    for change in report.changes.iter().filter(|change| !change.shown().is_empty()) {
        let part = details(change, report, names);
        if folded > 0 || out.len() + part.len() > LIMIT {
            folded += 1;
        } else {
            out.push_str(&part);
        }
    }
    if folded > 0 {
        let _ =
            writeln!(out, "\nThe properties of {} do not fit here; see the full report.", counted(folded, "object"));
    }
    if !report.unknown.is_empty() {
        out.push_str("\nNot completely known, so nothing is said of what is missing:\n\n");
        for (what, before, after) in &report.unknown {
            let _ = writeln!(out, "- {}: {} → {}", code(what), before.as_str(), after.as_str());
        }
    }
    for line in left_out(report) {
        let _ = writeln!(out, "\n{}", cell(&shortened(&line, 500)));
    }
    for note in audit_notes(&report.audited) {
        let _ = writeln!(out, "\n{}", cell(&shortened(&note, 500)));
    }
    out
}

/// Lists the worst risks, one line each.
fn second_look(report: &Report, out: &mut String) {
    const MOST: usize = 30;
    let mut lines: Vec<(&crate::model::Risk, &Change)> =
        report.changes.iter().flat_map(|change| change.risks.iter().map(move |risk| (risk, change))).collect();
    lines.sort_by_key(|(risk, _)| risk.level);
    for (risk, change) in lines.iter().take(MOST) {
        let line = risk_line(risk);
        let _ = writeln!(out, "- {} in {} {}", cell(&line), change.called, cell(&shortened(&change.name, 100)));
    }
    if lines.len() > MOST {
        let _ = writeln!(out, "- … and {} more", lines.len() - MOST);
    }
    out.push('\n');
}

fn row(change: &Change) -> String {
    let properties = match change.fields().len() {
        0 => String::new(),
        some => some.to_string(),
    };
    let mut actors: Vec<String> = Vec::new();
    for event in &change.events {
        let actor = event.actor.label();
        if !actors.contains(&actor) {
            actors.push(actor);
        }
    }
    let more = if actors.len() > 3 { format!(" and {} more", actors.len() - 3) } else { String::new() };
    actors.truncate(3);
    format!(
        "| {} {} | {} | {} | {properties} | {}{more} |\n",
        sign(change),
        cell(&shortened(&word(change), 200)),
        change.called,
        cell(&shortened(&change.name, 200)),
        cell(&shortened(&actors.join(", "), 200))
    )
}

fn details(change: &Change, report: &Report, names: &Names) -> String {
    let mut part = String::new();
    let name = heading(&shortened(&change.name, 200));
    let _ = writeln!(part, "\n<details><summary>{} <b>{name}</b></summary>\n\n```diff", change.called);
    for field in change.shown().iter().take(MOST_FIELDS) {
        let (sign, text) = field_line(field, names);
        let sign = if sign == "~" { "!" } else { sign };
        let _ = writeln!(part, "{sign} {}", shortened(&text, 2_000).replace("```", "'''"));
    }
    if change.shown().len() > MOST_FIELDS {
        let _ = writeln!(part, "  … and {} more", change.shown().len() - MOST_FIELDS);
    }
    part.push_str("```\n");
    for line in who(change, &report.audited) {
        let _ = writeln!(part, "\n{}", cell(&line));
    }
    part.push_str("\n</details>\n");
    part
}

/// Shortens text to `most` characters, with a sign that there is more.
pub(super) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Escapes text for a table cell: nothing in it can end the cell, start markup or mention anyone.
pub(super) fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in inert(text).chars() {
        if matches!(c, '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '!' | '&' | '~' | '$') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Formats text as code, which nothing in it can end.
pub(super) fn code(text: &str) -> String {
    format!("`{}`", super::safe(text).replace('`', "'"))
}

/// Escapes text for HTML within Markdown.
pub(super) fn heading(text: &str) -> String {
    inert(&super::html::escape(text)).replace('[', "&#91;").replace(']', "&#93;").replace('`', "&#96;")
}

/// Makes text safe so that `@name` notifies nobody and no address becomes a link: word joiners separate their parts.
fn inert(text: &str) -> String {
    let text = super::safe(text);
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        out.push(c);
        let link = c == ':' && text[at..].starts_with("://") || c == '.' && text[..at].to_lowercase().ends_with("www");
        if c == '@' || link {
            out.push('\u{2060}');
        }
    }
    out
}
