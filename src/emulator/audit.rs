//! Keeps the directory audit log: every write leaves an entry in Microsoft's words.
//! <https://learn.microsoft.com/entra/identity/monitoring-health/reference-audit-activities>,
//! <https://learn.microsoft.com/graph/api/resources/directoryaudit>

use serde_json::{Value, json};

use super::caller::Caller;
use super::request::Request;
use super::store::{Key, Properties};
use super::tenant::Tenant;
use crate::kinds;
use crate::model::Kind;

/// Number of entries that are kept. The oldest are dropped when there are more, as they are after thirty days in a real tenant.
const MOST: usize = 200_000;

/// Represents what was done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Created.
    Add,
    /// Changed.
    Update,
    /// Moved to the recycle bin, or removed where there is none.
    Delete,
    /// Restored from the recycle bin.
    Restore,
    /// Removed from the recycle bin.
    Purge,
}

/// Represents what was done to a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tie {
    /// Linked.
    Add,
    /// Unlinked.
    Remove,
}

struct Words {
    activity: String,
    category: &'static str,
    service: &'static str,
    operation: &'static str,
}

impl Tenant {
    /// Records that `verb` happened to an object.
    pub fn audit(
        &mut self,
        request: &Request,
        kind: &Kind,
        verb: Verb,
        old: Option<&Properties>,
        new: Option<&Properties>,
    ) {
        let words = words(kind, verb);
        let shown = new.or(old);
        if let (Some(assignment), "roleAssignment") = (shown, kind.name) {
            let targets = self.membership(assignment, verb);
            return self.enter(request, words, targets);
        }
        let mut words = words;
        if let (Verb::Update, Some(old), Some(new)) = (verb, old, new)
            && let Some(activity) = of_credentials(kind, old, new)
        {
            words.activity = activity.to_owned();
        }
        let modified = modified(kind, old, new);
        let target = shown.map(|object| target(kind, object, modified));
        self.enter(request, words, target.into_iter().collect());
    }

    /// Records that a link between two objects was added or removed.
    pub fn audit_link(&mut self, request: &Request, kind: &Kind, object: &Properties, link: &str, tie: Tie, to: &Key) {
        let (word, preposition) = match tie {
            Tie::Add => ("Add", "to"),
            Tie::Remove => ("Remove", "from"),
        };
        let activity = match (link, tie) {
            ("manager", Tie::Add) => "Set user manager".to_owned(),
            ("manager", Tie::Remove) => "Remove user manager".to_owned(),
            _ => format!("{word} {} {preposition} {}", link.trim_end_matches('s'), spoken(kind)),
        };
        let words = Words {
            activity,
            category: category(kind),
            service: "Core Directory",
            operation: if tie == Tie::Add { "Assign" } else { "Unassign" },
        };
        let (old, new) = match tie {
            Tie::Add => ("oldValue", "newValue"),
            Tie::Remove => ("newValue", "oldValue"),
        };
        let class = class(kind);
        let fact = |name: &str, value: Option<&Value>| json!({"displayName": format!("{class}.{name}"), old: null, new: value.map(Value::to_string)});
        let facts = vec![fact("ObjectID", object.get("id")), fact("DisplayName", object.get("displayName"))];
        // The linked object comes first and carries the object that it was linked to.
        let linked = match self.directory_object(&to.id) {
            Some((kind, linked)) => target(kind, &linked, facts),
            None => json!({"id": to.id.as_ref(), "displayName": null, "type": "Other", "modifiedProperties": facts}),
        };
        self.enter(request, words, vec![linked, target(kind, object, Vec::new())]);
    }

