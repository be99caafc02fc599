//! Defines [`Tenant`]: the whole state of the embedded tenant, with its lookups.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Map, Value};

use super::change_log::Log;
use super::child_keys;
use super::clock::Clock;
use super::directory;
use super::error::Fault;
use super::faults::{FaultInjector, Faults, Replicas};
use super::links::Links;
use super::properties;
use super::routes::Pick;
use super::store::{Key, Properties, Row, Store, text};
use crate::kinds;
use crate::model::Kind;
use crate::model::kind::Link;

/// Represents the whole tenant.
#[derive(Debug)]
pub struct Tenant {
    /// Id of the tenant.
    pub id: String,
    /// Name of the tenant.
    pub name: String,
    /// Verified domains, the initial one first.
    pub domains: Vec<String>,
    /// Source of the time.
    pub clock: Clock,
    /// Objects.
    pub store: Store,
    /// Relations.
    pub links: Links,
    /// Log of changes, for delta queries.
    pub log: Log,
    /// Entries of the audit log, oldest first.
    pub audits: VecDeque<Value>,
    /// Secret that signs tokens of every sort.
    pub secret: String,
    /// Applications of other tenants whose service principals were purged here, by application id, with the properties that those
    /// showed: they are still registered in their own tenants, and a service principal can be created for them again.
    pub foreign: BTreeMap<String, Properties>,
    /// Faults to inject.
    pub weather: FaultInjector,
    /// Writes that some replicas lack.
    pub replicas: Replicas,
}

impl Tenant {
    /// Returns a tenant without objects.
    pub fn new(id: String, secret: String) -> Self {
        Self {
            id,
            name: "Contoso".to_owned(),
            domains: Vec::new(),
            clock: Clock::default(),
            store: Store::default(),
            links: Links::default(),
            log: Log::default(),
            audits: VecDeque::new(),
            secret,
            foreign: BTreeMap::new(),
            weather: FaultInjector::new(Faults::default(), 0),
            replicas: Replicas::default(),
        }
    }

    /// Puts a child into its table and under its parent, giving it an id if it has none.
    pub fn adopt(&mut self, parent: &Key, link: &'static str, mut child: Properties) -> Key {
        if !child_keys::single(link) {
            child.entry("id").or_insert_with(|| child_keys::child_id(link, uuid::Uuid::new_v4()).into());
        }
        let id = child.get("id").and_then(Value::as_str).unwrap_or_default();
        let key = child_keys::child_key(link, parent, id);
        self.store.children_mut(link).live.insert(key.clone(), Row::pack(&child));
        self.links.add(parent, link, &key);
        if link == "appRoleAssignedTo"
            && let Some(principal) = child.get("principalId").and_then(Value::as_str)
        {
            self.links.add(&Key::of(principal), "appRoleAssignments", &key);
        }
        key
    }

    /// Returns the singleton of `kind`.
    pub fn singleton(&self, kind: &Kind) -> Option<(Key, Properties)> {
        self.store.table(kind).live.iter().next().map(|(key, row)| (key.clone(), row.unpack()))
    }

    /// Returns the live object that a path picks.
    pub fn find(&self, kind: &Kind, pick: &Pick) -> Result<(Key, Properties), Fault> {
        if kind.is_singleton() {
            return self.singleton(kind).ok_or_else(|| Fault::missing(kind.name));
        }
        let table = self.store.table(kind);
        let key = match pick {
            Pick::Id(id) => {
                let key = Key::of(id);
                match table.live.contains_key(&key) {
                    true => Some(key),
                    // A user is found by id or by user principal name: <https://learn.microsoft.com/graph/api/user-get>
                    false if kind.name == "user" => table.holder("userPrincipalName", id).cloned(),
                    false => None,
                }
            }
            Pick::By(name, value) => {
                let known = properties::alternate_keys(kind.name).iter().find(|key| **key == name.as_str());
                let name = known.ok_or_else(|| {
                    Fault::odata(format!(
                        "The key property '{name}' was not found in type 'microsoft.graph.{}'.",
                        kind.name
                    ))
                })?;
                table.holder(name, value).cloned()
            }
        };
        let (Pick::Id(word) | Pick::By(_, word)) = pick;
        let key = key.ok_or_else(|| Fault::missing(word))?;
        let object = table.live.get(&key).ok_or_else(|| Fault::missing(word))?.unpack();
        if self.shows(kind, &object) { Ok((key, object)) } else { Err(Fault::missing(word)) }
    }

