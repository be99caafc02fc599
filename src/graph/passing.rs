//! Knows which refusals of a write pass by themselves, and how long each is worth waiting for.
//!
//! Graph acknowledges a write before all of its replicas have it. The refusals that follow from that are those that Terraform's
//! providers wait out as well (<https://github.com/hashicorp/terraform-provider-azuread>), and each depends on what this client has
//! written before: the same words are final where nothing of it was.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};

use crate::engine::schema;
use crate::model::Write;
use crate::tenant::TenantError;

/// Time without an end of its own: the deadline of the write counts.
const AS_LONG_AS_IT_TAKES: Duration = Duration::MAX;

/// Time for which a deletion may be refused although its own preparation was carried out: Terraform's provider looks for the
/// change ten times in 20 seconds, and waits ten more.
const PREPARED: Duration = Duration::from_secs(30);

/// Time for which something may be refused because of an object that is gone already, or because another service
/// learns late of one that is new.
const NOTICED: Duration = Duration::from_secs(60);

/// Holds the ids of objects that this client wrote, and of which not every replica may know yet.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<Ids>);

#[derive(Debug, Default)]
struct Ids {
    /// Ids of objects that were created or restored.
    made: HashSet<String>,
    /// Ids of objects that were changed.
    changed: HashSet<String>,
    /// Ids of objects that were deleted.
    removed: HashSet<String>,
}

impl Recent {
    fn with<T>(&self, f: impl FnOnce(&mut Ids) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Remembers new ids.
    pub(super) fn add(&self, ids: impl IntoIterator<Item = String>) {
        self.with(|known| known.made.extend(ids));
    }

    /// Remembers a write that was carried out.
    pub(super) fn note(&self, write: &Write) {
        self.with(|known| match write {
            Write::Update { id, .. } | Write::Call { id, .. } | Write::Relink { id, .. } | Write::Unlink { id, .. } => {
                known.changed.insert(id.clone());
            }
            Write::Delete { id, .. } => drop(known.removed.insert(id.clone())),
            Write::Create { .. } | Write::Restore { .. } | Write::Link { .. } => {}
        });
    }

    /// Returns true if the object is new.
    pub(super) fn has(&self, id: &str) -> bool {
        self.with(|known| known.made.contains(id))
    }

    fn has_any(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.has(text),
            Value::Array(items) => items.iter().any(|item| self.has_any(item)),
            Value::Object(map) => map.values().any(|item| self.has_any(item)),
            _ => false,
        }
    }

    /// Returns true if `write` mentions a new object.
    pub(super) fn concerns(&self, write: &Write) -> bool {
        let any = |map: &Map<String, Value>| map.values().any(|value| self.has_any(value));
        match write {
            Write::Create { body, .. } => any(body),
            Write::Restore { id, .. } | Write::Delete { id, .. } => self.has(id),
            Write::Update { id, body, .. } => self.has(id) || any(body),
            Write::Call { id, value, .. } | Write::Link { id, value, .. } => self.has(id) || self.has_any(value),
            Write::Relink { kind, id, child, value, .. } => {
                let parts = id.split('_').filter(|_| !kind.id_of.is_empty());
                self.has(id) || self.has(child) || any(value) || parts.into_iter().any(|part| self.has(part))
            }
            Write::Unlink { id, child, .. } => self.has(id) || self.has(child),
        }
    }