    /// Records that a child was added, removed or changed.
    pub fn audit_child(
        &mut self,
        request: &Request,
        link: &str,
        kind: &Kind,
        parent: &Properties,
        old: Option<&Properties>,
        new: Option<&Properties>,
    ) {
        if link == "rules" {
            return self.audit_setting(request, parent, old, new);
        }
        let tie = if new.is_some() { Tie::Add } else { Tie::Remove };
        let child = new.or(old);
        let property =
            |name: &str| child.and_then(|child| child.get(name)).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (activity, category) = match link {
            "appRoleAssignedTo" => match (property("principalType").as_str(), tie) {
                ("User", Tie::Add) => ("Add app role assignment grant to user", "UserManagement"),
                ("User", Tie::Remove) => ("Remove app role assignment from user", "UserManagement"),
                ("Group", Tie::Add) => ("Add app role assignment to group", "GroupManagement"),
                ("Group", Tie::Remove) => ("Remove app role assignment from group", "GroupManagement"),
                (_, Tie::Add) => ("Add app role assignment to service principal", "ApplicationManagement"),
                (_, Tie::Remove) => ("Remove app role assignment from service principal", "ApplicationManagement"),
            },
            "oauth2PermissionGrants" if tie == Tie::Add => ("Add delegated permission grant", "ApplicationManagement"),
            "oauth2PermissionGrants" => ("Remove delegated permission grant", "ApplicationManagement"),
            "authenticationMethodConfigurations" => ("Authentication Methods Policy Update", "ApplicationManagement"),
            _ => ("Update application", "ApplicationManagement"),
        };
        let operation = match (old, new) {
            (None, _) => "Assign",
            (_, None) => "Unassign",
            _ => "Update",
        };
        let service =
            if link == "authenticationMethodConfigurations" { "Authentication Methods" } else { "Core Directory" };
        let name = capital(link.trim_end_matches('s'));
        let text = |value: Option<&Properties>| value.map(|value| Value::Object(value.clone()).to_string());
        let facts = vec![json!({"displayName": name, "oldValue": text(old), "newValue": text(new)})];
        let mut targets = vec![target(kind, parent, facts)];
        // A grant to a service principal has one target, the resource.
        if property("principalType") != "ServicePrincipal"
            && let Some((kind, principal)) = self.directory_object(&property("principalId"))
        {
            targets.push(target(kind, &principal, Vec::new()));
        }
        let words = Words { activity: activity.to_owned(), category, service, operation };
        self.enter(request, words, targets);
    }

    /// Returns the targets of a role assignment's event: the principal with the role's properties, then the role.
    fn membership(&self, assignment: &Properties, verb: Verb) -> Vec<Value> {
        let text = |name: &str| assignment.get(name).and_then(Value::as_str).unwrap_or_default();
        let role = self.role(text("roleDefinitionId"));
        let (old, new) = if verb == Verb::Delete { ("newValue", "oldValue") } else { ("oldValue", "newValue") };
        let facts = [("ObjectID", "id"), ("DisplayName", "displayName"), ("TemplateId", "templateId")];
        let facts = facts.map(|(name, property)| {
            let value = role.get(property).map(Value::to_string);
            json!({"displayName": format!("Role.{name}"), old: null, new: value})
        });
        let known = WELL_KNOWN_ROLES.iter().find(|(id, _)| role.get("templateId").is_some_and(|own| own == id));
        let known = known.map(|(_, name)| Value::from(*name).to_string());
        let known = json!({"displayName": "Role.WellKnownObjectName", old: null, new: known});
        let facts: Vec<Value> = facts.into_iter().chain([known]).collect();
        let principal = match self.directory_object(text("principalId")) {
            Some((kind, principal)) => target(kind, &principal, facts),
            None => {
                json!({"id": text("principalId"), "displayName": null, "type": "Other", "modifiedProperties": facts})
            }
        };
        // The log leaves the name to the facts.
        let mut target = role_target(&role, Vec::new());
        target["displayName"] = Value::Null;
        vec![principal, target]
    }

    /// Records that a role's settings changed; the log names the role and not the policy.
    /// <https://learn.microsoft.com/entra/architecture/security-operations-privileged-accounts#changes-to-privileged-accounts>
    fn audit_setting(
        &mut self,
        request: &Request,
        policy: &Properties,
        old: Option<&Properties>,
        new: Option<&Properties>,
    ) {
        let role = self.role(policy.get("roleDefinitionId").and_then(Value::as_str).unwrap_or_default());
        let name = new.or(old).and_then(|rule| rule.get("id")).and_then(Value::as_str).unwrap_or_default().to_owned();
        let text = |value: Option<&Properties>| value.map(|value| Value::Object(value.clone()).to_string());
        let facts = vec![json!({"displayName": name, "oldValue": text(old), "newValue": text(new)})];
        let words = Words {
            activity: "Update role setting in PIM".to_owned(),
            category: "RoleManagement",
            service: "PIM",
            operation: "Update",
        };
        self.enter(request, words, vec![role_target(&role, facts)]);
    }

