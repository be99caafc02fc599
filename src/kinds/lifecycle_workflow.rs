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
    // Microsoft's page on the list says that it expands "the createdBy and lastModifiedBy relationships only", and shows neither
    // tasks nor conditions; those are on the page of one workflow. A tenant has at most 100.
    // <https://learn.microsoft.com/graph/api/identitygovernance-lifecycleworkflowscontainer-list-workflows>
    // <https://learn.microsoft.com/graph/api/identitygovernance-workflow-get>
    list_is_short: true,
    expand: &["tasks"],
    licence: Some(Licence::Governance),
    permissions: Permissions {
        read: &["LifecycleWorkflows-Workflow.Read.All"],
        write: &["LifecycleWorkflows-Workflow.ReadWrite.All"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/identitygovernance-workflow",
    ..Kind::COMMON
};
