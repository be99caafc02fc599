//! Finds references, the strings of an object that name other objects, and rewrites them when ids change.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::normalize::normalize;
use super::schema::{self, Ref, Rule, Shape};
use crate::model::{FieldChange, IdMap, Kind, Object, Report};

/// Maps ids (object ids or application ids) to names, for comments and reports. There may be a million of them: nearly every
/// id is a GUID, and stored as a number. Each name has the rank of its source: of several names, the one with the highest
/// rank counts, or the last one of that rank.
#[derive(Debug, Clone, Default)]
pub struct Names {
    guids: BTreeMap<u128, (Box<str>, u8)>,
    others: BTreeMap<Box<str>, (Box<str>, u8)>,
}

impl Names {
    /// Adds the name of an object, for its id and its other identities.
    pub fn learn(&mut self, kind: &'static Kind, object: &Object) {
        self.learn_at(kind, object, u8::MAX);
    }

    /// Adds the name of an object with a rank: it counts only if no source of a higher rank gives another name.
    pub fn learn_at(&mut self, kind: &'static Kind, object: &Object, place: u8) {
        let name = object.name();
        self.put(object.id(), name, place);
        for property in schema::of(kind).identities() {
            if let Some(id) = object.text(property) {
                self.put(id, name, place);
            }
        }
    }

    /// Records one name.
    pub fn insert(&mut self, id: &str, name: &str) {
        self.put(id, name, u8::MAX);
    }

    fn put(&mut self, id: &str, name: &str, place: u8) {
        let known = match number(id) {
            Some(guid) => self.guids.entry(guid).or_default(),
            None => self.others.entry(id.into()).or_default(),
        };
        if known.1 <= place {
            *known = (name.into(), place);
        }
    }

    fn known(&self, id: &str) -> Option<&str> {
        match number(id) {
            Some(guid) => self.guids.get(&guid),
            None => self.others.get(id),
        }
        .map(|(name, _)| name.as_ref())
    }

    /// Returns the name of `id`, if it is known and differs from the id.
    pub fn get(&self, id: &str) -> Option<&str> {
        self.known(id).filter(|name| *name != id)
    }

    /// Returns a name for an object without one: the names of the objects that it refers to, as far as they are known.
    pub fn of_about(&self, about: &[String]) -> Option<String> {
        let called: Vec<&str> = about.iter().filter_map(|id| self.get(id)).collect();
        (!called.is_empty()).then(|| called.join(": "))
    }

    /// Returns true if the name of `id` is known.
    pub fn contains(&self, id: &str) -> bool {
        self.known(id).is_some()
    }
}

/// Returns the number of a GUID in the one spelling that Graph uses; `None` for any other text, so that no two texts share a
/// number.
fn number(id: &str) -> Option<u128> {
    let mut number: u128 = 0;
    if id.len() != 36 {
        return None;
    }
    for (at, byte) in id.bytes().enumerate() {
        let digit = match (at, byte) {
            (8 | 13 | 18 | 23, b'-') => continue,
            (8 | 13 | 18 | 23, _) => return None,
            (_, b'0'..=b'9') => byte - b'0',
            (_, b'a'..=b'f') => byte - b'a' + 10,
            _ => return None,
        };
        number = number << 4 | u128::from(digit);
    }
    Some(number)
}

/// Represents one reference in an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference<'a> {
    /// JSON pointer of the string.
    pub pointer: String,
    /// Top-level property that contains the reference.
    pub property: &'a str,
    /// The string.
    pub value: &'a str,
    /// Targets that the reference may have.
    pub to: &'a [Ref],
    /// True if the target's name is shown as a comment.
    pub comment: bool,
    /// True if the reference is in a link.
    pub link: bool,
}

/// Returns every reference of an object, in document order: strings at places that the schema marks, whatever they hold.
pub fn references<'a>(kind: &'static Kind, object: &'a Object) -> Vec<Reference<'a>> {
    let mut found = Vec::new();
    let schema = schema::of(kind);
    for (name, value) in &object.0 {
        if let Some(rule) = schema.property(name) {
            let mut pointer = format!("/{}", escape(name));
            walk(rule, value, &mut pointer, name, rule.link, &mut found);
        }
    }
    found
}

