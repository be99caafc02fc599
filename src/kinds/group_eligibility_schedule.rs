//! Describes eligibilities: who may become a member or an owner of a group. They are read as schedules and written by requests.
//! <https://learn.microsoft.com/graph/api/resources/privilegedaccessgroupeligibilityschedule>

use crate::model::kind::*;

/// Eligibility for a group.
pub const KIND: Kind = Kind {
    name: "groupEligibilitySchedule",
    entity: "privilegedAccessGroupEligibilitySchedule",
    title: "group eligibilities",
    folder: "groups-privileged/eligibility-schedules",
    schema: include_str!("../../schemas/groups-privileged/group-eligibility-schedule.schema.json"),
    path: "/identityGovernance/privilegedAccess/group/eligibilitySchedules",
    naming: Naming::Id,
    natural: &["groupId", "principalId", "accessId"],
    about: &["principalId", "groupId"],
    // Microsoft's page says: "This method requires the `$filter` (`eq`) query parameter":
    // <https://learn.microsoft.com/graph/api/privilegedaccessgroup-list-eligibilityschedules>
    filter: Some("groupId eq '{each}'"),
    // A request with `adminUpdate` changes the end of the schedule, and nothing else.
    update: Updates::Only(&["scheduleInfo"]),
    // There is no list of the groups that have schedules. The same page names permissions "For non-role-assignable groups", so
    // other groups can have them too.
    for_each: Some(ForEach { kind: "group", when: Some(super::group::GOVERNABLE), defaults: None }),
    // <https://learn.microsoft.com/graph/api/privilegedaccessgroup-post-eligibilityschedulerequests>
    requests: Some(Requests {
        path: "/identityGovernance/privilegedAccess/group/eligibilityScheduleRequests",
        entity: "privilegedAccessGroupEligibilityScheduleRequest",
        names: &["accessId", "groupId", "principalId", "scheduleInfo"],
        target: "targetScheduleId",
    }),
    licence: Some(Licence::P2),
    permissions: Permissions {
        read: &["PrivilegedEligibilitySchedule.Read.AzureADGroup"],
        write: &["PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup"],
    },
    docs: "https://learn.microsoft.com/graph/api/resources/privilegedaccessgroupeligibilityschedule",
    ..Kind::COMMON
};
