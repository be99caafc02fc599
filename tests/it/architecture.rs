//! The shape of the source: floors, homes of crates, sizes, names, and what belongs to a kind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use entragit::kinds;

mod circles;

/// From the ground up; what stands on one line are strangers to each other.
const FLOORS: &[&[&str]] = &[
    &["model"],
    &["kinds"],
    &["engine", "format"],
    &["tenant", "repo"],
    &["graph", "emulator", "webhook", "forge"],
    &["ops"],
    &["dashboard"],
    &["cli"],
];

/// Floors that may use less than what lies below them.
const NARROWER: &[(&str, &[&str])] = &[("emulator", &["model", "kinds"])];

/// Crates with one home: a folder or a file under `src`. The last word says whether tests elsewhere may use the crate.
const HOMES: &[(&str, &[&str], bool)] = &[
    ("git2", &["repo"], false),
    ("walkdir", &["repo"], false),
    ("reqwest", &["graph", "webhook"], false),
    ("serde_yaml", &["format/yaml.rs"], false),
    ("clap", &["cli"], false),
    ("clap_complete", &["cli"], false),
    ("axum", &["emulator", "dashboard"], true),
];

/// Words that say nothing of what a module holds.
const EMPTY_WORDS: &[&str] = &["utils", "util", "common", "helpers", "helper", "manager", "misc"];

const MOST_LINES: usize = 700;

#[test]
fn modules_use_only_floors_below() {
    let mut wrong = Vec::new();
    for file in sources() {
        let Some(home) = file.floor() else { continue };
        let Some(height) = height(home) else {
            wrong.push(format!("{}: `{home}` has no floor; give it one in tests/it/architecture.rs", file.name));
            continue;
        };
        let narrower = NARROWER.iter().find(|(name, _)| *name == home).map(|(_, allowed)| *allowed);
        for used in crate_paths(&file.code, file.depth()) {
            let Some(other) = self::height(&used) else { continue };
            if used == home {
                continue;
            }
            if other >= height {
                let file = &file.name;
                wrong.push(format!("{file}: `{home}` uses `{used}`, which is not below it; move what they share down"));
            } else if narrower.is_some_and(|allowed| !allowed.contains(&used.as_str())) {
                let (file, allowed) = (&file.name, narrower.unwrap_or_default().join(", "));
                wrong.push(format!("{file}: `{home}` uses `{used}`; it may use {allowed} only, to stay independent"));
            }
        }
    }
    none(&wrong);
}

#[test]
fn every_floor_of_the_library_has_a_place() {
    let library = strip(&read(&root().join("src/lib.rs")));
    for name in declared(&library) {
        assert!(
            height(&name).is_some(),
            "src/lib.rs: module `{name}` has no floor; give it one in tests/it/architecture.rs"
        );
    }
}

#[test]
fn crates_stay_at_home() {
    let mut wrong = Vec::new();
    for file in sources() {
        for (name, homes, free_in_tests) in HOMES {
            let at_home = homes.iter().any(|home| Path::new(&file.path).starts_with(home));
            let code = if *free_in_tests { file.code_without_tests() } else { &file.code };
            if !at_home && uses_crate(code, name) {
                let homes = homes.join(", src/");
                wrong.push(format!("{}: uses `{name}`, whose only home is src/{homes}; call that instead", file.name));
            }
        }
    }
    none(&wrong);
}

#[test]
fn nothing_prints_past_the_output() {
    let mut wrong = Vec::new();
    // A measurement in a test may say what it found.
    for file in sources().into_iter().filter(|file| !file.name.contains("/tests/") && !file.name.ends_with("/tests.rs"))
    {
        for word in ["println", "eprintln", "print", "eprint", "dbg"] {
            if words(&file.code).any(|(at, found)| found == word && file.code[at + word.len()..].starts_with('!')) {
                wrong
                    .push(format!("{}: `{word}!`; emit an event or write to the output of src/cli instead", file.name));
            }
        }
    }
    none(&wrong);
}

#[test]
fn files_stay_readable() {
    let mut wrong = Vec::new();
    for file in sources() {
        if file.lines > MOST_LINES {
            wrong.push(format!(
                "{}: {} lines, and {MOST_LINES} is the most; split it by subject",
                file.name, file.lines
            ));
        }
    }
    none(&wrong);
}

