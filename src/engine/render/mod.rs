//! Renders reports, plans and findings as text. All functions are pure; JSON has separate types, so that an internal struct
//! can change without breaking a script.

use serde_json::Value;

use super::refs::{Names, ids_in};
use crate::model::words::counted;
use crate::model::{AuditEvent, Audited, Change, ChangeKind, FieldChange, Level, Lifecycle, Report, Risk};

pub mod annotations;
pub mod doctor;
pub mod drill;
pub mod history;
pub mod history_json;
pub mod html;
pub mod json;
pub mod kinds;
pub mod left;
pub mod markdown;
pub mod notify;
pub mod plan;
pub mod plan_markdown;
pub mod review;
pub mod sarif;
pub mod status;
pub mod status_json;
pub mod text;

/// Selects whether terminal colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// True if terminal colours are written. They never carry meaning alone.
    pub color: bool,
}

impl Style {
    fn paint(self, code: &str, text: &str) -> String {
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn added(self, text: &str) -> String {
        self.paint("32", text)
    }

    fn removed(self, text: &str) -> String {
        self.paint("31", text)
    }

    fn changed(self, text: &str) -> String {
        self.paint("33", text)
    }

    fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    fn faint(self, text: &str) -> String {
        self.paint("2", text)
    }
}

/// Makes text from a tenant or a repository safe for a terminal and for the log of a pipeline: control and direction characters
/// are escaped, and the marks of commands that an agent would obey are broken up.
/// <https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands>
pub fn safe(text: &str) -> String {
    if text.contains("##") {
        return safe(&text.replace("##", "# #"));
    }
    if !text.chars().any(hostile) {
        return text.to_owned();
    }
    text.chars().map(|c| if hostile(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

/// Makes text from a tenant safe for the message of a commit: nothing in it makes a host skip its pipelines for that commit.
/// <https://docs.github.com/actions/managing-workflow-runs/skipping-workflow-runs>,
/// <https://docs.gitlab.com/ci/pipelines/#skip-a-pipeline>,
/// <https://learn.microsoft.com/azure/devops/pipelines/repos/azure-repos-git#skipping-ci-for-individual-pushes>
pub fn in_message(text: &str) -> String {
    const SKIPS: &[&str] = &["skip", "no ci", "no-ci"];
    let mut out = String::new();
    let mut text = safe(text).replace("***", "* * *");
    // Azure Pipelines knows these words without brackets, too.
    while let Some(at) = text.to_ascii_lowercase().find("skip-checks") {
        text.insert(at + "skip-".len(), ' ');
    }
    for part in text.split_inclusive('[') {
        let inner = part.split(']').next().unwrap_or_default().to_ascii_lowercase();
        // What follows a bracket: a space in between, and no host knows the words.
        if out.ends_with('[') && SKIPS.iter().any(|word| inner.contains(word)) {
            out.push(' ');
        }
        out.push_str(part);
    }
    out
}

fn hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Renders a value on one line, with the name of the object that it refers to.
fn value_text(value: &Value, names: &Names) -> String {
    match value {
        Value::String(text) => match names.get(text) {
            Some(name) => format!("{} ({})", safe(name), safe(text)),
            None => safe(text),
        },
        Value::Object(map) => {
            let parts: Vec<String> =
                map.iter().map(|(name, value)| format!("{}: {}", safe(name), value_text(value, names))).collect();
            format!("{{{}}}", parts.join(", "))
        }
        Value::Array(elements) => {
            let parts: Vec<String> = elements.iter().map(|element| value_text(element, names)).collect();
            format!("[{}]", parts.join(", "))
        }
        Value::Null => "nothing".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// Returns the sign of a change, so that no meaning depends on colour alone.
fn sign(change: &Change) -> &'static str {
    match (&change.what, &change.manner) {
        (_, Some(Lifecycle::Recreated { .. })) => "±",
        (ChangeKind::Added, _) => "+",
        (ChangeKind::Removed, _) => "-",
        (ChangeKind::Modified(_), _) => "~",
    }
}

/// Describes the change with the previous name or id: `renamed from "Old"`, `re-created, was 0b1c…`.
fn word(change: &Change) -> String {
    match &change.manner {
        Some(Lifecycle::Renamed { from }) => format!("renamed from \"{}\"", safe(from)),
        Some(Lifecycle::Recreated { from }) => format!("re-created, was {}", safe(from)),
        Some(Lifecycle::Binned { since: Some(since) }) => format!("{} at {}", change.as_str(), moment(since)),
        _ => change.as_str().to_owned(),
    }
}

/// Returns `3 objects differ: 1 added, 1 removed, 1 modified`.
fn summary(report: &Report) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for change in &report.changes {
        match counts.iter_mut().find(|(word, _)| *word == change.as_str()) {
            Some((_, count)) => *count += 1,
            None => counts.push((change.as_str(), 1)),
        }
    }
    let order =
        ["added", "restored", "removed", "moved to the recycle bin", "deleted for good", "re-created", "renamed"];
    counts.sort_by_key(|(word, _)| order.iter().position(|known| known == word).unwrap_or(order.len()));
    let parts: Vec<String> = counts.into_iter().map(|(word, count)| format!("{count} {word}")).collect();
    match report.changes.len() {
        0 if report.drift.is_some() => "No drift".to_owned(),
        0 => "No differences".to_owned(),
        1 => format!("1 object differs: {}", parts.join(", ")),
        many => format!("{many} objects differ: {}", parts.join(", ")),
    }
}

/// Returns `2 high, 1 medium`; `None` if there is no risk.
fn risks(report: &Report) -> Option<String> {
    let count =
        |level: Level| report.changes.iter().flat_map(|change| &change.risks).filter(|r| r.level == level).count();
    let parts: Vec<String> = [Level::High, Level::Medium, Level::Low]
        .into_iter()
        .map(|level| (count(level), level.as_str()))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Returns `high: an exclusion was added (conditions.users.excludeUsers)`.
fn risk_line(risk: &Risk) -> String {
    match risk.path.is_empty() {
        true => format!("{}: {}", risk.level.as_str(), safe(&risk.says)),
        false => format!("{}: {} ({})", risk.level.as_str(), safe(&risk.says), safe(&risk.path)),
    }
}

/// Maximum number of lines about the authors of one change; an import makes thousands of events on one group.
const MOST_EVENTS: usize = 8;

/// Returns the authors: a line for each actor and activity, newest first; or that there is no event, or that they are not
/// known.
fn who(change: &Change, audited: &Audited) -> Vec<String> {
    if change.events.is_empty() {
        return match (audited.looked, audited.gaps.is_empty()) {
            (false, _) => Vec::new(),
            (true, true) => vec!["no event in the audit log".to_owned()],
            (true, false) => vec!["who did it is not known".to_owned()],
        };
    }
    let mut groups: Vec<(&AuditEvent, usize, &str)> = Vec::new();
    for event in &change.events {
        let alike = |other: &AuditEvent| {
            (&other.activity, &other.actor.id, &other.actor.ip_address)
                == (&event.activity, &event.actor.id, &event.actor.ip_address)
        };
        match groups.iter_mut().find(|(first, ..)| alike(first)) {
            Some((_, count, since)) => (*count, *since) = (*count + 1, &event.time),
            None => groups.push((event, 1, &event.time)),
        }
    }
    let more = groups.len().saturating_sub(MOST_EVENTS);
    let mut lines: Vec<String> = groups
        .into_iter()
        .take(MOST_EVENTS)
        .map(|(event, count, since)| match count {
            1 => event_line(event),
            many => format!("{} ({many} times since {})", event_line(event), moment(since)),
        })
        .collect();
    if more > 0 {
        lines.push(format!("… and {more} more"));
    }
    lines
}

/// Returns `Update conditional access policy by Ada Lovelace <ada@contoso.com> from 192.0.2.1 at 2026-01-01T00:00:00Z`.
pub fn event_line(event: &AuditEvent) -> String {
    let from = if event.actor.ip_address.is_empty() {
        String::new()
    } else {
        format!(" from {}", safe(&event.actor.ip_address))
    };
    format!("{} by {}{from} at {}", safe(&event.activity), safe(&event.actor.label()), moment(&event.time))
}

/// Renders a time for people: without the fractions of a second that the log has.
pub fn moment(time: &str) -> String {
    let fraction = time.find('.').filter(|dot| time[*dot..].ends_with('Z') && time.len() <= 40);
    safe(&fraction.map_or_else(|| time.to_owned(), |dot| format!("{}Z", &time[..dot])))
}

/// Returns the title of a report.
fn heading(report: &Report) -> &'static str {
    if report.drift.is_some() { "Drift" } else { "Difference report" }
}

/// Returns the differences that a drift report leaves out, and why.
fn left_out(report: &Report) -> Vec<String> {
    let Some(left_out) = &report.drift else { return Vec::new() };
    let differences = |count: usize| counted(count, "difference");
    let mut lines = Vec::new();
    if left_out.pending > 0 {
        let baseline = safe(&report.before);
        let count = differences(left_out.pending);
        lines.push(format!("Pending, so no drift: {count} that {baseline} has and nobody applied yet"));
    }
    for ignored in &left_out.ignored {
        let objects = counted(ignored.objects, "object");
        let why = if ignored.reason.is_empty() { String::new() } else { format!(": {}", safe(&ignored.reason)) };
        let count = differences(ignored.differences);
        lines.push(format!("Ignored by entragit.yaml: {count} in {objects} ({}){why}", safe(&ignored.rule)));
    }
    lines
}

/// Returns the notes on the audit log for the end of a report.
fn audit_notes(audited: &Audited) -> Vec<String> {
    let mut notes: Vec<String> =
        audited.gaps.iter().map(|gap| format!("Who did it is not known: {}", safe(gap))).collect();
    if audited.others > 0 {
        let events = counted(audited.others, "event");
        notes.push(format!("{events} of the audit log in that time are about nothing shown here"));
    }
    notes
}

/// Renders a path with the names of the objects that it mentions: `oauth2PermissionGrants[Principal Bob Orders].scope`.
fn path_text(path: &str, names: &Names) -> String {
    let mut text = path.to_owned();
    for id in ids_in(path) {
        if let Some(name) = names.get(id) {
            text = text.replace(id, name);
        }
    }
    safe(&text)
}

/// Renders a change of one property as (sign, text).
fn field_line(change: &FieldChange, names: &Names) -> (&'static str, String) {
    let path_text = |path: &str| path_text(path, names);
    match change {
        FieldChange::Value { path, before: None, after } => {
            ("+", format!("{}: {}", path_text(path), value_text(after.as_ref().unwrap_or(&Value::Null), names)))
        }
        FieldChange::Value { path, before: Some(before), after: None } => {
            ("-", format!("{}: {}", path_text(path), value_text(before, names)))
        }
        FieldChange::Value { path, before: Some(before), after: Some(after) } => {
            ("~", format!("{}: {} → {}", path_text(path), value_text(before, names), value_text(after, names)))
        }
        FieldChange::Gained { path, element } => ("+", format!("{}: {}", path_text(path), value_text(element, names))),
        FieldChange::Lost { path, element } => ("-", format!("{}: {}", path_text(path), value_text(element, names))),
    }
}

#[cfg(test)]
pub mod fits;

#[cfg(test)]
mod tests {
    use super::in_message;

    #[test]
    fn no_name_keeps_a_pipeline_from_running() {
        assert_eq!(in_message("[Prod] CA210"), "[Prod] CA210");
        for skip in ["[skip ci]", "x [CI Skip]", "[no ci]", "[[skip actions]", "[azurepipelines skip]", "***NO_CI***"] {
            let text = in_message(skip);
            let is_broken = text.contains("[ ") || text.contains("* * *");
            assert!(is_broken && !text.contains("***"), "{text}");
        }
        assert_eq!(in_message("Sales [skip ci] [x]"), "Sales [ skip ci] [x]");
        assert_eq!(in_message("Skip-Checks: true"), "Skip- Checks: true");
    }
}
