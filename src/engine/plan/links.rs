//! Plans the steps for links: relations that Graph keeps apart from the properties.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Planner, named_in, role_rules};
use crate::engine::body::{complete, differing, list};
use crate::engine::normalize::child_key;
use crate::engine::order::{Phase, Stage};
use crate::engine::schema::{self, Shape};
use crate::kinds;
use crate::model::kind::{Children, Link, LinkShape, Updates};
use crate::model::plan::{Loss, LossKind};
use crate::model::{Action, Address, Kind, Object};

impl Planner<'_> {
    /// Adds the steps for every link. `live` is `None` for objects that are created or restored: entries that they turn out
    /// to have already are skipped when the step runs.
    pub(super) fn links(&mut self, kind: &'static Kind, address: &Address, wanted: &Object, live: Option<&Object>) {
        for link in kind.links {
            let name = link.name;
            if !self.inputs.scope.takes_property(kind.name, name) || !self.link_known(kind, name) {
                continue;
            }
            let want = wanted.get(name);
            let have = live.and_then(|live| live.get(name));
            let is_computed = |object: &Object| link.absent.is_some_and(|absent| absent.holds(&object.0));
            if live.is_some_and(is_computed) && !is_computed(wanted) {
                let what = format!(
                    "{name} that its rule computed stay at first; those that the commit does not have are taken away at \
                     the end"
                );
                self.plan.losses.push(Loss::new(address, wanted.name(), LossKind::Other(what)));
            }
            match link.shape {
                LinkShape::References => {
                    let (want, have) = (list(want), list(have));
                    let present: BTreeSet<&str> = have.iter().filter_map(Value::as_str).collect();
                    let kept: BTreeSet<&str> = want.iter().filter_map(Value::as_str).collect();
                    for id in want {
                        if !present.contains(id.as_str().unwrap_or_default()) || !self.moving_in(id).is_empty() {
                            self.push_link(kind, address, wanted, Action::Link { link: name, value: id.clone() });
                        }
                    }
                    let gone: Vec<&Value> =
                        have.iter().filter(|id| !kept.contains(id.as_str().unwrap_or_default())).collect();
                    let last = link.last.filter(|_| !gone.is_empty());
                    let last = last.and_then(|of| self.last_that_stays(of, want, have));
                    for id in gone {
                        if last == Some(id) {
                            // A plan names objects by their ids where it has not read them.
                            let who = id.as_str().unwrap_or_default();
                            let what = format!(
                                "{name} keeps \"{who}\": Graph does not remove the last one who is a user; add another first"
                            );
                            self.plan.losses.push(Loss::new(address, wanted.name(), LossKind::Other(what)));
                            continue;
                        }
                        self.push_link(kind, address, wanted, Action::Unlink { link: name, value: id.clone() });
                    }
                }
                LinkShape::Reference => match (want, have) {
                    (Some(id), have) if Some(id) != have || !self.moving_in(id).is_empty() => {
                        self.push_link(kind, address, wanted, Action::Link { link: name, value: id.clone() });
                    }
                    (None, Some(id)) => {
                        self.push_link(kind, address, wanted, Action::Unlink { link: name, value: id.clone() });
                    }
                    _ => {}
                },
                LinkShape::Children(_) => self.children(kind, address, wanted, link, list(want), list(have)),
            }
        }
    }

    /// Returns the target of the kind `of` that Graph would not remove, since the commit wants none of that kind.
    fn last_that_stays<'v>(&self, of: &'static str, want: &[Value], have: &'v [Value]) -> Option<&'v Value> {
        let live = self.inputs.live;
        let there = |kind: &'static Kind, id: &str| {
            let address = Address::new(kind, id);
            live.objects.contains_key(&address) || live.unchanged.contains(&address)
        };
        // What is not known to be of another kind counts: the attempt would fail late.
        let is_of = |id: &&Value| {
            let id = id.as_str().unwrap_or_default();
            kinds::ALL.iter().all(|kind| kind.name == of || !there(kind, id))
        };
        if want.iter().any(|id| is_of(&id) && named_in(id, &[&self.lost, &self.left_out]).is_empty()) {
            return None;
        }
        have.iter().filter(is_of).max_by_key(|id| id.as_str())
    }

    fn children(
        &mut self,
        kind: &'static Kind,
        address: &Address,
        object: &Object,
        relation: &'static Link,
        want: &[Value],
        have: &[Value],
    ) {
        let (link, Some(children)) = (relation.name, relation.children()) else { return };
        let Some(rule) = schema::of(kind).property(link) else { return };
        let items = match &rule.shape {
            Shape::List(items) => items,
            // If there is at most one child, the file holds the child itself.
            Shape::Object(..) => rule,
            Shape::Scalar => return,
        };
        let present: BTreeMap<Vec<String>, &Value> =
            have.iter().map(|child| (child_key(child, children), child)).collect();
        let mut kept = BTreeSet::new();
        for child in want {
            let key = child_key(child, children);
            let moved = !self.moving_in(child).is_empty();
            match present.get(&key) {
                Some(same) if **same == *child && !moved => {}
                Some(other) => {
                    let value = complete(items, Some(child), Some(other));
                    let differing = differing(items, child, other);
                    // A child that differs only in read-only properties is not created again.
                    if differing.is_empty() && !moved {
                        kept.insert(key);
                        continue;
                    }
                    let patchable = match children.update {
                        Updates::Nothing => false,
                        Updates::Only(names) => differing.iter().all(|name| names.contains(&name.as_str())),
                        Updates::All | Updates::Replace => true,
                    };
                    if patchable {
                        self.push_link(kind, address, object, Action::Relink { link, value });
                    } else if !children.delete || !children.creatable() {
                        // A child that can be neither changed nor created again is only reported.
                        self.plan.losses.push(Loss {
                            address: address.clone(),
                            name: object.name().to_owned(),
                            parts: vec![LossKind::Other(format!("{link} {} cannot be changed", key.join(" ")))],
                        });
                    } else {
                        let old = (*other).clone();
                        // Graph refuses a second child with the same key, so the old one is removed first.
                        let gone = Action::Unlink { link, value: old };
                        self.push(kind, address, object, Phase::Write, Stage::Prepare, gone, &[]);
                        self.note_made(address, object, children, &key);
                        self.push_link(kind, address, object, Action::Link { link, value: child.clone() });
                    }
                }
                None if children.creatable() => {
                    self.note_made(address, object, children, &key);
                    self.push_link(kind, address, object, Action::Link { link, value: child.clone() });
                }
                None => self.plan.losses.push(Loss {
                    address: address.clone(),
                    name: object.name().to_owned(),
                    parts: vec![LossKind::Other(format!("{link} {} cannot be created", key.join(" ")))],
                }),
            }
            kept.insert(key);
        }
        if children.delete {
            for child in have.iter().filter(|child| !kept.contains(&child_key(child, children))) {
                // A live object that no snapshot had stays linked: whoever registered it may be the person who applies this
                // plan.
                if !named_in(child, &[&self.unmanaged_ids]).is_empty() {
                    continue;
                }
                self.push_link(kind, address, object, Action::Unlink { link, value: child.clone() });
            }
        }
    }

    /// Records as a loss what a child that is created again lacks.
    fn note_made(&mut self, address: &Address, object: &Object, children: &Children, key: &[String]) {
        let Some(note) = children.note else { return };
        let what = format!("{} {note}", key.join(" "));
        self.plan.losses.push(Loss::new(address, object.name(), LossKind::Other(what)));
    }

    pub(super) fn push_link(&mut self, kind: &'static Kind, address: &Address, object: &Object, action: Action) {
        if let Action::Link { link, value } = &action
            && let Some(target) = named_in(value, &[&self.lost, &self.left_out]).first()
        {
            let why = match named_in(value, &[&self.lost]).is_empty() {
                true => "is not there and is not in scope",
                false => "cannot be created again",
            };
            let name = self.inputs.wanted.objects.get(target).map_or(target.id.as_str(), Object::name);
            self.plan.losses.push(Loss {
                address: address.clone(),
                name: object.name().to_owned(),
                parts: vec![LossKind::Other(format!("{link} loses \"{name}\", which {why}"))],
            });
            return;
        }
        let (stage, needs) = match &action {
            Action::Unlink { link, .. } if kind.link(link).is_some_and(|link| link.exclusive) => {
                (Stage::Prepare, Vec::new())
            }
            Action::Unlink { .. } => (Stage::Unlink, Vec::new()),
            Action::Link { link, value } if finds(kind, link) => (Stage::LinkFound, self.awaited_in(value)),
            Action::Link { value, .. } | Action::Relink { value, .. } => (Stage::Link, self.awaited_in(value)),
            _ => (Stage::Link, Vec::new()),
        };
        let live = self.inputs.live.objects.get(address);
        let (phase, stage) = role_rules::order(kind, &action, object, live).unwrap_or((Phase::Write, stage));
        self.push(kind, address, object, phase, stage, action, &needs);
    }
}

/// Returns true if the children of the link name children of another object.
fn finds(kind: &Kind, link: &str) -> bool {
    kind.link(link).and_then(|link| link.children()).is_some_and(|children| children.finds.is_some())
}
