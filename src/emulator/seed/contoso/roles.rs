//! Defines Contoso's roles: Microsoft's, two of its own, and their permanent assignments.

use serde_json::json;

use crate::emulator::quirks::{assignment_id, built_in_roles};
use crate::emulator::seed::SeedObject;
use crate::emulator::seed::value::{id, map, object};

/// Lists custom roles: label, name, description, tasks.
/// <https://learn.microsoft.com/entra/identity/role-based-access-control/custom-available-permissions>
const CUSTOM: &[(&str, &str, &str, &[&str])] = &[
    (
        "application-support",
        "Application Support",
        "Keeps app registrations in order, and their credentials fresh.",
        &[
            "microsoft.directory/applications/standard/read",
            "microsoft.directory/applications/basic/update",
            "microsoft.directory/applications/credentials/update",
        ],
    ),
    (
        "group-care",
        "Group Care",
        "Looks after security groups and who is in them.",
        &["microsoft.directory/groups.security/basic/update", "microsoft.directory/groups.security/members/update"],
    ),
];

/// Lists assignments: role (template id, or label of a custom one), kind and label of the principal.
const HELD: &[(&str, &str, &str)] = &[
    ("62e90394-69f5-4237-9190-012177145e10", "user", "emergency-1"),
    ("62e90394-69f5-4237-9190-012177145e10", "user", "emergency-2"),
    ("e8611ab8-c189-46e8-94e1-60213ab1f814", "user", "tomasz.zielinski"),
    ("729827e3-9c14-49f7-bb1b-9608f156bbb8", "group", "role-help-desk"),
    ("application-support", "user", "sebastian.holm"),
    ("group-care", "group", "role-help-desk"),
];

/// Returns roles, then assignments. The settings of the roles are added to every tenant.
pub(super) fn objects() -> Vec<SeedObject> {
    let built_in = built_in_roles().map(|role| object("roleDefinition", role, []));
    let custom = CUSTOM.iter().map(|(label, name, description, tasks)| {
        let own = id("role", label);
        let value = json!({
            "id": own, "templateId": own, "displayName": name, "description": description, "isBuiltIn": false,
            "isEnabled": true, "resourceScopes": ["/"], "rolePermissions": [{"allowedResourceActions": tasks}],
        });
        object("roleDefinition", value, [])
    });
    let held = HELD.iter().map(|(role, kind, label)| {
        let role = if uuid::Uuid::parse_str(role).is_ok() { (*role).to_owned() } else { id("role", role) };
        let mut value = map(json!({"roleDefinitionId": role, "principalId": id(kind, label), "directoryScopeId": "/"}));
        value.insert("id".to_owned(), assignment_id(&value).into());
        object("roleAssignment", value.into(), [])
    });
    built_in.chain(custom).chain(held).collect()
}
