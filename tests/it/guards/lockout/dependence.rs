//! What access hangs on beside policies: applications, names, schedules, reviews and workflows; and plans that leave it be.

use serde_json::{Value, json};

use crate::support::scene::{GLOBAL, READER, Scene, World, id};

type Edit = fn(&mut World);

const PORTAL: &str = "c44b4083-3bb0-49c1-b47d-974e53cbdf3c";
const COMMAND_LINE: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

fn scenes(edits: Vec<(&str, Edit, Edit)>) -> Vec<Scene> {
    edits.into_iter().map(|(name, first, edit)| Scene::of(name, first, edit)).collect()
}

/// Microsoft's own applications, as they stand in a tenant.
fn first_party(world: &mut World) {
    for (label, app) in [
        ("portal", PORTAL),
        ("command-line", COMMAND_LINE),
        ("azure", crate::support::scene::AZURE),
        ("directory", "00000002-0000-0000-c000-000000000000"),
        ("stranger", "11111111-2222-4000-8000-000000000000"),
    ] {
        let value = json!({"appId": app, "accountEnabled": true, "servicePrincipalType": "Application",
            "appRoleAssignmentRequired": false, "appRoleAssignedTo": []});
        world.put("servicePrincipal", label, value);
    }
}

fn disable(world: &mut World, label: &str) {
    world.set("servicePrincipal", label, "/accountEnabled", false.into());
}

fn require_assignment(world: &mut World, label: &str) {
    world.set("servicePrincipal", label, "/appRoleAssignmentRequired", true.into());
}

fn assign(world: &mut World, label: &str, who: &[&str]) {
    let none = "00000000-0000-0000-0000-000000000000";
    let assigned: Vec<Value> = who.iter().map(|who| json!({"principalId": id(who), "appRoleId": none})).collect();
    world.set("servicePrincipal", label, "/appRoleAssignedTo", json!(assigned));
}

fn schedule(world: &mut World, label: &str, principal: &str, role: &str, expiration: Value) {
    let schedule = json!({"principalId": id(principal), "roleDefinitionId": role, "directoryScopeId": "/",
        "assignmentType": "Assigned", "memberType": "Direct", "status": "Provisioned",
        "scheduleInfo": {"startDateTime": "2026-01-01T00:00:00Z", "expiration": expiration}});
    world.put("roleAssignmentSchedule", label, schedule);
}

fn until(end: &str) -> Value {
    json!({"type": "afterDateTime", "endDateTime": end})
}

fn never() -> Value {
    json!({"type": "noExpiration"})
}

fn ends(world: &mut World, label: &str, expiration: Value) {
    world.set("roleAssignmentSchedule", label, "/scheduleInfo/expiration", expiration);
}

/// A review whose decisions are carried out; nobody's answer is a denial.
fn review(world: &mut World, query: &str) {
    let query = json!({"@odata.type": "#microsoft.graph.accessReviewQueryScope", "queryType": "MicrosoftGraph",
        "query": query});
    world.put(
        "accessReview",
        "review",
        json!({"scope": query, "settings": {"autoApplyDecisionsEnabled": true, "defaultDecisionEnabled": true,
            "defaultDecision": "Deny", "instanceDurationInDays": 1}}),
    );
}

fn review_members(world: &mut World, group: &str) {
    review(world, &format!("/groups/{}/transitiveMembers", id(group)));
}

/// A policy that sends people to a domain before they say who they are.
fn home_realm(world: &mut World, domain: &str, default: bool) {
    let definition =
        json!({"HomeRealmDiscoveryPolicy": {"AccelerateToFederatedDomain": true, "PreferredDomain": domain}});
    world.put(
        "homeRealmDiscoveryPolicy",
        "realm",
        json!({"definition": [definition.to_string()], "isOrganizationDefault": default, "appliesTo": []}),
    );
}

/// A workflow that runs by itself and does one task.
fn workflow(world: &mut World, rule: &str, task: &str) {
    let scope = json!({"@odata.type": "#microsoft.graph.identityGovernance.ruleBasedSubjectSet", "rule": rule});
    let trigger = json!({"@odata.type": "#microsoft.graph.identityGovernance.timeBasedAttributeTrigger",
        "timeBasedAttribute": "createdDateTime", "offsetInDays": 1});
    world.put(
        "lifecycleWorkflow",
        "workflow",
        json!({"category": "leaver", "isEnabled": true, "isSchedulingEnabled": true,
            "executionConditions": {"scope": scope, "trigger": trigger},
            "tasks": [{"displayName": "task", "isEnabled": true, "taskDefinitionId": task, "arguments": []}]}),
    );
}

