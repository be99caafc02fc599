//! Renders the status of a tenant repository as the document that `schemas/output/status.schema.json` describes.

use serde::Serialize;

use super::json::{FORMAT_VERSION, sorted};
use super::status::{MOST, when};
use crate::engine::status::{Bin, CREDENTIAL_DAYS, Credential, Live, Risky, Seen, Status};
use crate::model::Level;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusDocument<'a> {
    format_version: u32,
    tenant: &'a str,
    now: String,
    attention: Vec<&'static str>,
    snapshot: Option<SnapshotDocument<'a>>,
    objective_seconds: i64,
    coverage: Vec<GapDocument<'a>>,
    pending: &'a [String],
    remote: Option<Vec<PushDocument<'a>>>,
    risks: RisksDocument<'a>,
    credentials: CredentialsDocument<'a>,
    live: Option<LiveDocument<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SnapshotDocument<'a> {
    commit: &'a str,
    time: String,
    age_seconds: Option<i64>,
    late: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GapDocument<'a> {
    what: &'a str,
    coverage: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PushDocument<'a> {
    r#ref: &'a str,
    ahead: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RisksDocument<'a> {
    days: i64,
    #[serde(flatten)]
    counts: LevelsDocument,
    worst: Vec<RiskDocument<'a>>,
}

/// Counts risks by their level.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LevelsDocument {
    high: usize,
    medium: usize,
    low: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RiskDocument<'a> {
    level: &'static str,
    rule: &'a str,
    says: &'a str,
    path: &'a str,
    kind: &'static str,
    id: &'a str,
    name: &'a str,
    commit: &'a str,
    time: String,
    actors: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CredentialsDocument<'a> {
    days: i64,
    ended: usize,
    ending: Vec<CredentialDocument<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CredentialDocument<'a> {
    kind: &'static str,
    id: &'a str,
    name: &'a str,
    credential: &'static str,
    key_id: &'a str,
    end: String,
}

/// Tells what is known of the live tenant, if it was asked.
#[derive(Serialize)]
#[serde(untagged)]
enum LiveDocument<'a> {
    Unknown(UnknownDocument<'a>),
    Known(SeenDocument<'a>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UnknownDocument<'a> {
    known: bool,
    why: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SeenDocument<'a> {
    known: bool,
    complete: bool,
    drift: DriftDocument<'a>,
    recycle_bin: Vec<BinDocument>,
    unread: Vec<UnreadDocument<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DriftDocument<'a> {
    baseline: &'a str,
    objects: usize,
    risks: LevelsDocument,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BinDocument {
    kind: &'static str,
    objects: usize,
    gone_soon: usize,
    first_gone_in_days: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UnreadDocument<'a> {
    kind: &'a str,
    why: &'a str,
}

/// Renders the status.
pub fn json(status: &Status) -> String {
    sorted(&StatusDocument {
        format_version: FORMAT_VERSION,
        tenant: &status.tenant,
        now: status.now.to_string(),
        attention: status.attention(),
        snapshot: status.snapshot.as_ref().map(|taken| SnapshotDocument {
            commit: &taken.commit,
            time: when(taken.seconds),
            age_seconds: status.age(),
            late: status.is_late(),
        }),
        objective_seconds: status.objective.as_secs(),
        coverage: status
            .gaps
            .iter()
            .map(|(what, coverage)| GapDocument { what, coverage: coverage.as_str() })
            .collect(),
        pending: &status.pending,
        remote: status
            .pushes
            .as_ref()
            .map(|pushes| pushes.iter().map(|push| PushDocument { r#ref: &push.name, ahead: push.ahead }).collect()),
        risks: RisksDocument {
            days: status.risk_days,
            counts: LevelsDocument {
                high: status.count(Level::High),
                medium: status.count(Level::Medium),
                low: status.count(Level::Low),
            },
            worst: status.risks.iter().take(MOST).map(risk_document).collect(),
        },
        credentials: credentials_document(status),
        live: live_document(&status.live),
    })
}

fn risk_document(risk: &Risky) -> RiskDocument<'_> {
    RiskDocument {
        level: risk.level.as_str(),
        rule: &risk.rule,
        says: &risk.says,
        path: &risk.path,
        kind: risk.called,
        id: &risk.id,
        name: &risk.name,
        commit: &risk.commit,
        time: when(risk.seconds),
        actors: &risk.actors,
    }
}

fn credentials_document(status: &Status) -> CredentialsDocument<'_> {
    let (ended, ending): (Vec<&Credential>, Vec<&Credential>) =
        status.credentials.iter().partition(|credential| status.has_ended(credential));
    let ending = ending.into_iter().map(|credential| CredentialDocument {
        kind: credential.called,
        id: &credential.id,
        name: &credential.name,
        credential: credential.sort,
        key_id: &credential.key,
        end: when(credential.end),
    });
    CredentialsDocument { days: CREDENTIAL_DAYS, ended: ended.len(), ending: ending.collect() }
}

fn live_document(live: &Live) -> Option<LiveDocument<'_>> {
    match live {
        Live::NotAsked => None,
        Live::Unknown(why) => Some(LiveDocument::Unknown(UnknownDocument { known: false, why })),
        Live::Known(seen) => Some(LiveDocument::Known(seen_document(seen))),
    }
}

fn seen_document(seen: &Seen) -> SeenDocument<'_> {
    let Seen { baseline, drift, risks: [high, medium, low], complete, bins, unread } = seen;
    let bin = |bin: &Bin| BinDocument {
        kind: bin.kind,
        objects: bin.objects,
        gone_soon: bin.soon,
        first_gone_in_days: bin.first_days,
    };
    SeenDocument {
        known: true,
        complete: *complete,
        drift: DriftDocument {
            baseline,
            objects: *drift,
            risks: LevelsDocument { high: *high, medium: *medium, low: *low },
        },
        recycle_bin: bins.iter().map(bin).collect(),
        unread: unread.iter().map(|(kind, why)| UnreadDocument { kind, why }).collect(),
    }
}
