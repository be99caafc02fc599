//! Where a policy applies: named locations, platforms, clients and devices.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Tenant, words};

/// The ways round a policy that its conditions leave open; `None` if they leave open what any administrator can do.
pub(super) fn ways_round(tenant: &Tenant, conditions: &Map<String, Value>) -> Option<BTreeSet<String>> {
    let at = |path: &str, list: &str| conditions.get(path).and_then(|value| value.get(list));
    // A risk is something that most sign-ins are without, unless the policy is about those as well.
    // <https://learn.microsoft.com/graph/api/resources/conditionalaccessconditionset>
    for risks in ["signInRiskLevels", "userRiskLevels", "servicePrincipalRiskLevels", "agentIdRiskLevels"] {
        let levels: BTreeSet<String> = words(conditions.get(risks)).collect();
        if !levels.is_empty() && !levels.contains("none") {
            return None;
        }
    }
    if conditions.get("insiderRiskLevels").and_then(Value::as_str).is_some_and(|levels| !levels.is_empty()) {
        return None;
    }
    // Device code flow and authentication transfer are ways of signing in that nobody needs.
    let flows = at("authenticationFlows", "transferMethods").and_then(Value::as_str).unwrap_or("none");
    if flows != "none" && !flows.is_empty() {
        return None;
    }
    // Portals need a browser. <https://learn.microsoft.com/entra/identity/conditional-access/concept-conditional-access-conditions#client-apps>
    let clients: BTreeSet<String> = words(conditions.get("clientAppTypes")).collect();
    if !clients.is_empty() && !clients.contains("all") && !clients.contains("browser") {
        return None;
    }
    // One platform left open is enough: a machine can be had.
    let platforms: BTreeSet<String> = words(at("platforms", "includePlatforms")).collect();
    let spared: BTreeSet<String> = words(at("platforms", "excludePlatforms")).collect();
    if !platforms.is_empty() {
        let open = |name: &&str| {
            !(platforms.contains("all") || platforms.contains(*name))
                || spared.contains(*name)
                || spared.contains("all")
        };
        if ["windows", "macos", "linux", "ios", "android"].iter().any(open) {
            return None;
        }
    }
    let mut ways = BTreeSet::new();
    if let Some(filter) = conditions.get("devices").and_then(|devices| devices.get("deviceFilter")) {
        let text = |name: &str| filter.get(name).and_then(Value::as_str).unwrap_or_default();
        let rule = text("rule");
        match text("mode") {
            // An unregistered device has no properties: only a negative operator is true of it.
            // <https://learn.microsoft.com/entra/identity/conditional-access/concept-condition-filters-for-devices>
            "include" if !rule.to_lowercase().contains("-not") && !rule.to_lowercase().contains("-ne ") => return None,
            "exclude" => drop(ways.insert(format!("from a device of which {rule} is true"))),
            _ => {}
        }
    }
    let include: Vec<String> = words(at("locations", "includeLocations")).collect();
    if !include.is_empty() {
        let everywhere = include.iter().any(|id| id == "all")
            || include.iter().filter_map(|id| tenant.locations.get(id)).any(covers_the_world)
            || include.iter().any(|id| id != "alltrusted" && tenant.locations.is_empty() && is_id(id));
        if !everywhere {
            return None;
        }
        for id in words(at("locations", "excludeLocations")) {
            ways.extend(places(tenant, &id));
        }
    }
    Some(ways)
}

fn is_id(word: &str) -> bool {
    word.len() == 36
}

/// The places that a location stands for, one by one.
fn places(tenant: &Tenant, id: &str) -> BTreeSet<String> {
    let place = |location: &Map<String, Value>| {
        let ranges = location.get("ipRanges").and_then(Value::as_array).into_iter().flatten();
        let ranges = ranges.filter_map(|range| range.get("cidrAddress").and_then(Value::as_str)).map(str::to_lowercase);
        let countries = words(location.get("countriesAndRegions")).map(|country| country.to_uppercase());
        ranges.chain(countries).map(|place| format!("from {place}")).collect::<BTreeSet<String>>()
    };
    if id == "alltrusted" {
        // <https://learn.microsoft.com/graph/api/resources/conditionalaccesslocations>
        let trusted = |location: &&Map<String, Value>| location.get("isTrusted") == Some(&Value::Bool(true));
        let mut all: BTreeSet<String> = tenant.locations.values().filter(trusted).flat_map(place).collect();
        if tenant.locations.is_empty() {
            all.insert("from a trusted place".to_owned());
        }
        return all;
    }
    match tenant.locations.get(id) {
        Some(location) => place(location),
        // Where no location was read, it is what it was.
        None if tenant.locations.is_empty() => BTreeSet::from([format!("from the named location {id}")]),
        None => BTreeSet::new(),
    }
}

/// Whether hardly any place is outside.
fn covers_the_world(location: &Map<String, Value>) -> bool {
    let ranges = location.get("ipRanges").and_then(Value::as_array).into_iter().flatten();
    let ranges: BTreeSet<&str> = ranges.filter_map(|range| range.get("cidrAddress").and_then(Value::as_str)).collect();
    let halves = ranges.contains("0.0.0.0/1") && ranges.contains("128.0.0.0/1");
    let unknown = location.get("includeUnknownCountriesAndRegions") == Some(&Value::Bool(true));
    let countries = words(location.get("countriesAndRegions")).count();
    // ISO 3166-1 has 249 of them.
    halves || ranges.contains("0.0.0.0/0") || (countries >= 240 && unknown)
}
