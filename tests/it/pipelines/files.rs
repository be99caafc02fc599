//! Rules that the files of all pipelines keep, whatever they do.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize as _;
use serde_yaml::Value;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Returns the files below a folder of the project whose names end so.
fn files(folder: &str, ends: &[&str]) -> Vec<PathBuf> {
    let all = walkdir::WalkDir::new(Path::new(ROOT).join(folder)).into_iter().map(|entry| entry.unwrap().into_path());
    let ending = |path: &PathBuf| path.extension().is_some_and(|end| ends.iter().any(|other| end == *other));
    all.filter(|path| path.is_file() && ending(path)).collect()
}

fn documents(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    let read = |document| Value::deserialize(document).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_yaml::Deserializer::from_str(&text).map(read).collect()
}

/// Returns the workflows: those of the examples, and the project's own.
fn workflows() -> Vec<(PathBuf, Value)> {
    let all = [files("examples/github-actions", &["yml"]), files(".github/workflows", &["yml"])].concat();
    all.into_iter().map(|path| (path.clone(), documents(&path).remove(0))).collect()
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_mapping().into_iter().flatten().map(|(name, value)| (name.as_str().unwrap(), value))
}

/// Calls `see` with each text and the name that it stands under.
fn texts<'a>(name: &'a str, value: &'a Value, see: &mut dyn FnMut(&'a str, &'a str)) {
    match value {
        Value::String(text) => see(name, text),
        Value::Sequence(all) => all.iter().for_each(|value| texts(name, value, see)),
        Value::Mapping(map) => {
            map.iter().for_each(|(name, value)| texts(name.as_str().unwrap_or_default(), value, see))
        }
        _ => {}
    }
}

/// Returns the scripts of a document.
fn scripts(document: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    texts("", document, &mut |name, text| {
        if matches!(name, "run" | "bash" | "script" | "inlineScript" | "args") {
            found.push(text);
        }
    });
    found
}

#[test]
fn every_file_parses() {
    let all = [files("examples", &["yml", "yaml"]), files(".github", &["yml", "yaml"])].concat();
    assert!(all.len() > 15, "{all:?}");
    for path in all {
        assert!(documents(&path).iter().all(Value::is_mapping), "{}", path.display());
    }
}

#[test]
fn actions_are_pinned_to_a_commit() {
    let own = files(".github/actions", &["yml"]).into_iter().map(|path| (path.clone(), documents(&path).remove(0)));
    for (path, document) in workflows().into_iter().chain(own) {
        texts("", &document, &mut |name, text| {
            let commit = text.rsplit_once('@').map_or("", |(_, commit)| commit);
            let pinned = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(name != "uses" || pinned, "{}: {text}", path.display());
        });
    }
}

#[test]
fn no_script_has_an_expression_in_it() {
    for path in [files("examples", &["yml"]), files(".github", &["yml"])].concat() {
        for document in documents(&path) {
            for script in scripts(&document) {
                for open in ["${{", "$(System.", "$(Build.", "$[["] {
                    assert!(!script.contains(open), "{}: {open} in a script: {script}", path.display());
                }
            }
        }
    }
}

