//! Describes the members and owners of groups for a limited time. They are read as schedules and written by requests.
//! <https://learn.microsoft.com/graph/api/resources/privilegedaccessgroupassignmentschedule>

use crate::model::kind::*;

/// Membership or ownership that Privileged Identity Management keeps.
pub const KIND: Kind = Kind {
    name: "groupAssignmentSchedule",
    entity: "privilegedAccessGroupAssignmentSchedule",
    title: "group assignment schedules",
    folder: "groups-privileged/assignment-schedules",
    schema: include_str!("../../schemas/groups-privileged/group-assignment-schedule.schema.json"),
    path: "/identityGovernance/privilegedAccess/group/assignmentSchedules",
    naming: Naming::Id,
    natural: &["groupId", "principalId", "accessId"],
    about: &["principalId", "groupId"],
    // Microsoft's page says: "This method requires the `$filter` (`eq`) query parameter":
    // <https://learn.microsoft.com/graph/api/privilegedaccessgroup-list-assignmentschedules>
    filter: Some("groupId eq '{each}'"),
    // A request with `adminUpdate` changes the end of the schedule, and nothing else.
    update: Updates::Only(&["scheduleInfo"]),
    // There is no list of the groups that have schedules. The same page names permissions "For non-role-assignable groups", so
    // other groups can have them too.
    for_each: Some(ForEach { kind: "group", when: Some(super::group::GOVERNABLE), defaults: None }),
    // <https://learn.microsoft.com/graph/api/privilegedaccessgroup-post-assignmentschedulerequests>
    requests: Some(Requests {
        path: "/identityGovernance/privilegedAccess/group/assignmentScheduleRequests",
        entity: "privilegedAccessGroupAssignmentScheduleRequest",
        names: &["accessId", "groupId", "principalId", "scheduleInfo"],
        target: "targetScheduleId",
    }),
    owned_elsewhere: Some(Elsewhere {
        when: Condition::Is { property: "assignmentType", value: "Activated" },
        reason: "it is an activation, which ends by itself",
    }),
    passing: Some(Condition::Is { property: "assignmentType", value: "Activated" }),
    licence: Some(Licence::P2),
    permissions: Permissions {
        read: &["PrivilegedAssignmentSchedule.Read.AzureADGroup"],
        write: &["PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/privilegedaccessgroupassignmentschedule",
    ..Kind::COMMON
};
