//! Finds the objects that Conditional Access policies name.

use std::collections::BTreeSet;

use crate::emulator::store::{Properties, strings};
use crate::emulator::tenant::Tenant;
use crate::kinds;

/// Returns the objects that a policy names: sort and id.
pub fn named(object: &Properties) -> BTreeSet<(&'static str, &str)> {
    const LISTS: &[(&str, &str)] = &[
        ("user", "/conditions/users/includeUsers"),
        ("user", "/conditions/users/excludeUsers"),
        ("group", "/conditions/users/includeGroups"),
        ("group", "/conditions/users/excludeGroups"),
        ("role", "/conditions/users/includeRoles"),
        ("role", "/conditions/users/excludeRoles"),
        ("application", "/conditions/applications/includeApplications"),
        ("application", "/conditions/applications/excludeApplications"),
        ("namedLocation", "/conditions/locations/includeLocations"),
        ("namedLocation", "/conditions/locations/excludeLocations"),
        ("servicePrincipal", "/conditions/clientApplications/includeServicePrincipals"),
        ("servicePrincipal", "/conditions/clientApplications/excludeServicePrincipals"),
        ("agreement", "/grantControls/termsOfUse"),
        ("authenticationStrengthPolicy", "/grantControls/authenticationStrength/id"),
    ];
    LISTS
        .iter()
        .flat_map(|(what, path)| {
            let mut names = path.split('/').skip(1);
            let first = names.next().and_then(|name| object.get(name));
            let at = names.fold(first, |at, name| at?.get(name));
            strings(at).map(move |id| (*what, id))
        })
        .collect()
}

/// Returns true if a live policy names the location.
pub fn names_location(tenant: &Tenant, id: &str) -> bool {
    names(tenant, "namedLocation", id)
}

/// Returns true if a live policy names `id` as a `what`.
pub fn names(tenant: &Tenant, what: &str, id: &str) -> bool {
    kinds::by_name("conditionalAccessPolicy").is_some_and(|kind| {
        tenant
            .store
            .table(kind)
            .live
            .values()
            .any(|row| named(&row.unpack()).iter().any(|(named, by)| *named == what && by.eq_ignore_ascii_case(id)))
    })
}
