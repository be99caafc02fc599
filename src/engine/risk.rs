//! Finds risks in changes: the rules stand in the schemas (`x-entra-risk`), and this module applies them.

use serde_json::{Map, Value};

use super::{diff, schema};
use crate::model::{Action, ChangeKind, FieldChange, Kind, Level, Object, Risk, Step};

/// Represents one risk rule of a schema.
#[derive(Debug, Clone, PartialEq)]
pub struct RiskRule {
    /// Name of the rule, as in `exclusion-added`.
    pub id: String,
    /// Severity of the risk.
    pub level: Level,
    /// Description of what happened, in one clause.
    pub says: String,
    /// Trigger of the rule.
    pub on: Trigger,
    /// Values of which the old value, or the element that was added or removed, must be one; empty: any. An object stands
    /// for all objects that have its properties.
    pub from: Vec<Value>,
    /// Values of which the new value, or the element, must be one; empty: any.
    pub to: Vec<Value>,
    /// Values of which neither the old nor the new value, or the element, may be one.
    pub except: Vec<Value>,
    /// Properties that the object must have, with their values.
    pub when: Map<String, Value>,
    /// True if the change weakens a defence.
    pub weakens: bool,
}

/// Lists the triggers of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// The object was added.
    Added,
    /// The object was removed.
    Removed,
    /// A value or an element was added.
    Gained,
    /// A value or an element was removed.
    Lost,
    /// A value or an element was added or removed, or a value was replaced.
    Changed,
    /// A value was replaced, or something inside an element changed.
    Inside,
}

impl RiskRule {
    /// Returns the rules of a schema's node; a malformed rule is skipped (a test of the schemas finds it).
    pub fn compile(node: &Value) -> Vec<RiskRule> {
        let list = |rule: &Value, name: &str| match rule.get(name) {
            Some(Value::Array(values)) => values.clone(),
            Some(value) => vec![value.clone()],
            None => Vec::new(),
        };
        let rules = node.as_array().map(Vec::as_slice).unwrap_or_default();
        rules
            .iter()
            .filter_map(|rule| {
                let text = |name: &str| rule.get(name).and_then(Value::as_str);
                Some(RiskRule {
                    id: text("id")?.to_owned(),
                    level: Level::parse(text("level")?)?,
                    says: text("says")?.to_owned(),
                    on: match text("on").unwrap_or("changed") {
                        "added" => Trigger::Added,
                        "removed" => Trigger::Removed,
                        "gained" => Trigger::Gained,
                        "lost" => Trigger::Lost,
                        "changed" => Trigger::Changed,
                        "inside" => Trigger::Inside,
                        _ => return None,
                    },
                    from: list(rule, "from"),
                    to: list(rule, "to"),
                    except: list(rule, "except"),
                    when: rule.get("when").and_then(Value::as_object).cloned().unwrap_or_default(),
                    weakens: rule.get("weakens") == Some(&Value::Bool(true)),
                })
            })
            .collect()
    }

    fn applies(&self, before: Option<&Value>, after: Option<&Value>) -> bool {
        let one_of = |wanted: &[Value], value: Option<&Value>| {
            wanted.is_empty() || wanted.iter().any(|wanted| fits(wanted, value.unwrap_or(&Value::Null)))
        };
        let moved = match self.on {
            Trigger::Gained => before.is_none() && after.is_some(),
            Trigger::Lost => before.is_some() && after.is_none(),
            Trigger::Changed => true,
            Trigger::Inside => before.is_some() == after.is_some(),
            Trigger::Added | Trigger::Removed => false,
        };
        // An added element had no value before: `from` and `to` both apply to the element.
        let (was, is) = match self.on {
            Trigger::Gained => (after, after),
            Trigger::Lost => (before, before),
            Trigger::Changed | Trigger::Inside | Trigger::Added | Trigger::Removed => (before, after),
        };
        let excepted =
            |value: Option<&Value>| value.is_some_and(|value| self.except.iter().any(|one| fits(one, value)));
        moved && one_of(&self.from, was) && one_of(&self.to, is) && !excepted(was) && !excepted(is)
    }
}

/// Returns true if `value` equals `wanted`, or is an object with at least the properties of `wanted`.
fn fits(wanted: &Value, value: &Value) -> bool {
    match (wanted, value) {
        (Value::Object(wanted), Value::Object(value)) => {
            wanted.iter().all(|(name, wanted)| fits(wanted, value.get(name).unwrap_or(&Value::Null)))
        }
        _ => wanted == value,
    }
}

