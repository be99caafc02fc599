//! Reads files that [`emit`] wrote, several times faster than a parser of all of YAML. It cannot be wrong: the content is
//! written again, and counts only if the same bytes come out. Every other file is left to the parser.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

use super::emit;
use super::plain::printable;

/// Maximum depth. Deeper files are left to the parser, which says what is wrong with them.
const DEPTH: usize = 60;

/// Returns the content of a file in canonical form, without comments; `None` if the file has another form, or is wrong.
pub(super) fn read(text: &str) -> Option<Map<String, Value>> {
    let mut bare = Vec::with_capacity(text.len());
    let mut lines = Vec::with_capacity(text.len() / 24);
    for line in text.strip_suffix('\n')?.split('\n') {
        let line = without_comment(line)?;
        bare.extend_from_slice(line.as_bytes());
        bare.push(b'\n');
        let content = line.trim_start_matches(' ');
        lines.push((line.len() - content.len(), content));
    }
    let mut reader = Reader { lines, at: 0 };
    let map = reader.map(0, 0)?;
    let whole = reader.at == reader.lines.len();
    (whole && emit::write(&map, &BTreeMap::new()) == bare).then_some(map)
}

/// Returns a line without the comment that names an id. In canonical text a number sign is within quotes or begins a
/// comment.
fn without_comment(line: &str) -> Option<&str> {
    for (at, _) in line.match_indices("  # ") {
        let (before, comment) = line.split_at(at);
        if !within_quotes(before) {
            return comment.chars().all(printable).then_some(before);
        }
    }
    Some(line)
}

/// Returns true if a quote is open at the end of `text`.
fn within_quotes(text: &str) -> bool {
    let mut rest = text;
    while let Some(open) = rest.find('"') {
        match closing(&rest[open + 1..]) {
            Some(end) => rest = &rest[open + end + 2..],
            None => return true,
        }
    }
    false
}

struct Reader<'a> {
    /// Indentation and content of each line.
    lines: Vec<(usize, &'a str)>,
    at: usize,
}

impl<'a> Reader<'a> {
    fn map(&mut self, indent: usize, depth: usize) -> Option<Map<String, Value>> {
        let mut map = Map::new();
        while let Some((found, line)) = self.lines.get(self.at).copied() {
            if found != indent || line.starts_with('-') {
                break;
            }
            let (key, rest) = key(line)?;
            self.at += 1;
            let value = self.value(rest, indent, depth)?;
            if map.insert(key, value).is_some() {
                return None;
            }
        }
        (!map.is_empty() && depth < DEPTH).then_some(map)
    }

    /// Reads the value behind a key's colon, or below it.
    fn value(&mut self, rest: &str, indent: usize, depth: usize) -> Option<Value> {
        if !rest.is_empty() {
            return scalar(rest.strip_prefix(' ')?);
        }
        let (_, next) = self.lines.get(self.at)?;
        match next.starts_with('-') {
            true => self.list(indent + 2, depth + 1),
            false => self.map(indent + 2, depth + 1).map(Value::Object),
        }
    }

    fn list(&mut self, indent: usize, depth: usize) -> Option<Value> {
        let mut list = Vec::new();
        while let Some((found, line)) = self.lines.get(self.at).copied() {
            if found != indent || !line.starts_with('-') {
                break;
            }
            list.push(match line.strip_prefix("- ") {
                Some(rest) if key(rest).is_some() => {
                    // The first key of the map is behind the dash.
                    self.lines[self.at] = (indent + 2, rest);
                    Value::Object(self.map(indent + 2, depth + 1)?)
                }
                Some(rest) => {
                    self.at += 1;
                    scalar(rest)?
                }
                None => {
                    self.at += 1;
                    self.list(indent + 2, depth + 1)?
                }
            });
        }
        (!list.is_empty() && depth < DEPTH).then_some(Value::Array(list))
    }
}

