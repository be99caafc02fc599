//! Determines the status of a tenant repository, and which parts of it need attention.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::diff::called;
use super::schema;
use crate::model::{Coverage, Kind, Level, Object, Report};

/// Number of days before its end from which a credential is listed.
pub const CREDENTIAL_DAYS: i64 = 30;
/// Number of days for which a deleted object can be restored: <https://learn.microsoft.com/graph/api/resources/directory>,
/// policies and named locations: <https://learn.microsoft.com/graph/api/resources/policydeletableitem>
pub const BIN_DAYS: i64 = 30;
/// Number of days before a deleted object is gone for good from which it needs attention.
pub const BIN_WARNING_DAYS: i64 = 7;

const DAY: i64 = 86_400;

/// Holds the status of a tenant repository.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Status {
    /// Id of the tenant.
    pub tenant: String,
    /// Time of the status.
    pub now: Timestamp,
    /// The last snapshot, if there is one.
    pub snapshot: Option<Taken>,
    /// Maximum age of the last snapshot.
    pub objective: SignedDuration,
    /// Kinds and links that the snapshot does not hold completely, as its manifest says.
    pub gaps: Vec<(String, Coverage)>,
    /// Name of the branch that people work on.
    pub main: String,
    /// Paths of files with edits on that branch that are not applied yet.
    pub pending: Vec<String>,
    /// References with commits that the remote does not have; `None` if there is no remote.
    pub pushes: Option<Vec<Push>>,
    /// Number of days for which risks were looked for.
    pub risk_days: i64,
    /// Risks of the changes in that time, worst first, then newest first.
    pub risks: Vec<Risky>,
    /// Credentials that ended, or will end within [`CREDENTIAL_DAYS`].
    pub credentials: Vec<Credential>,
    /// Status of the live tenant.
    pub live: Live,
}

/// Identifies a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Id of the commit.
    pub commit: String,
    /// Time of the snapshot, in seconds since 1970.
    pub seconds: i64,
}

/// Compares a reference with that of the remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// Name of the reference for people.
    pub name: String,
    /// Number of commits that the remote does not have; `None` if this clone does not know the remote's reference.
    pub ahead: Option<usize>,
}

/// Describes a risk of a change.
#[derive(Debug, Clone, PartialEq)]
pub struct Risky {
    /// Severity of the risk.
    pub level: Level,
    /// Description of what happened.
    pub says: String,
    /// Name of the rule.
    pub rule: String,
    /// Path of the property; may be empty.
    pub path: String,
    /// Type of the object: its variant's name or the kind's.
    pub called: &'static str,
    /// Id of the object.
    pub id: String,
    /// Name of the object.
    pub name: String,
    /// Snapshot that contains the change.
    pub commit: String,
    /// Time of that snapshot, in seconds since 1970.
    pub seconds: i64,
    /// Authors of the change, as far as the audit log shows them.
    pub actors: Vec<String>,
}

/// Describes a certificate or a client secret with an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Type of the object that has it: its variant's name or the kind's.
    pub called: &'static str,
    /// Id of the object.
    pub id: String,
    /// Name of the object.
    pub name: String,
    /// `certificate` or `client secret`.
    pub sort: &'static str,
    /// Id of the credential.
    pub key: String,
    /// End of the credential, in seconds since 1970.
    pub end: i64,
}

/// Tells what is known of the live tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Live {
    /// The tenant was not read.
    #[default]
    NotAsked,
    /// The tenant could not be read; the text says why, and what it takes.
    Unknown(String),
    /// The tenant was read.
    Known(Seen),
}

/// Holds the status of the live tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Name of the baseline that the tenant was compared with.
    pub baseline: String,
    /// Number of objects that drifted.
    pub drift: usize,
    /// Number of high, medium and low risks of the drift.
    pub risks: [usize; 3],
    /// True if everything could be read.
    pub complete: bool,
    /// Recycle bins, with the deleted objects of each kind that can still be restored.
    pub bins: Vec<Bin>,
    /// Recycle bins that could not be read, and why.
    pub unread: Vec<(String, String)>,
}

/// Describes the recycle bin of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bin {
    /// Name of the kind.
    pub kind: &'static str,
    /// Plural noun for objects of the kind.
    pub title: &'static str,
    /// Number of objects in the bin.
    pub objects: usize,
    /// Number of objects that are gone for good in fewer than [`BIN_WARNING_DAYS`] days.
    pub soon: usize,
    /// Number of days until the first object is gone; `None` if the tenant did not say when it was deleted.
    pub first_days: Option<i64>,
}

