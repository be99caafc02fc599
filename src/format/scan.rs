//! Scans YAML text line by line: finds the places of keys, and constructs that no file may contain.
//!
//! The parser is lenient or slow about some constructs and silent about others, so the scan comes first. It follows quotes,
//! block scalars and flow brackets exactly, and refuses the few shapes in which it could lose track: plain text over several
//! lines, tabs, and text after a closing quote. So a construct that it does not see is not there.

use super::plain::{hidden, is_ambiguous};
use crate::model::finding::{MORE, MOST_PER_FILE, Position};

/// Maximum depth of nesting.
const MAX_DEPTH: usize = 64;
/// Maximum number of lines, and of values between brackets.
const MAX_NODES: usize = 2_000_000;
/// The place of the file itself, which has no parent.
pub(super) const ROOT: usize = 0;
const TEXT: &str = "a property reads `name: value`; text over several lines needs quotes around it or a `|` in front";

/// Describes a construct that no file may contain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    /// Place of the construct.
    pub(super) position: Position,
    /// Name of the check.
    pub(super) check: &'static str,
    /// Description of the problem and advice.
    pub(super) message: String,
}

/// Describes the place of a key or a list element.
pub(super) struct Place<'a> {
    /// Number of the parent place: [`ROOT`], or the number that the callback returned for it.
    pub(super) parent: usize,
    /// The key as it is written, or the position in the list.
    pub(super) name: &'a str,
    /// Place of the key, or of the dash.
    pub(super) position: Position,
    pub(super) is_key: bool,
}

/// Receives every place and returns the number that identifies it. A pointer for each place would take memory quadratic in
/// the size of the file.
pub(super) type Places<'a> = &'a mut dyn FnMut(Place<'_>) -> usize;

/// Returns every problem of `text` that the scan detects; the parser finds the rest.
pub(super) fn problems(text: &str) -> Vec<Problem> {
    let mut scan = Scan::default();
    scan.text(text, None);
    scan.problems
}

/// Passes the places of keys and list elements to `at`, as far as they have lines of their own.
pub(super) fn places(text: &str, at: Places<'_>) {
    Scan::default().text(text, Some(at));
}

/// Represents an open mapping or list.
struct Frame<'t> {
    indent: usize,
    last: Last<'t>,
    /// Number of the last place in it.
    place: usize,
}

/// Represents the last place in a mapping or list.
enum Last<'t> {
    Key(&'t str),
    Item(usize),
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Quote {
    #[default]
    None,
    Single,
    Double,
}

#[derive(Default)]
struct Scan<'t> {
    problems: Vec<Problem>,
    line: usize,
    /// Text of the line.
    line_text: &'t str,
    /// Column of what is being read, from 1; 0 if it is the line as a whole.
    column: usize,
    nodes: usize,
    frames: Vec<Frame<'t>>,
    quote: Quote,
    /// Number of open brackets.
    flow: usize,
    /// Start of the plain text within brackets that is being read.
    word: Option<usize>,
    /// Indentation of the owner of the open block scalar.
    block: Option<usize>,
    /// True if a key or a dash has no value yet.
    pending: bool,
    /// True if a value is complete on this line, so that only a comment may follow.
    closed: bool,
    /// True if the scan gave up.
    stopped: bool,
}

impl<'t> Scan<'t> {
    fn say(&mut self, check: &'static str, message: &str) {
        if self.stopped {
            return;
        }
        let position = Position { line: self.line, column: self.column };
        self.problems.push(Problem { position, check, message: message.to_owned() });
        if self.problems.len() >= MOST_PER_FILE {
            self.stopped = true;
            let message = "the file is read no further, as this much is wrong with it; correct that first".to_owned();
            self.problems.push(Problem { position, check: MORE, message });
        }
    }

    fn stop(&mut self, check: &'static str, message: &str) {
        self.say(check, message);
        self.stopped = true;
    }

