//! Describes service principals (enterprise applications) and managed identities, with owners, assignments, granted delegated
//! permissions, the classification of their own delegated permissions, and the jobs that provision accounts.
//! <https://learn.microsoft.com/graph/api/resources/serviceprincipal>

use crate::model::kind::*;

/// Service principal. One of type `ManagedIdentity` belongs to an Azure resource, which alone can create it.
pub const KIND: Kind = Kind {
    name: "servicePrincipal",
    entity: "servicePrincipal",
    title: "service principals",
    folder: "service-principals",
    schema: include_str!("../../schemas/directory/service-principal.schema.json"),
    api: Api::V1,
    path: "/servicePrincipals",
    shape: Shape::Collection,
    naming: Naming::Slug,
    natural: &["appId"],
    about: &[],
    filter: None,
    page_size: Some(999),
    select: Select::Default,
    // A service principal is created from its appId:
    // <https://learn.microsoft.com/graph/api/serviceprincipal-post-serviceprincipals>.
    creation: Creation::Post { accepts: Accepts::Only(&["appId"]), generates: &[], note: None },
    update: Updates::All,
    deletion: Deletion::Soft {
        list: "/directory/deletedItems/microsoft.graph.servicePrincipal",
        item: "/directory/deletedItems",
    },
    links: &[
        Link {
            name: "owners",
            shape: LinkShape::References,
            read: LinkRead::Each,
            absent: None,
            permissions: None,
            ..Link::COMMON
        },
        Link {
            name: "appRoleAssignedTo",
            // There is no PATCH, and the id is opaque: <https://learn.microsoft.com/graph/api/resources/approleassignment>
            shape: LinkShape::Children(Children {
                key: &["principalId", "appRoleId"],
                create: Some("/servicePrincipals/{parent}/appRoleAssignedTo"),
                item: "/servicePrincipals/{parent}/appRoleAssignedTo/{child}",
                update: Updates::Nothing,
                delete: true,
                owner: Some("resourceId"),
                keeps_id: false,
                ..Children::COMMON
            }),
            read: LinkRead::Each,
            // <https://learn.microsoft.com/graph/api/serviceprincipal-list-approleassignedto>
            takes_top: true,
            absent: None,
            permissions: Some(Permissions {
                read: &["Application.Read.All"],
                write: &["AppRoleAssignment.ReadWrite.All"],
            }),
            ..Link::COMMON
        },
        Link {
            name: "oauth2PermissionGrants",
            // Only `scope` can be changed: <https://learn.microsoft.com/graph/api/oauth2permissiongrant-update>
            shape: LinkShape::Children(Children {
                key: &["consentType", "principalId", "resourceId"],
                create: Some("/oauth2PermissionGrants"),
                item: "/oauth2PermissionGrants/{child}",
                update: Updates::Only(&["scope"]),
                delete: true,
                owner: Some("clientId"),
                keeps_id: false,
                ..Children::COMMON
            }),
            read: LinkRead::Joined { path: "/oauth2PermissionGrants", by: "clientId" },
            absent: None,
            permissions: Some(Permissions {
                read: &["Directory.Read.All"],
                write: &["DelegatedPermissionGrant.ReadWrite.All"],
            }),
            ..Link::COMMON
        },
        Link {
            name: "delegatedPermissionClassifications",
            // There is no PATCH, and the id is opaque:
            // <https://learn.microsoft.com/graph/api/serviceprincipal-post-delegatedpermissionclassifications>
            shape: LinkShape::Children(Children {
                key: &["permissionId"],
                create: Some("/servicePrincipals/{parent}/delegatedPermissionClassifications"),
                item: "/servicePrincipals/{parent}/delegatedPermissionClassifications/{child}",
                ..Children::COMMON
            }),
            permissions: Some(Permissions {
                read: &["Application.Read.All"],
                write: &["Policy.ReadWrite.PermissionGrant"],
            }),
            ..Link::COMMON
        },
        Link {
            name: "synchronization",
            at: Some("synchronization/jobs"),
            // Microsoft's page says "The job is created in a disabled state", and "the only required property is templateId"; no
            // page describes PATCH: <https://learn.microsoft.com/graph/api/synchronization-synchronization-post-jobs>. Its
            // credentials can only be written:
            // <https://learn.microsoft.com/graph/api/synchronization-serviceprincipal-put-synchronization> A service principal
            // without a job answers with an empty list: administrators' scripts ask every one.
            // <https://matthewjwhite.co.uk/2025/07/12/entra-scim-report>
            shape: LinkShape::Children(Children {
                key: &["templateId"],
                create: Some("/servicePrincipals/{parent}/synchronization/jobs"),
                item: "/servicePrincipals/{parent}/synchronization/jobs/{child}",
                note: Some("is a new job, which stands still until a person enters its credentials and starts it"),
                ..Children::COMMON
            }),
            // The least documented permission is for an application's own jobs only: Application.ReadWrite.OwnedBy.
            permissions: Some(Permissions {
                read: &["Synchronization.Read.All"],
                write: &["Synchronization.ReadWrite.All"],
            }),
            ..Link::COMMON
        },
    ],
    credentials: &[Credential::PASSWORDS, Credential::KEYS],
    borrowed: &[],
    calls: &[],
    variants: &[
        Variant {
            name: "managedIdentity",
            title: "managed identities",
            when: Condition::Is { property: "servicePrincipalType", value: "ManagedIdentity" },
            not_creatable: Some("a managed identity is made by the Azure resource it belongs to"), deletable: false,
        },
        // Microsoft's page says: "The request body must contain … a valid sponsor reference":
        // <https://learn.microsoft.com/graph/api/agentidentity-post>
        Variant {
            name: "agentIdentity",
            title: "agent identities",
            when: Condition::Is { property: "servicePrincipalType", value: "ServiceIdentity" },
            not_creatable: Some("an agent identity is made of its blueprint, with sponsors, which are not exported"), deletable: false,
        },
        // <https://learn.microsoft.com/graph/api/agentidentityblueprintprincipal-post>
        Variant {
            name: "agentIdentityBlueprintPrincipal",
            title: "principals of agent identity blueprints",
            when: Condition::Is { property: "@odata.type", value: "#microsoft.graph.agentIdentityBlueprintPrincipal" },
            not_creatable: Some("it is made of its blueprint, in a way of its own that is not done yet"), deletable: false,
        },
    ],
    owned_elsewhere: None,
    delta: Some("/servicePrincipals/delta"),
    permissions: Permissions { read: &["Application.Read.All"], write: &["Application.ReadWrite.All"] },
    docs: "https://learn.microsoft.com/graph/api/resources/serviceprincipal",
    ..Kind::COMMON
};
