//! Merges an object of the other tenant into the one of this tenant that stands for it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::engine::body::list;
use crate::engine::normalize::{child_key, normalize};
use crate::engine::schema;
use crate::model::kind::{Children, Link, LinkShape};
use crate::model::{Kind, Object};

/// Holds the merged object.
pub(super) struct Merged {
    pub(super) object: Object,
    /// Properties that differ and cannot be changed.
    pub(super) fixed: Vec<String>,
    /// Children that this tenant lacks and nobody can create.
    pub(super) missing: Vec<String>,
}

/// Returns `wanted`, with the properties that Graph owns as they are in `own`. A link in `partial` has targets without a
/// counterpart: it gains the entries that can be named and loses none. A link that is not completely known stays as it is.
pub(super) fn onto(
    kind: &'static Kind,
    wanted: &Object,
    own: &Object,
    partial: &BTreeSet<String>,
    link_known: &dyn Fn(&str) -> bool,
) -> Merged {
    let schema = schema::of(kind);
    let mut object = Object::default();
    let (mut fixed, mut missing) = (Vec::new(), Vec::new());
    let names: BTreeSet<&String> = wanted.0.keys().chain(own.0.keys()).collect();
    for name in names {
        let (want, have) = (wanted.get(name), own.get(name));
        let value = match (schema.property(name), kind.link(name)) {
            _ if name == "id" => have.cloned(),
            (None, _) => have.cloned(),
            (Some(_), Some(link)) if !link_known(link.name) => have.cloned(),
            (Some(_), Some(link)) if partial.contains(name) => join(link.shape, want, have),
            (Some(_), Some(link)) => makeable(link, want, have, &mut missing),
            (Some(rule), None) if rule.read_only => have.cloned(),
            (Some(rule), None) if rule.create_only => {
                if want != have {
                    fixed.push(name.clone());
                }
                have.cloned()
            }
            (Some(_), None) => want.cloned(),
        };
        if let Some(value) = value {
            object.0.insert(name.clone(), value);
        }
    }
    Merged { object: normalize(kind, object.0).object, fixed, missing }
}

/// Returns the wanted entries of a link, without those that nobody can create.
fn makeable(link: &Link, want: Option<&Value>, have: Option<&Value>, missing: &mut Vec<String>) -> Option<Value> {
    let LinkShape::Children(children @ Children { create: None, .. }) = link.shape else { return want.cloned() };
    let here: Vec<Vec<String>> = list(have).iter().map(|child| child_key(child, &children)).collect();
    let (kept, lost): (Vec<&Value>, Vec<&Value>) =
        list(want).iter().partition(|child| here.contains(&child_key(child, &children)));
    missing.extend(lost.iter().map(|child| format!("{} {}", link.name, child_key(child, &children).join(" "))));
    Some(Value::Array(kept.into_iter().cloned().collect()))
}

fn join(shape: LinkShape, want: Option<&Value>, have: Option<&Value>) -> Option<Value> {
    let (wanted, had) = (list(want), list(have));
    let kept: Vec<&Value> = match shape {
        LinkShape::Reference => return want.or(have).cloned(),
        LinkShape::References => had.iter().filter(|id| !wanted.contains(id)).collect(),
        LinkShape::Children(children) => {
            let keys: Vec<Vec<String>> = wanted.iter().map(|child| child_key(child, &children)).collect();
            had.iter().filter(|child| !keys.contains(&child_key(child, &children))).collect()
        }
    };
    Some(Value::Array(wanted.iter().chain(kept).cloned().collect()))
}
