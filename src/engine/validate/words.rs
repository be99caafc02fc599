//! Finds words that an enumeration of Graph does not have, as far as this version knows it.

use serde_json::Value;

use super::{Context, FileFindings, dotted};
use crate::engine::schema::{self, Rule, Shape};
use crate::model::finding::Severity;

/// Most edits between a slip and the word that was meant.
const SLIP: usize = 2;

/// Finds unknown words in a file that a person wrote. One that resembles a known word is an error; any other may be newer than
/// the schema.
pub(super) fn check(context: &Context<'_>, found: &mut FileFindings<'_, '_>) {
    if (context.written)(found.file.path) {
        return;
    }
    let mut unknown = Vec::new();
    for (name, value) in &found.file.value.clone() {
        if let Some(rule) = schema::of(found.file.kind).property(name) {
            walk(rule, value, &format!("/{name}"), &mut unknown);
        }
    }
    for (pointer, word, known) in unknown {
        let near = known
            .iter()
            .map(|near| (strsim::damerau_levenshtein(&near.to_lowercase(), &word.to_lowercase()), near))
            .filter(|(distance, _)| *distance <= SLIP)
            .min();
        let path = dotted(&pointer, "");
        let path = path.trim_end_matches('.');
        match near {
            Some((_, near)) => {
                let severity = if found.is_tenants_own(&pointer) { Severity::Warning } else { Severity::Error };
                found.say(&pointer, severity, "unknown-value", || {
                    format!("`{path}`: `{word}` is no value of it; did you mean `{near}`?")
                });
            }
            None => found.say(&pointer, Severity::Warning, "unknown-value", || {
                format!("`{path}`: this version does not know `{word}`; known are {}", known.join(", "))
            }),
        }
    }
}

/// Adds the unknown words with their pointers and the words that are known there.
fn walk<'a>(rule: &'a Rule, value: &Value, pointer: &str, unknown: &mut Vec<(String, String, &'a [String])>) {
    match (&rule.shape, value) {
        (Shape::Object(rules, _), Value::Object(map)) => {
            for (name, value) in map {
                if let Some(rule) = rules.get(name) {
                    walk(rule, value, &format!("{pointer}/{name}"), unknown);
                }
            }
        }
        (Shape::List(items), Value::Array(elements)) => {
            for (index, value) in elements.iter().enumerate() {
                walk(items, value, &format!("{pointer}/{index}"), unknown);
            }
        }
        (_, Value::String(text)) if !rule.words.is_empty() => {
            // A set of flags is one string.
            let all = text.split(',').map(str::trim).filter(|word| !word.is_empty());
            let new = all.filter(|word| !rule.words.iter().any(|known| known == word));
            unknown.extend(new.map(|word| (pointer.to_owned(), word.to_owned(), rule.words.as_slice())));
        }
        _ => {}
    }
}
