//! Plans the damage of a recovery drill, and compares the result with the state before. Both are pure; another module
//! damages the embedded tenant.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::diff;
use super::normalize::{entry_key, made_child, writable};
use super::plan::{identities, not_creatable, owned_elsewhere};
use super::refs::{references, rewrite};
use crate::model::plan::Loss;
use crate::model::{Address, IdMap, Kind, Object, Snapshot};

pub mod scenario;

/// Counts the objects and values that were recovered, and lists those that were not.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recovered {
    /// Number of objects before the damage.
    pub objects: usize,
    /// Number of objects that are the same again, byte for byte, except for ids that changed.
    pub same: usize,
    /// Number of objects that were created again, under a new id.
    pub recreated: usize,
    /// Number of values before the damage that can be written: properties, and single members, owners or assignments.
    pub values: usize,
    /// Number of these values that are as they were.
    pub values_back: usize,
    /// Number of objects that are back except for a property that nobody can write (a secret, or one that Graph sets
    /// itself), for each kind and property.
    pub unwritable: BTreeMap<(&'static str, String), usize>,
    /// Objects that differ in properties that can be written.
    pub differing: Vec<Unlike>,
    /// Objects that are missing.
    pub missing: Vec<Unlike>,
    /// Objects that did not exist before the damage and exist now.
    pub extra: Vec<Unlike>,
    /// References to objects that existed and do not exist any more: `kind "name" property`.
    pub dangling: Vec<String>,
}

/// Describes an object that is not as it was, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlike {
    /// Kind of the object.
    pub kind: &'static str,
    /// Id of the object before the damage.
    pub id: String,
    /// Name of the object.
    pub name: String,
    /// Properties that differ; empty if the object is missing or did not exist before.
    pub properties: Vec<String>,
    /// Reason that the plan gave beforehand; empty if it gave none.
    pub why: String,
}

impl Recovered {
    /// Returns true if everything that can be written is back, and no reference is dangling.
    pub fn is_whole(&self) -> bool {
        let unsaid = |unlike: &&Unlike| unlike.why.is_empty();
        self.differing.is_empty() && self.dangling.is_empty() && !self.missing.iter().any(|it| unsaid(&it))
    }
}

/// Compares the tenant after a recovery with the tenant before the damage. `ids` maps old ids to current ones; `losses` are
/// the losses of the plan.
pub fn held_against(before: &Snapshot, after: &Snapshot, ids: &IdMap, losses: &[Loss]) -> Recovered {
    let mut why: BTreeMap<Address, Vec<String>> = BTreeMap::new();
    for loss in losses {
        let today = Address::new(loss.address.kind, ids.current(&loss.address.id));
        let said = why.entry(today).or_default();
        let what = loss.what();
        if !said.contains(&what) {
            said.push(what);
        }
    }
    let mut recovered = Recovered { objects: before.objects.len(), ..Recovered::default() };
    let mut expected = BTreeSet::new();
    let lost = lost_for_good(before, after, ids);
    for (address, object) in &before.objects {
        let kind = address.kind;
        let mut wanted = rewrite(kind, object, ids);
        let today = today(kind, address, &wanted, after, ids);
        wanted.0.insert("id".to_owned(), today.id.clone().into());
        let said = why.get(&today).map(|said| said.join("; ")).unwrap_or_default();
        let unlike = |properties: Vec<String>| Unlike {
            kind: kind.name,
            id: address.id.clone(),
            name: object.name().to_owned(),
            properties,
            why: said.clone(),
        };
        recovered.recreated += usize::from(today != *address);
        match after.objects.get(&today) {
            Some(now) => compare(kind, &wanted, now, &lost, &mut recovered, unlike),
            None => {
                // An object that nobody can create does not count among the values that can be written.
                let is_creatable = not_creatable(kind, object).is_none();
                recovered.values += if is_creatable { values(kind, &wanted, &lost).len() } else { 0 };
                recovered.missing.push(unlike(Vec::new()));
            }
        }
        expected.insert(today);
    }
    for (address, object) in after.objects.iter().filter(|(address, _)| !expected.contains(*address)) {
        let said = why.get(address).map(|said| said.join("; ")).unwrap_or_default();
        recovered.extra.push(Unlike {
            kind: address.kind.name,
            id: address.id.clone(),
            name: object.name().to_owned(),
            properties: Vec::new(),
            why: said,
        });
    }
    recovered.dangling = dangling(before, after, ids);
    recovered
}

/// Returns the ids of objects that are gone and that nobody can create: what names them cannot be written either.
fn lost_for_good(before: &Snapshot, after: &Snapshot, ids: &IdMap) -> BTreeSet<String> {
    let all = before.objects.iter().map(|(address, object)| (address.kind, address, object));
    let gone = all.filter(|(kind, address, object)| {
        let today = Address::new(kind, ids.current(&address.id));
        not_creatable(kind, object).is_some() && !after.objects.contains_key(&today)
    });
    gone.flat_map(|(kind, _, object)| identities(kind, object)).collect()
}