/// Splits a line into its key and the text after the colon: nothing, or a space and a value.
fn key(line: &str) -> Option<(String, &str)> {
    let (key, rest) = match line.strip_prefix('"') {
        Some(quoted) => {
            let end = closing(quoted)?;
            (unescaped(&quoted[..end])?, quoted[end + 1..].strip_prefix(':')?)
        }
        None => {
            let end = line.find(": ").or_else(|| line.ends_with(':').then(|| line.len() - 1))?;
            (line[..end].to_owned(), &line[end + 1..])
        }
    };
    (rest.is_empty() || rest.starts_with(' ')).then_some((key, rest))
}

fn scalar(text: &str) -> Option<Value> {
    if let Some(quoted) = text.strip_prefix('"') {
        let end = closing(quoted)?;
        return if end + 1 == quoted.len() { unescaped(&quoted[..end]).map(Value::String) } else { None };
    }
    Some(match text {
        "{}" => Value::Object(Map::new()),
        "[]" => Value::Array(Vec::new()),
        "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ if text.starts_with(|c: char| c.is_ascii_digit() || c == '-') && text.len() != 36 => number(text)?,
        _ => Value::String(text.to_owned()),
    })
}

fn number(text: &str) -> Option<Value> {
    if let Ok(number) = text.parse::<i64>() {
        return Some(number.into());
    }
    if let Ok(number) = text.parse::<u64>() {
        return Some(number.into());
    }
    Number::from_f64(text.parse().ok()?).map(Value::Number)
}

/// Returns the position of the closing quote, if a quote was opened before `text`.
fn closing(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn unescaped(text: &str) -> Option<String> {
    if !text.contains('\\') {
        return Some(text.to_owned());
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let kind = *rest.as_bytes().get(at + 1)?;
        rest = rest.get(at + 2..)?;
        let digits = match kind {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            _ => 0,
        };
        out.push(match kind {
            b'"' => '"',
            b'\\' => '\\',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            _ if digits > 0 => char::from_u32(u32::from_str_radix(rest.get(..digits)?, 16).ok()?)?,
            _ => return None,
        });
        rest = &rest[digits..];
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::yaml;
    use proptest::prelude::*;
    use serde_json::json;

    fn value() -> impl Strategy<Value = Value> {
        let text =
            prop_oneof![any::<String>(), "[a-z #:\"\\\\-]{0,12}", Just("0123".to_owned()), Just("  # x".to_owned())];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(|number| Number::from_f64(number).map_or(Value::Null, Value::Number)),
            text.prop_map(Value::from),
            Just(Value::from("3f9a1b2c-0000-4000-8000-000000000001")),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
                prop::collection::btree_map("[a-zA-Z@.]{1,8}|[\\PC]{0,6}", inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(map in prop::collection::btree_map("[a-zA-Z]{1,8}", value(), 1..6)) {
            let map: Map<String, Value> = map.into_iter().collect();
            let bytes = emit::write(&map, &BTreeMap::new());
            let text = std::str::from_utf8(&bytes).unwrap();
            // A key that is too long for one line is left to the parser.
            if !text.contains("\n? ") {
                prop_assert_eq!(read(text), Some(map), "{}", text);
            }
        }

        #[test]
        fn what_is_read_is_what_the_parser_reads(text in "([ ]{0,4}(- )?[a-c]{1,3}: ?(\"[a#\\\\n ]{0,4}\"|[a-z0-9#]{0,4})(  # [a-z]{1,3})?\n){1,6}") {
            if let Some(map) = read(&text) {
                prop_assert_eq!(yaml::parse_only(&text), Some(map), "{}", text);
            }
        }
    }

    #[test]
    fn names_behind_ids_are_passed_over_and_numbers_signs_in_text_are_not() {
        let text = "id: a\nlist:\n  - 3f9a1b2c-0000-4000-8000-000000000001  # Remote workers\n  - \"x  # y\"\n";
        let map = read(text).unwrap();
        assert_eq!(map["list"], json!(["3f9a1b2c-0000-4000-8000-000000000001", "x  # y"]));
        assert_eq!(read("id: a  # \u{202e}x\n"), None);
        assert_eq!(read("id: a\nid: a\n"), None);
        assert_eq!(read("b: a\na: a\n"), None);
        assert_eq!(read("a: &x b\n"), None);
        assert_eq!(read("a: 'b'\n"), None);
        assert_eq!(read(""), None);
    }
}
