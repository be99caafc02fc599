//! A plan file that somebody edited is refused, or shown and carried out as what it is.

use std::collections::{BTreeMap, BTreeSet};

use entragit::engine::planfile::{self, Binding};
use entragit::engine::refs::Names;
use entragit::engine::vouch::{Known, by_current_address, verify_steps};
use entragit::model::{Action, Address, FieldChange, IdMap, Object, Plan, Snapshot};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::config;
use crate::support::generated::sides::Sides;
use crate::support::generated::{named, world};

fn objects(snapshot: &Snapshot) -> BTreeMap<Address, Object> {
    let all = snapshot.objects.iter().map(|(address, object)| (named(address.kind.name), object.clone()));
    by_current_address(all, &IdMap::default())
}

/// Reads the plan as a file and vouches for it, knowing the tenant or not.
fn vouched(text: &str, sides: &Sides, live: bool) -> Result<(Plan, Vec<String>), String> {
    let (mut plan, ..) = planfile::read(text.as_bytes())?;
    let (wanted, base) = (objects(&sides.wanted), objects(&sides.live));
    let none = BTreeMap::new();
    let all: BTreeMap<Address, Object> =
        base.iter().chain(&sides.deleted).map(|(a, o)| (a.clone(), o.clone())).collect();
    let live = if live { &all } else { &none };
    let known =
        Known { wanted: &wanted, base: &base, live, ids: &IdMap::default(), prune: false, postponed: &BTreeSet::new() };
    let said = verify_steps(&mut plan, &known);
    Ok((plan, said))
}

fn file(plan: &Plan) -> String {
    let binding = Binding {
        tenant: "t".into(),
        commit: "c".into(),
        expires: String::new(),
        author: String::new(),
        base: String::new(),
        scope: Default::default(),
        prune: false,
        since: String::new(),
        adopted: IdMap::default(),
    };
    planfile::write(plan, &binding, &[], &Names::default())
}

/// What is written and to whom, whatever people are told of it.
fn writes(plan: &Plan) -> Vec<String> {
    let action = |action: &Action| match action {
        Action::Update { body, .. } => format!("update {}", Value::Object(body.clone())),
        other => format!("{other:?}"),
    };
    plan.steps.iter().map(|step| format!("{:?} {} {:?}", step.address, action(&step.action), step.identities)).collect()
}

/// Number of edits that [`tamper`] knows.
const EDITS: usize = 13;

/// Edits one thing of the file's step `at`; returns false if there is nothing to edit.
fn tamper(file: &mut Value, at: usize, how: usize) -> bool {
    let steps = file["steps"].as_array_mut().unwrap();
    let count = steps.len();
    let ids: Vec<Value> = steps.iter().map(|step| step["id"].clone()).collect();
    let step = &mut steps[at];
    match how {
        0 => step["id"] = json!("ada@contoso.example"),
        1 => step["id"] = json!(format!("../users/{}", step["id"].as_str().unwrap())),
        2 => step["id"] = ids[(at + 1) % count].clone(),
        3 => step["name"] = json!("Something harmless"),
        4 => step["changes"] = json!([{"path": "description", "before": "a", "after": "b"}]),
        5 => {
            step.as_object_mut().unwrap().remove("changes");
        }
        6 => match step.get_mut("body") {
            Some(body) => body["displayName"] = json!("Evil"),
            None => step["value"] = json!("00000009-1111-4000-8000-00000000dead"),
        },
        7 => {
            let Some(body) = step.get_mut("body").and_then(Value::as_object_mut) else { return false };
            let Some((_, value)) = body.iter_mut().find(|(name, value)| !name.starts_with('@') && !value.is_null())
            else {
                return false;
            };
            *value = match value {
                Value::Bool(on) => json!(!*on),
                Value::Array(all) if !all.is_empty() => json!([]),
                Value::Object(map) => {
                    let first = map.keys().next().cloned();
                    first.into_iter().for_each(|first| drop(map.remove(&first)));
                    Value::Object(map.clone())
                }
                Value::Number(_) => json!(424_242),
                _ => json!("another"),
            };
        }
        8 => file["seen"] = json!([]),
        9 => {
            // To write the same values twice changes nothing.
            if step["action"] == "update" {
                return false;
            }
            let twice = step.clone();
            steps.push(twice);
            steps.last_mut().unwrap()["number"] = json!(count + 1);
        }
        10 => {
            if step["action"] == "create" || step["action"] == "delete" {
                return false;
            }
            for name in ["body", "changes", "value", "link", "property"] {
                step.as_object_mut().unwrap().remove(name);
            }
            step["action"] = json!("delete");
        }
        11 => step["identities"] = json!({"appId": ids[(at + 1) % count]}),
        _ => {
            let Some(kind) =
                ["group", "user", "conditionalAccessPolicy"].into_iter().find(|kind| step["kind"] != *kind)
            else {
                return false;
            };
            step["kind"] = json!(kind);
        }
    }
    true
}

