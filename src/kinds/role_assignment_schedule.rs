//! Describes role assignments for a limited time. They are read as schedules and written by requests.
//! <https://learn.microsoft.com/graph/api/resources/unifiedroleassignmentschedule>

use crate::model::kind::*;

/// Assignment of a role that Privileged Identity Management keeps. Assignments made without it are role assignments.
pub const KIND: Kind = Kind {
    name: "roleAssignmentSchedule",
    entity: "unifiedRoleAssignmentSchedule",
    title: "role assignment schedules",
    folder: "roles/assignment-schedules",
    schema: include_str!("../../schemas/roles/role-assignment-schedule.schema.json"),
    path: "/roleManagement/directory/roleAssignmentSchedules",
    naming: Naming::Id,
    natural: &["principalId", "roleDefinitionId", "directoryScopeId"],
    about: &["principalId", "roleDefinitionId"],
    // A schedule that no request created is a role assignment and nothing more ("Supports $filter (eq, ne, and on null values)"):
    // <https://learn.microsoft.com/graph/api/resources/unifiedroleassignmentschedule>
    filter: Some("createdUsing ne null"),
    // A request with `adminUpdate` changes the end of the schedule, and nothing else.
    update: Updates::Only(&["scheduleInfo"]),
    // <https://learn.microsoft.com/graph/api/rbacapplication-post-roleassignmentschedulerequests>
    requests: Some(Requests {
        path: "/roleManagement/directory/roleAssignmentScheduleRequests",
        entity: "unifiedRoleAssignmentScheduleRequest",
        names: &["principalId", "roleDefinitionId", "directoryScopeId", "appScopeId", "scheduleInfo"],
        target: "targetScheduleId",
    }),
    owned_elsewhere: Some(Elsewhere {
        when: Condition::Is { property: "assignmentType", value: "Activated" },
        reason: "it is an activation, which ends by itself",
    }),
    passing: Some(Condition::Is { property: "assignmentType", value: "Activated" }),
    licence: Some(Licence::P2),
    permissions: Permissions {
        read: &["RoleAssignmentSchedule.Read.Directory"],
        write: &["RoleAssignmentSchedule.ReadWrite.Directory"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/unifiedroleassignmentschedule",
    ..Kind::COMMON
};
