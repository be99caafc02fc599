//! The corpus of lock-outs: pairs of what is there and what is wanted, planned by the planner and judged by the guards.

mod benign;
mod hostile;
mod others;
mod policies;
pub(crate) mod scene;

use entragit::engine::access::policy::{Subject, grip};
use scene::Scene;

/// What the guards refuse, and why.
fn refusals(scene: &Scene) -> Vec<(&'static str, String)> {
    let verdicts = scene.verdicts().into_iter().filter(|verdict| verdict.refused);
    verdicts.map(|verdict| (verdict.guard, verdict.message)).collect()
}

#[test]
fn every_lock_out_is_refused() {
    let scenes = hostile::all();
    let mut missed = Vec::new();
    for scene in &scenes {
        let said = refusals(scene);
        if !said.iter().any(|(guard, _)| matches!(*guard, "lock-out" | "break-glass" | "self")) {
            missed.push(format!("{}: {said:?}", scene.name));
        }
    }
    assert!(missed.is_empty(), "{} of {} were not refused:\n{}", missed.len(), scenes.len(), missed.join("\n"));
    let by_lock_out = scenes.iter().filter(|scene| refusals(scene).iter().any(|(guard, _)| *guard == "lock-out"));
    let by_lock_out = by_lock_out.count();
    println!("{} lock-outs, all refused, {by_lock_out} by lock-out", scenes.len());
    assert!(scenes.len() >= 100, "{}", scenes.len());
    assert!(by_lock_out >= 100, "{by_lock_out}");
}

#[test]
fn what_harms_nobody_passes() {
    let scenes = benign::all();
    let refused: Vec<String> = scenes
        .iter()
        .map(|scene| (scene, refusals(scene)))
        .filter(|(_, said)| !said.is_empty())
        .map(|(scene, said)| format!("{}: {said:?}", scene.name))
        .collect();
    assert!(refused.is_empty(), "{} of {} were refused:\n{}", refused.len(), scenes.len(), refused.join("\n"));
    println!("{} plans that harm nobody, none refused", scenes.len());
    assert!(scenes.len() >= 100, "{}", scenes.len());
}

/// What is fine before and at the end is fine on the way: Conditional Access has its order.
#[test]
fn nobody_is_kept_out_on_the_way() {
    let scenes = benign::moves();
    let refused: Vec<String> = scenes
        .iter()
        .map(|scene| (scene, refusals(scene)))
        .filter(|(_, said)| said.iter().any(|(guard, _)| *guard == "lock-out"))
        .map(|(scene, said)| format!("{}: {said:?}", scene.name))
        .collect();
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

/// The plan's steps, carried out on what decides, come to what is wanted: as far as anybody's access goes.
#[test]
fn what_is_simulated_is_what_is_wanted() {
    for scene in [hostile::all(), benign::all(), benign::moves()].concat() {
        let (after, wanted) = (scene.access().after(&scene.plan()), scene.wanted.access());
        for policy in scene.wanted.ids("conditionalAccessPolicy") {
            let people = scene.wanted.ids("user").into_iter().map(Subject::User);
            for subject in people.chain(scene.wanted.ids("servicePrincipal").into_iter().map(Subject::Principal)) {
                let name = &scene.name;
                assert_eq!(grip(&after, &policy, &subject), grip(&wanted, &policy, &subject), "{name}: {subject:?}");
            }
        }
    }
}

/// What is over at the end is told to be.
#[test]
fn a_lock_out_on_the_way_says_until_when() {
    let said: Vec<String> = hostile::on_the_way()
        .iter()
        .flat_map(refusals)
        .map(|(_, message)| message)
        .filter(|message| message.contains("until wave"))
        .collect();
    assert_eq!(said.len(), 7, "{}", said.join("\n"));
}

/// A scene that does nothing proves nothing.
#[test]
fn every_scene_is_another_plan() {
    for scenes in [hostile::all(), benign::all(), benign::moves()] {
        let mut plans = std::collections::BTreeMap::new();
        for scene in &scenes {
            let plan = scene.plan();
            assert!(!plan.steps.is_empty(), "{} plans nothing", scene.name);
            if let Some(other) = plans.insert(format!("{:?} {:?}", plan.steps, scene.world()), &scene.name) {
                panic!("{} is the same as {other}", scene.name);
            }
        }
    }
}
