//! The schemas against Microsoft's metadata, against documented replies, and against the contract in `schemas/README.md`.

mod compare;
mod csdl;

use std::collections::BTreeSet;

use compare::{Tally, compare, flag, properties, resolve};
use csdl::Csdl;
use entragit::engine::risk_rule::RiskRule;
use entragit::kinds;
use entragit::model::kind::{Api, Children, Creation, Deletion, Kind, Link, LinkRead, LinkShape, Readers, Updates};
use serde_json::{Map, Value};

/// Keywords of JSON Schema that the schemas use.
const STANDARD: &[&str] = &[
    "$defs",
    "$id",
    "$ref",
    "$schema",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "description",
    "else",
    "enum",
    "examples",
    "format",
    "if",
    "items",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "not",
    "oneOf",
    "pattern",
    "properties",
    "readOnly",
    "required",
    "then",
    "title",
    "type",
    "writeOnly",
];

/// The annotations of the contract, and `x-entra-type` at the top.
const ANNOTATIONS: &[&str] = &[
    "x-entra-comment",
    "x-entra-create-only",
    "patternProperties",
    "x-entra-before-delete",
    "x-entra-changes-to",
    "x-entra-index-of",
    "x-entra-not-null",
    "x-entra-words",
    "x-entra-write-apart",
    "x-entra-default",
    "x-entra-disable-first",
    "x-entra-gone",
    "x-entra-keep",
    "x-entra-domain",
    "x-entra-link",
    "x-entra-says",
    "x-entra-unique-element",
    "$comment",
    "x-entra-natural-key",
    "x-entra-not-exported",
    "x-entra-open-enum",
    "x-entra-permission",
    "x-entra-ref",
    "x-entra-risk",
    "x-entra-set",
    "x-entra-thumbprint-of",
    "x-entra-type",
    "x-entra-unique",
    "x-entra-unique-live",
];

fn schema(kind: &Kind) -> Value {
    serde_json::from_str(kind.schema).unwrap_or_else(|error| panic!("{}: {error}", kind.name))
}

