//! Serves the recycle bins. <https://learn.microsoft.com/graph/api/resources/directory>,
//! <https://learn.microsoft.com/graph/api/resources/policydeletableitem>

use serde_json::Value;

use super::audit::Verb;
use super::change_log::What;
use super::csdl::Csdl;
use super::directory;
use super::error::Fault;
use super::quirks::{self, Act};
use super::read;
use super::request::{Reply, Request};
use super::store::{Key, Properties};
use super::tenant::Tenant;
use super::write::{forget_children, note_sources};
use crate::kinds;
use crate::model::Kind;
use crate::model::kind::LinkShape;

/// Answers GET of one deleted object.
pub fn get(
    tenant: &Tenant,
    csdl: &'static Csdl,
    owner: Option<&'static Kind>,
    id: &str,
    request: &Request,
) -> Result<Reply, Fault> {
    let (kind, key, mut object) = tenant.deleted(owner, id)?;
    if directory::holds(kind) {
        object.insert("@odata.type".to_owned(), format!("#microsoft.graph.{}", kind.entity).into());
    }
    read::single(tenant, csdl, kind, request, &key, object)
}

/// Answers POST `…/restore`: the object comes back under its old id, with its links.
/// <https://learn.microsoft.com/graph/api/directory-deleteditems-restore>
pub fn restore(
    tenant: &mut Tenant,
    csdl: &'static Csdl,
    owner: Option<&'static Kind>,
    id: &str,
    request: &Request,
) -> Result<Reply, Fault> {
    let (kind, key, mut object) = tenant.deleted(owner, id)?;
    if kind.name == "user" {
        quirks::rename_restored(&mut object);
    }
    quirks::check_protected(tenant, &request.caller, kind, &object, Act::Restore)?;
    quirks::on_restore(tenant, kind, &object)?;
    object.remove("deletedDateTime");
    let table = tenant.store.table_mut(kind);
    table.bin.remove(&key);
    table.put(kind, &object);
    tenant.log.note(kind, &key, What::Written(object.keys().cloned().collect()));
    for link in kind.links.iter().filter(|link| !matches!(link.shape, LinkShape::Children(_))) {
        let targets: Vec<String> =
            tenant.links.targets(&key, link.name).into_iter().flatten().map(|target| target.id.to_string()).collect();
        for target in targets {
            tenant.log.note(kind, &key, What::Linked(link.name.to_owned(), target, true));
        }
    }
    note_sources(tenant, &key, true);
    quirks::settle(tenant, kind, &object);
    tenant.audit(request, kind, Verb::Restore, None, Some(&object));
    if directory::holds(kind) {
        object.insert("@odata.type".to_owned(), format!("#microsoft.graph.{}", kind.entity).into());
    }
    read::single(tenant, csdl, kind, request, &key, object)
}

/// Answers DELETE of a deleted object: it is removed for good, with its links and its children.
/// <https://learn.microsoft.com/graph/api/directory-deleteditems-delete>
pub fn purge(tenant: &mut Tenant, owner: Option<&'static Kind>, id: &str, request: &Request) -> Result<Reply, Fault> {
    let (kind, key, object) = tenant.deleted(owner, id)?;
    quirks::on_purge_asked(kind)?;
    forget(tenant, kind, &key);
    tenant.audit(request, kind, Verb::Purge, Some(&object), None);
    Ok(Reply::empty())
}

/// Empties every recycle bin, as the service does after 30 days, without an actor. Returns the number of objects removed.
pub fn empty(tenant: &mut Tenant) -> usize {
    let mut count = 0;
    for kind in kinds::ALL {
        let keys: Vec<Key> = tenant.store.table_mut(kind).bin.keys().cloned().collect();
        count += keys.len();
        for key in keys {
            forget(tenant, kind, &key);
        }
    }
    count
}

fn forget(tenant: &mut Tenant, kind: &'static Kind, key: &Key) {
    quirks::on_purge(tenant, kind, key);
    forget_children(tenant, kind, key);
    // The assignments of the purged object are removed with it, also those stored with other objects.
    let assigned: Vec<_> = tenant.links.targets(key, "appRoleAssignments").into_iter().flatten().cloned().collect();
    for child in assigned {
        tenant.store.children_mut("appRoleAssignedTo").live.remove(&child);
        tenant.links.forget(&child);
    }
    forget_listed(tenant, kind, key);
    tenant.store.table_mut(kind).bin.remove(key);
    tenant.links.forget(key);
    tenant.log.note(kind, key, What::Gone);
}

/// Deletes per-object lists and requests of a removed object; they are no longer addressable.
fn forget_listed(tenant: &mut Tenant, kind: &'static Kind, key: &Key) {
    for listed in kinds::ALL {
        let each = listed.for_each.filter(|each| each.kind == kind.name).and(listed.filter);
        let mut names: Vec<&str> = each.and_then(|filter| filter.split(' ').next()).into_iter().collect();
        if listed.requests.is_some() {
            names.extend(listed.about);
        }
        let names_it = |object: &Properties, name: &&str| {
            object.get(*name).and_then(Value::as_str).map(Key::of).as_ref() == Some(key)
        };
        let of_it = |object: &Properties| names.iter().any(|name| names_it(object, name));
        let rows = tenant.store.table(listed).live.iter();
        let gone: Vec<Key> = match names.is_empty() {
            true => continue,
            false => rows.filter(|(_, row)| of_it(&row.unpack())).map(|(own, _)| own.clone()).collect(),
        };
        for own in gone {
            tenant.store.table_mut(listed).take(listed, &own);
            tenant.links.forget(&own);
            tenant.log.note(listed, &own, What::Gone);
        }
    }
}
