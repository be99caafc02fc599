//! Address ↔ path: pure and one-to-one. A hostile display name cannot reach the file system.
//!
//! ```text
//! users/3f/3f9a1b2c-….yaml                        people: the id only
//! groups/0b/remote-workers.0b1c2d3e-….yaml        the rest: a slug for the reader, the id for the machine
//! policies/authorization-policy.yaml              singletons
//! ```
//! An id that is a lower-case GUID stands as it is. Any other id is written after `x-`: bytes `[a-z0-9]` stand
//! for themselves, everything else is `-` and two hex digits, so that case and every character come back.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

use crate::kinds;
use crate::model::Kind;
use crate::model::kind::Naming;

/// Longest part of a path, in bytes.
const PART: usize = 100;
/// What escaped ids begin with.
const ESCAPED: &str = "x-";
/// Files and folders at the top that belong to people and their tools.
const RESERVED: &[&str] = &[
    "entragit.yaml",
    "manifest.yaml",
    "README.md",
    "README",
    "LICENSE",
    "LICENSE.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "CODEOWNERS",
    ".gitignore",
    ".editorconfig",
    ".yamllint",
    ".pre-commit-config.yaml",
    ".gitlab-ci.yml",
    "azure-pipelines.yml",
    ".github/",
    ".gitlab/",
    ".azure-pipelines/",
    ".vscode/",
    "docs/",
    "guards/",
];

/// How the files of a kind are spread over folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Layout {
    /// All in the kind's folder.
    #[default]
    #[serde(rename = "flat")]
    Flat,
    /// By the first two hex digits of the id.
    #[serde(rename = "256")]
    Shards256,
    /// By the first three.
    #[serde(rename = "4096")]
    Shards4096,
}

/// Why a path is no object's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathProblem {
    /// No kind lives there.
    UnknownFolder,
    /// It does not end in `.yaml`.
    NotYaml,
    /// Too deep, too long, or with characters that no path has.
    Grammar,
    /// In a kind's folder, but without an id: a file that a person named.
    NoId,
}

impl PathProblem {
    /// Whether it may be a file that a person added, whose id is inside.
    pub fn may_be_new(self) -> bool {
        self == PathProblem::NoId
    }
}

impl fmt::Display for PathProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PathProblem::UnknownFolder => {
                "no kind of object lives in this folder; move the file to its kind's folder (`entragit kinds` lists them), \
                 or out of the repository"
            }
            PathProblem::NotYaml => "a kind's folder holds only .yaml files; rename or remove it",
            PathProblem::Grammar => {
                "paths consist of lower-case letters, digits, dots and dashes, at most 100 bytes a part; rename the file"
            }
            PathProblem::NoId => "the file's name holds no id",
        })
    }
}

/// The path of an object.
pub fn path_of(kind: &Kind, id: &str, name: &str, layout: Layout) -> String {
    if kind.naming == Naming::Fixed {
        return format!("{}.yaml", kind.folder);
    }
    let id = escape(id);
    let shard = match layout {
        Layout::Flat => String::new(),
        Layout::Shards256 => format!("{}/", shard(&id, 2)),
        Layout::Shards4096 => format!("{}/", shard(&id, 3)),
    };
    let room = PART.saturating_sub(id.len() + ".yaml".len() + 1);
    let slug = match kind.naming {
        Naming::Slug => slug(name, room),
        Naming::Id | Naming::Fixed => String::new(),
    };
    let dot = if slug.is_empty() { "" } else { "." };
    format!("{}/{shard}{slug}{dot}{id}.yaml", kind.folder)
}

fn shard(id: &str, digits: usize) -> String {
    let hex = id.strip_prefix(ESCAPED).unwrap_or(id);
    let mut shard: String = hex.chars().filter(char::is_ascii_hexdigit).take(digits).collect();
    while shard.len() < digits {
        shard.push('0');
    }
    shard
}

/// The kind and id that a path names, in any layout.
///
/// # Errors
/// Why it is no object's path.
pub fn address_of(path: &str) -> Result<(&'static Kind, String), PathProblem> {
    if let Some(kind) = kinds::ALL.iter().find(|kind| {
        kind.naming == Naming::Fixed && path.strip_suffix(".yaml").is_some_and(|folder| folder == kind.folder)
    }) {
        return Ok((kind, singleton_id(kind).to_owned()));
    }
    let kind = kinds::ALL
        .iter()
        .copied()
        .find(|kind| {
            kind.naming != Naming::Fixed && path.strip_prefix(kind.folder).is_some_and(|rest| rest.starts_with('/'))
        })
        .ok_or(PathProblem::UnknownFolder)?;
    let rest = &path[kind.folder.len() + 1..];
    let stem = rest.strip_suffix(".yaml").ok_or(PathProblem::NotYaml)?;
    let parts: Vec<&str> = stem.split('/').collect();
    let fine = |part: &&str| {
        !part.is_empty()
            && part.len() <= PART
            && part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'))
    };
    if parts.len() > 2 || !parts.iter().all(fine) || parts.last().is_some_and(|last| last.len() + 5 > PART) {
        return Err(PathProblem::Grammar);
    }
    if parts.len() == 2
        && !(matches!(parts[0].len(), 2 | 3) && parts[0].bytes().all(|b| matches!(b, b'a'..=b'f' | b'0'..=b'9')))
    {
        return Err(PathProblem::Grammar);
    }
    let last = parts.last().copied().unwrap_or_default();
    let id = match kind.naming {
        Naming::Slug => last.rsplit('.').next().unwrap_or(last),
        Naming::Id | Naming::Fixed => last,
    };
    unescape(id).map(|id| (kind, id)).ok_or(PathProblem::NoId)
}

