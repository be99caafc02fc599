//! The guards, on plans made by hand.

use std::collections::BTreeSet;

use entragit::engine::guard::{Rules, verdicts};
use entragit::model::{Action, Address, FieldChange, Plan, Step};
use serde_json::{Value, json};

use super::world::raw_of;

const EMERGENCY: &str = "00000000-1111-4000-8000-000000000009";

fn rules() -> Rules {
    Rules { break_glass: BTreeSet::from([EMERGENCY.to_owned()]), max_deletes: 2, max_deletes_percent: 10, known: 10 }
}

fn step(kind: &'static str, id: &str, action: Action) -> Step {
    let address = Address::new(kind, id);
    Step {
        address,
        called: kind,
        name: format!("The {kind}"),
        about: Vec::new(),
        action,
        identities: Default::default(),
        needs: Vec::new(),
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
    assert_eq!(said(deletes(2), &rules()), "");
    insta::assert_snapshot!(said(deletes(3), &rules()), @r#"refused by mass-delete: the plan deletes 3 objects; 2 pass without a question"#);
    // The larger limit counts.
    assert_eq!(said(deletes(50), &Rules { known: 500, ..rules() }), "");
    insta::assert_snapshot!(said(deletes(51), &Rules { known: 500, ..rules() }), @r#"refused by mass-delete: the plan deletes 51 objects; 50 pass without a question"#);
    assert_eq!(said(Vec::new(), &Rules::default()), "");
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
    let fine = vec![
        step("group", "g", Action::Create { body: raw_of(json!({"displayName": "****", "description": "*****"})) }),
        step("group", "g", update(json!({"mailNickname": "***"}), Vec::new())),
        step("group", "g", update(json!({"mailNickname": "a****"}), Vec::new())),
    ];
    assert_eq!(said(fine, &rules()), "");
}