impl Bin {
    /// Summarizes a bin from the times of deletion (RFC 3339) of its objects.
    pub fn of(kind: &'static Kind, deleted: &[String], now: Timestamp) -> Bin {
        let left = |time: &String| {
            let gone = time.parse::<Timestamp>().ok()?.as_second() + BIN_DAYS * DAY;
            Some((gone - now.as_second()).max(0) / DAY)
        };
        let left: Vec<i64> = deleted.iter().filter_map(left).collect();
        let soon = left.iter().filter(|days| **days < BIN_WARNING_DAYS).count();
        let (name, title) = (kind.name, kind.title);
        Bin { kind: name, title, objects: deleted.len(), soon, first_days: left.into_iter().min() }
    }
}

impl Status {
    /// Returns the age of the last snapshot, in seconds.
    pub fn age(&self) -> Option<i64> {
        self.snapshot.as_ref().map(|taken| (self.now.as_second() - taken.seconds).max(0))
    }

    /// Returns true if the last snapshot is older than allowed, or there is none.
    pub fn is_late(&self) -> bool {
        self.age().is_none_or(|age| age > self.objective.as_secs())
    }

    /// Returns true if a credential has ended already.
    pub fn has_ended(&self, credential: &Credential) -> bool {
        credential.end <= self.now.as_second()
    }

    /// Returns the number of risks of a level.
    pub fn count(&self, level: Level) -> usize {
        self.risks.iter().filter(|risk| risk.level == level).count()
    }

    /// Returns what needs attention, a word each. Credentials that have ended and lower risks do not need it.
    pub fn attention(&self) -> Vec<&'static str> {
        let ending = self.credentials.iter().any(|credential| !self.has_ended(credential));
        let unpushed = self.pushes.iter().flatten().any(|push| push.ahead.is_some_and(|ahead| ahead > 0));
        let (mut drift, mut bins) = (false, false);
        if let Live::Known(seen) = &self.live {
            drift = seen.drift > 0;
            bins = seen.bins.iter().any(|bin| bin.soon > 0);
        }
        [
            (self.is_late(), "snapshot"),
            (!self.gaps.is_empty(), "coverage"),
            (!self.pending.is_empty(), "pending"),
            (unpushed, "unpushed"),
            (self.count(Level::High) > 0, "risks"),
            (ending, "credentials"),
            (drift, "drift"),
            (bins, "recycle-bin"),
        ]
        .into_iter()
        .filter_map(|(needed, word)| needed.then_some(word))
        .collect()
    }

    /// Returns true if something was asked of the tenant and could not be read.
    pub fn is_incomplete(&self) -> bool {
        match &self.live {
            Live::NotAsked => false,
            Live::Unknown(_) => true,
            Live::Known(seen) => !seen.complete || !seen.unread.is_empty(),
        }
    }
}

/// Returns the risks of the report of one snapshot.
pub fn risky(report: &Report, commit: &str, seconds: i64) -> Vec<Risky> {
    let mut found = Vec::new();
    for change in &report.changes {
        let mut actors: Vec<String> = Vec::new();
        for event in &change.events {
            let label = event.actor.label();
            if !actors.contains(&label) {
                actors.push(label);
            }
        }
        found.extend(change.risks.iter().map(|risk| Risky {
            level: risk.level,
            says: risk.says.clone(),
            rule: risk.rule.clone(),
            path: risk.path.clone(),
            called: change.called,
            id: change.address.id.clone(),
            name: change.name.clone(),
            commit: commit.to_owned(),
            seconds,
            actors: actors.clone(),
        }));
    }
    found
}

/// Lists the properties that hold credentials, with the noun for one of them.
const LISTS: [(&str, &str); 2] = [("keyCredentials", "certificate"), ("passwordCredentials", "client secret")];

/// Returns true if objects of a kind may have credentials.
pub fn has_credentials(kind: &'static Kind) -> bool {
    LISTS.iter().any(|(list, _)| schema::of(kind).property(list).is_some_and(schema::Rule::exported))
}

/// Returns true if a file may name a credential that ends before `horizon`. Only its text is searched, since parsing is
/// expensive. The result may be wrong if it is true, but never misses a credential that the tool wrote.
pub fn may_end_before(text: &str, horizon: Timestamp) -> bool {
    // Dates with a year of four digits sort as texts do; the end of a day is later than any time on it.
    let last = horizon.to_string();
    let last = last.get(..10).unwrap_or_default();
    text.match_indices("endDateTime:").any(|(at, word)| {
        let value = text[at + word.len()..].trim_start_matches([' ', '"', '\'']);
        let day = value.as_bytes().get(..10).unwrap_or_default();
        day <= last.as_bytes() || !day.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-')
    })
}

