//! What must not happen on the worst day, through the binary and the embedded tenant.

mod files;

use entragit::emulator::contoso::names;
use serde_json::{Value, json};

use crate::support::command_line::World;
use crate::support::edits::{replace, sheltering, steps};

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_without_coverage_deletes_nothing() {
    let world = World::exported().await;
    for only in [&[][..], &["--kind", "namedLocation"]] {
        let ran = world.run(&[&["plan", "--to", "HEAD~1"], only].concat()).ends(1);
        assert!(ran.err.contains("HEAD~1 says of no kind of object that it was read"), "{}", ran.err);
    }
    // Files without a manifest speak for the kinds they are of, and for no other.
    world.git(&["rm", "-q", "manifest.yaml"]);
    world.git(&["rm", "-qr", "groups", "users"]);
    world.commit("no manifest");
    let plan = world.run(&["plan", "--to", "HEAD", "--json"]).ok().json();
    assert_eq!(steps(&plan), "");
}

/// A group made from a label, then the label used for something else: the group is neither renamed nor deleted for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_label_is_given_once() {
    let world = World::exported().await;
    let team = |name: &str, nick: &str| {
        format!(
            "id: new:team\ndisplayName: {name}\ndescription: x\nmailEnabled: false\nmailNickname: {nick}\nsecurityEnabled: true\n"
        )
    };
    world.write("groups/team.yaml", &team("Pilot ring", "pilot"));
    world.commit("a group");
    let asked = world.git(&["rev-parse", "HEAD"]);
    world.run(&["apply", "--to", "HEAD", "--yes"]).ok();
    let made = world.graph.pages("/v1.0/groups").await.into_iter().find(|group| group["displayName"] == "Pilot ring");
    let id = made.unwrap()["id"].as_str().unwrap().to_owned();
    // The commit that asked for it still means it.
    let plan = world.run(&["plan", "--to", &asked, "--json"]).ok().json();
    assert_eq!(steps(&plan), "");
    // A later commit cannot.
    world.write("groups/other.yaml", &team("Second ring", "second"));
    world.commit("the label again");
    let ran = world.run(&["plan", "--to", "HEAD"]).ends(1);
    assert!(ran.err.contains("[label-used]") && ran.err.contains(&id), "{}", ran.err);
    // Nor can a branch that was made before.
    world.git(&["reset", "-q", "--hard", "HEAD~1"]);
    world.git(&["checkout", "-qb", "elsewhere", &format!("{asked}~1")]);
    world.write(
        "conditional-access/named-locations/team.yaml",
        "\"@odata.type\": \"#microsoft.graph.countryNamedLocation\"\ncountriesAndRegions:\n  - DE\ndisplayName: Office\nid: new:team\nincludeUnknownCountriesAndRegions: false\n",
    );
    world.commit("the label elsewhere");
    let ran = world.run(&["plan", "--to", "HEAD"]).ends(1);
    assert!(ran.err.contains("[label-used]") && ran.err.contains("Pilot ring"), "{}", ran.err);
}

