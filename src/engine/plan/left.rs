//! Lists the differences that remain when every step is done: the difference report from the commit to the tenant, less what
//! the steps cover.
//!
//! The list is made from the same comparison as `diff`, and not from the planner's own decisions, so that nothing which the
//! planner passes over can be missing from it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::writes::as_restored;
use super::{Planner, is_deletable, named_in, not_creatable, owned_elsewhere, wanted_today};
use crate::engine::diff::{called, objects, top};
use crate::engine::normalize::entry_key;
use crate::engine::schema::{self, Rule, Shape};
use crate::engine::{compare, diff};
use crate::model::kind::Updates;
use crate::model::left::{Left, Obstacle};
use crate::model::{Action, Address, ChangeKind, FieldChange, IdMap, Kind, Object, Plan, Snapshot, Step};

impl Planner<'_> {
    /// Lists the differences that no step covers. It is called once all steps are made, and takes the wanted objects out of
    /// the planner.
    pub(super) fn list_left(&mut self, plan: &Plan) -> Vec<Left> {
        let wanted = self.wanted_in_scope();
        let report = compare::snapshots(&wanted, self.inputs.live, &IdMap::default());
        let steps = Steps::of(plan);
        let out_of_scope: BTreeSet<Address> =
            wanted_today(self.inputs).into_iter().filter(|address| !wanted.contains(address)).collect();
        let mut left = Vec::new();
        for change in report.changes {
            let kind = change.address.kind;
            if out_of_scope.contains(&change.address) {
                continue;
            }
            let old = match change.manner {
                // The planner goes by ids: two objects that only look alike are two differences to it.
                Some(crate::model::Lifecycle::Recreated { from }) => Address::new(kind, from),
                _ => change.address.clone(),
            };
            if old != change.address {
                self.left_of(kind, &old, ChangeKind::Removed, &wanted, &steps, &mut left);
                self.left_of(kind, &change.address, ChangeKind::Added, &wanted, &steps, &mut left);
            } else {
                self.left_of(kind, &old, change.what, &wanted, &steps, &mut left);
            }
        }
        left
    }

    /// Returns the wanted objects that the plan was made for, by their current ids.
    fn wanted_in_scope(&mut self) -> Snapshot {
        let mut wanted = Snapshot { coverage: self.inputs.wanted.coverage.clone(), ..Snapshot::default() };
        let decisions = std::mem::take(&mut self.decisions);
        wanted.objects.extend(decisions.into_iter().map(|(address, (object, _))| (address, object)));
        wanted.objects.append(&mut self.without_steps);
        wanted.objects.extend(self.whole.iter().map(|(address, (object, _))| (address.clone(), object.clone())));
        let today = |old: &Address| Address::new(old.kind, self.inputs.ids.current(&old.id));
        wanted.unchanged = self.inputs.wanted.unchanged.iter().map(today).collect();
        wanted.unchanged.extend(self.inputs.live.unchanged.iter().cloned());
        wanted
    }

    fn left_of(
        &self,
        kind: &'static Kind,
        address: &Address,
        what: ChangeKind,
        wanted: &Snapshot,
        steps: &Steps<'_>,
        left: &mut Vec<Left>,
    ) {
        let own = steps.of_object(address);
        let has = |wanted: fn(&Action) -> bool| own.iter().any(|step| wanted(&step.action));
        let (want, have) = (wanted.objects.get(address), self.inputs.live.objects.get(address));
        let Some(object) = have.or(want) else { return };
        let mut add = |what: ChangeKind, obstacle: Obstacle| {
            left.push(Left {
                address: address.clone(),
                called: called(kind, object),
                name: object.name().to_owned(),
                what,
                obstacle,
                by: Vec::new(),
            });
        };
        let made = |action: &Action| matches!(action, Action::Create { .. });
        match what {
            ChangeKind::Added => {
                let in_scope =
                    self.inputs.scope.properties.is_empty() && self.inputs.scope.takes(address, object.name());
                if in_scope && !has(|action| *action == Action::Delete) {
                    add(ChangeKind::Added, self.obstacle_to_delete(kind, address, object));
                }
            }
            ChangeKind::Removed if !self.inputs.scope.properties.is_empty() => {}
            ChangeKind::Removed if has(made) => {
                let lost = want.map(|want| lost_credentials(kind, want)).unwrap_or_default();
                if !lost.is_empty() {
                    add(ChangeKind::Modified(lost), Obstacle::CredentialGone);
                }
                if let Some((_, fields)) = self.whole.get(address) {
                    add(ChangeKind::Modified(fields.clone()), Obstacle::TargetMissing);
                }
            }
            ChangeKind::Removed if has(|action| *action == Action::Restore) => {
                let (Some(want), Some(bin)) = (want, self.inputs.deleted.get(address).map(as_restored)) else { return };
                // A restored object no longer has the time of its deletion.
                let stays =
                    |field: &FieldChange| kind.link(top(field.path())).is_none() && field.path() != "deletedDateTime";
                let fields = objects(kind, want, &bin).into_iter().filter(stays);
                for (obstacle, fields) in self.uncovered(kind, fields.collect(), want, &bin, own) {
                    add(ChangeKind::Modified(fields), obstacle);
                }
            }
            ChangeKind::Removed if self.along.contains(address) => {}
            ChangeKind::Removed => add(ChangeKind::Removed, self.obstacle_to_create(kind, address, object)),
            ChangeKind::Modified(_) if has(made) => {}
            ChangeKind::Modified(fields) => {
                let (Some(want), Some(have)) = (want, have) else { return };
                for (obstacle, fields) in self.uncovered(kind, fields, want, have, own) {
                    add(ChangeKind::Modified(fields), obstacle);
                }
            }
        }
    }

    /// Returns the fields that no step of the object covers, by the obstacle.
    fn uncovered(
        &self,
        kind: &'static Kind,
        fields: Vec<FieldChange>,
        want: &Object,
        have: &Object,
        own: &[&Step],
    ) -> BTreeMap<Obstacle, Vec<FieldChange>> {
        let mut found: BTreeMap<Obstacle, Vec<FieldChange>> = BTreeMap::new();
        for field in fields {
            let name = top(field.path());
            let is_gone = self.whole.get(&kind.address(want.id())).is_some_and(|(_, fields)| fields.contains(&field));
            let is_covered = !is_gone && covers(kind, &field, own);
            if name == "id" || !self.inputs.scope.takes_property(kind.name, name) || is_covered {
                continue;
            }
            let obstacle = match owned_elsewhere(kind, have) {
                Some(reason) => Obstacle::OwnedElsewhere(reason.to_owned()),
                None if is_gone => Obstacle::TargetMissing,
                None => self.obstacle_to_write(kind, &field, want),
            };
            found.entry(obstacle).or_default().push(field);
        }
        found
    }

    fn obstacle_to_write(&self, kind: &'static Kind, field: &FieldChange, want: &Object) -> Obstacle {
        let name = top(field.path());
        let schema = schema::of(kind);
        let Some(rule) = schema.property(name) else { return Obstacle::UnknownProperty };
        if kind.credential(name).is_some() || rule.thumbprint_of.is_some() {
            return Obstacle::CredentialGone;
        }
        if kind.link(name).is_some() {
            let targets = want.get(name).map(|value| named_in(value, &[&self.lost, &self.left_out]));
            return match (field, targets.is_some_and(|targets| !targets.is_empty())) {
                (FieldChange::Gained { element, .. }, _) if !named_in(element, &[&self.unmanaged_ids]).is_empty() => {
                    Obstacle::Unmanaged
                }
                (FieldChange::Lost { .. } | FieldChange::Value { .. }, true) => Obstacle::TargetMissing,
                _ => Obstacle::NotUpdatable,
            };
        }
        let chain = schema.along(field.path());
        if chain.iter().any(|(rule, _)| rule.read_only) {
            return Obstacle::ReadOnly;
        }
        if is_missing(&chain, field) {
            return Obstacle::MustHaveValue;
        }
        if !rule.changes_to.is_empty() {
            return Obstacle::OneWay;
        }
        if rule.create_only || matches!(kind.update, Updates::Only(names) if !names.contains(&name)) {
            return Obstacle::Fixed;
        }
        match kind.update {
            Updates::Nothing => Obstacle::NotUpdatable,
            _ if !reached(&chain, field.path()) => Obstacle::UnknownProperty,
            _ => Obstacle::Other,
        }
    }

    fn obstacle_to_create(&self, kind: &'static Kind, address: &Address, object: &Object) -> Obstacle {
        if self.ended.contains(address) {
            return Obstacle::Ended;
        }
        match not_creatable(kind, object) {
            Some(reason) => Obstacle::NotCreatable(reason.to_owned()),
            None => {
                match named_in(&Value::Object(object.0.clone()), &[&self.lost, &self.left_out, &self.gone]).is_empty() {
                    true => Obstacle::Other,
                    false => Obstacle::TargetMissing,
                }
            }
        }
    }

    fn obstacle_to_delete(&self, kind: &'static Kind, address: &Address, object: &Object) -> Obstacle {
        if let Some(reason) = owned_elsewhere(kind, object) {
            return Obstacle::OwnedElsewhere(reason.to_owned());
        }
        if !is_deletable(kind, object) {
            return Obstacle::NotDeletable;
        }
        match self.inputs.base.contains(address) || self.inputs.prune {
            true => Obstacle::Other,
            false => Obstacle::Unmanaged,
        }
    }
}