/// Returns the current address of an object. An object that Graph creates along with the one it refers to has an id of its
/// own.
fn today(kind: &'static Kind, address: &Address, wanted: &Object, after: &Snapshot, ids: &IdMap) -> Address {
    let today = Address::new(kind, ids.current(&address.id));
    if kind.about.is_empty() || after.objects.contains_key(&today) {
        return today;
    }
    let about = kind.about(&wanted.0);
    // A group has settings for its members and others for its owners.
    let alike = |(other, found): &(&Address, &Object)| {
        other.kind.name == kind.name
            && kind.about(&found.0) == about
            && (kind.id_of.is_empty() || kind.natural.iter().all(|name| found.get(name) == wanted.get(name)))
    };
    after.objects.iter().find(alike).map_or(today, |(found, _)| found.clone())
}

fn compare(
    kind: &'static Kind,
    wanted: &Object,
    now: &Object,
    lost_for_good: &BTreeSet<String>,
    recovered: &mut Recovered,
    unlike: impl Fn(Vec<String>) -> Unlike,
) {
    // An object that another directory owns can be written only there.
    let elsewhere = owned_elsewhere(kind, now).is_some();
    let values = if elsewhere { Vec::new() } else { values(kind, wanted, lost_for_good) };
    let keys = |values: &[(String, Value)]| -> BTreeSet<String> {
        values.iter().map(|(name, value)| key(name, value)).collect()
    };
    let have = keys(&self::values(kind, now, lost_for_good));
    let total = values.len();
    recovered.values += total;
    let lost: Vec<String> =
        values.iter().filter(|(name, value)| !have.contains(&key(name, value))).map(|(name, _)| name.clone()).collect();
    recovered.values_back += total - lost.len();
    if wanted == now {
        recovered.same += 1;
        return;
    }
    let mut differing: BTreeSet<String> = lost.into_iter().collect();
    if !elsewhere {
        let had = keys(&values);
        let added =
            self::values(kind, now, lost_for_good).into_iter().filter(|(name, value)| !had.contains(&key(name, value)));
        differing.extend(added.map(|(name, _)| name));
        differing.extend(additional_credentials(kind, wanted, now).map(str::to_owned));
    }
    let changed: BTreeSet<String> =
        diff::objects(kind, now, wanted).iter().map(|change| diff::top(change.path()).to_owned()).collect();
    for property in changed.into_iter().filter(|property| !differing.contains(property)) {
        *recovered.unwritable.entry((kind.name, property)).or_default() += 1;
    }
    if !differing.is_empty() {
        recovered.differing.push(unlike(differing.into_iter().collect()));
    }
}

/// Returns the properties that hold a secret or certificate which was not there before: one that is gone cannot come back, but one
/// that was added can be removed.
fn additional_credentials<'o>(
    kind: &'static Kind,
    wanted: &'o Object,
    now: &'o Object,
) -> impl Iterator<Item = &'static str> + 'o {
    let keys = move |object: &Object, name: &str| -> BTreeSet<Vec<String>> {
        let all = object.get(name).and_then(Value::as_array).into_iter().flatten();
        all.map(|one| entry_key(kind, name, one)).collect()
    };
    let names = kind.credentials.iter().map(|credential| credential.property);
    names.filter(move |name| !keys(now, name).is_subset(&keys(wanted, name)))
}

fn key(name: &str, value: &Value) -> String {
    format!("{name} {value}")
}

/// Returns the values of an object that can be written, one by one: properties, and each element of a link.
fn values(kind: &'static Kind, object: &Object, lost_for_good: &BTreeSet<String>) -> Vec<(String, Value)> {
    let mut values: Vec<(String, Value)> = writable(kind, object, true).into_iter().collect();
    for link in kind.links.iter().filter(|link| link.is_written()) {
        match object.get(link.name) {
            Some(Value::Array(elements)) => {
                values.extend(
                    elements.iter().map(|child| (link.name.to_owned(), made_child(kind, link.name, child.clone()))),
                );
            }
            Some(value) => values.push((link.name.to_owned(), made_child(kind, link.name, value.clone()))),
            None => {}
        }
    }
    values.retain(|(_, value)| !value.as_str().is_some_and(|id| lost_for_good.contains(id)));
    values
}

