//! Lists permissions that give power to their holder, by the application that they are permissions of.

/// Represents the power that a permission gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// Access to everybody's mail or files.
    Data,
    /// Control over people's rights in the tenant: from here it is a step or two to every other permission.
    Control,
}

/// Represents a permission that an application can have for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// Id of the application's role.
    pub id: &'static str,
    /// Name of the permission; the same permission on behalf of people has the same name.
    pub name: &'static str,
    /// Power that it gives.
    pub tier: Tier,
}

/// Lists the appIds of the applications whose permissions are listed here: Microsoft Graph, Azure AD Graph, Exchange, SharePoint.
/// <https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in>
pub const RESOURCES: &[&str] = &[
    "00000003-0000-0000-c000-000000000000",
    "00000002-0000-0000-c000-000000000000",
    "00000002-0000-0ff1-ce00-000000000000",
    "00000003-0000-0ff1-ce00-000000000000",
];

/// Lists permissions of Microsoft Graph: those that change something from which power follows.
/// <https://learn.microsoft.com/graph/permissions-reference>
const MICROSOFT_GRAPH: &[Permission] = &[
    control("0510736e-bdfb-4b37-9a1f-89b4a074763a", "AgentIdentityBlueprint.AddRemoveCreds.All"),
    control("7fddd33b-d884-4ec0-8696-72cff90ff825", "AgentIdentityBlueprint.ReadWrite.All"),
    control("1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9", "Application.ReadWrite.All"),
    control("18a4783c-866b-4cc7-a460-3d5e5662c884", "Application.ReadWrite.OwnedBy"),
    control("06b708a9-e830-4db3-a914-8e69da51d44f", "AppRoleAssignment.ReadWrite.All"),
    control("c2667967-7050-4e7e-b059-4cbbb3811d03", "CustomAuthenticationExtension.ReadWrite.All"),
    control("8e8e4742-1d95-4f68-9d56-6ee75648c72a", "DelegatedPermissionGrant.ReadWrite.All"),
    control("78145de6-330d-4800-a6ce-494ff2d33d07", "DeviceManagementApps.ReadWrite.All"),
    control("9241abd9-d0e6-425a-bd4f-47ba86e767a4", "DeviceManagementConfiguration.ReadWrite.All"),
    control("5b07b0dd-2377-4e44-a38d-703f09a0dc3c", "DeviceManagementManagedDevices.PrivilegedOperations.All"),
    control("e330c4f0-4170-414e-a55a-2f022ec2b57b", "DeviceManagementRBAC.ReadWrite.All"),
    control("9255e99d-faf5-445e-bbf7-cb71482737c4", "DeviceManagementScripts.ReadWrite.All"),
    control("19dbc75e-c2e2-444c-a770-ec69d8559fc7", "Directory.ReadWrite.All"),
    control("64d40371-8d58-4270-bc8a-b4a66de36b9a", "Domain-InternalFederation.ReadWrite.All"),
    control("7e05723c-0bb0-42da-be95-ae9f08a6e53c", "Domain.ReadWrite.All"),
    control("9acd699f-1e81-4958-b001-93b1d2506e19", "EntitlementManagement.ReadWrite.All"),
    control("62a82d76-70ea-41e2-9197-370581804d09", "Group.ReadWrite.All"),
    control("dbaae8cf-10b5-4b86-a4a1-f871c94c6695", "GroupMember.ReadWrite.All"),
    control("90db2b9a-d928-4d33-a4dd-8442ae3d41e4", "IdentityProvider.ReadWrite.All"),
    control("94c88098-1d9d-4c42-a356-4d5a95312554", "LifecycleWorkflows-Workflow.ReadWrite.All"),
    control("5c505cf4-8424-4b8e-aa14-ee06e3bb23e3", "LifecycleWorkflows.ReadWrite.All"),
    control("c22a92cc-79bf-4bb1-8b6c-e0a05d3d80ce", "OnPremDirectorySynchronization.ReadWrite.All"),
    control("292d869f-3427-49a8-9dab-8c70152b74e9", "Organization.ReadWrite.All"),
    control("be74164b-cff1-491c-8741-e671cb536e13", "Policy.ReadWrite.ApplicationConfiguration"),
    control("29c18626-4985-4dcd-85c0-193eef327366", "Policy.ReadWrite.AuthenticationMethod"),
    control("fb221be6-99f2-473f-bd32-01c6a0e9ca3b", "Policy.ReadWrite.Authorization"),
    control("01c0a623-fc9b-48e9-b794-0756f8e8f067", "Policy.ReadWrite.ConditionalAccess"),
    control("338163d7-f101-4c92-94ba-ca46fe52447c", "Policy.ReadWrite.CrossTenantAccess"),
    control("a6325ae7-2b73-4dbd-abed-fbeacfbf8696", "Policy.ReadWrite.CrossTenantCapability"),
    control("90bbca0b-227c-4cdc-8083-1c6cfb95bac6", "Policy.ReadWrite.FedTokenValidation"),
    control("2dcf8603-09eb-4078-b1ec-d30a1a76b873", "Policy.ReadWrite.IdentityProtection"),
    control("a402ca1c-2696-4531-972d-6e5ee4aa11ea", "Policy.ReadWrite.PermissionGrant"),
    control("1c6e93a6-28e2-4cbb-9f64-1a46a821124d", "Policy.ReadWrite.SecurityDefaults"),
    control("79a677f7-b79d-40d0-a36a-3e6f8688dd7a", "Policy.ReadWrite.TrustFramework"),
    control("854d9ab1-6657-4ec8-be45-823027bcd009", "PrivilegedAccess.ReadWrite.AzureAD"),
    control("2f6817f8-7b12-4f0f-bc18-eeaf60705a9e", "PrivilegedAccess.ReadWrite.AzureADGroup"),
    control("6f9d5abc-2db6-400b-a267-7de22a40fb87", "PrivilegedAccess.ReadWrite.AzureResources"),
    control("41202f2c-f7ab-45be-b001-85c9728b9d69", "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup"),
    control("618b6020-bca8-4de6-99f6-ef445fa4d857", "PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup"),
    control("a2b63618-5350-462d-b1b3-ba6eb3684e26", "PublicKeyInfrastructure.ReadWrite.All"),
    control("dd199f4a-f148-40a4-a2ec-f0069cc799ec", "RoleAssignmentSchedule.ReadWrite.Directory"),
    control("fee28b28-e1f3-4841-818e-2704dc62245f", "RoleEligibilitySchedule.ReadWrite.Directory"),
    control("9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8", "RoleManagement.ReadWrite.Directory"),
    control("025d3225-3f02-4882-b4c0-cd5b541a4e80", "RoleManagement.ReadWrite.Exchange"),
    control("b38dcc4d-a239-4ed6-aa84-6c65b284f97c", "RoleManagementPolicy.ReadWrite.AzureADGroup"),
    control("31e08e0a-d3f7-4ca2-ac39-7343fb83e8ad", "RoleManagementPolicy.ReadWrite.Directory"),
    control("9b50c33d-700f-43b1-b2eb-87e89b703581", "Synchronization.ReadWrite.All"),
    control("4a771c9a-1cf2-4609-b88e-3d3e02d539cd", "TrustFrameworkKeySet.ReadWrite.All"),
    control("280d0935-0796-47d1-8d26-273470a3f17a", "User-Mail.ReadWrite.All"),
    control("cc117bb9-00cf-4eb8-b580-ea2a878fe8f7", "User-PasswordProfile.ReadWrite.All"),
    control("86ceff06-c822-49ff-989a-d912845ffe69", "User-Phone.ReadWrite.All"),
    control("c529cfca-c91b-489c-af2b-d92990b66ce6", "User.ManageIdentities.All"),
    control("741f803b-c850-494e-b5df-cde7c675a1ca", "User.ReadWrite.All"),
    control("50483e42-d915-4231-9639-7fdb7fd190e5", "UserAuthenticationMethod.ReadWrite.All"),
    control("e8ecb853-1435-4a49-95ba-ec5b31b11672", "UserAuthMethod-Email.ReadWrite.All"),
    control("c7a22c2e-5b01-4129-8159-6c8be2c78f16", "UserAuthMethod-External.ReadWrite.All"),
    control("7e9ebcc1-90aa-4471-8051-e68d6b4e9c89", "UserAuthMethod-HardwareOATH.ReadWrite.All"),
    control("c833c349-a1ab-4b6d-94a2-fa9a8674420c", "UserAuthMethod-MicrosoftAuthApp.ReadWrite.All"),
    control("0400e371-7db1-4338-a269-96069eb65227", "UserAuthMethod-Passkey.ReadWrite.All"),
    control("f6d38dfd-ec08-4995-8f07-23e929df0936", "UserAuthMethod-Password.ReadWrite.All"),
    control("6e85d483-7092-4375-babe-0a94a8213a58", "UserAuthMethod-Phone.ReadWrite.All"),
    control("1a87acf4-a9ca-4576-a974-452ea265d5f6", "UserAuthMethod-PlatformCred.ReadWrite.All"),
    control("4869299f-18c3-40c8-98f2-222657e67db1", "UserAuthMethod-QR.ReadWrite.All"),
    control("1bf7461f-222a-4525-9760-f7739228d0f4", "UserAuthMethod-ResourceKey.ReadWrite.All"),
    control("787442d4-3c6e-4e99-aa95-8ccca20a48ff", "UserAuthMethod-SoftwareOATH.ReadWrite.All"),
    control("627169a8-8c15-451c-861a-5b80e383de5c", "UserAuthMethod-TAP.ReadWrite.All"),
    control("f14eee8a-713e-45aa-8223-2ab74632db1a", "UserAuthMethod-WindowsHello.ReadWrite.All"),
    data("b2620db1-3bf7-4c5b-9cb9-576d29eac736", "eDiscovery.ReadWrite.All"),
    data("75359482-378d-4052-8f01-80520e7db3cd", "Files.ReadWrite.All"),
    data("e118f1da-5c1c-46cf-bff6-8858d786f46f", "Mail-Advanced.ReadWrite.All"),
    data("e2a3a72e-5f79-4c64-b1b1-878b674786c9", "Mail.ReadWrite"),
    data("1583d471-fede-4e7c-b062-57e9d60cfb49", "MailboxItem.ReadWrite.All"),
    data("6931bccd-447a-43d1-b442-00a195474933", "MailboxSettings.ReadWrite"),
    data("a82116e5-55eb-4c41-a434-62fe8a61c773", "Sites.FullControl.All"),
    data("0c0bf378-bf22-4481-8f81-9e89a9b4960a", "Sites.Manage.All"),
    data("9492366f-7969-46a4-8d15-ed1a20078fff", "Sites.ReadWrite.All"),
];

