//! Adopts objects that somebody recreated by hand: such an object is used for the wanted one instead of creating another.

use std::collections::BTreeMap;

use super::plan::moving_identities;
use super::refs::rewrite;
use super::schema;
use super::scope::Scope;
use crate::kinds;
use crate::model::{Address, IdMap, Kind, Object, Snapshot};

/// Names a wanted object for which several live objects may have been recreated. Only a person can tell which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ambiguous {
    /// Address of the wanted object.
    pub wanted: Address,
    /// Name of the wanted object.
    pub name: String,
    /// Addresses of the live objects that may stand for it.
    pub candidates: Vec<Address>,
}

/// Holds the inputs of adoption.
pub struct Sides<'a> {
    /// Snapshot of the wanted commit.
    pub wanted: &'a Snapshot,
    /// Snapshot of the live tenant.
    pub live: &'a Snapshot,
    /// Objects in the recycle bin: they are restored from there, with their own ids.
    pub deleted: &'a BTreeMap<Address, Object>,
    /// Map of ids known to have changed.
    pub ids: &'a IdMap,
    /// Scope of the command.
    pub scope: &'a Scope,
}

/// Returns, for every wanted object that is missing, the ids of the live object that only the tenant has and that has the
/// same natural key. Other identities are mapped as well. Kinds that others refer to come first, since a key may name an
/// object of them.
///
/// # Errors
/// Every wanted object that matches more than one live object, or shares its match with another wanted object.
pub fn adopt(sides: &Sides<'_>) -> Result<IdMap, Vec<Ambiguous>> {
    let (found, ambiguous) = matched(sides);
    if ambiguous.is_empty() { Ok(found) } else { Err(ambiguous) }
}

/// Returns the result of [`adopt`] with the clear and the ambiguous matches side by side.
pub fn matched(sides: &Sides<'_>) -> (IdMap, Vec<Ambiguous>) {
    let mut ids = sides.ids.clone();
    let mut found = IdMap::default();
    let mut ambiguous = Vec::new();
    let mut kinds: Vec<&'static Kind> = kinds::ALL.iter().copied().filter(|kind| !kind.natural.is_empty()).collect();
    kinds.sort_by_key(|kind| schema::tiers().get(kind.name).copied().unwrap_or_default());
    for kind in kinds {
        let known = |side: &Snapshot| side.coverage.kind(kind.name).is_complete();
        if !sides.scope.takes_kind(kind) || !known(sides.wanted) || !known(sides.live) {
            continue;
        }
        let today = |address: &Address| Address::new(kind, ids.current(&address.id));
        let wanted: BTreeMap<Address, (&Address, &Object)> =
            of(kind, sides.wanted).map(|(a, o)| (today(a), (a, o))).collect();
        let mut strangers: BTreeMap<Vec<String>, Vec<&Address>> = BTreeMap::new();
        for (address, object) in of(kind, sides.live).filter(|(address, _)| !wanted.contains_key(*address)) {
            if let Some(key) = key(kind, object) {
                strangers.entry(key).or_default().push(address);
            }
        }
        let mut takers: BTreeMap<&Address, Vec<(&Address, &Object)>> = BTreeMap::new();
        for (today, (old, object)) in &wanted {
            let gone = !sides.live.objects.contains_key(today) && !sides.live.unchanged.contains(today);
            if !gone || sides.deleted.contains_key(today) || !sides.scope.takes_by(old, today, object.name()) {
                continue;
            }
            let Some(alike) = key(kind, &rewrite(kind, object, &ids)).and_then(|key| strangers.get(&key)) else {
                continue;
            };
            match alike.as_slice() {
                [one] => takers.entry(*one).or_default().push((*old, *object)),
                several => ambiguous.push(Ambiguous {
                    wanted: (*old).clone(),
                    name: object.name().to_owned(),
                    candidates: several.iter().map(|address| (*address).clone()).collect(),
                }),
            }
        }
        for (stranger, takers) in takers {
            let Some(new) = sides.live.objects.get(stranger) else { continue };
            let [(old, object)] = takers.as_slice() else {
                ambiguous.extend(takers.iter().map(|(old, object)| Ambiguous {
                    wanted: (*old).clone(),
                    name: object.name().to_owned(),
                    candidates: vec![stranger.clone()],
                }));
                continue;
            };
            let mut pairs = vec![(old.id.clone(), stranger.id.clone())];
            let (before, now) = (moving_identities(kind, object), moving_identities(kind, new));
            pairs.extend(before.into_iter().filter_map(|(name, id)| Some((id, now.get(&name)?.clone()))));
            for (old, new) in pairs {
                ids.learn(&old, &new);
                found.learn(&old, &new);
            }
        }
    }
    (found, ambiguous)
}

