//! Lists what gives power over a tenant, as data: roles, tasks of custom roles, permissions, and the few values of Microsoft's
//! that a policy must name to weaken protection. Each table cites Microsoft's page; the guards that judge a plan use these
//! tables.

mod accounts;
mod permissions;
mod roles;

pub use accounts::{ACCOUNT_ADMINISTRATORS, LESSER_ROLES, SENSITIVE, USER_ADMINISTRATOR};
pub use permissions::{Permission, RESOURCES, Tier, permission, scope};
pub use roles::{Reach, Role, role, task_gives_power};

/// Lists the roles of entitlement management whose holders decide what a catalog's packages grant, and to whom.
/// <https://learn.microsoft.com/entra/id-governance/entitlement-management-delegate>
pub const CATALOG_ROLES: &[(&str, &str)] = &[
    ("ae79f266-94d4-4dab-b730-feca7e132178", "Catalog owner"),
    ("7f480852-ebdc-47d4-87de-0d8498384a83", "Access package manager"),
    ("e2182095-804a-4656-ae11-64734e9b7ae5", "Access package assignment manager"),
];

/// Id of the guest role with the same rights as a member.
/// <https://learn.microsoft.com/entra/identity/users/users-restrict-guest-permissions>
pub const GUESTS_AS_MEMBERS: &str = "a0b1b346-4d3e-4e8b-98f8-753987be4970";

/// Lists Microsoft's consent policies that let people agree only to harmless permissions.
/// <https://learn.microsoft.com/entra/identity/enterprise-apps/configure-user-consent>
pub const LIMITED_CONSENT: &[&str] = &["microsoft-user-default-low", "microsoft-user-default-recommended"];

/// Lists the kinds that are needed to judge power, besides those that decide on access. All of them are few in a tenant.
pub const KINDS: &[&str] = &[
    "administrativeUnit",
    "accessPackage",
    "accessPackageAssignmentPolicy",
    "accessPackageCatalog",
    "authorizationPolicy",
    "certificateBasedAuthPki",
    "crossTenantAccessDefault",
    "crossTenantPartner",
    "customAuthenticationExtension",
    "domain",
    "entitlementManagementRoleAssignment",
    "groupAssignmentSchedule",
    "groupEligibilitySchedule",
    "groupRoleSettings",
    "identityProvider",
    "organization",
    "organizationPartnerTemplate",
    "organizationSyncTemplate",
    "permissionGrantPolicy",
    "roleAssignmentSchedule",
    "roleDefinition",
    "roleEligibilitySchedule",
    "roleManagementPolicy",
];
