//! Lists the applications that people administer a tenant with: without their service principals nobody gets a token.

/// Lists the applications whose service principals are needed to administer a tenant, by application id and name for people.
/// <https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in>
pub(super) const TOKENS_FOR: [(&str, &str); 5] = [
    ("00000003-0000-0000-c000-000000000000", "Microsoft Graph"),
    ("00000002-0000-0000-c000-000000000000", "Azure Active Directory"),
    ("797f4846-ba00-4fd7-ba43-dac1f8f63013", "the Azure service management API"),
    ("c44b4083-3bb0-49c1-b47d-974e53cbdf3c", "the Azure portal"),
    ("74658136-14ec-4630-ad9b-26e160ff0fc6", "the administration portals"),
];

/// Lists the command-line applications that some people administer a tenant with, by application id and name for people.
pub(super) const COMMAND_LINE: [(&str, &str); 2] = [
    ("04b07795-8ddb-461a-bbee-02f9e1bf7b46", "the Azure CLI"),
    ("1950a258-227b-4e31-a9cf-717495945fc2", "Azure PowerShell"),
];

/// Returns the name of the application with the application id `app`, if people administer a tenant with it: with or without the
/// command line.
pub(super) fn gives_tokens(app: &str) -> Option<&'static str> {
    TOKENS_FOR.iter().chain(&COMMAND_LINE).find(|(id, _)| *id == app).map(|(_, name)| *name)
}
