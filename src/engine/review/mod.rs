//! Decides which changes of the tenant people accepted and which they want undone, by the boxes that they ticked in the text of a
//! pull request. Pure: the text comes from the host, the changes from a report.

mod ticks;

use std::collections::BTreeSet;

use serde_json::json;

use ticks::MARK_LENGTH;
pub use ticks::{Decision, Ticked, Ticks, box_line, group_mark, only_line};

use crate::engine::diff::top;
use crate::engine::digest;
use crate::model::{Change, ChangeKind, FieldChange, Lifecycle, Report};

/// Holds the changes of a report that can be decided on, with their marks. A mark stands for exactly one change from one value
/// to another: a decision on it is never taken for one on what came later.
#[derive(Debug, Default)]
pub struct Review {
    /// Changes, by author.
    pub groups: Vec<Group>,
    /// Changes on which nobody can decide now.
    pub blocked: Vec<Blocked>,
}

/// Holds a change on which nobody can decide now.
#[derive(Debug)]
pub struct Blocked {
    /// The change with its marks, so that what was ticked before is kept.
    pub item: Item,
    /// Reason.
    pub why: String,
}

/// Holds the changes of the same authors.
#[derive(Debug)]
pub struct Group {
    /// Names of the authors; empty where they are not known.
    pub authors: String,
    /// The changes.
    pub items: Vec<Item>,
}

/// Holds a change of one object with its marks.
#[derive(Debug)]
pub struct Item {
    /// The change.
    pub change: Change,
    /// Parts that are decided for themselves: the properties that changed, or the object as a whole.
    pub parts: Vec<Part>,
}

/// Represents what is decided for itself.
#[derive(Debug)]
pub struct Part {
    /// Name of the property; `None` for the object as a whole.
    pub property: Option<String>,
    /// Mark of the change.
    pub mark: String,
}

/// Counts what the ticks of a text say about a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Number of changes, each property of an object for itself.
    pub changes: usize,
    /// Number of those that are accepted.
    pub accepted: usize,
    /// Number of those that are rejected.
    pub rejected: usize,
    /// Number of those with both boxes ticked: nothing is decided about them.
    pub both: usize,
    /// Number of ticks about changes that are not there any more, or are different by now.
    pub stale: usize,
}

impl Review {
    /// Sorts the changes of a report by author. `blocked` says why nobody can decide on a change now.
    pub fn of(report: &Report, blocked: impl Fn(&Change) -> Option<String>) -> Review {
        let mut review = Review::default();
        for change in &report.changes {
            if let Some(why) = blocked(change) {
                review.blocked.push(Blocked { item: Item::of(change), why });
                continue;
            }
            let authors = authors(change);
            let item = Item::of(change);
            match review.groups.iter_mut().find(|group| group.authors == authors) {
                Some(group) => group.items.push(item),
                None => review.groups.push(Group { authors, items: vec![item] }),
            }
        }
        // Those whose authors are known come first.
        review.groups.sort_by(|a, b| (a.authors.is_empty(), &a.authors).cmp(&(b.authors.is_empty(), &b.authors)));
        review
    }

    /// Returns the changes with this decision, each with the properties that were decided on.
    pub fn decided(&self, ticks: &Ticks, decision: Decision) -> Vec<Change> {
        self.kept(ticks, |found| found == Some(decision))
    }

    /// Returns the changes that a proposal holds: those that are accepted, or unless somebody ticked such a box, those that are not
    /// rejected.
    pub fn proposed(&self, ticks: &Ticks) -> Vec<Change> {
        match ticks.proposes_only_accepted() {
            true => self.decided(ticks, Decision::Accept),
            false => self.kept(ticks, |found| found != Some(Decision::Reject)),
        }
    }

