//! Renders the result of a drill: for a terminal, for a pull request or a file that an auditor keeps, and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::json::{FORMAT_VERSION, pretty};
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

/// Renders the result as a JSON document.
pub fn json(drill: &Drill) -> String {
    let all = &drill.recovered;
    let unlike = |all: &[Unlike]| -> Vec<Value> {
        let one = |it: &Unlike| json!({"kind": it.kind, "id": it.id, "name": it.name, "properties": it.properties, "why": it.why});
        all.iter().map(one).collect()
    };
    let (added, modified, removed) = drill.damaged;
    let (done, failed, skipped, more) = drill.steps;
    pretty(&json!({
        "formatVersion": FORMAT_VERSION,
        "passed": drill.passed(),
        "source": drill.source,
        "scenario": drill.scenario,
        "time": drill.time,
        "version": drill.version,
        "damage": {"writes": drill.writes.0, "refused": drill.writes.1, "purged": drill.purged,
            "added": added, "modified": modified, "removed": removed},
        "plan": {
            "summary": drill.plan,
            "guards": drill.guards.iter().map(|(guard, says)| json!({"guard": guard, "message": says})).collect::<Vec<_>>(),
            "losses": drill.losses.iter().map(|(what, count)| json!({"what": what, "objects": count})).collect::<Vec<_>>(),
        },
        "steps": {"done": done, "failed": failed, "skipped": skipped, "corrected": more, "remaining": drill.remaining},
        "recovered": {
            "objects": all.objects, "same": all.same, "recreated": all.recreated,
            "values": all.values, "valuesBack": all.values_back,
            "differing": unlike(&all.differing), "missing": unlike(&all.missing), "extra": unlike(&all.extra),
            "dangling": all.dangling,
            "unwritable": all.unwritable.iter().map(|((kind, property), count)| {
                json!({"kind": kind, "property": property, "objects": count})
            }).collect::<Vec<_>>(),
        },
        "seconds": drill.stages.iter().map(|(stage, seconds)| ((*stage).to_owned(), json!(seconds)))
            .collect::<serde_json::Map<_, _>>(),
    }))
}
