//! Parses bytes into values, strictly: mistakes of a person or a merge, and attacks, are reported with their lines.
//!
//! No other module uses serde_yaml. A scan of the text comes first and refuses what a parser would be slow, lenient or
//! silent about: size, depth, encoding, merge markers, anchors, aliases, tags, second documents.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::sync::OnceLock;

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::canonical;
use super::scan::{Problem, ROOT, places, problems};
use crate::model::Finding;
use crate::model::finding::{MOST_PER_FILE, Position, Severity};

/// Maximum size of a file, in bytes: a group of 800,000 members.
const MAX_BYTES: usize = 32 << 20;

/// Holds a file that parsed.
#[derive(Debug, Clone)]
pub struct Document {
    /// Content of the file.
    pub value: Map<String, Value>,
    text: String,
    positions: OnceLock<Positions>,
}

/// Holds the positions of keys and list elements, by the parent place and the name there.
#[derive(Debug, Clone, Default)]
struct Positions(BTreeMap<(usize, String), (usize, Position)>);

impl Positions {
    fn of(text: &str) -> Positions {
        let mut positions = BTreeMap::new();
        places(text, &mut |place| {
            let next = positions.len() + 1;
            positions.entry((place.parent, place.name.to_owned())).or_insert((next, place.position)).0
        });
        Positions(positions)
    }

    /// Returns the position of a JSON pointer, or of the nearest place above it that has one.
    fn find(&self, pointer: &str) -> Option<Position> {
        let (mut place, mut position) = (ROOT, None);
        for part in pointer.split('/').skip(1) {
            let Some((number, found)) = self.0.get(&(place, part.replace("~1", "/").replace("~0", "~"))) else { break };
            (place, position) = (*number, Some(*found));
        }
        position
    }
}

impl Document {
    /// Returns the position of a JSON pointer; that of the nearest place above it if it has no line of its own.
    pub fn position_of(&self, pointer: &str) -> Position {
        let positions = self.positions.get_or_init(|| Positions::of(&self.text));
        positions.find(pointer).unwrap_or(Position { line: 1, column: 0 })
    }
}

/// Reads a file.
///
/// # Errors
/// Everything that is wrong with the file, with lines.
pub fn read(path: &str, bytes: &[u8]) -> Result<Document, Vec<Finding>> {
    let finding = |line: usize, column: usize, check: &'static str, message: String| Finding {
        path: path.to_owned(),
        line,
        column,
        severity: Severity::Error,
        check,
        message,
    };
    let one =
        |line: usize, column: usize, check: &'static str, message: String| vec![finding(line, column, check, message)];
    if bytes.len() > MAX_BYTES {
        return Err(one(
            0,
            0,
            "too-large",
            format!("the file has {} bytes, more than the {MAX_BYTES} allowed", bytes.len()),
        ));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
            return Err(one(line, 0, "encoding", "the file is not UTF-8; save it as UTF-8".to_owned()));
        }
    };
    // Git writes such line endings on Windows, and converts them back.
    let text = if text.contains("\r\n") { Cow::Owned(text.replace("\r\n", "\n")) } else { Cow::Borrowed(text) };
    let text = text.as_ref();
    if let Some(value) = canonical::read(text) {
        return Ok(Document { value, text: text.to_owned(), positions: OnceLock::new() });
    }
    let problems = problems(text).into_iter();
    let mut findings: Vec<Finding> = problems
        .map(|Problem { position: Position { line, column }, check, message }| finding(line, column, check, message))
        .collect();
    if !findings.is_empty() {
        // Both sides of a merge have the same keys, and so have two objects: those are no duplicates.
        if findings.iter().all(|finding| !matches!(finding.check, "merge-marker" | "document")) {
            let doubles = doubles(text).into_iter();
            findings.extend(doubles.map(|(at, message)| finding(at.line, at.column, "duplicate-key", message)));
            findings.sort_by_key(|finding| finding.line);
        }
        return Err(findings);
    }
    let error = match serde_yaml::from_str::<NoDuplicates>(text) {
        Ok(NoDuplicates(Value::Object(value))) => {
            return Ok(Document { value, text: text.to_owned(), positions: OnceLock::new() });
        }
        Ok(_) => {
            return Err(one(
                1,
                1,
                "syntax",
                "the file is not a mapping of properties; an object starts with `id: …`".to_owned(),
            ));
        }
        Err(error) => error,
    };
    let message = error.to_string();
    // What is not closed begins where the parser was, and is missed at the end of the file.
    let began = message.split_once("scanning a quoted scalar at line ").and_then(|(_, place)| {
        let (line, column) = place.split_once(" column ")?;
        let column = column.split(|letter: char| !letter.is_ascii_digit()).next()?;
        Some((line.parse().ok()?, column.parse().ok()?))
    });
    let ended = || error.location().map_or((0, 0), |location| (location.line(), location.column()));
    let (line, column): (usize, usize) = began.unwrap_or_else(ended);
    // The finding has the line already.
    let message = plain(message.split(" at line ").next().unwrap_or(&message));
    if !message.contains(DUPLICATE) {
        return Err(one(line, column, "syntax", message));
    }
    // The parser names the mapping; the scan knows the line, unless the whole mapping is in brackets.
    let doubles = doubles(text);
    Err(if doubles.is_empty() {
        one(line, column, "duplicate-key", message)
    } else {
        doubles.into_iter().map(|(at, message)| finding(at.line, at.column, "duplicate-key", message)).collect()
    })
}

