//! Describes catalogs, which hold the resources of access packages.
//! <https://learn.microsoft.com/graph/api/resources/accesspackagecatalog>

use crate::model::kind::*;

/// Catalog of entitlement management.
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
        not_creatable: Some("Microsoft provides it in every tenant"), deletable: false,
    }],
    links: &[Link {
        name: "resources",
        // Adding a group needs the permission `Group.ReadWrite.All` as well.
        // <https://learn.microsoft.com/graph/api/entitlementmanagement-post-resourcerequests>
        shape: LinkShape::Children(Children {
            key: &["originSystem", "originId"],
            create: Some("/identityGovernance/entitlementManagement/resourceRequests"),
            item: "/identityGovernance/entitlementManagement/catalogs/{parent}/resources/{child}",
            requests: Some(&ChildRequests {
                entity: "accessPackageResourceRequest",
                child: "resource",
                parent: "catalog",
            }),
            ..Children::COMMON
        }),
        ..Link::COMMON
    }],
    licence: Some(Licence::P2),
    permissions: Permissions {
        read: &["EntitlementManagement.Read.All"],
        write: &["EntitlementManagement.ReadWrite.All"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/accesspackagecatalog",
    ..Kind::COMMON
};
