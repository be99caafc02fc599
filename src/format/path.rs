//! Converts between addresses and paths: pure and one-to-one. A hostile display name cannot reach the file system.
//!
//! ```text
//! users/3f/3f9a1b2c-….yaml                        people: the id only
//! groups/0b/remote-workers.0b1c2d3e-….yaml        the rest: a slug for the reader, the id for the machine
//! policies/authorization-policy.yaml              singletons
//! ```
//! Ids that are no lower-case GUIDs are escaped: see [`super::escape`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

use super::escape::{MAX_STEM_LEN, escape, shard, unescape};
use crate::kinds;
use crate::model::Kind;
use crate::model::kind::Naming;

/// Names that Windows takes for devices, whatever follows the first dot.
const DEVICES: &[&str] = &["con", "prn", "aux", "nul"];
/// Tells how the files of a kind are spread over folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Layout {
    /// All files are in the kind's folder.
    #[default]
    #[serde(rename = "flat")]
    Flat,
    /// Files are in folders named by the first two hex digits of the id.
    #[serde(rename = "256")]
    Shards256,
    /// Files are in folders named by the first three hex digits of the id.
    #[serde(rename = "4096")]
    Shards4096,
}

/// Lists the reasons why a path is not that of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathProblem {
    /// No kind has this folder.
    UnknownFolder,
    /// The path does not end in `.yaml`.
    NotYaml,
    /// The path is too deep, too long, or has characters that no path has.
    Grammar,
    /// The path is in a kind's folder, but has no id: a file that a person named.
    NoId,
}

impl PathProblem {
    /// Returns true if the path may be that of a file that a person added, with the id inside.
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

/// Returns the path of an object; that of a singleton does not depend on id and name.
///
/// It never fails: an id of more than [`LONGEST_ID`](super::escape::LONGEST_ID) bytes gets a path that [`address_of`]
/// refuses.
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
    let slug = match kind.naming {
        Naming::Slug => slug(name, MAX_STEM_LEN.saturating_sub(id.len() + 1)),
        Naming::Id | Naming::Fixed => String::new(),
    };
    let dot = if slug.is_empty() { "" } else { "." };
    format!("{}/{shard}{slug}{dot}{id}.yaml", kind.folder)
}

/// Maps folders to kinds. It is used for every path of a snapshot, of which there may be a million.
static FOLDERS: LazyLock<BTreeMap<&str, &'static Kind>> =
    LazyLock::new(|| kinds::ALL.iter().map(|kind| (kind.folder, *kind)).collect());

/// Returns the kind and id that a path names, in any layout. A slug or shard that does not fit the object is no error, since
/// the `id` inside is the authority and the next snapshot moves the file.
///
/// # Errors
/// The reason why the path is not that of an object.
pub fn address_of(path: &str) -> Result<(&'static Kind, String), PathProblem> {
    let of = |folder: &str| FOLDERS.get(folder).copied();
    if let Some(kind) = path.strip_suffix(".yaml").and_then(of).filter(|kind| kind.naming == Naming::Fixed) {
        return Ok((kind, kind.singleton_id().to_owned()));
    }
    let mut folders = path.match_indices('/').map(|(at, _)| &path[..at]);
    let kind = folders.find_map(|folder| of(folder).filter(|kind| kind.naming != Naming::Fixed));
    let kind = kind.ok_or(PathProblem::UnknownFolder)?;
    let rest = &path[kind.folder.len() + 1..];
    let stem = rest.strip_suffix(".yaml").ok_or(PathProblem::NotYaml)?;
    let parts: Vec<&str> = stem.split('/').collect();
    let fine = |part: &&str| {
        !part.is_empty()
            && part.len() <= MAX_STEM_LEN
            && !part.starts_with(['.', '-'])
            && !is_device(part)
            && part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'))
    };
    if parts.len() > 2 || !parts.iter().all(fine) {
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

/// Returns the folders in which an object's file may be, whatever the layout, most likely first: the kind's own and its
/// shards.
pub fn folders_of(kind: &Kind, id: &str) -> [String; 3] {
    let id = escape(id);
    let of = |digits| format!("{}/{}", kind.folder, shard(&id, digits));
    [kind.folder.to_owned(), of(2), of(3)]
}

/// Returns true if a file called `name` in one of [`folders_of`] is the object's.
pub fn is_file_of(kind: &Kind, id: &str, name: &str) -> bool {
    let id = escape(id);
    let stem = name.strip_suffix(".yaml").and_then(|name| name.strip_suffix(id.as_str()));
    match kind.naming {
        Naming::Slug => stem.is_some_and(|slug| slug.is_empty() || slug.ends_with('.')),
        Naming::Id | Naming::Fixed => stem == Some(""),
    }
}

/// Returns true if a path belongs to people and their tools, or is the manifest or the settings: neither an object nor a
/// mistake.
///
/// Only YAML below a folder of a kind (`groups/`, `policies/`), even if misspelt, is considered an object or an attempt at
/// one. Every other file in the repository belongs to somebody else: a Makefile, Terraform, a README beside the objects.
pub fn is_reserved(path: &str) -> bool {
    let is_plain = |part: &str| {
        !matches!(part, "" | "." | "..") && !part.eq_ignore_ascii_case(".git") && !part.contains(['\\', '\0', ':'])
    };
    path.split('/').all(is_plain) && !is_meant_as_object(path)
}

/// Returns true if objects may be below this path, so that anything other than a folder there hides them: a kind's folder, a
/// folder that contains one, or a shard.
pub fn is_folder_of_objects(path: &str) -> bool {
    let below = |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
    let is_shard =
        |name: &str| matches!(name.len(), 2 | 3) && name.bytes().all(|byte| matches!(byte, b'a'..=b'f' | b'0'..=b'9'));
    kinds::ALL.iter().any(|kind| {
        let holds_files = kind.naming != Naming::Fixed;
        let shard = path.strip_prefix(kind.folder).and_then(|rest| rest.strip_prefix('/'));
        below(kind.folder, path) || holds_files && (path == kind.folder || shard.is_some_and(is_shard))
    })
}

fn is_meant_as_object(path: &str) -> bool {
    let Some((stem, extension)) = path.rsplit_once('.') else { return false };
    if !extension.eq_ignore_ascii_case("yaml") && !extension.eq_ignore_ascii_case("yml") {
        return false;
    }
    match stem.split_once('/') {
        Some((top, _)) => {
            let top = singular(top);
            // One typing error is tolerated: an object in a misspelt folder would be ignored, and taken for one that is not
            // wanted.
            let slip = |folder: &String| folder.len() > 3 && strsim::damerau_levenshtein(folder, &top) <= 1;
            TOP_FOLDERS.contains(top.as_str()) || TOP_FOLDERS.iter().any(slip)
        }
        None => FOLDERS.contains_key(stem),
    }
}

/// Holds the first parts of the kinds' folders, as [`singular`] spells them.
static TOP_FOLDERS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    kinds::ALL.iter().map(|kind| singular(kind.folder.split('/').next().unwrap_or(kind.folder))).collect()
});

