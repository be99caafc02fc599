//! Attributes each value of an object to the change that set it, going back in time until nothing is left to attribute.

use std::collections::BTreeSet;

use serde_json::Value;

use super::diff::{is_object, shared_key, top};
use super::normalize::{child_key, normalize};
use super::refs::{mentions, rewrite_body};
use super::schema::{self, Rule, Shape};
use crate::model::kind::LinkShape;
use crate::model::{AuditEvent, Audited, CoverageMap, IdMap, Kind, Object, Who};

/// Holds an object whose values are to be attributed.
#[derive(Debug, Clone)]
pub struct Attribution {
    kind: &'static Kind,
    leaves: Vec<Leaf>,
}

/// Represents one value, or an element of a set. An element with an identity has its properties inside, since they may have
/// been set at different times.
#[derive(Debug, Clone)]
struct Leaf {
    path: String,
    value: Value,
    element: bool,
    inside: Vec<Leaf>,
    origin: Option<Origin>,
}

/// Names the change that set a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Origin {
    /// Number of the change.
    at: usize,
    /// True if the state before was read well enough to prove that the value was not there.
    proven: bool,
}

/// Represents the state of an object in a snapshot.
#[derive(Debug, Clone)]
pub struct State {
    /// The object.
    pub object: Object,
    /// Coverage of the snapshot.
    pub coverage: CoverageMap,
}

/// Represents a value and the change that set it.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Path of the property, or of the set.
    pub path: String,
    /// The value, or the element.
    pub value: Value,
    /// True if the value is an element of a set.
    pub element: bool,
    /// Number of the change that set the value.
    pub at: usize,
    proven: bool,
}

impl Attribution {
    /// Creates the attribution of an object; no value is attributed yet.
    pub fn of(kind: &'static Kind, object: &Object) -> Attribution {
        Attribution { kind, leaves: leaves(kind, object) }
    }

    /// Attributes values to the change numbered `at`, which turned `before` into the object. The change set all unattributed
    /// values that were not there before; without a `before`, all unattributed ones.
    pub fn settle(&mut self, at: usize, before: Option<&State>) {
        let kind = self.kind;
        let proven = |path: &str| match (before, kind.link(top(path))) {
            (None, _) => true,
            (Some(state), Some(link)) => state.coverage.link(kind.name, link.name).is_complete(),
            (Some(state), None) => !state.coverage.withholds(kind.name, top(path)),
        };
        let mut had = BTreeSet::new();
        let old = before.map(|state| leaves(kind, &state.object)).unwrap_or_default();
        each(&old, &mut |leaf| {
            had.insert((leaf.path.as_str(), leaf.value.to_string()));
        });
        each_mut(&mut self.leaves, &mut |leaf| {
            if leaf.origin.is_none() && !had.contains(&(leaf.path.as_str(), leaf.value.to_string())) {
                leaf.origin = Some(Origin { at, proven: proven(&leaf.path) });
            }
        });
    }

    /// Returns true if every value is attributed.
    pub fn is_done(&self) -> bool {
        let mut done = true;
        each(&self.leaves, &mut |leaf| done &= leaf.origin.is_some());
        done
    }

    /// Returns every attributed value, in document order. An element whose properties were all set at once is one line.
    pub fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        lines_of(&self.leaves, &mut lines);
        lines
    }
}

