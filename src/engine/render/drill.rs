//! Renders the result of a drill: for a terminal, for a pull request or a file that an auditor keeps, and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::json::{FORMAT_VERSION, sorted};
use super::markdown::cell;
use super::{Style, safe};
use crate::engine::drill::{Recovered, Unlike};
use crate::model::words::counted;

/// Maximum number of objects of one sort that are named one by one in a text.
const SHOWN: usize = 20;

/// Holds the result of a drill.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Drill {
    /// Snapshot that was recovered: `HEAD, d25e081139 of 2026-11-23T08:01:34Z`.
    pub source: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Time when the drill began, RFC 3339.
    pub time: String,
    /// Version of the program.
    pub version: String,
    /// Number of writes that did the damage, and of those that the tenant refused.
    pub writes: (usize, usize),
    /// Number of objects that were deleted for good.
    pub purged: usize,
    /// Number of objects that the report between both snapshots calls added, modified, removed.
    pub damaged: (usize, usize, usize),
    /// Summary of the plan: `584 steps: 88 create, …`.
    pub plan: String,
    /// Guards that a person would have to accept by name before the plan is applied to a real tenant, with their messages.
    pub guards: Vec<(String, String)>,
    /// Losses by re-creation according to the plan: the number of objects for each sentence.
    pub losses: Vec<(String, usize)>,
    /// Number of steps done, failed and skipped, and of corrections beyond the plan.
    pub steps: (usize, usize, usize, usize),
    /// Number of steps that a second plan would have.
    pub remaining: usize,
    /// Comparison of the tenant before the damage and after the recovery.
    pub recovered: Recovered,
    /// Stages of the drill with their durations in seconds.
    pub stages: Vec<(&'static str, f64)>,
}

impl Drill {
    /// Returns true if everything that can be restored is back, no reference is dangling, and nothing is left to do.
    pub fn passed(&self) -> bool {
        self.recovered.is_whole() && self.steps.1 == 0 && self.steps.2 == 0 && self.remaining == 0
    }

    fn verdict(&self) -> &'static str {
        if self.passed() { "passed" } else { "failed" }
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let all = &self.recovered;
        let (added, modified, removed) = self.damaged;
        let (done, failed, skipped, more) = self.steps;
        let percent = match all.values {
            0 => "100.00".to_owned(),
            // The percentage is rounded down, so that it is 100 only if everything is back.
            values => format!("{}.{:02}", all.values_back * 100 / values, all.values_back * 10_000 / values % 100),
        };
        vec![
            ("Snapshot", format!("{} with {}", self.source, counted(all.objects, "object"))),
            ("Scenario", self.scenario.clone()),
            (
                "Damage",
                format!(
                    "{} ({} refused by the tenant), {} purged; {added} added, {modified} modified, {removed} removed",
                    counted(self.writes.0, "write"),
                    self.writes.1,
                    counted(self.purged, "object")
                ),
            ),
            ("Plan", self.plan.clone()),
            ("Steps", format!("{done} done, {failed} failed, {skipped} skipped, {more} more to put right")),
            ("Second plan", counted(self.remaining, "step")),
            (
                "Back byte for byte",
                format!("{} of {} objects, {} of them under a new id", all.same, all.objects, all.recreated),
            ),
            ("Values that can be written", format!("{} of {} back ({percent} %)", all.values_back, all.values)),
            ("Dangling references", all.dangling.len().to_string()),
            ("Not back", counted(all.missing.len(), "object")),
            ("One too many", counted(all.extra.len(), "object")),
            (
                "Time",
                self.stages
                    .iter()
                    .map(|(stage, seconds)| format!("{stage} {seconds:.1} s"))
                    .collect::<Vec<_>>()
                    .join(", "),
            ),
        ]
    }

    /// Returns the lists that an auditor asks for.
    fn lists(&self) -> Vec<(&'static str, Vec<String>)> {
        let all = &self.recovered;
        let unlike = |all: &[Unlike]| all.iter().map(line).collect::<Vec<_>>();
        let unwritable = all
            .unwritable
            .iter()
            .map(|((kind, property), count)| format!("{kind}.{property}: {}", counted(*count, "object")));
        vec![
            ("Differs although it can be written", unlike(&all.differing)),
            ("Not back", unlike(&all.missing)),
            ("Had not been there before", unlike(&all.extra)),
            ("References that lead nowhere", all.dangling.clone()),
            ("Differs, and nobody can write it", unwritable.collect()),
            ("Lost by re-creation", self.losses.iter().map(|(what, count)| format!("{count} × {what}")).collect()),
            (
                "Guards that would have to be lifted by name",
                self.guards.iter().map(|(guard, says)| format!("{guard}: {says}")).collect(),
            ),
        ]
    }
}