const DELETES: &str = "8d18588d-9ad3-4c0f-99d0-ec215f0e3dff";
const DISABLES: &str = "1dfdfcc7-52fa-4c2e-bf3a-e3919cc12950";
const LEAVES_GROUPS: &str = "b3a31406-2a15-4c9a-b25b-a658fa5f07fc";
const WELCOMES: &str = "70b29d51-b59a-4773-9280-8841dfd3f2ea";

/// Plans that take access away.
pub fn hostile() -> Vec<Scene> {
    let nothing: Edit = |_| {};
    let for_good: Edit = |world| schedule(world, "pim", "bg1", GLOBAL, never());
    scenes(vec![
        ("D11: everybody is sent to another domain", nothing, |world| home_realm(world, "plant.contoso.example", true)),
        (
            "D11: a policy becomes the default",
            |world| home_realm(world, "plant.contoso.example", false),
            |world| world.set("homeRealmDiscoveryPolicy", "realm", "/isOrganizationDefault", true.into()),
        ),
        ("D11: whoever comes to the portal is sent to another domain", first_party, |world| {
            home_realm(world, "plant.contoso.example", false);
            world.set("homeRealmDiscoveryPolicy", "realm", "/appliesTo", json!([id("portal")]));
        }),
        ("F14: Microsoft Graph is disabled", nothing, |world| disable(world, "graph")),
        ("F14: the portal is disabled", first_party, |world| disable(world, "portal")),
        ("F14: Azure management is disabled", first_party, |world| disable(world, "azure")),
        ("F14: Azure Active Directory is disabled", first_party, |world| disable(world, "directory")),
        ("F15: the portal is for those assigned", first_party, |world| require_assignment(world, "portal")),
        ("F15: the command line is for those assigned", first_party, |world| require_assignment(world, "command-line")),
        ("F15: the portal is for others", first_party, |world| {
            require_assignment(world, "portal");
            assign(world, "portal", &["staff"]);
        }),
        (
            "F15: one of two is assigned no longer",
            |world| {
                first_party(world);
                require_assignment(world, "portal");
                assign(world, "portal", &["bg1", "bg2"]);
            },
            |world| assign(world, "portal", &["bg2"]),
        ),
        ("05: another name to sign in with", nothing, |world| {
            world.set("user", "bg1", "/userPrincipalName", "someone@contoso.example".into());
        }),
        ("X1: the role ends", for_good, |world| ends(world, "pim", until("2026-12-01T00:00:00Z"))),
        ("X1: the role ends after a while", for_good, |world| {
            ends(world, "pim", json!({"type": "afterDuration", "duration": "P1D"}));
        }),
        (
            "X1: the role ends sooner",
            |world| schedule(world, "pim", "bg1", GLOBAL, until("2030-01-01T00:00:00Z")),
            |world| {
                ends(world, "pim", until("2026-12-01T00:00:00Z"));
            },
        ),
        (
            "X1: the role of a group that it is in ends",
            |world| {
                world.members("admins", &["admin2", "bg1"]);
                schedule(world, "pim", "admins", GLOBAL, never());
            },
            |world| ends(world, "pim", until("2026-12-01T00:00:00Z")),
        ),
        ("F36b: a review of the shelter", nothing, |world| review_members(world, "shelter")),
        ("F36b: a review of the group in it", nothing, |world| review_members(world, "inner")),
        ("F36b: a review of the role", nothing, |world| {
            review(world, &format!("/roleManagement/directory/roleDefinitions/{GLOBAL}"));
        }),
        (
            "F36b: a review denies when nobody answers",
            |world| {
                review_members(world, "shelter");
                world.set("accessReview", "review", "/settings/defaultDecision", "Approve".into());
            },
            |world| world.set("accessReview", "review", "/settings/defaultDecision", "Recommendation".into()),
        ),
        ("F32c: a workflow deletes every member", nothing, |world| workflow(world, "(userType eq 'Member')", DELETES)),
        ("F32c: a workflow disables whom a rule takes in", nothing, |world| {
            workflow(world, "(department eq 'Sales') or (accountEnabled eq true)", DISABLES);
        }),
        ("F32c: a workflow empties the groups", nothing, |world| {
            workflow(world, "(userPrincipalName contains 'bg')", LEAVES_GROUPS);
        }),
        (
            "F32c: a workflow is switched on",
            |world| {
                workflow(world, "(userType eq 'Member')", DELETES);
                world.set("lifecycleWorkflow", "workflow", "/isSchedulingEnabled", false.into());
            },
            |world| world.set("lifecycleWorkflow", "workflow", "/isSchedulingEnabled", true.into()),
        ),
    ])
}