    fn kept(&self, ticks: &Ticks, keeps: impl Fn(Option<Decision>) -> bool) -> Vec<Change> {
        let mut kept = Vec::new();
        for item in self.items() {
            let is_kept = |mark: &str| match ticks.get(mark) {
                Some(Ticked::One(decision)) => keeps(Some(decision)),
                Some(Ticked::Both) | None => keeps(None),
            };
            let names: BTreeSet<Option<&str>> =
                item.parts.iter().filter(|part| is_kept(&part.mark)).map(|part| part.property.as_deref()).collect();
            if names.is_empty() {
                continue;
            }
            let mut change = item.change.clone();
            if let ChangeKind::Modified(fields) = &mut change.what {
                // A re-created object may differ in nothing but its id.
                fields.retain(|field| names.contains(&Some(top(field.path()))));
            }
            kept.push(change);
        }
        kept
    }

    /// Counts what the ticks say.
    pub fn tally(&self, ticks: &Ticks) -> Tally {
        let mut tally = Tally::default();
        let marks: BTreeSet<&str> = self.items().flat_map(|item| &item.parts).map(|part| part.mark.as_str()).collect();
        for mark in &marks {
            tally.changes += 1;
            match ticks.get(mark) {
                Some(Ticked::One(Decision::Accept)) => tally.accepted += 1,
                Some(Ticked::One(Decision::Reject)) => tally.rejected += 1,
                Some(Ticked::Both) => tally.both += 1,
                None => {}
            }
        }
        let kept: BTreeSet<&str> =
            self.blocked.iter().flat_map(|blocked| &blocked.item.parts).map(|part| part.mark.as_str()).collect();
        let is_stale = |mark: &&str| !marks.contains(mark) && !kept.contains(mark);
        tally.stale = ticks.marks().filter(is_stale).count() + ticks.lost();
        tally
    }

    fn items(&self) -> impl Iterator<Item = &Item> {
        self.groups.iter().flat_map(|group| &group.items)
    }
}

impl Item {
    fn of(change: &Change) -> Item {
        let names: BTreeSet<&str> = change.fields().iter().map(|field| top(field.path())).collect();
        let parts = match change.what {
            ChangeKind::Modified(_) if !names.is_empty() => {
                let part = |name: &str| Part { property: Some(name.to_owned()), mark: mark_of(change, Some(name)) };
                names.into_iter().map(part).collect()
            }
            _ => vec![Part { property: None, mark: mark_of(change, None) }],
        };
        Item { change: change.clone(), parts }
    }
}

/// Returns the names of a change's authors, with commas between; empty if they are not known.
fn authors(change: &Change) -> String {
    let names: BTreeSet<String> = change.events.iter().map(|event| event.actor.label()).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

/// Returns the mark of a change, or of one property of it: a digest of the object and of both values.
fn mark_of(change: &Change, property: Option<&str>) -> String {
    let about = |field: &&FieldChange| property.is_none_or(|name| top(field.path()) == name);
    let fields: Vec<_> = change.shown().iter().filter(about).map(field_facts).collect();
    let before = match &change.manner {
        Some(Lifecycle::Recreated { from }) => from.as_str(),
        _ => "",
    };
    let what = match change.what {
        ChangeKind::Added => "added",
        ChangeKind::Removed => "removed",
        ChangeKind::Modified(_) => "modified",
    };
    // The name of an object that was added or removed is in none of its properties.
    let name = property.is_none().then_some(&change.name);
    mark(&json!([change.address.kind.name, change.address.id, before, what, property, name, fields]))
}

fn field_facts(field: &FieldChange) -> serde_json::Value {
    match field {
        FieldChange::Value { path, before, after } => json!(["=", path, before, after]),
        FieldChange::Gained { path, element } => json!(["+", path, element]),
        FieldChange::Lost { path, element } => json!(["-", path, element]),
    }
}

fn mark(facts: &serde_json::Value) -> String {
    digest::bytes(facts.to_string().as_bytes())[..MARK_LENGTH].to_owned()
}

#[cfg(test)]
mod tests;
