//! Lists what Microsoft calls sensitive actions on accounts, and the roles that may perform them on accounts of administrators.
//! <https://learn.microsoft.com/graph/api/resources/users#who-can-perform-sensitive-actions>

/// Lists the properties whose change is a sensitive action. Deleting and restoring an account is one as well.
pub const SENSITIVE: &[&str] = &[
    "accountEnabled",
    "businessPhones",
    "mobilePhone",
    "onPremisesImmutableId",
    "otherMails",
    "passwordProfile",
    "userPrincipalName",
];

/// Names of the roles whose holders may perform sensitive actions on every account.
pub const ACCOUNT_ADMINISTRATORS: &str = "Privileged Authentication Administrator or Global Administrator";

/// Name of the role whose holders may perform them on accounts that hold no other roles than [`LESSER_ROLES`].
pub const USER_ADMINISTRATOR: &str = "User Administrator";

/// Lists the roles whose holders count as ordinary people for a User Administrator: template id, name.
pub const LESSER_ROLES: &[(&str, &str)] = &[
    ("88d8e3e3-8f55-4a1e-953a-9b9898b8876b", "Directory Readers"),
    ("fdd7a751-b60b-444a-984c-02652fe8fa1c", "Groups Administrator"),
    ("95e79109-95c0-4d8e-aee3-d01accf2d47b", "Guest Inviter"),
    ("729827e3-9c14-49f7-bb1b-9608f156bbb8", "Helpdesk Administrator"),
    ("790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b", "Message Center Reader"),
    ("966707d0-3269-4727-9be2-8c3a10f19b9d", "Password Administrator"),
    ("4a5d8f65-41da-4de4-8968-e035b65339cf", "Reports Reader"),
    ("75934031-6c7e-415a-99d7-48dbd49e875e", "Usage Summary Reports Reader"),
    ("fe930be7-5e62-47db-91af-98c3a49a38b1", USER_ADMINISTRATOR),
];
