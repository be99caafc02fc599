//! Lists the directory roles that give power, and the tasks that make a custom role one of them.

/// Represents what the holder of a role can do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Changes objects: an attacker who takes over a holder has this power as well.
    Acts,
    /// Reads what others may not read.
    Reads,
}

/// Represents a role that Microsoft provides in every tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Role {
    /// Template id, which is the role's id in every tenant.
    pub id: &'static str,
    /// Name of the role.
    pub name: &'static str,
    /// Sort of power that it gives.
    pub reach: Reach,
}

/// Lists the roles that Microsoft labels privileged.
/// <https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference>
const PRIVILEGED: &[Role] = &[
    acts("db506228-d27e-4b7d-95e5-295956d6615f", "Agent ID Administrator"),
    acts("9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3", "Application Administrator"),
    acts("cf1c38e5-3621-4004-a7cb-879624dced7c", "Application Developer"),
    acts("ecb2c6bf-0ab6-418e-bd87-7986f8d63bbe", "Attribute Provisioning Administrator"),
    reads("422218e4-db15-4ef9-bbe0-8afb41546d79", "Attribute Provisioning Reader"),
    acts("c4e39bd9-1100-46d3-8c65-fb160da0071f", "Authentication Administrator"),
    acts("25a516ed-2fa0-40ea-a2d0-12923a21473a", "Authentication Extensibility Administrator"),
    acts("aaf43236-0c0d-4d5f-883a-6955382ac081", "B2C IEF Keyset Administrator"),
    acts("158c047a-c907-4556-b7ef-446551a6b5f7", "Cloud Application Administrator"),
    acts("7698a772-787b-4ac8-901f-60d6b08affd2", "Cloud Device Administrator"),
    acts("b1be1c3e-b65d-4f19-8427-f6fa0d97feb9", "Conditional Access Administrator"),
    acts("9360feb5-f418-4baa-8175-e2a00bac4301", "Directory Writers"),
    acts("8329153b-31d0-4727-b945-745eb3bc5f31", "Domain Name Administrator"),
    acts("be2f45a1-457d-42af-a067-6ec1fa63bc45", "External Identity Provider Administrator"),
    acts("62e90394-69f5-4237-9190-012177145e10", "Global Administrator"),
    reads("f2ef992c-3afb-46b9-b7cf-a126ee74c451", "Global Reader"),
    acts("729827e3-9c14-49f7-bb1b-9608f156bbb8", "Helpdesk Administrator"),
    acts("8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2", "Hybrid Identity Administrator"),
    acts("3a2c62db-5318-420d-8d74-23affee5d9d5", "Intune Administrator"),
    acts("59d46f88-662b-457b-bceb-5c3809e5908f", "Lifecycle Workflows Administrator"),
    acts("4ba39ca4-527c-499a-b93d-d9b492c50246", "Partner Tier1 Support"),
    acts("e00e864a-17c5-4a4b-9c06-f5b95a8d5bd8", "Partner Tier2 Support"),
    acts("966707d0-3269-4727-9be2-8c3a10f19b9d", "Password Administrator"),
    acts("7be44c8a-adaf-4e2a-84d6-ab2649e08a13", "Privileged Authentication Administrator"),
    acts("e8611ab8-c189-46e8-94e1-60213ab1f814", "Privileged Role Administrator"),
    acts("194ae4cb-b126-40b2-bd5b-6091b380977d", "Security Administrator"),
    acts("5f2222b1-57c3-48ba-8ad5-d4759f1fde6f", "Security Operator"),
    reads("5d6b6bb7-de71-4623-b4af-96380a352509", "Security Reader"),
    acts("fe930be7-5e62-47db-91af-98c3a49a38b1", "User Administrator"),
];

/// Lists roles without that label whose holders can still give themselves more rights: they decide on the members of groups that
/// policies name, the mailbox in which password resets arrive, the synchronization into the directory, and what packages grant.
/// <https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference>
const NOT_LABELLED: &[Role] = &[
    acts("0526716b-113d-4c15-b2c8-68e3c22b9f80", "Authentication Policy Administrator"),
    acts("d29b2b05-8046-44ba-8758-1e26182fcf32", "Directory Synchronization Accounts"),
    acts("29232cdf-9323-42fd-ade2-1d097af3e4de", "Exchange Administrator"),
    acts("fdd7a751-b60b-444a-984c-02652fe8fa1c", "Groups Administrator"),
    acts("45d8d3c5-c802-45c6-b32a-1d70b5e1e86e", "Identity Governance Administrator"),
];

