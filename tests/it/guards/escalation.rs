//! Power over the tenant, by whatever way it is given: every way is refused, what takes it away or asks for more passes, and
//! what a snapshot has held comes back.

mod benign;
mod contoso;
mod hostile;
mod openings;

use entragit::engine::guard::escalation;
use entragit::model::Verdict;

use crate::support::scene::{Scene, World};

type Edit = Box<dyn Fn(&mut World)>;

/// A way to power: what is there first, what is wanted then, and what is said of it.
struct Way {
    label: String,
    first: Edit,
    edit: Edit,
    says: String,
    /// True if going back takes the power away. It does not where one address or key takes another's place.
    returns: bool,
}

impl Way {
    fn scene(&self, name: &str) -> Scene {
        Scene::of(format!("{name}{}", self.label), |world| (self.first)(world), |world| (self.edit)(world))
    }
}

fn verdict(scene: &Scene) -> Option<Verdict> {
    scene.verdicts().into_iter().find(|verdict| verdict.guard == "escalation")
}

#[test]
fn every_way_to_power_is_refused() {
    let mut missed = Vec::new();
    let ways = hostile::all();
    println!("{} ways to power", ways.len());
    assert!(ways.len() >= 100, "{}", ways.len());
    for way in ways {
        let found = verdict(&way.scene(""));
        let said = found.as_ref().is_some_and(|verdict| verdict.refused && verdict.message.contains(&way.says));
        if !said {
            missed.push(format!("{}: {:?}, not {:?}", way.label, found.map(|verdict| verdict.message), way.says));
        }
    }
    assert!(missed.is_empty(), "{} were not refused as they should be:\n{}", missed.len(), missed.join("\n"));
}

/// What a snapshot has held is only said when it comes back, whatever it is.
#[test]
fn what_a_snapshot_has_held_comes_back() {
    let mut missed = Vec::new();
    for way in hostile::all() {
        let scene = way.scene("");
        let plan = scene.plan();
        for (number, clause) in escalation::grants(&plan, &scene.access()) {
            let step = &plan.steps[number];
            let held = scene.wanted.object(&step.address).is_some_and(|object| escalation::had(&object, step));
            let before = scene.live.object(&step.address).is_some_and(|object| escalation::had(&object, step));
            if !held || before {
                missed.push(format!("{}: {clause}: held then: {held}, held before: {before}", way.label));
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// Taking power away, and asking for more, is no escalation.
#[test]
fn the_way_back_is_no_escalation() {
    let mut refused = Vec::new();
    for way in hostile::all().into_iter().filter(|way| way.returns) {
        let Scene { name, live, wanted, bin, runner } = way.scene("");
        let back = Scene { name, live: wanted, wanted: live, bin, runner };
        refused.extend(verdict(&back).map(|verdict| format!("{}: {}", way.label, verdict.message)));
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

#[test]
fn what_gives_no_power_passes() {
    let mut refused = Vec::new();
    let ways = benign::all();
    println!("{} changes that give no power", ways.len());
    assert!(ways.len() >= 20, "{}", ways.len());
    for way in ways {
        let scene = way.scene("");
        assert!(!scene.plan().steps.is_empty(), "{}: nothing is planned", way.label);
        refused.extend(verdict(&scene).map(|verdict| format!("{}: {}", way.label, verdict.message)));
    }
    assert!(refused.is_empty(), "{} were refused:\n{}", refused.len(), refused.join("\n"));
}
