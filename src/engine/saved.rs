//! Reads back a report that was saved as JSON: whatever [`super::render::json`] writes, this module reads.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::refs::Names;
use super::render::json::FORMAT_VERSION;
use crate::kinds;
use crate::model::{
    Address, AuditEvent, Audited, Change, ChangeKind, Coverage, FieldChange, Ignored, LeftOut, Level, Lifecycle,
    Report, Risk,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Saved {
    format_version: u32,
    before: String,
    after: String,
    #[serde(default)]
    audited: bool,
    #[serde(default)]
    audit_gaps: Vec<String>,
    #[serde(default)]
    other_events: usize,
    drift: Option<SavedDrift>,
    changes: Vec<SavedChange>,
    #[serde(default)]
    unknown: Vec<SavedUnknown>,
    #[serde(default)]
    names: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct SavedDrift {
    pending: usize,
    ignored: Vec<SavedIgnored>,
}

#[derive(Deserialize)]
struct SavedIgnored {
    rule: String,
    #[serde(default)]
    reason: String,
    differences: usize,
    objects: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SavedChange {
    kind: String,
    called: String,
    id: String,
    name: String,
    change: String,
    manner: Option<String>,
    previous_name: Option<String>,
    previous_id: Option<String>,
    deleted: Option<String>,
    #[serde(default)]
    path: String,
    #[serde(default)]
    about: Vec<String>,
    #[serde(default)]
    properties: Vec<SavedProperty>,
    #[serde(default)]
    risks: Vec<SavedRisk>,
    #[serde(default)]
    events: Vec<AuditEvent>,
}

#[derive(Deserialize)]
struct SavedProperty {
    path: String,
    before: Option<Value>,
    after: Option<Value>,
    gained: Option<Value>,
    lost: Option<Value>,
}

#[derive(Deserialize)]
struct SavedRisk {
    level: String,
    rule: String,
    says: String,
    #[serde(default)]
    path: String,
    #[serde(default)]
    line: usize,
    #[serde(default)]
    weakens: bool,
}

#[derive(Deserialize)]
struct SavedUnknown {
    what: String,
    before: String,
    after: String,
}

/// Reads a saved report with the names it holds.
///
/// # Errors
/// A sentence that says what is wrong with the file.
pub fn read(bytes: &[u8]) -> Result<(Report, Names), String> {
    let saved: Saved = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if saved.format_version != FORMAT_VERSION {
        return Err(format!("it has format version {}, this program reads {FORMAT_VERSION}", saved.format_version));
    }
    let mut names = Names::default();
    for (id, name) in &saved.names {
        names.insert(id, name);
    }
    let coverage = |word: &str| Coverage::parse(word).ok_or_else(|| format!("{word:?} is no word for coverage"));
    let mut report = Report {
        before: saved.before,
        after: saved.after,
        audited: Audited { looked: saved.audited, gaps: saved.audit_gaps, others: saved.other_events },
        drift: saved.drift.map(read_drift),
        ..Report::default()
    };
    for unknown in saved.unknown {
        report.unknown.push((unknown.what, coverage(&unknown.before)?, coverage(&unknown.after)?));
    }
    for change in saved.changes {
        report.changes.push(read_change(change)?);
    }
    Ok((report, names))
}

fn read_drift(saved: SavedDrift) -> LeftOut {
    let ignored = saved.ignored.into_iter().map(|it| Ignored {
        rule: it.rule,
        reason: it.reason,
        differences: it.differences,
        objects: it.objects,
    });
    LeftOut { pending: saved.pending, ignored: ignored.collect() }
}

fn read_change(saved: SavedChange) -> Result<Change, String> {
    let kind = kinds::by_name(&saved.kind).ok_or_else(|| format!("this program knows no kind {:?}", saved.kind))?;
    let what = match saved.change.as_str() {
        "added" => ChangeKind::Added,
        "removed" => ChangeKind::Removed,
        "modified" => ChangeKind::Modified(Vec::new()),
        other => return Err(format!("{other:?} is no word for a change")),
    };
    let manner = match (saved.manner.as_deref(), saved.previous_name, saved.previous_id) {
        (None, ..) => None,
        (Some("renamed"), Some(from), _) => Some(Lifecycle::Renamed { from }),
        (Some("recreated"), _, Some(from)) => Some(Lifecycle::Recreated { from }),
        (Some("binned"), ..) => Some(Lifecycle::Binned { since: saved.deleted }),
        (Some("restored"), ..) => Some(Lifecycle::Restored),
        (Some("purged"), ..) => Some(Lifecycle::Purged),
        (Some(other), ..) => return Err(format!("{other:?} is no manner of a change")),
    };
    let variants = kind.variants.iter().map(|variant| variant.name);
    let called = std::iter::once(kind.name).chain(variants).find(|name| *name == saved.called).unwrap_or(kind.name);
    let risks = saved.risks.into_iter().map(|risk| {
        let level = Level::parse(&risk.level).ok_or_else(|| format!("{:?} is no level of risk", risk.level))?;
        Ok(Risk { level, rule: risk.rule, says: risk.says, path: risk.path, line: risk.line, weakens: risk.weakens })
    });
    let fields: Vec<FieldChange> = saved.properties.into_iter().map(read_field).collect();
    let (what, whole) = match what {
        ChangeKind::Modified(_) => (ChangeKind::Modified(fields), Vec::new()),
        other => (other, fields),
    };
    Ok(Change {
        whole,
        address: Address::new(kind, saved.id),
        called,
        name: saved.name,
        about: saved.about,
        what,
        manner,
        risks: risks.collect::<Result<_, String>>()?,
        path: saved.path,
        events: saved.events,
    })
}

fn read_field(saved: SavedProperty) -> FieldChange {
    match saved {
        SavedProperty { path, gained: Some(element), .. } => FieldChange::Gained { path, element },
        SavedProperty { path, lost: Some(element), .. } => FieldChange::Lost { path, element },
        SavedProperty { path, before, after, .. } => FieldChange::Value { path, before, after },
    }
}
