//! Checks both companies against Microsoft's metadata: every property exists and is of the right type, and every named object is
//! there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::{SeedObject, contoso, random};
use crate::kinds;
use crate::model::Kind;
use crate::model::kind::{Creation, LinkShape};

/// Holds the types of both versions, v1.0's first, with the additions from Microsoft's pages. The tests of the served replies
/// check whether a kind's own version has a property.
static METADATA: LazyLock<Value> = LazyLock::new(|| {
    let read = |text: &str| serde_json::from_str::<Value>(text).expect("Microsoft's metadata is JSON");
    let documented = read(include_str!("../metadata/documented.json"));
    let described = [include_str!("../metadata/v1.0.json"), include_str!("../metadata/beta.json")].map(read);
    let mut types: Map<String, Value> = Map::new();
    for (version, described) in ["v1.0", "beta"].into_iter().zip(&described) {
        for part in [&described["types"], &documented[version]["types"]] {
            for (name, found) in part.as_object().into_iter().flatten() {
                let Some(known) = types.get_mut(name) else {
                    types.insert(name.clone(), found.clone());
                    continue;
                };
                for list in ["properties", "navigation", "members"] {
                    let more = found[list].as_array().into_iter().flatten();
                    extend(known, list, more);
                }
            }
        }
        for list in ["properties", "navigation"] {
            for (name, more) in documented[version][list].as_object().into_iter().flatten() {
                let known = types.get_mut(name).expect("a type of the description");
                extend(known, list, more.as_array().into_iter().flatten());
            }
        }
    }
    serde_json::json!({ "types": types })
});

/// Adds members whose names are not there yet.
fn extend<'a>(known: &mut Value, list: &str, more: impl Iterator<Item = &'a Value>) {
    for member in more {
        let same = |old: &Value| if old.is_object() { old["name"] == member["name"] } else { old == member };
        // A property of one version may be a relation in the other.
        let there = |list: &str| known[list].as_array().is_some_and(|old| old.iter().any(same));
        if !(there(list) || list == "properties" && there("navigation")) {
            match &mut known[list] {
                Value::Array(old) => old.push(member.clone()),
                empty => *empty = Value::Array(vec![member.clone()]),
            }
        }
    }
}

fn ty(name: &str) -> Option<&'static Value> {
    let name = name.trim_start_matches('#');
    let types = METADATA.get("types").unwrap_or(&METADATA);
    types.get(name).or_else(|| types.get(format!("microsoft.graph.{name}")))
}

/// Returns a member of a type or of one it extends, with whether it is a relation.
fn member(of: &str, name: &str) -> Option<(&'static Value, bool)> {
    let mut at = ty(of);
    while let Some(found) = at {
        for (list, relation) in [("properties", false), ("navigation", true)] {
            let mut members = found.get(list).and_then(Value::as_array).into_iter().flatten();
            if let Some(member) = members.find(|member| member["name"] == name) {
                return Some((member, relation));
            }
        }
        at = found.get("base").and_then(Value::as_str).and_then(ty);
    }
    None
}

fn check_object(of: &str, value: &Map<String, Value>, at: &str, wrong: &mut Vec<String>) {
    let of = value.get("@odata.type").and_then(Value::as_str).unwrap_or(of);
    if ty(of).is_none() {
        wrong.push(format!("{at}: no type {of}"));
        return;
    }
    for (name, value) in value.iter().filter(|(name, _)| !name.contains('@')) {
        let at = format!("{at}/{name}");
        let Some((member, _)) = member(of, name) else {
            wrong.push(format!("{at}: not in {of}"));
            continue;
        };
        let many = member.get("collection") == Some(&Value::Bool(true));
        let own = member["type"].as_str().unwrap_or_default();
        match value {
            Value::Null if many || member.get("nullable") == Some(&Value::Bool(false)) => {
                wrong.push(format!("{at}: null"))
            }
            Value::Null => {}
            Value::Array(list) if many => list.iter().for_each(|element| check_value(own, element, &at, wrong)),
            _ if many => wrong.push(format!("{at}: not a list")),
            value => check_value(own, value, &at, wrong),
        }
    }
}

