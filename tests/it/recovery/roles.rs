//! Roles, who holds them and what is demanded of whom: told by diff, put back by apply.

use entragit::emulator::contoso::names;
use serde_json::{Value, json};

use crate::support::command_line::World;
use crate::support::graph::{Graph, code, sign_in, text};

const ROLES: &str = "/v1.0/roleManagement/directory/roleDefinitions";
const HELD: &str = "/v1.0/roleManagement/directory/roleAssignments";
const SETTINGS: &str = "/v1.0/policies/roleManagementPolicies";
const SCOPE: &str = "$filter=scopeId eq '/' and scopeType eq 'DirectoryRole'";
const CONDITIONAL_ACCESS: &str = "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9";
const GLOBAL: &str = "62e90394-69f5-4237-9190-012177145e10";
const HELP_DESK: &str = "729827e3-9c14-49f7-bb1b-9608f156bbb8";

/// Path of the settings of a role.
async fn settings_of(graph: &Graph, role: &str) -> String {
    let list = graph.pages(&format!("/v1.0/policies/roleManagementPolicyAssignments?{SCOPE}")).await;
    let entry = list.into_iter().find(|entry| entry["roleDefinitionId"] == role).expect("settings");
    format!("{SETTINGS}/{}", text(&entry["policyId"]))
}

/// The role called `name`.
async fn role(graph: &Graph, name: &str) -> String {
    let all = graph.pages(ROLES).await;
    text(&all.iter().find(|role| role["displayName"] == name).expect(name)["id"])
}

async fn held(graph: &Graph, role: &str) -> Vec<Value> {
    graph.pages(&format!("{HELD}?$filter=roleDefinitionId eq '{role}'")).await
}

fn duration(longest: &str) -> Value {
    json!({"@odata.type": "#microsoft.graph.unifiedRoleManagementPolicyExpirationRule", "maximumDuration": longest})
}

