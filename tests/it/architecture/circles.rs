//! Circles: files that use each other in a loop cannot be understood one at a time.

use std::collections::{BTreeMap, BTreeSet};

use super::scanner::{Source, after_colons, before, none, sources, words};

/// Rooms of `ops` from the ground up: a room uses those before it.
const ROOMS: &[&str] = &["read", "audit", "commit", "guards", "snapshot", "report", "history", "plan", "apply"];

/// Folders that have circles still, with the number of files in the largest; it only gets smaller.
const LARGEST: &[(&str, usize)] = &[("emulator", 31)];

#[test]
fn files_use_each_other_in_no_circle() {
    let sources = sources();
    let uses = uses(&sources);
    let mut wrong = Vec::new();
    for circle in circles(&uses) {
        let floor = circle.first().and_then(|name| name.split('/').nth(1)).unwrap_or_default();
        let allowed = LARGEST.iter().find(|(name, _)| *name == floor).map_or(1, |(_, size)| *size);
        if circle.len() > allowed {
            let ties = circle.iter().map(|file| {
                let inside: Vec<&str> = uses[file].intersection(&circle).map(String::as_str).collect();
                format!("    {file} uses {}", inside.join(", "))
            });
            let ties: Vec<String> = ties.collect();
            wrong.push(format!("{} files in a circle; move what they share down\n{}", circle.len(), ties.join("\n")));
        }
    }
    none(&wrong);
}

#[test]
fn rooms_of_ops_use_only_rooms_below() {
    let room = |file: &str| ROOMS.iter().position(|room| file.starts_with(&format!("src/ops/{room}/")));
    let mut wrong = Vec::new();
    for (file, used) in uses(&sources()) {
        let Some(height) = room(&file) else { continue };
        let above = used.iter().filter(|other| room(other).is_some_and(|other| other > height));
        wrong.extend(above.map(|other| format!("{file} uses {other}, whose room is above")));
    }
    none(&wrong);
}

#[test]
fn every_room_of_ops_has_a_place() {
    let rooms: BTreeSet<String> = sources()
        .iter()
        .filter_map(|source| source.name.strip_prefix("src/ops/")?.split_once('/').map(|(room, _)| room.to_owned()))
        .collect();
    assert_eq!(rooms, ROOMS.iter().map(|room| (*room).to_owned()).collect());
}

#[test]
fn the_scanner_follows_groups_and_supers() {
    let code = "use super::{a::{self, B}, c}; use crate::d::e::F; fn g() { super::super::h::i(); }";
    let paths: Vec<String> = paths(code).into_iter().map(|path| path.join("::")).collect();
    assert_eq!(
        paths,
        ["super::a::self", "super::a::B", "super::c", "crate::d::e::F", "super::super::h::i"].map(str::to_owned)
    );
    let circle = BTreeMap::from([
        ("a".to_owned(), BTreeSet::from(["b".to_owned()])),
        ("b".to_owned(), BTreeSet::from(["c".to_owned()])),
        ("c".to_owned(), BTreeSet::from(["b".to_owned()])),
    ]);
    assert_eq!(circles(&circle), [BTreeSet::from(["b".to_owned(), "c".to_owned()])]);
}

/// Returns the files that each file uses, without its own parents: those are the faces of the folders it lies in.
fn uses(sources: &[Source]) -> BTreeMap<String, BTreeSet<String>> {
    let modules: BTreeMap<Vec<String>, &str> =
        sources.iter().map(|source| (module(source), source.name.as_str())).collect();
    let used_by = |source: &Source| {
        let own = module(source);
        let mut used = BTreeSet::new();
        for path in paths(source.code_without_tests()) {
            let supers = path.iter().take_while(|part| *part == "super").count();
            let rest = &path[supers.max(1)..];
            let mut found = match supers {
                0 => Vec::new(),
                _ if supers > own.len() => continue,
                _ => own[..own.len() - supers].to_vec(),
            };
            found.extend(rest.iter().cloned());
            while !found.is_empty() && !modules.contains_key(&found) {
                found.pop();
            }
            if !own.starts_with(&found) {
                used.insert(modules[&found].to_owned());
            }
        }
        used
    };
    sources.iter().map(|source| (source.name.clone(), used_by(source))).collect()
}

/// Returns the path of the module that a file holds, from the root of the crate.
fn module(source: &Source) -> Vec<String> {
    let mut parts: Vec<String> =
        source.path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        parts.pop();
    }
    parts
}

/// Returns every path that starts with `crate` or `super`; a group counts as one path for each of its members.
fn paths(code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (at, word) in words(code) {
        if ["crate", "super"].contains(&word) && !before(code, at).ends_with("::") {
            follow(&code[at + word.len()..], vec![word.to_owned()], &mut found);
        }
    }
    found
}

/// Adds the paths that go on with `rest`, and returns what comes after them.
fn follow<'a>(rest: &'a str, mut path: Vec<String>, found: &mut Vec<Vec<String>>) -> &'a str {
    let Some(next) = after_colons(rest) else {
        found.push(path);
        return rest;
    };
    let Some(mut group) = next.strip_prefix('{') else {
        let Some((0, word)) = words(next).next() else {
            found.push(path);
            return next;
        };
        path.push(word.to_owned());
        return follow(&next[word.len()..], path, found);
    };
    loop {
        group = group.trim_start().trim_start_matches(',').trim_start();
        if let Some(after) = group.strip_prefix('}') {
            return after;
        }
        let Some((0, word)) = words(group).next() else { return group };
        let mut inner = path.clone();
        inner.push(word.to_owned());
        group = follow(&group[word.len()..], inner, found);
        // A name after `as` is no part of the path.
        if let Some((_, end)) = group.trim_start().starts_with("as ").then(|| group.split_once([',', '}'])).flatten() {
            group = &group[group.len() - end.len() - 1..];
        }
    }
}

/// Returns the groups of files of which each leads to each, largest first.
fn circles(uses: &BTreeMap<String, BTreeSet<String>>) -> Vec<BTreeSet<String>> {
    let reach: BTreeMap<&String, BTreeSet<&String>> = uses.keys().map(|file| (file, reachable(file, uses))).collect();
    let mut found: Vec<BTreeSet<String>> = Vec::new();
    for (file, far) in &reach {
        let circle: BTreeSet<String> =
            far.iter().filter(|other| reach[*other].contains(file)).map(|other| (*other).clone()).collect();
        if circle.len() > 1 && !found.contains(&circle) {
            found.push(circle);
        }
    }
    found.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
    found
}

fn reachable<'a>(from: &String, uses: &'a BTreeMap<String, BTreeSet<String>>) -> BTreeSet<&'a String> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<&String> = uses[from].iter().collect();
    while let Some(file) = open.pop() {
        if uses.contains_key(file) && seen.insert(file) {
            open.extend(&uses[file]);
        }
    }
    seen
}
