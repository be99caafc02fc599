//! Implements both tenant ports in memory over sorted maps, for tests of everything above them.
//!
//! It is stricter than Graph: a reference to an object that does not exist, a property that the schema does not know, and a
//! value that cannot be written are refused, also where Graph would accept them. New ids come from a counter, so that the same
//! writes give the same tenant.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use self::state::{State, guid, refused};
use super::{Changes, Listing, Pages, Raw, RawObject, TenantError, TenantRead, TenantWrite};
use crate::kinds;
use crate::model::{AuditEvent, Coverage, CoverageMap, Kind, Write, Written};

mod state;

/// Number of objects in one page.
const PAGE_SIZE: usize = 100;

/// Represents a tenant in memory.
#[derive(Debug, Default)]
pub struct MemoryTenant {
    state: Mutex<State>,
    coverage: CoverageMap,
}

impl MemoryTenant {
    /// Creates a tenant that holds `objects`, each given as its kind's name and Graph's JSON with links, as in
    /// [`RawObject::value`](super::RawObject).
    ///
    /// # Errors
    /// If there is no such kind, an object has no id, or two have the same. Values are not checked, as a tenant may hold some
    /// that cannot be written.
    pub fn from_objects(objects: Vec<(&str, Raw)>) -> Result<Self, TenantError> {
        let mut state = State::default();
        for (name, mut raw) in objects {
            let kind = kinds::by_name(name).ok_or_else(|| refused(400, &format!("there is no kind {name}")))?;
            let id = raw.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
            let key = (kind.name, id.ok_or_else(|| refused(400, "an object without an id"))?.to_owned());
            for link in kind.links {
                let Some(value) = raw.remove(link.name) else { continue };
                state.load_link(kind, link, &key.1, value);
            }
            if state.objects.insert(key, raw).is_some() {
                return Err(refused(409, "two objects have the same id"));
            }
        }
        Ok(MemoryTenant { state: Mutex::new(state), coverage: CoverageMap::default() })
    }

    /// Makes a kind (`group`) or a link (`group.members`) unreadable: the kind's objects are not listed, or come without the
    /// link. `coverage` is what reads then report.
    #[must_use]
    pub fn hiding(mut self, what: &str, coverage: Coverage) -> Self {
        self.coverage.0.insert(what.to_owned(), coverage);
        self
    }