    /// Returns how long the refusal of `write` is worth waiting for; `None` if it is final.
    pub(super) fn patience(&self, write: &Write, error: &TenantError) -> Option<Duration> {
        let new = self.concerns(write);
        let said = |message: &str, words: &[&str]| words.iter().any(|word| message.contains(word));
        match error {
            // Two writes met. Rules of one policy may be written one at a time only.
            TenantError::Refused { code, .. } if code == "Directory_ConcurrencyViolation" => Some(AS_LONG_AS_IT_TAKES),
            TenantError::Refused { status: 412, .. } => Some(NOTICED),
            TenantError::NotFound { .. } if new => Some(AS_LONG_AS_IT_TAKES),
            // It got another id with the last write, and may answer to none for a while.
            TenantError::NotFound { .. } if self.renames(write) => Some(NOTICED),
            // An attempt whose answer was lost may have restored it, and a replica may show it late.
            TenantError::NotFound { .. } if matches!(write, Write::Restore { .. }) => Some(NOTICED),
            TenantError::Refused { status: 400, message, .. } if new && said(message, UNKNOWN_AS_YET) => {
                Some(AS_LONG_AS_IT_TAKES)
            }
            TenantError::Refused { status: 400 | 409, code, .. } => self.after_own_writes(write, error, code, new),
            TenantError::Denied { message, .. } if new => match write {
                _ if said(message, &["the backing application of the service principal being created"]) => {
                    Some(AS_LONG_AS_IT_TAKES)
                }
                // Synchronization is another service, which answers 403 just after the service principal was made.
                Write::Link { kind, id, link, .. }
                    if self.has(id) && kind.link(link).is_some_and(|link| link.at.is_some()) =>
                {
                    Some(NOTICED)
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns true if the object got another id when this client wrote to it last.
    fn renames(&self, write: &Write) -> bool {
        let Write::Relink { kind, id, .. } = write else { return false };
        !kind.id_of.is_empty() && self.with(|known| known.changed.contains(id))
    }

    /// Judges a refusal that this client's own earlier writes explain.
    fn after_own_writes(&self, write: &Write, error: &TenantError, code: &str, new: bool) -> Option<Duration> {
        let TenantError::Refused { status, message, .. } = error else { return None };
        self.with(|known| match (write, status) {
            // What has the same key is gone, and its name still taken.
            (Write::Create { body, .. }, 409) if body.values().any(|value| is_in(&known.removed, value)) => {
                Some(NOTICED)
            }
            // A second PATCH soon after a POST may be refused: <https://github.com/hashicorp/terraform-provider-azuread/issues/1764>
            (_, 409) => (new && !message.contains("already exist")).then_some(AS_LONG_AS_IT_TAKES),
            // "Permission (scope or role) cannot be deleted or updated unless disabled first", a moment after it was.
            (Write::Update { id, .. }, _) if code == "CannotDeleteOrUpdateEnabledEntitlement" => {
                known.changed.contains(id).then_some(NOTICED)
            }
            // An access package that was deleted still holds the resource.
            (Write::Unlink { .. }, _) if code == "InvalidDeleteResourceHasEntitlements" => {
                (!known.removed.is_empty() || !known.changed.is_empty()).then_some(NOTICED)
            }
            // A location is still trusted, or a policy that is gone still names it. Other kinds have nothing to prepare.
            (Write::Delete { kind, id }, _) if schema::of(kind).prepares_deletion() => {
                // Both may be the case, and the longer wait counts.
                match known.removed.is_empty() {
                    false => Some(NOTICED),
                    true => known.changed.contains(id).then_some(PREPARED),
                }
            }
            _ => None,
        })
    }
}

/// Words with which Graph refuses to take up an object that is not known everywhere yet.
const UNKNOWN_AS_YET: &[&str] = &[
    "does not exist or one of its queried reference-property objects are not present",
    "does not reference a valid application object",
    "Not a valid reference update",
    "One or more property values specified are invalid",
    // A policy may name a new location only seconds after the location was made.
    "NamedLocation with id",
];

fn is_in(ids: &HashSet<String>, value: &Value) -> bool {
    value.as_str().is_some_and(|text| ids.contains(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds;

    const ID: &str = "6a46cf97-e63a-4216-8572-04331c277457";

    fn refused(status: u16, code: &str, message: &str) -> TenantError {
        TenantError::Refused { request: String::new(), status, code: code.into(), message: message.into() }
    }

    fn update(kind: &str, id: &str) -> Write {
        Write::Update { kind: kinds::by_name(kind).unwrap(), id: id.into(), body: Map::new() }
    }

    fn delete(kind: &str, id: &str) -> Write {
        Write::Delete { kind: kinds::by_name(kind).unwrap(), id: id.into() }
    }

    #[test]
    fn only_what_is_new_is_waited_for() {
        let (none, recent) = (Recent::default(), Recent::default());
        recent.add([ID.to_owned()]);
        let write = update("group", ID);
        for (error, passes) in [
            (refused(400, "Request_BadRequest", "Not a valid reference update."), true),
            (TenantError::NotFound { request: String::new(), message: String::new() }, true),
            (refused(409, "x", "An object with this name already exists"), false),
            (refused(400, "Request_BadRequest", "Invalid value"), false),
        ] {
            assert_eq!(recent.patience(&write, &error).is_some(), passes, "{error}");
            assert_eq!(none.patience(&write, &error), None, "{error}");
        }
        assert!(none.patience(&write, &refused(409, "Directory_ConcurrencyViolation", "")).is_some());
        assert!(none.patience(&write, &refused(412, "PreconditionFailed", "")).is_some());
    }

    /// Checks refusals that only the client's own earlier writes explain: without them, they are final.
    #[test]
    fn a_refusal_that_own_writes_explain_is_waited_out() {
        let location = delete("namedLocation", ID);
        let package = kinds::by_name("accessPackageCatalog").unwrap();
        let resource = Write::Unlink { kind: package, id: "c".into(), link: "resources", child: "r".into() };
        let partner = kinds::by_name("crossTenantPartner").unwrap();
        let body = json!({"tenantId": ID}).as_object().unwrap().clone();
        for (number, before, write, error) in [
            (
                "W55",
                delete("crossTenantPartner", ID),
                Write::Create { kind: partner, body },
                refused(409, "x", "exists"),
            ),
            (
                "W62",
                update("application", ID),
                update("application", ID),
                refused(400, "CannotDeleteOrUpdateEnabledEntitlement", "unless disabled first"),
            ),
            ("W67", update("namedLocation", ID), location.clone(), refused(400, "x", "a trusted location")),
            ("W68", delete("conditionalAccessPolicy", "p"), location, refused(400, "x", "named by policies")),
            ("W213", delete("accessPackage", "a"), resource, refused(400, "InvalidDeleteResourceHasEntitlements", "")),
        ] {
            let recent = Recent::default();
            assert_eq!(recent.patience(&write, &error), None, "{number}");
            recent.note(&before);
            assert!(recent.patience(&write, &error).is_some(), "{number}");
        }
    }

    /// A location that was made untrusted may have been named by a policy that is gone: the longer wait counts.
    #[test]
    fn a_location_is_waited_for_as_long_as_the_slower_reason_takes() {
        let (recent, write) = (Recent::default(), delete("namedLocation", ID));
        let error = refused(400, "Request_BadRequest", "referenced by a policy");
        recent.note(&update("namedLocation", ID));
        assert_eq!(recent.patience(&write, &error), Some(PREPARED));
        recent.note(&delete("conditionalAccessPolicy", "p"));
        assert_eq!(recent.patience(&write, &error), Some(NOTICED));
    }

    #[test]
    fn a_write_concerns_what_it_mentions() {
        let recent = Recent::default();
        let kind = kinds::by_name("conditionalAccessPolicy").unwrap();
        let body = json!({"conditions": {"users": {"includeGroups": [ID]}}});
        let write = Write::Create { kind, body: body.as_object().unwrap().clone() };
        assert!(!recent.concerns(&write));
        recent.add([ID.to_owned()]);
        assert!(recent.concerns(&write));
    }
}
