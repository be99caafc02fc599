//! What holds of every plan before anything is sent.

use std::collections::{BTreeMap, BTreeSet};

use entragit::engine::plan::{Inputs, identities, plan};
use entragit::engine::planfile::{self, Binding};
use entragit::engine::refs::{Names, mentions};
use entragit::engine::schema;
use entragit::engine::scope::{Exclusion, Scope};
use entragit::engine::{compare, normalize::normalize};
use entragit::kinds;
use entragit::model::kind::{Deletion, Updates};
use entragit::model::{
    Action, Address, Change, ChangeKind, Coverage, FieldChange, IdMap, Lifecycle, Object, Plan, Step,
};
use proptest::prelude::*;
use serde_json::Value;

use super::config;
use crate::support::generated::sides::Sides;
use crate::support::generated::{SECRET, guid, named, world};

fn scope() -> impl Strategy<Value = Scope> {
    let kinds = prop::sample::subsequence(kinds::ALL.iter().map(|kind| kind.name).collect::<Vec<_>>(), 0..4);
    let ids = prop::sample::subsequence((0..7).flat_map(|k| (0..2).map(move |i| guid(k, i))).collect::<Vec<_>>(), 0..5);
    let names = prop::sample::subsequence(vec!["group*", "*1", "user 0"], 0..2);
    let properties =
        prop::sample::subsequence(vec!["members", "displayName", "conditions", "api", "owners", "manager"], 0..3);
    let exclude = prop::sample::subsequence(vec!["users", "group.members", "group:*1", "application.api", "*2"], 0..2);
    (kinds, ids, names, properties, exclude).prop_map(|(kinds, ids, names, properties, exclude)| Scope {
        exclude: exclude.into_iter().map(Exclusion::parse).collect(),
        kinds,
        ids,
        names: names.into_iter().map(str::to_owned).collect(),
        properties: properties.into_iter().map(str::to_owned).collect(),
    })
}

/// What a step writes.
pub fn written(action: &Action) -> Value {
    match action {
        Action::Create { body } | Action::Update { body, .. } => Value::Object(body.clone()),
        Action::Call { value, .. } | Action::Link { value, .. } | Action::Relink { value, .. } => value.clone(),
        Action::Unlink { .. } | Action::Restore | Action::Delete => Value::Null,
    }
}

fn waves_of(plan: &Plan) -> Vec<usize> {
    let mut waves = vec![usize::MAX; plan.steps.len()];
    for (wave, ids) in plan.waves.iter().enumerate() {
        for id in ids {
            assert_eq!(waves[*id], usize::MAX, "step {id} is in two waves");
            waves[*id] = wave;
        }
    }
    assert!(waves.iter().all(|wave| *wave != usize::MAX), "a step is in no wave");
    waves
}

fn binding() -> Binding {
    Binding {
        tenant: "t".to_owned(),
        commit: "c".to_owned(),
        base: "b".to_owned(),
        expires: String::new(),
        author: String::new(),
        scope: (&Scope::default()).into(),
        prune: false,
        since: String::new(),
        adopted: IdMap::default(),
    }
}

fn touched_properties(step: &Step) -> Vec<String> {
    match &step.action {
        Action::Update { body, .. } => body.keys().filter(|name| !name.starts_with('@')).cloned().collect(),
        Action::Call { property, .. } => vec![(*property).to_owned()],
        Action::Link { link, .. } | Action::Relink { link, .. } | Action::Unlink { link, .. } => {
            vec![(*link).to_owned()]
        }
        Action::Create { .. } | Action::Restore | Action::Delete => Vec::new(),
    }
}

fn mirrored(change: &FieldChange) -> FieldChange {
    match change.clone() {
        FieldChange::Value { path, before, after } => FieldChange::Value { path, before: after, after: before },
        FieldChange::Gained { path, element } => FieldChange::Lost { path, element },
        FieldChange::Lost { path, element } => FieldChange::Gained { path, element },
    }
}

fn sorted(changes: &[FieldChange]) -> Vec<String> {
    let mut all: Vec<String> = changes.iter().map(|change| format!("{change:?}")).collect();
    all.sort();
    all
}

