//! Defences that a plan takes down: of one object unasked, of several only when somebody accepts that, and as a snapshot had it
//! before in any case.

use entragit::model::Verdict;
use serde_json::{Value, json};

use crate::support::command_line::World;
use crate::support::scene::{Scene, World as Small, id};

const POLICIES: [&str; 2] = ["mfa", "devices"];

fn verdict(scene: &Scene) -> Option<Verdict> {
    scene.verdicts().into_iter().find(|verdict| verdict.guard == "weakens")
}

type Edit = fn(&mut Small, &str);

/// Ways to take a defence down, each with two objects that it can be done to.
fn ways() -> Vec<(&'static str, [&'static str; 2], Edit)> {
    fn policy(world: &mut Small, label: &str, pointer: &str, value: Value) {
        world.set("conditionalAccessPolicy", label, pointer, value);
    }
    vec![
        ("disabled", POLICIES, |world, label| policy(world, label, "/state", "disabled".into())),
        ("only reported", POLICIES, |world, label| {
            policy(world, label, "/state", "enabledForReportingButNotEnforced".into());
        }),
        ("deleted", POLICIES, |world, label| world.remove("conditionalAccessPolicy", label)),
        ("for nobody", ["mfa", "legacy"], |world, label| {
            policy(world, label, "/conditions/users/includeUsers", json!(["None"]));
        }),
        ("wider exclusion", POLICIES, |world, label| {
            policy(world, label, "/conditions/users/excludeGroups", json!([id("shelter"), id("staff")]));
        }),
        ("an application left out", POLICIES, |world, label| {
            policy(world, label, "/conditions/applications/excludeApplications", json!([id("payroll-app-id")]));
        }),
        ("trusted place", ["lab", "office"], |world, label| {
            world.set("namedLocation", label, "/isTrusted", true.into());
            let range = json!({"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "100.64.0.0/10"});
            world.of("namedLocation", label)["ipRanges"].as_array_mut().unwrap().push(range);
        }),
        ("weaker strength", ["keys", "texts"], |world, label| {
            world.set("authenticationStrengthPolicy", label, "/allowedCombinations", json!(["password", "fido2"]));
        }),
    ]
}

#[test]
fn one_defence_is_taken_down_unasked_and_two_are_not() {
    for (name, [first, second], edit) in ways() {
        let one = Scene::new(name, |world| edit(world, first));
        assert!(one.plan().steps.iter().any(|step| !step.risks.is_empty()), "{name}: nothing is marked");
        assert_eq!(verdict(&one), None, "{name}");
        let two = Scene::new(name, |world| [first, second].iter().for_each(|label| edit(world, label)));
        let said = verdict(&two).unwrap_or_else(|| panic!("{name} passes"));
        assert!(said.refused && said.message.contains("takes down the defences of 2 objects"), "{name}: {said:?}");
        assert_eq!(said.objects.len(), 2, "{name}");
        // The way back puts them up.
        let Scene { name, live, wanted, bin, runner } = two;
        let back = Scene { name, live: wanted, wanted: live, bin, runner };
        assert_eq!(verdict(&back), None, "{}", back.name);
    }
}

fn state(world: &World, name: &str, from: &str, to: &str) {
    let all = world.git(&["ls-files", "conditional-access"]);
    let text = |path: &str| std::fs::read_to_string(world.path().join(path)).unwrap();
    let path = all.lines().find(|path| text(path).contains(name)).unwrap();
    let (from, to) = (format!("state: {from}\n"), format!("state: {to}\n"));
    assert!(text(path).contains(&from), "{}", text(path));
    world.write(path, &text(path).replace(&from, &to));
}

async fn enabled(world: &World) -> Vec<String> {
    let all = world.graph.ok("/v1.0/identity/conditionalAccess/policies").await;
    let all = all["value"].as_array().unwrap().iter().filter(|policy| policy["state"] == "enabled");
    all.map(|policy| policy["displayName"].as_str().unwrap().to_owned()).take(2).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn weakenings_of_a_day_are_summed_up() {
    let world = World::exported().await;
    let enabled = enabled(&world).await;
    let first = world.git(&["rev-parse", "HEAD"]);
    state(&world, &enabled[0], "enabled", "disabled");
    world.commit("One policy off");
    world.run(&["apply", "--to", "HEAD", "--yes"]).ok();
    state(&world, &enabled[1], "enabled", "disabled");
    world.commit("And another one");
    let ran = world.run(&["apply", "--to", "HEAD", "--yes"]).ends(3);
    let said = "weakens: the plan takes down the defences of 1 object, after those of 1 object in the last 24 hours";
    assert!(ran.err.contains(said), "{}", ran.err);

    // Once the first is enforced again, it is one at a time.
    world.run(&["apply", "--to", first.trim(), "--yes"]).ok();
    world.git(&["checkout", "--quiet", first.trim(), "--", "conditional-access"]);
    state(&world, &enabled[1], "enabled", "disabled");
    world.commit("Only the other one");
    world.run(&["apply", "--to", "HEAD", "--yes"]).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_snapshot_had_is_only_said() {
    let world = World::exported().await;
    let enabled = enabled(&world).await;
    let first = world.git(&["rev-parse", "HEAD"]);
    for name in &enabled {
        state(&world, name, "enabled", "disabled");
    }
    world.commit("Two policies off");
    let ran = world.run(&["apply", "--to", "HEAD", "--yes"]).ends(3);
    assert!(ran.err.contains("weakens: the plan takes down the defences of 2 objects"), "{}", ran.err);
    world.run(&["apply", "--to", "HEAD", "--accept", "weakens", "--yes"]).ok();

    // On, and off again: a snapshot had them off.
    world.run(&["apply", "--to", first.trim(), "--yes"]).ok();
    let ran = world.run(&["plan", "--to", "HEAD~1"]);
    let text = format!("{}{}", ran.out, ran.err);
    assert!(text.contains("! high: the policy is not enforced any more (state)"), "{text}");
    assert!(text.contains("warning by weakens: the plan takes defences down as far as a snapshot had them"), "{text}");
    assert!(!text.contains("refused by weakens"), "{text}");
}
