//! A tenant in memory whose lists lack what is there.

use std::sync::Mutex;

use entragit::kinds;
use entragit::model::{AuditEvent, Kind, Write};
use entragit::tenant::memory::MemoryTenant;
use entragit::tenant::{Changes, Listing, Pages, Raw, RawObject, TenantError, TenantRead, TenantWrite};
use serde_json::json;
use tokio::sync::mpsc;

/// A tenant in memory that refuses to answer by id, or whose lists lack objects; it counts what it is asked.
#[derive(Default)]
pub(crate) struct Tenant {
    pub(crate) inner: MemoryTenant,
    /// Objects that no list has.
    pub(crate) lacks: Mutex<Vec<String>>,
    /// Objects that are not found by id.
    pub(crate) vanished: Mutex<Vec<String>>,
    /// A link that comes empty.
    pub(crate) unlinked: Mutex<Option<&'static str>>,
    pub(crate) refuses: Mutex<bool>,
    lists: Mutex<usize>,
    gets: Mutex<usize>,
}

impl Tenant {
    pub(crate) fn of(users: usize) -> Tenant {
        let users = (0..users).map(|number| {
            let value = json!({"id": id(number), "displayName": format!("User {number}"), "accountEnabled": true,
                "userPrincipalName": format!("u{number}@contoso.example"), "mailNickname": "u"});
            ("user", value.as_object().unwrap().clone())
        });
        Tenant::with(users.collect())
    }

    pub(crate) fn with(objects: Vec<(&str, Raw)>) -> Tenant {
        Tenant { inner: MemoryTenant::from_objects(objects).unwrap(), ..Tenant::default() }
    }

    pub(crate) async fn delete(&self, number: usize) {
        let kind = kinds::by_name("user").unwrap();
        self.inner.write(&Write::Delete { kind, id: id(number) }).await.unwrap();
    }

    fn unlink(&self, object: &mut RawObject) {
        if let Some(entries) = self.unlinked.lock().unwrap().and_then(|link| object.value.get_mut(link)) {
            *entries = json!([]);
        }
    }

    /// Lists and reads by id since the last call.
    pub(crate) fn asked(&self) -> (usize, usize) {
        (std::mem::take(&mut *self.lists.lock().unwrap()), std::mem::take(&mut *self.gets.lock().unwrap()))
    }
}

pub(crate) fn id(number: usize) -> String {
    format!("{number:08x}-0000-4000-8000-000000000000")
}

impl TenantRead for Tenant {
    async fn tenant_id(&self) -> Result<String, TenantError> {
        self.inner.tenant_id().await
    }

    async fn list(&self, kind: &'static Kind, pages: Pages) -> Listing {
        *self.lists.lock().unwrap() += 1;
        let lacks = self.lacks.lock().unwrap().clone();
        let (send, mut receive) = mpsc::channel(100);
        let (listing, ()) = tokio::join!(self.inner.list(kind, send), async {
            while let Some(mut page) = receive.recv().await {
                page.retain(|object| lacks.iter().all(|id| object.value["id"] != id.as_str()));
                page.iter_mut().for_each(|object| self.unlink(object));
                pages.send(page).await.unwrap();
            }
        });
        listing
    }

    async fn count(&self, kind: &'static Kind) -> Result<usize, TenantError> {
        self.inner.count(kind).await
    }

    async fn get(&self, kind: &'static Kind, id: &str) -> Result<Option<RawObject>, TenantError> {
        *self.gets.lock().unwrap() += 1;
        if *self.refuses.lock().unwrap() {
            let (request, code) = (format!("GET {}/{id}", kind.path), "1037".to_owned());
            return Err(TenantError::Refused { request, status: 400, code, message: "Use the Beta endpoint.".into() });
        }
        if self.vanished.lock().unwrap().iter().any(|gone| gone == id) {
            return Ok(None);
        }
        let mut found = self.inner.get(kind, id).await;
        if let Ok(Some(object)) = &mut found {
            self.unlink(object);
        }
        found
    }

    async fn changes(&self, kind: &'static Kind, token: Option<&str>) -> Result<Changes, TenantError> {
        self.inner.changes(kind, token).await
    }

    async fn deleted(&self, kind: &'static Kind) -> Result<Vec<Raw>, TenantError> {
        self.inner.deleted(kind).await
    }

    async fn audit(&self, since: Option<&str>) -> Result<Vec<AuditEvent>, TenantError> {
        self.inner.audit(since).await
    }
}