/// Reads text with the parser alone, without the limits and without the fast path for canonical files.
#[cfg(test)]
pub(super) fn parse_only(text: &str) -> Option<Map<String, Value>> {
    match serde_yaml::from_str::<NoDuplicates>(text) {
        Ok(NoDuplicates(Value::Object(value))) => Some(value),
        _ => None,
    }
}

/// Returns a message of the parser in words that say what to do.
fn plain(message: &str) -> String {
    match message {
        "mapping values are not allowed in this context" => {
            "a colon with a blank behind it stands in the text; put the whole text in quotes, or begin the property on a line \
             of its own"
        }
        "found unexpected end of stream" => "a quotation mark or a bracket is opened and not closed; close it",
        "did not find expected node content" => "a value is missing here; put it in, or remove the comma or the dash",
        "did not find expected key" | "did not find expected '-' indicator" => {
            "the indentation does not fit the lines above; put what belongs together in the same column"
        }
        "did not find expected ',' or ']'" => "a list in brackets needs a comma between its elements and `]` at its end",
        "did not find expected ',' or '}'" => "properties in braces need a comma between them and `}` at their end",
        other => other,
    }
    .to_owned()
}

const DUPLICATE: &str = "duplicate key";

fn duplicate(key: &str) -> String {
    format!("{DUPLICATE} `{key}`; keep one of the two")
}

/// Returns the positions of keys that their mapping has already, with a message for each.
fn doubles(text: &str) -> Vec<(Position, String)> {
    /// Place of everything below a duplicate key, which is not compared.
    const BELOW: usize = usize::MAX;
    let mut seen: BTreeMap<(usize, String), usize> = BTreeMap::new();
    let mut found: Vec<(Position, String)> = Vec::new();
    places(text, &mut |place| {
        if place.parent == BELOW {
            return BELOW;
        }
        let next = seen.len() + 1;
        match seen.entry((place.parent, place.name.to_owned())) {
            Entry::Vacant(free) => *free.insert(next),
            Entry::Occupied(taken) if !place.is_key => *taken.get(),
            Entry::Occupied(_) => {
                if found.len() < MOST_PER_FILE {
                    found.push((place.position, duplicate(place.name)));
                }
                BELOW
            }
        }
    });
    found
}

/// Holds a value in which every key occurs once, and no number is infinite.
struct NoDuplicates(Value);