fn check_value(of: &str, value: &Value, at: &str, wrong: &mut Vec<String>) {
    let text = value.as_str();
    let good = match of.trim_start_matches("Edm.") {
        "String" => text.is_some(),
        "Boolean" => value.is_boolean(),
        "Int16" | "Int32" => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        "Int64" => value.is_i64(),
        "Single" | "Double" | "Decimal" => value.is_number(),
        "Binary" => text.is_some(),
        "Duration" => text.is_some_and(|text| text.parse::<jiff::Span>().is_ok()),
        "DateTimeOffset" => text.is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok()),
        "Date" => text.is_some_and(|text| text.parse::<jiff::civil::Date>().is_ok()),
        "Guid" => text.is_some_and(|text| uuid::Uuid::parse_str(text).is_ok() && text.len() == 36),
        _ => match (ty(of), value) {
            (Some(found), value) if found.get("members").is_some() => {
                let members: Vec<&str> =
                    found["members"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                let flags = found.get("flags") == Some(&Value::Bool(true));
                let mut words = text.unwrap_or_default().split(',');
                (flags || !text.unwrap_or_default().contains(','))
                    && words.all(|word| members.contains(&word))
                    && !value.is_null()
            }
            (Some(found), Value::Object(object)) => {
                let of = of.to_owned();
                // A target of a method comes without a type; the method's own target type has the property.
                let of = match object.keys().find(|name| !name.contains('@') && member(&of, name).is_none()) {
                    Some(odd) => derived(&of, odd).unwrap_or(of),
                    None => of,
                };
                let typed = object.contains_key("@odata.type");
                check_object(&of, object, at, wrong);
                typed || found.get("abstract") != Some(&Value::Bool(true))
            }
            _ => false,
        },
    };
    if !good {
        wrong.push(format!("{at}: {value} is no {of}"));
    }
}

fn derived(base: &str, with: &str) -> Option<String> {
    let types = METADATA.get("types").unwrap_or(&METADATA).as_object()?;
    let base = format!("microsoft.graph.{}", base.trim_start_matches("microsoft.graph."));
    types
        .iter()
        .find(|(name, found)| found["base"] == base.as_str() && member(name, with).is_some())
        .map(|(name, _)| name.clone())
}

