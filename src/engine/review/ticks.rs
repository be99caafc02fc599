//! Reads the ticked boxes of a text.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::digest;

/// Number of hexadecimal digits of a mark: nobody finds two changes with the same one.
pub(super) const MARK_LENGTH: usize = 40;
/// Start of the mark of a box that stands for several others.
const GROUP_PREFIX: &str = "all-";
/// Hidden part of the line that says that nothing but what is ticked is proposed.
const ONLY: &str = "<!-- entragit:only -->";
const OPENS: &str = "<!-- entragit:";
const CLOSES: &str = " -->";

/// Lists what people can decide about a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// The change becomes part of the branch that people work on.
    Accept,
    /// The change is taken back in the tenant.
    Reject,
}

impl Decision {
    /// Returns `accept` or `reject`.
    pub fn as_str(self) -> &'static str {
        match self {
            Decision::Accept => "accept",
            Decision::Reject => "reject",
        }
    }

    /// Returns the decision called `word`.
    pub fn parse(word: &str) -> Option<Decision> {
        [Decision::Accept, Decision::Reject].into_iter().find(|decision| decision.as_str() == word)
    }
}

/// Says what the boxes of a change say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ticked {
    /// Every box that is ticked says the same.
    One(Decision),
    /// The boxes contradict each other, so nothing is decided.
    Both,
}

/// Holds the marks whose boxes somebody ticked, or a box that stands for them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ticks {
    marks: BTreeMap<String, Ticked>,
    only: bool,
    /// Number of ticked boxes that stand for other ones than the text lists below them.
    lost: usize,
}

impl Ticks {
    /// Reads the ticked boxes of a text that [`crate::engine::render::review`] made: `- [x] … <!-- entragit:accept:0123… -->`. A
    /// box for several changes counts if exactly those follow it. Every other line is passed over, so that people may write
    /// what they like around them.
    pub fn read(text: &str) -> Ticks {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let boxes: Vec<Boxed<'_>> = lines.iter().filter_map(|line| Boxed::read(line)).collect();
        let mut said: BTreeSet<(&str, Decision)> = BTreeSet::new();
        let mut lost = 0;
        for (at, found) in boxes.iter().enumerate().filter(|(_, found)| found.is_ticked) {
            if !found.mark.starts_with(GROUP_PREFIX) {
                said.insert((found.mark, found.decision));
                continue;
            }
            match stands_for(found.mark, &boxes[at..]) {
                Some(marks) => said.extend(marks.into_iter().map(|mark| (mark, found.decision))),
                None => lost += 1,
            }
        }
        let mut marks: BTreeMap<String, Ticked> = BTreeMap::new();
        for (mark, decision) in said {
            let ticked = marks.entry(mark.to_owned()).or_insert(Ticked::One(decision));
            if *ticked != Ticked::One(decision) {
                *ticked = Ticked::Both;
            }
        }
        let is_accept = |ticked: &Ticked| *ticked == Ticked::One(Decision::Accept);
        let only =
            lines.iter().any(|line| line.ends_with(ONLY) && parse_checkbox(line).is_some_and(|(ticked, _)| ticked))
                || marks.values().any(is_accept);
        Ticks { marks, only, lost }
    }

    /// Returns what the boxes of a mark say; `None` if no box is ticked.
    pub fn get(&self, mark: &str) -> Option<Ticked> {
        self.marks.get(mark).copied()
    }

    /// Returns true if nothing but what is ticked to be accepted is proposed: something is ticked so, or was, and nobody took that
    /// line's own tick away since.
    pub fn proposes_only_accepted(&self) -> bool {
        self.only
    }

    /// Returns the marks with a ticked box.
    pub(super) fn marks(&self) -> impl Iterator<Item = &str> {
        self.marks.keys().map(String::as_str)
    }

    /// Returns the number of ticked boxes that stand for other changes than the text lists below them.
    pub(super) fn lost(&self) -> usize {
        self.lost
    }
}

/// Returns the marks that a box for several stands for: those that follow it, as many as its digest fits.
fn stands_for<'a>(all: &str, boxes: &[Boxed<'a>]) -> Option<Vec<&'a str>> {
    let mut marks: Vec<&str> = Vec::new();
    for found in boxes.iter().filter(|found| !found.mark.starts_with(GROUP_PREFIX)) {
        if marks.last() == Some(&found.mark) {
            continue;
        }
        marks.push(found.mark);
        if group_mark(&marks) == all {
            return Some(marks);
        }
    }
    None
}

