//! Describes custom task extensions: logic apps that lifecycle workflows call.
//! <https://learn.microsoft.com/graph/api/resources/identitygovernance-customtaskextension>

use crate::model::kind::*;

/// Custom task extension.
pub const KIND: Kind = Kind {
    name: "customTaskExtension",
    entity: "identityGovernance.customTaskExtension",
    title: "custom task extensions",
    folder: "governance/task-extensions",
    schema: include_str!("../../schemas/governance/task-extension.schema.json"),
    path: "/identityGovernance/lifecycleWorkflows/customTaskExtensions",
    // `callbackConfiguration/authorizedApps` is a relation that no list shows:
    // <https://learn.microsoft.com/graph/api/resources/identitygovernance-customtaskextensioncallbackconfiguration>
    creation: Creation::Post {
        accepts: Accepts::All,
        generates: &[],
        note: Some("the applications that may answer its calls have to be chosen again"),
    },
    licence: Some(Licence::Governance),
    permissions: Permissions {
        read: &["LifecycleWorkflows-CustomExt.Read.All"],
        write: &["LifecycleWorkflows-CustomExt.ReadWrite.All"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/identitygovernance-customtaskextension",
    ..Kind::COMMON
};
