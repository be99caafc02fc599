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

/// Holds the objects that were read in one wave, so that each is read once.
pub(super) type Cache = Mutex<BTreeMap<Address, Arc<OnceCell<Option<RawObject>>>>>;

/// Result of resolving a step.
pub(super) enum Resolved {
    /// The write has to be sent.
    Write(Write),
    /// The tenant is as the step wants it already, and nothing has to be sent. Holds the ids that were learned.
    Already(IdMap),
}

impl<T: TenantRead + TenantWrite> Run<'_, T> {
    /// Reads the step's object again and returns the write to send, with today's ids; or that none is necessary. `expects` is the
    /// digest of the properties that the object must still have. `sent_before` is true if an earlier attempt sent the creation,
    /// so that its object may exist.
    pub(super) async fn resolve(
        &self,
        kind: &'static Kind,
        step: &Step,
        ids: &IdMap,
        expects: Option<&str>,
        sent_before: bool,
        cache: &Cache,
    ) -> std::result::Result<Resolved, Failure> {
        // A deletion takes the id of its address: the id map may lead from it to the object that replaces the deleted one.
        let id = match step.action {
            Action::Delete => step.address.id.clone(),
            _ => ids.current(&step.address.id).to_owned(),
        };
        let address = Address::new(kind, &id);
        let rule = |link: &str| schema::of(kind).property(link).cloned().unwrap_or_default();
        Ok(match &step.action {
            Action::Create { body } => {
                let body = rewrite_body(kind, body, ids);
                return self.resolve_creation(step, body, ids, sent_before).await;
            }
            Action::Restore => match self.tenant.get(kind, &id).await? {
                Some(_) => Resolved::Already(IdMap::default()),
                None => Resolved::Write(Write::Restore { kind, id }),
            },
            Action::Update { body, .. } => {
                self.ensure_unchanged(kind, &address, expects, cache).await?;
                Resolved::Write(Write::Update { kind, id, body: rewrite_body(kind, body, ids) })
            }
            Action::Call { property, value } => {
                self.ensure_unchanged(kind, &address, expects, cache).await?;
                let value = rewrite_value(&rule(property), value, ids);
                Resolved::Write(Write::Call { kind, id, property, value })
            }
            Action::Delete => {
                if self.read_once(kind, &address, cache).await?.is_none() {
                    return Ok(Resolved::Already(IdMap::default()));
                }
                self.ensure_unchanged(kind, &address, expects, cache).await?;
                Resolved::Write(Write::Delete { kind, id })
            }
            Action::Link { link, value } => {
                self.ensure_unchanged(kind, &address, expects, cache).await?;
                let value = rewrite_value(&rule(link), value, ids);
                match self.find_linked(kind, &address, link, &value, cache).await? {
                    Some(_) => Resolved::Already(IdMap::default()),
                    None => Resolved::Write(Write::Link { kind, id, link, value: made_child(kind, link, value) }),
                }
            }
            Action::Relink { link, value } => {
                self.ensure_unchanged(kind, &address, expects, cache).await?;
                let value = rewrite_value(&rule(link), value, ids);
                let child = self.find_linked(kind, &address, link, &value, cache).await?;
                let child = child.ok_or_else(|| Failure::Error("what should be changed is not there".to_owned()))?;
                let value = value.as_object().map(|value| writable_child(kind, link, value)).unwrap_or_default();
                Resolved::Write(Write::Relink { kind, id, link, child, value })
            }
            Action::Unlink { link, value } => {
                self.ensure_unchanged(kind, &address, expects, cache).await?;
                match self.find_linked(kind, &address, link, value, cache).await? {
                    Some(child) => Resolved::Write(Write::Unlink { kind, id, link, child }),
                    None => Resolved::Already(IdMap::default()),
                }
            }
        })
    }

    /// Returns the write that creates an object; or that none is necessary, because the object is there already.
    async fn resolve_creation(
        &self,
        step: &Step,
        body: Map<String, Value>,
        ids: &IdMap,
        sent_before: bool,
    ) -> std::result::Result<Resolved, Failure> {
        let kind = step.address.kind;
        let id = ids.current(&step.address.id);
        if sent_before && let Some(found) = self.search().find(kind, &body, ids).await.map_err(Failure::Uncertain)? {
            return Ok(Resolved::Already(learned(kind, step, Some(&found))));
        }
        // Only a GUID is looked up: any other id was made up by a person for a new object, and the tenant cannot have it.
        if uuid::Uuid::try_parse(id).is_ok()
            && let Some(raw) = self.after_all(kind, id, ids).await?
        {
            if matches_body(kind, &raw, &body) {
                return Ok(Resolved::Already(IdMap::default()));
            }
            // An object of a kind that cannot be updated is replaced, and the old one may still exist at this time. Of any other
            // kind, the object appeared since the plan was made.
            if kind.update != Updates::Nothing {
                return Err(Failure::Stale);
            }
        }
        // Restoring a user brings back the user's assignments, too: then there is nothing to create.
        let restored = |need: &StepId| matches!(self.plan.steps.get(*need), Some(Step { action: Action::Restore, .. }));
        if kind.update == Updates::Nothing
            && step.needs.iter().any(restored)
            && self.tenant.get(kind, id).await?.is_some_and(|raw| matches_body(kind, &raw, &body))
        {
            return Ok(Resolved::Already(IdMap::default()));
        }
        Ok(Resolved::Write(Write::Create { kind, body }))
    }

    /// Returns the object, which is read at most once in this wave.
    async fn read_once(
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

    /// Returns [`Failure::Stale`] if someone changed the object since the plan was made or since an earlier run wrote to it.
    /// Without an expected digest nothing is checked.
    async fn ensure_unchanged(
        &self,
        kind: &'static Kind,
        address: &Address,
        expects: Option<&str>,
        cache: &Cache,
    ) -> std::result::Result<(), Failure> {
        let Some(expected) = expects else { return Ok(()) };
        let Some(raw) = self.read_once(kind, address, cache).await? else { return Err(Failure::Stale) };
        let now = digest::seen(kind, &normalize(kind, raw.value).object);
        if now.properties == expected { Ok(()) } else { Err(Failure::Stale) }
    }

    /// Reads the object and returns the id of the link's entry that `value` describes, as [`linked`] does.
    async fn find_linked(
        &self,
        kind: &'static Kind,
        address: &Address,
        link: &str,
        value: &Value,
        cache: &Cache,
    ) -> std::result::Result<Option<String>, Failure> {
        match self.read_once(kind, address, cache).await? {
            Some(raw) => Ok(linked(kind, &raw, link, value)),
            // A replica may not have a new object yet, and a new object has no links.
            None if self.may_create(address) => Ok(None),
            None => Err(Failure::Error("the object is not there".to_owned())),
        }
    }

    /// Returns true if this plan may have created or restored the object: the plan did not see it, and creates or restores
    /// objects of its kind. Ids are not compared, since a created object has another id than its step.
    fn may_create(&self, address: &Address) -> bool {
        self.plan.steps.iter().any(|step| {
            matches!(step.action, Action::Create { .. } | Action::Restore) && step.address.kind == address.kind
        }) && !self.plan.seen.contains_key(address)
    }
}

