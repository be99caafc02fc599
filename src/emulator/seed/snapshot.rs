//! A tenant that starts as a snapshot: normalized objects → what the tenant is seeded with.

use serde_json::Value;

use super::SeedObject;
use crate::kinds;
use crate::model::{Address, Object};

/// What a tenant is seeded with to hold `object`, ids and links kept; the reason if it cannot hold it.
pub fn seed(address: &Address, object: &Object) -> Result<SeedObject, String> {
    let Some(kind) = kinds::by_name(address.kind) else { return Err("no kind is called so".to_owned()) };
    if address.id.starts_with("new:") {
        return Err("it is still to be created and has no id".to_owned());
    }
    let mut seed = SeedObject { kind: kind.name, value: object.0.clone(), links: Default::default() };
    for link in kind.links {
        match seed.value.remove(link.name) {
            None => {}
            Some(Value::Array(entries)) => drop(seed.links.insert(link.name, entries)),
            Some(entry) => drop(seed.links.insert(link.name, vec![entry])),
        }
    }
    Ok(seed)
}
