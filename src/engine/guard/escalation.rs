//! Finds steps that grant somebody power over the tenant, in whatever way: a role held or eligible, membership in a group
//! that holds one, a permission, ownership of an application that has either, and settings that open such a way. [`power`]
//! defines what counts as power; a setting is compared with its state before, so that a change which makes it stricter is
//! not reported.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::loosened;
use crate::engine::access::holders::{GROUP_SEATS, SEATS, Seat, handed_out, list, scopes_of, text};
use crate::engine::access::{Tenant, merge};
use crate::kinds;
use crate::kinds::power::{self, Tier};
use crate::model::{Action, Address, Object, Plan, Step, StepId};

type Properties = Map<String, Value>;

/// Holds the tenant before and after a plan: an object that gives power at either time counts.
struct Sides<'a> {
    before: &'a Tenant,
    after: Tenant,
    /// Groups that may hold roles at either time.
    privileged_groups: BTreeSet<String>,
}

/// Returns the steps that grant somebody power over the tenant, each with a clause that says who gets what.
pub fn grants(plan: &Plan, tenant: &Tenant) -> Vec<(StepId, String)> {
    let after = tenant.after(plan);
    let privileged_groups = tenant.privileged_groups().into_iter().chain(after.privileged_groups()).collect();
    let sides = Sides { before: tenant, after, privileged_groups };
    let steps = plan.steps.iter().enumerate();
    steps.filter_map(|(number, step)| Some((number, sides.grant(step)?))).collect()
}

