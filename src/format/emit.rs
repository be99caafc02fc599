//! Writes an object as canonical bytes. Each value has one spelling, and parsers of YAML 1.1 and 1.2 read the same from it.
//!
//! The style is block style, two spaces, `id` and `displayName` first and the other keys sorted. A string is plain only if
//! no parser could take it for anything else; otherwise it is double-quoted in JSON's manner, on one line. The same rule
//! holds for keys and at every depth. The name of a referenced object follows its id as a comment.

use std::collections::BTreeMap;
use std::io::Write as _;

use serde_json::{Map, Value};

use super::plain::{is_plain, printable};

/// Maximum length of a comment, in characters.
const COMMENT: usize = 80;
/// Maximum length of a key before the colon, in bytes. Parsers give up at 1,024; after a question mark there is no limit.
const KEY: usize = 1000;

/// Writes an object. `comments` maps JSON pointers of strings to the comments that follow them.
pub fn write(object: &Map<String, Value>, comments: &BTreeMap<String, String>) -> Vec<u8> {
    let mut emitter = Emitter { out: Vec::with_capacity(1024), comments, pointer: String::new() };
    if object.is_empty() {
        return b"{}\n".to_vec();
    }
    emitter.map(object, 0, false);
    emitter.out
}

struct Emitter<'a> {
    out: Vec<u8>,
    comments: &'a BTreeMap<String, String>,
    pointer: String,
}

impl Emitter<'_> {
    fn map(&mut self, map: &Map<String, Value>, indent: usize, mut inline: bool) {
        let first = ["id", "displayName"].into_iter().filter_map(|name| map.get_key_value(name));
        let rest = map.iter().filter(|(name, _)| *name != "id" && *name != "displayName");
        for (name, value) in first.chain(rest) {
            if !inline {
                self.indent(indent);
            }
            inline = false;
            let start = self.out.len();
            scalar(&mut self.out, name);
            if self.out.len() - start > KEY {
                self.out.splice(start..start, *b"? ");
                self.out.push(b'\n');
                self.indent(indent);
            }
            self.out.push(b':');
            let length = self.step(name);
            self.value(value, indent);
            self.pointer.truncate(length);
        }
    }

    /// Writes the value behind a key or a dash, with the end of the line.
    fn value(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Object(map) if map.is_empty() => self.out.extend_from_slice(b" {}\n"),
            Value::Array(elements) if elements.is_empty() => self.out.extend_from_slice(b" []\n"),
            Value::Object(map) => {
                self.out.push(b'\n');
                self.map(map, indent + 2, false);
            }
            Value::Array(elements) => {
                self.out.push(b'\n');
                self.list(elements, indent + 2);
            }
            scalar => {
                self.out.push(b' ');
                self.leaf(scalar);
            }
        }
    }

    fn list(&mut self, elements: &[Value], indent: usize) {
        for (index, element) in elements.iter().enumerate() {
            self.indent(indent);
            self.out.push(b'-');
            let length = self.pointer.len();
            if !self.comments.is_empty() {
                self.pointer.push('/');
                self.pointer.push_str(&index.to_string());
            }
            match element {
                Value::Object(map) if !map.is_empty() => {
                    self.out.push(b' ');
                    self.map(map, indent + 2, true);
                }
                Value::Array(inner) if !inner.is_empty() => {
                    self.out.push(b'\n');
                    self.list(inner, indent + 2);
                }
                other => self.value(other, indent),
            }
            self.pointer.truncate(length);
        }
    }

    fn leaf(&mut self, value: &Value) {
        match value {
            Value::Null => self.out.extend_from_slice(b"null"),
            Value::Bool(true) => self.out.extend_from_slice(b"true"),
            Value::Bool(false) => self.out.extend_from_slice(b"false"),
            Value::Number(number) => number_text(&mut self.out, number),
            Value::String(text) => scalar(&mut self.out, text),
            Value::Array(_) | Value::Object(_) => {}
        }
        if !self.comments.is_empty()
            && let Some(comment) = self.comments.get(&self.pointer)
        {
            let clean: String = comment.chars().map(|c| if printable(c) { c } else { '?' }).take(COMMENT).collect();
            let clean = clean.trim();
            if !clean.is_empty() {
                self.out.extend_from_slice(b"  # ");
                self.out.extend_from_slice(clean.as_bytes());
            }
        }
        self.out.push(b'\n');
    }

    fn step(&mut self, name: &str) -> usize {
        let length = self.pointer.len();
        if !self.comments.is_empty() {
            self.pointer.push('/');
            if name.contains(['~', '/']) {
                self.pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
            } else {
                self.pointer.push_str(name);
            }
        }
        length
    }

    fn indent(&mut self, count: usize) {
        const SPACES: &[u8] = b"                                                                ";
        let mut left = count;
        while left > 0 {
            let part = left.min(SPACES.len());
            self.out.extend_from_slice(&SPACES[..part]);
            left -= part;
        }
    }
}