/// Lists permissions of Azure AD Graph, the predecessor, whose roles of the same names have ids of their own.
/// <https://learn.microsoft.com/graph/migrate-azure-ad-graph-permissions-differences>
const AZURE_AD_GRAPH: &[Permission] = &[
    control("1cda74f2-2616-4834-b122-5cb1b07f8a59", "Application.ReadWrite.All"),
    control("824c81eb-e3f8-4ee6-8f6d-de7f50d565b7", "Application.ReadWrite.OwnedBy"),
    control("78c8a3c8-a07e-4b9e-af1b-b5ccab50a175", "Directory.ReadWrite.All"),
    control("aaff0dfd-0295-48b6-a5cc-9f465bc87928", "Domain.ReadWrite.All"),
];

/// Lists permissions of Exchange and SharePoint. <https://learn.microsoft.com/powershell/exchange/app-only-auth-powershell-v2>,
/// <https://learn.microsoft.com/exchange/client-developer/exchange-web-services/how-to-authenticate-an-ews-application-by-using-oauth>,
/// <https://learn.microsoft.com/sharepoint/dev/embedded/development/auth>
const OTHERS: &[Permission] = &[
    control("dc50a0fb-09a3-484d-be87-e023b12c6440", "Exchange.ManageAsApp"),
    data("dc890d15-9560-4a4c-9b7f-a736ec74ec40", "full_access_as_app"),
    data("678536fe-1083-478a-9c59-b99265e6b0d3", "Sites.FullControl.All"),
];

