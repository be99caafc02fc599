//! Lists what creating an object again cannot bring back, so that it is known before anyone approves.

use serde_json::Value;

use super::normalize::normalize;
use super::schema;
use super::secrets::has_masked_secret;
use crate::model::kind::{Creation, Generated, Updates};
use crate::model::plan::{Loss, LossKind};
use crate::model::{Address, Kind, Object};

/// Counts what re-creation loses over a whole plan, as in `12 client secrets`. What a plan does not lose is left out.
pub fn totals(losses: &[Loss]) -> Vec<String> {
    let mut counts: [(&str, &str, usize); 6] = [
        ("new id", "new ids", 0),
        ("client secret", "client secrets", 0),
        ("certificate", "certificates", 0),
        ("password with its MFA registrations", "passwords with their MFA registrations", 0),
        ("object's licences", "objects' licences", 0),
        ("object that cannot come back", "objects that cannot come back", 0),
    ];
    for part in losses.iter().flat_map(|loss| &loss.parts) {
        match part {
            LossKind::NewId => counts[0].2 += 1,
            LossKind::ClientSecrets(secrets) => counts[1].2 += secrets,
            LossKind::Certificates(certificates) => counts[2].2 += certificates,
            LossKind::Password => counts[3].2 += 1,
            LossKind::Licences => counts[4].2 += 1,
            LossKind::NotCreatable(_) | LossKind::NotCreatableWithout(_) => counts[5].2 += 1,
            LossKind::Conflict(_) | LossKind::Other(_) => {}
        }
    }
    let said = counts.iter().filter(|(.., count)| *count > 0);
    said.map(|(one, many, count)| format!("{count} {}", if *count == 1 { one } else { many })).collect()
}

/// Returns true if the caller chooses the id of a new object.
pub fn chooses_id(kind: &'static Kind) -> bool {
    matches!(kind.creation, Creation::AtId(_)) || schema::of(kind).property(kind.key).is_some_and(|id| id.create_only)
}

/// Returns the loss when `object` is created again; one entry per object.
pub fn of_creation(kind: &'static Kind, address: &Address, object: &Object) -> Option<Loss> {
    if address.id.starts_with("new:") {
        return None;
    }
    let (generates, note) = match kind.creation {
        Creation::Post { generates, note, .. } => (generates, note),
        Creation::AtId(_) => (&[] as &[Generated], None),
        Creation::Never { .. } => return None,
    };
    // An object that cannot be updated is replaced by one with the same values: its new id is no loss.
    let mut lost = match kind.update {
        Updates::Nothing => Vec::new(),
        // If the caller chooses the id, the new object gets the same id.
        _ if chooses_id(kind) => Vec::new(),
        Updates::All | Updates::Only(_) | Updates::Replace => vec![LossKind::NewId],
    };
    lost.extend(note.map(|note| LossKind::Other(note.to_owned())));
    let count = |property: &str| object.get(property).and_then(Value::as_array).map_or(0, Vec::len);
    for (part, count) in [
        (LossKind::ClientSecrets as fn(usize) -> LossKind, count("passwordCredentials")),
        (LossKind::Certificates, count("keyCredentials")),
    ] {
        lost.extend((count > 0).then(|| part(count)));
    }
    for generated in generates {
        match generated {
            Generated::PasswordProfile => {
                lost.push(LossKind::Password);
            }
        }
    }
    if object.get("onPremisesSyncEnabled") == Some(&Value::Bool(true)) {
        let clause = "comes back as an object of the cloud, no longer synchronized from on-premises";
        lost.push(LossKind::Other(clause.to_owned()));
    }
    if object.get("assignedLicenses").is_some() {
        lost.push(LossKind::Licences);
    }
    let mut urls = Vec::new();
    for (name, value) in &object.0 {
        masked_urls(name, value, &mut urls);
    }
    urls.dedup();
    if !urls.is_empty() {
        lost.push(LossKind::Other(format!("loses the secret within the URL of {}", urls.join(" and "))));
    }
    // A property that the schema does not know is never written.
    let unknown = normalize(kind, object.0.clone()).unknown;
    if !unknown.is_empty() {
        lost.push(LossKind::Other(format!("loses {}, which no schema knows", unknown.join(" and "))));
    }
    if lost.is_empty() {
        return None;
    }
    Some(Loss { address: address.clone(), name: object.name().to_owned(), parts: lost })
}

/// Returns true if a secret within the value is masked, so that it must not be written.
pub(super) fn holds_masked(value: &Value) -> bool {
    let mut found = Vec::new();
    masked_urls("", value, &mut found);
    !found.is_empty()
}

/// Adds the paths of URLs whose secrets are masked.
fn masked_urls(path: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if has_masked_secret(text) => found.push(path.to_owned()),
        Value::Array(elements) => elements.iter().for_each(|element| masked_urls(path, element, found)),
        Value::Object(map) => map.iter().for_each(|(name, value)| masked_urls(&format!("{path}.{name}"), value, found)),
        _ => {}
    }
}

/// Returns the properties that Graph sets on an object that is created again: nobody can write them, and they may differ
/// afterwards.
pub fn set_by_graph(kind: &'static Kind, address: &Address, object: &Object) -> Option<Loss> {
    let schema = schema::of(kind);
    let is_set = |name: &&String| {
        let own = !name.starts_with('@') && *name != "id" && kind.credential(name).is_none();
        let rule = schema.property(name).filter(|rule| rule.read_only && rule.refs.is_empty());
        own && rule.is_some() && !schema.identities().contains(name)
    };
    let names: Vec<&str> = object.0.keys().filter(is_set).map(String::as_str).collect();
    let one_or_more = if names.len() == 1 { "is" } else { "are" };
    let what = format!("{} {one_or_more} set by Graph and may come back otherwise", names.join(" and "));
    let is_remade = !names.is_empty() && !address.id.starts_with("new:") && !chooses_id(kind);
    is_remade.then(|| Loss::new(address, object.name(), LossKind::Other(what)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_counted() {
        let loss = |parts: &[LossKind]| Loss {
            address: crate::kinds::address("user", "a").unwrap(),
            name: "a".to_owned(),
            parts: parts.to_vec(),
        };
        let losses = [
            loss(&[LossKind::NewId, LossKind::ClientSecrets(1), LossKind::Certificates(2)]),
            loss(&[LossKind::NewId, LossKind::ClientSecrets(3)]),
            loss(&[LossKind::NewId, LossKind::Password, LossKind::Licences]),
            loss(&[LossKind::NotCreatable("Azure alone makes it".to_owned())]),
            loss(&[LossKind::Other("loses 5 client secrets".to_owned())]),
        ];
        assert_eq!(losses[0].what(), "gets a new id, loses 1 client secret, loses 2 certificates");
        insta::assert_snapshot!(totals(&losses).join(" · "), @"3 new ids · 4 client secrets · 2 certificates · 1 password with its MFA registrations · 1 object's licences · 1 object that cannot come back");
    }
}
