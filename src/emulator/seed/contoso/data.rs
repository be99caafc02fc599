//! Reads the part of Contoso that is plain data: one JSON file for each area, in the form of Graph's replies.
//!
//! `@kind/label` stands for the id of the object with this kind and label, wherever it occurs: alone, or at the end of a path.

use serde_json::{Map, Value};

use crate::emulator::seed::SeedObject;
use crate::emulator::seed::value::{id, object};
use crate::kinds;

/// Lists the files: kind → objects. The links of a kind are separated from the object when it is read.
const AREAS: &[&str] = &[
    include_str!("sign_in.json"),
    include_str!("external.json"),
    include_str!("app_policies.json"),
    include_str!("organization.json"),
    include_str!("governance.json"),
    include_str!("network.json"),
    include_str!("agents.json"),
];

/// Returns the objects of every area.
pub(super) fn objects() -> Vec<SeedObject> {
    AREAS.iter().flat_map(|text| area(text)).collect()
}

fn area(text: &str) -> Vec<SeedObject> {
    // A file that is no JSON leaves its kinds out, which the tests of the seeds see.
    let kinds: Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
    let mut all = Vec::new();
    for (name, list) in kinds {
        let Some(kind) = kinds::by_name(&name) else { continue };
        for mut value in list.as_array().cloned().unwrap_or_default() {
            settle(&mut value);
            let mut seed = object(kind.name, value, []);
            for link in kind.links {
                match seed.value.remove(link.name) {
                    Some(Value::Array(ends)) => seed.links.insert(link.name, ends),
                    Some(end) => seed.links.insert(link.name, vec![end]),
                    None => continue,
                };
            }
            all.push(seed);
        }
    }
    all
}

/// Replaces the placeholders by ids.
fn settle(value: &mut Value) {
    match value {
        Value::String(text) => {
            let (path, word) =
                text.rsplit_once("/@").map_or(("", text.strip_prefix('@')), |(path, word)| (path, Some(word)));
            let named = word.and_then(|word| word.split_once('/'));
            if let Some((kind, label)) = named.filter(|(kind, _)| kind.bytes().all(|byte| byte.is_ascii_alphabetic())) {
                let slash = if path.is_empty() { "" } else { "/" };
                *text = format!("{path}{slash}{}", id(kind, label));
            }
        }
        Value::Array(list) => list.iter_mut().for_each(settle),
        Value::Object(map) => map.values_mut().for_each(settle),
        _ => {}
    }
}
