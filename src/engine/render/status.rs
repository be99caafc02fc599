//! Renders the status of a tenant repository, on one screen or as a document.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::{Style, safe};
use crate::engine::status::{BIN_WARNING_DAYS, CREDENTIAL_DAYS, Credential, Live, Status};
use crate::model::Level;
use crate::model::words::counted;

/// Maximum number of lines of one sort.
pub(super) const MOST: usize = 10;

/// Renders the status for the terminal: a line for each thing that may need attention, marked `!` if it does, with details
/// below.
pub fn text(status: &Status, style: Style) -> String {
    let mut screen = Screen { out: String::new(), style };
    let _ = writeln!(screen.out, "{}  tenant {}", style.bold("Status"), safe(&status.tenant));
    let objective = duration(status.objective.as_secs());
    let (Some(taken), Some(age)) = (&status.snapshot, status.age()) else {
        screen.line(true, "snapshot", "there is none yet; `entragit export` makes one");
        pushes(status, &mut screen);
        live(status, &mut screen);
        return screen.out;
    };
    let late = if status.is_late() { "older than" } else { "objective:" };
    let (commit, time, age) = (short(&taken.commit), when(taken.seconds), duration(age));
    screen.line(status.is_late(), "snapshot", &format!("{commit} of {time}, {age} old ({late} {objective})"));
    match status.gaps.len() {
        0 => screen.line(false, "coverage", "everything that was asked for was read"),
        gaps => screen.line(
            true,
            "coverage",
            &format!("{} not completely read", things(gaps, "kind or link", "kinds or links")),
        ),
    }
    screen.some(status.gaps.iter().map(|(what, coverage)| format!("{}: {}", safe(what), coverage.as_str())));
    let main = safe(&status.main);
    match status.pending.len() {
        0 => screen.line(false, "pending", &format!("no edit on {main} waits to be applied")),
        edits => {
            let edits = things(edits, "object", "objects");
            screen.line(
                true,
                "pending",
                &format!("{edits} edited on {main} and not applied; `entragit plan --changes ..{main}`"),
            );
        }
    }
    screen.some(status.pending.iter().map(|path| safe(path)));
    pushes(status, &mut screen);
    risks(status, &mut screen);
    credentials(status, &mut screen);
    live(status, &mut screen);
    screen.out
}

struct Screen {
    out: String,
    style: Style,
}

impl Screen {
    fn line(&mut self, attention: bool, about: &str, text: &str) {
        let line = format!("{} {about:<12} {text}", if attention { " ! " } else { "   " });
        let line = if attention { self.style.changed(&line) } else { line };
        let _ = writeln!(self.out, "{line}");
    }

    fn detail(&mut self, text: &str) {
        let _ = writeln!(self.out, "{:17}{text}", "");
    }

    /// Writes the first lines of many, and the number of the rest.
    fn some(&mut self, lines: impl ExactSizeIterator<Item = String>) {
        let more = lines.len().saturating_sub(MOST);
        for line in lines.take(MOST) {
            self.detail(&line);
        }
        if more > 0 {
            self.detail(&format!("… and {more} more"));
        }
    }
}

fn pushes(status: &Status, screen: &mut Screen) {
    let Some(pushes) = &status.pushes else {
        screen.line(false, "remote", "none: this clone is the only one that is known");
        return;
    };
    let ahead = pushes.iter().any(|push| push.ahead.is_some_and(|ahead| ahead > 0));
    let said =
        if ahead { "the remote does not have everything; `git push` it" } else { "up to date as far as is known here" };
    screen.line(ahead, "remote", said);
    for push in pushes {
        match push.ahead {
            Some(0) => {}
            Some(ahead) => screen.detail(&format!("{}: {}", safe(&push.name), things(ahead, "commit", "commits"))),
            None => screen.detail(&format!("{}: not known here; push and fetch it", safe(&push.name))),
        }
    }
}