/// The part of the contract that holds for every node.
fn check_node(root: &Value, node: &Value, path: &str, used: &mut BTreeSet<String>, problems: &mut Vec<String>) {
    let Some(object) = node.as_object() else {
        return problems.push(format!("{path}: not a schema"));
    };
    let mut say = |what: &str| problems.push(format!("{path}: {what}"));
    for keyword in object.keys() {
        if !STANDARD.contains(&keyword.as_str()) && !ANNOTATIONS.contains(&keyword.as_str()) {
            say(&format!("unknown keyword {keyword}"));
        }
    }
    if flag(node, "x-entra-keep") && !flag(node, "readOnly") {
        say("x-entra-keep without readOnly");
    }
    if object.contains_key("x-entra-comment") && !object.contains_key("x-entra-ref") {
        say("x-entra-comment without x-entra-ref");
    }
    if let Some(list) = object.get("x-entra-thumbprint-of")
        && list.as_str().is_none_or(|list| root["properties"].get(list).is_none())
    {
        say("x-entra-thumbprint-of names no list");
    }
    if let Some(word) = object.get("x-entra-gone")
        && !(["leave-out", "leave-some", "stop"].iter().any(|known| word == known)
            && object.contains_key("x-entra-ref"))
    {
        say("x-entra-gone is no known word, or without x-entra-ref");
    }
    if object.contains_key("x-entra-set") && node.get("type").and_then(Value::as_str) != Some("array") {
        say("x-entra-set on something that is no list");
    }
    if let Some(reason) = object.get("x-entra-not-exported")
        && reason.as_str().is_none_or(str::is_empty)
    {
        say("x-entra-not-exported gives no reason");
    }
    if let Some(targets) = object.get("x-entra-ref") {
        for target in targets.as_array().into_iter().flatten() {
            let target = target.as_str().unwrap_or_default();
            let (name, property) = target.split_once('.').unwrap_or((target, "id"));
            let names_one = kinds::by_name(name).is_some_and(|kind| schema(kind)["properties"].get(property).is_some());
            if !names_one {
                say(&format!("x-entra-ref names no kind: {target}"));
            }
        }
    }
    if let Some(rules) = object.get("x-entra-risk") {
        let given = rules.as_array().map_or(0, Vec::len);
        if given == 0 || RiskRule::compile(rules).len() != given {
            say("x-entra-risk holds something that is no rule");
        }
        for rule in rules.as_array().into_iter().flatten().filter_map(Value::as_object) {
            const KNOWN: &[&str] = &["id", "level", "says", "on", "from", "to", "except", "when", "weakens"];
            if let Some(word) = rule.keys().find(|word| !KNOWN.contains(&word.as_str())) {
                say(&format!("x-entra-risk with {word}"));
            }
            for property in rule.get("when").and_then(Value::as_object).into_iter().flat_map(Map::keys) {
                if root["properties"].get(property).is_none() {
                    say(&format!("x-entra-risk depends on {property}, which the object does not have"));
                }
            }
            let of_object = matches!(rule.get("on").and_then(Value::as_str), Some("added" | "removed"));
            if of_object != path.split('/').nth(1).is_none() {
                say("x-entra-risk at the top is about objects that came or went, elsewhere about values");
            }
        }
    }
    if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
        resolve(root, node);
        used.insert(reference.to_owned());
    }
    for (name, child) in object.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let path = format!("{path}/{name}");
        if child.get("description").and_then(Value::as_str).is_none_or(|text| text.len() < 8) {
            problems.push(format!("{path}: no description"));
        }
        check_node(root, child, &path, used, problems);
    }
    for (name, child) in object.get("$defs").and_then(Value::as_object).into_iter().flatten() {
        check_node(root, child, &format!("{path}/$defs/{name}"), used, problems);
    }
    if let Some(items) = object.get("items") {
        check_node(root, items, &format!("{path}/[]"), used, problems);
    }
}

