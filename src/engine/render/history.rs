//! Renders histories for the terminal: snapshots, the history of an object, and who set its values. For scripts:
//! [`super::history_json`].

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::text::details;
use super::{Style, path_text, safe, sign, value_text, word};
use crate::engine::refs::Names;
use crate::model::{Attributed, Audited, Blame, ChangeKind, HistoryStart, ObjectHistory, SnapshotRef, Summary, Who};

/// Renders the snapshots, newest first.
pub fn log(summaries: &[Summary], style: Style) -> String {
    let mut out = String::new();
    for summary in summaries {
        let counts = match summary.counts {
            Some([added, modified, removed]) => format!("+{added} ~{modified} -{removed}"),
            None => "oldest in this clone".to_owned(),
        };
        let _ = writeln!(out, "{}  {counts}  {}", stamp(&summary.moment, style), safe(&summary.moment.subject));
        if let Some(applied) = &summary.moment.applied {
            let short = applied.get(..10).unwrap_or(applied);
            let _ = writeln!(out, "            {}", style.bold(&format!("receipt: {} was applied", safe(short))));
        }
        if let Some([high, medium, low]) = summary.risks.filter(|risks| *risks != [0; 3]) {
            let counts = [(high, "high"), (medium, "medium"), (low, "low")].into_iter().filter(|(count, _)| *count > 0);
            let said: Vec<String> = counts.map(|(count, word)| format!("{count} {word}")).collect();
            let line = format!("! worth a second look: {}", said.join(", "));
            let _ = writeln!(out, "            {}", if high > 0 { style.removed(&line) } else { style.changed(&line) });
        }
        if !summary.actors.is_empty() {
            let actors: Vec<String> = summary.actors.iter().map(|actor| safe(actor)).collect();
            let _ = writeln!(out, "            {}", style.faint(&actors.join(", ")));
        }
        if summary.actors.is_empty() && !summary.audited.gaps.is_empty() {
            let _ = writeln!(out, "            {}", style.faint("who did it is not known"));
        }
    }
    gaps(&mut out, summaries.iter().map(|summary| &summary.audited), style);
    out
}

/// Appends the reasons why authors are not known, once each, at the end.
fn gaps<'a>(out: &mut String, all: impl Iterator<Item = &'a Audited>, style: Style) {
    let gaps: BTreeSet<&String> = all.flat_map(|audited| &audited.gaps).collect();
    for gap in gaps {
        let _ = writeln!(out, "\n{}", style.faint(&format!("Who did it is not known: {}", safe(gap))));
    }
}

/// Renders the history of one object, newest first.
pub fn life(life: &ObjectHistory, names: &Names, style: Style) -> String {
    let mut out = String::new();
    let _ = write!(out, "{} {}  {}", life.address.kind.name, style.bold(&safe(&life.name)), safe(&life.address.id));
    let before: Vec<String> = life.ids.iter().filter(|id| **id != life.address.id).map(|id| safe(id)).collect();
    if !before.is_empty() {
        let _ = write!(out, "  (before: {})", before.join(", "));
    }
    out.push('\n');
    for episode in &life.episodes {
        let change = &episode.change;
        let said = match (&change.what, episode.moment.beginning) {
            (ChangeKind::Added, Some(HistoryStart::First)) => "in the first snapshot".to_owned(),
            (ChangeKind::Added, Some(HistoryStart::Cut)) => "in the oldest snapshot of this clone".to_owned(),
            _ => word(change),
        };
        let line = format!("{} {said}", sign(change));
        let line = match &change.what {
            ChangeKind::Added => style.added(&line),
            ChangeKind::Removed => style.removed(&line),
            ChangeKind::Modified(_) => style.changed(&line),
        };
        let receipt = match &episode.moment.applied {
            Some(applied) => format!("  (receipt: {} was applied)", safe(applied.get(..10).unwrap_or(applied))),
            None => String::new(),
        };
        let _ = writeln!(out, "\n{}  {line}{receipt}", stamp(&episode.moment, style));
        for line in details(change, &episode.audited, names, style) {
            let _ = writeln!(out, "    {line}");
        }
    }
    gaps(&mut out, life.episodes.iter().map(|episode| &episode.audited), style);
    out
}

/// Maximum width of the column of people.
const WIDEST: usize = 44;

