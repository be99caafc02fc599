//! Catalogs, access packages and the policies that say who gets them.
//! <https://learn.microsoft.com/entra/id-governance/entitlement-management-catalog-create>

use crate::emulator::error::Fault;
use crate::emulator::store::Key;
use crate::emulator::tenant::Tenant;
use crate::kinds;
use crate::model::Kind;

/// The objects of a kind whose `relation` leads to `id`.
fn naming<'a>(
    tenant: &'a Tenant,
    kind: &str,
    relation: &'a str,
    id: &'a str,
) -> impl Iterator<Item = (&'static Kind, Key)> + 'a {
    kinds::by_name(kind).into_iter().flat_map(move |kind| {
        let rows = tenant.store.table(kind).live.iter();
        rows.filter(move |(_, row)| row.unpack().get(relation).is_some_and(|other| other["id"] == id))
            .map(move |(key, _)| (kind, key.clone()))
    })
}

/// A catalog is deleted empty.
pub(super) fn delete_catalog(tenant: &Tenant, key: &Key) -> Result<(), Fault> {
    match naming(tenant, "accessPackage", "catalog", &key.id).next() {
        Some(_) => Err(Fault::bad("The catalog has access packages and cannot be deleted.")),
        None => Ok(()),
    }
}

/// The policies of a package go with it.
pub(super) fn policies_of(tenant: &Tenant, package: &str) -> Vec<(&'static Kind, Key)> {
    naming(tenant, "accessPackageAssignmentPolicy", "accessPackage", package).collect()
}
