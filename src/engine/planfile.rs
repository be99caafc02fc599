//! Reads and writes a plan file: JSON that a person can review, a pipeline can keep, and `apply` can carry out elsewhere.

mod step;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::step::{ChangeDocument, StepDocument, called_in, change_document, change_of, step_document, step_of};
use super::digest;
use super::refs::Names;
use super::scope::{Exclusion, Scope};
use crate::kinds;
use crate::model::plan::{Loss, LossKind, Seen};
use crate::model::{Address, ChangeKind, Coverage, Distance, FieldChange, IdMap, Left, Obstacle, Plan, Verdict};

/// Version of the file's format.
pub const FORMAT_VERSION: u32 = 1;

/// Binds a plan to a tenant and a commit: it is refused anywhere else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Binding {
    /// Id of the tenant.
    pub tenant: String,
    /// Id of the wanted commit, in hex.
    pub commit: String,
    /// Time until which the plan is valid (RFC 3339).
    #[serde(default)]
    pub expires: String,
    /// E-mail address of the author: nobody approves their own plan.
    #[serde(default)]
    pub author: String,
    /// The tip of `snapshots` when the plan was made, in hex; empty if there was none.
    pub base: String,
    /// Scope of the plan; everything if all lists are empty.
    #[serde(default)]
    pub scope: ScopeDocument,
    /// True if objects that no snapshot had are deleted too.
    #[serde(default)]
    pub prune: bool,
    /// Id of the commit since which changes are planned, in hex. If it is empty, the commit as a whole is planned.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub since: String,
    /// Ids of objects that somebody recreated by hand: wanted id → id of the recreated object.
    #[serde(default, skip_serializing_if = "IdMap::is_empty")]
    pub adopted: IdMap,
}

/// Represents a [`Scope`] as text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScopeDocument {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    kinds: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ids: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    names: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    properties: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    exclude: Vec<String>,
}

impl From<&Scope> for ScopeDocument {
    fn from(scope: &Scope) -> Self {
        ScopeDocument {
            kinds: scope.kinds.iter().map(|kind| (*kind).to_owned()).collect(),
            ids: scope.ids.clone(),
            names: scope.names.clone(),
            properties: scope.properties.clone(),
            exclude: scope.exclude.iter().map(Exclusion::to_text).collect(),
        }
    }
}

