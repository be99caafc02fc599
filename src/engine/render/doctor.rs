//! Renders the findings of `doctor`, as text or as a document.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::Serialize;

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

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DoctorDocument<'a> {
    format_version: u32,
    state: &'static str,
    checks: Vec<CheckDocument<'a>>,
    kinds: Vec<AccessDocument<'a>>,
    needless_permissions: &'a BTreeSet<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CheckDocument<'a> {
    name: &'static str,
    state: &'static str,
    finding: &'a str,
    remedy: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccessDocument<'a> {
    kind: &'static str,
    readable: bool,
    writable: bool,
    lacks_to_read: &'a BTreeSet<&'static str>,
    lacks_to_write: &'a BTreeSet<&'static str>,
    people_only: bool,
}

/// Renders the document that `schemas/output/doctor.schema.json` describes.
pub fn json(findings: &Findings) -> String {
    let checks = findings.checks.iter().map(|check| CheckDocument {
        name: check.name,
        state: check.state.as_str(),
        finding: &check.finding,
        remedy: check.remedy.as_deref(),
    });
    let kinds = findings.access.iter().map(|access| AccessDocument {
        kind: access.kind.name,
        readable: access.lacks_to_read.is_empty(),
        writable: access.lacks_to_write.is_empty(),
        lacks_to_read: &access.lacks_to_read,
        lacks_to_write: &access.lacks_to_write,
        people_only: access.people_only,
    });
    json::sorted(&DoctorDocument {
        format_version: json::FORMAT_VERSION,
        state: findings.worst().as_str(),
        checks: checks.collect(),
        kinds: kinds.collect(),
        needless_permissions: &findings.needless,
    })
}

/// Returns names in one line: the first few, and how many more there are.
pub fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    match names.len() {
        0..=MOST => names.join(", "),
        all => format!("{} and {}", names[..MOST].join(", "), counted(all - MOST, "other")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fits::assert_fits;
    use super::*;
    use crate::kinds;

    #[test]
    fn the_document_fits_its_schema() {
        let check = |state, remedy: Option<&str>| Check {
            name: "sign-in",
            state,
            finding: "nobody \u{202e}signed in".to_owned(),
            remedy: remedy.map(str::to_owned),
        };
        let access = Access {
            kind: kinds::by_name("group").unwrap(),
            lacks_to_read: BTreeSet::from(["Group.Read.All"]),
            lacks_to_write: BTreeSet::new(),
            people_only: false,
        };
        let checks = vec![check(State::Good, None), check(State::Bad, Some("sign in"))];
        let needless = BTreeSet::from(["Mail.Read".to_owned()]);
        let document = json(&Findings { checks, access: vec![access], needless });
        assert_fits!("doctor", document);
        assert!(document.contains("nobody \\u202esigned"), "{document}");
        assert_fits!("doctor", document, json(&Findings { checks: vec![], access: vec![], needless: BTreeSet::new() }));
    }
}
