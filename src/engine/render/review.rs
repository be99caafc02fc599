//! Writes the text of a pull request in which people decide on changes of the tenant.

use std::fmt::Write as _;

use super::markdown::{cell, code, shortened};
use super::{field_line, sign, word};
use crate::engine::diff::top;
use crate::engine::refs::Names;
use crate::engine::review::{
    Decision, Group, Item, Part, Review, Tally, Ticked, Ticks, box_line, group_mark, only_line,
};
use crate::model::words::agreeing;
use crate::model::{Change, Coverage, Level};

/// Maximum number of characters of one value.
const VALUE: usize = 160;
/// Maximum number of properties that are shown of one object.
const PROPERTIES: usize = 30;

/// Names what the text is about, and how long it may be.
#[derive(Debug, Clone)]
pub struct Room<'a> {
    /// Branch that people work on.
    pub base: &'a str,
    /// First digits of the last snapshot.
    pub snapshot: &'a str,
    /// Time of the last snapshot (RFC 3339).
    pub taken: &'a str,
    /// Error that merging would leave, if any.
    pub problem: Option<&'a str>,
    /// Kinds and links that one side does not know completely, with both coverages.
    pub unknown: &'a [(String, Coverage, Coverage)],
    /// Maximum number of characters that the host takes.
    pub limit: usize,
}

/// Returns the title of the pull request.
pub fn title(review: &Review) -> String {
    let objects = review.groups.iter().map(|group| group.items.len()).sum::<usize>() + review.blocked.len();
    format!("Drift of the tenant: {} for a decision", agreeing(objects, "changed object", "waits", "wait"))
}

/// Returns the text: every change with its boxes, by author. What was ticked stays ticked, and comes first where not everything
/// fits; a box for several changes ticks those below it. What does not fit is counted, and has no box.
pub fn body(review: &Review, ticks: &Ticks, names: &Names, room: &Room<'_>) -> String {
    let mut out = opening(review, ticks, room);
    let closing = closing(review, ticks, room.limit / 4);
    // Heads of authors and the note about what does not fit are never longer than this, each.
    let head = 700;
    let mut used = out.chars().count() + closing.chars().count() + head;
    let items: Vec<&Item> = review.groups.iter().flat_map(|group| &group.items).collect();
    let lines: Vec<String> = items.iter().map(|item| item_lines(item, ticks, names)).collect();
    let is_ticked = |item: &Item| item.parts.iter().any(|part| ticks.get(&part.mark).is_some());
    let mut fits = vec![false; items.len()];
    let mut is_full = false;
    for first in [true, false] {
        for (at, _) in items.iter().enumerate().filter(|(_, item)| is_ticked(item) == first) {
            let size = lines[at].chars().count();
            is_full |= used + size + head > room.limit;
            if !is_full {
                used += size;
                fits[at] = true;
            }
        }
    }
    let mut at = 0;
    for group in &review.groups {
        let shown: Vec<usize> = (at..at + group.items.len()).filter(|at| fits[*at]).collect();
        at += group.items.len();
        let marks = shown.iter().flat_map(|at| &items[*at].parts).map(|part| part.mark.as_str());
        let head =
            if shown.is_empty() { String::new() } else { group_head(group, shown.len(), &marks.collect::<Vec<_>>()) };
        // What is shown of one author more often costs a head more.
        if used + head.chars().count() > room.limit {
            shown.iter().for_each(|at| fits[*at] = false);
            continue;
        }
        used += head.chars().count();
        out.push_str(&head);
        shown.iter().for_each(|at| out.push_str(&lines[*at]));
    }
    let left = fits.iter().filter(|fits| !**fits).count();
    if left > 0 {
        let _ = writeln!(
            out,
            "\n{} not fit here and {} no boxes; `entragit drift` lists them, and `entragit accept` and `entragit reject` decide on them.",
            agreeing(left, "more changed object", "does", "do"),
            if left == 1 { "has" } else { "have" }
        );
    }
    out + &closing
}

fn opening(review: &Review, ticks: &Ticks, room: &Room<'_>) -> String {
    let Room { base, snapshot, taken, problem, unknown, .. } = room;
    let mut out =
        format!("The tenant differs from {} as of the snapshot {} of {}.\n", code(base), code(snapshot), cell(taken));
    if let Some(problem) = problem {
        let _ = writeln!(out, "\n⚠ **Merging this would leave errors**: {}", cell(&shortened(problem, 400)));
    }
    if !unknown.is_empty() {
        let kinds: Vec<&str> = unknown.iter().map(|(what, ..)| what.as_str()).collect();
        let kinds = cell(&shortened(&kinds.join(", "), 400));
        let _ = writeln!(out, "\nNot completely known, so nothing is said of what is missing: {kinds}");
    }
    out.push_str(
        "\n- **Merge** to accept what the branch of this pull request holds: every change that was not ticked \"take back\" when it was \
         made.\n\
         - What is ticked **take back** is undone in the tenant by `entragit reject --pull-request`. Run that before you merge: it looks for \
         an open pull request.\n\
         - The next run keeps the ticks, and makes the branch by them. A change that is different by then has to be ticked anew.\n",
    );
    out.push_str(&only_line(ticks.proposes_only_accepted(), "the branch holds nothing but what is ticked \"accept\""));
    let changes = review.groups.iter().flat_map(|group| &group.items).map(|item| &item.change);
    let risks: Vec<Level> = changes.flat_map(|change| &change.risks).map(|risk| risk.level).collect();
    let count = |level: Level| risks.iter().filter(|it| **it == level).count();
    let counts = [Level::High, Level::Medium, Level::Low].map(|level| (count(level), level.as_str()));
    let counts: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    if !counts.is_empty() {
        let _ = writeln!(out, "\n**Worth a second look**: {}", counts.join(", "));
    }
    out
}

