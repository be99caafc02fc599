//! Implements the rules for network access: the properties that the service adds on creation and change.

use super::checks::require;
use crate::emulator::csdl;
use crate::emulator::error::Fault;
use crate::emulator::store::{Properties, text};
use crate::emulator::tenant::Tenant;
use crate::model::Kind;

/// Checks that a new object has a name, and adds the version and the dates that the service sets.
/// <https://learn.microsoft.com/graph/api/networkaccess-filteringpolicy-post-policyrules>,
/// <https://learn.microsoft.com/graph/api/networkaccess-networkaccessroot-post-tlsinspectionpolicies>
pub(super) fn create(tenant: &Tenant, kind: &Kind, object: &mut Properties) -> Result<(), Fault> {
    require(object, &["name"], kind.entity)?;
    object.insert("version".to_owned(), "1.0.0".into());
    for name in ["createdDateTime", "lastModifiedDateTime"] {
        stamp(tenant, kind, name, object);
    }
    Ok(())
}

/// Updates the time of the last change. <https://learn.microsoft.com/graph/api/resources/networkaccess-profile>
pub(super) fn update(tenant: &Tenant, kind: &Kind, new: &mut Properties) -> Result<(), Fault> {
    if text(new, "version").is_empty() {
        return Ok(());
    }
    stamp(tenant, kind, "lastModifiedDateTime", new);
    Ok(())
}

fn stamp(tenant: &Tenant, kind: &Kind, name: &str, object: &mut Properties) {
    if csdl::of(kind.api).ty(kind.entity).is_some_and(|ty| ty.property(name).is_some()) {
        object.insert(name.to_owned(), tenant.clock.seconds().into());
    }
}
