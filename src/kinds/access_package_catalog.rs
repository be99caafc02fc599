//! Catalogs: what access packages are made of.
//! <https://learn.microsoft.com/graph/api/resources/accesspackagecatalog>

use crate::model::kind::*;

/// A catalog of entitlement management.
pub const KIND: Kind = Kind {
    name: "accessPackageCatalog",
    entity: "accessPackageCatalog",
    title: "catalogs",
    folder: "governance/catalogs",
    schema: include_str!("../../schemas/governance/access-package-catalog.schema.json"),
    path: "/identityGovernance/entitlementManagement/catalogs",
    variants: &[Variant {
        name: "builtInCatalog",
        title: "built-in catalogs",
        when: Condition::Is { property: "catalogType", value: "serviceDefault" },
        not_creatable: Some("Microsoft provides it in every tenant"),
    }],
    licence: Some(Licence::P2),
    permissions: Permissions {
        read: &["EntitlementManagement.Read.All"],
        write: &["EntitlementManagement.ReadWrite.All"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/accesspackagecatalog",
    ..Kind::COMMON
};
