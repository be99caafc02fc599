//! Computes which accounts can sign in from Conditional Access, groups and roles, without any request.
//!
//! A [`Tenant`] holds only the parts of a tenant that decide this. A plan's steps are simulated on it wave by wave
//! (`simulate`), and every state is compared with the one before the plan (`lockout`).

pub mod dependence;
pub(in crate::engine) mod holders;
mod home_realm;
pub mod lockout;
mod methods;
mod places;
pub mod policy;
pub mod sign_in;
mod simulate;
pub mod subject;
mod token_apps;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::kinds::power;
use crate::model::{Address, Kind, Object};

use dependence::{KNOWN_OF_USERS, SCHEDULED};
pub(in crate::engine) use simulate::merge;

/// Role template id of Global Administrator, the same in every tenant.
/// <https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference#global-administrator>
pub const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";

/// Holds the parts of a tenant that decide who can sign in. Ids are in lower case.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tenant {
    policies: BTreeMap<String, Map<String, Value>>,
    locations: BTreeMap<String, Map<String, Value>>,
    strengths: BTreeMap<String, Map<String, Value>>,
    methods: Map<String, Value>,
    users: BTreeMap<String, Map<String, Value>>,
    groups: BTreeMap<String, Group>,
    assignments: BTreeMap<String, Assignment>,
    principals: BTreeMap<String, Map<String, Value>>,
    /// Application permissions: (principal that holds it, service principal of the resource, app role).
    grants: BTreeSet<(String, String, String)>,
    /// Applications: id → (appId, names of its federated credentials).
    applications: BTreeMap<String, (String, BTreeSet<String>)>,
    /// Properties of each application that say where its tokens are sent, and which tenants' people may sign in.
    registrations: BTreeMap<String, Map<String, Value>>,
    /// Objects of [`power::KINDS`] and [`SCHEDULED`], whole, by kind and id.
    rules_of_power: BTreeMap<(&'static str, String), Map<String, Value>>,
    /// Objects in the recycle bin, as far as they are known, so that a restore can be simulated.
    bin: BTreeMap<Address, Object>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Group {
    name: String,
    members: BTreeSet<String>,
    owners: BTreeSet<String>,
    /// Rule that computes the members of a dynamic group.
    rule: Option<String>,
    /// True if the group may hold roles.
    assignable: bool,
}

#[derive(Debug, Clone, PartialEq)]
struct Assignment {
    principal: String,
    role: String,
    scope: String,
}

/// Lists the kinds that decide who can sign in.
pub const KINDS: &[&str] = &[
    "conditionalAccessPolicy",
    "namedLocation",
    "authenticationStrengthPolicy",
    "authenticationMethodsPolicy",
    "user",
    "group",
    "roleAssignment",
    "servicePrincipal",
    "application",
    "roleAssignmentSchedule",
    "roleEligibilitySchedule",
    "groupAssignmentSchedule",
    "groupEligibilitySchedule",
    "accessReview",
    "lifecycleWorkflow",
    "homeRealmDiscoveryPolicy",
];

impl Tenant {
    /// Adds an object in its state before the plan.
    pub fn take(&mut self, kind: &Kind, object: &Object) {
        self.put(kind.name, &object.id().to_lowercase(), &object.0);
    }

    /// Adds an object of the recycle bin.
    pub fn take_deleted(&mut self, address: &Address, object: &Object) {
        self.bin.insert(Address::new(address.kind, address.id.to_lowercase()), object.clone());
    }

    /// Returns true if nothing is known: then nothing can be judged.
    pub fn is_empty(&self) -> bool {
        *self == Tenant::default()
    }

    /// Returns ids of objects that are needed to judge others: groups that policies name or that hold a role, members of
    /// groups that hold Global Administrator, holders of roles, and targets of authentication methods.
    pub fn asked(&self) -> BTreeSet<String> {
        let mut asked: BTreeSet<String> = self.assignments.values().map(|held| held.principal.clone()).collect();
        for policy in self.policies.values() {
            let users = policy.get("conditions").and_then(|conditions| conditions.get("users"));
            for list in ["includeGroups", "excludeGroups"] {
                asked.extend(words(users.and_then(|users| users.get(list))));
            }
        }
        for held in self.assignments.values().filter(|held| held.role == GLOBAL_ADMINISTRATOR) {
            asked.extend(self.groups.get(&held.principal).into_iter().flat_map(|group| group.members.iter().cloned()));
        }
        let methods = self.methods.get("authenticationMethodConfigurations").and_then(Value::as_array);
        for method in methods.into_iter().flatten() {
            for list in ["includeTargets", "excludeTargets"] {
                let targets = method.get(list).and_then(Value::as_array).into_iter().flatten();
                asked.extend(targets.filter_map(|target| target.get("id")?.as_str()).map(str::to_lowercase));
            }
        }
        asked.extend(self.asked_for_power());
        asked
    }

    /// Returns the application permissions that a service principal, or that of an application, has, as ids of app roles.
    pub fn permissions_of(&self, address: &Address) -> BTreeSet<&str> {
        let id = address.id.to_lowercase();
        let app = self.applications.get(&id).map(|(app, _)| app.as_str());
        let own = |principal: &str| {
            let app_id = self.principals.get(principal).and_then(|own| own.get("appId")).and_then(Value::as_str);
            principal == id || app.zip(app_id).is_some_and(|(app, own)| app.eq_ignore_ascii_case(own))
        };
        self.grants.iter().filter(|(who, ..)| own(who)).map(|(_, _, role)| role.as_str()).collect()
    }

    /// Returns the appIds of the known applications.
    pub fn app_ids(&self) -> BTreeSet<String> {
        self.applications.values().map(|(app, _)| app.clone()).filter(|app| !app.is_empty()).collect()
    }

    fn put(&mut self, kind: &str, id: &str, properties: &Map<String, Value>) {
        let text = |name: &str| properties.get(name).and_then(Value::as_str).unwrap_or_default().to_lowercase();
        match kind {
            "conditionalAccessPolicy" => drop(self.policies.insert(id.to_owned(), properties.clone())),
            "namedLocation" => drop(self.locations.insert(id.to_owned(), properties.clone())),
            "authenticationStrengthPolicy" => drop(self.strengths.insert(id.to_owned(), properties.clone())),
            "authenticationMethodsPolicy" => self.methods = properties.clone(),
            "user" => {
                let few = [
                    "accountEnabled",
                    "authorizationInfo",
                    "displayName",
                    "mobilePhone",
                    "otherMails",
                    "userPrincipalName",
                    "userType",
                ];
                let kept = properties
                    .iter()
                    .filter(|(name, _)| few.contains(&name.as_str()) || KNOWN_OF_USERS.contains(&name.as_str()));
                self.users.insert(id.to_owned(), kept.map(|(name, value)| (name.clone(), value.clone())).collect());
            }
            "group" => {
                let group = Group {
                    name: properties.get("displayName").and_then(Value::as_str).unwrap_or_default().to_owned(),
                    members: words(properties.get("members")).collect(),
                    owners: words(properties.get("owners")).collect(),
                    rule: rule(properties),
                    assignable: properties.get("isAssignableToRole") == Some(&Value::Bool(true)),
                };
                self.groups.insert(id.to_owned(), group);
            }
            "roleAssignment" => {
                let held = Assignment {
                    principal: text("principalId"),
                    role: text("roleDefinitionId"),
                    scope: text("directoryScopeId"),
                };
                self.assignments.insert(id.to_owned(), held);
            }
            "servicePrincipal" => {
                let few = [
                    "accountEnabled",
                    "appId",
                    "appRoleAssignmentRequired",
                    "displayName",
                    "oauth2PermissionGrants",
                    "replyUrls",
                    "servicePrincipalType",
                ];
                let kept = properties.iter().filter(|(name, _)| few.contains(&name.as_str()));
                self.principals
                    .insert(id.to_owned(), kept.map(|(name, value)| (name.clone(), value.clone())).collect());
                let granted = properties.get("appRoleAssignedTo").and_then(Value::as_array).into_iter().flatten();
                self.grants.extend(granted.filter_map(|grant| grant_of(id, grant)));
            }
            "application" => {
                let trusted = properties.get("federatedIdentityCredentials").and_then(Value::as_array);
                let trusted = trusted.into_iter().flatten().map(credential).collect();
                self.applications.insert(id.to_owned(), (text("appId"), trusted));
                let few = ["displayName", "publicClient", "signInAudience", "spa", "web"];
                let kept = properties.iter().filter(|(name, _)| few.contains(&name.as_str()));
                self.registrations
                    .insert(id.to_owned(), kept.map(|(name, value)| (name.clone(), value.clone())).collect());
            }
            _ => {
                if let Some(kind) = power::KINDS.iter().chain(SCHEDULED).find(|own| **own == kind) {
                    self.rules_of_power.insert((kind, id.to_owned()), properties.clone());
                }
            }
        }
    }

    /// Returns true if `id` is in the group, at whatever depth; dynamic membership and unknown groups do not count.
    fn holds(&self, group: &str, id: &str) -> bool {
        let mut seen = BTreeSet::new();
        let mut next = vec![group];
        while let Some(group) = next.pop() {
            let Some(group) = self.groups.get(group).filter(|_| seen.insert(group)) else { continue };
            if group.members.contains(id) {
                return true;
            }
            next.extend(group.members.iter().map(String::as_str).filter(|member| self.groups.contains_key(*member)));
        }
        false
    }

    /// Returns the membership rules that may put an object into the group: those of the group, and of the groups in it.
    fn rules(&self, group: &str) -> BTreeSet<String> {
        let (mut seen, mut found) = (BTreeSet::new(), BTreeSet::new());
        let mut next = vec![group.to_owned()];
        while let Some(id) = next.pop() {
            let Some(group) = self.groups.get(&id).filter(|_| seen.insert(id.clone())) else { continue };
            found.extend(group.rule.iter().cloned());
            next.extend(group.members.iter().filter(|member| self.groups.contains_key(*member)).cloned());
        }
        found
    }

    /// Returns the roles that `id` holds for the whole tenant, directly or through a group.
    fn roles(&self, id: &str) -> BTreeSet<&str> {
        let held = self.assignments.values().filter(|held| held.scope == "/" || held.scope.is_empty());
        held.filter(|held| held.principal == id || self.holds(&held.principal, id))
            .map(|held| held.role.as_str())
            .collect()
    }

    /// Returns the ids of the permanent Global Administrators.
    fn global_administrators(&self) -> BTreeSet<&str> {
        let held = self.assignments.values().filter(|held| held.role == GLOBAL_ADMINISTRATOR && held.scope == "/");
        let mut found = BTreeSet::new();
        for held in held {
            match self.groups.get(&held.principal) {
                Some(group) => found.extend(group.members.iter().map(String::as_str)),
                None => drop(found.insert(held.principal.as_str())),
            }
        }
        found
    }

    fn name<'a>(&'a self, id: &'a str) -> &'a str {
        let known = self.users.get(id).or_else(|| self.principals.get(id)).or_else(|| self.policies.get(id));
        known.and_then(|known| known.get("displayName")).and_then(Value::as_str).unwrap_or(id)
    }
}

/// Returns the strings of a list, in lower case.
fn words(list: Option<&Value>) -> impl Iterator<Item = String> + '_ {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_lowercase)
}

fn rule(properties: &Map<String, Value>) -> Option<String> {
    let dynamic = words(properties.get("groupTypes")).any(|kind| kind == "dynamicmembership");
    let text = properties.get("membershipRule").and_then(Value::as_str).unwrap_or_default();
    dynamic.then(|| text.to_owned())
}

fn grant_of(resource: &str, grant: &Value) -> Option<(String, String, String)> {
    let text = |name: &str| grant.get(name).and_then(Value::as_str).map(str::to_lowercase);
    Some((text("principalId")?, resource.to_owned(), text("appRoleId")?))
}

fn credential(value: &Value) -> String {
    value.get("name").and_then(Value::as_str).unwrap_or_default().to_owned()
}