#[test]
fn names_say_what_is_inside() {
    let mut wrong = Vec::new();
    for path in files(&root().join("src")).into_iter().chain(files(&root().join("tests/it"))) {
        for part in path.strip_prefix(root()).unwrap().components() {
            let part = Path::new(part.as_os_str()).file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if EMPTY_WORDS.contains(&part.as_str()) {
                wrong.push(format!("{}: `{part}` says nothing; name it after what it holds", shown(&path)));
            }
        }
    }
    none(&wrong);
}

/// A file that no module declares compiles nowhere, and so tests nothing.
#[test]
fn every_file_is_declared() {
    let mut wrong = Vec::new();
    for (top, first) in [("src", &["main.rs", "lib.rs"][..]), ("tests/it", &["main.rs"][..])] {
        let top = root().join(top);
        for path in files(&top).iter().filter(|path| path.extension().is_some_and(|end| end == "rs")) {
            if path.parent() == Some(&top) && first.iter().any(|name| path.ends_with(name)) {
                continue;
            }
            let module =
                if path.ends_with("mod.rs") { path.parent().unwrap().to_owned() } else { path.with_extension("") };
            let folder = module.parent().unwrap();
            let parents = if folder == top {
                first.iter().map(|name| top.join(name)).collect()
            } else {
                vec![folder.join("mod.rs"), folder.with_extension("rs")]
            };
            let name = module.file_name().unwrap().to_string_lossy().into_owned();
            let known = parents.iter().filter(|parent| parent.is_file()).any(|parent| {
                let code = strip(&read(parent));
                declared(&code).contains(&name) || listed(&code).contains(&name)
            });
            if !known {
                let parents: Vec<_> = parents.iter().map(|parent| shown(parent)).collect();
                wrong.push(format!(
                    "{}: no `mod {name};` in {}; declare or remove it",
                    shown(path),
                    parents.join(" or ")
                ));
            }
        }
    }
    none(&wrong);
}

#[test]
fn every_kind_has_a_documented_reply() {
    let folder = root().join("tests/fixtures/graph");
    let mut wrong = Vec::new();
    for kind in kinds::ALL {
        let path = folder.join(format!("{}.json", kind.name));
        if !path.is_file() {
            wrong.push(format!("{}: missing; add Microsoft's documented reply for `{}`", shown(&path), kind.name));
        } else if let Err(error) = serde_json::from_str::<serde_json::Value>(&read(&path)) {
            wrong.push(format!("{}: not JSON ({error}); copy the documented reply again", shown(&path)));
        }
    }
    for path in files(&folder).iter().filter(|path| path.extension().is_some_and(|end| end == "json")) {
        let name = path.file_stem().unwrap().to_string_lossy();
        if kinds::by_name(&name).is_none() {
            wrong.push(format!("{}: no kind is called `{name}`; add the kind or remove the reply", shown(path)));
        }
    }
    none(&wrong);
}

#[test]
fn every_schema_belongs_to_a_kind() {
    let mut wrong = Vec::new();
    let mut seen = BTreeMap::new();
    // `schemas/output/` describes what the commands print; the tests of those validate it against real output.
    let of_kinds =
        |path: &&PathBuf| shown(path).ends_with(".schema.json") && !shown(path).starts_with("schemas/output/");
    for path in files(&root().join("schemas")).iter().filter(of_kinds) {
        let text = read(path);
        match kinds::ALL.iter().find(|kind| kind.schema == text) {
            Some(kind) => {
                if let Some(other) = seen.insert(kind.name, shown(path)) {
                    wrong.push(format!("{}: the same as {other}; remove one", shown(path)));
                }
            }
            None => {
                wrong.push(format!("{}: no kind reads it; add src/kinds/<kind>.rs and its word", shown(path)));
            }
        }
    }
    for kind in kinds::ALL.iter().filter(|kind| !seen.contains_key(kind.name)) {
        wrong.push(format!("kind `{}`: its schema lies outside schemas/; move it there", kind.name));
    }
    none(&wrong);
}