/// Lists permissions that exist on behalf of people only. With `Directory.AccessAsUser.All` an application does everything that
/// the signed-in person may do, and that may be an administrator. <https://learn.microsoft.com/graph/permissions-reference>
const ON_BEHALF_ONLY: &[(&str, Tier)] = &[
    ("Directory.AccessAsUser.All", Tier::Control),
    ("EAS.AccessAsUser.All", Tier::Data),
    ("EWS.AccessAsUser.All", Tier::Data),
    ("IMAP.AccessAsUser.All", Tier::Data),
    ("Mail-Advanced.ReadWrite", Tier::Data),
    ("Mail-Advanced.ReadWrite.Shared", Tier::Data),
    ("Mail.ReadWrite.Shared", Tier::Data),
    ("MailboxItem.ReadWrite", Tier::Data),
    ("POP.AccessAsUser.All", Tier::Data),
];

/// Lists families of permissions of which every one on behalf of people gives power, also those that Microsoft adds later.
/// <https://learn.microsoft.com/graph/permissions-reference>
const FAMILIES: &[&str] = &["Policy.ReadWrite.", "RoleManagement.ReadWrite."];

const fn control(id: &'static str, name: &'static str) -> Permission {
    Permission { id, name, tier: Tier::Control }
}

const fn data(id: &'static str, name: &'static str) -> Permission {
    Permission { id, name, tier: Tier::Data }
}

