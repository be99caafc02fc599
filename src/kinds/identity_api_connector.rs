//! Describes API connectors: web services that user flows call.
//! <https://learn.microsoft.com/graph/api/resources/identityapiconnector>

use crate::model::kind::*;

/// API connector. Its credentials cannot be read.
pub const KIND: Kind = Kind {
    name: "identityApiConnector",
    entity: "identityApiConnector",
    title: "API connectors",
    folder: "external-identities/api-connectors",
    schema: include_str!("../../schemas/external-identities/identity-api-connector.schema.json"),
    path: "/identity/apiConnectors",
    // `authenticationConfiguration` is required, and its password comes back masked:
    // <https://learn.microsoft.com/graph/api/identityapiconnector-create>
    creation: Creation::Never {
        reason: "Graph wants the service's password or certificate, which nobody can export: enter it by hand",
    },
    // There is no read-only permission: <https://learn.microsoft.com/graph/api/identityapiconnector-list>
    permissions: Permissions { read: &["APIConnectors.ReadWrite.All"], write: &["APIConnectors.ReadWrite.All"] },
    docs: "https://learn.microsoft.com/graph/api/resources/identityapiconnector",
    ..Kind::COMMON
};