    fn role(&self, id: &str) -> Properties {
        let kind = kinds::by_name("roleDefinition");
        let found = kind.and_then(|kind| self.store.table(kind).get(id));
        found.unwrap_or_else(|| Properties::from_iter([("id".to_owned(), id.into())]))
    }

    fn enter(&mut self, request: &Request, words: Words, targets: Vec<Value>) {
        let service = words.service.replace(' ', "");
        let entry = json!({
            "id": format!("{service}_{}_{:05}", uuid::Uuid::new_v4(), self.audits.len() % 100_000),
            "category": words.category,
            "correlationId": request.header("client-request-id").filter(|id| super::store::is_guid(id)).unwrap_or(&request.id),
            "result": "success",
            "resultReason": "",
            "activityDisplayName": words.activity,
            "activityDateTime": self.clock.ticks(),
            "loggedByService": words.service,
            "operationType": words.operation,
            "initiatedBy": initiator(&request.caller),
            "targetResources": targets,
            "additionalDetails": request.header("user-agent").map(|agent| json!({"key": "User-Agent", "value": agent})).into_iter().collect::<Vec<_>>(),
        });
        self.audits.push_back(entry);
        if self.audits.len() > MOST {
            self.audits.pop_front();
        }
    }
}

fn initiator(caller: &Caller) -> Value {
    match caller {
        Caller::User { id, name, upn, ip, .. } => json!({
            "app": null,
            "user": {"id": id, "displayName": name, "userPrincipalName": upn, "ipAddress": ip},
        }),
        // The application's own id is null in the log.
        Caller::App { principal, name, .. } => json!({
            "user": null,
            "app": {"appId": null, "displayName": name, "servicePrincipalId": principal, "servicePrincipalName": null},
        }),
    }
}

/// Lists the names that the log calls Microsoft's roles by, as far as published entries show them: template id, name.
const WELL_KNOWN_ROLES: &[(&str, &str)] = &[
    ("62e90394-69f5-4237-9190-012177145e10", "TenantAdmins"),
    ("fe930be7-5e62-47db-91af-98c3a49a38b1", "UserAccountAdmins"),
];

fn role_target(role: &Properties, modified: Vec<Value>) -> Value {
    json!({"id": role.get("id"), "displayName": role.get("displayName"), "type": "Role", "userPrincipalName": null,
        "groupType": null, "modifiedProperties": modified})
}

fn words(kind: &Kind, verb: Verb) -> Words {
    let word = |add: &str, update: &str, delete: &str| match verb {
        Verb::Add => add.to_owned(),
        Verb::Update => update.to_owned(),
        Verb::Delete => delete.to_owned(),
        Verb::Restore => "Restore".to_owned(),
        Verb::Purge => "Hard Delete".to_owned(),
    };
    let activity = match (kind.name, verb) {
        ("authenticationStrengthPolicy", _) => {
            format!("Authentication Strength Policy {}", word("Create", "Update", "Delete"))
        }
        ("authenticationMethodsPolicy", _) => "Authentication Methods Policy Update".to_owned(),
        ("roleAssignment", Verb::Delete) => "Remove member from role".to_owned(),
        ("roleAssignment", _) => "Add member to role".to_owned(),
        ("servicePrincipal", Verb::Delete) => "Remove service principal".to_owned(),
        ("group", Verb::Restore) => "Restore Group".to_owned(),
        _ => format!("{} {}", word("Add", "Update", "Delete"), spoken(kind)),
    };
    let service = match kind.name {
        "conditionalAccessPolicy" | "namedLocation" => "Conditional Access",
        "authenticationStrengthPolicy" | "authenticationMethodsPolicy" => "Authentication Methods",
        _ => "Core Directory",
    };
    let operation = match verb {
        Verb::Add if kind.name == "roleAssignment" => "Assign",
        Verb::Delete if kind.name == "roleAssignment" => "Unassign",
        Verb::Add => "Add",
        Verb::Delete | Verb::Purge => "Delete",
        Verb::Update | Verb::Restore => "Update",
    };
    Words { activity, category: category(kind), service, operation }
}