proptest! {
    #![proptest_config(config())]

    /// Law 1.
    #[test]
    fn a_tenant_that_is_as_wanted_needs_nothing(world in world()) {
        let mut sides = Sides::of(&world, 0);
        sides.wanted = sides.live.clone();
        prop_assert_eq!(sides.plan(), Plan::default());
        let mut sides = Sides::of(&world, 0);
        sides.live = sides.wanted.clone();
        prop_assert_eq!(sides.plan(), Plan::default());
    }

    /// Law 3.
    #[test]
    fn normalizing_twice_changes_nothing(world in world()) {
        for (kind, raw) in world.wanted(0).into_iter().chain(world.there(0).into_iter().map(|(k, raw, _)| (k, raw))) {
            let once = normalize(kind, raw);
            let twice = normalize(kind, once.object.0.clone());
            prop_assert_eq!(&once.object, &twice.object);
            prop_assert_eq!(&once.unknown, &twice.unknown);
            let empty = |value: &Value| matches!(value, Value::Null) || value == "" || value.as_array().is_some_and(Vec::is_empty);
            prop_assert!(!once.object.0.values().any(empty));
        }
    }

    /// Law 5.
    #[test]
    fn the_order_of_what_comes_in_does_not_matter(world in world(), turn in 1_usize..6) {
        let (one, other) = (Sides::of(&world, 0), Sides::of(&world, turn));
        prop_assert_eq!(&one.wanted, &other.wanted);
        prop_assert_eq!(&one.live, &other.live);
        prop_assert_eq!(one.plan(), other.plan());
    }

    /// Law 6.
    #[test]
    fn a_difference_is_the_mirror_of_the_other_way_round(world in world()) {
        let sides = Sides::of(&world, 0);
        let there = compare::snapshots(&sides.wanted, &sides.live, &IdMap::default());
        let back = compare::snapshots(&sides.live, &sides.wanted, &IdMap::default());
        prop_assert_eq!(there.changes.len(), back.changes.len());
        for one in &there.changes {
            // What was created again goes by its other id the other way round.
            let id = match &one.manner {
                Some(Lifecycle::Recreated { from }) => from,
                _ => &one.address.id,
            };
            let mirrors = |other: &&Change| other.address.kind == one.address.kind && &other.address.id == id;
            let Some(other) = back.changes.iter().find(mirrors) else { return Err(TestCaseError::fail(format!("{one:?}"))) };
            if id != &one.address.id {
                prop_assert_eq!(&other.manner, &Some(Lifecycle::Recreated { from: one.address.id.clone() }));
            }
            match (&one.what, &other.what) {
                (ChangeKind::Added, ChangeKind::Removed) | (ChangeKind::Removed, ChangeKind::Added) => {}
                (ChangeKind::Modified(a), ChangeKind::Modified(b)) => {
                    let a: Vec<FieldChange> = a.iter().map(mirrored).collect();
                    prop_assert_eq!(sorted(&a), sorted(b));
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
        prop_assert!(compare::snapshots(&sides.wanted, &sides.wanted, &IdMap::default()).changes.is_empty());
    }

    /// Law 7.
    #[test]
    fn no_step_leaves_the_scope(world in world(), scope in scope()) {
        let sides = Sides::of(&world, 0);
        let plan = sides.plan_in(&scope, &IdMap::default());
        for step in &plan.steps {
            let name = sides.wanted.objects.get(&step.address).or_else(|| sides.live.objects.get(&step.address));
            prop_assert!(scope.takes(&step.address, name.map_or("", Object::name)), "{:?}", step);
            // What is created is created whole.
            let created = plan.steps.iter().any(|other| {
                other.address == step.address && matches!(other.action, Action::Create { .. })
            });
            for property in touched_properties(step).into_iter().filter(|_| !created) {
                prop_assert!(scope.takes_property(step.address.kind.name, &property), "{property}: {:?}", step);
            }
            if !scope.properties.is_empty() {
                let whole = matches!(step.action, Action::Create { .. } | Action::Restore | Action::Delete);
                prop_assert!(!whole);
            }
        }
        for address in &plan.unmanaged {
            prop_assert!(scope.takes(address, sides.live.objects[address].name()));
        }
        for (what, _) in &plan.unknown {
            let kind = what.split('.').next().unwrap();
            prop_assert!(scope.takes_kind(named(kind)));
        }
    }

    /// Law 8.
    #[test]
    fn no_step_precedes_what_it_refers_to(world in world()) {
        let sides = Sides::of(&world, 0);
        let plan = sides.plan();
        let waves = waves_of(&plan);
        prop_assert_eq!(plan.waves.iter().flatten().copied().collect::<Vec<_>>(), (0..plan.steps.len()).collect::<Vec<_>>());
        // Where each object that is made or restored comes to be, by every id that changes.
        let mut made: BTreeMap<String, usize> = BTreeMap::new();
        let mut restored: BTreeMap<&Address, usize> = BTreeMap::new();
        for (id, step) in plan.steps.iter().enumerate() {
            match step.action {
                Action::Create { .. } => {
                    let kind = named(step.address.kind.name);
                    for identity in identities(kind, &sides.wanted.objects[&step.address]) {
                        made.insert(identity, id);
                    }
                }
                Action::Restore => drop(restored.insert(&step.address, id)),
                _ => {}
            }
        }
        for (id, step) in plan.steps.iter().enumerate() {
            for need in &step.needs {
                prop_assert!(*need < id && waves[*need] < waves[id], "step {id} needs {need}, which is not before it");
            }
            let own = made.get(&step.address.id).filter(|own| **own != id);
            let own = own.or_else(|| restored.get(&step.address).filter(|own| **own != id));
            prop_assert!(own.is_none_or(|own| step.needs.contains(own)), "step {id} does not need its own object");
            let mut missing = Vec::new();
            mentions(&written(&step.action), &mut |word| {
                if let Some(maker) = made.get(word).filter(|maker| **maker != id && !step.needs.contains(maker)) {
                    missing.push((word.to_owned(), *maker));
                }
            });
            prop_assert!(missing.is_empty(), "step {id} {:?} refers to {missing:?} without needing it", step);
            // What comes back from the recycle bin cannot be named before.
            mentions(&written(&step.action), &mut |word| {
                let maker = restored.iter().find(|(address, _)| address.id == word).map(|(_, maker)| *maker);
                missing.extend(maker.filter(|maker| !step.needs.contains(maker)).map(|maker| (word.to_owned(), maker)));
            });
            prop_assert!(missing.is_empty(), "step {id} {:?} refers to {missing:?} before it is back", step);
        }
        // Deletions come last, and the other way round.
        let tier = |step: &Step| schema::tiers()[step.address.kind.name];
        let first = plan.steps.iter().position(|step| step.action == Action::Delete).unwrap_or(plan.steps.len());
        let (deletes, others): (Vec<_>, Vec<_>) =
            plan.steps.iter().enumerate().skip(first).partition(|(_, step)| step.action == Action::Delete);
        // In between there is only what a deletion needs, and members who leave when no policy hangs on it any more.
        for (id, step) in others {
            if matches!(step.action, Action::Unlink { link: "members", .. }) {
                continue;
            }
            let mut of = deletes.iter().filter(|(_, delete)| delete.address == step.address);
            prop_assert!(of.any(|(_, delete)| delete.needs.contains(&id)), "{:?}", step);
        }
        for (id, step) in &deletes {
            for (other, later) in &deletes {
                if tier(step) > tier(later) {
                    prop_assert!(waves[*id] < waves[*other]);
                }
            }
        }
    }

    /// Law 9, of what is made without a tenant; the other half is with the runs.
    #[test]
    fn no_secret_gets_into_objects_plans_and_reports(world in world()) {
        let sides = Sides::of(&world, 0);
        let holds = |thing: &dyn std::fmt::Debug| format!("{thing:?}").contains(SECRET);
        prop_assert!(holds(&world.wanted(0)), "the generator makes secrets");
        prop_assert!(!holds(&(&sides.wanted, &sides.live, &sides.deleted)));
        let plan = sides.plan();
        prop_assert!(!holds(&plan));
        let names = Names::default();
        prop_assert!(!planfile::write(&plan, &binding(), &[], &names).contains(SECRET));
        prop_assert!(!holds(&compare::snapshots(&sides.wanted, &sides.live, &IdMap::default())));
    }

    /// Law 12: what is not known completely is left alone.
    #[test]
    fn absence_must_be_proven(world in world(), which in any::<prop::sample::Index>(), wanted_side: bool,
        coverage in prop::sample::select(vec![Coverage::Partial, Coverage::DeniedPermission, Coverage::DeniedLicence,
            Coverage::Failed, Coverage::Skipped]), prune: bool) {
        let mut what: Vec<String> = Vec::new();
        for kind in kinds::ALL {
            what.push(kind.name.to_owned());
            what.extend(kind.links.iter().map(|link| format!("{}.{}", kind.name, link.name)));
        }
        let what = which.get(&what);
        let mut sides = Sides::of(&world, 0);
        let whole = sides.plan();
        let side = if wanted_side { &mut sides.wanted } else { &mut sides.live };
        side.coverage.0.insert(what.clone(), coverage);
        let inputs = Inputs { wanted: &sides.wanted, live: &sides.live, base: &sides.base, deleted: &sides.deleted,
            ids: &IdMap::default(), scope: &Scope::default(), prune };
        let plan = plan(&inputs);
        for step in &plan.steps {
            match what.split_once('.') {
                None => prop_assert!(step.address.kind.name != what, "{:?}", step),
                Some((kind, link)) => {
                    prop_assert!(step.address.kind.name != kind || !touched_properties(step).iter().any(|name| name == link), "{:?}", step);
                }
            }
        }
        if !what.contains('.') {
            prop_assert!(!plan.unmanaged.iter().any(|address| address.kind.name == what));
        }
        // What neither side knows is nobody's business; what one side does not know is said, unless it was never wanted.
        if !(wanted_side && coverage == Coverage::Skipped) {
            prop_assert!(plan.unknown.iter().any(|(name, _)| name == what), "{what}: {:?}", plan.unknown);
        }
        // The rest of the plan stays.
        if !what.contains('.') && !prune {
            // What is only replaced may name what is not known.
            let created = |plan: &Plan, address: &Address| plan.steps.iter().any(|step| {
                step.address == *address && matches!(step.action, Action::Create { .. })
            });
            let others = |plan: &Plan| plan.steps.iter().filter(|step| {
                step.action == Action::Delete && step.address.kind.name != what && !created(plan, &step.address)
            }).count();
            prop_assert_eq!(others(&plan), others(&whole));
        }
        let report = compare::snapshots(&sides.wanted, &sides.live, &IdMap::default());
        for change in &report.changes {
            if change.address.kind.name == what {
                prop_assert!(matches!(change.what, ChangeKind::Modified(_)), "{:?}", change);
            }
        }
    }

    /// A plan file holds the whole plan.
    #[test]
    fn a_plan_file_reads_as_it_was_written(world in world()) {
        let sides = Sides::of(&world, 0);
        let plan = sides.plan();
        let text = planfile::write(&plan, &binding(), &[], &Names::default());
        let (read, bound, _) = planfile::read(text.as_bytes()).unwrap();
        prop_assert_eq!(&bound, &binding());
        prop_assert_eq!(&read.steps, &plan.steps);
        prop_assert_eq!(read, plan);
        prop_assert_eq!(planfile::write(&sides.plan(), &binding(), &[], &Names::default()), text);
    }

    /// What is equal on both sides need not be parsed, as long as it names nothing that gets a new id.
    #[test]
    fn equal_objects_need_not_be_looked_at(world in world()) {
        let mut sides = Sides::of(&world, 0);
        let whole = sides.plan();
        let mut moving = BTreeSet::new();
        for step in whole.steps.iter().filter(|step| matches!(step.action, Action::Create { .. })) {
            moving.extend(identities(named(step.address.kind.name), &sides.wanted.objects[&step.address]));
        }
        let equal: Vec<Address> = sides.wanted.objects.iter()
            .filter(|(address, object)| sides.live.objects.get(*address) == Some(object))
            .filter(|(_, object)| {
                let mut names = false;
                mentions(&Value::Object(object.0.clone()), &mut |id| names |= moving.contains(id));
                !names
            })
            .map(|(address, _)| address.clone())
            .collect();
        for address in equal {
            for side in [&mut sides.wanted, &mut sides.live] {
                side.objects.remove(&address);
                side.unchanged.insert(address.clone());
            }
        }
        prop_assert_eq!(sides.plan(), whole);
    }

    /// Deletion stays within what the last snapshot knew.
    #[test]
    fn what_nobody_knew_is_never_deleted(world in world(), known in any::<u64>()) {
        let mut sides = Sides::of(&world, 0);
        let mut bit = 0;
        sides.base.retain(|_| { bit += 1; known >> (bit % 64) & 1 == 1 });
        let plan = sides.plan();
        for step in plan.steps.iter().filter(|step| step.action == Action::Delete) {
            // What cannot be changed is replaced, which is no loss.
            let replaced = plan.steps.iter().any(|other| {
                other.address == step.address && matches!(other.action, Action::Create { .. })
            });
            prop_assert!(sides.base.contains(&step.address) || replaced);
            prop_assert!(!replaced || named(step.address.kind.name).update == Updates::Nothing);
            prop_assert!(named(step.address.kind.name).deletion != Deletion::Never);
        }
        for address in sides.live.objects.keys().filter(|address| !sides.wanted.contains(address)) {
            let deleted = plan.steps.iter().any(|step| step.action == Action::Delete && step.address == *address);
            prop_assert!(deleted != plan.unmanaged.contains(address), "{address} is neither deleted nor unmanaged");
        }
    }
}