/// Returns the mark of a box that stands for several others.
pub fn group_mark(marks: &[&str]) -> String {
    format!("{GROUP_PREFIX}{}", &digest::bytes(marks.join(" ").as_bytes())[..MARK_LENGTH])
}

/// Represents one line with a box.
struct Boxed<'a> {
    is_ticked: bool,
    decision: Decision,
    mark: &'a str,
}

impl<'a> Boxed<'a> {
    fn read(line: &'a str) -> Option<Boxed<'a>> {
        let (is_ticked, rest) = parse_checkbox(line)?;
        let (_, hidden) = rest.strip_suffix(CLOSES)?.rsplit_once(OPENS)?;
        let (decision, mark) = hidden.split_once(':')?;
        let digits = mark.strip_prefix(GROUP_PREFIX).unwrap_or(mark);
        let is_mark = digits.len() == MARK_LENGTH && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        Some(Boxed { is_ticked, decision: Decision::parse(decision)?, mark }).filter(|_| is_mark)
    }
}

/// Parses the box at the start of a line: true if it is ticked, and the text that follows it; `None` if there is no box.
fn parse_checkbox(line: &str) -> Option<(bool, &str)> {
    let rest = ["-", "*", "+"].iter().find_map(|bullet| line.strip_prefix(bullet))?.trim_start();
    let (tick, rest) = rest.strip_prefix('[')?.split_once(']')?;
    Some((tick.eq_ignore_ascii_case("x"), rest))
}

/// Returns the line of a box with its hidden part.
pub fn box_line(is_ticked: bool, words: &str, decision: Decision, mark: &str) -> String {
    let tick = if is_ticked { 'x' } else { ' ' };
    format!("- [{tick}] {words} {OPENS}{}:{mark}{CLOSES}\n", decision.as_str())
}

/// Returns the line that says that nothing but what is ticked is proposed.
pub fn only_line(is_ticked: bool, words: &str) -> String {
    format!("- [{}] {words} {ONLY}\n", if is_ticked { 'x' } else { ' ' })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(accept: bool, reject: bool, mark: &str) -> String {
        box_line(accept, "words", Decision::Accept, mark) + &box_line(reject, "words", Decision::Reject, mark)
    }

    #[test]
    fn box_stands_for_exactly_those_that_it_was_made_for() {
        let marks = ["a", "b", "c", "d"].map(|letter| letter.repeat(MARK_LENGTH));
        let [a, b, c, d] = marks.each_ref().map(String::as_str);
        let text = [
            pair(false, true, &group_mark(&[a, b, c])),
            pair(true, false, &group_mark(&[a, b])),
            pair(false, false, a),
            pair(false, false, b),
            pair(false, false, c),
            pair(false, false, d),
            "- [x] something else\n- [x] more <!-- entragit:accept:12 -->\n".to_owned(),
        ]
        .concat();
        for text in [text.clone(), text.replace('\n', "\r\n").replace("[x]", "[X]")] {
            let ticks = Ticks::read(&text);
            let found = marks.each_ref().map(|mark| ticks.get(mark));
            assert_eq!(found, [Some(Ticked::Both), Some(Ticked::Both), Some(Ticked::One(Decision::Reject)), None]);
            assert_eq!((ticks.marks().count(), ticks.lost(), ticks.proposes_only_accepted()), (3, 0, false));
        }
        // Somebody moved a change away: the boxes above are about other changes than they were.
        let moved = text.replace(&pair(false, false, b), "");
        let ticks = Ticks::read(&moved);
        assert_eq!((ticks.marks().count(), ticks.lost()), (0, 2));
    }

    #[test]
    fn what_is_ticked_alone_stays_what_is_proposed() {
        let mark = "a".repeat(MARK_LENGTH);
        assert!(Ticks::read(&pair(true, false, &mark)).proposes_only_accepted());
        assert!(Ticks::read(&only_line(true, "words")).proposes_only_accepted());
        assert!(!Ticks::read(&only_line(false, "words")).proposes_only_accepted());
    }
}