impl Sides<'_> {
    fn grant(&self, step: &Step) -> Option<String> {
        match &step.action {
            Action::Create { body } => self.judge_creation(step, body),
            Action::Update { body, .. } => self.judge_update(step, body),
            Action::Call { property, value } => {
                self.judge_update(step, &Map::from_iter([((*property).to_owned(), value.clone())]))
            }
            Action::Link { link, value } | Action::Relink { link, value } => self.judge_entry(step, link, value),
            Action::Unlink { link: "excludes", .. } if step.address.kind.name == "permissionGrantPolicy" => self
                .is_consent_policy_in_use(&step.address.id)
                .then(|| format!("\"{}\" no longer leaves permissions out that people can consent to", step.name)),
            Action::Unlink { .. } | Action::Restore | Action::Delete => None,
        }
    }

    /// Judges an object that is created.
    fn judge_creation(&self, step: &Step, body: &Properties) -> Option<String> {
        let kind = step.address.kind.name;
        if SEATS.contains(&kind) {
            return self.judge_role(step, body);
        }
        if GROUP_SEATS.contains(&kind) {
            let (group, principal) = (text(body, "groupId"), text(body, "principalId"));
            let place = if text(body, "accessId") == "owner" { "an owner" } else { "a member" };
            let eligible = if kind == "groupEligibilitySchedule" { "eligible as " } else { "" };
            let (who, group_name) = (self.quoted(&principal), self.quoted(&group));
            let holds = self.is_privileged_group(&group);
            return holds.then(|| format!("makes {who} {eligible}{place} of {group_name}, which may hold roles"));
        }
        if kind == "entitlementManagementRoleAssignment" {
            return self.manages_packages(body);
        }
        self.opens(step, None, body)
    }

    /// Judges a role that somebody holds or may activate after the step.
    fn judge_role(&self, step: &Step, body: &Properties) -> Option<String> {
        let (principal, role) = (text(body, "principalId"), text(body, "roleDefinitionId"));
        self.before.role_reach(&role).or_else(|| self.after.role_reach(&role))?;
        let eligible = step.address.kind.name == "roleEligibilitySchedule";
        // A permanent role holder gets nothing by becoming eligible for the role, nor by holding it in another way.
        let scope = text(body, "directoryScopeId");
        let same = |held: &Seat<'_>| {
            held.principal.eq_ignore_ascii_case(&principal)
                && held.role.eq_ignore_ascii_case(&role)
                && (held.scope == "/" || held.scope.eq_ignore_ascii_case(&scope))
                && (held.kind == "roleAssignment" || held.kind == step.address.kind.name)
        };
        if self.before.seats().any(|held| same(&held)) {
            return None;
        }
        let who = self.quoted(&principal);
        let how = if eligible { "eligible for " } else { "" };
        let place = if matches!(scope.as_str(), "" | "/") { "" } else { ", within one part of the tenant" };
        Some(format!("makes {who} {how}{}{place}", self.after.role_name(&role)))
    }

    /// Judges a role of entitlement management: a person who manages access packages can give their resources to anybody.
    fn manages_packages(&self, body: &Properties) -> Option<String> {
        let role = text(body, "roleDefinitionId");
        let (_, name) = power::CATALOG_ROLES.iter().find(|(id, _)| *id == role)?;
        let scope = text(body, "appScopeId");
        let catalog = scope.rsplit('/').next().unwrap_or_default();
        let all = matches!(scope.as_str(), "" | "/");
        (all || self.catalog_has_power(catalog)).then(|| {
            let who = self.quoted(&text(body, "principalId"));
            let what = if all { "every catalog" } else { "a catalog that holds a group which may hold roles" };
            format!("makes {who} {name} of {what}")
        })
    }

    /// Judges an object as an update of `body` leaves it.
    fn judge_update(&self, step: &Step, body: &Properties) -> Option<String> {
        let before = self.before.known_of(&step.address);
        let mut after = before.cloned().unwrap_or_default();
        merge(&mut after, body);
        self.opens(step, before, &after)
    }

    /// Judges properties: those of a new object, or of an existing one.
    fn opens(&self, step: &Step, before: Option<&Properties>, after: &Properties) -> Option<String> {
        let opened = loosened::of(step.address.kind.name, before, after, &|policy| self.consents_to_little(policy));
        if opened.is_empty() {
            return None;
        }
        let said = |more: String| format!("\"{}\"{more} {}", step.name, opened.join(" and "));
        match step.address.kind.name {
            "user" => {
                let id = &step.address.id;
                let role = self.before.role_of_power(id).or_else(|| self.after.role_of_power(id))?;
                Some(said(format!(" ({role})")))
            }
            "application" | "servicePrincipal" => {
                let has = self.power_of(&step.address).or_else(|| self.power_on_behalf(&step.address))?;
                Some(said(format!(", which has {has},")))
            }
            "roleDefinition" => {
                let id = &step.address.id;
                self.after
                    .seats()
                    .any(|seat| seat.role.eq_ignore_ascii_case(id))
                    .then(|| said(", which somebody holds,".to_owned()))
            }
            "roleAssignmentSchedule" | "roleEligibilitySchedule" => {
                let role = text(after, "roleDefinitionId");
                self.after.role_reach(&role)?;
                Some(format!(
                    "lets {} keep {} for longer",
                    self.quoted(&text(after, "principalId")),
                    self.after.role_name(&role)
                ))
            }
            "groupAssignmentSchedule" | "groupEligibilitySchedule" => {
                let group = text(after, "groupId");
                let (who, name) = (self.quoted(&text(after, "principalId")), self.quoted(&group));
                let holds = self.is_privileged_group(&group);
                holds.then(|| format!("lets {who} keep a place in {name}, which may hold roles, for longer"))
            }
            "accessPackageAssignmentPolicy" => {
                let package =
                    after.get("accessPackage").and_then(|package| package.get("id")).and_then(Value::as_str)?;
                let handed = self.power_in_package(package)?;
                Some(said(format!(", which leads to {handed},")))
            }
            _ => Some(said(String::new())),
        }
    }

    /// Judges an entry that is added to a link, or changed in it.
    fn judge_entry(&self, step: &Step, link: &str, value: &Value) -> Option<String> {
        let (name, address) = (&step.name, &step.address);
        match (address.kind.name, link) {
            ("group", "members" | "owners") => {
                let place = if link == "owners" { "an owner" } else { "a member" };
                let holds = self.is_privileged_group(&address.id);
                holds.then(|| format!("makes {} {place} of \"{name}\", which may hold roles", self.word(value)))
            }
            ("servicePrincipal", "appRoleAssignedTo") => {
                let permission = power::permission(value.get("appRoleId")?.as_str()?)?;
                let to = value.get("principalId").map(|id| self.word(id)).unwrap_or_default();
                Some(format!("grants {} to {to}", permission.name))
            }
            ("servicePrincipal", "oauth2PermissionGrants") => self.granted_on_behalf(step, value),
            ("application" | "servicePrincipal", "owners") => {
                let has = self.power_of(address)?;
                Some(format!("makes {} an owner of \"{name}\", which has {has}", self.word(value)))
            }
            ("application", "federatedIdentityCredentials") => {
                let has = self.power_of(address)?;
                Some(format!("adds a credential to \"{name}\", which has {has}"))
            }
            ("accessPackage", "resourceRoleScopes") => {
                let handed = handed_out(value).find_map(|id| self.name_of_power(&id))?;
                let free = self.after.rules_of("accessPackageAssignmentPolicy").any(|(_, policy)| {
                    is_of(policy, "accessPackage", &address.id) && loosened::hands_out_freely(policy)
                });
                free.then(|| format!("\"{name}\" hands out {handed} without approval"))
            }
            ("accessPackageCatalog", "resources") => {
                let id = value.get("originId").and_then(Value::as_str)?;
                let handed = self.name_of_power(id)?;
                let managed = self.after.rules_of("entitlementManagementRoleAssignment").any(|(_, seat)| {
                    let role = text(seat, "roleDefinitionId");
                    let scope = text(seat, "appScopeId");
                    power::CATALOG_ROLES.iter().any(|(id, _)| *id == role)
                        && (scope == "/" || scope.ends_with(&address.id.to_lowercase()))
                });
                managed.then(|| format!("lets whoever manages the catalog \"{name}\" hand out {handed}"))
            }
            _ => self.opens_child(step, link, value),
        }
    }

    /// Judges a child of an object.
    fn opens_child(&self, step: &Step, link: &str, value: &Value) -> Option<String> {
        let known = self.before.known_of(&step.address);
        let opened = opened_by_child(step.address.kind.name, link, known, value);
        if opened.is_empty() {
            return None;
        }
        let named = |name: &str| known.map(|policy| text(policy, name)).unwrap_or_default();
        let subject = match step.address.kind.name {
            "roleManagementPolicy" => {
                let role = named("roleDefinitionId");
                self.after.role_reach(&role)?;
                format!("\"{}\"", self.after.role_name(&role))
            }
            "groupRoleSettings" => {
                let group = named("scopeId");
                self.is_privileged_group(&group).then(|| format!("a place in {}", self.quoted(&group)))?
            }
            "permissionGrantPolicy" if !self.is_consent_policy_in_use(&step.address.id) => return None,
            _ => format!("\"{}\"", step.name),
        };
        Some(format!("{subject} {}", opened.join(" and ")))
    }

    /// Judges what an application may do on behalf of people that it could not do before.
    fn granted_on_behalf(&self, step: &Step, value: &Value) -> Option<String> {
        let had = self.before.known_of(&step.address);
        let had = had.and_then(|own| child_of("servicePrincipal", own, "oauth2PermissionGrants", value));
        let everybody = value.get("consentType").and_then(Value::as_str) != Some("Principal");
        let is_new = |scope: &&str| !had.into_iter().flat_map(scopes_of).any(|old| old.eq_ignore_ascii_case(scope));
        let counts = |scope: &&str| match power::scope(scope) {
            Some(Tier::Control) => true,
            Some(Tier::Data) => everybody,
            None => false,
        };
        let found: Vec<&str> = scopes_of(value).filter(is_new).filter(counts).collect();
        let whom = match value.get("principalId").filter(|_| !everybody) {
            Some(id) => self.word(id),
            None => "everybody".to_owned(),
        };
        (!found.is_empty()).then(|| format!("lets \"{}\" use {} on behalf of {whom}", step.name, found.join(", ")))
    }

    fn is_privileged_group(&self, id: &str) -> bool {
        self.privileged_groups.contains(&id.to_lowercase())
    }

    fn power_of(&self, address: &Address) -> Option<String> {
        self.before.power_of_application(address).or_else(|| self.after.power_of_application(address))
    }

    fn power_on_behalf(&self, address: &Address) -> Option<String> {
        let found = self.before.power_on_behalf(address).or_else(|| self.after.power_on_behalf(address));
        found.map(|scope| format!("{scope} on behalf of everybody"))
    }

    /// Returns the name of a group that may hold roles, or of a role that gives power.
    fn name_of_power(&self, id: &str) -> Option<String> {
        if self.is_privileged_group(id) {
            return Some(self.quoted(id));
        }
        self.after.role_reach(id).map(|_| self.after.role_name(id))
    }

    fn power_in_package(&self, package: &str) -> Option<String> {
        let package = self.after.rule_of_power(&kinds::address("accessPackage", package)?)?;
        list(package, "resourceRoleScopes").flat_map(handed_out).find_map(|id| self.name_of_power(&id))
    }

    fn catalog_has_power(&self, id: &str) -> bool {
        let own = kinds::address("accessPackageCatalog", id).and_then(|address| self.after.rule_of_power(&address));
        let resources = own.into_iter().flat_map(|catalog| list(catalog, "resources"));
        let mut resources = resources.filter_map(|resource| resource.get("originId")).filter_map(Value::as_str);
        let of_it = |package: &Properties| is_of(package, "catalog", id);
        let mut packages = self.after.rules_of("accessPackage").filter(|(_, package)| of_it(package));
        resources.any(|id| self.name_of_power(id).is_some())
            || packages.any(|(package, _)| self.power_in_package(package).is_some())
    }

    /// Returns true if a permission grant policy lets people, or the holders of a custom role, consent to something.
    fn is_consent_policy_in_use(&self, id: &str) -> bool {
        let ending = format!(".{}", id.to_lowercase());
        let names = |value: &Value| value.as_str().is_some_and(|name| name.to_lowercase().ends_with(&ending));
        let defaults = self.after.rules_of("authorizationPolicy").filter_map(|(_, policy)| {
            policy.get("defaultUserRolePermissions")?.get("permissionGrantPoliciesAssigned")?.as_array()
        });
        let roles = self.after.rules_of("roleDefinition").flat_map(|(_, role)| list(role, "rolePermissions"));
        let tasks = roles.filter_map(|permission| permission.get("allowedResourceActions")?.as_array());
        defaults.chain(tasks).flatten().any(names)
    }

    /// Returns true if a permission grant policy of the tenant's own does not cover every permission.
    fn consents_to_little(&self, policy: &str) -> bool {
        let known =
            kinds::address("permissionGrantPolicy", policy).and_then(|address| self.after.rule_of_power(&address));
        known.is_some_and(|policy| {
            let mut sets = list(policy, "includes").filter_map(Value::as_object).peekable();
            sets.peek().is_some() && !sets.any(loosened::is_unlimited)
        })
    }

    fn quoted(&self, id: &str) -> String {
        let before = self.before.quoted(id);
        if before.trim_matches('"').eq_ignore_ascii_case(id) { self.after.quoted(id) } else { before }
    }

    fn word(&self, value: &Value) -> String {
        value.as_str().map_or_else(|| "somebody".to_owned(), |id| self.quoted(id))
    }
}

