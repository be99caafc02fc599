//! The guards that count, and those about power and about what is not known.

use std::collections::{BTreeMap, BTreeSet};

use entragit::engine::guard::{Limits, Rules, escalation, verdicts};
use entragit::model::{Action, Coverage, FieldChange, Plan, Step};
use serde_json::{Value, json};

use crate::support::scene::{GLOBAL, Scene, World, id, role};

fn step(kind: &'static str, id: &str, action: Action) -> Step {
    Step {
        address: entragit::kinds::address(kind, id).unwrap(),
        called: kind,
        name: format!("The {kind}"),
        about: Vec::new(),
        action,
        identities: BTreeMap::new(),
        needs: Vec::new(),
        by: Vec::new(),
        risks: Vec::new(),
    }
}

fn said(plan: Plan, rules: &Rules) -> String {
    let plan = Plan { waves: vec![(0..plan.steps.len()).collect()], ..plan };
    let word = |refused| if refused { "refused" } else { "warned" };
    let lines = verdicts(&plan, rules).into_iter();
    let lines = lines.map(|verdict| {
        format!("{} by {}: {} [{}]", word(verdict.refused), verdict.guard, verdict.message, verdict.objects.join(" "))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn of(steps: Vec<Step>) -> Plan {
    Plan { steps, ..Plan::default() }
}

fn updates(count: usize, changes: usize) -> Vec<Step> {
    let change = FieldChange::Value { path: "description".to_owned(), before: None, after: Some(json!("x")) };
    let body = || json!({"description": "x"}).as_object().unwrap().clone();
    let action = || Action::Update { body: body(), changes: vec![change.clone(); changes] };
    (0..count).map(|i| step("group", &format!("g{i}"), action())).collect()
}

#[test]
fn many_changes_are_refused_and_what_comes_back_is_not_counted() {
    let rules = |known: usize| Rules {
        changes: Limits { changes: 3, percent: 10, unlinks: 2 },
        max_deletes: 100,
        known: BTreeMap::from([("group", known)]),
        ..Rules::default()
    };
    assert_eq!(said(of(updates(3, 1)), &rules(10)), "");
    insta::assert_snapshot!(said(of(updates(4, 1)), &rules(10)), @"refused by mass-change: the plan changes 4 of 10 objects of kind group; 3 pass without a question [group]");
    // The larger limit counts; a second step for the same object is no second object; following a new id is no change.
    assert_eq!(said(of(updates(10, 1)), &rules(100)), "");
    assert_eq!(said(of([updates(3, 1), updates(3, 1)].concat()), &rules(10)), "");
    assert_eq!(said(of(updates(50, 0)), &rules(10)), "");
    let unlink = |member: usize| Action::Unlink { link: "members", value: json!(format!("u{member}")) };
    let unlinks = |count: usize| of((0..count).map(|i| step("group", "g", unlink(i))).collect());
    assert_eq!(said(unlinks(2), &rules(10)), "");
    insta::assert_snapshot!(said(unlinks(3), &rules(10)), @"refused by mass-change: the plan takes 3 members from objects of kind group; 2 pass without a question [group.members]");
    // A thousand objects come back, with what is written to them and linked.
    let back = (0..1000).flat_map(|i| {
        let group = format!("g{i}");
        let made = if i % 2 == 0 { Action::Restore } else { Action::Create { body: serde_json::Map::new() } };
        let change = updates(1, 1).remove(0).action;
        let link = Action::Link { link: "members", value: json!("u") };
        [made, change, link].map(|action| step("group", &group, action))
    });
    assert_eq!(said(of(back.collect()), &rules(1000)), "");
}

#[test]
fn what_is_taken_away_must_rest_on_what_is_known() {
    let plan = |unknown: &[(&str, Coverage)], action: Action| Plan {
        unknown: unknown.iter().map(|(what, coverage)| ((*what).to_owned(), *coverage)).collect(),
        ..of(vec![step("group", "g", action)])
    };
    let rules = Rules { max_deletes: 10, ..Rules::default() };
    let partial = [("conditionalAccessPolicy", Coverage::Partial)];
    insta::assert_snapshot!(said(plan(&partial, Action::Delete), &rules), @"refused by incomplete: the plan takes something away (group) and does not know all that may depend on it: conditionalAccessPolicy is partial [conditionalAccessPolicy]");
    let denied = [("conditionalAccessPolicy", Coverage::DeniedPermission)];
    insta::assert_snapshot!(said(plan(&denied, Action::Delete), &rules), @"warned by incomplete: the plan takes something away (group) and does not know all that may depend on it: conditionalAccessPolicy is denied-permission [conditionalAccessPolicy]");
    // Nothing is there without a licence; a named location knows no group; and what is added takes nothing away.
    assert_eq!(said(plan(&[("conditionalAccessPolicy", Coverage::DeniedLicence)], Action::Delete), &rules), "");
    assert_eq!(said(plan(&[("namedLocation", Coverage::Partial)], Action::Delete), &rules), "");
    assert_eq!(said(plan(&partial, Action::Link { link: "members", value: json!("u") }), &rules), "");
}

#[test]
fn what_will_fail_and_what_nobody_knew_is_said() {
    let mut list = updates(1, 1);
    list[0].called = "mailEnabledGroup";
    insta::assert_snapshot!(said(of(list), &Rules::default()), @"warned by unwritable: 1 step is about mail-enabled groups, which only Exchange changes, and will fail [group/g0]");
    let deletes = |base: &[&str]| {
        let known = base.iter().map(|id| entragit::kinds::address("group", *id).unwrap()).collect::<BTreeSet<_>>();
        let steps = ["a", "b"].map(|id| step("group", id, Action::Delete)).to_vec();
        said(of(steps), &Rules { base: Some(known), max_deletes: 10, ..Rules::default() })
    };
    assert_eq!(deletes(&["a", "b", "c", "d", "e"]), "");
    insta::assert_snapshot!(deletes(&["a"]), @r#"warned by unmanaged: the plan deletes 1 object that no snapshot knew: group "The group" [group/b]"#);
}

const TIER_0: &str = "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8";

fn grant(world: &mut World, who: &str, role: &str) {
    let granted = world.of("servicePrincipal", "graph")["appRoleAssignedTo"].as_array_mut().unwrap();
    granted.push(json!({"principalId": id(who), "appRoleId": role}));
}

#[test]
fn power_is_given_only_to_those_who_had_it() {
    let powerful: fn(&mut World) = |world| grant(world, "payroll-principal", TIER_0);
    let nothing: fn(&mut World) = |_| {};
    type Edit = fn(&mut World);
    let cases: Vec<(&str, Edit, Edit)> = vec![
        ("a privileged role", nothing, |world| role(world, "new", "ann", GLOBAL)),
        ("a role for a group", nothing, |world| role(world, "new", "staff", "e8611ab8-c189-46e8-94e1-60213ab1f814")),
        ("into a group that holds a role", nothing, |world| world.members("admins", &["admin2", "ann"])),
        ("a permission over everything", nothing, |world| grant(world, "payroll-principal", TIER_0)),
        ("a permission on behalf of people", nothing, |world| {
            world.set("servicePrincipal", "payroll-principal", "/oauth2PermissionGrants",
                json!([{"consentType": "AllPrincipals", "resourceId": id("graph"), "scope": "User.Read Application.ReadWrite.All"}]));
        }),
        ("an owner of what has power", powerful, |world| {
            world.set("application", "payroll", "/owners", json!([id("ann")]));
        }),
        ("an owner of the principal that has power", powerful, |world| {
            world.set("servicePrincipal", "payroll-principal", "/owners", json!([id("ann")]));
        }),
        ("a credential of what has power", powerful, |world| {
            world.set(
                "application",
                "payroll",
                "/federatedIdentityCredentials",
                json!([{"name": "other",
                "issuer": "https://issuer.example", "subject": "other", "audiences": ["api://AzureADTokenExchange"]}]),
            );
        }),
    ];
    for (name, first, edit) in cases {
        let refused = |name: String| {
            let scene = Scene::of(name, first, edit);
            assert_eq!(escalation::grants(&scene.plan(), &scene.access()).len(), 1, "{}", scene.name);
            let found = scene.verdicts().into_iter().find(|verdict| verdict.guard == "escalation");
            found.map(|verdict| verdict.refused)
        };
        assert_eq!(refused(name.to_owned()), Some(true), "{name}");
        // What a snapshot has held is only said.
        assert_eq!(refused(format!("recovery: {name}")), Some(false), "{name}");
    }
    let harmless: Vec<(&str, Edit)> = vec![
        ("a role that is none of them", |world| role(world, "new", "ann", "88d8e3e3-8f55-4a1e-953a-9b9898b8876b")),
        ("into a group", |world| world.members("staff", &["ann", "bob", "cleo"])),
        ("a permission", |world| grant(world, "payroll-principal", &id("role-two"))),
        ("an owner", |world| world.set("application", "payroll", "/owners", Value::from(vec![id("ann")]))),
    ];
    for (name, edit) in harmless {
        let said = Scene::new(name, edit).verdicts();
        assert!(said.is_empty(), "{name}: {said:?}");
    }
}
