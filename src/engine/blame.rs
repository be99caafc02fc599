//! Who set what: each value of an object attributed to the change that made it so, going back in time until nothing is
//! left to explain.

use std::collections::BTreeSet;

use serde_json::Value;

use super::diff::{is_object, shared_key, top};
use super::normalize::{child_key, normalize};
use super::refs::{mentions, rewrite_body};
use super::schema::{self, Rule, Shape};
use crate::model::kind::LinkShape;
use crate::model::{AuditEvent, Audited, CoverageMap, IdMap, Kind, Object, Who};

/// An object whose values wait to be attributed.
#[derive(Debug, Clone)]
pub struct Attribution {
    kind: &'static Kind,
    leaves: Vec<Leaf>,
}

/// One value, or an element of a set; an element with an identity of its own has its properties inside, since they may
/// have been set at different times.
#[derive(Debug, Clone)]
struct Leaf {
    path: String,
    value: Value,
    element: bool,
    inside: Vec<Leaf>,
    set: Option<Set>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Set {
    at: usize,
    /// Whether the state before was read well enough to say that the value was not there.
    proven: bool,
}

/// A value and the change that set it.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Path of the property, or of the set.
    pub path: String,
    /// The value, or the element.
    pub value: Value,
    /// Whether it is an element of a set.
    pub element: bool,
    /// The number of the change that set it.
    pub at: usize,
    proven: bool,
}

impl Attribution {
    /// Nothing is attributed yet.
    pub fn of(kind: &'static Kind, object: &Object) -> Attribution {
        Attribution { kind, leaves: leaves(kind, object) }
    }

    /// The change numbered `at` made the object what it is out of `before`; what is known of that stands beside it. Values
    /// that are still open and were not there before were set by it. Without a `before`, all that are open.
    pub fn settle(&mut self, at: usize, before: Option<(&Object, &CoverageMap)>) {
        let kind = self.kind;
        let proven = |path: &str| match (before, kind.link(top(path))) {
            (None, _) => true,
            (Some((_, coverage)), Some(link)) => coverage.link(kind.name, link.name).is_complete(),
            (Some((_, coverage)), None) => !coverage.withholds(kind.name, top(path)),
        };
        let mut had = BTreeSet::new();
        let old = before.map(|(object, _)| leaves(kind, object)).unwrap_or_default();
        each(&old, &mut |leaf| {
            had.insert((leaf.path.as_str(), leaf.value.to_string()));
        });
        each_mut(&mut self.leaves, &mut |leaf| {
            if leaf.set.is_none() && !had.contains(&(leaf.path.as_str(), leaf.value.to_string())) {
                leaf.set = Some(Set { at, proven: proven(&leaf.path) });
            }
        });
    }

    /// Whether every value is attributed.
    pub fn is_done(&self) -> bool {
        let mut done = true;
        each(&self.leaves, &mut |leaf| done &= leaf.set.is_some());
        done
    }

    /// Every attributed value, in document order. An element whose properties were all set at once is one line.
    pub fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        lines_of(&self.leaves, &mut lines);
        lines
    }
}

fn lines_of(leaves: &[Leaf], lines: &mut Vec<Line>) {
    for leaf in leaves {
        let mut sets = Vec::new();
        each(std::slice::from_ref(leaf), &mut |leaf| sets.push(leaf.set));
        sets.dedup();
        match sets.as_slice() {
            [Some(set)] => lines.push(Line {
                path: leaf.path.clone(),
                value: leaf.value.clone(),
                element: leaf.element,
                at: set.at,
                proven: set.proven,
            }),
            _ => lines_of(&leaf.inside, lines),
        }
    }
}

fn each<'a>(leaves: &'a [Leaf], see: &mut dyn FnMut(&'a Leaf)) {
    for leaf in leaves {
        match leaf.inside.is_empty() {
            true => see(leaf),
            false => each(&leaf.inside, see),
        }
    }
}

fn each_mut(leaves: &mut [Leaf], see: &mut dyn FnMut(&mut Leaf)) {
    for leaf in leaves {
        match leaf.inside.is_empty() {
            true => see(leaf),
            false => each_mut(&mut leaf.inside, see),
        }
    }
}