/// An edit waits on main while colleagues go on: it is carried out, and what they did stays.
#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_waited_undoes_nothing_else() {
    let world = World::exported().await;
    let edit = |from: &str, to: &str| {
        let path = world.git(&["ls-files", &format!("groups/*{}.yaml", names::REMOTE_WORKERS)]);
        let text = std::fs::read_to_string(world.path().join(&path)).unwrap();
        assert!(text.contains(from), "{text}");
        world.write(&path, &text.replacen(from, to, 1));
        world.commit("an edit");
    };
    edit("description: ", "description: Ours. ");
    let policies = "/v1.0/identity/conditionalAccess/policies";
    let policy = format!("{policies}/{}", names::ORDERING_POLICY);
    assert_eq!(world.graph.patch(&policy, json!({"state": "disabled"})).await.0, 204);
    for name in ["one", "two", "three"] {
        let body = json!({"displayName": name, "mailEnabled": false, "mailNickname": name, "securityEnabled": true});
        assert_eq!(world.graph.post("/v1.0/groups", body).await.0, 201);
    }
    world.run(&["export"]).ok();
    let plan = world.run(&["plan", "--to", "main", "--json"]).ends(2).json();
    insta::assert_snapshot!(steps(&plan), @r"update group Remote workers");
    let ran = world.run(&["apply", "--to", "main", "--yes"]).ok();
    assert!(ran.err.contains("the tenant went on since"), "{}", ran.err);
    assert_eq!(world.graph.ok(&policy).await["state"], "disabled");
    assert_eq!(world.git(&["rev-parse", "main"]), world.git(&["rev-parse", "snapshots"]), "one line again");
    // What both changed is nobody's to decide but a person's.
    edit("description: Ours. ", "description: Ours again. ");
    let group = format!("/v1.0/groups/{}", names::REMOTE_WORKERS);
    assert_eq!(world.graph.patch(&group, json!({"description": "Theirs"})).await.0, 204);
    world.run(&["export"]).ok();
    let ran = world.run(&["apply", "--to", "main", "--yes"]).ends(1);
    assert!(ran.err.contains("description changed here and in the tenant since"), "{}", ran.err);
    assert!(ran.err.contains("git merge snapshots"), "{}", ran.err);
    assert_eq!(world.graph.ok(&group).await["description"], "Theirs");
    // To want the commit as it stands takes a word that git knows.
    world.git(&["merge", "-q", "-s", "ours", "--no-edit", "snapshots"]);
    world.run(&["plan", "--to", "main"]).ends(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn break_glass_accounts_are_known_by_name_and_by_their_groups() {
    let world = World::new().await;
    let account = world.graph.ok(&format!("/v1.0/users/{}", names::EMERGENCY_1)).await;
    let name = account["userPrincipalName"].as_str().unwrap().to_uppercase();
    replace(&world, "entragit.yaml", names::EMERGENCY_1, &name);
    world.commit("by name");
    world.run(&["export"]).ok();
    let (path, line) = sheltering(&world);
    replace(&world, &path, &line, "");
    world.commit("nobody is left out");
    // No user is read for this, and no group.
    let ran = world.run(&["plan", "--to", "HEAD", "--kind", "conditionalAccessPolicy"]).ends(3);
    assert!(ran.out.contains("takes something from a break-glass account: update"), "{}", ran.out);
    // The account is gone and nobody can tell who it is: neither is a plan made.
    world.git(&["reset", "-q", "--hard", "HEAD~1"]);
    replace(&world, "entragit.yaml", &name, "NOBODY@contoso.com");
    world.commit("a mistake");
    world.run(&["export", "--accept", "settings"]).ok();
    replace(&world, &path, &line, "");
    world.commit("nobody is left out");
    let ran = world.run(&["plan", "--to", "HEAD"]).ends(3);
    assert!(ran.out.contains("breakGlass names nobody@contoso.com"), "{}", ran.out);
}

/// The account by whose name the guard goes is the one that was deleted: that must not keep it from coming back.
#[tokio::test(flavor = "multi_thread")]
async fn a_break_glass_account_that_was_deleted_comes_back() {
    let world = World::new().await;
    let user = format!("/v1.0/users/{}", names::EMERGENCY_1);
    let account = world.graph.ok(&user).await;
    replace(&world, "entragit.yaml", names::EMERGENCY_1, account["userPrincipalName"].as_str().unwrap());
    world.commit("by name");
    world.run(&["export"]).ok();
    assert_eq!(world.graph.delete(&user).await.0, 204);
    world.run(&["export"]).ok();
    world.run(&["plan", "--to", "HEAD~1", "--out", "plan.json"]).ends(2);
    world.run(&["apply", "plan.json", "--yes"]).ok();
    assert_eq!(world.graph.ok(&user).await["id"], names::EMERGENCY_1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_does_not_bring_its_own_guards() {
    let world = World::exported().await;
    let (path, line) = sheltering(&world);
    replace(&world, &path, &line, "");
    replace(&world, "entragit.yaml", names::EMERGENCY_1, names::ADMINISTRATOR_ID);
    let before = world.git(&["rev-parse", "HEAD"]);
    world.commit("no guards");
    let ran = world.run(&["apply", "--to", "HEAD", "--yes"]).ends(3);
    assert!(ran.err.contains("guards: snapshots:entragit.yaml"), "{}", ran.err);
    world.git(&["update-ref", "refs/remotes/origin/main", &before]);
    let ran = world.run(&["plan", "--to", "HEAD", "--out", "plan.json"]).ends(3);
    assert!(ran.err.contains("guards: origin/main:entragit.yaml"), "{}", ran.err);
    world.run(&["apply", "plan.json", "--yes"]).ends(3);
    // One that is wrong is no reason to trust the work tree.
    let tree = world.git(&["rev-parse", "HEAD^{tree}"]);
    replace(&world, "entragit.yaml", "guards:", "gards:");
    world.commit("a mistake");
    world.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    world.git(&["reset", "-q", "--hard", "HEAD~1"]);
    assert_eq!(world.git(&["rev-parse", "HEAD^{tree}"]), tree);
    let ran = world.run(&["plan", "--to", "HEAD"]).ends(3);
    assert!(ran.err.contains("origin/main:entragit.yaml cannot be used"), "{}", ran.err);
    assert!(ran.err.contains("guards: snapshots:entragit.yaml"), "{}", ran.err);
    // A file that whoever runs it trusts.
    let tenant = world.graph.tenant.tenant_id();
    world.write("docs/guards.yaml", &format!("tenant: {tenant}\nbreakGlass: []\n"));
    world.run(&["plan", "--to", "HEAD", "--guards", "docs/guards.yaml"]).ends(2);
    world.write("docs/guards.yaml", "tenant: another\n");
    world.run(&["plan", "--to", "HEAD", "--guards", "docs/guards.yaml"]).ends(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_application_that_recovers_keeps_its_own_permissions() {
    let world = World::exported().await;
    let (code, app) = world.graph.post("/v1.0/applications", json!({"displayName": "Recovery"})).await;
    assert_eq!(code, 201, "{app}");
    let body = json!({"appId": app["appId"]});
    let (code, principal) = world.graph.post("/v1.0/servicePrincipals", body).await;
    assert_eq!(code, 201, "{principal}");
    let api = format!("/v1.0/servicePrincipals/{}/appRoleAssignedTo", names::ORDERING_PRINCIPAL);
    let role = json!({
        "appRoleId": "00000000-0000-0000-0000-000000000000",
        "principalId": principal["id"], "resourceId": names::ORDERING_PRINCIPAL
    });
    let (code, said) = world.graph.post(&api, role).await;
    assert_eq!(code, 201, "{said}");
    let plan = world.run(&["plan", "--to", "HEAD", "--json"]).ends(4).json();
    assert_eq!(steps(&plan), "", "what no snapshot knew is left there with what it was given");
    let left = plan["left"].as_array().unwrap();
    assert!(left.len() == 3 && left.iter().all(|left| left["obstacle"] == "unmanaged"), "and that is said: {left:?}");
    world.run(&["export"]).ok();
    let plan = world.run(&["plan", "--to", "HEAD~1", "--json"]).ends(2).json();
    insta::assert_snapshot!(steps(&plan), @r"
    unlink servicePrincipal Order Desk
    delete servicePrincipal Recovery
    delete application Recovery
    ");
    let own = app["appId"].as_str().unwrap();
    let ran = world.run(&["plan", "--to", "HEAD~1", "--client-id", own]).ends(3);
    assert!(ran.out.contains("the plan changes whoever is signed in"), "{}", ran.out);
}

/// A secret that was rotated since the snapshot is one that the commit lacks, and the next run needs it.
#[tokio::test(flavor = "multi_thread")]
async fn the_application_that_recovers_keeps_its_own_secret() {
    let world = World::new().await;
    let (code, app) = world.graph.post("/v1.0/applications", json!({"displayName": "Recovery"})).await;
    assert_eq!(code, 201, "{app}");
    world.run(&["export"]).ok();
    let add = format!("/v1.0/applications/{}/addPassword", app["id"].as_str().unwrap());
    let (code, said) = world.graph.post(&add, json!({"passwordCredential": {"displayName": "rotated"}})).await;
    assert_eq!(code, 200, "{said}");
    let ran = world.run(&["plan", "--to", "HEAD"]).ends(2);
    assert!(ran.out.contains("rotated"), "{}", ran.out);
    let own = app["appId"].as_str().unwrap();
    let ran = world.run(&["plan", "--to", "HEAD", "--client-id", own]).ends(3);
    assert!(ran.out.contains("the plan changes whoever is signed in"), "{}", ran.out);
}

/// The tenant itself had a policy that names a group which is gone: that is no reason to refuse the policy's recovery.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_snapshot_left_dangling_can_be_recovered() {
    let world = World::new().await;
    let policy = format!("/v1.0/identity/conditionalAccess/policies/{}", names::ORDERING_POLICY);
    assert_eq!(world.graph.delete(&format!("/v1.0/groups/{}", names::REMOTE_WORKERS)).await.0, 204);
    world.run(&["export"]).ok();
    assert_eq!(world.graph.delete(&policy).await.0, 204);
    world.run(&["export"]).ok();
    let ran = world.run(&["plan", "--to", "HEAD~1"]).ends(2);
    assert!(ran.err.contains(names::REMOTE_WORKERS) && ran.err.contains("the tenant had it like this"), "{}", ran.err);
    // The same on a branch that reverts it, whatever was exported since.
    world.git(&["revert", "--no-edit", "HEAD"]);
    world.run(&["apply", "--to", "HEAD", "--yes"]).ok();
    assert_eq!(world.graph.ok(&policy).await["id"], names::ORDERING_POLICY);
}

/// What would lock the emergency accounts out is refused before the first write: also from a plan file, also if only policies
/// are looked at; what leaves them out passes.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_locked_out_by_a_pull_request() {
    let world = World::exported().await;
    let policy = |more: &str| {
        format!(
            "id: new:strict\ndisplayName: Strict\nconditions:\n  applications:\n    includeApplications:\n      - All\n  clientAppTypes:\n    - all\n  users:\n{more}    includeUsers:\n      - All\ngrantControls:\n  builtInControls:\n    - compliantDevice\n  operator: OR\nstate: enabled\n"
        )
    };
    let path = "conditional-access/policies/strict.yaml";
    world.write(path, &policy(""));
    world.commit("strict");
    let ran =
        world.run(&["plan", "--to", "HEAD", "--kind", "conditionalAccessPolicy", "--out", ".git/plan.json"]).ends(3);
    assert!(
        ran.out
            .contains("refused by lock-out: after wave 1: the policy \"Strict\" asks for the control compliantDevice"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains(&format!("--accept lock-out:user/{}", names::EMERGENCY_1)), "{}", ran.out);
    let ran = world.run(&["apply", ".git/plan.json", "--yes"]).ends(3);
    assert!(ran.err.contains("refused by lock-out"), "{}", ran.err);
    let document: Value = serde_json::from_slice(&std::fs::read(world.path().join(".git/plan.json")).unwrap()).unwrap();
    assert_eq!(document["verdicts"][0]["objects"][0], format!("user/{}", names::EMERGENCY_1));
    let policies = world.graph.pages("/v1.0/identity/conditionalAccess/policies").await;
    assert!(policies.iter().all(|policy| policy["displayName"] != "Strict"));
    let other = format!("lock-out:user/{}", names::EMERGENCY_2);
    world.run(&["plan", "--to", "HEAD", "--accept", &other]).ends(3);
    let one = format!("lock-out:user/{}", names::EMERGENCY_1);
    world.run(&["plan", "--to", "HEAD", "--accept", &one]).ends(2);
    world.write(path, &policy(&format!("    excludeGroups:\n      - {}\n", names::EMERGENCY_ACCESS)));
    world.commit("not for the emergency accounts");
    world.run(&["plan", "--to", "HEAD", "--kind", "conditionalAccessPolicy"]).ends(2);
    world.run(&["apply", "--to", "HEAD", "--yes"]).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn guards_refuse_and_are_lifted_by_name() {
    let world = World::exported().await;
    let patch = json!({"accountEnabled": false});
    assert_eq!(world.graph.patch(&format!("/v1.0/users/{}", names::EMERGENCY_1), patch).await.0, 204);
    world.run(&["export"]).ok();
    let back = json!({"accountEnabled": true});
    assert_eq!(world.graph.patch(&format!("/v1.0/users/{}", names::EMERGENCY_1), back).await.0, 204);
    world.run(&["export"]).ok();
    let ran = world.run(&["apply", "--to", "HEAD~1", "--yes"]).ends(3);
    assert!(ran.err.contains("break-glass"), "{}", ran.err);
    let ran = world.run(&["apply", "--to", "HEAD~1", "--yes", "--accept", "breakglass"]).ends(1);
    assert!(ran.err.contains("there are mass-delete, mass-change, break-glass"), "{}", ran.err);
    let other = format!("break-glass:user/{}", names::EMERGENCY_2);
    world.run(&["apply", "--to", "HEAD~1", "--yes", "--accept", &other]).ends(3);
    let accepted = format!("break-glass:user/{}", names::EMERGENCY_1);
    world.run(&["plan", "--to", "HEAD~1"]).ends(3);
    let ran = world.run(&["plan", "--to", "HEAD~1", "--accept", &accepted]).ends(2);
    assert!(ran.out.contains("(accepted)"), "{}", ran.out);
    world.run(&["apply", "--to", "HEAD~1", "--yes", "--lift", "break-glass"]).ok();
    let receipt = world.git(&["log", "-1", "--format=%(trailers:key=Entragit-Accepted,valueonly)", "snapshots"]);
    assert_eq!(receipt.trim(), accepted);
}
