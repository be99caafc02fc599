//! Judges the conditions of a policy: named locations, platforms, clients and devices.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::world::Zone;
use super::{Tenant, words};

/// Lists the device platforms, each by its word in policies and its name for people. Anybody can get a device of each.
/// <https://learn.microsoft.com/entra/identity/conditional-access/concept-conditional-access-conditions#device-platforms>
pub(super) const PLATFORMS: [(&str, &str); 5] =
    [("windows", "Windows"), ("macos", "macOS"), ("linux", "Linux"), ("ios", "iOS"), ("android", "Android")];

/// Returns true if the policy does not apply to the usual sign-in of an administrator: one without a risk, without device code
/// flow or authentication transfer, from an unregistered device.
pub(super) fn spares_usual_sign_ins(conditions: &Map<String, Value>) -> bool {
    // Most sign-ins have no risk: a policy for risks spares them, unless it applies to sign-ins without risk as well.
    // <https://learn.microsoft.com/graph/api/resources/conditionalaccessconditionset>
    for risks in ["signInRiskLevels", "userRiskLevels", "servicePrincipalRiskLevels", "agentIdRiskLevels"] {
        let levels: BTreeSet<String> = words(conditions.get(risks)).collect();
        if !levels.is_empty() && !levels.contains("none") {
            return true;
        }
    }
    if conditions.get("insiderRiskLevels").and_then(Value::as_str).is_some_and(|levels| !levels.is_empty()) {
        return true;
    }
    // Nobody needs device code flow or authentication transfer to sign in.
    let flows = conditions.get("authenticationFlows").and_then(|flows| flows.get("transferMethods"));
    let flows = flows.and_then(Value::as_str).unwrap_or("none");
    if flows != "none" && !flows.is_empty() {
        return true;
    }
    // An unregistered device has no properties, so that a rule can only be true of it with a negative operator.
    // <https://learn.microsoft.com/entra/identity/conditional-access/concept-condition-filters-for-devices>
    device_filter(conditions).is_some_and(|(mode, rule)| {
        mode == "include" && !rule.to_lowercase().contains("-not") && !rule.to_lowercase().contains("-ne ")
    })
}

/// Returns the mode and the rule of a policy's filter for devices.
fn device_filter(conditions: &Map<String, Value>) -> Option<(&str, &str)> {
    let filter = conditions.get("devices").and_then(|devices| devices.get("deviceFilter"))?;
    let text = |name: &str| filter.get(name).and_then(Value::as_str).unwrap_or_default();
    Some((text("mode"), text("rule")))
}

/// Returns true if the policy does not apply to a platform, named by its word in [`PLATFORMS`].
pub(super) fn spares_platform(conditions: &Map<String, Value>, word: &str) -> bool {
    let named = |list: &str| {
        let named = conditions.get("platforms").and_then(|platforms| platforms.get(list));
        words(named).collect::<BTreeSet<String>>()
    };
    let (include, exclude) = (named("includePlatforms"), named("excludePlatforms"));
    let is_included = include.contains("all") || include.contains(word);
    !include.is_empty() && (!is_included || exclude.contains(word) || exclude.contains("all"))
}

/// Returns the sign-ins to which the policy does not apply, as clauses like `from 10.0.0.0/8`; empty if it applies to all. `None`
/// if any administrator can sign in without the policy: from another platform, place or client, or without a risk.
pub(super) fn ways_round(tenant: &Tenant, conditions: &Map<String, Value>) -> Option<BTreeSet<String>> {
    if spares_usual_sign_ins(conditions) {
        return None;
    }
    let at = |path: &str, list: &str| conditions.get(path).and_then(|value| value.get(list));
    // Administrators sign in to the portals with a browser: a policy for other clients only does not concern them.
    // <https://learn.microsoft.com/entra/identity/conditional-access/concept-conditional-access-conditions#client-apps>
    let clients: BTreeSet<String> = words(conditions.get("clientAppTypes")).collect();
    if !clients.is_empty() && !clients.contains("all") && !clients.contains("browser") {
        return None;
    }
    // One platform that is left open is enough, since anybody can get a device of it.
    if PLATFORMS.iter().any(|(word, _)| spares_platform(conditions, word)) {
        return None;
    }
    let mut ways = BTreeSet::new();
    if let Some((_, rule)) = device_filter(conditions).filter(|(mode, _)| *mode == "exclude") {
        ways.insert(format!("from a device of which {rule} is true"));
    }
    let include: Vec<String> = words(at("locations", "includeLocations")).collect();
    if !include.is_empty() {
        let everywhere = Zone::of(tenant, include.iter().cloned()).everywhere
            // If no locations were read, a named one may be everywhere.
            || include.iter().any(|id| id != "alltrusted" && tenant.locations.is_empty() && is_id(id));
        if !everywhere {
            return None;
        }
        for id in words(at("locations", "excludeLocations")) {
            ways.extend(location_clauses(tenant, &id));
        }
    }
    Some(ways)
}

/// Returns true if the word is the id of a location, not `all` or `alltrusted`.
fn is_id(word: &str) -> bool {
    word.len() == 36
}

/// Returns the address ranges and countries of a named location, or of all trusted ones for `alltrusted`, as clauses.
fn location_clauses(tenant: &Tenant, id: &str) -> BTreeSet<String> {
    let clauses = |location: &Map<String, Value>| {
        let ranges = location.get("ipRanges").and_then(Value::as_array).into_iter().flatten();
        let ranges = ranges.filter_map(|range| range.get("cidrAddress").and_then(Value::as_str)).map(str::to_lowercase);
        let countries = words(location.get("countriesAndRegions")).map(|country| country.to_uppercase());
        ranges.chain(countries).map(|place| format!("from {place}")).collect::<BTreeSet<String>>()
    };
    if id == "alltrusted" {
        // <https://learn.microsoft.com/graph/api/resources/conditionalaccesslocations>
        let trusted = |location: &&Map<String, Value>| location.get("isTrusted") == Some(&Value::Bool(true));
        let mut all: BTreeSet<String> = tenant.locations.values().filter(trusted).flat_map(clauses).collect();
        if tenant.locations.is_empty() {
            all.insert("from a trusted place".to_owned());
        }
        return all;
    }
    match tenant.locations.get(id) {
        Some(location) => clauses(location),
        // If no locations were read, this one is assumed to exist; its ranges are not known.
        None if tenant.locations.is_empty() => BTreeSet::from([format!("from the named location {id}")]),
        None => BTreeSet::new(),
    }
}