/// Returns what an edited plan does that the honest one did not say. It may do less, and then says so; it does nothing else.
fn find_unshown(read: &Plan, told: &Plan) -> Option<String> {
    if read.steps.len() != told.steps.len() {
        return Some(format!("{} steps instead of {}", read.steps.len(), told.steps.len()));
    }
    for (step, honest) in read.steps.iter().zip(&told.steps) {
        // What writes the values that are there already does nothing.
        if matches!(&step.action, Action::Update { changes, .. } if changes.is_empty()) {
            continue;
        }
        // What another step of the object writes is written twice.
        let written = told.steps.iter().filter(|other| other.address == step.address);
        let all: Vec<&FieldChange> = written
            .filter_map(|other| match &other.action {
                Action::Update { changes, .. } => Some(changes),
                _ => None,
            })
            .flatten()
            .collect();
        let same = match (&step.action, &honest.action) {
            (Action::Update { changes, .. }, Action::Update { .. }) => {
                changes.iter().all(|change| all.contains(&change))
            }
            (action, honest_action) => action == honest_action && step.address == honest.address,
        };
        let same = same && step.identities == honest.identities;
        let called = step.address != honest.address || step.name == honest.name;
        if !(same && called) {
            return Some(format!("{step:?} instead of {honest:?}"));
        }
    }
    None
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn an_untouched_plan_is_vouched_for(world in world()) {
        let sides = Sides::of(&world, 0);
        let plan = sides.plan();
        for live in [true, false] {
            let (read, said) = vouched(&file(&plan), &sides, live).unwrap();
            prop_assert!(said.is_empty(), "{said:#?}");
            prop_assert_eq!(writes(&read), writes(&plan));
        }
    }
}

proptest! {
    // Each is edited in every manner, which takes more than to make it.
    #![proptest_config(ProptestConfig { cases: config().cases.div_ceil(5), ..config() })]

    /// Every manner of edit: none is carried out, and none is shown otherwise than it is.
    #[test]
    fn an_edited_plan_is_refused_or_shown_as_it_is(world in world(), at in any::<prop::sample::Index>()) {
        let sides = Sides::of(&world, 0);
        let plan = sides.plan();
        prop_assume!(!plan.steps.is_empty());
        let honest = file(&plan);
        let (told, _) = vouched(&honest, &sides, true).unwrap();
        for how in 0..EDITS {
            let mut edited: Value = serde_json::from_str(&honest).unwrap();
            if !tamper(&mut edited, at.index(plan.steps.len()), how) {
                continue;
            }
            if let Ok((read, said)) = vouched(&edited.to_string(), &sides, true)
                && said.is_empty()
            {
                let unshown = find_unshown(&read, &told);
                prop_assert!(unshown.is_none(), "edit {}: {}", how, unshown.unwrap_or_default());
            }
        }
    }
}
