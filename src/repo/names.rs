//! Decides which names in a tree are refused, on every system alike: a name that harms a clone on any system is not accepted
//! here.

use std::path::Path;

use crate::model::Finding;
use crate::model::finding::Severity;

/// Returns a finding of error severity about a file as a whole.
pub(super) fn finding(path: impl Into<String>, check: &'static str, message: impl Into<String>) -> Finding {
    Finding { path: path.into(), line: 0, column: 0, severity: Severity::Error, check, message: message.into() }
}

/// Returns a path as it may be shown on a terminal: on one line, with invisible characters escaped.
pub(super) fn shown(path: &[u8]) -> String {
    let mut out = String::new();
    for chunk in path.utf8_chunks() {
        for c in chunk.valid().chars() {
            match invisible(c) || c == '\\' {
                true => out.extend(c.escape_default()),
                false => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

/// Returns everything that is wrong with one part of a path, as pairs of check and message.
pub(super) fn faults(name: &[u8]) -> Vec<(&'static str, &'static str)> {
    let mut faults = Vec::new();
    let plain = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.');
    if name.first().is_some_and(|first| *first != b'.') && name.iter().all(plain) {
        return faults;
    }
    let Ok(text) = std::str::from_utf8(name) else {
        return vec![("not-utf8", "the name is not UTF-8: rename the file")];
    };
    if text.is_empty() {
        faults.push(("empty-name", "the entry has no name: remove it"));
    }
    if text == "." || text == ".." {
        faults.push(("dot-dot", "`.` and `..` would lead out of the folder: remove the entry"));
    }
    if is_dot_git(text) {
        faults.push(("dot-git", "some systems take this name for git's own folder: rename the entry"));
    }
    if text.contains('/') || text.contains('\\') {
        faults
            .push(("separator-in-name", "a slash or backslash in a name separates folders on some systems: rename it"));
    }
    if text.chars().any(invisible) {
        faults
            .push(("control-character", "control, bidirectional or invisible characters in a name deceive: rename it"));
    }
    let lower = text.to_ascii_lowercase();
    if is_git_settings(lower.as_bytes()) && lower != text {
        faults.push(("git-attributes", "some systems take this name for git's own file: rename it to lower case"));
    }
    faults
}

/// Returns a path quoted as one word for a shell.
pub fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '\\' | ':' | '+' | '@');
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// Returns true if git takes settings from this file.
pub(super) fn is_git_settings(name: &[u8]) -> bool {
    matches!(name, b".gitattributes" | b".gitmodules")
}

/// Returns true for names to which Windows gives a special meaning: devices, streams, names that lose their end. Checked where
/// files are written on Windows.
pub(super) fn meant_otherwise_on_windows(name: &str) -> bool {
    let stem = name.split(['.', ':']).next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = |prefix: &str| {
        stem.strip_prefix(prefix).is_some_and(|rest| {
            let mut chars = rest.chars();
            matches!((chars.next(), chars.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
        })
    };
    name.ends_with(['.', ' '])
        || name.contains([':', '<', '>', '"', '|', '?', '*'])
        || matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" | "CLOCK$")
        || numbered("COM")
        || numbered("LPT")
}

/// Returns true for `.git` in any of the spellings that Windows and macOS treat as equal.
fn is_dot_git(name: &str) -> bool {
    // macOS ignores these characters in a name; Windows cuts a name at a stream and drops dots and spaces at its end.
    let seen: String = name.chars().filter(|c| !ignored_by_hfs(*c)).collect();
    let seen = seen.split([':', '\\', '/']).next().unwrap_or_default().trim_end_matches(['.', ' ']);
    seen.eq_ignore_ascii_case(".git") || seen.eq_ignore_ascii_case("git~1")
}

fn ignored_by_hfs(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

/// Returns true for characters that a reader does not see, or that reorder the text.
fn invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_disguise_of_dot_git_is_seen_through() {
        for name in [
            ".git",
            ".GIT",
            ".Git ",
            ".git.",
            ".git . .",
            "git~1",
            "GIT~1",
            ".git::$INDEX_ALLOCATION",
            ".g\u{200c}it",
            "\u{feff}.git",
            ".git\\hooks",
        ] {
            assert!(faults(name.as_bytes()).iter().any(|(check, _)| *check == "dot-git"), "{name:?}");
        }
        for name in [".gitignore", ".github", "git", "a.git", "git~10"] {
            assert!(faults(name.as_bytes()).is_empty(), "{name:?}");
        }
    }

    #[test]
    fn what_is_shown_has_nothing_invisible() {
        assert_eq!(shown(b"a\x1b[31m\xffb"), "a\\u{1b}[31m\\xffb");
        assert_eq!(shown("a\u{202e}b/é".as_bytes()), "a\\u{202e}b/é");
    }

    #[test]
    fn devices_and_streams_are_known() {
        for name in ["CON", "aux.yaml", "com1", "LPT9.txt", "a:b", "a.", "nul .x"] {
            assert!(meant_otherwise_on_windows(name), "{name}");
        }
        for name in ["console", "com10", "a.yaml", "auxiliary.yaml"] {
            assert!(!meant_otherwise_on_windows(name), "{name}");
        }
    }
}
