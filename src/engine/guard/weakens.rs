//! Guards against weakening defences: policies that are no longer enforced, wider exclusions, trusted locations, methods and
//! rules that demand less. The schemas mark such changes (`x-entra-risk` with `weakens`).

use std::collections::{BTreeMap, BTreeSet};

use super::{Rules, objects_of};
use crate::engine::access::merge;
use crate::engine::diff::{self, top};
use crate::engine::{risk, schema};
use crate::model::words::counted;
use crate::model::{Action, Address, ChangeKind, Kind, Level, Object, Plan, Risk, Step, StepId, Verdict};

/// Number of objects whose defences a plan may weaken without a question.
const UNASKED: usize = 1;

/// Returns the steps that weaken a defence.
pub fn steps(plan: &Plan) -> Vec<StepId> {
    let weakening = |step: &Step| marks(step).next().is_some();
    plan.steps.iter().enumerate().filter(|(_, step)| weakening(step)).map(|(number, _)| number).collect()
}

fn marks(step: &Step) -> impl Iterator<Item = &Risk> {
    step.risks.iter().filter(|risk| is_weakening(risk))
}

fn is_weakening(risk: &Risk) -> bool {
    risk.weakens && risk.level == Level::High
}

/// Returns true if the schema of a kind marks any change as a weakening.
pub fn concerns(kind: &'static Kind) -> bool {
    schema::of(kind).root.any_risk(&|rule| rule.weakens)
}

/// Returns true if the defences that an object had are weaker now; `has` is `None` if the object is gone.
pub fn weakened(kind: &'static Kind, had: &Object, has: Option<&Object>) -> bool {
    let what = match has {
        Some(has) => ChangeKind::Modified(diff::objects(kind, had, has)),
        None => ChangeKind::Removed,
    };
    risk::of(kind, &what, Some(had), has).iter().any(is_weakening)
}

/// Refuses a plan that weakens the defences of several objects, counting those of earlier plans of the day; a weakening that
/// a snapshot already had is only reported.
pub(super) fn verdicts(plan: &Plan, rules: &Rules) -> Vec<Verdict> {
    let all = steps(plan);
    let (known, new): (Vec<StepId>, Vec<StepId>) = all.into_iter().partition(|step| rules.weak_before.contains(step));
    let verdict = |numbers: &[StepId], refused: bool, what: &str| {
        let steps: Vec<&Step> = numbers.iter().filter_map(|number| plan.steps.get(*number)).collect();
        let message = format!("the plan {what}: {}", clauses(&steps).join("; "));
        Verdict { guard: "weakens", refused, message, objects: objects_of(&steps) }
    };
    let mut found = Vec::new();
    let addresses = new.iter().filter_map(|number| plan.steps.get(*number)).map(|step| &step.address);
    let objects: BTreeSet<&Address> = addresses.collect();
    let (count, earlier) = (objects.len(), rules.weakened_today.iter().filter(|one| !objects.contains(one)).count());
    if count > 0 && count + earlier > UNASKED {
        let mut what = format!("takes down the defences of {}", counted(count, "object"));
        if earlier > 0 {
            what += &format!(", after those of {} in the last 24 hours", counted(earlier, "object"));
        }
        found.push(verdict(&new, true, &what));
    }
    if !known.is_empty() {
        found.push(verdict(&known, false, "takes defences down as far as a snapshot had them before"));
    }
    found
}

/// Maximum number of objects that are named.
const MOST: usize = 10;

/// Returns one clause for each object, with what happens to it.
fn clauses(steps: &[&Step]) -> Vec<String> {
    let mut by_object: BTreeMap<&Address, (&Step, BTreeSet<&str>)> = BTreeMap::new();
    for step in steps {
        let entry = by_object.entry(&step.address).or_insert((step, BTreeSet::new()));
        entry.1.extend(marks(step).map(|risk| risk.says.as_str()));
    }
    let more = by_object.len().saturating_sub(MOST);
    let say = |(step, says): (&Step, BTreeSet<&str>)| {
        let says: Vec<&str> = says.into_iter().collect();
        format!("{} \"{}\": {}", step.called, step.name, says.join(", "))
    };
    let mut said: Vec<String> = by_object.into_values().take(MOST).map(say).collect();
    if more > 0 {
        said.push(format!("{more} more"));
    }
    said
}

/// Returns true if an object, as a snapshot had it, was already as a step makes it.
pub fn had(object: &Object, step: &Step) -> bool {
    match &step.action {
        Action::Update { body, .. } => {
            let mut whole = object.0.clone();
            merge(&mut whole, body);
            let touched: BTreeSet<&str> = marks(step).map(|risk| top(&risk.path)).collect();
            touched.iter().all(|name| name.is_empty() || whole.get(*name) == object.get(name))
        }
        Action::Call { property, value } => object.get(property) == Some(value),
        Action::Link { link, value } => entries(object, link).any(|own| own == value),
        Action::Unlink { link, value } => !entries(object, link).any(|own| own == value),
        Action::Create { .. } | Action::Restore | Action::Relink { .. } | Action::Delete => false,
    }
}

fn entries<'a>(object: &'a Object, link: &str) -> impl Iterator<Item = &'a serde_json::Value> {
    object.get(link).and_then(serde_json::Value::as_array).into_iter().flatten()
}