/// Returns the credentials of an object that end before `horizon`.
pub fn credentials(kind: &'static Kind, object: &Object, horizon: Timestamp) -> Vec<Credential> {
    // Graph cannot create managed identities, and their certificates are renewed automatically.
    // <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identities-faq>
    if kind.variants.iter().any(|variant| variant.not_creatable.is_some() && variant.when.holds(&object.0)) {
        return Vec::new();
    }
    let mut found: Vec<Credential> = Vec::new();
    let mut told: Vec<(String, Timestamp)> = Vec::new();
    for (list, sort) in LISTS {
        let elements = object.get(list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for element in elements {
            let text = |name: &str| element.get(name).and_then(Value::as_str).unwrap_or_default();
            let Ok(end) = text("endDateTime").parse::<Timestamp>() else { continue };
            // A certificate that signs tokens is listed three times, with one identifier: to sign, to verify, and as the
            // secret of its private key.
            // <https://learn.microsoft.com/graph/application-saml-sso-configure-api>
            let same = (text("customKeyIdentifier").to_owned(), end);
            if end > horizon || (!same.0.is_empty() && told.contains(&same)) {
                continue;
            }
            told.push(same);
            found.push(Credential {
                called: called(kind, object),
                id: object.id().to_owned(),
                name: object.name().to_owned(),
                sort,
                key: text("keyId").to_owned(),
                end: end.as_second(),
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds;

    fn object(value: Value) -> Object {
        Object(value.as_object().cloned().unwrap_or_default())
    }

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap_or_default()
    }

    #[test]
    fn credentials_that_end_are_found_once() {
        let kind = kinds::by_name("servicePrincipal").unwrap();
        let mut value = json!({
            "id": "1", "displayName": "Portal",
            "keyCredentials": [
                {"keyId": "a", "customKeyIdentifier": "AA", "usage": "Sign", "endDateTime": "2026-12-01T00:00:00Z"},
                {"keyId": "b", "customKeyIdentifier": "AA", "usage": "Verify", "endDateTime": "2026-12-01T00:00:00Z"},
                {"keyId": "c", "endDateTime": "2029-12-01T00:00:00Z"},
            ],
            "passwordCredentials": [
                {"keyId": "d", "customKeyIdentifier": "AA", "endDateTime": "2026-12-01T00:00:00Z"},
                {"keyId": "e", "endDateTime": "2020-12-01T00:00:00Z"},
                {"keyId": "f", "endDateTime": "never"},
            ],
        });
        let found = |value: &Value| {
            let found = credentials(kind, &object(value.clone()), time("2026-12-23T00:00:00Z"));
            found.iter().map(|it| format!("{} {} {}", it.sort, it.key, it.end)).collect::<Vec<_>>().join("\n")
        };
        insta::assert_snapshot!(found(&value), @r"
        certificate a 1796083200
        client secret e 1606780800
        ");
        value["servicePrincipalType"] = json!("ManagedIdentity");
        assert_eq!(found(&value), "");
        let with: Vec<&str> = kinds::ALL.iter().filter(|kind| has_credentials(kind)).map(|kind| kind.name).collect();
        assert_eq!(with, ["application", "servicePrincipal"]);
    }

    #[test]
    fn a_look_at_the_text_is_enough_for_most() {
        let horizon = time("2026-12-23T12:00:00Z");
        for (text, may) in [
            ("id: a\n", false),
            ("endDateTime: \"2027-01-01T00:00:00Z\"\n", false),
            ("endDateTime: \"2026-12-24T00:00:00Z\"\n", false),
            ("endDateTime: \"2026-12-23T23:00:00Z\"\n", true),
            ("  - endDateTime: 2020-01-01T00:00:00Z\n", true),
            ("endDateTime: \"2030-01-01T00:00:00Z\"\nendDateTime: \"2021-01-01T00:00:00Z\"\n", true),
            ("endDateTime: \"soon, or never\"\n", true),
            ("endDateTime:", true),
        ] {
            assert_eq!(may_end_before(text, horizon), may, "{text}");
        }
    }

    #[test]
    fn bins_say_how_long_there_is() {
        let kind = kinds::by_name("group").unwrap();
        let deleted = ["2026-11-22T00:00:00Z", "2026-10-28T00:00:00Z", "2026-01-01T00:00:00Z", "?"].map(str::to_owned);
        let bin = Bin::of(kind, &deleted, time("2026-11-23T12:00:00Z"));
        assert_eq!((bin.objects, bin.soon, bin.first_days), (4, 2, Some(0)));
        assert_eq!(Bin::of(kind, &deleted[..1], time("2026-11-23T12:00:00Z")).first_days, Some(28));
    }
}
