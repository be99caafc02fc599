//! The guards, on plans made by hand.

use std::collections::{BTreeMap, BTreeSet};

use entragit::engine::guard::{Rules, verdicts};
use entragit::model::{Action, FieldChange, Plan, Step};
use serde_json::{Value, json};

use crate::support::generated::raw_of;

const EMERGENCY: &str = "00000000-1111-4000-8000-000000000009";
/// A group that holds it.
const SHELTER: &str = "00000001-1111-4000-8000-000000000009";

fn rules() -> Rules {
    Rules {
        break_glass: BTreeSet::from([EMERGENCY.to_owned()]),
        shelters: BTreeSet::from([SHELTER.to_owned()]),
        max_deletes: 2,
        max_deletes_percent: 10,
        known: BTreeMap::from([("group", 10)]),
        ..Rules::default()
    }
}

fn step(kind: &'static str, id: &str, action: Action) -> Step {
    let address = entragit::kinds::address(kind, id).unwrap();
    Step {
        address,
        called: kind,
        name: format!("The {kind}"),
        about: Vec::new(),
        action,
        identities: Default::default(),
        needs: Vec::new(),
        by: Vec::new(),
        risks: Vec::new(),
    }
}

fn update(body: Value, changes: Vec<FieldChange>) -> Action {
    Action::Update { body: raw_of(body), changes }
}

fn said(steps: Vec<Step>, rules: &Rules) -> String {
    let plan = Plan { waves: vec![(0..steps.len()).collect()], steps, ..Plan::default() };
    let word = |refused| if refused { "refused" } else { "warned" };
    let lines = verdicts(&plan, rules).into_iter();
    lines
        .map(|verdict| format!("{} by {}: {}", word(verdict.refused), verdict.guard, verdict.message))
        .collect::<Vec<_>>()
        .join("\n")
}

fn deletes(count: usize) -> Vec<Step> {
    (0..count).map(|i| step("group", &format!("g{i}"), Action::Delete)).collect()
}

#[test]
fn many_deletions_are_refused() {
    let known =
        |groups: usize, users: usize| Rules { known: BTreeMap::from([("group", groups), ("user", users)]), ..rules() };
    assert_eq!(said(deletes(2), &rules()), "");
    insta::assert_snapshot!(said(deletes(3), &rules()), @r"refused by mass-delete: the plan deletes 3 of 10 objects of kind group; 2 pass without a question");
    // The larger limit counts, and it is that of the kind: many users make it no less to lose every group.
    assert_eq!(said(deletes(50), &known(500, 0)), "");
    insta::assert_snapshot!(said(deletes(51), &known(500, 0)), @r"refused by mass-delete: the plan deletes 51 of 500 objects of kind group; 50 pass without a question");
    insta::assert_snapshot!(said(deletes(15), &known(15, 300)), @r"refused by mass-delete: the plan deletes 15 of 15 objects of kind group; 2 pass without a question");
    // More than half of a kind is much, however few they are; two of two may go.
    let few = |known: usize| Rules { max_deletes: 10, known: BTreeMap::from([("group", known)]), ..rules() };
    assert_eq!(said(deletes(2), &few(2)), "");
    assert_eq!(said(deletes(2), &few(4)), "");
    insta::assert_snapshot!(said(deletes(2), &few(3)), @r"refused by mass-delete: the plan deletes 2 of 3 objects of kind group, more than half of them");
    // A few of every kind are many, too.
    let mut mixed = deletes(2);
    mixed.extend((0..2).map(|i| step("user", &format!("u{i}"), Action::Delete)));
    insta::assert_snapshot!(said(mixed, &known(10, 10)), @r"refused by mass-delete: the plan deletes 4 objects; 2 pass without a question");
    assert_eq!(said(Vec::new(), &Rules::default()), "");
}

