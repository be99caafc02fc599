//! Simulates a plan's steps on a [`Tenant`]. Only objects that the steps touch are changed.

use serde_json::{Map, Value};

use super::{Tenant, credential, grant_of, rule};
use crate::kinds;
use crate::model::{Action, Address, Plan, Step};

impl Tenant {
    /// Returns the tenant as the whole plan leaves it.
    pub fn after(&self, plan: &Plan) -> Tenant {
        let mut now = self.clone();
        plan.steps.iter().for_each(|step| now.carry_out(step));
        now
    }

    /// Simulates one step. For an object that is not known, only the values in the step count.
    pub(super) fn carry_out(&mut self, step: &Step) {
        let (kind, id) = (step.address.kind, step.address.id.to_lowercase());
        match &step.action {
            Action::Create { body } => self.put(kind.name, &id, &without_nulls(body)),
            Action::Restore => {
                let back = self.bin.get(&Address::new(kind, id.clone())).map(|object| object.0.clone());
                // A restored object that is not known has no properties; its links are separate steps.
                self.put(kind.name, &id, &back.unwrap_or_default());
            }
            Action::Update { body, .. } => self.update(kind.name, &id, body),
            Action::Link { link, value } | Action::Relink { link, value } => {
                self.link(kind.name, &id, link, value, true)
            }
            Action::Unlink { link, value } => self.link(kind.name, &id, link, value, false),
            Action::Delete => self.delete(kind.name, &id),
            Action::Call { property, value } => {
                self.update(kind.name, &id, &Map::from_iter([((*property).to_owned(), value.clone())]));
            }
        }
    }

    fn update(&mut self, kind: &str, id: &str, body: &Map<String, Value>) {
        let map = match kind {
            "conditionalAccessPolicy" => self.policies.get_mut(id),
            "namedLocation" => self.locations.get_mut(id),
            "authenticationStrengthPolicy" => self.strengths.get_mut(id),
            "authenticationMethodsPolicy" => Some(&mut self.methods),
            "user" => self.users.get_mut(id),
            "servicePrincipal" => self.principals.get_mut(id),
            "application" => self.registrations.get_mut(id),
            "group" => {
                if let Some(group) = self.groups.get_mut(id)
                    && body.keys().any(|name| name == "membershipRule" || name == "groupTypes")
                {
                    let mut whole = body.clone();
                    // An update of the rule alone concerns a group that is dynamic already.
                    whole.entry("groupTypes").or_insert_with(|| match group.rule {
                        Some(_) => serde_json::json!(["DynamicMembership"]),
                        None => Value::Null,
                    });
                    if !body.contains_key("membershipRule")
                        && let Some(rule) = &group.rule
                    {
                        whole.insert("membershipRule".to_owned(), rule.clone().into());
                    }
                    group.rule = rule(&whole);
                }
                None
            }
            _ => kinds::by_name(kind).and_then(|kind| self.rules_of_power.get_mut(&(kind.name, id.to_owned()))),
        };
        if let Some(map) = map {
            merge(map, body);
        }
    }