    /// Returns every object that is not deleted, with its links and the name of its kind, ordered by kind and id.
    pub fn objects(&self) -> Vec<(&'static str, Raw)> {
        let state = self.lock();
        let objects = state.objects.iter().filter_map(|((name, id), raw)| Some((kinds::by_name(name)?, id, raw)));
        objects.map(|(kind, id, raw)| (kind.name, state.with_links(kind, id, raw))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the coverage of a kind (`group`) or a link (`group.members`).
    fn coverage_of(&self, what: &str) -> Coverage {
        self.coverage.0.get(what).copied().unwrap_or(Coverage::Complete)
    }

    /// Returns the object as a read does: without the links that cannot be read.
    fn raw_object(&self, kind: &'static Kind, mut value: Raw) -> RawObject {
        let mut missing = Vec::new();
        for link in kind.links {
            let coverage = self.coverage_of(&format!("{}.{}", kind.name, link.name));
            if !coverage.is_complete() {
                value.remove(link.name);
                missing.push((link.name, coverage));
            }
        }
        RawObject { value, missing, untouched: false }
    }
}

impl TenantRead for MemoryTenant {
    async fn tenant_id(&self) -> Result<String, TenantError> {
        Ok(guid(0))
    }

    async fn list(&self, kind: &'static Kind, pages: Pages) -> Listing {
        let coverage = self.coverage_of(kind.name);
        let mut links = CoverageMap::default();
        for link in kind.links {
            let of_link = self.coverage_of(&format!("{}.{}", kind.name, link.name));
            links.set_link(kind.name, link.name, if of_link.is_complete() { coverage } else { of_link });
        }
        let note = (!coverage.is_complete()).then(|| format!("{}: {}", kind.title, coverage.as_str()));
        let listing = Listing { coverage, links, note };
        if !coverage.is_complete() {
            return listing;
        }
        let objects: Vec<RawObject> = {
            let state = self.lock();
            let of_kind = state.objects_of(kind).map(|(id, raw)| state.with_links(kind, id, raw));
            of_kind.map(|raw| self.raw_object(kind, raw)).collect()
        };
        let mut objects = objects.into_iter().peekable();
        while objects.peek().is_some() {
            if pages.send(objects.by_ref().take(PAGE_SIZE).collect()).await.is_err() {
                return Listing { coverage: Coverage::Partial, ..listing };
            }
        }
        listing
    }

    async fn count(&self, kind: &'static Kind) -> Result<usize, TenantError> {
        Ok(self.lock().objects_of(kind).count())
    }

    async fn get(&self, kind: &'static Kind, id: &str) -> Result<Option<RawObject>, TenantError> {
        let state = self.lock();
        let found = state.key_of(kind, id).and_then(|key| Some((key.clone(), state.objects.get(&key)?)));
        Ok(found.map(|(key, raw)| self.raw_object(kind, state.with_links(kind, &key.1, raw))))
    }

    async fn changes(&self, kind: &'static Kind, token: Option<&str>) -> Result<Changes, TenantError> {
        if kind.delta.is_none() || !self.coverage_of(kind.name).is_complete() {
            return Ok(Changes::StartOver { why: format!("changes of {} are not tracked", kind.title) });
        }
        Ok(self.lock().changes(kind, token))
    }

    async fn deleted(&self, kind: &'static Kind) -> Result<Vec<Raw>, TenantError> {
        let state = self.lock();
        Ok(state.bin.iter().filter(|((name, _), _)| *name == kind.name).map(|(_, raw)| raw.clone()).collect())
    }

    async fn audit(&self, _since: Option<&str>) -> Result<Vec<AuditEvent>, TenantError> {
        Ok(Vec::new())
    }
}

impl TenantWrite for MemoryTenant {
    async fn write(&self, write: &Write) -> Result<Written, TenantError> {
        let mut state = self.lock();
        let mut next = state.clone();
        let value = next.carry_out(write)?;
        next.note(write, value.as_ref());
        // A write that is refused changes nothing.
        *state = next;
        Ok(Written { value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn raw(value: Value) -> Raw {
        value.as_object().cloned().unwrap_or_default()
    }

    fn kind(name: &str) -> &'static Kind {
        kinds::by_name(name).unwrap()
    }

    fn tenant() -> MemoryTenant {
        MemoryTenant::from_objects(vec![
            ("user", raw(json!({"id": "u1", "displayName": "Ada", "manager": {"id": "u2"}}))),
            ("user", raw(json!({"id": "u2", "displayName": "Grace"}))),
            ("group", raw(json!({"id": "g1", "displayName": "All", "members": [{"id": "u1"}, {"id": "u2"}]}))),
            ("namedLocation", raw(json!({"id": "l1", "displayName": "HQ"}))),
            ("servicePrincipal", raw(json!({"id": "s1", "appId": "a1",
                "oauth2PermissionGrants": [{"id": "p1", "consentType": "AllPrincipals", "resourceId": "s1", "scope": "x"}]}))),
        ])
        .unwrap()
    }

    fn ids(list: &Value) -> Vec<&str> {
        list.as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
    }

    async fn members(tenant: &MemoryTenant) -> Value {
        tenant.get(kind("group"), "g1").await.unwrap().unwrap().value["members"].clone()
    }

    #[tokio::test]
    async fn the_recycle_bin_keeps_links() {
        let (tenant, user) = (tenant(), kind("user"));
        tenant.write(&Write::Delete { kind: user, id: "u2".into() }).await.unwrap();
        assert_eq!(ids(&members(&tenant).await), ["u1"]);
        assert_eq!(tenant.get(user, "u1").await.unwrap().unwrap().value.get("manager"), None);
        assert_eq!(tenant.deleted(user).await.unwrap().len(), 1);
        let again = Write::Delete { kind: user, id: "u2".into() };
        assert!(matches!(tenant.write(&again).await, Err(TenantError::NotFound { .. })));

        tenant.write(&Write::Restore { kind: user, id: "u2".into() }).await.unwrap();
        assert_eq!(ids(&members(&tenant).await), ["u1", "u2"]);
        assert!(tenant.deleted(user).await.unwrap().is_empty());
        assert!(tenant.write(&Write::Restore { kind: user, id: "u2".into() }).await.is_err());
    }

    #[tokio::test]
    async fn what_is_not_there_is_refused() {
        let (tenant, group) = (tenant(), kind("group"));
        let link = |id: &str, to: &str| Write::Link { kind: group, id: id.into(), link: "members", value: json!(to) };
        assert!(matches!(tenant.write(&link("g1", "nobody")).await, Err(TenantError::NotFound { .. })));
        assert!(matches!(tenant.write(&link("nothing", "u1")).await, Err(TenantError::NotFound { .. })));
        assert!(tenant.write(&link("g1", "u1")).await.is_ok());
        let update = Write::Update { kind: group, id: "g2".into(), body: raw(json!({"displayName": "x"})) };
        assert!(tenant.write(&update).await.is_err());
        let create = Write::Create { kind: kind("authorizationPolicy"), body: Raw::new() };
        assert!(tenant.write(&create).await.is_err());
        assert!(MemoryTenant::from_objects(vec![("spaceship", raw(json!({"id": "1"})))]).is_err());
    }

    #[tokio::test]
    async fn changes_are_told_once_and_tokens_are_checked() {
        let (tenant, group) = (tenant(), kind("group"));
        let since = |changed: &[&str], removed: &[&str], token: &str| Changes::Since {
            changed: changed.iter().map(|id| (*id).to_owned()).collect(),
            removed: removed.iter().map(|id| (*id).to_owned()).collect(),
            token: token.to_owned(),
        };
        assert_eq!(tenant.changes(group, None).await.unwrap(), since(&[], &[], "0"));
        let value = json!("u1");
        let link = Write::Link { kind: group, id: "g1".into(), link: "owners", value };
        tenant.write(&link).await.unwrap();
        assert_eq!(tenant.changes(group, Some("0")).await.unwrap(), since(&["g1"], &[], "1"));
        assert_eq!(tenant.changes(group, Some("1")).await.unwrap(), since(&[], &[], "1"));
        tenant.write(&Write::Delete { kind: group, id: "g1".into() }).await.unwrap();
        assert_eq!(tenant.changes(group, Some("0")).await.unwrap(), since(&[], &["g1"], "2"));
        assert_eq!(tenant.changes(kind("user"), Some("0")).await.unwrap(), since(&[], &[], "2"));
        for token in ["3", "-1", "https://graph.microsoft.com/v1.0/groups/delta"] {
            assert!(matches!(tenant.changes(group, Some(token)).await.unwrap(), Changes::StartOver { .. }), "{token}");
        }
        assert!(matches!(tenant.changes(kind("namedLocation"), None).await.unwrap(), Changes::StartOver { .. }));
    }

    #[tokio::test]
    async fn ids_are_counted() {
        let (one, two) = (tenant(), tenant());
        let write = Write::Create { kind: kind("group"), body: raw(json!({"displayName": "New"})) };
        let made = one.write(&write).await.unwrap();
        assert_eq!(made, two.write(&write).await.unwrap());
        assert_ne!(made, one.write(&write).await.unwrap());
        assert_eq!(one.objects().len(), 7);
    }

    #[tokio::test]
    async fn children_have_keys() {
        let (tenant, principal) = (tenant(), kind("servicePrincipal"));
        let value = json!({"consentType": "AllPrincipals", "resourceId": "s1", "scope": "y"});
        let link = Write::Link { kind: principal, id: "s1".into(), link: "oauth2PermissionGrants", value };
        assert!(matches!(tenant.write(&link).await, Err(TenantError::Refused { status: 409, .. })));
        let relink = |property: &str| Write::Relink {
            kind: principal,
            id: "s1".into(),
            link: "oauth2PermissionGrants",
            child: "p1".into(),
            value: raw(json!({property: "z"})),
        };
        assert!(tenant.write(&relink("scope")).await.is_ok());
        assert!(tenant.write(&relink("consentType")).await.is_err());
        let unlink =
            Write::Unlink { kind: principal, id: "s1".into(), link: "oauth2PermissionGrants", child: "p1".into() };
        assert!(tenant.write(&unlink).await.is_ok());
        assert!(tenant.write(&unlink).await.is_err());
        let made = tenant.write(&link).await.unwrap().value.unwrap();
        assert_eq!(made["clientId"], "s1");
    }

    #[tokio::test]
    async fn what_is_hidden_is_missing_not_absent() {
        let tenant = tenant().hiding("group.members", Coverage::DeniedPermission).hiding("user", Coverage::Failed);
        let (send, mut pages) = tokio::sync::mpsc::channel(8);
        let listing = tenant.list(kind("group"), send).await;
        assert_eq!(listing.links.link("group", "members"), Coverage::DeniedPermission);
        let page = pages.recv().await.unwrap();
        assert_eq!(page[0].missing, [("members", Coverage::DeniedPermission)]);
        assert!(!page[0].value.contains_key("members"));
        let (send, mut pages) = tokio::sync::mpsc::channel(8);
        assert_eq!(tenant.list(kind("user"), send).await.coverage, Coverage::Failed);
        assert!(pages.recv().await.is_none());
    }
}