/// Canonical files rest on it; a dependency that switches on `preserve_order` would undo it for everyone.
#[test]
fn json_objects_keep_their_keys_sorted() {
    let value: serde_json::Value = serde_json::from_str(r#"{"b":1,"a":2,"B":3}"#).unwrap();
    assert_eq!(
        value.to_string(),
        r#"{"B":3,"a":2,"b":1}"#,
        "Cargo.toml: a dependency switches on serde_json's `preserve_order`; find it with `cargo tree -e features -i serde_json`"
    );
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

// ---- reading the source ----

struct Source {
    /// From the root of the repository: `src/repo/mod.rs`.
    name: String,
    /// From `src`: `repo/mod.rs`.
    path: PathBuf,
    /// Without comments and the insides of strings.
    code: String,
    lines: usize,
}

impl Source {
    /// The floor the file stands on; `lib.rs` and `main.rs` stand on none.
    fn floor(&self) -> Option<&str> {
        let first = self.path.components().next()?.as_os_str().to_str()?;
        match first.strip_suffix(".rs") {
            Some("lib" | "main") => None,
            Some(name) => Some(name),
            None => Some(first),
        }
    }

    /// How many `super` lead to the root of the crate.
    fn depth(&self) -> usize {
        let parts = self.path.components().count();
        if self.path.ends_with("mod.rs") { parts - 1 } else { parts }
    }

    /// What is compiled outside of tests: test modules come last in a file.
    fn code_without_tests(&self) -> &str {
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

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", shown(path)))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", shown(folder))) {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn sources() -> Vec<Source> {
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

fn height(name: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&name))
}

#[track_caller]
fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} to put right:\n  {}", wrong.len(), wrong.join("\n  "));
}

/// The text without comments and with empty string and character literals.
fn strip(text: &str) -> String {
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

fn ends_in_word(text: &str) -> bool {
    text.ends_with(|last: char| last.is_alphanumeric() || last == '_')
}

fn block_comment(text: &str) -> usize {
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

fn raw_string(text: &str) -> Option<usize> {
    let start = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let inside = start.trim_start_matches('#');
    let close = format!("\"{}", "#".repeat(start.len() - inside.len()));
    let inside = inside.strip_prefix('"')?;
    let end = inside.find(&close).map_or(inside.len(), |end| end + close.len());
    Some(text.len() - inside.len() + end)
}

fn quoted(text: &str, quote: char) -> usize {
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
fn character(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('\'')?;
    let mut letters = inside.chars();
    match letters.next()? {
        '\\' => Some(quoted(text, '\'')),
        first if letters.next() == Some('\'') => Some(first.len_utf8() + 2),
        _ => None,
    }
}

fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
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
fn crate_paths(code: &str, depth: usize) -> Vec<String> {
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

fn before(code: &str, at: usize) -> &str {
    code[..at].trim_end()
}

fn after_colons(code: &str) -> Option<&str> {
    code.trim_start().strip_prefix("::").map(str::trim_start)
}

/// The first word of each part of a `use` group, whose opening brace is behind us.
fn first_words(group: &str) -> Vec<String> {
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

fn uses_crate(code: &str, name: &str) -> bool {
    words(code).filter(|(_, word)| *word == name).any(|(at, word)| {
        let (before, after) = (before(code, at), code[at + word.len()..].trim_start());
        let inner = before.strip_suffix("::").is_some_and(|path| ends_in_word(path) && !path.ends_with("use"));
        !inner && (after.starts_with("::") || before.ends_with("use") || before.ends_with("::"))
    })
}

/// The modules that `mod name;` declares.
fn declared(code: &str) -> BTreeSet<String> {
    let all: Vec<_> = words(code).collect();
    let pairs = all.windows(2).filter(|pair| pair[0].1 == "mod");
    pairs
        .filter(|pair| code[pair[1].0 + pair[1].1.len()..].trim_start().starts_with(';'))
        .map(|pair| pair[1].1.to_owned())
        .collect()
}

/// The modules that the list of kinds declares.
fn listed(code: &str) -> BTreeSet<String> {
    let Some((_, list)) = code.split_once("\nkinds! {") else { return BTreeSet::new() };
    first_words(list).into_iter().collect()
}