    fn link(&mut self, kind: &str, id: &str, link: &str, value: &Value, add: bool) {
        match (kind, link) {
            ("group", "members") => {
                let Some(member) = value.as_str().map(str::to_lowercase) else { return };
                let group = self.groups.entry(id.to_owned()).or_default();
                if add {
                    group.members.insert(member);
                } else {
                    group.members.remove(&member);
                }
            }
            ("servicePrincipal", "appRoleAssignedTo") => {
                let Some(grant) = grant_of(id, value) else { return };
                if add {
                    self.grants.insert(grant);
                } else {
                    self.grants.remove(&grant);
                }
            }
            ("authenticationMethodsPolicy", "authenticationMethodConfigurations") => {
                let all = self.methods.get_mut(link).and_then(Value::as_array_mut).into_iter().flatten();
                let id = |method: &Value| method.get("id").and_then(Value::as_str).map(str::to_lowercase);
                for method in all.filter(|method| id(method) == id(value)) {
                    if let (Some(method), Some(value)) = (method.as_object_mut(), value.as_object()) {
                        merge(method, value);
                    }
                }
            }
            // Combination configurations restrict the models of security keys: one element changes in place.
            ("authenticationStrengthPolicy", "combinationConfigurations") => {
                let Some(strength) = self.strengths.get_mut(id) else { return };
                let list = strength.entry(link).or_insert_with(|| Value::Array(Vec::new()));
                let same = |one: &Value| one == value || (one.get("id").is_some() && one.get("id") == value.get("id"));
                if let Some(list) = list.as_array_mut() {
                    list.retain(|one| !same(one));
                    list.extend(add.then(|| value.clone()));
                }
            }
            ("application", "federatedIdentityCredentials") => {
                if let Some((_, trusted)) = self.applications.get_mut(id) {
                    if add {
                        trusted.insert(credential(value));
                    } else {
                        trusted.remove(&credential(value));
                    }
                }
            }
            _ => {
                let kind = kinds::by_name(kind).map(|kind| kind.name);
                let object = kind.and_then(|kind| self.rules_of_power.get_mut(&(kind, id.to_owned())));
                if let Some(object) = object {
                    let list = object.entry(link).or_insert_with(|| Value::Array(Vec::new()));
                    if let Some(list) = list.as_array_mut() {
                        list.retain(|element| element != value);
                        list.extend(add.then(|| value.clone()));
                    }
                }
            }
        }
    }

    fn delete(&mut self, kind: &str, id: &str) {
        match kind {
            "conditionalAccessPolicy" => drop(self.policies.remove(id)),
            "namedLocation" => drop(self.locations.remove(id)),
            "authenticationStrengthPolicy" => drop(self.strengths.remove(id)),
            "user" => drop(self.users.remove(id)),
            "group" => drop(self.groups.remove(id)),
            "roleAssignment" => drop(self.assignments.remove(id)),
            "application" => {
                // Its service principal is deleted with it: <https://learn.microsoft.com/graph/api/application-delete>
                self.registrations.remove(id);
                let gone = self.applications.remove(id).map(|(app, _)| app).unwrap_or_default();
                let of_it = |own: &Map<String, Value>| {
                    own.get("appId").and_then(Value::as_str).is_some_and(|app| app.eq_ignore_ascii_case(&gone))
                };
                let principals: Vec<String> =
                    self.principals.iter().filter(|(_, own)| of_it(own)).map(|(id, _)| id.clone()).collect();
                for id in principals {
                    self.delete("servicePrincipal", &id);
                }
            }
            "servicePrincipal" => {
                self.principals.remove(id);
                self.grants.retain(|(who, resource, _)| who != id && resource != id);
            }
            _ => self.rules_of_power.retain(|(own, of), _| *own != kind || of != id),
        }
        if matches!(kind, "user" | "group" | "servicePrincipal") {
            // A deleted principal loses its memberships and its role assignments.
            for group in self.groups.values_mut() {
                group.members.remove(id);
            }
            self.assignments.retain(|_, held| held.principal != id);
        }
    }
}

/// Merges `body` as PATCH does: null removes a property, objects are merged, lists are replaced.
/// <https://learn.microsoft.com/graph/api/conditionalaccesspolicy-update>
pub(in crate::engine) fn merge(map: &mut Map<String, Value>, body: &Map<String, Value>) {
    for (name, value) in body {
        match (map.get_mut(name), value) {
            (_, Value::Null) => drop(map.remove(name)),
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new),
            _ => drop(map.insert(name.clone(), value.clone())),
        }
    }
}

fn without_nulls(body: &Map<String, Value>) -> Map<String, Value> {
    let mut whole = Map::new();
    merge(&mut whole, body);
    whole
}