fn lines_of(leaves: &[Leaf], lines: &mut Vec<Line>) {
    for leaf in leaves {
        let mut origins = Vec::new();
        each(std::slice::from_ref(leaf), &mut |leaf| origins.push(leaf.origin));
        origins.dedup();
        match origins.as_slice() {
            [Some(origin)] => lines.push(Line {
                path: leaf.path.clone(),
                value: leaf.value.clone(),
                element: leaf.element,
                at: origin.at,
                proven: origin.proven,
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
        origin: None,
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
        found.push(Leaf { path: path.to_owned(), value: element.clone(), element: true, inside, origin: None });
    }
}

/// Returns an earlier state with its references by their current ids, but with its own id as it was: whoever put a group
/// into a policy did so even if the group was created again since. Ids that `now` itself mentions are left as they are.
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
    normalize(kind, body).object
}

/// Returns who set a value: those events of its change that name the value's property or, as another target, an object that
/// the value refers to; if there are none, all events of the change.
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
    // The audit log names `oauth2PermissionGrants` as `OAuth2PermissionGrant`.
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds;
    use crate::model::{Actor, Coverage};

    fn object(value: Value) -> Object {
        Object(value.as_object().cloned().unwrap_or_default())
    }

    fn kind(name: &str) -> &'static Kind {
        kinds::by_name(name).unwrap_or(kinds::ALL[0])
    }

    fn complete(kind: &'static Kind) -> CoverageMap {
        let mut coverage = CoverageMap::default();
        kind.links.iter().for_each(|link| coverage.set_link(kind.name, link.name, Coverage::Complete));
        coverage
    }

    fn known(object: &Object, coverage: CoverageMap) -> State {
        State { object: object.clone(), coverage }
    }

    fn event(actor: &str, targets: &[&str], properties: &[&str]) -> AuditEvent {
        let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        AuditEvent {
            id: actor.to_owned(),
            time: String::new(),
            activity: "Update".to_owned(),
            actor: Actor { id: actor.to_owned(), name: actor.to_owned(), ..Actor::default() },
            correlation_id: String::new(),
            targets: own(targets),
            properties: own(properties),
            recovery: false,
        }
    }

    fn told(lines: &[Line]) -> String {
        let line = |line: &Line| format!("{} {}: {}", line.at, line.path, line.value);
        lines.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn each_value_goes_back_to_the_change_that_set_it() {
        let policy = kind("conditionalAccessPolicy");
        let state = |name: &str, excluded: &[&str], state: &str| {
            object(json!({"id": "p", "displayName": name, "state": state,
                "conditions": {"users": {"includeUsers": ["All"], "excludeGroups": excluded}}}))
        };
        let states = [
            state("New", &["a", "b"], "enabled"),
            state("Old", &["a", "b"], "disabled"),
            state("Old", &["a"], "enabled"),
        ];
        let mut open = Attribution::of(policy, &states[0]);
        open.settle(0, Some(&known(&states[1], complete(policy))));
        open.settle(1, Some(&known(&states[2], complete(policy))));
        assert!(!open.is_done());
        open.settle(2, None);
        insta::assert_snapshot!(told(&open.lines()), @r#"
        2 conditions.users.excludeGroups: "a"
        1 conditions.users.excludeGroups: "b"
        2 conditions.users.includeUsers: "All"
        0 displayName: "New"
        2 id: "p"
        0 state: "enabled"
        "#);
    }

    #[test]
    fn an_element_is_taken_apart_only_where_its_parts_are_of_different_age() {
        let application = kind("application");
        let state = |value: &str, enabled: bool| {
            object(json!({"id": "a", "appRoles": [
                {"id": "r1", "value": "Read", "isEnabled": true}, {"id": "r2", "value": value, "isEnabled": enabled}]}))
        };
        let (now, before) = (state("Write", false), state("Write", true));
        let mut open = Attribution::of(application, &now);
        open.settle(0, Some(&known(&before, complete(application))));
        open.settle(1, None);
        insta::assert_snapshot!(told(&open.lines()), @r#"
        1 appRoles: {"id":"r1","isEnabled":true,"value":"Read"}
        1 appRoles[r2].id: "r2"
        0 appRoles[r2].isEnabled: false
        1 appRoles[r2].value: "Write"
        1 id: "a"
        "#);
    }

    #[test]
    fn what_was_not_read_before_is_not_said_to_be_new() {
        let group = kind("group");
        let (now, before) = (object(json!({"id": "g", "members": ["u"]})), object(json!({"id": "g"})));
        let mut open = Attribution::of(group, &now);
        let mut denied = complete(group);
        denied.set_link("group", "members", Coverage::DeniedPermission);
        open.settle(0, Some(&known(&before, denied)));
        open.settle(1, None);
        let (lines, audited) = (open.lines(), Audited { looked: true, ..Audited::default() });
        let event = event("Ada", &["g"], &[]);
        let members = lines.iter().find(|line| line.path == "members");
        assert_eq!(members.map(|line| who(line, std::slice::from_ref(&event), &audited)), Some(Who::Unknown));
    }

    #[test]
    fn whoever_is_named_with_the_property_did_it() {
        let line =
            |path: &str, value: Value, element| Line { path: path.to_owned(), value, element, at: 0, proven: true };
        let user = "00000000-0000-4000-8000-000000000001";
        let events = [
            event("Ada", &["g"], &["displayName"]),
            event("Bo", &["g", user], &[]),
            event("Cy", &["g"], &["oAuth2PermissionGrant"]),
        ];
        let looked = Audited { looked: true, ..Audited::default() };
        let gap = Audited { gaps: vec!["no note".to_owned()], ..looked.clone() };
        let said = |line: &Line, events: &[AuditEvent], audited: &Audited| match who(line, events, audited) {
            Who::Told(events) => events.iter().map(|event| event.actor.name.as_str()).collect::<Vec<_>>().join(", "),
            other => format!("{other:?}"),
        };
        let cases = [
            said(&line("displayName", json!("x"), false), &events, &looked),
            said(&line("members", json!(user), true), &events, &looked),
            said(&line("oauth2PermissionGrants", json!({"scope": "x"}), true), &events, &looked),
            said(&line("description", json!("x"), false), &events, &gap),
            said(&line("description", json!("x"), false), &[], &looked),
            said(&line("description", json!("x"), false), &[], &gap),
            said(&line("description", json!("x"), false), &[], &Audited::default()),
        ];
        insta::assert_snapshot!(cases.join("\n"), @r"
        Ada
        Bo
        Cy
        Ada, Bo, Cy
        NoEvent
        Unknown
        Unasked
        ");
    }

    #[test]
    fn an_id_that_was_given_anew_is_no_change_of_what_refers_to_it() {
        let policy = kind("conditionalAccessPolicy");
        let (old, new) = ("00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b");
        let state =
            |id: &str, group: &str| object(json!({"id": id, "conditions": {"users": {"excludeGroups": [group]}}}));
        let mut ids = IdMap::default();
        ids.learn(old, new);
        ids.learn("p1", "p2");
        let (earlier, now) = (state("p1", old), state("p2", new));
        assert_eq!(as_known_today(policy, &earlier, &now, &ids), state("p1", new), "its own id did change");
        // A policy that still names the old group is not changed.
        assert_eq!(as_known_today(policy, &earlier, &earlier, &ids), earlier);
    }
}