/// What a report says, without the times and the address.
fn said(report: &str) -> String {
    let line = |line: &str| line.split(" from 127.0.0.1 at ").next().unwrap_or_default().to_owned();
    report.lines().skip(1).map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn who_opened_the_door_is_told_and_it_is_shut_again() {
    let mut world = World::exported().await;
    let settings = settings_of(&world.graph, CONDITIONAL_ACCESS).await;
    sign_in(&mut world.graph, names::SECOND_ADMINISTRATOR_UPN).await;
    let nothing =
        json!({"@odata.type": "#microsoft.graph.unifiedRoleManagementPolicyEnablementRule", "enabledRules": []});
    let rules = format!("{settings}/rules");
    assert_eq!(world.graph.patch(&format!("{rules}/Enablement_EndUser_Assignment"), nothing).await.0, 204);
    assert_eq!(world.graph.patch(&format!("{rules}/Expiration_EndUser_Assignment"), duration("P30D")).await.0, 204);
    let said_by_export = world.run(&["export"]).ok().err;
    let notes = world.git(&["notes", "--ref", "entragit-audit", "list"]);
    assert!(notes.lines().count() == 1 && !said_by_export.contains("not known"), "{notes}\n{said_by_export}");
    sign_in(&mut world.graph, names::ADMINISTRATOR_UPN).await;
    let block = json!({"grantControls": {"operator": "OR", "builtInControls": ["block"]}});
    let policy = format!("/v1.0/identity/conditionalAccess/policies/{}", names::ORDERING_POLICY);
    assert_eq!(world.graph.patch(&policy, block).await.0, 204);
    world.run(&["export"]).ok();
    let report = world.run(&["diff", "HEAD~2", "HEAD"]).ends(2).out;
    insta::assert_snapshot!(said(&report).replace(text(&json!(settings.rsplit('/').next())).as_str(), "…"), @r"
    2 objects differ: 2 modified
    Worth a second look: 4 high

    Conditional Access policies
      ~ CA210 Order Desk: multifactor authentication for remote workers  modified  a471ed36-ba83-49e9-8282-bbdb5ffda628
          ! high: access is blocked (grantControls.builtInControls)
          ! high: a control is not asked for any more (grantControls.builtInControls)
          - grantControls.builtInControls: mfa
          + grantControls.builtInControls: block
          Update conditional access policy by Priya Raman <priya.raman@contoso.com>

    role settings
      ~ Conditional Access Administrator  modified  …
          ! high: who may hold the role, how and for how long, is another (rules[Enablement_EndUser_Assignment].enabledRules)
          ! high: who may hold the role, how and for how long, is another (rules[Expiration_EndUser_Assignment].maximumDuration)
          - rules[Enablement_EndUser_Assignment].enabledRules: Justification
          - rules[Enablement_EndUser_Assignment].enabledRules: MultiFactorAuthentication
          ~ rules[Expiration_EndUser_Assignment].maximumDuration: PT8H → P30D
          Update role setting in PIM by Tomasz Zieliński <tomasz.zielinski@contoso.com>
    ");
    // The whole chain, object by object: when, what, and both names.
    let id = text(&json!(settings.rsplit('/').next()));
    let line_of = |text: &str, part: &str| {
        let line = text.lines().find(|line| line.contains(part));
        line.unwrap_or_else(|| panic!("{part}: {text}")).to_owned()
    };
    for (object, what, by) in [
        (id.as_str(), "rules[Expiration_EndUser_Assignment].maximumDuration: P30D", names::SECOND_ADMINISTRATOR),
        (names::ORDERING_POLICY, "grantControls.builtInControls: block", names::ADMINISTRATOR),
    ] {
        let life = world.run(&["log", object]).ok().out;
        assert!(life.contains(by) && life.contains("modified"), "{life}");
        let blamed = world.run(&["blame", object]).ok().out;
        assert!(line_of(&blamed, what).contains(by), "{blamed}");
    }
    let snapshots = world.run(&["log", "--limit", "2"]).ok().out;
    assert!(
        snapshots.contains(names::ADMINISTRATOR_UPN) && snapshots.contains(names::SECOND_ADMINISTRATOR_UPN),
        "{snapshots}"
    );
    let plan = world.run(&["plan", "--to", "HEAD~2"]).ends(2).out;
    assert!(plan.contains(r#"rules of roleManagementPolicy "Conditional Access Administrator""#), "{plan}");
    let ran = world.run(&["apply", "--to", "HEAD~2", "--yes"]).ok();
    assert!(ran.err.contains("verified"), "{}", ran.err);
    let now = world.graph.ok(&format!("{rules}/Enablement_EndUser_Assignment")).await;
    assert_eq!(now["enabledRules"], json!(["Justification", "MultiFactorAuthentication"]));
    world.run(&["diff", "HEAD~3", "live"]).ok();
}

/// Out of the recycle bin with its id, or made anew when it was deleted for good.
#[tokio::test(flavor = "multi_thread")]
async fn a_custom_role_comes_back_with_its_holders_and_its_settings() {
    for purged in [false, true] {
        let world = World::new().await;
        let old = role(&world.graph, "Application Support").await;
        let holder = text(&held(&world.graph, &old).await[0]["principalId"]);
        let rule = |settings: &str| format!("{settings}/rules/Expiration_EndUser_Assignment");
        let settings = settings_of(&world.graph, &old).await;
        assert_eq!(world.graph.patch(&rule(&settings), duration("PT1H")).await.0, 204);
        world.run(&["export"]).ok();
        assert_eq!(world.graph.delete(&format!("{ROLES}/{old}")).await.0, 204);
        if purged {
            let bin = "/v1.0/roleManagement/directory/deletedItems/roleDefinitions";
            assert_eq!(world.graph.delete(&format!("{bin}/{old}")).await.0, 204);
        }
        assert_eq!(held(&world.graph, &old).await, Vec::<Value>::new());
        world.run(&["export"]).ok();
        let ran = world.run(&["apply", "--to", "HEAD~1", "--yes"]).ok();
        assert!(ran.err.contains("verified"), "{}", ran.err);
        let new = role(&world.graph, "Application Support").await;
        assert_eq!(old != new, purged);
        assert_eq!(held(&world.graph, &new).await[0]["principalId"], holder.as_str());
        let settings = settings_of(&world.graph, &new).await;
        assert_eq!(world.graph.ok(&rule(&settings)).await["maximumDuration"], "PT1H");
        // The first snapshot names the old ids; there is nothing left to do.
        world.run(&["plan", "--to", "HEAD~2"]).ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assignment_is_made_anew_or_comes_back_with_its_holder() {
    let world = World::new().await;
    let desk = &held(&world.graph, HELP_DESK).await[0];
    let support = role(&world.graph, "Application Support").await;
    let holder = text(&held(&world.graph, &support).await[0]["principalId"]);
    world.run(&["export"]).ok();

    // In the recycle bin with what it holds, and back.
    assert_eq!(world.graph.delete(&format!("/v1.0/users/{holder}")).await.0, 204);
    world.run(&["export"]).ok();
    assert_eq!(held(&world.graph, &support).await, Vec::<Value>::new());
    world.run(&["apply", "--to", "HEAD~1", "--yes"]).ok();
    assert_eq!(held(&world.graph, &support).await[0]["principalId"], holder.as_str());

    // Somebody else instead: another assignment.
    let file =
        world.git(&["grep", "-l", &format!("^principalId: {}", text(&desk["principalId"])), "--", "roles/assignments"]);
    let path = file.lines().find(|path| std::fs::read_to_string(world.path().join(path)).unwrap().contains(HELP_DESK));
    let path = path.expect("a file");
    let edited = std::fs::read_to_string(world.path().join(path)).unwrap();
    world.write(path, &edited.replace(&text(&desk["principalId"]), names::ADMINISTRATOR_ID));
    world.commit("Priya instead of the help desk");
    // That role is a privileged one, and no snapshot ever had her hold it.
    let ran = world.run(&["apply", "--to", "HEAD", "--yes"]).ends(3);
    assert!(ran.err.contains("refused by escalation: the plan gives power that no snapshot"), "{}", ran.err);
    world.run(&["apply", "--to", "HEAD", "--yes", "--accept", "escalation"]).ok();
    let now = held(&world.graph, HELP_DESK).await;
    assert_eq!((now.len(), &now[0]["principalId"]), (1, &json!(names::ADMINISTRATOR_ID)));

    // What a break-glass account holds is not taken from it without a word.
    let emergency = held(&world.graph, GLOBAL).await;
    let own = emergency.iter().find(|one| one["principalId"] == names::EMERGENCY_1).expect("an assignment");
    let file = world.git(&["grep", "-l", &format!("^id: {}$", text(&own["id"])), "--", "roles/assignments"]);
    world.git(&["rm", "-q", &file]);
    world.git(&["commit", "-qm", "One fewer"]);
    let ran = world.run(&["apply", "--to", "HEAD", "--yes"]).ends(3);
    assert!(ran.err.contains(r#"delete roleAssignment "Emergency access 1: Global Administrator""#), "{}", ran.err);
}

/// A privileged role that was held before comes back without a question, however many snapshots lie in between.
#[tokio::test(flavor = "multi_thread")]
async fn power_that_was_held_before_comes_back() {
    const PRIVILEGED: &str = "e8611ab8-c189-46e8-94e1-60213ab1f814";
    let world = World::exported().await;
    let good = world.git(&["rev-parse", "snapshots"]);
    let one = held(&world.graph, PRIVILEGED).await.remove(0);
    let path = format!("/v1.0/roleManagement/directory/roleAssignments/{}", text(&one["id"]));
    assert_eq!(world.graph.delete(&path).await.0, 204);
    world.run(&["export"]).ok();
    let body = json!({"displayName": "x", "mailEnabled": false, "mailNickname": "x", "securityEnabled": true});
    assert_eq!(world.graph.post("/v1.0/groups", body).await.0, 201);
    world.run(&["export"]).ok();
    let ran = world.run(&["apply", "--to", &good, "--yes"]).ok();
    assert!(ran.err.contains("warning by escalation: the plan gives back power that was held before"), "{}", ran.err);
    assert_eq!(held(&world.graph, PRIVILEGED).await[0]["principalId"], one["principalId"]);
}

#[tokio::test]
async fn roles_are_as_strict_as_graph_says() {
    let graph = Graph::new().await;
    assert_eq!(code(&graph.get(SETTINGS).await), (400, "UnknownError".into()));
    assert_eq!(graph.get("/v1.0/policies/roleManagementPolicyAssignments").await.0, 400);
    let list = graph.pages(&format!("{SETTINGS}?{SCOPE}&$expand=rules")).await;
    assert_eq!(list.len(), graph.pages(ROLES).await.len(), "one for each role");
    assert!(list.iter().all(|one| one["rules"].as_array().is_some_and(|rules| rules.len() == 17)));
    assert!(list.iter().all(|one| one.get("roleDefinitionId").is_none()), "that is another list's");
    let rule = format!("{SETTINGS}/{}/rules/Expiration_EndUser_Assignment", text(&list[0]["id"]));
    assert_eq!(graph.patch(&rule, json!({"maximumDuration": "PT1H"})).await.0, 400, "without @odata.type");
    let mut whole = graph.ok(&rule).await;
    whole.as_object_mut().expect("an object").remove("@odata.context");
    assert_eq!(graph.patch(&rule, whole).await.0, 204, "as Microsoft's examples write it");

    assert_eq!(graph.patch(&format!("{ROLES}/{GLOBAL}"), json!({"displayName": "Root"})).await.0, 400);
    assert_eq!(graph.delete(&format!("{ROLES}/{GLOBAL}")).await.0, 400);
    let body = json!({"displayName": "Care", "isEnabled": true,
        "rolePermissions": [{"allowedResourceActions": ["microsoft.directory/groups/basic/update"]}]});
    let role = text(&graph.made(ROLES, body).await["id"]);
    settings_of(&graph, &role).await;
    let (user, group) = (graph.user("holder").await, graph.group("not for roles").await);
    let assignment =
        |principal: &str| json!({"roleDefinitionId": role, "principalId": principal, "directoryScopeId": "/"});
    assert_eq!(graph.post(HELD, assignment(&group)).await.0, 400);
    assert_eq!(graph.post(HELD, json!({"roleDefinitionId": role, "principalId": user})).await.0, 400);
    let made = text(&graph.made(HELD, assignment(&user)).await["id"]);
    assert_eq!(graph.post(HELD, assignment(&user)).await.0, 400, "twice");
    assert_eq!(graph.patch(&format!("{HELD}/{made}"), json!({"principalId": group})).await.0, 405);
    let log = "/v1.0/auditLogs/directoryAudits?$filter=category eq 'RoleManagement'";
    let said: Vec<String> = graph.pages(log).await.iter().map(|one| text(&one["activityDisplayName"])).collect();
    assert_eq!(said, ["Add member to role", "Add role definition", "Update role setting in PIM"]);
}