    /// Returns the kind of a link's target, if it is there.
    pub fn target_kind(&self, link: &Link, id: &Key) -> Option<&'static Kind> {
        if link.to == Link::COMMON.to {
            return self.directory_kind(id);
        }
        let mut kinds = kinds::ALL.iter().copied().filter(|kind| kind.path == link.to);
        kinds.find(|kind| self.store.table(kind).live.contains_key(id))
    }

    /// Returns the kind among those at the same path that has the object called `id`; `kind` itself if none has.
    pub fn at_path_of(&self, kind: &'static Kind, pick: &Pick) -> &'static Kind {
        let Pick::Id(id) = pick else { return kind };
        let key = Key::of(id);
        let has = |kind: &&'static Kind| self.store.table(kind).live.contains_key(&key);
        if has(&kind) {
            return kind;
        }
        kinds::ALL.iter().copied().filter(|other| other.path == kind.path).find(has).unwrap_or(kind)
    }

    /// Returns the kind of the live directory object called `id`.
    pub fn directory_kind(&self, id: &Key) -> Option<&'static Kind> {
        directory::all().find(|kind| self.store.table(kind).live.contains_key(id))
    }

    /// Returns the live directory object called `id`.
    pub fn directory_object(&self, id: &str) -> Option<(&'static Kind, Properties)> {
        let key = Key::of(id);
        let kind = self.directory_kind(&key)?;
        Some((kind, self.store.table(kind).live.get(&key)?.unpack()))
    }

    /// Finds a deleted object in the recycle bins.
    pub fn deleted(&self, owner: Option<&'static Kind>, id: &str) -> Result<(&'static Kind, Key, Properties), Fault> {
        let key = Key::of(id);
        kinds::ALL
            .iter()
            .copied()
            .filter(|kind| owner.map_or_else(|| directory::holds(kind), |owner| owner == *kind))
            .find_map(|kind| Some((kind, key.clone(), self.store.table(kind).bin.get(&key)?.unpack())))
            .ok_or_else(|| Fault::missing(id))
    }

    /// Returns true if a list shows the object: an assignment is hidden while its principal is deleted, and comes back with it.
    /// <https://learn.microsoft.com/entra/fundamentals/recover-from-deletions>
    pub fn shows(&self, kind: &Kind, object: &Properties) -> bool {
        kind.name != "roleAssignment" || self.directory_kind(&Key::of(text(object, "principalId"))).is_some()
    }

    /// Returns the children that `parent` holds at `link`.
    pub fn children<'a>(&'a self, link: &'static str, parent: &Key) -> impl Iterator<Item = Properties> + use<'a> {
        let table = self.store.children(link);
        let keys: Vec<Key> = self.links.targets(parent, link).into_iter().flatten().cloned().collect();
        keys.into_iter().filter_map(move |key| Some(table?.live.get(&key)?.unpack()))
    }

    /// Returns true if a child can be seen: all objects that it names must be there.
    pub fn visible(&self, link: &str, child: &Map<String, Value>) -> bool {
        match link {
            "appRoleAssignedTo" | "oauth2PermissionGrants" => {
                ["clientId", "resourceId", "principalId"].iter().all(|name| {
                    child
                        .get(*name)
                        .and_then(Value::as_str)
                        .is_none_or(|id| self.directory_kind(&Key::of(id)).is_some())
                })
            }
            _ => true,
        }
    }

    /// Returns the application in the tenant that a client id belongs to: its service principal's id and name.
    pub fn known_app(&self, app_id: &str) -> Option<(String, String)> {
        let table = self.store.table(kinds::by_name("servicePrincipal")?);
        let key = table.holder("appId", app_id)?;
        let name = table.get(&key.id)?.get("displayName")?.as_str()?.to_owned();
        Some((key.id.to_string(), name))
    }

    /// Returns true if `domain` is verified.
    pub fn verified(&self, domain: &str) -> bool {
        self.domains.iter().any(|known| known.eq_ignore_ascii_case(domain))
    }

    /// Returns the organization object. <https://learn.microsoft.com/graph/api/resources/organization>
    pub fn organization(&self) -> Properties {
        let domains: Vec<Value> = self
            .domains
            .iter()
            .enumerate()
            .map(|(at, name)| {
                let initial = name.ends_with(".onmicrosoft.com");
                serde_json::json!({
                    "capabilities": "Email, OfficeCommunicationsOnline", "isDefault": at + 1 == self.domains.len(),
                    "isInitial": initial, "name": name, "type": "Managed",
                })
            })
            .collect();
        let mut organization = Properties::new();
        organization.insert("id".to_owned(), self.id.clone().into());
        organization.insert("displayName".to_owned(), self.name.clone().into());
        organization.insert("tenantType".to_owned(), "AAD".into());
        organization.insert("countryLetterCode".to_owned(), "US".into());
        organization.insert("createdDateTime".to_owned(), "2019-03-01T09:15:30Z".into());
        organization.insert("verifiedDomains".to_owned(), Value::Array(domains));
        organization
    }
}
