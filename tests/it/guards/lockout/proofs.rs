//! Methods by which an account proves who it is, and strengths that ask for one; and plans that leave one.

use serde_json::{Value, json};

use crate::support::scene::{Scene, World, id, policy};

type Edit = fn(&mut World);

const POLICY: &str = "conditionalAccessPolicy";
const METHODS: [&str; 6] = ["Fido2", "MicrosoftAuthenticator", "Sms", "SoftwareOath", "Voice", "X509Certificate"];
const KEY: &str = "cb69481e-8ff7-4039-93ec-0a2729a154a8";
const OTHER_KEY: &str = "ee882879-721c-4913-9775-3dfcce97072a";

fn scenes(edits: Vec<(&str, Edit, Edit)>) -> Vec<Scene> {
    edits.into_iter().map(|(name, first, edit)| Scene::of(name, first, edit)).collect()
}

/// The tenant lists all its methods; those in `on` can be used by everybody.
fn methods(world: &mut World, on: &[&str]) {
    let all: Vec<Value> = METHODS
        .iter()
        .map(|name| {
            let state = if on.contains(name) { "enabled" } else { "disabled" };
            let kind =
                format!("#microsoft.graph.{}{}AuthenticationMethodConfiguration", name[..1].to_lowercase(), &name[1..]);
            json!({"@odata.type": kind, "id": name, "state": state,
                "includeTargets": [{"targetType": "group", "id": "all_users", "isRegistrationRequired": false}],
                "excludeTargets": []})
        })
        .collect();
    world.set("authenticationMethodsPolicy", "methods", "/authenticationMethodConfigurations", json!(all));
}

fn usual(world: &mut World) {
    methods(world, &["Fido2", "MicrosoftAuthenticator", "SoftwareOath"]);
}

fn keys_only(world: &mut World) {
    methods(world, &["Fido2"]);
}

fn with_method(world: &mut World, name: &str, property: &str, value: &Value) {
    let all = world.of("authenticationMethodsPolicy", "methods")["authenticationMethodConfigurations"].as_array_mut();
    for method in all.unwrap().iter_mut().filter(|method| method["id"] == name) {
        method[property] = value.clone();
    }
}

fn leave_out(world: &mut World, group: &str, names: &[&str]) {
    for name in names {
        with_method(world, name, "excludeTargets", &json!([{"targetType": "group", "id": id(group)}]));
    }
}

fn restrict(world: &mut World, keys: &[&str]) {
    let restrictions = json!({"isEnforced": true, "enforcementType": "allow", "aaGuids": keys});
    with_method(world, "Fido2", "keyRestrictions", &restrictions);
}

/// A strength of these combinations, demanded of everybody.
fn demand(world: &mut World, combinations: &[&str]) {
    let strength = json!({"policyType": "custom", "allowedCombinations": combinations});
    world.put("authenticationStrengthPolicy", "new", strength);
    world.put(POLICY, "new", policy(json!({"operator": "OR", "authenticationStrength": {"id": id("new")}})));
    world.set(POLICY, "new", "/conditions/users", json!({"includeUsers": ["All"]}));
}

fn demand_keys_of(world: &mut World, keys: &[&str]) {
    demand(world, &["fido2"]);
    let configuration = json!([{"@odata.type": "#microsoft.graph.fido2CombinationConfiguration",
        "id": id("configuration"), "appliesToCombinations": ["fido2"], "allowedAAGUIDs": keys}]);
    world.set("authenticationStrengthPolicy", "new", "/combinationConfigurations", configuration);
}

/// Keys are demanded of everybody.
fn keys_are_demanded(world: &mut World) {
    usual(world);
    demand(world, &["fido2"]);
}

/// Plans that leave an account nothing to prove who it is with.
pub fn hostile() -> Vec<Scene> {
    scenes(vec![
        ("09: every method is turned off", usual, |world| methods(world, &[])),
        ("12: the accounts are left out of every method", usual, |world| {
            leave_out(world, "shelter", &["Fido2", "MicrosoftAuthenticator", "SoftwareOath"]);
        }),
        ("12: one account is left out of every method", usual, |world| {
            leave_out(world, "inner", &["Fido2", "MicrosoftAuthenticator", "SoftwareOath"]);
        }),
        ("08: keys are turned off, and demanded", keys_are_demanded, |world| {
            with_method(world, "Fido2", "state", &"disabled".into());
        }),
        ("08: keys are turned off, and there is nothing else", keys_only, |world| methods(world, &[])),
        ("10: only keys of another make, and there is nothing else", keys_only, |world| restrict(world, &[KEY])),
        ("11: keys are for another group, and demanded", keys_are_demanded, |world| {
            with_method(world, "Fido2", "includeTargets", &json!([{"targetType": "group", "id": id("staff")}]));
        }),
        ("11: keys are for another group, and there is nothing else", keys_only, |world| {
            with_method(world, "Fido2", "includeTargets", &json!([{"targetType": "group", "id": id("staff")}]));
        }),
        ("17: another identity provider is to have asked", usual, |world| demand(world, &["federatedMultiFactor"])),
        ("18: only with Windows Hello", usual, |world| demand(world, &["windowsHelloForBusiness"])),
        ("19: only with keys of one make", usual, |world| demand_keys_of(world, &[KEY])),
    ])
}

/// The same, with something left.
pub fn benign() -> Vec<Scene> {
    scenes(vec![
        ("09, twin: all methods but one are turned off", usual, keys_only),
        ("12, twin: others are left out of every method", usual, |world| {
            leave_out(world, "staff", &["Fido2", "MicrosoftAuthenticator", "SoftwareOath"]);
        }),
        ("12, twin: the accounts are left out of all but keys", usual, |world| {
            leave_out(world, "shelter", &["MicrosoftAuthenticator", "SoftwareOath"]);
        }),
        ("08, twin: keys are turned off, and others stay", usual, |world| {
            methods(world, &["MicrosoftAuthenticator", "SoftwareOath"]);
        }),
        ("08, twin: all are off, and one comes back", |world| methods(world, &[]), keys_only),
        ("10, twin: only keys of another make, and others stay", usual, |world| restrict(world, &[KEY])),
        (
            "10, twin: one more make of keys",
            |world| {
                keys_only(world);
                restrict(world, &[KEY]);
            },
            |world| restrict(world, &[KEY, OTHER_KEY]),
        ),
        ("11, twin: keys are for the accounts' group, and demanded", keys_are_demanded, |world| {
            with_method(world, "Fido2", "includeTargets", &json!([{"targetType": "group", "id": id("shelter")}]));
        }),
        ("17, twin: another identity provider has asked, or a key", usual, |world| {
            demand(world, &["federatedMultiFactor", "fido2"]);
        }),
        ("18, twin: with Windows Hello or a key", usual, |world| demand(world, &["windowsHelloForBusiness", "fido2"])),
        (
            "19, twin: only with keys of a make, and the tenant has no others",
            |world| {
                usual(world);
                restrict(world, &[KEY]);
            },
            |world| demand_keys_of(world, &[KEY, OTHER_KEY]),
        ),
    ])
}
