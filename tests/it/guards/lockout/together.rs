//! Policies that leave nothing open together, or alone in ways that take arithmetic to see; and their twins that do.

use serde_json::{Value, json};

use crate::support::scene::{Scene, World, controls, id, policy};

type Edit = fn(&mut World);

const POLICY: &str = "conditionalAccessPolicy";

/// A policy that blocks everybody, with one more condition.
fn block(world: &mut World, label: &str, condition: &str, value: Value) {
    world.put(POLICY, label, policy(controls(&["block"])));
    world.set(POLICY, label, "/conditions/users", json!({"includeUsers": ["All"]}));
    world.set(POLICY, label, &format!("/conditions/{condition}"), value);
}

fn block_from(world: &mut World, label: &str, locations: &[&str]) {
    let ids: Vec<String> = locations.iter().map(|location| id(location)).collect();
    block(world, label, "locations", json!({"includeLocations": ids, "excludeLocations": []}));
}

/// Keeps the runner out of a place.
fn block_runner(world: &mut World, label: &str, location: &str) {
    block_from(world, label, &[location]);
    world.set(POLICY, label, "/conditions/users", json!({"includeUsers": ["None"]}));
    world.set(POLICY, label, "/conditions/clientApplications", json!({"includeServicePrincipals": [id("runner")]}));
}

fn ranges(world: &mut World, label: &str, ranges: &[&str]) {
    let range = |range: &&str| {
        let family = if range.contains(':') { "iPv6CidrRange" } else { "iPv4CidrRange" };
        json!({"@odata.type": format!("#microsoft.graph.{family}"), "cidrAddress": range})
    };
    let ranges: Vec<Value> = ranges.iter().map(range).collect();
    let value = json!({"@odata.type": "#microsoft.graph.ipNamedLocation", "isTrusted": false, "ipRanges": ranges});
    world.put("namedLocation", label, value);
}

/// A location of all countries whose codes begin with one of the letters.
fn countries(world: &mut World, label: &str, letters: std::ops::RangeInclusive<char>) {
    let codes: Vec<String> = letters.flat_map(|one| ('A'..='Z').map(move |two| format!("{one}{two}"))).collect();
    country_list(world, label, json!(codes));
}

fn country_list(world: &mut World, label: &str, codes: Value) {
    world.put(
        "namedLocation",
        label,
        json!({"@odata.type": "#microsoft.graph.countryNamedLocation", "countriesAndRegions": codes,
        "includeUnknownCountriesAndRegions": false, "countryLookupMethod": "clientIpAddress"}),
    );
}

fn platforms(world: &mut World, label: &str, include: &[&str], exclude: &[&str]) {
    block(world, label, "platforms", json!({"includePlatforms": include, "excludePlatforms": exclude}));
}

/// The tenant works in two countries, and lets nobody else in but the emergency accounts.
fn works_in_two_countries(world: &mut World) {
    country_list(world, "work", json!(["DE", "AT"]));
    world.put(POLICY, "abroad", policy(controls(&["block"])));
    let locations = json!({"includeLocations": ["All"], "excludeLocations": [id("work")]});
    world.set(POLICY, "abroad", "/conditions/locations", locations);
}

fn scenes(edits: Vec<(&str, Edit, Edit)>) -> Vec<Scene> {
    edits.into_iter().map(|(name, first, edit)| Scene::of(name, first, edit)).collect()
}

