//! Stores the tenant in memory: rows by key, a recycle bin for each table, and indexes for unique properties.
//!
//! A row is kept as its JSON text, a tenth of the memory of a tree: a hundred thousand users fit anywhere, and reading one costs
//! microseconds. Rows are in the order of a hash of their id, so that a list looks shuffled, is always the same, and a page token
//! that names the last key stays valid while rows are added and removed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::Deserializer;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::properties;
use crate::kinds;
use crate::model::Kind;

/// Properties of an object.
pub type Properties = Map<String, Value>;

/// Id of an object, shared between rows and links.
pub type Id = Arc<str>;

/// Represents the position of a row in the tenant's order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    rank: u64,
    /// Id of the object, in lower case if it is a GUID.
    pub id: Id,
}

impl Key {
    /// Returns the key of `id`. GUIDs are compared without regard to case.
    pub fn of(id: &str) -> Self {
        let id: Id = if is_guid(id) { id.to_ascii_lowercase().into() } else { id.into() };
        Self { rank: rank(&id), id }
    }
}

/// Returns true if `text` has the form of a GUID.
pub fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Returns the rank of an id: FNV-1a with a final mix, as only the spread matters.
fn rank(id: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in id.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash ^= hash >> 32;
    hash.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Holds one object's properties as JSON text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row(Box<str>);

impl Row {
    /// Packs `properties`, without the nulls: an unset property and a null one are the same.
    pub fn pack(properties: &Properties) -> Self {
        Self(serde_json::to_string(&set(properties)).unwrap_or_else(|_| "{}".to_owned()).into())
    }

    /// Returns the properties.
    pub fn unpack(&self) -> Properties {
        serde_json::from_str(&self.0).unwrap_or_default()
    }

    /// Returns some of the properties; the others are skipped over, which is most of the work of a list.
    pub fn pick(&self, names: &[&str]) -> Properties {
        serde_json::Deserializer::from_str(&self.0).deserialize_map(Picking(names)).unwrap_or_default()
    }
}

struct Picking<'a>(&'a [&'a str]);

impl<'de> Visitor<'de> for Picking<'_> {
    type Value = Properties;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Properties, A::Error> {
        let mut out = Properties::new();
        while let Some(name) = map.next_key::<String>()? {
            if self.0.contains(&name.as_str()) {
                out.insert(name, map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(out)
    }
}

fn set(properties: &Properties) -> BTreeMap<&str, &Value> {
    properties.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.as_str(), value)).collect()
}

/// Names a stored object: its key and its properties.
#[derive(Debug, Clone, Copy)]
pub struct Stored<'a> {
    /// Key of the object.
    pub key: &'a Key,
    /// Properties of the object.
    pub object: &'a Properties,
}

/// Holds the rows of one type.
#[derive(Debug, Default)]
pub struct Table {
    /// Rows of the live objects.
    pub live: BTreeMap<Key, Row>,
    /// Rows of the objects in the recycle bin.
    pub bin: BTreeMap<Key, Row>,
    unique: HashMap<(&'static str, String), Key>,
}

impl Table {
    /// Returns the live object called `id`.
    pub fn get(&self, id: &str) -> Option<Properties> {
        self.live.get(&Key::of(id)).map(Row::unpack)
    }

    /// Returns the key of the object that has `value` in the unique property `name`.
    pub fn holder(&self, name: &'static str, value: &str) -> Option<&Key> {
        self.unique.get(&(name, value.to_lowercase()))
    }

    /// Writes a live object and its index entries.
    pub fn put(&mut self, kind: &Kind, properties: &Properties) -> Key {
        let key = Key::of(properties.get("id").and_then(Value::as_str).unwrap_or_default());
        if let Some(old) = self.live.get(&key).map(Row::unpack) {
            self.index(kind, &old, None);
        }
        self.index(kind, properties, Some(&key));
        self.live.insert(key.clone(), Row::pack(properties));
        key
    }

    /// Removes a live object.
    pub fn take(&mut self, kind: &Kind, key: &Key) -> Option<Properties> {
        let old = self.live.remove(key)?.unpack();
        self.index(kind, &old, None);
        Some(old)
    }

    fn index(&mut self, kind: &Kind, properties: &Properties, key: Option<&Key>) {
        for name in properties::indexed(kind.name) {
            for value in strings(properties.get(*name)) {
                match key {
                    Some(key) => self.unique.insert((*name, value.to_lowercase()), key.clone()),
                    None => self.unique.remove(&(*name, value.to_lowercase())),
                };
            }
        }
    }
}

/// Returns the string in a property; empty if there is none.
pub fn text<'a>(object: &'a Properties, name: &str) -> &'a str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Returns the strings in a string or in a list of strings.
pub fn strings(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let list = match value {
        Some(Value::Array(list)) => list.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    list.iter().filter_map(Value::as_str)
}

/// Holds all tables: one for each kind, one for each sort of children.
#[derive(Debug)]
pub struct Store {
    tables: Vec<Table>,
    children: BTreeMap<&'static str, Table>,
}

impl Default for Store {
    fn default() -> Self {
        Self { tables: kinds::ALL.iter().map(|_| Table::default()).collect(), children: BTreeMap::new() }
    }
}

/// Returns the kind's position in the registry.
pub fn slot(kind: &Kind) -> usize {
    kinds::ALL.iter().position(|other| other.name == kind.name).unwrap_or_default()
}

impl Store {
    /// Returns the kind's table.
    pub fn table(&self, kind: &Kind) -> &Table {
        &self.tables[slot(kind)]
    }

    /// Returns the kind's table, to write.
    pub fn table_mut(&mut self, kind: &Kind) -> &mut Table {
        &mut self.tables[slot(kind)]
    }

    /// Returns the table of the children that `link` holds.
    pub fn children(&self, link: &str) -> Option<&Table> {
        self.children.get(link)
    }

    /// Returns the table of the children that `link` holds, to write.
    pub fn children_mut(&mut self, link: &'static str) -> &mut Table {
        self.children.entry(link).or_default()
    }

    /// Returns every table of children with its link.
    pub fn all_children(&self) -> impl Iterator<Item = (&'static str, &Table)> {
        self.children.iter().map(|(link, table)| (*link, table))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn guids_ignore_case_and_words_do_not() {
        let lower = "0b1c2d3e-0000-4000-8000-00000000abcd";
        assert_eq!(Key::of(lower), Key::of(&lower.to_uppercase()));
        assert_ne!(Key::of("Fido2"), Key::of("fido2"));
    }

    #[test]
    fn a_row_forgets_nulls_and_keeps_the_rest() {
        let properties = json!({"id": "a", "mail": null, "tags": []}).as_object().cloned().unwrap_or_default();
        let row = Row::pack(&properties);
        assert_eq!(Value::Object(row.unpack()), json!({"id": "a", "tags": []}));
        assert_eq!(Value::Object(row.pick(&["id", "mail"])), json!({"id": "a"}));
    }
}
