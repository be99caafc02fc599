//! Renders reports and findings for scripts: versioned documents. A change that could break a reader raises
//! [`FORMAT_VERSION`].

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::engine::refs::{Names, mentioned};
use crate::model::{AuditEvent, Change, ChangeKind, FieldChange, Finding, LeftOut, Lifecycle, Report, Risk};

/// Value of `formatVersion` in every document.
pub const FORMAT_VERSION: u32 = 1;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReportDocument<'a> {
    format_version: u32,
    before: &'a str,
    after: &'a str,
    audited: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    audit_gaps: &'a [String],
    other_events: usize,
    /// Present only in a drift report.
    #[serde(skip_serializing_if = "Option::is_none")]
    drift: Option<DriftDocument<'a>>,
    changes: Vec<ChangeDocument<'a>>,
    unknown: Vec<UnknownDocument<'a>>,
    /// Names of the ids that the changes mention.
    names: BTreeMap<&'a str, &'a str>,
}

/// Lists the differences that a drift report leaves out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DriftDocument<'a> {
    pending: usize,
    ignored: Vec<IgnoredDocument<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct IgnoredDocument<'a> {
    rule: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'a str,
    differences: usize,
    objects: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChangeDocument<'a> {
    kind: &'a str,
    called: &'a str,
    id: &'a str,
    name: &'a str,
    change: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    manner: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    path: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    about: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<PropertyDocument<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    risks: Vec<RiskDocument<'a>>,
    events: &'a [AuditEvent],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RiskDocument<'a> {
    level: &'static str,
    rule: &'a str,
    says: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    path: &'a str,
    #[serde(skip_serializing_if = "is_zero")]
    line: usize,
    /// True if the change takes a defence down.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    weakens: bool,
}

fn is_zero(line: &usize) -> bool {
    *line == 0
}

/// Represents one property that changed: `before`/`after` for a value, `gained` or `lost` for an element of a set.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PropertyDocument<'a> {
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gained: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UnknownDocument<'a> {
    what: &'a str,
    before: &'static str,
    after: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FindingsDocument<'a> {
    format_version: u32,
    findings: &'a [Finding],
}

/// Renders a difference report.
pub fn report(report: &Report, names: &Names) -> String {
    let ids = mentioned(report).ids;
    let document = ReportDocument {
        format_version: FORMAT_VERSION,
        before: &report.before,
        after: &report.after,
        audited: report.audited.looked,
        audit_gaps: &report.audited.gaps,
        other_events: report.audited.others,
        drift: report.drift.as_ref().map(left_out),
        changes: report.changes.iter().map(|change| of_change(change, names)).collect(),
        unknown: report
            .unknown
            .iter()
            .map(|(what, before, after)| UnknownDocument { what, before: before.as_str(), after: after.as_str() })
            .collect(),
        names: ids.iter().filter_map(|id| Some((id.as_str(), names.get(id)?))).collect(),
    };
    pretty(&document)
}

/// Converts the differences that a drift report leaves out.
pub(super) fn left_out(left_out: &LeftOut) -> DriftDocument<'_> {
    let ignored = left_out.ignored.iter().map(|ignored| IgnoredDocument {
        rule: &ignored.rule,
        reason: &ignored.reason,
        differences: ignored.differences,
        objects: ignored.objects,
    });
    DriftDocument { pending: left_out.pending, ignored: ignored.collect() }
}

/// Converts one change.
pub(super) fn of_change<'a>(change: &'a Change, names: &'a Names) -> ChangeDocument<'a> {
    let (mut previous_name, mut previous_id, mut deleted) = (None, None, None);
    let manner = match &change.manner {
        Some(Lifecycle::Renamed { from }) => {
            previous_name = Some(from.as_str());
            Some("renamed")
        }
        Some(Lifecycle::Recreated { from }) => {
            previous_id = Some(from.as_str());
            Some("recreated")
        }
        Some(Lifecycle::Binned { since }) => {
            deleted = since.as_deref();
            Some("binned")
        }
        Some(Lifecycle::Restored) => Some("restored"),
        Some(Lifecycle::Purged) => Some("purged"),
        None => None,
    };
    let risk = |risk: &'a Risk| RiskDocument {
        level: risk.level.as_str(),
        rule: &risk.rule,
        says: &risk.says,
        path: &risk.path,
        line: risk.line,
        weakens: risk.weakens,
    };
    ChangeDocument {
        kind: change.address.kind.name,
        called: change.called,
        id: &change.address.id,
        name: &change.name,
        change: match change.what {
            ChangeKind::Added => "added",
            ChangeKind::Removed => "removed",
            ChangeKind::Modified(_) => "modified",
        },
        manner,
        previous_name,
        previous_id,
        deleted,
        path: &change.path,
        about: &change.about,
        properties: change.shown().iter().map(|field| property(field, names)).collect(),
        risks: change.risks.iter().map(risk).collect(),
        events: &change.events,
    }
}

/// Converts one property that changed.
pub fn property<'a>(field: &'a FieldChange, names: &'a Names) -> PropertyDocument<'a> {
    let empty =
        PropertyDocument { path: field.path(), before: None, after: None, gained: None, lost: None, name: None };
    let name = |value: &Value| value.as_str().and_then(|id| names.get(id));
    match field {
        FieldChange::Value { before, after, .. } => {
            PropertyDocument { before: before.as_ref(), after: after.as_ref(), ..empty }
        }
        FieldChange::Gained { element, .. } => PropertyDocument { gained: Some(element), name: name(element), ..empty },
        FieldChange::Lost { element, .. } => PropertyDocument { lost: Some(element), name: name(element), ..empty },
    }
}

/// Renders the findings of validation.
pub fn findings(findings: &[Finding]) -> String {
    pretty(&FindingsDocument { format_version: FORMAT_VERSION, findings })
}

/// Escapes characters that a terminal obeys or a reader does not see. They occur in strings only, so that the document keeps
/// its meaning.
fn escaped(document: &str) -> String {
    let mut out = String::with_capacity(document.len());
    let mut units = [0; 2];
    for c in document.chars() {
        match c != '\n' && super::hostile(c) {
            true => out.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}"))),
            false => out.push(c),
        }
    }
    out
}

// The types of documents hold strings, numbers and maps with string keys: they always serialize.

/// Writes a document on one line with its properties in alphabetical order, and a final newline.
pub fn line(document: &impl Serialize) -> String {
    format!("{}\n", escaped(&serde_json::to_value(document).unwrap_or_default().to_string()))
}

/// Writes a document on several lines with its properties in alphabetical order, and a final newline.
pub fn sorted(document: &impl Serialize) -> String {
    pretty(&serde_json::to_value(document).unwrap_or_default())
}

/// Writes a document on several lines with its properties in the order of its type, and a final newline.
pub fn pretty(document: &impl Serialize) -> String {
    let mut text = escaped(&serde_json::to_string_pretty(document).unwrap_or_default());
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::super::fits::assert_fits;
    use super::*;
    use crate::model::finding::Severity;

    #[test]
    fn findings_fit_their_schema() {
        let finding = |line, severity| Finding {
            path: "groups/sales\u{202e}.yaml".to_owned(),
            line,
            column: line,
            severity,
            check: "duplicate-key",
            message: "It has the key twice.".to_owned(),
        };
        let found = [finding(0, Severity::Warning), finding(7, Severity::Error)];
        assert_fits!("findings", findings(&found), findings(&[]));
    }
}
