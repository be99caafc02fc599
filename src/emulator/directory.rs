//! Tells which kinds are directory objects.

use std::sync::LazyLock;

use super::csdl;
use crate::kinds;
use crate::model::Kind;
use crate::model::kind::Deletion;

/// Returns true if objects of the kind are in the directory itself, where links can lead to them.
pub fn holds(kind: &Kind) -> bool {
    DIRECTORY.contains(&kind)
}

/// Returns the kinds of directory objects.
pub fn all() -> impl Iterator<Item = &'static Kind> {
    DIRECTORY.iter().copied()
}

/// Lists the kinds of directory objects. Policies are directory objects in the metadata only: they are never members, and no cast
/// leads to them.
static DIRECTORY: LazyLock<Vec<&'static Kind>> = LazyLock::new(|| {
    let is = |kind: &Kind, base: &str| csdl::of(kind.api).is_a(kind.entity, base);
    let shared = |kind: &Kind| matches!(kind.deletion, Deletion::Soft { item: "/directory/deletedItems", .. });
    // Devices and contacts are members of groups, although nobody deletes them here.
    let member = |kind: &Kind| matches!(kind.entity, "device" | "orgContact");
    let object =
        |kind: &Kind| is(kind, "directoryObject") && (shared(kind) || kind.deletion == Deletion::Hard || member(kind));
    kinds::ALL.iter().copied().filter(|kind| object(kind) && !is(kind, "policyBase")).collect()
});
