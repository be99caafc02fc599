//! Describes eligibilities: who may activate a role. They are read as schedules and written by requests.
//! <https://learn.microsoft.com/graph/api/resources/unifiedroleeligibilityschedule>

use crate::model::kind::*;

/// Eligibility for a role.
pub const KIND: Kind = Kind {
    name: "roleEligibilitySchedule",
    entity: "unifiedRoleEligibilitySchedule",
    title: "role eligibilities",
    folder: "roles/eligibility-schedules",
    schema: include_str!("../../schemas/roles/role-eligibility-schedule.schema.json"),
    path: "/roleManagement/directory/roleEligibilitySchedules",
    naming: Naming::Id,
    natural: &["principalId", "roleDefinitionId", "directoryScopeId"],
    about: &["principalId", "roleDefinitionId"],
    // A request with `adminUpdate` changes the end of the schedule, and nothing else.
    update: Updates::Only(&["scheduleInfo"]),
    // <https://learn.microsoft.com/graph/api/rbacapplication-post-roleeligibilityschedulerequests>
    requests: Some(Requests {
        path: "/roleManagement/directory/roleEligibilityScheduleRequests",
        entity: "unifiedRoleEligibilityScheduleRequest",
        names: &["principalId", "roleDefinitionId", "directoryScopeId", "appScopeId", "scheduleInfo"],
        target: "targetScheduleId",
    }),
    licence: Some(Licence::P2),
    permissions: Permissions {
        read: &["RoleEligibilitySchedule.Read.Directory"],
        write: &["RoleEligibilitySchedule.ReadWrite.Directory"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/unifiedroleeligibilityschedule",
    ..Kind::COMMON
};
