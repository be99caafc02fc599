//! Describes security defaults: Microsoft's protection for tenants without Conditional Access.
//! <https://learn.microsoft.com/graph/api/resources/identitysecuritydefaultsenforcementpolicy>

use crate::model::kind::*;

/// Setting that turns security defaults on or off.
pub const KIND: Kind = Kind {
    name: "identitySecurityDefaultsEnforcementPolicy",
    entity: "identitySecurityDefaultsEnforcementPolicy",
    title: "security defaults",
    folder: "policies/security-defaults",
    schema: include_str!("../../schemas/policies/security-defaults.schema.json"),
    path: "/policies/identitySecurityDefaultsEnforcementPolicy",
    shape: Shape::Singleton,
    naming: Naming::Fixed,
    natural: &[],
    creation: Creation::Never { reason: "every tenant has one" },
    deletion: Deletion::Never,
    permissions: Permissions { read: &["Policy.Read.All"], write: &["Policy.ReadWrite.SecurityDefaults"] },
    docs: "https://learn.microsoft.com/graph/api/resources/identitysecuritydefaultsenforcementpolicy",
    ..Kind::COMMON
};
