//! Renders histories for scripts: versioned documents, as `schemas/output` describes them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value};

use super::json::{ChangeDocument, FORMAT_VERSION, of_change, pretty};
use crate::engine::refs::{Names, mentioned, mentions};
use crate::model::{Address, AuditEvent, Blame, HistoryStart, ObjectHistory, Report, SnapshotRef, Summary, Who};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MomentDocument<'a> {
    commit: &'a str,
    time: &'a str,
    subject: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    beginning: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    applied: Option<&'a str>,
}

fn moment(moment: &SnapshotRef) -> MomentDocument<'_> {
    MomentDocument {
        commit: &moment.commit,
        time: &moment.time,
        subject: &moment.subject,
        beginning: moment.beginning.map(|beginning| match beginning {
            HistoryStart::First => "first",
            HistoryStart::Cut => "cut",
        }),
        applied: moment.applied.as_deref(),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogDocument<'a> {
    format_version: u32,
    snapshots: Vec<SummaryDocument<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SummaryDocument<'a> {
    #[serde(flatten)]
    moment: MomentDocument<'a>,
    #[serde(flatten)]
    counts: Option<Counts>,
    audited: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    audit_gaps: &'a [String],
    actors: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    risks: Option<Levels>,
}

#[derive(Serialize)]
struct Counts {
    added: usize,
    modified: usize,
    removed: usize,
}

#[derive(Serialize)]
struct Levels {
    high: usize,
    medium: usize,
    low: usize,
}

/// Renders the snapshots, newest first.
pub fn log(summaries: &[Summary]) -> String {
    let snapshots = summaries.iter().map(|summary| SummaryDocument {
        moment: moment(&summary.moment),
        counts: summary.counts.map(|[added, modified, removed]| Counts { added, modified, removed }),
        audited: summary.audited.looked,
        audit_gaps: &summary.audited.gaps,
        actors: &summary.actors,
        risks: summary.risks.map(|[high, medium, low]| Levels { high, medium, low }),
    });
    pretty(&LogDocument { format_version: FORMAT_VERSION, snapshots: snapshots.collect() })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LifeDocument<'a> {
    format_version: u32,
    kind: &'static str,
    id: &'a str,
    name: &'a str,
    ids: &'a [String],
    history: Vec<EpisodeDocument<'a>>,
    names: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EpisodeDocument<'a> {
    snapshot: MomentDocument<'a>,
    change: ChangeDocument<'a>,
    audited: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    audit_gaps: &'a [String],
}

/// Renders the history of one object, newest first.
pub fn life(life: &ObjectHistory, names: &Names) -> String {
    let changes = life.episodes.iter().map(|episode| episode.change.clone()).collect();
    let ids = mentioned(&Report { changes, ..Report::default() }).ids;
    let history = life.episodes.iter().map(|episode| EpisodeDocument {
        snapshot: moment(&episode.moment),
        change: of_change(&episode.change, names),
        audited: episode.audited.looked,
        audit_gaps: &episode.audited.gaps,
    });
    pretty(&LifeDocument {
        format_version: FORMAT_VERSION,
        kind: life.address.kind.name,
        id: &life.address.id,
        name: &life.name,
        ids: &life.ids,
        history: history.collect(),
        names: known(&ids, names),
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BlameDocument<'a> {
    format_version: u32,
    revision: &'a str,
    commit: &'a str,
    path: &'a str,
    kind: &'static str,
    id: &'a str,
    name: &'a str,
    values: Vec<ValueDocument<'a>>,
    names: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ValueDocument<'a> {
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    element: Option<&'a Value>,
    snapshot: MomentDocument<'a>,
    who: &'static str,
    events: &'a [AuditEvent],
}

/// Renders the values of an object with the author of each.
pub fn blame(blame: &Blame, names: &Names) -> String {
    let mut ids = BTreeSet::new();
    for value in blame.values.iter().filter(|value| value.path != "id") {
        mentions(&value.value, &mut |id| {
            ids.insert(id.to_owned());
        });
    }
    let values = blame.values.iter().map(|value| ValueDocument {
        path: &value.path,
        value: Some(&value.value).filter(|_| !value.element),
        element: Some(&value.value).filter(|_| value.element),
        snapshot: moment(&value.moment),
        who: match &value.who {
            Who::Told(_) => "told",
            Who::NoEvent => "noEvent",
            Who::Unknown => "unknown",
            Who::HistoryStart => "beginning",
            Who::Unasked => "unasked",
        },
        events: match &value.who {
            Who::Told(events) => events,
            Who::NoEvent | Who::Unknown | Who::HistoryStart | Who::Unasked => &[],
        },
    });
    pretty(&BlameDocument {
        format_version: FORMAT_VERSION,
        revision: &blame.revision,
        commit: &blame.commit,
        path: &blame.path,
        kind: blame.address.kind.name,
        id: &blame.address.id,
        name: &blame.name,
        values: values.collect(),
        names: known(&ids, names),
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ObjectDocument<'a> {
    format_version: u32,
    revision: &'a str,
    commit: &'a str,
    path: &'a str,
    kind: &'static str,
    id: &'a str,
    object: &'a Map<String, Value>,
    names: BTreeMap<&'a str, &'a str>,
}

/// Renders one object as a commit holds it.
pub fn object(
    revision: &str,
    commit: &str,
    path: &str,
    address: &Address,
    object: &Map<String, Value>,
    names: &Names,
) -> String {
    let mut ids = BTreeSet::new();
    for value in object.iter().filter(|(name, _)| *name != "id").map(|(_, value)| value) {
        mentions(value, &mut |id| {
            ids.insert(id.to_owned());
        });
    }
    pretty(&ObjectDocument {
        format_version: FORMAT_VERSION,
        revision,
        commit,
        path,
        kind: address.kind.name,
        id: &address.id,
        object,
        names: known(&ids, names),
    })
}

fn known<'a>(ids: &'a BTreeSet<String>, names: &'a Names) -> BTreeMap<&'a str, &'a str> {
    ids.iter().filter_map(|id| Some((id.as_str(), names.get(id)?))).collect()
}