#[test]
fn jobs_have_the_least_permissions() {
    for (path, workflow) in workflows() {
        let place = path.file_name().unwrap().to_str().unwrap();
        assert_eq!(
            workflow["permissions"],
            Value::Mapping(Default::default()),
            "{place}: nothing unless a job asks for it"
        );
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("pull_request_target"), "{place}");
        for (name, job) in entries(&workflow["jobs"]) {
            let place = format!("{place}: {name}");
            assert!(job["timeout-minutes"].is_number(), "{place}");
            let permissions =
                entries(&job["permissions"]).map(|(name, value)| format!("{name}: {}", value.as_str().unwrap()));
            let permissions: BTreeSet<String> = permissions.collect();
            let uses = |word: &str| {
                let mut found = false;
                texts("", job, &mut |_, text| found |= text.contains(word));
                found
            };
            let mut needed = BTreeSet::from(["contents: read".to_owned()]);
            let proposes = uses("entragit drift --pull-request");
            if uses("entragit sync") || proposes {
                needed = BTreeSet::from(["contents: write".to_owned()]);
            }
            if uses("vars.AZURE_TENANT_ID") {
                needed.insert("id-token: write".to_owned());
            }
            if uses("gh api") || proposes {
                needed.insert("pull-requests: write".to_owned());
            }
            if uses("entragit reject --pull-request") {
                needed.insert("pull-requests: read".to_owned());
            }
            assert_eq!(permissions, needed, "{place}");
            // Whoever does not push keeps no token in the clone.
            for step in job["steps"].as_sequence().unwrap() {
                if step["uses"].as_str().is_some_and(|action| action.starts_with("actions/checkout@")) {
                    let kept = step["with"]["persist-credentials"] != Value::Bool(false);
                    assert_eq!(kept, needed.contains("contents: write"), "{place}");
                }
            }
        }
    }
}

#[test]
fn the_application_that_writes_is_behind_an_environment() {
    let mut found = 0;
    for (path, workflow) in workflows() {
        for (name, job) in entries(&workflow["jobs"]) {
            let mut writes = false;
            texts("", job, &mut |_, text| writes |= text.contains("WRITER"));
            assert!(!writes || job["environment"].is_string(), "{}: {name}", path.display());
            let applies = job["steps"].as_sequence().unwrap().iter();
            let writing = |script: &str| ["entragit apply", "entragit reject"].iter().any(|act| script.contains(act));
            let applies = applies.filter_map(|step| step["run"].as_str()).any(writing);
            assert_eq!(applies, writes, "{}: {name}", path.display());
            found += usize::from(writes);
        }
    }
    assert_eq!(found, 2);
}

#[test]
fn forks_are_only_validated() {
    let path = Path::new(ROOT).join("examples/github-actions/pull-request.yml");
    let workflow = documents(&path).remove(0);
    for (name, job) in entries(&workflow["jobs"]) {
        let own = job["if"] == "github.event.pull_request.head.repo.full_name == github.repository";
        assert_eq!(own, name != "validate", "{name}");
        assert!(own || job["permissions"]["id-token"].is_null(), "{name}");
    }
}

/// Returns what the help of a command says.
fn help(command: &str) -> String {
    let ran = Command::new(env!("CARGO_BIN_EXE_entragit")).args([command, "--help"]).output().unwrap();
    assert!(ran.status.success(), "entragit has no command {command}");
    String::from_utf8(ran.stdout).unwrap()
}

#[test]
fn every_command_and_option_exists() {
    let mut seen = BTreeSet::new();
    let ends = ["yml", "yaml", "service", "sh", "tf", "md"];
    for path in [files("examples", &ends), files(".github/actions", &ends)].concat() {
        let text = std::fs::read_to_string(&path).unwrap();
        for line in text.lines() {
            // A namespace of a cluster has the same name.
            for call in line.replace("--namespace entragit ", "").split("entragit ").skip(1) {
                // A command ends where the shell says so; prose has no options.
                let call = call.split(['|', '>', ';', ')', '`', '&', '#']).next().unwrap();
                let mut words = call.split_whitespace();
                let Some(command) = words.next().filter(|word| word.bytes().all(|byte| byte.is_ascii_lowercase()))
                else {
                    continue;
                };
                let options: Vec<&str> = words.filter(|word| word.starts_with("--")).collect();
                if options.is_empty() && !line.trim_start().starts_with(['e', '-']) {
                    continue;
                }
                let help = help(command);
                for option in options.into_iter().map(|option| option.split('=').next().unwrap()) {
                    let exists = help.lines().any(|line| line.split([' ', ',', '[']).any(|word| word == option));
                    assert!(exists, "{}: entragit {command} has no {option}", path.display());
                }
                seen.insert(command.to_owned());
            }
        }
    }
    for command in ["sync", "watch", "plan", "apply", "validate", "drill", "kinds"] {
        assert!(seen.contains(command), "{command}: {seen:?}");
    }
}