/// Renders the values of an object with the author of each.
pub fn blame(blame: &Blame, names: &Names, style: Style) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{} {}  {}  in {} {}",
        blame.address.kind.name,
        style.bold(&safe(&blame.name)),
        safe(&blame.address.id),
        safe(&blame.revision),
        blame.commit.get(..10).unwrap_or(&blame.commit)
    );
    let people: Vec<String> = blame.values.iter().map(who).collect();
    let width = people.iter().map(|who| who.chars().count()).max().unwrap_or_default().min(WIDEST);
    for (value, who) in blame.values.iter().zip(people) {
        let cut: String = match who.chars().count() > WIDEST {
            true => who.chars().take(WIDEST - 1).chain(['…']).collect(),
            false => who,
        };
        let day = value.moment.time.get(..10).unwrap_or_default();
        let said = format!("{}: {}", path_text(&value.path, names), value_text(&value.value, names));
        let begun = style.faint(&format!("{} {day}", value.moment.short()));
        let _ = writeln!(out, "{begun}  {cut:width$}  {said}");
    }
    out
}

/// Returns the people without their mail addresses: a line has little room, and `log` shows the addresses.
fn who(value: &Attributed) -> String {
    match &value.who {
        Who::Told(events) => {
            let mut people: Vec<String> = Vec::new();
            for event in events {
                let actor = &event.actor;
                let label = match (actor.is_app, actor.name.is_empty()) {
                    (false, false) => safe(&actor.name),
                    _ => safe(&actor.label()),
                };
                if !people.contains(&label) {
                    people.push(label);
                }
            }
            people.join(", ")
        }
        Who::NoEvent => "no event".to_owned(),
        Who::Unknown => "unknown".to_owned(),
        Who::HistoryStart if value.moment.beginning == Some(HistoryStart::Cut) => "oldest snapshot here".to_owned(),
        Who::HistoryStart => "first snapshot".to_owned(),
        Who::Unasked => "-".to_owned(),
    }
}