fn walk<'a>(
    rule: &'a Rule,
    value: &'a Value,
    pointer: &mut String,
    property: &'a str,
    link: bool,
    found: &mut Vec<Reference<'a>>,
) {
    let length = pointer.len();
    match (&rule.shape, value) {
        (Shape::Object(rules, _), Value::Object(map)) => {
            for (name, value) in map {
                if let Some(rule) = rules.get(name) {
                    pointer.push('/');
                    pointer.push_str(&escape(name));
                    walk(rule, value, pointer, property, link, found);
                    pointer.truncate(length);
                }
            }
        }
        (Shape::List(items), Value::Array(elements)) => {
            for (index, value) in elements.iter().enumerate() {
                pointer.push('/');
                pointer.push_str(&index.to_string());
                walk(items, value, pointer, property, link, found);
                pointer.truncate(length);
            }
        }
        (_, Value::String(text)) if !rule.refs.is_empty() => found.push(Reference {
            pointer: pointer.clone(),
            property,
            value: text,
            to: &rule.refs,
            comment: rule.comment,
            link,
        }),
        _ => {}
    }
}

fn escape(name: &str) -> String {
    if name.contains(['~', '/']) { name.replace('~', "~0").replace('/', "~1") } else { name.to_owned() }
}

/// Returns the trailing comments for an object's file, by JSON pointer.
pub fn comments(kind: &'static Kind, object: &Object, names: &Names) -> BTreeMap<String, String> {
    if !has_comments(kind) {
        return BTreeMap::new();
    }
    references(kind, object)
        .into_iter()
        .filter(|reference| reference.comment)
        .filter_map(|reference| Some((reference.pointer, names.get(reference.value)?.to_owned())))
        .collect()
}

/// Returns true if files of the kind may hold comments, so that all names must be known before they are written.
pub fn has_comments(kind: &'static Kind) -> bool {
    fn any(rule: &Rule) -> bool {
        rule.comment
            || match &rule.shape {
                Shape::Scalar => false,
                Shape::List(items) => any(items),
                Shape::Object(rules, _) => rules.values().any(any),
            }
    }
    any(&schema::of(kind).root)
}

/// Returns the object with its own id and every reference by their current ids.
pub fn rewrite(kind: &'static Kind, object: &Object, ids: &IdMap) -> Object {
    if ids.is_empty() {
        return object.clone();
    }
    let mut properties = rewrite_body(kind, &object.0, ids);
    for name in schema::of(kind).identities().iter().map(String::as_str).chain(["id"]) {
        if let Some(Value::String(id)) = properties.get_mut(name) {
            let current = ids.current(id).to_owned();
            *id = current;
        }
    }
    // New ids sort differently, so that sets must be sorted again.
    normalize(kind, properties).object
}

/// Returns properties with every reference by its current id; the object's own id is left alone.
pub fn rewrite_body(kind: &'static Kind, body: &Map<String, Value>, ids: &IdMap) -> Map<String, Value> {
    let schema = schema::of(kind);
    body.iter()
        .map(|(name, value)| {
            let value = match schema.property(name) {
                // A role's template id names no object, and is sent again unchanged when the role is created again.
                Some(rule) if rule.create_only && rule.refs.is_empty() && value.as_str().is_some_and(is_guid) => {
                    value.clone()
                }
                Some(rule) => rewrite_value(rule, value, ids),
                None => value.clone(),
            };
            (name.clone(), value)
        })
        .collect()
}