fn all() -> impl Iterator<Item = &'static Permission> {
    MICROSOFT_GRAPH.iter().chain(AZURE_AD_GRAPH).chain(OTHERS)
}

/// Returns the permission with this id if it gives power to the application that has it.
pub fn permission(id: &str) -> Option<&'static Permission> {
    all().find(|permission| permission.id.eq_ignore_ascii_case(id))
}

/// Returns the power that a permission on behalf of people gives, if any.
pub fn scope(name: &str) -> Option<Tier> {
    let only = ON_BEHALF_ONLY.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, tier)| *tier);
    let listed = || all().find(|permission| permission.name.eq_ignore_ascii_case(name)).map(|found| found.tier);
    let family = || {
        let starts = |family: &&&str| name.get(..family.len()).is_some_and(|start| start.eq_ignore_ascii_case(family));
        FAMILIES.iter().find(starts).map(|_| Tier::Control)
    };
    only.or_else(listed).or_else(family)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_permission_is_listed_once() {
        let ids: BTreeSet<&str> = all().map(|permission| permission.id).collect();
        assert_eq!(ids.len(), all().count());
        assert!(ids.iter().all(|id| uuid_like(id)), "{ids:?}");
    }

    fn uuid_like(id: &str) -> bool {
        id.len() == 36 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'))
    }

    #[test]
    fn case_does_not_count() {
        assert_eq!(scope("directory.accessasuser.ALL"), Some(Tier::Control));
        assert_eq!(scope("policy.readwrite.whatever"), Some(Tier::Control));
        assert_eq!(scope("Mail.ReadWrite"), Some(Tier::Data));
        assert_eq!(scope("User.Read"), None);
        assert_eq!(scope("Policy.Read.All"), None);
        assert!(permission("9E3F62CF-CA93-4989-B6CE-BF83C28F9FE8").is_some());
    }
}