/// Plans that leave no sign-in.
pub fn hostile() -> Vec<Scene> {
    let nothing: Edit = |_| {};
    let half: Edit = |world| platforms(world, "one", &["windows", "macOS"], &[]);
    scenes(vec![
        ("13: two policies with all platforms between them", nothing, |world| {
            platforms(world, "one", &["windows", "macOS"], &[]);
            platforms(world, "two", &["all"], &["windows", "macOS"]);
        }),
        ("13: the second of two", half, |world| platforms(world, "two", &["linux", "iOS", "android"], &[])),
        (
            "13: the second of two is enforced",
            |world| {
                platforms(world, "one", &["windows", "macOS"], &[]);
                platforms(world, "two", &["all"], &["windows", "macOS"]);
                world.set(POLICY, "two", "/state", "enabledForReportingButNotEnforced".into());
            },
            |world| world.set(POLICY, "two", "/state", "enabled".into()),
        ),
        ("13: one asks for a device, another blocks", half, |world| {
            platforms(world, "two", &["all"], &["windows", "macOS"]);
            world.set(POLICY, "two", "/grantControls", controls(&["compliantDevice"]));
        }),
        ("13: one is for whom a rule takes in", half, |world| {
            platforms(world, "two", &["all"], &["windows", "macOS"]);
            world.set(POLICY, "two", "/conditions/users", json!({"includeGroups": [id("by-rule")]}));
        }),
        ("13: platforms and places crossed", nothing, |world| {
            ranges(world, "low", &["0.0.0.0/1"]);
            ranges(world, "high", &["128.0.0.0/1"]);
            platforms(world, "one", &["windows", "macOS"], &[]);
            for (label, location) in [("two", "low"), ("three", "high")] {
                platforms(world, label, &["linux", "iOS", "android"], &[]);
                world.set(POLICY, label, "/conditions/locations", json!({"includeLocations": [id(location)]}));
            }
        }),
        ("14: from the four quarters of the world", nothing, |world| {
            ranges(world, "world", &["0.0.0.0/2", "64.0.0.0/2", "128.0.0.0/2", "192.0.0.0/2", "::/1", "8000::/1"]);
            block_from(world, "new", &["world"]);
        }),
        ("14: from all but what nobody comes from", nothing, |world| {
            ranges(world, "world", &["0.0.0.0/2", "64.0.0.0/2", "128.0.0.0/2", "192.0.0.0/3"]);
            block_from(world, "new", &["world"]);
        }),
        ("14: from all but one network", nothing, |world| {
            // What 8.8.8.0/24 has beside it, at every length.
            let beside = |bits: u32| (0x0808_0800_u32 >> (32 - bits) ^ 1) << (32 - bits);
            let all = (1..=24).map(|bits| format!("{}/{bits}", std::net::Ipv4Addr::from(beside(bits))));
            let all: Vec<String> = all.collect();
            ranges(world, "world", &all.iter().map(String::as_str).collect::<Vec<_>>());
            block_from(world, "new", &["world"]);
        }),
        ("15: from two halves, in one policy", nothing, |world| {
            ranges(world, "low", &["0.0.0.0/1"]);
            ranges(world, "high", &["128.0.0.0/1"]);
            block_from(world, "new", &["low", "high"]);
        }),
        ("15: from two halves, in two policies", nothing, |world| {
            ranges(world, "low", &["0.0.0.0/1"]);
            ranges(world, "high", &["128.0.0.0/1"]);
            block_from(world, "one", &["low"]);
            block_from(world, "two", &["high"]);
        }),
        (
            "15: the places of two policies grow",
            |world| {
                ranges(world, "branch", &["192.0.2.0/24"]);
                block_from(world, "one", &["lab"]);
                block_from(world, "two", &["branch"]);
            },
            |world| {
                ranges(world, "lab", &["0.0.0.0/1"]);
                ranges(world, "branch", &["128.0.0.0/1"]);
            },
        ),
        ("D40: from all countries", nothing, |world| {
            countries(world, "world", 'A'..='Z');
            block_from(world, "new", &["world"]);
        }),
        ("D40b: from two halves of all countries", nothing, |world| {
            countries(world, "some", 'A'..='L');
            countries(world, "others", 'M'..='Z');
            block_from(world, "one", &["some"]);
            block_from(world, "two", &["others"]);
        }),
        ("D40b: from some countries, and from all but these", nothing, |world| {
            countries(world, "some", 'A'..='L');
            block_from(world, "one", &["some"]);
            let locations = json!({"includeLocations": ["All"], "excludeLocations": [id("some")]});
            block(world, "two", "locations", locations);
        }),
        ("D43: from trusted places, which are the world", nothing, |world| {
            for (label, range) in [("office", "0.0.0.0/1"), ("vpn", "128.0.0.0/1")] {
                ranges(world, label, &[range]);
                world.set("namedLocation", label, "/isTrusted", true.into());
            }
            block(world, "new", "locations", json!({"includeLocations": ["AllTrusted"], "excludeLocations": []}));
        }),
        ("F11: two halves of the world, against the runner", nothing, |world| {
            ranges(world, "low", &["0.0.0.0/1"]);
            ranges(world, "high", &["128.0.0.0/1"]);
            block_runner(world, "one", "low");
            block_runner(world, "two", "high");
        }),
        ("F11: all countries, against the runner", nothing, |world| {
            countries(world, "world", 'A'..='Z');
            block_runner(world, "new", "world");
        }),
        ("16: from where the tenant works", works_in_two_countries, |world| block_from(world, "new", &["work"])),
        ("16: from where the tenant works, one by one", works_in_two_countries, |world| {
            for (label, code) in [("one", "DE"), ("two", "AT")] {
                country_list(world, code, json!([code]));
                block_from(world, label, &[code]);
            }
        }),
    ])
}

