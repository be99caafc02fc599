//! A light scan of YAML text: where keys stand, and what no file of ours may hold. It knows just enough of quotes, block
//! scalars and flow brackets not to mistake text for structure.

/// Deepest nesting.
const MAX_DEPTH: usize = 64;

/// Something that no file may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line, from 1.
    pub line: usize,
    /// Name of the check.
    pub check: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

enum Frame {
    Map(usize, String),
    List(usize, usize),
}

impl Frame {
    fn indent(&self) -> usize {
        match self {
            Frame::Map(indent, _) | Frame::List(indent, _) => *indent,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quote {
    None,
    Single,
    Double,
}

/// Scans `text`; `at` is told the JSON pointer of each key and list element with its line.
pub fn scan(text: &str, at: &mut dyn FnMut(&str, usize)) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut say = |line: usize, check: &'static str, message: &str| {
        problems.push(Problem { line, check, message: message.to_owned() });
    };
    let text = match text.strip_prefix('\u{feff}') {
        Some(rest) => {
            say(1, "encoding", "the file begins with a byte order mark; save it without one");
            rest
        }
        None => text,
    };
    if let Some(position) = text.find('\r') {
        let line = text[..position].matches('\n').count() + 1;
        say(line, "line-endings", "the lines end in CR LF; save the file with LF");
    }
    let mut frames: Vec<Frame> = Vec::new();
    let mut quote = Quote::None;
    let mut flow = 0_usize;
    let mut block: Option<usize> = None;
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        if let Some(c) = line.chars().find(|c| hidden(*c)) {
            let message = format!(
                "an invisible or control character (U+{:04X}) stands here; write it as an escape in double quotes",
                u32::from(c)
            );
            say(number, "encoding", &message);
        }
        let content = line.trim_start_matches(' ');
        let indent = line.len() - content.len();
        if let Some(parent) = block {
            if content.is_empty() || indent > parent {
                continue;
            }
            block = None;
        }
        let continued = quote != Quote::None || flow > 0;
        if !continued {
            if ["<<<<<<< ", ">>>>>>> "].iter().any(|marker| line.starts_with(marker)) || line == "=======" {
                say(number, "merge-marker", "a merge was not finished here; settle it and remove the marker");
                continue;
            }
            if line.starts_with("---") || line.starts_with("...") {
                say(number, "document", "a file holds one object; move the second to a file of its own");
                continue;
            }
            if line.starts_with('%') {
                say(number, "tag", "directives are not allowed; remove the line");
                continue;
            }
        }
        let mut column = indent;
        let mut rest = content;
        if !continued {
            if rest.is_empty() || rest.starts_with('#') {
                continue;
            }
            while rest == "-" || rest.starts_with("- ") {
                frames_for_item(&mut frames, column);
                at(&pointer(&frames), number);
                let tail = rest[1..].trim_start_matches(' ');
                column += rest.len() - tail.len();
                rest = tail;
            }
            if let Some((key, tail)) = split_key(rest) {
                frames_for_key(&mut frames, column, key);
                at(&pointer(&frames), number);
                if tail.trim_start() == "<<" {
                    say(number, "anchor", "merge keys are not allowed; write the values out");
                }
                rest = tail.trim_start_matches(' ');
            }
            if frames.len() > MAX_DEPTH {
                say(number, "depth", "nested more than 64 deep");
                return problems;
            }
            if rest.starts_with(['|', '>']) {
                block = Some(frames.last().map_or(0, Frame::indent));
                continue;
            }
            if let Some(message) = ambiguous(rest) {
                say(number, "ambiguous-scalar", &message);
            }
        }
        // The value, or the continuation of one: quotes, brackets, and what may not begin a word.
        let mut before = ' ';
        let mut chars = rest.chars().peekable();
        let mut plain = false;
        while let Some(c) = chars.next() {
            match (quote, c) {
                (Quote::Double, '\\') => {
                    chars.next();
                }
                (Quote::Double, '"') => quote = Quote::None,
                (Quote::Single, '\'') if chars.peek() == Some(&'\'') => {
                    chars.next();
                }
                (Quote::Single, '\'') => quote = Quote::None,
                (Quote::Double | Quote::Single, _) => {}
                (Quote::None, '#') if before == ' ' => break,
                (Quote::None, _) if plain && flow == 0 => {}
                (Quote::None, ' ') => {}
                (Quote::None, '"') if starts(before, flow) => quote = Quote::Double,
                (Quote::None, '\'') if starts(before, flow) => quote = Quote::Single,
                (Quote::None, '[' | '{') if starts(before, flow) || flow > 0 => {
                    flow += 1;
                    if flow + frames.len() > MAX_DEPTH {
                        say(number, "depth", "nested more than 64 deep");
                        return problems;
                    }
                }
                (Quote::None, ']' | '}') if flow > 0 => flow -= 1,
                (Quote::None, '&' | '*') if starts(before, flow) => {
                    say(
                        number,
                        "anchor",
                        "anchors and aliases are not allowed; write the value out, or quote it if it is text",
                    );
                    plain = true;
                }
                (Quote::None, '!') if starts(before, flow) => {
                    say(number, "tag", "tags are not allowed; remove it, or quote the value if it is text");
                    plain = true;
                }
                (Quote::None, ',' | ':') if flow > 0 => {}
                (Quote::None, _) => plain = flow == 0,
            }
            before = c;
        }
    }
    problems
}

