//! Reads the source: files, the paths in them, and the modules that they declare.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

pub(super) struct Source {
    /// From the root of the repository: `src/repo/mod.rs`.
    pub(super) name: String,
    /// From `src`: `repo/mod.rs`.
    pub(super) path: PathBuf,
    /// Without comments and the insides of strings.
    pub(super) code: String,
    pub(super) lines: usize,
}

impl Source {
    /// The floor the file stands on; `lib.rs` and `main.rs` stand on none.
    pub(super) fn floor(&self) -> Option<&str> {
        let first = self.path.components().next()?.as_os_str().to_str()?;
        match first.strip_suffix(".rs") {
            Some("lib" | "main") => None,
            Some(name) => Some(name),
            None => Some(first),
        }
    }

    /// How many `super` lead to the root of the crate.
    pub(super) fn depth(&self) -> usize {
        let parts = self.path.components().count();
        if self.path.ends_with("mod.rs") { parts - 1 } else { parts }
    }

    /// What is compiled outside of tests: test modules come last in a file.
    pub(super) fn code_without_tests(&self) -> &str {
        if self.path.components().any(|part| part.as_os_str() == "tests") || self.path.ends_with("tests.rs") {
            return "";
        }
        let tail = self.code.match_indices("#[cfg(test)]").find(|(at, mark)| {
            let after = self.code[at + mark.len()..].trim_start();
            after.starts_with("mod ") && after.find('{').unwrap_or(usize::MAX) < after.find(';').unwrap_or(usize::MAX)
        });
        tail.map_or(&self.code, |(at, _)| &self.code[..at])
    }
}

pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(super) fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

pub(super) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", shown(path)))
}

pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", shown(folder))) {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

pub(super) fn sources() -> Vec<Source> {
    let top = root().join("src");
    let rust = files(&top).into_iter().filter(|path| path.extension().is_some_and(|end| end == "rs"));
    rust.map(|path| {
        let text = read(&path);
        Source {
            name: shown(&path),
            path: path.strip_prefix(&top).unwrap().to_owned(),
            code: strip(&text),
            lines: text.lines().count(),
        }
    })
    .collect()
}

#[track_caller]
pub(super) fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} to put right:\n  {}", wrong.len(), wrong.join("\n  "));
}

/// The text without comments and with empty string and character literals.
pub(super) fn strip(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skip = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some(length) = raw_string(rest).filter(|_| !ends_in_word(&out)) {
            out.push_str("\"\"");
            length
        } else if first == '"' {
            out.push_str("\"\"");
            quoted(rest, '"')
        } else if let Some(length) = character(rest) {
            out.push_str("' '");
            length
        } else {
            out.push(first);
            first.len_utf8()
        };
        rest = &rest[skip..];
    }
    out
}

pub(super) fn ends_in_word(text: &str) -> bool {
    text.ends_with(|last: char| last.is_alphanumeric() || last == '_')
}

