//! A schema held against Microsoft's metadata.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::csdl::{Csdl, Property};

/// Whether the keyword is there and true.
pub fn flag(node: &Value, keyword: &str) -> bool {
    node.get(keyword).and_then(Value::as_bool) == Some(true)
}

/// The node that `node` refers to, or itself.
pub fn resolve<'a>(root: &'a Value, node: &'a Value) -> &'a Value {
    match node.get("$ref").and_then(Value::as_str) {
        Some(reference) => {
            let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} is not local"));
            root.pointer(pointer).unwrap_or_else(|| panic!("{reference} does not resolve"))
        }
        None => node,
    }
}

/// The properties that an object's schema lists.
pub fn properties<'a>(root: &'a Value, node: &'a Value) -> Option<&'a Map<String, Value>> {
    resolve(root, node).get("properties").and_then(Value::as_object)
}

/// What a comparison found.
#[derive(Default)]
pub struct Tally {
    pub known: usize,
    pub read_only: usize,
    pub secret: usize,
    pub left_out: usize,
    pub unknown: usize,
    pub problems: Vec<String>,
}

/// Compares one object of the schema with the union of the types in `types` and what derives from them.
pub fn compare(csdl: &Csdl, root: &Value, node: &Value, types: &[&str], path: &str, tally: &mut Tally) {
    let Some(known) = properties(root, node) else {
        return tally.problems.push(format!("{path}: lists no properties"));
    };
    let family = csdl.family(types);
    let mut members: BTreeMap<&str, Vec<&Property>> = BTreeMap::new();
    let mut relations: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for name in &family {
        for (member, property) in csdl.properties(name) {
            members.entry(member).or_default().push(property);
        }
        for (relation, target) in csdl.navigation(name) {
            relations.entry(relation).or_default().insert(target);
        }
    }
    for (name, declared) in &members {
        // Types of one family may give a property several types.
        let property = declared[0];
        let inner: BTreeSet<&str> = declared.iter().map(|property| property.r#type.as_str()).collect();
        let Some(child) = known.get(*name) else {
            tally.unknown += 1;
            tally.problems.push(format!("{path}/{name}: in the metadata, not in the schema"));
            continue;
        };
        let path = format!("{path}/{name}");
        tally.known += 1;
        let left_out = child.get("x-entra-not-exported").is_some();
        tally.left_out += usize::from(left_out);
        tally.secret += usize::from(flag(child, "writeOnly"));
        tally.read_only += usize::from(flag(child, "readOnly"));
        let item = if property.collection { child.get("items").unwrap_or(&Value::Null) } else { child };
        let is_list = child.get("type").and_then(Value::as_str) == Some("array");
        if is_list != property.collection {
            tally.problems.push(format!("{path}: list in one, not in the other"));
        } else if csdl.is_structured(&property.r#type) {
            // What never gets into a file needs no inside.
            let dropped =
                left_out || flag(child, "writeOnly") || (flag(child, "readOnly") && !flag(child, "x-entra-keep"));
            if !dropped || properties(root, item).is_some() {
                let inner: Vec<&str> = inner.into_iter().collect();
                compare(csdl, root, item, &csdl.bases_of(&inner), &path, tally);
            }
        } else {
            compare_scalar(csdl, item, property, &path, tally);
            if !left_out && !flag(child, "readOnly") {
                compare_values(csdl, item, property, &path, tally);
            }
        }
    }
    for (name, child) in known {
        if members.contains_key(name.as_str()) || (name == "@odata.type" && odata_types_fit(csdl, child, &family)) {
            continue;
        }
        let path = format!("{path}/{name}");
        match relations.get(name.as_str()) {
            None => tally.problems.push(format!("{path}: in the schema, not in the metadata")),
            Some(targets) => {
                let item = child.get("items").unwrap_or(child);
                if properties(root, item).is_some() {
                    let targets: Vec<&str> = targets.iter().copied().collect();
                    compare(csdl, root, item, &csdl.bases_of(&targets), &path, tally);
                }
            }
        }
    }
}

/// Every value of an `@odata.type` is a type that may stand there, and every such type that nothing extends is a value.
fn odata_types_fit(csdl: &Csdl, node: &Value, family: &BTreeSet<&str>) -> bool {
    let values: BTreeSet<&str> =
        node["enum"].as_array().into_iter().flatten().filter_map(|value| value.as_str()?.strip_prefix('#')).collect();
    let leaves: BTreeSet<&str> = family.iter().copied().filter(|name| csdl.is_leaf(name)).collect();
    values.is_superset(&leaves) && values.iter().all(|name| family.contains(name) && csdl.is_concrete(name))
}

/// Values that a person writes are held to those of Graph.
fn compare_values(csdl: &Csdl, node: &Value, property: &Property, path: &str, tally: &mut Tally) {
    let mut say = |what: &str| tally.problems.push(format!("{path}: {what}"));
    match property.r#type.as_str() {
        "Duration" if node["format"] != "duration" => say("a duration without a format"),
        "Int32" if node.get("enum").is_none() && node.get("maximum").is_none() => say("an Int32 without a maximum"),
        ty => {
            let Some((members, true)) = csdl.members(ty) else { return };
            let known: Vec<&str> =
                node["examples"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            if !flag(node, "x-entra-open-enum") || members.iter().any(|member| !known.contains(member)) {
                say("an enumeration whose values are not among the examples");
            }
        }
    }
}

fn compare_scalar(csdl: &Csdl, node: &Value, property: &Property, path: &str, tally: &mut Tally) {
    let wanted = match property.r#type.as_str() {
        "Boolean" => "boolean",
        "Byte" | "Int16" | "Int32" | "Int64" => "integer",
        "Double" | "Single" | "Decimal" => "number",
        _ => "string",
    };
    if node.get("type").and_then(Value::as_str) != Some(wanted) {
        tally.problems.push(format!("{path}: should be a {wanted}"));
    }
    let Some((members, open)) = csdl.members(&property.r#type) else { return };
    match node.get("enum").and_then(Value::as_array) {
        Some(_) if open => tally.problems.push(format!("{path}: the metadata expects further values")),
        Some(values) if values.iter().filter_map(Value::as_str).ne(members.iter().copied()) => {
            tally.problems.push(format!("{path}: other values than the metadata's"));
        }
        None if !open => tally.problems.push(format!("{path}: the values are fixed")),
        _ => {}
    }
}
