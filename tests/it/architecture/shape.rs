//! The shape of the source: floors, homes of crates, sizes, names, and what belongs to a kind.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use entragit::kinds;

use super::scanner::*;

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
            wrong.push(format!("{}: `{home}` has no floor; give it one in tests/it/architecture/shape.rs", file.name));
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
            "src/lib.rs: module `{name}` has no floor; give it one in tests/it/architecture/shape.rs"
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

fn height(name: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&name))
}
