//! Converts a step of a plan to and from JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::engine::refs::Names;
use crate::engine::render::plan::title;
use crate::kinds;
use crate::model::{Action, Address, FieldChange, Kind, Level, Risk, Step};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StepDocument {
    pub number: usize,
    pub wave: usize,
    action: String,
    title: String,
    kind: String,
    called: String,
    id: String,
    name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    about: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    identities: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    property: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<Map<String, Value>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    changes: Vec<ChangeDocument>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    needs: Vec<usize>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    by: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    risks: Vec<RiskDocument>,
}

/// Represents a risk that the kind's schema sees in the step's changes.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RiskDocument {
    level: String,
    rule: String,
    says: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    path: String,
    /// True if the change weakens a defence.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    weakens: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChangeDocument {
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gained: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lost: Option<Value>,
}

pub(super) fn step_document(id: usize, wave: usize, step: &Step, names: &Names) -> StepDocument {
    let mut document = StepDocument {
        number: id + 1,
        wave,
        action: step.action.as_str().to_owned(),
        title: title(step, names),
        kind: step.address.kind.name.to_owned(),
        called: step.called.to_owned(),
        id: step.address.id.clone(),
        name: step.name.clone(),
        about: step.about.clone(),
        identities: step.identities.clone(),
        link: None,
        property: None,
        value: None,
        body: None,
        changes: Vec::new(),
        needs: step.needs.iter().map(|need| need + 1).collect(),
        by: step.by.clone(),
        risks: step.risks.iter().map(risk_document).collect(),
    };
    match &step.action {
        Action::Create { body } => document.body = Some(body.clone()),
        Action::Update { body, changes } => {
            document.body = Some(body.clone());
            document.changes = changes.iter().map(change_document).collect();
        }
        Action::Call { property, value } => {
            document.property = Some((*property).to_owned());
            document.value = Some(value.clone());
        }
        Action::Link { link, value } | Action::Relink { link, value } | Action::Unlink { link, value } => {
            document.link = Some((*link).to_owned());
            document.value = Some(value.clone());
        }
        Action::Restore | Action::Delete => {}
    }
    document
}

pub(super) fn change_document(change: &FieldChange) -> ChangeDocument {
    let path = change.path().to_owned();
    let empty = ChangeDocument { path, before: None, after: None, gained: None, lost: None };
    match change {
        FieldChange::Value { before, after, .. } => {
            ChangeDocument { before: before.clone(), after: after.clone(), ..empty }
        }
        FieldChange::Gained { element, .. } => ChangeDocument { gained: Some(element.clone()), ..empty },
        FieldChange::Lost { element, .. } => ChangeDocument { lost: Some(element.clone()), ..empty },
    }
}

pub(super) fn step_of(step: StepDocument) -> Result<Step, String> {
    let number = step.number;
    let bad = |what: &str| format!("step {number}: {what}");
    let kind = kinds::by_name(&step.kind).ok_or_else(|| bad("unknown kind"))?;
    let called = called_in(kind, &step.called);
    let link = || {
        let name = step.link.as_deref().ok_or_else(|| bad("no link is named"))?;
        kind.entries(name).ok_or_else(|| bad("unknown link"))
    };
    let value = || step.value.clone().ok_or_else(|| bad("the value is missing"));
    let body = || step.body.clone().ok_or_else(|| bad("the body is missing"));
    let action = match step.action.as_str() {
        "create" => Action::Create { body: body()? },
        "restore" => Action::Restore,
        "update" => Action::Update { body: body()?, changes: step.changes.into_iter().map(change_of).collect() },
        "set" => {
            let property = step.property.as_deref().unwrap_or_default();
            let call = kind.call(property).ok_or_else(|| bad("unknown property"))?;
            Action::Call { property: call.property, value: value()? }
        }
        "link" => Action::Link { link: link()?, value: value()? },
        "relink" => Action::Relink { link: link()?, value: value()? },
        "unlink" => Action::Unlink { link: link()?, value: value()? },
        "delete" => Action::Delete,
        other => return Err(bad(&format!("unknown action {other:?}"))),
    };
    let needs: Option<Vec<usize>> = step.needs.iter().map(|need| need.checked_sub(1)).collect();
    let needs = needs.filter(|needs| needs.iter().all(|need| *need + 1 < number));
    Ok(Step {
        address: Address::new(kind, step.id),
        called,
        name: step.name,
        about: step.about,
        identities: step.identities,
        action,
        needs: needs.ok_or_else(|| bad("it needs a step that does not come before it"))?,
        by: step.by,
        risks: step.risks.into_iter().map(risk_of).collect::<Result<_, _>>().map_err(|fault| bad(&fault))?,
    })
}

pub(super) fn change_of(change: ChangeDocument) -> FieldChange {
    match (change.gained, change.lost) {
        (Some(element), _) => FieldChange::Gained { path: change.path, element },
        (None, Some(element)) => FieldChange::Lost { path: change.path, element },
        (None, None) => FieldChange::Value { path: change.path, before: change.before, after: change.after },
    }
}

fn risk_document(risk: &Risk) -> RiskDocument {
    RiskDocument {
        level: risk.level.as_str().to_owned(),
        rule: risk.rule.clone(),
        says: risk.says.clone(),
        path: risk.path.clone(),
        weakens: risk.weakens,
    }
}

fn risk_of(risk: RiskDocument) -> Result<Risk, String> {
    let level = Level::parse(&risk.level).ok_or_else(|| format!("{:?} is no level of risk", risk.level))?;
    Ok(Risk { level, rule: risk.rule, says: risk.says, path: risk.path, line: 0, weakens: risk.weakens })
}

/// Returns the variant's name if `called` names a variant of the kind, else the kind's name.
pub(super) fn called_in(kind: &'static Kind, called: &str) -> &'static str {
    kind.variants.iter().find(|variant| variant.name == called).map_or(kind.name, |variant| variant.name)
}