    fn text(&mut self, text: &'t str, mut at: Option<Places<'_>>) {
        self.pending = true;
        self.line = 1;
        let text = match text.strip_prefix('\u{feff}') {
            Some(rest) => {
                self.say("encoding", "the file begins with a byte order mark; save it without one");
                rest
            }
            None => text,
        };
        if let Some(position) = text.find('\r') {
            self.line = text[..position].matches('\n').count() + 1;
            self.say(
                "line-endings",
                "a carriage return stands here that ends no line; remove it, or write \\r in double quotes",
            );
        }
        for (index, line) in text.lines().enumerate() {
            (self.line, self.line_text) = (index + 1, line);
            self.nodes += 1;
            self.one(line, &mut at);
            if self.nodes > MAX_NODES {
                self.stop(
                    "too-large",
                    &format!("the file has more than {MAX_NODES} lines and values; that is no object"),
                );
            }
            if self.stopped {
                return;
            }
        }
    }

    fn one(&mut self, line: &'t str, at: &mut Option<Places<'_>>) {
        if line.bytes().any(|byte| !matches!(byte, b' '..=b'~'))
            && let Some((at, c)) = line.chars().enumerate().find(|(_, c)| hidden(*c))
        {
            self.column = at + 1;
            let code = u32::from(c);
            self.say("encoding", &format!("an invisible or control character (U+{code:04X}) stands here; write it as an escape in double quotes"));
        }
        self.column = 0;
        if ["<<<<<<<", "|||||||", ">>>>>>>"].iter().any(|marker| line.starts_with(marker)) || line == "=======" {
            self.say("merge-marker", "a merge was not finished here; settle it and remove the marker");
            return;
        }
        let content = line.trim_start_matches(' ');
        let indent = line.len() - content.len();
        if let Some(owner) = self.block {
            if content.is_empty() || indent > owner {
                return;
            }
            self.block = None;
        }
        if let Some(at) = line.chars().position(|c| c == '\t') {
            self.column = at + 1;
            self.say("tab", "a tab stands here; indent with spaces, and write \\t in double quotes");
        }
        self.closed = false;
        self.column = indent + 1;
        if self.quote != Quote::None || self.flow > 0 {
            return self.value(content);
        }
        if content.is_empty() || content.starts_with('#') {
            return;
        }
        if line.starts_with("---") || line.starts_with("...") {
            return self.say("document", "a file holds one object and no document marker; remove the line, or move a second object to a file of its own");
        }
        if line.starts_with('%') {
            return self.say("tag", "directives are not allowed; remove the line");
        }
        self.structure(content, indent, at);
    }

