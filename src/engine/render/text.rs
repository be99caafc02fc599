//! Renders reports and findings for the terminal.

use std::fmt::Write as _;

use super::{Style, audit_notes, field_line, heading, left_out, risk_line, risks, safe, sign, summary, who, word};
use crate::engine::refs::Names;
use crate::kinds;
use crate::model::finding::Severity;
use crate::model::{Audited, Change, ChangeKind, Finding, Level, Report};

/// Renders a difference report.
pub fn report(report: &Report, names: &Names, style: Style) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{}  {} → {}\n{}",
        style.bold(heading(report)),
        safe(&report.before),
        safe(&report.after),
        summary(report)
    );
    if let Some(risks) = risks(report) {
        let _ = writeln!(out, "Worth a second look: {risks}");
    }
    let mut group = "";
    for change in &report.changes {
        if change.address.kind.name != group {
            group = change.address.kind.name;
            let title = kinds::by_name(group).map_or(group, |kind| kind.title);
            let _ = writeln!(out, "\n{}", style.bold(title));
        }
        let word = word(change);
        let line = format!("{} {}", sign(change), safe(&change.name));
        let line = match &change.what {
            ChangeKind::Added => style.added(&line),
            ChangeKind::Removed => style.removed(&line),
            ChangeKind::Modified(_) => style.changed(&line),
        };
        let called =
            if change.called == change.address.kind.name { String::new() } else { format!(", {}", change.called) };
        let _ = writeln!(out, "  {line}  {}", style.faint(&format!("{word}{called}  {}", safe(&change.address.id))));
        for line in details(change, &report.audited, names, style) {
            let _ = writeln!(out, "      {line}");
        }
    }
    if !report.unknown.is_empty() {
        let _ = writeln!(out, "\n{}", style.bold("Not completely known, so nothing is said of what is missing"));
        for (what, before, after) in &report.unknown {
            let _ = writeln!(out, "  ? {}: {} → {}", safe(what), before.as_str(), after.as_str());
        }
    }
    for (number, line) in left_out(report).iter().enumerate() {
        let gap = if number == 0 { "\n" } else { "" };
        let _ = writeln!(out, "{gap}{}", style.faint(line));
    }
    for note in audit_notes(&report.audited) {
        let _ = writeln!(out, "\n{}", style.faint(&note));
    }
    out
}

/// Maximum number of properties shown of an object that was added or removed.
const WHOLE: usize = 12;

/// Returns the lines of one change: its risks, its differences and its authors.
pub(super) fn details(change: &Change, audited: &Audited, names: &Names, style: Style) -> Vec<String> {
    let mut lines = Vec::new();
    for risk in &change.risks {
        let line = format!("! {}", risk_line(risk));
        lines.push(match risk.level {
            Level::High => style.removed(&line),
            Level::Medium => style.changed(&line),
            Level::Low => line,
        });
    }
    // The reader wants to see what an added or removed object is, not all of its properties.
    let most = if matches!(change.what, ChangeKind::Modified(_)) { usize::MAX } else { WHOLE };
    for field in change.shown().iter().take(most) {
        let (sign, text) = field_line(field, names);
        let text = format!("{sign} {text}");
        lines.push(match sign {
            "+" => style.added(&text),
            "-" => style.removed(&text),
            _ => text,
        });
    }
    if change.shown().len() > most {
        lines.push(format!("… and {} more", change.shown().len() - most));
    }
    lines.extend(who(change, audited).iter().map(|line| style.faint(line)));
    lines
}

/// Renders the findings of validation; empty if there are none.
pub fn findings(findings: &[Finding], style: Style) -> String {
    let mut out = String::new();
    for finding in findings {
        let severity = match finding.severity {
            Severity::Error => style.removed("error"),
            Severity::Warning => style.changed("warning"),
        };
        let _ = writeln!(out, "{}: {severity}[{}]: {}", safe(&finding.place()), finding.check, safe(&finding.message));
    }
    out
}
