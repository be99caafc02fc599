//! Finds the holders of power over the tenant, in whatever way: roles held, activated or eligible, groups that hold one,
//! permissions.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Group, Tenant, words};
use crate::kinds;
use crate::kinds::power::{self, Reach};
use crate::model::{Address, Object};

/// Lists the kinds that say who holds, or may activate, a role.
pub(in crate::engine) const SEATS: &[&str] = &["roleAssignment", "roleAssignmentSchedule", "roleEligibilitySchedule"];

/// Lists the kinds that say who is, or may become, a member or an owner of a group.
pub(in crate::engine) const GROUP_SEATS: &[&str] = &["groupAssignmentSchedule", "groupEligibilitySchedule"];

/// Represents a role that somebody holds or may activate.
pub(in crate::engine) struct Seat<'a> {
    pub(in crate::engine) kind: &'a str,
    pub(in crate::engine) principal: &'a str,
    pub(in crate::engine) role: &'a str,
    pub(in crate::engine) scope: &'a str,
}

impl Tenant {
    /// Returns the known properties of an object that determines who has power.
    pub(in crate::engine) fn rule_of_power(&self, address: &Address) -> Option<&Map<String, Value>> {
        self.rules_of_power.get(&(address.kind.name, address.id.to_lowercase()))
    }

    /// Returns the known properties of an object that a plan changes, as far as they determine who has power.
    pub(in crate::engine) fn known_of(&self, address: &Address) -> Option<&Map<String, Value>> {
        let id = address.id.to_lowercase();
        match address.kind.name {
            "user" => self.users.get(&id),
            "servicePrincipal" => self.principals.get(&id),
            "application" => self.registrations.get(&id),
            "authenticationMethodsPolicy" => Some(&self.methods),
            _ => self.rule_of_power(address),
        }
    }

    /// Lists the objects of a kind that determines who has power.
    pub(in crate::engine) fn rules_of(&self, kind: &'static str) -> impl Iterator<Item = (&str, &Map<String, Value>)> {
        let of_kind = self.rules_of_power.range((kind, String::new())..).take_while(move |((own, _), _)| *own == kind);
        of_kind.map(|((_, id), object)| (id.as_str(), object))
    }