fn line(unlike: &Unlike) -> String {
    let what = if unlike.properties.is_empty() { String::new() } else { format!(": {}", unlike.properties.join(", ")) };
    let why = if unlike.why.is_empty() { String::new() } else { format!(" ({})", unlike.why) };
    format!("{} \"{}\" {}{what}{why}", unlike.kind, unlike.name, unlike.id)
}

/// Renders the result for a terminal.
pub fn text(drill: &Drill, style: Style) -> String {
    let mut out = format!("{}  {}\n\n", style.bold("Drill"), drill.verdict());
    for (name, value) in drill.facts() {
        let _ = writeln!(out, "  {name:<28}{}", safe(&value));
    }
    for (title, lines) in drill.lists().into_iter().filter(|(_, lines)| !lines.is_empty()) {
        let _ = writeln!(out, "\n{}", style.bold(title));
        for line in lines.iter().take(SHOWN) {
            let _ = writeln!(out, "  {}", safe(line));
        }
        if lines.len() > SHOWN {
            let _ = writeln!(out, "  … and {} more; --format json lists them all", lines.len() - SHOWN);
        }
    }
    out
}

/// Renders the result for a file that somebody keeps.
pub fn markdown(drill: &Drill) -> String {
    let mut out = format!(
        "# Recovery drill: {}\n\nBegun {}, Entragit {}, on an embedded tenant; no live tenant was touched.\n\n| | |\n|---|---|\n",
        drill.verdict(),
        drill.time,
        drill.version
    );
    for (name, value) in drill.facts() {
        let _ = writeln!(out, "| {name} | {} |", cell(&value));
    }
    for (title, lines) in drill.lists().into_iter().filter(|(_, lines)| !lines.is_empty()) {
        let _ = writeln!(out, "\n## {title}\n");
        for line in lines {
            let _ = writeln!(out, "- {}", cell(&line));
        }
    }
    out
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DrillDocument<'a> {
    format_version: u32,
    passed: bool,
    source: &'a str,
    scenario: &'a str,
    time: &'a str,
    version: &'a str,
    damage: DamageDocument,
    plan: PlanDocument<'a>,
    steps: StepsDocument,
    recovered: RecoveredDocument<'a>,
    seconds: BTreeMap<&'static str, f64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DamageDocument {
    writes: usize,
    refused: usize,
    purged: usize,
    added: usize,
    modified: usize,
    removed: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PlanDocument<'a> {
    summary: &'a str,
    guards: Vec<GuardDocument<'a>>,
    losses: Vec<LossDocument<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GuardDocument<'a> {
    guard: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LossDocument<'a> {
    what: &'a str,
    objects: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StepsDocument {
    done: usize,
    failed: usize,
    skipped: usize,
    corrected: usize,
    remaining: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RecoveredDocument<'a> {
    objects: usize,
    same: usize,
    recreated: usize,
    values: usize,
    values_back: usize,
    differing: Vec<UnlikeDocument<'a>>,
    missing: Vec<UnlikeDocument<'a>>,
    extra: Vec<UnlikeDocument<'a>>,
    dangling: &'a [String],
    unwritable: Vec<UnwritableDocument<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UnlikeDocument<'a> {
    kind: &'static str,
    id: &'a str,
    name: &'a str,
    properties: &'a [String],
    why: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UnwritableDocument<'a> {
    kind: &'static str,
    property: &'a str,
    objects: usize,
}

/// Renders the result as a JSON document.
pub fn json(drill: &Drill) -> String {
    let ((writes, refused), (added, modified, removed)) = (drill.writes, drill.damaged);
    let (done, failed, skipped, corrected) = drill.steps;
    sorted(&DrillDocument {
        format_version: FORMAT_VERSION,
        passed: drill.passed(),
        source: &drill.source,
        scenario: &drill.scenario,
        time: &drill.time,
        version: &drill.version,
        damage: DamageDocument { writes, refused, purged: drill.purged, added, modified, removed },
        plan: PlanDocument {
            summary: &drill.plan,
            guards: drill.guards.iter().map(|(guard, message)| GuardDocument { guard, message }).collect(),
            losses: drill.losses.iter().map(|(what, count)| LossDocument { what, objects: *count }).collect(),
        },
        steps: StepsDocument { done, failed, skipped, corrected, remaining: drill.remaining },
        recovered: recovered_document(&drill.recovered),
        seconds: drill.stages.iter().copied().collect(),
    })
}

fn recovered_document(all: &Recovered) -> RecoveredDocument<'_> {
    let unwritable = all.unwritable.iter();
    RecoveredDocument {
        objects: all.objects,
        same: all.same,
        recreated: all.recreated,
        values: all.values,
        values_back: all.values_back,
        differing: unlike_documents(&all.differing),
        missing: unlike_documents(&all.missing),
        extra: unlike_documents(&all.extra),
        dangling: &all.dangling,
        unwritable: unwritable
            .map(|((kind, property), count)| UnwritableDocument { kind, property, objects: *count })
            .collect(),
    }
}

