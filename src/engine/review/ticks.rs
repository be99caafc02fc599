//! Reads the ticked boxes of a text.

use std::collections::BTreeMap;

/// Number of hexadecimal digits of a mark: nobody finds two changes with the same one.
pub(super) const MARK: usize = 20;
/// Hidden end of a line with names of authors; the changes below are theirs.
pub const AUTHORS: &str = "<!-- entragit:authors -->";
/// Hidden end of a line with an object; the boxes below are about it.
pub const OBJECT: &str = "<!-- entragit:object -->";
/// Word in the place of a mark: the box stands for every one below it.
pub const ALL: &str = "all";
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
    /// One of the two is ticked.
    One(Decision),
    /// Both are ticked, so nothing is decided.
    Both,
}

/// Holds the marks whose boxes somebody ticked, or a box above them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ticks(BTreeMap<String, Ticked>);

/// Tells which of two boxes are ticked.
#[derive(Debug, Clone, Copy, Default)]
struct Pair {
    accept: bool,
    reject: bool,
}

impl Pair {
    fn tick(&mut self, decision: Decision) {
        match decision {
            Decision::Accept => self.accept = true,
            Decision::Reject => self.reject = true,
        }
    }

    fn ticked(self) -> Option<Ticked> {
        match (self.accept, self.reject) {
            (true, true) => Some(Ticked::Both),
            (true, false) => Some(Ticked::One(Decision::Accept)),
            (false, true) => Some(Ticked::One(Decision::Reject)),
            (false, false) => None,
        }
    }
}

impl Ticks {
    /// Reads the ticked boxes of a text that [`crate::engine::render::review`] made: `- [x] … <!-- entragit:accept:0123… -->`. A
    /// box of a property comes before the box of its object, and this before that of its authors. Every other line is passed
    /// over, so that people may write what they like around them.
    pub fn read(text: &str) -> Ticks {
        let mut marks: BTreeMap<String, [Pair; 3]> = BTreeMap::new();
        let (mut authors, mut object, mut is_below_object) = (Pair::default(), Pair::default(), false);
        for line in text.lines().map(str::trim) {
            if line.ends_with(AUTHORS) {
                (authors, object, is_below_object) = (Pair::default(), Pair::default(), false);
            } else if line.ends_with(OBJECT) {
                (object, is_below_object) = (Pair::default(), true);
            }
            let Some(found) = Boxed::read(line) else { continue };
            let pair = match (found.mark, is_below_object) {
                (ALL, false) => &mut authors,
                (ALL, true) => &mut object,
                (mark, _) => {
                    let pairs = marks.entry(mark.to_owned()).or_default();
                    (pairs[1], pairs[2]) = (object, authors);
                    &mut pairs[0]
                }
            };
            if found.is_ticked {
                pair.tick(found.decision);
            }
        }
        let ticked = |pairs: [Pair; 3]| pairs.into_iter().find_map(Pair::ticked);
        Ticks(marks.into_iter().filter_map(|(mark, pairs)| Some((mark, ticked(pairs)?))).collect())
    }

    /// Returns what the boxes of a mark say; `None` if no box is ticked.
    pub fn get(&self, mark: &str) -> Option<Ticked> {
        self.0.get(mark).copied()
    }

    /// Returns the marks with a ticked box.
    pub(super) fn marks(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// Represents one line with a box.
struct Boxed<'a> {
    is_ticked: bool,
    decision: Decision,
    mark: &'a str,
}

impl<'a> Boxed<'a> {
    fn read(line: &'a str) -> Option<Boxed<'a>> {
        let rest = ["-", "*", "+"].iter().find_map(|bullet| line.strip_prefix(bullet))?.trim_start();
        let (tick, rest) = rest.strip_prefix('[')?.split_once(']')?;
        let (_, hidden) = rest.strip_suffix(CLOSES)?.rsplit_once(OPENS)?;
        let (decision, mark) = hidden.split_once(':')?;
        let is_mark = mark.len() == MARK && mark.bytes().all(|byte| byte.is_ascii_hexdigit());
        let found = Boxed { is_ticked: tick.eq_ignore_ascii_case("x"), decision: Decision::parse(decision)?, mark };
        Some(found).filter(|_| is_mark || mark == ALL)
    }
}

/// Returns the line of a box with its hidden part.
pub fn box_line(is_ticked: bool, words: &str, decision: Decision, mark: &str) -> String {
    let tick = if is_ticked { 'x' } else { ' ' };
    format!("- [{tick}] {words} {OPENS}{}:{mark}{CLOSES}\n", decision.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn box_stands_for_those_below_it_until_one_of_them_is_ticked() {
        let marks = ["a", "b", "c", "d"].map(|letter| letter.repeat(MARK));
        let line = |is_ticked, decision, mark: &str| box_line(is_ticked, "words", decision, mark);
        let pair =
            |accept, reject, mark: &str| line(accept, Decision::Accept, mark) + &line(reject, Decision::Reject, mark);
        let text = [
            format!("#### By Ada {AUTHORS}\n"),
            pair(false, true, ALL),
            format!("- group **A** {OBJECT}\n"),
            pair(true, false, ALL),
            pair(false, false, &marks[0]),
            pair(true, true, &marks[1]),
            format!("- group **B** {OBJECT}\n"),
            pair(false, false, &marks[2]),
            format!("#### By Grace {AUTHORS}\n- group **C** {OBJECT}\n"),
            pair(false, false, &marks[3]),
            "- [x] something else\n- [x] more <!-- entragit:accept:12 -->\n".to_owned(),
        ]
        .concat();
        for text in [text.clone(), text.replace('\n', "\r\n").replace("[x]", "[X]")] {
            let ticks = Ticks::read(&text);
            let found = marks.each_ref().map(|mark| ticks.get(mark));
            let (accept, reject) = (Ticked::One(Decision::Accept), Ticked::One(Decision::Reject));
            assert_eq!(found, [Some(accept), Some(Ticked::Both), Some(reject), None]);
            assert_eq!(ticks.marks().count(), 3);
        }
    }
}