impl<'de> serde::Deserialize<'de> for NoDuplicates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor).map(NoDuplicates)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a plain value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("a number must be finite; quote it if it is text"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(NoDuplicates(element)) = elements.next_element()? {
            list.push(element);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(NoDuplicates(key)) = entries.next_key()? {
            let Value::String(key) = key else {
                return Err(serde::de::Error::custom(format!("a key is text; put `{key}` in quotes")));
            };
            if map.contains_key(&key) {
                return Err(serde::de::Error::custom(duplicate(&key)));
            }
            let NoDuplicates(value) = entries.next_value()?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::emit;
    use proptest::prelude::*;

    fn said(text: &str) -> String {
        match read("f.yaml", text.as_bytes()) {
            Ok(document) => Value::Object(document.value).to_string(),
            Err(findings) => findings
                .iter()
                .map(|finding| format!("{}: {}: {}", finding.line, finding.check, finding.message))
                .collect::<Vec<_>>()
                .join("\n"),
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        insta::assert_snapshot!(said("id: a\nstate: one\nstate: two\n"), @"3: duplicate-key: duplicate key `state`; keep one of the two");
        insta::assert_snapshot!(said("id: a\n<<<<<<< HEAD\nx: 1\n=======\nx: 2\n>>>>>>> b\n"), @r"
        2: merge-marker: a merge was not finished here; settle it and remove the marker
        4: merge-marker: a merge was not finished here; settle it and remove the marker
        6: merge-marker: a merge was not finished here; settle it and remove the marker
        ");
        insta::assert_snapshot!(said("id: &a x\nb: *a\nc: !!str 1\n"), @r"
        1: anchor: anchors and aliases are not allowed; write the value out, or quote it if it is text
        2: anchor: anchors and aliases are not allowed; write the value out, or quote it if it is text
        3: tag: tags are not allowed; remove it, or quote the value if it is text
        ");
        insta::assert_snapshot!(said("id: a\n---\nid: b\n"), @r##"2: document: a file holds one object and no document marker; remove the line, or move a second object to a file of its own"##);
        insta::assert_snapshot!(said("id: no\nx: 0123\n"), @r##"
        1: ambiguous-scalar: `no` means different things to different parsers; put it in quotes, or write true or false
        2: ambiguous-scalar: `0123` means different things to different parsers; put it in quotes if it is text or a date, else write a plain number
        "##);
        insta::assert_snapshot!(said("id: \"a\n"), @"1: syntax: a quotation mark or a bracket is opened and not closed; close it");
        insta::assert_snapshot!(said("- a\n"), @"1: syntax: the file is not a mapping of properties; an object starts with `id: …`");
        assert_eq!(said("id: a\r\nb: |-\r\n  x\r\n  y\r\n"), said("id: a\nb: |-\n  x\n  y\n"));
        insta::assert_snapshot!(said("\u{feff}id: a\rx\r\nb: \u{202e}\n"), @r##"
        1: encoding: the file begins with a byte order mark; save it without one
        1: line-endings: a carriage return stands here that ends no line; remove it, or write \r in double quotes
        1: encoding: an invisible or control character (U+000D) stands here; write it as an escape in double quotes
        2: encoding: an invisible or control character (U+202E) stands here; write it as an escape in double quotes
        "##);
        insta::assert_snapshot!(said("---\nid: a\n\tb: 1\nc: one\n  two\nd: \"x\" y\ne: [no, 'a', 12:30, {f: 1e3}]\n<<: {}\n"), @r##"
        1: document: a file holds one object and no document marker; remove the line, or move a second object to a file of its own
        3: tab: a tab stands here; indent with spaces, and write \t in double quotes
        5: syntax: a property reads `name: value`; text over several lines needs quotes around it or a `|` in front
        6: syntax: only a comment may follow here; put the whole text in quotes
        7: ambiguous-scalar: `no` means different things to different parsers; put it in quotes, or write true or false
        7: ambiguous-scalar: `12:30` means different things to different parsers; put it in quotes if it is text or a date, else write a plain number
        7: ambiguous-scalar: `1e3` means different things to different parsers; put it in quotes if it is text or a date, else write a plain number
        8: ambiguous-scalar: `<<` means different things to different parsers; put it in quotes; merge keys are not allowed
        "##);
        let deep = format!("id: {}", "[".repeat(3_000_000));
        insta::assert_snapshot!(said(&deep), @"1: depth: nested more than 64 deep");
    }

    /// Reads a file that is so large that quadratic work would not end, and returns what is wrong with it.
    fn soon(text: &str) -> Vec<Finding> {
        read("f.yaml", text.as_bytes()).map_or_else(
            |found| found,
            |document| {
                document.position_of("/none");
                Vec::new()
            },
        )
    }

    #[test]
    fn dashes_are_read_as_deep_as_anything_else() {
        let found = soon(&format!("zz:\n  {}x\n", "- ".repeat(300_000)));
        assert_eq!(found.iter().map(|found| (found.line, found.check)).collect::<Vec<_>>(), [(2, "depth")]);
        let lines = format!("  {}x\n", "- ".repeat(60)).repeat(2_000);
        assert_eq!(soon(&format!("zz:\n{lines}v: no\n")).len(), 1);
    }

    #[test]
    fn a_long_key_above_many_others_is_kept_once() {
        let children: String = (0..50_000).map(|number| format!("  a{number}: 1\n")).collect();
        let key = "k".repeat(1 << 20);
        assert_eq!(soon(&format!("? \"{key}\"\n:\n{children}")), []);
        let found = soon(&format!("? \"{key}\"\n:\n{children}  a7: 1\n"));
        assert_eq!(
            found.iter().map(|found| (found.line, found.check)).collect::<Vec<_>>(),
            [(50_003, "duplicate-key")]
        );
    }

    #[test]
    fn findings_of_a_file_end_at_a_limit() {
        for line in ["k: no\n", "k: &a x\n", "\tx\n"] {
            let found = soon(&line.repeat(50_000));
            assert!(found.len() <= 2 * MOST_PER_FILE + 1, "{}", found.len());
            assert!(found.iter().any(|found| found.check == "more-findings"), "{line:?}");
        }
        let doubles = "k: 1\n".repeat(10_000);
        assert_eq!(soon(&doubles).len(), MOST_PER_FILE);
    }

    #[test]
    fn doubles_below_a_double_are_its_own() {
        insta::assert_snapshot!(said("a:\n  x: 1\na:\n  x: 1\n  x: 2\nb:\n- v: 1\n- v: 2\n  v: 3\n"), @r"
        3: duplicate-key: duplicate key `a`; keep one of the two
        9: duplicate-key: duplicate key `v`; keep one of the two
        ");
    }

    #[test]
    fn text_may_hold_what_structure_may_not() {
        insta::assert_snapshot!(said("id: \"&a *b !c\"\nx: 'it''s & <<<<<<<'\nw: a & b  # &c\nz: |\n  &a\n  - !x\n"), @r#"{"id":"&a *b !c","w":"a & b","x":"it's & <<<<<<<","z":"&a\n- !x\n"}"#);
    }

    #[test]
    fn no_anchor_tag_or_document_slips_through() {
        for text in [
            "a: &x b\n",
            "a: *x\n",
            "&x a: b\n",
            "a: !!str b\n",
            "a: [&x b]\n",
            "a: [b,&x c]\n",
            "a: [b, *x]\n",
            "a: {b: &x c}\n",
            "a: {\"b\":&x c}\n",
            "a: {&x b: c}\n",
            "a: [!t b]\n",
            "a:\n  - &x b\n",
            "a:\n  &x b\n",
            "a: &x\n  b: c\n",
            "a: [\n&x b]\n",
            "\"a\" : &x b\n",
            "'it''s': &x b\n",
            "a:\t&x b\n",
            "? &x a\n: b\n",
            "? a\n: &x b\n",
            "? \"a\"\n: - &x b\n",
            "- - &x b\n",
            "a: b\n  'c\nd: &x e\nf: g'\n",
            "a: b\n  - \"c\nd: &x e\nf: \"\n",
            "a: [b 'c]\nd: &x e\nf: [g 'h]\n",
            "a: [b\n'c]\nd: &x e\nf: '\n",
            "a: \"b\" \"\nc: &x d\ne: \"\n",
            "a: |\n  b\nc: &x d\n",
            "a: \"\n\": &x b\n",
            "a: b\n...\n",
            "--- a\n",
            "a: b\n--- \nc: d\n",
            "%TAG ! a\n",
        ] {
            assert!(read("f.yaml", text.as_bytes()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn positions_are_found() {
        let text = "id: a\nconditions:\n  users:\n    includeGroups:\n      - g\n      - h\nlist:\n- a: 1\n  b: 2\n- \"c/d\": 3\n";
        let document = read("f.yaml", text.as_bytes()).unwrap();
        let lines = ["/id", "/conditions/users/includeGroups/1", "/list/0/b", "/list/1/c~1d", "/list/1/zz", "/nothing"];
        let found = lines.map(|pointer| {
            let Position { line, column } = document.position_of(pointer);
            (line, column)
        });
        assert_eq!(found, [(1, 1), (6, 7), (9, 3), (10, 3), (10, 1), (1, 0)]);
    }

    fn tree() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e300f64..1e300).prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
            "[-?:,\\[\\]{}#&*!|>'\"%@` \n\ta0nyY=<~.e+]{0,8}".prop_map(Value::from),
            prop_oneof![
                Just("no"),
                Just("0x1F"),
                Just("1_000"),
                Just("12:30:45"),
                Just("<<"),
                Just("="),
                Just(".inf"),
                Just("---"),
                Just("2001-01-01"),
                Just("\u{85}"),
                Just("\u{feff}"),
                Just("\u{fffe}")
            ]
            .prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::btree_map(".{1,8}", inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1500))]
        #[test]
        fn reading_what_was_written_changes_nothing(value in tree()) {
            let mut map = Map::new();
            map.insert("v".to_owned(), value);
            let bytes = emit::write(&map, &BTreeMap::new());
            let document = read("f.yaml", &bytes)
                .map_err(|findings| TestCaseError::fail(format!("{findings:?}\n{}", String::from_utf8_lossy(&bytes))))?;
            prop_assert_eq!(&document.value, &map, "{}", String::from_utf8_lossy(&bytes));
            prop_assert_eq!(emit::write(&document.value, &BTreeMap::new()), bytes);
        }
    }
}
