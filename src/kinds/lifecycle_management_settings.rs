//! Describes the settings of lifecycle workflows: how often they run, and what their mails look like.
//! <https://learn.microsoft.com/graph/api/resources/identitygovernance-lifecyclemanagementsettings>

use crate::model::kind::*;

/// Settings of lifecycle workflows.
pub const KIND: Kind = Kind {
    name: "lifecycleManagementSettings",
    entity: "identityGovernance.lifecycleManagementSettings",
    title: "lifecycle workflow settings",
    folder: "governance/lifecycle-settings",
    schema: include_str!("../../schemas/governance/lifecycle-settings.schema.json"),
    path: "/identityGovernance/lifecycleWorkflows/settings",
    shape: Shape::Singleton,
    naming: Naming::Fixed,
    natural: &[],
    creation: Creation::Never { reason: "every tenant has one" },
    deletion: Deletion::Never,
    licence: Some(Licence::Governance),
    permissions: Permissions { read: &["LifecycleWorkflows.Read.All"], write: &["LifecycleWorkflows.ReadWrite.All"] },
    docs: "https://learn.microsoft.com/graph/api/resources/identitygovernance-lifecyclemanagementsettings",
    ..Kind::COMMON
};