impl ScopeDocument {
    /// Returns the scope. Kinds that are unknown here are an error, since leaving them out would widen the scope.
    ///
    /// # Errors
    /// A sentence that names the unknown kind.
    pub fn scope(&self) -> Result<Scope, String> {
        let kind = |name: &String| {
            kinds::by_name(name).map(|kind| kind.name).ok_or_else(|| format!("it names the unknown kind {name:?}"))
        };
        Ok(Scope {
            kinds: self.kinds.iter().map(kind).collect::<Result<_, _>>()?,
            ids: self.ids.clone(),
            names: self.names.clone(),
            properties: self.properties.clone(),
            exclude: self.exclude.iter().map(|word| Exclusion::parse(word)).collect(),
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    format_version: u32,
    #[serde(flatten)]
    binding: Binding,
    summary: String,
    steps: Vec<StepDocument>,
    #[serde(default)]
    losses: Vec<ObjectDocument>,
    #[serde(default)]
    left: Vec<LeftDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    distance: Option<DistanceDocument>,
    #[serde(default)]
    unmanaged: Vec<ObjectDocument>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unproven: Vec<String>,
    #[serde(default)]
    unknown: BTreeMap<String, Coverage>,
    seen: Vec<SeenDocument>,
    #[serde(default)]
    verdicts: Vec<VerdictDocument>,
}

/// Represents a difference that no step covers.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LeftDocument {
    kind: String,
    called: String,
    id: String,
    #[serde(default)]
    name: String,
    /// `added` if only the tenant has the object, `removed` if only the commit has it, `modified` if both have it.
    what: String,
    /// Changes from the commit to the tenant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    changes: Vec<ChangeDocument>,
    obstacle: String,
    /// The obstacle's own reason, if it has one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    reason: String,
    /// The obstacle for people.
    why: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    by: Vec<String>,
}

/// Tells how far the tenant is from a commit of which only the changes are planned.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DistanceDocument {
    commit: String,
    objects: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectDocument {
    kind: String,
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    what: String,
    /// The same as `what`, for programs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    parts: Vec<LossKind>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SeenDocument {
    kind: String,
    id: String,
    digest: String,
    properties: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct VerdictDocument {
    guard: String,
    refused: bool,
    message: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    objects: Vec<String>,
}

/// Writes the plan as JSON text.
pub fn write(plan: &Plan, binding: &Binding, verdicts: &[Verdict], names: &Names) -> String {
    let wave_of: BTreeMap<usize, usize> =
        plan.waves.iter().enumerate().flat_map(|(wave, ids)| ids.iter().map(move |id| (*id, wave + 1))).collect();
    let document = Document {
        format_version: FORMAT_VERSION,
        binding: binding.clone(),
        summary: super::render::plan::counts(plan),
        steps: plan
            .steps
            .iter()
            .enumerate()
            .map(|(id, step)| step_document(id, wave_of.get(&id).copied().unwrap_or_default(), step, names))
            .collect(),
        losses: plan.losses.iter().map(loss_document).collect(),
        left: plan.left.iter().map(left_document).collect(),
        distance: plan
            .distance
            .as_ref()
            .map(|distance| DistanceDocument { commit: distance.commit.clone(), objects: distance.objects }),
        unmanaged: plan.unmanaged.iter().map(|address| object_document(address, names)).collect(),
        unproven: plan.unproven.clone(),
        unknown: plan.unknown.iter().cloned().collect(),
        seen: plan
            .seen
            .iter()
            .map(|(address, seen)| SeenDocument {
                kind: address.kind.name.to_owned(),
                id: address.id.clone(),
                digest: seen.whole.clone(),
                properties: seen.properties.clone(),
            })
            .collect(),
        verdicts: verdicts
            .iter()
            .map(|verdict| VerdictDocument {
                guard: verdict.guard.to_owned(),
                refused: verdict.refused,
                message: verdict.message.clone(),
                objects: verdict.objects.clone(),
            })
            .collect(),
    };
    super::render::json::pretty(&document)
}

fn left_document(left: &Left) -> LeftDocument {
    let (what, changes) = match &left.what {
        ChangeKind::Added => ("added", &[] as &[FieldChange]),
        ChangeKind::Removed => ("removed", &[] as &[FieldChange]),
        ChangeKind::Modified(changes) => ("modified", changes.as_slice()),
    };
    LeftDocument {
        kind: left.address.kind.name.to_owned(),
        called: left.called.to_owned(),
        id: left.address.id.clone(),
        name: left.name.clone(),
        what: what.to_owned(),
        changes: changes.iter().map(change_document).collect(),
        obstacle: left.obstacle.as_str().to_owned(),
        reason: left.obstacle.reason().to_owned(),
        why: left.obstacle.to_string(),
        by: left.by.clone(),
    }
}

fn left_of(document: LeftDocument) -> Result<Left, String> {
    let what = match document.what.as_str() {
        "added" => ChangeKind::Added,
        "removed" => ChangeKind::Removed,
        "modified" => ChangeKind::Modified(document.changes.into_iter().map(change_of).collect()),
        other => return Err(format!("it says {other:?} of a difference that is left")),
    };
    let obstacle = Obstacle::parse(&document.obstacle, &document.reason)
        .ok_or_else(|| format!("it names the unknown obstacle {:?}", document.obstacle))?;
    let kind =
        kinds::by_name(&document.kind).ok_or_else(|| format!("it names the unknown kind {:?}", document.kind))?;
    Ok(Left {
        address: Address::new(kind, document.id),
        called: called_in(kind, &document.called),
        name: document.name,
        what,
        obstacle,
        by: document.by,
    })
}

fn loss_document(loss: &Loss) -> ObjectDocument {
    ObjectDocument {
        kind: loss.address.kind.name.to_owned(),
        id: loss.address.id.clone(),
        name: loss.name.clone(),
        what: loss.what(),
        parts: loss.parts.clone(),
    }
}

fn object_document(address: &Address, names: &Names) -> ObjectDocument {
    ObjectDocument {
        kind: address.kind.name.to_owned(),
        id: address.id.clone(),
        name: names.get(&address.id).unwrap_or_default().to_owned(),
        what: String::new(),
        parts: Vec::new(),
    }
}

/// Reads a plan file and returns the plan, its binding, and its digest (SHA-256 over the bytes).
///
/// # Errors
/// A sentence that says what is wrong with the file.
pub fn read(bytes: &[u8]) -> Result<(Plan, Binding, String), String> {
    let document: Document = serde_json::from_slice(bytes)
        .map_err(|error| format!("it is no plan: {error}; make it anew with `plan --out`"))?;
    if document.format_version != FORMAT_VERSION {
        return Err(format!(
            "its format is {}, this program reads {FORMAT_VERSION}; make it anew with `plan --out`",
            document.format_version
        ));
    }
    let mut plan = Plan::default();
    let count = document.steps.len();
    for (id, step) in document.steps.into_iter().enumerate() {
        if step.number != id + 1 || step.wave == 0 || step.wave > count {
            return Err(format!("step {} is out of order", step.number));
        }
        while plan.waves.len() < step.wave {
            plan.waves.push(Vec::new());
        }
        plan.waves[step.wave - 1].push(id);
        plan.steps.push(step_of(step)?);
    }
    for loss in document.losses {
        // A file of an earlier version has the clause alone.
        let parts = if loss.parts.is_empty() { vec![LossKind::Other(loss.what)] } else { loss.parts };
        plan.losses.push(Loss { address: address(&loss.kind, loss.id)?, name: loss.name, parts });
    }
    plan.left = document.left.into_iter().map(left_of).collect::<Result<_, _>>()?;
    plan.distance = document.distance.map(|distance| Distance { commit: distance.commit, objects: distance.objects });
    for object in document.unmanaged {
        plan.unmanaged.push(address(&object.kind, object.id)?);
    }
    plan.unproven = document.unproven;
    plan.unknown = document.unknown.into_iter().collect();
    for seen in document.seen {
        plan.seen.insert(address(&seen.kind, seen.id)?, Seen { whole: seen.digest, properties: seen.properties });
    }
    Ok((plan, document.binding, digest::bytes(bytes)))
}

fn address(kind: &str, id: String) -> Result<Address, String> {
    let kind = kinds::by_name(kind).ok_or_else(|| format!("it names the unknown kind {kind:?}"))?;
    Ok(Address::new(kind, id))
}

#[cfg(test)]
mod tests;