pub(super) fn block_comment(text: &str) -> usize {
    let (mut at, mut depth) = (0, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            (at, depth) = (at + 2, depth + 1);
        } else if text[at..].starts_with("*/") {
            (at, depth) = (at + 2, depth - 1);
            if depth == 0 {
                break;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

pub(super) fn raw_string(text: &str) -> Option<usize> {
    let start = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let inside = start.trim_start_matches('#');
    let close = format!("\"{}", "#".repeat(start.len() - inside.len()));
    let inside = inside.strip_prefix('"')?;
    let end = inside.find(&close).map_or(inside.len(), |end| end + close.len());
    Some(text.len() - inside.len() + end)
}

pub(super) fn quoted(text: &str, quote: char) -> usize {
    let mut letters = text.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        if letter == '\\' {
            letters.next();
        } else if letter == quote {
            return at + 1;
        }
    }
    text.len()
}

/// The length of a character literal, if `text` starts with one and not with a lifetime.
pub(super) fn character(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('\'')?;
    let mut letters = inside.chars();
    match letters.next()? {
        '\\' => Some(quoted(text, '\'')),
        first if letters.next() == Some('\'') => Some(first.len_utf8() + 2),
        _ => None,
    }
}

pub(super) fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let in_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let mut at = 0;
    std::iter::from_fn(move || {
        at += code[at..].find(in_word)?;
        let length = code[at..].find(|letter| !in_word(letter)).unwrap_or(code.len() - at);
        let found = (at, &code[at..at + length]);
        at += length;
        Some(found)
    })
}

/// The first segments of every path that starts at the root of the crate, seen from a module `depth` below it.
pub(super) fn crate_paths(code: &str, depth: usize) -> Vec<String> {
    let mut found = Vec::new();
    for (at, word) in words(code) {
        let rest = match word {
            "crate" => &code[at + word.len()..],
            "super" if !before(code, at).ends_with("::") => {
                let mut rest = &code[at + word.len()..];
                let mut steps = 1;
                while let Some(next) = after_colons(rest).and_then(|next| next.strip_prefix("super")) {
                    (rest, steps) = (next, steps + 1);
                }
                if steps != depth {
                    continue;
                }
                rest
            }
            _ => continue,
        };
        let Some(rest) = after_colons(rest) else { continue };
        match rest.strip_prefix('{') {
            Some(group) => found.extend(first_words(group)),
            None => found.extend(words(rest).next().filter(|(at, _)| *at == 0).map(|(_, word)| word.to_owned())),
        }
    }
    found
}

pub(super) fn before(code: &str, at: usize) -> &str {
    code[..at].trim_end()
}

pub(super) fn after_colons(code: &str) -> Option<&str> {
    code.trim_start().strip_prefix("::").map(str::trim_start)
}

/// The first word of each part of a `use` group, whose opening brace is behind us.
pub(super) fn first_words(group: &str) -> Vec<String> {
    let (mut depth, mut part, mut found) = (1, String::new(), Vec::new());
    for letter in group.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 || (depth == 1 && letter == ',') {
            found.extend(words(&part).next().map(|(_, word)| word.to_owned()));
            part.clear();
            if depth == 0 {
                break;
            }
        } else {
            part.push(letter);
        }
    }
    found
}

pub(super) fn uses_crate(code: &str, name: &str) -> bool {
    words(code).filter(|(_, word)| *word == name).any(|(at, word)| {
        let (before, after) = (before(code, at), code[at + word.len()..].trim_start());
        let inner = before.strip_suffix("::").is_some_and(|path| ends_in_word(path) && !path.ends_with("use"));
        !inner && (after.starts_with("::") || before.ends_with("use") || before.ends_with("::"))
    })
}

/// The modules that `mod name;` declares.
pub(super) fn declared(code: &str) -> BTreeSet<String> {
    let all: Vec<_> = words(code).collect();
    let pairs = all.windows(2).filter(|pair| pair[0].1 == "mod");
    pairs
        .filter(|pair| code[pair[1].0 + pair[1].1.len()..].trim_start().starts_with(';'))
        .map(|pair| pair[1].1.to_owned())
        .collect()
}

/// The modules that the list of kinds declares.
pub(super) fn listed(code: &str) -> BTreeSet<String> {
    let Some((_, list)) = code.split_once("\nkinds! {") else { return BTreeSet::new() };
    first_words(list).into_iter().collect()
}

#[test]
fn the_scanner_sees_paths_and_only_paths() {
    let code = strip(
        r##"
        //! [`crate::cli`] is no use of it.
        /* nor /* is */ crate::ops */
        use crate::{model::Kind, engine::{self, render}, format as layout,};
        use crate :: repo::Repository;
        fn f<'a>(x: &'a str) -> char { let _ = ("crate::graph // \"", r#"crate::"tenant"#, '"', '\'', b'"'); super::super::kinds::by_name(x); '/' }
        macro_rules! m { () => { $crate::dashboard::page() } }
        mod tests { use super::super::super::ops; }
        "##,
    );
    let seen: BTreeSet<_> = crate_paths(&code, 2).into_iter().collect();
    let wanted = ["dashboard", "engine", "format", "kinds", "model", "repo"];
    assert_eq!(seen, wanted.into_iter().map(str::to_owned).collect());
    assert!(uses_crate("use git2::Oid;", "git2") && uses_crate("use ::git2 as g;", "git2"));
    assert!(!uses_crate("let git2 = 1; other::git2::x()", "git2"));
}
