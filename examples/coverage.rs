//! Writes `examples/coverage.md`: every endpoint that EntraExporter reads, every resource type that Microsoft's Tenant
//! Configuration Management watches and every property that Microsoft's own backup recovers, with what has it here, or why
//! nothing does.
//!
//! `cargo run --example coverage > examples/coverage.md`
#![allow(clippy::print_stdout, missing_docs, dead_code, reason = "it prints, and a test reads it")]

use entragit::kinds;
use entragit::model::Kind;
use entragit::model::kind::LinkRead;

const ENTRA_EXPORTER: &str = include_str!("coverage/entraexporter.txt");
const UTCM: &str = include_str!("coverage/utcm.txt");
const BACKUP: &str = include_str!("coverage/backup.txt");
const WORDS: &str = include_str!("coverage/words.txt");
const LEFT_OUT: &str = include_str!("coverage/left-out.txt");

fn main() {
    print!("{}", document());
}

/// What becomes of one row.
pub enum Fate {
    /// Which kind, link or property has it.
    Covered(String),
    /// Why nothing does.
    LeftOut(&'static str),
    /// Nothing does, and nothing says why.
    Open,
}

pub fn document() -> String {
    let endpoints: Vec<(String, Fate)> = ENTRA_EXPORTER
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(api, path)| (format!("`{path}` ({api})"), endpoint(path)))
        .collect();
    let types: Vec<(String, Fate)> = UTCM
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, word)| (format!("`microsoft.entra.{}`", name.to_lowercase()), of_word(word)))
        .collect();
    let recovered: Vec<(String, Fate)> = pairs(BACKUP)
        .map(|(row, word)| match (of_word(word), left_out(row)) {
            (Fate::Open, Some(reason)) => (row.to_owned(), Fate::LeftOut(reason)),
            (fate, _) => (row.to_owned(), fate),
        })
        .collect();
    let mut out = "# Coverage\n\n\
        Made by `cargo run --example coverage` from the registry of kinds; a test holds it to that.\n"
        .to_owned();
    section(&mut out, "What EntraExporter reads", "endpoint", &endpoints);
    section(&mut out, "What Tenant Configuration Management watches", "resource type", &types);
    section(&mut out, "What Microsoft Entra Backup and Recovery recovers", "property", &recovered);
    out
}

fn section(out: &mut String, title: &str, what: &str, rows: &[(String, Fate)]) {
    let count = |fits: fn(&Fate) -> bool| rows.iter().filter(|(_, fate)| fits(fate)).count();
    let (covered, open) = (count(|fate| matches!(fate, Fate::Covered(_))), count(|fate| matches!(fate, Fate::Open)));
    out.push_str(&format!(
        "\n## {title}\n\n{} rows: {covered} covered, {} left out, {open} open.\n\n| {what} | here |\n|---|---|\n",
        rows.len(),
        rows.len() - covered - open
    ));
    for (row, fate) in rows {
        out.push_str(&match fate {
            Fate::Covered(by) => format!("| {row} | {by} |\n"),
            Fate::LeftOut(reason) => format!("| {row} | – {reason} |\n"),
            Fate::Open => format!("| {row} | not yet |\n"),
        });
    }
}

fn pairs(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" = "))
}

fn endpoint(path: &str) -> Fate {
    let path = path.replace("{tenantId}", "{id}");
    let other = |(row, _): &(&str, &str)| row.eq_ignore_ascii_case(&path);
    if let Some((_, word)) = pairs(WORDS).find(other) {
        return of_word(word);
    }
    if let Some(found) = kinds::ALL.iter().find_map(|kind| of_kind(kind, &path)) {
        return Fate::Covered(found);
    }
    left_out(&path).map_or(Fate::Open, Fate::LeftOut)
}

fn left_out(row: &str) -> Option<&'static str> {
    pairs(LEFT_OUT).find(|(other, _)| row.eq_ignore_ascii_case(other)).map(|(_, reason)| reason)
}

fn of_kind(kind: &Kind, path: &str) -> Option<String> {
    let same = |other: &str| other.trim_start_matches('/').eq_ignore_ascii_case(path);
    if same(kind.path) || kind.borrowed.iter().any(|borrowed| same(borrowed.path)) {
        return Some(format!("`{}`", kind.name));
    }
    let below = |link: &&entragit::model::kind::Link| {
        let joined = matches!(link.read, LinkRead::Joined { path, .. } if same(path));
        joined
            || same(&format!("{}/{{id}}/{}", kind.path, link.segment()))
            || same(&format!("{}/{}", kind.path, link.segment()))
    };
    kind.links.iter().find(below).map(|link| format!("`{}.{}`", kind.name, link.name))
}

fn of_word(word: &str) -> Fate {
    let (name, part) = word.split_once('.').map_or((word, None), |(name, part)| (name, Some(part)));
    let Some(kind) = kinds::ALL.iter().find(|kind| kind.name == name) else { return Fate::Open };
    let schema: serde_json::Value = serde_json::from_str(kind.schema).unwrap_or_default();
    let Some(part) = part else { return Fate::Covered(format!("`{word}`")) };
    let flag = |property: &serde_json::Value, name: &str| property.get(name).is_some();
    match schema["properties"].get(part) {
        Some(property) if flag(property, "x-entra-not-exported") => Fate::Open,
        // Neither in the file nor written: the server's own.
        Some(property) if flag(property, "readOnly") && !flag(property, "x-entra-keep") => Fate::Open,
        Some(property) if flag(property, "readOnly") => Fate::Covered(format!("`{word}`, for information")),
        Some(_) => Fate::Covered(format!("`{word}`")),
        None => Fate::Open,
    }
}
