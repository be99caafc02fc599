//! Random damage to a tenant, through its own interface: what is refused is not done.

use std::collections::BTreeMap;

use entragit::kinds;
use entragit::model::Write;
use entragit::model::kind::Deletion;
use entragit::tenant::{Raw, TenantWrite};
use serde_json::{Value, json};

use crate::support::graph::{reference, security, text};
use crate::support::in_process::World;

const POLICIES: &str = "/beta/identity/conditionalAccess/policies";
const LOCATIONS: &str = "/v1.0/identity/conditionalAccess/namedLocations";
const ENTITLEMENTS: &str = "/v1.0/identityGovernance/entitlementManagement";

/// Kinds that are looked after in the short form: those that are damaged, and what refers to them.
pub(super) const LOOKED_AFTER: &[&str] = &[
    "group",
    "user",
    "application",
    "servicePrincipal",
    "conditionalAccessPolicy",
    "namedLocation",
    "administrativeUnit",
    "authenticationStrengthPolicy",
    "accessPackage",
    "accessPackageAssignmentPolicy",
    "accessPackageCatalog",
    "crossTenantPartner",
    "roleAssignment",
    "filteringPolicy",
    "roleDefinition",
];

/// Kinds of which objects are deleted, and the property that is edited.
const KINDS: &[(&str, &str)] = &[
    ("group", "description"),
    ("user", "jobTitle"),
    ("application", "notes"),
    ("servicePrincipal", "notes"),
    ("conditionalAccessPolicy", "displayName"),
    ("namedLocation", "displayName"),
    ("administrativeUnit", "description"),
    ("authenticationStrengthPolicy", "description"),
    ("accessPackage", "description"),
    ("crossTenantPartner", ""),
    ("roleAssignment", ""),
    ("filteringPolicy", "description"),
    ("roleDefinition", "description"),
];

/// Number of sorts of changes.
const SORTS: usize = 18;

/// Somebody who does harm, and what of it was done.
pub(super) struct Intruder<'a> {
    pub world: &'a World,
    pub dice: fastrand::Rng,
    /// Objects as they were when their kind was read first: whoever does harm does not look often.
    pub seen: BTreeMap<String, Vec<Raw>>,
    pub done: BTreeMap<String, usize>,
}

