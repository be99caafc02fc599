//! The configuration of one tenant is carried over to another.

use entragit::emulator::{Options, Seed};
use serde_json::{Value, json};

use crate::support::command_line::World;
use crate::support::edits::steps;

/// People, groups, applications, sign-in and roles.
const CARRIED: &[&str] = &[
    "user",
    "group",
    "application",
    "servicePrincipal",
    "namedLocation",
    "authenticationStrengthPolicy",
    "conditionalAccessPolicy",
    "authorizationPolicy",
    "authenticationMethodsPolicy",
    "roleDefinition",
    "roleAssignment",
    "roleManagementPolicy",
];

/// A tenant that has what Microsoft gives to every tenant, and one account.
async fn bare() -> World {
    let tenant = Some("5b2f7c40-3c0e-4a8e-9b61-2f0a4c1d9e77".to_owned());
    let world = World::with(Options { seed: Seed::Empty, tenant, ..Options::default() }).await;
    let body = json!({"displayName": "Admin", "accountEnabled": true, "mailNickname": "admin",
        "userPrincipalName": "admin@contoso.onmicrosoft.com", "passwordProfile": {"password": "Not-a-real-1"}});
    assert_eq!(world.graph.post("/v1.0/users", body).await.0, 201);
    world.run(&["export"]).ok();
    world
}

fn findings(err: &str) -> usize {
    err.lines().filter(|line| line.contains("error[translate]")).count()
}

async fn policies(world: &World) -> Vec<Value> {
    world.graph.pages("/v1.0/identity/conditionalAccess/policies").await
}

#[tokio::test(flavor = "multi_thread")]
async fn conditional_access_is_carried_over_with_the_groups_it_names() {
    let (test, production) = (World::new().await, bare().await);
    test.run(&["export"]).ok();
    production.git(&["fetch", "-q", test.path().to_str().unwrap(), "main"]);
    // Another tenant's commit is never taken for one's own.
    let ran = production.run(&["plan", "--to", "FETCH_HEAD"]).ends(1);
    assert!(ran.err.contains("--map"), "{}", ran.err);
    std::fs::write(production.path().join(".git/map.yaml"), "# nothing yet\n").unwrap();
    let scope =
        ["--kind", "conditionalAccessPolicy", "--kind", "namedLocation", "--kind", "authenticationStrengthPolicy"];
    let plan = |more: &[&str]| {
        let all: Vec<&str> = ["plan", "--to", "FETCH_HEAD", "--map", ".git/map.yaml", "--json"]
            .iter()
            .chain(&scope)
            .chain(more)
            .copied()
            .collect();
        production.run(&all)
    };
    // What the policies name is not there: each is said, and nothing is guessed.
    let ran = plan(&[]).ends(1);
    assert!(findings(&ran.err) > 10 && ran.err.contains("leaveOut"), "{}", ran.err);
    // A repository of the other tenant is no place to plan from.
    let other = production.graph.tenant.tenant_id().to_owned();
    let ran = test.run(&["plan", "--map", ".git/map.yaml", "--tenant", &other]).ends(1);
    assert!(ran.err.contains("init --tenant") && ran.err.contains("git -C"), "{}", ran.err);

    // Who is to be exempt is not here without the accounts: nobody is locked out unasked.
    let all = [
        "plan",
        "--to",
        "FETCH_HEAD",
        "--map",
        ".git/map.yaml",
        "--exclude",
        "user",
        "--exclude",
        "accessPackageAssignmentPolicy",
    ];
    let ran = production.run(&all).ends(3);
    assert!(ran.out.contains("members: without user") && ran.out.contains("refused by lock-out"), "{}", ran.out);
    std::fs::write(production.path().join(".git/map.yaml"), "domains:\n  contoso.com: contoso.onmicrosoft.com\n")
        .unwrap();
    let whole = |more: &[&'static str]| {
        let kinds = CARRIED.iter().flat_map(|kind| ["--kind", *kind]);
        let all = ["plan", "--to", "FETCH_HEAD", "--map", ".git/map.yaml", "--json"];
        let all: Vec<&str> = all.into_iter().chain(kinds).chain(more.iter().copied()).collect();
        production.run(&all)
    };
    let ran = whole(&["--out", ".git/plan.json"]);
    let planned = steps(&ran.json());
    assert!(!planned.contains("delete"), "{planned}");
    assert!(
        production
            .git(&["diff", "--name-only", "snapshots", "refs/entragit/translated"])
            .contains("conditional-access")
    );
    production
        .run(&[
            "apply",
            ".git/plan.json",
            "--yes",
            "--accept",
            "escalation",
            "--accept",
            "lock-out",
            "--accept",
            "mass-change",
        ])
        .recovered();
    let (there, here) = (policies(&test).await, policies(&production).await);
    let names = |policies: &[Value]| {
        let mut names: Vec<String> = policies.iter().map(|policy| policy["displayName"].to_string()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&there), names(&here));
    // No id of the one tenant is left in the other, and every policy names what is there.
    let ids: Vec<String> = test.graph.pages("/v1.0/groups").await.iter().map(|group| group["id"].to_string()).collect();
    let text = serde_json::to_string(&here).unwrap();
    assert!(ids.iter().all(|id| !text.contains(id.trim_matches('"'))));
    // Once more, and there is nothing to do but what came into being with what was made.
    production.git(&["fetch", "-q", test.path().to_str().unwrap(), "main"]);
    let again = whole(&[]);
    let left = steps(&again.json());
    assert!(left.lines().all(|line| line.contains("roleManagementPolicy")), "{left}");
}
