//! `export`: the same tenant gives the same tree, what cannot be read is kept, and what waits on `main` is said.

use entragit::emulator::contoso::names;
use entragit::emulator::{Options, Seed};
use serde_json::{Value, json};

use crate::support::command_line::{Ran, World, hermetic};
use crate::support::graph::Graph;

#[tokio::test(flavor = "multi_thread")]
async fn the_same_tenant_gives_the_same_tree_and_no_commit() {
    let world = World::new().await;
    let first = world.run(&["export", "--json"]).ok().json();
    assert_eq!(first["complete"], true);
    let tree = world.git(&["rev-parse", "snapshots^{tree}"]);
    let second = world.run(&["export", "--json"]).ok().json();
    assert_eq!(second["commit"], Value::Null);
    // Names of what is not read this time are still known.
    let part = world.run(&["export", "--kind", "conditionalAccessPolicy", "--json"]).ok().json();
    assert_eq!(part["commit"], Value::Null, "{part}");
    world.run(&["diff", "HEAD", "live", "--kind", "conditionalAccessPolicy"]).ok();
    assert_eq!(world.git(&["rev-parse", "snapshots^{tree}"]), tree);
    // Another machine, another repository, the same tree.
    let other = tempfile::tempdir().unwrap();
    let url = world.graph.tenant.url();
    let run = |arguments: &[&str]| {
        let mut command = hermetic(env!("CARGO_BIN_EXE_entragit"), other.path());
        command.env("ENTRAGIT_GRAPH_URL", &url).env("ENTRAGIT_AUTHORITY_URL", &url).env("AZURE_CLIENT_ID", "x");
        Ran::of(&command.env("AZURE_CLIENT_SECRET", "x").env("LC_ALL", "tr_TR.UTF-8").args(arguments).output().unwrap())
    };
    run(&["init", "--tenant", names::TENANT, "--break-glass", names::EMERGENCY_1, "--bare"]).ok();
    run(&["export"]).ok();
    let there = Ran::of(&hermetic("git", other.path()).args(["rev-parse", "snapshots^{tree}"]).output().unwrap());
    assert_eq!(there.ok().out.trim(), tree);
    world.run(&["diff", "HEAD", "live"]).ok();
    world.run(&["validate"]).ok();
    world.run(&["plan", "--to", "HEAD"]).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_carried_over_and_marked() {
    let state = tempfile::tempdir().unwrap();
    let file = state.path().join("tenant.json");
    let world = World::new().await;
    let user = format!("/v1.0/users/{}", names::ADMINISTRATOR_ID);
    let leave = json!({"employeeLeaveDateTime": "2030-01-31T00:00:00Z"});
    assert_eq!(world.graph.patch(&user, leave).await.0, 204);
    world.run(&["export"]).ok();
    world.graph.tenant.save(&file).unwrap();
    let roles =
        ["User.Read.All", "Policy.Read.All", "Organization.Read.All", "Application.Read.All", "Directory.Read.All"];
    let roles = roles.iter().map(|role| (*role).to_owned()).filter(|role| role != "Directory.Read.All").collect();
    let poorer = Graph::with(Options { state: Some(file), roles: Some(roles), ..Options::default() }).await;
    let url = poorer.tenant.url();
    let before = world.git(&["ls-tree", "-r", "--name-only", "HEAD", "groups"]);
    let ran = world.run_at(&url, &["export"]).ends(4);
    assert!(ran.err.contains("Group"), "the permission is named: {}", ran.err);
    assert_eq!(world.git(&["ls-tree", "-r", "--name-only", "HEAD", "groups"]), before, "nothing is deleted");
    assert!(world.git(&["show", "HEAD:manifest.yaml"]).contains("group: denied-permission"));
    // A property that takes a permission of its own is carried over as well.
    assert!(world.git(&["show", "HEAD:manifest.yaml"]).contains("user.employeeLeaveDateTime: denied-permission"));
    let person = world.git(&["show", &format!("HEAD:users/{}.yaml", names::ADMINISTRATOR_ID)]);
    assert!(person.contains("2030-01-31"), "{person}");
    let plan = world.run_at(&url, &["plan", "--to", "HEAD~1", "--json"]);
    assert_eq!(plan.code, 4, "what the commit says of groups is not compared: {}", plan.err);
    let plan = plan.json();
    let steps = plan["steps"].as_array().unwrap();
    assert!(steps.iter().all(|step| step["kind"] != "group" && step["action"] != "delete"), "{plan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_tenant_is_neither_read_nor_written() {
    let world = World::exported().await;
    let other = Graph::with(Options {
        seed: Seed::Contoso,
        tenant: Some("99999999-0000-4000-8000-000000000000".to_owned()),
        ..Options::default()
    })
    .await;
    let before = world.git(&["rev-parse", "snapshots"]);
    let ran = world.run_at(&other.tenant.url(), &["export"]).ends(1);
    assert!(ran.err.contains("99999999") || ran.err.contains("AADSTS"), "{}", ran.err);
    assert_eq!(world.git(&["rev-parse", "snapshots"]), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn export_says_what_brings_pending_edits_into_the_tenant_or_takes_them_back() {
    let world = World::exported().await;
    let file = |id: &str| world.git(&["ls-files", &format!("groups/*{id}.yaml")]);
    let edited = file(names::REMOTE_WORKERS);
    // Graph alone gives a group its address.
    let fixed = world.git(&["grep", "-l", "^mail: ", "--", "groups"]).lines().next().unwrap().to_owned();
    let edit = |path: &str, property: &str, value: &str| {
        let text = std::fs::read_to_string(world.path().join(path)).unwrap();
        let lines = text.lines().map(|line| match line.starts_with(&format!("{property}:")) {
            true => format!("{property}: {value}\n"),
            false => format!("{line}\n"),
        });
        let changed: String = lines.collect();
        assert_ne!(changed, text);
        world.write(path, &changed);
    };
    edit(&edited, "description", "Edited on main");
    edit(&fixed, "mail", "other@contoso.com");
    world.commit("Two edits");
    let said = world.run(&["export"]).ok().err;
    assert!(said.contains("(2 files)") && said.contains("`entragit apply --changes`"), "{said}");
    assert!(said.contains(&format!("  pending: {edited}\n")) && !said.contains(&format!("pending: {fixed}")), "{said}");
    assert!(said.contains(&format!("{fixed}: no step can write this edit")), "{said}");
    // Both commands do what they say.
    assert!(said.contains(&format!("`git checkout snapshots -- {fixed}`")), "{said}");
    world.git(&["checkout", "snapshots", "--", &fixed]);
    world.commit("Take one back");
    world.run(&["plan", "--changes"]).ends(2);
    world.run(&["apply", "--changes", "--yes"]).ok();
    let said = world.run(&["export"]).ok().err;
    assert!(!said.contains("was left alone"), "{said}");
    assert_eq!(world.git(&["rev-parse", "main"]), world.git(&["rev-parse", "snapshots"]));
    // From another branch the range says which one is meant.
    edit(&edited, "description", "Edited again");
    world.commit("One more");
    world.git(&["checkout", "-q", "-b", "other", "snapshots"]);
    let said = world.run(&["export"]).ok().err;
    assert!(said.contains("(1 file)") && said.contains("`entragit plan --changes ..main`"), "{said}");
    world.run(&["plan", "--changes", "..main"]).ends(2);
}
