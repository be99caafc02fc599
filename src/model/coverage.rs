//! [`Coverage`]: what is known of a kind or a link. Absence must be proven.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How completely a kind or a link was read. Only [`Coverage::Complete`] proves that something is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Coverage {
    /// Everything there is.
    Complete,
    /// Some of it; the rest is carried over from the parent snapshot.
    Partial,
    /// Refused: a permission is missing.
    DeniedPermission,
    /// Refused: the tenant has no licence for it.
    DeniedLicence,
    /// It failed in another way.
    Failed,
    /// Not asked for.
    Skipped,
}

impl Coverage {
    /// Whether absence is proven.
    pub fn is_complete(self) -> bool {
        self == Coverage::Complete
    }

    /// The word in the manifest and on the screen.
    pub fn word(self) -> &'static str {
        match self {
            Coverage::Complete => "complete",
            Coverage::Partial => "partial",
            Coverage::DeniedPermission => "denied-permission",
            Coverage::DeniedLicence => "denied-licence",
            Coverage::Failed => "failed",
            Coverage::Skipped => "skipped",
        }
    }

    /// The coverage called `word`.
    pub fn parse(word: &str) -> Option<Coverage> {
        use Coverage::{Complete, DeniedLicence, DeniedPermission, Failed, Partial, Skipped};
        let all = [Complete, Partial, DeniedPermission, DeniedLicence, Failed, Skipped];
        all.into_iter().find(|coverage| coverage.word() == word)
    }
}

/// Coverage per kind (`group`) and per link (`group.members`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CoverageMap(pub BTreeMap<String, Coverage>);

impl CoverageMap {
    /// Coverage of a kind; [`Coverage::Skipped`] if nothing is said.
    pub fn kind(&self, kind: &str) -> Coverage {
        self.0.get(kind).copied().unwrap_or(Coverage::Skipped)
    }

    /// Coverage of a link; [`Coverage::Skipped`] if nothing is said.
    pub fn link(&self, kind: &str, link: &str) -> Coverage {
        self.0.get(&format!("{kind}.{link}")).copied().unwrap_or(Coverage::Skipped)
    }

    /// Whether a property or link is said to be not completely known. Most properties are not spoken of: they are known as
    /// well as their object.
    pub fn withholds(&self, kind: &str, property: &str) -> bool {
        self.0.get(&format!("{kind}.{property}")).is_some_and(|coverage| !coverage.is_complete())
    }

    /// Says it of a kind.
    pub fn set_kind(&mut self, kind: &str, coverage: Coverage) {
        self.0.insert(kind.to_owned(), coverage);
    }

    /// Says it of a link.
    pub fn set_link(&mut self, kind: &str, link: &str, coverage: Coverage) {
        self.0.insert(format!("{kind}.{link}"), coverage);
    }

    /// Whether nothing of a kind was missed: it was read whole with its links, or this sign-in cannot read it at all, which is
    /// said and is no accident.
    pub fn is_done(&self, kind: &super::Kind) -> bool {
        match self.kind(kind.name) {
            Coverage::Skipped => true,
            coverage => {
                coverage.is_complete() && kind.links.iter().all(|link| self.link(kind.name, link.name).is_complete())
            }
        }
    }

    /// Whether everything that was asked for is complete.
    pub fn is_complete(&self) -> bool {
        self.0.values().all(|coverage| matches!(coverage, Coverage::Complete | Coverage::Skipped))
    }
}