/// Returns a folder's name without common mistakes: case, the plural's `s`, and separators.
fn singular(folder: &str) -> String {
    let name: String = folder.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).collect();
    let name = name.to_lowercase();
    name.strip_suffix('s').map(str::to_owned).unwrap_or(name)
}

/// Returns true if Windows takes a part of a path for a device: only the text before the first dot counts.
fn is_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or(part);
    DEVICES.contains(&stem)
        || ["com", "lpt"].iter().any(|port| {
            stem.strip_prefix(port).is_some_and(|digit| digit.len() == 1 && digit.bytes().all(|b| b.is_ascii_digit()))
        })
}

/// Reduces a name to `[a-z0-9-]`, for the reader only: `Remote workers (EU)` → `remote-workers-eu`. Empty for a name in
/// another script; the path is then the id alone.
fn slug(name: &str, room: usize) -> String {
    let room = room.min(60);
    let mut out = String::new();
    for c in name.chars().take(400).nfkd() {
        match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9') => out.push(c),
            'ß' => out.push_str("ss"),
            'æ' | 'Æ' => out.push_str("ae"),
            'œ' | 'Œ' => out.push_str("oe"),
            'ø' | 'Ø' => out.push('o'),
            'đ' | 'Đ' | 'ð' | 'Ð' => out.push('d'),
            'þ' | 'Þ' => out.push_str("th"),
            'ı' => out.push('i'),
            'ł' | 'Ł' => out.push('l'),
            // Combining marks are dropped, so that é is e.
            c if ('\u{300}'..='\u{36f}').contains(&c) => {}
            _ if out.is_empty() || out.ends_with('-') => {}
            _ => out.push('-'),
        }
        if out.len() > room {
            break;
        }
    }
    if out.len() > room {
        // A word that does not fit is left out, unless little would be left then.
        out.truncate(room);
        match out.rfind('-') {
            Some(end) if end >= room / 2 => out.truncate(end),
            _ => {}
        }
    }
    out.truncate(out.trim_end_matches('-').len());
    if is_device(&out) {
        // `con.….yaml` cannot be checked out on Windows.
        if out.len() < room { out.push('-') } else { out.clear() }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::escape::LONGEST_ID;
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

    #[test]
    fn long_ids_and_devices_have_paths_too() {
        let base64 = "BONyY8jXkkGQxq_-MQDBsuLC5rzUNklDn4sPpGUaH2s_ABCDEF";
        insta::assert_snapshot!(path_of(kind("group"), base64, "A", Layout::Shards256), @"groups/46/a.y-ijhu46kzhbvfq23li5ixq4k7fvgvcrccon2uyqzvoj5fkttlnrcg4ndtkbyeovlbjazhgx2bijbuirkg.yaml");
        insta::assert_snapshot!(path_of(kind("group"), "x", "CON", Layout::Flat), @"groups/con-.x-x.yaml");
        insta::assert_snapshot!(path_of(kind("group"), "x", "מנהלים 👩‍💻", Layout::Flat), @"groups/x-x.yaml");
        for name in ["con.x", "lpt1.x", "nul/x", ".git.x", "-x", "con"] {
            let path = format!("groups/{name}.yaml");
            assert_eq!(address_of(&path).err(), Some(PathProblem::Grammar), "{path}");
        }
        let id = "DirectoryRole_84841066-274d-4ec0-a5c1-276be684bdd3_70c808b5-0d35-4863-a0ba-07888e99d448";
        let long = path_of(kind("roleManagementPolicy"), id, id, Layout::Flat);
        assert_eq!(address_of(&long).map(|(_, id)| id).as_deref(), Ok(id));
        insta::assert_snapshot!(long, @"roles/settings/z--ydirectory-yrole-z84841066-274d-4ec0-a5c1-276be684bdd3-z70c808b5-0d35-4863-a0ba-07888e99d448.yaml");
        // Each id has one path: an id that has a shorter form must not be read from this one.
        assert!(address_of("roles/settings/z--yshort-z0.yaml").is_err());
        assert!(address_of(&path_of(kind("group"), &"A".repeat(LONGEST_ID), "A", Layout::Flat)).is_ok());
        let long = path_of(kind("group"), &"A".repeat(LONGEST_ID + 1), "A", Layout::Flat);
        assert_eq!(address_of(&long).err(), Some(PathProblem::Grammar));
    }

    #[test]
    fn people_have_files_of_their_own() {
        for path in [
            "README.md",
            "LICENSE-MIT",
            ".github/workflows/a.yml",
            "docs/a/b.png",
            "manifest.yaml",
            ".gitattributes",
            ".gitmodules",
            "Makefile",
            "renovate.json",
            "scripts/x.py",
            "terraform/main.tf",
            "map.yaml",
            "plan.json",
            "groups/README.md",
            "k8s/deployment.yaml",
            "docs",
        ] {
            assert!(is_reserved(path), "{path}");
        }
        for path in [
            "docs/../groups/x.yaml",
            ".github/.GIT/config",
            "docs//x",
            "groups/my-group.yaml",
            "groups/x.yml",
            "Groups/x.YAML",
            "group/x.yaml",
            "roles/x.yaml",
            "conditional_access/policies/x.yaml",
        ] {
            assert!(!is_reserved(path), "{path}");
        }
    }

    /// Names that people give, some with bad intent.
    fn name() -> impl Strategy<Value = String> {
        prop_oneof![
            ".{0,300}",
            "[ -~]{0,80}",
            prop_oneof![
                Just("CON"),
                Just(".."),
                Just("../../etc/passwd"),
                Just("nul.txt"),
                Just("a\0b"),
                Just("\u{202e}x")
            ]
            .prop_map(str::to_owned),
            "[a-zA-Z\u{e0}-\u{ff}]".prop_map(|letter| letter.repeat(10_000)),
        ]
    }

    fn id() -> impl Strategy<Value = String> {
        prop_oneof![
            "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            "[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}",
            "[A-Za-z0-9_-]{1,58}",
            "[xy]-[a-z2-7]{1,50}",
            "\\PC{1,14}",
            "(?s).{1,14}",
        ]
    }

    proptest! {
        #[test]
        fn path_and_address_are_one_to_one(
            index in 0..kinds::ALL.len(),
            id in id(),
            name in name(),
            layout in prop_oneof![Just(Layout::Flat), Just(Layout::Shards256), Just(Layout::Shards4096)],
        ) {
            let kind = kinds::ALL[index];
            let path = path_of(kind, &id, &name, layout);
            prop_assert!(path.split('/').count() <= 4);
            prop_assert!(path.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'/')), "{}", path);
            for part in path.split('/') {
                prop_assert!(part.len() <= super::super::escape::PART && !part.starts_with(['.', '-']) && !is_device(part), "{}", path);
            }
            prop_assert!(!is_reserved(&path));
            let (found, back) = address_of(&path).map_err(|e| TestCaseError::fail(format!("{path}: {e}")))?;
            prop_assert_eq!(found.name, kind.name);
            prop_assert_eq!(back, if kind.naming == Naming::Fixed { kind.singleton_id().to_owned() } else { id });
        }

        #[test]
        fn a_path_that_is_read_is_written_again(rest in "[a-z0-9.-]{0,60}", escaped in "[xy]-[a-z0-9-]{0,20}") {
            for stem in [rest.clone(), escaped.clone(), format!("a.{escaped}")] {
                let path = format!("groups/{stem}.yaml");
                if let Ok((kind, id)) = address_of(&path) {
                    let again = path_of(kind, &id, "", Layout::Flat);
                    let own = |path: &str| path.rsplit(['.', '/']).nth(1).map(str::to_owned);
                    prop_assert_eq!(own(&again), own(&path));
                }
            }
        }
    }
}