fn stamp(moment: &SnapshotRef, style: Style) -> String {
    format!("{}  {}", style.changed(moment.short()), moment.time)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Actor, AuditEvent, Change, FieldChange, HistoryEntry, Level, Lifecycle, Risk};

    fn moment(commit: &str, time: &str) -> SnapshotRef {
        let (commit, time) = (commit.repeat(40), format!("2026-11-{time}T10:00:00Z"));
        SnapshotRef { commit, time, subject: "Snapshot: 1 changed".to_owned(), ..SnapshotRef::default() }
    }

    fn event(actor: &str, activity: &str) -> AuditEvent {
        AuditEvent {
            id: "1".to_owned(),
            time: "2026-11-21T09:59:00Z".to_owned(),
            activity: activity.to_owned(),
            actor: Actor { id: "a".to_owned(), name: actor.to_owned(), ..Actor::default() },
            correlation_id: String::new(),
            targets: vec!["p".to_owned()],
            properties: Vec::new(),
            recovery: false,
        }
    }

    fn change(what: ChangeKind, manner: Option<Lifecycle>, events: Vec<AuditEvent>) -> Change {
        Change {
            address: crate::kinds::address("conditionalAccessPolicy", "p2").unwrap(),
            called: "conditionalAccessPolicy",
            name: "Block".to_owned(),
            about: Vec::new(),
            what,
            whole: Vec::new(),
            manner,
            risks: Vec::new(),
            path: String::new(),
            events,
        }
    }

    #[test]
    fn the_snapshots_read_well() {
        let mut receipt = moment("c", "22");
        receipt.applied = Some("a".repeat(40));
        let mut first = moment("a", "20");
        first.beginning = Some(HistoryStart::First);
        let known = Audited { looked: true, ..Audited::default() };
        let gap = Audited { gaps: vec!["no permission\u{1b}[2J".to_owned()], ..known.clone() };
        let summaries = [
            Summary {
                moment: receipt,
                counts: Some([1, 0, 0]),
                actors: vec!["Job (application)".to_owned()],
                ..Summary::default()
            },
            Summary {
                moment: moment("b", "21"),
                counts: Some([0, 2, 1]),
                audited: gap,
                risks: Some([1, 0, 2]),
                ..Summary::default()
            },
            Summary { moment: first, counts: Some([300, 0, 0]), ..Summary::default() },
        ];
        insta::assert_snapshot!(log(&summaries, Style::default()), @r"
        cccccccccc  2026-11-22T10:00:00Z  +1 ~0 -0  Snapshot: 1 changed
                    receipt: aaaaaaaaaa was applied
                    Job (application)
        bbbbbbbbbb  2026-11-21T10:00:00Z  +0 ~2 -1  Snapshot: 1 changed
                    ! worth a second look: 1 high, 2 low
                    who did it is not known
        aaaaaaaaaa  2026-11-20T10:00:00Z  +300 ~0 -0  Snapshot: 1 changed

        Who did it is not known: no permission\u{1b}[2J
        ");
    }

    #[test]
    fn a_life_reads_well() {
        let mut first = moment("a", "20");
        first.beginning = Some(HistoryStart::First);
        let widened =
            vec![FieldChange::Gained { path: "conditions.users.excludeGroups".to_owned(), element: json!("g") }];
        let mut wide = change(ChangeKind::Modified(widened), None, vec![event("Ada", "Update policy")]);
        let says = "an exclusion was added".to_owned();
        wide.risks =
            vec![Risk { level: Level::High, rule: "x".to_owned(), says, path: String::new(), line: 0, weakens: false }];
        let looked = Audited { looked: true, ..Audited::default() };
        let episode = |moment, change, audited: &Audited| HistoryEntry { moment, change, audited: audited.clone() };
        let recreated = Lifecycle::Recreated { from: "p1".to_owned() };
        let shown = ObjectHistory {
            address: crate::kinds::address("conditionalAccessPolicy", "p2").unwrap(),
            name: "Block\u{202e}".to_owned(),
            ids: vec!["p2".to_owned(), "p1".to_owned()],
            episodes: vec![
                episode(
                    moment("d", "23"),
                    change(ChangeKind::Modified(Vec::new()), Some(recreated), Vec::new()),
                    &looked,
                ),
                episode(
                    moment("c", "22"),
                    change(ChangeKind::Removed, Some(Lifecycle::Purged), vec![event("Bo", "Hard Delete policy")]),
                    &looked,
                ),
                episode(moment("b", "21"), wide, &looked),
                episode(first, change(ChangeKind::Added, None, Vec::new()), &Audited::default()),
            ],
        };
        let mut names = Names::default();
        names.insert("g", "Remote workers");
        insta::assert_snapshot!(life(&shown, &names, Style::default()), @r"
        conditionalAccessPolicy Block\u{202e}  p2  (before: p1)

        dddddddddd  2026-11-23T10:00:00Z  ± re-created, was p1
            no event in the audit log

        cccccccccc  2026-11-22T10:00:00Z  - deleted for good
            Hard Delete policy by Bo at 2026-11-21T09:59:00Z

        bbbbbbbbbb  2026-11-21T10:00:00Z  ~ modified
            ! high: an exclusion was added
            + conditions.users.excludeGroups: Remote workers (g)
            Update policy by Ada at 2026-11-21T09:59:00Z

        aaaaaaaaaa  2026-11-20T10:00:00Z  + in the first snapshot
        ");
    }

    #[test]
    fn blame_reads_well() {
        let mut first = moment("a", "20");
        first.beginning = Some(HistoryStart::First);
        let value = |path: &str, value, moment: &SnapshotRef, who| Attributed {
            path: path.to_owned(),
            value,
            element: false,
            moment: moment.clone(),
            who,
        };
        let later = moment("b", "21");
        let shown = Blame {
            revision: "snapshots".to_owned(),
            commit: "b".repeat(40),
            path: "x.yaml".to_owned(),
            address: crate::kinds::address("conditionalAccessPolicy", "p2").unwrap(),
            name: "Block".to_owned(),
            values: vec![
                value(
                    "conditions.users.excludeGroups",
                    json!("g"),
                    &later,
                    Who::Told(vec![event("Ada", "x"), event("Bo", "x")]),
                ),
                value("displayName", json!("Block\u{1b}[31m"), &later, Who::NoEvent),
                value("id", json!("p2"), &first, Who::HistoryStart),
                value("state", json!("enabled"), &later, Who::Told(vec![event(&"long ".repeat(20), "x")])),
                value("grantControls.operator", json!("OR"), &later, Who::Unknown),
            ],
        };
        let mut names = Names::default();
        names.insert("g", "Remote workers");
        insta::assert_snapshot!(blame(&shown, &names, Style::default()), @r"
        conditionalAccessPolicy Block  p2  in snapshots bbbbbbbbbb
        bbbbbbbbbb 2026-11-21  Ada, Bo                                       conditions.users.excludeGroups: Remote workers (g)
        bbbbbbbbbb 2026-11-21  no event                                      displayName: Block\u{1b}[31m
        aaaaaaaaaa 2026-11-20  first snapshot                                id: p2
        bbbbbbbbbb 2026-11-21  long long long long long long long long lon…  state: enabled
        bbbbbbbbbb 2026-11-21  unknown                                       grantControls.operator: OR
        ");
    }
}