/// The same, with something left.
pub fn benign() -> Vec<Scene> {
    let nothing: Edit = |_| {};
    let closed: Edit = |world| {
        platforms(world, "one", &["windows", "macOS"], &[]);
        platforms(world, "two", &["all"], &["windows", "macOS"]);
    };
    scenes(vec![
        ("13, twin: one platform is left", nothing, |world| {
            platforms(world, "one", &["windows", "macOS"], &[]);
            platforms(world, "two", &["all"], &["windows", "macOS", "linux"]);
        }),
        ("13, twin: the emergency accounts are left out of one", nothing, |world| {
            platforms(world, "one", &["windows", "macOS"], &[]);
            platforms(world, "two", &["all"], &["windows", "macOS"]);
            world.set(POLICY, "two", "/conditions/users/excludeGroups", json!([id("shelter")]));
        }),
        ("13, twin: one is for telephones and old clients", nothing, |world| {
            platforms(world, "one", &["windows", "macOS", "linux"], &[]);
            platforms(world, "two", &["all"], &["windows", "macOS", "linux"]);
            world.set(POLICY, "two", "/conditions/clientAppTypes", json!(["exchangeActiveSync", "other"]));
        }),
        ("13, twin: it was so before", closed, |world| world.set(POLICY, "one", "/displayName", "One".into())),
        ("13, twin: it was so before, and one goes", closed, |world| world.remove(POLICY, "one")),
        ("13, twin: one asks for mfa", nothing, |world| {
            platforms(world, "one", &["windows", "macOS"], &[]);
            platforms(world, "two", &["all"], &["windows", "macOS"]);
            world.set(POLICY, "two", "/grantControls", controls(&["mfa"]));
        }),
        ("14, twin: from three quarters of the world", nothing, |world| {
            ranges(world, "most", &["0.0.0.0/2", "64.0.0.0/2", "192.0.0.0/2", "::/0"]);
            block_from(world, "new", &["most"]);
        }),
        ("15, twin: from one half, twice", nothing, |world| {
            ranges(world, "low", &["0.0.0.0/1"]);
            ranges(world, "quarter", &["64.0.0.0/2"]);
            block_from(world, "one", &["low"]);
            block_from(world, "two", &["quarter", "embargo"]);
        }),
        ("15, twin: from one half each, for different people", nothing, |world| {
            ranges(world, "low", &["0.0.0.0/1"]);
            ranges(world, "high", &["128.0.0.0/1"]);
            block_from(world, "one", &["low"]);
            block_from(world, "two", &["high"]);
            world.set(POLICY, "two", "/conditions/users", json!({"includeGroups": [id("staff")]}));
        }),
        ("D40, twin: from most countries", nothing, |world| {
            countries(world, "most", 'A'..='X');
            block_from(world, "new", &["most"]);
        }),
        ("D40b, twin: from two halves, and a part is spared", nothing, |world| {
            countries(world, "some", 'A'..='L');
            countries(world, "others", 'M'..='Z');
            block_from(world, "one", &["some"]);
            block_from(world, "two", &["others"]);
            country_list(world, "work", json!(["DE"]));
            world.set(POLICY, "one", "/conditions/locations/excludeLocations", json!([id("work")]));
        }),
        ("D43, twin: half of the world is trusted", nothing, |world| {
            ranges(world, "office", &["0.0.0.0/1"]);
            world.set("namedLocation", "office", "/isTrusted", true.into());
            block(world, "new", "locations", json!({"includeLocations": ["AllTrusted"], "excludeLocations": []}));
        }),
        ("F11, twin: half of the world, against the runner", nothing, |world| {
            ranges(world, "low", &["0.0.0.0/1"]);
            block_runner(world, "one", "low");
        }),
        ("F11, twin: two halves, the second for another", nothing, |world| {
            ranges(world, "low", &["0.0.0.0/1"]);
            ranges(world, "high", &["128.0.0.0/1"]);
            block_runner(world, "one", "low");
            block_runner(world, "two", "high");
            let other = json!({"includeServicePrincipals": [id("payroll-principal")]});
            world.set(POLICY, "two", "/conditions/clientApplications", other);
        }),
        ("16, twin: from elsewhere", works_in_two_countries, |world| block_from(world, "new", &["embargo"])),
        ("16, twin: from one of two countries", works_in_two_countries, |world| {
            country_list(world, "one", json!(["DE"]));
            block_from(world, "new", &["one"]);
        }),
        ("16, twin: nobody may sign in from abroad", nothing, works_in_two_countries),
    ])
}
