//! Makes a tenant of seeds.

use std::collections::BTreeSet;

use serde_json::Value;

use super::SeedObject;
use crate::emulator::child_keys;
use crate::emulator::quirks;
use crate::emulator::store::Key;
use crate::emulator::tenant::Tenant;
use crate::kinds;
use crate::model::kind::LinkShape;

/// Returns a tenant that holds `seeds`, and what every tenant has besides.
pub fn plant(id: String, secret: String, seeds: impl IntoIterator<Item = SeedObject>) -> Tenant {
    let mut tenant = Tenant::new(id, secret);
    let mut domains = BTreeSet::new();
    for seed in seeds {
        if let Some(upn) = seed.value.get("userPrincipalName").and_then(Value::as_str)
            && let Some((_, domain)) = upn.split_once('@')
        {
            domains.insert(domain.to_lowercase());
        }
        add(&mut tenant, seed);
    }
    domains.insert("contoso.onmicrosoft.com".to_owned());
    tenant.domains = domains.into_iter().collect();
    // The initial domain comes first, as `organization` shows it.
    tenant.domains.sort_by_key(|domain| !domain.ends_with(".onmicrosoft.com"));
    quirks::complete(&mut tenant);
    tenant
}

/// Adds one seed with its links and children.
fn add(tenant: &mut Tenant, seed: SeedObject) {
    let Some(kind) = kinds::by_name(seed.kind) else { return };
    let mut seed = seed;
    quirks::on_seed(kind, &mut seed.value);
    if !seed.value.contains_key("id") {
        let id = seed.value.get(kind.key).cloned().unwrap_or_else(|| kind.name.into());
        seed.value.insert("id".to_owned(), id);
    }
    let key = tenant.store.table_mut(kind).put(kind, &seed.value);
    for (name, entries) in seed.links {
        let Some(link) = kind.link(name) else { continue };
        for entry in entries {
            match (link.shape, entry) {
                (LinkShape::Children(children), Value::Object(mut child)) => {
                    if let Some(owner) = children.owner {
                        child.entry(owner).or_insert_with(|| key.id.as_ref().into());
                    }
                    // The id is derived from the content, so that the same seed gives the same ids.
                    let text = format!("{}/{}/{}", key.id, link.name, Value::Object(child.clone()));
                    let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, text.as_bytes());
                    if !children.single {
                        child.entry("id").or_insert_with(|| child_keys::child_id(link.name, id).into());
                    }
                    tenant.adopt(&key, link.name, child);
                }
                (_, Value::String(id)) => {
                    tenant.links.add(&key, link.name, &Key::of(&id));
                }
                _ => {}
            }
        }
    }
}