/// Returns the type of a link's targets, by the metadata.
fn holds(kind: &'static str, link: &str) -> Option<&'static str> {
    link.split('/').try_fold(kind, |of, name| member(of, name).filter(|(_, relation)| *relation)?.0["type"].as_str())
}

fn check(seeds: &[SeedObject]) {
    let mut wrong = Vec::new();
    let mut ids: BTreeMap<String, &str> = BTreeMap::new();
    let mut unique: BTreeSet<(&str, String)> = BTreeSet::new();
    for seed in seeds {
        let kind = kinds::by_name(seed.kind).expect(seed.kind);
        let own = seed.value.get(kind.key).and_then(Value::as_str);
        let id = own.unwrap_or(if kind.is_singleton() { kind.name } else { "" }).to_lowercase();
        if id.is_empty() || ids.insert(id.clone(), seed.kind).is_some() {
            wrong.push(format!("{} {id}: twice, or none", seed.kind));
        }
        for name in ["userPrincipalName", "appId"] {
            let mine = seed.value.get(name).and_then(Value::as_str).map(str::to_lowercase);
            if mine.is_some_and(|value| !unique.insert((seed.kind, value))) {
                wrong.push(format!("{} {id}: {name} is taken", seed.kind));
            }
        }
    }
    for seed in seeds {
        let kind = kinds::by_name(seed.kind).expect(seed.kind);
        let at = format!("{} {}", seed.kind, seed.value.get("displayName").and_then(Value::as_str).unwrap_or_default());
        check_object(kind.entity, &seed.value, &at, &mut wrong);
        for (name, entries) in &seed.links {
            let at = format!("{at}/{name}");
            let link = kind.link(name).unwrap_or_else(|| panic!("{at}: no such link"));
            let of =
                holds(kind.entity, link.segment()).unwrap_or_else(|| panic!("{at}: no such relation in the metadata"));
            let mut seen = BTreeSet::new();
            for entry in entries {
                match (link.shape, entry) {
                    (LinkShape::Children(children), Value::Object(child)) => {
                        check_object(of, child, &at, &mut wrong);
                        for end in ["principalId", "resourceId", "clientId"] {
                            let end = child.get(end).and_then(Value::as_str);
                            if end.is_some_and(|id| !ids.contains_key(id)) {
                                wrong.push(format!("{at}: {child:?} leads nowhere"));
                            }
                        }
                        let value = Value::Object(child.clone());
                        let key = children.key_of(|path| value.pointer(path));
                        if !children.single && key.iter().all(String::is_empty) {
                            wrong.push(format!("{at}: no key"));
                        }
                        if !seen.insert(format!("{key:?}")) {
                            wrong.push(format!("{at}: {key:?} twice"));
                        }
                    }
                    (LinkShape::Reference | LinkShape::References, Value::String(id)) => {
                        if !ids.contains_key(&id.to_lowercase()) || !seen.insert(id.clone()) {
                            wrong.push(format!("{at}: {id} leads nowhere, or is there twice"));
                        }
                    }
                    _ => wrong.push(format!("{at}: {entry}")),
                }
            }
            assert!(link.shape != LinkShape::Reference || entries.len() <= 1, "{at}: more than one");
        }
        if seed.kind == "conditionalAccessPolicy" {
            policy_names(&seed.value, &at, &ids, seeds, &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
}

fn policy_names(
    value: &Map<String, Value>,
    at: &str,
    ids: &BTreeMap<String, &str>,
    seeds: &[SeedObject],
    wrong: &mut Vec<String>,
) {
    let value = Value::Object(value.clone());
    let lists = [
        ("user", "/conditions/users/includeUsers"),
        ("user", "/conditions/users/excludeUsers"),
        ("group", "/conditions/users/includeGroups"),
        ("group", "/conditions/users/excludeGroups"),
        ("namedLocation", "/conditions/locations/includeLocations"),
        ("namedLocation", "/conditions/locations/excludeLocations"),
        ("servicePrincipal", "/conditions/clientApplications/includeServicePrincipals"),
    ];
    for (kind, path) in lists {
        for id in value.pointer(path).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            if id.contains('-') && ids.get(id) != Some(&kind) {
                wrong.push(format!("{at}: {id} is no {kind}"));
            }
        }
    }
    let apps = value.pointer("/conditions/applications/includeApplications").and_then(Value::as_array);
    for id in apps.into_iter().flatten().filter_map(Value::as_str).filter(|id| id.contains('-')) {
        if !seeds
            .iter()
            .any(|seed| seed.kind == "servicePrincipal" && seed.value.get("appId").and_then(Value::as_str) == Some(id))
        {
            wrong.push(format!("{at}: no service principal for {id}"));
        }
    }
    if let Some(id) = value.pointer("/grantControls/authenticationStrength/id").and_then(Value::as_str)
        && ids.get(id) != Some(&"authenticationStrengthPolicy")
    {
        wrong.push(format!("{at}: {id} is no strength"));
    }
}

fn count(seeds: &[SeedObject], kind: &str) -> usize {
    seeds.iter().filter(|seed| seed.kind == kind).count()
}

#[test]
fn contoso_is_valid_and_whole() {
    let seeds = contoso();
    check(&seeds);
    // Objects that every tenant has for each of its roles are added with the roles.
    let planted = |kind: &&&Kind| kind.is_singleton() || !matches!(kind.creation, Creation::Never { .. });
    for kind in kinds::ALL.iter().filter(planted) {
        assert!(count(&seeds, kind.name) > 0, "no {}", kind.name);
        for link in kind.links {
            assert!(
                seeds.iter().any(|seed| seed.links.get(link.name).is_some_and(|list| !list.is_empty())),
                "no {}.{}",
                kind.name,
                link.name
            );
        }
        // All of Contoso can be created again through Graph, so that a wipe can be recovered from as a whole; therefore it has no
        // groups of Exchange, and no location of the compliant network.
        let left_out = ["mailEnabledGroup", "compliantNetworkLocation"];
        for variant in kind.variants.iter().filter(|variant| !left_out.contains(&variant.name)) {
            assert!(
                seeds.iter().any(|seed| seed.kind == kind.name && variant.when.holds(&seed.value)),
                "no {}",
                variant.name
            );
        }
    }
    assert!((280..600).contains(&seeds.len()), "{} objects", seeds.len());
}

#[test]
fn contoso_tells_the_story() {
    use contoso::names::*;
    let seeds = contoso();
    let find = |kind: &str, id: &str| {
        seeds
            .iter()
            .find(|seed| seed.kind == kind && seed.value["id"] == id)
            .unwrap_or_else(|| panic!("no {kind} {id}"))
    };
    assert_eq!(find("user", ADMINISTRATOR_ID).value["userPrincipalName"], ADMINISTRATOR_UPN);
    assert_eq!(find("user", ADMINISTRATOR_ID).value["displayName"], ADMINISTRATOR);
    assert_eq!(find("user", SECOND_ADMINISTRATOR_ID).value["userPrincipalName"], SECOND_ADMINISTRATOR_UPN);
    assert_eq!(find("user", SECOND_ADMINISTRATOR_ID).value["displayName"], SECOND_ADMINISTRATOR);
    assert!(find("group", REMOTE_WORKERS).links["members"].len() >= 20);
    assert!(find("group", ORDER_APPROVERS).links["members"].len() >= 3);
    assert_eq!(find("group", EMERGENCY_ACCESS).links["members"], [EMERGENCY_1, EMERGENCY_2]);
    assert_eq!(find("application", ORDERING_APPLICATION).value["appId"], ORDERING_APP_ID);
    assert!(find("servicePrincipal", ORDERING_PRINCIPAL).links["appRoleAssignedTo"].len() >= 5);
    let policy = &find("conditionalAccessPolicy", ORDERING_POLICY).value;
    assert_eq!(policy["conditions"]["users"]["includeGroups"], serde_json::json!([REMOTE_WORKERS]));
    assert_eq!(policy["conditions"]["applications"]["includeApplications"], serde_json::json!([ORDERING_APP_ID]));
    assert_eq!(policy["grantControls"]["builtInControls"], serde_json::json!(["mfa"]));
    // Policies that are enforced for everyone exclude the emergency accounts.
    for seed in seeds.iter().filter(|seed| seed.kind == "conditionalAccessPolicy") {
        let users = &seed.value["conditions"]["users"];
        let all = users["includeUsers"].as_array().is_some_and(|list| list.iter().any(|who| who == "All"));
        let out = users["excludeGroups"].as_array().is_some_and(|list| list.iter().any(|who| who == EMERGENCY_ACCESS));
        assert!(!all || out, "{}", seed.value["displayName"]);
    }
}

#[test]
fn groups_and_owners_that_are_named_exist() {
    let seeds = contoso();
    // Unknown aliases are dropped silently, so the groups that may be empty are listed here.
    let empty: Vec<&str> = seeds
        .iter()
        .filter(|seed| seed.kind == "group" && seed.links["members"].is_empty())
        .filter_map(|seed| seed.value["displayName"].as_str())
        .collect();
    assert_eq!(empty, ["Users in Norway", "All guests", "Managers in Microsoft 365"]);
    let without: Vec<&str> = seeds
        .iter()
        .filter(|seed| seed.kind == "application" && seed.links["owners"].is_empty())
        .filter_map(|seed| seed.value["displayName"].as_str())
        .collect();
    assert_eq!(without, ["Price list", "CRM (retired 2022)"]);
}

#[test]
fn a_random_company_is_valid_at_every_size() {
    for size in [0, 1, 2, 3, 10, 50, 100, 1_000, 4_000] {
        let seeds: Vec<SeedObject> = random(size, 7).collect();
        assert_eq!(seeds.len(), size.max(2));
        check(&seeds);
    }
    let seeds: Vec<SeedObject> = random(4_000, 7).collect();
    let members: usize = seeds.iter().filter_map(|seed| seed.links.get("members")).map(Vec::len).sum();
    let average = members as f64 / count(&seeds, "group") as f64;
    assert!((5.0..15.0).contains(&average), "{average} members on average");
    assert!((0.83..0.88).contains(&(count(&seeds, "user") as f64 / 4_000.0)));
    assert!(
        count(&seeds, "group") == 360
            && count(&seeds, "application") == 100
            && count(&seeds, "servicePrincipal") == 120
    );
}

#[test]
fn a_large_company_has_large_groups() {
    let large =
        random(50_000, 7).filter(|seed| seed.links.get("members").is_some_and(|members| members.len() > 1_000)).count();
    assert!(large > 0);
}

#[test]
fn the_same_every_time() {
    assert_eq!(contoso(), contoso());
    assert!(random(500, 1).eq(random(500, 1)));
    assert!(random(500, 1).ne(random(500, 2)));
}
