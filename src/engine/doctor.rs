//! Judges a set-up: what a sign-in may do, kind by kind, and what should be changed.

use std::collections::BTreeSet;

use super::schema;
use crate::model::Kind;
use crate::model::kind::Readers;

/// Represents the result of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Name of what was checked.
    pub name: &'static str,
    /// Verdict.
    pub state: State,
    /// Finding, in one clause.
    pub finding: String,
    /// Command or act that changes it, if it needs changing.
    pub remedy: Option<String>,
}

/// Lists the verdicts, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Nothing to do.
    Good,
    /// Works, and deserves a look.
    Attention,
    /// Does not work.
    Bad,
}

impl State {
    /// Returns the word in JSON documents.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Good => "good",
            State::Attention => "attention",
            State::Bad => "bad",
        }
    }
}

/// Tells what a sign-in may do with one kind, as far as its permissions tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The kind.
    pub kind: &'static Kind,
    /// Permissions that reading lacks, the least of each.
    pub lacks_to_read: BTreeSet<&'static str>,
    /// Permissions that writing lacks, the least of each.
    pub lacks_to_write: BTreeSet<&'static str>,
    /// True if only a person can read the kind.
    pub people_only: bool,
}

/// Compares the permissions of kinds with those that a sign-in has.
pub fn access(kinds: &[&'static Kind], granted: &BTreeSet<String>) -> Vec<Access> {
    let has = |names: &[&'static str]| names.is_empty() || names.iter().any(|name| grants(granted, name));
    let of = |kind: &&'static Kind| {
        let needed = std::iter::once(&kind.permissions);
        let needed = needed.chain(kind.links.iter().filter_map(|link| link.permissions.as_ref()));
        let (mut lacks_to_read, mut lacks_to_write) = (BTreeSet::new(), BTreeSet::new());
        for permissions in needed {
            // Whoever may write may read.
            if !has(permissions.read) && !permissions.write.iter().any(|name| grants(granted, name)) {
                lacks_to_read.extend(permissions.read.first());
            }
            if !has(permissions.write) {
                lacks_to_write.extend(permissions.write.first());
            }
        }
        let guarded = schema::of(kind).guarded().iter().map(|(_, permission)| permission.as_str());
        lacks_to_read
            .extend(guarded.chain(kind.hidden_permissions()).filter(|permission| !grants(granted, permission)));
        Access { kind, lacks_to_read, lacks_to_write, people_only: kind.readers != Readers::Everyone }
    };
    kinds.iter().map(of).collect()
}

/// Lists the subjects that `Directory.Read.All` covers, too. <https://learn.microsoft.com/graph/permissions-reference>
const IN_DIRECTORY: &[&str] = &[
    "AdministrativeUnit",
    "Application",
    "Device",
    "Domain",
    "Group",
    "GroupMember",
    "Organization",
    "OrgContact",
    "User",
];

/// Returns true if a permission is granted, or a greater one: who may write may read, who may write groups may write their
/// members, and who may read the directory may read what is in it.
fn grants(granted: &BTreeSet<String>, name: &str) -> bool {
    let has = |name: &str| granted.contains(name);
    if has(name) {
        return true;
    }
    let Some((subject, rest)) = name.split_once('.') else { return false };
    let groups = (subject == "GroupMember").then(|| format!("Group.{rest}"));
    let all = std::iter::once(name.to_owned()).chain(groups);
    let directory = rest == "Read.All" && IN_DIRECTORY.contains(&subject);
    all.flat_map(|name| [name.replace(".Read.", ".ReadWrite."), name]).any(|name| has(&name))
        || directory && (has("Directory.Read.All") || has("Directory.ReadWrite.All"))
}

/// Lists the permissions that belong to no one kind: who did it, restoring people, the dates on which they leave, and those that
/// come with every sign-in of a person.
const ALSO: &[&str] = &[
    "AuditLog.Read.All",
    "User.DeleteRestore.All",
    "User-LifeCycleInfo.ReadWrite.All",
    "openid",
    "profile",
    "email",
    "offline_access",
];

/// Returns the permissions that no kind needs, neither to be read nor to be written.
pub fn needless(kinds: &[&'static Kind], granted: &BTreeSet<String>) -> BTreeSet<String> {
    let mut needed: BTreeSet<&str> = ALSO.iter().copied().collect();
    for kind in kinds {
        let links = kind.links.iter().filter_map(|link| link.permissions.as_ref());
        for permissions in std::iter::once(&kind.permissions).chain(links) {
            needed.extend(permissions.read.iter().chain(permissions.write));
        }
        needed.extend(kind.hidden_permissions());
        needed.extend(schema::of(kind).guarded().iter().map(|(_, permission)| permission.as_str()));
    }
    let is_needed = |name: &String| {
        // A greater permission is not too much: it stands for what it covers.
        let only = BTreeSet::from([name.clone()]);
        needed.contains(name.as_str()) || needed.iter().any(|needed| grants(&only, needed))
    };
    granted.iter().filter(|name| !is_needed(name)).cloned().collect()
}

/// Judges the difference between this machine's clock and the service's, in seconds.
pub fn clock(seconds: i64) -> Check {
    let apart = seconds.unsigned_abs();
    let finding = match apart {
        0..=5 => "as Microsoft Graph's".to_owned(),
        _ => format!("{apart} s {} Microsoft Graph's", if seconds > 0 { "ahead of" } else { "behind" }),
    };
    let (state, remedy) = match apart {
        0..=60 => (State::Good, None),
        61..=240 => (State::Attention, Some("set the clock, or start its synchronization")),
        _ => (
            State::Bad,
            Some(
                "set the clock: sign-ins with a certificate or a federated token are refused, and the order of events is wrong",
            ),
        ),
    };
    Check { name: "clock", state, finding, remedy: remedy.map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;

    #[test]
    fn what_a_sign_in_lacks_is_the_least_permission() {
        let group = kinds::by_name("group").unwrap();
        let granted = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let lacks = |names: &[&str]| {
            let access = access(&[group], &granted(names)).remove(0);
            format!("{:?} {:?}", access.lacks_to_read, access.lacks_to_write)
        };
        let members = r#"{"Group.Read.All", "GroupMember.Read.All", "Member.Read.Hidden"} {"Group.ReadWrite.All", "GroupMember.ReadWrite.All"}"#;
        assert_eq!(lacks(&[]), members);
        assert_eq!(lacks(&["Group.ReadWrite.All", "Member.Read.Hidden"]), "{} {}");
        // Whoever may read the directory does not see hidden members.
        let members = r#"{"Member.Read.Hidden"} {"Group.ReadWrite.All", "GroupMember.ReadWrite.All"}"#;
        assert_eq!(lacks(&["Directory.Read.All"]), members);
        assert_eq!(needless(kinds::ALL, &granted(&["Mail.Send", "Group.ReadWrite.All"])), granted(&["Mail.Send"]));
    }

    #[test]
    fn a_clock_may_be_a_minute_off() {
        let said = |seconds| {
            let check = clock(seconds);
            format!("{} {}", check.state.as_str(), check.finding)
        };
        assert_eq!(said(3), "good as Microsoft Graph's");
        assert_eq!(said(-100), "attention 100 s behind Microsoft Graph's");
        assert_eq!(said(600), "bad 600 s ahead of Microsoft Graph's");
    }
}