fn unlike_documents(all: &[Unlike]) -> Vec<UnlikeDocument<'_>> {
    all.iter().map(unlike_document).collect()
}

fn unlike_document(unlike: &Unlike) -> UnlikeDocument<'_> {
    let Unlike { kind, id, name, properties, why } = unlike;
    UnlikeDocument { kind, id, name, properties, why }
}

#[cfg(test)]
mod tests {
    use super::super::fits::assert_fits;
    use super::*;

    fn unlike(properties: &[&str], why: &str) -> Unlike {
        Unlike {
            kind: "group",
            id: "6a46cf97-e63a-4216-8572-04331c277457".to_owned(),
            name: "Sales".to_owned(),
            properties: properties.iter().map(|name| (*name).to_owned()).collect(),
            why: why.to_owned(),
        }
    }

    #[test]
    fn the_document_fits_its_schema() {
        let time = "2026-11-23T08:01:34Z".to_owned();
        let failed = Drill {
            source: "HEAD, d25e081139 of 2026-11-23T08:01:34Z".to_owned(),
            scenario: "random:7".to_owned(),
            time: time.clone(),
            version: "0.1.0".to_owned(),
            writes: (9, 1),
            purged: 2,
            damaged: (1, 2, 3),
            plan: "6 steps: 6 create".to_owned(),
            guards: vec![("mass-delete".to_owned(), "It deletes 9 objects.".to_owned())],
            losses: vec![("gets a new id".to_owned(), 2)],
            steps: (3, 2, 1, 0),
            remaining: 3,
            recovered: Recovered {
                objects: 9,
                same: 5,
                values: 40,
                values_back: 33,
                unwritable: BTreeMap::from([(("user", "licences".to_owned()), 1)]),
                differing: vec![unlike(&["members"], "")],
                missing: vec![unlike(&[], "cannot be created again: it was synchronized")],
                extra: vec![unlike(&[], "")],
                dangling: vec!["group \"Sales\" members".to_owned()],
                ..Recovered::default()
            },
            stages: vec![("export", 0.25), ("plan", 1.0)],
        };
        let document = json(&failed);
        assert!(!failed.passed());
        assert_fits!("drill", document, json(&Drill { time, ..Drill::default() }));
    }
}