impl Intruder<'_> {
    /// Does harm until at least so many changes were made.
    pub async fn damage(&mut self, count: usize) {
        for attempt in 0..count * 8 {
            if self.done.values().sum::<usize>() >= count && self.done.len() >= 12 {
                return;
            }
            // Each sort once, then any.
            let sort = if attempt < SORTS { attempt } else { self.dice.usize(0..SORTS) };
            if let Some(what) = self.change(sort).await {
                *self.done.entry(what).or_default() += 1;
            }
        }
    }

    async fn change(&mut self, sort: usize) -> Option<String> {
        match sort {
            0..=4 => self.delete().await,
            5 | 6 => self.edit().await,
            7 => self.unlink("group", "members").await,
            8 => self.unlink("administrativeUnit", "members").await,
            9 => self.add_member().await,
            10 => self.disable().await,
            11 => self.trust().await,
            12 => self.add_permission().await,
            13 => self.add_policy().await,
            14 => self.add_package().await,
            15 => self.purge_provisioned().await,
            16 => self.change_permission().await,
            _ => self.delete_rules().await,
        }
    }

    async fn any(&mut self, kind: &str) -> Option<Raw> {
        if !self.seen.contains_key(kind) {
            let all = self.world.list(kind).await.into_iter().filter(|object| !object.untouched);
            let mut all: Vec<Raw> = all.map(|object| object.value).collect();
            // New objects have ids by chance, and lists are sorted by id.
            let names = |object: &Raw| ["displayName", "name", "id"].map(|name| object.get(name).map(Value::to_string));
            all.sort_by_cached_key(names);
            self.seen.insert(kind.to_owned(), all);
        }
        let all = &self.seen[kind];
        self.dice.choice(all).cloned()
    }

    async fn write(&self, write: Write) -> bool {
        self.world.tenant.write(&write).await.is_ok()
    }

    async fn delete(&mut self) -> Option<String> {
        let (name, _) = *self.dice.choice(KINDS)?;
        let kind = kinds::by_name(name)?;
        let object = self.any(name).await?;
        let upn = object.get("userPrincipalName").and_then(Value::as_str).unwrap_or_default();
        let id = text(&object[kind.key]);
        if object.get("isTrusted") == Some(&Value::Bool(true)) {
            let body = json!({"@odata.type": object["@odata.type"], "isTrusted": false});
            self.world.graph.patch(&format!("{LOCATIONS}/{id}"), body).await;
        }
        if !self.write(Write::Delete { kind, id: id.clone() }).await {
            return None;
        }
        // Nobody can create a guest.
        if let (Deletion::Soft { item, .. }, true, false) = (kind.deletion, self.dice.bool(), upn.contains("#EXT#")) {
            self.world.graph.delete(&format!("/v1.0{item}/{id}")).await;
            return Some(format!("purged {name}"));
        }
        Some(format!("deleted {name}"))
    }

    async fn edit(&mut self) -> Option<String> {
        let (name, property) = *self.dice.choice(KINDS)?;
        let kind = kinds::by_name(name)?;
        let object = self.any(name).await.filter(|_| !property.is_empty())?;
        let mut body = Raw::new();
        if let Some(ty) = object.get("@odata.type").filter(|_| name == "namedLocation") {
            body.insert("@odata.type".to_owned(), ty.clone());
        }
        body.insert(property.to_owned(), format!("Harm {}", self.dice.u16(..)).into());
        let id = text(&object["id"]);
        self.write(Write::Update { kind, id, body }).await.then(|| format!("edited {name}"))
    }

    async fn unlink(&mut self, name: &str, link: &'static str) -> Option<String> {
        let kind = kinds::by_name(name)?;
        let object = self.any(name).await?;
        let ends = object.get(link)?.as_array()?.clone();
        let child = text(&self.dice.choice(ends)?["id"]);
        let unlink = Write::Unlink { kind, id: text(&object["id"]), link, child };
        self.write(unlink).await.then(|| format!("removed from {link} of {name}"))
    }

    async fn add_member(&mut self) -> Option<String> {
        let (group, user) = (self.any("group").await?, self.any("user").await?);
        let path = format!("/v1.0/groups/{}/members/$ref", text(&group["id"]));
        let (status, _) = self.world.graph.post(&path, reference(&text(&user["id"]))).await;
        (status == 204).then(|| "added to members of group".to_owned())
    }

    /// Disables a policy, an account or a scope.
    async fn disable(&mut self) -> Option<String> {
        match self.dice.u8(0..3) {
            0 => {
                let policy = self.any("conditionalAccessPolicy").await?;
                let off = json!({"state": "disabled"});
                let path = format!("{POLICIES}/{}", text(&policy["id"]));
                (policy["state"] != "disabled" && self.world.graph.patch(&path, off).await.0 == 204)
                    .then(|| "disabled conditionalAccessPolicy".to_owned())
            }
            1 => {
                let user = self.any("user").await?;
                let path = format!("/v1.0/users/{}", text(&user["id"]));
                let off = json!({"accountEnabled": false});
                (user["accountEnabled"] == true && self.world.graph.patch(&path, off).await.0 == 204)
                    .then(|| "disabled user".to_owned())
            }
            _ => {
                let application = self.any("application").await?;
                let mut scopes = application.get("api")?.get("oauth2PermissionScopes")?.clone();
                let scopes_now = scopes.as_array_mut().filter(|scopes| !scopes.is_empty())?;
                scopes_now.iter_mut().for_each(|scope| scope["isEnabled"] = false.into());
                let path = format!("/v1.0/applications/{}", text(&application["id"]));
                let body = json!({"api": {"oauth2PermissionScopes": scopes}});
                (self.world.graph.patch(&path, body).await.0 == 204).then(|| "disabled scope".to_owned())
            }
        }
    }

    async fn trust(&mut self) -> Option<String> {
        let location = self.any("namedLocation").await?;
        let trusted = location.get("isTrusted")?.as_bool()?;
        let path = format!("{LOCATIONS}/{}", text(&location["id"]));
        let body = json!({"@odata.type": location["@odata.type"], "isTrusted": !trusted});
        let what = if trusted { "untrusted namedLocation" } else { "trusted namedLocation" };
        (self.world.graph.patch(&path, body).await.0 == 204).then(|| what.to_owned())
    }

    /// Adds an enabled scope and an enabled role to an application.
    async fn add_permission(&mut self) -> Option<String> {
        let application = self.any("application").await?;
        let mut api = application.get("api")?.get("oauth2PermissionScopes").cloned().unwrap_or_else(|| json!([]));
        let mut roles = application.get("appRoles").cloned().unwrap_or_else(|| json!([]));
        let [scope, role] = [(); 2].map(|()| uuid::Uuid::from_u128(self.dice.u128(..)).to_string());
        api.as_array_mut()?.push(json!({"id": scope, "value": format!("Harm.{}", self.dice.u16(..)), "type": "Admin",
            "isEnabled": true, "adminConsentDisplayName": "Harm", "adminConsentDescription": "Harm"}));
        roles.as_array_mut()?.push(json!({"id": role, "value": format!("Harm.{}", self.dice.u16(..)),
            "isEnabled": true, "displayName": "Harm", "description": "Harm", "allowedMemberTypes": ["User"]}));
        let body = json!({"api": {"oauth2PermissionScopes": api}, "appRoles": roles});
        let path = format!("/v1.0/applications/{}", text(&application["id"]));
        (self.world.graph.patch(&path, body).await.0 == 204).then(|| "added scope and role".to_owned())
    }

    /// Changes an enabled scope, for which it is disabled and enabled again.
    async fn change_permission(&mut self) -> Option<String> {
        let application = self.any("application").await?;
        let mut scopes = application.get("api")?.get("oauth2PermissionScopes")?.clone();
        let scope = scopes.as_array_mut()?.iter_mut().position(|scope| scope["isEnabled"] == true)?;
        let path = format!("/v1.0/applications/{}", text(&application["id"]));
        let mut changed = false;
        for (name, value) in
            [("isEnabled", json!(false)), ("adminConsentDescription", json!("Harm")), ("isEnabled", json!(true))]
        {
            scopes[scope][name] = value;
            let body = json!({"api": {"oauth2PermissionScopes": scopes}});
            changed |= self.world.graph.patch(&path, body).await.0 == 204;
        }
        changed.then(|| "changed scope".to_owned())
    }

    /// Adds a group, a trusted location, and a policy that exempts both.
    async fn add_policy(&mut self) -> Option<String> {
        let graph = &self.world.graph;
        let number = self.dice.u16(..);
        let name = format!("Harm {number}");
        let group = text(&graph.made("/v1.0/groups", security(&name)).await["id"]);
        let location = json!({"@odata.type": "#microsoft.graph.ipNamedLocation", "displayName": name, "isTrusted": true,
            "ipRanges": [{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "203.0.113.0/24"}]});
        let location = text(&graph.post(LOCATIONS, location).await.1["id"]);
        let policy = json!({"displayName": name, "state": "disabled",
            "grantControls": {"operator": "OR", "builtInControls": ["mfa"]},
            "conditions": {"clientAppTypes": ["all"], "applications": {"includeApplications": ["All"]},
                "users": {"includeUsers": ["All"], "excludeGroups": [group]},
                "locations": {"includeLocations": ["All"], "excludeLocations": [location]}}});
        let mut answer = graph.post(POLICIES, policy.clone()).await;
        while answer.0 == 400 && text(&answer.1["error"]["message"]).starts_with("1040") {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            answer = graph.post(POLICIES, policy.clone()).await;
        }
        (answer.0 == 201).then(|| "added conditionalAccessPolicy".to_owned())
    }

    /// Adds a group to a catalog, and an access package that grants membership.
    async fn add_package(&mut self) -> Option<String> {
        let graph = &self.world.graph;
        let catalog = self.any("accessPackageCatalog").await?;
        let catalog = text(&catalog["id"]);
        let name = format!("Harm {}", self.dice.u16(..));
        let group = text(&graph.made("/v1.0/groups", security(&name)).await["id"]);
        let request = json!({"requestType": "adminAdd", "resource": {"originId": group, "originSystem": "AadGroup"},
            "catalog": {"id": catalog}});
        let (status, _) = graph.post(&format!("{ENTITLEMENTS}/resourceRequests"), request).await;
        let package = json!({"displayName": name, "description": "Harm", "catalog": {"id": catalog}});
        let (made, package) = graph.post(&format!("{ENTITLEMENTS}/accessPackages"), package).await;
        if (status, made) != (201, 201) {
            return None;
        }
        let resources = graph.get(&format!("{ENTITLEMENTS}/catalogs/{catalog}/resources")).await.1;
        let resource = resources["value"].as_array()?.iter().find(|one| one["originId"] == group.as_str())?;
        let scope = json!({"role": {"originId": format!("Member_{group}"), "displayName": "Member", "originSystem": "AadGroup",
                "resource": {"id": resource["id"], "originId": group, "originSystem": "AadGroup"}},
            "scope": {"originId": group, "originSystem": "AadGroup", "isRootScope": true}});
        let path = format!("{ENTITLEMENTS}/accessPackages/{}/resourceRoleScopes", text(&package["id"]));
        (graph.post(&path, scope).await.0 == 201).then(|| "added accessPackage".to_owned())
    }

    /// Deletes the tenant's partner, whom a recovery finds missing a moment later.
    pub async fn delete_partner(&mut self) {
        let Some(partner) = self.any("crossTenantPartner").await else { return };
        let Some(kind) = kinds::by_name("crossTenantPartner") else { return };
        if self.write(Write::Delete { kind, id: text(&partner["tenantId"]) }).await {
            *self.done.entry("deleted crossTenantPartner".to_owned()).or_default() += 1;
        }
    }

    /// Purges a service principal into whose application accounts are synchronized.
    async fn purge_provisioned(&mut self) -> Option<String> {
        let kind = kinds::by_name("servicePrincipal")?;
        self.any("servicePrincipal").await?;
        let jobs = |one: &&Raw| one.get("synchronization").is_some_and(|jobs| *jobs != json!([]));
        let all: Vec<Raw> = self.seen["servicePrincipal"].iter().filter(jobs).cloned().collect();
        let id = text(&self.dice.choice(all)?["id"]);
        if !self.write(Write::Delete { kind, id: id.clone() }).await {
            return None;
        }
        let purged = self.world.graph.delete(&format!("/v1.0/directory/deletedItems/{id}")).await.0 == 204;
        purged.then(|| "purged provisioned servicePrincipal".to_owned())
    }

    /// Deletes every rule of a filtering policy.
    async fn delete_rules(&mut self) -> Option<String> {
        let kind = kinds::by_name("filteringPolicy")?;
        let policy = self.any("filteringPolicy").await?;
        let mut done = false;
        for rule in policy.get("policyRules")?.as_array()? {
            let (id, child) = (text(&policy["id"]), text(&rule["id"]));
            done |= self.write(Write::Unlink { kind, id, link: "policyRules", child }).await;
        }
        done.then(|| "deleted rules of filteringPolicy".to_owned())
    }
}