/// Returns the risks of a change of an object, worst first.
pub fn of(kind: &'static Kind, what: &ChangeKind, before: Option<&Object>, after: Option<&Object>) -> Vec<Risk> {
    let schema = schema::of(kind);
    let root = &schema.root;
    let Some(object) = after.or(before) else { return Vec::new() };
    // A rule for enabled policies also applies to a policy that was enabled before.
    let meant = |rule: &RiskRule| {
        let holds = |object: &Object| {
            rule.when.iter().all(|(name, wanted)| fits(wanted, object.get(name).unwrap_or(&Value::Null)))
        };
        holds(object) || before.is_some_and(holds)
    };
    let risk = |rule: &RiskRule, path: &str| Risk {
        level: rule.level,
        rule: rule.id.clone(),
        says: rule.says.clone(),
        path: path.to_owned(),
        line: 0,
        weakens: rule.weakens,
    };
    let mut risks: Vec<Risk> = Vec::new();
    match what {
        ChangeKind::Added | ChangeKind::Removed => {
            let trigger = if *what == ChangeKind::Added { Trigger::Added } else { Trigger::Removed };
            risks.extend(root.risks.iter().filter(|rule| rule.on == trigger && meant(rule)).map(|rule| risk(rule, "")));
        }
        ChangeKind::Modified(fields) => {
            for field in fields {
                let (a, b) = match field {
                    FieldChange::Value { before, after, .. } => (before.as_ref(), after.as_ref()),
                    FieldChange::Gained { element, .. } => (None, Some(element)),
                    FieldChange::Lost { element, .. } => (Some(element), None),
                };
                let chain = schema.along(field.path());
                let last = chain.len().saturating_sub(1);
                for (depth, (node, path)) in chain.into_iter().enumerate() {
                    for rule in node.risks.iter().filter(|rule| meant(rule)) {
                        let applies = match depth == last && path == field.path() {
                            true => rule.applies(a, b),
                            // A change inside is a change of the whole without an old and a new value.
                            false => matches!(rule.on, Trigger::Changed | Trigger::Inside) && rule.applies(None, None),
                        };
                        if applies {
                            risks.push(risk(rule, if rule.on == Trigger::Inside { field.path() } else { path }));
                        }
                    }
                }
            }
        }
    }
    risks.sort();
    risks.dedup_by(|a, b| a.rule == b.rule && a.path == b.path);
    risks
}

/// Returns the risks of a step, worst first. `before` is the live object and `after` the wanted one; for an object that the
/// plan creates, only the creation is judged.
pub fn of_step(kind: &'static Kind, step: &Step, before: Option<&Object>, after: Option<&Object>) -> Vec<Risk> {
    let entry = |path: &str, before: Option<&Value>, after: Option<&Value>| match (before, after) {
        (None, Some(element)) => FieldChange::Gained { path: path.to_owned(), element: element.clone() },
        (Some(element), None) => FieldChange::Lost { path: path.to_owned(), element: element.clone() },
        _ => FieldChange::Value { path: path.to_owned(), before: before.cloned(), after: after.cloned() },
    };
    let what = match &step.action {
        Action::Create { .. } | Action::Restore => ChangeKind::Added,
        Action::Delete => ChangeKind::Removed,
        _ if before.is_none() => return Vec::new(),
        Action::Update { changes, .. } => ChangeKind::Modified(changes.clone()),
        Action::Call { property, value } => {
            let before = before.cloned().unwrap_or_default();
            let mut after = before.clone();
            after.0.insert((*property).to_owned(), value.clone());
            ChangeKind::Modified(diff::objects(kind, &before, &after))
        }
        Action::Link { link, value } => ChangeKind::Modified(vec![entry(link, None, Some(value))]),
        Action::Relink { link, value } => ChangeKind::Modified(vec![entry(link, Some(value), Some(value))]),
        Action::Unlink { link, value } => ChangeKind::Modified(vec![entry(link, Some(value), None)]),
    };
    let (before, after) = match what {
        ChangeKind::Added => (None, after),
        ChangeKind::Removed => (before.or(after), None),
        ChangeKind::Modified(_) => (before, after.or(before)),
    };
    of(kind, &what, before, after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_stands_for_all_with_its_properties() {
        let grant = serde_json::json!({"consentType": "AllPrincipals", "scope": "Mail.Read"});
        assert!(fits(&serde_json::json!({"consentType": "AllPrincipals"}), &grant));
        assert!(!fits(&serde_json::json!({"consentType": "Principal"}), &grant));
    }
}
