//! Verifies the adopted objects of a plan file: each stands for the wanted object that it is said to stand for.

use std::collections::{BTreeMap, BTreeSet};

use super::is_plain_id;
use crate::engine::adopt::key;
use crate::engine::diff::called;
use crate::engine::plan::moving_identities;
use crate::engine::refs::rewrite;
use crate::engine::render::safe;
use crate::model::{Address, IdMap, Object};

/// Holds the facts that adopted objects are judged by.
pub struct Adoption<'a> {
    /// Pairs of the file: wanted id → id of the adopted object, for other identities as well.
    pub pairs: &'a IdMap,
    /// The id map with the pairs: old id → new id.
    pub ids: &'a IdMap,
    /// Objects of the commit, else of the last snapshot, that the pairs name, by their addresses there.
    pub wanted: &'a BTreeMap<Address, Object>,
    /// Objects of the commit that have one of the new ids.
    pub taken: &'a BTreeSet<Address>,
    /// True if the commit was translated from another tenant: it has the new ids already, and the pairs are only recorded.
    pub translated: bool,
    /// Objects of the tenant with one of the old or new ids; `None` before they are read.
    pub live: Option<&'a BTreeMap<Address, Object>>,
}

/// Returns one sentence for each pair that the rules of [`super::super::adopt`] would not have made. Without `live`, only what
/// the commit says is judged.
pub fn adoptions(adoption: &Adoption<'_>) -> Vec<String> {
    let Adoption { pairs, wanted, live, .. } = adoption;
    let mut explained: BTreeSet<(String, String)> = BTreeSet::new();
    let mut open: BTreeSet<String> = BTreeSet::new();
    let mut said = Vec::new();
    for (address, object) in *wanted {
        let kind = address.kind;
        let Some((_, new)) = pairs.iter().find(|(old, _)| *old == address.id) else { continue };
        let new = Address::new(kind, new);
        explained.insert((address.id.clone(), new.id.clone()));
        let identities = moving_identities(kind, object);
        let key_of = |object: &Object| key(kind, object).filter(|key| !key.is_empty());
        let fault = match live {
            _ if !is_plain_id(&new.id) => Some("that is no id of an object"),
            _ if adoption.taken.contains(&new) => Some("the commit has an object with that id, too"),
            None => {
                open.extend(identities.into_values());
                None
            }
            Some(live) if live.contains_key(address) => Some("the object is in the tenant itself"),
            Some(live) => match live.get(&new) {
                None => Some("the tenant has no such object"),
                Some(now) if key_of(now).is_none() || key_of(now) != key_of(&rewrite(kind, object, adoption.ids)) => {
                    Some("the two are not alike")
                }
                Some(now) => {
                    let now = moving_identities(kind, now);
                    explained
                        .extend(identities.into_iter().filter_map(|(name, id)| Some((id, now.get(&name)?.clone()))));
                    None
                }
            },
        };
        if let Some(fault) = fault {
            let (name, old, new) = (safe(object.name()), safe(&address.id), safe(&new.id));
            said.push(format!("{} \"{name}\" ({old}) is to be {new}: {fault}", called(kind, object)));
        }
    }
    if !said.is_empty() {
        return said;
    }
    let explains = |old: &str, new: &str| {
        explained.contains(&(old.to_owned(), new.to_owned())) || open.contains(old) || adoption.translated
    };
    let unexplained = pairs.iter().filter(|(old, new)| !explains(old, new));
    let say =
        |(old, new)| format!("{} is to be {}, and no object of the commit has the first id", safe(old), safe(new));
    unexplained.map(say).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn objects(all: &[(&'static str, Value)]) -> BTreeMap<Address, Object> {
        let object = |(kind, value): &(&'static str, Value)| {
            let object = Object(value.as_object().unwrap().clone().into_iter().collect());
            (crate::kinds::address(kind, object.id()).unwrap(), object)
        };
        all.iter().map(object).collect()
    }

    fn said(
        pairs: &[(&str, &str)],
        wanted: &[(&'static str, Value)],
        live: Option<&[(&'static str, Value)]>,
    ) -> String {
        let mut ids = IdMap::default();
        pairs.iter().for_each(|(old, new)| ids.learn(old, new));
        let (wanted, live) = (objects(wanted), live.map(objects));
        let adoption = Adoption {
            pairs: &ids,
            ids: &ids,
            wanted: &wanted,
            taken: &BTreeSet::new(),
            translated: false,
            live: live.as_ref(),
        };
        adoptions(&adoption).join("; ")
    }

    #[test]
    fn a_pair_is_explained_by_the_commit_and_the_tenant() {
        let group = |id: &str, name: &str| ("group", json!({"id": id, "displayName": name}));
        let app = |id: &str, app: &str| ("application", json!({"id": id, "displayName": "Shop", "appId": app}));
        let pair = [("old", "new")];
        let wanted = [group("old", "Sales")];
        assert_eq!(said(&pair, &wanted, None), "");
        assert_eq!(said(&pair, &wanted, Some(&[group("new", "Sales")])), "");
        insta::assert_snapshot!(said(&pair, &wanted, Some(&[group("new", "Admins")])), @r#"group "Sales" (old) is to be new: the two are not alike"#);
        insta::assert_snapshot!(said(&pair, &wanted, Some(&[])), @r#"group "Sales" (old) is to be new: the tenant has no such object"#);
        insta::assert_snapshot!(said(&pair, &wanted, Some(&[group("old", "Sales"), group("new", "Sales")])), @r#"group "Sales" (old) is to be new: the object is in the tenant itself"#);
        insta::assert_snapshot!(said(&[("old", "../new")], &wanted, None), @r#"group "Sales" (old) is to be ../new: that is no id of an object"#);
        insta::assert_snapshot!(said(&pair, &[], None), @"old is to be new, and no object of the commit has the first id");
        let both = [("old", "new"), ("a", "b")];
        assert_eq!(said(&both, &[app("old", "a")], None), "");
        assert_eq!(said(&both, &[app("old", "a")], Some(&[app("new", "b")])), "");
        insta::assert_snapshot!(said(&both, &[app("old", "a")], Some(&[app("new", "c")])), @"a is to be b, and no object of the commit has the first id");
        insta::assert_snapshot!(said(&[("old", "new"), ("x", "y")], &wanted, None), @"x is to be y, and no object of the commit has the first id");
    }
}