#[test]
fn every_property_of_graph_is_known() {
    let (v1, beta) = (Csdl::load(Api::V1), Csdl::load(Api::Beta));
    let mut problems = Vec::new();
    for kind in kinds::ALL {
        let csdl = match kind.api {
            Api::V1 => &v1,
            Api::Beta => &beta,
        };
        let root = schema(kind);
        let mut tally = Tally::default();
        let name = root["x-entra-type"].as_str().expect("x-entra-type").to_owned();
        let mut own = root.clone();
        // What hangs a level deeper is of the type that it has there.
        let apart = |link: &&Link| link.at.is_some() || link.api.is_some() && link.children().is_some();
        for link in kind.links.iter().filter(apart) {
            let csdl = match link.api.unwrap_or(kind.api) {
                Api::V1 => &v1,
                Api::Beta => &beta,
            };
            let node = own["properties"].as_object_mut().and_then(|known| known.remove(link.name)).expect(link.name);
            let leads = |ty: String, part: &str| {
                let family = csdl.family(&[&ty]);
                family.iter().find_map(|ty| csdl.navigation(ty).find(|(name, _)| *name == part)?.1.to_owned().into())
            };
            let ty = link.segment().split('/').try_fold(name.clone(), leads).expect(link.name);
            let path = format!("{}/{}", kind.name, link.name);
            compare(csdl, &root, node.get("items").unwrap_or(&node), &[&ty], &path, &mut tally);
        }
        compare(csdl, &own, &own, &[&name], kind.name, &mut tally);
        println!(
            "{}: known {}, read-only {}, secret {}, left out {}, unknown {}",
            kind.name, tally.known, tally.read_only, tally.secret, tally.left_out, tally.unknown
        );
        // The id of what goes by another name in Graph, and of the only one there is, is ours.
        if kind.key != "id" || kind.is_singleton() {
            let own = format!("{}/id: in the schema, not in the metadata", kind.name);
            tally.problems.retain(|problem| *problem != own);
        }
        // What a list of its own says of the object is in the metadata of that list.
        for borrowed in kind.borrowed {
            let entity = format!("microsoft.graph.{}", borrowed.entity);
            let has = |name: &str| csdl.properties(&entity).any(|(known, _)| known == name);
            assert!(has(borrowed.property) && has(borrowed.by), "{entity}");
            assert!(flag(&root["properties"][borrowed.property], "x-entra-keep"), "{}", borrowed.property);
            let known = format!("{}/{}: in the schema, not in the metadata", kind.name, borrowed.property);
            tally.problems.retain(|problem| *problem != known);
        }
        problems.append(&mut tally.problems);
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_schema_keeps_the_contract() {
    let mut problems = Vec::new();
    for kind in kinds::ALL {
        let root = schema(kind);
        if let Err(error) = jsonschema::meta::validate(&root) {
            problems.push(format!("{}: {error}", kind.name));
        }
        let mut used = BTreeSet::new();
        check_node(&root, &root, kind.name, &mut used, &mut problems);
        for name in root["$defs"].as_object().into_iter().flat_map(Map::keys) {
            if !used.contains(&format!("#/$defs/{name}")) {
                problems.push(format!("{}: nothing refers to {name}", kind.name));
            }
        }
        let id = root["$id"].as_str().unwrap_or_default();
        if !id.starts_with("urn:entragit:schema:") || root["x-entra-type"] != format!("microsoft.graph.{}", kind.entity)
        {
            problems.push(format!("{}: wrong $id or x-entra-type", kind.name));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Whether a path (`role/originId`, `authorities/0/certificate`) leads to what is written and can tell one from another.
fn tells_apart(root: &Value, from: &Value, path: &str) -> bool {
    let mut node = from.clone();
    for part in path.split('/') {
        let inner = match part.parse::<usize>() {
            Ok(_) => node.get("items").cloned(),
            Err(_) => properties(root, &node).and_then(|known| known.get(part).cloned()),
        };
        match inner.filter(|inner| !flag(inner, "readOnly")) {
            Some(inner) => node = inner,
            None => return false,
        }
    }
    properties(root, &node).is_none() && node["items"].get("$ref").is_none()
}

#[test]
fn every_link_is_in_its_schema() {
    for kind in kinds::ALL {
        let root = schema(kind);
        let known = properties(&root, &root).expect("properties");
        let links: BTreeSet<&str> = kind.links.iter().map(|link| link.name).collect();
        let marked = known.iter().filter(|(_, child)| flag(child, "x-entra-link"));
        assert_eq!(marked.map(|(name, _)| name.as_str()).collect::<BTreeSet<_>>(), links, "{}", kind.name);
        for link in kind.links {
            let node = &known[link.name];
            let path = format!("{}/{}", kind.name, link.name);
            match link.shape {
                LinkShape::References => assert!(node["items"].get("x-entra-ref").is_some(), "{path}"),
                LinkShape::Reference => assert!(node.get("x-entra-ref").is_some(), "{path}"),
                LinkShape::Children(children) => {
                    let one = if children.single { node } else { &node["items"] };
                    let child = properties(&root, one).expect("properties of the children");
                    for key in children.key {
                        assert!(tells_apart(&root, one, key), "{path}: {key}");
                    }
                    assert!(children.owner.is_none_or(|owner| flag(&child[owner], "readOnly")), "{path}: owner");
                    if let Some(id) = child.get("id") {
                        assert_eq!(flag(id, "readOnly"), !children.keeps_id, "{path}: id");
                    }
                }
            }
        }
        for call in kind.calls {
            assert!(known.contains_key(call.property), "{}: {}", kind.name, call.property);
        }
    }
}

/// What a reply holds that the schema does not know.
fn strangers(root: &Value, node: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Array(elements) => {
            for element in elements {
                strangers(root, node.get("items").unwrap_or(node), element, path, found);
            }
        }
        Value::Object(object) => {
            let Some(known) = properties(root, node) else { return };
            for (name, value) in object {
                let path = format!("{path}/{name}");
                match known.get(name) {
                    Some(child) => strangers(root, child, value, &path, found),
                    // Annotations of OData say how a reply was made.
                    None if name != "@odata.type" && name.contains("@odata.") => {}
                    None => found.push(path),
                }
            }
        }
        _ => {}
    }
}

#[test]
fn every_documented_reply_is_known() {
    let mut found = Vec::new();
    for kind in kinds::ALL {
        let file = format!("{}/tests/fixtures/graph/{}.json", env!("CARGO_MANIFEST_DIR"), kind.name);
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        let fixture: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(fixture["source"].as_str().is_some_and(|source| source.starts_with("https://")), "{file}: no source");
        let reply = &fixture["reply"];
        let root = schema(kind);
        strangers(&root, &root, reply.get("value").unwrap_or(reply), kind.name, &mut found);
    }
    assert!(found.is_empty(), "not in the schema:\n{}", found.join("\n"));
}

#[test]
fn an_editor_sees_what_is_wrong() {
    let location = serde_json::json!({
        "id": "new:office",
        "displayName": "Office",
        "@odata.type": "#microsoft.graph.ipNamedLocation",
        "ipRanges": [{ "@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "203.0.113.0/24" }],
    });
    let policy = serde_json::json!({
        "id": "6b5e999b-0ba8-4186-a106-e0296c1c4358",
        "displayName": "Phishing-resistant sign-in for administrators",
        "state": "enabledForReportingButNotEnforced",
        "conditions": {
            "applications": { "includeApplications": ["All"] },
            "users": { "includeUsers": ["All"] },
            "clientAppTypes": ["all", "of the future"],
        },
        "grantControls": { "operator": "OR", "authenticationStrength": { "id": "new:strong" } },
    });
    let without = |object: &Value, name: &str| {
        let mut object = object.clone();
        object.as_object_mut().expect("an object").remove(name);
        object
    };
    let with = |object: &Value, pointer: &str, value: Value| {
        let mut object = object.clone();
        *object.pointer_mut(pointer).expect("a value there") = value;
        object
    };
    let accepts = |kind: &str, object: &Value| {
        let root = schema(kinds::by_name(kind).expect("a kind"));
        jsonschema::validator_for(&root).expect("a schema").is_valid(object)
    };
    assert!(accepts("namedLocation", &location));
    assert!(!accepts("namedLocation", &without(&location, "ipRanges")));
    assert!(!accepts("namedLocation", &without(&location, "@odata.type")));
    assert!(!accepts("namedLocation", &with(&location, "/ipRanges/0", serde_json::json!({ "cidrAddress": "::/0" }))));
    assert!(accepts("conditionalAccessPolicy", &policy));
    assert!(!accepts("conditionalAccessPolicy", &with(&policy, "/state", "on".into())));
    assert!(!accepts(
        "conditionalAccessPolicy",
        &with(&policy, "/conditions/users", serde_json::json!({ "include": [] }))
    ));
    assert!(!accepts("conditionalAccessPolicy", &without(&policy, "displayName")));
}

#[test]
fn permissions_are_microsofts() {
    let file: Value =
        serde_json::from_str(include_str!("../../../src/emulator/permissions.json")).expect("permissions.json");
    let table = |path: &str, method: &str| {
        let path = path.to_lowercase();
        ["paths", "documented"].iter().find_map(|section| file[section].get(&path)?.get(method)?.as_array())
    };
    let grants = |path: &str, method: &str, wanted: &[&str]| {
        let rows = table(path, method).unwrap_or_else(|| panic!("{method} {path}"));
        assert!(rows.iter().any(|row| wanted.iter().any(|name| row[0] == *name)), "{method} {path}: {wanted:?}");
    };
    for kind in kinds::ALL {
        // The table knows permissions of applications only.
        if kind.readers == Readers::PeopleOnly {
            assert!(table(kind.path, "GET").is_none(), "{}: applications can read it", kind.name);
            continue;
        }
        grants(kind.path, "GET", kind.permissions.read);
        if let Some(requests) = kind.requests {
            grants(requests.path, "POST", kind.permissions.write);
            continue;
        }
        let item = if kind.is_singleton() { kind.path.to_owned() } else { format!("{}/{{id}}", kind.path) };
        match kind.update {
            Updates::All | Updates::Only(_) => grants(&item, "PATCH", kind.permissions.write),
            Updates::Replace => grants(&item, "PUT", kind.permissions.write),
            // Made anew, unless it comes by itself.
            Updates::Nothing if matches!(kind.creation, Creation::Never { .. }) => {}
            Updates::Nothing => grants(kind.path, "POST", kind.permissions.write),
        }
        for borrowed in kind.borrowed {
            grants(borrowed.path, "GET", kind.permissions.read);
        }
        for link in kind.links {
            let permissions = link.permissions.unwrap_or(kind.permissions);
            let path = match link.read {
                // Where the table has no line for a relation by itself, it comes with the list that has one.
                LinkRead::Expand if table(&format!("{item}/{}", link.segment()), "GET").is_none() => {
                    kind.path.to_owned()
                }
                LinkRead::Each | LinkRead::Expand => format!("{item}/{}", link.segment()),
                LinkRead::Joined { path, .. } => path.to_owned(),
                LinkRead::Inline => kind.path.to_owned(),
            };
            grants(&path, "GET", permissions.read);
            for end in link.ends {
                let target = kinds::by_name(end.kind).expect(end.kind).path;
                grants(&format!("{target}/{{id}}/{}", end.relation), "POST", permissions.write);
            }
            // What cannot be made can be changed in place only.
            if let LinkShape::Children(Children { create: None, item, update, .. }) = link.shape
                && link.is_written()
                && !kind.is_singleton()
            {
                let verb = if update == Updates::Replace { "PUT" } else { "PATCH" };
                grants(&item.replace("{parent}", "{id}").replace("{child}", "{id}"), verb, permissions.write);
            }
        }
        if let Deletion::Soft { list, .. } = kind.deletion
            && list.starts_with("/directory/")
        {
            grants(list, "GET", kind.permissions.read);
        }
    }
}

/// Kinds are read from `/beta` only where v1.0 has neither the path nor a type behind it.
#[test]
fn beta_is_for_what_v1_lacks() {
    let file: Value = serde_json::from_str(include_str!("../../../src/emulator/metadata/v1.0.json")).expect("metadata");
    let inherits =
        |ty: &str| std::iter::successors(Some(ty.to_owned()), |ty| Some(file["types"][ty]["base"].as_str()?.into()));
    let step = |ty: String, part: &str| {
        let all =
            inherits(&ty).flat_map(|ty| file["types"][ty.as_str()]["navigation"].as_array().into_iter().flatten());
        let mut named = all.filter(|navigation| navigation["name"] == part);
        named.next().and_then(|navigation| navigation["type"].as_str()).map(str::to_owned)
    };
    for kind in kinds::ALL {
        let mut parts = kind.path.trim_start_matches('/').split('/');
        let first = parts.next().and_then(|set| file["container"][set]["type"].as_str()).map(str::to_owned);
        let leads = parts.try_fold(first, |ty, part| Some(step(ty?, part))).flatten();
        let partly = ["authenticationMethodsPolicy", "permissionGrantPolicy"].contains(&kind.name);
        assert!(kind.api == Api::V1 || leads.is_none() || partly, "{}: v1.0 has {}", kind.name, kind.path);
    }
}
