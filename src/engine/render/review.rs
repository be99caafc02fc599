//! Writes the text of a pull request in which people decide on changes of the tenant.

use std::fmt::Write as _;

use super::markdown::{cell, code, shortened};
use super::{field_line, sign, word};
use crate::engine::diff::top;
use crate::engine::refs::Names;
use crate::engine::review::{ALL, AUTHORS, Decision, Group, Item, OBJECT, Review, Tally, Ticked, Ticks, box_line};
use crate::model::words::agreeing;
use crate::model::{Change, Level};

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
    /// Maximum number of characters that the host takes.
    pub limit: usize,
}

/// Returns the title of the pull request.
pub fn title(review: &Review) -> String {
    let objects = review.groups.iter().map(|group| group.items.len()).sum::<usize>() + review.blocked.len();
    format!("Drift of the tenant: {} for a decision", agreeing(objects, "changed object", ("waits", "wait")))
}

/// Returns the text: every change with its boxes, by author. What was ticked stays ticked; a box for
/// several changes ticks those below it. What does not fit is counted,
/// and has no box.
pub fn body(review: &Review, ticks: &Ticks, names: &Names, room: &Room<'_>) -> String {
    let mut out = opening(review, room);
    let closing = closing(review, ticks);
    // The note about what does not fit is never longer than this.
    let limit = room.limit.saturating_sub(closing.chars().count() + 300);
    let mut used = out.chars().count();
    let mut left = 0;
    for group in &review.groups {
        let mut head = Some(group_head(group));
        for item in &group.items {
            let part = format!("{}{}", head.as_deref().unwrap_or_default(), item_lines(item, ticks, names));
            let size = part.chars().count();
            if left > 0 || used + size > limit {
                left += 1;
                continue;
            }
            head = None;
            used += size;
            out.push_str(&part);
        }
    }
    if left > 0 {
        let _ = writeln!(
            out,
            "\n{} not fit here and {} no boxes; `entragit drift` lists them, and `entragit accept` and `entragit reject` decide on them.",
            agreeing(left, "more changed object", ("does", "do")),
            if left == 1 { "has" } else { "have" }
        );
    }
    out + &closing
}

fn opening(review: &Review, room: &Room<'_>) -> String {
    let Room { base, snapshot, taken, .. } = room;
    let mut out = format!(
        "The tenant differs from {} as of the snapshot {} of {}.\n\n\
         - **Merge** to accept what the branch of this pull request holds: every change that is not ticked \"take back\"; or, where \
         something is ticked \"accept\", only that.\n\
         - What is ticked **take back** is undone in the tenant by `entragit reject --pull-request`.\n\
         - The next run keeps the ticks, and updates the branch by them. A change that is different by then has to be ticked anew.\n",
        code(base),
        code(snapshot),
        cell(taken)
    );
    let changes = review.groups.iter().flat_map(|group| &group.items).map(|item| &item.change);
    let risks: Vec<Level> = changes.flat_map(|change| &change.risks).map(|risk| risk.level).collect();
    let counts =
        [Level::High, Level::Medium, Level::Low].map(|level| (level, risks.iter().filter(|it| **it == level).count()));
    let counts: Vec<String> = counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(level, count)| format!("{count} {}", level.as_str()))
        .collect();
    if !counts.is_empty() {
        let _ = writeln!(out, "\n**Worth a second look**: {}", counts.join(", "));
    }
    out
}

fn closing(review: &Review, ticks: &Ticks) -> String {
    const MOST: usize = 20;
    let mut out = String::new();
    if !review.blocked.is_empty() {
        out.push_str("\n#### Cannot be decided now\n\n");
        for (change, why) in review.blocked.iter().take(MOST) {
            let _ = writeln!(out, "- {}: {}", named(change), cell(&shortened(why, 400)));
        }
        if review.blocked.len() > MOST {
            let _ = writeln!(out, "- and {} more", review.blocked.len() - MOST);
        }
    }
    let Tally { both, stale, .. } = review.tally(ticks);
    if both > 0 {
        let text = agreeing(both, "change", ("has", "have"));
        let _ = writeln!(out, "\n{text} both boxes ticked, so nothing is decided about that; take one tick away.");
    }
    if stale > 0 {
        let ticks = agreeing(stale, "tick", ("was", "were"));
        let _ = writeln!(
            out,
            "\n{ticks} about changes that are not there any more or are different by now; look at those that are listed."
        );
    }
    out
}

fn group_head(group: &Group) -> String {
    let authors = match group.authors.is_empty() {
        true => "Nobody known".to_owned(),
        false => cell(&shortened(&group.authors, 200)),
    };
    let mut out = format!("\n#### By {authors} {AUTHORS}\n\n");
    if group.items.len() > 1 {
        out.push_str(&boxes("", &format!(" all {} changed objects", group.items.len()), None, ALL));
        out.push('\n');
    }
    out
}

fn item_lines(item: &Item, ticks: &Ticks, names: &Names) -> String {
    let change = &item.change;
    let mut out = format!("- {} {OBJECT}\n", named(change));
    for risk in &change.risks {
        let _ = writeln!(out, "  - ⚠ {}: {}", risk.level.as_str(), cell(&shortened(&risk.says, VALUE)));
    }
    match item.parts.as_slice() {
        [(_, mark)] => out.push_str(&boxes("  ", "", ticks.get(mark), mark)),
        _ => out.push_str(&boxes("  ", "", None, ALL)),
    }
    let mut shown = 0;
    for (property, mark) in &item.parts {
        let of_it = |path: &str| property.as_ref().is_none_or(|name| top(path) == name);
        for field in change.shown().iter().filter(|field| of_it(field.path())) {
            shown += 1;
            if shown <= PROPERTIES {
                let (sign, text) = field_line(field, names);
                let _ = writeln!(out, "  - {} {}", cell(sign), cell(&shortened(&text, VALUE)));
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
    format!("{} {} **{name}** {}", cell(sign(change)), change.called, cell(&shortened(&word(change), 200)))
}

/// Returns the two boxes of a mark, a line each.
fn boxes(indent: &str, what: &str, ticked: Option<Ticked>, mark: &str) -> String {
    let line = |decision: Decision, word: &str| {
        let is_ticked = matches!(ticked, Some(Ticked::Both)) || ticked == Some(Ticked::One(decision));
        format!("{indent}{}", box_line(is_ticked, &format!("{word}{what}"), decision, mark))
    };
    line(Decision::Accept, "accept") + &line(Decision::Reject, "take back")
}
