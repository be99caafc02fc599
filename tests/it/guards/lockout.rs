//! The corpus of lock-outs: pairs of what is there and what is wanted, planned by the planner and judged by the guards.

mod benign;
mod dependence;
mod hostile;
mod law;
mod others;
mod policies;
mod proofs;
mod together;

use crate::support::scene::Scene;
use entragit::engine::access::policy::evaluate;
use entragit::engine::access::subject::Subject;

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
    assert!(scenes.len() >= 200, "{}", scenes.len());
    assert!(by_lock_out >= 200, "{by_lock_out}");
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
    assert!(scenes.len() >= 200, "{}", scenes.len());
}

/// What is lost is told with those that come to it, and with a sign-in that worked.
#[test]
fn a_lock_out_by_several_policies_has_a_witness() {
    let message = |name: &str| {
        let scene = together::hostile().into_iter().find(|scene| scene.name == name).unwrap();
        let said = refusals(&scene).into_iter().filter(|(guard, _)| *guard == "lock-out");
        let said = said.map(|(_, message)| message).find(|message| !message.contains("no Global Administrator"));
        said.unwrap_or_default()
    };
    let names = [
        "13: two policies with all platforms between them",
        "13: one asks for a device, another blocks",
        "13: one is for whom a rule takes in",
        "F11: two halves of the world, against the runner",
        "16: from where the tenant works",
    ];
    insta::assert_snapshot!(names.map(message).join("\n"), @r#"
    after wave 1: no sign-in to the administration portals, Microsoft Graph and the Azure service management API is left for the break-glass account "bg2": the policies "one" and "two" together block every one; one that worked before is in a browser on Windows from 11.0.0.0
    after wave 1: no sign-in to the administration portals, Microsoft Graph and the Azure service management API is left for the break-glass account "bg2": the policies "one" and "two" together block every one, or ask for what nobody knows it to have; one that worked before is in a browser on Linux from 11.0.0.0
    after wave 1: no sign-in to the administration portals, Microsoft Graph and the Azure service management API is left for the break-glass account "bg2": the policies "one" and "two" together keep out every one, if their rules take the account in; one that worked before is in a browser on Linux from 11.0.0.0
    after wave 2: no sign-in to the administration portals, Microsoft Graph and the Azure service management API is left for whoever is signed in, "runner": the policies "one" and "two" together block every one; one that worked before is from 11.0.0.0
    after wave 1: no sign-in to the administration portals, Microsoft Graph and the Azure service management API is left for the break-glass account "bg2": the policy "new" blocks every one; one that worked before is in a browser on Windows from 11.0.0.0 in AT
    "#);
}

/// Where one policy leaves something, that is told as well.
#[test]
fn a_lock_out_says_what_still_works() {
    let scene = hostile::all().into_iter().find(|scene| scene.name == "made: for the portals").unwrap();
    let said = refusals(&scene);
    let (_, message) = said.iter().find(|(_, message)| message.contains("the policy \"new\"")).unwrap();
    let works = "; what still works is to sign in to Microsoft Graph in a browser on Windows from 11.0.0.0";
    assert!(message.contains(works), "{message}");
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
                assert_eq!(
                    evaluate(&after, &policy, &subject),
                    evaluate(&wanted, &policy, &subject),
                    "{name}: {subject:?}"
                );
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
