//! Turns a step into a write, after reading its object again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};
use tokio::sync::OnceCell;

use super::find::holds;
use super::{Failure, Run, learned};
use crate::engine::digest;
use crate::engine::normalize::{child_key, entry_key, made_child, normalize, writable_value};
use crate::engine::refs::{rewrite_body, rewrite_value};
use crate::engine::schema;
use crate::model::kind::{Children, LinkShape, Updates};
use crate::model::{Action, Address, IdMap, Kind, Step, StepId, Write};
use crate::tenant::{RawObject, TenantRead, TenantWrite};

/// Holds the objects as they are in one wave, each read once.
pub(super) type Cache = Mutex<BTreeMap<Address, Arc<OnceCell<Option<RawObject>>>>>;

/// Result of resolving a step.
pub(super) enum Resolved {
    Write(Write),
    /// The object is as it should be already.
    Already(IdMap),
}

impl<T: TenantRead + TenantWrite> Run<'_, T> {
    /// Returns the write that the step comes down to, after reading the object again.
    pub(super) async fn resolve(
        &self,
        kind: &'static Kind,
        step: &Step,
        ids: &IdMap,
        expects: Option<&str>,
        sent_before: bool,
        cache: &Cache,
    ) -> std::result::Result<Resolved, Failure> {
        // A deletion uses the id that the tenant has; the id map may already lead from it to the object's successor.
        let id = match step.action {
            Action::Delete => step.address.id.clone(),
            _ => ids.current(&step.address.id).to_owned(),
        };
        let address = Address::new(kind, &id);
        let rule = |link: &str| schema::of(kind).property(link).cloned().unwrap_or_default();
        Ok(match &step.action {
            Action::Create { body } => {
                let body = rewrite_body(kind, body, ids);
                if sent_before
                    && let Some(found) = self.search().find(kind, &body, ids).await.map_err(Failure::Uncertain)?
                {
                    return Ok(Resolved::Already(learned(kind, step, Some(&found))));
                }
                // The made-up id in a file that was never applied cannot be known to the tenant.
                if uuid::Uuid::try_parse(&id).is_ok()
                    && let Some(raw) = self.after_all(kind, &id, ids).await?
                {
                    if is(kind, &raw, &body) {
                        return Ok(Resolved::Already(IdMap::default()));
                    }
                    // An object that cannot be updated is replaced: the old one may be there until the new one is.
                    if kind.update != Updates::Nothing {
                        return Err(Failure::Stale);
                    }
                }
                // An assignment comes back together with the user who is restored.
                let restored =
                    |need: &StepId| matches!(self.plan.steps.get(*need), Some(Step { action: Action::Restore, .. }));
                if kind.update == Updates::Nothing
                    && step.needs.iter().any(restored)
                    && self.tenant.get(kind, &id).await?.is_some_and(|raw| is(kind, &raw, &body))
                {
                    return Ok(Resolved::Already(IdMap::default()));
                }
                Resolved::Write(Write::Create { kind, body })
            }
            Action::Restore => match self.tenant.get(kind, &id).await? {
                Some(_) => Resolved::Already(IdMap::default()),
                None => Resolved::Write(Write::Restore { kind, id }),
            },
            Action::Update { body, .. } => {
                self.still_as_seen(kind, &address, expects, cache).await?;
                Resolved::Write(Write::Update { kind, id, body: rewrite_body(kind, body, ids) })
            }
            Action::Call { property, value } => {
                self.still_as_seen(kind, &address, expects, cache).await?;
                let value = rewrite_value(&rule(property), value, ids);
                Resolved::Write(Write::Call { kind, id, property, value })
            }
            Action::Delete => {
                if self.look(kind, &address, cache).await?.is_none() {
                    return Ok(Resolved::Already(IdMap::default()));
                }
                self.still_as_seen(kind, &address, expects, cache).await?;
                Resolved::Write(Write::Delete { kind, id })
            }
            Action::Link { link, value } => {
                self.still_as_seen(kind, &address, expects, cache).await?;
                let value = rewrite_value(&rule(link), value, ids);
                match self.child(kind, &address, link, &value, cache).await? {
                    Some(_) => Resolved::Already(IdMap::default()),
                    None => Resolved::Write(Write::Link { kind, id, link, value: made_child(kind, link, value) }),
                }
            }
            Action::Relink { link, value } => {
                self.still_as_seen(kind, &address, expects, cache).await?;
                let value = rewrite_value(&rule(link), value, ids);
                let child = self.child(kind, &address, link, &value, cache).await?;
                let child = child.ok_or_else(|| Failure::Error("what should be changed is not there".to_owned()))?;
                let value = value.as_object().map(|value| writable_child(kind, link, value)).unwrap_or_default();
                Resolved::Write(Write::Relink { kind, id, link, child, value })
            }
            Action::Unlink { link, value } => {
                self.still_as_seen(kind, &address, expects, cache).await?;
                match self.child(kind, &address, link, value, cache).await? {
                    Some(child) => Resolved::Write(Write::Unlink { kind, id, link, child }),
                    None => Resolved::Already(IdMap::default()),
                }
            }
        })
    }

    /// Returns the object as it is in this wave, read once.
    async fn look(
        &self,
        kind: &'static Kind,
        address: &Address,
        cache: &Cache,
    ) -> std::result::Result<Option<RawObject>, Failure> {
        let cell = {
            let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cache.entry(address.clone()).or_default())
        };
        let object = cell.get_or_try_init(|| self.tenant.get(kind, &address.id)).await?;
        Ok(object.clone())
    }

    /// Refuses to write to an object that someone changed since the plan was made, or since an earlier run wrote to it.
    async fn still_as_seen(
        &self,
        kind: &'static Kind,
        address: &Address,
        expects: Option<&str>,
        cache: &Cache,
    ) -> std::result::Result<(), Failure> {
        let Some(expected) = expects else { return Ok(()) };
        let Some(raw) = self.look(kind, address, cache).await? else { return Err(Failure::Stale) };
        let now = digest::seen(kind, &normalize(kind, raw.value).object);
        if now.properties == expected { Ok(()) } else { Err(Failure::Stale) }
    }

    /// Returns the target of a link if the object has it now: the id of a reference, or a child's own Graph id.
    async fn child(
        &self,
        kind: &'static Kind,
        address: &Address,
        link: &str,
        value: &Value,
        cache: &Cache,
    ) -> std::result::Result<Option<String>, Failure> {
        match self.look(kind, address, cache).await? {
            Some(raw) => Ok(linked(kind, &raw, link, value)),
            // An object that this run created exists even if a replica does not show it; nothing is known of its links.
            None if self.makes(address) => Ok(None),
            None => Err(Failure::Error("the object is not there".to_owned())),
        }
    }

    /// Returns true if this plan creates or restores the object with this id.
    fn makes(&self, address: &Address) -> bool {
        self.plan.steps.iter().any(|step| {
            matches!(step.action, Action::Create { .. } | Action::Restore) && step.address.kind == address.kind
        }) && !self.plan.seen.contains_key(address)
    }
}

