//! Ways to power.

use entragit::kinds::power;
use serde_json::{Value, json};

use super::{Edit, Way, openings};
use crate::support::scene::{GLOBAL, World, id, role};

pub(super) const PRIVILEGED_ROLES: &str = "e8611ab8-c189-46e8-94e1-60213ab1f814";
pub(super) const USERS: &str = "741f803b-c850-494e-b5df-cde7c675a1ca";

/// Application permissions: <https://learn.microsoft.com/graph/permissions-reference>
const PERMISSIONS: &[(&str, &str, &str)] = &[
    ("E08", "RoleManagement.ReadWrite.Directory", "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8"),
    ("E09", "Policy.ReadWrite.PermissionGrant", "a402ca1c-2696-4531-972d-6e5ee4aa11ea"),
    ("E09", "DelegatedPermissionGrant.ReadWrite.All", "8e8e4742-1d95-4f68-9d56-6ee75648c72a"),
    ("E09", "RoleManagementPolicy.ReadWrite.Directory", "31e08e0a-d3f7-4ca2-ac39-7343fb83e8ad"),
    ("E09", "User-PasswordProfile.ReadWrite.All", "cc117bb9-00cf-4eb8-b580-ea2a878fe8f7"),
    ("E09", "EntitlementManagement.ReadWrite.All", "9acd699f-1e81-4958-b001-93b1d2506e19"),
    ("E09", "Domain.ReadWrite.All", "7e05723c-0bb0-42da-be95-ae9f08a6e53c"),
    ("E09", "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup", "41202f2c-f7ab-45be-b001-85c9728b9d69"),
    ("E09", "PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup", "618b6020-bca8-4de6-99f6-ef445fa4d857"),
    ("E09", "Policy.ReadWrite.CrossTenantAccess", "338163d7-f101-4c92-94ba-ca46fe52447c"),
    ("E09", "Policy.ReadWrite.AuthenticationMethod", "29c18626-4985-4dcd-85c0-193eef327366"),
    ("E09", "Synchronization.ReadWrite.All", "9b50c33d-700f-43b1-b2eb-87e89b703581"),
    ("E09", "Mail.ReadWrite", "e2a3a72e-5f79-4c64-b1b1-878b674786c9"),
    ("E09", "Sites.FullControl.All", "a82116e5-55eb-4c41-a434-62fe8a61c773"),
    ("F27 Azure AD Graph", "Directory.ReadWrite.All", "78c8a3c8-a07e-4b9e-af1b-b5ccab50a175"),
    ("F27", "full_access_as_app", "dc890d15-9560-4a4c-9b7f-a736ec74ec40"),
    ("F27", "Exchange.ManageAsApp", "DC50A0FB-09A3-484D-BE87-E023B12C6440"),
    ("F27 SharePoint", "Sites.FullControl.All", "678536fe-1083-478a-9c59-b99265e6b0d3"),
];

/// Permissions on behalf of everybody.
const SCOPES: &[(&str, &str)] = &[
    ("E12", "Directory.ReadWrite.All"),
    ("E12b", "directory.readwrite.all"),
    ("E12b", "rolemanagement.readwrite.directory"),
    ("E12c", "Directory.AccessAsUser.All"),
    ("E12d", "Mail.ReadWrite"),
    ("E12d", "Mail.ReadWrite.Shared"),
    ("E12d", "Files.ReadWrite.All"),
    ("E12d", "Sites.FullControl.All"),
    ("E12e", "Policy.ReadWrite.ConditionalAccess"),
    ("E12e", "Policy.ReadWrite.MobilityManagement"),
    ("E12e", "RoleManagement.ReadWrite.All"),
];

pub(super) fn way(
    label: impl Into<String>,
    first: impl Fn(&mut World) + 'static,
    edit: impl Fn(&mut World) + 'static,
    says: impl Into<String>,
) -> Way {
    let (first, edit): (Edit, Edit) = (Box::new(first), Box::new(edit));
    Way { label: label.into(), first, edit, says: says.into(), returns: true }
}

pub(super) fn nothing(_: &mut World) {}

pub(super) fn all() -> Vec<Way> {
    [roles(), groups(), applications(), custom_roles(), openings::all()].into_iter().flatten().collect()
}

pub(super) fn until(end: Option<&str>) -> Value {
    let expiration = match end {
        Some(end) => json!({"type": "afterDateTime", "endDateTime": end}),
        None => json!({"type": "noExpiration"}),
    };
    json!({"startDateTime": "2026-01-01T00:00:00Z", "expiration": expiration})
}