/// Returns a value with every reference by its current id: strings that the schema marks, and ids inside other strings (a
/// membership rule, an identifier URI).
pub fn rewrite_value(rule: &Rule, value: &Value, ids: &IdMap) -> Value {
    match (&rule.shape, value) {
        (Shape::Object(rules, _), Value::Object(map)) => Value::Object(
            map.iter()
                .map(|(name, value)| {
                    let value = match rules.get(name) {
                        Some(rule) => rewrite_value(rule, value, ids),
                        None => value.clone(),
                    };
                    (name.clone(), value)
                })
                .collect(),
        ),
        (Shape::List(items), Value::Array(elements)) => {
            Value::Array(elements.iter().map(|element| rewrite_value(items, element, ids)).collect())
        }
        // A step of a plan may hold a single element of a set.
        (Shape::List(items), Value::String(_) | Value::Object(_)) => rewrite_value(items, value, ids),
        (_, Value::String(text)) if !rule.refs.is_empty() => Value::from(ids.current(text)),
        (_, Value::String(text)) => Value::from(rewrite_text(text, ids)),
        _ => value.clone(),
    }
}

fn rewrite_text(text: &str, ids: &IdMap) -> String {
    let mut rewritten = text.to_owned();
    // Longer labels are replaced first, since a shorter one may be their beginning.
    for label in labels_in(text).into_iter().rev() {
        let current = ids.current(label);
        if current != label {
            rewritten = rewritten.replace(label, current);
        }
    }
    for id in ids_in(text) {
        let current = ids.current(id);
        if current != id {
            rewritten = rewritten.replace(id, current);
        }
    }
    for app_id in extensions_in(text) {
        let current = ids.current(&app_id);
        if current != app_id {
            rewritten = rewritten.replace(&extension_of(&app_id), &extension_of(current));
        }
    }
    rewritten
}

/// Returns the prefix of the name of an extension property: it holds its application's id, without dashes.
/// <https://learn.microsoft.com/graph/api/resources/extensionproperty>
fn extension_of(app_id: &str) -> String {
    format!("extension_{}_", app_id.replace('-', ""))
}