fn of<'a>(kind: &'static Kind, side: &'a Snapshot) -> impl Iterator<Item = (&'a Address, &'a Object)> {
    side.objects.iter().filter(|(address, _)| address.kind.name == kind.name)
}

/// Returns the natural key, without regard to case; `None` if a part of it is missing.
pub(super) fn key(kind: &'static Kind, object: &Object) -> Option<Vec<String>> {
    let part = |name: &&str| object.text(name).filter(|text| !text.is_empty()).map(str::to_lowercase);
    kind.natural.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::Coverage;

    fn snapshot(objects: &[(&'static str, Value)]) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for kind in kinds::ALL {
            snapshot.coverage.set_kind(kind.name, Coverage::Complete);
        }
        for (kind, value) in objects {
            let object = Object(value.as_object().cloned().unwrap_or_default());
            snapshot.objects.insert(crate::kinds::address(kind, object.id()).unwrap(), object);
        }
        snapshot
    }

    fn adopted(wanted: &[(&'static str, Value)], live: &[(&'static str, Value)], binned: &[&str]) -> String {
        let (wanted, live) = (snapshot(wanted), snapshot(live));
        let deleted =
            binned.iter().map(|id| (crate::kinds::address("group", *id).unwrap(), Object::default())).collect();
        let (ids, scope) = (IdMap::default(), Scope::default());
        let sides = Sides { wanted: &wanted, live: &live, deleted: &deleted, ids: &ids, scope: &scope };
        match adopt(&sides) {
            Ok(ids) => ids.iter().map(|(old, new)| format!("{old} → {new}")).collect::<Vec<_>>().join(", "),
            Err(all) => all
                .iter()
                .map(|one| {
                    let ids: Vec<&str> = one.candidates.iter().map(|address| address.id.as_str()).collect();
                    format!("{}? {}", one.wanted.id, ids.join(" "))
                })
                .collect::<Vec<_>>()
                .join("; "),
        }
    }

    #[test]
    fn only_one_that_agrees_is_taken() {
        let group = |id: &str, name: &str| ("group", json!({"id": id, "displayName": name}));
        let old = [group("old", "Sales")];
        assert_eq!(adopted(&old, &[group("new", "SALES"), group("other", "Desk")], &[]), "old → new");
        assert_eq!(adopted(&old, &[group("new", "Sales"), group("newer", "Sales")], &[]), "old? new newer");
        assert_eq!(
            adopted(&[group("a", "Sales"), group("b", "Sales")], &[group("new", "Sales")], &[]),
            "a? new; b? new"
        );
        assert_eq!(adopted(&old, &[group("new", "Sales")], &["old"]), "", "the bin has it");
        assert_eq!(adopted(&old, &[group("old", "Sales"), group("new", "Sales")], &[]), "", "it is there");
        assert_eq!(
            adopted(&[group("old", "Sales"), group("new", "Sales")], &[group("new", "Sales")], &[]),
            "",
            "wanted itself"
        );
    }

    #[test]
    fn a_service_principal_follows_its_application() {
        let app = |id: &str, app: &str| ("application", json!({"id": id, "appId": app, "displayName": "Shop"}));
        let principal =
            |id: &str, app: &str| ("servicePrincipal", json!({"id": id, "appId": app, "displayName": "Shop"}));
        let said = adopted(&[app("a", "x"), principal("p", "x")], &[app("b", "y"), principal("q", "y")], &[]);
        assert_eq!(said, "a → b, p → q, x → y");
    }
}