/// Whether a character begins a value: at the start, behind a space, a bracket, a comma or a colon of a flow.
fn starts(before: char, flow: usize) -> bool {
    before == ' ' || (flow > 0 && matches!(before, '[' | '{' | ',' | ':'))
}

fn hidden(c: char) -> bool {
    (c.is_control() && !matches!(c, '\t' | '\r'))
        || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn frames_for_item(frames: &mut Vec<Frame>, column: usize) {
    while frames.last().is_some_and(|frame| frame.indent() > column) {
        frames.pop();
    }
    match frames.last_mut() {
        Some(Frame::List(indent, index)) if *indent == column => *index += 1,
        _ => frames.push(Frame::List(column, 0)),
    }
}

fn frames_for_key(frames: &mut Vec<Frame>, column: usize, key: String) {
    while frames
        .last()
        .is_some_and(|frame| frame.indent() > column || (frame.indent() == column && matches!(frame, Frame::List(..))))
    {
        frames.pop();
    }
    match frames.last_mut() {
        Some(Frame::Map(indent, last)) if *indent == column => *last = key,
        _ => frames.push(Frame::Map(column, key)),
    }
}

fn pointer(frames: &[Frame]) -> String {
    let mut out = String::new();
    for frame in frames {
        out.push('/');
        match frame {
            Frame::Map(_, key) => out.push_str(&key.replace('~', "~0").replace('/', "~1")),
            Frame::List(_, index) => out.push_str(&index.to_string()),
        }
    }
    out
}

/// `key: value` → key and value; quoted keys are unquoted as far as they have no escapes.
fn split_key(text: &str) -> Option<(String, &str)> {
    if let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let mut escaped = false;
        for (index, c) in text.char_indices().skip(1) {
            if escaped {
                escaped = false;
            } else if c == '\\' && quote == '"' {
                escaped = true;
            } else if c == quote {
                let tail = text[index + 1..].strip_prefix(':')?;
                return (tail.is_empty() || tail.starts_with(' ')).then(|| (text[1..index].to_owned(), tail));
            }
        }
        return None;
    }
    if text.starts_with(['[', '{', '#', '|', '>', '&', '*', '!']) {
        return None;
    }
    let mut before = ' ';
    for (index, c) in text.char_indices() {
        if c == '#' && before == ' ' {
            return None;
        }
        if c == ':' {
            let tail = &text[index + 1..];
            if tail.is_empty() || tail.starts_with(' ') {
                return Some((text[..index].trim_end().to_owned(), tail));
            }
        }
        before = c;
    }
    None
}

fn ambiguous(rest: &str) -> Option<String> {
    let word = rest.split(" #").next().unwrap_or(rest).trim_end();
    if matches!(word.to_ascii_lowercase().as_str(), "y" | "n" | "yes" | "no" | "on" | "off") {
        return Some(format!(
            "`{word}` means different things to different parsers; put it in quotes, or write true or false"
        ));
    }
    let digits = word.trim_start_matches(['-', '+']);
    let octal = digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let grouped = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|b| b.is_ascii_digit() || b == b'_')
        && digits.contains('_');
    let clock = digits.contains(':') && digits.bytes().all(|b| b.is_ascii_digit() || b == b':');
    (octal || grouped || clock)
        .then(|| format!("`{word}` means different things to different parsers; put it in quotes if it is text"))
}