/// Returns the id of the link's entry that `value` describes, if the object has such an entry: the id of a reference, a
/// credential's `keyId`, or a child's own Graph id, which is empty for a single child.
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
            let key = child_key(value, &children);
            let all = match now {
                Some(Value::Array(all)) => all.as_slice(),
                Some(one @ Value::Object(_)) => std::slice::from_ref(one),
                _ => &[],
            };
            let child = all.iter().find(|child| child_key(child, &children) == key)?;
            // A single child is addressed without an id.
            child["id"].as_str().map(str::to_owned).or_else(|| children.single.then(String::new))
        }
    }
}

/// Returns the properties of a child to send in a PATCH or PUT. A PATCH leaves out the key properties, which address the child.
fn writable_child(kind: &'static Kind, link: &str, value: &Map<String, Value>) -> Map<String, Value> {
    let Some(rule) = schema::of(kind).property(link) else { return Map::new() };
    let children = kind.link(link).and_then(|link| link.children());
    // PUT replaces the whole child and needs all properties.
    let whole = children.is_some_and(|children| children.update == Updates::Replace);
    let is_sent = |name: &str| match children {
        // The type is always sent, even as a key property: without it Graph refuses properties that only this type has.
        _ if whole || name == "@odata.type" => true,
        Some(Children { update: Updates::Only(names), .. }) => names.contains(&name),
        Some(children) => !children.key.contains(&name),
        None => true,
    };
    value
        .iter()
        .filter(|(name, _)| is_sent(name))
        .filter_map(|(name, value)| {
            let rule = rule.property(name)?;
            let value = writable_value(rule, value, whole)?;
            Some((name.clone(), value))
        })
        .collect()
}

/// Returns true if the object has every property that a creation with `body` would give it.
fn matches_body(kind: &'static Kind, raw: &RawObject, body: &Map<String, Value>) -> bool {
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