#[test]
fn what_is_disabled_counts_like_what_is_deleted() {
    let policies = |count: usize, change: &dyn Fn() -> FieldChange| -> Vec<Step> {
        let one = |i| step("conditionalAccessPolicy", &format!("p{i}"), update(json!({"state": "x"}), vec![change()]));
        (0..count).map(one).collect()
    };
    let to = |path: &'static str, before: Value, after: Value| {
        move || FieldChange::Value { path: path.to_owned(), before: Some(before.clone()), after: Some(after.clone()) }
    };
    let known = Rules {
        max_deletes: 10,
        known: BTreeMap::from([("conditionalAccessPolicy", 15), ("user", 175)]),
        ..Rules::default()
    };
    let off = to("state", json!("enabled"), json!("disabled"));
    insta::assert_snapshot!(said(policies(14, &off), &known), @"refused by mass-delete: the plan disables 14 of 15 objects of kind conditionalAccessPolicy; 10 pass without a question");
    insta::assert_snapshot!(said(policies(8, &off), &known), @"refused by mass-delete: the plan disables 8 of 15 objects of kind conditionalAccessPolicy, more than half of them");
    let report = to("state", json!("enabled"), json!("enabledForReportingButNotEnforced"));
    assert!(said(policies(8, &report), &known).contains("disables 8 of 15"));
    let nobody = || FieldChange::Gained { path: "conditions.users.includeUsers".to_owned(), element: json!("None") };
    assert!(said(policies(8, &nobody), &known).contains("disables 8 of 15"));
    let on = to("state", json!("disabled"), json!("enabled"));
    assert_eq!(said(policies(15, &on), &known), "");
    assert_eq!(said(policies(7, &off), &known), "");
    let leave = to("accountEnabled", json!(true), json!(false));
    let users =
        (0..86).map(|i| step("user", &format!("u{i}"), update(json!({"accountEnabled": false}), vec![leave()])));
    insta::assert_snapshot!(said(users.collect(), &known), @"refused by mass-delete: the plan disables 86 of 175 objects of kind user; 10 pass without a question");
}

#[test]
fn deletions_of_a_day_are_summed_up() {
    let rules = |known: usize, recent: usize| Rules {
        max_deletes: 10,
        known: BTreeMap::from([("group", known)]),
        deleted_today: BTreeMap::from([("group", recent)]),
        ..Rules::default()
    };
    assert_eq!(said(deletes(7), &rules(15, 0)), "");
    insta::assert_snapshot!(said(deletes(4), &rules(8, 7)), @"refused by mass-delete: the plan deletes 4 of 8 objects of kind group, after 7 that were deleted by plans of the last 24 hours; 10 pass without a question");
    insta::assert_snapshot!(said(deletes(1), &rules(8, 7)), @"refused by mass-delete: the plan deletes 1 of 8 objects of kind group, more than half of them, after 7 that were deleted by plans of the last 24 hours");
}

#[test]
fn small_kinds_are_not_emptied_unasked() {
    let base = ["user/u0", "group/g0", "group/g1", "device/d0", "device/d1", "device/d2"];
    let address = |word: &&str| {
        let (kind, id) = word.split_once('/').unwrap();
        let kind = ["user", "group", "device"].into_iter().find(|known| *known == kind).unwrap();
        entragit::kinds::address(kind, id).unwrap()
    };
    let rules = Rules {
        max_deletes: 10,
        known: BTreeMap::from([("user", 1), ("group", 2), ("device", 3)]),
        base: Some(base.iter().map(address).collect()),
        ..Rules::default()
    };
    insta::assert_snapshot!(said(deletes(2), &rules), @"refused by mass-delete: the plan deletes all that there is of group: 2 objects");
    assert_eq!(said(deletes(1), &rules), "");
    assert_eq!(said(vec![step("user", "u0", Action::Delete)], &rules), "", "one object is one object");
}