    /// Lists the roles that are held or may be activated, with their holders.
    pub(in crate::engine) fn seats(&self) -> impl Iterator<Item = Seat<'_>> {
        let held = self.assignments.values().map(|held| Seat {
            kind: "roleAssignment",
            principal: &held.principal,
            role: &held.role,
            scope: &held.scope,
        });
        let kept = ["roleAssignmentSchedule", "roleEligibilitySchedule"].into_iter().flat_map(|kind: &'static str| {
            self.rules_of(kind).map(move |(_, seat)| Seat {
                kind,
                principal: word(seat, "principalId"),
                role: word(seat, "roleDefinitionId"),
                scope: word(seat, "directoryScopeId"),
            })
        });
        held.chain(kept)
    }

    /// Returns ids of objects that must be known to judge power: holders of roles, held or eligible, and groups that
    /// schedules and access packages name.
    pub(super) fn asked_for_power(&self) -> BTreeSet<String> {
        let mut asked: BTreeSet<String> = self.seats().map(|seat| seat.principal.to_lowercase()).collect();
        for kind in GROUP_SEATS {
            asked.extend(self.rules_of(kind).map(|(_, seat)| text(seat, "groupId")));
        }
        for (_, package) in self.rules_of("accessPackage") {
            asked.extend(list(package, "resourceRoleScopes").flat_map(handed_out));
        }
        asked.remove("");
        asked
    }

    /// Returns the reach of a role, if it gives power.
    pub(in crate::engine) fn role_reach(&self, id: &str) -> Option<Reach> {
        if let Some(role) = power::role(id) {
            return Some(role.reach);
        }
        let role = self.rule_of_power(&kinds::address("roleDefinition", id)?)?;
        (role.get("isEnabled") != Some(&Value::Bool(false)) && !tasks_of_power(role).is_empty()).then_some(Reach::Acts)
    }

    /// Returns the name of a role.
    pub(in crate::engine) fn role_name(&self, id: &str) -> String {
        let known = kinds::address("roleDefinition", id).and_then(|role| self.rule_of_power(&role));
        let known = known.and_then(|role| role.get("displayName")).and_then(Value::as_str);
        known.or_else(|| power::role(id).map(|role| role.name)).unwrap_or(id).to_owned()
    }

    /// Returns the groups that hold a role or may activate one, may be assigned one, or may join such a group: every member
    /// and owner of the group has what it holds. Principals that are no groups are in the result as well.
    pub(in crate::engine) fn privileged_groups(&self) -> BTreeSet<String> {
        let assignable = self.groups.iter().filter(|(_, group)| group.assignable).map(|(id, _)| id.clone());
        let mut found: BTreeSet<String> =
            assignable.chain(self.seats().map(|seat| seat.principal.to_lowercase())).collect();
        let ways: Vec<(String, String)> = GROUP_SEATS
            .iter()
            .flat_map(|kind| self.rules_of(kind))
            .map(|(_, seat)| (text(seat, "principalId"), text(seat, "groupId")))
            .collect();
        loop {
            let more: Vec<String> = ways
                .iter()
                .filter(|(principal, group)| found.contains(group) && !found.contains(principal))
                .map(|(principal, _)| principal.clone())
                .collect();
            if more.is_empty() {
                return found;
            }
            found.extend(more);
        }
    }

    /// Returns the roles that somebody holds now, at whatever scope, directly or through a group.
    pub(in crate::engine) fn roles_held(&self, id: &str) -> Vec<&str> {
        let id = id.to_lowercase();
        let own = self.assignments.values().filter(|held| held.principal == id || self.holds(&held.principal, &id));
        let found: BTreeSet<&str> = own.map(|held| held.role.as_str()).collect();
        found.into_iter().collect()
    }

    /// Returns the name of a known group that can hold roles and has somebody as a member or an owner.
    pub(in crate::engine) fn assignable_group_of(&self, id: &str) -> Option<&str> {
        let id = id.to_lowercase();
        let mut groups = self.groups.values();
        let is_in = |group: &&Group| group.members.contains(&id) || group.owners.contains(&id);
        groups.find(|group| group.assignable && is_in(group)).map(|group| group.name.as_str())
    }

    /// Returns true if the group, live or in the recycle bin, can hold roles.
    pub(in crate::engine) fn is_assignable(&self, address: &Address) -> bool {
        let id = address.id.to_lowercase();
        let binned = || self.bin.get(&Address::new(address.kind, id.as_str()));
        let yes = |group: &Object| group.get("isAssignableToRole") == Some(&Value::Bool(true));
        self.groups.get(&id).is_some_and(|group| group.assignable) || binned().is_some_and(yes)
    }

    /// Lists the names of the restricted management administrative units that have the object as a member.
    pub(in crate::engine) fn restricted_units(&self, id: &str) -> impl Iterator<Item = &str> {
        let id = id.to_lowercase();
        let restricted = self.rules_of("administrativeUnit").filter(move |(_, unit)| {
            // Few units are restricted, and others have many members.
            unit.get("isMemberManagementRestricted") == Some(&Value::Bool(true))
                && list(unit, "members").any(|member| member.as_str() == Some(id.as_str()))
        });
        restricted.map(|(_, unit)| word(unit, "displayName"))
    }

    /// Returns the name of the role that gives somebody power: held or eligible, directly or through a group.
    pub(in crate::engine) fn role_of_power(&self, id: &str) -> Option<String> {
        let id = id.to_lowercase();
        let mut groups = vec![id.clone()];
        let mut seen = BTreeSet::new();
        while let Some(own) = groups.pop() {
            if !seen.insert(own.clone()) {
                continue;
            }
            let acts = |seat: &Seat<'_>| {
                seat.principal.eq_ignore_ascii_case(&own) && self.role_reach(seat.role) == Some(Reach::Acts)
            };
            if let Some(seat) = self.seats().find(acts) {
                return Some(self.role_name(seat.role));
            }
            groups
                .extend(self.groups.iter().filter(|(_, group)| group.members.contains(&own)).map(|(id, _)| id.clone()));
            for kind in GROUP_SEATS {
                let ways = self.rules_of(kind).filter(|(_, seat)| text(seat, "principalId") == own);
                groups.extend(ways.map(|(_, seat)| text(seat, "groupId")));
            }
        }
        None
    }

    /// Returns the permission or role that gives an application or a service principal power, as in `the permission
    /// User.ReadWrite.All`.
    pub(in crate::engine) fn power_of_application(&self, address: &Address) -> Option<String> {
        let permissions = self.permissions_of(address);
        if let Some(permission) = permissions.iter().find_map(|id| power::permission(id)) {
            return Some(format!("the permission {}", permission.name));
        }
        let role = self.principals_of(address).find_map(|id| self.role_of_power(id));
        role.map(|role| format!("the role {role}"))
    }

    /// Returns a permission that an application has on behalf of everybody, if it gives power.
    pub(in crate::engine) fn power_on_behalf(&self, address: &Address) -> Option<String> {
        let own = self.principals_of(address).filter_map(|id| self.principals.get(id));
        let grants = own.flat_map(|own| list(own, "oauth2PermissionGrants"));
        let all = grants.filter(|grant| grant.get("consentType").and_then(Value::as_str) == Some("AllPrincipals"));
        let mut scopes = all.flat_map(scopes_of);
        scopes.find(|name| power::scope(name).is_some()).map(str::to_owned)
    }

    /// Returns the service principals of an application, or `address` itself if it is a service principal.
    fn principals_of(&self, address: &Address) -> impl Iterator<Item = &str> {
        let id = address.id.to_lowercase();
        let app = self.applications.get(&id).map(|(app, _)| app.clone()).filter(|app| !app.is_empty());
        let own = self.principals.iter().filter(move |(principal, own)| {
            let app_id = own.get("appId").and_then(Value::as_str);
            **principal == id || app.as_deref().zip(app_id).is_some_and(|(app, own)| app.eq_ignore_ascii_case(own))
        });
        own.map(|(id, _)| id.as_str())
    }

    /// Returns the name of the object with this id, in quotation marks.
    pub(in crate::engine) fn quoted(&self, id: &str) -> String {
        let id = id.to_lowercase();
        let group = self.groups.get(&id).map(|group| group.name.as_str()).filter(|name| !name.is_empty());
        format!("\"{}\"", group.unwrap_or_else(|| self.name(&id)))
    }
}

