//! Renders the findings of `doctor`, as text or as a document.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Style, json, safe};
use crate::engine::doctor::{Access, Check, State};
use crate::model::words::counted;

/// Maximum number of permissions that are named in one line.
const MOST: usize = 8;

/// Holds everything that `doctor` found.
#[derive(Debug, Clone)]
pub struct Findings {
    /// Results of the checks, in the order in which they were made.
    pub checks: Vec<Check>,
    /// Access to each kind in scope; empty if nobody could sign in or the token is opaque.
    pub access: Vec<Access>,
    /// Permissions that no kind needs.
    pub needless: BTreeSet<String>,
}

impl Findings {
    /// Returns the worst verdict.
    pub fn worst(&self) -> State {
        self.checks.iter().map(|check| check.state).max().unwrap_or(State::Good)
    }
}

/// Renders one line for each check, with the way forward below it.
pub fn text(findings: &Findings, style: Style) -> String {
    let mut out = format!("{}\n", style.bold("Set-up"));
    for check in &findings.checks {
        let mark = match check.state {
            State::Good => " ",
            State::Attention => "!",
            State::Bad => "✗",
        };
        let _ = writeln!(out, "{mark} {:<12} {}", check.name, safe(&check.finding));
        if let Some(remedy) = &check.remedy {
            let _ = writeln!(out, "  {:<12} → {}", "", safe(remedy));
        }
    }
    out
}

/// Renders the document that `schemas/output/doctor.schema.json` describes.
pub fn json(findings: &Findings) -> String {
    let check = |check: &Check| json!({"name": check.name, "state": check.state.as_str(), "finding": check.finding, "remedy": check.remedy});
    let access = |access: &Access| {
        json!({
            "kind": access.kind.name, "readable": access.lacks_to_read.is_empty(),
            "writable": access.lacks_to_write.is_empty(), "lacksToRead": access.lacks_to_read,
            "lacksToWrite": access.lacks_to_write, "peopleOnly": access.people_only,
        })
    };
    json::pretty(&json!({
        "formatVersion": json::FORMAT_VERSION,
        "state": findings.worst().as_str(),
        "checks": findings.checks.iter().map(check).collect::<Vec<Value>>(),
        "kinds": findings.access.iter().map(access).collect::<Vec<Value>>(),
        "needlessPermissions": findings.needless,
    }))
}

/// Returns names in one line: the first few, and how many more there are.
pub fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    match names.len() {
        0..=MOST => names.join(", "),
        all => format!("{} and {}", names[..MOST].join(", "), counted(all - MOST, "other")),
    }
}