/// Holds the steps of a plan, by object.
struct Steps<'a>(BTreeMap<&'a Address, Vec<&'a Step>>);

impl<'a> Steps<'a> {
    fn of(plan: &'a Plan) -> Steps<'a> {
        let mut steps: BTreeMap<&Address, Vec<&Step>> = BTreeMap::new();
        for step in &plan.steps {
            steps.entry(&step.address).or_default().push(step);
        }
        Steps(steps)
    }

    fn of_object(&self, address: &Address) -> &[&'a Step] {
        self.0.get(address).map_or(&[], Vec::as_slice)
    }
}

/// Returns true if one of the object's steps writes this field.
fn covers(kind: &'static Kind, field: &FieldChange, own: &[&Step]) -> bool {
    let name = top(field.path());
    if kind.entries(name).is_some() {
        let key_of = |value: &Value| entry_key(kind, name, value).join(" ");
        // A field within an entry is covered by whatever step writes that entry.
        let is_whole = field.path() == name;
        return own.iter().any(|step| match (&step.action, field) {
            (Action::Unlink { link, value }, FieldChange::Gained { element, .. })
            | (Action::Link { link, value }, FieldChange::Lost { element, .. })
                if is_whole =>
            {
                *link == name && key_of(value) == key_of(element)
            }
            (
                Action::Link { link, value } | Action::Relink { link, value } | Action::Unlink { link, value },
                FieldChange::Value { path, .. } | FieldChange::Gained { path, .. } | FieldChange::Lost { path, .. },
            ) => {
                let within = !is_whole && path.starts_with(&format!("{name}[{}]", key_of(value)));
                *link == name && (within || is_whole && matches!(field, FieldChange::Value { .. }))
            }
            _ => false,
        });
    }
    let written = own.iter().any(|step| match &step.action {
        Action::Update { body, .. } => body.contains_key(name),
        Action::Call { property, .. } => *property == name,
        _ => false,
    });
    let chain = schema::of(kind).along(field.path());
    // A property that is fixed at creation is fixed for the object, not for the parts of a value that is replaced.
    let inside = |(depth, (rule, _)): (usize, &(&Rule, &str))| rule.writable(depth > 0);
    written && reached(&chain, field.path()) && chain.iter().enumerate().all(inside) && !is_missing(&chain, field)
}

/// Returns true if the commit has no value where Graph demands one.
fn is_missing(chain: &[(&Rule, &str)], field: &FieldChange) -> bool {
    let wants_none = matches!(field, FieldChange::Value { before: None, .. });
    wants_none && chain.last().is_some_and(|(rule, _)| rule.must_have_a_value())
}

/// Returns true if the rules lead to the field itself, or to a value that may hold any field.
fn reached(chain: &[(&Rule, &str)], path: &str) -> bool {
    let Some((rule, known)) = chain.last() else { return false };
    let rest = path.strip_prefix(known).unwrap_or_default();
    // An element of a list is written along with the list.
    rest.is_empty() || rest.ends_with(']') || matches!(rule.shape, Shape::Object(_, true))
}

/// Returns the credentials of an object that is created again, and what names one: none of them is restored.
fn lost_credentials(kind: &'static Kind, object: &Object) -> Vec<FieldChange> {
    let mut fields = Vec::new();
    for credential in kind.credentials {
        let empty = Object::default();
        let only = object.get(credential.property).map(|value| (credential.property.to_owned(), value.clone()));
        let only = Object(only.into_iter().collect());
        fields.extend(diff::objects(kind, &only, &empty));
    }
    for (name, value) in &object.0 {
        if schema::of(kind).property(name).is_some_and(|rule| rule.thumbprint_of.is_some()) {
            fields.push(FieldChange::Value { path: name.clone(), before: Some(value.clone()), after: None });
        }
    }
    fields
}
