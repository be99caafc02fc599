//! Makes the ids of children, and the keys under which they are stored.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::store::Key;
use crate::kinds;
use crate::model::kind::Children;

/// Returns the id that the directory makes of `id` for a child: an opaque word for assignments and grants, a GUID otherwise.
pub fn child_id(link: &str, id: uuid::Uuid) -> String {
    match link {
        "appRoleAssignedTo" | "oauth2PermissionGrants" | "delegatedPermissionClassifications" => {
            let tail = uuid::Uuid::new_v5(&id, link.as_bytes());
            URL_SAFE_NO_PAD.encode([id.into_bytes(), tail.into_bytes()].concat())
        }
        _ => id.to_string(),
    }
}

/// Returns the registry's entry on the children that some kind calls `link`, where they live below more than one object.
fn children(link: &str) -> Option<&'static Children> {
    let shared = kinds::ALL.iter().filter(|kind| !kind.is_singleton());
    shared.flat_map(|kind| kind.links).find(|known| known.name == link)?.children()
}

/// Returns true if there is at most one such child below an object.
pub fn single(link: &str) -> bool {
    kinds::ALL
        .iter()
        .flat_map(|kind| kind.links)
        .any(|known| known.name == link && known.children().is_some_and(|children| children.single))
}

/// Returns the key of a child in its table. Where children of several objects have the same ids, the parent's id is part of it.
pub fn child_key(link: &str, parent: &Key, id: &str) -> Key {
    match children(link) {
        Some(children) if children.single => Key::of(&format!("{}/{link}", parent.id)),
        Some(children) if children.keeps_id => Key::of(&format!("{}/{id}", parent.id)),
        _ => Key::of(id),
    }
}
