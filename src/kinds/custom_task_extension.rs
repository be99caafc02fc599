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
    licence: Some(Licence::Governance),
    permissions: Permissions {
        read: &["LifecycleWorkflows-CustomExt.Read.All"],
        write: &["LifecycleWorkflows-CustomExt.ReadWrite.All"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/identitygovernance-customtaskextension",
    ..Kind::COMMON
};