/// A singleton's constant id: the last part of its path in Graph.
pub fn singleton_id(kind: &Kind) -> &'static str {
    kind.path.rsplit('/').next().unwrap_or(kind.name)
}

/// Whether a path belongs to people and their tools, or is the manifest: no object.
pub fn is_reserved(path: &str) -> bool {
    RESERVED.iter().any(|reserved| match reserved.strip_suffix('/') {
        Some(folder) => path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')),
        None => path == *reserved,
    })
}

fn is_guid(id: &str) -> bool {
    id.len() == 36
        && id.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

fn escape(id: &str) -> String {
    if is_guid(id) {
        return id.to_owned();
    }
    let mut out = String::from(ESCAPED);
    for byte in id.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' => out.push(char::from(byte)),
            _ => out.push_str(&format!("-{byte:02x}")),
        }
    }
    out
}

fn unescape(text: &str) -> Option<String> {
    if is_guid(text) {
        return Some(text.to_owned());
    }
    let text = text.strip_prefix(ESCAPED)?;
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        if *first == b'-' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    let id = String::from_utf8(bytes).ok()?;
    // One path per id: what `escape` would have written otherwise is no path.
    (!id.is_empty() && escape(&id).strip_prefix(ESCAPED) == Some(text)).then_some(id)
}

/// `Remote workers (EU)` → `remote-workers-eu`.
fn slug(name: &str, room: usize) -> String {
    let room = room.min(60);
    let mut out = String::new();
    for c in name.chars().take(400).nfkd() {
        match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9') => out.push(c),
            'ß' => out.push_str("ss"),
            'æ' | 'Æ' => out.push_str("ae"),
            'ø' | 'Ø' => out.push('o'),
            'ł' | 'Ł' => out.push('l'),
            // Combining marks are dropped, so that é is e.
            c if ('\u{300}'..='\u{36f}').contains(&c) => {}
            _ if out.is_empty() || out.ends_with('-') => {}
            _ => out.push('-'),
        }
        if out.len() >= room {
            break;
        }
    }
    out.truncate(room);
    let slug = out.trim_end_matches('-');
    slug.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kind(name: &str) -> &'static Kind {
        kinds::by_name(name).unwrap_or(kinds::ALL[0])
    }

    #[test]
    fn paths_read_well() {
        let id = "0b1c2d3e-0000-4000-8000-000000000001";
        insta::assert_snapshot!(path_of(kind("group"), id, "Remote workers (EU)", Layout::Flat), @"groups/remote-workers-eu.0b1c2d3e-0000-4000-8000-000000000001.yaml");
        insta::assert_snapshot!(path_of(kind("group"), id, "Ångström Łódź", Layout::Shards4096), @"groups/0b1/angstrom-lodz.0b1c2d3e-0000-4000-8000-000000000001.yaml");
        insta::assert_snapshot!(path_of(kind("user"), id, "Ada", Layout::Shards256), @"users/0b/0b1c2d3e-0000-4000-8000-000000000001.yaml");
        insta::assert_snapshot!(path_of(kind("authorizationPolicy"), "authorizationPolicy", "x", Layout::Flat), @"policies/authorization-policy.yaml");
        insta::assert_snapshot!(path_of(kind("group"), "New:Label", "../../etc", Layout::Flat), @"groups/etc.x--4eew-3a-4cabel.yaml");
    }

    #[test]
    fn a_file_that_a_person_named_is_told_apart() {
        assert_eq!(address_of("groups/my-group.yaml").err(), Some(PathProblem::NoId));
        assert_eq!(address_of("group/x.yaml").err(), Some(PathProblem::UnknownFolder));
        assert_eq!(address_of("groups/x.yml").err(), Some(PathProblem::NotYaml));
        assert_eq!(address_of("groups/../x.yaml").err(), Some(PathProblem::Grammar));
        assert_eq!(address_of("groups/a/b/c.yaml").err(), Some(PathProblem::Grammar));
    }

    proptest! {
        #[test]
        fn path_and_address_are_one_to_one(
            index in 0..kinds::ALL.len(),
            id in "\\PC{1,20}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            name in ".{0,300}",
            layout in prop_oneof![Just(Layout::Flat), Just(Layout::Shards256), Just(Layout::Shards4096)],
        ) {
            let kind = kinds::ALL[index];
            let path = path_of(kind, &id, &name, layout);
            prop_assert!(path.split('/').count() <= 4);
            if id.len() <= 28 {
                prop_assert!(path.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'/')));
                prop_assert!(path.split('/').all(|part| part.len() <= PART), "{}", path);
                let (found, back) = address_of(&path).map_err(|e| TestCaseError::fail(format!("{path}: {e}")))?;
                prop_assert_eq!(found.name, kind.name);
                if kind.naming != Naming::Fixed {
                    prop_assert_eq!(back, id);
                }
            }
        }
    }
}
