//! [`Coverage`]: tells how completely a kind or a link was read. Absence must be proven.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Tells how completely a kind or a link was read. Only [`Coverage::Complete`] proves that something is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Coverage {
    /// All of it was read.
    Complete,
    /// Part of it was read; the rest is carried over from the parent snapshot.
    Partial,
    /// Graph refused the read: a permission is missing.
    DeniedPermission,
    /// Graph refused the read: the tenant has no licence for it.
    DeniedLicence,
    /// The read failed in another way.
    Failed,
    /// It was not asked for.
    Skipped,
}

impl Coverage {
    /// Returns true if an absent object is proven to be absent.
    pub fn is_complete(self) -> bool {
        self == Coverage::Complete
    }

    /// Returns the word used in the manifest and on the screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Coverage::Complete => "complete",
            Coverage::Partial => "partial",
            Coverage::DeniedPermission => "denied-permission",
            Coverage::DeniedLicence => "denied-licence",
            Coverage::Failed => "failed",
            Coverage::Skipped => "skipped",
        }
    }

    /// Returns the coverage called `word`.
    pub fn parse(word: &str) -> Option<Coverage> {
        use Coverage::{Complete, DeniedLicence, DeniedPermission, Failed, Partial, Skipped};
        let all = [Complete, Partial, DeniedPermission, DeniedLicence, Failed, Skipped];
        all.into_iter().find(|coverage| coverage.as_str() == word)
    }
}

/// Holds the coverage of each kind (`group`) and each link (`group.members`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CoverageMap(pub BTreeMap<String, Coverage>);

impl CoverageMap {
    /// Returns the coverage of a kind; [`Coverage::Skipped`] if the map has no entry.
    pub fn kind(&self, kind: &str) -> Coverage {
        self.0.get(kind).copied().unwrap_or(Coverage::Skipped)
    }

    /// Returns the coverage of a link; [`Coverage::Skipped`] if the map has no entry.
    pub fn link(&self, kind: &str, link: &str) -> Coverage {
        self.0.get(&format!("{kind}.{link}")).copied().unwrap_or(Coverage::Skipped)
    }

    /// Returns true if the map says that a property or link is not completely known. Most properties have no entry: they are
    /// known as well as their object.
    pub fn withholds(&self, kind: &str, property: &str) -> bool {
        self.0.get(&format!("{kind}.{property}")).is_some_and(|coverage| !coverage.is_complete())
    }

    /// Sets the coverage of a kind.
    pub fn set_kind(&mut self, kind: &str, coverage: Coverage) {
        self.0.insert(kind.to_owned(), coverage);
    }

    /// Sets the coverage of a link.
    pub fn set_link(&mut self, kind: &str, link: &str, coverage: Coverage) {
        self.0.insert(format!("{kind}.{link}"), coverage);
    }

    /// Returns true if nothing of a kind was missed: it was read completely with its links, or this sign-in cannot read it
    /// at all, which is reported and not a failure.
    pub fn is_done(&self, kind: &super::Kind) -> bool {
        match self.kind(kind.name) {
            Coverage::Skipped => true,
            coverage => {
                coverage.is_complete()
                    && kind.links.iter().all(|link| self.link(kind.name, link.name).is_complete())
                    && self.unread(kind).next().is_none()
            }
        }
    }

    /// Returns the properties of a kind that are no links and did not come although they were asked for. Those that the sign-in may
    /// not see are not among them.
    pub fn unread<'a>(&'a self, kind: &'a super::Kind) -> impl Iterator<Item = (&'a str, Coverage)> {
        let below = self.0.range(format!("{}.", kind.name)..format!("{}/", kind.name));
        below.filter_map(|(what, coverage)| {
            let name = what.strip_prefix(kind.name)?.strip_prefix('.')?;
            let failed = matches!(coverage, Coverage::Partial | Coverage::Failed);
            (failed && kind.link(name).is_none()).then_some((name, *coverage))
        })
    }

    /// Returns true if everything that was asked for is complete.
    pub fn is_complete(&self) -> bool {
        self.0.values().all(|coverage| matches!(coverage, Coverage::Complete | Coverage::Skipped))
    }
}