pub(super) fn eligible(world: &mut World, who: &str, role: &str, end: Option<&str>) {
    world.put(
        "roleEligibilitySchedule",
        "eligible",
        json!({"principalId": id(who), "roleDefinitionId": role,
        "directoryScopeId": "/", "memberType": "Direct", "scheduleInfo": until(end)}),
    );
}

fn scheduled(world: &mut World, who: &str, end: Option<&str>) {
    world.put(
        "roleAssignmentSchedule",
        "scheduled",
        json!({"principalId": id(who), "roleDefinitionId": GLOBAL,
        "directoryScopeId": "/", "memberType": "Direct", "assignmentType": "Assigned", "scheduleInfo": until(end)}),
    );
}

pub(super) fn in_group(world: &mut World, kind: &'static str, who: &str, group: &str, access: &str) {
    world.put(
        kind,
        "in-group",
        json!({"principalId": id(who), "groupId": id(group), "accessId": access,
        "memberType": "direct", "scheduleInfo": until(None)}),
    );
    if kind == "groupAssignmentSchedule" {
        world.set(kind, "in-group", "/assignmentType", "assigned".into());
    }
}

fn roles() -> Vec<Way> {
    vec![
        way("E01", nothing, |world| role(world, "new", "cleo", GLOBAL), r#"makes "cleo" Global Administrator"#),
        way(
            "E28",
            nothing,
            |world| {
                role(world, "new", "cleo", GLOBAL);
                world.set("roleAssignment", "new", "/directoryScopeId", "/administrativeUnits/1".into());
            },
            "Global Administrator, within one part of the tenant",
        ),
        way(
            "E02",
            nothing,
            |world| eligible(world, "cleo", GLOBAL, None),
            r#"makes "cleo" eligible for Global Administrator"#,
        ),
        way(
            "E02 for a group",
            nothing,
            |world| eligible(world, "staff", PRIVILEGED_ROLES, None),
            r#"makes "staff" eligible for Privileged Role"#,
        ),
        way(
            "E02 for longer",
            |world| eligible(world, "cleo", GLOBAL, Some("2027-01-01T00:00:00Z")),
            |world| eligible(world, "cleo", GLOBAL, None),
            r#"lets "cleo" keep Global Administrator for longer"#,
        ),
        way("E03", nothing, |world| scheduled(world, "cleo", None), r#"makes "cleo" Global Administrator"#),
        way(
            "E03 timed",
            nothing,
            |world| scheduled(world, "cleo", Some("2027-01-01T00:00:00Z")),
            r#"makes "cleo" Global"#,
        ),
        way(
            "E29",
            nothing,
            |world| role(world, "new", "cleo", "29232cdf-9323-42fd-ade2-1d097af3e4de"),
            "Exchange Administrator",
        ),
        way(
            "E29",
            nothing,
            |world| role(world, "new", "cleo", "fdd7a751-b60b-444a-984c-02652fe8fa1c"),
            "Groups Administrator",
        ),
        way(
            "E29",
            nothing,
            |world| role(world, "new", "cleo", "d29b2b05-8046-44ba-8758-1e26182fcf32"),
            "Directory Synchronization",
        ),
        way(
            "E16 no question",
            |world| settings(world, GLOBAL),
            |world| rules(world, 0, "/enabledRules", json!([])),
            "no longer asks for",
        ),
        way(
            "E16 longer",
            |world| settings(world, GLOBAL),
            |world| rules(world, 1, "/maximumDuration", "PT24H".into()),
            r#""Global Administrator" can be held for P1D instead of PT8H"#,
        ),
        way(
            "E16 for ever",
            |world| settings(world, GLOBAL),
            |world| rules(world, 1, "/isExpirationRequired", false.into()),
            "held for ever",
        ),
        way(
            "E16 no approval",
            |world| settings(world, GLOBAL),
            |world| rules(world, 2, "/setting/isApprovalRequired", false.into()),
            "no longer needs approval",
        ),
        way(
            "E16 no context",
            |world| settings(world, GLOBAL),
            |world| rules(world, 3, "/isEnabled", false.into()),
            "no longer asks for an authentication context",
        ),
    ]
}

/// What is demanded of those who activate a role.
pub(super) fn settings(world: &mut World, role: &str) {
    let rule = |sort: &str, id: &str, more: Value| {
        let mut rule = json!({"@odata.type": format!("#microsoft.graph.unifiedRoleManagementPolicy{sort}Rule"),
            "id": format!("{id}_EndUser_Assignment"),
            "target": {"caller": "EndUser", "operations": ["all"], "level": "Assignment"}});
        rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        rule
    };
    world.put(
        "roleManagementPolicy",
        "settings",
        json!({"roleDefinitionId": role, "scopeId": "/", "scopeType": "DirectoryRole", "rules": [
            rule("Enablement", "Enablement", json!({"enabledRules": ["Justification", "MultiFactorAuthentication"]})),
            rule("Expiration", "Expiration", json!({"isExpirationRequired": true, "maximumDuration": "PT8H"})),
            rule("Approval", "Approval", json!({"setting": {"isApprovalRequired": true}})),
            rule("AuthenticationContext", "AuthenticationContext", json!({"isEnabled": true, "claimValue": "c1"})),
        ]}),
    );
}

pub(super) fn rules(world: &mut World, number: usize, pointer: &str, value: Value) {
    let rule = &mut world.of("roleManagementPolicy", "settings")["rules"][number];
    *rule.pointer_mut(pointer).unwrap() = value;
}

fn groups() -> Vec<Way> {
    let mut ways = Vec::new();
    for (kind, how) in [("groupEligibilitySchedule", "eligible as "), ("groupAssignmentSchedule", "")] {
        for (access, place) in [("member", "a member"), ("owner", "an owner")] {
            let says = format!(r#"makes "cleo" {how}{place} of "admins""#);
            ways.push(way(
                format!("E07 {kind} {access}"),
                nothing,
                move |world| in_group(world, kind, "cleo", "admins", access),
                says,
            ));
        }
    }
    let eligible_group: fn(&mut World) = |world| eligible(world, "staff", GLOBAL, None);
    ways.extend([
        way(
            "E05",
            nothing,
            |world| world.members("admins", &["admin2", "cleo"]),
            r#"makes "cleo" a member of "admins""#,
        ),
        way(
            "E06",
            nothing,
            |world| world.set("group", "admins", "/owners", json!([id("cleo")])),
            r#"makes "cleo" an owner of "admins""#,
        ),
        way(
            "E07 a group that may activate a role",
            eligible_group,
            |world| world.members("staff", &["ann", "bob", "cleo"]),
            r#"a member of "staff""#,
        ),
        way(
            "E07 a group on the way into one",
            |world| in_group(world, "groupEligibilitySchedule", "staff", "admins", "member"),
            |world| world.members("staff", &["ann", "bob", "cleo"]),
            r#"makes "cleo" a member of "staff""#,
        ),
        way(
            "E24",
            |world| world.set("group", "shelter", "/isAssignableToRole", true.into()),
            |world| world.members("shelter", &["bg1", "inner", "cleo"]),
            r#"makes "cleo" a member of "shelter""#,
        ),
        way(
            "D04",
            nothing,
            |world| {
                let mut again = world.of("group", "admins").clone();
                again["id"] = id("admins-again").into();
                again["members"] = json!([id("cleo")]);
                world.put("group", "admins-again", again);
                role(world, "ga-again", "admins-again", GLOBAL);
            },
            r#"makes "cleo" a member"#,
        ),
    ]);
    ways
}

pub(super) fn grant(world: &mut World, who: &str, role: &str) {
    let granted = world.of("servicePrincipal", "graph")["appRoleAssignedTo"].as_array_mut().unwrap();
    granted.push(json!({"principalId": id(who), "appRoleId": role}));
}

pub(super) fn on_behalf(world: &mut World, consent: &str, scope: &str) {
    let mut grant = json!({"consentType": consent, "resourceId": id("graph"), "scope": scope});
    if consent == "Principal" {
        grant["principalId"] = id("admin").into();
    }
    world.set("servicePrincipal", "payroll-principal", "/oauth2PermissionGrants", json!([grant]));
}

pub(super) fn credential(world: &mut World, app: &str) {
    world.set(
        "application",
        app,
        "/federatedIdentityCredentials",
        json!([{"name": "other",
        "issuer": "https://issuer.example", "subject": "other", "audiences": ["api://AzureADTokenExchange"]}]),
    );
}

pub(super) fn owner(world: &mut World, app: &str) {
    world.set("application", app, "/owners", json!([id("cleo")]));
}

fn applications() -> Vec<Way> {
    let mut ways = Vec::new();
    for (label, name, role) in PERMISSIONS {
        let found = power::permission(role).map(|permission| permission.name);
        assert_eq!(found, Some(*name), "{label}");
        let says = format!(r#"grants {name} to "payroll-principal""#);
        ways.push(way(format!("{label} {name}"), nothing, move |world| grant(world, "payroll-principal", role), says));
    }
    for (label, scope) in SCOPES {
        let says = format!(r#"lets "payroll-principal" use {scope} on behalf of everybody"#);
        let edit = move |world: &mut World| on_behalf(world, "AllPrincipals", &format!("{scope} User.Read"));
        ways.push(way(format!("{label} {scope}"), nothing, edit, says.clone()));
        let first = |world: &mut World| on_behalf(world, "AllPrincipals", "User.Read");
        ways.push(way(format!("{label} {scope} besides another"), first, edit, says));
    }
    ways.push(way(
        "E12 on behalf of an administrator",
        nothing,
        |world| on_behalf(world, "Principal", "Directory.ReadWrite.All"),
        r#"on behalf of "admin""#,
    ));
    type Power = (&'static str, fn(&mut World), &'static str);
    let powers: [Power; 4] = [
        (
            "E10, E11 a permission",
            |world| grant(world, "payroll-principal", USERS),
            "has the permission User.ReadWrite.All",
        ),
        (
            "F28 a role",
            |world| role(world, "pra", "payroll-principal", PRIVILEGED_ROLES),
            "has the role Privileged Role Administrator",
        ),
        (
            "F28 a role that it may activate",
            |world| eligible(world, "payroll-principal", PRIVILEGED_ROLES, None),
            "has the role Privileged",
        ),
        (
            "F28 a role of a group",
            |world| world.members("admins", &["admin2", "payroll-principal"]),
            "has the role Global Administrator",
        ),
    ];
    for (label, first, says) in powers {
        ways.push(way(format!("{label}: credential"), first, |world| credential(world, "payroll"), says));
        ways.push(way(format!("{label}: owner"), first, |world| owner(world, "payroll"), says));
        let of_principal =
            |world: &mut World| world.set("servicePrincipal", "payroll-principal", "/owners", json!([id("cleo")]));
        ways.push(way(format!("{label}: owner of the principal"), first, of_principal, says));
        ways.push(way(format!("D15b {label}: address"), first, redirected, "sends tokens to another address"));
        ways.push(way(
            format!("D15b {label}: audience"),
            first,
            |world| {
                world.set("application", "payroll", "/signInAudience", "AzureADMultipleOrgs".into());
            },
            "lets people of other tenants sign in",
        ));
    }
    ways.push(way(
        "D15b on behalf of everybody",
        |world| on_behalf(world, "AllPrincipals", "Directory.AccessAsUser.All"),
        redirected,
        "Directory.AccessAsUser.All on behalf of everybody",
    ));
    ways
}

pub(super) fn redirected(world: &mut World) {
    world.set("application", "payroll", "/web", json!({"redirectUris": ["https://evil.example/callback"]}));
}

/// A custom role that may do this.
pub(super) fn custom(world: &mut World, tasks: &[&str]) {
    let tasks: Vec<String> = tasks.iter().map(|task| format!("microsoft.directory/{task}")).collect();
    world.put(
        "roleDefinition",
        "support",
        json!({"displayName": "Support", "isBuiltIn": false, "isEnabled": true,
        "rolePermissions": [{"allowedResourceActions": tasks}]}),
    );
}

fn custom_roles() -> Vec<Way> {
    const FEW: &[&str] = &["applications/basic/update"];
    let mut ways = Vec::new();
    for task in [
        "applications/credentials/update",
        "servicePrincipals/credentials/update",
        "servicePrincipals/appRoleAssignedTo/update",
        "roleAssignments/allProperties/allTasks",
    ] {
        let first = |world: &mut World| {
            custom(world, FEW);
            role(world, "supporter", "ann", &id("support"));
        };
        ways.push(way(format!("E17 {task}"), first, move |world| custom(world, &[FEW[0], task]), task.to_lowercase()));
        ways.push(way(
            format!("E17b {task}"),
            nothing,
            move |world| {
                custom(world, &[task]);
                role(world, "supporter", "ann", &id("support"));
            },
            r#"makes "ann" Support"#,
        ));
        let there = move |world: &mut World| custom(world, &[task]);
        ways.push(way(
            format!("E17c {task}"),
            there,
            |world| role(world, "supporter", "cleo", &id("support")),
            r#"makes "cleo" Support"#,
        ));
        ways.push(way(
            format!("E17c {task}, eligible"),
            there,
            |world| eligible(world, "cleo", &id("support"), None),
            "eligible for Support",
        ));
    }
    ways
}
