//! Who may become a member or an owner of which group. Read as schedules, written by requests.
//! <https://learn.microsoft.com/graph/api/resources/privilegedaccessgroupeligibilityschedule>

use crate::model::kind::*;

/// An eligibility for a group.
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
    // "This method requires the `$filter` (`eq`) query parameter": <https://learn.microsoft.com/graph/api/privilegedaccessgroup-list-eligibilityschedules>
    filter: Some("groupId eq '{each}'"),
    // A request with `adminUpdate` changes when it ends, nothing else.
    update: Updates::Only(&["scheduleInfo"]),
    // No list tells which groups have any: "For non-role-assignable groups" the same page names permissions of its own.
    for_each: Some(ForEach { kind: "group", when: Some(super::group::GOVERNABLE) }),
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