/// Returns references of the tenant to objects that existed before the damage and do not exist any more.
fn dangling(before: &Snapshot, after: &Snapshot, ids: &IdMap) -> Vec<String> {
    let all = |snapshot: &Snapshot| -> BTreeSet<String> {
        let objects = snapshot.objects.iter().map(|(address, object)| (address.kind, object));
        objects.flat_map(|(kind, object)| identities(kind, object)).collect()
    };
    let (had, has) = (all(before), all(after));
    // An object that nobody can create again is listed once by its own name, not once more for each reference to it.
    let lost: BTreeSet<String> = before
        .objects
        .iter()
        .map(|(address, object)| (address.kind, object))
        .filter(|(kind, object)| not_creatable(kind, object).is_some())
        .flat_map(|(kind, object)| identities(kind, object))
        .collect();
    let mut found = Vec::new();
    for (address, object) in &after.objects {
        let kind = address.kind;
        for reference in references(kind, object) {
            let id = reference.value;
            let gone = (had.contains(id) || ids.current(id) != id) && !has.contains(id) && !lost.contains(id);
            let was = before
                .objects
                .get(address)
                .is_some_and(|old| references(kind, old).iter().any(|old| old.value == id) && !had.contains(id));
            if gone && !was {
                found.push(format!("{} \"{}\" {} {id}", kind.name, object.name(), reference.property));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn snapshot(objects: &[(&'static str, Value)]) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for (kind, value) in objects {
            let object = Object(value.as_object().cloned().unwrap_or_default());
            snapshot.objects.insert(crate::kinds::address(kind, object.id()).unwrap(), object);
        }
        snapshot
    }

    fn group(id: &str, rest: &Value) -> (&'static str, Value) {
        let mut group = json!({"id": id, "displayName": "Sales", "mailEnabled": false, "securityEnabled": true});
        if let (Some(group), Some(rest)) = (group.as_object_mut(), rest.as_object()) {
            group.extend(rest.clone());
        }
        ("group", group)
    }

    const OLD: &str = "00000001-0000-4000-8000-000000000001";
    const NEW: &str = "00000001-0000-4000-8000-000000000002";
    const USER: &str = "00000002-0000-4000-8000-000000000001";

    /// A secret that is gone cannot come back; one that somebody added can be taken away.
    #[test]
    fn additional_credential_is_a_difference() {
        let app = |secrets: &[&str]| {
            let secrets: Vec<Value> = secrets.iter().map(|id| json!({"keyId": id})).collect();
            ("application", json!({"id": OLD, "displayName": "Shop", "passwordCredentials": secrets}))
        };
        let differs = |before: &[&str], after: &[&str]| {
            let (before, after) = (snapshot(&[app(before)]), snapshot(&[app(after)]));
            !held_against(&before, &after, &IdMap::default(), &[]).is_whole()
        };
        assert!(differs(&["a"], &["a", "b"]) && differs(&[], &["b"]));
        assert!(!differs(&["a", "b"], &["a"]) && !differs(&["a"], &["a"]));
    }

    #[test]
    fn what_is_not_as_it_was_is_told_apart() {
        let user = ("user", json!({"id": USER, "displayName": "Ada", "userPrincipalName": "ada@contoso.com"}));
        let before = snapshot(&[user.clone(), group(OLD, &json!({"members": [USER], "mail": "s@contoso.com"}))]);
        let mut ids = IdMap::default();
        ids.learn(OLD, NEW);
        let held =
            |after: &[(&'static str, Value)], losses: &[Loss]| held_against(&before, &snapshot(after), &ids, losses);
        // The group is back under a new id, except for what only Exchange writes.
        let whole = held(&[user.clone(), group(NEW, &json!({"members": [USER]}))], &[]);
        assert_eq!((whole.same, whole.recreated, whole.values - whole.values_back), (1, 1, 0));
        assert_eq!(whole.unwritable, BTreeMap::from([(("group", "mail".to_owned()), 1)]));
        assert!(whole.is_whole());
        // One member is missing, and one did not exist before.
        let lost = held(&[user.clone(), group(NEW, &json!({"mail": "s@contoso.com"}))], &[]);
        assert_eq!(lost.differing[0].properties, ["members"]);
        assert_eq!(lost.values - lost.values_back, 1);
        assert!(!lost.is_whole());
        let more = held(&[user.clone(), group(NEW, &json!({"members": [NEW, USER], "mail": "s@contoso.com"}))], &[]);
        assert_eq!(more.differing[0].properties, ["members"]);
        // An object may be missing only if the plan said so beforehand.
        let missing = held(std::slice::from_ref(&user), &[]);
        assert_eq!((missing.missing.len(), missing.is_whole()), (1, false));
        let loss = Loss::new(
            &crate::kinds::address("group", OLD).unwrap(),
            "",
            crate::model::plan::LossKind::Other("cannot be made".to_owned()),
        );
        assert_eq!(held(std::slice::from_ref(&user), &[loss]).missing[0].why, "cannot be made");
        // The group still names a user who is gone.
        let dangling = held(&[group(NEW, &json!({"members": [USER], "mail": "s@contoso.com"}))], &[]);
        assert_eq!(dangling.dangling, [format!("group \"Sales\" members {USER}")]);
    }
}