/// Returns the tasks of a custom role that give power.
pub(in crate::engine) fn tasks_of_power(role: &Map<String, Value>) -> BTreeSet<String> {
    if role.get("isBuiltIn") == Some(&Value::Bool(true)) {
        return BTreeSet::new();
    }
    let tasks = list(role, "rolePermissions").flat_map(|permission| words(permission.get("allowedResourceActions")));
    tasks.filter(|task| power::task_gives_power(task)).collect()
}

/// Returns ids of the groups, or of the roles, that an entry of an access package gives.
pub(in crate::engine) fn handed_out(entry: &Value) -> impl Iterator<Item = String> + '_ {
    let ways = ["/role/resource/originId", "/scope/originId", "/role/originId"];
    let found = ways.into_iter().filter_map(|way| entry.pointer(way)).filter_map(Value::as_str);
    // The id follows an underscore, as in `Member_<id of the group>`:
    // <https://learn.microsoft.com/graph/api/accesspackage-post-resourcerolescopes>
    found.map(|id| id.rsplit('_').next().unwrap_or(id).to_lowercase())
}

/// Returns the permissions of a delegated grant.
pub(in crate::engine) fn scopes_of(grant: &Value) -> impl Iterator<Item = &str> {
    grant.get("scope").and_then(Value::as_str).unwrap_or_default().split_whitespace()
}

/// Returns the elements of a list.
pub(in crate::engine) fn list<'a>(object: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = &'a Value> {
    object.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// Returns a string as it is written; empty where there is none.
fn word<'a>(object: &'a Map<String, Value>, name: &str) -> &'a str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Returns a string in lower case; empty where there is none.
pub(in crate::engine) fn text(object: &Map<String, Value>, name: &str) -> String {
    word(object, name).to_lowercase()
}