/// Returns what stands at the end, no longer than `most` characters and a little.
fn closing(review: &Review, ticks: &Ticks, most: usize) -> String {
    let mut out = String::new();
    if !review.blocked.is_empty() {
        out.push_str("\n#### Cannot be decided now\n\n");
    }
    let mut left = 0;
    for blocked in &review.blocked {
        let mut lines = format!("- {}: {}\n", named(&blocked.item.change), cell(&shortened(&blocked.why, 200)));
        for part in &blocked.item.parts {
            if ticks.get(&part.mark).is_some() {
                lines.push_str(&boxes("  ", " when that is possible", ticks.get(&part.mark), &part.mark));
            }
        }
        if left > 0 || out.chars().count() + lines.chars().count() > most {
            left += 1;
        } else {
            out.push_str(&lines);
        }
    }
    if left > 0 {
        let _ = writeln!(out, "- and {left} more");
    }
    let Tally { both, stale, .. } = review.tally(ticks);
    if both > 0 {
        let text = agreeing(both, "change", "has", "have");
        let _ = writeln!(out, "\n{text} both boxes ticked, so nothing is decided about that; take one tick away.");
    }
    if stale > 0 {
        let ticks = agreeing(stale, "tick", "was", "were");
        let _ = writeln!(
            out,
            "\n{ticks} about changes that are not there any more or are different by now; look at those that are listed."
        );
    }
    out
}

fn group_head(group: &Group, shown: usize, marks: &[&str]) -> String {
    let authors = match group.authors.is_empty() {
        true => "Nobody known".to_owned(),
        false => cell(&shortened(&group.authors, 200)),
    };
    let mut out = format!("\n#### By {authors}\n\n");
    if shown > 1 {
        let of =
            if shown < group.items.len() { format!(" listed here, of {}", group.items.len()) } else { String::new() };
        out.push_str(&boxes("", &format!(" all {shown} changed objects{of}"), None, &group_mark(marks)));
        out.push('\n');
    }
    out
}

fn item_lines(item: &Item, ticks: &Ticks, names: &Names) -> String {
    let change = &item.change;
    let mut out = format!("- {}\n", named(change));
    for risk in &change.risks {
        let _ = writeln!(out, "  - ⚠ {}: {}", risk.level.as_str(), cell(&shortened(&risk.says, VALUE)));
    }
    match item.parts.as_slice() {
        [part] => out.push_str(&boxes("  ", "", ticks.get(&part.mark), &part.mark)),
        parts => {
            let marks: Vec<&str> = parts.iter().map(|part| part.mark.as_str()).collect();
            out.push_str(&boxes("  ", "", None, &group_mark(&marks)));
        }
    }
    let mut shown = 0;
    for Part { property, mark } in &item.parts {
        let of_it = |path: &str| property.as_ref().is_none_or(|name| top(path) == name);
        for field in change.shown().iter().filter(|field| of_it(field.path())) {
            shown += 1;
            if shown <= PROPERTIES {
                let (sign, text) = field_line(field, names);
                // As code: a sign by itself would make another list.
                let _ = writeln!(out, "  - {} {}", code(sign), cell(&shortened(&text, VALUE)));
            }
        }
        if let Some(name) = property.as_ref().filter(|_| item.parts.len() > 1) {
            out.push_str(&boxes("    ", &format!(" {}", code(name)), ticks.get(mark), mark));
        }
    }
    if shown > PROPERTIES {
        let _ = writeln!(out, "  - and {} more", shown - PROPERTIES);
    }
    out
}

fn named(change: &Change) -> String {
    let name = cell(&shortened(&change.name, 200));
    format!("{} {} **{name}** {}", code(sign(change)), change.called, cell(&shortened(&word(change), 200)))
}

/// Returns the two boxes of a mark, a line each.
fn boxes(indent: &str, what: &str, ticked: Option<Ticked>, mark: &str) -> String {
    let line = |decision: Decision, word: &str| {
        let is_ticked = matches!(ticked, Some(Ticked::Both)) || ticked == Some(Ticked::One(decision));
        format!("{indent}{}", box_line(is_ticked, &format!("{word}{what}"), decision, mark))
    };
    line(Decision::Accept, "accept") + &line(Decision::Reject, "take back")
}
