//! Validates documents against the schemas in `schemas/output`, for the tests beside the renderers.

use std::collections::BTreeSet;

use serde_json::Value;

/// Asserts that documents are as the schema called `$name` says, and that together they fill all of its properties.
macro_rules! assert_fits {
    ($name:literal, $($document:expr),+ $(,)?) => {
        $crate::engine::render::fits::check(
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/output/", $name, ".schema.json")),
            &[$(AsRef::<str>::as_ref(&$document)),+],
        )
    };
}

pub(crate) use assert_fits;

/// Does the work of [`assert_fits`].
#[track_caller]
pub fn check(schema: &str, documents: &[&str]) {
    let schema: Value = serde_json::from_str(schema).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let mut filled = BTreeSet::new();
    for document in documents {
        let document: Value = serde_json::from_str(document).unwrap();
        let wrong: Vec<String> =
            validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(wrong.is_empty(), "{wrong:#?}\n{document:#}");
        keys(&document, &mut filled);
    }
    let mut listed = BTreeSet::new();
    properties(&schema, &mut listed);
    let empty: Vec<&String> = listed.difference(&filled).collect();
    assert!(empty.is_empty(), "no document of this test has {empty:?}");
}

/// Collects the names of the properties that a schema lists.
fn properties(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Array(items) => items.iter().for_each(|item| properties(item, found)),
        Value::Object(map) => {
            for (word, value) in map {
                match (word.as_str(), value) {
                    ("properties", Value::Object(listed)) => {
                        found.extend(listed.keys().cloned());
                        listed.values().for_each(|listed| properties(listed, found));
                    }
                    _ => properties(value, found),
                }
            }
        }
        _ => {}
    }
}

/// Collects the names of the properties that a document has.
fn keys(document: &Value, found: &mut BTreeSet<String>) {
    match document {
        Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        Value::Object(map) => {
            found.extend(map.keys().cloned());
            map.values().for_each(|value| keys(value, found));
        }
        _ => {}
    }
}