fn leaves(kind: &'static Kind, object: &Object) -> Vec<Leaf> {
    let schema = schema::of(kind);
    let mut found = Vec::new();
    for (name, value) in &object.0 {
        let rule = schema.property(name);
        match (kind.link(name).map(|link| link.shape), value) {
            (Some(LinkShape::Children(children)), Value::Array(elements)) => {
                keyed(name, rule, elements, &|child| child_key(child, &children).join(" "), &mut found);
            }
            _ => values(name, rule, value, &mut found),
        }
    }
    found
}

fn values(path: &str, rule: Option<&Rule>, value: &Value, found: &mut Vec<Leaf>) {
    let leaf = |value: &Value, element| Leaf {
        path: path.to_owned(),
        value: value.clone(),
        element,
        inside: Vec::new(),
        set: None,
    };
    match value {
        Value::Object(map) if !map.is_empty() && rule.is_some_and(is_object) => {
            for (name, value) in map {
                values(&format!("{path}.{name}"), rule.and_then(|rule| rule.property(name)), value, found);
            }
        }
        Value::Array(elements) if !elements.is_empty() && rule.is_some_and(|rule| rule.set) => {
            match shared_key(elements, &[]) {
                Some(property) => {
                    let key =
                        |element: &Value| element.get(property).and_then(Value::as_str).unwrap_or_default().to_owned();
                    keyed(path, rule, elements, &key, found);
                }
                None => found.extend(elements.iter().map(|element| leaf(element, true))),
            }
        }
        _ => found.push(leaf(value, false)),
    }
}

fn keyed(
    path: &str,
    rule: Option<&Rule>,
    elements: &[Value],
    key_of: &dyn Fn(&Value) -> String,
    found: &mut Vec<Leaf>,
) {
    let items = rule.and_then(|rule| match &rule.shape {
        Shape::List(items) => Some(items.as_ref()),
        Shape::Object(..) | Shape::Scalar => None,
    });
    for element in elements {
        let mut inside = Vec::new();
        if let Value::Object(map) = element {
            let path = format!("{path}[{}]", key_of(element));
            for (name, value) in map {
                values(&format!("{path}.{name}"), items.and_then(|rule| rule.property(name)), value, &mut inside);
            }
        }
        found.push(Leaf { path: path.to_owned(), value: element.clone(), element: true, inside, set: None });
    }
}

/// An earlier state with its references as they are today, but its own id as it was: whoever put a group into a policy did
/// so, although the group was created again since. Ids that `now` itself mentions are left as they are.
pub fn as_known_today(kind: &'static Kind, earlier: &Object, now: &Object, ids: &IdMap) -> Object {
    let mut kept = BTreeSet::new();
    now.0.values().for_each(|value| {
        mentions(value, &mut |id| {
            kept.insert(id.to_owned());
        });
    });
    let mut replaced = IdMap::default();
    ids.iter().filter(|(old, _)| !kept.contains(*old)).for_each(|(old, new)| replaced.learn(old, new));
    if replaced.is_empty() {
        return earlier.clone();
    }
    let mut body = rewrite_body(kind, &earlier.0, &replaced);
    for name in schema::of(kind).identities().iter().map(String::as_str).chain(["id"]) {
        if let Some(value) = earlier.get(name) {
            body.insert(name.to_owned(), value.clone());
        }
    }
    normalize(kind, &body).object
}

/// Who set a value: of the events of its change, those that name its property or, as another target, what it refers to; if
/// none does, all of them.
pub fn who(line: &Line, events: &[AuditEvent], audited: &Audited) -> Who {
    if !line.proven {
        return Who::Unknown;
    }
    if events.is_empty() {
        return match (audited.looked, audited.gaps.is_empty()) {
            (false, _) => Who::Unasked,
            (true, true) => Who::NoEvent,
            (true, false) => Who::Unknown,
        };
    }
    // `oauth2PermissionGrants` is told of as `OAuth2PermissionGrant`.
    let word = |name: &str| name.trim_end_matches('s').to_ascii_lowercase();
    let property = word(top(&line.path));
    let mut meant = BTreeSet::new();
    if line.element {
        mentions(&line.value, &mut |id| {
            meant.insert(id.to_owned());
        });
    }
    let names = |event: &&AuditEvent| {
        event.properties.iter().any(|name| word(name) == property)
            || event.targets.len() > 1 && event.targets.iter().any(|id| meant.contains(id))
    };
    let told: Vec<AuditEvent> = events.iter().filter(names).cloned().collect();
    Who::Told(if told.is_empty() { events.to_vec() } else { told })
}
