//! Tables that scenes are made from: what a policy demands, of whom, for what, and which conditions leave a way open.

use serde_json::{Value, json};

use crate::support::scene::{AZURE, GLOBAL, GRAPH, controls, id};

/// Demands that an emergency account cannot meet.
pub fn unmet() -> Vec<(&'static str, Value)> {
    let strength = |label: &str| json!({"operator": "OR", "authenticationStrength": {"id": id(label)}});
    vec![
        ("blocked", controls(&["block"])),
        ("a compliant device", controls(&["compliantDevice"])),
        ("a joined device", controls(&["domainJoinedDevice"])),
        ("one device or the other", controls(&["compliantDevice", "domainJoinedDevice"])),
        ("mfa and a compliant device", json!({"operator": "AND", "builtInControls": ["mfa", "compliantDevice"]})),
        ("an approved application", controls(&["approvedApplication"])),
        ("somebody else's control", json!({"operator": "OR", "customAuthenticationFactors": ["other"]})),
        ("a strength whose methods are off", strength("texts")),
    ]
}

/// Demands that can be met.
pub fn met() -> Vec<(&'static str, Value)> {
    vec![
        ("mfa", controls(&["mfa"])),
        ("mfa or a compliant device", controls(&["mfa", "compliantDevice"])),
        ("security keys", json!({"operator": "OR", "authenticationStrength": {"id": id("keys")}})),
        ("terms of use", json!({"operator": "OR", "termsOfUse": ["00000000-3333-4000-8000-000000000001"]})),
        (
            "mfa and terms",
            json!({"operator": "AND", "builtInControls": ["mfa"],
            "termsOfUse": ["00000000-3333-4000-8000-000000000001"]}),
        ),
    ]
}

/// Whom it is about: an emergency account is among them, or may be.
pub fn about_emergency() -> Vec<(&'static str, Value)> {
    vec![
        ("everybody", json!({"includeUsers": ["All"]})),
        ("the account", json!({"includeUsers": [id("bg1")]})),
        ("its group", json!({"includeGroups": [id("shelter")]})),
        ("a group round its group", json!({"includeGroups": [id("outer")]})),
        ("its role", json!({"includeRoles": [GLOBAL]})),
        ("everybody but others", json!({"includeUsers": ["All"], "excludeGroups": [id("staff")]})),
        ("everybody but one of the two", json!({"includeUsers": ["All"], "excludeUsers": [id("bg1")]})),
        ("everybody but guests", json!({"includeUsers": ["All"], "excludeUsers": ["GuestsOrExternalUsers"]})),
        ("whoever a rule takes in", json!({"includeGroups": [id("by-rule")]})),
        ("everybody but whom a rule takes in", json!({"includeUsers": ["All"], "excludeGroups": [id("by-rule")]})),
    ]
}

/// Whom it is about: no emergency account is among them.
pub fn about_others() -> Vec<(&'static str, Value)> {
    let but = |who: Value| {
        let mut users = json!({"includeUsers": ["All"]});
        users.as_object_mut().unwrap().extend(who.as_object().unwrap().clone());
        users
    };
    vec![
        ("everybody but the shelter", but(json!({"excludeGroups": [id("shelter")]}))),
        ("everybody but the two", but(json!({"excludeUsers": [id("bg1"), id("bg2")]}))),
        ("everybody but administrators", but(json!({"excludeRoles": [GLOBAL]}))),
        (
            "everybody but one, and the other's group",
            but(json!({"excludeUsers": [id("bg1")], "excludeGroups": [id("outer")]})),
        ),
        ("staff", json!({"includeGroups": [id("staff")]})),
        ("one person", json!({"includeUsers": [id("ann")]})),
        ("guests", json!({"includeUsers": ["GuestsOrExternalUsers"]})),
        ("nobody", json!({"includeUsers": ["None"]})),
        ("administrators but the shelter", json!({"includeRoles": [GLOBAL], "excludeGroups": [id("shelter")]})),
    ]
}

/// Applications that administrators need.
pub fn needed() -> Vec<(&'static str, Value)> {
    vec![
        ("all applications", json!({"includeApplications": ["All"]})),
        ("the portals", json!({"includeApplications": ["MicrosoftAdminPortals"]})),
        ("Microsoft Graph", json!({"includeApplications": [GRAPH]})),
        ("Azure", json!({"includeApplications": [AZURE]})),
        ("all but Microsoft 365", json!({"includeApplications": ["All"], "excludeApplications": ["Office365"]})),
        (
            "all but the portals",
            json!({"includeApplications": ["All"], "excludeApplications": ["MicrosoftAdminPortals"]}),
        ),
    ]
}

/// Conditions with which a policy still keeps somebody out.
pub fn tight() -> Vec<(&'static str, Value)> {
    let places = |include: Value, exclude: Value| json!({"locations": {"includeLocations": include, "excludeLocations": exclude}});
    vec![
        ("anywhere but in the office", places(json!(["All"]), json!([id("office")]))),
        ("anywhere but in trusted places", places(json!(["All"]), json!(["AllTrusted"]))),
        ("in a browser", json!({"clientAppTypes": ["browser"]})),
        ("on any platform", json!({"platforms": {"includePlatforms": ["all"], "excludePlatforms": []}})),
        (
            "on every platform by name",
            json!({"platforms": {"includePlatforms": ["windows", "macOS", "linux", "iOS", "android"]}}),
        ),
        (
            "from any but some devices",
            json!({"devices": {"deviceFilter": {"mode": "exclude", "rule": "device.extensionAttribute1 -eq \"SAW\""}}}),
        ),
        (
            "from devices that are not compliant",
            json!({"devices": {"deviceFilter": {"mode": "include", "rule": "device.isCompliant -ne True"}}}),
        ),
        ("at any risk", json!({"signInRiskLevels": ["none", "low", "medium", "high"]})),
    ]
}

/// Conditions that leave a way open that everybody has.
pub fn loose() -> Vec<(&'static str, Value)> {
    let places = |include: Value| json!({"locations": {"includeLocations": include, "excludeLocations": []}});
    vec![
        ("old clients", json!({"clientAppTypes": ["exchangeActiveSync", "other"]})),
        ("apps, not browsers", json!({"clientAppTypes": ["mobileAppsAndDesktopClients"]})),
        ("telephones", json!({"platforms": {"includePlatforms": ["android", "iOS"]}})),
        ("all but one platform", json!({"platforms": {"includePlatforms": ["all"], "excludePlatforms": ["windows"]}})),
        ("embargoed countries", places(json!([id("embargo")]))),
        ("the lab", places(json!([id("lab")]))),
        ("trusted places", places(json!(["AllTrusted"]))),
        ("risky sign-ins", json!({"signInRiskLevels": ["high", "medium"]})),
        ("risky people", json!({"userRiskLevels": ["high"]})),
        ("device codes", json!({"authenticationFlows": {"transferMethods": "deviceCodeFlow"}})),
        ("some devices", json!({"devices": {"deviceFilter": {"mode": "include", "rule": "device.model -eq \"Old\""}}})),
    ]
}