/// Returns the target of a link if the object has it: the id of a reference, or a child's own Graph id.
pub(super) fn linked(kind: &'static Kind, raw: &RawObject, link: &str, value: &Value) -> Option<String> {
    let now = raw.value.get(link);
    let id_of = |value: &Value| value.as_str().or_else(|| value["id"].as_str()).map(str::to_owned);
    if kind.credential(link).is_some() {
        let key = entry_key(kind, link, value);
        let found = now.and_then(Value::as_array)?.iter().find(|one| entry_key(kind, link, one) == key)?;
        return found["keyId"].as_str().map(str::to_owned);
    }
    match kind.link(link)?.shape {
        LinkShape::Reference => now.and_then(id_of).filter(|id| Some(id.as_str()) == value.as_str()),
        LinkShape::References => now
            .and_then(Value::as_array)
            .and_then(|all| all.iter().filter_map(id_of).find(|id| Some(id.as_str()) == value.as_str())),
        LinkShape::Children(children) => {
            let key = key_of(value, &children);
            let all = match now {
                Some(Value::Array(all)) => all.as_slice(),
                Some(one @ Value::Object(_)) => std::slice::from_ref(one),
                _ => &[],
            };
            let child = all.iter().find(|child| key_of(child, &children) == key)?;
            // A single child needs no id.
            child["id"].as_str().map(str::to_owned).or_else(|| children.single.then(String::new))
        }
    }
}

fn key_of(value: &Value, children: &Children) -> Vec<String> {
    child_key(value, children)
}

/// Returns what a PATCH on a child may carry: without its key properties, which serve to address it.
fn writable_child(kind: &'static Kind, link: &str, value: &Map<String, Value>) -> Map<String, Value> {
    let Some(rule) = schema::of(kind).property(link) else { return Map::new() };
    let children = kind.link(link).and_then(|link| link.children());
    // PUT replaces the whole child and needs all properties.
    let whole = children.is_some_and(|children| children.update == Updates::Replace);
    let taken = |name: &str| match children {
        // Without the type Graph does not accept the properties that only this type has, even where the type is a key property.
        _ if whole || name == "@odata.type" => true,
        Some(Children { update: Updates::Only(names), .. }) => names.contains(&name),
        Some(children) => !children.key.contains(&name),
        None => true,
    };
    value
        .iter()
        .filter(|(name, _)| taken(name))
        .filter_map(|(name, value)| {
            let rule = rule.property(name)?;
            let value = writable_value(rule, value, whole)?;
            Some((name.clone(), value))
        })
        .collect()
}

/// Returns true if the object is what `body` would make.
fn is(kind: &'static Kind, raw: &RawObject, body: &Map<String, Value>) -> bool {
    let now = normalize(kind, raw.value.clone()).object;
    holds(&Value::Object(now.0), &Value::Object(normalize(kind, body.clone()).object.0))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds;

    fn patch(kind: &str, link: &str, value: &Value) -> Value {
        let kind = kinds::by_name(kind).expect(kind);
        Value::Object(writable_child(kind, link, value.as_object().expect("an object")))
    }

    #[test]
    fn a_change_of_a_child_names_its_type_and_what_patch_takes() {
        let ty = "#microsoft.graph.fido2CombinationConfiguration";
        let configuration = json!({"@odata.type": ty, "appliesToCombinations": ["fido2"], "allowedAAGUIDs": ["a"]});
        assert_eq!(
            patch("authenticationStrengthPolicy", "combinationConfigurations", &configuration),
            json!({"@odata.type": ty, "allowedAAGUIDs": ["a"]})
        );
        let entry = json!({"policy": {"id": "p"}, "state": "disabled"});
        assert_eq!(patch("forwardingProfile", "policies", &entry), json!({"state": "disabled"}));
    }
}
