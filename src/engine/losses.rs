//! Lists what creating an object again cannot bring back, so that it is known before anyone approves.

use serde_json::Value;

use super::normalize::normalize;
use super::schema;
use super::secrets::has_masked_secret;
use crate::model::kind::{Creation, Generated, Updates};
use crate::model::plan::Loss;
use crate::model::{Address, Kind, Object};

/// Returns the totals of what re-creation loses, one for each sort: `12 client secrets`.
pub fn totals(losses: &[Loss]) -> Vec<String> {
    let mut counts: [(&str, &str, usize); 6] = [
        ("new id", "new ids", 0),
        ("client secret", "client secrets", 0),
        ("certificate", "certificates", 0),
        ("password with its MFA registrations", "passwords with their MFA registrations", 0),
        ("object's licences", "objects' licences", 0),
        ("object that cannot come back", "objects that cannot come back", 0),
    ];
    for loss in losses {
        for part in loss.what.split(", ") {
            let number = |what: &str| {
                part.strip_prefix("loses ")?.strip_suffix(what)?.trim_end_matches('s').trim().parse::<usize>().ok()
            };
            match part {
                "gets a new id" => counts[0].2 += 1,
                PASSWORD => counts[3].2 += 1,
                LICENCES => counts[4].2 += 1,
                _ if part.starts_with("cannot be created again") => counts[5].2 += 1,
                _ => {
                    counts[1].2 += number("client secret").or(number("client secrets")).unwrap_or_default();
                    counts[2].2 += number("certificate").or(number("certificates")).unwrap_or_default();
                }
            }
        }
    }
    let said = counts.iter().filter(|(.., count)| *count > 0);
    said.map(|(one, many, count)| format!("{count} {}", if *count == 1 { one } else { many })).collect()
}

const PASSWORD: &str = "loses its password (a random one is set) and its MFA registrations";
const LICENCES: &str = "loses its licences";

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
        Updates::All | Updates::Only(_) | Updates::Replace => vec!["gets a new id".to_owned()],
    };
    lost.extend(note.map(str::to_owned));
    for (property, one, many) in
        [("passwordCredentials", "client secret", "client secrets"), ("keyCredentials", "certificate", "certificates")]
    {
        match object.get(property).and_then(Value::as_array).map_or(0, Vec::len) {
            0 => {}
            1 => lost.push(format!("loses 1 {one}")),
            count => lost.push(format!("loses {count} {many}")),
        }
    }
    for generated in generates {
        match generated {
            Generated::PasswordProfile => {
                lost.push(PASSWORD.to_owned());
            }
        }
    }
    if object.get("onPremisesSyncEnabled") == Some(&Value::Bool(true)) {
        lost.push("comes back as an object of the cloud, no longer synchronized from on-premises".to_owned());
    }
    if object.get("assignedLicenses").is_some() {
        lost.push(LICENCES.to_owned());
    }
    let mut urls = Vec::new();
    for (name, value) in &object.0 {
        masked_urls(name, value, &mut urls);
    }
    urls.dedup();
    if !urls.is_empty() {
        lost.push(format!("loses the secret within the URL of {}", urls.join(" and ")));
    }
    // A property that the schema does not know is never written.
    let unknown = normalize(kind, object.0.clone()).unknown;
    if !unknown.is_empty() {
        lost.push(format!("loses {}, which no schema knows", unknown.join(" and ")));
    }
    if lost.is_empty() {
        return None;
    }
    Some(Loss { address: address.clone(), name: object.name().to_owned(), what: lost.join(", ") })
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
    is_remade.then(|| Loss { address: address.clone(), name: object.name().to_owned(), what })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_counted() {
        let loss =
            |what: &str| Loss { address: Address::new("user", "a"), name: "a".to_owned(), what: what.to_owned() };
        let losses = [
            loss("gets a new id, loses 1 client secret, loses 2 certificates"),
            loss("gets a new id, loses 3 client secrets"),
            loss(&format!("gets a new id, {PASSWORD}, {LICENCES}")),
            loss("cannot be created again: Azure alone makes it"),
            loss("description is fixed when the object is created and stays as it is"),
        ];
        insta::assert_snapshot!(totals(&losses).join(" · "), @"3 new ids · 4 client secrets · 2 certificates · 1 password with its MFA registrations · 1 object's licences · 1 object that cannot come back");
    }
}
