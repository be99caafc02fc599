use serde_json::{Value, json};

use super::*;
use crate::model::Coverage;

const OTHER: &str = "aaaaaaaa-0000-4000-8000-000000000000";
const OWN: &str = "bbbbbbbb-0000-4000-8000-000000000000";

fn id(n: u32) -> String {
    format!("{n:08}-0000-4000-8000-000000000000")
}

fn snapshot(objects: &[(&'static str, Value)]) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for kind in kinds::ALL {
        snapshot.coverage.set_kind(kind.name, Coverage::Complete);
        for link in kind.links {
            snapshot.coverage.set_link(kind.name, link.name, Coverage::Complete);
        }
    }
    for (kind, value) in objects {
        let object = Object(value.as_object().cloned().unwrap_or_default());
        snapshot.objects.insert(crate::kinds::address(kind, object.id()).unwrap(), object);
    }
    snapshot
}

fn said(source: &[(&'static str, Value)], target: &[(&'static str, Value)], map: &TenantMap, scope: &[&str]) -> String {
    let scope = Scope {
        exclude: scope.iter().map(|word| crate::engine::scope::Exclusion::parse(word)).collect(),
        ..Scope::default()
    };
    let (source, target, ids) = (snapshot(source), snapshot(target), IdMap::default());
    let inputs =
        Inputs { source: &source, target: &target, ids: &ids, map, tenants: (OTHER, OWN), scope: &scope, prune: true };
    let short = |text: String| text.replace("-0000-4000-8000-000000000000", "").replace("0000000", "#");
    let lines: Vec<String> = match translate(&inputs) {
        Ok(out) => (out.objects.iter())
            .map(|(address, object)| format!("{address}: {}", Value::Object(object.0.clone())))
            .chain(out.gone.iter().map(|address| format!("gone {address}")))
            .chain(out.same.iter().map(|(there, here)| format!("{there} is {here}")))
            .chain(out.losses.iter().map(|loss| format!("! {} {:?}: {}", loss.address, loss.name, loss.what())))
            .collect(),
        Err(problems) => {
            let shown = |address: &Option<Address>| address.as_ref().map_or("the map".to_owned(), Address::to_string);
            problems.iter().map(|one| format!("{} {:?}: {}", shown(&one.address), one.name, one.what)).collect()
        }
    };
    short(lines.join("\n"))
}

fn group(n: u32, name: &str, members: &[u32]) -> (&'static str, Value) {
    let members: Vec<String> = members.iter().map(|n| id(*n)).collect();
    ("group", json!({"id": id(n), "displayName": name, "securityEnabled": true, "members": members}))
}

fn user(n: u32, name: &str) -> (&'static str, Value) {
    ("user", json!({"id": id(n), "displayName": name, "userPrincipalName": name}))
}

fn policy(n: u32, excluded: u32) -> (&'static str, Value) {
    let users = json!({"includeUsers": ["All"], "excludeGroups": [id(excluded)]});
    let value = json!({"id": id(n), "displayName": "MFA", "state": "enabled", "conditions": {"users": users}});
    ("conditionalAccessPolicy", value)
}

#[test]
fn what_agrees_in_name_is_the_same_and_the_rest_is_made() {
    let map = TenantMap { domains: [("a.com".to_owned(), "b.com".to_owned())].into(), ..TenantMap::default() };
    let source =
        [user(1, "ada@a.com"), user(2, "bob@a.com"), group(3, "Sales", &[1, 2]), group(4, "Desk", &[1]), policy(5, 4)];
    let target = [user(11, "ada@b.com"), group(13, "sales", &[11]), group(16, "Own", &[])];
    insta::assert_snapshot!(said(&source, &target, &map, &[]), @r##"
    conditionalAccessPolicy #5: {"conditions":{"users":{"excludeGroups":["#4"],"includeUsers":["All"]}},"displayName":"MFA","id":"#5","state":"enabled"}
    group #4: {"displayName":"Desk","id":"#4","members":["00000011"],"securityEnabled":true}
    group 00000013: {"displayName":"Sales","id":"00000013","members":["#2","00000011"],"securityEnabled":true}
    user #2: {"displayName":"bob@a.com","id":"#2","userPrincipalName":"bob@b.com"}
    user 00000011: {"displayName":"ada@a.com","id":"00000011","userPrincipalName":"ada@b.com"}
    gone group 00000016
    #1 is 00000011
    #3 is 00000013
    "##);
}

#[test]
fn what_leads_nowhere_is_asked_for_unless_it_is_a_link() {
    let source = [user(1, "ada@a.com"), group(3, "Sales", &[1]), policy(5, 4), group(4, "Emergency", &[])];
    let target = [user(11, "eve@b.com"), group(13, "Sales", &[11])];
    let none = TenantMap::default();
    insta::assert_snapshot!(said(&source, &target, &none, &["user", "group:Emergency"]), @r#"
    conditionalAccessPolicy #5 "MFA": conditions.users.excludeGroups names group "Emergency" (#4), which is not here; carry it over as well, say under `ids` in the map what stands for it, or name it under `leaveOut`
    "#);
    insta::assert_snapshot!(said(&source, &target, &none, &[]), @r#"
    the map "": 1 account is in a.com, and none here is; say under `domains` in the map what stands for it, or leave users out with --exclude user
    "#);
    let map = TenantMap { leave_out: [id(4)].into(), ..TenantMap::default() };
    insta::assert_snapshot!(said(&source, &target, &map, &["user"]), @r##"
    conditionalAccessPolicy #5: {"conditions":{"users":{"includeUsers":["All"]}},"displayName":"MFA","id":"#5","state":"enabled"}
    #3 is 00000013
    ! group #3 "Sales": members: without user "ada@a.com" (#1), which is not here
    "##);
    let map = TenantMap { ids: [(id(4), id(13)), (id(7), id(1))].into(), ..TenantMap::default() };
    insta::assert_snapshot!(said(&source, &target, &map, &["user"]), @r#"
    the map "": the map gives #1 for #7, which the other tenant does not have
    "#);
}

#[test]
fn an_application_is_known_by_all_its_ids() {
    let app = |n: u32, app: u32, secret: bool| {
        let mut value = json!({"id": id(n), "appId": id(app), "displayName": "Shop",
            "identifierUris": [format!("api://{}", id(app)), "https://a.com/shop"], "publisherDomain": format!("{n}.com")});
        if secret {
            value["passwordCredentials"] = json!([{"keyId": id(90)}]);
        }
        ("application", value)
    };
    let principal =
        |n: u32, app: u32| ("servicePrincipal", json!({"id": id(n), "appId": id(app), "displayName": "Shop"}));
    let source = [app(1, 2, true), principal(3, 2), user(9, "x@a.com")];
    insta::assert_snapshot!(said(&source, &[user(19, "x@b.com")], &TenantMap::default(), &["user"]), @r##"
    application #1: {"appId":"#2","displayName":"Shop","id":"#1","identifierUris":["api://#2","https://a.com/shop"],"passwordCredentials":[{"keyId":"00000090"}],"publisherDomain":"1.com"}
    servicePrincipal #3: {"appId":"#2","displayName":"Shop","id":"#3"}
    ! application #1 "Shop": identifierUris: of the other tenant's domains
    "##);
    let target = [app(11, 12, false), principal(13, 12), user(19, "x@b.com")];
    insta::assert_snapshot!(said(&source, &target, &TenantMap::default(), &["user"]), @r#"
    #1 is 00000011
    #2 is 00000012
    #3 is 00000013
    "#);
}

#[test]
fn an_assignment_to_nobody_is_left_out() {
    let role = |n: u32| ("roleDefinition", json!({"id": id(n), "displayName": "Reader", "isBuiltIn": true}));
    let holds = json!({"id": "x", "principalId": id(1), "roleDefinitionId": id(7), "directoryScopeId": "/"});
    let source = [user(1, "ada@a.com"), role(7), ("roleAssignment", holds)];
    insta::assert_snapshot!(said(&source, &[role(7)], &TenantMap::default(), &["user"]), @r#"
    ! roleAssignment x "x": is not carried over: its principalId is user "ada@a.com" (#1), which is not here
    "#);
}
