//! Merges three versions of objects: base (fork point), wanted commit and live tenant. A change on one side only is taken
//! from that side; an object that both changed is reported.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::model::kind::LinkShape;
use crate::model::{Address, IdMap, Kind, Object};

/// Tells which side an object is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// Only the wanted side changed it.
    Wanted,
    /// The wanted side did not change it, or both have the same version.
    Tenant,
    /// Both sides have it, and each changed it: see [`objects`].
    Both,
    /// One side changed it and the other deleted it.
    Clash,
}

/// Returns the objects after the merge, with the side that each is taken from. An address that is missing is not wanted.
///
/// Equal values of `T` mean equal versions of an object. An object that was created again since (`ids` says so) is judged by
/// its wanted address; its current address is not listed as well.
pub fn three_way<T: PartialEq>(
    fork: &BTreeMap<Address, T>,
    wanted: &BTreeMap<Address, T>,
    tenant: &BTreeMap<Address, T>,
    ids: &IdMap,
) -> BTreeMap<Address, Resolution> {
    let today = |address: &Address| Address::new(address.kind, ids.current(&address.id));
    let changed = wanted.iter().filter(|(address, version)| fork.get(*address) != Some(*version));
    let heirs: BTreeSet<Address> = changed
        .map(|(address, _)| (address, today(address)))
        .filter(|(old, new)| *old != new)
        .map(|(_, new)| new)
        .collect();
    let mut all: BTreeSet<&Address> = fork.keys().chain(wanted.keys()).collect();
    all.extend(tenant.keys());
    let mut found = BTreeMap::new();
    for address in all {
        let (old, want, now) = (fork.get(address), wanted.get(address), tenant.get(address));
        let reborn = now.is_none() && today(address) != *address && tenant.contains_key(&today(address));
        let resolution = if heirs.contains(address) && want.is_none() {
            continue;
        } else if old == want {
            now.map(|_| Resolution::Tenant)
        } else if want.is_none() && reborn {
            Some(Resolution::Clash)
        } else if want == now {
            now.map(|_| Resolution::Tenant)
        } else if old == now || reborn {
            want.map(|_| Resolution::Wanted)
        } else if want.is_some() && now.is_some() {
            Some(Resolution::Both)
        } else {
            Some(Resolution::Clash)
        };
        found.extend(resolution.map(|resolution| (address.clone(), resolution)));
    }
    found
}

/// Merges an object that both sides changed, property by property; references (members, owners) one by one. Also returns the
/// properties that both sides changed to different values: the merged object has the wanted values of them.
pub fn objects(kind: &'static Kind, fork: Option<&Object>, wanted: &Object, tenant: &Object) -> (Object, Vec<String>) {
    let mut merged = Object::default();
    let mut both = Vec::new();
    let names: BTreeSet<&String> = wanted.0.keys().chain(tenant.0.keys()).collect();
    for name in names {
        let (old, want, now) = (fork.and_then(|fork| fork.get(name)), wanted.get(name), tenant.get(name));
        let references = kind.link(name).is_some_and(|link| matches!(link.shape, LinkShape::References));
        let value = if want == now || old == want {
            now.cloned()
        } else if old == now {
            want.cloned()
        } else if references {
            Some(one_by_one(old, want, now))
        } else {
            both.push(name.clone());
            want.cloned()
        };
        merged.0.extend(value.map(|value| (name.clone(), value)));
    }
    (merged, both)
}

fn one_by_one(old: Option<&Value>, want: Option<&Value>, now: Option<&Value>) -> Value {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let (old, want, now) = (list(old), list(want), list(now));
    let stays = now.iter().filter(|id| want.contains(id) || !old.contains(id));
    let comes = want.iter().filter(|id| !old.contains(id) && !now.contains(id));
    stays.chain(comes).cloned().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds;

    fn line(objects: &str) -> BTreeMap<Address, char> {
        let mut chars = objects.chars();
        let mut line = BTreeMap::new();
        while let (Some(id), Some(version)) = (chars.next(), chars.next()) {
            line.insert(crate::kinds::address("group", id.to_string()).unwrap(), version);
        }
        line
    }

    fn said(fork: &str, wanted: &str, tenant: &str, ids: &IdMap) -> String {
        let found = three_way(&line(fork), &line(wanted), &line(tenant), ids);
        found
            .iter()
            .map(|(address, resolution)| format!("{} {resolution:?}", address.id))
            .collect::<Vec<_>>()
            .join(", ")
    }

    #[test]
    fn what_one_line_left_alone_is_the_others() {
        let none = IdMap::default();
        // a: edited here; b: edited there; c: deleted here; d: deleted there; e: added here; f: added there; g: unchanged.
        insta::assert_snapshot!(said("a1b1c1d1", "a2b1d1e1g1", "a1b2c1f1g1", &none), @r"a Wanted, b Tenant, e Wanted, f Tenant, g Tenant");
        // a: edited on both sides; b: edited here, deleted there; c: the other way round; d: deleted on both; e: added on
        // both.
        insta::assert_snapshot!(said("a1b1c1d1", "a2b2e1", "a3c2e2", &none), @r"a Both, b Clash, c Clash, e Both");
        // A side that still is at the fork point loses nothing of the other side.
        assert_eq!(said("a1b1", "a1b1", "a2c1", &none), "a Tenant, c Tenant");
        assert_eq!(said("a1b1", "a2c1", "a1b1", &none), "a Wanted, c Wanted");
    }

    #[test]
    fn what_was_created_again_counts_once() {
        let mut ids = IdMap::default();
        ids.learn("a", "z");
        assert_eq!(said("", "a1", "z1", &ids), "a Wanted", "taken back by an apply that ended early");
        assert_eq!(said("a1", "a2", "z1", &ids), "a Wanted");
        assert_eq!(said("a1", "a1", "z1", &ids), "z Tenant");
        assert_eq!(said("a1", "", "z1", &ids), "a Clash, z Tenant");
    }

    #[test]
    fn an_object_that_both_changed_is_taken_property_by_property() {
        let Some(group) = kinds::by_name("group") else { return };
        let object = |value: Value| Object(value.as_object().cloned().unwrap_or_default());
        let fork = object(json!({"description": "d", "displayName": "n", "members": ["a", "b", "c"]}));
        let wanted = object(json!({"description": "mine", "displayName": "n", "members": ["b", "c", "m"]}));
        let tenant = object(json!({"description": "d", "members": ["a", "b", "t"], "visibility": "Private"}));
        let (merged, both) = objects(group, Some(&fork), &wanted, &tenant);
        assert!(both.is_empty());
        insta::assert_snapshot!(Value::Object(merged.0).to_string(), @r#"{"description":"mine","members":["b","t","m"],"visibility":"Private"}"#);
        let theirs = object(json!({"description": "theirs", "displayName": "other", "members": []}));
        let (merged, both) = objects(group, Some(&fork), &wanted, &theirs);
        assert_eq!((merged.get("description"), both), (Some(&json!("mine")), vec!["description".to_owned()]));
        assert_eq!(objects(group, None, &fork, &theirs).1.join(" "), "description displayName");
    }
}