    /// Reads dashes and a key at the start of a line, then the value.
    fn structure(&mut self, content: &'t str, indent: usize, at: &mut Option<Places<'_>>) {
        let mut column = indent;
        let mut rest = content;
        let skip = |rest: &mut &'t str, column: &mut usize| {
            let tail = rest[1..].trim_start_matches(' ');
            *column += rest.len() - tail.len();
            *rest = tail;
        };
        while rest == "-" || rest.starts_with("- ") {
            if self.continues(column) {
                return;
            }
            self.item(column);
            self.tell(at, false);
            if self.frames.len() > MAX_DEPTH {
                return self.stop("depth", "nested more than 64 deep");
            }
            skip(&mut rest, &mut column);
        }
        // The writer uses a question mark for a key that is too long for a colon after it; no other key may begin like this.
        if let Some(long) = rest.strip_prefix("? ") {
            if self.continues(column) {
                return;
            }
            self.key(column, long.trim_matches('"'));
            self.tell(at, true);
            if !is_quoted(long) {
                self.say("syntax", "a question mark is not needed here; write `key: value`, or put the text in quotes");
            }
            return;
        }
        if rest == ":" || rest.starts_with(": ") {
            self.pending = true;
            skip(&mut rest, &mut column);
            if rest == "-" || rest.starts_with("- ") || rest.starts_with("? ") || split_key(rest).is_some() {
                return self.say("syntax", "only one value may stand behind this colon; begin it on a line of its own");
            }
        } else if let Some((key, plain, tail)) = split_key(rest) {
            if self.continues(column) {
                return;
            }
            self.key(column, key);
            self.tell(at, true);
            if plain && is_ambiguous(key) {
                self.ambiguous(key);
            }
            rest = tail.trim_start_matches(' ');
        }
        if self.frames.len() > MAX_DEPTH {
            return self.stop("depth", "nested more than 64 deep");
        }
        if rest.is_empty() || rest.starts_with('#') {
            return;
        }
        if !std::mem::replace(&mut self.pending, false) {
            return self.say("syntax", TEXT);
        }
        if let Some(header) = rest.strip_prefix(['|', '>']) {
            let header = header.find(" #").map_or(header, |comment| &header[..comment]).trim_end();
            if !header.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-')) {
                self.say("syntax", "the text begins on the line below; if this is the text, put it in quotes");
            }
            self.block = Some(self.frames.last().map_or(0, |frame| frame.indent));
        } else if rest.starts_with(['"', '\'', '[', '{', '&', '*', '!']) {
            self.value(rest);
        } else {
            let word = rest.find(" #").map_or(rest, |comment| &rest[..comment]);
            self.ambiguous(word.trim_end());
        }
    }

    /// Returns true if the text at `column` continues plain text from a line before.
    fn continues(&mut self, column: usize) -> bool {
        let continues = !self.pending && self.frames.last().is_some_and(|frame| column > frame.indent);
        if continues {
            self.say("syntax", TEXT);
        }
        self.pending = true;
        continues
    }

    /// Reads a quoted or bracketed value, or a line of one.
    fn value(&mut self, line: &'t str) {
        let bytes = line.as_bytes();
        if self.word.is_some() && !bytes.is_empty() && !matches!(bytes[0], b',' | b']' | b'}' | b'#') {
            self.say("syntax", TEXT);
        }
        self.word = None;
        let mut index = 0;
        while index < bytes.len() && !self.stopped {
            let next = bytes.get(index + 1).copied();
            let blank_before = index == 0 || bytes[index - 1] == b' ';
            match (self.quote, bytes[index]) {
                (Quote::Double, b'\\') => index += 1,
                (Quote::Single, b'\'') if next == Some(b'\'') => index += 1,
                (Quote::Double, b'"') | (Quote::Single, b'\'') => {
                    self.quote = Quote::None;
                    self.closed = self.flow == 0;
                }
                (Quote::Double | Quote::Single, _) => {}
                (Quote::None, b'#') if blank_before => break,
                (Quote::None, b' ') => {}
                (Quote::None, _) if self.closed => {
                    self.closed = false;
                    return self.say("syntax", "only a comment may follow here; put the whole text in quotes");
                }
                (Quote::None, byte) => self.token(line, index, byte, next, blank_before),
            }
            index += 1;
        }
        if self.quote == Quote::None && self.word.is_some() {
            self.end_word(&line[..index.min(line.len())]);
            // The next line must not continue the word.
            self.word = (self.flow > 0).then_some(0);
        }
    }

    fn token(&mut self, line: &'t str, index: usize, byte: u8, next: Option<u8>, blank_before: bool) {
        let fresh = self.word.is_none();
        match byte {
            b'"' | b'\'' if fresh => self.quote = if byte == b'"' { Quote::Double } else { Quote::Single },
            b'"' | b'\'' if blank_before => {
                self.say("syntax", "a quote in the middle of text; put the whole text in quotes")
            }
            b'[' | b'{' => {
                self.end_word(&line[..index]);
                self.flow += 1;
                self.nodes += 1;
                if self.flow + self.frames.len() > MAX_DEPTH {
                    self.stop("depth", "nested more than 64 deep");
                }
            }
            b']' | b'}' | b',' if self.flow > 0 => {
                self.end_word(&line[..index]);
                self.nodes += 1;
                self.flow -= usize::from(byte != b',');
                self.closed = self.flow == 0;
            }
            b':' if fresh || matches!(next, None | Some(b' ' | b',' | b']' | b'}' | b'[' | b'{')) => {
                self.end_word(&line[..index]);
                self.nodes += 1;
            }
            // Parsers differ on a question mark between brackets.
            b'?' => self.say("syntax", "a question mark needs quotes here; put the whole text in quotes"),
            b'&' | b'*' if fresh || blank_before => {
                self.say(
                    "anchor",
                    "anchors and aliases are not allowed; write the value out, or quote it if it is text",
                );
                self.word.get_or_insert(index);
            }
            b'!' if fresh || blank_before => {
                self.say("tag", "tags are not allowed; remove it, or quote the value if it is text");
                self.word.get_or_insert(index);
            }
            _ => {
                self.word.get_or_insert(index);
            }
        }
    }

    fn end_word(&mut self, before: &'t str) {
        if let Some(start) = self.word.take() {
            self.ambiguous(before[start..].trim_end());
        }
    }

    fn ambiguous(&mut self, word: &str) {
        if is_ambiguous(word) {
            // The word is a part of the line.
            let before = (word.as_ptr() as usize).checked_sub(self.line_text.as_ptr() as usize);
            let column = self.column;
            if let Some(before) = before.and_then(|before| self.line_text.get(..before)) {
                self.column = before.chars().count() + 1;
            }
            let hint = match word.to_ascii_lowercase().as_str() {
                "y" | "n" | "yes" | "no" | "on" | "off" => "put it in quotes, or write true or false",
                "<<" => "put it in quotes; merge keys are not allowed",
                _ => "put it in quotes if it is text or a date, else write a plain number",
            };
            self.say("ambiguous-scalar", &format!("`{word}` means different things to different parsers; {hint}"));
            self.column = column;
        }
    }

    /// Passes the last place of the innermost frame to the callback.
    fn tell(&mut self, at: &mut Option<Places<'_>>, is_key: bool) {
        let (Some(at), Some((frame, above))) = (at, self.frames.split_last_mut()) else { return };
        let parent = above.last().map_or(ROOT, |frame| frame.place);
        let position;
        let name = match frame.last {
            Last::Key(key) => key,
            Last::Item(index) => {
                position = index.to_string();
                &position
            }
        };
        // Only blanks and dashes stand before a key or a dash: its bytes are characters.
        let position = Position { line: self.line, column: frame.indent + 1 };
        frame.place = at(Place { parent, name, position, is_key });
    }

    fn item(&mut self, column: usize) {
        while self.frames.last().is_some_and(|frame| frame.indent > column) {
            self.frames.pop();
        }
        match self.frames.last_mut() {
            Some(Frame { indent, last: Last::Item(index), .. }) if *indent == column => *index += 1,
            _ => self.frames.push(Frame { indent: column, last: Last::Item(0), place: ROOT }),
        }
    }

    fn key(&mut self, column: usize, key: &'t str) {
        while self.frames.last().is_some_and(|frame| {
            frame.indent > column || (frame.indent == column && matches!(frame.last, Last::Item(_)))
        }) {
            self.frames.pop();
        }
        match self.frames.last_mut() {
            Some(Frame { indent, last: Last::Key(last), .. }) if *indent == column => *last = key,
            _ => self.frames.push(Frame { indent: column, last: Last::Key(key), place: ROOT }),
        }
    }
}

