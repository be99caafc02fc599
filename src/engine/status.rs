//! How a tenant repository stands, and what of it needs attention.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::diff::called;
use super::schema;
use crate::model::{Coverage, Kind, Level, Object, Report};

/// Credentials that end within so many days are told.
pub const CREDENTIAL_DAYS: i64 = 30;
/// What is deleted can be restored for so many days: <https://learn.microsoft.com/graph/api/resources/directory>,
/// policies and named locations: <https://learn.microsoft.com/graph/api/resources/policydeletableitem>
pub const BIN_DAYS: i64 = 30;
/// Deleted objects that are gone for good in fewer days are pointed at.
pub const BIN_WARNING_DAYS: i64 = 7;

const DAY: i64 = 86_400;

/// How a tenant repository stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Status {
    /// The tenant's id.
    pub tenant: String,
    /// When one looked.
    pub now: Timestamp,
    /// The last snapshot.
    pub snapshot: Option<Taken>,
    /// How old it may become.
    pub objective: SignedDuration,
    /// What it does not hold completely, as its manifest says.
    pub gaps: Vec<(String, Coverage)>,
    /// The branch that people work on.
    pub main: String,
    /// Files with edits on it that are not applied yet.
    pub pending: Vec<String>,
    /// What the remote does not have; `None` if there is no remote.
    pub pushes: Option<Vec<Push>>,
    /// Over how many days risks were looked for.
    pub risk_days: i64,
    /// Changes of that time that deserve a second look, worst first, then newest first.
    pub risks: Vec<Risky>,
    /// Credentials that ended, or will within [`CREDENTIAL_DAYS`].
    pub credentials: Vec<Credential>,
    /// What was asked of the tenant itself.
    pub live: Live,
}

/// A snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The commit.
    pub commit: String,
    /// When, in seconds since 1970.
    pub seconds: i64,
}

/// How a reference stands to the remote's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// What people call it.
    pub name: String,
    /// Commits that the remote does not have; `None` if this clone knows nothing of the remote's.
    pub ahead: Option<usize>,
}

/// A change that deserves a second look.
#[derive(Debug, Clone, PartialEq)]
pub struct Risky {
    /// How bad.
    pub level: Level,
    /// What happened.
    pub says: String,
    /// The rule's name.
    pub rule: String,
    /// Which property; may be empty.
    pub path: String,
    /// What sort of object.
    pub called: &'static str,
    /// The object's id.
    pub id: String,
    /// The object's name.
    pub name: String,
    /// The snapshot that has it.
    pub commit: String,
    /// When that was taken.
    pub seconds: i64,
    /// Who did it, as far as the audit log tells.
    pub actors: Vec<String>,
}

/// A certificate or a client secret that ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// What sort of object has it.
    pub called: &'static str,
    /// The object's id.
    pub id: String,
    /// The object's name.
    pub name: String,
    /// `certificate` or `client secret`.
    pub sort: &'static str,
    /// Its own id.
    pub key: String,
    /// When it ends, in seconds since 1970.
    pub end: i64,
}

/// What was asked of the tenant itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Live {
    /// Nothing.
    #[default]
    NotAsked,
    /// It could not be asked: why, and what it takes.
    Unknown(String),
    /// What it said.
    Known(Seen),
}

/// What the tenant said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// What it was compared with.
    pub baseline: String,
    /// Objects that drifted.
    pub drift: usize,
    /// Risks of these: high, medium and low.
    pub risks: [usize; 3],
    /// Whether everything could be read.
    pub complete: bool,
    /// Per kind: deleted objects that can still be restored.
    pub bins: Vec<Bin>,
    /// Bins that could not be read, and why.
    pub unread: Vec<(String, String)>,
}

/// A recycle bin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bin {
    /// The kind's name.
    pub kind: &'static str,
    /// What people call several of them.
    pub title: &'static str,
    /// How many objects it holds.
    pub objects: usize,
    /// How many of them are gone for good in fewer than [`BIN_WARNING_DAYS`] days.
    pub soon: usize,
    /// Days that are left for the first; `None` if the tenant did not say when it was deleted.
    pub first_days: Option<i64>,
}

impl Bin {
    /// From the times of deletion (RFC 3339) of what is in it.
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
    /// How old the last snapshot is, in seconds.
    pub fn age(&self) -> Option<i64> {
        self.snapshot.as_ref().map(|taken| (self.now.as_second() - taken.seconds).max(0))
    }

    /// Whether the last snapshot is older than it may be, or there is none.
    pub fn is_late(&self) -> bool {
        self.age().is_none_or(|age| age > self.objective.as_secs())
    }

    /// Whether a credential ended already.
    pub fn has_ended(&self, credential: &Credential) -> bool {
        credential.end <= self.now.as_second()
    }

    /// How many risks are of a level.
    pub fn count(&self, level: Level) -> usize {
        self.risks.iter().filter(|risk| risk.level == level).count()
    }

    /// What needs attention, a word each. What ended long ago and what is merely worth knowing does not.
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

    /// Whether something was asked for and could not be learned.
    pub fn is_incomplete(&self) -> bool {
        match &self.live {
            Live::NotAsked => false,
            Live::Unknown(_) => true,
            Live::Known(seen) => !seen.complete || !seen.unread.is_empty(),
        }
    }
}

/// The risks of a report of one snapshot.
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

/// The lists of credentials, and what people call one of them.
const LISTS: [(&str, &str); 2] = [("keyCredentials", "certificate"), ("passwordCredentials", "client secret")];

/// Whether objects of a kind may have credentials.
pub fn has_credentials(kind: &'static Kind) -> bool {
    LISTS.iter().any(|(list, _)| schema::of(kind).property(list).is_some_and(schema::Rule::exported))
}

/// Whether a file may name a credential that ends before `horizon`: a look at its text, since parsing is what costs. It may
/// say so wrongly, but never miss one that the tool wrote.
pub fn may_end_before(text: &str, horizon: Timestamp) -> bool {
    // Dates that begin with a year of four digits sort as texts do; the day's end is further than any time on it.
    let last = horizon.to_string();
    let last = last.get(..10).unwrap_or_default();
    text.match_indices("endDateTime:").any(|(at, word)| {
        let value = text[at + word.len()..].trim_start_matches([' ', '"', '\'']);
        let day = value.as_bytes().get(..10).unwrap_or_default();
        day <= last.as_bytes() || !day.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-')
    })
}

/// The credentials of an object that end before `horizon`.
pub fn credentials(kind: &'static Kind, object: &Object, horizon: Timestamp) -> Vec<Credential> {
    // What Graph cannot create renews its certificates by itself: managed identities.
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
            // A certificate that signs tokens stands there three times, with one identifier: to sign, to verify, and the
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
