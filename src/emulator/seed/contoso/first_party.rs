//! Defines Microsoft's own applications as they are in a tenant. The ids are Microsoft's:
//! <https://learn.microsoft.com/graph/permissions-reference>,
//! <https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in>

use serde_json::{Value, json};

/// Id of their owner: Microsoft's tenant.
pub(super) const OWNER: &str = "f8cdef31-a31e-4b4a-93e4-5f571e91255a";

/// Application id of Microsoft Graph.
pub(super) const GRAPH: &str = "00000003-0000-0000-c000-000000000000";

/// Permission: id, value, description.
type Permission = (&'static str, &'static str, &'static str);

/// Application: application id, name, delegated permissions, application permissions.
pub(super) type Application = (&'static str, &'static str, &'static [Permission], &'static [Permission]);

pub(super) const APPLICATIONS: &[Application] = &[
    (
        GRAPH,
        "Microsoft Graph",
        &[
            ("37f7f235-527c-4136-accd-4a02d197296e", "openid", "Sign users in"),
            ("14dad69e-099b-42c9-810b-d002981feec1", "profile", "View users' basic profile"),
            ("64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0", "email", "View users' email address"),
            (
                "7427e0e9-2fba-42fe-b0c0-848c9e6a8182",
                "offline_access",
                "Maintain access to data you have given it access to",
            ),
            ("e1fe6dd8-ba31-4d61-89e7-88639da4683d", "User.Read", "Sign in and read user profile"),
            ("b340eb25-3456-403f-be2f-af7a0d370277", "User.ReadBasic.All", "Read all users' basic profiles"),
            ("a154be20-db9c-4678-8ab7-66f6cc099a59", "User.Read.All", "Read all users' full profiles"),
            ("5f8c59db-677d-491f-a6b8-5f174b11ec1d", "Group.Read.All", "Read all groups"),
            ("06da0dbc-49e2-44d2-8312-53f166ab848a", "Directory.Read.All", "Read directory data"),
            ("570282fd-fa5c-430d-a7fd-fc8dc98a9dca", "Mail.Read", "Read user mail"),
            ("465a38f9-76ea-45b9-9f34-9e8b0d4b0b42", "Calendars.Read", "Read user calendars"),
            ("205e70e5-aba6-4c52-a976-6d2d46c48043", "Sites.Read.All", "Read items in all site collections"),
        ],
        &[
            ("df021288-bdef-4463-88db-98f22de89214", "User.Read.All", "Read all users' full profiles"),
            ("741f803b-c850-494e-b5df-cde7c675a1ca", "User.ReadWrite.All", "Read and write all users' full profiles"),
            ("5b567255-7703-4780-807c-7be8301ae99b", "Group.Read.All", "Read all groups"),
            ("62a82d76-70ea-41e2-9197-370581804d09", "Group.ReadWrite.All", "Read and write all groups"),
            ("98830695-27a2-44f7-8c18-0c3ebc9698f6", "GroupMember.Read.All", "Read all group memberships"),
            ("9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30", "Application.Read.All", "Read all applications"),
            ("7ab1d382-f21e-4acd-a863-ba3e13f7da61", "Directory.Read.All", "Read directory data"),
            ("246dd0d5-5bd0-4def-940b-0421030a5b68", "Policy.Read.All", "Read your organization's policies"),
            (
                "01c0a623-fc9b-48e9-b794-0756f8e8f067",
                "Policy.ReadWrite.ConditionalAccess",
                "Read and write your organization's conditional access policies",
            ),
            ("b0afded3-3588-46d8-8b3d-9842eff778da", "AuditLog.Read.All", "Read all audit log data"),
            ("b633e1c5-b582-4048-a93e-9f11b44c7e96", "Mail.Send", "Send mail as any user"),
            ("332a536c-c7ef-4017-ab91-336970924f0d", "Sites.Read.All", "Read items in all site collections"),
        ],
    ),
    (
        "00000002-0000-0000-c000-000000000000",
        "Windows Azure Active Directory",
        &[("311a71cc-e848-46a1-bdf8-97ff7156d8e6", "User.Read", "Sign in and read user profile")],
        &[("5778995a-e1bf-45b8-affa-663a9f3f4d04", "Directory.Read.All", "Read directory data")],
    ),
    (
        "00000002-0000-0ff1-ce00-000000000000",
        "Office 365 Exchange Online",
        &[("ab4f2b77-0b06-4fc1-a9de-02113fc2ab7c", "Exchange.Manage", "Manage Exchange configuration")],
        &[("dc50a0fb-09a3-484d-be87-e023b12c6440", "Exchange.ManageAsApp", "Manage Exchange As Application")],
    ),
    (
        "00000003-0000-0ff1-ce00-000000000000",
        "Office 365 SharePoint Online",
        &[("4e0d77b0-96ba-4398-af14-3baa780278f4", "AllSites.Read", "Read items in all site collections")],
        &[(
            "678536fe-1083-478a-9c59-b99265e6b0d3",
            "Sites.FullControl.All",
            "Have full control of all site collections",
        )],
    ),
    (
        "797f4846-ba00-4fd7-ba43-dac1f8f63013",
        "Windows Azure Service Management API",
        &[(
            "41094075-9dad-400e-a0bd-54e686782033",
            "user_impersonation",
            "Access Azure Service Management as organization users",
        )],
        &[],
    ),
    ("00000009-0000-0000-c000-000000000000", "Power BI Service", &[], &[]),
    ("0000000a-0000-0000-c000-000000000000", "Microsoft Intune", &[], &[]),
    ("cc15fd57-2c6c-4117-a88c-83b1d56b4bbe", "Microsoft Teams Services", &[], &[]),
    ("04b07795-8ddb-461a-bbee-02f9e1bf7b46", "Microsoft Azure CLI", &[], &[]),
    ("1950a258-227b-4e31-a9cf-717495945fc2", "Microsoft Azure PowerShell", &[], &[]),
    ("14d82eec-204b-4c2f-b7e8-296a70dab67e", "Microsoft Graph Command Line Tools", &[], &[]),
    ("c44b4083-3bb0-49c1-b47d-974e53cbdf3c", "Azure Portal", &[], &[]),
];

/// Returns a delegated permission's id, by its value.
pub(super) fn scope(resource: &str, value: &str) -> Option<&'static str> {
    let (_, _, scopes, _) = APPLICATIONS.iter().find(|(id, ..)| *id == resource)?;
    scopes.iter().find(|(_, known, _)| *known == value).map(|(id, ..)| *id)
}