/// Returns the activity's name if nothing but secrets or certificates changed.
/// <https://learn.microsoft.com/entra/identity/monitoring-health/reference-audit-activities#core-directory>
fn of_credentials(kind: &Kind, old: &Properties, new: &Properties) -> Option<&'static str> {
    let names = changed(Some(old), new);
    let credentials = |name: &String| matches!(name.as_str(), "passwordCredentials" | "keyCredentials");
    if names.is_empty() || !names.iter().all(credentials) {
        return None;
    }
    let count = |object: &Properties| -> usize {
        names.iter().filter_map(|name| object.get(name)?.as_array()).map(Vec::len).sum()
    };
    match kind.name {
        "application" => Some("Update application – Certificates and secrets management"),
        "servicePrincipal" if count(new) < count(old) => Some("Remove service principal credentials"),
        "servicePrincipal" => Some("Add service principal credentials"),
        _ => None,
    }
}

fn category(kind: &Kind) -> &'static str {
    match kind.name {
        "user" => "UserManagement",
        "group" => "GroupManagement",
        "application" | "servicePrincipal" | "authenticationStrengthPolicy" | "authenticationMethodsPolicy" => {
            "ApplicationManagement"
        }
        "authorizationPolicy" => "AuthorizationPolicy",
        "roleDefinition" | "roleAssignment" | "roleManagementPolicy" => "RoleManagement",
        _ => "Policy",
    }
}

/// Returns the name of a kind as people say it: `conditionalAccessPolicy` becomes `conditional access policy`.
fn spoken(kind: &Kind) -> String {
    kind.name
        .chars()
        .flat_map(|char| if char.is_ascii_uppercase() { vec![' ', char.to_ascii_lowercase()] } else { vec![char] })
        .collect()
}

fn capital(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_ascii_uppercase().to_string() + chars.as_str()).unwrap_or_default()
}

fn class(kind: &Kind) -> String {
    match kind.name {
        "user" | "group" | "application" | "servicePrincipal" => capital(kind.name),
        "roleDefinition" => "Role".to_owned(),
        _ => "Policy".to_owned(),
    }
}

fn target(kind: &Kind, object: &Properties, modified: Vec<Value>) -> Value {
    let unified = super::store::strings(object.get("groupTypes")).any(|ty| ty == "Unified");
    let mut target = json!({
        "id": object.get("id"), "displayName": object.get("displayName"), "type": class(kind),
        "userPrincipalName": object.get("userPrincipalName"), "groupType": null, "modifiedProperties": modified,
    });
    if kind.name == "group" {
        target["groupType"] = if unified { "unifiedGroups".into() } else { Value::from("azureAD") };
    }
    target
}

/// Returns the changes: property by property in the directory, the whole document in the policy services.
fn modified(kind: &Kind, old: Option<&Properties>, new: Option<&Properties>) -> Vec<Value> {
    if category(kind) == "Policy" || kind.name.ends_with("Policy") {
        let text = |value: Option<&Properties>| value.map(|value| Value::Object(value.clone()).to_string());
        return vec![json!({"displayName": capital(kind.name), "oldValue": text(old), "newValue": text(new)})];
    }
    let (Some(_), Some(new)) = (old.or(new), new) else { return Vec::new() };
    let mut out = Vec::new();
    let mut names = Vec::new();
    for name in changed(old, new) {
        let list = |value: Option<&Value>| {
            value.filter(|value| !value.is_null()).map_or_else(
                || "[]".to_owned(),
                |value| match value {
                    Value::Array(_) => value.to_string(),
                    one => Value::Array(vec![one.clone()]).to_string(),
                },
            )
        };
        let before = old.and_then(|old| old.get(&name));
        out.push(json!({"displayName": capital(&name), "oldValue": list(before), "newValue": list(new.get(&name))}));
        names.push(capital(&name));
    }
    out.push(json!({"displayName": "Included Updated Properties", "oldValue": null, "newValue": Value::from(names.join(", ")).to_string()}));
    out
}

/// Returns the properties in which two states differ.
pub fn changed(old: Option<&Properties>, new: &Properties) -> Vec<String> {
    let empty = Properties::new();
    let old = old.unwrap_or(&empty);
    let mut names: Vec<String> =
        old.keys().chain(new.keys()).filter(|name| old.get(*name) != new.get(*name)).cloned().collect();
    names.sort();
    names.dedup();
    names
}
