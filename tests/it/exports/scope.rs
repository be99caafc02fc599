//! What is exported, and that nothing follows from what is not.

use entragit::emulator::contoso::names;
use entragit::emulator::{Options, Seed};
use serde_json::{Value, json};

use crate::support::command_line::World;
use crate::support::edits::steps;

const GROUPS: &str = "/v1.0/groups";

fn kinds(world: &World) -> Vec<String> {
    let files = world.git(&["ls-tree", "-r", "--name-only", "snapshots"]);
    let mut folders: Vec<String> = files.lines().filter_map(|path| Some(path.split_once('/')?.0.to_owned())).collect();
    folders.dedup();
    folders
}

fn set(world: &World, what: &str) {
    let settings = std::fs::read_to_string(world.path().join("entragit.yaml")).unwrap();
    let kept = settings.split("\n# mine\n").next().unwrap();
    world.write("entragit.yaml", &format!("{kept}\n# mine\n{what}"));
    world.commit("settings");
}

fn groups(world: &World) -> usize {
    world.git(&["ls-tree", "-r", "--name-only", "snapshots", "groups"]).lines().count()
}

/// The plan's steps to a commit.
fn planned(world: &World, to: &str) -> String {
    let ran = world.run(&["plan", "--to", to, "--json"]);
    assert!(ran.code == 0 || ran.code == 2, "{}", ran.err);
    steps(&ran.json())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_hides_and_proves_nothing() {
    let world = World::exported().await;
    let (all, full) = (groups(&world), world.git(&["rev-parse", "HEAD"]));
    let workers = format!("{GROUPS}/{}", names::REMOTE_WORKERS);

    // Narrowed: what the filter hides leaves the repository, and is neither deleted nor drift.
    set(&world, "filter:\n  group: \"startsWith(displayName,'Remote')\"\n");
    world.run(&["export"]).ok();
    let narrowed = world.git(&["rev-parse", "HEAD"]);
    assert_eq!(groups(&world), 1);
    assert!(world.git(&["show", "HEAD:manifest.yaml"]).contains("filters:\n  group: "));
    world.run(&["diff", &full, "HEAD"]).ok();
    world.run(&["diff", &full, "live"]).ok();
    world.run(&["drift", "--baseline", &full]).ok();
    world.run(&["validate"]).ok();
    assert_eq!(planned(&world, &full), "");

    // What leaves the filter is followed, and brought back.
    assert_eq!(world.graph.patch(&workers, json!({"displayName": "Distant workers"})).await.0, 204);
    world.run(&["export"]).ok();
    assert_eq!(groups(&world), 1);
    assert_eq!(planned(&world, &narrowed), "update group Remote workers");
    world.run(&["apply", "--to", &narrowed, "--yes"]).ok();

    // What comes into it is no reason to delete it.
    let approvers = format!("{GROUPS}/{}", names::ORDER_APPROVERS);
    assert_eq!(world.graph.patch(&approvers, json!({"displayName": "Remote approvers"})).await.0, 204);
    world.run(&["export"]).ok();
    assert_eq!(groups(&world), 2);
    assert_eq!(planned(&world, &narrowed), "");
    world.run(&["watch", "--rounds", "1"]).ok();

    // What is gone is gone, and can come back.
    assert_eq!(world.graph.delete(&workers).await.0, 204);
    world.run(&["watch", "--rounds", "1"]).ok();
    assert_eq!(groups(&world), 1);
    assert!(planned(&world, &narrowed).starts_with("restore group Remote workers\nlink group Remote workers\n"));
    world.run(&["apply", "--to", &narrowed, "--yes"]).ok();

    // Widened again: all is there, and the narrow snapshots still prove nothing.
    set(&world, "");
    world.run(&["export"]).ok();
    assert_eq!(groups(&world), all);
    assert_eq!(planned(&world, &narrowed), "");
    assert!(!world.git(&["show", "HEAD:manifest.yaml"]).contains("filters:"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_of_what_a_filter_lets_through_is_meant() {
    let world = World::new().await;
    set(&world, "filter:\n  group: \"startsWith(displayName,'Remote')\"\n");
    world.run(&["export"]).ok();
    let path = world.git(&["ls-tree", "-r", "--name-only", "HEAD", "groups"]);
    world.git(&["rm", "-q", &path]);
    // A new one that the filter does not let through is followed from its first day.
    world.write(
        "groups/new.yaml",
        "id: new:hidden\ndisplayName: Hidden\nmailEnabled: false\nmailNickname: hidden\nsecurityEnabled: true\n",
    );
    world.commit("one group less, one more");
    assert_eq!(planned(&world, "HEAD"), "create group Hidden\ndelete group Remote workers");
    let ran = world.run(&["apply", "--to", "HEAD", "--yes", "--accept", "lock-out"]);
    // An assignment of an application still names the group that is to go.
    assert!(ran.code == 4 && ran.err.contains("objects read again: 2 converged"), "{}", ran.err);
    let files = world.git(&["ls-tree", "-r", "--name-only", "snapshots", "groups"]);
    assert!(files.contains("hidden.") && files.lines().count() == 1, "{files}");
}

#[tokio::test(flavor = "multi_thread")]
async fn profiles_take_in_what_they_say() {
    let world = World::new().await;
    let of = |arguments: &[&str]| -> Value { world.run(&[&["export", "--json"], arguments].concat()).ok().json() };
    let counts = |exported: &Value| exported["counts"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let config = counts(&of(&["--profile", "config", "--exclude", "servicePrincipals"]));
    assert!(!config.contains(&"user".to_owned()) && !config.contains(&"servicePrincipal".to_owned()));
    assert!(!kinds(&world).contains(&"users".to_owned()));
    // Members are kept as ids, and nothing is wrong with them.
    let workers = world.git(&["grep", "-l", "members:", "snapshots", "--", "groups"]);
    assert!(!workers.is_empty());
    world.run(&["validate"]).ok();
    assert_eq!(planned(&world, "HEAD"), "");
    let recovery = counts(&of(&[]));
    assert!(recovery.contains(&"user".to_owned()) && !recovery.contains(&"subscribedSku".to_owned()), "{recovery:?}");
    world.run(&["export", "--profile", "everything"]).ok();
    assert!(world.run(&["export", "--kind", "grups"]).ends(1).err.contains("did you mean `group`?"));
    assert!(world.run(&["export", "--profile", "all"]).ends(1).err.contains("config"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_may_read_groups_alone_is_known_by_its_token() {
    let roles = Some(vec!["Group.Read.All".to_owned()]);
    let world = World::with(Options { seed: Seed::Contoso, roles, ..Options::default() }).await;
    let ran = world.run(&["export", "--kind", "group"]);
    assert!(ran.code == 0 || ran.code == 4, "{}", ran.err);
    assert!(groups(&world) > 3);
    // The wrong tenant is still refused.
    let other = tempfile::tempdir().unwrap();
    let id = "11111111-2222-4333-8444-555555555555";
    let run = |arguments: &[&str]| {
        let arguments = [&["--repo", other.path().to_str().unwrap()], arguments].concat();
        world.run(&arguments)
    };
    run(&["init", "--tenant", id]).ok();
    let said = run(&["export", "--kind", "group"]).ends(1).err;
    assert!(
        said.contains(&format!("this repository is of tenant {id}, but the sign-in is for tenant {}", names::TENANT)),
        "{said}"
    );
}