/// Returns true if an object had what a step gives it.
pub fn had(object: &Object, step: &Step) -> bool {
    let kind = step.address.kind.name;
    let same = |body: &Properties, names: &[&str]| names.iter().all(|name| object.get(name) == body.get(*name));
    let none = |_: &str| false;
    match &step.action {
        Action::Create { body } if SEATS.contains(&kind) => {
            same(body, &["principalId", "roleDefinitionId", "directoryScopeId"])
        }
        Action::Create { body } if GROUP_SEATS.contains(&kind) => same(body, &["groupId", "principalId", "accessId"]),
        Action::Create { body } if kind == "entitlementManagementRoleAssignment" => {
            same(body, &["principalId", "roleDefinitionId", "appScopeId"])
        }
        Action::Create { body } | Action::Update { body, .. } => {
            let mut whole = object.0.clone();
            merge(&mut whole, body);
            loosened::of(kind, Some(&object.0), &whole, &none).is_empty()
        }
        Action::Call { property, value } => {
            let mut whole = object.0.clone();
            merge(&mut whole, &Map::from_iter([((*property).to_owned(), value.clone())]));
            loosened::of(kind, Some(&object.0), &whole, &none).is_empty()
        }
        Action::Link { link, value } | Action::Relink { link, value } => had_child(object, step, link, value),
        Action::Unlink { link, value } => !list(&object.0, link).any(|had| had == value),
        Action::Restore | Action::Delete => false,
    }
}