/// Returns true if `text` is one double-quoted text and nothing else.
fn is_quoted(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return false };
    let mut escaped = false;
    inner.bytes().all(|byte| {
        let fine = escaped || byte != b'"';
        escaped = !escaped && byte == b'\\';
        fine
    }) && !escaped
}

/// Splits `key: value` into the key, true if it has no quotes, and the text after the colon. Escapes in a key stay as they
/// are.
fn split_key(text: &str) -> Option<(&str, bool, &str)> {
    let bytes = text.as_bytes();
    let ends = |index: usize| bytes[index] == b':' && matches!(bytes.get(index + 1), None | Some(b' '));
    match bytes.first()? {
        quote @ (b'"' | b'\'') => {
            let mut index = 1;
            while index < bytes.len() {
                match bytes[index] {
                    b'\\' if *quote == b'"' => index += 1,
                    b'\'' if *quote == b'\'' && bytes.get(index + 1) == Some(&b'\'') => index += 1,
                    byte if byte == *quote => {
                        let colon = index + 1 + bytes[index + 1..].iter().take_while(|byte| **byte == b' ').count();
                        return (colon < bytes.len() && ends(colon))
                            .then(|| (&text[1..index], false, &text[colon + 1..]));
                    }
                    _ => {}
                }
                index += 1;
            }
            None
        }
        b'[' | b'{' | b'#' | b'|' | b'>' | b'&' | b'*' | b'!' => None,
        _ => {
            let end = (0..bytes.len()).find(|index| ends(*index) || bytes[*index..].starts_with(b" #"))?;
            ends(end).then(|| (text[..end].trim_end(), true, &text[end + 1..]))
        }
    }
}
