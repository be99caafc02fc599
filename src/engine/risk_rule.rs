//! Parses the risk rules of the schemas (`x-entra-risk`), and decides which values they mean.

use serde_json::{Map, Value};

use crate::model::Level;

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

    /// Returns true if the rule means the change of one value or element.
    pub(super) fn applies(&self, before: Option<&Value>, after: Option<&Value>) -> bool {
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
pub(super) fn fits(wanted: &Value, value: &Value) -> bool {
    match (wanted, value) {
        (Value::Object(wanted), Value::Object(value)) => {
            wanted.iter().all(|(name, wanted)| fits(wanted, value.get(name).unwrap_or(&Value::Null)))
        }
        _ => wanted == value,
    }
}