/// Returns an application permission's id, by its value.
pub(super) fn role(resource: &str, value: &str) -> Option<&'static str> {
    let (_, _, _, roles) = APPLICATIONS.iter().find(|(id, ..)| *id == resource)?;
    roles.iter().find(|(_, known, _)| *known == value).map(|(id, ..)| *id)
}

/// Returns the `oauth2PermissionScopes` of the application.
pub(super) fn scopes(list: &[Permission]) -> Vec<Value> {
    list.iter()
        .map(|(id, value, text)| {
            let kind = if value.ends_with(".All") || value.contains("Manage") { "Admin" } else { "User" };
            json!({"id": id, "value": value, "isEnabled": true, "type": kind, "adminConsentDisplayName": text,
                "adminConsentDescription": format!("Allows the app to: {text}."), "userConsentDisplayName": text,
                "userConsentDescription": format!("Allows the app to: {text}.")})
        })
        .collect()
}

/// Returns the `appRoles` of the application.
pub(super) fn roles(list: &[Permission]) -> Vec<Value> {
    list.iter()
        .map(|(id, value, text)| {
            json!({"id": id, "value": value, "isEnabled": true, "displayName": text, "origin": "Application",
                "description": format!("Allows the app to: {text}, without a signed-in user."), "allowedMemberTypes": ["Application"]})
        })
        .collect()
}
