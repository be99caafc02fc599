//! What holds of blame, whatever became of an object.

use std::collections::BTreeMap;

use entragit::engine::blame::{Attribution, Line, State};
use entragit::engine::diff;
use entragit::model::{CoverageMap, FieldChange, Object};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::generated::sides::Sides;
use crate::support::generated::{complete, world};

/// Every scalar of a value, under the first part of its path, with how often it is there.
fn scalars(top: &str, value: &Value, found: &mut BTreeMap<String, usize>) {
    match value {
        Value::Object(map) if !map.is_empty() => map.values().for_each(|value| scalars(top, value, found)),
        Value::Array(elements) if !elements.is_empty() => elements.iter().for_each(|value| scalars(top, value, found)),
        scalar => *found.entry(format!("{top}: {scalar}")).or_default() += 1,
    }
}

fn lines_of(states: &[(&Object, CoverageMap)], kind: &'static entragit::model::Kind) -> Vec<Line> {
    let mut open = Attribution::of(kind, states[0].0);
    for at in 0..states.len() {
        let before = states
            .get(at + 1)
            .map(|(object, coverage)| State { object: (*object).clone(), coverage: coverage.clone() });
        open.settle(at, before.as_ref());
    }
    assert!(open.is_done());
    open.lines()
}

proptest! {
    #[test]
    fn every_value_is_attributed_exactly_once(now in world(), before in world()) {
        let (now, before) = (Sides::of(&now, 0), Sides::of(&before, 1));
        for (address, object) in &now.live.objects {
            let kind = address.kind;
            let older = [&now.wanted, &before.live, &before.wanted];
            let older = older.iter().filter_map(|side| side.objects.get(address));
            let states: Vec<(&Object, CoverageMap)> =
                std::iter::once(object).chain(older).map(|object| (object, complete())).collect();
            let lines = lines_of(&states, kind);
            let (mut told, mut there) = (BTreeMap::new(), BTreeMap::new());
            lines.iter().for_each(|line| scalars(diff::top(&line.path), &line.value, &mut told));
            object.0.iter().for_each(|(name, value)| scalars(diff::top(name), value, &mut there));
            prop_assert_eq!(told, there);

            // A value was set by the last change that a report shows of it.
            let changes: Vec<Vec<FieldChange>> =
                states.windows(2).map(|pair| diff::objects(kind, pair[1].0, pair[0].0)).collect();
            for line in lines.iter().filter(|line| !line.element && !line.path.contains('[')) {
                let last = changes.iter().position(|change| change.iter().any(|field| field.path() == line.path));
                prop_assert_eq!(line.at, last.unwrap_or(states.len() - 1), "{}", line.path);
            }
        }
    }

    #[test]
    fn what_never_changed_is_as_old_as_the_object(world in world(), states in 1_usize..4) {
        let side = Sides::of(&world, 0).live;
        for (address, object) in &side.objects {
            let kind = address.kind;
            let lines = lines_of(&vec![(object, complete()); states], kind);
            let leaves = diff::objects(kind, &Object::default(), object);
            prop_assert_eq!(lines.len(), leaves.len());
            for (line, leaf) in lines.iter().zip(&leaves) {
                prop_assert_eq!((line.path.as_str(), line.at), (leaf.path(), states - 1));
                match leaf {
                    FieldChange::Value { after, .. } => prop_assert_eq!(Some(&line.value), after.as_ref()),
                    FieldChange::Gained { element, .. } | FieldChange::Lost { element, .. } => {
                        prop_assert_eq!(&line.value, element);
                    }
                }
            }
        }
    }
}
