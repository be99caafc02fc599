//! Histories for the terminal: the snapshots, the life of an object, and who set what. For scripts: [`super::history_json`].

use std::fmt::Write as _;

use super::text::details;
use super::{Style, safe, sign, value_text, word};
use crate::engine::refs::Names;
use crate::model::{Attributed, Beginning, Blame, Life, Moment, Summary, What, Who};

/// The snapshots, newest first.
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
        for gap in &summary.audited.gaps {
            let _ = writeln!(out, "            {}", style.faint(&format!("who did it is not known: {}", safe(gap))));
        }
    }
    out
}

/// The life of one object, newest first.
pub fn life(life: &Life, names: &Names, style: Style) -> String {
    let mut out = String::new();
    let _ = write!(out, "{} {}  {}", life.address.kind, style.bold(&safe(&life.name)), safe(&life.address.id));
    let before: Vec<String> = life.ids.iter().filter(|id| **id != life.address.id).map(|id| safe(id)).collect();
    if !before.is_empty() {
        let _ = write!(out, "  (before: {})", before.join(", "));
    }
    out.push('\n');
    for episode in &life.episodes {
        let change = &episode.change;
        let said = match (&change.what, episode.moment.beginning) {
            (What::Added, Some(Beginning::First)) => "in the first snapshot".to_owned(),
            (What::Added, Some(Beginning::Cut)) => "in the oldest snapshot of this clone".to_owned(),
            _ => word(change),
        };
        let line = format!("{} {said}", sign(change));
        let line = match &change.what {
            What::Added => style.added(&line),
            What::Removed => style.removed(&line),
            What::Modified(_) => style.changed(&line),
        };
        let receipt = match &episode.moment.applied {
            Some(applied) => format!("  (receipt: {} was applied)", safe(applied.get(..10).unwrap_or(applied))),
            None => String::new(),
        };
        let _ = writeln!(out, "\n{}  {line}{receipt}", stamp(&episode.moment, style));
        for line in details(change, &episode.audited, names, style) {
            let _ = writeln!(out, "    {line}");
        }
        for gap in &episode.audited.gaps {
            let _ = writeln!(out, "    {}", style.faint(&safe(gap)));
        }
    }
    out
}

/// Widest column of people.
const WIDEST: usize = 44;

/// Who set each value of an object.
pub fn blame(blame: &Blame, names: &Names, style: Style) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{} {}  {}  in {} {}",
        blame.address.kind,
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
        let said = format!("{}: {}", safe(&value.path), value_text(&value.value, names));
        let begun = style.faint(&format!("{} {day}", value.moment.short()));
        let _ = writeln!(out, "{begun}  {cut:width$}  {said}");
    }
    out
}

/// The people, without their mail addresses: a line has little room, and `log` tells the rest.
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
        Who::Beginning if value.moment.beginning == Some(Beginning::Cut) => "oldest snapshot here".to_owned(),
        Who::Beginning => "first snapshot".to_owned(),
        Who::Unasked => "-".to_owned(),
    }
}

fn stamp(moment: &Moment, style: Style) -> String {
    format!("{}  {}", style.changed(moment.short()), moment.time)
}