#[test]
fn the_groups_that_hold_break_glass_accounts_stay_where_they_are() {
    let excluded = "conditions.users.excludeGroups";
    let policy = |changes: Vec<FieldChange>| {
        vec![step("conditionalAccessPolicy", "p", update(json!({"conditions": {}}), changes))]
    };
    let lost = FieldChange::Lost { path: excluded.to_owned(), element: json!(SHELTER.to_uppercase()) };
    insta::assert_snapshot!(said(policy(vec![lost]), &rules()), @r#"refused by break-glass: the plan takes something from a break-glass account: update conditionalAccessPolicy "The conditionalAccessPolicy""#);
    let whole = FieldChange::Value { path: excluded.to_owned(), before: Some(json!([SHELTER])), after: None };
    insta::assert_snapshot!(said(policy(vec![whole]), &rules()), @r#"refused by break-glass: the plan takes something from a break-glass account: update conditionalAccessPolicy "The conditionalAccessPolicy""#);
    insta::assert_snapshot!(said(vec![step("group", SHELTER, Action::Delete)], &rules()), @r#"refused by break-glass: the plan takes something from a break-glass account: delete group "The group""#);
    let out = Action::Unlink { link: "members", value: json!(SHELTER) };
    insta::assert_snapshot!(said(vec![step("group", "g", out)], &rules()), @r#"refused by break-glass: the plan takes something from a break-glass account: unlink group "The group""#);
    let kept =
        FieldChange::Value { path: excluded.to_owned(), before: Some(json!([SHELTER])), after: Some(json!([SHELTER])) };
    let passes = vec![
        step("group", SHELTER, update(json!({"description": "x"}), Vec::new())),
        step("group", SHELTER, Action::Unlink { link: "members", value: json!("u") }),
        policy(vec![kept]).remove(0),
    ];
    assert_eq!(said(passes, &rules()), "");
}

#[test]
fn an_account_that_nobody_knows_stops_every_plan() {
    let rules = Rules { unresolved: vec!["emergency@contoso.com".to_owned()], ..rules() };
    assert_eq!(said(Vec::new(), &rules), "");
    insta::assert_snapshot!(said(deletes(1), &rules), @r"refused by break-glass: breakGlass names emergency@contoso.com, and no user that is known here is that; correct it, or give the account's object id");
}

#[test]
fn whoever_carries_it_out_is_not_shut_out() {
    let (app, principal) = ("00000002-1111-4000-8000-000000000001", "00000003-1111-4000-8000-000000000001");
    let rules = Rules { own: BTreeSet::from([app.to_owned(), principal.to_owned()]), ..rules() };
    insta::assert_snapshot!(said(vec![step("servicePrincipal", principal, Action::Delete)], &rules), @r#"refused by self: the plan changes whoever is signed in to carry it out: delete servicePrincipal "The servicePrincipal""#);
    let role = json!({"appRoleId": "00000009-1111-4000-8000-000000000001", "principalId": principal.to_uppercase()});
    let taken =
        |value: Value| vec![step("servicePrincipal", "graph", Action::Unlink { link: "appRoleAssignedTo", value })];
    insta::assert_snapshot!(said(taken(role), &rules), @r#"refused by self: the plan changes whoever is signed in to carry it out: unlink servicePrincipal "The servicePrincipal""#);
    insta::assert_snapshot!(said(vec![step("application", app, update(json!({"signInAudience": "AzureADMultipleOrgs"}), Vec::new()))], &rules), @r#"refused by self: the plan changes whoever is signed in to carry it out: update application "The application""#);
    let mut passes = taken(json!({"principalId": "00000003-1111-4000-8000-000000000002"}));
    passes.push(step("group", "g", Action::Link { link: "members", value: json!(principal) }));
    // A text hurts nobody.
    passes.push(step("application", app, update(json!({"notes": "x"}), Vec::new())));
    assert_eq!(said(passes, &rules), "");
}

#[test]
fn break_glass_accounts_keep_what_they_have() {
    let lost = |path: &str, id: &str| vec![FieldChange::Lost { path: path.to_owned(), element: json!(id) }];
    let excluded = "conditions.users.excludeUsers";
    insta::assert_snapshot!(said(vec![step("user", EMERGENCY, Action::Delete)], &rules()), @r#"refused by break-glass: the plan takes something from a break-glass account: delete user "The user""#);
    let held =
        Step { about: vec![EMERGENCY.to_owned(), "r".to_owned()], ..step("roleAssignment", "a", Action::Delete) };
    insta::assert_snapshot!(said(vec![held], &rules()), @r#"refused by break-glass: the plan takes something from a break-glass account: delete roleAssignment "The roleAssignment""#);
    let unlink = Action::Unlink { link: "members", value: json!(EMERGENCY) };
    insta::assert_snapshot!(said(vec![step("group", "g", unlink)], &rules()), @r#"refused by break-glass: the plan takes something from a break-glass account: unlink group "The group""#);
    let disabled = update(json!({"accountEnabled": false}), Vec::new());
    insta::assert_snapshot!(said(vec![step("user", EMERGENCY, disabled)], &rules()), @r#"refused by break-glass: the plan takes something from a break-glass account: update user "The user""#);
    let dropped = update(json!({"conditions": {}}), lost(excluded, EMERGENCY));
    insta::assert_snapshot!(said(vec![step("conditionalAccessPolicy", "p", dropped)], &rules()), @r#"refused by break-glass: the plan takes something from a break-glass account: update conditionalAccessPolicy "The conditionalAccessPolicy""#);
    // What concerns others, or gives rather than takes, passes.
    let passes = vec![
        step("user", "u", update(json!({"accountEnabled": false}), Vec::new())),
        step("user", EMERGENCY, update(json!({"accountEnabled": true}), Vec::new())),
        step("group", "g", Action::Unlink { link: "members", value: json!("u") }),
        step("group", "g", Action::Link { link: "members", value: json!(EMERGENCY) }),
        step("conditionalAccessPolicy", "p", update(json!({"conditions": {}}), lost(excluded, "u"))),
        step(
            "conditionalAccessPolicy",
            "p",
            update(json!({"conditions": {}}), lost("conditions.users.includeUsers", EMERGENCY)),
        ),
    ];
    assert_eq!(said(passes, &rules()), "");
}

#[test]
fn asterisks_are_not_written_for_a_secret() {
    let masked =
        step("application", "a", Action::Create { body: raw_of(json!({"displayName": "x", "notes": "********"})) });
    insta::assert_snapshot!(said(vec![masked], &rules()), @r#"refused by redacted: application "The application" would be given asterisks for a secret"#);
    let deep =
        Action::Relink { link: "federatedIdentityCredentials", value: json!({"name": "fic", "audiences": ["****"]}) };
    insta::assert_snapshot!(said(vec![step("application", "a", deep)], &rules()), @r#"refused by redacted: application "The application" would be given asterisks for a secret"#);
    let url =
        json!({"description": "https://x.test?sig=****", "endpointConfiguration": {"targetUrl": "https://x.test"}});
    let within = json!({"endpointConfiguration": {"targetUrl": "https://fn.test/api?code=****&x=1"}});
    for body in [url, within] {
        let create = step("customAuthenticationExtension", "e", Action::Create { body: raw_of(body.clone()) });
        assert!(said(vec![create], &rules()).starts_with("refused by redacted"), "{body}");
        let update = step("customAuthenticationExtension", "e", update(body.clone(), Vec::new()));
        assert!(said(vec![update], &rules()).starts_with("refused by redacted"), "{body}");
    }
    let fine = vec![
        step("group", "g", update(json!({"mailNickname": "https://x.test/?x=****"}), Vec::new())),
        step("group", "g", Action::Create { body: raw_of(json!({"displayName": "****", "description": "*****"})) }),
        step("group", "g", update(json!({"mailNickname": "***"}), Vec::new())),
        step("group", "g", update(json!({"mailNickname": "a****"}), Vec::new())),
    ];
    assert_eq!(said(fine, &rules()), "");
}