/// The same, with access left as it was.
pub fn benign() -> Vec<Scene> {
    let nothing: Edit = |_| {};
    let for_good: Edit = |world| schedule(world, "pim", "bg1", GLOBAL, never());
    scenes(vec![
        ("D11, twin: everybody is sent to their own domain", nothing, |world| {
            home_realm(world, "contoso.example", true)
        }),
        ("D11, twin: nobody is sent by the policy yet", nothing, |world| {
            home_realm(world, "plant.contoso.example", false)
        }),
        ("F14, twin: another application is disabled", first_party, |world| disable(world, "stranger")),
        (
            "F14, twin: it is enabled again",
            |world| {
                first_party(world);
                disable(world, "portal");
            },
            |world| world.set("servicePrincipal", "portal", "/accountEnabled", true.into()),
        ),
        ("F15, twin: another application is for those assigned", first_party, |world| {
            require_assignment(world, "stranger")
        }),
        (
            "F15, twin: the accounts are assigned",
            |world| {
                first_party(world);
                assign(world, "portal", &["bg1", "bg2"]);
            },
            |world| require_assignment(world, "portal"),
        ),
        ("05, twin: another name to be shown", nothing, |world| {
            world.set("user", "bg1", "/displayName", "Emergency".into());
        }),
        ("05, twin: somebody else signs in with another name", nothing, |world| {
            world.set("user", "ann", "/userPrincipalName", "anna@contoso.example".into());
        }),
        (
            "recovery: X1, twin: the role ends later",
            |world| schedule(world, "pim", "bg1", GLOBAL, until("2026-12-01T00:00:00Z")),
            |world| {
                ends(world, "pim", until("2030-01-01T00:00:00Z"));
            },
        ),
        (
            "recovery: X1, twin: the role ends no more",
            |world| schedule(world, "pim", "bg1", GLOBAL, until("2026-12-01T00:00:00Z")),
            |world| {
                ends(world, "pim", never());
            },
        ),
        (
            "X1, twin: another one's role ends",
            |world| schedule(world, "pim", "admin", GLOBAL, never()),
            |world| {
                ends(world, "pim", until("2026-12-01T00:00:00Z"));
            },
        ),
        (
            "X1, twin: another role of the account ends",
            |world| {
                for_good_and_reader(world);
            },
            |world| ends(world, "reading", until("2026-12-01T00:00:00Z")),
        ),
        ("X1, twin: something else is changed", for_good, |world| world.set("user", "bg1", "/jobTitle", "None".into())),
        ("F36b, twin: a review of others", nothing, |world| review_members(world, "staff")),
        ("F36b, twin: a review that keeps whom nobody answers for", nothing, |world| {
            review_members(world, "shelter");
            world.set("accessReview", "review", "/settings/defaultDecision", "Approve".into());
        }),
        ("F36b, twin: a review that only reports", nothing, |world| {
            review_members(world, "shelter");
            world.set("accessReview", "review", "/settings/autoApplyDecisionsEnabled", false.into());
        }),
        ("F36b, twin: a review of guests in it", nothing, |world| {
            review(
                world,
                &format!("/groups/{}/members/microsoft.graph.user/?$filter=(userType eq 'Guest')", id("shelter")),
            );
        }),
        ("F36b, twin: a review of a group on which nothing hangs", nothing, |world| review_members(world, "outer")),
        ("F32c, twin: a workflow for guests", nothing, |world| workflow(world, "(userType eq 'Guest')", DELETES)),
        ("F32c, twin: a workflow for one department", nothing, |world| {
            workflow(world, "(department eq 'Sales') and (userType eq 'Member')", DISABLES);
        }),
        ("F32c, twin: a workflow that welcomes", nothing, |world| workflow(world, "(userType eq 'Member')", WELCOMES)),
        ("F32c, twin: a workflow for those who leave", nothing, |world| {
            workflow(world, "(userType eq 'Member')", DELETES);
            let attribute = "/executionConditions/trigger/timeBasedAttribute";
            world.set("lifecycleWorkflow", "workflow", attribute, "employeeLeaveDateTime".into());
        }),
        ("F32c, twin: a workflow that is off", nothing, |world| {
            workflow(world, "(userType eq 'Member')", DELETES);
            world.set("lifecycleWorkflow", "workflow", "/isEnabled", false.into());
        }),
    ])
}

fn for_good_and_reader(world: &mut World) {
    schedule(world, "pim", "bg1", GLOBAL, never());
    schedule(world, "reading", "bg1", READER, never());
}
