//! Mistakes that the laws have found, each as small as it gets.

use std::collections::{BTreeMap, BTreeSet};

use entragit::engine::plan::{Inputs, plan};
use entragit::engine::scope::Scope;
use entragit::model::{Action, IdMap, Kind, Plan, Write};
use entragit::tenant::memory::MemoryTenant;
use entragit::tenant::{Raw, TenantRead, TenantWrite};
use serde_json::{Value, json};

use crate::support::case::{Case, Trouble, block_on};
use crate::support::generated::{addresses, guid, named, raw_of, snapshot};

type Objects = Vec<(&'static Kind, Raw)>;

fn one(kind: &str, id: &str, name: &str, mut rest: Value) -> (&'static Kind, Raw) {
    rest["id"] = json!(id);
    rest["displayName"] = json!(name);
    (named(kind), raw_of(rest))
}

fn tenant(objects: &Objects) -> MemoryTenant {
    MemoryTenant::from_objects(objects.iter().map(|(kind, raw)| (kind.name, raw.clone())).collect()).unwrap()
}

async fn delete(tenant: &MemoryTenant, kind: &str, id: &str) {
    tenant.write(&Write::Delete { kind: named(kind), id: id.to_owned() }).await.unwrap();
}

/// `create group; link group`, as a line.
fn line(plan: &Plan) -> String {
    let words: Vec<String> =
        plan.steps.iter().map(|step| format!("{} {}", step.action.as_str(), step.called)).collect();
    words.join("; ")
}

#[test]
fn a_member_comes_back_from_the_bin_before_it_is_added() {
    block_on(async {
        let (user, group) = (guid(0, 0), guid(1, 0));
        let objects =
            vec![one("user", &user, "Ada", json!({})), one("group", &group, "All", json!({"members": [{"id": user}]}))];
        let tenant = tenant(&objects);
        delete(&tenant, "user", &user).await;
        let mut case = Case::of(snapshot(objects), tenant, 1).await;
        let plan = case.plan().await;
        assert_eq!(line(&plan), "restore user; link group");
        assert_eq!(plan.steps[1].needs, [0]);
        assert_eq!(case.run(&plan, "first", Trouble::default()).await.unwrap().failed, []);
        assert!(case.plan().await.steps.is_empty());
    });
}

#[test]
fn a_policy_names_a_group_once_that_is_back_from_the_bin() {
    block_on(async {
        let (group, policy) = (guid(1, 0), guid(6, 0));
        let objects = vec![
            one("group", &group, "All", json!({})),
            one(
                "conditionalAccessPolicy",
                &policy,
                "Block",
                json!({"conditions": {"users": {"includeGroups": [group]}}}),
            ),
        ];
        let tenant = tenant(&objects[..1].to_vec());
        delete(&tenant, "group", &group).await;
        let plan = Case::of(snapshot(objects), tenant, 1).await.plan().await;
        assert_eq!(line(&plan), "restore group; create conditionalAccessPolicy");
        assert_eq!(plan.steps[1].needs, [0]);
    });
}

/// A scope must be disabled before it is removed; the application still names one that was purged.
#[test]
fn disabling_a_scope_sends_nothing_else() {
    block_on(async {
        let api = |scopes: Value| {
            json!({"appId": guid(8, 0), "api": {"oauth2PermissionScopes": scopes,
            "preAuthorizedApplications": [{"appId": guid(8, 1), "delegatedPermissionIds": [guid(9, 0)]}]}})
        };
        let scopes = json!([{"id": guid(9, 0), "value": "read", "isEnabled": true}]);
        let other = one("application", &guid(2, 1), "Purged", json!({"appId": guid(8, 1)}));
        let wanted = snapshot(vec![one("application", &guid(2, 0), "App", api(json!([]))), other]);
        let mut case = Case::of(wanted, tenant(&vec![one("application", &guid(2, 0), "App", api(scopes))]), 1).await;
        let plan = case.plan().await;
        // The client is named by its new id in a write of its own, the scope is disabled, the scope goes.
        assert_eq!(line(&plan), "create application; update application; update application; update application");
        let Action::Update { body, changes } = &plan.steps[2].action else { panic!("no update") };
        let disabled = json!({"oauth2PermissionScopes": [{"id": guid(9, 0), "value": "read", "isEnabled": false}]});
        assert_eq!((body.len(), &body["api"]), (1, &disabled));
        assert_eq!(changes.len(), 1);
        assert_eq!(case.run(&plan, "first", Trouble::default()).await.unwrap().failed, []);
        assert_eq!(case.differences(&plan).await, Vec::<String>::new());
    });
}

/// A scope is disabled before it is changed, and enabled with the change; one that only becomes disabled takes one write.
#[test]
fn a_scope_is_disabled_before_it_is_changed() {
    block_on(async {
        let app = |value: &str, enabled: bool| {
            let scopes = json!([{"id": guid(9, 0), "value": value, "isEnabled": enabled},
                {"id": guid(9, 1), "value": "other", "isEnabled": true}]);
            vec![one("application", &guid(2, 0), "App", json!({"api": {"oauth2PermissionScopes": scopes}}))]
        };
        let mut said = Vec::new();
        for (wanted, live) in [
            (app("read", true), app("write", true)),
            (app("read", false), app("write", true)),
            (app("read", true), app("write", false)),
            (app("read", false), app("read", true)),
            (app("read", true), app("read", false)),
        ] {
            let mut case = Case::of(snapshot(wanted), tenant(&live), 1).await;
            let plan = case.plan().await;
            let scopes = plan.steps.iter().map(|step| {
                let Action::Update { body, .. } = &step.action else { panic!("no update") };
                let scopes = body["api"]["oauth2PermissionScopes"].as_array().unwrap();
                let scopes = scopes.iter().map(|scope| format!("{} {}", scope["value"], scope["isEnabled"]));
                scopes.collect::<Vec<_>>().join(", ")
            });
            said.push(scopes.collect::<Vec<_>>().join(" -> "));
            assert_eq!(case.run(&plan, "first", Trouble::default()).await.unwrap().failed, []);
            assert_eq!(case.differences(&plan).await, Vec::<String>::new());
        }
        insta::assert_snapshot!(said.join("\n"), @r#"
        "write" false, "other" true -> "read" true, "other" true
        "write" false, "other" true -> "read" false, "other" true
        "read" true, "other" true
        "read" false, "other" true
        "read" true, "other" true
        "#);
    });
}

#[test]
fn nothing_is_linked_to_what_cannot_be_created_again() {
    block_on(async {
        let (principal, group) = (guid(3, 0), guid(1, 0));
        let wanted = vec![
            one("servicePrincipal", &principal, "Robot", json!({"servicePrincipalType": "ManagedIdentity"})),
            one("group", &group, "All", json!({"members": [{"id": principal}]})),
        ];
        let plan =
            Case::of(snapshot(wanted), tenant(&vec![one("group", &group, "All", json!({}))]), 1).await.plan().await;
        assert_eq!(line(&plan), "");
        let losses: Vec<String> = plan.losses.iter().map(|loss| loss.what()).collect();
        insta::assert_snapshot!(losses.join("\n"), @r#"
        cannot be created again: a managed identity is made by the Azure resource it belongs to
        members loses "Robot", which cannot be created again
        "#);
    });
}

/// Two groups that look the same; the answer to the second one's creation is lost, and it was not carried out.
#[test]
fn a_twin_is_not_taken_for_the_object_whose_creation_was_lost() {
    block_on(async {
        let twins = vec![one("group", &guid(1, 0), "Twin", json!({})), one("group", &guid(1, 1), "Twin", json!({}))];
        for lives in [1, 0] {
            for carried in [true, false] {
                let mut case = Case::of(snapshot(twins.clone()), tenant(&twins[..lives].to_vec()), 4).await;
                let plan = case.plan().await;
                let lost = BTreeMap::from([(0, carried)]);
                let outcome = case.run(&plan, "first", Trouble { lost, ..Trouble::default() }).await.unwrap();
                assert_eq!((outcome.failed.as_slice(), outcome.uncertain.is_empty()), (&[][..], carried));
                case.settle().await;
                assert_eq!(case.differences(&plan).await, Vec::<String>::new());
                assert_eq!(case.tenant.objects().len(), 2);
            }
        }
    });
}

/// A set of references is in another order once one of them has a new id.
#[test]
fn what_was_sent_is_recognised_whatever_its_order() {
    block_on(async {
        let groups = [guid(1, 0), guid(1, 1)];
        let body = json!({"conditions": {"users": {"includeGroups": groups, "excludeUsers": []}}});
        let objects = vec![
            one("group", &groups[0], "Kept", json!({})),
            one("group", &groups[1], "Purged", json!({})),
            one("conditionalAccessPolicy", &guid(6, 0), "Block", body),
        ];
        let mut case = Case::of(snapshot(objects.clone()), tenant(&objects[..1].to_vec()), 1).await;
        let plan = case.plan().await;
        assert_eq!(line(&plan), "create group; create conditionalAccessPolicy");
        let lost = BTreeMap::from([(1, true)]);
        assert_eq!(case.run(&plan, "first", Trouble { lost, ..Trouble::default() }).await.unwrap().failed, []);
        assert_eq!(case.differences(&plan).await, Vec::<String>::new());
    });
}

#[test]
fn a_link_is_not_written_to_an_object_that_moved() {
    block_on(async {
        let (user, group) = (guid(0, 0), guid(1, 0));
        let objects = |members: Value| {
            vec![one("user", &user, "Ada", json!({})), one("group", &group, "All", json!({"members": members}))]
        };
        let mut case = Case::of(snapshot(objects(json!([{"id": user}]))), tenant(&objects(json!([]))), 1).await;
        let plan = case.plan().await;
        assert_eq!(line(&plan), "link group");
        let body = raw_of(json!({"displayName": "Somebody's"}));
        case.tenant.write(&Write::Update { kind: named("group"), id: group.clone(), body }).await.unwrap();
        let outcome = case.run(&plan, "first", Trouble::default()).await.unwrap();
        assert_eq!(outcome.stale.len(), 1);
        let now = case.tenant.get(named("group"), &group).await.unwrap().unwrap();
        assert_eq!(now.value["members"], json!([]));
    });
}

/// Killed after the PATCH was carried out and before that was written down.
#[test]
fn what_a_killed_run_had_written_is_not_stale() {
    block_on(async {
        let group = guid(1, 0);
        let wanted = snapshot(vec![one("group", &group, "New", json!({}))]);
        let mut case = Case::of(wanted, tenant(&vec![one("group", &group, "Old", json!({}))]), 1).await;
        let plan = case.plan().await;
        assert!(matches!(plan.steps[0].action, Action::Update { .. }));
        let killed = Trouble { killed: Some((0, true)), ..Trouble::default() };
        assert!(case.run(&plan, "first", killed).await.is_none());
        let outcome = case.run(&plan, "first", Trouble::default()).await.unwrap();
        assert_eq!((outcome.done, outcome.stale.len()), (1, 0));
    });
}

#[test]
fn a_child_is_changed_without_the_key_by_which_it_is_addressed() {
    block_on(async {
        let policy = |state: &str| {
            vec![one(
                "authenticationMethodsPolicy",
                "authenticationMethodsPolicy",
                "Methods",
                json!({
                "authenticationMethodConfigurations": [{"@odata.type": "#microsoft.graph.smsAuthenticationMethodConfiguration",
                    "id": "Sms", "state": state}]}),
            )]
        };
        let mut case = Case::of(snapshot(policy("disabled")), tenant(&policy("enabled")), 1).await;
        let plan = case.plan().await;
        assert_eq!(line(&plan), "relink authenticationMethodsPolicy");
        assert_eq!(case.run(&plan, "first", Trouble::default()).await.unwrap().failed, []);
        assert!(case.plan().await.steps.is_empty());
    });
}

#[test]
fn what_is_synchronized_from_on_premises_is_said_and_left_alone() {
    block_on(async {
        let synced = |name: &str| one("group", &guid(1, 0), name, json!({"onPremisesSyncEnabled": true}));
        let there = vec![synced("Changed on-premises"), one("group", &guid(1, 1), "Cloud", json!({}))];
        let wanted = vec![synced("As it was"), one("group", &guid(1, 1), "Cloud, renamed", json!({}))];
        let plan = Case::of(snapshot(wanted), tenant(&there), 1).await.plan().await;
        assert_eq!(line(&plan), "update group", "only the one that the cloud owns");
        let said: Vec<String> = plan.losses.iter().map(|loss| loss.what()).collect();
        assert_eq!(said, ["differs and is left alone: it is synchronized from on-premises and is changed there"]);
    });
}

/// Two files of one commit whose ids are the same object's by now: neither wins, and the object is not deleted either.
#[test]
fn an_object_that_is_wanted_twice_is_left_alone() {
    let (old, new) = (guid(1, 0), guid(1, 1));
    let both = vec![one("group", &old, "Before", json!({})), one("group", &new, "After", json!({}))];
    let (wanted, live) = (snapshot(both), snapshot(vec![one("group", &new, "Now", json!({}))]));
    let mut ids = IdMap::default();
    ids.learn(&old, &new);
    let plan = plan(&Inputs {
        wanted: &wanted,
        live: &live,
        base: &addresses(&live),
        deleted: &BTreeMap::new(),
        ids: &ids,
        scope: &Scope::default(),
        prune: false,
    });
    assert_eq!(line(&plan), "");
    let losses: Vec<String> = plan.losses.iter().map(|loss| format!("{}: {}", loss.name, loss.what())).collect();
    insta::assert_snapshot!(losses.join("\n"), @r"
    Before: is left alone: two files of the commit stand for the same object
    After: is left alone: two files of the commit stand for the same object
    ");
}

/// An application registered after the snapshot, and given a role: it is left there, and so is its role. With the role of
/// one that a snapshot knew it is another matter.
#[test]
fn what_is_left_there_keeps_its_permissions() {
    let (api, robot) = (guid(3, 0), guid(3, 1));
    let principal = |id: &str, roles: Value| one("servicePrincipal", id, "P", json!({"appRoleAssignedTo": roles}));
    let roles =
        json!([{"id": "r", "appRoleId": guid(9, 0), "principalId": robot, "principalType": "ServicePrincipal"}]);
    let wanted = snapshot(vec![principal(&api, json!([]))]);
    let live = snapshot(vec![principal(&api, roles), principal(&robot, json!([]))]);
    let all = addresses(&live);
    let known: BTreeSet<_> = all.iter().filter(|address| address.id == api).cloned().collect();
    for (base, prune, expected) in [
        (&known, false, ""),
        (&known, true, "unlink servicePrincipal; delete servicePrincipal"),
        (&all, false, "unlink servicePrincipal; delete servicePrincipal"),
    ] {
        let (deleted, ids, scope) = (BTreeMap::new(), IdMap::default(), Scope::default());
        let inputs = Inputs { wanted: &wanted, live: &live, base, deleted: &deleted, ids: &ids, scope: &scope, prune };
        assert_eq!(line(&plan(&inputs)), expected);
    }
}

/// An assignment cannot be changed, only replaced; where the one that is wanted cannot be made, the old one stays.
#[test]
fn an_assignment_goes_only_when_another_takes_its_place() {
    let assignment = |principal: &str| {
        let rest = json!({"principalId": principal, "roleDefinitionId": guid(7, 0), "directoryScopeId": "/"});
        one("roleAssignment", &guid(8, 0), "", rest)
    };
    let role = one("roleDefinition", &guid(7, 0), "Readers", json!({"isBuiltIn": false, "isEnabled": true}));
    let user = |i: usize| one("user", &guid(0, i), "Ada", json!({}));
    // The managed identity is gone and can be made by nobody but Azure.
    let managed = one("servicePrincipal", &guid(3, 3), "Robot", json!({"servicePrincipalType": "ManagedIdentity"}));
    let live = snapshot(vec![role.clone(), user(0), user(1), assignment(&guid(0, 0))]);
    let planned = |wanted: Objects| {
        let wanted = snapshot(wanted);
        let base = BTreeSet::new();
        plan(&Inputs {
            wanted: &wanted,
            live: &live,
            base: &base,
            deleted: &BTreeMap::new(),
            ids: &IdMap::default(),
            scope: &Scope::default(),
            prune: false,
        })
    };
    let replaced = planned(vec![role.clone(), user(0), user(1), assignment(&guid(0, 1))]);
    assert_eq!(line(&replaced), "create roleAssignment; delete roleAssignment");
    assert_eq!(replaced.steps[1].needs, [0]);
    let kept = planned(vec![role, user(0), user(1), managed, assignment(&guid(3, 3))]);
    assert_eq!(line(&kept), "");
    assert_eq!(kept.losses.last().unwrap().what(), "cannot be created again without \"Robot\"");
}

/// A rule names an extension property by its application's id without dashes; the application is created again.
#[test]
fn a_rule_follows_the_application_whose_extension_it_names() {
    block_on(async {
        let (app_id, app, group) = (guid(8, 0), guid(2, 0), guid(1, 0));
        let rule = format!("user.extension_{}_desk -eq \"Sales\"", app_id.replace('-', ""));
        let application = one("application", &app, "Desks", json!({"appId": app_id, "signInAudience": "AzureADMyOrg"}));
        let dynamic = json!({"groupTypes": ["DynamicMembership"], "membershipRule": rule, "mailEnabled": false,
            "membershipRuleProcessingState": "On", "securityEnabled": true, "mailNickname": "sales"});
        let group = one("group", &group, "Sales", dynamic);
        let objects = vec![application, group];
        let mut case = Case::of(snapshot(objects.clone()), tenant(&objects[1..].to_vec()), 1).await;
        let plan = case.plan().await;
        assert_eq!(line(&plan), "create application; update group");
        assert_eq!(plan.steps[1].needs, [0]);
        assert_eq!(case.run(&plan, "first", Trouble::default()).await.unwrap().failed, []);
        assert!(case.plan().await.steps.is_empty());
        let objects = case.tenant.objects();
        let text = |kind: &str, name: &str| {
            let raw = objects.iter().find(|(of, _)| *of == kind).map(|(_, raw)| raw.clone()).unwrap();
            raw.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let now = text("application", "appId");
        assert_ne!(now, app_id);
        assert_eq!(
            text("group", "membershipRule"),
            format!("user.extension_{}_desk -eq \"Sales\"", now.replace('-', ""))
        );
    });
}

/// The service principal lies in the bin, its application is gone for good: restored, it would be nobody's.
#[test]
fn a_service_principal_is_made_anew_with_its_application() {
    block_on(async {
        let (app_id, app, principal) = (guid(8, 0), guid(2, 0), guid(3, 0));
        let application = one("application", &app, "Desks", json!({"appId": app_id, "signInAudience": "AzureADMyOrg"}));
        let rest = json!({"appId": app_id, "servicePrincipalType": "Application", "accountEnabled": true});
        let objects = vec![application, one("servicePrincipal", &principal, "Desks", rest)];
        let tenant = tenant(&objects[1..].to_vec());
        delete(&tenant, "servicePrincipal", &principal).await;
        let mut case = Case::of(snapshot(objects), tenant, 1).await;
        let plan = case.plan().await;
        assert!(line(&plan).starts_with("create application; create servicePrincipal"), "{}", line(&plan));
        assert_eq!(plan.steps[1].needs, [0]);
        assert_eq!(case.run(&plan, "first", Trouble::default()).await.unwrap().failed, []);
        assert!(case.plan().await.steps.is_empty());
    });
}

fn policy_with(agents: Value, who: &str) -> (&'static Kind, Raw) {
    let conditions = json!({"agents": agents, "users": {"includeUsers": [who]}});
    let session = json!({"ofTheFuture": {"isEnabled": true}});
    one(
        "conditionalAccessPolicy",
        &guid(6, 0),
        "Agents",
        json!({"state": "disabled", "conditions": conditions, "sessionControls": session}),
    )
}

fn losses(plan: &Plan) -> Vec<String> {
    plan.losses.iter().map(|loss| loss.what()).collect()
}

/// Where Graph replaces a complex value whole, leaving out what no schema knows would take it away.
#[test]
fn update_carries_over_what_no_schema_knows() {
    block_on(async {
        let all = json!({"includeAgents": ["All"]});
        let tenant = tenant(&vec![policy_with(all.clone(), "None")]);
        let mut case = Case::of(snapshot(vec![policy_with(all.clone(), "All")]), tenant, 1).await;
        let plan = case.plan().await;
        assert_eq!(line(&plan), "update conditionalAccessPolicy");
        let Action::Update { body, .. } = &plan.steps[0].action else { panic!("no update") };
        assert_eq!(body["conditions"], json!({"agents": all, "users": {"includeUsers": ["All"]}}));
        assert_eq!(case.run(&plan, "first", Trouble::default()).await.unwrap().failed, []);
        assert!(case.plan().await.steps.is_empty());
    });
}

/// PUT replaces the whole object, so what no schema knows is sent along.
#[test]
fn replacement_carries_over_what_no_schema_knows() {
    block_on(async {
        let policy = |quota: u32| {
            let rest = json!({"userDeviceQuota": quota, "azureADHello": {"isEnabled": true}});
            one("deviceRegistrationPolicy", "deviceRegistrationPolicy", "Devices", rest)
        };
        let tenant = tenant(&vec![policy(50)]);
        let mut wanted = policy(20);
        wanted.1.remove("azureADHello");
        let plan = Case::of(snapshot(vec![wanted]), tenant, 1).await.plan().await;
        let Action::Update { body, .. } = &plan.steps[0].action else { panic!("no update") };
        assert_eq!((&body["userDeviceQuota"], &body["azureADHello"]), (&json!(20), &json!({"isEnabled": true})));
    });
}

/// No write would bring it about, so none is planned again and again.
#[test]
fn difference_that_no_schema_knows_is_said_and_not_planned() {
    block_on(async {
        let tenant = tenant(&vec![policy_with(json!({"includeAgents": ["None"]}), "All")]);
        let wanted = snapshot(vec![policy_with(json!({"includeAgents": ["All"]}), "All")]);
        let plan = Case::of(wanted, tenant, 1).await.plan().await;
        assert_eq!(line(&plan), "");
        assert_eq!(losses(&plan), ["conditions differs only in what no schema knows and stays as it is"]);
    });
}

#[test]
fn creation_names_what_no_schema_knows_and_sends_no_empty_value() {
    block_on(async {
        let wanted = snapshot(vec![policy_with(json!({"includeAgents": ["All"]}), "All")]);
        let plan = Case::of(wanted, tenant(&Vec::new()), 1).await.plan().await;
        assert_eq!(line(&plan), "create conditionalAccessPolicy");
        let Action::Create { body } = &plan.steps[0].action else { panic!("no creation") };
        assert_eq!(body.get("sessionControls"), None);
        let said = "gets a new id, loses conditions.agents and sessionControls.ofTheFuture, which no schema knows";
        assert_eq!(losses(&plan), [said]);
    });
}