const fn acts(id: &'static str, name: &'static str) -> Role {
    Role { id, name, reach: Reach::Acts }
}

const fn reads(id: &'static str, name: &'static str) -> Role {
    Role { id, name, reach: Reach::Reads }
}

/// Returns the role with this id if it gives power.
pub fn role(id: &str) -> Option<&'static Role> {
    PRIVILEGED.iter().chain(NOT_LABELLED).find(|role| role.id.eq_ignore_ascii_case(id))
}

/// Lists the tasks of custom roles that give power: a resource, and its properties that somebody may change. Without properties
/// every task except reading counts.
///
/// The sources are <https://learn.microsoft.com/entra/identity/role-based-access-control/custom-available-permissions>,
/// <https://learn.microsoft.com/entra/identity/role-based-access-control/custom-enterprise-app-permissions>,
/// <https://learn.microsoft.com/entra/identity/role-based-access-control/custom-user-permissions> and
/// <https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference>.
const TASKS: &[(&str, &[&str])] = &[
    ("applications", &["allProperties", "audience", "authentication", "credentials", "owners"]),
    ("authorizationPolicy", &[]),
    ("conditionalAccessPolicies", &[]),
    ("crossTenantAccessPolicy", &[]),
    ("domains", &["allProperties", "federation", "federationConfiguration"]),
    ("entitlementManagement", &[]),
    ("groupsAssignableToRoles", &[]),
    ("identityProviders", &[]),
    ("oAuth2PermissionGrants", &[]),
    ("roleAssignments", &[]),
    ("roleDefinitions", &[]),
    (
        "servicePrincipals",
        &[
            "allProperties",
            "appRoleAssignedTo",
            "appRoleAssignments",
            "authentication",
            "credentials",
            "managePermissionGrantsForAll",
            "owners",
        ],
    ),
    ("userCredentialPolicies", &[]),
    ("users", &["allProperties", "authenticationMethods", "authorizationInfo", "password"]),
];

/// Returns true if a custom role that may do `task` gives power, as in `microsoft.directory/applications/credentials/update`. A
/// subtype, as in `applications.myOrganization`, is judged as the whole.
pub fn task_gives_power(task: &str) -> bool {
    let mut parts = task.split('/').skip(1).map(|part| part.split('.').next().unwrap_or(part));
    let (Some(resource), Some(property)) = (parts.next(), parts.next()) else { return false };
    let verb = parts.next().unwrap_or(property);
    let found = TASKS.iter().find(|(name, _)| name.eq_ignore_ascii_case(resource));
    found.is_some_and(|(_, properties)| {
        let named = properties.is_empty() || properties.iter().any(|name| name.eq_ignore_ascii_case(property));
        named && !verb.eq_ignore_ascii_case("read")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_that_change_who_may_do_what_give_power() {
        for task in [
            "microsoft.directory/applications/credentials/update",
            "microsoft.directory/applications.myOrganization/credentials/update",
            "microsoft.directory/servicePrincipals/appRoleAssignedTo/update",
            "microsoft.directory/servicePrincipals/managePermissionGrantsForAll.microsoft-company-admin",
            "microsoft.directory/roleAssignments/allProperties/allTasks",
            "microsoft.directory/groupsAssignableToRoles/members/update",
            "microsoft.directory/conditionalAccessPolicies/create",
            "MICROSOFT.directory/users/PASSWORD/update",
        ] {
            assert!(task_gives_power(task), "{task}");
        }
        for task in [
            "microsoft.directory/applications/standard/read",
            "microsoft.directory/applications/basic/update",
            "microsoft.directory/applications/credentials/read",
            "microsoft.directory/conditionalAccessPolicies/standard/read",
            "microsoft.directory/groups.security/members/update",
            "microsoft.directory/servicePrincipals/managePermissionGrantsForSelf.low",
            "microsoft.directory",
        ] {
            assert!(!task_gives_power(task), "{task}");
        }
    }
}