fn risks(status: &Status, screen: &mut Screen) {
    let days = things(usize::try_from(status.risk_days).unwrap_or_default(), "day", "days");
    let levels = [Level::High, Level::Medium, Level::Low];
    let counts = levels.map(|level| (status.count(level), level.as_str()));
    let said: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let said = if said.is_empty() { "nothing".to_owned() } else { said.join(", ") };
    screen.line(status.count(Level::High) > 0, "second look", &format!("{said} in the last {days}"));
    screen.some(status.risks.iter().map(|risk| {
        let path = if risk.path.is_empty() { String::new() } else { format!(" ({})", safe(&risk.path)) };
        let by = if risk.actors.is_empty() { String::new() } else { format!(" by {}", safe(&risk.actors.join(", "))) };
        let (level, says, called) = (risk.level.as_str(), safe(&risk.says), risk.called);
        format!("{level}: {says} in {called} \"{}\"{path}{by}, {}", safe(&risk.name), short(&risk.commit))
    }));
}

fn credentials(status: &Status, screen: &mut Screen) {
    let (ended, ending): (Vec<&Credential>, Vec<&Credential>) =
        status.credentials.iter().partition(|credential| status.has_ended(credential));
    let soon = match ending.len() {
        0 => format!("none ends within {CREDENTIAL_DAYS} days"),
        1 => format!("1 ends within {CREDENTIAL_DAYS} days"),
        many => format!("{many} end within {CREDENTIAL_DAYS} days"),
    };
    let past = if ended.is_empty() { String::new() } else { format!("; {} ended already", ended.len()) };
    screen.line(!ending.is_empty(), "credentials", &format!("{soon}{past}"));
    screen.some(ending.iter().map(|credential| {
        let left = duration(credential.end - status.now.as_second());
        let (called, name) = (credential.called, safe(&credential.name));
        format!("{} of {called} \"{name}\" ends in {left}", credential.sort)
    }));
}

fn live(status: &Status, screen: &mut Screen) {
    let seen = match &status.live {
        Live::NotAsked => return screen.line(false, "tenant", "not asked; --live does"),
        Live::Unknown(why) => return screen.line(true, "tenant", &format!("could not be asked: {}", safe(why))),
        Live::Known(seen) => seen,
    };
    let drift = match seen.drift {
        0 => format!("none from {}", safe(&seen.baseline)),
        1 => format!("1 object differs from {}; `entragit drift` shows it", safe(&seen.baseline)),
        many => format!("{many} objects differ from {}; `entragit drift` shows them", safe(&seen.baseline)),
    };
    let part = if seen.complete { "" } else { " (not everything could be read)" };
    screen.line(seen.drift > 0, "drift", &format!("{drift}{part}"));
    let soon = seen.bins.iter().any(|bin| bin.soon > 0);
    let objects: usize = seen.bins.iter().map(|bin| bin.objects).sum();
    screen.line(soon, "recycle bin", &format!("{} can still be restored", things(objects, "object", "objects")));
    for bin in seen.bins.iter().filter(|bin| bin.objects > 0) {
        let first = bin.first_days.map_or("time left is not known".to_owned(), |days| {
            let days = things(usize::try_from(days).unwrap_or_default(), "day", "days");
            format!("the first is gone in {days}")
        });
        let soon =
            if bin.soon > 0 { format!(", {} in fewer than {BIN_WARNING_DAYS} days", bin.soon) } else { String::new() };
        screen.detail(&format!("{} {}: {first}{soon}", bin.objects, bin.title));
    }
    for (what, why) in &seen.unread {
        screen.detail(&format!("{}: could not be read: {}", safe(what), safe(why)));
    }
}

fn things(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}

/// Renders seconds since 1970 as RFC 3339.
pub(super) fn when(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

/// Renders seconds for people, in the two largest units: `3 days 4 hours`, `12 minutes`.
fn duration(seconds: i64) -> String {
    let units = [("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)];
    let seconds = seconds.max(0);
    let first = units.iter().position(|(_, size)| seconds >= *size).unwrap_or(units.len() - 1);
    let mut left = seconds;
    let mut parts: Vec<String> = Vec::new();
    for (unit, size) in units.iter().skip(first).take(2) {
        let count = left / size;
        left %= size;
        if count > 0 || (parts.is_empty() && first == units.len() - 1) {
            parts.push(counted(usize::try_from(count).unwrap_or_default(), unit));
        }
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests;
