//! Reports, plans and findings → text. Pure functions; JSON has types of its own, so that an internal struct can change
//! without breaking a script.

use serde_json::Value;

use super::refs::{Names, ids_in};
use crate::model::{AuditEvent, Change, FieldChange, Report, What};

pub mod html;
pub mod json;
pub mod markdown;
pub mod plan;
pub mod text;

/// Colours, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// Whether to write terminal colours. They never carry meaning alone.
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

/// Text from a tenant or a repository, made safe for a terminal: control and direction characters are escaped.
pub fn safe(text: &str) -> String {
    if !text.chars().any(hostile) {
        return text.to_owned();
    }
    text.chars().map(|c| if hostile(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

fn hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A value on one line, with the name of what it refers to.
fn value_text(value: &Value, names: &Names) -> String {
    match value {
        Value::String(text) => match names.get(text) {
            Some(name) => format!("{} ({})", safe(name), safe(text)),
            None => safe(text),
        },
        Value::Object(map) => {
            let parts: Vec<String> =
                map.iter().map(|(name, value)| format!("{name}: {}", value_text(value, names))).collect();
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

/// The sign of a change and its word.
fn sign(what: &What) -> (&'static str, &'static str) {
    match what {
        What::Added => ("+", "added"),
        What::Removed => ("-", "removed"),
        What::Modified(_) => ("~", "modified"),
    }
}

/// `3 objects differ: 1 added, 1 removed, 1 modified`.
fn summary(report: &Report) -> String {
    let count = |word: &str| report.changes.iter().filter(|change| sign(&change.what).1 == word).count();
    let parts: Vec<String> = ["added", "removed", "modified"]
        .into_iter()
        .filter(|word| count(word) > 0)
        .map(|word| format!("{} {word}", count(word)))
        .collect();
    match report.changes.len() {
        0 => "No differences".to_owned(),
        1 => format!("1 object differs: {}", parts.join(", ")),
        many => format!("{many} objects differ: {}", parts.join(", ")),
    }
}

/// Who did it: one line per event, or that there is none.
fn who(change: &Change, audited: bool) -> Vec<String> {
    if change.events.is_empty() {
        return if audited { vec!["no event in the audit log".to_owned()] } else { Vec::new() };
    }
    change.events.iter().map(event_line).collect()
}

fn event_line(event: &AuditEvent) -> String {
    let from = if event.actor.ip_address.is_empty() {
        String::new()
    } else {
        format!(" from {}", safe(&event.actor.ip_address))
    };
    format!("{} by {}{from} at {}", safe(&event.activity), safe(&event.actor.label()), safe(&event.time))
}

/// A change of one property as (sign, text).
fn field_line(change: &FieldChange, names: &Names) -> (&'static str, String) {
    match change {
        FieldChange::Value { path, before: None, after } => {
            ("+", format!("{}: {}", safe(path), value_text(after.as_ref().unwrap_or(&Value::Null), names)))
        }
        FieldChange::Value { path, before: Some(before), after: None } => {
            ("-", format!("{}: {}", safe(path), value_text(before, names)))
        }
        FieldChange::Value { path, before: Some(before), after: Some(after) } => {
            ("~", format!("{}: {} → {}", safe(path), value_text(before, names), value_text(after, names)))
        }
        FieldChange::Gained { path, element } => ("+", format!("{}: {}", safe(path), value_text(element, names))),
        FieldChange::Lost { path, element } => ("-", format!("{}: {}", safe(path), value_text(element, names))),
    }
}

/// Every id that a report mentions and whose name would help the reader.
pub fn ids_of_report(report: &Report) -> std::collections::BTreeSet<String> {
    let mut ids = std::collections::BTreeSet::new();
    for change in &report.changes {
        ids.extend(change.about.iter().cloned());
        if let What::Modified(fields) = &change.what {
            for field in fields {
                let values: Vec<&Value> = match field {
                    FieldChange::Value { before, after, .. } => before.iter().chain(after).collect(),
                    FieldChange::Gained { element, .. } | FieldChange::Lost { element, .. } => vec![element],
                };
                for value in values {
                    let text = value.to_string();
                    ids.extend(ids_in(&text).into_iter().map(str::to_owned));
                }
            }
        }
    }
    ids
}
