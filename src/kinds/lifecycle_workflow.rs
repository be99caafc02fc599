//! Describes lifecycle workflows: tasks for people who join, move or leave.
//! <https://learn.microsoft.com/graph/api/resources/identitygovernance-workflow>

use crate::model::kind::*;

/// Lifecycle workflow with its tasks. Runs and reports are history.
pub const KIND: Kind = Kind {
    name: "lifecycleWorkflow",
    entity: "identityGovernance.workflow",
    title: "lifecycle workflows",
    folder: "governance/lifecycle-workflows",
    schema: include_str!("../../schemas/governance/lifecycle-workflow.schema.json"),
    path: "/identityGovernance/lifecycleWorkflows/workflows",
    // Changing tasks and conditions needs a new version of the workflow:
    // <https://learn.microsoft.com/graph/api/identitygovernance-workflow-update>
    update: Updates::Only(&["displayName", "description", "isEnabled", "isSchedulingEnabled"]),
    // Microsoft's page says: "You can restore a deleted workflow and its associated objects within 30 days":
    // <https://learn.microsoft.com/graph/api/identitygovernance-workflow-delete>
    deletion: Deletion::Soft {
        list: "/identityGovernance/lifecycleWorkflows/deletedItems/workflows",
        item: "/identityGovernance/lifecycleWorkflows/deletedItems/workflows",
    },
    // <https://learn.microsoft.com/graph/api/identitygovernance-workflow-get>
    expand: &["tasks"],
    licence: Some(Licence::Governance),
    permissions: Permissions {
        read: &["LifecycleWorkflows-Workflow.Read.All"],
        write: &["LifecycleWorkflows-Workflow.ReadWrite.All"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/identitygovernance-workflow",
    ..Kind::COMMON
};
