//! Finds risks in changes: the rules stand in the schemas (`x-entra-risk`), and this module applies them.

use serde_json::Value;

use super::risk_rule::{RiskRule, Trigger, fits};
use super::{diff, schema};
use crate::model::{Action, ChangeKind, FieldChange, Kind, Object, Risk, Step};

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