/// Returns the application ids in the names of extension properties, as membership rules and claims name them:
/// `user.extension_7b7d0f91b50a4faabc76b3224205ff04_costCentre`.
fn extensions_in(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for part in text.split("extension_").skip(1) {
        let Some(hex) = part.get(..32).filter(|_| part[32..].starts_with('_')) else { continue };
        if hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            found.insert([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"));
        }
    }
    found
}

/// Returns the labels in a text, as in `api://new:shop.appId`: a word, and the property if it is not the id.
fn labels_in(text: &str) -> BTreeSet<&str> {
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let starts = text.match_indices("new:").filter(|(at, _)| !text[..*at].ends_with(inside));
    starts
        .filter_map(|(at, word)| {
            let rest = &text[at + word.len()..];
            let end = rest.find(|c| !inside(c)).unwrap_or(rest.len());
            let label = rest[..end].trim_end_matches('.');
            (!label.is_empty()).then_some(&text[at..at + word.len() + label.len()])
        })
        .collect()
}

/// Calls `see` with every id that a text mentions: GUIDs, application ids in the names of extension properties, and labels.
pub fn each_id_in(text: &str, see: &mut dyn FnMut(&str)) {
    ids_in(text).into_iter().for_each(&mut *see);
    extensions_in(text).iter().for_each(|id| see(id));
    labels_in(text).into_iter().for_each(see);
}

/// Calls `see` with every id that a value mentions anywhere: GUIDs inside strings, and `new:label` words.
pub fn mentions(value: &Value, see: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) if text.starts_with("new:") => see(text),
        Value::String(text) => each_id_in(text, see),
        Value::Array(elements) => elements.iter().for_each(|element| mentions(element, see)),
        Value::Object(map) => map.values().for_each(|value| mentions(value, see)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Holds the ids that a report mentions and whose names would help the reader.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mentioned {
    /// All ids.
    pub ids: BTreeSet<String>,
    /// Ids that may be another identity than an object's id (an application's `appId`).
    pub identities: BTreeSet<String>,
}

impl Mentioned {
    /// Adds the ids whose names an object's file shows, and that are not known.
    pub fn add_shown(&mut self, kind: &'static Kind, object: &Object, known: &Names) {
        let shown = references(kind, object).into_iter().filter(|reference| reference.comment);
        for reference in shown {
            let other = reference.to.iter().any(|to| to.property != "id");
            if !other && known.contains(reference.value) {
                continue;
            }
            if other {
                self.identities.insert(reference.value.to_owned());
            }
            self.ids.insert(reference.value.to_owned());
        }
    }
}

/// Returns the ids that a report mentions.
pub fn mentioned(report: &Report) -> Mentioned {
    let mut found = Mentioned::default();
    for change in &report.changes {
        let kind = change.address.kind;
        found.ids.extend(change.about.iter().cloned());
        for field in change.shown() {
            let values: Vec<&Value> = match field {
                FieldChange::Value { before, after, .. } => before.iter().chain(after).collect(),
                FieldChange::Gained { element, .. } | FieldChange::Lost { element, .. } => vec![element],
            };
            let rule = schema::of(kind).along(field.path()).last().map(|(rule, _)| *rule);
            found.ids.extend(ids_in(field.path()).into_iter().map(str::to_owned));
            for value in values {
                mentions(value, &mut |id| {
                    found.ids.insert(id.to_owned());
                });
                if let Some(rule) = rule {
                    identities(rule, value, &mut found.identities);
                }
            }
        }
    }
    found
}

fn identities(rule: &Rule, value: &Value, found: &mut BTreeSet<String>) {
    match (&rule.shape, value) {
        (Shape::Object(rules, _), Value::Object(map)) => {
            for (name, value) in map {
                if let Some(rule) = rules.get(name) {
                    identities(rule, value, found);
                }
            }
        }
        (Shape::List(items), Value::Array(elements)) => {
            elements.iter().for_each(|element| identities(items, element, found));
        }
        // The value may be a single element of a set.
        (Shape::List(items), value) => identities(items, value, found),
        (_, Value::String(text)) if is_guid(text) && rule.refs.iter().any(|to| to.property != "id") => {
            found.insert(text.clone());
        }
        _ => {}
    }
}

/// Returns true if a string looks like an id that Graph makes: `00000000-0000-0000-0000-000000000000`.
pub fn is_guid(text: &str) -> bool {
    text.len() == 36 && is_guid_bytes(text.as_bytes())
}

fn is_guid_bytes(bytes: &[u8]) -> bool {
    bytes.iter().enumerate().all(|(index, byte)| match index {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

/// Returns every GUID in a text.
pub fn ids_in(text: &str) -> BTreeSet<&str> {
    let bytes = text.as_bytes();
    let mut found = BTreeSet::new();
    let mut start = 0;
    while start + 36 <= bytes.len() {
        // The candidate is ASCII only, so that the slice falls on character boundaries.
        if bytes[start + 8] == b'-' && is_guid_bytes(&bytes[start..start + 36]) {
            found.insert(&text[start..start + 36]);
            start += 36;
        } else {
            start += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_inside_texts_are_found_and_rewritten() {
        let rule = "user.extension_7b7d0f91b50a4faabc76b3224205ff04_desk -eq \"x\" -or user.memberof -any (group.objectId -in \
                    ['00000001-0000-4000-8000-000000000001']) -or user.extension_7b7d0f91_no -ne null";
        let mut seen = Vec::new();
        each_id_in(rule, &mut |id| seen.push(id.to_owned()));
        assert_eq!(seen, ["00000001-0000-4000-8000-000000000001", "7b7d0f91-b50a-4faa-bc76-b3224205ff04"]);
        let mut ids = IdMap::default();
        ids.learn("7b7d0f91-b50a-4faa-bc76-b3224205ff04", "11111111-2222-4333-8444-555555555555");
        ids.learn("00000001-0000-4000-8000-000000000001", "00000001-0000-4000-8000-000000000002");
        insta::assert_snapshot!(rewrite_text(rule, &ids), @r#"user.extension_11111111222243338444555555555555_desk -eq "x" -or user.memberof -any (group.objectId -in ['00000001-0000-4000-8000-000000000002']) -or user.extension_7b7d0f91_no -ne null"#);
        // The text has an id next to a multi-byte character, and one that is cut short.
        each_id_in("extension_ééééééééééééééééé_x extension_7b7d", &mut |id| panic!("{id}"));
    }
}
