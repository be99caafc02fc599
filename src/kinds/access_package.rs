//! Describes access packages, which people request, with the roles that they grant.
//! <https://learn.microsoft.com/graph/api/resources/accesspackage>

use crate::model::kind::*;

/// Access package of entitlement management.
pub const KIND: Kind = Kind {
    name: "accessPackage",
    entity: "accessPackage",
    title: "access packages",
    folder: "governance/access-packages",
    schema: include_str!("../../schemas/governance/access-package.schema.json"),
    path: "/identityGovernance/entitlementManagement/accessPackages",
    links: &[
        Link {
            name: "resourceRoleScopes",
            // <https://learn.microsoft.com/graph/api/accesspackage-list-resourcerolescopes>
            shape: LinkShape::Children(Children {
                key: &["role/originSystem", "role/originId", "scope/originId"],
                create: Some("/identityGovernance/entitlementManagement/accessPackages/{parent}/resourceRoleScopes"),
                item: "/identityGovernance/entitlementManagement/accessPackages/{parent}/resourceRoleScopes/{child}",
                // Microsoft's page says: "The access package resource … must already exist in the access package catalog". A
                // resource gets another id there whenever it is added again:
                // <https://learn.microsoft.com/graph/api/accesspackage-post-resourcerolescopes>
                finds: Some(&Find {
                    at: "/role/resource",
                    by: "originId",
                    list: "/identityGovernance/entitlementManagement/catalogs/{of}/resources",
                    of: "/catalog/id",
                }),
                ..Children::COMMON
            }),
            expand: &["role($expand=resource)", "scope"],
            read: LinkRead::Expand,
            ..Link::COMMON
        },
        Link {
            name: "incompatibleAccessPackages",
            to: "/identityGovernance/entitlementManagement/accessPackages",
            ..Link::COMMON
        },
        Link { name: "incompatibleGroups", to: "/groups", ..Link::COMMON },
    ],
    // <https://learn.microsoft.com/graph/api/entitlementmanagement-list-accesspackages>
    expand: &["catalog($select=id)"],
    licence: Some(Licence::P2),
    permissions: Permissions {
        read: &["EntitlementManagement.Read.All"],
        write: &["EntitlementManagement.ReadWrite.All"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/accesspackage",
    ..Kind::COMMON
};
