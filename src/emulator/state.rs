//! Keeps a tenant in a file between runs.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::change_log::Entry;
use super::store::{Key, Properties, Row};
use super::tenant::Tenant;
use crate::kinds;

#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    version: u32,
    tenant: String,
    name: String,
    domains: Vec<String>,
    secret: String,
    live: BTreeMap<String, Vec<Properties>>,
    bin: BTreeMap<String, Vec<Properties>>,
    children: BTreeMap<String, BTreeMap<String, Properties>>,
    links: Vec<(String, String, Vec<String>)>,
    log: Vec<Entry>,
    audits: Vec<Value>,
    #[serde(default)]
    foreign: BTreeMap<String, Properties>,
}

/// Writes the tenant to `path`, as a whole or not at all.
pub fn save(tenant: &Tenant, path: &Path) -> anyhow::Result<()> {
    let mut saved = Saved {
        version: 2,
        tenant: tenant.id.clone(),
        name: tenant.name.clone(),
        domains: tenant.domains.clone(),
        secret: tenant.secret.clone(),
        live: BTreeMap::new(),
        bin: BTreeMap::new(),
        children: BTreeMap::new(),
        links: tenant
            .links
            .iter()
            .map(|(from, name, to)| {
                (from.to_string(), name.to_owned(), to.iter().map(|key| key.id.to_string()).collect())
            })
            .collect(),
        log: tenant.log.0.clone(),
        audits: tenant.audits.iter().cloned().collect(),
        foreign: tenant.foreign.clone(),
    };
    for kind in kinds::ALL {
        let table = tenant.store.table(kind);
        saved.live.insert(kind.name.to_owned(), table.live.values().map(Row::unpack).collect());
        saved.bin.insert(kind.name.to_owned(), table.bin.values().map(Row::unpack).collect());
    }
    for (link, table) in tenant.store.all_children() {
        let rows = table.live.iter().map(|(key, row)| (key.id.to_string(), row.unpack())).collect();
        saved.children.insert(link.to_owned(), rows);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file =
        tempfile::NamedTempFile::new_in(folder).with_context(|| format!("cannot write into {}", folder.display()))?;
    serde_json::to_writer(&mut file, &saved).context("cannot write the tenant's state")?;
    file.flush().context("cannot write the tenant's state")?;
    file.persist(path).with_context(|| format!("cannot replace {}", path.display()))?;
    Ok(())
}

/// Reads a tenant that [`save`] wrote.
pub fn load(path: &Path) -> anyhow::Result<Tenant> {
    let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let saved: Saved =
        serde_json::from_slice(&text).with_context(|| format!("{} is not a saved tenant", path.display()))?;
    anyhow::ensure!(saved.version == 2, "{} was written by another version", path.display());
    let mut tenant = Tenant::new(saved.tenant, saved.secret);
    tenant.name = saved.name;
    tenant.domains = saved.domains;
    tenant.store = super::store::Store::default();
    tenant.links = super::links::Links::default();
    for kind in kinds::ALL {
        let table = tenant.store.table_mut(kind);
        for object in saved.live.get(kind.name).into_iter().flatten() {
            table.put(kind, object);
        }
        for object in saved.bin.get(kind.name).into_iter().flatten() {
            let id = object.get("id").and_then(Value::as_str).unwrap_or_default();
            table.bin.insert(Key::of(id), Row::pack(object));
        }
    }
    // Names of links are constants of the registry; links with an unknown name are dropped.
    let names: BTreeMap<&str, &'static str> = kinds::ALL
        .iter()
        .flat_map(|kind| kind.links)
        .map(|link| (link.name, link.name))
        .chain([("appRoleAssignments", "appRoleAssignments")])
        .collect();
    for (link, children) in &saved.children {
        let Some(link) = names.get(link.as_str()) else { continue };
        for (key, child) in children {
            tenant.store.children_mut(link).live.insert(Key::of(key), Row::pack(child));
        }
    }
    for (from, name, to) in &saved.links {
        let Some(name) = names.get(name.as_str()) else { continue };
        for target in to {
            tenant.links.add(&Key::of(from), name, &Key::of(target));
        }
    }
    tenant.log.0 = saved.log;
    tenant.audits = saved.audits.into();
    tenant.foreign = saved.foreign;
    Ok(tenant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_survives_saving() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("state.json");
        let tenant = super::super::seed::plant("t".into(), "s".into(), super::super::seed::contoso());
        save(&tenant, &path).expect("saved");
        let again = load(&path).expect("loaded");
        assert_eq!(again.links.iter().count(), tenant.links.iter().count());
        for kind in kinds::ALL {
            assert_eq!(again.store.table(kind).live.len(), tenant.store.table(kind).live.len(), "{}", kind.name);
        }
    }
}