fn had_child(object: &Object, step: &Step, link: &str, value: &Value) -> bool {
    let kind = step.address.kind.name;
    if matches!(
        (kind, link),
        ("group", "members" | "owners")
            | (
                "application" | "servicePrincipal",
                "owners" | "federatedIdentityCredentials" | "oauth2PermissionGrants"
            )
            | ("servicePrincipal", "appRoleAssignedTo")
    ) {
        let wider = |had: &Value| {
            let (Some(had), Some(value)) = (had.as_object(), value.as_object()) else { return false };
            value.iter().all(|(name, value)| had.get(name).is_none_or(|had| had == value))
        };
        return list(&object.0, link).any(|had| had == value || wider(had));
    }
    child_of(kind, &object.0, link, value).is_some() && opened_by_child(kind, link, Some(&object.0), value).is_empty()
}

/// Returns what a child permits, compared with the child of the same key that the object has.
fn opened_by_child(kind: &str, link: &str, object: Option<&Properties>, value: &Value) -> Vec<String> {
    let before = object.and_then(|object| child_of(kind, object, link, value)).and_then(Value::as_object);
    let mut after = before.cloned().unwrap_or_default();
    if let Some(value) = value.as_object() {
        merge(&mut after, value);
    }
    loosened::child(kind, link, before, &after)
}

/// Returns the child of an object that has the same key as `value`.
fn child_of<'a>(kind: &str, object: &'a Properties, link: &str, value: &Value) -> Option<&'a Value> {
    let children = kinds::by_name(kind)?.link(link)?.children()?;
    let there = object.get(link)?;
    let Some(list) = there.as_array() else { return Some(there) };
    let key = |child: &Value| {
        children.key.iter().map(|path| child.pointer(&format!("/{path}")).cloned()).collect::<Vec<Option<Value>>>()
    };
    let own = key(value);
    list.iter().find(|child| key(child) == own)
}

/// Returns true if an object names another one by its id.
fn is_of(object: &Properties, name: &str, id: &str) -> bool {
    let named = object.get(name).and_then(|other| other.get("id")).and_then(Value::as_str);
    named.is_some_and(|named| named.eq_ignore_ascii_case(id))
}