/// Writes integers unchanged, and other numbers in a form that YAML 1.1 takes for a float as well: with a point and a signed
/// exponent.
fn number_text(out: &mut Vec<u8>, number: &serde_json::Number) {
    if !number.is_f64() {
        // Writing into a Vec cannot fail.
        let _never = write!(out, "{number}");
        return;
    }
    let text = number.to_string();
    match text.split_once('e') {
        None => out.extend_from_slice(text.as_bytes()),
        Some((mantissa, exponent)) => {
            out.extend_from_slice(mantissa.as_bytes());
            if !mantissa.contains('.') {
                out.extend_from_slice(b".0");
            }
            out.push(b'e');
            if !exponent.starts_with(['-', '+']) {
                out.push(b'+');
            }
            out.extend_from_slice(exponent.as_bytes());
        }
    }
}

fn scalar(out: &mut Vec<u8>, text: &str) {
    if is_plain(text) { out.extend_from_slice(text.as_bytes()) } else { quoted(out, text) }
}

/// Writes a string in double quotes with JSON's escapes, which YAML shares; everything that could hide or break text is
/// escaped.
fn quoted(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut utf8 = [0; 4];
    for c in text.chars() {
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            c if printable(c) => out.extend_from_slice(c.encode_utf8(&mut utf8).as_bytes()),
            c if u32::from(c) <= 0xff => out.extend_from_slice(format!("\\x{:02x}", u32::from(c)).as_bytes()),
            c if u32::from(c) <= 0xffff => out.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes()),
            c => out.extend_from_slice(format!("\\U{:08x}", u32::from(c)).as_bytes()),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(value: &Value, comments: &[(&str, &str)]) -> String {
        let comments = comments.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        String::from_utf8(write(value.as_object().unwrap_or(&Map::new()), &comments)).unwrap_or_default()
    }

    #[test]
    fn an_object_reads_like_graph() {
        let value = json!({
            "state": "enabled",
            "displayName": "Block: legacy # auth",
            "id": "8c7f1a2b-0000-4000-8000-000000000001",
            "@odata.type": "#microsoft.graph.ipNamedLocation",
            "conditions": {"users": {"includeGroups": ["0b1c2d3e-0000-4000-8000-000000000001"], "includeUsers": ["All"]}},
            "list": [{"b": 1, "a": [1.5, 1e21]}, [], {}, [["x"]]],
            "trap": ["no", "0123", "1e3", "2024-01-01", "~", "", " x", "a: b", "12:30", "null", "a\nb", "it's", "\u{202e}x"],
        });
        insta::assert_snapshot!(text(&value, &[("/conditions/users/includeGroups/0", "Remote\nworkers")]), @r##"
        id: 8c7f1a2b-0000-4000-8000-000000000001
        displayName: "Block: legacy # auth"
        "@odata.type": "#microsoft.graph.ipNamedLocation"
        conditions:
          users:
            includeGroups:
              - 0b1c2d3e-0000-4000-8000-000000000001  # Remote?workers
            includeUsers:
              - All
        list:
          - a:
              - 1.5
              - 1.0e+21
            b: 1
          - []
          - {}
          -
            -
              - x
        state: enabled
        trap:
          - "no"
          - "0123"
          - "1e3"
          - "2024-01-01"
          - "~"
          - ""
          - " x"
          - "a: b"
          - "12:30"
          - "null"
          - "a\nb"
          - it's
          - "\u202ex"
        "##);
    }
}
