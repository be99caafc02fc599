//! Reading trees and blobs. Trees are walked by hand: libgit2 returns hostile entries without a word.

use git2::{ObjectType, Oid, Repository};

use super::{ObjectId, RepoError, Result};
use crate::model::Finding;
use crate::model::finding::Severity;

/// Largest blob that is read.
const MAX_BLOB: usize = 4 << 20;
/// Most entries of a tree, in all.
const MAX_ENTRIES: usize = 2_000_000;
const MAX_DEPTH: usize = 8;

/// One file of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Path, with slashes.
    pub path: String,
    /// Its blob.
    pub blob: ObjectId,
}

pub(super) fn entries(git: &Repository, commit: ObjectId) -> Result<Vec<Entry>> {
    let commit = git.find_commit(commit.oid()).map_err(|e| RepoError::git("reading a commit", &e))?;
    let mut walk = Walk { git, entries: Vec::new(), findings: Vec::new() };
    walk.tree(commit.tree_id(), "", 0)?;
    let Walk { mut entries, findings, .. } = walk;
    if !findings.is_empty() {
        return Err(RepoError::Hostile(findings));
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(entries)
}

struct Walk<'a> {
    git: &'a Repository,
    entries: Vec<Entry>,
    findings: Vec<Finding>,
}

impl Walk<'_> {
    fn say(&mut self, path: &str, message: &str) {
        let path: String = path.chars().map(|c| if hidden(c) { '?' } else { c }).collect();
        self.findings.push(Finding {
            path,
            line: 0,
            severity: Severity::Error,
            check: "tree",
            message: message.to_owned(),
        });
    }

    fn tree(&mut self, id: Oid, prefix: &str, depth: usize) -> Result<()> {
        let tree = self.git.find_tree(id).map_err(|e| RepoError::git("reading a tree", &e))?;
        let mut last: Option<Vec<u8>> = None;
        for entry in tree.iter() {
            let raw = entry.name_bytes();
            let shown = format!("{prefix}{}", String::from_utf8_lossy(raw));
            if last.as_deref() == Some(raw) {
                self.say(&shown, "the name stands twice in its folder");
            }
            last = Some(raw.to_vec());
            let Ok(name) = std::str::from_utf8(raw) else {
                self.say(&shown, "the name is not UTF-8");
                continue;
            };
            if let Some(message) = hostile_name(name) {
                self.say(&shown, message);
                continue;
            }
            match (entry.filemode(), entry.kind()) {
                (0o100_644, Some(ObjectType::Blob)) => {
                    if self.entries.len() >= MAX_ENTRIES {
                        self.say(&shown, "the commit has more than two million files");
                        return Ok(());
                    }
                    self.entries.push(Entry { path: shown, blob: ObjectId::of(entry.id()) });
                }
                (0o040_000, Some(ObjectType::Tree)) if depth < MAX_DEPTH => {
                    self.tree(entry.id(), &format!("{shown}/"), depth + 1)?;
                }
                (0o040_000, _) => self.say(&shown, "folders are nested too deep"),
                (0o120_000, _) => self.say(&shown, "symbolic links are not allowed; replace it by a file"),
                (0o160_000, _) => self.say(&shown, "submodules are not allowed; remove it"),
                (0o100_755, _) if prefix.starts_with(".github/") || prefix.starts_with("docs/") => {
                    self.entries.push(Entry { path: shown, blob: ObjectId::of(entry.id()) });
                }
                (0o100_755 | 0o100_664, _) => {
                    self.say(&shown, "the file is executable or has another odd mode; `chmod 644` it")
                }
                _ => self.say(&shown, "the entry is neither a file nor a folder"),
            }
        }
        Ok(())
    }
}

/// Why no entry may have this name.
fn hostile_name(name: &str) -> Option<&'static str> {
    let lower = name.to_lowercase();
    let bare: String = lower
        .chars()
        .filter(|c| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{feff}'))
        .collect();
    if name.is_empty() || name == "." || name == ".." {
        return Some("the name leads out of its folder");
    }
    if bare == ".git"
        || bare.starts_with(".git:")
        || bare.starts_with("git~")
        || bare.trim_end_matches([' ', '.']) == ".git"
    {
        return Some("the name stands for git's own folder");
    }
    if matches!(bare.as_str(), ".gitattributes" | ".gitmodules") {
        return Some("git's attributes and modules files are not allowed; remove it");
    }
    if name.contains(['\\', ':', '/']) {
        return Some("the name holds a path separator of some system");
    }
    if name.chars().any(hidden) {
        return Some("the name holds control or direction characters");
    }
    (name.len() > 255).then_some("the name is longer than 255 bytes")
}

fn hidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
}

pub(super) fn blob(git: &Repository, id: ObjectId) -> Result<Vec<u8>> {
    let odb = git.odb().map_err(|e| RepoError::git("opening the object database", &e))?;
    let (size, _) = odb.read_header(id.oid()).map_err(|e| RepoError::git("reading a file", &e))?;
    if size > MAX_BLOB {
        return Err(RepoError::Git {
            act: "reading a file",
            message: format!("it has {size} bytes, more than {MAX_BLOB}"),
        });
    }
    let object = odb.read(id.oid()).map_err(|e| RepoError::git("reading a file", &e))?;
    if object.kind() != ObjectType::Blob {
        return Err(RepoError::Damaged { what: format!("{id} is no file") });
    }
    Ok(object.data().to_vec())
}
